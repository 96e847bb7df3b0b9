//! Ends that nobody planned: kill -9 at any moment, connections that are cut, too few files, two runs at once.

#![cfg(unix)]

use std::{
    net::SocketAddr,
    process::Output,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use flex_tests::sandbox::{FlexSeed, Identity, ObjectSpec, VENDOR_BUCKET};

use crate::support::{BUCKET, Run, Subscriber, cutter::cut_in_the_middle, date, until};

const MIB: u64 = 1 << 20;

/// Some small files and three that are copied in parts, each answer a few milliseconds late.
async fn scene(files: u32) -> Subscriber {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), files)).await;
    for n in 1..=3 {
        let spec = ObjectSpec::new(20 * MIB + n).seed(n).part_size(8 * MIB);
        user.world.put_object(VENDOR_BUCKET, &format!("2021/05/31/20210531_2_00{n}.pcap.gz"), spec);
    }
    user.world.latency(Duration::from_millis(3));
    user
}

const COPY: [&str; 5] = ["copy", "2021/05/31", "--json", "--max-in-flight", "4"];
const CLEAN: [&str; 5] = ["clean", "--older-than", "0s", "--yes", "--json"];

/// Everything that was asked of the sandbox so far.
fn asked(user: &Subscriber) -> u64 {
    user.world.counts().values().sum()
}

fn clean(user: &Subscriber) -> Output {
    let owner = Identity::owner();
    let mut command = user.machine.command(CLEAN);
    command.env("AWS_ACCESS_KEY_ID", owner.access_key_id()).env("AWS_SECRET_ACCESS_KEY", owner.secret_access_key());
    command.output().unwrap()
}

/// The destination holds the source's keys with the source's content, and nothing else.
#[track_caller]
fn assert_whole(user: &Subscriber, what: &str) {
    let keys = user.world.objects(VENDOR_BUCKET);
    assert_eq!(user.world.objects(BUCKET), keys, "{what}");
    for key in &keys {
        assert!(user.world.same_content(VENDOR_BUCKET, key, BUCKET, key), "{what}: {key}");
    }
}

/// Kills one run at its nth request and repeats it: whether it was killed before its end, and whether it left an upload.
fn killed_at(user: &Subscriber, n: u64, what: &str) -> (bool, bool) {
    let mut child = user.machine.start(&COPY);
    let mut over = false;
    until(what, || {
        over = child.try_wait().unwrap().is_some();
        over || asked(user) >= n
    });
    let killed = !over && child.kill().is_ok();
    child.wait().unwrap();
    let left = !user.world.open_uploads(BUCKET).is_empty();
    let again = Run::of(&COPY, user.machine.command(COPY).output().unwrap());
    assert_eq!(again.code, Some(0), "{what}\n{again}");
    let summary = again.summary();
    let (copied, identical) = (summary["copied"]["objects"].as_u64(), summary["identical"]["objects"].as_u64());
    let whole = user.world.object_count(VENDOR_BUCKET) as u64;
    assert_eq!(copied.zip(identical).map(|(c, i)| c + i), Some(whole), "{what}\n{again}");
    assert_whole(user, what);
    let cleaned = Run::of(&CLEAN, clean(user));
    assert_eq!(cleaned.code, Some(0), "{what}\n{cleaned}");
    assert_eq!(user.world.open_uploads(BUCKET), [], "{what}\n{cleaned}");
    assert_eq!(user.world.count("DeleteObject") + user.world.count("DeleteObjects"), 0, "{what}");
    (killed, left)
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "docs/reliability.md takes its figures from there")]
async fn kill_9_at_50_random_moments_loses_nothing_and_leaves_nothing() {
    const SEED: u64 = 20_210_531;
    // More of them for docs/reliability.md.
    let runs: u64 = std::env::var("FLEX_KILLS").map_or(50, |runs| runs.parse().unwrap());
    let whole = scene(20).await;
    Run::of(&COPY, whole.machine.command(COPY).output().unwrap()).expect(0);
    let requests = asked(&whole);
    let mut random = fastrand::Rng::with_seed(SEED);
    // One moment in each fiftieth of the run: before the first request, in the listings, in parts, at the end.
    let moments: Vec<u64> = (0..runs).map(|n| (n * requests + random.u64(..requests)) / runs).collect();
    let killed = AtomicU64::new(0);
    let in_upload = AtomicU64::new(0);
    for some in moments.chunks(50) {
        let mut users = Vec::new();
        for moment in some {
            users.push((moment, scene(20).await));
        }
        thread::scope(|scope| {
            for share in users.chunks(users.len().div_ceil(2)) {
                let (killed, in_upload) = (&killed, &in_upload);
                scope.spawn(move || {
                    for (n, user) in share {
                        let what = format!("killed at request {n} of {requests} (seed {SEED})");
                        let (was_killed, left) = killed_at(user, **n, &what);
                        killed.fetch_add(u64::from(was_killed), Ordering::Relaxed);
                        in_upload.fetch_add(u64::from(left), Ordering::Relaxed);
                    }
                });
            }
        });
    }
    let (killed, in_upload) = (killed.into_inner(), in_upload.into_inner());
    println!("kill -9: {runs} runs, {killed} killed before their end, {in_upload} with an upload open");
    assert!(killed * 5 >= runs * 4, "only {killed} of {runs} were killed before their end (seed {SEED})");
    assert!(in_upload * 10 >= runs, "only {in_upload} of {runs} left an upload (seed {SEED})");
}

#[tokio::test]
async fn connections_cut_before_and_after_the_effect_cost_attempts_and_nothing_else() {
    const SEED: u64 = 7;
    let mut user = scene(80).await;
    let (proxy, cuts) = cut_in_the_middle(address(&user), SEED);
    user.machine.set("AWS_ENDPOINT_URL", format!("http://{proxy}"));
    let run = user.flex(&COPY);
    assert_eq!(run.code, Some(0), "seed {SEED}\n{run}");
    let summary = run.summary();
    assert_eq!(summary["copied"]["objects"], 83, "seed {SEED}\n{run}");
    assert_eq!((&summary["failed"]["objects"], &summary["identical"]["objects"]), (&0.into(), &0.into()), "{run}");
    let reported = run.events().iter().filter(|event| event["event"] == "object").count();
    assert_eq!(reported, 83, "each object once\n{run}");
    assert_whole(&user, &format!("seed {SEED}"));
    let (before, after) = cuts.counted();
    assert!(before > 3 && after > 3, "seed {SEED}: {before} requests and {after} answers were cut");
    assert!(summary["retries"].as_u64() > Some(5), "{run}");
    // Uploads whose beginning was not answered are there to be ended, and are.
    assert_eq!(Run::of(&CLEAN, clean(&user)).code, Some(0));
    assert_eq!(user.world.open_uploads(BUCKET), []);
}

fn address(user: &Subscriber) -> SocketAddr {
    user.sandbox.endpoint().strip_prefix("http://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn few_files_lower_the_requests_in_flight_and_lose_no_object() {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 300)).await;
    user.world.latency(Duration::from_millis(20));
    let arguments = ["copy", "2021/05/31", "--json", "--max-in-flight", "256"];
    let run = user.machine.flex_limited("ulimit -n 64", &arguments);
    let run = run.expect(0).says(&["40 requests in flight at most, not 256", "ulimit -n"]);
    assert_eq!(run.summary()["copied"]["objects"], 300);
    assert_eq!(run.summary()["retries"], 0, "no request was in vain\n{run}");
    assert_eq!(user.world.object_count(BUCKET), 300);
    assert!((20..=40).contains(&user.world.peak_in_flight()), "{}", user.world.peak_in_flight());
}

#[tokio::test]
async fn few_files_lower_the_objects_that_are_read_at_once() {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 120)).await;
    user.flex(&["copy", "2021/05/31"]).expect(0);
    let owner = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", owner);
    user.world.latency(Duration::from_millis(20));
    let arguments = ["verify", "2021/05/31", "--deep", "--owner-profile", "owner", "--deep-in-flight", "256", "--json"];
    // The seed's contents are no captures.
    let run = user.machine.flex_limited("ulimit -n 64", &arguments).expect(1);
    let run = run.says(&["20 objects read at once at most, not 256", "ulimit -n"]);
    let summary = run.summary();
    assert_eq!((&summary["failed"]["objects"], &summary["retries"]), (&0.into(), &0.into()), "{run}");
    assert_eq!(user.world.count("GetObject"), 120, "{run}");
}

#[tokio::test]
async fn two_runs_of_one_selection_do_no_harm() {
    let user = scene(20).await;
    user.world.latency(Duration::from_millis(20));
    let first = user.machine.start(&COPY);
    until("the first run copies", || user.world.count("CopyObject") + user.world.count("CreateMultipartUpload") > 0);
    let second = user.machine.start(&COPY);
    for (child, is_second) in [(first, false), (second, true)] {
        let run = Run::of(&COPY, child.wait_with_output().unwrap()).expect(0);
        let said = run.events().iter().any(|event| event["kind"] == "journal-in-use");
        assert_eq!(
            (said, run.err.contains("another flex is using this bucket's journal")),
            (is_second, is_second),
            "{run}"
        );
        let summary = run.summary();
        let done = |name: &str| summary[name]["objects"].as_u64().unwrap();
        assert_eq!((done("copied") + done("identical"), done("failed")), (23, 0), "{run}");
    }
    assert_whole(&user, "after both");
    assert_eq!(user.world.open_uploads(BUCKET), []);
}
