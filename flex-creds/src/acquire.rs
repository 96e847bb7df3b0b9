//! Getting one token: load the base identity, find out who it is, assume the role for as long as STS allows.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_async::time::SharedTimeSource;
use aws_types::SdkConfig;
use flex_policy::{AccountId, COPY_ROLE_PREFIX, RoleArn};

use crate::error::{CredsError, ProviderFailure, chain};
use crate::schedule::Schedule;
use crate::session::{LONG_SESSION, Lifetime, SHORT_SESSION};
use crate::sts::{Assumed, Caller, Sts, operation_limit};

/// The base identity's provider may be a program that asks a person for a code.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Everything that is fixed when the [`CopyRole`](crate::CopyRole) is built.
pub(crate) struct Settings {
    pub(crate) base: SdkConfig,
    pub(crate) clock: SharedTimeSource,
    pub(crate) sleep: SharedAsyncSleep,
    pub(crate) account: Option<AccountId>,
    pub(crate) vendor: AccountId,
    pub(crate) role_arn: Option<RoleArn>,
    pub(crate) session_name: String,
    pub(crate) session_policy: Option<String>,
}

/// What earlier renewals learned.
#[derive(Default)]
pub(crate) struct Learned(Mutex<Facts>);

#[derive(Default, Clone)]
struct Facts {
    who: Option<Who>,
    /// STS refused 12 h once: it is not asked again.
    capped: Option<Lifetime>,
}

impl Learned {
    fn get(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[derive(Clone)]
struct Who {
    caller: Option<String>,
    account: AccountId,
    role: RoleArn,
    /// The caller is a session of `role` already.
    is_role: bool,
}

/// A token without its number.
pub(crate) struct Acquired {
    pub(crate) credentials: Credentials,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) caller: Option<String>,
    pub(crate) account: AccountId,
    pub(crate) role: RoleArn,
    pub(crate) lifetime: Lifetime,
}

/// The token that is to be replaced, as far as it matters here.
pub(crate) struct Previous {
    pub(crate) as_is: bool,
    pub(crate) access_key_id: String,
    pub(crate) role: RoleArn,
}

/// The longest that [`acquire`] may take.
pub(crate) fn limit(base: &SdkConfig) -> Duration {
    // GetCallerIdentity, AssumeRole, and AssumeRole for an hour.
    LOAD_TIMEOUT + operation_limit(base) * 3
}

pub(crate) async fn acquire(
    settings: &Settings,
    learned: &Learned,
    previous: Option<Previous>,
) -> Result<Acquired, CredsError> {
    let identity = load_identity(settings).await?;
    if let Some(previous) = previous
        && previous.as_is
        && previous.access_key_id == identity.access_key_id()
    {
        return Err(CredsError::CannotRenew { role: previous.role });
    }
    let sts = Sts::new(&settings.base, settings.clock.clone(), identity.clone());
    let who = identify(settings, learned, &sts).await?;
    if who.is_role {
        if settings.session_policy.is_some() {
            return Err(CredsError::InvalidSettings {
                setting: "session policy",
                problem: format!(
                    "cannot narrow {}: these credentials are the copy role's already, and only whoever assumes the role \
                     can narrow its session",
                    who.caller.as_deref().unwrap_or("this session")
                ),
            });
        }
        return Ok(as_is(settings, identity, who));
    }
    let mut lifetime = match learned.get().capped {
        Some(capped) => capped,
        None if identity.session_token().is_none() => Lifetime::LongTermKeys,
        None => Lifetime::TemporaryIdentity,
    };
    let assume = async |lifetime: Lifetime| {
        let duration = lifetime.duration().unwrap_or(SHORT_SESSION);
        sts.assume(&who.role, who.caller.as_deref(), settings, duration).await
    };
    let mut asked = settings.clock.now();
    let assumed = match assume(lifetime).await {
        Err(CredsError::Other { source })
            if source.code() == Some("ValidationError") && lifetime.duration() == Some(LONG_SESSION) =>
        {
            // Whatever is not valid, the length of the session is the one thing that can be asked for less of.
            lifetime = Lifetime::after_refusal(source.message().unwrap_or_default());
            asked = settings.clock.now();
            let assumed = assume(lifetime).await?;
            tracing::debug!(%lifetime, refusal = %source, "the copy role's sessions are shorter");
            learned.set(|facts| facts.capped = Some(lifetime));
            assumed
        }
        answer => answer?,
    };
    token(settings, who, lifetime, assumed, asked)
}

/// The subscriber's account. The role is not assumed.
pub(crate) async fn account(settings: &Settings, learned: &Learned) -> Result<AccountId, CredsError> {
    let identity = load_identity(settings).await?;
    let sts = Sts::new(&settings.base, settings.clock.clone(), identity);
    Ok(identify(settings, learned, &sts).await?.account)
}

/// What STS says of the base identity. No account and no role is looked for.
pub(crate) async fn caller(settings: &Settings) -> Result<Caller, CredsError> {
    let identity = load_identity(settings).await?;
    Sts::new(&settings.base, settings.clock.clone(), identity).caller().await
}

/// Who the caller is: asked once, if that gives an answer that lasts.
async fn identify(settings: &Settings, learned: &Learned, sts: &Sts) -> Result<Who, CredsError> {
    if let Some(who) = learned.get().who {
        return Ok(who);
    }
    let who = recognise(settings, sts.caller().await)?;
    // A session of the copy role may be followed by a real identity, and a caller that STS did not tell may be told
    // the next time; a real identity stays what it is.
    if !who.is_role && who.caller.is_some() {
        learned.set(|facts| facts.who = Some(who.clone()));
    }
    Ok(who)
}

async fn load_identity(settings: &Settings) -> Result<Credentials, CredsError> {
    let provider = settings.base.credentials_provider().ok_or(CredsError::NoBaseIdentity { source: None })?;
    let loading = provider.provide_credentials();
    match Timeout::new(loading, settings.sleep.sleep(LOAD_TIMEOUT)).await {
        Ok(Ok(identity)) => Ok(identity),
        Ok(Err(error)) => Err(no_identity(error)),
        Err(_) => Err(no_identity(CredentialsError::provider_timed_out(LOAD_TIMEOUT))),
    }
}

fn no_identity(error: CredentialsError) -> CredsError {
    CredsError::NoBaseIdentity { source: Some(ProviderFailure(std::sync::Arc::new(error))) }
}

/// Decides the account and the role, and whether the caller has it already.
fn recognise(settings: &Settings, caller: Result<Caller, CredsError>) -> Result<Who, CredsError> {
    let caller = match caller {
        Ok(caller) => caller,
        // Some stores have no GetCallerIdentity, some endpoint policies do not let it through. A fault that passes is
        // neither, and must not skip the check of the account.
        Err(error @ CredsError::Other { .. })
            if !error.is_transient() && (settings.account.is_some() || settings.role_arn.is_some()) =>
        {
            tracing::debug!(refusal = %chain(&error), "the caller's identity is not known");
            Caller { arn: String::new(), account: None }
        }
        Err(error) => return Err(error),
    };
    let own: Option<AccountId> = caller.account.as_deref().and_then(|id| id.parse().ok());
    let arn = (!caller.arn.is_empty()).then_some(caller.arn);
    if let Some(who) = arn.as_deref().and_then(|arn| already_the_role(settings, arn).transpose()) {
        return who;
    }
    let (role, account) = match (&settings.role_arn, settings.account) {
        (Some(role), Some(account)) => (role.clone(), account),
        (Some(role), None) => {
            let account = role.copy_role_subscriber().or(own).ok_or_else(|| unknown_account(&arn))?;
            (role.clone(), account)
        }
        (None, given) => {
            if let (Some(given), Some(found), Some(caller)) = (given, own, &arn)
                && given != found
            {
                return Err(CredsError::WrongAccount { given, found, caller: caller.clone(), copy_role: false });
            }
            let account = given.or(own).ok_or_else(|| unknown_account(&arn))?;
            (RoleArn::copy_role(&settings.vendor, &account), account)
        }
    };
    Ok(Who { caller: arn, account, role, is_role: false })
}

fn unknown_account(caller: &Option<String>) -> CredsError {
    let caller = caller.as_deref().unwrap_or("the identity in use");
    CredsError::InvalidSettings {
        setting: "account",
        problem: format!("is needed, because STS does not tell the 12-digit account of {caller}"),
    }
}

/// Somebody who exported the copy role's credentials, as the manual says, is the role already.
fn already_the_role(settings: &Settings, caller: &str) -> Result<Option<Who>, CredsError> {
    let Some((account, name)) = assumed_role(caller) else {
        return Ok(None);
    };
    let found = name.strip_prefix(COPY_ROLE_PREFIX).and_then(|id| id.parse::<AccountId>().ok());
    let is = |role: RoleArn, account: AccountId| {
        Ok(Some(Who { caller: Some(caller.to_owned()), account, role, is_role: true }))
    };
    let wrong = |given: AccountId, found: AccountId| {
        Err(CredsError::WrongAccount { given, found, caller: caller.to_owned(), copy_role: true })
    };
    match (&settings.role_arn, found) {
        (Some(role), found) if *role.account() == account && role.role_name() == name => {
            let subscriber = settings.account.or(found).unwrap_or(account);
            is(role.clone(), subscriber)
        }
        (Some(role), Some(found)) if *role.account() == account => match role.copy_role_subscriber() {
            Some(wanted) if wanted != found => wrong(wanted, found),
            _ => Ok(None),
        },
        (None, Some(found)) if account == settings.vendor => match settings.account {
            Some(given) if given != found => wrong(given, found),
            _ => is(RoleArn::copy_role(&settings.vendor, &found), found),
        },
        _ => Ok(None),
    }
}

/// Account and role name out of `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
fn assumed_role(arn: &str) -> Option<(AccountId, &str)> {
    let mut fields = arn.splitn(6, ':');
    let account = fields.nth(4)?.parse().ok()?;
    let resource = fields.next()?.strip_prefix("assumed-role/")?;
    let (name, _session) = resource.split_once('/')?;
    Some((account, name))
}

fn as_is(settings: &Settings, identity: Credentials, who: Who) -> Acquired {
    // For the user there is Session::warning().
    tracing::debug!(
        role = %who.role,
        "the credentials in use are already the copy role's and cannot be renewed"
    );
    let schedule = identity.expiry().map(|expires| Schedule::new(settings.clock.now(), expires, fastrand::f64()));
    Acquired {
        credentials: identity,
        schedule,
        caller: who.caller,
        account: who.account,
        role: who.role,
        lifetime: Lifetime::AsIs,
    }
}

fn token(
    settings: &Settings,
    who: Who,
    lifetime: Lifetime,
    assumed: Assumed,
    asked: SystemTime,
) -> Result<Acquired, CredsError> {
    if assumed.expires_locally <= settings.clock.now() {
        return Err(CredsError::ClockSkew { skew: assumed.skew, source: None });
    }
    let credentials = Credentials::builder()
        .access_key_id(assumed.access_key_id)
        .secret_access_key(assumed.secret_access_key)
        .session_token(assumed.session_token)
        .expiry(assumed.expires)
        .provider_name("FlexCopyRole")
        .build();
    Ok(Acquired {
        credentials,
        schedule: Some(Schedule::new(asked, assumed.expires_locally, fastrand::f64())),
        caller: who.caller,
        account: who.account,
        role: who.role,
        lifetime,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assumed_roles_are_told_from_everybody_else() {
        for (arn, want) in [
            (
                "arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_123456789012/a:b",
                Some(("461810399597", "JeuServiceRoleForS3Copy_123456789012")),
            ),
            ("arn:aws:iam::123456789012:user/assumed-role/x", None),
            ("arn:aws:sts::123456789012:assumed-role/x", None),
            ("arn:aws:sts::123:assumed-role/x/y", None),
            ("root", None),
            ("", None),
        ] {
            let found = assumed_role(arn).map(|(account, name)| (account.to_string(), name));
            let want = want.map(|(account, name)| (account.to_owned(), name));
            assert_eq!(found, want, "{arn}");
        }
    }
}
