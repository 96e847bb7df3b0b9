//! What the copy role may do and, mostly, what it may not.

use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};
use flex_tests::sandbox::{
    COPY_ROLE_ARN, Encryption, Identity, ObjectSpec, Ownership, REGION, SUBSCRIBER, VENDOR_BUCKET, manual_policy,
};

use super::{KEY, MIB, MINE, copy, from, is, policy, refusal, scene, scene_with_object};

const OTHER: &str = "2021/05/31/20210531_1_002.pcap.gz";

#[tokio::test]
async fn the_source_is_read_and_the_destination_is_listed() {
    let scene = scene_with_object();
    scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("the source may be read");
    scene.role.get_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("the source may be read");
    scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("both may be listed");
    scene.role.list_objects_v2().bucket(MINE).send().await.expect("both may be listed");
    copy(&scene.role, KEY).send().await.expect("and copied");
}

#[tokio::test]
async fn at_the_destination_it_may_do_nothing_else() {
    let scene = scene_with_object();
    let role = &scene.role;
    copy(role, KEY).send().await.expect("copied");
    // Neither says more than 403 on a HEAD: there is no body.
    assert_eq!(refusal(role.head_object().bucket(MINE).key(KEY).send().await), is(403, ""));
    let denied = is(403, "AccessDenied");
    assert_eq!(refusal(role.get_object().bucket(MINE).key(KEY).send().await), denied);
    assert_eq!(refusal(role.get_object_tagging().bucket(MINE).key(KEY).send().await), denied);
    let tagging = aws_sdk_s3::types::Tagging::builder().set_tag_set(Some(Vec::new())).build().expect("no tags");
    assert_eq!(refusal(role.put_object_tagging().bucket(MINE).key(KEY).tagging(tagging).send().await), denied);
    let attributes = role.get_object_attributes().bucket(MINE).key(KEY);
    let attributes = attributes.object_attributes("ETag".into()).send().await;
    assert_eq!(refusal(attributes), denied);
    assert_eq!(refusal(role.delete_object().bucket(MINE).key(KEY).send().await), denied);
    assert_eq!(refusal(role.list_multipart_uploads().bucket(MINE).send().await), denied);
    assert_eq!(refusal(role.get_bucket_policy().bucket(MINE).send().await), denied);
    assert_eq!(refusal(role.delete_bucket_policy().bucket(MINE).send().await), denied);
    assert_eq!(refusal(role.get_bucket_location().bucket(MINE).send().await), denied);
    assert_eq!(refusal(role.create_bucket().bucket("another-bucket").send().await), denied);
    let put = role.put_object().bucket(MINE).key("own").acl("private".into()).body(Vec::new().into());
    assert_eq!(refusal(put.send().await), denied);
    assert_eq!(scene.world.objects(MINE), [KEY]);
}

#[tokio::test]
async fn at_the_source_it_may_not_write_nor_read_tags() {
    let scene = scene_with_object();
    let role = &scene.role;
    let put = role.put_object().bucket(VENDOR_BUCKET).key("k").body(Vec::new().into()).send().await;
    assert_eq!(refusal(put), is(403, "AccessDenied"));
    assert_eq!(refusal(role.delete_object().bucket(VENDOR_BUCKET).key(KEY).send().await), is(403, "AccessDenied"));
    assert_eq!(refusal(role.get_object_tagging().bucket(VENDOR_BUCKET).key(KEY).send().await), is(403, "AccessDenied"));
    let versioned = role.head_object().bucket(VENDOR_BUCKET).key(KEY).version_id("null").send().await;
    assert_eq!(refusal(versioned), is(403, ""));
}

#[tokio::test]
async fn a_generous_bucket_policy_gives_the_role_no_more() {
    let scene = scene_with_object();
    copy(&scene.role, KEY).send().await.expect("copied");
    let all = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{COPY_ROLE_ARN}"}},
            "Action":"s3:*","Resource":["arn:aws:s3:::{MINE}","arn:aws:s3:::{MINE}/*"]}}]}}"#
    );
    scene.world.put_bucket_policy(MINE, &all);
    assert_eq!(refusal(scene.role.head_object().bucket(MINE).key(KEY).send().await), is(403, ""));
    assert_eq!(refusal(scene.role.delete_object().bucket(MINE).key(KEY).send().await), is(403, "AccessDenied"));
    // A stranger's account that the policy does name would still need its own; one that it does not name gets nothing.
    let stranger = scene.sandbox.s3(&Identity::stranger());
    assert_eq!(refusal(stranger.list_objects_v2().bucket(MINE).send().await), is(403, "AccessDenied"));
    assert_eq!(refusal(stranger.list_objects_v2().bucket(VENDOR_BUCKET).send().await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn the_manuals_user_itself_may_do_nothing_in_s3() {
    let scene = scene_with_object();
    let user = scene.sandbox.s3(&Identity::copy_user());
    assert_eq!(refusal(user.list_objects_v2().bucket(VENDOR_BUCKET).send().await), is(403, "AccessDenied"));
    assert_eq!(refusal(user.list_objects_v2().bucket(MINE).send().await), is(403, "AccessDenied"));
    // And the owner, all-powerful at home, nothing at the vendor's.
    assert_eq!(refusal(scene.owner.list_objects_v2().bucket(VENDOR_BUCKET).send().await), is(403, "AccessDenied"));
    assert_eq!(refusal(scene.owner.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await), is(403, ""));
    copy(&scene.role, KEY).send().await.expect("copied");
    scene.owner.head_object().bucket(MINE).key(KEY).send().await.expect("at home it may");
}

#[tokio::test]
async fn the_policys_condition_is_on_the_acl_header() {
    let scene = scene_with_object();
    let bare = || scene.role.copy_object().copy_source(from(KEY)).bucket(MINE).key(KEY);
    assert_eq!(refusal(bare().send().await), is(403, "AccessDenied"));
    assert_eq!(refusal(bare().acl("private".into()).send().await), is(403, "AccessDenied"));
    let granted = bare().grant_full_control("id=\"abc\"").send().await;
    assert_eq!(refusal(granted), is(403, "AccessDenied"));
    bare().acl("bucket-owner-full-control".into()).send().await.expect("as the manual says");
}

#[tokio::test]
async fn without_a_policy_with_another_and_with_a_deny() {
    let scene = scene_with_object();
    let list_only = policy("Allow", r#""s3:ListBucket""#, &format!("arn:aws:s3:::{MINE}"));
    scene.world.put_bucket_policy(MINE, &list_only);
    scene.role.list_objects_v2().bucket(MINE).send().await.expect("listing is granted");
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));

    scene.world.delete_bucket_policy(MINE);
    assert_eq!(refusal(scene.role.list_objects_v2().bucket(MINE).send().await), is(403, "AccessDenied"));

    let denied = manual_policy(MINE).replacen(
        "\"Statement\": [",
        &format!(
            r#""Statement": [{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::{MINE}/2020/*"}},"#
        ),
        1,
    );
    scene.world.put_bucket_policy(MINE, &denied);
    copy(&scene.role, KEY).send().await.expect("2021 is not denied");
    let old = copy(&scene.role, KEY).key("2020/01/06/x").send().await;
    assert_eq!(refusal(old), is(403, "AccessDenied"));
}

#[tokio::test]
async fn a_deny_binds_the_owner_as_well() {
    let scene = scene_with_object();
    scene.world.put_object(MINE, KEY, ObjectSpec::new(1));
    let everyone = policy("Deny", r#""s3:GetObject""#, &format!("arn:aws:s3:::{MINE}/2021/*"));
    scene.world.put_bucket_policy(MINE, &everyone.replace(COPY_ROLE_ARN, SUBSCRIBER));
    assert_eq!(refusal(scene.owner.head_object().bucket(MINE).key(KEY).send().await), is(403, ""));
    scene.owner.list_objects_v2().bucket(MINE).send().await.expect("listing is not denied");
    // Denied by the caller's own side: the vendor lets the copy role write anywhere but into the source.
    let all = policy("Allow", r#""s3:*""#, &format!("arn:aws:s3:::{VENDOR_BUCKET}/*"));
    scene.world.put_bucket_policy(VENDOR_BUCKET, &all);
    let put = scene.role.put_object().bucket(VENDOR_BUCKET).key("k").body(Vec::new().into()).send().await;
    assert_eq!(refusal(put), is(403, "AccessDenied"));
}

#[tokio::test]
async fn put_object_acl_is_needed_for_the_header() {
    let scene = scene_with_object();
    let resource = format!("arn:aws:s3:::{MINE}/*");
    scene.world.put_bucket_policy(MINE, &policy("Allow", r#""s3:PutObject""#, &resource));
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
    scene.world.put_bucket_policy(MINE, &policy("Allow", r#"["s3:PutObject","s3:PutObjectAcl"]"#, &resource));
    copy(&scene.role, KEY).send().await.expect("now both are granted");
}

#[tokio::test]
async fn another_bucket_than_the_registered_one_is_refused() {
    let scene = scene_with_object();
    scene.world.register(VENDOR_BUCKET, "another-bucket");
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
    scene.world.register(VENDOR_BUCKET, MINE);
    copy(&scene.role, KEY).send().await.expect("this one is registered");
}

#[tokio::test]
async fn listed_is_not_entitled() {
    let scene = scene_with_object();
    scene.world.put_object(VENDOR_BUCKET, OTHER, ObjectSpec::new(10));
    scene.world.put_object(VENDOR_BUCKET, "2022/01/04/x", ObjectSpec::new(6 * MIB).part_size(5 * MIB));
    scene.world.refuse_read(VENDOR_BUCKET, OTHER);
    scene.world.refuse_read(VENDOR_BUCKET, "2022/");
    let listed = scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("listed");
    assert_eq!(listed.key_count(), Some(3));
    for key in [OTHER, "2022/01/04/x"] {
        assert_eq!(refusal(scene.role.head_object().bucket(VENDOR_BUCKET).key(key).send().await), is(403, ""));
        assert_eq!(
            refusal(scene.role.get_object().bucket(VENDOR_BUCKET).key(key).send().await),
            is(403, "AccessDenied")
        );
        assert_eq!(refusal(copy(&scene.role, key).send().await), is(403, "AccessDenied"));
    }
    let upload = scene.role.create_multipart_upload().bucket(MINE).key("x").acl("bucket-owner-full-control".into());
    let upload = upload.send().await.expect("created");
    let part = scene.role.upload_part_copy().bucket(MINE).key("x").upload_id(upload.upload_id().expect("an id"));
    let part = part.part_number(1).copy_source(from("2022/01/04/x")).send().await;
    assert_eq!(refusal(part), is(403, "AccessDenied"));
    copy(&scene.role, KEY).send().await.expect("the others are entitled");
}

#[tokio::test]
async fn missing_keys_are_told_to_those_who_may_list() {
    let scene = scene_with_object();
    assert_eq!(refusal(scene.role.head_object().bucket(VENDOR_BUCKET).key("no").send().await), is(404, "NotFound"));
    assert_eq!(refusal(scene.role.get_object().bucket(VENDOR_BUCKET).key("no").send().await), is(404, "NoSuchKey"));
    assert_eq!(refusal(copy(&scene.role, "no").send().await), is(404, "NoSuchKey"));
    // Reading without listing.
    let reader = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::{MINE}/*"}}]}}"#,
        Identity::stranger().arn()
    );
    scene.world.put_bucket_policy(MINE, &reader);
    scene.world.put_object(MINE, KEY, ObjectSpec::new(1));
    let stranger = scene.sandbox.s3(&Identity::stranger());
    stranger.head_object().bucket(MINE).key(KEY).send().await.expect("granted");
    assert_eq!(refusal(stranger.head_object().bucket(MINE).key("no").send().await), is(403, ""));
    assert_eq!(refusal(stranger.get_object().bucket(MINE).key("no").send().await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn expected_owners_are_compared_on_both_sides() {
    let scene = scene_with_object();
    let good =
        copy(&scene.role, KEY).expected_bucket_owner("123456789012").expected_source_bucket_owner("461810399597");
    good.send().await.expect("both are right");
    let wrong = copy(&scene.role, KEY).expected_bucket_owner("461810399597").send().await;
    assert_eq!(refusal(wrong), is(403, "AccessDenied"));
    let wrong = copy(&scene.role, KEY).expected_source_bucket_owner("123456789012").send().await;
    assert_eq!(refusal(wrong), is(403, "AccessDenied"));
    let wrong = scene.role.list_objects_v2().bucket(MINE).expected_bucket_owner("461810399597").send().await;
    assert_eq!(refusal(wrong), is(403, "AccessDenied"));
    let wrong = scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).expected_bucket_owner("123456789012");
    assert_eq!(refusal(wrong.send().await), is(403, ""));
}

#[tokio::test]
async fn buckets_without_acls_take_one_acl_only() {
    let scene = scene_with_object();
    scene.world.put_bucket_policy(MINE, &policy("Allow", r#""s3:Put*""#, &format!("arn:aws:s3:::{MINE}/*")));
    let refused = copy(&scene.role, KEY).acl("private".into()).send().await;
    assert_eq!(refusal(refused), is(400, "AccessControlListNotSupported"));
    let refused = scene.owner.put_object().bucket(MINE).key("k").acl("public-read".into()).send().await;
    assert_eq!(refusal(refused), is(400, "AccessControlListNotSupported"));
    copy(&scene.role, KEY).send().await.expect("the one that is taken");
    let stored = scene.world.object(MINE, KEY).expect("stored");
    assert_eq!(stored.owner, "123456789012");
}

#[tokio::test]
async fn where_writers_own_the_vendor_owns_the_copy() {
    let scene = scene_with_object();
    scene.world.put_bucket_policy(MINE, &policy("Allow", r#""s3:Put*""#, &format!("arn:aws:s3:::{MINE}/*")));
    for (ownership, acl, owner) in [
        (Ownership::ObjectWriter, "bucket-owner-full-control", "461810399597"),
        (Ownership::BucketOwnerPreferred, "private", "461810399597"),
        (Ownership::BucketOwnerPreferred, "bucket-owner-full-control", "123456789012"),
        (Ownership::BucketOwnerEnforced, "bucket-owner-full-control", "123456789012"),
    ] {
        scene.world.bucket_ownership(MINE, ownership);
        copy(&scene.role, KEY).acl(acl.into()).send().await.expect("copied");
        assert_eq!(scene.world.object(MINE, KEY).expect("stored").owner, owner, "{ownership:?} {acl}");
    }
}

#[tokio::test]
async fn tags_need_rights_that_the_role_has_not() {
    let scene = scene_with_object();
    scene.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(10).tags(2));
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
    let copied = copy(&scene.role, KEY).tagging_directive(TaggingDirective::Copy).send().await;
    assert_eq!(refusal(copied), is(403, "AccessDenied"));
    let tagged = copy(&scene.role, KEY).tagging_directive(TaggingDirective::Replace).tagging("a=b").send().await;
    assert_eq!(refusal(tagged), is(403, "AccessDenied"));
    copy(&scene.role, KEY).tagging_directive(TaggingDirective::Replace).send().await.expect("without tags");
    assert_eq!(scene.world.object(MINE, KEY).expect("stored").tags, 0);
    let created = scene.role.create_multipart_upload().bucket(MINE).key(KEY).tagging("a=b");
    let created = created.acl("bucket-owner-full-control".into()).send().await;
    assert_eq!(refusal(created), is(403, "AccessDenied"));
}

#[tokio::test]
async fn annotations_need_rights_only_where_there_are_any() {
    let scene = scene_with_object();
    copy(&scene.role, KEY).send().await.expect("there are none");
    scene.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(10).annotations(1));
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
    let directed = |value: &'static str| {
        copy(&scene.role, KEY).customize().mutate_request(move |request| {
            request.headers_mut().insert("x-amz-object-annotation-directive", value);
        })
    };
    assert_eq!(refusal(directed("COPY").send().await), is(403, "AccessDenied"));
    assert_eq!(refusal(directed("NONE").send().await), is(400, "InvalidArgument"));
    directed("EXCLUDE").send().await.expect("excluded");
    assert_eq!(scene.world.object(MINE, KEY).expect("stored").annotations, 0);
}

#[tokio::test]
async fn kms_needs_the_keys_consent() {
    let scene = scene_with_object();
    scene.world.bucket_encryption(MINE, Encryption::Kms, false);
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(403, "AccessDenied"));
    // The header overrides the bucket's default.
    copy(&scene.role, KEY).server_side_encryption("AES256".into()).send().await.expect("SSE-S3 needs nobody");
    scene.world.bucket_encryption(MINE, Encryption::Kms, true);
    copy(&scene.role, KEY).send().await.expect("the key's policy allows it");
    assert_eq!(scene.world.object(MINE, KEY).expect("stored").encryption, Encryption::Kms);
    scene.world.bucket_encryption(MINE, Encryption::S3, false);
    let asked = copy(&scene.role, KEY).server_side_encryption("aws:kms".into()).send().await;
    assert_eq!(refusal(asked), is(403, "AccessDenied"));
}

#[tokio::test]
async fn another_region_is_a_redirect_that_the_client_does_not_follow() {
    let scene = scene();
    scene.world.create_bucket("far-away", SUBSCRIBER, "us-west-2");
    let listed = scene.owner.list_objects_v2().bucket("far-away").send().await;
    let error = listed.expect_err("it is elsewhere");
    let headers = error.raw_response().expect("an answer").headers();
    assert_eq!(headers.get("x-amz-bucket-region"), Some("us-west-2"));
    assert_eq!(refusal::<(), _>(Err(error)), is(301, "PermanentRedirect"));
    assert_eq!(refusal(scene.owner.head_object().bucket("far-away").key("k").send().await), is(301, ""));
    assert_eq!(scene.world.region(), REGION);
}

#[tokio::test]
async fn metadata_replacement_needs_nothing() {
    let scene = scene_with_object();
    let replaced = copy(&scene.role, KEY).metadata_directive(MetadataDirective::Replace).content_type("text/plain");
    replaced.send().await.expect("copied");
    let stored = scene.world.object(MINE, KEY).expect("stored");
    assert_eq!(stored.metadata.content_type.as_deref(), Some("text/plain"));
}
