//! Flags before environment before file, and whose file.

use flex_tests::sandbox::{Identity, subscriber_bucket};

use crate::support::{Subscriber, date};
use flex_tests::sandbox::FlexSeed;

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
