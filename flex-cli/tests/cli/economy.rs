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
    days: Vec<String>,
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
        Self { machine, model, days: vec![days] }
    }

    fn flex(&self, command: &str, more: &[&str]) -> (Run, Value) {
        let days: Vec<_> = self.days.iter().map(String::as_str).collect();
        let arguments = [&[command], &days[..], &["--bucket", DESTINATION, "--json"], more].concat();
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
    // Beside the copies: the listings, and the role.
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

#[test]
fn a_month_of_many_pages_is_listed_side_by_side_in_hardly_more_requests_than_pages() {
    let nothing = Scene::named("nothing-1m").unwrap();
    let served = Served::new(Scene { days: 19, per_day: 2000, latency: 0.02, ..nothing });
    let (run, stats) = served.flex("copy", &[]);
    assert_eq!(run.summary()["identical"]["objects"], 38_000);
    // 38 pages on each side, and one that is of no use for each part that the month is cut into.
    let lists = number(&stats["by_operation"], "ListObjectsV2");
    assert!((76..=76 + 36).contains(&lists), "{stats}");
    assert!(number(&stats, "peak_in_flight") >= 8, "{stats}");
}

#[test]
fn a_year_of_few_keys_takes_one_listing_of_each_side() {
    let mut served = Served::new(Scene { days: 245, per_day: 4, ..Scene::named("nothing-10k").unwrap() });
    served.days = vec!["2023".into()];
    let (run, stats) = served.flex("verify", &[]);
    assert_eq!(run.summary()["proven"]["objects"], 980);
    assert_eq!(stats["by_operation"]["ListObjectsV2"], 2, "{stats}");
}

#[test]
fn days_that_are_not_selected_are_passed_over() {
    let mut served = Served::new(Scene { days: 19, per_day: 1000, ..Scene::named("nothing-1m").unwrap() });
    served.days = vec!["2010/01/04..2010/01/07".into(), "2010/01/25..2010/01/28".into()];
    let (run, stats) = served.flex("verify", &[]);
    assert_eq!(run.summary()["proven"]["objects"], 8000);
    let lists = number(&stats["by_operation"], "ListObjectsV2");
    // Eight pages, one or two more at each gap and end, and the other spelling: the month has 19 pages on each side.
    assert!(lists <= 2 * (8 + 6), "{stats}");
}

#[test]
fn a_plan_compares_the_proofs_and_names_the_layouts() {
    let latency = Scene::named("latency").unwrap();
    let served = Served::new(Scene { days: 5, bandwidth: None, latency: 0.0, ..latency });
    let (plan, stats) = served.flex("plan", &[]);
    // HEADs of a sample, whatever there is to copy.
    let asked = number(&stats["by_operation"], "HeadObject");
    assert!((5..=8).contains(&asked), "{stats}");
    let plan = plan.summary();
    assert_eq!(plan["sampled_layouts"], serde_json::json!([{ "part_size": 8 << 20, "sources": asked }]));
    let (etag, size) = (&plan["proofs"]["etag"], &plan["proofs"]["size"]);
    assert_eq!((&size["requests"], &size["size_only"]["objects"]), (&200.into(), &200.into()), "{plan}");
    assert_eq!(etag["size_only"]["objects"], 0, "{plan}");
    assert_eq!(etag["bound"]["by"], "writes", "{plan}");

    let text = served.machine.flex(&["plan", &served.days[0], "--bucket", DESTINATION]).expect(0).out;
    let parts = format!("source parts: 8388608 bytes in {asked} ({asked} asked, of 200 multipart sources)");
    assert!(text.contains(&parts), "{text}");
    assert!(text.contains("--proof size: 200 requests, 200 objects by size only"), "{text}");

    // The plan says what the copy then takes.
    let (copy, stats) = served.flex("copy", &[]);
    assert_copied(&stats, 200);
    let copies: u64 = stats["by_operation"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let beside = 2 * asked + number(&stats["by_operation"], "ListObjectsV2") + number(&stats["by_operation"], "STS");
    assert_eq!(number(etag, "requests"), copies - beside, "{stats}");
    assert_eq!(copy.summary()["bound"]["by"], "writes");
}
