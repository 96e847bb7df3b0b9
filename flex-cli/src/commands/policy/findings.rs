//! Findings as people and programs see them. The texts are the catalogue's.

use flex_policy::{BucketName, Finding, RoleArn, Severity, check_bucket_policy_as_sent};
use serde::Serialize;

use crate::{
    language::{Language, Message, msg},
    present::{Colour, Ui, safe, size},
};

#[derive(Serialize)]
struct Line<'a> {
    severity: &'a str,
    code: &'a str,
    path: &'a str,
    problem: String,
    breaks: String,
    mend: String,
    details: serde_json::Map<String, serde_json::Value>,
}

/// Shows a finding: in words, or as an event. `aside`: standard output is for something else.
pub(super) fn show(ui: &mut Ui, finding: &Finding, aside: bool) {
    let told = texts(finding);
    if ui.json {
        let [problem, breaks, mend] = told.map(|message| message.text(Language::English));
        let details = finding.details().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let (severity, code, path) = (finding.severity().as_str(), finding.code(), finding.path());
        return ui.event("finding", Line { severity, code, path, problem, breaks, mend, details });
    }
    let (word, colour) = match finding.severity() {
        Severity::Error => (msg!("policy-error"), Colour::Red),
        Severity::Warning => (msg!("policy-warning"), Colour::Yellow),
    };
    let word = word.text(ui.language);
    let word = if aside { word } else { ui.paint(colour, word) };
    let [problem, breaks, mend] = told.map(|message| message.text(ui.language));
    let (so, to_mend) = (msg!("policy-breaks").text(ui.language), msg!("to-mend").text(ui.language));
    let for_terminal = if aside { ui.err_is_terminal } else { ui.out_is_terminal };
    let safe = |text: &str| safe::line(text, for_terminal).into_owned();
    for line in [
        format!("{word} {}: {}", safe(finding.path()), safe(&problem)),
        format!("  {so} {}", safe(&breaks)),
        format!("  {to_mend} {}", safe(&mend)),
    ] {
        if aside { ui.say(line) } else { ui.line(line) }
    }
}

/// A Deny of copies that ask for no encryption: those that do are let through.
pub(super) fn encryption(
    ui: &mut Ui,
    found: &[Finding],
    policy: &str,
    role: &RoleArn,
    bucket: &BucketName,
    aside: bool,
) {
    let denies = |found: &[Finding]| found.iter().filter(|finding| finding.code() == "deny-wins").count();
    let encrypted = check_bucket_policy_as_sent(policy, role, bucket, Some(super::AES256));
    if ui.json || denies(&encrypted) >= denies(found) {
        return;
    }
    let or = msg!("doctor-or").text(ui.language);
    let line = format!("  {or} {}", msg!("doctor-mend-sse").text(ui.language));
    if aside { ui.say(line) } else { ui.line(line) }
}

/// A change, line by line.
pub(super) fn difference(ui: &mut Ui, difference: &str) {
    for line in difference.lines() {
        let text = ui.safe(line).into_owned();
        let text = match line.as_bytes().first() {
            Some(b'+') => ui.paint(Colour::Green, text),
            Some(b'-') => ui.paint(Colour::Red, text),
            _ => text,
        };
        ui.line(text);
    }
}

/// The errors, and the warnings.
pub(super) fn count(findings: &[Finding]) -> (usize, usize) {
    let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    (errors, findings.len() - errors)
}

/// The same in words, for JSON.
pub(super) fn reasons(errors: usize, warnings: usize) -> Vec<String> {
    let mut reasons = vec![size::count(errors as u64, "error", "errors")];
    if warnings > 0 {
        reasons.push(size::count(warnings as u64, "warning", "warnings"));
    }
    reasons
}

/// The last line for people.
pub(super) fn result(ui: &Ui, errors: usize, warnings: usize) -> String {
    let (message, colour) = match (errors, warnings) {
        (0, 0) => (msg!("policy-nothing"), Colour::Green),
        (0, _) => (msg!("policy-warned", warnings = warnings), Colour::Yellow),
        _ => (msg!("policy-found", errors = errors, warnings = warnings), Colour::Red),
    };
    ui.paint(colour, message.text(ui.language))
}

/// What is wrong, what it does, what to do.
pub(crate) fn texts(finding: &Finding) -> [Message; 3] {
    let details = finding.details();
    let detail = |name: &str| details.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str());
    let mut ids = ids(finding.code());
    if finding.code() == "unknown-element" && detail("meant").is_empty() {
        ids[2] = "policy-unknown-element-remove";
    }
    // What cannot be done without the action, for the texts that differ by it.
    let actions = format!("{}{}", detail("action"), detail("actions"));
    let deed = match actions.as_str() {
        "s3:ListBucket" => "list",
        "sts:AssumeRole" => "assume",
        _ if finding.code() == "wrong-role" => "assume",
        _ => "put",
    };
    ids.map(|id| {
        let message = Message::new(id).with("deed", deed);
        details.iter().fold(message, |message, (name, value)| message.with(name, value))
    })
}

fn ids(code: &str) -> [&'static str; 3] {
    let malformed = "policy-malformed-breaks";
    let not_allowed = "policy-not-allowed-breaks";
    match code {
        "invalid-json" => ["policy-invalid-json-problem", "policy-invalid-json-breaks", "policy-invalid-json-mend"],
        "not-a-policy" => ["policy-not-a-policy-problem", "policy-invalid-json-breaks", "policy-not-a-policy-mend"],
        "unknown-element" => ["policy-unknown-element-problem", malformed, "policy-unknown-element-mend"],
        "missing-element" => ["policy-missing-element-problem", malformed, "policy-missing-element-mend"],
        "wrong-form" => ["policy-wrong-form-problem", malformed, "policy-wrong-form-mend"],
        "duplicate-key" => ["policy-duplicate-key-problem", "policy-duplicate-key-breaks", "policy-duplicate-key-mend"],
        "duplicate-sid" => ["policy-duplicate-sid-problem", malformed, "policy-duplicate-sid-mend"],
        "bad-sid" => ["policy-bad-sid-problem", malformed, "policy-bad-sid-mend"],
        "bad-effect" => ["policy-bad-effect-problem", malformed, "policy-bad-effect-mend"],
        "wrong-version" => ["policy-wrong-version-problem", malformed, "policy-wrong-version-mend"],
        "too-large" => ["policy-too-large-problem", "policy-too-large-breaks", "policy-too-large-mend"],
        "missing-statement" => ["policy-missing-statement-problem", not_allowed, "policy-missing-statement-mend"],
        "missing-action" => ["policy-missing-action-problem", not_allowed, "policy-missing-action-mend"],
        "misspelt-action" => {
            ["policy-misspelt-action-problem", "policy-misspelt-action-breaks", "policy-misspelt-action-mend"]
        }
        "wrong-principal" => {
            ["policy-wrong-principal-problem", "policy-wrong-principal-breaks", "policy-wrong-principal-mend"]
        }
        "public-principal" => {
            ["policy-public-principal-problem", "policy-public-principal-breaks", "policy-public-principal-mend"]
        }
        "broad-principal" => {
            ["policy-broad-principal-problem", "policy-broad-principal-breaks", "policy-broad-principal-mend"]
        }
        "dead-principal" => {
            ["policy-dead-principal-problem", "policy-dead-principal-breaks", "policy-dead-principal-mend"]
        }
        "malformed-arn" => ["policy-malformed-arn-problem", "policy-resource-breaks", "policy-malformed-arn-mend"],
        "other-bucket" => ["policy-other-bucket-problem", "policy-resource-breaks", "policy-other-bucket-mend"],
        "wrong-resource" => ["policy-wrong-resource-problem", not_allowed, "policy-wrong-resource-mend"],
        "narrow-resource" => {
            ["policy-narrow-resource-problem", "policy-narrow-resource-breaks", "policy-narrow-resource-mend"]
        }
        "missing-condition" => {
            ["policy-missing-condition-problem", "policy-missing-condition-breaks", "policy-missing-condition-mend"]
        }
        "wrong-condition" => {
            ["policy-wrong-condition-problem", "policy-wrong-condition-breaks", "policy-wrong-condition-mend"]
        }
        "condition-never-met" => ["policy-condition-never-met-problem", not_allowed, "policy-condition-never-met-mend"],
        "condition-may-fail" => {
            ["policy-condition-may-fail-problem", "policy-condition-may-fail-breaks", "policy-condition-may-fail-mend"]
        }
        "deny-wins" => ["policy-deny-wins-problem", "policy-deny-wins-breaks", "policy-deny-wins-mend"],
        "deny-may-win" => ["policy-deny-may-win-problem", "policy-deny-may-win-breaks", "policy-deny-may-win-mend"],
        "wrong-role" => ["policy-wrong-role-problem", not_allowed, "policy-wrong-role-mend"],
        "broad-role" => ["policy-broad-role-problem", "policy-broad-role-breaks", "policy-broad-role-mend"],
        // A kind that this table does not know yet is at least named.
        _ => ["policy-error", malformed, "policy-mend-by-hand"],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use flex_policy::{FindingKind, check_assume_role_policy, check_bucket_policy};

    use super::*;

    const ROLE: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012";

    fn every_kind() -> Vec<Finding> {
        let role: RoleArn = ROLE.parse().expect("a role");
        let bucket = "my-bucket".parse().expect("a name");
        let one = |principal: &str, action: &str, resource: &str, more: &str| {
            format!(
                r#"{{"Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": {action}, "Resource": "{resource}"{more}}}]}}"#
            )
        };
        let (aws, put) = (format!(r#"{{"AWS": "{ROLE}"}}"#), r#"["s3:PutObject", "s3:PutObjectAcl"]"#);
        let (list, objects) = ("\"s3:ListBucket\"", "arn:aws:s3:::my-bucket/*");
        let condition = |text: &str| format!(r#", "Condition": {{{text}}}"#);
        let texts = [
            "{".to_owned(),
            "[]".to_owned(),
            r#"{"Version": "x", "Statement": [{"Sid": "a"}, {"Sid": "a", "Sid": "a", "Effect": "x", "Action": 1, "y": 1}]}"#.to_owned(),
            "\u{20}".repeat(21_000) + "{\"Statement\": []}",
            one(&aws, "[\"s3:PutObject\"]", "arn:aws:s3:::my-bucket", ""),
            one(&aws, "\"s3:ListObjects\"", "arn:aws:s3::my-bucket", ""),
            one(&aws.replace("4618", "4619"), put, "arn:aws:s3:::other/*", ""),
            one("\"*\"", put, objects, ""),
            one(r#"{"AWS": ["461810399597", "AROAJMQ4EXAMPLE7ABCDE"]}"#, list, objects, ""),
            one(&aws, put, "arn:aws:s3:::my-bucket/2021/*", ""),
            one(&aws, put, objects, ""),
            one(&aws, put, objects, &condition(r#""StringEquals": {"s3:x-amz-acl": "private"}"#)),
            one(&aws, put, objects, &condition(r#""StringEquals": {"s3:x-amz-grant-read": "x"}"#)),
            one(&aws, put, objects, &condition(r#""StringEquals": {"aws:SourceVpce": "x"}"#)),
            one(&aws, put, objects, "").replace("Allow", "Deny"),
            one(&aws, put, "arn:aws:s3:::my-bucket/2021/*", "").replace("Allow", "Deny"),
        ];
        let mut found: Vec<Finding> = texts.iter().flat_map(|text| check_bucket_policy(text, &role, &bucket)).collect();
        let assume = |resource: &str| {
            format!(
                r#"{{"Statement": {{"Sid": "a b", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "{resource}"}}}}"#
            )
        };
        for text in [assume("*"), assume(&ROLE.replace("12345", "54321"))] {
            found.extend(check_assume_role_policy(&text, &role));
        }
        found
    }

    #[test]
    fn every_kind_is_told_in_both_languages() {
        let found = every_kind();
        let codes: BTreeSet<&str> = found.iter().map(Finding::code).collect();
        assert_eq!(codes, FindingKind::CODES.into_iter().collect(), "each kind has an example here");
        for finding in &found {
            for language in [Language::English, Language::Japanese] {
                for text in texts(finding).map(|message| message.text(language)) {
                    // Fluent shows a place without a value by its name, and a message that is not there by its id.
                    assert!(!text.contains("{$") && !text.starts_with("policy-"), "{}: {text}", finding.code());
                }
            }
            assert_ne!(ids(finding.code())[0], "policy-error", "{}", finding.code());
        }
    }
}
