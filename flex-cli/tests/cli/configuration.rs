//! Flags before environment before file, and whose file.

use flex_tests::sandbox::{Identity, subscriber_bucket};

use crate::support::{Machine, Subscriber, date};
use flex_tests::sandbox::FlexSeed;
use serde_json::Value;

async fn three_buckets() -> Subscriber {
    let mut user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 2)).await;
    for name in ["by-flag", "by-environment", "by-file", "by-platform"] {
        subscriber_bucket(&user.world, name);
    }
    user.machine.unset("FLEX_BUCKET");
    user
}

fn filled(user: &Subscriber) -> Vec<&'static str> {
    let mut filled = Vec::new();
    for name in ["by-flag", "by-environment", "by-file", "by-platform"] {
        if user.world.object_count(name) > 0 {
            filled.push(name);
        }
        for key in user.world.objects(name) {
            user.world.remove_object(name, &key);
        }
    }
    filled
}

#[tokio::test]
async fn flag_before_environment_before_file_before_the_platforms() {
    let mut user = three_buckets().await;
    user.machine.file(".config/flex/flex.toml", "bucket = 'by-platform'");
    let run = user.flex(&["copy", "2021/05/31"]).expect(0);
    assert_eq!(filled(&user), ["by-platform"]);
    assert_eq!(run.err, "", "only ./flex.toml is named");
    user.machine.file("flex.toml", "bucket = 'by-file'");
    user.flex(&["copy", "2021/05/31"]).expect(0).says(&["./flex.toml sets bucket = \"by-file\""]);
    assert_eq!(filled(&user), ["by-file"]);
    user.machine.set("FLEX_BUCKET", "by-environment");
    user.flex(&["copy", "2021/05/31"]).expect(0);
    assert_eq!(filled(&user), ["by-environment"]);
    let run = user.flex(&["copy", "2021/05/31", "--bucket", "by-flag"]).expect(0);
    assert_eq!(filled(&user), ["by-flag"]);
    assert!(!run.err.contains("flex.toml"), "{run}");
    user.machine.unset("FLEX_BUCKET");
    user.machine.file("chosen.toml", "bucket = 'by-flag'");
    user.machine.set("FLEX_CONFIG", "chosen.toml");
    user.flex(&["copy", "2021/05/31"]).expect(0);
    assert_eq!(filled(&user), ["by-flag"]);
}

#[tokio::test]
async fn a_found_file_cannot_lead_requests_away() {
    let mut user = three_buckets().await;
    let endpoint = user.sandbox.endpoint();
    user.machine.unset("AWS_ENDPOINT_URL").set("FLEX_BUCKET", "by-environment");
    for (toml, name) in [("endpoint-url", "endpoint-url"), ("sts-endpoint-url", "sts-endpoint-url")] {
        user.machine.file("flex.toml", format!("{toml} = 'http://198.51.100.1'"));
        user.flex(&["copy", "2021/05/31"]).expect(2).says(&[name, "198.51.100.1", "--config"]);
    }
    // Loopback is taken, and named.
    user.machine.file("flex.toml", format!("endpoint-url = '{endpoint}'\nsts-endpoint-url = '{endpoint}'"));
    user.flex(&["copy", "2021/05/31"]).expect(0).says(&["./flex.toml sets endpoint-url"]);
    user.machine.file("flex.toml", "bukcet = 'x'");
    user.flex(&["copy", "2021/05/31"]).expect(2).says(&["flex.toml", "bukcet", "line 1"]);
}

#[tokio::test]
async fn the_flag_profile_ignores_exported_keys() {
    let mut user = three_buckets().await;
    user.machine.set("FLEX_BUCKET", "by-environment");
    let text = user.machine.profile("good", &Identity::copy_user()) + &user.machine.profile("bad", &Identity::nobody());
    user.machine.file(".aws/config", text);
    // Exported keys that may do nothing.
    user.machine.identity(&Identity::nobody());
    user.flex(&["copy", "2021/05/31"]).expect(3);
    user.flex(&["copy", "2021/05/31", "--profile", "good"]).expect(0);
    // AWS_PROFILE goes by the SDK's rules: exported keys come first.
    user.machine.set("AWS_PROFILE", "good");
    user.flex(&["copy", "2021/05/31"]).expect(3);
    user.machine.no_identity();
    user.flex(&["copy", "2021/05/31"]).expect(0);
    user.machine.identity(&Identity::copy_user());
    user.flex(&["copy", "2021/05/31", "--profile", "bad"]).expect(3);
}

#[tokio::test]
async fn the_region_is_not_the_environments() {
    let mut user = three_buckets().await;
    user.machine
        .set("AWS_REGION", "us-east-1")
        .set("AWS_DEFAULT_REGION", "us-east-1")
        .set("FLEX_BUCKET", "by-environment");
    user.flex(&["copy", "2021/05/31"]).expect(0);
    let regions: std::collections::BTreeSet<_> = user
        .world
        .requests()
        .iter()
        .map(|r| r.header("authorization").split('/').nth(2).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(regions, ["ap-northeast-1".to_owned()].into());
}

#[tokio::test]
async fn an_endpoint_of_the_profile_is_reached_by_path() {
    let mut user = three_buckets().await;
    // A name, to which the SDK would put the bucket in front: an address gets path style by itself.
    let endpoint = user.sandbox.endpoint().replace("127.0.0.1", "localhost");
    user.machine.unset("AWS_ENDPOINT_URL").no_identity().set("FLEX_BUCKET", "by-environment");
    let services = format!("[services local]\ns3 =\n  endpoint_url = {endpoint}\nsts =\n  endpoint_url = {endpoint}\n");
    let profile = user.machine.profile("good", &Identity::copy_user()) + "services = local\n";
    user.machine.file(".aws/config", profile + &services);
    user.flex(&["copy", "2021/05/31", "--profile", "good"]).expect(0);
    assert_eq!(user.world.object_count("by-environment"), 2);
}

#[tokio::test]
async fn retry_settings_of_the_sdk_are_not_looked_at() {
    let mut user = three_buckets().await;
    user.machine.set("FLEX_BUCKET", "by-environment");
    for (name, value) in [
        ("AWS_RETRY_MODE", "legacy"),
        ("AWS_RETRY_MODE", ""),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_MAX_ATTEMPTS", "abc"),
        ("AWS_MAX_ATTEMPTS", ""),
    ] {
        user.machine.set(name, value);
        user.flex(&["copy", "2021/05/31"]).expect(0);
        user.machine.unset(name);
    }
    for line in ["retry_mode = legacy", "max_attempts = x", "max_attempts = 0"] {
        user.machine.file(".aws/config", format!("[default]\n{line}\n"));
        user.flex(&["copy", "2021/05/31"]).expect(0);
    }
}

#[tokio::test]
async fn an_empty_endpoint_is_refused_by_its_name() {
    let mut user = three_buckets().await;
    let endpoint = user.sandbox.endpoint();
    user.machine.set("FLEX_BUCKET", "by-environment");
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS"] {
        user.machine.set(name, "");
        let said = format!("{name} is set but empty");
        user.flex(&["copy", "2021/05/31"]).expect(2).says(&[&said, "unset it"]);
        user.machine.unset(name).set("AWS_ENDPOINT_URL", &endpoint);
    }
    user.machine.unset("AWS_ENDPOINT_URL").file(".aws/config", "[default]\nendpoint_url =\n");
    user.flex(&["copy", "2021/05/31"]).expect(2).says(&["endpoint_url of the AWS profile is set but empty"]);
    assert_eq!(user.world.requests().len(), 0);
}

#[test]
fn init_writes_a_file_that_flex_reads_and_never_replaces_one() {
    let mut machine = Machine::bare();
    let run = machine.flex(&["init"]).expect(0).prints(&["flex.toml"]);
    assert_eq!(run.err, "", "{run}");
    let text = std::fs::read_to_string(machine.home.path().join("flex.toml")).unwrap();
    assert!(text.contains("#bucket = "), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(machine.home.path().join("flex.toml")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    machine.flex(&["config", "show"]).expect(0).prints(&["configuration file: ./flex.toml", "bucket: not set"]);
    machine.flex(&["init"]).expect(2).says(&["flex.toml exists already", "flex init OTHER.toml"]);
    assert_eq!(std::fs::read_to_string(machine.home.path().join("flex.toml")).unwrap(), text);

    // With values, in the reader's language.
    machine.set("LANG", "ja_JP.UTF-8");
    let given = ["--bucket", "my-bucket", "--account", "012345678901", "--profile", "user", "--exclude", "*.txt.gz"];
    machine.flex(&[&["init", "other.toml"][..], &given].concat()).expect(0);
    let text = std::fs::read_to_string(machine.home.path().join("other.toml")).unwrap();
    assert!(text.contains("自社のバケット"), "{text}");
    machine.flex(&["config", "show", "--config", "other.toml"]).expect(0).prints(&[
        "bucket: my-bucket (other.toml, line ",
        "account: 012345678901 (other.toml, line ",
        "profile: user (other.toml, line ",
        "exclude: *.txt.gz (other.toml, line ",
        "region: ap-northeast-1 (default)",
    ]);
    machine.flex(&["init", "third.toml", "--account", "12"]).expect(2).says(&["--account = \"12\""]);
    assert!(!machine.home.path().join("third.toml").exists());
    machine.flex(&["init", "no/such/folder.toml"]).expect(2).says(&["cannot be written", "flex init FILE"]);
    // Written so that it holds where it is read: a path of here, an endpoint that only a named file may have.
    machine.file("holidays.txt", "");
    std::fs::create_dir(machine.home.path().join("folder")).unwrap();
    machine.flex(&["init", "folder/flex.toml", "--calendar", "holidays.txt"]).expect(0);
    machine.flex(&["config", "show", "--config", "folder/flex.toml"]).expect(0).prints(&["/holidays.txt (folder/"]);
    let run = machine.flex(&["init", "folder/away.toml", "--endpoint-url", "https://s3.example.com"]).expect(0);
    run.says(&["--config folder/away.toml"]);
    let run = machine.flex(&["init", "folder/here.toml", "--endpoint-url", "http://127.0.0.1:9"]).expect(0);
    assert_eq!(run.err, "", "{run}");
    let events = machine.flex(&["init", "fourth.toml", "--json"]).expect(0).events();
    assert_eq!((&events[0]["event"], &events[0]["path"]), (&Value::from("file"), &Value::from("fourth.toml")));
    assert_eq!(events[1]["exit_code"], 0);
}

#[test]
fn show_tells_each_value_and_where_it_came_from() {
    let mut machine = Machine::bare();
    machine.file("flex.toml", "# mine\nbucket = 'from-file'\nmax-rps = 12.5\ncompat = true\n");
    machine
        .set("FLEX_ACCOUNT", "012345678901")
        .set("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .set("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
        .set("AWS_SECRET_ACCESS_KEY", "hidden-too");
    let run = machine.flex(&["config", "show", "--region", "us-west-2"]).expect(0).prints(&[
        "bucket: from-file (./flex.toml, line 2)\n",
        "max-rps: 12.5 (./flex.toml, line 3)\n",
        "account: 012345678901 (FLEX_ACCOUNT)\n",
        "endpoint-url: http://127.0.0.1:9 (AWS_ENDPOINT_URL)\n",
        "region: us-west-2 (--region)\n",
        "proof: etag (default)\n",
        "profile: not set (",
        "identity variables set: AWS_SECRET_ACCESS_KEY AWS_EC2_METADATA_DISABLED\n",
        "HTTPS_PROXY: http://proxy.example:3128 (",
    ]);
    assert!(!(run.out + &run.err).contains("hidden"));
    // An @ is hidden in URLs alone.
    machine.set("AWS_CA_BUNDLE", "/certs/a@b.pem");
    machine.flex(&["config", "show", "--session-name", "me@example.com", "--profile", "a@b"]).expect(0).prints(&[
        "session-name: me@example.com (--session-name)\n",
        "profile: a@b (--profile)\n",
        "AWS_CA_BUNDLE: /certs/a@b.pem (",
    ]);
    machine.unset("AWS_CA_BUNDLE");
    let run = machine.flex(&["config", "show", "--json"]).expect(0);
    let summary = run.summary();
    assert_eq!(summary["file"], "./flex.toml");
    let settings: Vec<Value> = run.events().into_iter().filter(|event| event["event"] == "setting").collect();
    let setting = |name: &str| settings.iter().find(|event| event["name"] == name).unwrap().clone();
    for (name, value, origin, from, line) in [
        ("bucket", "from-file".into(), "file", Some("./flex.toml"), Some(2)),
        ("max-rps", 12.5.into(), "file", Some("./flex.toml"), Some(3)),
        ("compat", true.into(), "file", Some("./flex.toml"), Some(4)),
        ("account", "012345678901".into(), "environment", Some("FLEX_ACCOUNT"), None),
        ("region", "ap-northeast-1".into(), "default", None, None),
        ("max-in-flight", 1024.into(), "default", None, None),
        ("profile", Value::Null, "default", None, None),
    ] {
        let found = setting(name);
        assert_eq!((&found["value"], &found["origin"]), (&value, &Value::from(origin)), "{found}");
        assert_eq!((found["from"].as_str(), found["line"].as_u64()), (from, line), "{found}");
    }
    assert!(!run.out.contains("hidden"));
}

#[test]
fn what_a_file_says_wrongly_is_named_with_its_place() {
    let machine = Machine::bare();
    for (text, says) in [
        ("\nbukcet = 'x'", &["./flex.toml, line 2, column 1", "\"bukcet\"", "did you mean bucket?"][..]),
        ("dest_prefix = 'x'", &["line 1, column 1", "did you mean dest-prefix?"]),
        ("account = 123456789012", &["line 1, column 11", "a whole number", "account = \"123456789012\""]),
        ("#\n#\naccount = '12'", &["account (./flex.toml, line 3) = \"12\"", "12 digits", "account = \""]),
        ("max-in-flight = 0", &["max-in-flight (./flex.toml, line 1) = \"0\"", "max-in-flight = 128"]),
        ("max-in-flight = -1", &["max-in-flight (./flex.toml, line 1) = \"-1\""]),
        ("bucket = my-bucket", &["flex.toml", "line 1, column 10", "stand in quotes"]),
        ("endpoint-url = 'http://me:hidden@127.0.0.1'", &["endpoint-url (./flex.toml, line 1)", "user name"]),
    ] {
        machine.file("flex.toml", text);
        let run = machine.flex(&["config", "show"]).expect(2).says(says);
        assert!(!run.err.contains("hidden") && run.out.is_empty(), "{run}");
    }
    machine.flex(&["ls", "--config", "absent.toml"]).expect(2).says(&["absent.toml (--config)", "flex init FILE"]);
}
