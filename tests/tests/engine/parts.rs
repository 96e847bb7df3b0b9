//! Copies by parts: the source's layout, what is above 5 GiB, metadata, and stores that refuse parts.

use flex_copy::{CopySettings, Notice, Proof};
use flex_tests::sandbox::{Effect, Fault, Metadata, ObjectSpec, VENDOR_BUCKET};

use crate::scene::{GIB, MIB, MINE, Scene};

const KEY: &str = "2021/05/31/20210531_1_001.pcap.gz";

#[tokio::test(start_paused = true)]
async fn the_sources_layout_is_kept_and_proves_the_copy() {
    for (size, sizes) in [
        (100 * MIB, None),
        (16 * MIB, None),
        (16 * MIB + 1, None),
        // One small part: its ETag ends in -1.
        (3 * MIB, None),
        // Not uniform: every part is asked for.
        (26 * MIB, Some([5 * MIB, 12 * MIB, 8 * MIB, MIB])),
    ] {
        let scene = Scene::new();
        let spec = ObjectSpec::new(size);
        scene.put(
            KEY,
            match sizes {
                None => spec.part_size(8 * MIB),
                Some(sizes) => spec.parts(&sizes),
            },
        );
        let source = scene.world.object(VENDOR_BUCKET, KEY).unwrap();
        let report = scene.copy(&["2021/05/31"]).await;
        assert_eq!(report.proofs(), [(Proof::Etag, 1)], "{size}");
        let copy = scene.world.object(MINE, KEY).unwrap();
        assert_eq!((copy.etag, copy.parts), (source.etag, source.parts), "{size}");
        scene.assert_copied(&[KEY.into()]);
        let heads = sizes.map_or(1, |s| s.len() as u64);
        assert_eq!(scene.world.count("HeadObject"), heads, "{size}");
        assert_eq!(scene.copy(&["2021/05/31"]).await.outcome(KEY), "identical");
    }
}

#[tokio::test(start_paused = true)]
async fn a_layout_that_only_looks_uniform_is_found_out() {
    let scene = Scene::new();
    // Four parts of 5 MiB would hold it as well.
    scene.put(KEY, ObjectSpec::new(16 * MIB + 1).parts(&[5 * MIB, 6 * MIB, 5 * MIB, 1]));
    let source = scene.world.object(VENDOR_BUCKET, KEY).unwrap();
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 1)], "{:?}", report.outcomes());
    assert_eq!(scene.world.object(MINE, KEY).unwrap().etag, source.etag);
    scene.assert_copied(&[KEY.into()]);
    assert!(scene.world.open_uploads(MINE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn above_five_gib_parts_are_used_whatever_the_source() {
    for (spec, proof) in [
        (ObjectSpec::new(6 * GIB).part_size(64 * MIB), Proof::Etag),
        (ObjectSpec::new(6 * GIB).part_size(64 * MIB).full_checksum(), Proof::Checksum),
        (ObjectSpec::new(6 * GIB).part_size(64 * MIB).kms(), Proof::SizeOnly),
    ] {
        let scene = Scene::new();
        scene.put(KEY, spec);
        let report = scene.copy(&["2021/05/31"]).await;
        assert_eq!(report.proofs(), [(proof, 1)]);
        assert_eq!(scene.world.count("CopyObject"), 0);
        scene.assert_copied(&[KEY.into()]);
        assert!(scene.world.open_uploads(MINE).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_multipart_copy_carries_the_metadata_and_says_what_the_policy_and_the_proof_need() {
    let scene = Scene::new();
    let metadata = Metadata {
        content_type: Some("application/vnd.tcpdump.pcap".into()),
        content_encoding: Some("gzip".into()),
        content_language: Some("ja".into()),
        content_disposition: Some("attachment".into()),
        cache_control: Some("no-cache".into()),
        expires: Some(1_792_567_680),
        user: [("feed".to_owned(), "full".to_owned())].into(),
    };
    scene.put(KEY, ObjectSpec::new(20 * MIB).part_size(8 * MIB).metadata(metadata.clone()));
    let etag = scene.world.object(VENDOR_BUCKET, KEY).unwrap().etag;
    scene.copy(&["2021/05/31"]).await;
    assert_eq!(scene.world.object(MINE, KEY).unwrap().metadata, metadata);
    let requests = scene.world.requests();
    let of = |operation: &str| requests.iter().filter(|r| r.operation == operation).collect::<Vec<_>>();
    assert_eq!(of("CreateMultipartUpload")[0].header("x-amz-acl"), "bucket-owner-full-control");
    let mut ranges: Vec<_> =
        of("UploadPartCopy").iter().map(|r| r.header("x-amz-copy-source-range").to_owned()).collect();
    ranges.sort();
    assert_eq!(ranges, ["bytes=0-8388607", "bytes=16777216-20971519", "bytes=8388608-16777215"]);
    assert!(of("UploadPartCopy").iter().all(|r| r.header("x-amz-copy-source-if-match") == etag));
    assert_eq!(of("CompleteMultipartUpload")[0].header("x-amz-mp-object-size"), (20 * MIB).to_string());
}

#[tokio::test(start_paused = true)]
async fn where_parts_are_refused_it_is_said_once_and_objects_go_whole() {
    let scene = Scene::new();
    scene.world.deny_parts(true);
    let keys: Vec<String> = (1..=12).map(|n| format!("2021/05/31/20210531_{n}_001.pcap.gz")).collect();
    for key in &keys {
        scene.put(key, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    }
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::SizeOnly, 12)]);
    assert_eq!(report.notices.iter().filter(|n| matches!(n, Notice::PartsRefused { .. })).count(), 1);
    assert!(scene.world.open_uploads(MINE).is_empty(), "what was begun by parts is aborted");
    scene.assert_copied(&keys);

    let scene = Scene::new();
    scene.world.deny_parts(true);
    scene.put(KEY, ObjectSpec::new(6 * GIB).part_size(64 * MIB));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(KEY), "failed", "more than 5 GiB cannot go whole");
    assert!(scene.world.open_uploads(MINE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_multipart_copy_is_aborted() {
    let settings = CopySettings::builder().attempts(3).build().unwrap();
    let scene = Scene::new().settings(settings);
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("UploadPartCopy").then(Effect::Status(500, "InternalError")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(KEY), "failed");
    assert!(scene.world.open_uploads(MINE).is_empty());
    assert!(report.summary.open_uploads.is_empty());
    assert_eq!(scene.world.count("CompleteMultipartUpload"), 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_part_failed_for_good_no_further_part_is_begun() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(8 * 1000 * MIB).part_size(8 * MIB));
    scene.world.latency(std::time::Duration::from_millis(20));
    scene.world.fault(Fault::on("UploadPartCopy").nth(5).then(Effect::Status(400, "InvalidRequest")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(KEY), "failed");
    assert!(scene.world.count("UploadPartCopy") < 200, "{} of 1000 parts", scene.world.count("UploadPartCopy"));
    assert!(scene.world.open_uploads(MINE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_cannot_be_aborted_is_named() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("UploadPartCopy").nth(5).then(Effect::Status(400, "InvalidRequest")));
    scene.world.fault(Fault::on("AbortMultipartUpload").then(Effect::Status(403, "AccessDenied")));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.outcome(KEY), "failed");
    let open = scene.world.open_uploads(MINE);
    assert_eq!(open.len(), 1);
    assert_eq!(report.summary.open_uploads.len(), 1);
    assert_eq!(report.summary.open_uploads[0].upload_id.as_ref(), Some(&open[0].upload_id));
}

#[tokio::test(start_paused = true)]
async fn a_large_object_that_a_checksum_proves_is_split_to_end_with_the_rest() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(2 * GIB).part_size(64 * MIB).full_checksum());
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Checksum, 1)]);
    assert_eq!(scene.counts(&["CopyObject", "HeadObject", "UploadPartCopy"]), [0, 1, 16]);
    scene.assert_copied(&[KEY.into()]);
}

#[tokio::test(start_paused = true)]
async fn few_uploads_are_open_at_once_however_many_objects_wait() {
    let scene = Scene::new().settings(CopySettings::builder().max_in_flight(16).build().unwrap());
    let keys: Vec<String> = (1..=60).map(|n| format!("2021/05/31/20210531_{n}_001.pcap.gz")).collect();
    for key in &keys {
        scene.put(key, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    }
    scene.world.latency(std::time::Duration::from_millis(100));
    let run = scene.copy(&["2021/05/31"]);
    let mut run = std::pin::pin!(run);
    let mut most = 0;
    let report = loop {
        tokio::select! {
            report = &mut run => break report,
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {
                most = most.max(scene.world.open_uploads(MINE).len());
            }
        }
    };
    assert_eq!(report.proofs(), [(Proof::Etag, 60)]);
    assert!((2..=6).contains(&most), "{most} uploads were open, each of ten parts, on sixteen places");
    assert_eq!(scene.world.peak_in_flight(), 16, "and no place was idle");
}
