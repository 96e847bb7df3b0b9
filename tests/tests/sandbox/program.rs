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
