//! Cancellation ends what it can and names what it cannot.

use std::time::Duration;

use flex_copy::{Bucket, Cleaner, CopyEvent, CopySettings, client_config};
use flex_tests::sandbox::{COPY_ROLE_NAME, Effect, Fault, Identity, ObjectSpec, SUBSCRIBER};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::scene::{MIB, MINE, Scene, parse};

fn is_object(event: &CopyEvent) -> bool {
    matches!(event, CopyEvent::Object(_))
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_finishes_what_is_under_way_and_begins_nothing() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 500);
    scene.world.latency(Duration::from_millis(100));
    let report = scene.copy_until(&["2021/05/31"], CancellationToken::new(), is_object).await;
    assert!(report.summary.cancelled);
    let done = report.summary.copied_total().objects;
    assert!((1..200).contains(&done), "{done}");
    assert_eq!(scene.world.objects(MINE).len() as u64, done, "what was sent is waited for and reported");
    assert_eq!(report.summary.interrupted.objects + done, 500);
    assert!(report.summary.failed.objects == 0 && report.summary.stopped.is_none());

    let again = scene.copy(&["2021/05/31"]).await;
    assert_eq!(again.summary.identical.objects, done);
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn a_multipart_copy_under_way_is_aborted() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 1);
    scene.put("2021/05/31/20210531_9_001.pcap.gz", ObjectSpec::new(8 * 1000 * MIB).part_size(8 * MIB));
    scene.world.latency(Duration::from_millis(100));
    let report = scene.copy_until(&["2021/05/31"], CancellationToken::new(), is_object).await;
    assert!(report.summary.cancelled);
    assert_eq!(report.outcome("2021/05/31/20210531_9_001.pcap.gz"), "interrupted");
    assert!(scene.world.open_uploads(MINE).is_empty());
    assert!(report.summary.open_uploads.is_empty());
    assert!(scene.world.count("UploadPartCopy") < 1000);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_does_not_wait_for_retries() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 50);
    scene.world.fault(Fault::on("CopyObject").calls(10, u64::MAX).then(Effect::SlowDown));
    let cancel = CancellationToken::new();
    let begun = tokio::time::Instant::now();
    let report = scene.copy_until(&["2021/05/31"], cancel, |e| matches!(e, CopyEvent::Notice(_))).await;
    assert!(report.summary.cancelled);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(report.summary.failed.objects, 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_run_names_its_uploads_before_and_the_owner_ends_them() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_9_001.pcap.gz";
    scene.put(key, ObjectSpec::new(800 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("UploadPartCopy").calls(3, u64::MAX).then(Effect::SlowDown));
    let mut run = scene.copier().copy(&parse(&["2021/05/31"]), CancellationToken::new());
    while let Some(event) = run.next().await {
        if matches!(event, CopyEvent::Notice(_)) {
            break;
        }
    }
    let named = run.open_uploads();
    assert_eq!(named.len(), 1);
    drop(run);
    tokio::task::yield_now().await;
    let open = scene.world.open_uploads(MINE);
    assert_eq!(open.len(), 1);
    assert_eq!(named[0].upload_id.as_ref(), Some(&open[0].upload_id));

    let config = client_config(&scene.sandbox.sdk_config(&Identity::owner())).build();
    let bucket = Bucket::new(aws_sdk_s3::Client::from_conf(config), MINE).expected_owner(SUBSCRIBER);
    let cleaner = Cleaner::new(bucket, &CopySettings::default());
    let found = cleaner.find().await.unwrap();
    assert_eq!(found.iter().map(|u| u.key.as_str()).collect::<Vec<_>>(), [key]);
    assert!(found[0].is_by_role(COPY_ROLE_NAME), "{:?}", found[0]);
    cleaner.abort(&found[0]).await.unwrap();
    cleaner.abort(&found[0]).await.expect("one that is gone already is fine");
    assert!(scene.world.open_uploads(MINE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn uploads_of_keys_that_xml_cannot_hold_are_found() {
    let scene = Scene::new();
    let owner = scene.sandbox.s3(&Identity::owner());
    let key = "2021/05/31/\u{1b}[31m+ %.gz";
    // The answer names the key in XML that cannot be read; the upload is there all the same.
    let _ = owner.create_multipart_upload().bucket(MINE).key(key).send().await;
    let config = client_config(&scene.sandbox.sdk_config(&Identity::owner())).build();
    let bucket = Bucket::new(aws_sdk_s3::Client::from_conf(config), MINE).expected_owner(SUBSCRIBER);
    let found = Cleaner::new(bucket, &CopySettings::default()).find().await.unwrap();
    assert_eq!(found.iter().map(|u| u.key.as_str()).collect::<Vec<_>>(), [key]);
}

#[tokio::test(start_paused = true)]
async fn a_token_cancelled_before_the_start_copies_nothing() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 5);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let report = scene.copy_until(&["2021/05/31"], cancel, |_| false).await;
    assert!(report.summary.cancelled);
    assert_eq!(scene.world.count("CopyObject"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_copy_completed_while_it_is_cancelled_counts() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_9_001.pcap.gz";
    scene.put(key, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    scene.world.latency(Duration::from_millis(20));
    // The answer to the completion is lost, and the run is cancelled before the next attempt.
    scene.world.fault(Fault::on("CompleteMultipartUpload").nth(1).then(Effect::ResetAfter));
    scene.world.fault(Fault::on("CompleteMultipartUpload").calls(2, 9).then(Effect::Status(404, "NoSuchUpload")));
    let cancel = CancellationToken::new();
    let (world, token) = (scene.world.clone(), cancel.clone());
    let watch = tokio::spawn(async move {
        while world.count("CompleteMultipartUpload") == 0 {
            tokio::task::yield_now().await;
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        token.cancel();
    });
    let report = scene.copy_until(&["2021/05/31"], cancel, |_| false).await;
    watch.await.unwrap();
    assert!(report.summary.stopped.is_none(), "{}", report.stopped());
    assert_eq!(report.outcome(key), "copied");
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_the_pace() {
    let scene = Scene::new().settings(CopySettings::builder().max_rps(2.0).build().unwrap());
    scene.put("2021/05/31/20210531_9_001.pcap.gz", ObjectSpec::new(8 * 1000 * MIB).part_size(8 * MIB));
    let cancel = CancellationToken::new();
    let (world, token) = (scene.world.clone(), cancel.clone());
    let at = tokio::spawn(async move {
        while world.count("UploadPartCopy") < 2 {
            tokio::time::advance(Duration::from_millis(50)).await;
        }
        token.cancel();
        tokio::time::Instant::now()
    });
    let report = scene.copy_until(&["2021/05/31"], cancel, |_| false).await;
    let drained = at.await.unwrap().elapsed();
    assert!(report.summary.cancelled && scene.world.open_uploads(MINE).is_empty());
    assert!(drained < Duration::from_secs(5), "{drained:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_dropped_while_an_upload_is_created_names_it_as_possibly_open() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_9_001.pcap.gz";
    scene.put(key, ObjectSpec::new(800 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("CreateMultipartUpload").then(Effect::Stall(Duration::from_secs(30))));
    let mut run = scene.copier().copy(&parse(&["2021/05/31"]), CancellationToken::new());
    let all = async { while run.next().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_secs(5), all).await.is_err());
    assert_eq!(run.open_uploads().iter().map(|u| u.key.as_str()).collect::<Vec<_>>(), [key]);
}
