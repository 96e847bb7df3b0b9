//! What is read is compared with what the source says, and with its own name.

use flex_copy::{
    Operation,
    deep::{DeepProof, DeepVerdict},
};
use flex_tests::sandbox::{Algorithm, ChecksumKind, Encryption, ObjectSpec, SUBSCRIBER, VENDOR_BUCKET};

use super::*;
use crate::scene::MIB;

#[tokio::test(start_paused = true)]
async fn a_good_day_is_verified_by_what_the_source_says() {
    let mut scene = Scene::new();
    scene.prefix = "archive/".into();
    let data = |seed| packed(seed, 40_000);
    let parts = |seed| ObjectSpec::bytes(data(seed)).part_size(1000);
    let sum = |algorithm| ObjectSpec::bytes(data(9)).part_size(900).checksum(algorithm, ChecksumKind::FullObject);
    let specs = [
        (ObjectSpec::bytes(data(1)), "verified md5"),
        (ObjectSpec::bytes(data(2)).full_checksum(), "verified md5"),
        (parts(3), "verified etag-layout"),
        (sum(Algorithm::Crc64Nvme), "verified crc64nvme"),
        (sum(Algorithm::Crc32c), "verified crc32c"),
        (sum(Algorithm::Crc32), "verified crc32"),
        // A composite checksum is not of the content.
        (parts(5).checksum(Algorithm::Crc32, ChecksumKind::Composite), "verified etag-layout"),
        (ObjectSpec::bytes(data(6)).part_size(1 << 20), "verified etag-layout"),
        // Sizes that look uniform by the first and the count, and sizes that do not.
        (ObjectSpec::bytes(data(7)[..2850].to_vec()).parts(&[1000, 900, 950]), "damaged-gzip etag-layout"),
        (ObjectSpec::bytes(data(8)[..3000].to_vec()).parts(&[1000, 1500, 500]), "damaged-gzip etag-layout"),
    ];
    for (number, (spec, _)) in (1..).zip(&specs) {
        both(&scene, &key(number), spec);
    }
    // The destination's own layout and checksum are of no account.
    scene.world.put_object(MINE, &format!("archive/{}", key(4)), ObjectSpec::bytes(data(9)).part_size(1234));
    let told = deep(&scene).await;
    let words = told.words();
    for (number, (_, want)) in (1..).zip(&specs) {
        assert_eq!(words[key(number).as_str()], *want, "{number}");
    }
    assert!(told.summary.stopped.is_none() && told.summary.listing_complete);
    assert_eq!(told.summary.verified_total().objects, 8);
    assert_eq!(told.summary.listed_total().objects, 10);
    let day = told.summary.days.values().next().expect("one day");
    assert_eq!((day.listed, day.present), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn only_objects_are_read_as_the_owner_pinned_and_each_byte_once() {
    let scene = Scene::new();
    good_day(&scene, 3, 5000);
    let told = deep(&scene).await;
    assert_eq!(told.summary.verified_total().objects, 3);
    let gets = sent(&scene, "GetObject");
    assert_eq!(gets.len(), 3, "plain ETags need one request each");
    for get in &gets {
        let info = scene.world.object(MINE, &get.key).expect("it is there");
        assert_eq!(get.bucket, MINE);
        assert_eq!(get.header("if-match").trim_matches('"'), info.etag.trim_matches('"'));
        assert_eq!(get.header("x-amz-expected-bucket-owner"), SUBSCRIBER);
        assert_eq!(get.header("range"), "");
        assert_eq!(get.header("x-amz-checksum-mode"), "", "it is hashed once, by flex");
        assert_eq!(get.identity, Identity::owner().arn());
    }
    for request in scene.world.requests().iter().filter(|request| request.operation != "GetObject") {
        assert_eq!(request.operation, "ListObjectsV2");
        assert!(request.identity.contains("JeuServiceRoleForS3Copy"), "{}", request.identity);
    }
    assert_eq!(told.summary.bytes_read, told.summary.verified_total().bytes);
    assert_eq!(told.summary.requests[&Operation::GetObject], 3);
    assert!(!told.summary.requests.contains_key(&Operation::HeadObject));
}

#[tokio::test(start_paused = true)]
async fn other_bytes_of_the_same_size_differ_whatever_the_source_says_of_itself() {
    let scene = Scene::new();
    let good = packed(1, 30_000);
    let mut bad = good.clone();
    // In the data of the gzip file, so that it is damaged, too.
    bad[good.len() / 2] ^= 0x10;
    let shapes: [fn(Vec<u8>) -> ObjectSpec; 4] = [
        |bytes| ObjectSpec::bytes(bytes),
        |bytes| ObjectSpec::bytes(bytes).full_checksum(),
        |bytes| ObjectSpec::bytes(bytes).part_size(1000),
        |bytes| ObjectSpec::bytes(bytes).part_size(1000).full_checksum(),
    ];
    for (number, shape) in (1..).zip(shapes) {
        scene.put(&key(number), shape(good.clone()));
        scene.world.put_object(MINE, &key(number), shape(bad.clone()));
    }
    scene.put(&key(9), ObjectSpec::bytes(good.clone()));
    scene.world.put_object(MINE, &key(9), ObjectSpec::bytes(good[..good.len() - 1].to_vec()));
    let told = deep(&scene).await;
    assert_eq!(told.summary.differs.objects, 5, "{:?}", told.words());
    for (number, text) in
        [(1, "its MD5 is"), (2, "its CRC64NVME is"), (3, "the ETag of its parts is"), (4, "CRC64NVME")]
    {
        let DeepVerdict::Differs { detail } = told.verdict(&key(number)) else { panic!("{number}") };
        assert!(detail.contains(text) && detail.contains("by the source") && detail.contains("gzip"), "{detail}");
    }
    let DeepVerdict::Differs { detail } = told.verdict(&key(9)) else { panic!("another size") };
    assert!(detail.contains("bytes"), "{detail}");
    assert!(sent(&scene, "GetObject").iter().all(|get| get.key != key(9)), "the listings tell sizes");
}

#[tokio::test(start_paused = true)]
async fn one_flipped_bit_at_the_destination_is_seen_though_its_etag_is_the_source_s() {
    // As when a disk forgets: nothing but the bytes is other. A listing cannot tell.
    let scene = Scene::new();
    let key = good_day(&scene, 1, 9000).remove(0);
    let mut bad = packed(1, 9000);
    bad[4] ^= 1;
    scene.world.rot(MINE, &key, bad);
    let (verdicts, _) = scene.verify(&[DAY]).await;
    assert_eq!(verdicts[&key].name(), "proven", "the listings cannot see it");
    assert_eq!(deep(&scene).await.verdict(&key).name(), "differs");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_that_is_the_source_s_is_said_to_be_so() {
    let scene = Scene::new();
    let good = packed(1, 3000);
    let cut = good[..good.len() - 5].to_vec();
    let mut trailer = good.clone();
    let end = trailer.len();
    trailer[end - 8] ^= 1;
    let mut length = good.clone();
    length[end - 1] ^= 1;
    let behind = [&good[..], b"more"].concat();
    for (number, (bytes, text)) in (1..).zip([
        (cut, "ends in the middle"),
        (trailer, "checksum in its trailer"),
        (length, "length in its trailer"),
        (behind, "follows its end"),
        (b"plain text".to_vec(), "does not begin as a gzip file"),
        (Vec::new(), "it is empty"),
    ]) {
        both(&scene, &key(number), &ObjectSpec::bytes(bytes));
        let told = deep(&scene).await;
        let DeepVerdict::DamagedGzip { detail, proof: Some(DeepProof::Md5) } = told.verdict(&key(number)) else {
            panic!("{text}: {:?}", told.verdict(&key(number)));
        };
        assert!(detail.contains(text), "{detail}");
        assert_eq!(told.summary.damaged_gzip.objects, u64::from(number));
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_held_against_what_is_inside() {
    let scene = Scene::new();
    let text = gzip(b"messages of FLEX");
    let members = [packed(1, 500), gzip(&noise(2, 500))].concat();
    for (name, bytes, want) in [
        ("20210531_1_001.pcap.gz", text.clone(), "not-pcap md5"),
        ("20210531_2_001.txt.gz", text.clone(), "verified md5"),
        ("20210531_3_001.pcap", text.clone(), "not-pcap md5"),
        ("20210531_4_001.pcap", capture(4, 100), "verified md5"),
        ("20210531_5_001.pcap.gz", members, "verified md5"),
        ("20210530_6_001.pcap.gz", packed(6, 100), "wrong-date md5"),
        // The fault that comes first in the list of verdicts.
        ("20210530_7_001.pcap.gz", text.clone(), "not-pcap md5"),
        ("readme.txt", b"not a data file".to_vec(), "verified md5"),
    ] {
        let key = format!("{DAY}/{name}");
        both(&scene, &key, &ObjectSpec::bytes(bytes));
        assert_eq!(deep(&scene).await.words()[key.as_str()], want, "{name}");
    }
    let summary = deep(&scene).await.summary;
    let counts = (summary.not_pcap.objects, summary.wrong_date.objects, summary.verified_total().objects);
    assert_eq!(counts, (3, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn what_kms_hides_is_not_called_verified() {
    let scene = Scene::new();
    let data = |seed| packed(seed, 4000);
    let plain = |number: u32| ObjectSpec::bytes(data(number.into()));
    // The source encrypts with KMS: without a checksum there is nothing to compare with.
    for (number, source) in [
        (1, plain(1).kms()),
        (2, plain(2).part_size(1000).kms()),
        (3, plain(3).full_checksum().kms()),
        (4, plain(4).part_size(1000).full_checksum().kms()),
    ] {
        scene.put(&key(number), source);
        scene.world.put_object(MINE, &key(number), plain(number));
    }
    // The destination does: what was read is plain.
    scene.put(&key(5), plain(5));
    scene.world.put_object(MINE, &key(5), plain(5).kms());
    // The source does, and what is there is damaged: that much can be told.
    scene.put(&key(6), ObjectSpec::bytes(data(6)[..500].to_vec()).kms());
    scene.world.put_object(MINE, &key(6), ObjectSpec::bytes(data(6)[..500].to_vec()));
    scene.world.bucket_encryption(VENDOR_BUCKET, Encryption::Kms, true);
    let told = deep(&scene).await;
    let words: Vec<String> = told.words().into_values().collect();
    assert_eq!(
        words,
        [
            "not-comparable",
            "not-comparable",
            "verified crc64nvme",
            "verified crc64nvme",
            "verified md5",
            "damaged-gzip"
        ]
    );
    assert_eq!((told.summary.not_comparable.objects, told.summary.verified_total().objects), (2, 3));
    let DeepVerdict::NotComparable { detail, .. } = told.verdict(&key(1)) else { panic!("not comparable") };
    assert!(detail.contains("KMS"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_told_apart() {
    let scene = Scene::new();
    good_day(&scene, 1, 100);
    let there = |number| scene.put(&key(number), ObjectSpec::bytes(packed(1, 10)));
    there(2);
    there(3);
    scene.world.refuse_read(VENDOR_BUCKET, &key(3));
    scene.put(&key(4), ObjectSpec::bytes(packed(1, 10)).storage_class("GLACIER"));
    let archived = ObjectSpec::bytes(packed(5, 10));
    scene.put(&key(5), archived.clone());
    scene.world.put_object(MINE, &key(5), archived.clone().storage_class("GLACIER"));
    // Archived at the source alone: the listing tells its MD5.
    scene.put(&key(6), archived.clone().storage_class("GLACIER"));
    scene.world.put_object(MINE, &key(6), archived);
    scene.put(&format!("{DAY}/"), ObjectSpec::new(0));
    scene.world.put_object(MINE, &format!("{DAY}/mine.txt"), ObjectSpec::new(5));
    let told = deep(&scene).await;
    let words: Vec<String> = told.words().into_values().collect();
    assert_eq!(words, ["marker", "verified md5", "missing", "not-entitled", "archived", "archived", "verified md5"]);
    assert_eq!(told.summary.extra.objects, 1);
    assert_eq!(told.summary.listed_total().objects, 7);
    assert!(sent(&scene, "GetObject").iter().all(|get| !get.key.ends_with("mine.txt")));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_may_not_be_read_any_more_still_proves_by_its_listing() {
    let scene = Scene::new();
    let large = noise(1, 8 << 20 | 5000);
    let name = format!("{DAY}/20210531_2_001.bin");
    for (key, spec) in [
        (key(1), ObjectSpec::bytes(packed(2, 100))),
        // Parts as common clients cut them.
        (name, ObjectSpec::bytes(large).part_size(8 * MIB)),
        (key(3), ObjectSpec::bytes(packed(3, 5000)).part_size(777)),
    ] {
        both(&scene, &key, &spec);
        scene.world.refuse_read(VENDOR_BUCKET, &key);
    }
    let told = deep(&scene).await;
    let words: Vec<String> = told.words().into_values().collect();
    assert_eq!(words, ["verified md5", "verified etag-layout", "not-comparable"]);
}

#[tokio::test(start_paused = true)]
async fn more_parts_than_any_object_has_are_not_believed() {
    let scene = Scene::new();
    let name = format!("{DAY}/20210531_1_001.bin");
    both(&scene, &name, &ObjectSpec::bytes(noise(1, 10_001)).part_size(1));
    let told = deep(&scene).await;
    assert_eq!(told.words()[name.as_str()], "not-comparable");
    assert_eq!(scene.world.count("HeadObject"), 0, "nor asked about");
}
