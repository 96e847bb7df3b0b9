//! What a 403 means: not entitled, or a destination that refuses, which is never called the former.

use flex_copy::{CopySettings, StopReason};
use flex_tests::sandbox::{COPY_ROLE_ARN, Effect, Fault, ObjectSpec, VENDOR_BUCKET, manual_policy};

use crate::scene::{MIB, MINE, Scene};

#[tokio::test(start_paused = true)]
async fn refused_keys_are_not_entitled_and_the_rest_is_copied() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 30);
    for key in &keys[..10] {
        scene.world.refuse_read(VENDOR_BUCKET, key);
    }
    let parts = "2021/05/31/20210531_99_001.pcap.gz";
    scene.put(parts, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    scene.world.refuse_read(VENDOR_BUCKET, parts);
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!((report.summary.not_entitled.objects, report.summary.copied_total().objects), (11, 20));
    assert!(report.summary.stopped.is_none());
    scene.assert_copied(&keys[10..]);
    assert_eq!(scene.world.count("CreateMultipartUpload"), 0, "no upload is begun for what cannot be read");
}

#[tokio::test(start_paused = true)]
async fn a_policy_without_put_stops_the_run_after_a_handful_of_refusals() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 500);
    let list_only = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{COPY_ROLE_ARN}"]}},"Action":"s3:ListBucket","Resource":["arn:aws:s3:::{MINE}"]}}]}}"#
    );
    scene.world.put_bucket_policy(MINE, &list_only);
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::DestinationRefused { .. })),
        "{}",
        report.stopped()
    );
    // Four at once, each tried twice.
    assert!(scene.world.count("CopyObject") <= 8, "{} copies were refused", scene.world.count("CopyObject"));
    assert_eq!(report.summary.not_entitled.objects, 0, "the destination's refusal is not the source's");
    assert_eq!(report.summary.interrupted.objects, 500);
}

#[tokio::test(start_paused = true)]
async fn refused_keys_do_not_hide_a_destination_that_refuses() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 20);
    for key in &keys[..19] {
        scene.world.refuse_read(VENDOR_BUCKET, key);
    }
    scene.world.put_bucket_policy(MINE, &manual_policy(MINE).replace("s3:PutObject\"", "s3:PutObjectTagging\""));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::DestinationRefused { key, .. }) if *key == keys[19])
    );
}

#[tokio::test(start_paused = true)]
async fn a_policy_removed_in_mid_run_stops_it() {
    let scene = Scene::new().settings(CopySettings::builder().max_in_flight(64).build().unwrap());
    scene.day("2021/05/31/", 500);
    // After the hundredth copy the destination refuses.
    scene.world.fault(Fault::on("CopyObject").calls(101, u64::MAX).then(Effect::Status(403, "AccessDenied")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::DestinationRefused { .. })),
        "{}",
        report.stopped()
    );
    assert_eq!(report.summary.copied_total().objects, 100);
    assert_eq!(report.summary.not_entitled.objects, 0);
    // Each refusal is repeated once, and so are those that were under way when the run ended.
    assert!(scene.world.count("CopyObject") < 100 + 64 + 2 * 64, "{}", scene.world.count("CopyObject"));
}

#[tokio::test(start_paused = true)]
async fn refused_objects_among_accepted_ones_fail_alone() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 400);
    scene.world.latency(std::time::Duration::from_millis(20));
    // Of a middle size, they are begun last: all others are accepted before the first refusal is understood, and none after.
    let refused: Vec<&String> = keys[190..210].iter().collect();
    for key in &refused {
        scene.world.fault(Fault::on("CopyObject").key((*key).clone()).then(Effect::Status(403, "AccessDenied")));
    }
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(report.summary.stopped.is_none(), "{}", report.stopped());
    assert!(refused.iter().all(|key| report.outcome(key) == "failed"));
    assert_eq!((report.summary.failed.objects, report.summary.copied_total().objects), (20, 380));
}

#[tokio::test(start_paused = true)]
async fn a_side_that_cannot_be_listed_stops_the_run_before_the_first_copy() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 5);
    scene.world.delete_bucket_policy(MINE);
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::DestinationNotListable { .. })),
        "{}",
        report.stopped()
    );
    assert_eq!(scene.world.count("CopyObject"), 0);
    assert!(!report.summary.listing_complete);

    let scene = Scene::new();
    scene.world.fault(Fault::on("ListObjectsV2").bucket(VENDOR_BUCKET).then(Effect::Status(403, "AccessDenied")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::SourceNotListable { .. })),
        "{}",
        report.stopped()
    );
}

#[tokio::test(start_paused = true)]
async fn a_bucket_of_another_account_or_none_is_refused() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 5);
    scene.world.create_bucket(MINE, flex_tests::sandbox::STRANGER, flex_tests::sandbox::REGION);
    scene.world.put_bucket_policy(MINE, &manual_policy(MINE));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(
        matches!(report.summary.stopped.as_deref(), Some(StopReason::DestinationNotListable { .. })),
        "{}",
        report.stopped()
    );
    assert!(scene.world.objects(MINE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_contract_that_is_extended_in_mid_run_is_not_taken_for_a_destination_that_refuses() {
    // The copy is refused, and what is asked about its source shortly after is not. Found by simulation.
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 1);
    scene.world.refuse_read(VENDOR_BUCKET, &keys[0]);
    scene.world.latency(std::time::Duration::from_millis(50));
    let world = scene.world.clone();
    let key = keys[0].clone();
    tokio::spawn(async move {
        while world.count("HeadObject") == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert!(world.allow_read(VENDOR_BUCKET, &key));
    });
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!((report.stopped(), report.outcome(&keys[0])), (String::new(), "copied"));
}
