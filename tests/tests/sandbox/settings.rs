//! A bucket's own operations, as its owner uses them for set-up.

use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration,
};
use flex_tests::sandbox::{COPY_ROLE_ARN, Identity, manual_policy};

use super::{MINE, is, message, policy, refusal, scene};

#[tokio::test]
async fn the_manuals_policy_is_stored_and_given_back() {
    let scene = scene();
    scene.world.delete_bucket_policy(MINE);
    assert_eq!(refusal(scene.owner.get_bucket_policy().bucket(MINE).send().await), is(404, "NoSuchBucketPolicy"));
    let text = manual_policy(MINE);
    scene.owner.put_bucket_policy().bucket(MINE).policy(&text).send().await.expect("stored");
    let answer = scene.owner.get_bucket_policy().bucket(MINE).send().await.expect("given back");
    assert_eq!(answer.policy(), Some(text.as_str()));
    scene.role.list_objects_v2().bucket(MINE).send().await.expect("it works at once");
    scene.owner.delete_bucket_policy().bucket(MINE).send().await.expect("removed");
    assert_eq!(refusal(scene.role.list_objects_v2().bucket(MINE).send().await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn a_principal_that_is_not_there_makes_the_policy_malformed() {
    let scene = scene();
    let put = |text: String| scene.owner.put_bucket_policy().bucket(MINE).policy(text).send();
    scene.world.role_exists(false);
    assert_eq!(refusal(put(manual_policy(MINE)).await), is(400, "MalformedPolicy"));
    assert_eq!(message(put(manual_policy(MINE)).await), "Invalid principal in policy");
    scene.world.role_exists(true);
    put(manual_policy(MINE)).await.expect("now it is there");
    for principal in ["arn:aws:iam::461810399597:role/Another", "arn:aws:iam::12:root", "AROAABCDEFGHIJKLMNOP"] {
        let text = manual_policy(MINE).replace(COPY_ROLE_ARN, principal);
        assert_eq!(message(put(text).await), "Invalid principal in policy", "{principal}");
    }
    put(manual_policy(MINE).replace(COPY_ROLE_ARN, "arn:aws:iam::461810399597:root")).await.expect("accounts exist");
}

#[tokio::test]
async fn malformed_policies_are_refused() {
    let scene = scene();
    let put = |text: String| scene.owner.put_bucket_policy().bucket(MINE).policy(text).send();
    let object = format!("arn:aws:s3:::{MINE}/*");
    for (text, want) in [
        // Two mistakes of the screenshot in the vendor's manual.
        (manual_policy(MINE).replace("arn:aws:s3:::", "arn:aws:s3::"), "Policy has invalid resource"),
        (
            manual_policy(MINE).replace("\"s3:PutObjectAcl\"]", "\"s3:PutObjectAcl\",]"),
            "This policy contains invalid Json",
        ),
        (manual_policy("another-bucket"), "Policy has invalid resource"),
        (policy("Maybe", r#""s3:PutObject""#, &object), "Missing required field Effect"),
        (policy("Allow", r#""s3:ListBucket""#, &object), "Action does not apply to any resource(s) in statement"),
        (format!("{}{}", manual_policy(MINE), " ".repeat(20 * 1024)), "Bucket policies are limited to 20 KB."),
    ] {
        let answer = put(text.clone()).await;
        assert_eq!(message(answer), want, "{text}");
        assert_eq!(refusal(put(text).await), is(400, "MalformedPolicy"));
    }
    let unknown = policy("Allow", r#""s3:PutObject""#, &object)
        .replace("\"Resource\"", "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}},\"Resource\"");
    assert_eq!(refusal(put(unknown).await), is(501, "NotImplemented"));
}

#[tokio::test]
async fn public_policies_are_blocked_by_default() {
    let scene = scene();
    let everyone = manual_policy(MINE).replace(&format!("{{ \"AWS\": [\"{COPY_ROLE_ARN}\"] }}"), "\"*\"");
    let put = || scene.owner.put_bucket_policy().bucket(MINE).policy(&everyone).send();
    assert_eq!(refusal(put().await), is(403, "AccessDenied"));
    scene.owner.delete_public_access_block().bucket(MINE).send().await.expect("switched off");
    put().await.expect("nothing blocks it now");
    let gone = scene.owner.get_public_access_block().bucket(MINE).send().await;
    assert_eq!(refusal(gone), is(404, "NoSuchPublicAccessBlockConfiguration"));
    let on = PublicAccessBlockConfiguration::builder().block_public_policy(true).build();
    let put_block = scene.owner.put_public_access_block().bucket(MINE).public_access_block_configuration(on);
    put_block.send().await.expect("switched on");
    assert_eq!(refusal(put().await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn buckets_are_made_in_the_endpoints_region() {
    let scene = scene();
    let create = |name: &'static str, region: Option<&'static str>| {
        let place =
            region.map(|r| CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(r)));
        scene.owner.create_bucket().bucket(name).set_create_bucket_configuration(place.map(|p| p.build())).send()
    };
    assert_eq!(refusal(create("new-bucket", None).await), is(400, "IllegalLocationConstraintException"));
    assert_eq!(refusal(create("new-bucket", Some("us-west-2")).await), is(400, "IllegalLocationConstraintException"));
    create("new-bucket", Some("ap-northeast-1")).await.expect("made");
    assert_eq!(refusal(create("new-bucket", Some("ap-northeast-1")).await), is(409, "BucketAlreadyOwnedByYou"));
    assert_eq!(
        refusal(create("dataservice-flex-bucket", Some("ap-northeast-1")).await),
        is(409, "BucketAlreadyExists")
    );
    let location = scene.owner.get_bucket_location().bucket("new-bucket").send().await.expect("told");
    assert_eq!(location.location_constraint().map(|l| l.as_str()), Some("ap-northeast-1"));
    let head = scene.owner.head_bucket().bucket("new-bucket").send().await.expect("told");
    assert_eq!(head.bucket_region(), Some("ap-northeast-1"));
    assert_eq!(refusal(scene.owner.head_bucket().bucket("no-such-bucket").send().await), is(404, "NotFound"));
    let stranger = scene.sandbox.s3(&Identity::stranger());
    assert_eq!(refusal(stranger.head_bucket().bucket("new-bucket").send().await), is(403, ""));
}

#[tokio::test]
async fn new_buckets_have_aws_s_defaults() {
    let scene = scene();
    let encryption = scene.owner.get_bucket_encryption().bucket(MINE).send().await.expect("told");
    let rule = encryption.server_side_encryption_configuration().map(|c| c.rules()[0].clone()).expect("a rule");
    let default = rule.apply_server_side_encryption_by_default().expect("a default");
    assert_eq!(default.sse_algorithm().as_str(), "AES256");
    let ownership = scene.owner.get_bucket_ownership_controls().bucket(MINE).send().await.expect("told");
    let rules = ownership.ownership_controls().expect("controls").rules();
    assert_eq!(rules[0].object_ownership(), &ObjectOwnership::BucketOwnerEnforced);
    let block = scene.owner.get_public_access_block().bucket(MINE).send().await.expect("told");
    let block = block.public_access_block_configuration().expect("a configuration");
    assert_eq!((block.block_public_policy(), block.restrict_public_buckets()), (Some(true), Some(true)));
    let lifecycle = scene.owner.get_bucket_lifecycle_configuration().bucket(MINE).send().await;
    assert_eq!(refusal(lifecycle), is(404, "NoSuchLifecycleConfiguration"));
}

#[tokio::test]
async fn settings_are_kept() {
    use aws_sdk_s3::types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
        LifecycleRuleFilter, ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
        ServerSideEncryptionRule,
    };
    let scene = scene();
    let rule = LifecycleRule::builder()
        .id("end unfinished uploads")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(AbortIncompleteMultipartUpload::builder().days_after_initiation(7).build())
        .build()
        .expect("a rule");
    let rules = BucketLifecycleConfiguration::builder().rules(rule.clone()).build().expect("a configuration");
    let put = scene.owner.put_bucket_lifecycle_configuration().bucket(MINE).lifecycle_configuration(rules);
    put.send().await.expect("stored");
    let kept = scene.owner.get_bucket_lifecycle_configuration().bucket(MINE).send().await.expect("given back");
    assert_eq!(kept.rules()[0].abort_incomplete_multipart_upload(), rule.abort_incomplete_multipart_upload());
    scene.owner.delete_bucket_lifecycle().bucket(MINE).send().await.expect("removed");
    let gone = scene.owner.get_bucket_lifecycle_configuration().bucket(MINE).send().await;
    assert_eq!(refusal(gone), is(404, "NoSuchLifecycleConfiguration"));

    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
    let default = default.kms_master_key_id("a-key").build().expect("a default");
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    let kms = ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("a configuration");
    let put = scene.owner.put_bucket_encryption().bucket(MINE).server_side_encryption_configuration(kms);
    put.send().await.expect("stored");
    let put = scene.owner.put_object().bucket(MINE).key("k").body(Vec::new().into()).send().await.expect("stored");
    assert_eq!(put.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));

    let rule =
        OwnershipControlsRule::builder().object_ownership(ObjectOwnership::ObjectWriter).build().expect("a rule");
    let controls = OwnershipControls::builder().rules(rule).build().expect("controls");
    let put = scene.owner.put_bucket_ownership_controls().bucket(MINE).ownership_controls(controls);
    put.send().await.expect("stored");
    let kept = scene.owner.get_bucket_ownership_controls().bucket(MINE).send().await.expect("given back");
    assert_eq!(
        kept.ownership_controls().expect("controls").rules()[0].object_ownership(),
        &ObjectOwnership::ObjectWriter
    );
}
