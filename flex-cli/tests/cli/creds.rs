//! The copy role's credentials, for other programs and for nobody else.

use flex_tests::sandbox::{COPY_ROLE_NAME, FlexSeed, Identity};
use serde_json::Value;

use crate::support::{BUCKET, Subscriber, date};

#[tokio::test]
async fn show_tells_who_and_until_when_and_no_secret() {
    let user = Subscriber::plain().await;
    let run = user.flex(&["creds", "show"]).expect(0).prints(&[COPY_ROLE_NAME, Subscriber::account(), "12 hours"]);
    assert!(!run.out.contains(Identity::copy_user().secret_access_key()), "{run}");
    let session = user.flex(&["creds", "show", "--json"]).expect(0).events().remove(0);
    assert_eq!(session["renewable"], true);
    assert!(session["expires"].as_str().unwrap().ends_with('Z'), "{session}");
}

#[tokio::test]
async fn process_and_env_give_the_role_to_other_programs() {
    let mut user = Subscriber::plain().await;
    let given: Value = serde_json::from_str(&user.flex(&["creds", "process"]).expect(0).out).unwrap();
    assert_eq!(given["Version"], 1);
    assert!(given["SessionToken"].is_string() && given["Expiration"].is_string());
    let env = user.flex(&["creds", "env", "--shell", "sh"]).expect(0).out;
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        assert!(env.contains(name), "{env}");
    }
    user.machine.set("SHELL", "/usr/bin/fish");
    user.flex(&["creds", "env"]).expect(0).prints(&["set -gx AWS_SESSION_TOKEN"]);
    user.flex(&["creds", "env", "--unset"]).expect(0).prints(&["set -e", "AWS_SESSION_TOKEN"]);
}

#[tokio::test]
async fn a_caller_that_is_the_copy_role_is_warned_once_and_works() {
    let mut user = Subscriber::plain().await;
    let given: Value = serde_json::from_str(&user.flex(&["creds", "process"]).expect(0).out).unwrap();
    // As the manual has it: the three variables exported by hand.
    for (name, field) in [
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ] {
        user.machine.set(name, given[field].as_str().unwrap());
    }
    let run = user.flex(&["copy", "2021/05/31"]).expect(0).says(&[
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ]);
    assert_eq!(run.err.to_lowercase().matches("cannot be renewed").count(), 1, "{run}");
    // Without an expiration others would take them for a long-term key.
    let process = user.flex(&["creds", "process"]).expect(3).says(&["unset AWS_ACCESS_KEY_ID"]);
    assert_eq!(process.out, "");
    assert_eq!(user.world.object_count(BUCKET), 3);
    user.world.end_tokens();
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&["unset AWS_ACCESS_KEY_ID"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_profile_that_is_flex_itself_does_not_recurse() {
    let mut user = Subscriber::plain().await;
    let flex = env!("CARGO_BIN_EXE_flex");
    user.machine.set("PATH", "/usr/bin:/bin");
    let role = format!("[profile role]\ncredential_process = {flex} creds process\n");
    let chained = "[profile chained]\nsource_profile = role\nrole_arn = arn:aws:iam::123456789012:role/x\n";
    user.machine.file(".aws/config", role + chained);
    let identity = Identity::copy_user();
    for arguments in [
        &["copy", "2021/05/31", "--profile", "role"][..],
        &["creds", "process", "--profile", "role"],
        &["ls", "--profile", "chained"],
    ] {
        user.flex(arguments).expect(3).says(&["\"role\"", "credential_process", "--profile NAME"]);
    }
    // With the keys exported the profile is not looked at.
    user.machine.set("AWS_PROFILE", "role");
    user.flex(&["copy", "2021/05/31"]).expect(0);
    user.machine.no_identity();
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&["credential_process"]);

    // Hidden in a script, so that only the environment can tell.
    let script = user.machine.file("tool.sh", format!("#!/bin/sh\nexec {flex} creds process\n"));
    user.machine.file(".aws/config", format!("[profile role]\ncredential_process = sh {}\n", script.display()));
    user.flex(&["creds", "process"]).expect(3).says(&["started by `flex creds process`"]);
    user.flex(&["copy", "2021/05/31"]).expect(3);

    // The right way round: another profile for flex inside the line.
    let base = user.machine.profile("base", &identity);
    let line = format!("[profile role]\ncredential_process = {flex} creds process --profile base\n");
    user.machine.file(".aws/config", base + &line);
    user.machine.unset("AWS_PROFILE");
    user.flex(&["copy", "2021/05/31", "--profile", "base"]).expect(0);
    user.flex(&["creds", "process", "--profile", "base"]).expect(0).prints(&["SessionToken"]);
}

#[tokio::test]
async fn secrets_are_in_no_log_and_no_event() {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 2)).await;
    let log = user.machine.home.path().join("flex.log");
    let mut texts = Vec::new();
    for arguments in [
        &["copy", "2021/05/31", "-vv"][..],
        &["copy", "2021/05/31", "-vv", "--json"],
        &["copy", "2021/05/31", "-vv", "--log-file", log.to_str().unwrap()],
        &["verify", "2021/05/31", "-vv"],
        &["creds", "show", "-vv", "--json"],
    ] {
        let run = user.flex(arguments).expect(0);
        texts.push(run.out + &run.err);
    }
    texts.push(std::fs::read_to_string(&log).unwrap());
    let tokens: Vec<String> = user
        .world
        .requests()
        .iter()
        .map(|r| r.header("x-amz-security-token").to_owned())
        .filter(|t| !t.is_empty())
        .collect();
    assert!(!tokens.is_empty());
    for text in &texts {
        assert!(!text.contains(Identity::copy_user().secret_access_key()), "{text}");
        for token in &tokens {
            assert!(!text.contains(token.as_str()), "{text}");
        }
    }
}

#[tokio::test]
async fn policies_are_the_manuals() {
    let user = Subscriber::plain().await;
    let bucket: Value = serde_json::from_str(&user.flex(&["policy", "bucket"]).expect(0).out).unwrap();
    let manual: Value = serde_json::from_str(&flex_tests::sandbox::manual_policy(BUCKET)).unwrap();
    assert_eq!(bucket, manual);
    // What they allow is not needed to print them.
    user.world.role_exists(false);
    let assumed = user.world.count("AssumeRole");
    user.flex(&["policy", "assume-role"]).expect(0).prints(&[COPY_ROLE_NAME]);
    assert_eq!(user.world.count("AssumeRole"), assumed);
    // An account that is given asks nobody.
    let before = user.world.requests().len();
    let role: Value =
        serde_json::from_str(&user.flex(&["policy", "assume-role", "--account", "012345678901"]).expect(0).out)
            .unwrap();
    assert!(role.to_string().contains("JeuServiceRoleForS3Copy_012345678901"));
    assert_eq!(user.world.requests().len(), before);
}
