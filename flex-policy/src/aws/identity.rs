//! Who may assume the copy role, as IAM itself works it out.

use aws_sdk_iam::{Client, types::PolicyEvaluationDecisionType};

use super::{Failure, Operation, Reading};
use crate::role::RoleArn;

/// What IAM's simulator says of an identity and `sts:AssumeRole` on the copy role. The role's trust is the vendor's
/// side, which it does not see.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MayAssume {
    /// Its policies allow it.
    Allowed,
    /// No policy allows it.
    NotAllowed,
    /// A policy denies it: a statement of its own, a permissions boundary or the organization's.
    ExplicitlyDenied {
        /// The policies, as IAM names them.
        by: Vec<String>,
        /// A service control policy stands in the way.
        organization: bool,
        /// A permissions boundary stands in the way.
        boundary: bool,
    },
    /// The account's root user, which can assume no role at all.
    RootUser,
}

/// Whether the policies of an identity let it assume the role: `iam:SimulatePrincipalPolicy`. `identity` is an ARN as
/// GetCallerIdentity gives it, of a user or of a role's session; absent when IAM does not know it.
pub async fn may_assume(iam: &Client, identity: &str, role: &RoleArn) -> Reading<MayAssume> {
    let source = match policy_source(identity) {
        Source::Root => return Reading::Known(MayAssume::RootUser),
        Source::Arn(arn) => arn,
        // A session's ARN lacks the role's path, which only IAM knows.
        Source::Session { arn, role } => match iam.get_role().role_name(&role).send().await {
            Ok(found) => found.role.map_or(arn, |role| role.arn),
            Err(_) => arn,
        },
    };
    let asked = iam.simulate_principal_policy().policy_source_arn(source);
    let answer = asked.action_names("sts:AssumeRole").resource_arns(role.to_string()).send().await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Reading::failed(Failure::from_sdk(Operation::SimulatePrincipalPolicy, error)),
    };
    let Some(result) = answer.evaluation_results().first() else {
        return Reading::Failed(Failure::incomplete(Operation::SimulatePrincipalPolicy, "the answer holds no result"));
    };
    let organization = result.organizations_decision_detail().is_some_and(|detail| !detail.allowed_by_organizations());
    let boundary =
        result.permissions_boundary_decision_detail().is_some_and(|detail| !detail.allowed_by_permissions_boundary());
    let by = result.matched_statements().iter().filter_map(|s| s.source_policy_id().map(str::to_owned));
    Reading::Known(match result.eval_decision() {
        PolicyEvaluationDecisionType::Allowed => MayAssume::Allowed,
        PolicyEvaluationDecisionType::ExplicitDeny => {
            MayAssume::ExplicitlyDenied { by: by.collect(), organization, boundary }
        }
        _ if organization || boundary => MayAssume::ExplicitlyDenied { by: Vec::new(), organization, boundary },
        _ => MayAssume::NotAllowed,
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Source {
    Root,
    Arn(String),
    Session { arn: String, role: String },
}

/// Whose policies an identity has: a session has its role's.
fn policy_source(identity: &str) -> Source {
    let fields: Vec<&str> = identity.splitn(6, ':').collect();
    match fields[..] {
        [_, _, "iam", _, _, "root"] => Source::Root,
        [arn, partition, "sts", _, account, session] => match session.split('/').collect::<Vec<_>>()[..] {
            ["assumed-role", role, ..] => {
                Source::Session { arn: format!("{arn}:{partition}:iam::{account}:role/{role}"), role: role.to_owned() }
            }
            _ => Source::Arn(identity.to_owned()),
        },
        _ => Source::Arn(identity.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_the_policies_of_its_role() {
        let arn = |text: &str| Source::Arn(text.to_owned());
        for (identity, want) in [
            ("arn:aws:iam::123456789012:user/a/flex-copy", arn("arn:aws:iam::123456789012:user/a/flex-copy")),
            ("arn:aws:iam::123456789012:root", Source::Root),
            (
                "arn:aws:sts::123456789012:assumed-role/TickUser/laptop",
                Source::Session {
                    arn: "arn:aws:iam::123456789012:role/TickUser".to_owned(),
                    role: "TickUser".to_owned(),
                },
            ),
            ("arn:aws:sts::123456789012:federated-user/x", arn("arn:aws:sts::123456789012:federated-user/x")),
        ] {
            assert_eq!(policy_source(identity), want, "{identity}");
        }
    }
}
