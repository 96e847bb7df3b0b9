use std::fmt;
use std::str::FromStr;

/// The name of an IAM user or role: 1 to 64 of `A-Z a-z 0-9 _ + = , . @ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IamName(String);

impl IamName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One of this crate's own constants.
    pub(super) fn known(name: &'static str) -> IamName {
        debug_assert!(name.parse::<IamName>().is_ok());
        IamName(name.to_owned())
    }
}

impl FromStr for IamName {
    type Err = IamNameError;

    fn from_str(text: &str) -> Result<Self, IamNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        match (1..=64).contains(&text.len()) && text.chars().all(allowed) {
            true => Ok(IamName(text.to_owned())),
            false => Err(IamNameError { name: text.to_owned() }),
        }
    }
}

impl fmt::Display for IamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that cannot be the name of a user or role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} cannot be the name of an IAM user or role; expected 1 to 64 of A-Z a-z 0-9 _ + = , . @ -, for example flex-copy"
)]
pub struct IamNameError {
    name: String,
}

/// Who may assume the copy role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SceneIdentity {
    /// Nobody: somebody else sees to that.
    None,
    /// A user with an access key.
    User {
        /// Its name.
        name: IamName,
    },
    /// A role for programs that run on AWS.
    Role {
        /// Its name.
        name: IamName,
        /// What runs as it.
        service: ServiceTrust,
    },
}

/// The service that may take a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceTrust {
    /// Instances of EC2, through an instance profile.
    Ec2,
    /// Tasks of ECS.
    Ecs,
    /// Jobs of AWS Batch: a job's role is that of an ECS task.
    Batch,
}

impl ServiceTrust {
    /// The service as trust policies name it.
    pub fn principal(self) -> &'static str {
        match self {
            ServiceTrust::Ec2 => "ec2.amazonaws.com",
            ServiceTrust::Ecs | ServiceTrust::Batch => "ecs-tasks.amazonaws.com",
        }
    }

    /// Whether the service takes the role through an instance profile, which then has the role's name.
    pub fn needs_instance_profile(self) -> bool {
        self == ServiceTrust::Ec2
    }

    /// The trust policy of a role for this service.
    pub fn trust_policy(self) -> String {
        super::documents::trust(self).json()
    }
}

impl fmt::Display for ServiceTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ServiceTrust::Ec2 => "ec2",
            ServiceTrust::Ecs => "ecs",
            ServiceTrust::Batch => "batch",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_iams() {
        for (text, good) in [
            ("flex-copy", true),
            ("A_+=,.@-9", true),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
            ("", false),
            ("a b", false),
            ("a/b", false),
            ("名前", false),
            ("a'b", false),
        ] {
            assert_eq!(text.parse::<IamName>().is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_job_of_batch_takes_the_role_as_a_task() {
        assert!(ServiceTrust::Batch.trust_policy().contains("\"ecs-tasks.amazonaws.com\""));
        assert!(!ServiceTrust::Batch.needs_instance_profile() && ServiceTrust::Ec2.needs_instance_profile());
    }
}
