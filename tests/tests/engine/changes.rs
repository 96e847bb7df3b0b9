//! What is already at the destination, what changed, and what changes while it is copied.

use std::time::Duration;

use flex_copy::{CopyReason, CopySettings, OnChange, Outcome, Proof};
use flex_tests::sandbox::{Effect, Fault, ObjectSpec, VENDOR_BUCKET};

use crate::scene::{MIB, MINE, Scene};

const KEY: &str = "2021/05/31/20210531_1_001.pcap.gz";

#[tokio::test(start_paused = true)]
async fn a_deleted_and_a_truncated_object_are_mended() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 10);
    scene.copy(&["2021/05/31"]).await;
    scene.world.remove_object(MINE, &keys[3]);
    scene.world.put_object(MINE, &keys[5], ObjectSpec::new(3));
    let report = scene.copy(&["2021/05/31"]).await;
    let outcomes = report.outcomes();
    assert!(matches!(outcomes[keys[3].as_str()], Outcome::Copied { reason: CopyReason::New, .. }));
    assert!(matches!(outcomes[keys[5].as_str()], Outcome::Copied { reason: CopyReason::Changed, .. }));
    assert_eq!((report.summary.replaced.objects, report.summary.identical.objects), (1, 8));
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn other_content_of_equal_size_is_replaced() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(100).seed(1));
    scene.world.advance(Duration::from_secs(60));
    scene.world.put_object(MINE, KEY, ObjectSpec::new(100).seed(2));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 1)]);
    scene.assert_copied(&[KEY.into()]);
}

#[tokio::test(start_paused = true)]
async fn another_layout_is_kept_unless_the_source_is_newer_or_it_is_asked_for() {
    let scene = Scene::new();
    let now = scene.world.now();
    let source = |at| ObjectSpec::new(20 * MIB).seed(1).part_size(8 * MIB).modified(at);
    scene.put(KEY, source(now));
    scene.world.put_object(MINE, KEY, ObjectSpec::new(20 * MIB).seed(1).modified(now + Duration::from_secs(5)));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(KEY), "kept");
    assert_eq!(scene.counts(&["CopyObject", "CreateMultipartUpload", "HeadObject"]), [0, 0, 0]);

    let mut recopy = scene;
    recopy.settings = CopySettings::builder().recopy_size_only(true).build().unwrap();
    let report = recopy.copy(&["2021/05/31"]).await;
    assert!(matches!(report.outcomes()[KEY], Outcome::Copied { reason: CopyReason::Unproven, proof: Proof::Etag, .. }));
    recopy.settings = CopySettings::default();

    recopy.world.put_object(MINE, KEY, ObjectSpec::new(20 * MIB).seed(1).modified(now + Duration::from_secs(5)));
    recopy.put(KEY, source(now + Duration::from_secs(10)).seed(2));
    let report = recopy.copy(&["2021/05/31"]).await;
    assert!(matches!(report.outcomes()[KEY], Outcome::Copied { reason: CopyReason::Changed, .. }), "a newer source");
    recopy.assert_copied(&[KEY.into()]);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_changes_once_is_copied_anew_and_twice_is_reported() {
    for (operation, spec) in
        [("CopyObject", ObjectSpec::new(100)), ("UploadPartCopy", ObjectSpec::new(20 * MIB).part_size(8 * MIB))]
    {
        let scene = Scene::new();
        scene.put(KEY, spec.clone());
        scene.world.fault(Fault::on(operation).nth(1).then(Effect::ChangeSource));
        let report = scene.copy(&["2021/05/31"]).await;
        assert!(
            matches!(report.outcomes()[KEY], Outcome::Copied { source_changed: true, proof: Proof::Etag, .. }),
            "{operation}: {:?}",
            report.outcomes()
        );
        let now = scene.world.object(VENDOR_BUCKET, KEY).unwrap();
        assert_eq!((report.ends[0].etag.quoted(), report.ends[0].size), (now.etag, now.size), "the newer version's");
        scene.assert_copied(&[KEY.into()]);
        assert!(scene.world.open_uploads(MINE).is_empty());

        let scene = Scene::new();
        scene.put(KEY, spec);
        scene.world.fault(Fault::on(operation).then(Effect::ChangeSource));
        let report = scene.copy(&["2021/05/31"]).await;
        assert_eq!(report.outcome(KEY), "changed-meanwhile", "{operation}");
        assert!(scene.world.open_uploads(MINE).is_empty());
        assert_eq!(report.summary.changed_meanwhile.objects, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_vanishes_is_changed_and_no_failure() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(100));
    scene.world.fault(Fault::on("CopyObject").then(Effect::Status(404, "NoSuchKey")));
    assert_eq!(scene.copy(&["2021/05/31"]).await.outcome(KEY), "changed-meanwhile");
}

#[tokio::test(start_paused = true)]
async fn what_only_the_destination_has_is_left_alone() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 2);
    scene.world.put_object(MINE, "2021/05/31/mine.txt", ObjectSpec::new(4));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.summary.extra.objects, 1);
    assert_eq!(report.ends.len(), 2);
    assert_eq!(scene.world.objects(MINE).len(), keys.len() + 1);
    assert!(scene.world.object(VENDOR_BUCKET, "2021/05/31/mine.txt").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_change_can_be_kept_or_made_a_failure() {
    for (on_change, outcome) in [(OnChange::Keep, "change-kept"), (OnChange::Fail, "failed")] {
        let scene = Scene::new().settings(CopySettings::builder().on_change(on_change).build().unwrap());
        let keys = scene.day("2021/05/31/", 3);
        scene.world.put_object(MINE, &keys[0], ObjectSpec::new(7));
        let later = scene.world.now() + Duration::from_secs(9);
        scene.world.put_object(MINE, &keys[1], ObjectSpec::new(1002).seed(99).modified(later));
        let report = scene.copy(&["2021/05/31"]).await;
        assert_eq!([&keys[0], &keys[1], &keys[2]].map(|key| report.outcome(key)), [outcome, outcome, "copied"]);
        assert_eq!(scene.world.object(MINE, &keys[0]).unwrap().size, 7, "left as it was");
        assert_eq!(scene.world.count("CopyObject"), 1);
    }
}
