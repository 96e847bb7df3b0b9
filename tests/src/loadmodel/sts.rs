//! AssumeRole and GetCallerIdentity, for whoever asks.

use std::time::SystemTime;

use chrono::{DateTime, TimeDelta, Utc};

use super::reply::{Reply, XML};

/// The subscriber's account.
const ACCOUNT: &str = "111122223333";

/// Answers a form.
pub(super) fn answer(form: &str) -> Reply {
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(form).unwrap_or_default();
    let field = |name: &str| fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let result = match field("Action") {
        Some("GetCallerIdentity") => format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{ACCOUNT}:user/load</Arn><UserId>AIDALOADMODEL</UserId><Account>{ACCOUNT}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
        Some("AssumeRole") => {
            let seconds = field("DurationSeconds").and_then(|text| text.parse().ok()).unwrap_or(3_600);
            let ends =
                (DateTime::<Utc>::from(SystemTime::now()) + TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ");
            let role =
                field("RoleArn").unwrap_or_default().replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
            let session = field("RoleSessionName").unwrap_or("load");
            format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
                 <AssumedRoleUser><Arn>{role}/{session}</Arn><AssumedRoleId>AROALOADMODEL:{session}</AssumedRoleId>\
                 </AssumedRoleUser><Credentials><AccessKeyId>ASIALOADMODEL0000000</AccessKeyId>\
                 <SecretAccessKey>load</SecretAccessKey><SessionToken>load</SessionToken><Expiration>{ends}</Expiration>\
                 </Credentials></AssumeRoleResult></AssumeRoleResponse>"
            )
        }
        _ => return Reply::error(400, "InvalidAction", "Only AssumeRole and GetCallerIdentity are known here."),
    };
    Reply::xml(format!("{XML}{result}"))
}
