//! The program `sandbox`, as a person or a script starts it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use aws_smithy_http_client::Builder as HttpBuilder;

/// A child that does not outlive its test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(arguments: &[&str]) -> (Program, Vec<String>, BufReader<ChildStdout>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
    let mut child = command.args(arguments).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let program = Program(child);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert_ne!(out.read_line(&mut line).expect("text"), 0, "it ended early: {lines:?}");
        let ready = line.starts_with("# Ready");
        lines.push(line);
        if ready {
            return (program, lines, out);
        }
    }
}

/// The value of an exported variable.
fn exported<'a>(lines: &'a [String], name: &str) -> &'a str {
    let words = lines.iter().filter_map(|line| line.strip_prefix("export ")).flat_map(str::split_whitespace);
    let mut values = words.filter_map(|word| word.split_once('=')).filter(|(n, _)| *n == name).map(|(_, value)| value);
    values.next().expect("exported")
}

#[tokio::test]
async fn it_serves_what_it_prints_and_ends_on_sigterm() {
    let (mut program, lines, _out) = started(&["--objects", "1200"]);
    let keys = aws_sdk_sts::config::Credentials::new(
        exported(&lines, "AWS_ACCESS_KEY_ID"),
        exported(&lines, "AWS_SECRET_ACCESS_KEY"),
        None,
        None,
        "printed",
    );
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(aws_sdk_sts::config::Region::new(exported(&lines, "AWS_REGION").to_owned()))
        .endpoint_url(exported(&lines, "AWS_ENDPOINT_URL"))
        .credentials_provider(keys)
        .http_client(HttpBuilder::new().build_http())
        .build();
    let who = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await.expect("answered");
    assert_eq!(who.arn(), Some("arn:aws:iam::123456789012:user/flex-copy"));
    assert!(lines[0].contains("1200 objects"), "{}", lines[0]);

    let told = Command::new("kill").arg(program.0.id().to_string()).status().expect("kill runs");
    assert!(told.success());
    let status = program.0.wait().expect("it ends");
    assert!(status.success(), "{status}");
}

#[test]
fn wrong_options_are_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox"));
    let output = command.arg("--nonsense").arg("1").output().expect("it runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no option --nonsense"));
}

/// An SDK configuration with the keys of a profile that the sandbox wrote.
fn profile(text: &str, name: &str) -> aws_sdk_sts::config::Credentials {
    let section = text.split('[').find(|section| section.starts_with(&format!("{name}]"))).expect("the profile");
    let value = |key: &str| {
        let line = section.lines().find_map(|line| line.strip_prefix(key)).expect("the value");
        line.trim_start_matches(" = ").to_owned()
    };
    aws_sdk_sts::config::Credentials::new(
        value("aws_access_key_id"),
        value("aws_secret_access_key"),
        None,
        None,
        "file",
    )
}

fn config(lines: &[String], keys: aws_sdk_sts::config::Credentials) -> aws_types::SdkConfig {
    aws_types::SdkConfig::builder()
        .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
        .region(aws_sdk_sts::config::Region::new(exported(lines, "AWS_REGION").to_owned()))
        .endpoint_url(exported(lines, "AWS_ENDPOINT_URL"))
        .credentials_provider(aws_sdk_sts::config::SharedCredentialsProvider::new(keys))
        .http_client(HttpBuilder::new().build_http())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(aws_smithy_async::rt::sleep::TokioSleep::new()))
        .time_source(aws_smithy_async::time::SharedTimeSource::new(aws_smithy_async::time::SystemTimeSource::new()))
        .build()
}

/// A file of this process's own in the system's folder for such.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn it_begins_before_the_manuals_first_step() {
    use std::os::unix::fs::PermissionsExt;
    let file = Scratch(std::env::temp_dir().join(format!("flex-sandbox-test-{}", std::process::id())));
    // Even one that was open to all is closed.
    std::fs::write(&file.0, "old").expect("written");
    std::fs::set_permissions(&file.0, PermissionsExt::from_mode(0o666)).expect("opened to all");
    let path = file.0.to_str().expect("a path of text");
    let (_program, lines, _out) =
        started(&["--no-bucket", "--no-user", "--no-role", "--token-life", "60", "--credentials", path]);
    let mode = std::fs::metadata(&file.0).expect("written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file.0).expect("text");
    assert!(!text.contains("old") && !text.contains("[flex-copy]"), "{text}");
    for line in ["There is no bucket my-flex-bucket yet.", "There is no user flex-copy yet.", "--profile owner"] {
        assert!(lines.iter().any(|printed| printed.contains(line)), "{line}: {lines:?}");
    }

    let owner = config(&lines, profile(&text, "owner"));
    assert_eq!(exported(&lines, "AWS_ACCESS_KEY_ID"), "AKIAFLEXOWNER0000001");
    let s3 = aws_sdk_s3::config::Builder::from(&owner).force_path_style(true);
    let s3 = aws_sdk_s3::Client::from_conf(s3.build());
    assert_eq!(super::refusal(s3.head_bucket().bucket("my-flex-bucket").send().await), super::is(404, "NotFound"));
    let iam = aws_sdk_iam::Client::new(&owner);
    let user = iam.get_user().user_name("flex-copy").send().await;
    assert_eq!(super::refusal(user), super::is(404, "NoSuchEntity"));
    let sts = aws_sdk_sts::Client::new(&owner);
    let role = sts.assume_role().role_arn(flex_tests::sandbox::COPY_ROLE_ARN).role_session_name("flex").send().await;
    assert_eq!(super::refusal(role), super::is(403, "AccessDenied"));
}

#[tokio::test]
async fn the_vendor_comes_in_time_and_tokens_are_short() {
    // Zero seconds later is now; the wait itself is tested in virtual time.
    let (_program, lines, _out) = started(&["--vendor-after", "0", "--token-life", "60"]);
    let keys = aws_sdk_sts::config::Credentials::new(
        exported(&lines, "AWS_ACCESS_KEY_ID"),
        exported(&lines, "AWS_SECRET_ACCESS_KEY"),
        None,
        None,
        "printed",
    );
    let sts = aws_sdk_sts::Client::new(&config(&lines, keys));
    let before = std::time::SystemTime::now();
    let role = sts.assume_role().role_arn(flex_tests::sandbox::COPY_ROLE_ARN).role_session_name("flex");
    let role = role.send().await.expect("the role is there");
    let end = *role.credentials().expect("credentials").expiration();
    let end = std::time::SystemTime::try_from(end).expect("a date");
    let life = end.duration_since(before).expect("in the future").as_secs();
    assert!((58..=62).contains(&life), "{life}");
}

#[test]
fn help_is_printed() {
    let output = Command::new(env!("CARGO_BIN_EXE_sandbox")).arg("--help").output().expect("it runs");
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("--vendor-after SECONDS"));
}
