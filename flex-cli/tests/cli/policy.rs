//! flex policy, as a user runs it.

use std::{io::Write as _, process::Stdio};

use flex_tests::sandbox::{FlexSeed, Identity, SUBSCRIBER, Sandbox, World, manual_policy};
use serde_json::{Value, json};

use crate::support::{BUCKET, Machine, Run, Subscriber, date};

const ROLE: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012";
const FOREIGN: &str = r#"{"Sid":"logs // do not touch","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::my-bucket\/*"}"#;

/// With an owner identity beside the copying user's.
async fn owner() -> Subscriber {
    let mut user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 2)).await;
    let config = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", config);
    user.machine.set("FLEX_OWNER_PROFILE", "owner").set("LANG", "C");
    user.world.forget_requests();
    user
}

/// A machine that nobody gave an identity.
fn nobody() -> Machine {
    let mut machine = Machine::bare();
    machine.set("FLEX_ACCOUNT", SUBSCRIBER).set("FLEX_BUCKET", BUCKET).set("LANG", "C");
    machine
}

fn fed(machine: &Machine, arguments: &[&str], input: &str) -> Run {
    let mut child = machine.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Run::of(arguments, child.wait_with_output().unwrap())
}

fn findings(run: &Run) -> Vec<(String, String, String)> {
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let found = run.events().into_iter().filter(|event| event["event"] == "finding");
    found.map(|event| (text(&event, "severity"), text(&event, "code"), text(&event, "path"))).collect()
}

fn puts(world: &World) -> u64 {
    world.count("PutBucketPolicy")
}

#[test]
fn policies_are_printed_in_every_format() {
    let machine = nobody();
    for (format, bucket, identity) in [
        ("json", "\"s3:x-amz-acl\"", "\"sts:AssumeRole\""),
        ("cloudformation", "AWS::S3::BucketPolicy", "AWS::IAM::ManagedPolicy"),
        ("terraform", "aws_s3_bucket_policy", "aws_iam_policy"),
        ("aws-cli", "aws s3api put-bucket-policy", "aws iam create-policy"),
    ] {
        for (which, part) in [("bucket", bucket), ("assume-role", identity)] {
            let run = machine.flex(&["policy", which, "--format", format]).expect(0).prints(&[part, ROLE]);
            assert!(run.err.is_empty(), "{run}");
            let line = machine.flex(&["policy", which, "--format", format, "--json"]).expect(0).events().remove(0);
            assert_eq!((&line["event"], &line["format"]), (&json!("policy"), &json!(format)));
            assert_eq!(line["document"]["Version"], "2012-10-17");
            assert_eq!(line["text"].is_string(), format != "json");
        }
    }
    machine.flex(&["policy", "bucket", "--format", "yaml"]).expect(2).says(&["cloudformation", "aws-cli"]);
}

#[tokio::test]
async fn the_buckets_policy_is_checked() {
    let user = owner().await;
    user.flex(&["policy", "check"]).expect(0).prints(&["nothing found"]);
    let good = manual_policy(BUCKET);
    for (old, new, code, path) in [
        ("_123456789012", "_123456789021", "wrong-principal", "$.Statement[0].Principal.AWS[0]"),
        ("s3:PutObjectAcl", "s3:GetObjectAcl", "missing-action", "$.Statement[1].Action"),
        ("s3:ListBucket", "s3:ListBucketVersions", "missing-action", "$.Statement[0].Action"),
        ("my-bucket/*", "my-bucket/", "wrong-resource", "$.Statement[1].Resource"),
        (
            "StringEquals",
            "StringNotEquals",
            "wrong-condition",
            "$.Statement[1].Condition.StringNotEquals['s3:x-amz-acl']",
        ),
        ("\"Allow\"", "\"Deny\"", "deny-wins", "$.Statement[0]"),
    ] {
        let broken = good.replacen(old, new, 1);
        assert_ne!(broken, good);
        user.world.put_bucket_policy(BUCKET, &broken);
        let run = user.flex(&["policy", "check", "--json"]).expect(1);
        assert!(findings(&run).contains(&("error".into(), code.into(), path.into())), "{code}\n{run}");
        let summary = run.summary();
        assert_eq!(
            (&summary["command"], &summary["checked"], &summary["role"]),
            (&json!("policy check"), &json!(BUCKET), &json!(ROLE))
        );
        user.flex(&["policy", "check"]).expect(1).prints(&[path, "so: ", "to mend: "]);
    }
    assert_eq!(puts(&user.world), 0, "a check changes nothing");

    user.world.delete_bucket_policy(BUCKET);
    let run =
        user.flex(&["policy", "check"]).expect(1).prints(&["has no policy", "s3:ListBucket", "flex policy apply"]);
    assert!(run.out.contains("errors: 2,"), "{run}");
}

#[test]
fn a_file_is_checked_without_any_identity() {
    let machine = nobody();
    let text = manual_policy(BUCKET).replacen("\"s3:PutObjectAcl\"", "\"s3:PutObjectAcl\",", 1);
    machine.file("policy.json", &text);
    for arguments in [&["policy", "check", "--file", "policy.json"][..], &["policy", "check", "--file", "-"]] {
        let run = fed(&machine, arguments, &text).expect(1).prints(&["a comma after the last element", "errors: 1,"]);
        assert!(run.err.is_empty(), "{run}");
    }
    let run = machine.flex(&["policy", "check", "--file", "policy.json", "--json"]).expect(1);
    let found = run.events().remove(0);
    assert_eq!(found["details"]["mistake"], "trailing-comma");
    assert!(
        found["details"]["line"].as_str().is_some_and(|line| line.parse::<u32>().is_ok_and(|line| line > 1)),
        "{found}"
    );

    // The mended policy, and nothing else, on standard output.
    let fixed = machine.flex(&["policy", "check", "--file", "policy.json", "--fix=policy"]).expect(1);
    let fixed = fixed.says(&["a comma after", "error"]);
    assert_eq!(fixed.out.trim_end(), manual_policy(BUCKET).trim_end());
    fed(&machine, &["policy", "check", "--file", "-"], &fixed.out).expect(0);
    let shown = machine.flex(&["policy", "check", "--file", "policy.json", "--fix"]).expect(1);
    let signs = |sign: char| shown.out.lines().filter(|line| line.starts_with(sign)).count();
    assert_eq!((signs('-'), signs('+')), (1, 1), "{shown}");

    // An identity's policy, and what cannot be one.
    let assume = machine.flex(&["policy", "assume-role"]).expect(0).out;
    machine.file("assume.json", assume.replace("_123456789012", "_123456789021"));
    let run = machine.flex(&["policy", "check", "--file", "assume.json", "--assume-role", "--json"]).expect(1);
    assert_eq!(findings(&run), [("error".into(), "wrong-role".into(), "$.Statement[0].Resource".into())]);
    machine.flex(&["policy", "check", "--file", "no-such-file"]).expect(2).says(&["no-such-file cannot be read"]);
    machine.flex(&["policy", "check", "--assume-role"]).expect(2).says(&["--file"]);
    machine.file("not-utf8", [0xff, 0xfe]);
    machine.flex(&["policy", "check", "--file", "not-utf8"]).expect(2).says(&["is not a policy"]);
}

#[tokio::test]
async fn whose_policy_it_is_can_be_asked_of_the_owner() {
    let mut user = owner().await;
    user.machine.no_identity();
    for arguments in [&["policy", "assume-role"][..], &["policy", "bucket"]] {
        user.flex(arguments).expect(0).prints(&[ROLE]);
    }
}

#[test]
fn findings_speak_japanese_and_json_english() {
    let machine = nobody();
    machine.file("policy.json", manual_policy(BUCKET).replacen("_123456789012", "_123456789021", 1));
    let check = |arguments: &[&str]| machine.flex(&[&["policy", "check", "--file", "policy.json"], arguments].concat());
    check(&["--lang", "ja"]).expect(1).prints(&[
        "エラー $.Statement[0]",
        "自社のものではありません",
        "影響: ",
        "対処: ",
        "エラー1件",
    ]);
    let (english, japanese) = (check(&["--json"]).expect(1), check(&["--json", "--lang", "ja"]).expect(1));
    assert_eq!(english.events()[0], japanese.events()[0]);
}

#[tokio::test]
async fn a_policy_is_mended_once_and_others_keep_every_byte() {
    let user = owner().await;
    let broken = manual_policy(BUCKET).replacen("_123456789012", "_123456789021", 1);
    let broken = broken.replacen("\"Statement\": [", &format!("\"Statement\": [{FOREIGN},"), 1);
    assert!(broken.contains(FOREIGN));
    user.world.put_bucket_policy(BUCKET, &broken);
    user.flex(&["copy", "2021/05/31"]).expect(3);

    // Nobody is asked off a terminal, so that nothing is changed.
    let shown = user.flex(&["policy", "apply"]).expect(4).prints(&["_123456789021", "nothing was changed"]);
    assert!(shown.out.lines().any(|line| line.starts_with('+') && line.contains(ROLE)), "{shown}");
    assert_eq!((puts(&user.world), user.world.bucket_policy(BUCKET)), (0, Some(broken.clone())));

    let run = user.flex(&["policy", "apply", "--yes", "--json"]).expect(0);
    let summary = run.summary();
    assert_eq!((&summary["changed"], &summary["errors"]), (&json!(true), &json!(0)));
    let put = user.world.bucket_policy(BUCKET).unwrap();
    assert_eq!(put, broken.replacen("_123456789021", "_123456789012", 1), "one word changes");
    assert_eq!(puts(&user.world), 1);
    let owned = user.world.requests().into_iter().filter(|r| r.operation.ends_with("BucketPolicy"));
    for request in owned {
        assert_eq!(request.header("x-amz-expected-bucket-owner"), SUBSCRIBER, "{request:?}");
    }

    // Again: right already, and said so.
    user.flex(&["policy", "apply"]).expect(0).prints(&["nothing was changed", "right already"]);
    assert_eq!(user.flex(&["policy", "apply", "--json"]).expect(0).summary()["changed"], false);
    assert_eq!(puts(&user.world), 1);
    user.flex(&["copy", "2021/05/31"]).expect(0);
}

#[tokio::test]
async fn a_bucket_without_a_policy_gets_the_manuals() {
    let user = owner().await;
    user.world.delete_bucket_policy(BUCKET);
    user.flex(&["policy", "apply", "--yes"]).expect(0).prints(&["is changed"]);
    let put: Value = serde_json::from_str(&user.world.bucket_policy(BUCKET).unwrap()).unwrap();
    assert_eq!(put, serde_json::from_str::<Value>(&manual_policy(BUCKET)).unwrap());
    user.flex(&["copy", "2021/05/31"]).expect(0);
}

#[tokio::test]
async fn a_deny_of_copies_without_an_encryption_goes_by_the_settings() {
    let user = owner().await;
    let deny = r#"{"Sid": "sse", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::my-bucket/*",
        "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}}}"#;
    let policy = manual_policy(BUCKET).replacen("\"Statement\": [", &format!("\"Statement\": [{deny},"), 1);
    user.world.put_bucket_policy(BUCKET, &policy);
    for command in [&["policy", "check"][..], &["policy", "apply", "--yes"]] {
        let run = user.machine.flex(command);
        assert_ne!(run.code, Some(0), "{run}");
        run.prints(&["forbids the copy role s3:PutObject", "--sse AES256"]);
        let run = user.machine.flex(&[command, &["--sse", "AES256"]].concat()).expect(0);
        assert!(!run.out.contains("Deny"), "{run}");
    }
    assert_eq!(puts(&user.world), 0);
}

#[tokio::test]
async fn somebody_elses_deny_is_named_and_left() {
    let user = owner().await;
    let deny = r#"{"Sid": "freeze", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::my-bucket/*"}"#;
    let policy = manual_policy(BUCKET).replacen("\"Statement\": [", &format!("\"Statement\": [{deny},"), 1);
    user.world.put_bucket_policy(BUCKET, &policy);
    let run = user.flex(&["policy", "apply", "--yes"]).expect(1);
    run.prints(&["$.Statement[0]", "this Deny forbids", "nothing was changed", "not flex's to change"]);
    assert_eq!((puts(&user.world), user.world.bucket_policy(BUCKET)), (0, Some(policy)));
}

#[tokio::test]
async fn the_vendor_may_not_be_ready() {
    let user = owner().await;
    user.world.delete_bucket_policy(BUCKET);
    user.world.role_exists(false);
    let run = user.flex(&["policy", "apply", "--yes"]).expect(3);
    run.says(&["was not changed", "the vendor has not created", "5 business days", "flex setup --wait"]);
    assert_eq!(user.world.bucket_policy(BUCKET), None);
    // A dead id of somebody else's is another matter.
    let dead = r#"{"Effect": "Allow", "Principal": {"AWS": "AIDAJQABLZS4A3QDU576Q"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-bucket/*"}"#;
    user.world.put_bucket_policy(BUCKET, &format!(r#"{{"Version": "2012-10-17", "Statement": [{dead}]}}"#));
    user.world.role_exists(true);
    let run = user.flex(&["policy", "apply", "--yes"]).expect(3).says(&["flex policy check"]);
    assert!(!run.err.contains("5 business days"), "{run}");
}

#[tokio::test]
async fn who_may_not_is_told_what_is_lacking() {
    let mut user = owner().await;
    user.machine.unset("FLEX_OWNER_PROFILE");
    for arguments in [&["policy", "check"][..], &["policy", "apply", "--yes"]] {
        user.flex(arguments).expect(3).says(&["cannot be read", "s3:GetBucketPolicy", "--owner-profile"]);
    }
    let run = user.flex(&["policy", "check", "--bucket", "no-such-bucket-here", "--owner-profile", "owner"]).expect(3);
    run.says(&["no-such-bucket-here", "to mend:"]);
}

/// The sandbox outlives what talks to it.
#[tokio::test]
async fn a_service_that_is_not_there_is_3() {
    let sandbox = Sandbox::builder().start().await.unwrap();
    let mut machine = nobody();
    machine.identity(&Identity::owner()).set("AWS_ENDPOINT_URL", sandbox.endpoint());
    machine.set("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1");
    machine.flex(&["policy", "check"]).expect(3).says(&["cannot be read", "HTTPS_PROXY"]);
}
