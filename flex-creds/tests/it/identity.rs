//! Who the caller is, which role that makes, and how long its tokens are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use flex_creds::{CopyRole, CredsError, Lifetime};

use crate::fake::*;

const CHAINED: &str =
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";

#[tokio::test(start_paused = true)]
async fn the_account_comes_from_the_caller() {
    let sts = FakeSts::new();
    let session = sts.role().session().await.expect("a token");
    assert_eq!(session.account().to_string(), ACCOUNT);
    assert_eq!(session.role().to_string(), copy_role(ACCOUNT));
    assert_eq!(session.caller(), Some(USER));
    assert_eq!(session.lifetime(), Lifetime::LongTermKeys);
    assert_eq!(session.generation(), 1);
    assert!(session.is_renewable() && session.warning().is_none());
    let call = sts.last();
    assert_eq!(call.duration, Some(43_200));
    assert_eq!(call.access_key_id, "AKIABASE");
    assert!(call.body.contains("RoleSessionName=flex&") || call.body.ends_with("RoleSessionName=flex"));
    assert!(call.body.contains("JeuServiceRoleForS3Copy_123456789012"));
    let left = session.expires().expect("an end").duration_since(sts.clock.truth());
    assert!(left.expect("in the future") > Duration::from_secs(43_190));
}

#[tokio::test(start_paused = true)]
async fn the_caller_is_told_whatever_account_was_given() {
    let sts = FakeSts::new();
    let role = sts.builder().account(OTHER.parse().expect("an account")).build().expect("good settings");
    assert_eq!(role.caller().await.expect("an ARN"), USER);
    assert!(matches!(role.account().await, Err(CredsError::WrongAccount { .. })));
}

#[tokio::test(start_paused = true)]
async fn settings_are_sent_as_given() {
    let sts = FakeSts::new();
    let role = sts
        .builder()
        .vendor(OTHER.parse().expect("an account"))
        .session_name("nightly@host")
        .build()
        .expect("good settings");
    let session = role.session().await.expect("a token");
    assert_eq!(session.role().to_string(), format!("arn:aws:iam::{OTHER}:role/JeuServiceRoleForS3Copy_{ACCOUNT}"));
    assert!(sts.last().body.contains("RoleSessionName=nightly%40host"));
}

#[tokio::test(start_paused = true)]
async fn a_session_policy_goes_with_every_assume_role() {
    let sts = FakeSts::new();
    sts.world().cap = Some(CHAINED);
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let role = sts.builder().session_policy(policy).build().expect("good settings");
    role.session().await.expect("a token");
    role.renew(role.generation()).await.expect("another token");
    let bodies: Vec<String> =
        sts.world().calls.iter().filter(|call| call.operation == "AssumeRole").map(|call| call.body.clone()).collect();
    assert_eq!(bodies.len(), 3, "12 h refused, 1 h, renewed");
    let sent = "&Policy=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
    assert!(bodies.iter().all(|body| body.contains(sent)), "{bodies:?}");
    sts.role().session().await.expect("a token");
    assert!(!sts.last().body.contains("Policy="));
}

#[tokio::test(start_paused = true)]
async fn a_session_policy_that_cannot_be_had_is_refused() {
    let sts = FakeSts::new();
    for policy in ["", &"x".repeat(2049), "日本"] {
        let error = sts.builder().session_policy(policy).build().expect_err("refused");
        assert!(matches!(&error, CredsError::InvalidSettings { setting: "session policy", .. }), "{error}");
    }
    assert!(sts.builder().session_policy("é".repeat(2048)).build().is_ok());
    // Never wider than asked for.
    sts.world().caller = (copy_role_session(ACCOUNT), VENDOR.to_owned());
    let error =
        sts.builder().session_policy("{}").build().expect("good settings").session().await.expect_err("refused");
    assert!(matches!(&error, CredsError::InvalidSettings { setting: "session policy", .. }), "{error}");
    assert_eq!(sts.assumes(), 0);
}

#[tokio::test(start_paused = true)]
async fn bad_settings_are_refused_before_anything_is_sent() {
    let sts = FakeSts::new();
    for name in ["x", "", "with space", "a/b", "日本", &"n".repeat(65)] {
        let error = sts.builder().session_name(name).build().expect_err(name);
        assert!(matches!(&error, CredsError::InvalidSettings { setting: "session name", .. }), "{name}: {error}");
    }
    assert!(sts.builder().session_name("n".repeat(64)).build().is_ok());
    let base = sts.base(long_term()).into_builder().region(None).build();
    let error = CopyRole::builder(&base).build().expect_err("no region");
    assert!(error.to_string().contains("region"), "{error}");
    let mut base = sts.base(long_term()).into_builder();
    base.set_credentials_provider(None);
    let base = base.build();
    let error = CopyRole::builder(&base).build().expect_err("no identity");
    assert!(matches!(error, CredsError::NoBaseIdentity { source: None }));
    assert_eq!(sts.world().calls.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_temporary_identity_asks_for_an_hour() {
    let sts = FakeSts::new();
    sts.world().cap = Some(CHAINED);
    let role = CopyRole::builder(&sts.base(temporary())).build().expect("good settings");
    let session = role.session().await.expect("a token");
    assert_eq!(session.lifetime(), Lifetime::TemporaryIdentity);
    assert_eq!(sts.last().duration, Some(3600));
    assert_eq!(sts.assumes(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_length_is_lowered_once_and_remembered() {
    for (message, want) in [
        (CHAINED, Lifetime::Chained),
        ("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", Lifetime::RoleMaximum),
        ("too long", Lifetime::Refused),
    ] {
        let sts = FakeSts::new();
        sts.world().cap = Some(message);
        let role = sts.role();
        let session = role.session().await.expect("a token");
        assert_eq!(session.lifetime(), want);
        assert_eq!(sts.assumes(), 2);
        tokio::time::sleep(Duration::from_secs(3601)).await;
        let session = role.session().await.expect("another token");
        assert_eq!((session.generation(), session.lifetime()), (2, want));
        assert_eq!(sts.assumes(), 3, "12 h was asked for again");
        assert_eq!(sts.last().duration, Some(3600));
        assert_eq!(sts.count("GetCallerIdentity"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_something_else_stays_a_refusal() {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(400, "ValidationError", "roleArn is invalid"));
    let error = sts.role().session().await.expect_err("refused");
    let CredsError::Other { source } = error else {
        panic!("{error}");
    };
    assert_eq!(source.message(), Some("roleArn is invalid"));
    assert_eq!(sts.assumes(), 2, "12 h, then 1 h, then no more");
    // The failure taught nothing about the length.
    sts.world().assume = None;
    let role = sts.role();
    assert_eq!(role.session().await.expect("a token").lifetime(), Lifetime::LongTermKeys);

    // An hour is asked for once only.
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(400, "ValidationError", "roleArn is invalid"));
    let role = CopyRole::builder(&sts.base(temporary())).build().expect("good settings");
    role.session().await.expect_err("refused");
    assert_eq!(sts.assumes(), 1);
}

#[tokio::test(start_paused = true)]
async fn another_account_is_refused_unless_the_role_was_named() {
    let sts = FakeSts::new();
    sts.world().caller = (format!("arn:aws:iam::{OTHER}:user/x"), OTHER.to_owned());
    let account = || ACCOUNT.parse().expect("an account");
    let role = sts.builder().account(account()).build().expect("good settings");
    let error = role.session().await.expect_err("another account");
    assert!(
        matches!(&error, CredsError::WrongAccount { given, found, copy_role: false, .. }
            if given.to_string() == ACCOUNT && found.to_string() == OTHER),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "account 123456789012 was given, but arn:aws:iam::210987654321:user/x belongs to account 210987654321"
    );
    assert_eq!(sts.assumes(), 0);

    let arn = copy_role(ACCOUNT);
    for builder in [sts.builder(), sts.builder().account(account())] {
        let role = builder.role_arn(arn.parse().expect("an ARN")).build().expect("good settings");
        let session = role.session().await.expect("the named role is trusted");
        assert_eq!(session.account().to_string(), ACCOUNT);
        assert_eq!(session.role().to_string(), arn);
    }
}

#[tokio::test(start_paused = true)]
async fn a_named_role_of_no_account_takes_the_callers() {
    let sts = FakeSts::new();
    let arn = format!("arn:aws:iam::{OTHER}:role/testing");
    let role = sts.builder().role_arn(arn.parse().expect("an ARN")).build().expect("good settings");
    let session = role.session().await.expect("a token");
    assert_eq!(session.account().to_string(), ACCOUNT);
    assert_eq!(session.role().to_string(), arn);
}

#[tokio::test(start_paused = true)]
async fn a_store_without_caller_identity_is_enough_when_the_account_is_given() {
    let sts = FakeSts::new();
    sts.world().identify = Some(Reply::Refuse(400, "InvalidAction", "no such action"));
    let error = sts.role().session().await.expect_err("the account is not known");
    assert!(matches!(error, CredsError::Other { .. }), "{error}");
    let builder = sts.builder().account(ACCOUNT.parse().expect("an account"));
    let session = builder.build().expect("good settings").session().await.expect("a token");
    assert_eq!(session.caller(), None);
    assert_eq!(session.role().to_string(), copy_role(ACCOUNT));

    let sts = FakeSts::new();
    sts.world().caller = ("arn:aws:iam::none:user/x".to_owned(), "none".to_owned());
    let error = sts.role().session().await.expect_err("the account is not known");
    assert!(matches!(&error, CredsError::InvalidSettings { setting: "account", .. }), "{error}");
}

fn exported(left: Option<Duration>, sts: &FakeSts) -> Credentials {
    let expiry = left.map(|left| sts.clock.truth() + left);
    Credentials::new("ASIAEXPORTED", SECRET, Some(TOKEN.into()), expiry, "test")
}

fn is_role(sts: &FakeSts, account: &str) {
    sts.world().caller = (copy_role_session(account), VENDOR.to_owned());
}

#[tokio::test(start_paused = true)]
async fn the_copy_role_itself_is_used_as_it_is() {
    let sts = FakeSts::new();
    is_role(&sts, ACCOUNT);
    let role = CopyRole::builder(&sts.base(exported(None, &sts))).build().expect("good settings");
    let session = role.session().await.expect("as it is");
    assert_eq!(session.lifetime(), Lifetime::AsIs);
    assert_eq!(session.account().to_string(), ACCOUNT, "not the vendor's, which STS tells");
    assert_eq!(session.role().to_string(), copy_role(ACCOUNT));
    assert!(!session.is_renewable());
    let warning = session.warning().expect("a warning");
    for variable in flex_creds::VARIABLES {
        assert!(warning.contains(variable), "{warning}");
    }
    let keys = role.credentials().await.expect("as it is");
    assert_eq!(keys.access_key_id(), "ASIAEXPORTED");
    assert_eq!((sts.assumes(), sts.count("GetCallerIdentity")), (0, 1));

    let error = role.renew(role.generation()).await.expect_err("cannot be renewed");
    assert!(matches!(error, CredsError::CannotRenew { .. }));
    for variable in flex_creds::VARIABLES {
        assert!(error.to_string().contains(variable), "{error}");
    }
    let error = role.credentials().await.expect_err("refused and without a successor");
    assert!(matches!(error, CredsError::CannotRenew { .. }));
    assert_eq!(sts.world().calls.len(), 1);
}

/// Counts what is logged as a warning or worse.
#[derive(Clone, Default)]
struct Warnings(Arc<AtomicUsize>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        if *event.metadata().level() <= tracing::Level::WARN {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn the_session_warns_of_the_copy_role_and_the_log_does_not() {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let sts = FakeSts::new();
    is_role(&sts, ACCOUNT);
    let role = CopyRole::builder(&sts.base(exported(None, &sts))).build().expect("good settings");
    assert!(role.session().await.expect("as it is").warning().is_some());
    assert_eq!(warnings.0.load(Ordering::SeqCst), 0, "the user would read it twice");
}

#[tokio::test(start_paused = true)]
async fn the_copy_role_with_an_expiry_serves_until_then() {
    let sts = FakeSts::new();
    is_role(&sts, ACCOUNT);
    let keys = Counted::new(exported(Some(Duration::from_secs(1000)), &sts));
    let role = CopyRole::builder(&sts.base(keys.clone())).build().expect("good settings");
    for second in 0..999 {
        role.credentials().await.unwrap_or_else(|e| panic!("second {second}: {e}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = role.credentials().await.expect_err("expired");
    assert!(matches!(error, CredsError::CannotRenew { .. }));
    assert_eq!(sts.world().calls.len(), 1);
    // At first, when it was due, and when it was over: the provider might have had newer ones.
    assert_eq!(keys.loads(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_provider_with_new_keys_of_the_copy_role_renews() {
    let sts = FakeSts::new();
    is_role(&sts, ACCOUNT);
    let profile = Rotating::default();
    let role = CopyRole::builder(&sts.base(profile.clone())).build().expect("good settings");
    role.session().await.expect("as it is");
    role.renew(1).await.expect("the provider has another");
    assert_eq!(role.generation(), 2);
    assert_eq!(profile.loads(), 2);
    assert_eq!(sts.assumes(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_copy_role_of_another_account_is_refused() {
    let sts = FakeSts::new();
    is_role(&sts, OTHER);
    let base = sts.base(exported(None, &sts));
    let by_account = CopyRole::builder(&base).account(ACCOUNT.parse().expect("an account"));
    let by_role = CopyRole::builder(&base).role_arn(copy_role(ACCOUNT).parse().expect("an ARN"));
    for builder in [by_account, by_role] {
        let error = builder.build().expect("good settings").session().await.expect_err("another's role");
        assert!(
            matches!(&error, CredsError::WrongAccount { given, found, copy_role: true, .. }
                if given.to_string() == ACCOUNT && found.to_string() == OTHER),
            "{error}"
        );
        assert!(error.to_string().ends_with("is already the copy role of account 210987654321"));
    }
    assert_eq!(sts.assumes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_role_of_that_name_elsewhere_is_nothing_special() {
    let sts = FakeSts::new();
    let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/JeuServiceRoleForS3Copy_{ACCOUNT}/x");
    sts.world().caller = (arn, ACCOUNT.to_owned());
    let role = CopyRole::builder(&sts.base(temporary())).build().expect("good settings");
    assert_eq!(role.session().await.expect("a token").lifetime(), Lifetime::TemporaryIdentity);
    assert_eq!(sts.assumes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_account_is_told_without_the_role() {
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(403, "AccessDenied", "not authorized"));
    let role = sts.role();
    for _ in 0..2 {
        assert_eq!(role.account().await.expect("STS tells").to_string(), ACCOUNT);
    }
    assert_eq!((sts.assumes(), sts.count("GetCallerIdentity")), (0, 1));
    assert_eq!(role.generation(), 0);

    // A given account is checked.
    let given = sts.builder().account(OTHER.parse().expect("an account")).build().expect("good settings");
    assert!(matches!(given.account().await, Err(CredsError::WrongAccount { .. })));

    // The copy role's sessions are of the vendor's account, and work for another.
    is_role(&sts, ACCOUNT);
    let role = CopyRole::builder(&sts.base(exported(None, &sts))).build().expect("good settings");
    assert_eq!(role.account().await.expect("the role's suffix").to_string(), ACCOUNT);
    assert_eq!(sts.assumes(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_does_not_skip_the_check_of_the_account() {
    for (status, code) in [(500, "InternalFailure"), (503, "ServiceUnavailable"), (400, "Throttling")] {
        let sts = FakeSts::new();
        sts.world().caller = (format!("arn:aws:iam::{OTHER}:user/x"), OTHER.to_owned());
        sts.world().identify = Some(Reply::Refuse(status, code, "later"));
        let role = sts.builder().account(ACCOUNT.parse().expect("an account")).build().expect("good settings");
        let error = role.session().await.expect_err("not checked");
        assert!(matches!(error, CredsError::Other { .. }) && error.is_transient(), "{code}: {error}");
        sts.world().identify = None;
        let error = role.session().await.expect_err("another account");
        assert!(matches!(error, CredsError::WrongAccount { .. }), "{code}: {error}");
        assert_eq!(sts.assumes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_was_not_told_is_asked_for_again() {
    let sts = FakeSts::new();
    sts.world().identify = Some(Reply::Refuse(403, "AccessDenied", "by the endpoint's policy"));
    let role = sts.builder().account(ACCOUNT.parse().expect("an account")).build().expect("good settings");
    assert_eq!(role.session().await.expect("a token").caller(), None);
    sts.world().identify = None;
    role.renew(1).await.expect("another token");
    assert_eq!(role.session().await.expect("a token").caller(), Some(USER));
}
