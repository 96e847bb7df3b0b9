//! `flex setup`, from nothing to a first copied day.

#![cfg(feature = "iam")]

mod keys;
mod permissions;

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
};

use flex_tests::sandbox::{
    COPY_ROLE_ARN, Effect, Encryption, Fault, FlexSeed, Identity, Ownership, STRANGER, SUBSCRIBER, Sandbox, Service,
    World, seed_flex,
};
use serde_json::{Value, json};

use crate::support::{BUCKET, Machine, Run, date};

const COPY_USER_ARN: &str = "arn:aws:iam::123456789012:user/flex-copy";
const POLICY: &str = "FlexAssumeCopyRole";

/// Somebody with a contract and an account, and nothing else.
struct Newcomer {
    machine: Machine,
    world: World,
    sandbox: Sandbox,
}

impl Newcomer {
    async fn new() -> Self {
        let sandbox = Sandbox::builder().start().await.expect("a sandbox");
        let world = sandbox.world();
        world.nothing_set_up();
        seed_flex(&world, &FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 2));
        let mut machine = Machine::bare();
        machine.set("AWS_ENDPOINT_URL", sandbox.endpoint()).set("FLEX_BUCKET", BUCKET).set("LANG", "C");
        let config = machine.profile("owner", &Identity::owner());
        machine.file(".aws/config", config);
        machine.set("FLEX_OWNER_PROFILE", "owner");
        Self { machine, world, sandbox }
    }

    /// The same when the vendor is ready.
    async fn with_role() -> Self {
        let user = Self::new().await;
        user.world.role_exists(true);
        user
    }

    fn flex(&self, arguments: &[&str]) -> Run {
        self.machine.flex(arguments)
    }

    /// What a run asked the services to change.
    fn changes(&self) -> Vec<&'static str> {
        let changing = |operation: &&str| {
            ["Put", "Create", "Delete", "Add", "Attach", "Update"].iter().any(|verb| operation.starts_with(verb))
        };
        self.world.requests().iter().map(|request| request.operation).filter(changing).collect()
    }

    fn bucket_policy(&self) -> Value {
        serde_json::from_str(&self.world.bucket_policy(BUCKET).expect("a policy")).expect("JSON")
    }
}

/// What came of each step.
fn outcomes(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = run.events().into_iter().filter(|event| event["event"] == "step");
    steps.map(|event| (text(&event["id"]), text(&event["state"]))).collect()
}

#[track_caller]
fn outcome(run: &Run, step: &str) -> String {
    let found: Vec<_> = outcomes(run).into_iter().filter(|(name, _)| name == step).collect();
    assert_eq!(found.len(), 1, "{step}\n{run}");
    found[0].1.clone()
}

#[tokio::test]
async fn from_nothing_to_a_first_copied_day() {
    let user = Newcomer::new().await;

    // The vendor has not created the role.
    let first = user.flex(&["setup", "--yes", "--period", "2021-05 to 2022-04"]).expect(4);
    let first = first.prints(&["1-3 bucket policy: waiting", "5 business days", SUBSCRIBER, BUCKET, "株式会社JPX総研"]);
    assert_eq!(first.out.matches("2021-05 to 2022-04").count(), 2, "{first}");
    assert!(user.world.bucket_exists(BUCKET) && user.world.bucket_policy(BUCKET).is_none());
    let policies = user.world.policies(COPY_USER_ARN);
    assert!(policies[POLICY].contains(COPY_ROLE_ARN), "{policies:?}");
    assert!(user.world.keys_of("flex-copy").is_empty(), "nobody asked for a key");

    // It has.
    user.world.role_exists(true);
    user.world.forget_requests();
    let second = user.flex(&["setup", "--yes", "--access-key"]).expect(0);
    assert_eq!(user.changes(), ["PutBucketPolicy", "CreateAccessKey"], "{second}");
    assert!(!second.out.contains("株式会社JPX総研"), "{second}");

    // Nothing is left to do, and that is said.
    user.world.forget_requests();
    let third = user.flex(&["setup", "--access-key"]).expect(0).prints(&["nothing was changed"]);
    assert_eq!(user.changes(), [""; 0], "{third}");
    assert_eq!(user.flex(&["setup", "--json"]).expect(0).summary()["changed"], false);

    // The identity that was made copies.
    let copied = user.flex(&["copy", "2021/05/31", "--profile", "flex-copy"]).expect(0);
    copied.prints(&["copied: 2 objects"]);
}

#[tokio::test]
async fn the_bucket_is_as_the_manual_wants_it() {
    let user = Newcomer::with_role().await;
    user.flex(&["setup", "--yes"]).expect(0);
    // All requests about the bucket demand that it be ours; that of its creation cannot.
    let of_bucket: Vec<_> = user.world.requests().into_iter().filter(|request| request.bucket == BUCKET).collect();
    assert!(of_bucket.len() > 10);
    for request in of_bucket.iter().filter(|request| request.operation != "CreateBucket") {
        assert_eq!(request.header("x-amz-expected-bucket-owner"), SUBSCRIBER, "{request:?}");
    }
    let owner = user.sandbox.s3(&Identity::owner());
    let block = owner.get_public_access_block().bucket(BUCKET).send().await.expect("an answer");
    let block = block.public_access_block_configuration.expect("a configuration");
    for on in
        [block.block_public_acls, block.ignore_public_acls, block.block_public_policy, block.restrict_public_buckets]
    {
        assert_eq!(on, Some(true));
    }
    let controls = owner.get_bucket_ownership_controls().bucket(BUCKET).send().await.expect("an answer");
    assert!(format!("{controls:?}").contains("BucketOwnerEnforced"));
    let rules = owner.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.expect("an answer").rules;
    assert!(format!("{rules:?}").contains("days_after_initiation: Some(7)"), "{rules:?}");
    assert_eq!(user.bucket_policy()["Statement"][0]["Sid"], "S3CopyStmtList");
}

#[tokio::test]
async fn waiting_ends_when_the_vendor_has_made_the_role() {
    let user = Newcomer::new().await;
    let arguments = ["setup", "--yes", "--wait", "--wait-every", "10ms"];
    let mut child = user.machine.start(&arguments);
    let mut said = BufReader::new(child.stderr.take().expect("standard error")).lines();
    let tried = |line: String| line.contains("try 3 at") && line.contains("has not created the copy role yet");
    assert!(said.by_ref().any(|line| tried(line.expect("a line"))));
    // The identity's steps do not wait.
    assert!(user.world.policies(COPY_USER_ARN).contains_key(POLICY));
    user.world.role_exists(true);
    let rest: Vec<String> = said.map(|line| line.expect("a line")).collect();
    let run = Run::of(&arguments, child.wait_with_output().expect("an end")).expect(0);
    let run = run.prints(&["1-3 bucket policy: done", "set up"]);
    assert!(user.world.bucket_policy(BUCKET).is_some(), "{run}{rest:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn waiting_can_be_stopped_and_resumed() {
    let user = Newcomer::new().await;
    let arguments = ["setup", "--yes", "--wait"];
    let mut child = user.machine.start(&arguments);
    let mut said = BufReader::new(child.stderr.take().expect("standard error"));
    let mut line = String::new();
    while !line.contains("next try") {
        line.clear();
        assert!(said.read_line(&mut line).expect("a line") > 0, "it ended by itself");
    }
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &pid]).stdin(Stdio::null()).status().expect("kill");
    assert!(sent.success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    Run::of(&arguments, child.wait_with_output().expect("an end")).expect(130);
    assert!(rest.contains("goes on where it stopped"), "{rest}");
    user.world.role_exists(true);
    user.flex(&["setup", "--yes", "--wait"]).expect(0);
}

#[tokio::test]
async fn without_a_yes_nothing_changes() {
    let user = Newcomer::with_role().await;
    for arguments in [&["setup"][..], &["setup", "--json"]] {
        let run = user.flex(arguments).expect(4);
        assert_eq!(user.changes(), [""; 0], "{run}");
        assert!(run.out.contains("S3CopyStmtPutObject"), "the difference is shown: {run}");
    }
    user.flex(&["setup"]).expect(4).prints(&["nothing is changed without --yes", "1-1 bucket: not done"]);
    user.flex(&["setup", "--dry-run"]).expect(0).prints(&["1-1 bucket: would be done", "nothing was changed"]);
    user.flex(&["setup", "--dry-run", "--yes", "--access-key"]).expect(0).prints(&["1-4 access key: would be done"]);
    assert_eq!(user.changes(), [""; 0]);
    assert!(!user.machine.home.path().join(".aws/credentials").exists());
}

#[tokio::test]
async fn what_belongs_to_others_is_not_touched() {
    let user = Newcomer::with_role().await;
    user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
    let foreign = json!({"Sid": "S3 copy, mine", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/private/*")});
    let before = json!({"Version": "2012-10-17", "Id": "somebody's", "Statement": foreign}).to_string();
    user.world.put_bucket_policy(BUCKET, &before);
    let owner = user.sandbox.s3(&Identity::owner());
    let rule = |id: &str| {
        use aws_sdk_s3::types::{ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter};
        LifecycleRule::builder()
            .id(id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("logs/").build())
            .expiration(LifecycleExpiration::builder().days(30).build())
            .build()
            .expect("a rule")
    };
    let rules =
        aws_sdk_s3::types::BucketLifecycleConfiguration::builder().rules(rule("old logs")).build().expect("rules");
    owner.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules).send().await.expect("put");

    user.flex(&["setup", "--yes"]).expect(0).prints(&["1-1 bucket: already right"]);
    let policy = user.bucket_policy();
    assert_eq!((&policy["Id"], &policy["Statement"][0]), (&json!("somebody's"), &foreign));
    assert_eq!(policy["Statement"].as_array().map(Vec::len), Some(3));
    let after = owner.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.expect("an answer");
    let after = after.rules();
    assert_eq!(after.len(), 2);
    assert_eq!(after[0], rule("old logs"));

    user.world.forget_requests();
    user.flex(&["setup", "--yes"]).expect(0);
    assert_eq!(user.changes(), [""; 0]);
}

#[tokio::test]
async fn a_rule_of_somebody_elses_that_ends_uploads_is_enough() {
    use aws_sdk_s3::types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule,
        LifecycleRuleFilter,
    };
    let user = Newcomer::with_role().await;
    user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
    let owner = user.sandbox.s3(&Identity::owner());
    for (prefix, enough) in [("", true), ("2021/", false)] {
        let rule = LifecycleRule::builder()
            .id("mine")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .abort_incomplete_multipart_upload(
                AbortIncompleteMultipartUpload::builder().days_after_initiation(3).build(),
            )
            .build()
            .expect("a rule");
        let rules = BucketLifecycleConfiguration::builder().rules(rule).build().expect("rules");
        let put = owner.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules);
        put.send().await.expect("put");
        let run = user.flex(&["setup", "--dry-run", "--json"]).expect(0);
        assert_eq!(outcome(&run, "lifecycle"), if enough { "right" } else { "would-be-done" }, "{prefix:?}");
    }
}

/// S3 refuses rules with a filter beside rules whose prefix stands alone, as they were written before 2016.
#[tokio::test]
async fn a_lifecycle_of_the_old_form_stays_one() {
    let user = Newcomer::with_role().await;
    user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
    let owner = user.sandbox.s3(&Identity::owner());
    #[expect(deprecated, reason = "it is the old form")]
    let rule = aws_sdk_s3::types::LifecycleRule::builder()
        .id("old")
        .status(aws_sdk_s3::types::ExpirationStatus::Enabled)
        .prefix("logs/")
        .expiration(aws_sdk_s3::types::LifecycleExpiration::builder().days(30).build())
        .build()
        .expect("a rule");
    let rules = aws_sdk_s3::types::BucketLifecycleConfiguration::builder().rules(rule.clone()).build().expect("rules");
    owner.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules).send().await.expect("put");
    user.flex(&["setup", "--yes"]).expect(0);
    let after = owner.get_bucket_lifecycle_configuration().bucket(BUCKET).send().await.expect("an answer");
    assert_eq!(after.rules()[0], rule);
    #[expect(deprecated, reason = "it is the old form")]
    let (prefix, filter) = (after.rules()[1].prefix(), after.rules()[1].filter());
    assert_eq!((prefix, filter), (Some(""), None));
    user.flex(&["setup"]).expect(0).prints(&["ended after 7 days"]);
}

#[tokio::test]
async fn a_bucket_elsewhere_or_of_somebody_else_is_said_so_and_the_rest_is_done() {
    for (owner, region, says) in [
        (SUBSCRIBER, "eu-west-1", "is in eu-west-1, but the copies need a bucket in ap-northeast-1"),
        (STRANGER, "ap-northeast-1", "belongs to another account"),
    ] {
        let user = Newcomer::with_role().await;
        user.world.create_bucket(BUCKET, owner, region);
        let run = user.flex(&["setup", "--yes"]).expect(3).prints(&[says, "--bucket", "1-3 bucket policy: skipped"]);
        assert_eq!(user.changes(), ["CreateUser", "PutUserPolicy"], "{run}");
        assert!(user.world.bucket_policy(BUCKET).is_none(), "{run}");
    }
}

#[tokio::test]
async fn encryption_by_kms_is_left_until_somebody_decides() {
    let user = Newcomer::with_role().await;
    user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
    user.world.bucket_encryption(BUCKET, Encryption::Kms, false);
    let run =
        user.flex(&["setup", "--yes"]).expect(4).prints(&["1-1 default encryption: left as it is", "--encryption s3"]);
    // No other account can be let to AWS's own key, as to one of the subscriber's.
    let run = run.prints(&["AWS's own key aws/s3"]);
    assert!(!run.out.contains("kms:GenerateDataKey"), "{run}");
    assert!(!user.changes().contains(&"PutBucketEncryption"), "{run}");
    user.flex(&["setup", "--yes", "--encryption", "keep"]).expect(0);
    assert!(!user.changes().contains(&"PutBucketEncryption"));
    user.flex(&["setup", "--yes", "--encryption", "s3"]).expect(0);
    assert!(user.changes().contains(&"PutBucketEncryption"));
    user.flex(&["setup"]).expect(0);
}

#[tokio::test]
async fn a_dead_principal_of_somebody_elses_is_not_waited_for() {
    let user = Newcomer::with_role().await;
    user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
    let gone = user.world.add_user("gone");
    let statement = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": gone.arn()}, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")});
    let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    user.world.put_bucket_policy(BUCKET, &policy);
    user.world.remove_user("gone");
    user.flex(&["setup", "--yes", "--wait"]).expect(3).prints(&["was deleted", "flex policy check"]);
}

#[tokio::test]
async fn a_bucket_made_a_moment_ago_may_not_be_known_everywhere() {
    for operation in ["GetBucketEncryption", "GetBucketLifecycleConfiguration", "GetBucketPolicy"] {
        let user = Newcomer::with_role().await;
        // The first is the look at the bucket that is not there.
        user.world.fault(Fault::on(operation).first(2).then(Effect::Status(404, "NoSuchBucket")));
        let run = user.flex(&["setup", "--yes"]).expect(0);
        assert!(user.world.bucket_policy(BUCKET).is_some(), "{operation}: {run}");
    }
}

#[tokio::test]
async fn a_public_statement_of_somebody_elses_is_named() {
    let user = Newcomer::with_role().await;
    user.world.create_bucket(BUCKET, SUBSCRIBER, "ap-northeast-1");
    user.world.bucket_public_access_block(BUCKET, false);
    let statement = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{BUCKET}/*")});
    user.world.put_bucket_policy(BUCKET, &json!({"Version": "2012-10-17", "Statement": [statement]}).to_string());
    user.flex(&["setup", "--yes"]).expect(3).prints(&["the bucket would be public", "flex policy check"]);
}

#[tokio::test]
async fn each_kind_of_identity_is_made_and_then_right() {
    for (identity, arn, changes) in [
        ("user:ticks", "arn:aws:iam::123456789012:user/ticks", &["CreateUser", "PutUserPolicy"][..]),
        (
            "ec2:ticks",
            "arn:aws:iam::123456789012:role/ticks",
            &["CreateRole", "PutRolePolicy", "CreateInstanceProfile", "AddRoleToInstanceProfile"],
        ),
        ("ecs:ticks", "arn:aws:iam::123456789012:role/ticks", &["CreateRole", "PutRolePolicy"]),
        ("batch:ticks", "arn:aws:iam::123456789012:role/ticks", &["CreateRole", "PutRolePolicy"]),
        ("role:TickUser", "arn:aws:iam::123456789012:role/TickUser", &["PutRolePolicy"]),
        ("none", "", &[]),
    ] {
        let user = Newcomer::with_role().await;
        user.flex(&["setup", "--yes", "--identity", "none"]).expect(0);
        user.world.forget_requests();
        let run = user.flex(&["setup", "--yes", "--identity", identity]).expect(0);
        assert_eq!(user.changes(), changes, "{run}");
        assert_eq!(user.world.policies(arn).contains_key(POLICY), !arn.is_empty(), "{run}");
        user.world.forget_requests();
        user.flex(&["setup", "--yes", "--identity", identity]).expect(0).prints(&["nothing was changed"]);
        assert_eq!(user.changes(), [""; 0]);
    }
    let user = Newcomer::with_role().await;
    user.flex(&["setup", "--yes", "--identity", "role:absent"])
        .expect(3)
        .prints(&["there is no role absent", "ec2:NAME"]);
    // A role for tasks is not made one for instances.
    user.flex(&["setup", "--yes", "--identity", "ecs:mine"]).expect(0);
    user.flex(&["setup", "--yes", "--identity", "ec2:mine"]).expect(4).prints(&["does not name that service"]);
    user.flex(&["setup", "--identity", "group:x"]).expect(2).says(&["user:flex-copy"]);
}

/// STS and S3 take a session of GetSessionToken without MFA; IAM does not, and calls its token invalid.
#[tokio::test]
async fn a_session_that_iam_does_not_take_is_explained() {
    let user = Newcomer::with_role().await;
    user.world.fault(Fault::on("GetUser").then(Effect::Status(403, "InvalidClientTokenId")));
    let run = user.flex(&["setup", "--yes"]).expect(3).prints(&["GetSessionToken", "MFA", "1-3 bucket policy: done"]);
    assert!(!run.out.contains("identity of your own account"), "{run}");
}

#[tokio::test]
async fn a_user_made_a_moment_ago_may_not_be_known_everywhere() {
    let user = Newcomer::with_role().await;
    let absent = || Effect::Status(404, "NoSuchEntity");
    user.world.fault(Fault::on("PutUserPolicy").first(2).then(absent()));
    user.flex(&["setup", "--yes"]).expect(0);
    assert_eq!(user.world.count("PutUserPolicy"), 3);
}

#[tokio::test]
async fn a_failing_step_hides_no_later_one() {
    let user = Newcomer::with_role().await;
    user.world.fault(Fault::on("PutBucketLifecycleConfiguration").then(Effect::Status(400, "SomethingInvented")));
    let run = user.flex(&["setup", "--yes", "--json"]).expect(1);
    assert_eq!(outcome(&run, "lifecycle"), "failed");
    assert!(run.out.contains("SomethingInvented"), "{run}");
    for step in ["bucket", "bucket-policy", "identity", "assume-role-policy"] {
        assert_eq!(outcome(&run, step), "done", "{step}: {run}");
    }
    assert_eq!(run.summary()["reasons"], json!(["unfinished uploads: failed"]));
    user.world.clear_faults();
    user.flex(&["setup", "--yes"]).expect(0);
}

#[tokio::test]
async fn files_and_notices_are_printed_without_a_network() {
    let user = Newcomer::new().await;
    let mut machine = Machine::bare();
    machine.set("FLEX_BUCKET", BUCKET).set("FLEX_ACCOUNT", SUBSCRIBER);
    for (format, says) in [
        ("json", "\"PutBucketPolicy\""),
        ("cloudformation", "AWS::S3::BucketPolicy"),
        ("terraform", "resource \"aws_s3_bucket_policy\""),
        ("aws-cli", "aws s3api put-bucket-policy"),
    ] {
        let run = machine.flex(&["setup", "--print", format, "--identity", "batch:ticks"]).expect(0);
        run.prints(&[says, SUBSCRIBER, COPY_ROLE_ARN, "ecs-tasks.amazonaws.com"]);
    }
    machine.flex(&["setup", "--print", "yaml"]).expect(2).says(&["cloudformation"]);
    machine.flex(&["setup", "--print", "json", "--identity", "role:mine"]).expect(2).says(&["policy assume-role"]);
    let events = machine.flex(&["setup", "--print", "terraform", "--json"]).expect(0).events();
    assert!(events[0]["text"].as_str().is_some_and(|text| text.contains("aws_iam_user")), "{events:?}");

    // The reader's language comes first.
    for (language, first, second) in [("en", "Subject:", "件名"), ("ja", "件名", "Subject:")] {
        let out = machine.flex(&["setup", "--print-notice", "--lang", language]).expect(0).out;
        let at = |text: &str| out.find(text).unwrap_or_else(|| panic!("{text} is not in {out}"));
        assert!(at(first) < at(second), "{out}");
        assert!(out.contains(SUBSCRIBER) && out.contains(BUCKET));
    }
    machine.flex(&["setup", "--print-notice", "notice.txt", "--period", "2021"]).expect(0);
    let notice = std::fs::read_to_string(machine.home.path().join("notice.txt")).expect("a file");
    assert!(notice.contains("件名") && notice.contains("Subject:"), "{notice}");
    machine.flex(&["setup", "--print-notice", "notice.txt"]).expect(2).says(&["notice.txt", "does not exist yet"]);

    // The account alone is asked for when it is not given.
    user.flex(&["setup", "--print-permissions"]).expect(0).prints(&[SUBSCRIBER]);
    assert_eq!(user.world.counts().keys().copied().collect::<Vec<_>>(), ["GetCallerIdentity"]);
}

#[tokio::test]
async fn it_speaks_japanese_and_its_json_does_not() {
    let user = Newcomer::new().await;
    let run = user.flex(&["setup", "--yes", "--lang", "ja"]).expect(4);
    run.prints(&["1-1 バケット: 完了", "1-3 バケットポリシー: 提供元の作業待ち", "約5営業日", "まだ完了していません"]);
    let json = |language: &str| user.flex(&["setup", "--yes", "--json", "--lang", language]).expect(4).events();
    let [mut english, mut japanese] = ["en", "ja"].map(json);
    for events in [&mut english, &mut japanese] {
        let last = events.last_mut().expect("a summary");
        (last["time"], last["elapsed_seconds"]) = (Value::Null, Value::Null);
    }
    assert_eq!(english, japanese);
}

#[tokio::test]
async fn an_identity_of_another_account_changes_nothing() {
    let mut user = Newcomer::with_role().await;
    user.machine.set("FLEX_ACCOUNT", STRANGER);
    user.flex(&["setup", "--yes"]).expect(3).says(&[STRANGER, "--owner-profile"]);
    user.machine.unset("FLEX_ACCOUNT").unset("FLEX_OWNER_PROFILE");
    user.flex(&["setup", "--yes"]).expect(3).says(&["there is no AWS identity", "--owner-profile"]);
    assert_eq!(user.changes(), [""; 0]);
}

#[tokio::test]
async fn a_service_that_does_not_answer_hides_nothing_of_the_other() {
    let user = Newcomer::with_role().await;
    user.world.unreachable(Service::Iam, true);
    let run = user.flex(&["setup", "--yes", "--json"]).expect(3);
    assert_eq!((outcome(&run, "identity").as_str(), outcome(&run, "bucket-policy").as_str()), ("failed", "done"));
    assert_eq!(outcome(&run, "assume-role-policy"), "skipped");
    user.world.network_mended();
    user.flex(&["setup", "--yes"]).expect(0);
}
