//! What a run costs, in what can be counted: requests, connections, requests in flight, memory. Against the load model, which
//! judges what is there afterwards. Timings are for the benchmarks.

use std::{sync::Arc, thread};

use flex_tests::loadmodel::{DESTINATION, Model, Partition, Scene, serve};
use serde_json::Value;

use super::support::{Machine, Run};

/// A user's machine and a load model, which ends with the process.
struct Served {
    machine: Machine,
    model: Arc<Model>,
    days: String,
}

impl Served {
    fn new(scene: Scene) -> Self {
        let model = Arc::new(Model::new(scene));
        let (send, address) = std::sync::mpsc::channel();
        let served = model.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                send.send(listener.local_addr().unwrap()).unwrap();
                serve(listener, served).await
            })
        });
        let mut machine = Machine::bare();
        machine
            .set("AWS_ENDPOINT_URL", format!("http://{}", address.recv().unwrap()))
            .set("AWS_ACCESS_KEY_ID", "AKIALOADMODEL0000000")
            .set("AWS_SECRET_ACCESS_KEY", "load");
        let told = model.scene();
        let days = format!("{}..{}", told["first_day"].as_str().unwrap(), told["last_day"].as_str().unwrap());
        Self { machine, model, days }
    }

    fn flex(&self, command: &str, more: &[&str]) -> (Run, Value) {
        let arguments = [&[command, &self.days, "--bucket", DESTINATION, "--json"], more].concat();
        let run = self.machine.flex(&arguments).expect(0);
        (run, self.model.stats())
    }
}

fn number(stats: &Value, name: &str) -> u64 {
    stats[name].as_u64().unwrap_or_else(|| panic!("{name}: {stats}"))
}

#[track_caller]
fn assert_copied(stats: &Value, objects: u64) {
    assert_eq!((number(stats, "present"), number(stats, "copied")), (objects, objects), "{stats}");
    assert_eq!((&stats["complete"], &stats["right"]), (&Value::Bool(true), &Value::Bool(true)), "{stats}");
}

#[test]
fn small_objects_take_one_request_each_on_connections_that_are_reused() {
    let scene = Scene { days: 100, ..Scene::named("small").unwrap() };
    let served = Served::new(scene);
    let (_, stats) = served.flex("copy", &[]);
    assert_copied(&stats, 4000);
    // Beside the copies: two listings for each month and spelling of five months, and the role.
    let rest = number(&stats, "requests") - 4000;
    assert!(rest <= 60, "{rest} requests beside the copies: {stats}");
    // A connection that is being opened while another becomes free is one too many.
    assert!(number(&stats, "connections") <= 1500, "{stats}");
    assert!(number(&stats, "peak_in_flight") <= 1024, "{stats}");
}

#[test]
fn objects_by_parts_take_three_requests_beside_their_parts_and_places_are_used() {
    let latency = Scene::named("latency").unwrap();
    let served = Served::new(Scene { days: 5, bandwidth: None, ..latency });
    let (_, stats) = served.flex("copy", &[]);
    assert_copied(&stats, 200);
    assert_eq!(stats["same_etag"], 200, "{stats}");
    let by = &stats["by_operation"];
    for operation in ["CreateMultipartUpload", "CompleteMultipartUpload", "HeadObject"] {
        assert!(by[operation].as_u64().unwrap() <= 200, "{operation}: {stats}");
    }
    assert!(number(&stats, "peak_in_flight") > 64, "{stats}");
}

#[test]
fn a_partition_that_is_limited_costs_few_requests_and_gives_nothing_up() {
    for partition in [Partition::Bucket, Partition::Month] {
        let limited = Scene::named("limited").unwrap();
        let served = Served::new(Scene { days: 60, write_limit: Some(1000.0), partition, ..limited });
        let (_, stats) = served.flex("copy", &[]);
        assert_copied(&stats, 2400);
        let copies = stats["by_operation"]["CopyObject"].as_u64().unwrap();
        assert!(copies <= 2400 * 125 / 100, "{copies} requests for 2400 objects: {stats}");
    }
}

#[test]
fn nothing_to_do_takes_a_page_of_each_side_for_a_thousand_keys() {
    let served = Served::new(Scene { days: 100, latency: 0.0, ..Scene::named("nothing-10k").unwrap() });
    let (run, stats) = served.flex("copy", &[]);
    assert_eq!(run.summary()["identical"]["objects"], 4000);
    assert!(number(&stats, "requests") <= 40, "{stats}");
    assert!(number(&stats, "connections") <= 40, "{stats}");
}
