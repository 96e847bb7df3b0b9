//! What needs nothing works with nothing, and wrong usage starts nothing.

use crate::support::{Machine, Subscriber};

#[test]
fn help_version_completions_and_man_need_nothing() {
    let mut machine = Machine::bare();
    // Not even a usable configuration.
    machine.file("flex.toml", "this is no toml");
    machine.set("FLEX_ACCOUNT", "x").set("AWS_CA_BUNDLE", "/nowhere");
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["help", "copy"],
        &["copy", "--help"],
        &["creds", "env", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["completions", "fish"],
        &["man"],
        &["creds", "env", "--unset"],
    ] {
        let run = machine.flex(arguments).expect(0);
        assert!(!run.out.is_empty() && run.err.is_empty(), "{run}");
    }
    let pages = machine.home.path().join("pages");
    std::fs::create_dir(&pages).unwrap();
    machine.flex(&["man", "--dir", pages.to_str().unwrap()]).expect(0);
    assert!(pages.join("flex-copy.1").exists());
}

#[test]
fn help_shows_selections_and_exit_codes() {
    let machine = Machine::bare();
    machine.flex(&["copy", "--help"]).expect(0).prints(&[
        "last:5",
        "testdata/2021/05/31",
        "spec:",
        "--exclude",
        "wins",
    ]);
    machine.flex(&["--help"]).expect(0).prints(&["130", "ap-northeast-1", "FLEX_BUCKET"]);
    machine.flex(&["ls", "--help"]).expect(0).prints(&["Tokyo"]);
}

#[tokio::test]
async fn wrong_usage_is_2_with_its_place_and_no_request() {
    let user = Subscriber::plain().await;
    for (arguments, said) in [
        (&["copy", "2021/13"][..], "13"),
        (&["copy", "2021/02/29"], "29"),
        (&["copy", "2021/05", "20219"], "20219"),
        (&["plan", "spec:fullbook"], "fullbook"),
        (&["verify", ""], "expected"),
        (&["copy", "s3://other-bucket/2021/05"], "--bucket"),
        (&["ls", "2021/05..2020"], "2021/05..2020"),
        (&["copy"], "<SELECTION>"),
        (&["copi", "2021/05"], "copy"),
        (&["copy", "2021/05", "--bukcet", "b"], "--bucket"),
        (&["copy", "2021/05", "--bucket", "Bad_Name"], "--bucket = \"Bad_Name\""),
        (&["copy", "2021/05", "--account", "12345"], "--account = \"12345\""),
        (&["copy", "2021/05", "--max-in-flight", "0"], "--max-in-flight = \"0\""),
        (&["copy", "2021/05", "--max-in-flight", "many"], "--max-in-flight = \"many\""),
        (&["copy", "2021/05", "--max-rps", "nan"], "--max-rps"),
        (&["copy", "2021/05", "--proof", "md5"], "etag or size"),
        (&["copy", "2021/05", "--sse", "aws:kms"], "--sse"),
        (&["copy", "2021/05", "--storage-class", "COLD"], "GLACIER_IR"),
        (&["copy", "2021/05", "--role-arn", "arn:aws:s3:::x"], "--role-arn"),
        (&["copy", "2021/05", "--session-name", "a b"], "session name"),
        (&["copy", "2021/05", "--region", "cn-north-1"], "--region"),
        (&["copy", "2021/05", "--endpoint-url", "localhost:1"], "--endpoint-url"),
        (&["copy", "2021/05", "--exclude", "*"], "always wins"),
        (&["copy", "2021/05", "--include", "[a"], "--include"),
        (&["copy", "2021/05", "--config", "absent.toml"], "absent.toml"),
        (&["copy", "2021/05", "--calendar", "absent.txt"], "--calendar"),
        (&["copy", "2021/05", "--quiet", "-v"], "--quiet"),
        (&["copy", "2021/05", "--log-file", "/nowhere/log"], "/nowhere/log"),
        (&["copy", "2021/05", "--profile", "absent"], "no profile \"absent\""),
        (&["clean", "--owner-profile", "absent"], "no profile \"absent\""),
        (&["clean", "--older-than", "1w"], "90m"),
        (&["creds", "env", "--json"], "creds process"),
        (&["demo", "--json"], "leave out --json"),
        (&["copy", "2021/05", "--bucket", "dataservice-flex-bucket"], "is the source bucket itself"),
        (&["plan", "2021/05", "--bucket", "dataservice-flex-bucket"], "is the source bucket itself"),
    ] {
        let run = user.flex(arguments).expect(2).says(&[said]);
        assert!(!run.err.contains("panicked"), "{run}");
    }
    for (command, pair) in [("copy", true), ("plan", true), ("verify", false), ("ls", false)] {
        let run = user.flex(&[command, "s3://other-bucket/2021/05"]).expect(2).says(&["--bucket"]);
        assert_eq!(run.err.contains("a second URL"), pair, "{run}");
    }
    assert_eq!(user.world.requests().len(), 0);
}

#[test]
fn the_demo_walks_to_its_end_where_it_is_built_in() {
    let run = Machine::bare().flex(&["demo"]);
    if cfg!(feature = "demo") {
        run.expect(0).prints(&["Step 1-1", "Step 1-6", "result: verified", "the content is the same"]);
    } else {
        run.expect(2).says(&["--features demo"]);
    }
}

#[test]
fn a_destination_is_asked_for_by_name() {
    for command in ["copy", "plan", "verify"] {
        Machine::bare().flex(&[command, "2021/05"]).expect(2).says(&["--bucket", "FLEX_BUCKET", "flex.toml"]);
    }
}

#[test]
fn what_is_wrong_with_the_words_comes_before_the_missing_bucket() {
    // A shell splits what is not quoted at its space.
    let words = ["s3://dataservice-flex-bucket/ConnectionSpec/Standard/version", "17.4/Japanese"];
    for command in [&["copy"][..], &["plan"], &["copy", "--dry-run"]] {
        let run = Machine::bare().flex(&[command, &words].concat()).expect(2).says(&["17.4/Japanese"]);
        assert!(!run.err.contains("no destination bucket"), "{run}");
    }
}

#[tokio::test]
async fn the_manuals_pair_of_urls_is_understood() {
    let mut user = Subscriber::plain().await;
    user.machine.unset("FLEX_BUCKET");
    let from = "s3://dataservice-flex-bucket/2021/5/31";
    for to in ["s3://my-bucket", "s3://my-bucket/data", "s3://my-bucket/2021/5/30"] {
        user.flex(&["cp", from, to]).expect(2).says(&[to, "s3://my-bucket/2021/5/31"]);
    }
    // A destination mistyped as the source is not a second selection.
    for command in ["cp", "plan"] {
        user.flex(&[command, from, "s3://dataservice-flex-bucket/2021/5/30", "--bucket", "my-bucket"])
            .expect(2)
            .says(&["both are in the source bucket", "s3://YOUR-BUCKET/2021/5/31", "two selections"]);
    }
    assert_eq!(user.world.requests().len(), 0);
    let dry = user.flex(&["cp", "--dry-run", from, "S3://my-bucket/some/2021/5/31"]).expect(0);
    let plan = user.flex(&["plan", &from.replace("s3:", "S3:"), "s3://my-bucket/some/2021/5/31"]).expect(0);
    for run in [dry, plan] {
        run.prints(&["to copy: 3 objects"]);
    }
    user.flex(&["cp", from, "s3://my-bucket/2021/5/31", "--bucket", "another"])
        .expect(2)
        .says(&["different destinations"]);
    // As the manual writes it, options and all.
    user.flex(&["cp", from, "s3://my-bucket/2021/5/31", "--recursive", "--acl", "bucket-owner-full-control"]).expect(0);
    assert_eq!(user.world.objects("my-bucket").len(), 3);
    user.flex(&["sync", from, "s3://my-bucket/some/where/2021/05/31/"]).expect(0);
    let keys = user.world.objects("my-bucket");
    assert_eq!(keys.iter().filter(|k| k.starts_with("some/where/2021/05/31/")).count(), 3, "{keys:?}");
    user.flex(&["verify", "2021/05/31", "--bucket", "my-bucket", "--dest-prefix", "some/where"]).expect(0);
}
