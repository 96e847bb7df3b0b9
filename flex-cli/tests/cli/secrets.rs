//! The bytes of every secret, looked for wherever they must not be.

use std::{collections::BTreeSet, path::Path};

use flex_tests::sandbox::{FlexSeed, Identity};

use crate::support::{Run, Subscriber, date};

/// Every command that meets a secret, with each way to make it talk.
const LOUD: [&[&str]; 6] =
    [&[], &["-vv"], &["--json"], &["-vv", "--json"], &["-vv", "--log-file", "flex.log"], &["--lang", "ja", "-v"]];

async fn subscriber() -> Subscriber {
    let mut user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 2)).await;
    let text =
        user.machine.profile("admin", &Identity::owner()) + &user.machine.profile("base", &Identity::copy_user());
    let config = user.machine.file(".aws/config", text);
    private(&config);
    user.machine
        .set("PATH", "/usr/bin:/bin")
        // What other programs take for the greatest noise.
        .set("RUST_LOG", "trace")
        .set("RUST_BACKTRACE", "full")
        .set("AWS_LOG_LEVEL", "trace");
    user
}

fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// What must not be seen: all that the sandbox knows or gave out, and what it would not take.
fn secrets(user: &Subscriber) -> BTreeSet<String> {
    let mut secrets: BTreeSet<String> = user.world.secrets().into_iter().collect();
    for identity in [Identity::owner(), Identity::copy_user(), Identity::chained(), Identity::nobody()] {
        secrets.insert(identity.secret_access_key().to_owned());
        secrets.extend(identity.session_token().map(str::to_owned));
    }
    assert!(secrets.iter().all(|secret| secret.len() >= 20), "short ones would be found by chance");
    secrets
}

#[track_caller]
fn assert_clean(user: &Subscriber, text: &str, place: &str) {
    for secret in secrets(user) {
        // In pieces, too: a line may be cut.
        assert!(!text.contains(&secret[..20]), "{place} holds a secret:\n{text}");
    }
}

/// Neither stream of a run holds a secret.
#[track_caller]
fn silent(user: &Subscriber, run: &Run) {
    assert_clean(user, &run.out, "standard output");
    assert_clean(user, &run.err, "standard error");
}

/// No file that others can read holds one, and no log at all.
fn no_file_tells(user: &Subscriber) -> usize {
    fn walk(user: &Subscriber, folder: &Path, looked_at: &mut usize) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(user, &path, looked_at);
                continue;
            }
            let log = path.extension().is_some_and(|e| e == "log");
            if log || readable_by_others(&path) {
                *looked_at += 1;
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                assert_clean(user, &text, &path.display().to_string());
            }
        }
    }
    let mut looked_at = 0;
    walk(user, user.machine.home.path(), &mut looked_at);
    looked_at
}

#[cfg(unix)]
fn readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_path: &Path) -> bool {
    true
}

#[test]
fn the_search_finds_what_is_there() {
    let secret = Identity::copy_user().secret_access_key().to_owned();
    assert!(format!("x {secret} y").contains(&secret[..20]));
    assert!(!format!("{:?}", Identity::copy_user()).contains(&secret[..20]));
}

#[tokio::test]
async fn no_command_that_succeeds_tells_a_secret() {
    let user = subscriber().await;
    let owner = ["--owner-profile", "admin"];
    for loud in LOUD {
        for command in [
            &["ls", "2021/05"][..],
            &["plan", "2021/05/31"],
            &["copy", "2021/05/31"],
            &["verify", "2021/05/31"],
            &["clean", "--yes"],
            &["policy", "bucket"],
            &["policy", "assume-role"],
            &["creds", "show"],
            &["config", "show"],
        ] {
            let run = user.flex(&[command, loud, &owner].concat()).expect(0);
            silent(&user, &run);
        }
    }
    assert!(no_file_tells(&user) >= 1, "the log was looked at");
    assert!(user.world.secrets().len() > 40, "every session has its own");
}

#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn no_command_of_the_owner_tells_a_secret() {
    let mut user = subscriber().await;
    user.machine.set("FLEX_OWNER_PROFILE", "admin");
    let told = |run: &Run, codes: &[i32]| {
        assert!(codes.iter().any(|code| run.code == Some(*code)), "{run}");
        silent(&user, run);
    };
    for loud in LOUD {
        for command in [
            &["doctor"][..],
            &["doctor", "--write-probe"],
            &["setup", "--dry-run"],
            &["setup", "--print", "aws-cli"],
            &["setup", "--print-permissions"],
            &["policy", "check"],
            &["policy", "apply", "--yes"],
        ] {
            told(&user.flex(&[command, loud].concat()), &[0]);
        }
    }
    // What is broken is told, with all that it takes to mend it, and with no key.
    user.world.role_exists(false);
    user.world.delete_bucket_policy("my-bucket");
    for loud in LOUD {
        for command in [&["doctor"][..], &["setup", "--dry-run"], &["policy", "check"], &["policy", "apply", "--yes"]] {
            told(&user.flex(&[command, loud].concat()), &[0, 1, 3, 4]);
        }
    }
    no_file_tells(&user);
}

/// The one secret that flex writes.
#[cfg(feature = "iam")]
#[tokio::test]
async fn a_new_access_key_is_in_its_file_alone() {
    let mut user = subscriber().await;
    user.machine.set("FLEX_OWNER_PROFILE", "admin");
    for (name, arguments) in [
        ("one", &["--access-key", "--key-profile", "one", "-vv"][..]),
        ("two", &["--access-key", "--key-profile", "two", "-vv", "--json"]),
        ("three", &["--access-key-csv", "three.csv", "-vv", "--log-file", "flex.log"]),
    ] {
        let identity = format!("user:{name}");
        let run = user.flex(&[&["setup", "--yes", "--identity", &identity][..], arguments].concat()).expect(0);
        let key = user.world.keys_of(name).pop().expect("a key");
        assert!(user.world.secrets().iter().any(|secret| secret == key.secret_access_key()));
        silent(&user, &run);
    }
    no_file_tells(&user);
}

#[tokio::test]
async fn what_is_handed_over_is_on_standard_output_alone() {
    let user = subscriber().await;
    for loud in [&[][..], &["-vv"], &["-vv", "--log-file", "flex.log"]] {
        for command in [&["creds", "process"][..], &["creds", "env", "--shell", "sh"]] {
            let run = user.flex(&[command, loud].concat()).expect(0);
            assert!(secrets(&user).iter().any(|secret| run.out.contains(secret)), "{run}");
            assert_clean(&user, &run.err, "standard error");
            // The base identity's own secret is nobody's business.
            assert!(!run.out.contains(Identity::copy_user().secret_access_key()));
        }
        #[cfg(unix)]
        silent(&user, &user.flex(&[&["creds", "exec"], loud, &["--", "sh", "-c", "exit 0"]].concat()).expect(0));
    }
    // With --json it is refused where it is not the result.
    silent(&user, &user.flex(&["creds", "env", "--json"]).expect(2));
    no_file_tells(&user);
}

#[tokio::test]
async fn no_command_that_fails_tells_a_secret() {
    let commands: [&[&str]; 5] =
        [&["ls", "2021"], &["plan", "2021/05/31"], &["copy", "2021/05/31"], &["creds", "show"], &["creds", "process"]];
    let mut user = subscriber().await;
    let all = |user: &Subscriber, code: Option<i32>| {
        for loud in &LOUD[2..5] {
            for command in commands {
                let run = user.flex(&[command, loud].concat());
                assert!(code.is_none_or(|code| run.code == Some(code)), "{run}");
                assert_clean(user, &run.err, "standard error");
                // What does not concern the role does not stop it.
                if run.code != Some(0) || command != ["creds", "process"] {
                    silent(user, &run);
                }
            }
        }
    };
    // Keys that AWS does not know, and a secret that is not the key's.
    user.machine.identity(&Identity::nobody());
    all(&user, Some(3));
    user.machine.identity(&Identity::copy_user()).set("AWS_SECRET_ACCESS_KEY", Identity::owner().secret_access_key());
    all(&user, Some(3));
    // Not allowed; the role is not there; the bucket does not let it in.
    user.machine.identity(&Identity::owner());
    all(&user, None);
    user.machine.identity(&Identity::copy_user());
    user.world.role_exists(false);
    all(&user, Some(3));
    user.world.role_exists(true);
    user.world.delete_bucket_policy("my-bucket");
    all(&user, None);
    // Expired; and nobody there.
    user.machine.identity(&user.world.copy_role());
    user.world.end_tokens();
    all(&user, Some(3));
    user.machine.identity(&Identity::copy_user()).set("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    silent(&user, &user.flex(&["creds", "show", "-vv"]).expect(3));
    // A wrong file of profiles, whose lines a parser likes to quote.
    let secret = Identity::copy_user().secret_access_key().to_owned();
    let broken = format!("[profile base]\naws_access_key_id = x\naws_secret_access_key {secret}\n");
    private(&user.machine.file(".aws/config", broken));
    user.machine.no_identity();
    silent(&user, &user.flex(&["creds", "show", "-vv", "--profile", "base"]).expect(3));
    silent(&user, &user.flex(&["creds", "show", "-vv"]).expect(3));
    no_file_tells(&user);
}

/// The process list shows a command line to everybody.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_process_list_shows_no_secret() {
    let mut user = subscriber().await;
    // Stays as it is until its input ends; /proc shows what `ps` would.
    let script = "cat /proc/$$/cmdline /proc/$PPID/cmdline; read line";
    let mut command = user.machine.command(["creds", "exec", "-vv", "--", "sh", "-c", script]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let shown = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&[&shown[..], &output.stdout[..], &output.stderr[..]].concat()).into_owned();
    assert!(text.contains("creds\0exec") || text.contains("sh\0-c"), "{text}");
    assert_clean(&user, &text, "the process list");

    // flex itself while it waits for an answer, and the program that gives it its keys.
    let keys = user.machine.file(
        "keys.json",
        format!(
            r#"{{"Version":1,"AccessKeyId":"{}","SecretAccessKey":"{}"}}"#,
            Identity::copy_user().access_key_id(),
            Identity::copy_user().secret_access_key()
        ),
    );
    private(&keys);
    let seen = user.machine.home.path().join("seen.log");
    let script = user.machine.file(
        "keys.sh",
        format!(
            "read -r _ _ _ flex _ < /proc/$PPID/stat\ncat /proc/$$/cmdline /proc/$PPID/cmdline /proc/$flex/cmdline >> {}\ncat {}\n",
            seen.display(),
            keys.display()
        ),
    );
    let line = format!("[profile process]\ncredential_process = sh {}\n", script.display());
    private(&user.machine.file(".aws/config", line));
    user.machine.no_identity();
    for command in [&["creds", "show"][..], &["creds", "process"], &["copy", "2021/05/31"]] {
        user.flex(&[command, &["-vv", "--profile", "process"]].concat()).expect(0);
    }
    let shown = String::from_utf8_lossy(&std::fs::read(&seen).unwrap()).into_owned();
    assert!(shown.contains("creds\0show") && shown.contains("keys.sh"), "{shown}");
    no_file_tells(&user);
}
