//! No secret in the Debug of any public type, nor in a Display.

use std::fmt::Debug;

use aws_credential_types::Credentials;
use flex_creds::{CopyRole, CredsError, Shell};

use crate::fake::*;

/// A provider whose Debug is careless.
#[derive(Debug)]
struct Careless {
    #[expect(dead_code, reason = "it is there to be printed")]
    secret: &'static str,
}

impl aws_credential_types::provider::ProvideCredentials for Careless {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        aws_credential_types::provider::future::ProvideCredentials::ready(Ok(temporary()))
    }
}

/// An error whose Debug is careless.
#[derive(Debug)]
struct Spill(#[expect(dead_code, reason = "it is there to be printed")] &'static str);

impl std::fmt::Display for Spill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("spilled")
    }
}

impl std::error::Error for Spill {}

#[derive(Debug)]
struct Spilling;

impl aws_credential_types::provider::ProvideCredentials for Spilling {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = aws_credential_types::provider::error::CredentialsError::provider_error(Spill(SECRET));
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(error))
    }
}

fn clean(what: &impl Debug) {
    for text in [format!("{what:?}"), format!("{what:#?}")] {
        for secret in [SECRET, TOKEN, ROLE_SECRET] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!text.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_public_shows_a_secret() {
    let sts = FakeSts::new();
    let base = sts.base(Careless { secret: SECRET });
    assert!(format!("{base:?}").contains(SECRET), "the base configuration does show it");

    let builder = CopyRole::builder(&base).account(ACCOUNT.parse().expect("an account"));
    clean(&builder);
    let role = builder.build().expect("good settings");
    clean(&role);
    let session = role.session().await.expect("a token");
    clean(&role);
    clean(&session);
    clean(&session.lifetime());
    clean(&role.credentials().await.expect("a token"));

    let keys = Credentials::new("AKIA", format!("{SECRET}\n"), None, None, "test");
    for shell in Shell::ALL {
        clean(&shell);
        let error = flex_creds::environment(&keys, shell).expect_err("a line break");
        clean(&error);
        assert!(!error.to_string().contains(SECRET));
    }
    clean(&"x".parse::<Shell>().expect_err("no shell"));
}

#[tokio::test(start_paused = true)]
async fn no_error_shows_a_secret() {
    // As AWS does: the string to sign, session token and all, after the first line.
    const LONG: &str = "The request signature we calculated does not match the signature you provided.\n\n\
        The Canonical String should have been\n'POST\nx-amz-security-token:base-token-must-not-be-seen'";
    let sts = FakeSts::new();
    sts.world().assume = Some(Reply::Refuse(403, "SignatureDoesNotMatch", LONG));
    let error = sts.role().session().await.expect_err("refused");
    clean(&error);
    let CredsError::InvalidKeys { source } = &error else {
        panic!("{error}");
    };
    clean(source);
    assert!(source.to_string().contains("does not match"));
    assert!(!source.to_string().contains(TOKEN));

    let role = CopyRole::builder(&sts.base(Spilling)).build().expect("good settings");
    let error = role.session().await.expect_err("no identity");
    clean(&error);
    let CredsError::NoBaseIdentity { source: Some(source) } = &error else {
        panic!("{error}");
    };
    clean(source);

    sts.world().assume = Some(Reply::Raw(200, "<AssumeRoleResponse>base-secret-must-not-be-seen"));
    clean(&sts.role().session().await.expect_err("not XML"));
}
