//! HeadObject and GetObject: ranges, parts, checksums, conditions.

use flex_tests::sandbox::{Algorithm, ChecksumKind, ObjectSpec, VENDOR_BUCKET};

use super::{MIB, is, refusal, scene};

#[tokio::test]
async fn a_part_is_told_by_number() {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, "parts", ObjectSpec::new(20 * MIB + 1).part_size(8 * MIB));
    scene.world.put_object(VENDOR_BUCKET, "plain", ObjectSpec::new(100));
    let head =
        |key: &'static str, part| scene.role.head_object().bucket(VENDOR_BUCKET).key(key).part_number(part).send();
    for (part, length) in [(1, 8 * MIB), (2, 8 * MIB), (3, 4 * MIB + 1)] {
        let answer = head("parts", part).await.expect("a part");
        assert_eq!(answer.content_length().map(i64::unsigned_abs), Some(length));
        assert_eq!(answer.parts_count(), Some(3));
        assert!(answer.e_tag().is_some_and(|etag| etag.ends_with("-3\"")));
    }
    assert_eq!(refusal(head("parts", 4).await).0, 416);
    let plain = head("plain", 1).await.expect("a plain object has one part");
    assert_eq!((plain.content_length(), plain.parts_count()), (Some(100), None));
    assert_eq!(refusal(head("plain", 2).await).0, 416);
    // S3 answers a part with 206, also to HEAD; without a part it does not count them.
    let statuses: Vec<u16> = scene.world.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [206, 206, 206, 416, 206, 416]);
    let whole = scene.role.head_object().bucket(VENDOR_BUCKET).key("parts").send().await.expect("read");
    assert_eq!(whole.parts_count(), None);
}

#[tokio::test]
async fn checksums_are_shown_when_asked_for() {
    let scene = scene();
    let parts = [5 * MIB, 7];
    let object = ObjectSpec::new(5 * MIB + 7).parts(&parts);
    scene.world.put_object(VENDOR_BUCKET, "full", object.clone().full_checksum());
    scene.world.put_object(VENDOR_BUCKET, "parts", object.checksum(Algorithm::Crc32c, ChecksumKind::Composite));
    let head = |key: &'static str| scene.role.head_object().bucket(VENDOR_BUCKET).key(key);
    let silent = head("full").send().await.expect("read");
    assert_eq!((silent.checksum_crc64_nvme(), silent.checksum_type()), (None, None));
    let full = head("full").checksum_mode("ENABLED".into()).send().await.expect("read");
    let stored = |key| scene.world.object(VENDOR_BUCKET, key).and_then(|o| o.checksum).expect("a checksum").value;
    assert_eq!(full.checksum_crc64_nvme(), Some(stored("full").as_str()));
    assert_eq!(full.checksum_type().map(|t| t.as_str()), Some("FULL_OBJECT"));
    let composite = head("parts").checksum_mode("ENABLED".into()).send().await.expect("read");
    assert_eq!(composite.checksum_crc32_c(), Some(stored("parts").as_str()));
    assert!(stored("parts").ends_with("-2"));
    let part = head("parts").checksum_mode("ENABLED".into()).part_number(2).send().await.expect("read");
    let part = part.checksum_crc32_c().expect("the part's own").to_owned();
    assert!(!part.contains('-'));
}

#[tokio::test]
async fn bytes_are_the_same_every_time_and_in_every_range() {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, "k", ObjectSpec::new(200_000).seed(5));
    let get = |range: Option<&str>| {
        let request = scene.role.get_object().bucket(VENDOR_BUCKET).key("k").set_range(range.map(str::to_owned));
        async move { request.send().await.expect("read") }
    };
    let whole = get(None).await.body.collect().await.expect("a body").into_bytes();
    assert_eq!(whole.len(), 200_000);
    assert_eq!(whole, scene.world.read(VENDOR_BUCKET, "k"));
    for (range, part) in [
        ("bytes=0-9", 0..10),
        ("bytes=65530-65600", 65_530..65_601),
        ("bytes=199990-", 199_990..200_000),
        ("bytes=-5", 199_995..200_000),
        ("bytes=199999-300000", 199_999..200_000),
    ] {
        let answer = get(Some(range)).await;
        assert_eq!(answer.content_range(), Some(format!("bytes {}-{}/200000", part.start, part.end - 1).as_str()));
        assert_eq!(answer.body.collect().await.expect("a body").into_bytes(), whole.slice(part), "{range}");
    }
    let beyond = scene.role.get_object().bucket(VENDOR_BUCKET).key("k").range("bytes=200000-").send().await;
    assert_eq!(refusal(beyond), is(416, "InvalidRange"));
}

#[tokio::test]
async fn conditions_on_reading() {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, "k", ObjectSpec::new(10));
    let etag = scene.world.object(VENDOR_BUCKET, "k").expect("stored").etag;
    let head = || scene.role.head_object().bucket(VENDOR_BUCKET).key("k");
    head().if_match(&etag).send().await.expect("it is that one");
    assert_eq!(refusal(head().if_match("\"other\"").send().await).0, 412);
    assert_eq!(refusal(head().if_none_match(&etag).send().await).0, 304);
}
