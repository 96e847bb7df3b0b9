//! IAM on the same endpoint: users, keys, inline policies, roles, instance profiles, simulation.

use aws_sdk_iam::types::{PolicyEvaluationDecisionType, StatusType, Tag};
use aws_sdk_iam::{Client, config};
use flex_tests::sandbox::{
    COPY_ROLE_ARN, COPY_USER_NAME, COPY_USER_POLICY, Identity, REGION, Sandbox, subscriber_bucket,
};

use super::signatures::Tamper;
use super::{MINE, is, message, refusal};

pub(super) const ASSUME: &str = r#"{
  "Version": "2012-10-17",
  "Statement": { "Effect": "Allow", "Action": "sts:AssumeRole",
    "Resource": "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012" }
}"#;
const EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},
    "Action":"sts:AssumeRole"}]}"#;

/// A plain client with one attempt, signing as IAM's own does.
pub(super) fn iam(sandbox: &Sandbox, identity: &Identity) -> Client {
    let config = config::Builder::from(&sandbox.sdk_config(identity))
        .region(config::Region::from_static("us-east-1"))
        .retry_config(config::retry::RetryConfig::disabled());
    Client::from_conf(config.build())
}

pub(super) fn owner() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().in_process();
    let client = iam(&sandbox, &Identity::owner());
    (sandbox, client)
}

fn allow(action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#
    )
}

/// A document as IAM answers it, decoded.
fn decoded(document: &str) -> String {
    assert!(!document.contains([' ', '"', '{', ':']), "it comes percent-encoded: {document}");
    percent_encoding::percent_decode_str(document).decode_utf8().expect("UTF-8").into_owned()
}

fn identity(key: &aws_sdk_iam::types::AccessKey, sandbox: &Sandbox) -> Identity {
    let keys = sandbox.world().keys_of(key.user_name());
    let found = keys.into_iter().find(|known| known.access_key_id() == key.access_key_id()).expect("it is there");
    assert_eq!(found.secret_access_key(), key.secret_access_key());
    found
}

async fn may_assume(sandbox: &Sandbox, identity: &Identity) -> Result<(), String> {
    let asked = sandbox.sts(identity).assume_role().role_arn(COPY_ROLE_ARN).role_session_name("flex").send().await;
    match asked {
        Ok(_) => Ok(()),
        Err(error) => Err(refusal::<(), _>(Err(error)).1),
    }
}

#[tokio::test]
async fn a_user_is_made_given_a_policy_and_a_key_that_works_at_once() {
    let (sandbox, iam) = owner();
    let tag = Tag::builder().key("for").value("flex & more").build().expect("a tag");
    let made = iam.create_user().user_name("loader").tags(tag.clone()).send().await.expect("made");
    let made = made.user().expect("a user");
    assert_eq!(made.arn(), "arn:aws:iam::123456789012:user/loader");
    assert!(made.user_id().starts_with("AIDA"), "{}", made.user_id());
    let got = iam.get_user().user_name("loader").send().await.expect("there");
    let got = got.user().expect("a user");
    assert_eq!((got.user_id(), got.tags()), (made.user_id(), [tag].as_slice()));

    let key = iam.create_access_key().user_name("loader").send().await.expect("made");
    let key = key.access_key().expect("a key");
    assert!(key.access_key_id().starts_with("AKIA") && key.secret_access_key().len() == 40);
    let loader = identity(key, &sandbox);
    let who = sandbox.sts(&loader).get_caller_identity().send().await.expect("known");
    assert_eq!((who.arn(), who.user_id()), (Some(made.arn()), Some(made.user_id())));
    assert_eq!(may_assume(&sandbox, &loader).await, Err("AccessDenied".into()));
    iam.put_user_policy().user_name("loader").policy_name("p").policy_document(ASSUME).send().await.expect("put");
    assert_eq!(may_assume(&sandbox, &loader).await, Ok(()));

    // In S3, too: policies of one principal are judged together, and a Deny in any of them wins.
    sandbox.world().create_bucket(MINE, "123456789012", REGION);
    let list = || sandbox.s3(&loader).list_objects_v2().bucket(MINE).send();
    assert_eq!(refusal(list().await), is(403, "AccessDenied"));
    let bucket = format!("arn:aws:s3:::{MINE}");
    let put = |name: &str, text: String| {
        iam.put_user_policy().user_name("loader").policy_name(name).policy_document(text).send()
    };
    put("lists", allow("s3:List*", &bucket)).await.expect("put");
    list().await.expect("allowed by its second policy");
    assert_eq!(may_assume(&sandbox, &loader).await, Ok(()), "and the first one holds");
    put("no", allow("s3:ListBucket", &bucket).replace("Allow", "Deny")).await.expect("put");
    assert_eq!(refusal(list().await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn the_manuals_user_is_there_and_without_its_policy_it_assumes_nothing() {
    let (sandbox, iam) = owner();
    let copy_user = Identity::copy_user();
    let got = iam.get_user().user_name(COPY_USER_NAME).send().await.expect("there");
    assert_eq!(got.user().expect("a user").arn(), copy_user.arn());
    let names = iam.list_user_policies().user_name(COPY_USER_NAME).send().await.expect("listed");
    assert_eq!(names.policy_names(), [COPY_USER_POLICY]);
    let policy = || iam.get_user_policy().user_name(COPY_USER_NAME).policy_name(COPY_USER_POLICY).send();
    let text = decoded(policy().await.expect("read").policy_document());
    assert!(text.contains(COPY_ROLE_ARN) && text.contains("sts:AssumeRole"), "{text}");
    let attached = iam.list_attached_user_policies().user_name(COPY_USER_NAME).send().await.expect("listed");
    assert!(attached.attached_policies().is_empty());
    let groups = iam.list_groups_for_user().user_name(COPY_USER_NAME).send().await.expect("listed");
    assert!(groups.groups().is_empty());

    assert_eq!(may_assume(&sandbox, &copy_user).await, Ok(()));
    let delete = || iam.delete_user_policy().user_name(COPY_USER_NAME).policy_name(COPY_USER_POLICY).send();
    delete().await.expect("taken away");
    assert_eq!(may_assume(&sandbox, &copy_user).await, Err("AccessDenied".into()));
    assert_eq!(refusal(policy().await), is(404, "NoSuchEntity"));
    assert_eq!(refusal(delete().await), is(404, "NoSuchEntity"));
    let put = iam.put_user_policy().user_name(COPY_USER_NAME).policy_name("again").policy_document(ASSUME);
    put.send().await.expect("put");
    assert_eq!(may_assume(&sandbox, &copy_user).await, Ok(()));
    let kept = iam.get_user_policy().user_name(COPY_USER_NAME).policy_name("again").send().await.expect("read");
    assert_eq!(decoded(kept.policy_document()), ASSUME, "byte for byte");
}

#[tokio::test]
async fn every_operation_needs_its_right() {
    let (sandbox, _) = owner();
    let world = sandbox.world();
    let nobody = world.add_user("clerk");
    let clerk = iam(&sandbox, &nobody);
    let text = message(clerk.create_user().user_name("flex").send().await);
    assert_eq!(
        text,
        "User: arn:aws:iam::123456789012:user/clerk is not authorized to perform: iam:CreateUser on resource: \
         arn:aws:iam::123456789012:user/flex because no identity-based policy allows the iam:CreateUser action"
    );
    let user = || COPY_USER_NAME.to_owned();
    let denied = is(403, "AccessDenied");
    assert_eq!(refusal(clerk.create_user().user_name("flex").send().await), denied);
    assert_eq!(refusal(clerk.get_user().send().await), denied);
    assert_eq!(refusal(clerk.delete_user().user_name(user()).send().await), denied);
    assert_eq!(refusal(clerk.list_users().send().await), denied);
    let put = clerk.put_user_policy().user_name(user()).policy_name("p").policy_document(ASSUME);
    assert_eq!(refusal(put.send().await), denied);
    assert_eq!(refusal(clerk.get_user_policy().user_name(user()).policy_name("p").send().await), denied);
    assert_eq!(refusal(clerk.delete_user_policy().user_name(user()).policy_name("p").send().await), denied);
    assert_eq!(refusal(clerk.list_user_policies().user_name(user()).send().await), denied);
    assert_eq!(refusal(clerk.list_attached_user_policies().user_name(user()).send().await), denied);
    assert_eq!(refusal(clerk.list_groups_for_user().user_name(user()).send().await), denied);
    assert_eq!(refusal(clerk.create_access_key().send().await), denied);
    assert_eq!(refusal(clerk.list_access_keys().send().await), denied);
    let id = nobody.access_key_id();
    assert_eq!(refusal(clerk.update_access_key().access_key_id(id).status(StatusType::Inactive).send().await), denied);
    assert_eq!(refusal(clerk.delete_access_key().access_key_id(id).send().await), denied);
    let create = clerk.create_role().role_name("r").assume_role_policy_document(EC2);
    assert_eq!(refusal(create.send().await), denied);
    assert_eq!(refusal(clerk.get_role().role_name("TickUser").send().await), denied);
    let put = clerk.put_role_policy().role_name("TickUser").policy_name("p").policy_document(ASSUME);
    assert_eq!(refusal(put.send().await), denied);
    assert_eq!(refusal(clerk.get_role_policy().role_name("TickUser").policy_name("p").send().await), denied);
    assert_eq!(refusal(clerk.delete_role_policy().role_name("TickUser").policy_name("p").send().await), denied);
    assert_eq!(refusal(clerk.list_role_policies().role_name("TickUser").send().await), denied);
    assert_eq!(refusal(clerk.list_attached_role_policies().role_name("TickUser").send().await), denied);
    assert_eq!(refusal(clerk.create_instance_profile().instance_profile_name("p").send().await), denied);
    assert_eq!(refusal(clerk.get_instance_profile().instance_profile_name("p").send().await), denied);
    let simulate = clerk.simulate_principal_policy().policy_source_arn(nobody.arn()).action_names("s3:GetObject");
    assert_eq!(refusal(simulate.send().await), denied);

    // The right of that name is enough, and only on that resource.
    let arn = Identity::copy_user().arn();
    world.put_policy(&nobody.arn(), "reads", &allow("iam:GetUser", &arn));
    clerk.get_user().user_name(user()).send().await.expect("allowed");
    assert_eq!(refusal(clerk.get_user().user_name("owner").send().await), denied);
    let deny = allow("iam:*", "*").replace("Allow", "Deny");
    world.put_policy(&nobody.arn(), "stops", &deny);
    let text = message(clerk.get_user().user_name(user()).send().await);
    assert!(text.ends_with("with an explicit deny in an identity-based policy"), "{text}");
    // Nor does anybody reach into another account.
    let stranger = iam(&sandbox, &Identity::stranger());
    assert_eq!(refusal(stranger.get_user().user_name(COPY_USER_NAME).send().await), is(404, "NoSuchEntity"));
    let listed = stranger.list_users().send().await.expect("listed");
    assert_eq!(listed.users().iter().map(|user| user.user_name()).collect::<Vec<_>>(), ["stranger"]);
}

#[tokio::test]
async fn users_are_listed_in_pages() {
    let (_, iam) = owner();
    iam.create_user().user_name("zoe").send().await.expect("made");
    let first = iam.list_users().max_items(2).send().await.expect("listed");
    assert!(first.is_truncated());
    let names = |users: &[aws_sdk_iam::types::User]| users.iter().map(|u| u.user_name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(first.users()), ["flex-copy", "owner"]);
    let rest = iam.list_users().set_marker(first.marker().map(str::to_owned)).send().await.expect("listed");
    assert_eq!((names(rest.users()), rest.is_truncated()), (vec!["zoe".to_owned()], false));
}

#[tokio::test]
async fn keys_are_two_at_most_and_can_be_switched_off_and_deleted() {
    let (sandbox, iam) = owner();
    let first = Identity::copy_user();
    let create = || iam.create_access_key().user_name(COPY_USER_NAME).send();
    let made = create().await.expect("the second");
    let second = identity(made.access_key().expect("a key"), &sandbox);
    assert_eq!(refusal(create().await), is(409, "LimitExceeded"));
    let list = || iam.list_access_keys().user_name(COPY_USER_NAME).send();
    let shown = |keys: &[aws_sdk_iam::types::AccessKeyMetadata]| {
        let shown = keys.iter().map(|k| (k.access_key_id().unwrap_or_default().to_owned(), k.status().cloned()));
        shown.collect::<Vec<_>>()
    };
    let (on, off) = (Some(StatusType::Active), Some(StatusType::Inactive));
    let (one, two) = (first.access_key_id().to_owned(), second.access_key_id().to_owned());
    let listed = list().await.expect("listed");
    assert_eq!(shown(listed.access_key_metadata()), [(one.clone(), on.clone()), (two.clone(), on)]);

    let update = iam.update_access_key().user_name(COPY_USER_NAME).access_key_id(&two).status(StatusType::Inactive);
    update.send().await.expect("switched off");
    assert_eq!(shown(list().await.expect("listed").access_key_metadata())[1].1, off);
    assert_eq!(may_assume(&sandbox, &second).await, Err("InvalidClientTokenId".into()));
    subscriber_bucket(&sandbox.world(), MINE);
    let s3 = sandbox.s3(&second).list_objects_v2().bucket(MINE).send().await;
    assert_eq!(refusal(s3), is(403, "InvalidAccessKeyId"));
    assert_eq!(may_assume(&sandbox, &first).await, Ok(()));

    let delete = |id: &str| iam.delete_access_key().user_name(COPY_USER_NAME).access_key_id(id).send();
    delete(&two).await.expect("deleted");
    assert_eq!(refusal(delete(&two).await), is(404, "NoSuchEntity"));
    let owners = Identity::owner();
    assert_eq!(refusal(delete(owners.access_key_id()).await), is(404, "NoSuchEntity"), "it is another user's");
    delete(&one).await.expect("deleted");
    assert_eq!(may_assume(&sandbox, &first).await, Err("InvalidClientTokenId".into()));
}

#[tokio::test]
async fn a_user_goes_when_nothing_hangs_on_it_and_takes_its_sessions_along() {
    let (sandbox, iam) = owner();
    let user = Identity::copy_user();
    let session = sandbox.world().session(&user, std::time::Duration::from_secs(3600));
    sandbox.sts(&session).get_caller_identity().send().await.expect("known");
    let delete = || iam.delete_user().user_name(COPY_USER_NAME).send();
    assert_eq!(message(delete().await), "Cannot delete entity, must delete access keys first.");
    let key = iam.delete_access_key().user_name(COPY_USER_NAME).access_key_id(user.access_key_id());
    key.send().await.expect("deleted");
    assert_eq!(refusal(delete().await), is(409, "DeleteConflict"));
    iam.delete_user_policy().user_name(COPY_USER_NAME).policy_name(COPY_USER_POLICY).send().await.expect("deleted");
    delete().await.expect("deleted");
    assert_eq!(refusal(delete().await), is(404, "NoSuchEntity"));
    assert!(!sandbox.world().user_exists(COPY_USER_NAME));
    assert_eq!(may_assume(&sandbox, &session).await, Err("InvalidClientTokenId".into()));
    // One of the same name is another: the old keys stay dead.
    iam.create_user().user_name(COPY_USER_NAME).send().await.expect("made");
    assert_eq!(may_assume(&sandbox, &user).await, Err("InvalidClientTokenId".into()));
}

#[tokio::test]
async fn a_role_for_ec2_with_its_profile() {
    let (sandbox, iam) = owner();
    let create = |document: &str| iam.create_role().role_name("flex-ec2").assume_role_policy_document(document).send();
    for (document, want) in [
        ("{", "This policy contains invalid Json"),
        (ASSUME, "Missing required field Principal"),
        (&EC2.replace("\"Action\"", "\"Resource\":\"*\",\"Action\""), "Has prohibited field Resource"),
        (&EC2.replace("sts:", "s3:"), "AssumeRole policy may only specify STS AssumeRole actions."),
        (
            &EC2.replace(r#""Service":"ec2.amazonaws.com""#, r#""AWS":"arn:aws:iam::123456789012:user/nobody""#),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:user/nobody\"",
        ),
    ] {
        assert_eq!(message(create(document).await), want, "{document}");
        assert_eq!(refusal(create(document).await), is(400, "MalformedPolicyDocument"));
    }
    let made = create(EC2).await.expect("made");
    assert_eq!(refusal(create(EC2).await), is(409, "EntityAlreadyExists"));
    let made = made.role().expect("a role");
    assert_eq!(decoded(made.assume_role_policy_document().unwrap_or_default()), EC2);
    let got = iam.get_role().role_name("flex-ec2").send().await.expect("there");
    let got = got.role().expect("a role");
    assert_eq!((got.arn(), got.max_session_duration()), ("arn:aws:iam::123456789012:role/flex-ec2", Some(3600)));
    assert_eq!(got.role_id(), made.role_id());
    assert_eq!(refusal(iam.get_role().role_name("nobody").send().await), is(404, "NoSuchEntity"));

    let role = || "flex-ec2".to_owned();
    let get = || iam.get_role_policy().role_name(role()).policy_name("assume").send();
    assert_eq!(refusal(get().await), is(404, "NoSuchEntity"));
    let put = iam.put_role_policy().role_name(role()).policy_name("assume").policy_document(ASSUME);
    put.send().await.expect("put");
    assert_eq!(decoded(get().await.expect("read").policy_document()), ASSUME);
    let names = iam.list_role_policies().role_name(role()).send().await.expect("listed");
    assert_eq!(names.policy_names(), ["assume"]);
    let attached = iam.list_attached_role_policies().role_name(role()).send().await.expect("listed");
    assert!(attached.attached_policies().is_empty());

    // Nobody signs as ec2.amazonaws.com here, and the owner is not who the role trusts.
    let sts = sandbox.sts(&Identity::owner()).assume_role().role_session_name("flex");
    let sts = sts.role_arn("arn:aws:iam::123456789012:role/flex-ec2").send().await;
    assert_eq!(refusal(sts), is(403, "AccessDenied"));

    let profile = || "flex-ec2".to_owned();
    let add = || iam.add_role_to_instance_profile().instance_profile_name(profile()).role_name(role()).send();
    assert_eq!(refusal(add().await), is(404, "NoSuchEntity"));
    iam.create_instance_profile().instance_profile_name(profile()).send().await.expect("made");
    let again = iam.create_instance_profile().instance_profile_name(profile()).send().await;
    assert_eq!(refusal(again), is(409, "EntityAlreadyExists"));
    add().await.expect("added");
    assert_eq!(refusal(add().await), is(409, "LimitExceeded"));
    let got = iam.get_instance_profile().instance_profile_name(profile()).send().await.expect("there");
    let roles = got.instance_profile().expect("a profile").roles();
    assert_eq!(roles.iter().map(|role| role.role_name()).collect::<Vec<_>>(), ["flex-ec2"]);

    assert_eq!(refusal(iam.delete_role().role_name(role()).send().await), is(409, "DeleteConflict"));
    iam.delete_role_policy().role_name(role()).policy_name("assume").send().await.expect("deleted");
    assert_eq!(refusal(iam.delete_role().role_name(role()).send().await), is(409, "DeleteConflict"));
    let remove = iam.remove_role_from_instance_profile().instance_profile_name(profile()).role_name(role());
    remove.send().await.expect("removed");
    iam.delete_instance_profile().instance_profile_name(profile()).send().await.expect("deleted");
    iam.delete_role().role_name(role()).send().await.expect("deleted");
    assert!(!sandbox.world().subscriber_role_exists("flex-ec2"));
}

#[tokio::test]
async fn handing_a_role_on_needs_pass_role() {
    let (sandbox, iam_owner) = owner();
    iam_owner.create_role().role_name("r").assume_role_policy_document(EC2).send().await.expect("made");
    iam_owner.create_instance_profile().instance_profile_name("p").send().await.expect("made");
    let clerk = sandbox.world().add_user("clerk");
    sandbox.world().put_policy(&clerk.arn(), "adds", &allow("iam:AddRoleToInstanceProfile", "*"));
    let add = || iam(&sandbox, &clerk).add_role_to_instance_profile().instance_profile_name("p").role_name("r").send();
    assert!(message(add().await).contains("iam:PassRole on resource: arn:aws:iam::123456789012:role/r"));
    sandbox.world().put_policy(&clerk.arn(), "passes", &allow("iam:PassRole", "arn:aws:iam::123456789012:role/r"));
    add().await.expect("added");
}

#[tokio::test]
async fn roles_of_the_account_assume_what_they_may() {
    let (sandbox, iam) = owner();
    // The session that the sandbox begins with is one of a role that can be read and changed.
    let chained = Identity::chained();
    let policy = iam.get_role_policy().role_name("TickUser").policy_name(COPY_USER_POLICY).send().await;
    assert!(decoded(policy.expect("read").policy_document()).contains(COPY_ROLE_ARN));
    assert_eq!(may_assume(&sandbox, &chained).await, Ok(()));
    let delete = iam.delete_role_policy().role_name("TickUser").policy_name(COPY_USER_POLICY);
    delete.send().await.expect("deleted");
    assert_eq!(may_assume(&sandbox, &chained).await, Err("AccessDenied".into()));

    // Within an account, a trust that names the caller is enough.
    let clerk = sandbox.world().add_user("clerk");
    let trust = EC2.replace(r#""Service":"ec2.amazonaws.com""#, &format!(r#""AWS":"{}""#, clerk.arn()));
    iam.create_role().role_name("desk").assume_role_policy_document(&trust).send().await.expect("made");
    let desk = || {
        let asked = sandbox.sts(&clerk).assume_role().role_session_name("flex");
        asked.role_arn("arn:aws:iam::123456789012:role/desk").send()
    };
    desk().await.expect("named");
    let update = iam.update_assume_role_policy().role_name("desk");
    let root = EC2.replace(r#""Service":"ec2.amazonaws.com""#, r#""AWS":"123456789012""#);
    update.policy_document(root).send().await.expect("changed");
    assert_eq!(refusal(desk().await), is(403, "AccessDenied"), "the account is not the user");
}

#[tokio::test]
async fn simulation_says_what_the_policies_say() {
    let (sandbox, iam) = owner();
    let user = Identity::copy_user();
    let deny = allow("s3:DeleteObject", "arn:aws:s3:::b/*").replace("Allow", "Deny");
    sandbox.world().put_policy(&user.arn(), "keeps", &deny);
    let asked = iam.simulate_principal_policy().policy_source_arn(user.arn());
    let asked = asked.action_names("sts:AssumeRole").action_names("s3:DeleteObject");
    let asked = asked.resource_arns(COPY_ROLE_ARN).resource_arns("arn:aws:s3:::b/k").send().await.expect("simulated");
    let results: Vec<_> = asked
        .evaluation_results()
        .iter()
        .map(|r| (r.eval_action_name(), r.eval_resource_name().unwrap_or_default(), r.eval_decision().clone()))
        .collect();
    use PolicyEvaluationDecisionType as Decision;
    assert_eq!(
        results,
        [
            ("sts:AssumeRole", COPY_ROLE_ARN, Decision::Allowed),
            ("sts:AssumeRole", "arn:aws:s3:::b/k", Decision::ImplicitDeny),
            ("s3:DeleteObject", COPY_ROLE_ARN, Decision::ImplicitDeny),
            ("s3:DeleteObject", "arn:aws:s3:::b/k", Decision::ExplicitDeny),
        ]
    );
    let simulate =
        |arn: &str| iam.simulate_principal_policy().policy_source_arn(arn).action_names("s3:GetObject").send();
    assert_eq!(refusal(simulate("arn:aws:iam::123456789012:user/nobody").await), is(404, "NoSuchEntity"));
    assert_eq!(refusal(simulate(COPY_ROLE_ARN).await), is(400, "InvalidInput"), "another account's");
    let role = simulate("arn:aws:iam::123456789012:role/TickUser").await.expect("simulated");
    assert_eq!(role.evaluation_results()[0].eval_resource_name(), Some("*"));
}

#[tokio::test]
async fn what_is_signed_is_verified() {
    let (sandbox, _) = owner();
    let with = |keys: config::Credentials, region: &'static str| {
        let config = config::Builder::from(&sandbox.sdk_config(&Identity::owner()))
            .region(config::Region::from_static(region))
            .retry_config(config::retry::RetryConfig::disabled())
            .credentials_provider(keys);
        Client::from_conf(config.build()).get_user().send()
    };
    let owner = Identity::owner();
    let wrong = config::Credentials::new(owner.access_key_id(), "wrong", None, None, "test");
    assert_eq!(refusal(with(wrong, "us-east-1").await), is(403, "SignatureDoesNotMatch"));
    let nobody = Identity::nobody().credentials();
    assert_eq!(refusal(with(nobody, "us-east-1").await), is(403, "InvalidClientTokenId"));
    with(owner.credentials(), REGION).await.expect("the region of a client whose endpoint is overridden");
    assert_eq!(refusal(with(owner.credentials(), "eu-west-1").await), is(403, "SignatureDoesNotMatch"));
    // Sessions of users may not call IAM; sessions of roles may.
    let session = sandbox.world().session(&owner, std::time::Duration::from_secs(3600));
    assert_eq!(refusal(with(session.credentials(), "us-east-1").await), is(403, "InvalidClientTokenId"));
    sandbox.world().put_policy("arn:aws:iam::123456789012:role/TickUser", "reads", &allow("iam:GetUser", "*"));
    let role = iam(&sandbox, &Identity::chained());
    role.get_user().user_name("owner").send().await.expect("allowed");
    assert_eq!(refusal(role.get_user().send().await), is(400, "ValidationError"), "a role is no user");

    for tamper in [
        Tamper::Body("Action=CreateUser&Version=2010-05-08&UserName=two"),
        Tamper::Set("x-amz-date", "20260302T000001Z"),
        Tamper::Set("host", "elsewhere.test"),
        Tamper::Uri("sandbox.test/", "sandbox.test/?more"),
    ] {
        let text = format!("{tamper:?}");
        let create = iam(&sandbox, &owner).create_user().user_name("one").customize().interceptor(tamper);
        assert_eq!(refusal(create.send().await), is(403, "SignatureDoesNotMatch"), "{text}");
    }
    assert!(!sandbox.world().user_exists("one") && !sandbox.world().user_exists("two"));
}

#[tokio::test]
async fn what_is_not_written_says_so() {
    let (sandbox, iam) = owner();
    assert_eq!(refusal(iam.list_policies().send().await), is(501, "NotImplemented"));
    let bounded = iam.create_user().user_name("u").permissions_boundary("arn:aws:iam::aws:policy/ReadOnlyAccess");
    assert_eq!(refusal(bounded.send().await), is(501, "NotImplemented"));
    assert!(!sandbox.world().user_exists("u"));
}
