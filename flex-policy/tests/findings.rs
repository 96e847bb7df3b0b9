//! Broken bucket policies, one fault each: what is found, and that the fix mends it.

use flex_policy::{
    AccountId, BucketName, Finding, RoleArn, Severity, bucket_policy, check_bucket_policy, fix_bucket_policy,
};

const ROLE: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901";
const ACL: &str = r#""Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}"#;

fn role() -> RoleArn {
    let account: AccountId = "012345678901".parse().expect("an account");
    RoleArn::copy_role(&AccountId::VENDOR, &account)
}

fn bucket() -> BucketName {
    "my-flex-data".parse().expect("a name")
}

fn check(text: &str) -> Vec<Finding> {
    check_bucket_policy(text, &role(), &bucket())
}

fn good() -> String {
    bucket_policy(&role(), &bucket()).to_string()
}

/// `E code path` or `W code path`.
fn told(findings: &[Finding]) -> Vec<String> {
    let one = |f: &Finding| {
        let severity = if f.severity() == Severity::Error { "E" } else { "W" };
        format!("{severity} {} {}", f.code(), f.path())
    };
    findings.iter().map(one).collect()
}

/// The good policy with the n-th (from 0) of a text replaced.
fn with(n: usize, old: &str, new: &str) -> String {
    let good = good();
    let (at, _) = good.match_indices(old).nth(n).unwrap_or_else(|| panic!("{old} is not in the policy {n} times"));
    format!("{}{new}{}", &good[..at], &good[at + old.len()..])
}

/// A policy of these statements.
fn of(statements: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)
}

fn list() -> String {
    format!(
        r#"{{"Sid": "S3CopyStmtList", "Effect": "Allow", "Principal": {{"AWS": "{ROLE}"}}, "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::my-flex-data"}}"#
    )
}

fn put(condition: &str) -> String {
    format!(
        r#"{{"Sid": "S3CopyStmtPutObject", "Effect": "Allow", "Principal": {{"AWS": "{ROLE}"}},
        "Action": ["s3:PutObject", "s3:PutObjectAcl"], "Resource": "arn:aws:s3:::my-flex-data/*"{condition}}}"#
    )
}

fn and(extra: &str) -> String {
    of(&format!("{}, {}, {extra}", list(), put(&format!(", {ACL}"))))
}

#[test]
fn nothing_is_found_in_what_works() {
    let deny = |rest: &str| and(&format!(r#"{{"Effect": "Deny", "Principal": "*", {rest}}}"#));
    let all = r#""Action": "s3:*", "Resource": ["arn:aws:s3:::my-flex-data", "arn:aws:s3:::my-flex-data/*"]"#;
    for text in [
        good(),
        and(r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::012345678901:user/x"}, "Action": "s3:*",
              "Resource": "arn:aws:s3:::my-flex-data*"}"#),
        // Single strings for lists, another order, other letters: AWS does not mind.
        of(&format!("{}, {}", put(&format!(", {ACL}")).replace("s3:PutObject\"", "S3:putobject\""), list())),
        with(0, "2012-10-17", "2008-10-17"),
        of(&format!("{}, {}", list(), put(&format!(", {ACL}")).replace("StringEquals", "StringLike"))),
        deny(&format!(r#"{all}, "Condition": {{"Bool": {{"aws:SecureTransport": "false"}}}}"#)),
        deny(&format!(r#"{all}, "Condition": {{"NumericLessThan": {{"s3:TlsVersion": 1.2}}}}"#)),
        deny(r#""Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::my-flex-data/*""#),
        deny(&format!(r#"{all}, "Condition": {{"StringNotEquals": {{"aws:PrincipalArn": ["{ROLE}", "x"]}}}}"#)),
        and(r#"{"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::012345678901:root"}, "Action": "s3:*",
              "Resource": "arn:aws:s3:::my-flex-data/*"}"#),
        and(r#"{"Effect": "Deny", "Principal": "*", "NotAction": "s3:*", "Resource": "*"}"#),
        deny(&all.replace("\"Resource\"", "\"NotResource\"")),
        // As generators write them: words for true and false, empty Sids.
        deny(&format!(r#"{all}, "Condition": {{"Bool": {{"aws:SecureTransport": "False"}}}}"#)),
        with(0, "\"StringEquals\": {", "\"Bool\": {\"aws:SecureTransport\": \"True\"}, \"StringEquals\": {"),
        and(r#"{"Sid": "", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": "*"},
              {"Sid": "", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "*"}"#),
    ] {
        assert_eq!(told(&check(&text)), Vec::<String>::new(), "{text}");
    }
}

/// Each with one fault; the fix leaves no error.
#[test]
fn faults_are_found_and_mended() {
    let p = "$.Statement[0].Principal.AWS[0]";
    let e = |code: &str, path: &str| vec![format!("E {code} {path}")];
    let w = |code: &str, path: &str| vec![format!("W {code} {path}")];
    let mut wrong = Vec::new();
    let two = |a: Vec<String>, b: Vec<String>| [a, b].concat();
    for (what, text, want) in [
        ("account", with(0, "461810399597", "461810399579"), e("wrong-principal", p)),
        ("own account", with(0, "461810399597", "012345678901"), e("wrong-principal", p)),
        ("role name", with(0, "JeuServiceRoleForS3Copy", "JeuServiceRoleS3Copy"), e("wrong-principal", p)),
        ("subscriber", with(0, "_012345678901", "_012345678910"), e("wrong-principal", p)),
        ("lost zero", with(0, "_012345678901", "_12345678901"), e("wrong-principal", p)),
        ("user", with(0, ":role/", ":user/"), e("wrong-principal", p)),
        ("wildcard", with(0, "_012345678901", "_*"), e("wrong-principal", p)),
        ("root", with(0, ":role/JeuServiceRoleForS3Copy_012345678901", ":root"), w("broad-principal", p)),
        (
            "session",
            with(0, ROLE, "arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_012345678901/flex"),
            e("wrong-principal", p),
        ),
        ("somebody else", with(0, ROLE, "arn:aws:iam::012345678901:user/somebody"), e("wrong-principal", p)),
        ("dead", with(0, ROLE, "AROAJMQ4EXAMPLE7ABCDE"), e("dead-principal", p)),
        ("everybody", with(0, ROLE, "*"), e("public-principal", p)),
        (
            "everybody, bare",
            of(&format!(
                "{}, {}",
                list().replace(&format!(r#"{{"AWS": "{ROLE}"}}"#), "\"*\""),
                put(&format!(", {ACL}"))
            )),
            e("public-principal", "$.Statement[0].Principal"),
        ),
        (
            "no PutObjectAcl",
            with(0, "\"s3:PutObject\",\n        \"s3:PutObjectAcl\"", "\"s3:PutObject\""),
            e("missing-action", "$.Statement[1].Action"),
        ),
        (
            "PutObjectAcl alone",
            with(0, "\"s3:PutObject\",\n        \"s3:PutObjectAcl\"", "\"s3:PutObjectAcl\""),
            e("missing-action", "$.Statement[1].Action"),
        ),
        ("misspelt", with(0, "s3:PutObject\"", "s3:PutObjects\""), e("misspelt-action", "$.Statement[1].Action[0]")),
        ("an API call", with(0, "s3:ListBucket", "s3:ListObjectsV2"), e("misspelt-action", "$.Statement[0].Action")),
        ("another action", with(0, "s3:ListBucket", "s3:GetObject"), e("missing-action", "$.Statement[0].Action")),
        ("no list", of(&put(&format!(", {ACL}"))), e("missing-statement", "$.Statement")),
        ("no put", of(&list()), e("missing-statement", "$.Statement")),
        (
            "list on objects",
            with(0, "my-flex-data\"", "my-flex-data/*\""),
            e("wrong-resource", "$.Statement[0].Resource"),
        ),
        (
            "put on the bucket",
            with(0, ",\n        \"arn:aws:s3:::my-flex-data/*\"", ""),
            e("wrong-resource", "$.Statement[1].Resource"),
        ),
        ("a slash", with(0, "my-flex-data/*", "my-flex-data/"), e("wrong-resource", "$.Statement[1].Resource")),
        ("a prefix", with(0, "my-flex-data/*", "my-flex-data/2021/*"), w("narrow-resource", "$.Statement[1].Resource")),
        ("two colons", with(0, "arn:aws:s3:::", "arn:aws:s3::"), e("malformed-arn", "$.Statement[0].Resource[0]")),
        (
            "two colons for objects",
            with(2, "arn:aws:s3:::", "arn:aws:s3::"),
            e("malformed-arn", "$.Statement[1].Resource[1]"),
        ),
        (
            "a URL",
            with(0, "arn:aws:s3:::my-flex-data/*", "s3://my-flex-data/*"),
            e("malformed-arn", "$.Statement[1].Resource[1]"),
        ),
        (
            "a bare name",
            with(0, "arn:aws:s3:::my-flex-data\"", "my-flex-data\""),
            e("malformed-arn", "$.Statement[0].Resource[0]"),
        ),
        (
            "two colons, and the bucket alone",
            of(&format!(
                "{}, {}",
                list(),
                put(&format!(", {ACL}")).replace("arn:aws:s3:::my-flex-data/*", "arn:aws:s3::my-flex-data")
            )),
            two(e("malformed-arn", "$.Statement[1].Resource"), e("wrong-resource", "$.Statement[1].Resource")),
        ),
        (
            "another bucket",
            with(0, "my-flex-data\"", "my-flex-date\""),
            e("other-bucket", "$.Statement[0].Resource[0]"),
        ),
        (
            "the example's bucket",
            good().replace("my-flex-data", "your-bucket"),
            ["$.Statement[0].Resource[0]", "$.Statement[1].Resource[0]", "$.Statement[1].Resource[1]"]
                .map(|path| format!("E other-bucket {path}"))
                .to_vec(),
        ),
        ("no condition", of(&format!("{}, {}", list(), put(""))), w("missing-condition", "$.Statement[1]")),
        (
            "operator",
            with(0, "StringEquals", "StringNotEquals"),
            two(
                e("wrong-condition", "$.Statement[1].Condition.StringNotEquals['s3:x-amz-acl']"),
                w("missing-condition", "$.Statement[1]"),
            ),
        ),
        (
            "value",
            with(0, "bucket-owner-full-control", "bucket-owner-read"),
            e("wrong-condition", "$.Statement[1].Condition.StringEquals['s3:x-amz-acl']"),
        ),
        (
            "grant",
            with(0, "s3:x-amz-acl", "s3:x-amz-grant-full-control"),
            e("condition-never-met", "$.Statement[1].Condition.StringEquals['s3:x-amz-grant-full-control']"),
        ),
        (
            "one condition more",
            with(0, "\"StringEquals\": {", "\"Bool\": {\"aws:PrincipalIsAWSService\": true}, \"StringEquals\": {"),
            e("condition-never-met", "$.Statement[1].Condition.Bool['aws:PrincipalIsAWSService']"),
        ),
        (
            "a condition that may fail",
            with(0, "\"StringEquals\": {", "\"IpAddress\": {\"aws:SourceIp\": \"10.0.0.0/8\"}, \"StringEquals\": {"),
            w("condition-may-fail", "$.Statement[1].Condition.IpAddress['aws:SourceIp']"),
        ),
        (
            "no such operator",
            with(0, "StringEquals", "StringEqual"),
            two(
                e("unknown-element", "$.Statement[1].Condition.StringEqual"),
                w("condition-may-fail", "$.Statement[1].Condition.StringEqual['s3:x-amz-acl']"),
            ),
        ),
        ("version", with(0, "2012-10-17", "2012-10-07"), e("wrong-version", "$.Version")),
        (
            "effect",
            with(0, "Allow", "allow"),
            two(e("bad-effect", "$.Statement[0].Effect"), e("missing-statement", "$.Statement")),
        ),
        (
            "no effect",
            with(0, "\"Effect\": \"Allow\",\n      ", ""),
            two(e("missing-element", "$.Statement[0]"), e("missing-statement", "$.Statement")),
        ),
        ("Resources", with(0, "\"Resource\"", "\"Resources\""), e("unknown-element", "$.Statement[0].Resources")),
        (
            "duplicate",
            of(&format!("{}, {}, {}", list(), put(&format!(", {ACL}")), list())),
            e("duplicate-sid", "$.Statement[2].Sid"),
        ),
        ("trailing comma", with(0, "\"s3:PutObjectAcl\"", "\"s3:PutObjectAcl\","), e("invalid-json", "$")),
        ("smart quotes", with(0, "\"Version\"", "“Version”"), e("invalid-json", "$")),
        ("missing comma", with(0, "\"2012-10-17\",", "\"2012-10-17\""), e("invalid-json", "$")),
        ("nothing in it", "{}".to_owned(), e("missing-element", "$")),
        ("no statements", of(""), two(e("missing-statement", "$.Statement"), e("missing-statement", "$.Statement"))),
    ] {
        let found = told(&check(&text));
        let found: Vec<String> = match what {
            // These say more about the same place, in one breath.
            "Resources" => found.into_iter().filter(|f| f.contains("unknown-element")).collect(),
            _ => found,
        };
        if found != want {
            wrong.push(format!("{what}: found {found:#?}, expected {want:#?}"));
        }
        let fixed = fix_bucket_policy(&text, &role(), &bucket()).unwrap_or_else(|e| panic!("{what}: {e}"));
        // What restricts on purpose, perhaps, is told and left.
        let may_stay = ["narrow-resource", "condition-may-fail"];
        if let Some(left) = fixed.remaining.iter().find(|f| !may_stay.contains(&f.code())) {
            wrong.push(format!("{what}: {left} is left in {}", fixed.policy));
        }
        let errors: Vec<&Finding> = fixed.remaining.iter().filter(|f| f.severity() == Severity::Error).collect();
        if !errors.is_empty() {
            wrong.push(format!("{what}: {errors:?} in {}", fixed.policy));
        }
        assert_eq!(told(&check(&fixed.policy)), told(&fixed.remaining), "{what}");
        serde_json::from_str::<serde_json::Value>(&fixed.policy).unwrap_or_else(|e| panic!("{what}: {e}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_deny_is_judged_by_what_copies_are() {
    let all = r#""Resource": ["arn:aws:s3:::my-flex-data", "arn:aws:s3:::my-flex-data/*"]"#;
    let session = "arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_012345678901/flex";
    let if_ = |condition: &str| format!(r#""Principal": "*", "Action": "s3:*", {all}, "Condition": {{{condition}}}"#);
    for (rest, want) in [
        (format!(r#""Principal": "*", "Action": "s3:*", {all}"#), Some("E deny-wins")),
        (format!(r#""Principal": {{"AWS": "{ROLE}"}}, "Action": "s3:Put*", {all}"#), Some("E deny-wins")),
        (format!(r#""Principal": {{"AWS": "461810399597"}}, "Action": "s3:ListBucket", {all}"#), Some("E deny-wins")),
        (
            format!(r#""NotPrincipal": {{"AWS": "arn:aws:iam::012345678901:root"}}, "Action": "s3:*", {all}"#),
            Some("E deny-wins"),
        ),
        (format!(r#""NotPrincipal": {{"AWS": "{ROLE}"}}, "Action": "s3:*", {all}"#), Some("W deny-may-win")),
        (format!(r#""Principal": {{"AWS": "{session}"}}, "Action": "s3:*", {all}"#), Some("W deny-may-win")),
        (
            r#""Principal": "*", "NotAction": "s3:GetObject", "NotResource": "arn:aws:s3:::my-flex-data/x""#.into(),
            Some("E deny-wins"),
        ),
        (
            r#""Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::my-flex-data/2021/*""#.into(),
            Some("W deny-may-win"),
        ),
        (
            r#""Principal": "*", "Action": "s3:AbortMultipartUpload", "Resource": "arn:aws:s3:::my-flex-data/*""#
                .into(),
            Some("W deny-may-win"),
        ),
        (if_(r#""StringNotEquals": {"aws:PrincipalAccount": "012345678901"}"#), Some("E deny-wins")),
        (if_(r#""StringNotEquals": {"aws:SourceVpce": "vpce-1"}"#), Some("W deny-may-win")),
        (if_(r#""StringNotEquals": {"aws:PrincipalOrgID": "o-1"}"#), Some("W deny-may-win")),
        (if_(r#""Null": {"s3:x-amz-server-side-encryption": "true"}"#), Some("E deny-wins")),
        (if_(r#""Bool": {"aws:SecureTransport": "false"}"#), None),
        (if_(r#""StringEquals": {"s3:x-amz-acl": "public-read"}"#), None),
        (if_(r#""StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}"#), Some("E deny-wins")),
    ] {
        let text = and(&format!(r#"{{"Sid": "theirs", "Effect": "Deny", {rest}}}"#));
        let want: Vec<String> = want.iter().map(|want| format!("{want} $.Statement[2]")).collect();
        assert_eq!(told(&check(&text)), want, "{rest}");
        // Somebody else's Deny is theirs to change.
        let fixed = fix_bucket_policy(&text, &role(), &bucket()).expect("a policy");
        assert!(!fixed.changed() && told(&fixed.remaining) == want, "{rest}");
    }
}

#[test]
fn what_others_have_in_the_policy_is_told_and_left() {
    for (statement, want) in [
        (
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-flex-data/*"}"#,
            "W public-principal $.Statement[2].Principal",
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"AWS": "AIDAJQABLZS4A3QDU576Q"}, "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::my-flex-data/*"}"#,
            "W dead-principal $.Statement[2].Principal.AWS",
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::012345678901:root"}, "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::other/*"}"#,
            "E other-bucket $.Statement[2].Resource",
        ),
        (
            r#"{"Sid": "web", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::my-flex-data/*"}"#,
            "E public-principal $.Statement[2].Principal",
        ),
    ] {
        let text = and(statement);
        let findings = told(&check(&text));
        assert!(findings.contains(&want.to_owned()), "{findings:?} {statement}");
        let fixed = fix_bucket_policy(&text, &role(), &bucket()).expect("a policy");
        assert!(fixed.policy.contains(statement), "{statement} in {}", fixed.policy);
    }
    let everybody_of_an_endpoint = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::my-flex-data/*", "Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}}"#;
    assert_eq!(told(&check(&and(everybody_of_an_endpoint))), Vec::<String>::new());
}

/// As the manual's screenshot shows it, with its mistakes.
#[test]
fn the_manuals_screenshot_is_found_out() {
    let text = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Statement1",
            "Effect": "Allow",
            "Principal": "*",
            "Action": [
                "s3:ListBucket",
                "s3:PutObject",
                "s3:PutObjectAcl",
            ],
            "Resource": [
                "arn:aws:s3::my-flex-data",
                "arn:aws:s3::my-flex-data/*"
            ]
        }
    ]
}"#;
    let findings = check(text);
    assert_eq!(
        told(&findings),
        [
            "E invalid-json $",
            "E malformed-arn $.Statement[0].Resource[0]",
            "E malformed-arn $.Statement[0].Resource[1]",
            "E public-principal $.Statement[0].Principal",
        ]
    );
    assert_eq!(findings[0].to_string(), "not valid JSON at line 11, column 34: a comma after the last element");
    let fixed = fix_bucket_policy(text, &role(), &bucket()).expect("readable");
    assert_eq!(told(&fixed.remaining), Vec::<String>::new());
    let difference = fixed.difference();
    let gone: Vec<&str> = difference.lines().filter_map(|line| line.strip_prefix("- ")).map(str::trim).collect();
    let want = [
        "\"Principal\": \"*\",",
        "\"s3:ListBucket\",",
        "\"s3:PutObjectAcl\",",
        "\"arn:aws:s3::my-flex-data\",",
        "\"arn:aws:s3::my-flex-data/*\"",
    ];
    assert_eq!(gone, want, "{difference}");
    assert!(difference.contains("+             \"Condition\": {\"StringEquals\""), "{difference}");
    assert!(difference.contains("+             \"Sid\": \"S3CopyStmtList\""), "{difference}");
    assert!(fixed.policy.contains(r#""Principal": {"AWS": "arn:aws:iam::461810399597:role/"#), "{}", fixed.policy);
    assert!(fixed.policy.contains("\"Sid\": \"Statement1\""), "{}", fixed.policy);
    // In one line it is laid out to be read, all but the comma.
    let line: String = text.lines().map(str::trim).collect();
    let difference = fix_bucket_policy(&line, &role(), &bucket()).expect("readable").difference();
    let gone = difference.lines().filter(|line| line.starts_with("- ")).count();
    assert!((4..8).contains(&gone), "{difference}");
}

#[test]
fn a_text_that_cannot_be_read_is_one_finding() {
    for (text, message) in [
        ("", "not valid JSON at line 1, column 1: there is nothing"),
        ("{\n  \"Version\": 2012-10-17\n}", "not valid JSON at line 2, column 14: a number as JSON does not write it"),
        (
            "{\"Statement\": [",
            "not valid JSON at line 1, column 16: the text ends too early: [ of line 1 is not closed",
        ),
        ("[]", "not a policy: found a list, expected an object"),
        (r#"{"Statement": "x"}"#, "not a policy: found a string, expected a list of objects"),
        (r#"{"Statement": [1]}"#, "not a policy: found a number, expected an object"),
        (r#"{"Statement": [], "Statement": []}"#, "\"Statement\" occurs twice"),
    ] {
        let findings = check(text);
        assert_eq!(findings.iter().map(Finding::to_string).collect::<Vec<_>>(), [message], "{text}");
        assert_eq!(findings[0].severity(), Severity::Error);
        let fixed = fix_bucket_policy(text, &role(), &bucket());
        assert_eq!(fixed.is_ok(), text.is_empty(), "an empty text becomes the policy, others are left");
    }
}

#[test]
fn size_counts_in_bytes() {
    let filler = |n: usize| {
        and(&format!(
            r#"{{"Sid": "{}", "Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::012345678901:root"}}, "Action": "s3:Get*",
        "Resource": "arn:aws:s3:::my-flex-data/*"}}"#,
            "x".repeat(n)
        ))
    };
    let base = filler(0).len();
    assert_eq!(told(&check(&filler(20 * 1024 - base))), Vec::<String>::new());
    assert_eq!(told(&check(&filler(20 * 1024 - base + 1))), ["E too-large $"]);
}

#[test]
fn every_finding_says_problem_consequence_and_mend() {
    let texts = [
        with(0, "461810399597", "461810399579"),
        with(0, "s3:ListBucket", "s3:ListObjects"),
        with(0, "arn:aws:s3:::", "arn:aws:s3::"),
        with(0, "StringEquals", "StringNotEquals"),
        with(0, "\"Effect\"", "\"Efect\""),
        "{".to_owned(),
        of(""),
    ];
    for finding in texts.iter().flat_map(|text| check(text)) {
        let texts = [finding.to_string(), finding.consequence(), finding.mend()];
        assert!(texts.iter().all(|text| text.len() > 5 && !text.ends_with('.')), "{texts:?}");
        assert!(flex_policy::FindingKind::CODES.contains(&finding.code()), "{}", finding.code());
        assert!(finding.details().iter().all(|(name, _)| name.bytes().all(|b| b.is_ascii_lowercase())));
    }
}

#[test]
fn a_fix_changes_no_more_than_it_must() {
    let deny = r#"{"Sid": "theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::my-flex-data/*"}"#;
    let text = and(deny);
    // Their Deny stays an error; ours is mended by the one word all the same.
    let wrong = text.replacen("461810399597", "461810399579", 1);
    let fixed = fix_bucket_policy(&wrong, &role(), &bucket()).expect("a policy");
    assert_eq!(fixed.policy, text);
    assert_eq!(told(&fixed.remaining), ["E deny-wins $.Statement[2]"]);
    // Beside the right role the wrong one just goes.
    let wrong_role = ROLE.replace("012345678901", "012345678902");
    for both in [format!("[\"{ROLE}\", \"{wrong_role}\"]"), format!("[\"{wrong_role}\", \"{ROLE}\"]")] {
        let text = of(&format!("{}, {}", list().replace(&format!("\"{ROLE}\""), &both), put(&format!(", {ACL}"))));
        assert_eq!(check(&text).len(), 1, "{text}");
        let fixed = fix_bucket_policy(&text, &role(), &bucket()).expect("a policy");
        assert!(fixed.remaining.is_empty() && fixed.policy.contains(&format!("[\"{ROLE}\"]")), "{}", fixed.policy);
    }
}
