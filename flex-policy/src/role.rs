use crate::account::{AccountId, AccountIdError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What the name of a copy role begins with; the subscriber's account id follows.
pub const COPY_ROLE_PREFIX: &str = "JeuServiceRoleForS3Copy_";

/// The ARN of an IAM role in the partition `aws`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RoleArn {
    account: AccountId,
    /// Between the slashes of the ARN: the path, empty or ending in `/`, then the name.
    path_and_name: String,
}

impl RoleArn {
    /// The role as which a subscriber copies.
    pub fn copy_role(vendor: &AccountId, subscriber: &AccountId) -> Self {
        RoleArn { account: *vendor, path_and_name: format!("{COPY_ROLE_PREFIX}{subscriber}") }
    }

    /// The account that the role belongs to; for a copy role the vendor's.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The role's name, without its path.
    pub fn role_name(&self) -> &str {
        self.path_and_name.rsplit('/').next().unwrap_or(&self.path_and_name)
    }

    /// The subscriber whose copy role this is, by the role's name. None for any other role.
    pub fn copy_role_subscriber(&self) -> Option<AccountId> {
        self.role_name().strip_prefix(COPY_ROLE_PREFIX)?.parse().ok()
    }
}

impl FromStr for RoleArn {
    type Err = RoleArnError;

    fn from_str(text: &str) -> Result<Self, RoleArnError> {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = fields[..] else {
            return Err(RoleArnError::Form);
        };
        if partition != "aws" {
            return Err(RoleArnError::Partition { found: partition.to_owned() });
        }
        if service == "sts" && resource.starts_with("assumed-role/") {
            let role = resource.split('/').nth(1).unwrap_or_default();
            return Err(RoleArnError::Session { role: format!("arn:aws:iam::{account}:role/{role}") });
        }
        if service != "iam" || !region.is_empty() {
            return Err(RoleArnError::Form);
        }
        let account = account.parse().map_err(RoleArnError::Account)?;
        let path_and_name = resource.strip_prefix("role/").ok_or(RoleArnError::Form)?;
        let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
        let in_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(in_name) {
            return Err(RoleArnError::Name { found: name.to_owned() });
        }
        if path.len() > 510 || !path.chars().all(|c| ('!'..='~').contains(&c)) {
            return Err(RoleArnError::Form);
        }
        Ok(RoleArn { account, path_and_name: path_and_name.to_owned() })
    }
}

impl TryFrom<String> for RoleArn {
    type Error = RoleArnError;

    fn try_from(text: String) -> Result<Self, RoleArnError> {
        text.parse()
    }
}

impl From<RoleArn> for String {
    fn from(arn: RoleArn) -> String {
        arn.to_string()
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:aws:iam::{}:role/{}", self.account, self.path_and_name)
    }
}

/// A text that is not the ARN of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleArnError {
    /// Another form altogether.
    #[error(
        "not the ARN of a role; expected arn:aws:iam::ACCOUNT:role/NAME with two colons after iam, for example {}",
        example()
    )]
    Form,
    /// A role of China, GovCloud or another partition.
    #[error("the role is in the partition {found:?}, the service is in aws; for example {}", example())]
    Partition {
        /// The partition.
        found: String,
    },
    /// The ARN of a session, as GetCallerIdentity shows it.
    #[error("this is the ARN of a session of a role; give the role's own, {}", role.escape_debug())]
    Session {
        /// The role's ARN, as far as it can be told: a path is not in the session's.
        role: String,
    },
    /// The account in it.
    #[error("the account in the role's ARN is wrong")]
    Account(#[source] AccountIdError),
    /// The name in it.
    #[error(
        "{found:?} cannot be the name of a role; expected 1 to 64 of A-Z a-z 0-9 _ + = , . @ -, for example {}",
        example()
    )]
    Name {
        /// The name.
        found: String,
    },
}

fn example() -> String {
    RoleArn { account: AccountId::VENDOR, path_and_name: format!("{COPY_ROLE_PREFIX}123456789012") }.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_role_is_built_and_recognised() {
        let subscriber: AccountId = "012345678901".parse().expect("an account");
        let role = RoleArn::copy_role(&AccountId::VENDOR, &subscriber);
        assert_eq!(role.to_string(), "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901");
        assert_eq!(role.to_string().parse(), Ok(role.clone()));
        assert_eq!(role.copy_role_subscriber(), Some(subscriber));
        assert_eq!(role.account(), &AccountId::VENDOR);
    }

    #[test]
    fn look_alikes_are_told_apart() {
        let account = |text: &str| RoleArnError::Account(text.parse::<AccountId>().expect_err("not an account"));
        for (text, want) in [
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012", Ok("123456789012")),
            ("arn:aws:iam::461810399597:role/a/path/JeuServiceRoleForS3Copy_123456789012", Ok("123456789012")),
            ("arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_1234", Ok("")),
            ("arn:aws:iam::461810399597:role/Admin", Ok("")),
            ("arn:aws:iam:461810399597:role/Admin", Err(RoleArnError::Form)),
            ("arn:aws:iam::461810399597:user/admin", Err(RoleArnError::Form)),
            ("arn:aws:s3:::role/Admin", Err(RoleArnError::Form)),
            ("461810399597", Err(RoleArnError::Form)),
            ("", Err(RoleArnError::Form)),
            ("arn:aws-cn:iam::461810399597:role/Admin", Err(RoleArnError::Partition { found: "aws-cn".to_owned() })),
            ("arn:aws:iam::46181039959:role/Admin", Err(account("46181039959"))),
            ("arn:aws:iam::461810399597:role/", Err(RoleArnError::Name { found: String::new() })),
            ("arn:aws:iam::461810399597:role/Ad min", Err(RoleArnError::Name { found: "Ad min".to_owned() })),
            (
                "arn:aws:sts::461810399597:assumed-role/Admin/flex",
                Err(RoleArnError::Session { role: "arn:aws:iam::461810399597:role/Admin".to_owned() }),
            ),
        ] {
            let subscriber = |arn: RoleArn| {
                assert_eq!(arn.to_string(), text);
                arn.copy_role_subscriber().map_or(String::new(), |id| id.to_string())
            };
            assert_eq!(text.parse().map(subscriber), want.map(str::to_owned), "{text}");
        }
    }
}
