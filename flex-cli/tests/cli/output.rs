//! What is printed, for people and for programs.

use std::io::Read;

use flex_tests::sandbox::{FlexSeed, Identity, ObjectSpec, VENDOR_BUCKET};
use serde_json::Value;

use crate::support::{BUCKET, Subscriber, date};

#[tokio::test]
async fn ls_is_like_aws_s3_ls() {
    let user = Subscriber::odd().await;
    let root = user.flex(&["ls"]).expect(0);
    assert!(root.out.lines().any(|l| l == "                           PRE ConnectionSpec/"), "{root}");
    assert!(root.out.lines().any(|l| l == "                           PRE 2021/"), "{root}");
    user.flex(&["ls", "2021"]).expect(0).prints(&["PRE 05/", "PRE 5/", "PRE 6/"]);
    // Both spellings, whichever is there.
    user.flex(&["ls", "2021/06/01"]).expect(0).prints(&["20210601_1_001.pcap.gz"]);
    user.flex(&["ls", "ConnectionSpec/Standard"]).expect(0).prints(&["PRE version 17.4/", "PRE Version 18.10/"]);
    user.flex(&["ls", "ConnectionSpec"]).expect(0).prints(&["PRE Standard/", "PRE MBO/"]);
    user.flex(&["ls", "spec:standard/latest/en"]).expect(0).prints(&["\"Errata\" & notes.txt"]);
    user.flex(&["ls", "s3://dataservice-flex-bucket/"]).expect(0).prints(&["PRE testdata/"]);
    user.flex(&["ls", "tomorow"]).expect(2);

    let day = user.flex(&["ls", "2021/05/24", "--summarize"]).expect(0);
    let key = "20210524_1_001.pcap.gz";
    let line = day.out.lines().find(|l| l.ends_with(key)).unwrap();
    let size = user.world.object(VENDOR_BUCKET, &format!("2021/05/24/{key}")).unwrap().size;
    // Written at midnight UTC: nine in the morning in Tokyo.
    assert_eq!(line, format!("2021-05-24 09:00:00 {size:>10} {key}"));
    assert!(day.out.contains("\nTotal Objects: 3\n   Total Size: "), "{day}");
    let human = user.flex(&["ls", "2021/05/24", "--recursive", "--human-readable"]).expect(0);
    assert!(human.out.contains("KiB 2021/05/24/20210524_1_001.pcap.gz"), "{human}");

    user.flex(&["copy", "2021/05/24"]).expect(0);
    let dest = user.flex(&["ls", "--dest", "--recursive"]).expect(0);
    assert_eq!(dest.out.lines().count(), 3, "{dest}");
}

#[tokio::test]
async fn every_line_of_json_is_an_event_and_the_last_is_the_summary() {
    let user = Subscriber::odd().await;
    let day = "2021/05/31";
    let small = ["--include", "*_1_*"];
    for (arguments, code) in [(&["plan", day][..], 0), (&["copy", day], 4), (&["verify", day], 4), (&["ls", day], 0)] {
        let run = user.flex(&[arguments, &small, &["--json"]].concat()).expect(code);
        let events = run.events();
        assert_eq!(events[0]["event"], "start", "{run}");
        assert_eq!(events[0]["command"], arguments[0]);
        let summary = run.summary();
        assert_eq!(summary["command"], arguments[0]);
        assert!(summary["time"].as_str().unwrap().ends_with('Z'));
        let objects = events.iter().filter(|e| e["event"] == "object").count() as u64;
        assert!(objects >= 5, "{run}");
        assert_eq!(run.err, "", "{run}");
    }
    // What could not begin says so in the same stream.
    let run = user.flex(&["copy", "2021/05/31", "--json", "--account", "210987654321"]).expect(3);
    let events = run.events();
    assert_eq!((&events[0]["event"], &events[0]["exit_code"]), (&"error".into(), &3.into()), "{run}");
    assert!(events[0]["mend"][0].is_string(), "{run}");
}

#[tokio::test]
async fn a_plan_copies_nothing_and_counts_what_a_copy_would_ask() {
    let user = Subscriber::odd().await;
    let plan = user.flex(&["copy", "2021/05/31", "--dry-run", "--json"]).expect(0).summary();
    assert_eq!(user.world.objects(BUCKET).len(), 0);
    assert_eq!(plan["command"], "plan");
    assert_eq!(plan["by_method"]["parts"]["objects"], 2);
    let text = user.flex(&["plan", "2021/05/31"]).expect(0);
    text.prints(&["to copy: ", "UploadPartCopy", "nothing was copied"]);
}

#[tokio::test]
async fn keys_stay_raw_in_a_pipe() {
    let user = Subscriber::plain().await;
    let key = "2021/05/31/odd \u{202e} 日本.txt";
    user.world.put_object(VENDOR_BUCKET, key, ObjectSpec::new(7));
    let run = user.flex(&["copy", "2021/05/31", "--json"]).expect(0);
    assert!(run.events().iter().any(|e| e["key"] == *key), "{run}");
    user.flex(&["ls", "2021/05/31"]).expect(0).prints(&["odd \u{202e} 日本.txt"]);
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it_quietly() {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-03")..=date("2021-05-31"), 200)).await;
    for arguments in [
        &["ls", "--recursive"][..],
        &["plan", "2021/05", "-v"],
        &["copy", "2021/05", "-v"],
        &["verify", "2021/05", "-v"],
    ] {
        let mut child = user.machine.start(arguments);
        let mut first = [0; 20];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let run = crate::support::Run::of(arguments, child.wait_with_output().unwrap());
        // A copy goes on: it is the job, and its report is not.
        let run = run.expect(0);
        assert_eq!(run.err, "", "{run}");
    }
    assert_eq!(user.world.objects(BUCKET).len(), user.seeded.production.len());
}

#[tokio::test]
async fn verbosity_decides_on_lines_of_objects() {
    let user = Subscriber::plain().await;
    let key = &user.seeded.production[user.seeded.production.len() - 1];
    let plain = user.flex(&["copy", "2021/05/31"]).expect(0);
    assert!(!plain.out.contains(key.as_str()), "{plain}");
    user.flex(&["copy", "2021/05/31", "-v"]).expect(0).prints(&["identical", key]);
    let quiet = user.flex(&["copy", "2021/05/31", "--quiet"]).expect(0);
    assert!(quiet.err.is_empty() && quiet.out.contains("result: complete"), "{quiet}");
    assert!(!quiet.out.contains('\u{1b}'), "{quiet}");
    let coloured = user.flex(&["copy", "2021/05/31", "--color", "always"]).expect(0);
    assert!(!coloured.err.contains('\u{1b}'), "{coloured}");
}

#[tokio::test]
async fn clean_ends_what_is_ours_and_old_with_yes_only() {
    let mut user = Subscriber::odd().await;
    let role = user.sandbox.s3(&user.world.copy_role());
    let begin = async |key: &str| {
        let begun =
            role.create_multipart_upload().bucket(BUCKET).key(key).acl("bucket-owner-full-control".into()).send().await;
        begun.unwrap().upload_id().unwrap().to_owned()
    };
    let ours = begin("2021/05/31/a").await;
    let owner = user.sandbox.s3(&Identity::owner());
    owner.create_multipart_upload().bucket(BUCKET).key("2021/05/31/b").send().await.unwrap();
    let open = |user: &Subscriber| user.world.open_uploads(BUCKET).len();
    assert_eq!(open(&user), 2);

    // The copy role's user may not even look.
    user.flex(&["clean"]).expect(3).says(&["--owner-profile", "s3:ListBucketMultipartUploads"]);
    let text = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", text);
    user.machine.set("FLEX_OWNER_PROFILE", "owner");
    user.flex(&["clean", "--yes"]).expect(0).prints(&[
        "left",
        "begun lately",
        "begun by somebody else",
        "ended: 0 uploads",
    ]);
    let asked = user.flex(&["clean", "--older-than", "0s", "--json"]).expect(4);
    assert_eq!(asked.summary()["not_ended"], 1);
    assert_eq!(open(&user), 2);
    let ended = user.flex(&["clean", "--older-than", "0s", "--yes", "--json"]).expect(0);
    let upload: Vec<Value> = ended.events().into_iter().filter(|e| e["action"] == "ended").collect();
    assert_eq!(upload.len(), 1, "{ended}");
    assert_eq!(upload[0]["upload_id"], *ours);
    assert_eq!(open(&user), 1);
    user.flex(&["clean", "--older-than", "0s", "--yes", "--all"]).expect(0);
    assert_eq!(open(&user), 0);
}
