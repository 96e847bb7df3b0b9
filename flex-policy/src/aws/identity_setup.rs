//! The user or role that may assume the copy role: read and made.

use std::{fmt, time::Duration};

use aws_sdk_iam::{
    Client,
    config::{AsyncSleep, retry::RetryConfig, timeout::TimeoutConfig},
    types::StatusType,
};
use percent_encoding::percent_decode_str;

use super::{Failure, FailureKind, Operation, Reading, client};

/// A user or a role that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its ARN.
    pub arn: String,
    /// Of a role: who may take it, as a policy's text.
    pub trust: Option<String>,
}

/// A user or a role, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Entity<'a> {
    User(&'a str),
    Role(&'a str),
}

/// An access key of a user, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The key id.
    pub id: String,
    /// Whether it can be used.
    pub active: bool,
}

/// A new access key. `Debug` does not show the secret.
#[derive(Clone)]
pub struct NewKey {
    /// The key id.
    pub id: String,
    secret: String,
}

impl NewKey {
    /// The secret, which IAM tells this once.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How often a request is sent again that does not find yet what was made just before.
const LOOKS: u32 = 5;
/// The pause before the second look; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// IAM, as set-up uses it.
#[derive(Clone, Debug)]
pub struct IdentitySetup {
    iam: Client,
}

impl IdentitySetup {
    /// With a client of the owner's identity. Its requests are tried again as the SDK does by default, and none lasts
    /// longer than half a minute.
    pub fn new(iam: &Client) -> Self {
        let builder = iam.config().to_builder().retry_config(RetryConfig::standard());
        let timeouts = iam.config().timeout_config().map(TimeoutConfig::to_builder).unwrap_or_default();
        let timeouts = timeouts.operation_attempt_timeout(client::ATTEMPT).operation_timeout(client::REQUEST).build();
        Self { iam: Client::from_conf(builder.timeout_config(timeouts).build()) }
    }

    /// Whether there is such a user or role.
    pub async fn find(&self, entity: Entity<'_>) -> Reading<Found> {
        match entity {
            Entity::User(name) => {
                let answer = self.iam.get_user().user_name(name).send().await;
                let answer = answer.map(|answer| answer.user.map(|user| Found { arn: user.arn, trust: None }));
                Reading::of(Operation::GetUser, answer)
            }
            Entity::Role(name) => {
                let answer = self.iam.get_role().role_name(name).send().await;
                let answer = answer.map(|answer| {
                    answer.role.map(|role| Found {
                        arn: role.arn,
                        trust: role.assume_role_policy_document.as_deref().map(decoded),
                    })
                });
                Reading::of(Operation::GetRole, answer)
            }
        }
    }

    /// The text of an inline policy.
    pub async fn policy(&self, entity: Entity<'_>, policy: &str) -> Reading<String> {
        match entity {
            Entity::User(name) => {
                let answer = self.iam.get_user_policy().user_name(name).policy_name(policy).send().await;
                Reading::of(Operation::GetUserPolicy, answer.map(|answer| Some(decoded(&answer.policy_document))))
            }
            Entity::Role(name) => {
                let answer = self.iam.get_role_policy().role_name(name).policy_name(policy).send().await;
                Reading::of(Operation::GetRolePolicy, answer.map(|answer| Some(decoded(&answer.policy_document))))
            }
        }
    }

    /// The roles in an instance profile, one or none.
    pub async fn instance_profile(&self, name: &str) -> Reading<Vec<String>> {
        let answer = self.iam.get_instance_profile().instance_profile_name(name).send().await;
        let answer = answer.map(|answer| {
            answer.instance_profile.map(|profile| profile.roles.into_iter().map(|role| role.role_name).collect())
        });
        Reading::of(Operation::GetInstanceProfile, answer)
    }

    /// A user's access keys.
    pub async fn access_keys(&self, user: &str) -> Reading<Vec<KnownKey>> {
        let answer = self.iam.list_access_keys().user_name(user).send().await;
        let answer = answer.map(|answer| {
            let key = |key: aws_sdk_iam::types::AccessKeyMetadata| {
                Some(KnownKey { id: key.access_key_id?, active: key.status == Some(StatusType::Active) })
            };
            Some(answer.access_key_metadata.into_iter().filter_map(key).collect())
        });
        Reading::of(Operation::ListAccessKeys, answer)
    }

    /// Creates a user.
    pub async fn create_user(&self, name: &str) -> Result<(), Failure> {
        let answer = self.iam.create_user().user_name(name).send().await;
        answer.map(drop).map_err(|e| Failure::from_sdk(Operation::CreateUser, e))
    }

    /// Creates a role with this trust.
    pub async fn create_role(&self, name: &str, trust: &str) -> Result<(), Failure> {
        let request = self.iam.create_role().role_name(name).assume_role_policy_document(trust);
        request.send().await.map(drop).map_err(|e| Failure::from_sdk(Operation::CreateRole, e))
    }

    /// Creates an instance profile.
    pub async fn create_instance_profile(&self, name: &str) -> Result<(), Failure> {
        let answer = self.iam.create_instance_profile().instance_profile_name(name).send().await;
        answer.map(drop).map_err(|e| Failure::from_sdk(Operation::CreateInstanceProfile, e))
    }

    /// Puts a role into an instance profile, both of which may have been made just now.
    pub async fn add_to_instance_profile(&self, profile: &str, role: &str) -> Result<(), Failure> {
        self.soon(async || {
            let request = self.iam.add_role_to_instance_profile().instance_profile_name(profile).role_name(role);
            request.send().await.map(drop).map_err(|e| Failure::from_sdk(Operation::AddRoleToInstanceProfile, e))
        })
        .await
    }

    /// Puts an inline policy in place of the one of that name, to a user or role that may have been made just now.
    pub async fn put_policy(&self, entity: Entity<'_>, policy: &str, text: &str) -> Result<(), Failure> {
        self.soon(async || match entity {
            Entity::User(name) => {
                let request = self.iam.put_user_policy().user_name(name).policy_name(policy).policy_document(text);
                request.send().await.map(drop).map_err(|e| Failure::from_sdk(Operation::PutUserPolicy, e))
            }
            Entity::Role(name) => {
                let request = self.iam.put_role_policy().role_name(name).policy_name(policy).policy_document(text);
                request.send().await.map(drop).map_err(|e| Failure::from_sdk(Operation::PutRolePolicy, e))
            }
        })
        .await
    }

    /// Makes an access key for a user, who may have been made just now. It is asked for once: of a key whose answer was
    /// lost nobody knows the secret, and a second request makes a second key.
    pub async fn create_access_key(&self, user: &str) -> Result<NewKey, Failure> {
        let once = || aws_sdk_iam::config::Builder::new().retry_config(RetryConfig::disabled());
        let request = || self.iam.create_access_key().user_name(user).customize().config_override(once());
        self.soon(async || match request().send().await {
            Ok(answer) => match answer.access_key {
                Some(key) => Ok(NewKey { id: key.access_key_id, secret: key.secret_access_key }),
                None => Err(Failure::incomplete(Operation::CreateAccessKey, "the answer holds no key")),
            },
            Err(error) => Err(Failure::from_sdk(Operation::CreateAccessKey, error)),
        })
        .await
    }

    /// Deletes an access key.
    pub async fn delete_access_key(&self, user: &str, id: &str) -> Result<(), Failure> {
        let answer = self.iam.delete_access_key().user_name(user).access_key_id(id).send().await;
        answer.map(drop).map_err(|e| Failure::from_sdk(Operation::DeleteAccessKey, e))
    }

    /// What IAM has just made, not all of its servers know at once.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency>
    async fn soon<T>(&self, attempt: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
        let sleep = self.iam.config().sleep_impl();
        let mut pause = FIRST_PAUSE;
        for _ in 1..LOOKS {
            let failure = match attempt().await {
                Err(failure) if failure.kind() == FailureKind::NotFound => failure,
                done => return done,
            };
            match &sleep {
                Some(sleep) => sleep.sleep(pause).await,
                None => return Err(failure),
            }
            pause *= 2;
        }
        attempt().await
    }
}

/// IAM gives policies back percent-encoded (RFC 3986).
fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Whether a role's trust policy lets this service take it. A text that is not JSON does not.
pub fn trusts_service(trust: &str, service: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<serde_json::Value>(trust) else { return false };
    let holds = |value: &serde_json::Value, wanted: &str| match value {
        serde_json::Value::String(text) => text == wanted,
        serde_json::Value::Array(list) => list.iter().any(|one| one == wanted),
        _ => false,
    };
    let allows = |statement: &serde_json::Value| {
        statement["Effect"] == "Allow"
            && holds(&statement["Principal"]["Service"], service)
            && (holds(&statement["Action"], "sts:AssumeRole") || holds(&statement["Action"], "sts:*"))
    };
    match &policy["Statement"] {
        serde_json::Value::Array(statements) => statements.iter().any(allows),
        one => allows(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_comes_back_as_it_was() {
        assert_eq!(
            decoded("%7B%22Version%22%3A%222012-10-17%22%2C%20%22a%2Bb%22+%7D"),
            r#"{"Version":"2012-10-17", "a+b"+}"#
        );
    }

    #[test]
    fn a_service_is_trusted_in_each_form() {
        let policy = |principal: &str, action: &str| {
            format!(r#"{{"Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": {action}}}]}}"#)
        };
        for (principal, action, want) in [
            (r#"{"Service": "ec2.amazonaws.com"}"#, r#""sts:AssumeRole""#, true),
            (r#"{"Service": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"]}"#, r#"["sts:AssumeRole"]"#, true),
            (r#"{"Service": "ecs-tasks.amazonaws.com"}"#, r#""sts:AssumeRole""#, false),
            (r#"{"AWS": "ec2.amazonaws.com"}"#, r#""sts:AssumeRole""#, false),
            (r#"{"Service": "ec2.amazonaws.com"}"#, r#""sts:TagSession""#, false),
        ] {
            let text = policy(principal, action);
            assert_eq!(trusts_service(&text, "ec2.amazonaws.com"), want, "{text}");
        }
        assert!(!trusts_service("not JSON", "ec2.amazonaws.com"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = NewKey { id: "AKIA1".to_owned(), secret: "hush/+".to_owned() };
        assert_eq!(format!("{key:?}"), "NewKey { id: \"AKIA1\", .. }");
    }
}
