//! CopyObject: limits, ETags, checksums, what is carried along.

use aws_sdk_s3::types::ChecksumAlgorithm;
use flex_tests::sandbox::{Algorithm, ChecksumKind, Encryption, Metadata, ObjectSpec, VENDOR_BUCKET};

use super::{GIB, KEY, MIB, MINE, copy, from, is, refusal, scene, scene_with_object};

#[tokio::test]
async fn five_gib_is_the_most() {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, "most", ObjectSpec::new(5 * GIB));
    scene.world.put_object(VENDOR_BUCKET, "more", ObjectSpec::new(5 * GIB + 1));
    copy(&scene.role, "most").send().await.expect("5 GiB is allowed");
    assert!(scene.world.same_content(VENDOR_BUCKET, "most", MINE, "most"));
    assert_eq!(refusal(copy(&scene.role, "more").send().await), is(400, "InvalidRequest"));
    assert_eq!(scene.world.objects(MINE), ["most"]);
}

#[tokio::test]
async fn a_copy_has_the_etag_that_a_plain_upload_would_have() {
    let scene = scene();
    for size in [0, 1000, 3 * MIB, 5 * GIB] {
        scene.world.put_object(VENDOR_BUCKET, "plain", ObjectSpec::new(size).seed(7));
        scene.world.put_object(VENDOR_BUCKET, "parts", ObjectSpec::new(size).seed(7).part_size(GIB));
        let plain = scene.world.object(VENDOR_BUCKET, "plain").expect("stored").etag;
        let parts = scene.world.object(VENDOR_BUCKET, "parts").expect("stored").etag;
        assert_ne!(plain, parts);
        for key in ["plain", "parts"] {
            let answer = copy(&scene.role, key).send().await.expect("copied");
            let result = answer.copy_object_result().expect("a result");
            assert_eq!(result.e_tag(), Some(plain.as_str()), "{key} of {size}");
            let stored = scene.world.object(MINE, key).expect("stored");
            assert_eq!((stored.etag.as_str(), stored.parts), (plain.as_str(), None));
        }
    }
}

#[tokio::test]
async fn other_content_has_another_etag_whatever_its_size() {
    let scene = scene();
    for size in [1, 1000, 3 * MIB, 5 * GIB] {
        scene.world.put_object(VENDOR_BUCKET, "one", ObjectSpec::new(size).seed(1));
        scene.world.put_object(VENDOR_BUCKET, "two", ObjectSpec::new(size).seed(2));
        let etag = |key| scene.world.object(VENDOR_BUCKET, key).expect("stored").etag;
        assert_ne!(etag("one"), etag("two"), "{size}");
        assert!(!scene.world.same_content(VENDOR_BUCKET, "one", VENDOR_BUCKET, "two"));
    }
}

#[tokio::test]
async fn small_objects_have_their_true_md5_and_crc() {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, "k", ObjectSpec::bytes("123456789").full_checksum());
    let head = scene.role.head_object().bucket(VENDOR_BUCKET).key("k").checksum_mode("ENABLED".into()).send().await;
    let head = head.expect("read");
    assert_eq!(head.e_tag(), Some("\"25f9e794323b453885f5181f1b624d0b\""));
    // The check value of CRC-64/NVME, in base64.
    assert_eq!(head.checksum_crc64_nvme(), Some("rosUhgp5mIg="));
}

#[tokio::test]
async fn kms_makes_opaque_etags() {
    let scene = scene_with_object();
    scene.world.bucket_encryption(MINE, Encryption::Kms, true);
    let mut etags = Vec::new();
    for _ in 0..2 {
        let answer = copy(&scene.role, KEY).send().await.expect("copied");
        assert_eq!(answer.server_side_encryption().map(|s| s.as_str()), Some("aws:kms"));
        etags.push(answer.copy_object_result().and_then(|r| r.e_tag().map(str::to_owned)).expect("an etag"));
    }
    let source = scene.world.object(VENDOR_BUCKET, KEY).expect("stored").etag;
    assert!(!etags.contains(&source));
    assert_ne!(etags[0], etags[1]);
    assert_eq!(etags[0].len(), source.len());
    assert!(scene.world.same_content(VENDOR_BUCKET, KEY, MINE, KEY));
}

#[tokio::test]
async fn the_source_is_pinned_by_its_etag() {
    let scene = scene_with_object();
    let etag = scene.world.object(VENDOR_BUCKET, KEY).expect("stored").etag;
    copy(&scene.role, KEY).copy_source_if_match(&etag).send().await.expect("it is that one");
    copy(&scene.role, KEY).copy_source_if_match(etag.trim_matches('"')).send().await.expect("quotes do not matter");
    scene.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(1000).seed(2));
    let changed = copy(&scene.role, KEY).copy_source_if_match(&etag).send().await;
    assert_eq!(refusal(changed), is(412, "PreconditionFailed"));
    let none =
        copy(&scene.role, KEY).copy_source_if_none_match(scene.world.object(VENDOR_BUCKET, KEY).expect("stored").etag);
    assert_eq!(refusal(none.send().await), is(412, "PreconditionFailed"));
}

#[tokio::test]
async fn if_none_match_keeps_what_is_there() {
    let scene = scene_with_object();
    let fresh = || {
        copy(&scene.role, KEY).customize().mutate_request(|request| {
            request.headers_mut().insert("if-none-match", "*");
        })
    };
    fresh().send().await.expect("nothing is there");
    assert_eq!(refusal(fresh().send().await), is(412, "PreconditionFailed"));
    let put = scene.owner.put_object().bucket(MINE).key(KEY).if_none_match("*").send().await;
    assert_eq!(refusal(put), is(412, "PreconditionFailed"));
}

#[tokio::test]
async fn archived_sources_cannot_be_copied() {
    let scene = scene();
    for (class, passes) in [("GLACIER", false), ("DEEP_ARCHIVE", false), ("GLACIER_IR", true), ("STANDARD_IA", true)] {
        scene.world.put_object(VENDOR_BUCKET, "k", ObjectSpec::new(10).storage_class(class));
        let listed = scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("listed");
        assert_eq!(listed.contents()[0].storage_class().map(|c| c.as_str()), Some(class));
        scene.role.head_object().bucket(VENDOR_BUCKET).key("k").send().await.expect("HEAD always works");
        let copied = copy(&scene.role, "k").send().await;
        if passes {
            copied.expect("readable at once");
            let stored = scene.world.object(MINE, "k").expect("stored");
            assert_eq!(stored.storage_class, "STANDARD", "the class is not carried along");
        } else {
            assert_eq!(refusal(copied), is(403, "InvalidObjectState"), "{class}");
            let read = scene.role.get_object().bucket(VENDOR_BUCKET).key("k").send().await;
            assert_eq!(refusal(read), is(403, "InvalidObjectState"), "{class}");
        }
    }
}

#[tokio::test]
async fn the_copy_source_must_be_encoded() {
    let scene = scene();
    let keys = ["a b", "a+b", "100%", "a%20b", "what?.txt", "quo\"te'", "日本語.txt", "a&b=c;d", "~(x)*!"];
    for key in keys {
        scene.world.put_object(VENDOR_BUCKET, key, ObjectSpec::bytes(key.as_bytes().to_vec()));
        copy(&scene.role, key).send().await.expect("encoded, it is found");
        assert_eq!(scene.world.read(MINE, key), key.as_bytes());
    }
    for raw in ["a b", "a+b", "100%", "日本語.txt", "quo\"te'"] {
        let source = format!("{VENDOR_BUCKET}/{raw}");
        let refused = copy(&scene.role, "x").copy_source(source).send().await;
        assert_eq!(refusal(refused), is(400, "InvalidArgument"), "{raw}");
    }
    // What the client sent is on record, to be asserted on.
    let sent = scene.world.requests();
    let last = sent.iter().rfind(|request| request.key == "日本語.txt").expect("recorded");
    assert_eq!(last.header("x-amz-copy-source"), from("日本語.txt"));
}

#[tokio::test]
async fn metadata_is_carried_and_the_rest_is_not() {
    let scene = scene();
    let metadata = Metadata {
        content_type: Some("application/gzip".into()),
        content_encoding: Some("gzip".into()),
        content_language: Some("ja".into()),
        content_disposition: Some("attachment".into()),
        cache_control: Some("no-cache".into()),
        expires: Some(1_900_000_000),
        user: [("session".to_owned(), "2021-05-31".to_owned())].into(),
    };
    scene.world.put_object(
        VENDOR_BUCKET,
        KEY,
        ObjectSpec::new(5).metadata(metadata.clone()).storage_class("STANDARD_IA"),
    );
    copy(&scene.role, KEY).send().await.expect("copied");
    let stored = scene.world.object(MINE, KEY).expect("stored");
    assert_eq!(stored.metadata, metadata);
    assert_eq!(stored.storage_class, "STANDARD");

    let head = scene.owner.head_object().bucket(MINE).key(KEY).send().await.expect("read");
    assert_eq!(head.content_type(), Some("application/gzip"));
    assert_eq!(head.content_encoding(), Some("gzip"));
    assert_eq!(head.content_language(), Some("ja"));
    assert_eq!(head.content_disposition(), Some("attachment"));
    assert_eq!(head.cache_control(), Some("no-cache"));
    assert_eq!(head.expires_string(), Some("Sun, 17 Mar 2030 17:46:40 GMT"));
    assert_eq!(head.metadata().and_then(|m| m.get("session")).map(String::as_str), Some("2021-05-31"));

    let class = copy(&scene.role, KEY).storage_class("GLACIER_IR".into()).send().await;
    class.expect("copied");
    assert_eq!(scene.world.object(MINE, KEY).expect("stored").storage_class, "GLACIER_IR");
}

#[tokio::test]
async fn checksums_of_copies_are_of_the_whole() {
    let scene = scene();
    let sizes = [5 * MIB, 5 * MIB, 100];
    let object = || ObjectSpec::new(10 * MIB + 100).seed(3).parts(&sizes);
    scene.world.put_object(VENDOR_BUCKET, "none", object());
    scene.world.put_object(VENDOR_BUCKET, "full", object().full_checksum());
    scene.world.put_object(VENDOR_BUCKET, "composite", object().checksum(Algorithm::Sha256, ChecksumKind::Composite));
    let whole = scene.world.object(VENDOR_BUCKET, "full").and_then(|o| o.checksum).expect("a checksum").value;
    for key in ["none", "full"] {
        let answer = copy(&scene.role, key).send().await.expect("copied");
        let result = answer.copy_object_result().expect("a result");
        assert_eq!(result.checksum_crc64_nvme(), Some(whole.as_str()), "{key}");
        assert_eq!(result.checksum_type().map(|t| t.as_str()), Some("FULL_OBJECT"));
    }
    let before = scene.world.object(VENDOR_BUCKET, "composite").and_then(|o| o.checksum).expect("a checksum");
    assert!(before.value.ends_with("-3"), "{before:?}");
    let answer = copy(&scene.role, "composite").send().await.expect("copied");
    let result = answer.copy_object_result().expect("a result");
    let after = result.checksum_sha256().expect("the same algorithm");
    assert!(!after.contains('-') && !before.value.starts_with(after), "{after}");
    let chosen = copy(&scene.role, "composite").checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await;
    let chosen = chosen.expect("copied");
    assert_eq!(chosen.copy_object_result().and_then(|r| r.checksum_crc64_nvme()), Some(whole.as_str()));
}

#[tokio::test]
async fn an_object_is_not_copied_onto_itself_unchanged() {
    let scene = scene();
    scene.world.put_object(MINE, "k", ObjectSpec::new(1));
    let itself = || scene.owner.copy_object().bucket(MINE).key("k").copy_source(format!("{MINE}/k"));
    assert_eq!(refusal(itself().send().await), is(400, "InvalidRequest"));
    itself().storage_class("STANDARD_IA".into()).send().await.expect("something changes");
}
