//! Reading a policy: what S3 and IAM refuse to store, in their words.

use serde_json::{Map, Value};

use super::actions::level;
use super::policy::{Among, Condition, Operator, Policy, Statement};

/// Condition keys that the sandbox knows. The last four are never in a request: loopback is in no VPC, and its accounts are
/// in no organization.
const KEYS: [&str; 14] = [
    "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption",
    "s3:x-amz-copy-source",
    "s3:x-amz-storage-class",
    "s3:prefix",
    "s3:delimiter",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:SecureTransport",
    "sts:RoleSessionName",
    "sts:ExternalId",
    "aws:SourceVpce",
    "aws:SourceVpc",
    "aws:PrincipalOrgID",
];

/// Why a policy cannot be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// AWS would call it malformed, with this message.
    Malformed(String),
    /// The sandbox cannot evaluate it.
    NotWritten(String),
}

fn malformed(message: impl Into<String>) -> Flaw {
    Flaw::Malformed(message.into())
}

/// What a policy is attached to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Bucket,
    Identity,
    /// A role, saying who may assume it.
    Trust,
    VpcEndpoint,
}

impl To {
    /// S3's words or IAM's.
    fn words(self, s3: &str, iam: &str) -> Flaw {
        malformed(if matches!(self, Self::Identity | Self::Trust) { iam } else { s3 })
    }
}

impl Policy {
    /// A policy attached to a bucket.
    pub(crate) fn of_bucket(json: &str, bucket: &str) -> Result<Self, Flaw> {
        let policy = parse(json, To::Bucket)?;
        let (own, inside) = (format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/"));
        for statement in &policy.statements {
            let Some(resources) = &statement.resources else { continue };
            if resources.values.iter().any(|r| *r != own && !r.starts_with(&inside)) {
                return Err(malformed("Policy has invalid resource"));
            }
            for action in &statement.actions.values {
                let level = level(action);
                if !level.bucket && !level.object {
                    return Err(malformed("Policy has invalid action"));
                }
                let applies = resources.values.iter().any(|r| if *r == own { level.bucket } else { level.object });
                if !applies && !resources.not && !statement.actions.not {
                    return Err(malformed("Action does not apply to any resource(s) in statement"));
                }
            }
        }
        Ok(policy)
    }

    /// A policy attached to a user or role.
    pub(crate) fn of_identity(json: &str) -> Result<Self, Flaw> {
        parse(json, To::Identity)
    }

    /// A role's trust policy.
    pub(crate) fn of_trust(json: &str) -> Result<Self, Flaw> {
        parse(json, To::Trust)
    }

    /// The policy of a VPC endpoint, through which requests pass.
    pub(crate) fn of_vpc_endpoint(json: &str) -> Result<Self, Flaw> {
        parse(json, To::VpcEndpoint)
    }
}

fn parse(json: &str, to: To) -> Result<Policy, Flaw> {
    let invalid = || match to {
        To::Identity => malformed("Syntax errors in policy."),
        _ => malformed("This policy contains invalid Json"),
    };
    let value: Value = serde_json::from_str(json).map_err(|_| invalid())?;
    let document = value.as_object().ok_or_else(|| {
        to.words("Policies must be valid JSON and the first byte must be '{'", "Syntax errors in policy.")
    })?;
    if let Some(unknown) = document.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
        return Err(to.words(&format!("Unknown field {unknown}"), "Syntax errors in policy."));
    }
    match document.get("Version").and_then(Value::as_str) {
        Some("2012-10-17" | "2008-10-17") => {}
        _ => return Err(to.words("The policy must contain a valid version string", "Syntax errors in policy.")),
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) if !all.is_empty() => all.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => return Err(to.words("Missing required field Statement", "Syntax errors in policy.")),
    };
    let statements = statements.into_iter().map(|s| statement(s, to)).collect::<Result<Vec<_>, _>>()?;
    let sids: Vec<_> = statements.iter().filter_map(|s| s.sid.as_deref()).collect();
    if sids.iter().enumerate().any(|(n, sid)| sids[..n].contains(sid)) {
        return Err(to.words(
            "Statement IDs (SID) in a single policy must be unique.",
            "Statement IDs (SID) in a single policy must be unique.",
        ));
    }
    Ok(Policy { statements })
}

fn statement(value: &Value, to: To) -> Result<Statement, Flaw> {
    let fields =
        value.as_object().ok_or_else(|| to.words("Statement must be an object", "Syntax errors in policy."))?;
    let known =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(to.words(&format!("Unknown field {unknown}"), "Syntax errors in policy."));
    }
    let allow = match fields.get("Effect").and_then(Value::as_str) {
        Some("Allow") => true,
        Some("Deny") => false,
        _ => return Err(to.words("Missing required field Effect", "Syntax errors in policy.")),
    };
    Ok(Statement {
        sid: sid(fields, to)?,
        allow,
        principals: principals(fields, allow, to)?,
        actions: actions(fields, to)?,
        resources: resources(fields, to)?,
        conditions: conditions(fields, to)?,
    })
}

fn sid(fields: &Map<String, Value>, to: To) -> Result<Option<String>, Flaw> {
    let Some(value) = fields.get("Sid") else { return Ok(None) };
    let sid = value.as_str().ok_or_else(|| to.words("Policy has an invalid Sid", "Syntax errors in policy."))?;
    // Bucket policies take spaces and more; IAM does not.
    if matches!(to, To::Identity | To::Trust) && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(malformed(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ));
    }
    Ok((!sid.is_empty()).then(|| sid.to_owned()))
}

/// The values of `name` or of `Not<name>`: None when there is neither.
fn among(fields: &Map<String, Value>, name: &str, to: To) -> Result<Option<Among>, Flaw> {
    let not = format!("Not{name}");
    let (not, value) = match (fields.get(name), fields.get(&not)) {
        (None, None) => return Ok(None),
        (Some(value), None) => (false, value),
        (None, Some(value)) => (true, value),
        (Some(_), Some(_)) => {
            return Err(to.words(&format!("Statement has both {name} and {not}"), "Syntax errors in policy."));
        }
    };
    let values = strings(value).filter(|values| !values.is_empty());
    let values =
        values.ok_or_else(|| to.words(&format!("Missing required field {name}"), "Syntax errors in policy."))?;
    Ok(Some(Among { not, values }))
}

fn actions(fields: &Map<String, Value>, to: To) -> Result<Among, Flaw> {
    let actions = among(fields, "Action", to)?;
    let actions =
        actions.ok_or_else(|| to.words("Missing required field Action", "Policy statement must contain actions."))?;
    for action in actions.values.iter().filter(|action| *action != "*") {
        let Some((vendor, _)) = action.split_once(':').filter(|(vendor, name)| !vendor.is_empty() && !name.is_empty())
        else {
            return Err(to.words(
                "Policy has invalid action",
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ));
        };
        let vendor = vendor.to_ascii_lowercase();
        match to {
            To::Bucket if vendor != "s3" => return Err(malformed("Policy has invalid action")),
            To::Trust if vendor != "sts" => {
                return Err(malformed("AssumeRole policy may only specify STS AssumeRole actions."));
            }
            _ => {}
        }
    }
    Ok(actions)
}

fn resources(fields: &Map<String, Value>, to: To) -> Result<Option<Among>, Flaw> {
    let resources = among(fields, "Resource", to)?;
    if to == To::Trust {
        return match resources {
            None => Ok(None),
            Some(_) => Err(malformed("Has prohibited field Resource")),
        };
    }
    let resources = resources
        .ok_or_else(|| to.words("Missing required field Resource", "Policy statement must contain resources."))?;
    if to == To::Identity {
        for resource in resources.values.iter().filter(|resource| *resource != "*") {
            let mut parts = resource.splitn(6, ':');
            if parts.next() != Some("arn") || parts.clone().count() < 5 {
                return Err(malformed(format!("Resource {resource} must be in ARN format or \"*\".")));
            }
            let partition = parts.next().unwrap_or_default();
            if !["aws", "aws-cn", "aws-us-gov", "*"].contains(&partition) {
                return Err(malformed(format!("Partition \"{partition}\" is not valid for resource \"{resource}\".")));
            }
        }
    }
    Ok(Some(resources))
}

fn conditions(fields: &Map<String, Value>, to: To) -> Result<Vec<Condition>, Flaw> {
    let Some(value) = fields.get("Condition") else { return Ok(Vec::new()) };
    let shape = || to.words("Condition must be an object", "Syntax errors in policy.");
    let mut conditions = Vec::new();
    for (name, keys) in value.as_object().ok_or_else(shape)? {
        let (operator, if_exists) = operator(name)?;
        for (key, values) in keys.as_object().ok_or_else(shape)? {
            let values = strings(values)
                .ok_or_else(|| to.words("Policy has an invalid condition value", "Syntax errors in policy."))?;
            let known = KEYS.iter().find(|known| known.eq_ignore_ascii_case(key));
            let key = known.ok_or_else(|| Flaw::NotWritten(format!("condition key {key}")))?.to_string();
            conditions.push(Condition { operator, if_exists, key, values });
        }
    }
    Ok(conditions)
}

fn operator(name: &str) -> Result<(Operator, bool), Flaw> {
    let (bare, if_exists) = match name.strip_suffix("IfExists") {
        Some(bare) => (bare, true),
        None => (name, false),
    };
    let operator = match bare {
        "StringEquals" => Operator::StringEquals,
        "StringNotEquals" => Operator::StringNotEquals,
        "StringLike" | "ArnLike" | "ArnEquals" => Operator::StringLike,
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => Operator::StringNotLike,
        "Bool" => Operator::Bool,
        "Null" if !if_exists => Operator::Null,
        _ => return Err(Flaw::NotWritten(format!("condition operator {name}"))),
    };
    Ok((operator, if_exists))
}

fn principals(fields: &Map<String, Value>, allow: bool, to: To) -> Result<Option<Among>, Flaw> {
    let (not, value) = match (fields.get("Principal"), fields.get("NotPrincipal")) {
        (None, None) if to == To::Identity => return Ok(None),
        (None, None) => return Err(malformed("Missing required field Principal")),
        _ if to == To::Identity => return Err(malformed("Policy document should not specify a principal.")),
        (Some(value), None) => (false, value),
        (None, Some(_)) if to == To::Trust || allow => {
            return Err(malformed("Allow with NotPrincipal is not allowed."));
        }
        (None, Some(value)) => (true, value),
        (Some(_), Some(_)) => return Err(malformed("Statement has both Principal and NotPrincipal")),
    };
    let values = match value {
        Value::String(all) if all == "*" => vec!["*".into()],
        Value::Object(kinds) => {
            let mut out = Vec::new();
            for (kind, values) in kinds {
                let values = strings(values).ok_or_else(|| malformed("Invalid principal in policy"))?;
                match kind.as_str() {
                    "AWS" => out.extend(values),
                    // A service principal is never one of the sandbox's callers.
                    "Service" => {}
                    "CanonicalUser" | "Federated" => return Err(Flaw::NotWritten(format!("principal of kind {kind}"))),
                    _ => return Err(malformed("Invalid principal in policy")),
                }
            }
            out
        }
        _ => return Err(malformed("Invalid policy syntax.")),
    };
    Ok(Some(Among { not, values }))
}

fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Bool(one) => Some(vec![one.to_string()]),
        Value::Array(all) => all.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
