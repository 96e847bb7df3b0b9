use crate::bucket::BucketName;
use crate::names::{LIST_SID, PUT_SID};
use crate::role::RoleArn;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// A policy as the vendor's manual gives it. It prints as indented JSON in the manual's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyDocument {
    version: &'static str,
    statement: Vec<Statement>,
}

/// The fields in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Statement {
    #[serde(rename_all = "PascalCase")]
    OfBucket {
        sid: &'static str,
        effect: &'static str,
        principal: Principal,
        action: OneOrMany,
        resource: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        condition: Option<Condition>,
    },
    #[serde(rename_all = "PascalCase")]
    OfIdentity { action: OneOrMany, effect: &'static str, resource: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Principal {
    #[serde(rename = "AWS")]
    aws: Vec<String>,
}

/// IAM takes both; which one stands where is the manual's choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(&'static str),
    Many(Vec<&'static str>),
}

/// Operator, then key, then value.
pub(crate) type Condition = BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>;

const LANGUAGE_VERSION: &str = "2012-10-17";
const ALLOW: &str = "Allow";

/// The policy of the subscriber's bucket: the copy role may list it, and put objects of which the subscriber is the
/// owner.
pub fn bucket_policy(role: &RoleArn, bucket: &BucketName) -> PolicyDocument {
    let principal = Principal { aws: vec![role.to_string()] };
    let bucket = bucket.arn();
    let objects = format!("{bucket}/*");
    let owner_keeps_control = BTreeMap::from([("s3:x-amz-acl", "bucket-owner-full-control")]);
    let list = Statement::OfBucket {
        sid: LIST_SID,
        effect: ALLOW,
        principal: principal.clone(),
        action: OneOrMany::One("s3:ListBucket"),
        resource: vec![bucket.clone()],
        condition: None,
    };
    let put = Statement::OfBucket {
        sid: PUT_SID,
        effect: ALLOW,
        principal,
        action: OneOrMany::Many(vec!["s3:PutObject", "s3:PutObjectAcl"]),
        // The bucket itself does nothing for these actions, but the manual lists it.
        resource: vec![bucket, objects],
        condition: Some(BTreeMap::from([("StringEquals", owner_keeps_control)])),
    };
    PolicyDocument { version: LANGUAGE_VERSION, statement: vec![list, put] }
}

/// The policy of the subscriber's user: it may assume the copy role.
pub fn assume_role_policy(role: &RoleArn) -> PolicyDocument {
    let assume =
        Statement::OfIdentity { action: OneOrMany::One("sts:AssumeRole"), effect: ALLOW, resource: role.to_string() };
    PolicyDocument { version: LANGUAGE_VERSION, statement: vec![assume] }
}

impl PolicyDocument {
    /// Without white space, as a program puts it.
    pub fn on_one_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| self.to_string())
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statement
    }
}

impl Statement {
    pub(crate) fn actions(&self) -> Vec<&'static str> {
        let (Statement::OfBucket { action, .. } | Statement::OfIdentity { action, .. }) = self;
        match action {
            OneOrMany::One(action) => vec![action],
            OneOrMany::Many(actions) => actions.clone(),
        }
    }

    pub(crate) fn sid(&self) -> Option<&'static str> {
        match self {
            Statement::OfBucket { sid, .. } => Some(sid),
            Statement::OfIdentity { .. } => None,
        }
    }
}

impl fmt::Display for PolicyDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}
