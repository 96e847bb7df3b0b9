//! The provider itself and its builder.

use std::fmt;
use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_types::SdkConfig;
use flex_policy::{AccountId, RoleArn, SESSION_POLICY_LIMIT};

use crate::acquire::{self, Settings};
use crate::error::CredsError;
use crate::session::Session;
use crate::slot::Slot;

/// The RoleSessionName used when none is set. It stays the same from run to run, because S3 may let only the initiator
/// of a multipart upload end it.
pub const DEFAULT_SESSION_NAME: &str = "flex";

/// The copy role's credentials, shared by every clone.
///
/// # Renewal
/// The first call fetches a token, at most one AssumeRole is under way at any time, and all who need its answer wait
/// for it. Between 75 % and 85 % of the token's life the next call starts a renewal and goes on with the old token.
/// When a renewal fails, the old token is used until it expires, with another attempt every 5 to 8 seconds and a
/// warning in the log for each; after that the calls fail, and each tries anew. Nothing is fetched while nobody calls.
///
/// # Refused tokens
/// A service may refuse a token before its time (ExpiredToken). Then:
///
/// 1. read [`generation()`](Self::generation) before the request is built;
/// 2. when the answer is ExpiredToken, call [`renew`](Self::renew) with that number;
/// 3. send the request again, from step 1.
///
/// However many requests were refused, the token is replaced once: `renew` does nothing when the current token is newer
/// than the number it gets. A request that was built just after a renewal may be refused with a newer token than the
/// number says; the next round then renews. A token is never replaced within a second of its arrival.
///
/// # Cancellation
/// Dropping a call drops only the waiting: a renewal that it started runs on, on the runtime of that call, and
/// serves the others.
///
/// # Caching
/// Give clients [`IdentityCache::no_cache()`](aws_sdk_sts::config::IdentityCache::no_cache): the SDK's own cache would
/// hold on to a token that has been replaced here.
#[derive(Clone)]
pub struct CopyRole {
    slot: Arc<Slot>,
}

impl CopyRole {
    /// Begins with the base identity: its credentials provider, region, HTTP client, time source, sleep, endpoint,
    /// retries and timeouts are all used for STS. Where the configuration says nothing about them, requests to STS
    /// are retried as the SDK does by default, an attempt ends after 10 s and an operation after 30 s.
    pub fn builder(base: &SdkConfig) -> CopyRoleBuilder {
        CopyRoleBuilder {
            base: base.clone(),
            account: None,
            vendor: None,
            role_arn: None,
            session_name: None,
            session_policy: None,
        }
    }

    /// Makes sure that there is a token, and tells about it.
    ///
    /// # Errors
    /// See [`CredsError`].
    pub async fn session(&self) -> Result<Session, CredsError> {
        Ok(self.slot.token().await?.session.clone())
    }

    /// The subscriber's account, without assuming the role: the one given, checked against the base identity, else the
    /// base identity's own. An identity that may not assume the role learns it too.
    ///
    /// # Errors
    /// See [`CredsError`]. [`CredsError::WrongAccount`] when the given account is not the base identity's.
    pub async fn account(&self) -> Result<AccountId, CredsError> {
        acquire::account(&self.slot.settings, &self.slot.learned).await
    }

    /// ARN of the base identity, as STS tells it now. Neither the account that was given nor the role is compared with it.
    ///
    /// # Errors
    /// See [`CredsError`].
    pub async fn caller(&self) -> Result<String, CredsError> {
        Ok(acquire::caller(&self.slot.settings).await?.arn)
    }

    /// The credentials to use now.
    ///
    /// # Errors
    /// See [`CredsError`].
    pub async fn credentials(&self) -> Result<Credentials, CredsError> {
        Ok(self.slot.token().await?.credentials.clone())
    }

    /// Number of the current token: 0 before the first, and one more with every renewal.
    pub fn generation(&self) -> u64 {
        self.slot.generation()
    }

    /// Says that the token of this generation was refused, and waits for a newer one. See "Refused tokens" above.
    ///
    /// # Errors
    /// See [`CredsError`]. [`CredsError::CannotRenew`] when the caller's credentials are the copy role's own and their
    /// provider has no newer ones.
    pub async fn renew(&self, refused_generation: u64) -> Result<(), CredsError> {
        self.slot.renew(refused_generation).await
    }
}

impl fmt::Debug for CopyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.slot.settings;
        f.debug_struct("CopyRole")
            .field("account", &settings.account)
            .field("vendor", &settings.vendor)
            .field("role_arn", &settings.role_arn)
            .field("session_name", &settings.session_name)
            .field("session_policy", &settings.session_policy)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}

impl ProvideCredentials for CopyRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            self.credentials().await.map_err(|error| match error {
                CredsError::NoBaseIdentity { .. } => CredentialsError::not_loaded(error),
                CredsError::InvalidSettings { .. } => CredentialsError::invalid_configuration(error),
                error => CredentialsError::provider_error(error),
            })
        })
    }
}

/// Settings of a [`CopyRole`].
#[derive(Clone)]
pub struct CopyRoleBuilder {
    base: SdkConfig,
    account: Option<AccountId>,
    vendor: Option<AccountId>,
    role_arn: Option<RoleArn>,
    session_name: Option<String>,
    session_policy: Option<String>,
}

impl CopyRoleBuilder {
    /// The subscriber's account, whose copy role is assumed. Without it, it is the base identity's account.
    #[must_use]
    pub fn account(mut self, account: AccountId) -> Self {
        self.account = Some(account);
        self
    }

    /// The account that holds the role, [`AccountId::VENDOR`] when not set.
    #[must_use]
    pub fn vendor(mut self, vendor: AccountId) -> Self {
        self.vendor = Some(vendor);
        self
    }

    /// Another role than the one made from the two accounts. It is trusted: the base identity's account is not compared
    /// with [`account`](Self::account) then.
    #[must_use]
    pub fn role_arn(mut self, role: RoleArn) -> Self {
        self.role_arn = Some(role);
        self
    }

    /// The RoleSessionName, [`DEFAULT_SESSION_NAME`] when not set: 2 to 64 of letters, digits and `_+=,.@-`.
    #[must_use]
    pub fn session_name(mut self, name: impl Into<String>) -> Self {
        self.session_name = Some(name.into());
        self
    }

    /// A policy that narrows every session to what both it and the role allow: at most [`SESSION_POLICY_LIMIT`] characters,
    /// U+0020 to U+00FF. Credentials that are the role's already cannot be narrowed: they are then refused.
    ///
    /// [`SESSION_POLICY_LIMIT`]: flex_policy::SESSION_POLICY_LIMIT
    #[must_use]
    pub fn session_policy(mut self, policy: impl Into<String>) -> Self {
        self.session_policy = Some(policy.into());
        self
    }

    /// Checks the settings. Nothing is sent yet.
    ///
    /// # Errors
    /// [`CredsError::InvalidSettings`] and [`CredsError::NoBaseIdentity`].
    pub fn build(self) -> Result<CopyRole, CredsError> {
        let invalid = |setting, problem: &str| CredsError::InvalidSettings { setting, problem: problem.to_owned() };
        let session_name = self.session_name.unwrap_or_else(|| DEFAULT_SESSION_NAME.to_owned());
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(allowed) {
            return Err(CredsError::InvalidSettings {
                setting: "session name",
                problem: format!("{session_name:?} is not allowed: it has 2 to 64 of letters, digits and _+=,.@-"),
            });
        }
        if let Some(policy) = &self.session_policy {
            let count = policy.chars().count();
            if !(1..=SESSION_POLICY_LIMIT).contains(&count) {
                let problem = format!("has {count} characters: STS takes 1 to {SESSION_POLICY_LIMIT}");
                return Err(CredsError::InvalidSettings { setting: "session policy", problem });
            }
            if let Some(c) = policy.chars().find(|c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
                let problem = format!("holds {c:?}: STS takes U+0020 to U+00FF");
                return Err(CredsError::InvalidSettings { setting: "session policy", problem });
            }
        }
        if self.base.region().is_none() {
            return Err(invalid("region", "is missing: STS is asked in a region, e.g. ap-northeast-1"));
        }
        if self.base.credentials_provider().is_none() {
            return Err(CredsError::NoBaseIdentity { source: None });
        }
        let sleep = self
            .base
            .sleep_impl()
            .or_else(default_async_sleep)
            .ok_or_else(|| invalid("sleep", "is missing: the configuration has no way to wait"))?;
        Ok(CopyRole {
            slot: Arc::new(Slot::new(Settings {
                clock: self.base.time_source().unwrap_or_default(),
                sleep,
                base: self.base,
                account: self.account,
                vendor: self.vendor.unwrap_or(AccountId::VENDOR),
                role_arn: self.role_arn,
                session_name,
                session_policy: self.session_policy,
            })),
        })
    }
}

impl fmt::Debug for CopyRoleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the base configuration: a provider's own Debug may show its secret.
        f.debug_struct("CopyRoleBuilder")
            .field("account", &self.account)
            .field("vendor", &self.vendor)
            .field("role_arn", &self.role_arn)
            .field("session_name", &self.session_name)
            .field("session_policy", &self.session_policy)
            .finish_non_exhaustive()
    }
}
