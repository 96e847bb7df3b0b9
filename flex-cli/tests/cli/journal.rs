//! The journal as a user meets it: where it is, who can read it, what it does for a killed run, and when it is in the way.

#![cfg(unix)]

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use flex_copy::{JournalFile, journal::JournalRecord};
use flex_tests::sandbox::{Effect, Fault, FlexSeed, Identity, ObjectSpec, VENDOR_BUCKET};

use crate::support::{BUCKET, Run, Subscriber, date, until};

const MIB: u64 = 1 << 20;
const KEY: &str = "2021/05/31/20210531_2_001.pcap.gz";
const COPY: [&str; 3] = ["copy", "2021/05/31", "--json"];
const CLEAN: [&str; 3] = ["clean", "--yes", "--json"];

/// One day with an object of ten parts.
async fn scene() -> Subscriber {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), 2)).await;
    user.world.put_object(VENDOR_BUCKET, KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    user
}

/// Kills a run whose upload has some parts and gets no further.
fn kill_in_an_upload(user: &Subscriber, arguments: &[&str]) {
    user.world.fault(Fault::on("UploadPartCopy").calls(4, u64::MAX).then(Effect::Stall(Duration::from_secs(3600))));
    let mut child = user.machine.start(&[arguments, &["--max-in-flight", "1"]].concat());
    until("four parts are stored", || {
        user.world.open_uploads(BUCKET).first().is_some_and(|upload| upload.parts.len() == 4)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    user.world.clear_faults();
}

fn as_owner(user: &Subscriber, arguments: &[&str]) -> Run {
    let owner = Identity::owner();
    let mut command = user.machine.command(arguments);
    command.env("AWS_ACCESS_KEY_ID", owner.access_key_id()).env("AWS_SECRET_ACCESS_KEY", owner.secret_access_key());
    Run::of(arguments, command.output().unwrap())
}

/// The journals in the platform's folder.
fn journals(user: &Subscriber) -> Vec<PathBuf> {
    let folder = state_folder(user);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "jsonl"));
    paths.sort();
    paths
}

fn state_folder(user: &Subscriber) -> PathBuf {
    let home = user.machine.home.path();
    // As the platform has it.
    if cfg!(target_os = "macos") {
        home.join("Library/Application Support/flex/journals")
    } else {
        home.join(".local/state/flex/journals")
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_killed_run_is_gone_on_with_from_the_platforms_folder() {
    let user = scene().await;
    kill_in_an_upload(&user, &COPY);
    let [path] = &journals(&user)[..] else { panic!("{:?}", journals(&user)) };
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("my-bucket@127.0.0.1"), "{path:?}");
    assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains(Identity::copy_user().secret_access_key()), "{text}");

    user.world.forget_requests();
    let run = user.flex(&COPY).expect(0);
    let resumed = run.events().into_iter().find(|event| event["kind"] == "resumed").expect("it is said");
    assert_eq!((resumed["key"].as_str(), resumed["event"].as_str()), (Some(KEY), Some("notice")));
    assert_eq!((user.world.count("CreateMultipartUpload"), user.world.count("UploadPartCopy")), (0, 6));
    assert!(user.world.same_content(VENDOR_BUCKET, KEY, BUCKET, KEY));
    assert_eq!(user.world.open_uploads(BUCKET), []);
    assert_eq!(run.summary()["open_uploads"], serde_json::json!([]));
}

#[tokio::test]
async fn a_file_of_ones_own_and_none() {
    let user = scene().await;
    let own = user.machine.home.path().join("new/own.jsonl");
    let own = own.to_str().unwrap();
    kill_in_an_upload(&user, &["copy", "2021/05/31", "--journal", own]);
    assert_eq!(journals(&user), [] as [PathBuf; 0]);
    assert_eq!(mode(Path::new(own)), 0o600);

    // Without a journal nothing is known of it, and nothing is written.
    user.world.forget_requests();
    let run = user.flex(&["copy", "2021/05/31", "--journal", "none", "--json"]).expect(0);
    assert_eq!(user.world.count("ListParts"), 0, "{run}");
    assert_eq!((user.world.open_uploads(BUCKET).len(), journals(&user)), (1, vec![]));
    // By the variable it is: the object is there, so the upload is of no use any more.
    let mut machine = user.machine;
    machine.set("FLEX_JOURNAL", own);
    let run = machine.flex(&COPY).expect(0);
    assert!(run.events().iter().any(|event| event["kind"] == "upload-aborted"), "{run}");
    assert_eq!(user.world.open_uploads(BUCKET), []);
}

#[tokio::test]
async fn a_journal_that_cannot_be_used_is_refused_when_it_was_named_and_done_without_when_not() {
    let user = scene().await;
    let own = user.machine.home.path().join("own.jsonl");
    let own = own.to_str().unwrap();
    {
        let _held = JournalFile::open(own).unwrap();
        user.flex(&["copy", "2021/05/31", "--journal", own])
            .expect(2)
            .says(&["in use by another process", "wait until"]);
    }
    std::fs::write(own, "{\"some\":\"other file\"}\n").unwrap();
    user.flex(&["copy", "2021/05/31", "--journal", own]).expect(2).says(&["not a journal", "--journal none"]);
    assert_eq!(std::fs::read_to_string(own).unwrap(), "{\"some\":\"other file\"}\n", "it is left as it is");
    let folder = user.machine.home.path().to_str().unwrap();
    user.flex(&["copy", "2021/05/31", "--journal", folder]).expect(2).says(&["not a regular file"]);
    assert_eq!(user.world.counts().values().sum::<u64>(), 0, "nothing was started");

    // The usual place is a file, so no folder can be made there.
    user.machine.file(".local/state/flex", "");
    user.machine.file("Library/Application Support/flex", "");
    let run = user.flex(&COPY).expect(0).says(&["the run goes on without"]);
    assert!(run.events().iter().any(|event| event["kind"] == "journal-unusable"), "{run}");
    assert!(user.world.same_content(VENDOR_BUCKET, KEY, BUCKET, KEY));
}

#[tokio::test]
async fn clean_ends_at_once_what_a_killed_run_left_and_nothing_that_a_running_one_needs() {
    let user = scene().await;
    kill_in_an_upload(&user, &COPY);
    let path = journals(&user).remove(0);
    // Somebody who looks like flex, without a journal here: another machine's run, say.
    let other = user.sandbox.s3(&user.world.copy_role());
    let create =
        other.create_multipart_upload().bucket(BUCKET).key("2021/05/31/other").acl("bucket-owner-full-control".into());
    let other = create.send().await.unwrap().upload_id().unwrap().to_owned();

    // While a flex has the journal open, it may need what is in it.
    {
        let _held = JournalFile::open(&path).unwrap();
        let run = as_owner(&user, &CLEAN).expect(0);
        let why = |run: &Run| -> Vec<_> {
            let uploads = run.events().into_iter().filter(|event| event["event"] == "upload");
            uploads.map(|u| (u["key"].as_str().unwrap().to_owned(), u["action"].as_str().unwrap().to_owned())).collect()
        };
        assert_eq!(why(&run), [(KEY.into(), "left".into()), ("2021/05/31/other".into(), "left".into())], "{run}");
        assert!(run.out.contains("a running flex needs it"), "{run}");
    }
    let run = as_owner(&user, &CLEAN).expect(0);
    assert!(run.out.contains("left by a run that is over"), "{run}");
    let open: Vec<_> = user.world.open_uploads(BUCKET).into_iter().map(|upload| upload.upload_id).collect();
    assert_eq!(open, [other], "what was begun lately by nobody known is left\n{run}");
    // The journal was told.
    let known = JournalRecord::read(&std::fs::read(&path).unwrap()).0;
    let open = known.iter().filter(|record| matches!(record, JournalRecord::Opened { .. })).count();
    let ended = known.iter().filter(|record| matches!(record, JournalRecord::Ended { .. })).count();
    assert_eq!(open, ended, "{known:?}");
}

#[tokio::test]
async fn what_may_be_a_creation_that_was_never_answered_waits_for_its_age() {
    let user = scene().await;
    user.world.fault(Fault::on("CreateMultipartUpload").first(1).then(Effect::ResetAfter));
    let run = user.flex(&COPY).expect(0).says(&["1 upload may stay open", "flex clean"]);
    assert_eq!(run.summary()["open_uploads"][0]["upload_id"], serde_json::Value::Null);
    assert_eq!(user.world.open_uploads(BUCKET).len(), 1);
    // Another machine's run copies the same object, as the same role: nobody can tell the two apart.
    let other = user.sandbox.s3(&user.world.copy_role());
    let create = other.create_multipart_upload().bucket(BUCKET).key(KEY).acl("bucket-owner-full-control".into());
    let other = create.send().await.unwrap().upload_id().unwrap().to_owned();
    let run = as_owner(&user, &CLEAN).expect(0);
    assert!(run.out.contains("begun lately"), "{run}");
    let open = user.world.open_uploads(BUCKET);
    assert!(open.len() == 2 && open.iter().any(|upload| upload.upload_id == other), "a live upload was ended\n{run}");
    as_owner(&user, &["clean", "--older-than", "0s", "--yes", "--json"]).expect(0);
    assert_eq!(user.world.open_uploads(BUCKET), []);
    let run = user.flex(&COPY).expect(0);
    assert_eq!(run.summary()["open_uploads"], serde_json::json!([]), "the journal was told");
}

#[tokio::test]
async fn a_second_flex_takes_over_what_a_killed_second_one_left() {
    let user = scene().await;
    let first = user.machine.home.path().join(".local/state/flex/journals");
    std::fs::create_dir_all(&first).unwrap();
    // Somebody has the first journal while a second run is killed, so that it leaves the second.
    let name =
        format!("my-bucket@{}.jsonl", user.sandbox.endpoint().strip_prefix("http://").unwrap().replace(':', "%3a"));
    if cfg!(target_os = "macos") {
        return;
    }
    {
        let _held = JournalFile::open(first.join(&name)).unwrap();
        kill_in_an_upload(&user, &COPY);
    }
    assert_eq!(journals(&user).len(), 2);
    user.world.forget_requests();
    let run = user.flex(&COPY).expect(0);
    assert!(run.events().iter().any(|event| event["kind"] == "resumed"), "{run}");
    assert_eq!(user.world.count("UploadPartCopy"), 6);
    assert_eq!(user.world.open_uploads(BUCKET), []);
}

#[tokio::test]
async fn a_sibling_that_cannot_be_opened_is_left_out_and_the_next_one_is_not() {
    if cfg!(target_os = "macos") {
        return;
    }
    let user = scene().await;
    let folder = user.machine.home.path().join(".local/state/flex/journals");
    std::fs::create_dir_all(&folder).unwrap();
    let name = format!("my-bucket@{}", user.sandbox.endpoint().strip_prefix("http://").unwrap().replace(':', "%3a"));
    // The run that is killed has the third one.
    {
        let _first = JournalFile::open(folder.join(format!("{name}.jsonl"))).unwrap();
        let _second = JournalFile::open(folder.join(format!("{name}~2.jsonl"))).unwrap();
        kill_in_an_upload(&user, &COPY);
    }
    assert_eq!(journals(&user).len(), 3);
    std::fs::write(folder.join(format!("{name}~2.jsonl")), "{\"some\":\"other file\"}\n").unwrap();
    user.world.forget_requests();
    let run = user.flex(&COPY).expect(0).says(&["~2.jsonl", "it is left out"]);
    let has = |kind: &str| run.events().iter().any(|event| event["kind"] == kind);
    assert!(has("journal-left-out") && !has("journal-unusable"), "it has a journal\n{run}");
    assert!(has("resumed"), "{run}");
    assert_eq!((user.world.count("UploadPartCopy"), user.world.open_uploads(BUCKET).len()), (6, 0));
}
