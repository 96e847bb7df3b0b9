//! A service that misbehaves: every object still ends right, once, and with the right content.

use std::time::Duration;

use flex_copy::{CopyEvent, CopySettings, Notice, Proof, StopReason};
use flex_tests::sandbox::{Effect, Fault, ObjectSpec};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::scene::{MIB, MINE, Scene, seconds};

const OPERATIONS: [&str; 6] =
    ["ListObjectsV2", "HeadObject", "CopyObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"];

fn busy_day(scene: &Scene) -> Vec<String> {
    let mut keys = scene.day("2021/05/31/", 40);
    for n in 1..=3 {
        let key = format!("2021/05/31/20210531_{}_001.pcap.gz", 90 + n);
        scene.put(&key, ObjectSpec::new(40 * MIB + n).seed(n).part_size(8 * MIB));
        keys.push(key);
    }
    keys
}

#[tokio::test(start_paused = true)]
async fn each_fault_in_each_operation_is_survived() {
    for operation in OPERATIONS {
        for effect in [
            Effect::Status(500, "InternalError"),
            Effect::Status(503, "ServiceUnavailable"),
            Effect::Status(409, "OperationAborted"),
            Effect::SlowDown,
            Effect::ResetBefore,
            Effect::ResetAfter,
            Effect::Error200("InternalError"),
            Effect::Error200("ServiceUnavailable"),
            Effect::Error200("SlowDown"),
            Effect::Empty200,
            Effect::Truncate,
            Effect::Stall(Duration::from_secs(3600)),
            Effect::SlowBody(Duration::from_secs(30)),
        ] {
            // A listing or a HEAD has no early 200.
            let late = matches!(effect, Effect::Error200(_) | Effect::Empty200);
            if late && matches!(operation, "ListObjectsV2" | "HeadObject") {
                continue;
            }
            let scene = Scene::new();
            let keys = busy_day(&scene);
            scene.world.fault(Fault::on(operation).first_of_each_key(2).then(effect.clone()));
            let report = scene.copy(&["2021/05/31"]).await;
            let told = format!("{operation} {effect:?}: {} {:?}", report.stopped(), report.outcomes());
            assert!(report.summary.stopped.is_none(), "{told}");
            assert_eq!(report.proofs(), [(Proof::Etag, keys.len() as u64)], "{told}");
            scene.assert_copied(&keys);
            // Only a creation whose answer was lost may leave an upload, and then the summary says so.
            let open = scene.world.open_uploads(MINE).len();
            assert!(open == 0 || operation == "CreateMultipartUpload", "{told}");
            assert!(report.summary.open_uploads.len() * 2 >= open, "{told}");
            assert_eq!(report.outcomes().len(), keys.len(), "{told}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_slow_downs_is_waited_out_and_paced() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 300);
    scene.world.latency(Duration::from_millis(20));
    scene.world.fault(Fault::on("CopyObject").chance(0.5).then(Effect::SlowDown));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 300)]);
    assert!(report.summary.throttled > 50);
    assert!(report.notices.iter().any(|n| matches!(n, Notice::SlowedDown { .. })));
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_always_fails_is_reported_and_the_rest_is_done() {
    for effect in [Effect::Status(500, "InternalError"), Effect::Empty200, Effect::Status(400, "InvalidRequest")] {
        let scene = Scene::new();
        let keys = scene.day("2021/05/31/", 50);
        scene.world.fault(Fault::on("CopyObject").key(keys[7].clone()).then(effect.clone()));
        let report = scene.copy(&["2021/05/31"]).await;
        assert_eq!(report.outcome(&keys[7]), "failed", "{effect:?}");
        assert_eq!(report.summary.copied_total().objects, 49, "{effect:?}");
        let tries = scene.world.requests().iter().filter(|r| r.operation == "CopyObject" && r.key == keys[7]).count();
        assert!(tries <= flex_copy::DEFAULT_ATTEMPTS as usize, "{tries}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_tried_again_gives_its_place_to_others() {
    let scene = Scene::new().settings(CopySettings::builder().max_in_flight(1).build().unwrap());
    let mut keys = scene.day("2021/05/31/", 20);
    // The largest is begun as soon as the destination is proven.
    let stubborn = "2021/05/31/20210531_99_001.pcap.gz".to_owned();
    scene.put(&stubborn, ObjectSpec::new(100_000));
    keys.push(stubborn.clone());
    scene.world.latency(Duration::from_millis(50));
    scene
        .world
        .fault(Fault::on("CopyObject").key(stubborn.clone()).first(6).then(Effect::Status(500, "InternalError")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 21)]);
    assert_eq!(report.ends.last().map(|end| &end.key), Some(&stubborn), "the others did not wait for it");
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_never_answers_is_given_up_soon() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 5);
    scene.world.fault(Fault::on_any().then(Effect::ResetBefore));
    let begun = Instant::now();
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::Unreachable { after_success: false, .. })),
        "{}",
        report.stopped()
    );
    assert!(begun.elapsed() < seconds(60), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_outage_in_mid_run_is_waited_out_up_to_the_limit() {
    // Ends in time: nothing is lost, and no object's attempts are used up.
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 100);
    scene.world.fault(Fault::on("CopyObject").calls(20, 400).then(Effect::ResetBefore));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 100)], "{}", report.stopped());
    scene.assert_copied(&keys);

    // Never ends: the run stops, and what was done counts.
    let settings = CopySettings::builder().outage_limit(seconds(120)).build().unwrap();
    let scene = Scene::new().settings(settings);
    scene.day("2021/05/31/", 100);
    // Four listings and nineteen copies are answered.
    scene.world.fault(Fault::on_any().calls(24, u64::MAX).then(Effect::ResetBefore));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::Unreachable { after_success: true, .. })),
        "{}",
        report.stopped()
    );
    assert_eq!(report.summary.copied_total().objects, 19);
    assert_eq!(report.summary.interrupted.objects, 81);
}

#[tokio::test(start_paused = true)]
async fn an_upload_completed_without_an_answer_is_found_in_the_listing() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_1_001.pcap.gz".to_owned();
    scene.put(&key, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("CompleteMultipartUpload").nth(1).then(Effect::ResetAfter));
    scene.world.fault(Fault::on("CompleteMultipartUpload").calls(2, 9).then(Effect::Status(404, "NoSuchUpload")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 1)], "{:?}", report.outcomes());
    scene.assert_copied(&[key]);
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_creation_was_not_answered_is_named_as_possibly_open() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_1_001.pcap.gz".to_owned();
    scene.put(&key, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("CreateMultipartUpload").nth(1).then(Effect::ResetAfter));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(&key), "copied");
    assert_eq!(scene.world.open_uploads(MINE).len(), 1, "the first one stays open, and nobody knows its id");
    let named: Vec<_> = report.summary.open_uploads.iter().map(|u| (u.key.clone(), u.upload_id.clone())).collect();
    assert_eq!(named, [(key, None)]);
}

#[tokio::test(start_paused = true)]
async fn one_object_that_gets_no_answer_fails_and_the_service_is_not_called_unreachable() {
    for effect in [Effect::ResetBefore, Effect::Truncate, Effect::Stall(seconds(100_000)), Effect::SlowDown] {
        let scene = Scene::new();
        let keys = scene.day("2021/05/31/", 50);
        scene.world.fault(Fault::on("CopyObject").key(keys[7].clone()).then(effect.clone()));
        let report = scene.copy(&["2021/05/31"]).await;
        assert!(report.summary.stopped.is_none(), "{effect:?}: {}", report.stopped());
        assert_eq!(report.outcome(&keys[7]), "failed", "{effect:?}");
        assert_eq!(report.summary.copied_total().objects, 49, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn copies_that_all_get_no_answer_stop_the_run_though_other_requests_are_answered() {
    let settings = CopySettings::builder().outage_limit(seconds(60)).build().unwrap();
    let scene = Scene::new().settings(settings);
    scene.day("2021/05/31/", 500);
    scene.world.fault(Fault::on("CopyObject").calls(20, u64::MAX).then(Effect::ResetBefore));
    let begun = Instant::now();
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(matches!(report.summary.stopped.as_deref(), Some(StopReason::Unreachable { .. })), "{}", report.stopped());
    assert!(begun.elapsed() < seconds(200), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn two_failures_far_apart_are_no_outage() {
    let scene = Scene::new().settings(CopySettings::builder().outage_limit(seconds(60)).build().unwrap());
    let (a, b) = ("2021/05/31/20210531_1_001.pcap.gz".to_owned(), "2021/05/31/20210531_2_001.pcap.gz".to_owned());
    scene.put(&a, ObjectSpec::new(5 << 30).seed(1));
    scene.put(&b, ObjectSpec::new(1_250_000_000).seed(2));
    // The first goes on for minutes and succeeds; meanwhile the second times out once.
    scene.world.fault(Fault::on("CopyObject").key(a.clone()).first(3).then(Effect::SlowDown));
    scene.world.fault(Fault::on("CopyObject").key(a.clone()).nth(4).then(Effect::SlowBody(seconds(400))));
    scene.world.fault(Fault::on("CopyObject").key(b.clone()).nth(1).then(Effect::Stall(seconds(100_000))));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(report.summary.stopped.is_none(), "{}", report.stopped());
    scene.assert_copied(&[a, b]);
}

#[tokio::test(start_paused = true)]
async fn what_the_destination_had_before_is_never_taken_for_the_copy() {
    let key = "2021/05/31/20210531_1_001.pcap.gz";
    let scene = Scene::new().settings(CopySettings::builder().attempts(3).build().unwrap());
    let now = scene.world.now();
    // Another version of equal size and of the layout that flex would choose.
    let older = ObjectSpec::new(6 << 30).seed(1).part_size(128 * MIB).modified(now - seconds(1000));
    scene.world.put_object(MINE, key, older);
    scene.put(key, ObjectSpec::new(6 << 30).seed(2).part_size(64 * MIB).full_checksum().modified(now));
    scene.world.fault(Fault::on("CompleteMultipartUpload").nth(1).then(Effect::ResetBefore));
    scene.world.fault(Fault::on("CompleteMultipartUpload").calls(2, 99).then(Effect::Status(500, "InternalError")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(key), "failed");
    assert_eq!(scene.world.open_uploads(MINE).len(), report.summary.open_uploads.len());
}

#[tokio::test(start_paused = true)]
async fn a_completion_that_is_done_but_answered_with_an_error_is_found() {
    let key = "2021/05/31/20210531_1_001.pcap.gz".to_owned();
    let scene = Scene::new();
    scene.put(&key, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.world.latency(Duration::from_millis(20));
    // As after an attempt that was answered with an error although the object was made: the upload is gone, the copy there.
    scene.world.fault(Fault::on("CompleteMultipartUpload").then(Effect::Status(404, "NoSuchUpload")));
    let (world, copy) = (scene.world.clone(), ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    let made = |event: &CopyEvent| {
        if matches!(event, CopyEvent::ListingDone) {
            world.put_object(MINE, "2021/05/31/20210531_1_001.pcap.gz", copy.clone());
        }
        false
    };
    let report = scene.copy_until(&["2021/05/31"], CancellationToken::new(), made).await;
    assert_eq!(report.outcome(&key), "copied", "{:?}", report.outcomes());
    scene.assert_copied(&[key]);
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_after_a_lost_completion_concerns_that_object_alone() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 50);
    let key = "2021/05/31/20210531_91_001.pcap.gz";
    scene.put(key, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("CompleteMultipartUpload").nth(1).then(Effect::ResetAfter));
    scene.world.fault(Fault::on("CompleteMultipartUpload").calls(2, 9).then(Effect::Status(404, "NoSuchUpload")));
    scene.world.fault(Fault::on("ListObjectsV2").key(key).then(Effect::Status(500, "InternalError")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(report.summary.stopped.is_none(), "{}", report.stopped());
    assert_eq!((report.outcome(key), report.summary.copied_total().objects), ("failed", 50));
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_and_what_is_not_implemented_are_not_tried_again() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 100);
    scene.world.fault(Fault::on("CopyObject").then(Effect::Error200("AccessDenied")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::DestinationRefused { .. })),
        "{}",
        report.stopped()
    );
    assert!(scene.world.count("CopyObject") <= 8, "four at once, and each once again");

    let scene = Scene::new();
    scene.day("2021/05/31/", 20);
    scene.world.fault(Fault::on("CopyObject").then(Effect::Status(501, "NotImplemented")));
    assert_eq!(scene.copy(&["2021/05/31"]).await.summary.failed.objects, 20);
    assert_eq!(scene.world.count("CopyObject"), 20);
}

#[tokio::test(start_paused = true)]
async fn a_completion_without_end_is_given_up_in_minutes() {
    let key = "2021/05/31/20210531_1_001.pcap.gz";
    let scene = Scene::new();
    scene.put(key, ObjectSpec::new(500 << 30).part_size(64 * MIB));
    scene.world.fault(Fault::on("CompleteMultipartUpload").nth(1).then(Effect::Stall(seconds(1_000_000))));
    let begun = Instant::now();
    assert_eq!(scene.copy(&["2021/05/31"]).await.outcome(key), "copied");
    assert!(begun.elapsed() < seconds(3600), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_body_breaks_off_is_asked_for_again() {
    // The status alone does not tell a clock that is off from a listing that is forbidden.
    let scene = Scene::new();
    scene.day("2021/05/31/", 3);
    scene.world.skew(1000);
    scene.world.fault(Fault::on("ListObjectsV2").first(2).then(Effect::Truncate));
    let report = scene.copy(&["2021/05/31"]).await;
    // The SDK learns the service's time from the first answer, so that the second attempt is signed right.
    assert_eq!((report.stopped(), report.summary.copied_total().objects), (String::new(), 3));

    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 3);
    scene.world.refuse_read(flex_tests::sandbox::VENDOR_BUCKET, &keys[0]);
    scene.world.fault(Fault::on("CopyObject").key(&keys[0]).first(1).then(Effect::Truncate));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(&keys[0]), "not-entitled");
    assert_eq!(scene.world.count("CopyObject"), 4, "three objects, and once again");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_in_mid_run_is_not_taken_for_a_contract_that_does_not_cover_the_object() {
    // A refused HEAD has no code: the answer's own date tells.
    for skew in [-1000, 1000] {
        let scene = Scene::new();
        let key = "2021/05/31/20210531_1_001.pcap.gz";
        scene.put(key, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
        scene.world.latency(seconds(1));
        let world = scene.world.clone();
        tokio::spawn(async move {
            while world.count("ListObjectsV2") < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_millis(990)).await;
            world.skew(skew);
        });
        let report = scene.copy(&["2021/05/31"]).await;
        let stopped = report.summary.stopped.as_deref();
        assert!(
            matches!(stopped, Some(StopReason::ClockSkew { .. })),
            "{skew}: {} {:?}",
            report.stopped(),
            report.outcomes()
        );
        assert_eq!(report.summary.not_entitled.objects, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_put_right_in_mid_run_is_not_taken_for_a_contract_that_does_not_cover_the_object() {
    // The SDK learns the service's time from each answer, and signs the next request by it. Put right between the two, the
    // machine's clock and the refusal's date agree, and the signature is what is wrong. Found by simulation.
    let scene = Scene::new();
    scene.put("2021/05/31/20210531_1_001.pcap.gz", ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.world.latency(seconds(1));
    scene.world.fault(Fault::on("HeadObject").first(1).then(Effect::Status(500, "InternalError")));
    let world = scene.world.clone();
    tokio::spawn(async move {
        for (heads, skew) in [(1, -1000), (2, 0)] {
            while world.count("HeadObject") < heads {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            world.skew(skew);
        }
    });
    let report = scene.copy(&["2021/05/31"]).await;
    let stopped = report.summary.stopped.as_deref();
    assert!(matches!(stopped, Some(StopReason::ClockSkew { .. })), "{} {:?}", report.stopped(), report.outcomes());
    assert_eq!(report.summary.not_entitled.objects, 0);
}
