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
        (policy("Allow", r#""s3:PutObjct""#, &object), "Policy has invalid action"),
        (policy("Allow", r#""sts:AssumeRole""#, &object), "Policy has invalid action"),
        (policy("Allow", r#""s3:Foo*""#, &object), "Policy has invalid action"),
        (policy("Allow", "[]", &object), "Missing required field Action"),
        (
            policy("Allow", r#""s3:PutObject""#, &object).replace("Principal", "NotPrincipal"),
            "Allow with NotPrincipal is not allowed.",
        ),
        (
            manual_policy(MINE).replace("S3CopyStmtPutObject", "S3CopyStmtList"),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
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

#[tokio::test]
async fn foreign_statements_are_judged_and_not_passed_over() {
    let scene = super::scene_with_object();
    let copied = || super::copy(&scene.role, super::KEY).send();
    let with = |statement: &str| {
        let text = manual_policy(MINE).replacen("\"Statement\": [", &format!("\"Statement\": [{statement},"), 1);
        scene.owner.put_bucket_policy().bucket(MINE).policy(text).send()
    };
    let deny = |rest: &str| {
        format!(
            r#"{{"Sid":"a comment, with spaces","Effect":"Deny",{rest},"Resource":["arn:aws:s3:::{MINE}","arn:aws:s3:::{MINE}/*"]}}"#
        )
    };
    let all = r#""Principal":"*","Action":"s3:*""#;
    for (statement, passes) in [
        (deny(&format!(r#"{all},"Condition":{{"Bool":{{"aws:SecureTransport":"false"}}}}"#)), true),
        (deny(&format!(r#"{all},"Condition":{{"StringNotEquals":{{"aws:SourceVpce":"vpce-1"}}}}"#)), false),
        (deny(&format!(r#"{all},"Condition":{{"StringEquals":{{"aws:SourceVpce":"vpce-1"}}}}"#)), true),
        (deny(&format!(r#"{all},"Condition":{{"StringEqualsIfExists":{{"aws:SourceVpce":"vpce-1"}}}}"#)), false),
        (deny(&format!(r#"{all},"Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"123456789012"}}}}"#)), false),
        (deny(&format!(r#"{all},"Condition":{{"ArnNotLike":{{"aws:PrincipalArn":"{COPY_ROLE_ARN}"}}}}"#)), true),
        (deny(r#""NotPrincipal":{"AWS":"123456789012"},"Action":"s3:PutObject""#), false),
        (
            deny(&format!(r#""NotPrincipal":{{"AWS":["123456789012","{COPY_ROLE_ARN}"]}},"Action":"s3:PutObject""#)),
            true,
        ),
        (deny(r#""Principal":"*","NotAction":["s3:Get*","s3:List*"]"#), false),
        (deny(r#""Principal":"*","NotAction":["s3:Get*","s3:List*","S3:putobject*"]"#), true),
        (deny(r#""Principal":"*","Action":"s3:PutObject""#).replace("Resource", "NotResource"), true),
    ] {
        with(&statement).await.expect("stored");
        assert_eq!(copied().await.is_ok(), passes, "{statement}");
        // The owner's own policy allows everything: it mends what it has spoilt.
        scene.world.put_bucket_policy(MINE, &manual_policy(MINE));
    }
    let unknown =
        deny(&format!(r#"{all},"Condition":{{"DateLessThan":{{"aws:CurrentTime":"2030-01-01T00:00:00Z"}}}}"#));
    assert_eq!(refusal(with(&unknown).await), is(501, "NotImplemented"));
}

#[tokio::test]
async fn a_policys_status_tells_whether_it_is_public() {
    let scene = scene();
    scene.world.bucket_public_access_block(MINE, false);
    let status = || async {
        let answer = scene.owner.get_bucket_policy_status().bucket(MINE).send().await.expect("told");
        answer.policy_status().and_then(|status| status.is_public())
    };
    assert_eq!(status().await, Some(false));
    let everyone = manual_policy(MINE).replace(&format!("{{ \"AWS\": [\"{COPY_ROLE_ARN}\"] }}"), "\"*\"");
    scene.world.put_bucket_policy(MINE, &everyone);
    assert_eq!(status().await, Some(true));
    let one = policy("Allow", r#""s3:ListBucket""#, &format!("arn:aws:s3:::{MINE}"));
    let one = one.replace(&format!(r#"{{"AWS":"{COPY_ROLE_ARN}"}}"#), "\"*\"").replace(
        "\"Action\"",
        &format!(r#""Condition":{{"StringEquals":{{"aws:PrincipalArn":"{COPY_ROLE_ARN}"}}}},"Action""#),
    );
    scene.world.put_bucket_policy(MINE, &one);
    assert_eq!(status().await, Some(false), "a fixed caller is not the public");
    scene.world.delete_bucket_policy(MINE);
    let gone = scene.owner.get_bucket_policy_status().bucket(MINE).send().await;
    assert_eq!(refusal(gone), is(404, "NoSuchBucketPolicy"));
}

#[tokio::test]
async fn names_of_buckets_follow_the_rules() {
    let scene = scene();
    let place =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::ApNortheast1).build();
    let create = |name: &str| scene.owner.create_bucket().bucket(name).create_bucket_configuration(place.clone());
    for name in [
        "ab",
        "Capital",
        "under_score",
        "-begin",
        "end-",
        "two..dots",
        "192.168.0.1",
        "xn--name",
        "sthree-name",
        "amzn-s3-demo-name",
        "name-s3alias",
        "name--ol-s3",
        "name.mrap",
        "name--table-s3",
        "name-123456789012-ap-northeast-1-an",
        &"x".repeat(64),
    ] {
        assert_eq!(refusal(create(name).send().await), is(400, "InvalidBucketName"), "{name}");
    }
    create("with.dots-and-2").send().await.expect("made");
    // The account's own namespace goes by a header.
    let namespaced = |name: &str| {
        create(name).customize().mutate_request(|request| {
            request.headers_mut().insert("x-amz-bucket-namespace", "account-regional");
        })
    };
    namespaced("flex-123456789012-ap-northeast-1-an").send().await.expect("made");
    let other = namespaced("flex-210987654321-ap-northeast-1-an").send().await;
    assert_eq!(refusal(other), is(400, "InvalidBucketName"));
}

#[tokio::test]
async fn ownership_can_be_chosen_when_a_bucket_is_made() {
    let scene = scene();
    let place =
        CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::ApNortheast1).build();
    let create = |name: &str| scene.owner.create_bucket().bucket(name).create_bucket_configuration(place.clone());
    create("preferred").object_ownership(ObjectOwnership::BucketOwnerPreferred).send().await.expect("made");
    let kept = scene.owner.get_bucket_ownership_controls().bucket("preferred").send().await.expect("told");
    let rules = kept.ownership_controls().expect("controls").rules();
    assert_eq!(rules[0].object_ownership(), &ObjectOwnership::BucketOwnerPreferred);
    let public = create("public").acl("public-read".into()).send().await;
    assert_eq!(refusal(public), is(400, "InvalidBucketAclWithObjectOwnership"));
    assert!(!scene.world.bucket_exists("public"));
    // Each right is asked for: making, and choosing the ownership.
    let clerk = scene.world.add_user("clerk");
    let s3 = scene.sandbox.s3(&clerk);
    let create = |name: &str| s3.create_bucket().bucket(name).create_bucket_configuration(place.clone());
    assert_eq!(refusal(create("clerks").send().await), is(403, "AccessDenied"));
    let right =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"*"}]}"#;
    scene.world.put_policy(&clerk.arn(), "makes", right);
    let chosen = create("clerks").object_ownership(ObjectOwnership::BucketOwnerEnforced).send().await;
    assert_eq!(refusal(chosen), is(403, "AccessDenied"));
    create("clerks").send().await.expect("made");
}

#[tokio::test]
async fn encryption_is_kept_as_it_was_given() {
    use aws_sdk_s3::types::{
        ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
        ServerSideEncryptionRule,
    };
    let scene = scene();
    let configuration = |kind: ServerSideEncryption, key: Option<&str>| {
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(kind);
        let default = default.set_kms_master_key_id(key.map(str::to_owned)).build().expect("a default");
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
        let rule = rule.bucket_key_enabled(true).build();
        ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("a configuration")
    };
    let put = |configuration: &ServerSideEncryptionConfiguration| {
        let put = scene.owner.put_bucket_encryption().bucket(MINE);
        put.server_side_encryption_configuration(configuration.clone()).send()
    };
    let kms = configuration(ServerSideEncryption::AwsKms, Some("a-key"));
    put(&kms).await.expect("stored");
    let kept = scene.owner.get_bucket_encryption().bucket(MINE).send().await.expect("given back");
    assert_eq!(kept.server_side_encryption_configuration(), Some(&kms));
    let odd = configuration(ServerSideEncryption::Aes256, Some("a-key"));
    assert_eq!(refusal(put(&odd).await), is(400, "InvalidArgument"));
}

#[tokio::test]
async fn an_account_lists_its_own_buckets() {
    let scene = scene();
    scene.world.create_bucket("far-away", flex_tests::sandbox::SUBSCRIBER, "us-west-2");
    scene.world.create_bucket("strangers", flex_tests::sandbox::STRANGER, "ap-northeast-1");
    let listed = scene.owner.list_buckets().send().await.expect("listed");
    let shown = |buckets: &[aws_sdk_s3::types::Bucket]| {
        let shown =
            buckets.iter().map(|b| (b.name().unwrap_or_default().to_owned(), b.bucket_region().map(str::to_owned)));
        shown.collect::<Vec<_>>()
    };
    let (far, mine) =
        (("far-away".to_owned(), Some("us-west-2".into())), (MINE.to_owned(), Some("ap-northeast-1".into())));
    assert_eq!(shown(listed.buckets()), [far, mine.clone()]);
    let here = scene.owner.list_buckets().bucket_region("ap-northeast-1").prefix("my-").send().await.expect("listed");
    assert_eq!(shown(here.buckets()), [mine]);
    let user = scene.sandbox.s3(&Identity::copy_user()).list_buckets().send().await;
    assert_eq!(refusal(user), is(403, "AccessDenied"));
}
