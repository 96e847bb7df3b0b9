//! Ctrl-C and its kin.

#![cfg(unix)]

use std::{
    io::Read,
    process::{Child, Command},
    time::{Duration, Instant},
};

use flex_tests::sandbox::{Effect, Fault, FlexSeed};

use crate::support::{BUCKET, Run, Subscriber, date, until};

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn end(arguments: &[&str], child: Child) -> Run {
    Run::of(arguments, child.wait_with_output().unwrap())
}

async fn slow() -> Subscriber {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-03")..=date("2021-05-31"), 40)).await;
    user.world.latency(Duration::from_millis(50));
    user
}

#[tokio::test]
async fn one_interrupt_drains_and_is_130_and_a_rerun_goes_on() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let user = slow().await;
        let arguments = ["copy", "2021/05", "--json", "--max-in-flight", "4"];
        let child = user.machine.start(&arguments);
        until("copies", || user.world.count("CopyObject") > 20);
        signal(&child, name);
        let run = end(&arguments, child).expect(130).says(&["finishing what is under way"]);
        let summary = run.summary();
        assert_eq!(summary["cancelled"], true);
        // What was begun was finished and counted.
        let there = user.world.objects(BUCKET).len() as u64;
        assert_eq!(summary["copied"]["objects"], there);
        assert!((1..760).contains(&there), "{there}");
        assert_eq!(user.world.open_uploads(BUCKET).len(), 0);
        user.world.latency(Duration::ZERO);
        let again = user.flex(&["copy", "2021/05", "--json"]).expect(0).summary();
        assert_eq!(again["identical"]["objects"], there);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hang_up_does_not_end_what_nohup_started() {
    let user = slow().await;
    let arguments = ["copy", "2021/05/31", "--json", "--max-in-flight", "4"];
    let child = user.machine.command_under(&["nohup"], &arguments).spawn().unwrap();
    until("copies", || user.world.count("CopyObject") > 4);
    signal(&child, "-HUP");
    let summary = end(&arguments, child).expect(0).summary();
    assert_eq!(summary["copied"]["objects"], 40);
}

#[tokio::test]
async fn a_token_that_ends_in_mid_run_is_renewed_once_and_nothing_fails() {
    let user = slow().await;
    let arguments = ["copy", "2021/05/24..2021/05/28", "--json", "--max-in-flight", "8"];
    let child = user.machine.start(&arguments);
    until("copies", || user.world.count("CopyObject") > 20);
    user.world.end_tokens();
    let summary = end(&arguments, child).expect(0).summary();
    assert_eq!((&summary["copied"]["objects"], &summary["failed"]["objects"]), (&200.into(), &0.into()));
    assert_eq!(user.world.count("AssumeRole"), 2);
}

#[tokio::test]
async fn the_second_interrupt_leaves_at_once_and_names_what_stays_open() {
    for (first, second) in [("-INT", "-INT"), ("-TERM", "-TERM"), ("-INT", "-TERM")] {
        let user = Subscriber::odd().await;
        // So slow that draining would take too long.
        user.world.fault(Fault::on("UploadPartCopy").then(Effect::Stall(Duration::from_secs(120))));
        let arguments = ["copy", "2021/05/31", "--include", "20210531_2_001.pcap.gz"];
        let mut child = user.machine.start(&arguments);
        until("parts", || user.world.count("UploadPartCopy") > 0);
        signal(&child, first);
        // Its answer to the first signal is read before the second is sent.
        let mut err = child.stderr.take().unwrap();
        let mut said = String::new();
        let mut byte = [0];
        while !said.contains("finishing") {
            assert_eq!(err.read(&mut byte).unwrap(), 1, "{said}");
            said.push(byte[0].into());
        }
        let begun = Instant::now();
        signal(&child, second);
        err.read_to_string(&mut said).unwrap();
        let run = end(&arguments, child).expect(130);
        assert!(begun.elapsed() < Duration::from_secs(20), "{run}");
        assert!(
            said.contains("left at once") && said.contains("20210531_2_001.pcap.gz") && said.contains("flex clean"),
            "{said}"
        );
        // What it left is no obstacle.
        user.world.clear_faults();
        let again = user.flex(&["copy", "2021/05/31", "--include", "20210531_2_001.pcap.gz", "--json"]).expect(0);
        assert_eq!(again.summary()["copied"]["objects"], 1, "{again}");
    }
}

#[tokio::test]
async fn an_interrupt_while_the_buckets_are_listed_ends_with_a_summary() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let user = Subscriber::plain().await;
        user.world.fault(Fault::on("ListObjectsV2").then(Effect::Stall(Duration::from_secs(120))));
        let arguments = ["copy", "2021/05/31", "--json"];
        let child = user.machine.start(&arguments);
        until("a listing", || user.world.count("ListObjectsV2") > 0);
        let begun = Instant::now();
        signal(&child, name);
        let run = end(&arguments, child).expect(130);
        assert!(begun.elapsed() < Duration::from_secs(20), "{name}: {run}");
        let summary = run.summary();
        assert_eq!((&summary["cancelled"], &summary["copied"]["objects"]), (&true.into(), &0.into()), "{name}");
        assert_eq!(user.world.count("CopyObject"), 0);
        user.world.clear_faults();
        assert_eq!(user.flex(&arguments).expect(0).summary()["copied"]["objects"], 3);
    }
}

#[tokio::test]
async fn an_interrupt_before_the_first_copy_ends_at_once() {
    let user = Subscriber::plain().await;
    user.world.fault(Fault::on("AssumeRole").then(Effect::Stall(Duration::from_secs(120))));
    for (command, name) in [("copy", "-INT"), ("copy", "-TERM"), ("ls", "-INT"), ("plan", "-HUP"), ("verify", "-TERM")]
    {
        let seen = user.world.count("AssumeRole");
        let arguments = [command, "2021/05/31"];
        let child = user.machine.start(&arguments);
        until("an AssumeRole", || user.world.count("AssumeRole") > seen);
        signal(&child, name);
        end(&arguments, child).expect(130).says(&["interrupted"]);
    }
}
