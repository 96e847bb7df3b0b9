//! IAM policies as JSON says them, evaluated: for buckets, roles and users alike.
//!
//! Explicit Deny wins, then Allow, else nothing is said. Actions and resources match with `*` and `?`. What the sandbox
//! cannot judge (an operator or condition key that it does not know) is refused when the policy is stored, never guessed.

use serde_json::Value;

use super::identity::Principal;

/// What a request is, as far as policies can see.
pub(crate) struct Facts<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) action: &'a str,
    /// The resource's ARN.
    pub(crate) resource: &'a str,
    /// Condition keys and their values; a key that is not in the request is absent.
    pub(crate) keys: &'a [(&'a str, String)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Deny,
    Allow,
    Silent,
}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
struct Statement {
    allow: bool,
    /// None in a policy attached to an identity.
    principals: Option<Vec<String>>,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug)]
struct Condition {
    operator: Operator,
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    StringEquals,
    StringNotEquals,
    StringLike,
    StringNotLike,
    Bool,
    Null,
}

const KEYS: [&str; 8] = [
    "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-copy-source",
    "s3:x-amz-storage-class",
    "s3:prefix",
    "s3:delimiter",
    "aws:PrincipalArn",
    "aws:SecureTransport",
];

/// Why a policy cannot be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// S3 would say MalformedPolicy with this message.
    Malformed(String),
    /// The sandbox cannot evaluate it.
    NotWritten(String),
}

fn malformed(message: impl Into<String>) -> Flaw {
    Flaw::Malformed(message.into())
}

impl Policy {
    /// A policy attached to a bucket.
    pub(crate) fn of_bucket(json: &str, bucket: &str) -> Result<Self, Flaw> {
        let policy = Self::parse(json, true)?;
        let (own, inside) = (format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/"));
        for statement in &policy.statements {
            if statement.resources.iter().any(|r| *r != own && !r.starts_with(&inside)) {
                return Err(malformed("Policy has invalid resource"));
            }
            for action in &statement.actions {
                let applies = statement.resources.iter().any(|resource| match level(action) {
                    Level::Any => true,
                    Level::Bucket => *resource == own,
                    Level::Object => *resource != own,
                });
                if !applies {
                    return Err(malformed("Action does not apply to any resource(s) in statement"));
                }
            }
        }
        Ok(policy)
    }

    /// A policy attached to a user or role.
    pub(crate) fn of_identity(json: &Value) -> Self {
        match Self::parse(&json.to_string(), false) {
            Ok(policy) => policy,
            Err(flaw) => panic!("an identity's policy in the sandbox cannot be used: {flaw:?}"),
        }
    }

    fn parse(json: &str, of_bucket: bool) -> Result<Self, Flaw> {
        let value: Value = serde_json::from_str(json).map_err(|_| malformed("This policy contains invalid Json"))?;
        let document =
            value.as_object().ok_or_else(|| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
        if let Some(unknown) = document.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
            return Err(malformed(format!("Unknown field {unknown}")));
        }
        match document.get("Version").and_then(Value::as_str) {
            Some("2012-10-17" | "2008-10-17") => {}
            _ => return Err(malformed("The policy must contain a valid version string")),
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(all)) => all.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(malformed("Missing required field Statement")),
        };
        let statements =
            statements.into_iter().map(|s| Statement::parse(s, of_bucket)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { statements })
    }

    /// Every principal named, for the check that they exist.
    pub(crate) fn principals(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().filter_map(|s| s.principals.as_ref()).flatten().map(String::as_str)
    }

    /// Whether somebody unnamed is allowed anything: what Block Public Access refuses to store.
    pub(crate) fn is_public(&self) -> bool {
        self.statements.iter().any(|s| s.allow && s.principals.as_ref().is_some_and(|p| p.iter().any(|p| p == "*")))
    }

    pub(crate) fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let mut verdict = Verdict::Silent;
        for statement in &self.statements {
            if statement.applies(facts) {
                if !statement.allow {
                    return Verdict::Deny;
                }
                verdict = Verdict::Allow;
            }
        }
        verdict
    }
}

enum Level {
    Any,
    Bucket,
    Object,
}

fn level(action: &str) -> Level {
    let Some(name) = action.strip_prefix("s3:") else { return Level::Any };
    if name.contains(['*', '?']) {
        return Level::Any;
    }
    let bucket = name.contains("Bucket") || name.starts_with("List") && name != "ListMultipartUploadParts";
    if bucket { Level::Bucket } else { Level::Object }
}

impl Statement {
    fn parse(value: &Value, of_bucket: bool) -> Result<Self, Flaw> {
        let fields = value.as_object().ok_or_else(|| malformed("Statement must be an object"))?;
        let known = ["Sid", "Effect", "Principal", "Action", "Resource", "Condition"];
        for key in fields.keys() {
            if ["NotPrincipal", "NotAction", "NotResource"].contains(&key.as_str()) {
                return Err(Flaw::NotWritten(key.clone()));
            }
            if !known.contains(&key.as_str()) {
                return Err(malformed(format!("Unknown field {key}")));
            }
        }
        let allow = match fields.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(malformed("Missing required field Effect")),
        };
        let principals = match (of_bucket, fields.get("Principal")) {
            (true, Some(value)) => Some(principals(value)?),
            (true, None) => return Err(malformed("Missing required field Principal")),
            (false, None) => None,
            (false, Some(_)) => return Err(malformed("Policy document should not specify a principal")),
        };
        let actions = strings(fields.get("Action")).ok_or_else(|| malformed("Missing required field Action"))?;
        if actions.iter().any(|action| action != "*" && !action.contains(':')) {
            return Err(malformed("Policy has invalid action"));
        }
        let resources = strings(fields.get("Resource")).ok_or_else(|| malformed("Missing required field Resource"))?;
        let mut conditions = Vec::new();
        if let Some(value) = fields.get("Condition") {
            let operators = value.as_object().ok_or_else(|| malformed("Condition must be an object"))?;
            for (name, keys) in operators {
                let operator = Operator::parse(name)?;
                let keys = keys.as_object().ok_or_else(|| malformed("Condition must be an object"))?;
                for (key, values) in keys {
                    let values =
                        strings(Some(values)).ok_or_else(|| malformed("Policy has an invalid condition value"))?;
                    let known = KEYS.iter().find(|known| known.eq_ignore_ascii_case(key));
                    let key = known.ok_or_else(|| Flaw::NotWritten(format!("condition key {key}")))?.to_string();
                    conditions.push(Condition { operator, key, values });
                }
            }
        }
        Ok(Self { allow, principals, actions, resources, conditions })
    }

    fn applies(&self, facts: &Facts<'_>) -> bool {
        self.principals.as_ref().is_none_or(|all| all.iter().any(|p| names(p, facts.principal)))
            && self.actions.iter().any(|a| wild(a, facts.action))
            && self.resources.iter().any(|r| wild(r, facts.resource))
            && self.conditions.iter().all(|c| c.holds(facts))
    }
}

impl Operator {
    fn parse(name: &str) -> Result<Self, Flaw> {
        Ok(match name {
            "StringEquals" => Self::StringEquals,
            "StringNotEquals" => Self::StringNotEquals,
            "StringLike" | "ArnLike" | "ArnEquals" => Self::StringLike,
            "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Self::StringNotLike,
            "Bool" => Self::Bool,
            "Null" => Self::Null,
            other => return Err(Flaw::NotWritten(format!("condition operator {other}"))),
        })
    }
}

impl Condition {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let value = facts.keys.iter().find(|(key, _)| *key == self.key).map(|(_, value)| value.as_str());
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
}

fn principals(value: &Value) -> Result<Vec<String>, Flaw> {
    match value {
        Value::String(all) if all == "*" => Ok(vec!["*".into()]),
        Value::Object(kinds) => {
            let mut out = Vec::new();
            for (kind, values) in kinds {
                let values = strings(Some(values)).ok_or_else(|| malformed("Invalid principal in policy"))?;
                // A service principal is never one of the sandbox's callers.
                if kind == "AWS" {
                    out.extend(values);
                } else if kind != "Service" {
                    return Err(Flaw::NotWritten(format!("principal of kind {kind}")));
                }
            }
            Ok(out)
        }
        _ => Err(malformed("Invalid policy syntax.")),
    }
}

/// Whether a bucket policy's principal means this caller.
fn names(written: &str, principal: &Principal) -> bool {
    let account = principal.account();
    written == "*"
        || written == account
        || written == format!("arn:aws:iam::{account}:root")
        || written == principal.arn()
        || written == principal.iam_arn()
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Bool(one) => Some(vec![one.to_string()]),
        Value::Array(all) => all.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// `*` stands for any characters, `?` for one byte.
fn wild(pattern: &str, text: &str) -> bool {
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
        policy.judge(&Facts { principal: &principal, action, resource, keys })
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

    #[test]
    fn what_cannot_be_stored() {
        let statement = |rest: &str| {
            format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"1"}},{rest}}}]}}"#)
        };
        for (json, want) in [
            ("{".to_owned(), malformed("This policy contains invalid Json")),
            (
                statement(r#""Action":"s3:PutObject","Resource":"arn:aws:s3::b/*""#),
                malformed("Policy has invalid resource"),
            ),
            (
                statement(r#""Action":"s3:PutObject","Resource":"arn:aws:s3:::b""#),
                malformed("Action does not apply to any resource(s) in statement"),
            ),
            (
                statement(
                    r#""Action":"s3:PutObject","Resource":"arn:aws:s3:::b/*","Condition":{"DateLessThan":{"aws:CurrentTime":"x"}}"#,
                ),
                Flaw::NotWritten("condition operator DateLessThan".into()),
            ),
        ] {
            assert_eq!(Policy::of_bucket(&json, "b").map(|_| ()).expect_err("refused"), want, "{json}");
        }
    }
}
