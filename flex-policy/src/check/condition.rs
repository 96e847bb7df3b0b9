//! Whether the requests of a copy meet a condition.

use super::pattern::fits;
use super::view::Condition;
use crate::RoleArn;

/// A request that has to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    List,
    Put,
    Assume,
}

/// What is known of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// It depends on what only the request itself knows: the network, the time, an option.
    Unknown,
}

impl Answer {
    fn of(value: bool) -> Answer {
        if value { Answer::Yes } else { Answer::No }
    }

    /// Both.
    pub(super) fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
            _ => Answer::Yes,
        }
    }
}

/// What a request has for a condition key.
enum Held {
    Absent,
    /// One of these.
    Values(Vec<String>),
    Unknown,
}

/// The ACL that every copy is sent with.
pub(super) const OWNER_ACL: &str = "bucket-owner-full-control";

/// The condition key of the ACL.
pub(super) const ACL_KEY: &str = "s3:x-amz-acl";

/// The copies as they come to be judged.
pub(super) struct Context<'a> {
    pub(super) role: &'a RoleArn,
    pub(super) acl: &'a str,
    pub(super) sse: Sse<'a>,
}

/// The header of a copy that asks for an encryption.
#[derive(Clone, Copy)]
pub(super) enum Sse<'a> {
    Unknown,
    Absent,
    Sent(&'a str),
}

impl Context<'_> {
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>,
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>
    fn held(&self, request: Request, key: &str) -> Held {
        let one = |value: &str| Held::Values(vec![value.to_owned()]);
        let key = key.to_ascii_lowercase();
        match key.as_str() {
            "aws:securetransport" => one("true"),
            "aws:viaawsservice" | "aws:principalisawsservice" => one("false"),
            "aws:sourceaccount"
            | "aws:sourcearn"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
            | "aws:calledvia"
            | "aws:calledviafirst"
            | "aws:calledvialast"
            | "aws:principalservicename" => Held::Absent,
            "sts:externalid" => Held::Absent,
            _ if request == Request::Assume => match key.as_str() {
                "aws:resourceaccount" => one(self.role.account().as_str()),
                _ if key.starts_with("s3:") => Held::Absent,
                _ => Held::Unknown,
            },
            "aws:principalarn" => one(&self.role.to_string()),
            "aws:principalaccount" => one(self.role.account().as_str()),
            "aws:principaltype" => one("AssumedRole"),
            // Nobody types a code when the role is assumed.
            "aws:multifactorauthpresent" => one("false"),
            "aws:multifactorauthage" | "aws:username" | "aws:federatedprovider" => Held::Absent,
            "aws:resourceaccount" | "s3:resourceaccount" => match self.role.copy_role_subscriber() {
                Some(subscriber) => one(subscriber.as_str()),
                None => Held::Unknown,
            },
            "aws:requestedregion" => one(crate::HOME_REGION),
            "s3:authtype" => one("REST-HEADER"),
            "s3:signatureversion" => one("AWS4-HMAC-SHA256"),
            "s3:tlsversion" => Held::Values(vec!["1.2".to_owned(), "1.3".to_owned()]),
            "s3:versionid" => Held::Absent,
            ACL_KEY if request == Request::Put => one(self.acl),
            "s3:x-amz-server-side-encryption" if request == Request::Put => match self.sse {
                Sse::Unknown => Held::Unknown,
                Sse::Absent => Held::Absent,
                Sse::Sent(value) => one(value),
            },
            "s3:x-amz-server-side-encryption-aws-kms-key-id" if request == Request::Put => match self.sse {
                Sse::Absent | Sse::Sent("AES256") => Held::Absent,
                _ => Held::Unknown,
            },
            "s3:prefix" | "s3:delimiter" | "s3:max-keys" if request == Request::Put => Held::Absent,
            _ if key.starts_with("s3:x-amz-") && request == Request::List => Held::Absent,
            // Copies carry no grants, no tags, no locks and no key of the customer's own.
            "s3:x-amz-server-side-encryption-customer-algorithm" | "s3:x-amz-website-redirect-location" => Held::Absent,
            _ if key.starts_with("s3:x-amz-grant-") || key.starts_with("s3:requestobjecttag") => Held::Absent,
            _ if key.starts_with("s3:object-lock-") => Held::Absent,
            _ => Held::Unknown,
        }
    }

    /// Whether all of some conditions are met; none at all are.
    pub(super) fn meets_all(&self, request: Request, conditions: &[Condition<'_>]) -> Answer {
        conditions.iter().fold(Answer::Yes, |all, condition| all.and(self.meets(request, condition)))
    }

    /// Whether one condition is met.
    pub(super) fn meets(&self, request: Request, condition: &Condition<'_>) -> Answer {
        let Some(operator) = Operator::of(condition.operator) else { return Answer::Unknown };
        let held = self.held(request, condition.key);
        let wanted = &condition.values;
        if let Test::Null = operator.test {
            let is = |word: &str, absent: &str| Answer::of(absent.eq_ignore_ascii_case(word));
            let Some(absent) = wanted.first().filter(|_| wanted.len() == 1) else { return Answer::Unknown };
            return match held {
                Held::Absent => is("true", absent),
                Held::Values(_) => is("false", absent),
                Held::Unknown => Answer::Unknown,
            };
        }
        match held {
            Held::Unknown => Answer::Unknown,
            Held::Absent => {
                Answer::of(operator.if_exists || operator.for_all || (operator.negated && !operator.for_any))
            }
            Held::Values(values) => {
                let answers = values.iter().map(|value| operator.compare(value, wanted)).collect::<Option<Vec<_>>>();
                match answers.as_deref() {
                    Some([first, rest @ ..]) if rest.iter().all(|answer| answer == first) => Answer::of(*first),
                    _ => Answer::Unknown,
                }
            }
        }
    }
}

struct Operator {
    test: Test,
    negated: bool,
    if_exists: bool,
    for_all: bool,
    for_any: bool,
}

#[derive(Clone, Copy)]
enum Test {
    Exact,
    IgnoreCase,
    Like,
    Number(fn(f64, f64) -> bool),
    Null,
    /// Dates and addresses: no key of which the value is known here has one.
    Other,
}

impl Operator {
    fn of(text: &str) -> Option<Operator> {
        let (text, for_all, for_any) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (rest, true, false),
            Some(("ForAnyValue", rest)) => (rest, false, true),
            Some(_) => return None,
            None => (text, false, false),
        };
        let (text, if_exists) = text.strip_suffix("IfExists").map_or((text, false), |text| (text, true));
        let (test, negated) = match text {
            "StringEquals" | "BinaryEquals" => (Test::Exact, false),
            "Bool" => (Test::IgnoreCase, false),
            "StringNotEquals" => (Test::Exact, true),
            "StringEqualsIgnoreCase" => (Test::IgnoreCase, false),
            "StringNotEqualsIgnoreCase" => (Test::IgnoreCase, true),
            "StringLike" | "ArnLike" | "ArnEquals" => (Test::Like, false),
            "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (Test::Like, true),
            "NumericEquals" => (Test::Number(|a, b| a == b), false),
            "NumericNotEquals" => (Test::Number(|a, b| a == b), true),
            "NumericLessThan" => (Test::Number(|a, b| a < b), false),
            "NumericLessThanEquals" => (Test::Number(|a, b| a <= b), false),
            "NumericGreaterThan" => (Test::Number(|a, b| a > b), false),
            "NumericGreaterThanEquals" => (Test::Number(|a, b| a >= b), false),
            "Null" => (Test::Null, false),
            "IpAddress"
            | "DateEquals"
            | "DateLessThan"
            | "DateLessThanEquals"
            | "DateGreaterThan"
            | "DateGreaterThanEquals" => (Test::Other, false),
            "NotIpAddress" | "DateNotEquals" => (Test::Other, true),
            _ => return None,
        };
        Some(Operator { test, negated, if_exists, for_all, for_any })
    }

    fn compare(&self, value: &str, wanted: &[String]) -> Option<bool> {
        let test = |wanted: &String| {
            Some(match self.test {
                // A policy variable.
                _ if wanted.contains("${") => return None,
                Test::Exact => value == wanted,
                Test::IgnoreCase => value.eq_ignore_ascii_case(wanted),
                Test::Like => fits(wanted, value),
                Test::Number(test) => test(value.parse().ok()?, wanted.parse().ok()?),
                Test::Null | Test::Other => return None,
            })
        };
        let any = wanted.iter().map(test).collect::<Option<Vec<bool>>>()?.contains(&true);
        Some(any != self.negated)
    }
}

/// Whether IAM has such an operator.
pub(super) fn is_operator(text: &str) -> bool {
    Operator::of(text).is_some()
}

/// All operators without what may stand before and after them, for misspellings.
pub(super) const OPERATORS: [&str; 26] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "Bool",
    "BinaryEquals",
    "ArnLike",
    "ArnEquals",
    "ArnNotLike",
    "ArnNotEquals",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "Null",
    "IpAddress",
    "NotIpAddress",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateGreaterThan",
    "StringEqualsIfExists",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_judged_by_what_a_copy_sends() {
        use Answer::{No, Unknown, Yes};
        use Request::{Assume, List, Put};
        let role = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901".parse().expect("a role");
        let context = Context { role: &role, acl: OWNER_ACL, sse: Sse::Unknown };
        for (request, operator, key, values, want) in [
            (Put, "StringEquals", "s3:x-amz-acl", vec!["bucket-owner-full-control"], Yes),
            (Put, "StringEquals", "S3:X-Amz-Acl", vec!["private", "bucket-owner-full-control"], Yes),
            (Put, "StringNotEquals", "s3:x-amz-acl", vec!["bucket-owner-full-control"], No),
            (Put, "StringEquals", "s3:x-amz-acl", vec!["bucket-owner-read"], No),
            (Put, "StringLike", "s3:x-amz-acl", vec!["bucket-owner-*"], Yes),
            (Put, "Null", "s3:x-amz-acl", vec!["true"], No),
            (List, "StringEquals", "s3:x-amz-acl", vec!["bucket-owner-full-control"], No),
            (List, "StringNotEquals", "s3:x-amz-acl", vec!["x"], Yes),
            (List, "StringEqualsIfExists", "s3:x-amz-acl", vec!["x"], Yes),
            (Put, "StringEquals", "s3:x-amz-grant-full-control", vec!["id=1"], No),
            (Put, "ForAllValues:StringEquals", "s3:RequestObjectTagKeys", vec!["a"], Yes),
            (Put, "ForAnyValue:StringEquals", "s3:RequestObjectTagKeys", vec!["a"], No),
            (Put, "ForAnyValue:StringNotEquals", "s3:RequestObjectTagKeys", vec!["a"], No),
            (List, "Bool", "aws:SecureTransport", vec!["false"], No),
            (List, "Bool", "aws:SecureTransport", vec!["true"], Yes),
            (List, "Bool", "aws:SecureTransport", vec!["True"], Yes),
            (List, "Null", "s3:x-amz-acl", vec!["True"], Yes),
            (List, "NumericLessThan", "s3:TlsVersion", vec!["1.2"], No),
            (List, "NumericLessThan", "s3:TlsVersion", vec!["1.3"], Unknown),
            (List, "StringNotEquals", "aws:PrincipalAccount", vec!["012345678901"], Yes),
            (List, "ArnEquals", "aws:PrincipalArn", vec!["arn:aws:iam::461810399597:role/JeuService*"], Yes),
            (List, "StringEquals", "aws:SourceVpce", vec!["vpce-1"], Unknown),
            (List, "IpAddress", "aws:SourceIp", vec!["10.0.0.0/8"], Unknown),
            (Put, "StringNotEquals", "s3:x-amz-server-side-encryption", vec!["aws:kms"], Unknown),
            (List, "Null", "s3:x-amz-server-side-encryption", vec!["true"], Yes),
            (List, "BoolIfExists", "aws:MultiFactorAuthPresent", vec!["false"], Yes),
            (List, "StringEquals", "aws:PrincipalArn", vec!["${aws:userid}"], Unknown),
            (Assume, "Bool", "aws:MultiFactorAuthPresent", vec!["true"], Unknown),
            (Assume, "StringEquals", "sts:ExternalId", vec!["x"], No),
            (Assume, "StringEquals", "aws:ResourceAccount", vec!["461810399597"], Yes),
            (List, "StringEqual", "aws:PrincipalAccount", vec!["461810399597"], Unknown),
        ] {
            let values = values.into_iter().map(str::to_owned).collect();
            let condition = Condition { path: String::new(), operator, key, values };
            assert_eq!(context.meets(request, &condition), want, "{request:?} {operator} {key}");
        }
        assert_eq!(context.meets_all(List, &[]), Yes);
        assert!(OPERATORS.iter().all(|operator| is_operator(operator)));
    }
}
