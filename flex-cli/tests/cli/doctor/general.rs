//! A sound set-up, a network that hangs, languages, secrets, interrupts.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use flex_tests::sandbox::{Identity, ObjectSpec, VENDOR_BUCKET};

use super::patient::{Found, OWNER, doctor, text, well};
use crate::support::{BUCKET, Subscriber};

#[tokio::test]
async fn a_sound_set_up_is_ok_in_every_link() {
    let user = well().await;
    let flags = [&OWNER[..], &["--write-probe"]].concat();
    let found = doctor(&user.machine, &flags);
    let run = &found.1;
    assert_eq!(run.code, Some(0), "{run}");
    assert_eq!(found.in_state("ok").len(), 21, "{run}");
    assert!(found.0.iter().all(|check| check["mend"].as_array().unwrap().is_empty()), "{run}");
    let summary = run.summary();
    assert_eq!((&summary["ok"], &summary["broken"], &summary["warnings"]), (&21.into(), &0.into(), &0.into()));

    // The probe's object is the only thing that was written, and is the source's.
    let written = user.world.objects(BUCKET);
    assert_eq!(written.len(), 1, "{written:?}");
    assert!(user.world.same_content(VENDOR_BUCKET, &written[0], BUCKET, &written[0]));
    assert_eq!(found.link("write-probe")["details"]["key"], written[0]);
    let again = doctor(&user.machine, &flags);
    assert!(text(&again.link("write-probe")["what"]).contains("already"), "{}", again.1);
    assert_eq!(user.world.count("CopyObject"), 1);
}

/// What `flex setup --print-permissions` lists is enough, and a policy that lacks one right is told by the right's name.
#[tokio::test]
#[cfg_attr(not(feature = "iam"), ignore = "setup makes no user without IAM")]
async fn the_printed_permissions_are_those_that_are_needed() {
    let user = well().await;
    let reader = user.world.add_user("reader");
    let profiles = user.machine.profile("reader", &reader);
    user.machine.file(".aws/config", profiles);
    let printed = user.flex(&["setup", "--print-permissions"]).expect(0).out;
    let flags = ["--owner-profile", "reader"];
    user.world.put_policy(&reader.arn(), "Doctor", &printed);
    let found = doctor(&user.machine, &flags);
    assert_eq!(found.in_state("ok").len(), 20, "{}", found.1);

    user.world.put_policy(
        &reader.arn(),
        "Doctor",
        &printed.replace("s3:GetLifecycleConfiguration", "s3:GetBucketTagging"),
    );
    let found = doctor(&user.machine, &flags);
    assert_eq!(found.1.code, Some(0), "{}", found.1);
    assert_eq!(found.in_state("not-checked"), ["lifecycle: no-right", "write-probe: not-asked"], "{}", found.1);
    assert_eq!(found.link("lifecycle")["details"]["action"], "s3:GetLifecycleConfiguration");

    // And to find out whose fault a refused role is.
    user.world.put_policy(&reader.arn(), "Doctor", &printed);
    user.world.delete_policy(&Identity::copy_user().arn(), flex_tests::sandbox::COPY_USER_POLICY);
    let found = doctor(&user.machine, &flags);
    assert_eq!(found.in_state("broken"), ["role: own-policy"], "{}", found.1);
}

#[tokio::test]
async fn nothing_is_changed_and_a_sample_is_bounded() {
    let user = well().await;
    doctor(&user.machine, &OWNER).1.expect(0);
    for (operation, number) in user.world.counts() {
        assert!(!operation.starts_with("Put") && !operation.starts_with("Create"), "{operation}: {number}");
        assert!(!operation.starts_with("Copy") && !operation.starts_with("Delete"), "{operation}: {number}");
    }
    assert!(user.world.count("HeadObject") <= 10, "{:?}", user.world.counts());
    assert!(user.world.count("ListObjectsV2") <= 20, "{:?}", user.world.counts());
}

#[tokio::test]
async fn a_sample_tells_how_much_of_it_is_licensed() {
    let user = well().await;
    user.world.refuse_read(VENDOR_BUCKET, "2021/05/31/");
    // No month, whatever sorts last.
    user.world.put_object(VENDOR_BUCKET, "2021/050/x", ObjectSpec::new(9));
    let found = doctor(&user.machine, &OWNER);
    let licence = found.link("licence");
    assert_eq!(licence["state"], "ok", "{}", found.1);
    assert_eq!(licence["details"]["latest"], "2021/05/31/");
    assert_eq!(licence["details"]["not-licensed"], "1", "{licence}");
}

/// Years, months in both spellings, markers, archived and refused objects, sample data and specifications.
#[tokio::test]
async fn an_odd_source_is_sampled_too() {
    let user = Subscriber::odd().await;
    let found = doctor(&user.machine, &["--write-probe"]);
    assert_eq!(found.1.code, Some(0), "{}", found.1);
    assert_eq!(found.link("licence")["details"]["latest"], "2021/06/04/", "{}", found.1);
    let looked: usize = text(&found.link("licence")["details"]["sample"]).parse().unwrap();
    assert!((5..=10).contains(&looked), "{}", found.1);
    assert_eq!(found.link("write-probe")["state"], "ok", "{}", found.1);
}

/// The manual's user, who may look at nothing: what needs the owner is not checked, and nothing is broken.
#[tokio::test]
async fn without_an_owner_the_rest_is_checked() {
    let user = well().await;
    let found = doctor(&user.machine, &[]);
    assert_eq!(found.1.code, Some(0), "{}", found.1);
    let unchecked = found.in_state("not-checked");
    assert_eq!(unchecked.len(), 8, "{}", found.1);
    let owner = found.link("owner");
    assert_eq!(owner["code"], "no-owner");
    let told = owner["mend"].to_string();
    assert!(told.contains("--owner-profile") && told.contains("flex setup --print-permissions"), "{told}");
    for id in ["public-access", "ownership", "encryption", "lifecycle", "policy", "uploads"] {
        assert_eq!(found.link(id)["needs"], serde_json::json!(["owner"]), "{id}");
    }
    for id in ["bucket", "source", "licence", "destination"] {
        assert_eq!(found.link(id)["state"], "ok", "{id}: {}", found.1);
    }
    // The owner as base identity needs no profile.
    let mut user = user;
    user.machine.identity(&Identity::owner());
    let found = doctor(&user.machine, &[]);
    assert_eq!(found.link("policy")["state"], "ok", "{}", found.1);
}

#[tokio::test]
async fn a_refusal_that_nobody_can_explain_names_all_causes() {
    let user = well().await;
    user.world.role_exists(false);
    let found = doctor(&user.machine, &[]);
    assert_eq!(found.in_state("broken"), ["role: refused"], "{}", found.1);
    let told = found.link("role")["mend"].to_string();
    for cause in ["1-4", "1-2", "another account", "--owner-profile"] {
        assert!(told.contains(cause), "{told}");
    }
}

/// Takes connections and never answers.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_server_that_hangs_ends_in_bounded_time() {
    let (_kept, url) = silent();
    let mut user = well().await;
    for (variable, want) in
        [("AWS_ENDPOINT_URL_STS", "sts-endpoint: timeout"), ("AWS_ENDPOINT_URL_S3", "s3-endpoint: timeout")]
    {
        user.machine.set(variable, &url);
        let began = Instant::now();
        let found = doctor(&user.machine, &["--owner-profile", "owner", "--deadline", "0.5"]);
        // Three deadlines, and room for a slow machine.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(found.in_state("broken"), [want], "{}", found.1);
        assert_eq!(found.0.len(), 21, "{}", found.1);
        user.machine.unset(variable);
    }
}

#[tokio::test]
async fn a_service_that_stalls_in_mid_run_ends_too() {
    use flex_tests::sandbox::{Effect, Fault};
    let user = well().await;
    user.world.fault(Fault::on("ListObjectsV2").bucket(VENDOR_BUCKET).then(Effect::Stall(Duration::from_secs(60))));
    let began = Instant::now();
    let found = doctor(&user.machine, &["--owner-profile", "owner", "--deadline", "1"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(found.in_state("broken"), ["source: no-answer"], "{}", found.1);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_ends_it_at_once() {
    let (_kept, url) = silent();
    let mut user = well().await;
    user.machine.set("AWS_ENDPOINT_URL", &url);
    let child = user.machine.start(&["doctor", "--json", "--deadline", "300"]);
    let id = child.id().to_string();
    // The first lines come before anything is asked; the signal must find the handler there.
    let ended = tokio::task::spawn_blocking(move || {
        use std::io::{BufRead, BufReader, Read};
        let mut child = child;
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        out.read_to_string(&mut line).unwrap();
        (child.wait().unwrap().code(), line)
    });
    let (code, out) = tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap().unwrap();
    assert_eq!(code, Some(130), "{out}");
    assert!(out.lines().last().unwrap().contains("\"event\":\"error\""), "{out}");
}

/// The events without what differs from run to run.
fn steady(found: &Found) -> Vec<String> {
    let id = |text: &str| text.split(" (request ").next().unwrap_or(text).to_owned();
    let told = |check: &serde_json::Value| {
        let because: Vec<_> = check["because"].as_array().unwrap().iter().map(|line| id(text(line))).collect();
        format!("{} {} {} {because:?} {}", check["id"], check["state"], check["what"], check["mend"])
    };
    found.0.iter().map(told).collect()
}

#[tokio::test]
async fn people_read_japanese_and_programs_english() {
    let mut user = well().await;
    user.world.delete_bucket_policy(BUCKET);
    let english = doctor(&user.machine, &OWNER);
    user.machine.set("LANG", "ja_JP.UTF-8");
    let run = user.flex(&["doctor", "--owner-profile", "owner"]).expect(3);
    for told in ["異常", "バケットポリシー", "マニュアル1-3", "対処:", "未確認"] {
        assert!(run.out.contains(told), "{told}\n{run}");
    }
    assert!(run.out.contains("        flex policy apply --bucket my-bucket --owner-profile owner --yes\n"), "{run}");
    assert_eq!(steady(&doctor(&user.machine, &OWNER)), steady(&english));
    assert!(english.1.out.is_ascii(), "{}", english.1);
    let run = user.flex(&["doctor", "--owner-profile", "owner", "--lang", "en"]).expect(3);
    assert!(run.out.contains("broken") && run.out.contains("the manual's step 1-3"), "{run}");
}

fn secrets(user: &Subscriber) -> BTreeSet<String> {
    let mut secrets: BTreeSet<String> =
        [Identity::owner(), Identity::copy_user()].iter().map(|one| one.secret_access_key().to_owned()).collect();
    for request in user.world.requests() {
        secrets.insert(request.header("x-amz-security-token").to_owned());
    }
    secrets.remove("");
    secrets
}

#[tokio::test]
async fn no_secret_is_told() {
    let mut user = well().await;
    let mut texts = Vec::new();
    let mut look = |user: &Subscriber| {
        for flags in [&["doctor", "--json"][..], &["doctor", "-vv"], &["doctor", "--owner-profile", "owner", "-vv"]] {
            let run = user.flex(flags);
            texts.push(run.out + &run.err);
        }
    };
    look(&user);
    // To loopback no proxy is used.
    let (own, elsewhere) = (user.sandbox.endpoint(), user.sandbox.endpoint().replace("127.0.0.1", "0.0.0.0"));
    user.machine.set("HTTP_PROXY", "http://me:opensesame@127.0.0.1:1");
    user.machine.set("AWS_ENDPOINT_URL", elsewhere).set("FLEX_ALLOW_HTTP", "1");
    look(&user);
    user.machine.unset("HTTP_PROXY").set("AWS_ENDPOINT_URL", own);
    user.world.key_active(Identity::copy_user().access_key_id(), false);
    look(&user);
    let mut secrets = secrets(&user);
    assert!(secrets.len() > 2, "no token was seen");
    secrets.insert("opensesame".into());
    for text in &texts {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in\n{text}");
        }
    }
}

/// A Deny whose condition only the request itself meets is a warning; when the role is then refused, that and not the
/// vendor is what is named.
#[tokio::test]
async fn a_doubtful_policy_comes_before_the_vendor() {
    let user = well().await;
    let deny = r#"{"Sid":"Net","Effect":"Deny","Principal":{"AWS":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012"},
        "Action":"s3:ListBucket","Resource":"arn:aws:s3:::my-bucket",
        "Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}}"#;
    let policy = flex_tests::sandbox::manual_policy(BUCKET);
    user.world.put_bucket_policy(BUCKET, &policy.replacen("\"Statement\": [", &format!("\"Statement\": [{deny},"), 1));
    let found = doctor(&user.machine, &OWNER);
    assert_eq!(found.in_state("warning"), ["policy: deny-may-win"], "{}", found.1);
    assert_eq!(found.in_state("broken"), ["destination: denied"], "{}", found.1);
    assert!(text(&found.link("destination")["mend"][0]["text"]).contains("bucket policy"), "{}", found.1);
    // Putting is guarded in the same way.
    let put = user.world.bucket_policy(BUCKET).unwrap().replacen("s3:ListBucket", "s3:PutObject", 1);
    user.world.put_bucket_policy(BUCKET, &put.replacen(r#"my-bucket","#, r#"my-bucket/*","#, 1));
    let found = doctor(&user.machine, &[&OWNER[..], &["--write-probe"]].concat());
    assert_eq!(found.in_state("warning"), ["policy: deny-may-win"], "{}", found.1);
    assert_eq!(found.in_state("broken"), ["write-probe: refused"], "{}", found.1);
    assert!(text(&found.link("write-probe")["mend"][0]["text"]).contains("bucket policy"), "{}", found.1);
}

/// A store that is not AWS may want a policy that AWS would not take: it is told, and no cure is promised.
#[tokio::test]
async fn another_stores_policy_is_judged_by_what_it_does() {
    let user = well().await;
    let policy = flex_tests::sandbox::manual_policy(BUCKET);
    let more = r#""Statement": [{"Sid":"x","Effect":"Allow","Principal":{"AWS":"arn:aws:sts::461810399597:assumed-role/JeuServiceRoleForS3Copy_123456789012/flex"},
        "Action":"s3:ListBucket","Resource":"arn:aws:s3:::my-bucket"},"#;
    user.world.put_bucket_policy(BUCKET, &policy.replacen("\"Statement\": [", more, 1));
    let found = doctor(&user.machine, &[&OWNER[..], &["--compat"]].concat());
    assert_eq!(found.in_state("broken"), Vec::<String>::new(), "{}", found.1);
    assert_eq!(found.in_state("warning"), ["policy: wrong-principal"], "{}", found.1);
    assert_eq!(found.commands("policy", true), Vec::<String>::new());
    assert_eq!(found.link("destination")["state"], "ok", "{}", found.1);
    assert_eq!(doctor(&user.machine, &OWNER).in_state("broken"), ["policy: wrong-principal"]);
}

/// A key that the user asked for and the role may not use: the setting is taken back, and the bucket left alone.
#[tokio::test]
async fn a_refused_key_of_the_users_own_choice_is_named() {
    let user = well().await;
    let found = doctor(&user.machine, &[&OWNER[..], &["--write-probe", "--sse", "aws:kms:abc"]].concat());
    assert_eq!(found.in_state("broken"), ["write-probe: refused"], "{}", found.1);
    let commands = found.commands("write-probe", true);
    assert!(commands.iter().all(|command| !command.contains("setup") && !command.contains("--sse")), "{commands:?}");
    assert_eq!(found.commands("write-probe", false).len(), 1, "{}", found.1);
}
