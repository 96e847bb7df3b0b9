//! The copy role's credentials, for other programs and for nobody else.

use flex_tests::sandbox::{COPY_ROLE_NAME, Identity};
use serde_json::Value;

use crate::support::{BUCKET, Subscriber};

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

#[tokio::test]
async fn every_shell_is_given_all_three_variables_and_can_drop_them() {
    let user = Subscriber::plain().await;
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    for (shell, set, unset) in [
        ("sh", "export NAME='", "unset NAME"),
        ("fish", "set -gx NAME '", "set -e NAME"),
        ("powershell", "$env:NAME = '", "Remove-Item Env:NAME"),
        ("cmd", "set \"NAME=", "set \"NAME=\""),
    ] {
        let given = user.flex(&["creds", "env", "--shell", shell]).expect(0).out;
        let taken = user.flex(&["creds", "env", "--shell", shell, "--unset"]).expect(0).out;
        for name in names {
            for (text, want) in [(&given, set), (&taken, unset)] {
                let begin = want.replace("NAME", name);
                assert!(text.lines().any(|line| line.starts_with(&begin)), "{shell}: {begin}");
            }
        }
        assert_eq!((given.lines().count(), taken.lines().count()), (3, 3));
    }
}

#[cfg(unix)]
mod exec {
    use std::{
        io::Write,
        process::{Child, Command, Stdio},
    };

    use super::*;

    /// Runs `sh -c` under `creds exec`.
    fn sh(user: &Subscriber, script: &str) -> crate::support::Run {
        user.flex(&["creds", "exec", "--", "sh", "-c", script])
    }

    async fn with_path() -> Subscriber {
        let mut user = Subscriber::plain().await;
        user.machine.set("PATH", "/usr/bin:/bin");
        user
    }

    #[tokio::test]
    async fn the_command_finds_the_roles_variables_and_no_other_identity() {
        let mut user = with_path().await;
        let identity = Identity::copy_user();
        user.machine.file(".aws/config", user.machine.profile("base", &identity));
        for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            user.machine.set(name, "base");
        }
        for name in ["AWS_SECURITY_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "FLEX_CREDS_PROCESS"] {
            user.machine.set(name, "left-over");
        }
        user.machine.set("AWS_REGION", "us-east-1");
        let run = sh(&user, "env").expect(0);
        assert_eq!(run.err, "", "{run}");
        let found: std::collections::BTreeMap<_, _> = run.out.lines().filter_map(|l| l.split_once('=')).collect();
        assert!(found["AWS_ACCESS_KEY_ID"].starts_with("ASIA"), "{run}");
        for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
            assert!(user.world.secrets().iter().any(|secret| secret == found[name]), "{name}");
        }
        assert_ne!(found["AWS_SECRET_ACCESS_KEY"], identity.secret_access_key());
        assert!(found["AWS_CREDENTIAL_EXPIRATION"].ends_with('Z'), "{run}");
        assert_eq!((found["AWS_REGION"], found["AWS_DEFAULT_REGION"]), ("us-east-1", "us-east-1"));
        let left = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SECURITY_TOKEN", "FLEX_CREDS_PROCESS"];
        assert!(left.iter().all(|name| !found.contains_key(name)), "{run}");
        assert!(!run.out.contains("left-over"), "{run}");
        // What it was given works.
        let flex = env!("CARGO_BIN_EXE_flex");
        user.machine.unset("AWS_PROFILE").unset("AWS_DEFAULT_PROFILE");
        let inner = format!("exec {flex} copy 2021/05/31");
        user.flex(&["creds", "exec", "--", "sh", "-c", &inner]).expect(0).says(&["cannot be renewed"]);
        assert_eq!(user.world.object_count(BUCKET), 3);
    }

    #[tokio::test]
    async fn the_exit_code_and_the_streams_are_the_commands() {
        let user = with_path().await;
        for code in [0, 1, 7, 130, 255] {
            sh(&user, &format!("exit {code}")).expect(code);
        }
        let mut command = user.machine.command(["creds", "exec", "--", "sh", "-c", "cat; echo no >&2"]);
        let mut child: Child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"in\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"in\n"[..], &b"no\n"[..]));
    }

    #[tokio::test]
    async fn the_limits_are_those_that_flex_was_started_with() {
        let user = with_path().await;
        let arguments = ["creds", "exec", "--", "sh", "-c", "ulimit -Sn"];
        assert_eq!(user.machine.flex_limited("ulimit -Sn 60", &arguments).expect(0).out, "60\n");
    }

    #[tokio::test]
    async fn a_signal_reaches_the_command_and_is_told_as_it_is() {
        let user = with_path().await;
        // The very process that was started: nothing stands between it and the terminal.
        let script = "trap 'exit 41' TERM; echo $$; read line";
        let mut command = user.machine.command(["creds", "exec", "--", "sh", "-c", script]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert_eq!(line.trim(), child.id().to_string());
        let _open = child.stdin.take();
        assert!(Command::new("kill").args(["-TERM", line.trim()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(41));
        // A shell tells it as 128 and the signal.
        let flex = env!("CARGO_BIN_EXE_flex");
        let script = format!("{flex} creds exec -- sh -c 'kill -KILL $$'; exit $?");
        let mut outer = Command::new("sh");
        outer.args(["-c", &script]).env_clear().envs(&user.machine.variables).current_dir(user.machine.home.path());
        assert_eq!(outer.stderr(Stdio::null()).status().unwrap().code(), Some(137));
    }

    #[tokio::test]
    async fn what_cannot_be_run_is_told_as_shells_tell_it() {
        let user = with_path().await;
        user.flex(&["creds", "exec", "--", "no-such-command"])
            .expect(127)
            .says(&["the command \"no-such-command\" cannot be run", "PATH"]);
        let file = user.machine.file("plain.txt", "no program");
        user.flex(&["creds", "exec", "--", file.to_str().unwrap()]).expect(126).says(&["plain.txt", "executable"]);
        let script = user.machine.file("script", "#!/no/such/interpreter\n");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        user.flex(&["creds", "exec", "--", "./script"]).expect(126).says(&["name the program that runs it"]);
        let asked = user.world.requests().len();
        for arguments in [&["creds", "exec"][..], &["creds", "exec", "--"], &["creds", "exec", "env"]] {
            user.flex(arguments).expect(2);
        }
        user.flex(&["creds", "exec", "--json", "--", "env"]).expect(2).says(&["not JSON", "flex creds process"]);
        assert_eq!(user.world.requests().len(), asked, "nothing is asked for a command line that is wrong");
        // The role's own failure comes first, with flex's exit code.
        user.world.role_exists(false);
        user.flex(&["creds", "exec", "--", "no-such-command"]).expect(3).says(&["step 1-4"]);
    }

    #[tokio::test]
    async fn a_short_life_is_told_unless_quiet() {
        let mut user = with_path().await;
        user.machine.identity(&Identity::chained());
        let run = sh(&user, "exit 0").expect(0).says(&["the command cannot renew them", "credential_process"]);
        assert_eq!(run.err.lines().count(), 1, "{run}");
        let run = user.flex(&["creds", "exec", "--quiet", "--", "sh", "-c", "exit 0"]).expect(0);
        assert_eq!(run.err, "");
        user.machine.set("LANG", "ja_JP.UTF-8");
        sh(&user, "exit 0").expect(0).says(&["有効期間は"]);
    }
}
