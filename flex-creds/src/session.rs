//! What is known about the token in use.

use std::fmt;
use std::time::{Duration, SystemTime};

use flex_policy::{AccountId, RoleArn};

/// Twelve hours, the longest that any role allows.
pub const LONG_SESSION: Duration = Duration::from_secs(12 * 3600);
/// One hour, which every role allows.
pub const SHORT_SESSION: Duration = Duration::from_secs(3600);

/// The copy role's session that is in use: who, as which role, until when, and why so long. It holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub(crate) caller: Option<String>,
    pub(crate) account: AccountId,
    pub(crate) role: RoleArn,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) lifetime: Lifetime,
    pub(crate) generation: u64,
}

impl Session {
    /// ARN of the base identity. `None` when the service does not tell (some S3-compatible stores have no
    /// GetCallerIdentity).
    pub fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    /// The subscriber's account.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The role assumed.
    pub fn role(&self) -> &RoleArn {
        &self.role
    }

    /// When the token ends, by AWS's clock. `None` for exported credentials, which do not tell.
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// How long tokens are asked for, and why.
    pub fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    /// Number of the token, see [`CopyRole::renew`](crate::CopyRole::renew).
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether a new token is fetched when this one ends.
    pub fn is_renewable(&self) -> bool {
        self.lifetime != Lifetime::AsIs
    }

    /// A sentence for the user when something about the session should be changed.
    pub fn warning(&self) -> Option<String> {
        (!self.is_renewable()).then(|| {
            format!(
                "the credentials in use are already those of {} and cannot be renewed when they expire: unset \
                 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, so that the role is assumed \
                 with your own identity",
                self.role
            )
        })
    }
}

/// How long a token of the copy role is asked for, and why. `Display` gives the reason in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifetime {
    /// 12 h: the base identity has long-term keys.
    LongTermKeys,
    /// 1 h: the base identity is itself temporary, and STS gives no more when one role assumes another.
    TemporaryIdentity,
    /// 1 h: STS refused 12 h and named role chaining.
    Chained,
    /// 1 h: STS refused 12 h and named the role's MaxSessionDuration.
    RoleMaximum,
    /// 1 h: STS refused 12 h without naming a reason known here.
    Refused,
    /// Whatever is left: the caller is already the copy role.
    AsIs,
}

impl Lifetime {
    /// The DurationSeconds asked for. `None` when nothing was asked.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::LongTermKeys => Some(LONG_SESSION),
            Self::TemporaryIdentity | Self::Chained | Self::RoleMaximum | Self::Refused => Some(SHORT_SESSION),
            Self::AsIs => None,
        }
    }

    /// Why STS refused 12 h, from its message.
    pub(crate) fn after_refusal(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        if message.contains("chaining") {
            Self::Chained
        } else if message.contains("maxsessionduration") {
            Self::RoleMaximum
        } else {
            Self::Refused
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LongTermKeys => "12 hours, because the identity in use has long-term keys",
            Self::TemporaryIdentity => {
                "1 hour, renewed by itself, because the identity in use is itself a temporary one"
            }
            Self::Chained => {
                "1 hour, renewed by itself, because AWS allows no more to an identity that is itself an assumed role"
            }
            Self::RoleMaximum => {
                "1 hour, renewed by itself, because the role's maximum session duration is below 12 hours"
            }
            Self::Refused => "1 hour, renewed by itself, because STS refused 12 hours",
            Self::AsIs => {
                "until the credentials in use end, because they are already the copy role's and cannot be renewed"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_tells_the_reason() {
        for (message, want) in [
            (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
                Lifetime::Chained,
            ),
            ("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", Lifetime::RoleMaximum),
            ("durationSeconds must be at most 3600", Lifetime::Refused),
        ] {
            assert_eq!(Lifetime::after_refusal(message), want);
            assert_eq!(want.duration(), Some(SHORT_SESSION));
        }
    }
}
