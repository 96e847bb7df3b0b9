//! Each cause of failure as a caller sees it: kind, words, sources.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use flex_creds::{ClockSkew, CopyRole, CredsError};

use crate::fake::*;

fn chain(error: &dyn Error) -> Vec<String> {
    let mut lines = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        lines.push(error.to_string());
        next = error.source();
    }
    lines
}

async fn fails(sts: &FakeSts) -> CredsError {
    let error = sts.role().session().await.expect_err("a failure");
    // No debug dump, no repetition.
    let lines = chain(&error);
    for (n, line) in lines.iter().enumerate() {
        assert!(!line.contains('{') && !line.contains("Some("), "{line}");
        assert!(!lines[n + 1..].iter().any(|below| line.contains(below.as_str())), "{lines:#?}");
    }
    error
}

async fn refused(code: &'static str, message: &'static str) -> CredsError {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(403, code, message));
    fails(&sts).await
}

#[derive(Debug)]
struct Broken(fn() -> CredentialsError);

impl ProvideCredentials for Broken {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test(start_paused = true)]
async fn no_identity() {
    let sts = FakeSts::new();
    for (broken, words) in [
        (Broken(|| CredentialsError::not_loaded("nothing is configured")), "nothing is configured"),
        (Broken(|| CredentialsError::provider_error("the sign-in has ended")), "the sign-in has ended"),
    ] {
        let role = CopyRole::builder(&sts.base(broken)).build().expect("good settings");
        let error = role.session().await.expect_err("no identity");
        assert!(matches!(error, CredsError::NoBaseIdentity { source: Some(_) }));
        assert_eq!(chain(&error).last().map(String::as_str), Some(words));
        assert!(!error.is_transient());
    }
    assert_eq!(sts.world().calls.len(), 0);
}

#[derive(Debug)]
struct Silent;

impl ProvideCredentials for Silent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_never_loads() {
    let sts = FakeSts::new();
    let role = CopyRole::builder(&sts.base(Silent)).build().expect("good settings");
    let error = role.session().await.expect_err("no identity");
    assert!(matches!(error, CredsError::NoBaseIdentity { .. }));
    assert_eq!(chain(&error)[1], "credentials provider timed out after 60 seconds");
}

#[tokio::test(start_paused = true)]
async fn not_allowed() {
    let error = refused("AccessDenied", "User is not authorized to perform sts:AssumeRole").await;
    assert!(matches!(&error, CredsError::NotAllowedToAssume { role, caller: Some(caller), .. }
        if role.to_string() == copy_role(ACCOUNT) && caller == USER));
    let text = error.to_string();
    for cause in ["not created the role yet", "no AssumeRole policy", "trusts another account", USER] {
        assert!(text.contains(cause), "{text}");
    }
    assert_eq!(
        chain(&error)[1],
        "AssumeRole answered 403 AccessDenied: User is not authorized to perform sts:AssumeRole (request request-2)"
    );
}

#[tokio::test(start_paused = true)]
async fn the_identitys_own_token_has_expired() {
    for code in ["ExpiredToken", "ExpiredTokenException"] {
        let error = refused(code, "The security token included in the request is expired").await;
        assert!(matches!(error, CredsError::Expired { .. }), "{error}");
        assert!(error.to_string().contains("AWS_SESSION_TOKEN"));
    }
    // Expired exported keys are found out at the first call, even when the account is given.
    let sts = FakeSts::new();
    sts.world().identify = Some(Reply::Refuse(403, "ExpiredToken", "expired"));
    let role = sts.builder().account(ACCOUNT.parse().expect("an account")).build();
    let error = role.expect("good settings").session().await.expect_err("expired");
    assert!(matches!(error, CredsError::Expired { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn keys_that_aws_does_not_know() {
    for (code, message) in [
        ("InvalidClientTokenId", "The security token included in the request is invalid."),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match"),
    ] {
        let error = refused(code, message).await;
        assert!(matches!(error, CredsError::InvalidKeys { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock() {
    let error = refused("SignatureDoesNotMatch", "Signature expired: 2021 is now earlier than 2022").await;
    assert!(matches!(error, CredsError::ClockSkew { skew: None, source: Some(_) }), "{error}");

    // The answer's Date tells how wrong it is. The SDK has then signed again by the right time, in vain here.
    let sts = FakeSts::new();
    sts.clock.set_ahead(Duration::from_secs(3690));
    sts.world().assume = Some(Reply::Refuse(403, "SignatureDoesNotMatch", "Signature not yet current"));
    let error = fails(&sts).await;
    assert!(
        matches!(error, CredsError::ClockSkew { skew: Some(ClockSkew::Ahead(by)), .. }
            if by.as_secs().abs_diff(3690) <= 1),
        "{error:?}"
    );
    assert!(error.to_string().contains("61 min ahead of AWS's"), "{error}");
    assert!(sts.assumes() > 1, "the SDK tries again by AWS's clock");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_seems_to_have_expired_is_a_wrong_clock() {
    let sts = FakeSts::new();
    sts.world().shows_date = false;
    sts.world().life = Some(Duration::from_secs(900));
    sts.clock.set_ahead(Duration::from_secs(3600));
    let error = fails(&sts).await;
    assert!(matches!(error, CredsError::ClockSkew { source: None, .. }), "{error}");
    assert_eq!(sts.assumes(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_connection_names_the_host() {
    let sts = FakeSts::new();
    sts.world().identify = Some(Reply::Reset);
    let error = fails(&sts).await;
    assert!(matches!(&error, CredsError::Unreachable { host, .. } if host == HOST), "{error:?}");
    assert!(error.to_string().contains(HOST));
    assert!(error.is_transient());
    assert_eq!(sts.count("GetCallerIdentity"), 3);
    let lines = chain(&error);
    assert_eq!(lines[1], "GetCallerIdentity was not answered");
    assert!(lines.iter().any(|l| l.contains("connection reset by the test")), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_bounded() {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Hang);
    let start = sts.clock.truth();
    let error = fails(&sts).await;
    assert!(matches!(&error, CredsError::Unreachable { host, .. } if host == HOST), "{error:?}");
    let took = sts.clock.truth().duration_since(start).expect("later");
    assert!(took <= Duration::from_secs(31), "{took:?}");
    assert_eq!(chain(&error)[1], "AssumeRole was not answered in time");
}

#[tokio::test(start_paused = true)]
async fn the_endpoint_of_the_base_configuration_is_used() {
    let sts = FakeSts::new();
    sts.world().identify = Some(Reply::Reset);
    let base = sts.base(long_term()).into_builder().endpoint_url("http://127.0.0.1:4566/sts").build();
    let role = CopyRole::builder(&base).build().expect("good settings");
    let error = role.session().await.expect_err("a reset");
    assert!(matches!(&error, CredsError::Unreachable { host, .. } if host == "127.0.0.1:4566"));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_switched_off() {
    let error = refused("RegionDisabledException", "STS is not activated in this region").await;
    assert!(matches!(&error, CredsError::RegionDisabled { region, .. } if region == "ap-northeast-1"));
    assert!(error.to_string().contains("ap-northeast-1"));
}

#[tokio::test(start_paused = true)]
async fn anything_else_keeps_code_and_request_id() {
    let error = refused("QuantumFluctuation", "the cat is both").await;
    let CredsError::Other { source } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.code(), Some("QuantumFluctuation"));
    assert_eq!(source.status(), Some(403));
    assert_eq!(source.request_id(), Some("request-2"));
    assert_eq!(source.operation(), "AssumeRole");
    assert_eq!(source.to_string(), "AssumeRole answered 403 QuantumFluctuation: the cat is both (request request-2)");
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_not_of_sts() {
    for (reply, status) in [
        (Reply::Raw(200, "<html>sign in to the Wi-Fi</html>"), 200),
        (Reply::Raw(407, "proxy authentication required"), 407),
        (Reply::Raw(403, ""), 403),
        (Reply::Raw(200, "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"), 200),
    ] {
        let sts = FakeSts::new();
        sts.world().assume = Some(reply.clone());
        let error = fails(&sts).await;
        let CredsError::Other { source } = &error else {
            panic!("{reply:?}: {error}");
        };
        assert_eq!(source.status(), Some(status), "{reply:?}");
        assert!(source.to_string().contains(HOST), "{source}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_fault_that_lasts_is_transient() {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(503, "ServiceUnavailable", "try later"));
    let error = fails(&sts).await;
    assert!(error.is_transient(), "{error}");
    assert_eq!(sts.assumes(), 3);
}

#[tokio::test(start_paused = true)]
async fn every_waiting_caller_gets_the_reason() {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(403, "AccessDenied", "no"));
    let role = sts.role();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let role = role.clone();
        callers.spawn(async move { role.session().await });
    }
    while let Some(outcome) = callers.join_next().await {
        let error = outcome.expect("no panic").expect_err("denied");
        assert!(matches!(error, CredsError::NotAllowedToAssume { .. }));
    }
    assert_eq!(sts.assumes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_reason_is_found_under_another_clients_error() {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(403, "AccessDenied", "no"));
    let s3 = aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(&sts.base(long_term()))
            .credentials_provider(sts.role())
            .identity_cache(aws_sdk_s3::config::IdentityCache::no_cache())
            .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
            .build(),
    );
    let error = s3.list_buckets().send().await.expect_err("no credentials");
    assert!(matches!(CredsError::find(&error), Some(CredsError::NotAllowedToAssume { .. })), "{error:?}");

    let sts = FakeSts::new();
    let broken = Broken(|| CredentialsError::not_loaded("nothing is configured"));
    let role = CopyRole::builder(&sts.base(broken)).build().expect("good settings");
    let error = role.provide_credentials().await.expect_err("no identity");
    assert!(matches!(error, CredentialsError::CredentialsNotLoaded(_)));
    assert!(matches!(CredsError::find(&error), Some(CredsError::NoBaseIdentity { .. })));
}
