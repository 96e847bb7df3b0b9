//! Who calls: accounts, principals, and the credentials that tests sign with.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials;

use super::policy::Policy;

/// The subscriber's account.
pub const SUBSCRIBER: &str = "123456789012";
/// The vendor's account.
pub const VENDOR: &str = "461810399597";
/// An account that has nothing to do with either.
pub const STRANGER: &str = "210987654321";
/// The name of the manual's user in [`SUBSCRIBER`].
pub const COPY_USER_NAME: &str = "flex-copy";
/// The copy role's name for [`SUBSCRIBER`].
pub const COPY_ROLE_NAME: &str = "JeuServiceRoleForS3Copy_123456789012";
/// The copy role for [`SUBSCRIBER`].
pub const COPY_ROLE_ARN: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012";

/// A signer: key, secret, perhaps a token, and the principal they stand for. `Debug` shows no secret.
#[derive(Clone)]
pub struct Identity {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) principal: Principal,
    /// What the session was narrowed with.
    pub(crate) session: Option<Arc<Policy>>,
}

impl Identity {
    /// An IAM user with all rights in the subscriber's account.
    pub fn owner() -> Self {
        Self::user(SUBSCRIBER, "owner", "AKIAFLEXOWNER0000001")
    }

    /// The manual's IAM user: it may assume the copy role and nothing else.
    pub fn copy_user() -> Self {
        Self::user(SUBSCRIBER, COPY_USER_NAME, "AKIAFLEXCOPYUSER0001")
    }

    /// A session of a role in the subscriber's account that may assume the copy role: chained, so capped at one hour.
    pub fn chained() -> Self {
        let principal =
            Principal::Session { account: SUBSCRIBER.into(), role: "TickUser".into(), session: "laptop".into() };
        let access_key = "ASIAFLEXCHAINED00001";
        Self {
            access_key: access_key.into(),
            secret: secret_of(access_key),
            token: Some(token_of(access_key)),
            expires: None,
            principal,
            session: None,
        }
    }

    /// A user with all rights in an account that has nothing to do with the others.
    pub fn stranger() -> Self {
        Self::user(STRANGER, "stranger", "AKIAFLEXSTRANGER0001")
    }

    /// Keys that AWS does not know.
    pub fn nobody() -> Self {
        Self::user("000000000000", "nobody", "AKIAFLEXNOBODY000001")
    }

    /// The vendor's administrator.
    pub fn vendor() -> Self {
        Self::user(VENDOR, "administrator", "AKIAFLEXVENDOR000001")
    }

    pub(crate) fn user(account: &str, name: &str, access_key: &str) -> Self {
        Self {
            access_key: access_key.into(),
            secret: secret_of(access_key),
            token: None,
            expires: None,
            principal: Principal::User { account: account.into(), name: name.into(), session: false },
            session: None,
        }
    }

    /// The key id.
    pub fn access_key_id(&self) -> &str {
        &self.access_key
    }

    /// The secret.
    pub fn secret_access_key(&self) -> &str {
        &self.secret
    }

    /// The session token of temporary keys.
    pub fn session_token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The ARN that GetCallerIdentity answers.
    pub fn arn(&self) -> String {
        self.principal.arn()
    }

    /// For an SDK client.
    pub fn credentials(&self) -> Credentials {
        Credentials::new(&self.access_key, &self.secret, self.token.clone(), self.expires, "sandbox")
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("access_key", &self.access_key)
            .field("arn", &self.arn())
            .finish_non_exhaustive()
    }
}

/// An IAM principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// A user; `session` when the keys are temporary (GetSessionToken).
    User { account: String, name: String, session: bool },
    /// A session of a role.
    Session { account: String, role: String, session: String },
}

impl Principal {
    pub(crate) fn account(&self) -> &str {
        match self {
            Self::User { account, .. } | Self::Session { account, .. } => account,
        }
    }

    pub(crate) fn arn(&self) -> String {
        match self {
            Self::User { account, name, .. } => user_arn(account, name),
            Self::Session { account, role, session } => format!("arn:aws:sts::{account}:assumed-role/{role}/{session}"),
        }
    }

    /// The ARN of the IAM entity that holds the policies: the user, or the role behind the session.
    pub(crate) fn iam_arn(&self) -> String {
        match self {
            Self::User { .. } => self.arn(),
            Self::Session { account, role, .. } => role_arn(account, role),
        }
    }

    /// The unique id of a user or role that the sandbox begins with.
    pub(crate) fn first_id(&self) -> String {
        match self {
            Self::User { name, .. } => id_of("AIDA", name),
            Self::Session { role, .. } => id_of("AROA", role),
        }
    }

    /// Whether assuming a role from here is chaining, which AWS caps at one hour.
    pub(crate) fn chains(&self) -> bool {
        matches!(self, Self::Session { .. } | Self::User { session: true, .. })
    }
}

pub(crate) fn user_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:user/{name}")
}

pub(crate) fn role_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role/{name}")
}

/// An id as IAM makes them: a prefix that tells the kind, and letters and digits.
pub(crate) fn id_of(prefix: &str, of: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = super::content::md5_of(std::iter::once(of.as_bytes()));
    let tail: String = digest.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    format!("{prefix}{tail}")
}

pub(crate) fn secret_of(access_key: &str) -> String {
    let digest = super::content::md5_of([access_key.as_bytes(), b"secret"].into_iter());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    // With the characters that clients most often mangle.
    format!("{hex}/+sandbx")
}

pub(crate) fn token_of(access_key: &str) -> String {
    let digest = super::content::md5_of([access_key.as_bytes(), b"token"].into_iter());
    let text: Vec<u8> = (0..6).flat_map(|n: u8| digest.map(|byte| byte.wrapping_mul(n.wrapping_add(1)))).collect();
    format!("FwoGZXIvYXdzE{}", aws_smithy_types::base64::encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        for identity in [Identity::owner(), Identity::chained()] {
            let text = format!("{identity:?}");
            assert!(!text.contains(identity.secret_access_key()), "{text}");
            assert!(identity.session_token().is_none_or(|token| !text.contains(token)), "{text}");
            assert!(text.contains(identity.access_key_id()), "{text}");
        }
    }
}
