//! Statements of others beside the copy role's: nothing that they give is taken for the role's, and no fix touches them.

use flex_policy::{
    AccountId, BucketName, Finding, RoleArn, Severity, bucket_policy, check_bucket_policy, check_bucket_policy_as_sent,
    fix_bucket_policy,
};

fn role() -> RoleArn {
    let account: AccountId = "012345678901".parse().expect("an account");
    RoleArn::copy_role(&AccountId::VENDOR, &account)
}

fn bucket() -> BucketName {
    "my-flex-data".parse().expect("a name")
}

/// The good policy's statements, without the brackets.
fn ours() -> String {
    let good = bucket_policy(&role(), &bucket()).to_string();
    let (start, end) = (good.find('[').expect("a list"), good.rfind(']').expect("a list"));
    good[start + 1..end].to_owned()
}

fn of(statements: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)
}

fn told(findings: &[Finding]) -> Vec<String> {
    let severity = |f: &Finding| if f.severity() == Severity::Error { "E" } else { "W" };
    findings.iter().map(|f| format!("{} {} {}", severity(f), f.code(), f.path())).collect()
}

/// For everybody of an organisation, say.
fn open(actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Sid": "team", "Effect": "Allow", "Principal": "*", "Action": {actions},
        "Resource": ["arn:aws:s3:::my-flex-data", "arn:aws:s3:::my-flex-data/*"], "Condition": {{{condition}}}}}"#
    )
}

#[test]
fn what_is_given_to_others_is_not_the_roles() {
    let org = r#""StringEquals": {"aws:PrincipalOrgID": "o-1"}"#;
    let tag = r#""StringEquals": {"aws:PrincipalTag/team": "x"}"#;
    let dead = r#"{"Effect": "Allow", "Principal": {"AWS": ["AROAJMQ4EXAMPLE7ABCDE", "arn:aws:iam::012345678901:user/x"]},
        "Action": "s3:PutObject", "Resource": "arn:aws:s3:::my-flex-data/*"}"#;
    for theirs in [
        open(r#""s3:*""#, org),
        open(r#"["s3:PutObject"]"#, org),
        open(r#"["s3:ListBucket", "s3:PutObject", "s3:PutObjectAcl"]"#, tag),
        dead.to_owned(),
    ] {
        let text = of(&theirs);
        let findings = check_bucket_policy(&text, &role(), &bucket());
        let missing = findings.iter().filter(|f| f.code() == "missing-statement").count();
        assert_eq!(missing, 2, "{:?} {theirs}", told(&findings));
        for text in [text, of(&format!("{},{theirs}", ours()))] {
            let fixed = fix_bucket_policy(&text, &role(), &bucket()).expect("a policy");
            assert!(fixed.policy.contains(&theirs), "{theirs} in {}", fixed.policy);
            assert!(fixed.remaining.iter().all(|f| f.severity() == Severity::Warning), "{:?}", fixed.remaining);
        }
    }
    // From the right network it may be the role's: that is told, and left.
    let network = open(
        r#"["s3:ListBucket", "s3:PutObject", "s3:PutObjectAcl"]"#,
        r#""StringEquals": {"aws:SourceVpce": "vpce-1"}"#,
    );
    let findings = check_bucket_policy(&of(&network), &role(), &bucket());
    assert_eq!(findings.iter().map(Finding::code).collect::<Vec<_>>(), ["condition-may-fail"]);
}

#[test]
fn a_second_subscriber_of_the_same_bucket_stays() {
    let theirs = ours().replace("012345678901", "999999999999").replace("S3CopyStmt", "Second");
    let text = of(&format!("{},{theirs}", ours()));
    let findings = told(&check_bucket_policy(&text, &role(), &bucket()));
    assert!(findings.iter().all(|finding| finding.starts_with("W wrong-principal")), "{findings:?}");
    assert!(!fix_bucket_policy(&text, &role(), &bucket()).expect("a policy").changed());
    // Alone it is what somebody mistyped.
    let findings = told(&check_bucket_policy(&of(&theirs), &role(), &bucket()));
    assert!(findings.iter().all(|finding| finding.starts_with("E wrong-principal")), "{findings:?}");
}

#[test]
fn a_deny_on_the_encryption_header_goes_by_what_is_sent() {
    for (condition, without, s3, kms) in [
        (r#""Null": {"s3:x-amz-server-side-encryption": "true"}"#, "E deny-wins", "", ""),
        (r#""StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}"#, "E deny-wins", "", "E deny-wins"),
        (r#""StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}"#, "E deny-wins", "E deny-wins", ""),
        // Without the header the bucket's own encryption holds.
        (
            r#""StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "AES256"}"#,
            "E deny-wins",
            "",
            "E deny-wins",
        ),
        (
            r#""Null": {"s3:x-amz-server-side-encryption": "false"},
               "StringNotEquals": {"s3:x-amz-server-side-encryption": "AES256"}"#,
            "",
            "",
            "E deny-wins",
        ),
        (
            r#""StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "k"}"#,
            "E deny-wins",
            "E deny-wins",
            "W deny-may-win",
        ),
    ] {
        let deny = format!(
            r#"{{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::my-flex-data/*", "Condition": {{{condition}}}}}"#
        );
        let text = of(&format!("{},{deny}", ours()));
        for (sent, want) in [(None, without), (Some("AES256"), s3), (Some("aws:kms"), kms)] {
            let found = told(&check_bucket_policy_as_sent(&text, &role(), &bucket(), sent));
            let want: Vec<String> =
                Some(want).filter(|w| !w.is_empty()).map(|w| format!("{w} $.Statement[2]")).into_iter().collect();
            assert_eq!(found, want, "{condition} {sent:?}");
        }
        // Nobody said what is sent.
        assert_eq!(
            told(&check_bucket_policy(&text, &role(), &bucket())),
            ["W deny-may-win $.Statement[2]"],
            "{condition}"
        );
    }
}
