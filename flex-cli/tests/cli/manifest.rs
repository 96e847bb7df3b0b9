//! Manifests as a user meets them: what a run leaves, what verify makes of it later, and which files are not believed.

#![cfg(unix)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, NaiveTime, TimeDelta};
use flex_copy::manifest::{ManifestEntry, ManifestReader, ManifestWriter};
use flex_tests::sandbox::{Effect, Encryption, Fault, FlexSeed, ObjectSpec, VENDOR_BUCKET};
use serde_json::{Value, json};

use crate::support::{BUCKET, Machine, Run, Subscriber, date, until};

const MIB: u64 = 1 << 20;
const DAY: &str = "2021/05/31";
/// Uploaded in parts, without a checksum: the copy keeps the parts.
const IN_PARTS: &str = "2021/05/31/20210531_2_001.pcap.gz";
/// Uploaded in parts, with a checksum of the whole: the copy is one CopyObject's.
const WITH_CHECKSUM: &str = "2021/05/31/20210531_2_002.pcap.gz";

/// A regular file.
fn key(n: u32) -> String {
    format!("{DAY}/20210531_1_{n:03}.pcap.gz")
}

/// A day with so many regular files.
async fn day(files: u32) -> Subscriber {
    Subscriber::with(&FlexSeed::plain(date("2021-05-31")..=date("2021-05-31"), files)).await
}

/// A day with two regular files and two that were uploaded in parts.
async fn scene() -> Subscriber {
    let user = day(2).await;
    let old = |size| ObjectSpec::new(size).modified(midnight());
    user.world.put_object(VENDOR_BUCKET, IN_PARTS, old(20 * MIB + 5).seed(1).part_size(8 * MIB));
    user.world.put_object(VENDOR_BUCKET, WITH_CHECKSUM, old(33 * MIB).seed(2).part_size(16 * MIB).full_checksum());
    user
}

fn midnight() -> SystemTime {
    date("2021-05-31").and_time(NaiveTime::MIN).and_utc().into()
}

/// The vendor's corrected file: same key, same size, other content, written after the copy.
fn correct(user: &Subscriber, key: &str) {
    let size = user.world.object(VENDOR_BUCKET, key).unwrap().size;
    let later = user.world.now() + Duration::from_secs(60);
    user.world.put_object(VENDOR_BUCKET, key, ObjectSpec::new(size).seed(99).modified(later));
}

/// Somebody else's file of this size in the subscriber's bucket.
fn overwrite(user: &Subscriber, key: &str, size: u64) {
    user.world.put_object(BUCKET, key, ObjectSpec::new(size).seed(77));
}

fn etag(user: &Subscriber, bucket: &str, key: &str) -> String {
    user.world.object(bucket, key).unwrap().etag.trim_matches('"').to_owned()
}

/// Everything that was asked of the sandbox since it last forgot.
fn asked(user: &Subscriber) -> u64 {
    user.world.counts().values().sum()
}

impl Subscriber {
    fn path(&self, name: &str) -> PathBuf {
        self.machine.home.path().join(name)
    }

    /// The lines of a manifest.
    #[track_caller]
    fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }

    /// The line of an object.
    #[track_caller]
    fn record(&self, name: &str, key: &str) -> Value {
        let lines = self.lines(name);
        lines.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("no {key} in {lines:#?}")).clone()
    }
}

/// What lies in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// The verdict on each object, by the name of its file.
fn verdicts(run: &Run) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let objects = run.events().into_iter().filter(|event| event["event"] == "object");
    objects.map(|o| (text(&o["key"]).rsplit('/').next().unwrap().to_owned(), text(&o["verdict"]))).collect()
}

/// So many objects of each of these in the summary.
#[track_caller]
fn assert_counts(run: &Run, want: &[(&str, u64)]) {
    let summary = run.summary();
    for (name, objects) in want {
        assert_eq!(summary[name]["objects"], *objects, "{name}\n{run}");
    }
}

/// Notices of this kind.
fn notices(run: &Run, kind: &str) -> usize {
    run.events().iter().filter(|event| event["event"] == "notice" && event["kind"] == kind).count()
}

/// Writes a manifest anew, as a run so many days before would have left it.
fn age(path: &Path, days: i64) {
    let mut reader = ManifestReader::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let entries: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    let mut header = reader.header().clone();
    header.started -= TimeDelta::days(days);
    let mut writer = ManifestWriter::new(Vec::new(), header).unwrap();
    for mut entry in entries {
        if let ManifestEntry::Proven(record) = &mut entry {
            record.copied_at = record.copied_at.map(|at| at - TimeDelta::days(days));
        }
        writer.record(&entry).unwrap();
    }
    fs::write(path, writer.finish(reader.ended().unwrap(), DateTime::UNIX_EPOCH).unwrap()).unwrap();
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Kills a run of four objects of which the third never comes, once the others are on record.
fn kill_after_three(user: &Subscriber, manifest: &str, partial: impl Fn() -> Option<PathBuf>) {
    user.world.put_object(VENDOR_BUCKET, &key(3), ObjectSpec::new(20 * MIB).part_size(8 * MIB).modified(midnight()));
    user.world.fault(Fault::on("CreateMultipartUpload").then(Effect::Stall(Duration::from_secs(3600))));
    let mut child = user.machine.start(&["copy", DAY, "--manifest", manifest, "--no-progress"]);
    until("three records", || {
        let text = partial().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        text.matches('\n').count() == 4
    });
    child.kill().unwrap();
    child.wait().unwrap();
    user.world.clear_faults();
}

#[tokio::test]
async fn a_run_leaves_what_it_proved_of_each_object() {
    let user = scene().await;
    let refused = key(9);
    user.world.put_object(VENDOR_BUCKET, &refused, ObjectSpec::new(10).modified(midnight()));
    user.world.refuse_read(VENDOR_BUCKET, &refused);
    let run = user.flex(&["copy", DAY, "--manifest", "m.jsonl", "--json"]).expect(4);
    assert_eq!(run.summary()["manifest"], json!({"path": "m.jsonl", "records": 5, "whole": true}));
    let left: Vec<_> = names(user.machine.home.path()).into_iter().filter(|name| name.contains("jsonl")).collect();
    assert_eq!((left, mode(&user.path("m.jsonl"))), (vec!["m.jsonl".to_owned()], 0o600));

    let lines = user.lines("m.jsonl");
    let [header, records @ .., ended, last] = &lines[..] else { panic!("{lines:#?}") };
    for (field, want) in [
        ("manifest", json!(1)),
        ("flex", env!("CARGO_PKG_VERSION").into()),
        ("source", VENDOR_BUCKET.into()),
        ("destination", BUCKET.into()),
        ("prefix", "".into()),
        ("selection", json!([DAY])),
    ] {
        assert_eq!(header[field], want, "{field} in {header}");
    }
    assert_eq!((records.len(), &ended["ended"]), (5, &"complete".into()));
    assert_eq!((&last["records"], last["sha256"].as_str().unwrap().len()), (&5.into(), 64));
    assert_eq!(last.as_object().unwrap().len(), 2, "{last}");

    for (key, proof, layout) in [
        (key(1).as_str(), "etag", Value::Null),
        (&key(2), "etag", Value::Null),
        (IN_PARTS, "etag", json!([[8 * MIB, 2], [4 * MIB + 5, 1]])),
        (WITH_CHECKSUM, "checksum", Value::Null),
    ] {
        let (record, source) = (user.record("m.jsonl", key), user.world.object(VENDOR_BUCKET, key).unwrap());
        for (field, want) in [
            ("size", source.size.into()),
            ("etag", etag(&user, VENDOR_BUCKET, key).into()),
            ("dest_etag", etag(&user, BUCKET, key).into()),
            ("proof", proof.into()),
            ("layout", layout),
            ("last_modified", "2021-05-31T00:00:00Z".into()),
            ("run", header["run"].clone()),
            ("flex", env!("CARGO_PKG_VERSION").into()),
        ] {
            assert_eq!(record[field], want, "{field} in {record}");
        }
        assert!(record["copied_at"].as_str() >= header["started"].as_str(), "{record}");
        assert!(record["copied_at"].as_str() <= ended["time"].as_str(), "{record}");
        if let Some(checksum) = source.checksum {
            let want = json!({"algorithm": checksum.algorithm.name(), "value": checksum.value});
            assert_eq!(record["checksum"], want, "{record}");
        }
    }
    assert_ne!(etag(&user, BUCKET, WITH_CHECKSUM), etag(&user, VENDOR_BUCKET, WITH_CHECKSUM));
    // What is not there is on record as what it is, and claims nothing.
    let record = user.record("m.jsonl", &refused);
    assert_eq!(record["outcome"], "not-entitled");
    assert!(record["proof"].is_null() && record["dest_etag"].is_null() && record["copied_at"].is_null(), "{record}");
}

#[tokio::test]
async fn what_was_there_before_is_recorded_as_what_the_listings_show() {
    let user = scene().await;
    user.flex(&["copy", DAY]).expect(0);
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0).prints(&["manifest: m.jsonl (4 records)"]);
    for (key, proof) in [(key(1).as_str(), "etag"), (IN_PARTS, "etag"), (WITH_CHECKSUM, "size-only")] {
        let record = user.record("m.jsonl", key);
        assert_eq!((&record["proof"], &record["copied_at"]), (&proof.into(), &Value::Null), "{record}");
        assert_eq!(record["dest_etag"], etag(&user, BUCKET, key).as_str());
    }
    // It proves no more than it says.
    user.flex(&["verify", "--manifest", "m.jsonl", "--strict"]).expect(4).prints(&["size only: 1 object"]);
    // A dry run leaves none.
    user.flex(&["copy", DAY, "--dry-run", "--manifest", "n.jsonl"]).expect(0);
    assert!(!user.path("n.jsonl").exists() && !user.path("n.jsonl.partial").exists());
}

#[tokio::test]
async fn a_name_that_cannot_be_used_is_refused_before_anything_is_started() {
    let user = scene().await;
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0);
    let before = fs::read(user.path("m.jsonl")).unwrap();
    user.machine.file("half.jsonl.partial", "");
    std::os::unix::fs::symlink("nowhere", user.path("link.jsonl")).unwrap();
    let there = names(user.machine.home.path());
    user.world.forget_requests();
    for (manifest, said) in [
        (&["m.jsonl"][..], &["m.jsonl is there already, and none is overwritten", "a path that ends in /"][..]),
        (&["link.jsonl"], &["link.jsonl is there already"]),
        (
            &["half.jsonl"],
            &["half.jsonl.partial is there", "flex verify --manifest half.jsonl.partial", "move it away"],
        ),
        (
            &["no/such/m.jsonl"],
            &["no/such/m.jsonl.partial cannot be written", "No such file", "run without --manifest"],
        ),
        (&["m.jsonl/n.jsonl"], &["cannot be written", "Not a directory"]),
        (&["m.jsonl/"], &["cannot be written"]),
        (&[""], &["--manifest = \"\" cannot be used", "the name is empty"]),
        (&["a.jsonl", "b.jsonl"], &["--manifest is given as a.jsonl and as b.jsonl", "once"]),
    ] {
        let mut arguments = vec!["copy", DAY, "--json"];
        arguments.extend(manifest.iter().flat_map(|name| ["--manifest", name]));
        let run = user.flex(&arguments).expect(2).says(said);
        assert_eq!((&run.events()[0]["event"], &run.events()[0]["exit_code"]), (&"error".into(), &2.into()), "{run}");
    }
    assert_eq!(asked(&user), 0, "nothing was started");
    assert_eq!(names(user.machine.home.path()), there, "nothing was left");
    assert_eq!(fs::read(user.path("m.jsonl")).unwrap(), before);
    // Nor is a name kept by what is refused for something else.
    user.flex(&["copy", "2021/05/30..2021/05/29", "--manifest", "o.jsonl"]).expect(2);
    user.machine
        .command(["copy", DAY, "--manifest", "p.jsonl"])
        .env("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")
        .output()
        .unwrap();
    for name in ["o.jsonl", "o.jsonl.partial", "p.jsonl", "p.jsonl.partial"] {
        assert!(!user.path(name).exists(), "{name}");
    }
}

#[tokio::test]
async fn in_a_folder_each_run_writes_a_file_of_its_own() {
    let user = scene().await;
    let mut paths = Vec::new();
    for _ in 0..2 {
        let run = user.flex(&["copy", DAY, "--manifest", "proofs/new/", "--json"]).expect(0);
        paths.push(run.summary()["manifest"]["path"].as_str().unwrap().to_owned());
    }
    let folder = user.path("proofs/new");
    let mut want: Vec<_> = names(&folder).into_iter().map(|name| format!("proofs/new/{name}")).collect();
    want.sort_by_key(|path| *path != paths[0]);
    assert_eq!(paths, want);
    assert_eq!((mode(&folder), mode(&user.path(&paths[0]))), (0o700, 0o600));
    let runs: BTreeSet<_> = paths.iter().map(|path| user.lines(path)[0]["run"].to_string()).collect();
    assert_eq!(runs.len(), 2);
    // The slash is needed for a new one alone.
    user.flex(&["copy", DAY, "--manifest", "proofs/new"]).expect(0).prints(&["manifest: proofs/new/flex-"]);
    assert_eq!(names(&folder).len(), 3);
    user.flex(&["verify", "--manifest", "proofs/new", "--strict"]).expect(0).prints(&["proven: 4 objects"]);
}

#[tokio::test]
async fn what_a_checksum_proved_is_proven_later_by_the_manifest_alone() {
    let user = scene().await;
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0);
    user.world.forget_requests();
    let without =
        user.flex(&["verify", DAY, "--strict"]).expect(4).prints(&["size only: 1 object", "proven: 3 objects"]);
    assert!(without.out.contains("unless verify is given the manifest"), "{without}");
    let with = user.flex(&["verify", DAY, "--strict", "--manifest", "m.jsonl"]).expect(0);
    let with =
        with.prints(&["size only: 0 objects", "proven: 4 objects", "1 by checksum", "3 by ETag", "result: verified"]);
    assert!(!with.out.contains("unless verify is given"), "{with}");
    let run = user.flex(&["verify", DAY, "--strict", "--manifest", "m.jsonl", "--json"]).expect(0);
    let object = run.events().into_iter().find(|event| event["key"] == WITH_CHECKSUM).unwrap();
    assert_eq!((&object["verdict"], &object["proof"]), (&"proven".into(), &"checksum".into()));
    let (record, run_id) = (&object["record"], &user.lines("m.jsonl")[0]["run"]);
    assert_eq!((&record["proof"], &record["run"]), (&"checksum".into(), run_id), "{object}");
    assert_eq!(record["copy_etag"], etag(&user, BUCKET, WITH_CHECKSUM).as_str());
    assert_eq!(run.summary()["proven_by"]["checksum"]["objects"], 1);
    // From the listings and the record: nothing is read, nothing is asked object by object.
    assert_eq!(user.world.count("GetObject") + user.world.count("HeadObject"), 0);
}

#[tokio::test]
async fn under_kms_the_manifest_proves_what_no_etag_can() {
    let user = scene().await;
    user.world.bucket_encryption(BUCKET, Encryption::Kms, true);
    let copied = user.flex(&["copy", DAY, "--manifest", "m.jsonl", "--json"]).expect(0).summary();
    let by = |summary: &Value, proof: &str| summary["copied_by_proof"][proof]["objects"].as_u64().unwrap_or(0);
    assert_eq!((by(&copied, "checksum"), by(&copied, "size-only")), (1, 3), "{copied}");
    let run = user.flex(&["verify", DAY, "--strict", "--manifest", "m.jsonl", "--json"]).expect(4);
    assert_counts(&run, &[("proven", 1), ("size_only", 3), ("different", 0), ("changed_at_destination", 0)]);
    user.flex(&["verify", DAY, "--include", "*_2_002.*", "--strict", "--manifest", "m.jsonl"]).expect(0);
    overwrite(&user, &key(1), user.world.object(BUCKET, &key(1)).unwrap().size);
    let run = user.flex(&["verify", DAY, "--manifest", "m.jsonl", "--json"]).expect(1);
    assert_counts(&run, &[("proven", 1), ("size_only", 2), ("changed_at_destination", 1)]);
}

#[tokio::test]
async fn what_became_of_each_object_since_is_told_apart() {
    let user = day(8).await;
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0);
    let was = etag(&user, BUCKET, &key(2));
    overwrite(&user, &key(2), user.world.object(BUCKET, &key(2)).unwrap().size);
    correct(&user, &key(3));
    user.world.remove_object(BUCKET, &key(4));
    user.world.remove_object(VENDOR_BUCKET, &key(5));
    user.world.remove_object(BUCKET, &key(6));
    user.world.remove_object(VENDOR_BUCKET, &key(6));
    overwrite(&user, &key(7), 5);
    user.world.remove_object(VENDOR_BUCKET, &key(8));
    overwrite(&user, &key(8), 5);
    user.world.put_object(VENDOR_BUCKET, &key(10), ObjectSpec::new(10));
    user.world.put_object(VENDOR_BUCKET, &key(11), ObjectSpec::new(10));
    user.world.refuse_read(VENDOR_BUCKET, &key(11));
    overwrite(&user, &format!("{DAY}/mine"), 5);

    let name = |n| key(n).rsplit('/').next().unwrap().to_owned();
    let mut want: BTreeMap<String, String> = [
        (1, "proven"),
        (2, "changed-at-destination"),
        (3, "changed-at-source"),
        (4, "missing"),
        (5, "source-gone"),
        (6, "lost"),
        (7, "changed-at-destination"),
        (8, "changed-at-destination"),
    ]
    .map(|(n, verdict)| (name(n), verdict.to_owned()))
    .into();
    // Without a selection, what is on record; the rest is counted.
    let run = user.flex(&["verify", "--manifest", "m.jsonl", "--json"]).expect(1);
    assert_eq!(verdicts(&run), want, "{run}");
    assert_counts(&run, &[("unrecorded", 2), ("never_copied", 0), ("not_entitled", 0)]);
    let run = user.flex(&["verify", "--manifest", "m.jsonl"]).expect(1);
    let run = run.prints(&["selection: all that is on record", "not on record: 2 objects"]);
    assert!(!run.out.contains(&key(10)), "{run}");

    want.extend([
        (name(10), "never-copied".into()),
        (name(11), "not-entitled".into()),
        ("mine".into(), "extra".into()),
    ]);
    let run = user.flex(&["verify", DAY, "--manifest", "m.jsonl", "--json"]).expect(1);
    assert_eq!(verdicts(&run), want, "{run}");
    assert_counts(
        &run,
        &[
            ("proven", 1),
            ("changed_at_destination", 3),
            ("changed_at_source", 1),
            ("missing", 1),
            ("source_gone", 1),
            ("lost", 1),
            ("never_copied", 1),
            ("not_entitled", 1),
            ("extra", 1),
            ("unrecorded", 0),
            ("different", 0),
        ],
    );
    let object = |n| run.events().into_iter().find(|event| event["key"] == key(n)).unwrap();
    assert_eq!(
        (&object(2)["record"]["copy_etag"], &object(2)["found_etag"]),
        (&was.as_str().into(), &etag(&user, BUCKET, &key(2)).into())
    );
    assert_eq!(object(3)["found_etag"], etag(&user, VENDOR_BUCKET, &key(3)));
    assert_eq!(object(3)["record"]["etag"], etag(&user, BUCKET, &key(3)));

    let run = user.flex(&["verify", DAY, "--manifest", "m.jsonl"]).expect(1).prints(&[
        "changed in your bucket: 3 objects",
        "changed at the source: 1 object",
        "missing: 1 object",
        "never copied: 1 object",
        "lost: 1 object",
        "source gone: 1 object",
        "not entitled: 1 object",
        &format!("ETag {was} on record, now {}", etag(&user, BUCKET, &key(2))),
        &format!(
            "the source had ETag {}, and has {} now",
            etag(&user, BUCKET, &key(3)),
            etag(&user, VENDOR_BUCKET, &key(3))
        ),
        "result: failed: 1 object missing; 3 objects changed in your bucket; 1 object changed at the source since",
    ]);
    let listed = |word: &str, n| run.out.lines().any(|line| line.starts_with(word) && line.contains(&key(n)));
    for (word, n) in [
        ("changed-at-destination", 2),
        ("changed-at-source", 3),
        ("missing", 4),
        ("lost", 6),
        ("changed-at-destination", 7),
        ("changed-at-destination", 8),
        ("never-copied", 10),
    ] {
        assert!(listed(word, n), "{word} {n}\n{run}");
    }
    // What the listings alone make of it is less.
    let run = user.flex(&["verify", DAY, "--json"]).expect(1);
    assert_counts(&run, &[("proven", 1), ("different", 3), ("missing", 2), ("extra", 3), ("changed_at_source", 0)]);

    // A new copy mends what can be mended, and the old record is not in its way.
    user.flex(&["copy", DAY, "--allow-not-entitled"]).expect(0);
    let run = user.flex(&["verify", DAY, "--manifest", "m.jsonl", "--allow-not-entitled", "--json"]).expect(1);
    assert_counts(&run, &[("proven", 6), ("changed_at_destination", 1), ("lost", 1), ("source_gone", 1)]);
}

#[tokio::test]
async fn each_of_them_by_itself_has_its_exit_code() {
    type Change = fn(&Subscriber);
    let changes: [(&str, i32, Change); 8] = [
        ("proven", 0, |_| {}),
        ("changed-at-destination", 1, |user| overwrite(user, &key(1), 5)),
        ("changed-at-source", 1, |user| correct(user, &key(1))),
        ("missing", 1, |user| assert!(user.world.remove_object(BUCKET, &key(1)))),
        ("source-gone", 0, |user| assert!(user.world.remove_object(VENDOR_BUCKET, &key(1)))),
        ("lost", 1, |user| {
            assert!(user.world.remove_object(BUCKET, &key(1)) && user.world.remove_object(VENDOR_BUCKET, &key(1)));
        }),
        ("never-copied", 1, |user| user.world.put_object(VENDOR_BUCKET, &key(1), ObjectSpec::new(1))),
        ("not-entitled", 4, |user| {
            user.world.put_object(VENDOR_BUCKET, &key(1), ObjectSpec::new(1));
            user.world.refuse_read(VENDOR_BUCKET, &key(1));
        }),
    ];
    for (verdict, code, change) in changes {
        let user = day(2).await;
        if matches!(verdict, "never-copied" | "not-entitled") {
            user.world.remove_object(VENDOR_BUCKET, &key(1));
        }
        user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0);
        change(&user);
        let arguments = ["verify", DAY, "--manifest", "m.jsonl", "--json"];
        let run = Run::of(&arguments, user.machine.command(arguments).output().unwrap()).expect(code);
        assert_eq!(verdicts(&run)["20210531_1_001.pcap.gz"], verdict, "{run}");
        assert_eq!(run.summary()["reasons"].as_array().unwrap().is_empty(), code == 0, "{run}");
        user.flex(&["verify", DAY, "--manifest", "m.jsonl"]).expect(code);
    }
}

#[tokio::test]
async fn a_day_that_the_source_has_lost_is_missing_though_a_copy_of_it_was_changed() {
    let user = day(2).await;
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0);
    for n in [1, 2] {
        assert!(user.world.remove_object(VENDOR_BUCKET, &key(n)));
    }
    overwrite(&user, &key(1), 5);
    let run = user.flex(&["verify", DAY, "--manifest", "m.jsonl", "--json"]).expect(1);
    assert_counts(&run, &[("changed_at_destination", 1), ("source_gone", 1), ("listed", 0)]);
    assert_eq!(run.summary()["missing_sessions"].as_array().map(Vec::len), Some(1), "{run}");
}

#[tokio::test]
async fn two_manifests_are_compared_without_any_request() {
    let user = day(5).await;
    user.world.remove_object(VENDOR_BUCKET, &key(5));
    user.flex(&["copy", DAY, "--manifest", "a.jsonl"]).expect(0);
    correct(&user, &key(2));
    user.world.remove_object(VENDOR_BUCKET, &key(3));
    user.world.put_object(VENDOR_BUCKET, &key(5), ObjectSpec::new(10));
    user.flex(&["copy", DAY, "--manifest", "b.jsonl"]).expect(0);
    user.flex(&["copy", DAY, "--dest-prefix", "else/where", "--manifest", "c.jsonl"]).expect(0);
    // A machine without identity, bucket, endpoint: what would be asked is asked of nobody.
    let offline = Machine::bare();
    for name in ["a.jsonl", "b.jsonl", "c.jsonl"] {
        offline.file(name, fs::read(user.path(name)).unwrap());
    }
    user.world.forget_requests();
    for machine in [&offline, &user.machine] {
        let compare = |more: &[&str]| machine.flex(&[&["verify", "--manifest"], more].concat());
        compare(&["a.jsonl", "--against", "a.jsonl"]).expect(0).prints(&["same: 4 objects", "result: the same"]);
        let run = compare(&["a.jsonl", "--against", "b.jsonl", "--json"]).expect(1);
        let want: BTreeMap<String, String> =
            [(1, "same"), (2, "changed"), (3, "only-first"), (4, "same"), (5, "only-second")]
                .map(|(n, verdict)| (key(n).rsplit('/').next().unwrap().to_owned(), verdict.to_owned()))
                .into();
        assert_eq!(verdicts(&run), want, "{run}");
        assert_counts(&run, &[("same", 2), ("changed", 1), ("only_first", 1), ("only_second", 1), ("size_only", 0)]);
        let changed = run.events().into_iter().find(|event| event["verdict"] == "changed").unwrap();
        assert_eq!(changed["record"]["etag"], user.record("a.jsonl", &key(2))["etag"]);
        assert_eq!(changed["against"]["etag"], user.record("b.jsonl", &key(2))["etag"]);
        compare(&["a.jsonl", "--against", "b.jsonl"]).expect(1).prints(&[
            "same: 2 objects",
            "changed: 1 object",
            "only first: 1 object",
            "only second: 1 object",
            &key(2),
            &key(3),
            &key(5),
            "1 object only in --manifest; 1 object only in --against",
        ]);
        // Part of it, and nothing of it.
        compare(&["a.jsonl", "--against", "b.jsonl", &format!("prefix:{}", key(1))]).expect(0);
        compare(&["a.jsonl", "--against", "b.jsonl", "--include", "*_1_004.*", DAY]).expect(0);
        compare(&["a.jsonl", "--against", "b.jsonl", "2021/05/28"]).expect(4);
        // Another destination holds other copies of the same versions.
        compare(&["b.jsonl", "--against", "c.jsonl"]).expect(0).prints(&["same: 4 objects", "in my-bucket/else/where"]);
        compare(&["b.jsonl", "--manifest", "c.jsonl", "--against", "a.jsonl"])
            .expect(2)
            .says(&["c.jsonl is of copies"]);
        compare(&["a.jsonl", "--against", "b.jsonl", "spec:mbo"]).expect(2).says(&["without a listing"]);
        compare(&["a.jsonl", "--against", "absent.jsonl"]).expect(2).says(&["absent.jsonl cannot be read"]);
        machine.flex(&["verify", "--against", "a.jsonl"]).expect(2).says(&["flex verify --manifest A --against B"]);
    }
    assert_eq!(asked(&user), 0);
}

#[tokio::test]
async fn a_comparison_does_not_take_size_only_for_more() {
    let user = scene().await;
    user.flex(&["copy", DAY, "--manifest", "a.jsonl"]).expect(0);
    user.flex(&["copy", DAY, "--manifest", "b.jsonl"]).expect(0);
    let arguments = ["verify", "--manifest", "a.jsonl", "--against", "b.jsonl"];
    let run = user.flex(&[&arguments[..], &["--json"]].concat()).expect(0);
    assert_counts(&run, &[("same", 4), ("proof_differs", 1), ("size_only", 1)]);
    let same = run.events().into_iter().find(|event| event["key"] == WITH_CHECKSUM).unwrap();
    assert_eq!((&same["proof"], &same["against_proof"]), (&"checksum".into(), &"size-only".into()));
    user.flex(&[&arguments[..], &["--strict"]].concat())
        .expect(4)
        .prints(&["other proof: 1 object", "size only: 1 object"]);
    // Another copy under the key, known by its size alone: nobody knows what it holds.
    overwrite(&user, WITH_CHECKSUM, 33 * MIB);
    user.flex(&["copy", DAY, "--manifest", "c.jsonl"]).expect(0);
    user.flex(&["verify", "--manifest", "a.jsonl", "--against", "c.jsonl"]).expect(1).prints(&["changed: 1 object"]);
}

#[tokio::test]
async fn a_manifest_that_is_not_as_it_was_written_is_refused() {
    let user = day(3).await;
    user.flex(&["copy", DAY, "--manifest", "good.jsonl"]).expect(0);
    user.world.forget_requests();
    let good = fs::read_to_string(user.path("good.jsonl")).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let with = |at: usize, line: String| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        lines[at] = line;
        lines.join("\n") + "\n"
    };
    let without = |at: usize| with(at, String::new()).replacen("\n\n", "\n", 1);
    let size = format!("\"size\":{}", serde_json::from_str::<Value>(lines[2]).unwrap()["size"]);
    // One digit of one size.
    let mut other_size = size.clone();
    let last = if other_size.pop() == Some('0') { '1' } else { '0' };
    other_size.push(last);
    let untrusted = "take the file from where it was written";
    for (what, bytes, said) in [
        ("one byte", with(2, lines[2].replace(&size, &other_size)), ["it was altered", untrusted]),
        ("a brace", with(2, lines[2].replace('{', "(")), ["line 3: column 1", untrusted]),
        ("a type", with(3, lines[3].replace(&size[..7], "\"size\":\"")), ["line 4: column", untrusted]),
        ("a field", with(2, lines[2].replace("dest_etag", "dest_etah")), ["line 3: dest_etag is missing", untrusted]),
        ("a line less", without(3), ["it was altered", untrusted]),
        ("in other order", with(2, lines[3].into()).replacen(lines[3], lines[2], 2), ["it was altered", untrusted]),
        ("the last line", with(5, lines[5].replace("\"records\":3", "\"records\":4")), ["counts 4 records", untrusted]),
        ("something behind", format!("{good}{{}}\n"), ["line 7: something follows the last line", untrusted]),
        ("a huge line", with(3, "x".repeat(1 << 20)), ["line 4: longer than 262144 bytes", untrusted]),
        ("deep", with(3, "[".repeat(200_000)), ["line 4: column", untrusted]),
        (
            "newer",
            good.replacen("{\"manifest\":1,", "{\"manifest\":2,", 1),
            ["it is of format 2, and this version of flex reads up to 1", "the version of flex that wrote it"],
        ),
        (
            "newer and otherwise",
            good.replacen("{\"manifest\":1,\"run\":\"", "{\"manifest\":2,\"run\":[],\"x\":\"", 1),
            ["it is of format 2", "the version of flex that wrote it"],
        ),
        ("text", "key,size\n".into(), ["it does not begin as a manifest does", "flex copy --manifest"]),
        ("other JSON", "{\"schema\":1}\n".into(), ["it does not begin as a manifest does", "flex copy --manifest"]),
        ("a line without end", "x".repeat(1 << 20), ["it does not begin as a manifest does", "flex copy --manifest"]),
        (
            "empty",
            String::new(),
            ["bad.jsonl is cut off before its first record", "give a manifest of this destination"],
        ),
    ] {
        assert_ne!(bytes, good, "{what}");
        user.machine.file("bad.jsonl", bytes);
        let run =
            user.flex(&["verify", "--manifest", "bad.jsonl", "--json"]).expect(2).says(&said).says(&["bad.jsonl"]);
        assert_eq!(run.events().pop().unwrap()["exit_code"], 2, "{what}\n{run}");
        // Nothing of a message is a file's length.
        assert!(run.err.len() < 2000, "{what}: {} bytes are said", run.err.len());
        user.flex(&["verify", "--manifest", "good.jsonl", "--against", "bad.jsonl"]).expect(2);
    }
    // Not UTF-8; in a folder among good ones; no file at all; no manifest in the folder.
    let mut bytes = good.clone().into_bytes();
    bytes[lines[0].len() + 9] = 0xff;
    user.machine.file("some/bad.jsonl", bytes);
    user.machine.file("some/good.jsonl", &good);
    user.flex(&["verify", "--manifest", "some"]).expect(2).says(&["some/bad.jsonl", "line 2: byte 9 is not UTF-8"]);
    user.flex(&["verify", "--manifest", "absent.jsonl"])
        .expect(2)
        .says(&["absent.jsonl cannot be read", "No such file"]);
    user.machine.file("empty/notes.txt", "");
    user.flex(&["verify", "--manifest", "empty"]).expect(2).says(&["there is no manifest in empty", ".jsonl"]);
    // Of another destination.
    user.flex(&["verify", "--manifest", "good.jsonl", "--dest-prefix", "else"]).expect(2).says(&[
        "good.jsonl is of copies from",
        "my-bucket/else",
        "--dest-prefix",
    ]);
    assert_eq!(asked(&user), 0, "nothing is asked on the word of such a file");
}

#[tokio::test]
async fn an_interrupted_run_leaves_what_was_proven_until_then() {
    for name in ["-INT", "-TERM"] {
        let user = day(80).await;
        user.world.latency(Duration::from_millis(50));
        let arguments = ["copy", DAY, "--manifest", "m.jsonl", "--json", "--max-in-flight", "2"];
        let child = user.machine.start(&arguments);
        until("copies", || user.world.count("CopyObject") > 8);
        signal(&child, name);
        let run = Run::of(&arguments, child.wait_with_output().unwrap()).expect(130);
        let run = run.says(&["the manifest m.jsonl holds what was proven until then", "a re-run needs another name"]);
        assert_eq!(run.summary()["manifest"]["whole"], true);
        let lines = user.lines("m.jsonl");
        assert_eq!(lines[lines.len() - 2]["ended"], "interrupted");
        let proven: BTreeSet<_> = lines
            .iter()
            .filter(|line| line["proof"] == "etag")
            .map(|line| line["key"].as_str().unwrap().to_owned())
            .collect();
        let there: BTreeSet<_> = user.world.objects(BUCKET).into_iter().collect();
        assert_eq!(proven, there, "all that is there and nothing else\n{run}");
        assert!((8..80).contains(&there.len()), "{}", there.len());
        assert_eq!(run.summary()["manifest"]["records"].as_u64().map(|n| n >= there.len() as u64), Some(true));

        user.world.latency(Duration::ZERO);
        let run = user.flex(&["verify", DAY, "--manifest", "m.jsonl", "--json"]).expect(1);
        let missing = 80 - there.len() as u64;
        assert_counts(&run, &[("proven", there.len() as u64), ("never_copied", missing), ("missing", 0)]);
        assert_eq!(notices(&run, "manifest-unfinished"), 1, "{run}");
        let run = run.says(&["m.jsonl is of a run that did not come to its end"]);
        assert_eq!(run.err.matches("did not come to its end").count(), 1, "{run}");

        // The run that goes on leaves its own.
        user.flex(&["copy", DAY, "--manifest", "n.jsonl"]).expect(0);
        user.flex(&["verify", DAY, "--manifest", "m.jsonl", "--manifest", "n.jsonl"])
            .expect(0)
            .prints(&["proven: 80 objects"]);
    }
}

/// Its answer to the first interrupt is read before the second is sent.
fn interrupt_twice(child: &mut Child) -> String {
    signal(child, "-INT");
    let mut err = child.stderr.take().unwrap();
    let (mut said, mut byte) = (String::new(), [0]);
    while !said.contains("finishing") {
        assert_eq!(err.read(&mut byte).unwrap(), 1, "{said}");
        said.push(byte[0].into());
    }
    signal(child, "-INT");
    err.read_to_string(&mut said).unwrap();
    said
}

const HELD_UP: [&str; 5] = ["copy", DAY, "--manifest", "m.jsonl", "--no-progress"];

/// A run with a manifest that has three of four records, and does not come to its end.
fn held_up(user: &Subscriber) -> Child {
    user.world.fault(Fault::on("CopyObject").key(key(3)).then(Effect::Stall(Duration::from_secs(3600))));
    let child = user.machine.start(&HELD_UP);
    until("three records", || {
        fs::read_to_string(user.path("m.jsonl.partial")).is_ok_and(|text| text.matches('\n').count() == 4)
    });
    child
}

#[tokio::test]
async fn the_second_interrupt_ends_the_manifest_too() {
    let user = day(4).await;
    let mut child = held_up(&user);
    let said = interrupt_twice(&mut child);
    Run::of(&HELD_UP, child.wait_with_output().unwrap()).expect(130);
    assert!(said.contains("left at once") && said.contains("the manifest m.jsonl holds what was proven"), "{said}");
    let lines = user.lines("m.jsonl");
    assert_eq!(
        (&lines[lines.len() - 2]["ended"], &lines[lines.len() - 1]["records"]),
        (&"interrupted".into(), &3.into())
    );
    user.flex(&["verify", "--manifest", "m.jsonl"]).expect(0).prints(&["proven: 3 objects"]);
}

#[tokio::test]
async fn advice_on_a_manifest_fits_its_name_and_its_state() {
    let user = day(4).await;
    user.flex(&["copy", &format!("prefix:{}", key(1))]).expect(0);
    user.world.delete_bucket_policy(BUCKET);
    let another = "a re-run needs another name";
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(3).says(&["holds what was proven until then", another]);
    let run = user.flex(&["copy", DAY, "--manifest", "proofs/"]).expect(3).says(&["holds what was proven until then"]);
    assert!(!run.err.contains(another), "each run has a name of its own there\n{run}");

    // The second interrupt, of a run whose manifest cannot get its name.
    let user = day(4).await;
    let mut child = held_up(&user);
    user.machine.file("m.jsonl", "mine\n");
    let said = interrupt_twice(&mut child);
    Run::of(&HELD_UP, child.wait_with_output().unwrap()).expect(130);
    assert!(said.contains("cannot be written any further") && !said.contains("holds what was proven"), "{said}");
}

#[tokio::test]
async fn a_run_that_a_refusal_stopped_says_so_in_its_manifest() {
    let user = day(4).await;
    user.flex(&["copy", &format!("prefix:{}", key(1))]).expect(0);
    user.world.delete_bucket_policy(BUCKET);
    user.flex(&["copy", DAY, "--manifest", "m.jsonl", "--json"]).expect(3);
    let lines = user.lines("m.jsonl");
    assert_eq!(lines[lines.len() - 2]["ended"], "stopped", "{lines:#?}");
}

#[tokio::test]
async fn what_a_killed_run_left_is_used_as_far_as_it_goes() {
    let user = day(4).await;
    let partial = user.path("m.jsonl.partial");
    kill_after_three(&user, "m.jsonl", || Some(partial.clone()));
    assert!(!user.path("m.jsonl").exists(), "the name is for what has its end");
    assert_eq!(mode(&partial), 0o600);

    let verify = |more: &[&str]| user.flex(&[&["verify", "--manifest", "m.jsonl.partial"], more].concat());
    let cut = [
        "m.jsonl.partial is cut off, as a killed run leaves it",
        "as far as it goes (3 records), but no digest vouches for it",
    ];
    for _ in 0..2 {
        verify(&[]).expect(0).says(&cut).prints(&["proven: 3 objects"]);
        let run = verify(&[DAY, "--json"]).expect(1).says(&cut);
        assert_counts(&run, &[("proven", 3), ("never_copied", 1)]);
        assert_eq!(notices(&run, "manifest-cut-off"), 1, "{run}");
        // In the middle of a line it is no other.
        File::options().append(true).open(&partial).unwrap().write_all(b"{\"key\":\"2021/05/31/2021").unwrap();
    }
    // The same command again touches nothing, and says what to do.
    user.world.forget_requests();
    let run = user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(2);
    run.says(&["m.jsonl.partial is there", "flex verify --manifest m.jsonl.partial", "move it away"]);
    assert_eq!(asked(&user), 0);
    fs::rename(&partial, user.path("killed.jsonl")).unwrap();
    user.flex(&["copy", DAY, "--manifest", "m.jsonl"]).expect(0);
    let run = user.flex(&["verify", "--manifest", "killed.jsonl", "--against", "m.jsonl"]).expect(1);
    run.says(&["killed.jsonl is cut off"]).prints(&["same: 3 objects", "only second: 1 object"]);
}

#[tokio::test]
async fn in_a_folder_what_killed_runs_left_is_read_too() {
    let user = day(4).await;
    let folder = user.path("proofs");
    let inside = || fs::read_dir(&folder).ok()?.next()?.ok().map(|entry| entry.path());
    kill_after_three(&user, "proofs/", inside);
    let name = inside().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    assert!(name.starts_with("flex-") && name.ends_with(".jsonl.partial"), "{name}");
    user.flex(&["verify", "--manifest", "proofs/"]).expect(0).says(&["is cut off"]).prints(&["proven: 3 objects"]);
    // It is in nobody's way.
    user.flex(&["copy", DAY, "--manifest", "proofs/"]).expect(0);
    user.flex(&["verify", "--manifest", "proofs/"]).expect(0).says(&["is cut off"]).prints(&["proven: 4 objects"]);
}

#[tokio::test]
async fn a_correction_is_never_silent() {
    let user = day(2).await;
    user.flex(&["copy", DAY, "--manifest", "first.jsonl"]).expect(0);
    let first = fs::read(user.path("first.jsonl")).unwrap();
    let old = etag(&user, BUCKET, &key(1));
    correct(&user, &key(1));
    let new = etag(&user, VENDOR_BUCKET, &key(1));
    let (from, to) = (format!("old ETag {old}"), format!("new ETag {new}"));
    for (choice, code, word, outcome, counted) in [
        ("keep", 0, "change-kept", "change-kept", "changes kept: 1 object"),
        ("fail", 1, "failed", "failed", "failed: 1 object"),
        ("copy", 0, "replaced", "copied", "replaced: 1 object"),
    ] {
        let copy = |more: &[&str]| user.flex(&[&["copy", DAY, "--on-change", choice], more].concat()).expect(code);
        let manifest = format!("{choice}.jsonl");
        // For people, also for those who want to hear of nothing but results.
        let run = match choice {
            "copy" => copy(&["--quiet", "--manifest", &manifest]),
            _ => {
                let json = copy(&["--json"]);
                let object = json.events().into_iter().find(|event| event["key"] == key(1)).unwrap();
                assert_eq!((&object["outcome"], &object["etag"]), (&outcome.into(), &new.as_str().into()), "{object}");
                assert_eq!(object["destination_etag"], old.as_str(), "{object}");
                copy(&["--quiet", "--manifest", &manifest])
            }
        };
        let run = run.prints(&[counted, &from, &to]);
        let line = run.out.lines().find(|line| line.contains(&key(1))).unwrap();
        assert!(line.starts_with(word), "{line}");

        let record = user.record(&manifest, &key(1));
        assert_eq!(record["etag"], new.as_str(), "{record}");
        if choice == "copy" {
            assert_eq!((&record["proof"], &record["dest_etag"]), (&"etag".into(), &new.as_str().into()), "{record}");
            continue;
        }
        assert_eq!((&record["outcome"], &record["proof"]), (&outcome.into(), &Value::Null), "{record}");
        assert_eq!(etag(&user, BUCKET, &key(1)), old);
        // By itself it knows of no copy; with the first one, what there is is known.
        let run = user.flex(&["verify", "--manifest", &manifest, "--json"]).expect(1);
        assert_eq!(verdicts(&run)["20210531_1_001.pcap.gz"], "different", "{run}");
        let run = user.flex(&["verify", "--manifest", &manifest, "--manifest", "first.jsonl", "--json"]).expect(1);
        assert_eq!(verdicts(&run)["20210531_1_001.pcap.gz"], "changed-at-source", "{run}");
    }
    // A program is told the same of the third.
    correct(&user, &key(2));
    let run = user.flex(&["copy", DAY, "--json"]).expect(0);
    let object = run.events().into_iter().find(|event| event["key"] == key(2)).unwrap();
    assert_eq!((&object["outcome"], &object["reason"]), (&"copied".into(), &"changed".into()), "{object}");
    assert_ne!(object["destination_etag"], object["copy_etag"], "{object}");
    assert_counts(&run, &[("replaced", 1), ("copied", 1)]);
    // Both versions are on record, each in its run's file.
    assert_eq!(fs::read(user.path("first.jsonl")).unwrap(), first);
    let run = user.flex(&["verify", "--manifest", "first.jsonl", "--against", "copy.jsonl", "--json"]).expect(1);
    let changed = run.events().into_iter().find(|event| event["verdict"] == "changed").unwrap();
    assert_eq!((&changed["record"]["etag"], &changed["against"]["etag"]), (&old.into(), &new.into()));
}

#[tokio::test]
async fn the_file_and_the_variable_name_it_too() {
    let mut user = scene().await;
    user.machine.file("flex.toml", "manifest = \"proofs/\"\n");
    user.flex(&["config", "show"]).expect(0).prints(&["proofs/"]);
    // There is none yet: verify does without. What the flag names must be there.
    user.flex(&["verify", DAY]).expect(1);
    user.flex(&["verify", DAY, "--manifest", "proofs/"]).expect(2);
    user.flex(&["copy", DAY]).expect(0).prints(&["manifest: proofs/flex-"]);
    user.flex(&["verify", DAY, "--strict"]).expect(0).prints(&["1 by checksum"]);
    user.flex(&["verify", "--strict"]).expect(0).prints(&["all that is on record"]);
    // A relative path in a file starts at that file.
    user.machine.file("elsewhere/flex.toml", "manifest = \"m.jsonl\"\njournal = \"none\"\n");
    user.flex(&["copy", DAY, "--config", "elsewhere/flex.toml"]).expect(0).prints(&["manifest: elsewhere/m.jsonl"]);
    fs::remove_dir_all(user.path("elsewhere")).unwrap();
    // Another destination has none of these.
    user.flex(&["copy", DAY, "--dest-prefix", "p", "--manifest", "other.jsonl"]).expect(0);
    user.flex(&["verify", DAY, "--strict", "--dest-prefix", "p"]).expect(4);
    // The variable before the file, the flag before the variable.
    user.machine.set("FLEX_MANIFEST", "by-variable.jsonl");
    user.flex(&["copy", DAY]).expect(0).prints(&["manifest: by-variable.jsonl (4 records)"]);
    user.flex(&["verify", DAY, "--strict"]).expect(4);
    user.flex(&["verify", DAY, "--strict", "--manifest", "proofs"]).expect(0);
    user.flex(&["copy", DAY, "--manifest", "by-flag.jsonl"]).expect(0).prints(&["manifest: by-flag.jsonl"]);
    assert_eq!(names(&user.path("proofs")).len(), 1);
    // Both are switched off by a word.
    let there = names(user.machine.home.path());
    user.machine.set("FLEX_MANIFEST", "none");
    assert!(!user.flex(&["copy", DAY]).expect(0).out.contains("manifest"));
    user.machine.set("FLEX_MANIFEST", "by-variable.jsonl");
    assert!(!user.flex(&["copy", DAY, "--manifest", "none"]).expect(0).out.contains("manifest"));
    user.machine.set("FLEX_MANIFEST", "proofs");
    user.flex(&["verify", DAY, "--strict"]).expect(0);
    user.flex(&["verify", DAY, "--strict", "--manifest", "none"]).expect(4);
    user.flex(&["verify", "--manifest", "none"]).expect(2).says(&["nothing is selected"]);
    assert_eq!(names(user.machine.home.path()), there, "a file was written");
    user.machine.set("FLEX_MANIFEST", "by-variable.jsonl");
    // What is refused is said to be of the setting.
    user.flex(&["copy", DAY]).expect(2).says(&["FLEX_MANIFEST", "by-variable.jsonl is there already"]);
    user.machine.unset("FLEX_MANIFEST").file("flex.toml", "manifest = \"no/such/m.jsonl\"\n");
    user.flex(&["copy", DAY]).expect(2).says(&["flex.toml", "manifest", "cannot be written"]);
    // Joined to the file's folder an empty name would be that folder.
    for (name, flag) in [("manifest", "--manifest"), ("journal", "--journal")] {
        user.machine.file("elsewhere/flex.toml", format!("{name} = \"\"\n"));
        let run = user.flex(&["copy", DAY, "--config", "elsewhere/flex.toml"]).expect(2);
        run.says(&[&format!("{name} (elsewhere/flex.toml, line 1) = \"\""), "the name is empty", "or none"]);
        user.flex(&["copy", DAY, flag, ""]).expect(2).says(&["the name is empty"]);
    }
    assert_eq!(names(&user.path("elsewhere")), ["flex.toml"]);
}

/// A folder that a setting names may hold those of other destinations alone.
#[tokio::test]
async fn what_is_left_out_of_a_settings_folder_is_said_too() {
    let mut user = scene().await;
    user.machine.set("FLEX_MANIFEST", "proofs/");
    user.flex(&["copy", DAY]).expect(0);
    user.flex(&["copy", DAY, "--dest-prefix", "p", "--manifest", "none"]).expect(0);
    let run = user.flex(&["verify", DAY, "--dest-prefix", "p", "--json"]).expect(0).says(&["left out"]);
    assert_eq!((notices(&run, "manifest-left-out"), run.events()[0]["event"].as_str()), (1, Some("start")), "{run}");
    let run = user.flex(&["verify", "--dest-prefix", "p"]).expect(2);
    run.says(&["no manifest of copies from", "left out", "--dest-prefix"]);
}

#[tokio::test]
async fn of_many_manifests_the_newest_record_of_a_key_counts() {
    let user = scene().await;
    let copy = |name: &str| user.flex(&["copy", DAY, "--manifest", &format!("all/{name}.jsonl")]);
    fs::create_dir(user.path("all")).unwrap();
    // The names are in no order of time.
    copy("z-oldest").expect(0);
    age(&user.path("all/z-oldest.jsonl"), 3);
    correct(&user, &key(1));
    copy("a-newer").expect(0);
    age(&user.path("all/a-newer.jsonl"), 2);
    let verify = |more: &[&str]| user.flex(&[&["verify", DAY, "--manifest", "all"], more].concat());
    let run = verify(&["--strict", "--json"]).expect(0);
    let object = |run: &Run, key: &str| run.events().into_iter().find(|event| event["key"] == key).unwrap();
    let run_of = |name: &str| user.lines(&format!("all/{name}.jsonl"))[0]["run"].clone();
    assert_eq!(object(&run, &key(1))["record"]["run"], run_of("a-newer"), "{run}");
    // The older version put back is not what the newest record has, though an older one does.
    let (size, of_first) = (user.record("all/z-oldest.jsonl", &key(1))["size"].as_u64().unwrap(), "all/z-oldest.jsonl");
    let was = user.record(of_first, &key(1))["etag"].clone();
    assert_ne!(was, user.record("all/a-newer.jsonl", &key(1))["etag"]);
    let seeded = day(1).await;
    user.world.put_object(BUCKET, &key(1), ObjectSpec::bytes(seeded.world.read(VENDOR_BUCKET, &key(1))));
    assert_eq!((user.world.object(BUCKET, &key(1)).unwrap().size, &was), (size, &etag(&user, BUCKET, &key(1)).into()));
    let run = verify(&["--json"]).expect(1);
    assert_eq!(verdicts(&run)["20210531_1_001.pcap.gz"], "changed-at-destination", "{run}");
    copy("b-newest").expect(0);
    age(&user.path("all/b-newest.jsonl"), 1);

    // The second run found the checksummed one there by its size alone, which does not unprove it.
    assert_eq!(user.record("all/b-newest.jsonl", WITH_CHECKSUM)["proof"], "size-only");
    verify(&["--strict"]).expect(0).prints(&["1 by checksum"]);
    // Nor does a run that copied nothing.
    user.world.fault(Fault::on("CopyObject").then(Effect::Status(400, "Odd")));
    correct(&user, &key(2));
    copy("c-failed").expect(1);
    user.world.clear_faults();
    let run = verify(&["--json"]).expect(1);
    assert_eq!(verdicts(&run)["20210531_1_002.pcap.gz"], "changed-at-source", "{run}");
    user.flex(&["copy", DAY]).expect(0);

    // Those of other destinations are left out, and said; named by themselves they are refused.
    user.flex(&["copy", DAY, "--dest-prefix", "p", "--manifest", "all/other.jsonl"]).expect(0);
    user.machine.file("all/notes.txt", "not a manifest\n");
    let run = verify(&["--json"]).expect(0).says(&["all/other.jsonl is of copies from", "left out"]);
    assert_eq!((notices(&run, "manifest-left-out"), verdicts(&run).len()), (1, 4), "{run}");
    user.flex(&["verify", DAY, "--manifest", "all/other.jsonl"]).expect(2).says(&["all/other.jsonl is of copies from"]);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_written_any_further_stops_nothing() {
    let user = day(12).await;
    let arguments = ["copy", DAY, "--manifest", "m.jsonl", "--json"];
    // A file may have one KiB (or two, where the shell counts so): three records at most.
    let run = user.machine.flex_limited("trap '' XFSZ; ulimit -f 2", &arguments).expect(1);
    let run =
        run.says(&["the manifest cannot be written any further", "m.jsonl.partial", "the copying goes on without it"]);
    assert_eq!(
        (notices(&run, "manifest-failed"), run.summary()["manifest"]["whole"].clone()),
        (1, false.into()),
        "{run}"
    );
    assert_eq!(run.summary()["manifest"]["path"], "m.jsonl.partial");
    assert_eq!(run.summary()["reasons"], json!(["the manifest is incomplete"]));
    assert_eq!(user.world.object_count(BUCKET), 12);
    assert!(!user.path("m.jsonl").exists());
    let records = run.summary()["manifest"]["records"].as_u64().unwrap();
    assert!((1..12).contains(&records), "{records}");
    let run = user.flex(&["verify", "--manifest", "m.jsonl.partial", "--json"]).expect(0).says(&["is cut off"]);
    assert_counts(&run, &[("proven", records)]);
}

#[tokio::test]
async fn a_name_that_is_taken_meanwhile_is_left_alone() {
    let user = day(3).await;
    // Until the name is taken no copy is made.
    user.world.fault(Fault::on("CopyObject").then(Effect::SlowDown));
    let arguments = ["copy", DAY, "--manifest", "m.jsonl", "--json"];
    let child = user.machine.start(&arguments);
    until("a copy is tried", || user.world.count("CopyObject") > 0);
    user.machine.file("m.jsonl", "mine\n");
    user.world.clear_faults();
    let run = Run::of(&arguments, child.wait_with_output().unwrap()).expect(1);
    assert_eq!(run.summary()["copied"]["objects"], 3, "{run}");
    assert_eq!(run.summary()["manifest"]["path"], "m.jsonl.partial");
    assert_eq!(fs::read_to_string(user.path("m.jsonl")).unwrap(), "mine\n");
    user.flex(&["verify", "--manifest", "m.jsonl.partial"]).expect(0).prints(&["proven: 3 objects"]);
}
