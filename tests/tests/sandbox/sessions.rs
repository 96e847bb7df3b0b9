//! Sessions that a policy narrows: what is left is what the role and the policy both allow.

use aws_sdk_s3::{Client, types::ObjectCannedAcl};
use flex_policy::{SessionPolicy, SessionPurpose};
use flex_tests::sandbox::{COPY_ROLE_ARN, Identity, ObjectSpec, VENDOR_BUCKET};

use super::{MINE, Scene, is, refusal, scene};

/// The copy role's session with this policy.
async fn narrowed(scene: &Scene, policy: &str) -> Client {
    let asked = scene.sandbox.sts(&Identity::copy_user()).assume_role().role_arn(COPY_ROLE_ARN);
    let answer = asked.role_session_name("flex").policy(policy).send().await.expect("assumed");
    let given = answer.credentials().expect("credentials");
    let (id, secret, token) = (given.access_key_id(), given.secret_access_key(), given.session_token().to_owned());
    let keys = aws_sdk_s3::config::Credentials::new(id, secret, Some(token), None, "test");
    let s3 = scene.sandbox.s3(&Identity::copy_user());
    Client::from_conf(s3.config().to_builder().credentials_provider(keys).build())
}

fn copying(prefix: &str) -> String {
    let name = |name: &str| name.parse().expect("a name");
    SessionPolicy::new(SessionPurpose::Copying, &name(VENDOR_BUCKET), Some(&name(MINE)), "", &[prefix], &[prefix])
        .to_string()
}

async fn copy(s3: &Client, from: &str, to: &str) -> Result<(), (u16, String)> {
    let call = s3.copy_object().copy_source(format!("{VENDOR_BUCKET}/{from}")).bucket(MINE).key(to);
    let call = call.tagging_directive(aws_sdk_s3::types::TaggingDirective::Replace);
    let sent = call.acl(ObjectCannedAcl::BucketOwnerFullControl).send().await;
    if sent.is_ok() { Ok(()) } else { Err(refusal(sent)) }
}

#[tokio::test]
async fn a_narrowed_session_copies_inside_its_prefixes_and_nowhere_else() {
    let scene = scene();
    for key in ["2021/05/31/a", "2021/06/01/a"] {
        scene.world.put_object(VENDOR_BUCKET, key, ObjectSpec::new(10));
    }
    let s3 = narrowed(&scene, &copying("2021/05/")).await;
    let list = |bucket: &'static str, prefix: Option<&'static str>| {
        let call = s3.list_objects_v2().bucket(bucket).set_prefix(prefix.map(str::to_owned));
        async move { call.send().await }
    };
    let denied = is(403, "AccessDenied");
    assert_eq!(copy(&s3, "2021/05/31/a", "2021/05/31/a").await, Ok(()));
    for bucket in [VENDOR_BUCKET, MINE] {
        assert_eq!(list(bucket, Some("2021/05/31/")).await.expect("listed").key_count(), Some(1), "{bucket}");
        assert_eq!(refusal(list(bucket, Some("2021/")).await), denied, "{bucket}");
        assert_eq!(refusal(list(bucket, None).await), denied, "{bucket}");
    }
    for (from, to) in
        [("2021/06/01/a", "2021/05/31/b"), ("2021/05/31/a", "2021/06/01/a"), ("2021/05/31/a", "elsewhere")]
    {
        assert_eq!(copy(&s3, from, to).await, Err(denied.clone()), "{from} to {to}");
    }
    assert_eq!(refusal(s3.delete_object().bucket(MINE).key("2021/05/31/a").send().await), denied);
    assert_eq!(refusal(s3.head_object().bucket(MINE).key("2021/05/31/a").send().await).0, 403);
    // The role itself may.
    let role = scene.sandbox.s3(&scene.world.copy_role());
    assert_eq!(copy(&role, "2021/06/01/a", "2021/06/01/a").await, Ok(()));
}

#[tokio::test]
async fn a_session_policy_gives_nothing_that_the_role_lacks() {
    let scene = scene();
    scene.world.put_object(VENDOR_BUCKET, "2021/05/31/a", ObjectSpec::new(10));
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let s3 = narrowed(&scene, all).await;
    assert_eq!(copy(&s3, "2021/05/31/a", "2021/05/31/a").await, Ok(()));
    assert_eq!(refusal(s3.delete_object().bucket(MINE).key("2021/05/31/a").send().await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn what_sts_does_not_take_as_a_policy() {
    let scene = scene();
    let long = format!("{}{}", copying("2021/"), " ".repeat(2048));
    for (policy, status, code) in [
        ("{", 400, "MalformedPolicyDocument"),
        (r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*"}]}"#, 400, "MalformedPolicyDocument"),
        (long.as_str(), 400, "ValidationError"),
        (r#"{"Version":"2012-10-17","Id":"日本"}"#, 400, "ValidationError"),
    ] {
        let asked = scene.sandbox.sts(&Identity::copy_user()).assume_role().role_arn(COPY_ROLE_ARN);
        let answer = asked.role_session_name("flex").policy(policy).send().await;
        assert_eq!(refusal(answer), is(status, code), "{policy}");
    }
}
