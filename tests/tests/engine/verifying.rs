//! Verification and planning from the listings: no claim beyond what they show.

use std::collections::BTreeMap;

use flex_copy::{Action, Verdict};
use flex_tests::sandbox::{Effect, Fault, ObjectSpec, VENDOR_BUCKET};
use futures::TryStreamExt;

use crate::scene::{MIB, MINE, Scene, parse};

#[tokio::test(start_paused = true)]
async fn each_verdict_says_what_the_listings_show() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 6);
    let later = scene.world.now() + std::time::Duration::from_secs(60);
    scene.put("2021/05/31/20210531_7_001.pcap.gz", ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.put("2021/05/31/20210531_8_001.pcap.gz", ObjectSpec::new(5).storage_class("GLACIER"));
    scene.put("2021/05/31/", ObjectSpec::new(0));
    scene.copy(&["2021/05/31"]).await;
    scene.world.remove_object(MINE, &keys[1]);
    scene.world.put_object(MINE, &keys[2], ObjectSpec::new(1).modified(later));
    scene.world.put_object(MINE, &keys[3], ObjectSpec::new(1004).seed(77).modified(later));
    scene.world.remove_object(MINE, &keys[4]);
    scene.world.refuse_read(VENDOR_BUCKET, &keys[4]);
    let other_layout = ObjectSpec::new(20 * MIB).modified(later);
    scene.world.put_object(MINE, "2021/05/31/20210531_7_001.pcap.gz", other_layout);
    scene.world.put_object(MINE, "2021/05/31/mine.txt", ObjectSpec::new(1));
    scene.world.forget_requests();

    let (verdicts, summary) = scene.verify(&["2021/05/31"]).await;
    let names: BTreeMap<&str, &str> = verdicts.iter().map(|(k, v)| (k.as_str(), v.name())).collect();
    let want = BTreeMap::from([
        (keys[0].as_str(), "proven"),
        (keys[1].as_str(), "missing"),
        (keys[2].as_str(), "different"),
        (keys[3].as_str(), "different"),
        (keys[4].as_str(), "not-entitled"),
        (keys[5].as_str(), "proven"),
        ("2021/05/31/20210531_7_001.pcap.gz", "size-only"),
        ("2021/05/31/20210531_8_001.pcap.gz", "archived"),
        ("2021/05/31/", "marker"),
        ("2021/05/31/mine.txt", "extra"),
    ]);
    assert_eq!(names, want);
    assert_eq!((summary.proven.objects, summary.missing.objects, summary.different.objects), (2, 1, 2));
    assert_eq!(summary.listed_total().objects, 9);
    assert_eq!(scene.counts(&["CopyObject", "HeadObject"]), [0, 3], "a HEAD for what is missing or may be KMS's doing");
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_is_unclear_and_never_missing() {
    let scene = Scene::new();
    let key = scene.day("2021/05/31/", 1).remove(0);
    scene.world.fault(Fault::on("HeadObject").then(Effect::Status(400, "BadRequest")));
    let (verdicts, summary) = scene.verify(&["2021/05/31"]).await;
    assert!(matches!(verdicts[&key], Verdict::Unclear(_)));
    assert_eq!((summary.unclear.objects, summary.missing.objects), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_proves_nothing() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 5);
    scene.copy(&["2021/05/31"]).await;
    scene.world.delete_bucket_policy(MINE);
    let (verdicts, summary) = scene.verify(&["2021/05/31"]).await;
    assert!(verdicts.is_empty());
    assert!(summary.stopped.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_plan_copies_nothing_and_says_what_a_copy_would_do() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 4);
    scene.put("2021/05/31/20210531_9_001.pcap.gz", ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.world.put_object(MINE, &keys[0], ObjectSpec::new(9));
    let items: Vec<_> = scene.copier().plan(&parse(&["2021/05/31"])).try_collect().await.unwrap();
    let requests: u64 = items
        .iter()
        .filter_map(|item| match item.action {
            Action::Copy { method, .. } => Some(method.requests()),
            _ => None,
        })
        .sum();
    // Four copies; HEAD, create, three parts, complete.
    assert_eq!((items.len(), requests), (5, 4 + 6));
    assert_eq!(scene.counts(&["CopyObject", "CreateMultipartUpload"]), [0, 0]);
    scene.world.forget_requests();
    let report = scene.copy(&["2021/05/31"]).await;
    let lists = report.summary.requests[&flex_copy::Operation::ListObjectsV2];
    assert_eq!(
        report.summary.requests.values().sum::<u64>() - lists,
        requests,
        "the plan's requests are those of the run"
    );
}

#[tokio::test(start_paused = true)]
async fn days_without_a_file_are_named() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 1);
    scene.day("2021/06/02/", 1);
    let selection = parse(&["2021/05/28..2021/06/02"]);
    let report = scene.copy(&["2021/05/28..2021/06/02"]).await;
    let calendar = flex_keys::TradingCalendar::tse();
    let missing: Vec<String> =
        report.summary.missing_sessions(&selection, &calendar).iter().map(|(_, day)| day.to_string()).collect();
    assert_eq!(missing, ["2021-05-28", "2021-06-01"]);
    assert!(report.summary.missing_named_days(&selection).is_empty(), "no day of a range is named by itself");
    let named = parse(&["2021/06/01"]);
    assert_eq!(scene.copy(&["2021/06/01"]).await.summary.missing_named_days(&named).len(), 1);
}
