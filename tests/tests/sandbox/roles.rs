//! STS: who may assume the copy role, for how long, and what is said otherwise.

use std::time::{Duration, SystemTime};

use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use flex_tests::sandbox::{COPY_ROLE_ARN, Identity, Sandbox, VENDOR_BUCKET};

use super::{is, message, refusal, scene_with_object};

const CHAIN_CAP: &str =
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";

fn assume(sandbox: &Sandbox, identity: &Identity) -> AssumeRoleFluentBuilder {
    sandbox.sts(identity).assume_role().role_arn(COPY_ROLE_ARN).role_session_name("flex")
}

#[tokio::test(start_paused = true)]
async fn the_manuals_user_assumes_the_copy_role_and_lists_with_it() {
    let scene = scene_with_object();
    let answer = assume(&scene.sandbox, &Identity::copy_user()).duration_seconds(43_200).send().await.expect("assumed");
    let who = answer.assumed_role_user().expect("who it is");
    assert_eq!(who.arn(), "arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_123456789012/flex");
    let given = answer.credentials().expect("credentials");
    let end = SystemTime::try_from(*given.expiration()).expect("a date");
    assert_eq!(end, scene.world.now() + Duration::from_secs(43_200));

    let keys = aws_sdk_s3::config::Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().into()),
        None,
        "test",
    );
    let config = aws_sdk_s3::config::Builder::from(&scene.sandbox.sdk_config(&Identity::copy_user()))
        .credentials_provider(keys)
        .force_path_style(true)
        .build();
    let role = aws_sdk_s3::Client::from_conf(config);
    assert_eq!(role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("listed").key_count(), Some(1));
}

#[tokio::test]
async fn durations_have_bounds() {
    let sandbox = Sandbox::builder().in_process();
    for (seconds, passes) in [(899, false), (900, true), (43_200, true), (43_201, false)] {
        let asked = assume(&sandbox, &Identity::copy_user()).duration_seconds(seconds).send().await;
        if passes {
            asked.expect("within bounds");
        } else {
            assert_eq!(refusal(asked), is(400, "ValidationError"), "{seconds}");
        }
    }
    let text = message(assume(&sandbox, &Identity::copy_user()).duration_seconds(43_201).send().await);
    assert!(text.ends_with("Member must have value less than or equal to 43200"), "{text}");
}

#[tokio::test]
async fn chained_roles_are_capped_at_one_hour() {
    let sandbox = Sandbox::builder().in_process();
    let asked = |seconds| assume(&sandbox, &Identity::chained()).duration_seconds(seconds).send();
    assert_eq!(refusal(asked(3601).await), is(400, "ValidationError"));
    assert_eq!(message(asked(43_200).await), CHAIN_CAP);
    asked(3600).await.expect("an hour is given");
}

#[tokio::test]
async fn tokens_of_get_session_token_chain_too() {
    let sandbox = Sandbox::builder().in_process();
    let answer = sandbox.sts(&Identity::copy_user()).get_session_token().send().await.expect("no right is needed");
    let given = answer.credentials().expect("credentials");
    let keys = aws_sdk_sts::config::Credentials::new(
        given.access_key_id(),
        given.secret_access_key(),
        Some(given.session_token().into()),
        None,
        "test",
    );
    let config =
        aws_sdk_sts::config::Builder::from(&sandbox.sdk_config(&Identity::copy_user())).credentials_provider(keys);
    let sts = aws_sdk_sts::Client::from_conf(config.build());
    let who = sts.get_caller_identity().send().await.expect("always answered");
    assert_eq!(who.arn(), Some(Identity::copy_user().arn().as_str()));
    let long = sts.assume_role().role_arn(COPY_ROLE_ARN).role_session_name("flex").duration_seconds(7200).send().await;
    assert_eq!(message(long), CHAIN_CAP);
    let again = sts.get_session_token().send().await;
    assert_eq!(refusal(again), is(403, "AccessDenied"));
}

#[tokio::test]
async fn only_the_subscribers_account_is_trusted_and_only_those_allowed_by_it() {
    let sandbox = Sandbox::builder().in_process();
    assume(&sandbox, &Identity::owner()).send().await.expect("the owner may do all");
    // A stranger's own policy allows it, the role does not trust the account.
    let stranger = assume(&sandbox, &Identity::stranger()).send().await;
    assert_eq!(refusal(stranger), is(403, "AccessDenied"));
    // The copy role may not assume itself again.
    let role = sandbox.world().copy_role();
    assert_eq!(refusal(assume(&sandbox, &role).send().await), is(403, "AccessDenied"));
    // A role of its own account, which trusts it, but which its own policy does not name.
    let own = |identity: &Identity| {
        let request = sandbox.sts(identity).assume_role().role_session_name("flex");
        request.role_arn("arn:aws:iam::123456789012:role/TickUser").send()
    };
    assert_eq!(refusal(own(&Identity::copy_user()).await), is(403, "AccessDenied"));
    own(&Identity::owner()).await.expect("the owner may do all");
    // A role that there is not.
    let other = sandbox.sts(&Identity::copy_user()).assume_role().role_session_name("flex");
    let other = other.role_arn("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_999999999999").send().await;
    assert_eq!(refusal(other), is(403, "AccessDenied"));
}

#[tokio::test]
async fn a_role_that_is_not_there_yet_is_denied_like_any_other() {
    let sandbox = Sandbox::builder().in_process();
    sandbox.world().role_exists(false);
    let text = message(assume(&sandbox, &Identity::copy_user()).send().await);
    let user = Identity::copy_user().arn();
    assert_eq!(text, format!("User: {user} is not authorized to perform: sts:AssumeRole on resource: {COPY_ROLE_ARN}"));
    assert_eq!(refusal(assume(&sandbox, &Identity::copy_user()).send().await), is(403, "AccessDenied"));
    sandbox.world().role_exists(true);
    assume(&sandbox, &Identity::copy_user()).send().await.expect("now it is there");
}

#[tokio::test]
async fn session_names_follow_their_pattern() {
    let sandbox = Sandbox::builder().in_process();
    for (name, passes) in [("f", false), ("with space", false), ("flex@example.com", true), ("日本", false)] {
        let asked = sandbox.sts(&Identity::copy_user()).assume_role().role_arn(COPY_ROLE_ARN).role_session_name(name);
        let answer = asked.send().await;
        if passes {
            answer.expect("a good name");
        } else {
            assert_eq!(refusal(answer), is(400, "ValidationError"), "{name}");
        }
    }
}

#[tokio::test]
async fn caller_identity_is_told_to_everyone_who_signs() {
    let sandbox = Sandbox::builder().in_process();
    for identity in [Identity::owner(), Identity::copy_user(), Identity::chained(), sandbox.world().copy_role()] {
        let answer = sandbox.sts(&identity).get_caller_identity().send().await.expect("answered");
        assert_eq!(answer.arn(), Some(identity.arn().as_str()));
        assert!(identity.arn().contains(answer.account().expect("an account")));
    }
}

#[tokio::test]
async fn stss_refusals_are_in_stss_form() {
    let sandbox = Sandbox::builder().in_process();
    // Refused by s3s before the route is reached.
    let nobody = sandbox.sts(&Identity::nobody()).get_caller_identity().send().await;
    assert_eq!(refusal(nobody), is(403, "InvalidClientTokenId"));
    let wrong = aws_sdk_sts::config::Credentials::new(Identity::owner().access_key_id(), "wrong", None, None, "test");
    let config =
        aws_sdk_sts::config::Builder::from(&sandbox.sdk_config(&Identity::owner())).credentials_provider(wrong);
    let refused = aws_sdk_sts::Client::from_conf(config.build()).get_caller_identity().send().await;
    assert_eq!(refusal(refused), is(403, "SignatureDoesNotMatch"));
    // Refused by the route.
    let role = sandbox.world().copy_role();
    sandbox.world().end_tokens();
    assert_eq!(refusal(sandbox.sts(&role).get_caller_identity().send().await), is(403, "ExpiredToken"));
    let federate = sandbox.sts(&Identity::owner()).get_federation_token().name("x1").send().await;
    assert_eq!(refusal(federate), is(400, "InvalidAction"));
}

#[tokio::test]
async fn a_skewed_clock_at_sts_is_an_expired_signature() {
    use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};
    let sandbox = Sandbox::builder().in_process();
    let late = sandbox.world().now() - Duration::from_secs(3600);
    let config = aws_sdk_sts::config::Builder::from(&sandbox.sdk_config(&Identity::owner()))
        .retry_config(aws_sdk_sts::config::retry::RetryConfig::disabled())
        .time_source(SharedTimeSource::new(StaticTimeSource::new(late)));
    let refused = aws_sdk_sts::Client::from_conf(config.build()).get_caller_identity().send().await;
    assert!(message(refused).starts_with("Signature expired: 20260301T230000Z is now earlier than 20260301T234500Z"));
}

#[tokio::test(start_paused = true)]
async fn the_life_of_tokens_can_be_shortened() {
    let sandbox = Sandbox::builder().in_process();
    sandbox.world().token_life(Duration::from_secs(5));
    let answer = assume(&sandbox, &Identity::copy_user()).send().await.expect("assumed");
    let end = SystemTime::try_from(*answer.credentials().expect("credentials").expiration()).expect("a date");
    assert_eq!(end, sandbox.world().now() + Duration::from_secs(5));
}
