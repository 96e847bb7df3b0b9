//! Whole copies: what is sent, what it proves, what a second run does.

use flex_copy::{CopySettings, Encryption, Notice, Proof};
use flex_tests::sandbox::{self, ObjectSpec, VENDOR_BUCKET};

use crate::scene::{GIB, MINE, Scene};

#[tokio::test(start_paused = true)]
async fn n_small_objects_take_n_copies_and_the_listings_and_no_head() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 200);
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 200)]);
    // Two spellings of the folder, on two sides.
    assert_eq!(scene.counts(&["CopyObject", "ListObjectsV2", "HeadObject"]), [200, 4, 0]);
    scene.assert_copied(&keys);
    assert!(report.summary.listing_complete);
    assert_eq!(report.summary.requests.values().sum::<u64>(), 204);

    let again = scene.copy(&["2021/05/31"]).await;
    assert_eq!((again.summary.identical.objects, again.summary.copied_total().objects), (200, 0));
    assert_eq!(scene.world.count("CopyObject"), 200, "a second run copies nothing");
}

#[tokio::test(start_paused = true)]
async fn every_copy_says_what_the_policy_and_the_proof_need() {
    let scene = Scene::new();
    let key = &scene.day("2021/05/31/", 1)[0];
    let etag = scene.world.object(VENDOR_BUCKET, key).unwrap().etag;
    scene.copy(&["2021/05/31"]).await;
    let requests = scene.world.requests();
    let copy = requests.iter().find(|r| r.operation == "CopyObject").unwrap();
    for (header, want) in [
        ("x-amz-acl", "bucket-owner-full-control"),
        ("x-amz-tagging-directive", "REPLACE"),
        ("x-amz-object-annotation-directive", "EXCLUDE"),
        ("x-amz-copy-source-if-match", etag.as_str()),
        ("x-amz-expected-bucket-owner", sandbox::SUBSCRIBER),
        ("x-amz-source-expected-bucket-owner", sandbox::VENDOR),
        ("x-amz-tagging", ""),
        ("x-amz-metadata-directive", ""),
    ] {
        assert_eq!(copy.header(header), want, "{header}");
    }
}

#[tokio::test(start_paused = true)]
async fn compat_leaves_out_what_only_aws_knows() {
    let scene = Scene::new().settings(CopySettings::builder().compat(true).build().unwrap());
    let keys = scene.day("2021/05/31/", 1);
    scene.copy(&["2021/05/31"]).await;
    let requests = scene.world.requests();
    let copy = requests.iter().find(|r| r.operation == "CopyObject").unwrap();
    assert_eq!(copy.header("x-amz-object-annotation-directive"), "");
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn tagged_sources_are_copied_without_their_tags() {
    let scene = Scene::new();
    scene.put("2021/05/31/20210531_1_001.pcap.gz", ObjectSpec::new(10).tags(2));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 1)]);
    assert_eq!(scene.world.object(MINE, "2021/05/31/20210531_1_001.pcap.gz").unwrap().tags, 0);
}

#[tokio::test(start_paused = true)]
async fn five_gib_go_in_one_request() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_1_001.pcap.gz".to_owned();
    scene.put(&key, ObjectSpec::new(5 * GIB));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 1)]);
    assert_eq!(scene.counts(&["CopyObject", "CreateMultipartUpload"]), [1, 0]);
    scene.assert_copied(&[key]);
}

#[tokio::test(start_paused = true)]
async fn a_multipart_source_with_a_checksum_of_the_whole_takes_a_head_and_one_copy() {
    let scene = Scene::new();
    let key = "2021/05/31/20210531_1_001.pcap.gz".to_owned();
    scene.put(&key, ObjectSpec::new(100 << 20).part_size(8 << 20).full_checksum());
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Checksum, 1)]);
    assert_eq!(scene.counts(&["HeadObject", "CopyObject", "CreateMultipartUpload"]), [1, 1, 0]);
    scene.assert_copied(std::slice::from_ref(&key));
    // From the listings alone the copy is of another layout: kept, and not called more than it is.
    let again = scene.copy(&["2021/05/31"]).await;
    assert_eq!(again.outcome(&key), "kept");
    // Asked for, it is copied in the source's layout, which the listings then prove.
    let mut scene = scene;
    scene.settings = CopySettings::builder().recopy_size_only(true).build().unwrap();
    assert_eq!(scene.copy(&["2021/05/31"]).await.proofs(), [(Proof::Etag, 1)]);
    assert_eq!(scene.copy(&["2021/05/31"]).await.outcome(&key), "identical");
    scene.assert_copied(&[key]);
}

#[tokio::test(start_paused = true)]
async fn a_plain_copy_asked_for_is_size_only_and_says_so() {
    let settings = CopySettings::builder().proof(flex_copy::ProofWanted::Size).build().unwrap();
    let scene = Scene::new().settings(settings);
    let key = "2021/05/31/20210531_1_001.pcap.gz".to_owned();
    scene.put(&key, ObjectSpec::new(100 << 20).part_size(8 << 20));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::SizeOnly, 1)]);
    assert_eq!(scene.counts(&["HeadObject", "CopyObject", "CreateMultipartUpload"]), [0, 1, 0]);
    scene.assert_copied(&[key]);
}

#[tokio::test(start_paused = true)]
async fn kms_on_either_side_leaves_size_only() {
    // At the source.
    let scene = Scene::new();
    let key = scene.day("2021/05/31/", 1).remove(0);
    scene.put(&key, ObjectSpec::new(10).kms());
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::SizeOnly, 1)]);
    let again = scene.copy(&["2021/05/31"]).await;
    assert_eq!(again.outcome(&key), "kept", "KMS explains the ETags: {:?}", again.outcomes());

    // At the destination, by the bucket's default: the answers say so.
    let scene = Scene::new();
    scene.world.bucket_encryption(MINE, sandbox::Encryption::Kms, true);
    scene.day("2021/05/31/", 20);
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::SizeOnly, 20)]);
    assert_eq!(report.notices.iter().filter(|n| matches!(n, Notice::DestinationUsesKms)).count(), 1);
    let copies = scene.world.count("CopyObject");
    let again = scene.copy(&["2021/05/31"]).await;
    assert_eq!(scene.world.count("CopyObject") - copies, 1, "one copy tells that KMS explains all the others");
    assert_eq!((again.summary.kept.objects, again.summary.copied_total().objects), (19, 1));

    // Asked for SSE-S3, which overrides the default: proven.
    let settings = CopySettings::builder().encryption(Encryption::S3).build().unwrap();
    let scene = Scene::new().settings(settings);
    scene.world.bucket_encryption(MINE, sandbox::Encryption::Kms, true);
    scene.day("2021/05/31/", 2);
    assert_eq!(scene.copy(&["2021/05/31"]).await.proofs(), [(Proof::Etag, 2)]);
}

#[tokio::test(start_paused = true)]
async fn the_limit_of_requests_in_flight_holds_and_one_is_enough() {
    for limit in [1, 8] {
        let settings = CopySettings::builder().max_in_flight(limit).build().unwrap();
        let scene = Scene::new().settings(settings);
        scene.world.latency(std::time::Duration::from_millis(50));
        let mut keys = scene.day("2021/05/31/", 60);
        let big = "2021/05/31/20210531_99_001.pcap.gz".to_owned();
        scene.put(&big, ObjectSpec::new(200 << 20).part_size(8 << 20));
        keys.push(big);
        scene.copy(&["2021/05"]).await;
        scene.assert_copied(&keys);
        assert_eq!(scene.world.peak_in_flight(), limit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_prefix_is_put_before_the_vendors_keys() {
    let mut scene = Scene::new();
    scene.prefix = "tse/flex/".into();
    let keys = scene.day("2021/05/31/", 3);
    assert_eq!(scene.copy(&["2021/05/31"]).await.proofs(), [(Proof::Etag, 3)]);
    scene.assert_copied(&keys);
    assert_eq!(scene.copy(&["2021/05/31"]).await.summary.identical.objects, 3);
}

#[tokio::test(start_paused = true)]
async fn many_kms_sources_are_asked_about_side_by_side() {
    let mut scene = Scene::new();
    for n in 1..=100 {
        scene.put(&format!("2021/05/31/20210531_{n}_001.pcap.gz"), ObjectSpec::new(1000 + n).seed(n).kms());
    }
    scene.copy(&["2021/05/31"]).await;
    scene.world.forget_requests();
    scene.world.latency(std::time::Duration::from_millis(100));
    assert_eq!(scene.copy(&["2021/05/31"]).await.summary.kept.objects, 100);
    assert!(scene.world.peak_in_flight_of("HeadObject") > 1);

    scene.settings = CopySettings::builder().recopy_size_only(true).build().unwrap();
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::SizeOnly, 100)], "copied again, as asked");
}

#[tokio::test(start_paused = true)]
async fn a_checksum_proves_a_copy_into_a_kms_bucket() {
    let scene = Scene::new();
    scene.world.bucket_encryption(MINE, sandbox::Encryption::Kms, true);
    scene.put("2021/05/31/20210531_1_001.pcap.gz", ObjectSpec::new(10).full_checksum());
    assert_eq!(scene.copy(&["2021/05/31"]).await.proofs(), [(Proof::Checksum, 1)]);
}
