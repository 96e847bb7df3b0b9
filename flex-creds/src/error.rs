//! What can go wrong on the way to the copy role's token, told apart by what the caller does next.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use flex_policy::{AccountId, RoleArn};

/// An error of somebody else, kept so that every caller waiting for the same renewal gets it.
pub(crate) type SharedError = Arc<dyn Error + Send + Sync + 'static>;

/// What the base identity's provider said when it gave no credentials.
#[derive(Clone)]
pub struct ProviderFailure(pub(crate) SharedError);

impl fmt::Debug for ProviderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In words: a provider's own Debug may hold whole requests and answers.
        f.debug_tuple("ProviderFailure").field(&chain(&*self.0)).finish()
    }
}

impl fmt::Display for ProviderFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for ProviderFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

/// Why there are no credentials of the copy role.
///
/// The text of each says its own part; [`source()`](Error::source) holds the rest: the answer of the service with its
/// code and request id, or the words of the identity's provider. Cloning is cheap.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CredsError {
    /// No identity was found, or the one that was configured did not load.
    #[error(
        "there is no AWS identity to assume the copy role with: give a profile, or sign in again if it has expired"
    )]
    NoBaseIdentity {
        /// What the SDK's chain of providers said; `None` when the configuration has no provider at all.
        source: Option<ProviderFailure>,
    },

    /// The base identity's own session token has expired.
    #[error(
        "the session token of the AWS identity in use has expired: sign in again, or unset AWS_ACCESS_KEY_ID, \
         AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN if they were exported by hand"
    )]
    Expired {
        /// The refusal.
        source: StsFailure,
    },

    /// AWS does not know the base identity's access key, or its secret key is wrong.
    #[error("AWS does not accept the access key or secret key of the identity in use")]
    InvalidKeys {
        /// The refusal.
        source: StsFailure,
    },

    /// STS answered AccessDenied to AssumeRole. It says so alike for each of the three causes.
    #[error(
        "{} may not assume {role}: either the vendor has not created the role yet (about five business days after \
         the application), or this identity has no AssumeRole policy for it, or the role trusts another account",
        .caller.as_deref().unwrap_or("the identity in use")
    )]
    NotAllowedToAssume {
        /// The role asked for.
        role: RoleArn,
        /// The base identity's ARN, when known.
        caller: Option<String>,
        /// The refusal.
        source: StsFailure,
    },

    /// The account that was given is not the account of the identity in use.
    #[error("account {given} was given, but {caller} {}", belongs(.found, *.copy_role))]
    WrongAccount {
        /// The account given in the settings.
        given: AccountId,
        /// The account that the identity belongs to or works for.
        found: AccountId,
        /// The identity's ARN.
        caller: String,
        /// The identity is a session of the copy role of `found`.
        copy_role: bool,
    },

    /// This machine's clock is too far from AWS's.
    #[error("this machine's clock is wrong{}: set it, best by NTP", by(.skew))]
    ClockSkew {
        /// How far off it is, when the answer told.
        skew: Option<ClockSkew>,
        /// The refusal; `None` when STS gave a token that had already expired by this machine's clock.
        source: Option<StsFailure>,
    },

    /// STS did not answer: no connection, no name, no TLS, or no answer in time.
    #[error("STS at {host} cannot be reached: check the network, the proxy and the endpoint")]
    Unreachable {
        /// Host (and port, when one was written) of the endpoint.
        host: String,
        /// What happened.
        source: StsFailure,
    },

    /// STS is not activated for the account in this region.
    #[error(
        "STS is switched off in {region} for this account: an administrator activates it in IAM's account settings"
    )]
    RegionDisabled {
        /// The region asked.
        region: String,
        /// The refusal.
        source: StsFailure,
    },

    /// The credentials in use are the copy role's own, which cannot assume it again.
    #[error(
        "the credentials in use are those of the copy role itself and cannot be renewed: unset AWS_ACCESS_KEY_ID, \
         AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, so that the role is assumed with your own identity"
    )]
    CannotRenew {
        /// The copy role.
        role: RoleArn,
    },

    /// A setting is missing or not allowed.
    #[error("the setting {setting} {problem}")]
    InvalidSettings {
        /// Which.
        setting: &'static str,
        /// What is wrong with it and what is allowed.
        problem: String,
    },

    /// The runtime that renewed the token ended before it was done.
    #[error("the renewal of the copy role's token was cut off, because the runtime it ran on ended")]
    CutOff,

    /// STS refused or answered in a way that has no kind of its own.
    #[error("STS did not give the copy role's credentials")]
    Other {
        /// The answer, with code and request id.
        source: StsFailure,
    },
}

fn belongs(found: &AccountId, copy_role: bool) -> String {
    if copy_role {
        format!("is already the copy role of account {found}")
    } else {
        format!("belongs to account {found}")
    }
}

fn by(skew: &Option<ClockSkew>) -> String {
    skew.map(|skew| format!(" ({skew})")).unwrap_or_default()
}

impl CredsError {
    /// The first `CredsError` in an error and its sources.
    ///
    /// An S3 call that could not get credentials fails with an `SdkError` that holds the reason some levels down.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredsError> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// The same request may succeed a little later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::CutOff => true,
            Self::Other { source } => source.is_transient(),
            _ => false,
        }
    }
}

/// How far this machine's clock is from AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClockSkew {
    /// This machine's clock shows a later time.
    Ahead(Duration),
    /// This machine's clock shows an earlier time.
    Behind(Duration),
}

impl ClockSkew {
    /// The difference without its direction.
    pub fn size(self) -> Duration {
        match self {
            Self::Ahead(by) | Self::Behind(by) => by,
        }
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.size().as_secs();
        if seconds < 120 {
            write!(f, "{seconds} s")?;
        } else {
            write!(f, "{} min", seconds / 60)?;
        }
        f.write_str(match self {
            Self::Ahead(_) => " ahead of AWS's",
            Self::Behind(_) => " behind AWS's",
        })
    }
}

/// One request to STS that did not succeed.
#[derive(Clone)]
pub struct StsFailure(Arc<Failure>);

#[derive(Debug, Default)]
pub(crate) struct Failure {
    pub(crate) operation: &'static str,
    pub(crate) host: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
    /// Said when there was no answer, or none that could be read.
    pub(crate) what: &'static str,
    pub(crate) source: Option<SharedError>,
}

impl StsFailure {
    pub(crate) fn new(mut failure: Failure) -> Self {
        // A SignatureDoesNotMatch may go on for lines, the signed headers with the session token among them.
        if let Some(message) = &mut failure.message {
            let first = message.lines().next().unwrap_or_default().trim();
            *message = first.chars().take(300).collect();
        }
        Self(Arc::new(failure))
    }

    /// The STS operation: `AssumeRole` or `GetCallerIdentity`.
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// Host of the endpoint, when a request was made.
    pub fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// The HTTP status of the answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The error code of the answer, e.g. `AccessDenied`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The first line of the service's message.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The request id, which AWS support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    fn is_transient(&self) -> bool {
        matches!(self.status(), Some(429 | 500 | 502 | 503 | 504))
            || matches!(
                self.code(),
                Some("Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException")
            )
    }
}

impl fmt::Debug for StsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the source: the SDK's own types print raw requests and answers.
        f.debug_tuple("StsFailure").field(&self.to_string()).finish()
    }
}

impl fmt::Display for StsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { operation, host, status, code, message, request_id, what, .. } = &*self.0;
        f.write_str(operation)?;
        match (status, code) {
            (Some(status), Some(code)) => write!(f, " answered {status} {code}")?,
            // Without a code the answer may be a proxy's: the host says where it was looked for.
            (Some(status), None) => {
                write!(f, " answered {status}")?;
                if let Some(host) = host {
                    write!(f, " from {host}")?;
                }
            }
            (None, Some(code)) => write!(f, " answered {code}")?,
            (None, None) => {}
        }
        if !what.is_empty() {
            write!(f, " {what}")?;
        }
        if let Some(message) = message.as_deref().filter(|m| !m.is_empty()) {
            write!(f, ": {message}")?;
        }
        if let Some(id) = request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl Error for StsFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|e| e as _)
    }
}

/// An error and its sources on one line, for the log.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        line.push_str(": ");
        line.push_str(&error.to_string());
        next = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_one_sentence() {
        for (failure, want) in [
            (
                Failure {
                    operation: "AssumeRole",
                    status: Some(403),
                    code: Some("AccessDenied".into()),
                    message: Some("no\nx-amz-security-token: hidden".into()),
                    request_id: Some("r-1".into()),
                    ..Failure::default()
                },
                "AssumeRole answered 403 AccessDenied: no (request r-1)",
            ),
            (
                Failure {
                    operation: "AssumeRole",
                    status: Some(407),
                    host: Some("sts.example".into()),
                    what: "which could not be read",
                    ..Failure::default()
                },
                "AssumeRole answered 407 from sts.example which could not be read",
            ),
            (
                Failure { operation: "GetCallerIdentity", what: "was not answered", ..Failure::default() },
                "GetCallerIdentity was not answered",
            ),
        ] {
            let failure = StsFailure::new(failure);
            assert_eq!(failure.to_string(), want);
            assert!(!format!("{failure:?}").contains("hidden"));
        }
    }

    #[test]
    fn find_looks_through_the_sources() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] CredsError);

        let outer = Outer(CredsError::CutOff);
        assert!(matches!(CredsError::find(&outer), Some(CredsError::CutOff)));
        assert!(CredsError::find(&std::io::Error::other("else")).is_none());
    }

    #[test]
    fn skew_is_told_in_words() {
        for (skew, want) in [
            (ClockSkew::Ahead(Duration::from_secs(45)), "45 s ahead of AWS's"),
            (ClockSkew::Behind(Duration::from_secs(3700)), "61 min behind AWS's"),
        ] {
            assert_eq!(skew.to_string(), want);
        }
    }

    #[test]
    fn a_server_fault_passes_a_refusal_does_not() {
        let other = |status| CredsError::Other {
            source: StsFailure::new(Failure { operation: "AssumeRole", status: Some(status), ..Failure::default() }),
        };
        for (status, want) in [(503, true), (500, true), (429, true), (400, false), (501, false)] {
            assert_eq!(other(status).is_transient(), want, "{status}");
        }
    }
}
