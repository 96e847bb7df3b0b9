//! Broken AssumeRole policies.

use flex_policy::{
    AccountId, ChangeKind, Finding, RoleArn, Severity, assume_role_policy, check_assume_role_policy,
    fix_assume_role_policy, merge_assume_role_policy,
};

const ROLE: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901";

fn role() -> RoleArn {
    let account: AccountId = "012345678901".parse().expect("an account");
    RoleArn::copy_role(&AccountId::VENDOR, &account)
}

fn told(findings: &[Finding]) -> Vec<String> {
    let severity = |f: &Finding| if f.severity() == Severity::Error { "E" } else { "W" };
    findings.iter().map(|f| format!("{} {} {}", severity(f), f.code(), f.path())).collect()
}

fn one(action: &str, resource: &str, more: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": {action}, "Resource": {resource}{more}}}}}"#
    )
}

#[test]
fn faults_of_an_identitys_policy_are_found_and_mended() {
    let role_ = format!("\"{ROLE}\"");
    let good = assume_role_policy(&role()).to_string();
    let other = |old: &str, new: &str| one("\"sts:AssumeRole\"", &role_.replace(old, new), "");
    for (text, want) in [
        (good.clone(), vec![]),
        (one("[\"sts:*\"]", &format!("[{role_}]"), ""), vec![]),
        (one("\"*\"", "\"*\"", ""), vec![]),
        (one("\"sts:AssumeRole\"", "\"*\"", ""), vec!["W broad-role $.Statement.Resource"]),
        (other("461810399597", "461810399579"), vec!["E wrong-role $.Statement.Resource"]),
        (other("461810399597", "012345678901"), vec!["E wrong-role $.Statement.Resource"]),
        (other("_012345678901", "_012345678902"), vec!["E wrong-role $.Statement.Resource"]),
        (other("ForS3Copy", "ForS3copy"), vec!["E wrong-role $.Statement.Resource"]),
        (other("iam::", "iam:"), vec!["E wrong-role $.Statement.Resource"]),
        // Somebody else's, and left to them.
        (other(ROLE, "arn:aws:iam::012345678901:role/deploy"), vec!["E missing-statement $.Statement"]),
        (other("JeuServiceRoleForS3Copy_012345678901", "x"), vec!["E wrong-role $.Statement.Resource"]),
        (one("\"iam:PassRole\"", &role_, ""), vec!["E missing-action $.Statement.Action"]),
        (one("\"sts:AsumeRole\"", &role_, ""), vec!["E misspelt-action $.Statement.Action"]),
        (
            one("\"sts:AssumeRole\"", &role_, r#", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}"#),
            vec!["E condition-never-met $.Statement.Condition.StringEquals['sts:ExternalId']"],
        ),
        (
            one("\"sts:AssumeRole\"", &role_, r#", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#),
            vec!["W condition-may-fail $.Statement.Condition.Bool['aws:MultiFactorAuthPresent']"],
        ),
        (one("\"sts:AssumeRole\"", &role_, r#", "Principal": "*""#), vec!["E unknown-element $.Statement.Principal"]),
        (one("\"sts:AssumeRole\"", &role_, r#", "Sid": "a b""#), vec!["E bad-sid $.Statement.Sid"]),
        (one("\"s3:*\"", "\"*\"", ""), vec!["E missing-statement $.Statement"]),
        (good.replace("]\n}", "],\n}"), vec!["E invalid-json $"]),
    ] {
        let findings = check_assume_role_policy(&text, &role());
        assert_eq!(told(&findings), want, "{text}");
        let fixed = fix_assume_role_policy(&text, &role()).expect("readable");
        let mendable = !text.contains("\"Principal\"") && !text.contains("a b");
        let errors = fixed.remaining.iter().filter(|f| f.severity() == Severity::Error).count();
        assert!(errors == 0 || !mendable, "{text}: {:?} in {}", fixed.remaining, fixed.policy);
        assert!(!text.contains("role/deploy") || fixed.policy.contains("role/deploy"), "{}", fixed.policy);
    }
}

#[test]
fn a_deny_of_assuming_wins() {
    let good = assume_role_policy(&role()).to_string();
    let with = |rest: &str| good.replace("\n    }\n  ]", &format!("\n    }}, {{\"Effect\": \"Deny\", {rest}}}\n  ]"));
    for (rest, want) in [
        (r#""Action": "sts:*", "Resource": "*""#, vec!["E deny-wins $.Statement[1]"]),
        (
            r#""Action": "*", "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#,
            vec!["W deny-may-win $.Statement[1]"],
        ),
        (r#""Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#, vec![]),
        (r#""NotAction": "sts:AssumeRole", "Resource": "*""#, vec![]),
        (r#""Action": "sts:AssumeRole", "NotResource": "arn:aws:iam::*:role/Jeu*""#, vec![]),
    ] {
        assert_eq!(told(&check_assume_role_policy(&with(rest), &role())), want, "{rest}");
    }
}

#[test]
fn the_statement_is_added_once() {
    let foreign = r#"{ "Version":"2012-10-17", "Statement": { "Effect":"Allow","Action":"s3:*","Resource":"*" } }"#;
    let merged = merge_assume_role_policy(Some(foreign), &role()).expect("a policy");
    assert_eq!(merged.changes[0].kind, ChangeKind::Added);
    assert!(merged.policy.contains(r#"[{ "Effect":"Allow","Action":"s3:*","Resource":"*" },{"#), "{}", merged.policy);
    assert_eq!(told(&check_assume_role_policy(&merged.policy, &role())), Vec::<String>::new());
    let again = merge_assume_role_policy(Some(&merged.policy), &role()).expect("a policy");
    assert!(!again.changed() && again.changes[0].kind == ChangeKind::Unchanged);
}
