//! IAM policies as JSON says them, evaluated: for buckets, users, roles and their trust, and VPC endpoints.
//!
//! Explicit Deny wins, then Allow, else nothing is said. Actions and resources match with `*` and `?`. What the sandbox
//! cannot judge (an operator or condition key that it does not know) is refused when the policy is stored (`grammar`), never
//! guessed.

use super::identity::Principal;

/// What a request is, as far as policies can see.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) action: &'a str,
    /// The resource's ARN.
    pub(crate) resource: &'a str,
    /// Condition keys and their values; a key that is not in the request is absent.
    pub(crate) keys: &'a [(&'a str, String)],
    /// The policy that the caller's session was narrowed with.
    pub(crate) session: Option<&'a Policy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Deny,
    Allow,
    Silent,
}

impl Verdict {
    /// What several policies say together.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deny, _) | (_, Self::Deny) => Self::Deny,
            (Self::Allow, _) | (_, Self::Allow) => Self::Allow,
            _ => Self::Silent,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// A policy and its text as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) text: String,
    pub(crate) policy: Policy,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) allow: bool,
    /// None in a policy attached to an identity.
    pub(super) principals: Option<Among>,
    pub(super) actions: Among,
    /// None in a trust policy.
    pub(super) resources: Option<Among>,
    pub(super) conditions: Vec<Condition>,
}

/// What an element and its `Not…` form name.
#[derive(Clone, Debug)]
pub(super) struct Among {
    pub(super) not: bool,
    pub(super) values: Vec<String>,
}

impl Among {
    fn covers(&self, test: impl Fn(&str) -> bool) -> bool {
        self.values.iter().any(|value| test(value)) != self.not
    }
}

#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) operator: Operator,
    /// `…IfExists`: a key that is absent lets the condition hold.
    pub(super) if_exists: bool,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    StringEquals,
    StringNotEquals,
    StringLike,
    StringNotLike,
    Bool,
    Null,
}

impl Policy {
    /// Every principal named, for the check that they exist.
    pub(crate) fn principals(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().filter_map(|s| s.principals.as_ref()).flat_map(|p| &p.values).map(String::as_str)
    }

    /// Whether somebody unnamed is allowed anything: what Block Public Access refuses to store.
    pub(crate) fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| {
            let unnamed = statement.principals.as_ref().is_some_and(|p| p.not || p.values.iter().any(|p| p == "*"));
            statement.allow && unnamed && !statement.conditions.iter().any(Condition::fixes_the_caller)
        })
    }

    pub(crate) fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let applying = self.statements.iter().filter(|statement| statement.applies(facts));
        applying.fold(Verdict::Silent, |verdict, statement| {
            verdict.and(if statement.allow { Verdict::Allow } else { Verdict::Deny })
        })
    }

    /// Whether a principal is named by itself, and not by its account or `*`.
    pub(crate) fn names_exactly(&self, principal: &Principal) -> bool {
        self.principals().any(|written| written == principal.iam_arn())
    }
}

impl Statement {
    fn applies(&self, facts: &Facts<'_>) -> bool {
        self.principals.as_ref().is_none_or(|all| all.covers(|p| names(p, facts.principal)))
            // Actions are written in any case.
            && self.actions.covers(|a| wild(&a.to_ascii_lowercase(), &facts.action.to_ascii_lowercase()))
            && self.resources.as_ref().is_none_or(|all| all.covers(|r| wild(r, facts.resource)))
            && self.conditions.iter().all(|c| c.holds(facts))
    }
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let value = facts.keys.iter().find(|(key, _)| *key == self.key).map(|(_, value)| value.as_str());
        if self.if_exists && value.is_none() {
            return true;
        }
        let any =
            |test: &dyn Fn(&str, &str) -> bool| value.is_some_and(|v| self.values.iter().any(|want| test(want, v)));
        match self.operator {
            Operator::StringEquals => any(&|want, v| want == v),
            Operator::StringNotEquals => !any(&|want, v| want == v),
            Operator::StringLike => any(&wild),
            Operator::StringNotLike => !any(&wild),
            Operator::Bool => any(&|want, v| want.eq_ignore_ascii_case(v)),
            Operator::Null => self.values.iter().any(|want| (want == "true") == value.is_none()),
        }
    }

    /// Whether it pins down who may call: such a statement is not public, whatever its principal.
    fn fixes_the_caller(&self) -> bool {
        let pins =
            ["aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:SourceVpce", "aws:SourceVpc"];
        let equals = matches!(self.operator, Operator::StringEquals | Operator::StringLike) && !self.if_exists;
        equals && pins.contains(&self.key.as_str()) && !self.values.iter().any(|value| value.contains(['*', '?']))
    }
}

/// Whether a policy's principal means this caller.
fn names(written: &str, principal: &Principal) -> bool {
    let account = principal.account();
    written == "*"
        || written == account
        || written == format!("arn:aws:iam::{account}:root")
        || written == principal.arn()
        || written == principal.iam_arn()
}

/// `*` stands for any characters, `?` for one byte.
pub(super) fn wild(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, want) in [
            ("*", "", true),
            ("s3:Get*", "s3:GetObject", true),
            ("s3:Get*", "s3:PutObject", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaybzb", true),
            ("*a*b", "xaybz", false),
        ] {
            assert_eq!(wild(pattern, text), want, "{pattern} {text}");
        }
    }

    fn judged(policy: &str, action: &str, resource: &str, keys: &[(&str, String)]) -> Verdict {
        let principal = Principal::Session { account: "1".into(), role: "r".into(), session: "s".into() };
        let policy = Policy::of_bucket(policy, "b").expect("the policy is well formed");
        policy.judge(&Facts { principal: &principal, action, resource, keys, session: None })
    }

    #[test]
    fn deny_wins_and_silence_is_not_consent() {
        let policy = r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:role/r"},"Action":"s3:*","Resource":["arn:aws:s3:::b/*"]},
            {"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::b/keep/*"}]}"#;
        assert_eq!(judged(policy, "s3:DeleteObject", "arn:aws:s3:::b/x", &[]), Verdict::Allow);
        assert_eq!(judged(policy, "s3:DeleteObject", "arn:aws:s3:::b/keep/x", &[]), Verdict::Deny);
        assert_eq!(judged(policy, "s3:ListBucket", "arn:aws:s3:::b", &[]), Verdict::Silent);
    }

    #[test]
    fn a_condition_on_a_missing_key_does_not_hold() {
        let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"1"},"Action":["s3:PutObject"],
            "Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"s3:x-amz-acl":["bucket-owner-full-control"]}}}}"#;
        let put = |acl: Option<&str>| {
            let keys: Vec<_> = acl.map(|acl| ("s3:x-amz-acl", acl.to_owned())).into_iter().collect();
            judged(policy, "s3:PutObject", "arn:aws:s3:::b/x", &keys)
        };
        assert_eq!(put(None), Verdict::Silent);
        assert_eq!(put(Some("private")), Verdict::Silent);
        assert_eq!(put(Some("bucket-owner-full-control")), Verdict::Allow);
    }
}
