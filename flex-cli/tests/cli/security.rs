//! What docs/threat-model.md says, looked for in what flex sends, writes and refuses.

#[cfg(feature = "iam")]
use std::collections::BTreeSet;
use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
};

use flex_tests::sandbox::{Effect, Fault, FlexSeed, Identity, ObjectSpec, VENDOR_BUCKET};
#[cfg(feature = "iam")]
use flex_tests::sandbox::{Request, SUBSCRIBER, Sandbox, VENDOR, seed_flex};

#[cfg(feature = "iam")]
use crate::support::Machine;
use crate::support::{BUCKET, Subscriber, date, until};

/// Has a user's whole life run, setup to clean, and gives what was asked of the services.
#[cfg(feature = "iam")]
async fn journey(arguments: &[&str]) -> Vec<Request> {
    let sandbox = Sandbox::builder().start().await.unwrap();
    let world = sandbox.world();
    world.nothing_set_up();
    world.role_exists(true);
    let seeded = seed_flex(&world, &FlexSeed::default());
    let mut machine = Machine::bare();
    machine.set("AWS_ENDPOINT_URL", sandbox.endpoint()).set("FLEX_BUCKET", BUCKET).set("FLEX_OWNER_PROFILE", "owner");
    machine.file(".aws/config", machine.profile("owner", &Identity::owner()));
    let flex = |command: &[&str], codes: &[i32]| {
        let run = machine.flex(&[command, arguments].concat());
        assert!(run.code.is_some_and(|code| codes.contains(&code)), "{run}");
    };
    flex(&["setup", "--yes", "--access-key"], &[0]);
    machine.file("empty", "");
    let as_user = |command: &[&str], codes: &[i32]| flex(&[command, &["--profile", "flex-copy"]].concat(), codes);
    as_user(&["doctor"], &[0]);
    as_user(&["policy", "check", "--bucket-policy", "--owner-profile", "owner"], &[0, 2]);
    as_user(&["ls"], &[0]);
    as_user(&["plan", "2021/05/31"], &[0, 4]);
    // In parts, too; refused keys, archived ones, markers, unknown names.
    as_user(&["copy", "2021/05/17..2021/05/31", "spec:standard/latest/en"], &[4]);
    assert!(world.count("UploadPartCopy") > 5 && world.count("HeadObject") > 0);
    // Something replaced, something left over from a run that died.
    world.put_object(VENDOR_BUCKET, &seeded.production[0], ObjectSpec::new(5).seed(99));
    world.remove_object(BUCKET, &seeded.multipart[0]);
    as_user(&["copy", "2021/05/17..2021/05/31", "--recopy-size-only", "--copy-markers"], &[4]);
    as_user(&["verify", "2021/05/17..2021/05/31"], &[0, 4]);
    as_user(&["verify", "2021/05/24..2021/05/28", "--deep"], &[0, 1]);
    as_user(&["ls", "--dest"], &[0]);
    flex(&["clean", "--older-than", "0s", "--all", "--yes"], &[0]);
    flex(&["setup"], &[0]);
    assert!(world.count("GetObject") > 0 && world.count("ListMultipartUploads") > 0);
    world.requests()
}

#[cfg(feature = "iam")]
#[tokio::test]
async fn every_request_pins_its_buckets_to_their_owners() {
    let requests = journey(&[]).await;
    let of_buckets: Vec<_> = requests.iter().filter(|request| !request.bucket.is_empty()).collect();
    let mut unpinned = BTreeSet::new();
    for request in &of_buckets {
        let owner = if request.bucket == VENDOR_BUCKET { VENDOR } else { SUBSCRIBER };
        if request.header("x-amz-expected-bucket-owner") != owner {
            unpinned.insert((request.operation, request.bucket.as_str(), request.identity.as_str()));
        }
        let copies = !request.header("x-amz-copy-source").is_empty();
        assert!(!copies || request.header("x-amz-source-expected-bucket-owner") == VENDOR, "{}", request.operation);
    }
    let operations: BTreeSet<_> = of_buckets.iter().map(|request| request.operation).collect();
    assert!(operations.len() >= 15, "{operations:?}");
    // What is being made has no owner yet.
    unpinned.retain(|(operation, bucket, _)| !(*operation == "CreateBucket" && *bucket == BUCKET));
    assert_eq!(unpinned, BTreeSet::new());
}

#[cfg(feature = "iam")]
#[tokio::test]
async fn nothing_is_ever_deleted_from_a_bucket() {
    for request in journey(&["--json"]).await {
        let (method, key) = (request.operation, request.key.as_str());
        assert!(!method.starts_with("DeleteObject") && method != "DeleteBucket", "{method} {key}");
        // Contents are read by `verify --deep` alone, as the owner.
        let deep = method == "GetObject" && request.bucket == BUCKET && request.identity.ends_with(":user/owner");
        // Neither bucket's objects are changed in place or tagged: what is copied never passes this machine.
        assert!(
            deep || !["GetObject", "PutObject", "UploadPart", "PutObjectAcl", "PutObjectTagging"].contains(&method),
            "{method} {key}"
        );
        assert!(
            request.bucket != VENDOR_BUCKET || ["ListObjectsV2", "HeadObject", "HeadBucket"].contains(&method),
            "{method} {key}"
        );
    }
}

/// The sandbox by an address that is not loopback's, though it leads there.
fn elsewhere(user: &Subscriber) -> String {
    user.sandbox.endpoint().replace("127.0.0.1", "0.0.0.0")
}

#[tokio::test]
async fn plain_http_to_another_machine_is_refused_before_anything_is_sent() {
    let mut user = Subscriber::plain().await;
    let url = elsewhere(&user);
    let commands: [&[&str]; 6] = [
        &["copy", "2021/05/31"],
        &["ls"],
        &["verify", "2021/05/31"],
        &["clean"],
        &["creds", "show"],
        &["creds", "process"],
    ];
    let refused = |user: &Subscriber, more: &[&str], what: &str| {
        for command in commands {
            let run = user.flex(&[command, more].concat()).expect(2);
            run.says(&["plain HTTP", &url, "https://", "--allow-http"]);
            assert_eq!(user.world.requests().len(), 0, "{what}: {command:?}");
        }
    };
    refused(&user, &["--endpoint-url", &url], "S3 by a flag");
    refused(&user, &["--sts-endpoint-url", &url], "STS by a flag");
    let own = user.sandbox.endpoint();
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO"] {
        user.machine.set("AWS_ENDPOINT_URL", &own).set(variable, &url);
        refused(&user, &[], variable);
        if variable != "AWS_ENDPOINT_URL" {
            user.machine.unset(variable);
        }
    }
    user.machine.unset("AWS_ENDPOINT_URL");
    let identity = Identity::copy_user();
    let profile = user.machine.profile("flex", &identity);
    for (what, text) in [
        ("a profile's endpoint", format!("{profile}endpoint_url = {url}\n")),
        (
            "a profile's services",
            format!("{profile}services = here\nendpoint_url = {own}\n[services here]\nsts =\n  endpoint_url = {url}\n"),
        ),
    ] {
        user.machine.file(".aws/config", text);
        refused(&user, &["--profile", "flex"], what);
    }
    // The owner identity's profile is its own.
    let owner = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", format!("{owner}endpoint_url = {url}\n"));
    user.machine.set("AWS_ENDPOINT_URL_STS", &own).set("AWS_ENDPOINT_URL_S3", &own);
    refused(&user, &["--owner-profile", "owner", "--endpoint-url", &url], "an owner's profile");
    user.machine.unset("AWS_ENDPOINT_URL_STS").unset("AWS_ENDPOINT_URL_S3");
    // A file that was chosen may name an endpoint, but not lift the ban.
    user.machine.file("chosen.toml", format!("endpoint-url = \"{url}\"\nsts-endpoint-url = \"{own}\"\n"));
    refused(&user, &["--config", "chosen.toml"], "a file");
    user.machine.file("chosen.toml", format!("endpoint-url = \"{url}\"\nallow-http = true\n"));
    user.flex(&["ls", "--config", "chosen.toml"]).expect(2).says(&["allow-http"]);
    assert_eq!(user.world.requests().len(), 0);
}

/// A server that is not on loopback's address, though it is here, and the heads of the requests that it gets.
fn listening_elsewhere() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let url = format!("http://0.0.0.0:{}", listener.local_addr().unwrap().port());
    let heard = Arc::new(Mutex::new(String::new()));
    let all = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 8192];
            let length = stream.read(&mut head).unwrap_or_default();
            all.lock().unwrap().push_str(&String::from_utf8_lossy(&head[..length]));
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (url, heard)
}

/// Doctor tells of an endpoint what other commands stop for, and asks it nothing: an SSO endpoint is asked with a token.
#[tokio::test]
async fn doctor_sends_no_token_by_plain_http_either() {
    let mut user = Subscriber::plain().await;
    let (url, heard) = listening_elsewhere();
    // This variable would come before the profile.
    let own = user.sandbox.endpoint();
    user.machine.unset("AWS_ENDPOINT_URL").set("AWS_ENDPOINT_URL_S3", &own).set("AWS_ENDPOINT_URL_STS", own);
    // Where the SDK looks for it: under the SHA-1 of the session's name.
    let token = r#"{"accessToken":"bearer-of-corp","expiresAt":"2999-01-01T00:00:00Z"}"#;
    user.machine.file(".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json", token);
    let sso = format!(
        "[profile sso]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = x\nservices = here\n\
         [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n\
         [services here]\nsso =\n  endpoint_url = {url}\n"
    );
    user.machine.file(".aws/config", sso);
    for flags in [["--profile", "sso"], ["--owner-profile", "sso"]] {
        let run = user.flex(&[&["doctor", "--json"], &flags[..]].concat()).expect(3);
        let configuration = run.events().into_iter().find(|event| event["id"] == "configuration").unwrap();
        assert_eq!(configuration["state"], "broken", "{run}");
        assert!(configuration["because"][0].as_str().unwrap().contains("plain HTTP"), "{run}");
        assert!(configuration["mend"][0]["text"].as_str().unwrap().contains("--allow-http"), "{run}");
        assert_eq!(run.summary()["broken"], 1, "{run}");
    }
    assert_eq!(user.world.requests().len(), 0);
    // Connections are served in their order: what had come before this would be here by then.
    user.machine.set("FLEX_ALLOW_HTTP", "1");
    std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap().write_all(b"LAST").unwrap();
    until("it is heard", || heard.lock().unwrap().contains("LAST"));
    assert_eq!(*heard.lock().unwrap(), "LAST");
    // And where plain HTTP is allowed, the token does go there.
    user.flex(&["doctor", "--profile", "sso"]);
    assert!(heard.lock().unwrap().contains("bearer-of-corp"), "{:?}", heard.lock().unwrap());
}

#[tokio::test]
async fn a_password_in_a_profiles_endpoint_is_refused_and_not_shown() {
    let mut user = Subscriber::plain().await;
    let with_password = user.sandbox.endpoint().replace("http://", "http://me:opensesame@");
    let own = user.sandbox.endpoint();
    user.machine.unset("AWS_ENDPOINT_URL").set("FLEX_ALLOW_HTTP", "1");
    let profile = user.machine.profile("flex", &Identity::copy_user());
    for text in [
        format!("{profile}endpoint_url = {with_password}\n"),
        format!(
            "{profile}services = here\nendpoint_url = {own}\n[services here]\ns3 =\n  endpoint_url = {with_password}\n"
        ),
    ] {
        user.machine.file(".aws/config", text);
        for command in [&["copy", "2021/05/31"][..], &["verify", "2021/05/31"], &["clean"], &["creds", "show"]] {
            let run = user.flex(&[command, &["--profile", "flex"]].concat()).expect(2);
            let run = run.says(&[&own, "it holds a user name", "endpoint_url"]);
            assert!(!run.err.contains("opensesame"), "{run}");
        }
        let run = user.flex(&["doctor", "--profile", "flex"]).expect(3).prints(&["it holds a user name"]);
        assert!(!run.out.contains("opensesame"), "{run}");
    }
    assert_eq!(user.world.requests().len(), 0);
    assert!(!user.machine.home.path().join(".local").exists(), "a journal's name shows it");
}

#[tokio::test]
async fn plain_http_goes_where_it_is_allowed_to() {
    let mut user = Subscriber::plain().await;
    user.machine.set("AWS_ENDPOINT_URL", elsewhere(&user));
    user.flex(&["copy", "2021/05/31", "--allow-http"]).expect(0);
    user.machine.set("FLEX_ALLOW_HTTP", "1");
    user.flex(&["verify", "2021/05/31"]).expect(0);
    user.machine.set("FLEX_ALLOW_HTTP", "0");
    user.flex(&["verify", "2021/05/31"]).expect(2).says(&["plain HTTP"]);
    user.machine.set("FLEX_ALLOW_HTTP", "maybe");
    user.flex(&["verify", "2021/05/31"]).expect(2).says(&["FLEX_ALLOW_HTTP", "expected 1 or 0"]);
    assert_eq!(user.world.object_count(BUCKET), 3);
}

/// The session policies that STS was given.
fn policies(user: &Subscriber) -> Vec<String> {
    let assumed = user.world.requests().into_iter().filter(|request| request.operation == "AssumeRole");
    assumed
        .filter_map(|request| request.form.into_iter().find(|(name, _)| name == "Policy").map(|(_, value)| value))
        .collect()
}

#[tokio::test]
async fn a_narrowed_role_copies_what_was_selected() {
    let mut user = Subscriber::odd().await;
    user.machine.set("FLEX_DEST_PREFIX", "raw/tse");
    for selection in
        ["2021/05/24..2021/05/28", "2021/06", "testdata/2021/05/31", "spec:standard/latest/en", "prefix:2010/01/0"]
    {
        let wide = Subscriber::odd().await;
        let before = user.world.object_count(BUCKET);
        let narrow = user.flex(&["copy", selection, "--narrow-role", "--json"]).expect(0).summary();
        let plain = wide.flex(&["copy", selection, "--json"]).expect(0).summary();
        assert_eq!(narrow["copied"], plain["copied"], "{selection}");
        assert!(user.world.object_count(BUCKET) > before, "{selection}");
        user.flex(&["verify", selection, "--narrow-role"]).expect(0);
    }
    // In parts, with keys that are refused and archived: they are told apart as ever.
    let run = user.flex(&["copy", "2021/05/31", "2021/05/20", "--narrow-role", "--json"]).expect(4).summary();
    assert_eq!(
        (&run["not_entitled"]["objects"], &run["archived"]["objects"], &run["failed"]["objects"]),
        (&2.into(), &1.into(), &0.into())
    );
    assert!(user.world.count("UploadPartCopy") > 0);
    let policies = policies(&user);
    assert_eq!(policies.len(), 11, "one for each run");
    assert!(policies.iter().all(|policy| policy.contains("raw/tse/") && !policy.contains("Delete")));
    assert_eq!(policies.iter().filter(|policy| policy.contains(":::my-bucket/raw/tse/")).count(), 6, "the copies");
    assert_eq!(user.world.objects(BUCKET).iter().filter(|key| !key.starts_with("raw/tse/")).count(), 0);
}

#[tokio::test]
async fn a_role_narrowed_for_what_only_reads_may_not_write() {
    let user = Subscriber::plain().await;
    user.flex(&["copy", "2021/05/31"]).expect(0);
    let owner = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", owner);
    // The sandbox's contents are no captures, which ends the deep one in 1.
    for (arguments, code) in [
        (&["plan", "2021/05"][..], 0),
        (&["copy", "--dry-run", "2021/05"], 0),
        (&["verify", "2021/05/31"], 0),
        (&["verify", "--deep", "2021/05/31", "--owner-profile", "owner"], 1),
        (&["ls", "2021/05/31"], 0),
    ] {
        user.world.forget_requests();
        user.flex(&[arguments, &["--narrow-role"]].concat()).expect(code);
        let [policy] = &policies(&user)[..] else { panic!("{arguments:?}") };
        for action in ["Put", "Abort", "Delete", "GenerateDataKey", "\"s3:*"] {
            assert!(!policy.contains(action), "{arguments:?}: {policy}");
        }
        assert!(policy.contains("s3:ListBucket") && policy.contains("s3:GetObject"), "{policy}");
    }
}

#[tokio::test]
async fn what_does_not_fit_a_session_policy_is_widened_and_said() {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-03")..=date("2021-05-31"), 1)).await;
    let run = user.flex(&["copy", "2021/05/03..2021/05/30", "--narrow-role"]).expect(0);
    run.says(&["the role is narrowed to the selection's months"]);
    assert!(policies(&user)[0].contains("my-bucket/2021/05/*"));
    // Left as it is, nobody has to hear of it.
    assert!(!user.flex(&["copy", "2021/05", "--narrow-role"]).expect(0).err.contains("narrowed"));
    // By the file, too; credentials that are the role's already cannot be narrowed.
    user.machine.file("flex.toml", "narrow-role = true\n");
    user.flex(&["verify", "2021/05"]).expect(0);
    assert_eq!(policies(&user).len(), 3);
    let mut role = Subscriber::plain().await;
    let session = role.world.copy_role();
    role.machine.identity(&session);
    role.flex(&["copy", "2021/05/31"]).expect(0);
    role.flex(&["copy", "2021/05/31", "--narrow-role"]).expect(2).says(&["cannot narrow", "already"]);
}

/// A key that moves a terminal's cursor, turns the direction of text, forges a line and names C1 controls.
const EVIL: &str = "2021/05/31/a\u{1b}[2J\u{1b}]0;owned\u{7}\n2021 INFO forged\u{9b}31m\u{202e}gpj\u{200b}.gz";

#[tokio::test]
async fn names_reach_logs_escaped_and_programs_as_they_are() {
    let user = Subscriber::plain().await;
    user.world.put_object(VENDOR_BUCKET, EVIL, ObjectSpec::new(10));
    user.world.refuse_read(VENDOR_BUCKET, EVIL);
    // What the service says is logged, and may be as bad.
    let code = "Odd\u{9b}31m\u{202e}\n2021 INFO forged";
    user.world.fault(Fault::on("CopyObject").key(EVIL).then(Effect::Status(400, code)));
    let log = user.machine.home.path().join("log");
    let run = user.flex(&["copy", "2021/05/31", "--json", "-vv", "--log-file", log.to_str().unwrap()]).expect(1);
    let keys: Vec<String> = run.events().iter().filter_map(|event| event["key"].as_str().map(str::to_owned)).collect();
    assert!(keys.contains(&EVIL.to_owned()), "{keys:?}");
    let bad = |c: char| c != '\n' && (c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c));
    // JSON needs to escape control characters below U+0020 only; what is in them is whole.
    assert!(!run.out.contains(|c: char| c < ' ' && c != '\n'), "{run}");
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("forged") && !text.contains(bad), "{text:?}");
    assert!(text.lines().all(|line| line.contains(" flex")), "a forged line in {text:?}");
}

/// What lies below a folder and is open to others than its owner, and how many files there are.
#[cfg(all(unix, feature = "iam"))]
fn open_to_others(folder: &std::path::Path) -> (Vec<String>, usize) {
    use std::os::unix::fs::PermissionsExt;
    let (mut open, mut files) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let data = entry.metadata().unwrap();
        if data.permissions().mode() & 0o077 != 0 {
            open.push(format!("{} {:o}", entry.path().display(), data.permissions().mode()));
        }
        if data.is_dir() {
            let (below, more) = open_to_others(&entry.path());
            open.extend(below);
            files += more;
        } else {
            files += 1;
        }
    }
    (open, files)
}

#[cfg(all(unix, feature = "iam"))]
#[tokio::test]
async fn what_flex_writes_is_for_its_owner_alone_whatever_the_umask() {
    use std::process::{Command, Stdio};

    let user = Subscriber::plain().await;
    let state = user.machine.home.path().join("state");
    // A log that was there before.
    let log = user.machine.file("old.log", "before\n");
    std::fs::set_permissions(&log, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let flex = |identity: &Identity, arguments: &[&str], codes: &[i32]| {
        let program = user.machine.command(arguments);
        let output = Command::new("sh")
            .args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .arg(program.get_program())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(&user.machine.variables)
            .env("AWS_ACCESS_KEY_ID", identity.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", identity.secret_access_key())
            .env("XDG_STATE_HOME", &state)
            .current_dir(user.machine.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let run = crate::support::Run::of(arguments, output);
        assert!(run.code.is_some_and(|code| codes.contains(&code)), "{run}");
    };
    let (owner, copier) = (Identity::owner(), Identity::copy_user());
    flex(&copier, &["init", "flex.toml"], &[0]);
    flex(&owner, &["setup", "--yes", "--access-key", "--log-file", "setup.log"], &[0, 4]);
    flex(&copier, &["copy", "2021/05/31", "-vv", "--log-file", "copy.log", "--manifest", "manifest"], &[0]);
    flex(&owner, &["verify", "2021/05/31", "--deep", "--deep-record", "record"], &[0, 1]);
    flex(&copier, &["verify", "2021/05/31", "--manifest", "manifest", "--log-file", "old.log"], &[0]);
    let (open, files) = open_to_others(user.machine.home.path());
    assert_eq!(open, [""; 0]);
    // The configuration, two logs, the access key's file, the manifest, the record of what was read.
    assert!(files >= 6, "{files} files");
}
