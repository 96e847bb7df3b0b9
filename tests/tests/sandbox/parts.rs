//! Multipart uploads: limits, authorisation by the upload's ACL, ETags by layout, completion.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::upload_part_copy::builders::UploadPartCopyFluentBuilder;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use flex_tests::sandbox::{Algorithm, ChecksumKind, Encryption, ObjectSpec, VENDOR_BUCKET};

use super::{GIB, KEY, MIB, MINE, Scene, copy, from, is, policy, refusal, scene};

const ACL: &str = "bucket-owner-full-control";

fn with_source(spec: ObjectSpec) -> Scene {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, KEY, spec);
    scene
}

async fn create(client: &Client) -> String {
    let answer = client.create_multipart_upload().bucket(MINE).key(KEY).acl(ACL.into()).send().await.expect("created");
    answer.upload_id().expect("an id").to_owned()
}

fn part(client: &Client, id: &str, number: i32, range: std::ops::Range<u64>) -> UploadPartCopyFluentBuilder {
    let range = format!("bytes={}-{}", range.start, range.end - 1);
    client
        .upload_part_copy()
        .bucket(MINE)
        .key(KEY)
        .upload_id(id)
        .part_number(number)
        .copy_source(from(KEY))
        .copy_source_range(range)
}

/// Copies parts of these sizes in this order.
async fn parts(client: &Client, id: &str, sizes: &[u64]) -> Vec<CompletedPart> {
    let (mut out, mut at) = (Vec::new(), 0);
    for (size, number) in sizes.iter().zip(1..) {
        let answer = part(client, id, number, at..at + size).send().await.expect("copied");
        at += size;
        let result = answer.copy_part_result().expect("a result");
        out.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(result.e_tag().map(str::to_owned))
                .set_checksum_crc64_nvme(result.checksum_crc64_nvme().map(str::to_owned))
                .set_checksum_sha256(result.checksum_sha256().map(str::to_owned))
                .build(),
        );
    }
    out
}

fn complete(client: &Client, id: &str, parts: &[CompletedPart]) -> CompleteMultipartUploadFluentBuilder {
    let list = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
    client.complete_multipart_upload().bucket(MINE).key(KEY).upload_id(id).multipart_upload(list)
}

#[tokio::test]
async fn the_sources_layout_gives_the_sources_etag() {
    let scene = with_source(ObjectSpec::new(6 * GIB + 11).seed(9).part_size(GIB));
    let layout = [GIB, GIB, GIB, GIB, GIB, GIB, 11];
    let id = create(&scene.role).await;
    let list = parts(&scene.role, &id, &layout).await;
    let size = i64::try_from(6 * GIB + 11).expect("small enough");
    let answer = complete(&scene.role, &id, &list).mpu_object_size(size).send().await.expect("completed");
    let (source, stored) = (scene.world.object(VENDOR_BUCKET, KEY), scene.world.object(MINE, KEY).expect("stored"));
    assert_eq!(answer.e_tag(), source.as_ref().map(|s| s.etag.as_str()));
    assert_eq!(answer.e_tag(), Some(of_parts(&list).as_str()));
    assert_eq!(Some(&stored.etag), source.as_ref().map(|s| &s.etag));
    assert_eq!(stored.parts.as_deref(), Some(layout.as_slice()));
    assert!(scene.world.same_content(VENDOR_BUCKET, KEY, MINE, KEY));
    assert!(scene.world.open_uploads(MINE).is_empty());
}

#[tokio::test]
async fn another_layout_gives_another_etag_and_the_same_content() {
    let scene = with_source(ObjectSpec::new(30 * MIB).seed(9).part_size(10 * MIB).full_checksum());
    let source = scene.world.object(VENDOR_BUCKET, KEY).expect("stored");
    for (layout, equal) in [([10 * MIB, 10 * MIB, 10 * MIB], true), ([10 * MIB, 11 * MIB, 9 * MIB], false)] {
        let id = create(&scene.role).await;
        let list = parts(&scene.role, &id, &layout).await;
        complete(&scene.role, &id, &list).send().await.expect("completed");
        let stored = scene.world.object(MINE, KEY).expect("stored");
        assert_eq!(stored.etag == source.etag, equal, "{layout:?}");
        assert_eq!(stored.checksum, source.checksum, "a checksum of the whole does not depend on the layout");
        assert!(scene.world.same_content(VENDOR_BUCKET, KEY, MINE, KEY));
    }
}

#[tokio::test]
async fn wrong_ranges_make_wrong_content() {
    let scene = with_source(ObjectSpec::new(15 * MIB).seed(9).full_checksum());
    let id = create(&scene.role).await;
    let mut list = Vec::new();
    for (number, start) in [(1, 0), (2, 5 * MIB - 1), (3, 10 * MIB)] {
        let answer = part(&scene.role, &id, number, start..start + 5 * MIB).send().await.expect("copied");
        let etag = answer.copy_part_result().and_then(|r| r.e_tag().map(str::to_owned));
        list.push(CompletedPart::builder().part_number(number).set_e_tag(etag).build());
    }
    complete(&scene.role, &id, &list).send().await.expect("S3 does not know what was meant");
    assert!(!scene.world.same_content(VENDOR_BUCKET, KEY, MINE, KEY));
    let checksum = |bucket| scene.world.object(bucket, KEY).and_then(|o| o.checksum);
    assert_ne!(checksum(MINE), checksum(VENDOR_BUCKET));
    let read = scene.world.read(MINE, KEY);
    let source = scene.world.read(VENDOR_BUCKET, KEY);
    let (at, from) = (usize::try_from(5 * MIB).expect("small"), usize::try_from(5 * MIB - 1).expect("small"));
    assert_eq!(read[at..at + 100], source[from..from + 100]);
}

#[tokio::test]
async fn parts_are_authorised_by_the_uploads_acl() {
    let scene = with_source(ObjectSpec::new(20 * MIB));
    // Without the ACL the upload itself is refused.
    let bare = scene.role.create_multipart_upload().bucket(MINE).key(KEY).send().await;
    assert_eq!(refusal(bare), is(403, "AccessDenied"));
    let id = create(&scene.role).await;
    let list = parts(&scene.role, &id, &[20 * MIB]).await;
    // The header on a part is an error of its own.
    let with_acl = part(&scene.role, &id, 2, 0..5 * MIB).customize().mutate_request(|request| {
        request.headers_mut().insert("x-amz-acl", ACL);
    });
    assert_eq!(refusal(with_acl.send().await), is(400, "InvalidArgument"));
    complete(&scene.role, &id, &list).send().await.expect("completed");
}

#[tokio::test]
async fn some_stores_deny_parts_under_the_condition() {
    let scene = with_source(ObjectSpec::new(20 * MIB));
    scene.world.deny_parts(true);
    let id = create(&scene.role).await;
    assert_eq!(refusal(part(&scene.role, &id, 1, 0..5 * MIB).send().await), is(403, "AccessDenied"));
    scene.role.abort_multipart_upload().bucket(MINE).key(KEY).upload_id(&id).send().await.expect("aborted");
    copy(&scene.role, KEY).send().await.expect("whole, it goes");
}

#[tokio::test]
async fn the_initiator_may_abort_and_list_parts_and_nobody_may_list_uploads() {
    let scene = with_source(ObjectSpec::new(20 * MIB));
    let id = create(&scene.role).await;
    parts(&scene.role, &id, &[5 * MIB, 5 * MIB]).await;
    let list = |client: &Client| client.list_parts().bucket(MINE).key(KEY).upload_id(&id).send();
    let abort = |client: &Client| client.abort_multipart_upload().bucket(MINE).key(KEY).upload_id(&id).send();
    let listed = list(&scene.role).await.expect("the initiator may");
    assert_eq!(listed.parts().iter().filter_map(|p| p.size()).sum::<i64>(), i64::try_from(10 * MIB).expect("small"));
    assert_eq!(refusal(scene.role.list_multipart_uploads().bucket(MINE).send().await), is(403, "AccessDenied"));
    // Another session name is another initiator here: AWS does not say, so nothing may depend on it.
    let other = scene.sandbox.s3(&scene.world.copy_role_as("another"));
    assert_eq!(refusal(list(&other).await), is(403, "AccessDenied"));
    assert_eq!(refusal(abort(&other).await), is(403, "AccessDenied"));
    // A renewed session of the same name is the same.
    let renewed = scene.sandbox.s3(&scene.world.copy_role());
    list(&renewed).await.expect("the same initiator");

    let all = scene.owner.list_multipart_uploads().bucket(MINE).send().await.expect("the owner may");
    assert_eq!(all.uploads().iter().filter_map(|u| u.upload_id()).collect::<Vec<_>>(), [id.as_str()]);
    let initiator = all.uploads()[0].initiator().and_then(|i| i.id()).expect("who began it");
    assert!(initiator.ends_with("JeuServiceRoleForS3Copy_123456789012/flex"), "{initiator}");
    assert_eq!(scene.world.open_uploads(MINE)[0].parts, [1, 2]);

    abort(&renewed).await.expect("the initiator may");
    assert!(scene.world.open_uploads(MINE).is_empty());
    assert_eq!(refusal(list(&scene.role).await), is(404, "NoSuchUpload"));
    assert_eq!(refusal(abort(&scene.role).await), is(404, "NoSuchUpload"));
}

#[tokio::test]
async fn a_deny_takes_the_initiators_default_away() {
    let scene = with_source(ObjectSpec::new(20 * MIB));
    let id = create(&scene.role).await;
    let resource = format!("arn:aws:s3:::{MINE}/*");
    scene.world.put_bucket_policy(MINE, &policy("Deny", r#""s3:AbortMultipartUpload""#, &resource));
    let abort = scene.role.abort_multipart_upload().bucket(MINE).key(KEY).upload_id(&id).send().await;
    assert_eq!(refusal(abort), is(403, "AccessDenied"));
    scene.role.list_parts().bucket(MINE).key(KEY).upload_id(&id).send().await.expect("this is not denied");
}

#[tokio::test]
async fn sizes_and_numbers_have_limits() {
    let scene = with_source(ObjectSpec::new(12 * GIB));
    let id = create(&scene.role).await;
    for number in [0, -1, 10_001] {
        let refused = part(&scene.role, &id, number, 0..5 * MIB).send().await;
        assert_eq!(refusal(refused), is(400, "InvalidArgument"), "{number}");
    }
    part(&scene.role, &id, 10_000, 0..5 * GIB).send().await.expect("both at their limit");
    assert_eq!(refusal(part(&scene.role, &id, 1, 0..5 * GIB + 1).send().await), is(400, "InvalidRequest"));
    let whole = part(&scene.role, &id, 1, 0..1).set_copy_source_range(None).send().await;
    assert_eq!(refusal(whole), is(400, "InvalidRequest"));
    let beyond = part(&scene.role, &id, 1, 12 * GIB - 5..12 * GIB + 1).send().await;
    assert_eq!(refusal(beyond), is(400, "InvalidArgument"));
    for text in ["bytes=5-", "bytes=-5", "0-5", "bytes=9-5", "bytes=0-5,7-9"] {
        let refused = part(&scene.role, &id, 1, 0..1).copy_source_range(text).send().await;
        assert_eq!(refusal(refused), is(400, "InvalidArgument"), "{text}");
    }
}

#[tokio::test]
async fn small_sources_have_no_ranges() {
    for (size, passes) in [(5 * MIB, false), (5 * MIB + 1, true)] {
        let scene = with_source(ObjectSpec::new(size));
        let id = create(&scene.role).await;
        let ranged = part(&scene.role, &id, 1, 0..size).send().await;
        if passes {
            ranged.expect("large enough");
        } else {
            assert_eq!(refusal(ranged), is(400, "InvalidRequest"));
            let whole = part(&scene.role, &id, 1, 0..size).set_copy_source_range(None).send().await;
            whole.expect("whole, it goes");
        }
    }
}

#[tokio::test]
async fn all_parts_but_the_last_have_five_mib() {
    let scene = with_source(ObjectSpec::new(20 * MIB));
    for (layout, passes) in [
        (vec![5 * MIB, 1], true),
        (vec![5 * MIB - 1, 5 * MIB], false),
        (vec![1], true),
        (vec![5 * MIB, 4 * MIB, 1], false),
    ] {
        let id = create(&scene.role).await;
        let list = parts(&scene.role, &id, &layout).await;
        let completed = complete(&scene.role, &id, &list).send().await;
        if passes {
            completed.expect("large enough");
        } else {
            assert_eq!(refusal(completed), is(400, "EntityTooSmall"), "{layout:?}");
        }
    }
}

#[tokio::test]
async fn wrong_lists_of_parts_are_refused() {
    let scene = with_source(ObjectSpec::new(20 * MIB).seed(2));
    let id = create(&scene.role).await;
    let list = parts(&scene.role, &id, &[5 * MIB, 5 * MIB, 10 * MIB]).await;
    let again = |list: &[CompletedPart]| complete(&scene.role, &id, list);
    let missing = CompletedPart::builder().part_number(4).e_tag(list[0].e_tag().expect("an etag")).build();
    let wrong = CompletedPart::builder().part_number(2).e_tag(list[0].e_tag().expect("an etag")).build();
    let cases = [
        (vec![list[0].clone(), list[1].clone(), list[2].clone(), missing], "InvalidPart"),
        (vec![list[0].clone(), wrong, list[2].clone()], "InvalidPart"),
        (vec![list[1].clone(), list[0].clone(), list[2].clone()], "InvalidPartOrder"),
        (vec![list[0].clone(), list[0].clone()], "InvalidPartOrder"),
        (Vec::new(), "MalformedXML"),
    ];
    for (list, code) in cases {
        assert_eq!(refusal(again(&list).send().await), is(400, code), "{list:?}");
    }
    let short = again(&list[..2]).mpu_object_size(i64::try_from(20 * MIB).expect("small")).send().await;
    assert_eq!(refusal(short), is(400, "InvalidRequest"));
    assert!(scene.world.object(MINE, KEY).is_none());
    // Without the size S3 takes a shortened list at its word.
    again(&list[..2]).send().await.expect("completed");
    assert_eq!(scene.world.object(MINE, KEY).map(|o| o.size), Some(10 * MIB));
    assert_eq!(refusal(again(&list).send().await), is(404, "NoSuchUpload"));
}

#[tokio::test]
async fn a_part_sent_twice_counts_once() {
    let scene = with_source(ObjectSpec::new(20 * MIB).seed(2));
    let id = create(&scene.role).await;
    part(&scene.role, &id, 1, 5 * MIB..10 * MIB).send().await.expect("the wrong one first");
    let list = parts(&scene.role, &id, &[10 * MIB, 10 * MIB]).await;
    complete(&scene.role, &id, &list).send().await.expect("completed");
    assert!(scene.world.same_content(VENDOR_BUCKET, KEY, MINE, KEY));
}

#[tokio::test]
async fn the_source_of_every_part_is_pinned() {
    let scene = with_source(ObjectSpec::new(20 * MIB).seed(2));
    let etag = scene.world.object(VENDOR_BUCKET, KEY).expect("stored").etag;
    let id = create(&scene.role).await;
    part(&scene.role, &id, 1, 0..5 * MIB).copy_source_if_match(&etag).send().await.expect("it is that one");
    scene.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(20 * MIB).seed(3));
    let changed = part(&scene.role, &id, 2, 5 * MIB..10 * MIB).copy_source_if_match(&etag).send().await;
    assert_eq!(refusal(changed), is(412, "PreconditionFailed"));
    scene.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(20 * MIB).storage_class("DEEP_ARCHIVE"));
    assert_eq!(refusal(part(&scene.role, &id, 2, 0..5 * MIB).send().await), is(403, "InvalidObjectState"));
}

#[tokio::test]
async fn checksums_of_uploads() {
    let scene = with_source(ObjectSpec::new(20 * MIB).seed(2).full_checksum());
    let created = |algorithm, kind: Option<ChecksumType>| {
        let create = scene.role.create_multipart_upload().bucket(MINE).key(KEY).acl(ACL.into());
        create.checksum_algorithm(algorithm).set_checksum_type(kind).send()
    };
    for (algorithm, kind) in [
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::Composite),
        (ChecksumAlgorithm::Sha256, ChecksumType::FullObject),
        (ChecksumAlgorithm::Sha1, ChecksumType::FullObject),
    ] {
        assert_eq!(refusal(created(algorithm, Some(kind)).await), is(400, "InvalidRequest"));
    }
    // A checksum of the whole, kept whatever the layout, and compared when it is sent.
    let answer = created(ChecksumAlgorithm::Crc64Nvme, Some(ChecksumType::FullObject)).await.expect("created");
    let id = answer.upload_id().expect("an id");
    let list = parts(&scene.role, id, &[7 * MIB, 13 * MIB]).await;
    assert!(list.iter().all(|part| part.checksum_crc64_nvme().is_some()));
    let source = scene.world.object(VENDOR_BUCKET, KEY).and_then(|o| o.checksum).expect("a checksum");
    let wrong = complete(&scene.role, id, &list).checksum_crc64_nvme("AAAAAAAAAAA=").send().await;
    assert_eq!(refusal(wrong), is(400, "BadDigest"));
    let right = complete(&scene.role, id, &list).checksum_crc64_nvme(&source.value).send().await.expect("completed");
    assert_eq!(right.checksum_crc64_nvme(), Some(source.value.as_str()));
    assert_eq!(scene.world.object(MINE, KEY).and_then(|o| o.checksum), Some(source));

    // A composite one: every part's checksum belongs into the list, and parts have no gaps.
    let answer = created(ChecksumAlgorithm::Sha256, None).await.expect("created");
    let id = answer.upload_id().expect("an id");
    assert_eq!(answer.checksum_type(), Some(&ChecksumType::Composite));
    let list = parts(&scene.role, id, &[10 * MIB, 10 * MIB]).await;
    let bare: Vec<CompletedPart> = list
        .iter()
        .map(|p| {
            CompletedPart::builder().set_part_number(p.part_number()).set_e_tag(p.e_tag().map(str::to_owned)).build()
        })
        .collect();
    assert_eq!(refusal(complete(&scene.role, id, &bare).send().await), is(400, "InvalidRequest"));
    assert_eq!(refusal(complete(&scene.role, id, &list[1..]).send().await), is(400, "InvalidPart"));
    complete(&scene.role, id, &list).send().await.expect("completed");
    let stored = scene.world.object(MINE, KEY).expect("stored");
    let same_layout =
        ObjectSpec::new(20 * MIB).seed(2).part_size(10 * MIB).checksum(Algorithm::Sha256, ChecksumKind::Composite);
    scene.world.put_object(MINE, "reference", same_layout);
    let reference = scene.world.object(MINE, "reference").expect("stored");
    assert_eq!((&stored.checksum, &stored.etag), (&reference.checksum, &reference.etag));

    // Nothing asked for: S3 keeps a CRC64NVME of the whole by itself.
    let id = create(&scene.role).await;
    let list = parts(&scene.role, &id, &[10 * MIB, 10 * MIB]).await;
    assert!(list.iter().all(|part| part.checksum_crc64_nvme().is_none()));
    let answer = complete(&scene.role, &id, &list).send().await.expect("completed");
    assert_eq!(
        answer.checksum_crc64_nvme(),
        scene.world.object(VENDOR_BUCKET, KEY).and_then(|o| o.checksum).map(|c| c.value).as_deref()
    );
}

#[tokio::test]
async fn kms_parts_are_opaque_too() {
    let scene = with_source(ObjectSpec::new(20 * MIB).part_size(10 * MIB));
    scene.world.bucket_encryption(MINE, Encryption::Kms, true);
    let id = create(&scene.role).await;
    let list = parts(&scene.role, &id, &[10 * MIB, 10 * MIB]).await;
    complete(&scene.role, &id, &list).send().await.expect("completed");
    let (source, stored) = (scene.world.object(VENDOR_BUCKET, KEY), scene.world.object(MINE, KEY).expect("stored"));
    assert_ne!(Some(&stored.etag), source.as_ref().map(|s| &s.etag));
    assert_eq!(stored.etag, of_parts(&list));
}

/// The ETag that S3 makes of these parts' ETags.
fn of_parts(list: &[CompletedPart]) -> String {
    use s3s::crypto::{Checksum as _, Md5};
    let mut hasher = Md5::new();
    for part in list {
        let hex = part.e_tag().expect("an etag").trim_matches('"');
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        hasher.update(&(0..hex.len()).step_by(2).map(byte).collect::<Vec<u8>>());
    }
    let digest = hasher.finalize();
    let hex: String = AsRef::<[u8]>::as_ref(&digest).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}-{}\"", list.len())
}

#[tokio::test]
async fn metadata_of_an_upload_is_what_create_said() {
    let scene = with_source(ObjectSpec::new(20 * MIB).content_type("application/gzip"));
    let create = scene.role.create_multipart_upload().bucket(MINE).key(KEY).acl(ACL.into());
    let answer = create.content_type("text/plain").metadata("a", "b").storage_class("STANDARD_IA".into()).send().await;
    let id = answer.expect("created").upload_id().expect("an id").to_owned();
    let list = parts(&scene.role, &id, &[20 * MIB]).await;
    complete(&scene.role, &id, &list).send().await.expect("completed");
    let stored = scene.world.object(MINE, KEY).expect("stored");
    assert_eq!(stored.metadata.content_type.as_deref(), Some("text/plain"));
    assert_eq!(stored.metadata.user.get("a").map(String::as_str), Some("b"));
    assert_eq!(stored.storage_class, "STANDARD_IA");
    let huge =
        scene.role.create_multipart_upload().bucket(MINE).key(KEY).acl(ACL.into()).metadata("a", "b".repeat(2048));
    assert_eq!(refusal(huge.send().await), is(400, "MetadataTooLarge"));
}

#[tokio::test]
async fn uploaded_parts_are_real_bytes() {
    let scene = scene();
    let upload = scene.owner.create_multipart_upload().bucket(MINE).key("k").send().await.expect("created");
    let id = upload.upload_id().expect("an id");
    let bodies = [vec![1u8; usize::try_from(5 * MIB).expect("small")], b"the end".to_vec()];
    let mut list = Vec::new();
    for (body, number) in bodies.iter().zip(1..) {
        let part = scene.owner.upload_part().bucket(MINE).key("k").upload_id(id).part_number(number);
        let answer = part.body(body.clone().into()).send().await.expect("stored");
        list.push(CompletedPart::builder().part_number(number).set_e_tag(answer.e_tag().map(str::to_owned)).build());
    }
    let list = CompletedMultipartUpload::builder().set_parts(Some(list)).build();
    let complete = scene.owner.complete_multipart_upload().bucket(MINE).key("k").upload_id(id).multipart_upload(list);
    complete.send().await.expect("completed");
    assert_eq!(scene.world.read(MINE, "k"), bodies.concat());
    let pages = scene.owner.list_parts().bucket(MINE).key("k").upload_id(id).send().await;
    assert_eq!(refusal(pages), is(404, "NoSuchUpload"));
}

#[tokio::test]
async fn pages_of_parts_and_uploads() {
    let scene = with_source(ObjectSpec::new(20 * MIB));
    let id = create(&scene.role).await;
    parts(&scene.role, &id, &[5 * MIB, 5 * MIB, 5 * MIB]).await;
    let page = |marker: Option<String>| {
        let list = scene.role.list_parts().bucket(MINE).key(KEY).upload_id(&id).max_parts(2);
        list.set_part_number_marker(marker).send()
    };
    let first = page(None).await.expect("listed");
    assert_eq!((first.is_truncated(), first.parts().len()), (Some(true), 2));
    let second = page(first.next_part_number_marker().map(str::to_owned)).await.expect("listed");
    assert_eq!((second.is_truncated(), second.parts()[0].part_number()), (Some(false), Some(3)));

    for _ in 0..2 {
        create(&scene.role).await;
    }
    let (mut seen, mut markers) = (Vec::new(), (None, None));
    loop {
        let list = scene.owner.list_multipart_uploads().bucket(MINE).max_uploads(1);
        let list = list.set_key_marker(markers.0).set_upload_id_marker(markers.1);
        let page = list.send().await.expect("listed");
        seen.extend(page.uploads().iter().filter_map(|u| u.upload_id()).map(str::to_owned));
        markers = (page.next_key_marker().map(str::to_owned), page.next_upload_id_marker().map(str::to_owned));
        if page.is_truncated() != Some(true) {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 3);
}
