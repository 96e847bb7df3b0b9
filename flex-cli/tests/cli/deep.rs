//! `flex verify --deep` as a user meets it: what it says of good and of spoilt copies, and with which exit code.

use std::{io::Write, os::unix::fs::PermissionsExt, time::Duration};

use flate2::{Compression, write::GzEncoder};
use flex_tests::sandbox::{COPY_ROLE_NAME, Effect, Encryption, Fault, FlexSeed, Identity, ObjectSpec, VENDOR_BUCKET};
use serde_json::Value;

use crate::support::{BUCKET, Run, Subscriber, date};

const DAY: &str = "2021/05/31";
const DEEP: [&str; 5] = ["verify", "--deep", DAY, "--owner-profile", "owner"];

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A capture, packed: large enough that half of it leaves the server before the connection breaks.
fn packed(number: u8) -> Vec<u8> {
    let mut state = u32::from(number) + 1;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    gzip(&[0xd4, 0xc3, 0xb2, 0xa1].into_iter().chain(noise.take(200_000)).collect::<Vec<u8>>())
}

fn key(number: u8) -> String {
    format!("{DAY}/20210531_{number}_001.pcap.gz")
}

/// A day of captures that were copied by flex, and a profile of the owner's.
async fn copied() -> Subscriber {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-28")..=date("2021-05-28"), 1)).await;
    for number in 1..=5 {
        user.world.put_object(VENDOR_BUCKET, &key(number), ObjectSpec::bytes(packed(number)));
    }
    let owner = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", owner);
    user.flex(&["copy", DAY]).expect(0);
    user.world.forget_requests();
    user
}

impl Subscriber {
    fn deep(&self, more: &[&str]) -> Run {
        self.flex(&[&DEEP[..], more].concat())
    }
}

fn objects(run: &Run) -> Vec<Value> {
    run.events().into_iter().filter(|event| event["event"] == "object").collect()
}

fn object(run: &Run, number: u8) -> Value {
    let key = key(number);
    let found = objects(run).into_iter().find(|object| object["key"] == key.as_str());
    found.unwrap_or_else(|| panic!("no {key}\n{run}"))
}

#[tokio::test]
async fn a_good_day_is_verified_by_its_content() {
    let user = copied().await;
    user.deep(&[]).expect(0).prints(&["verified: 5 objects", "by MD5 5", "result: verified", "GetObject 5"]);
    let run = user.deep(&["--json"]).expect(0);
    let summary = run.summary();
    assert_eq!((&summary["command"], &summary["deep"]), (&"verify".into(), &true.into()));
    assert_eq!(summary["verified"]["objects"], 5);
    assert_eq!(summary["verified_by_proof"]["md5"]["objects"], 5);
    assert_eq!(summary["bytes_read"], summary["verified"]["bytes"]);
    for object in objects(&run) {
        assert_eq!((object["verdict"].as_str(), object["proof"].as_str()), (Some("verified"), Some("md5")), "{object}");
        assert_eq!(object["etag"], object["copy_etag"]);
    }
    let verbose = user.deep(&["-v"]).expect(0);
    assert_eq!(verbose.out.matches("(by MD5)").count(), 5, "{verbose}");
}

#[tokio::test]
async fn each_spoilt_copy_is_named_and_the_code_is_1() {
    let user = copied().await;
    // The same size; the same ETag, even.
    let mut other = packed(1);
    let middle = other.len() / 2;
    other[middle] ^= 1;
    user.world.put_object(BUCKET, &key(1), ObjectSpec::bytes(other.clone()));
    let mut other = packed(2);
    other[middle] ^= 1;
    user.world.rot(BUCKET, &key(2), other);
    // The source's own faults.
    let both = |key: &str, bytes: Vec<u8>| {
        user.world.put_object(VENDOR_BUCKET, key, ObjectSpec::bytes(bytes.clone()));
        user.world.put_object(BUCKET, key, ObjectSpec::bytes(bytes));
    };
    both(&key(3), packed(3)[..9000].to_vec());
    both(&key(4), gzip(b"messages"));
    let foreign = format!("{DAY}/20210528_9_001.pcap.gz");
    both(&foreign, packed(9));
    user.world.remove_object(BUCKET, &key(5));

    // What the listings show is another matter.
    user.flex(&["verify", DAY]).expect(1).prints(&["proven: 4 objects", "different: 1 object", "missing: 1 object"]);
    let run = user.deep(&[]).expect(1).prints(&[
        "different: 2 objects",
        "damaged gzip: 1 object",
        "not pcap: 1 object",
        "wrong date: 1 object",
        "missing: 1 object",
        "so is the source's: equal by MD5",
        "it ends in the middle",
    ]);
    for named in [1, 2, 3, 4, 5].map(key).iter().chain([&foreign]) {
        assert!(run.out.contains(named.as_str()), "{named}\n{run}");
    }
    let run = user.deep(&["--json"]).expect(1);
    let verdicts: Vec<String> = [1, 2, 3, 4, 5].map(|n| object(&run, n)["verdict"].as_str().unwrap().to_owned()).into();
    assert_eq!(verdicts, ["differs", "differs", "damaged-gzip", "not-pcap", "missing"]);
    assert_eq!(object(&run, 3)["proof"], "md5", "the source has the same");
    assert!(object(&run, 2)["detail"].as_str().unwrap().contains("MD5"));
}

#[tokio::test]
async fn what_nothing_can_be_compared_with_is_4_under_strict_alone() {
    let user = copied().await;
    user.world.put_object(VENDOR_BUCKET, &key(1), ObjectSpec::bytes(packed(1)).kms());
    user.world.put_object(BUCKET, &key(1), ObjectSpec::bytes(packed(1)));
    user.deep(&[]).expect(0).prints(&[
        "not comparable: 1 object",
        "verified: 4 objects",
        "sound, not all of it comparable",
    ]);
    let run = user.deep(&["--strict", "--json"]).expect(4);
    assert_eq!(object(&run, 1)["verdict"], "not-comparable");
    assert!(object(&run, 1)["detail"].as_str().unwrap().contains("KMS"), "{run}");
    assert_eq!(run.summary()["not_comparable"]["objects"], 1);
}

#[tokio::test]
async fn without_the_right_to_read_it_is_3_and_the_right_is_named() {
    let user = copied().await;
    // The manual's user may do nothing but assume the role.
    let run = user.flex(&["verify", "--deep", DAY]).expect(3);
    let run = run.says(&["in my-bucket was refused", "s3:GetObject", "--owner-profile", "403"]);
    assert!(run.out.contains("result: failed"), "{run}");
    // Nor may the copy role, whose profile somebody may name.
    let role = user.machine.profile("role", &user.world.copy_role());
    let owner = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", role + &owner);
    let run = user.flex(&["verify", "--deep", DAY, "--owner-profile", "role", "--json"]).expect(3);
    let stopped = &run.summary()["stopped"];
    assert!(stopped["mend"].to_string().contains("s3:GetObject"), "{run}");
    assert!(
        user.world
            .requests()
            .iter()
            .all(|r| r.operation != "GetObject" || r.identity.contains(COPY_ROLE_NAME) || r.status == 403)
    );
    // What --print-permissions lists for it is enough.
    let printed: Value = serde_json::from_str(&user.flex(&["setup", "--print-permissions"]).expect(0).out).unwrap();
    let statements = printed["Statement"].as_array().unwrap();
    let objects: Vec<_> = statements.iter().filter(|s| s["Action"].to_string().contains("\"s3:GetObject\"")).collect();
    assert_eq!(objects.len(), 1, "{printed}");
    assert_eq!(objects[0]["Resource"], format!("arn:aws:s3:::{BUCKET}/*"));
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": objects[0]["Resource"],
    }]});
    let reader = user.world.add_user("reader");
    user.world.put_policy(&reader.arn(), "Read", &policy.to_string());
    user.machine.file(".aws/config", user.machine.profile("owner", &reader));
    user.deep(&[]).expect(0).prints(&["verified: 5 objects"]);
}

#[tokio::test]
async fn a_body_that_breaks_off_on_the_line_is_gone_on_with() {
    let user = copied().await;
    user.world.fault(Fault::on("GetObject").first_of_each_key(1).then(Effect::Truncate));
    let run = user.deep(&["--json"]).expect(0);
    let summary = run.summary();
    assert_eq!((&summary["verified"]["objects"], &summary["resumed"]), (&5.into(), &5.into()), "{run}");
    let ranges: Vec<String> = user
        .world
        .requests()
        .iter()
        .filter(|request| request.operation == "GetObject")
        .map(|request| request.header("range").to_owned())
        .collect();
    assert_eq!(ranges.iter().filter(|range| range.starts_with("bytes=")).count(), 5, "{ranges:?}");
    user.world.clear_faults();
    user.world.fault(Fault::on("GetObject").key(key(2)).then(Effect::Status(412, "PreconditionFailed")));
    user.deep(&[]).expect(1).prints(&["changed-meanwhile", "changed meanwhile: 1 object", "verified: 4 objects"]);
}

#[tokio::test]
async fn a_killed_run_goes_on_where_its_record_ends() {
    let user = copied().await;
    let record = ["--deep-record", "verified.jsonl", "--deep-in-flight", "1"];
    let path = user.machine.home.path().join("verified.jsonl");
    // The fourth never comes.
    user.world.fault(Fault::on("GetObject").key(key(4)).then(Effect::Stall(Duration::from_secs(3600))));
    let mut child = user.machine.start(&[&DEEP[..], &record, &["--no-progress"]].concat());
    let lines = || std::fs::read_to_string(&path).unwrap_or_default().lines().count();
    let begun = std::time::Instant::now();
    while lines() < 4 {
        assert!(begun.elapsed() < Duration::from_secs(60), "three objects are on record");
        assert!(child.try_wait().unwrap().is_none(), "it still reads");
        std::thread::yield_now();
    }
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // As a kill in the middle of a line would leave it.
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"key\":\"2021/05/31/2021").unwrap();
    drop(file);

    user.world.clear_faults();
    user.world.forget_requests();
    let run = user.deep(&[&record[..], &["--json"]].concat()).expect(0);
    assert_eq!(run.summary()["recorded"]["objects"], 3, "{run}");
    assert_eq!(run.summary()["verified"]["objects"], 5);
    assert_eq!(user.world.count("GetObject"), 2);
    user.deep(&record).expect(0).prints(&["on record: 5 objects", "verified: 5 objects", "read: 0 bytes"]);
    // The same file for another destination would lie.
    let other = user.deep(&[&record[..], &["--dest-prefix", "archive"]].concat()).expect(2);
    other.says(&["the record is about copies from", "--deep-record"]);
    // And another file is not touched.
    user.machine.file("notes.txt", "mine\n");
    user.deep(&["--deep-record", "notes.txt"]).expect(2).says(&["no record of a deep verification"]);
    assert_eq!(std::fs::read_to_string(user.machine.home.path().join("notes.txt")).unwrap(), "mine\n");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_read() {
    let user = copied().await;
    for (arguments, said) in [
        (&["verify", "--deep"][..], "nothing is selected"),
        (&["verify", DAY, "--max-rate", "5MB"], "--deep"),
        (&["verify", DAY, "--deep-record", "f"], "--deep"),
        (&["verify", "--deep", DAY, "--max-rate", "200"], "200MB"),
        (&["verify", "--deep", DAY, "--deep-in-flight", "0"], "1 to 1024"),
        (&["verify", "--deep", DAY, "--manifest", "m.jsonl"], "not with a manifest"),
        (&["verify", "--deep", DAY, "--deep-record", "no-folder-\0"], ""),
        (&["verify", "--deep", DAY, "--deep-record", "."], "the record"),
    ] {
        if arguments.iter().any(|argument| argument.contains('\0')) {
            continue;
        }
        user.flex(arguments).expect(2).says(&[said]);
    }
    assert!(user.world.requests().is_empty());
}

#[tokio::test]
async fn a_limit_of_bytes_a_second_is_kept() {
    let user = copied().await;
    let bytes: usize = (1..=5).map(|number| packed(number).len()).sum();
    let begun = std::time::Instant::now();
    let rate = format!("{}kB", bytes / 1000 / 2);
    user.deep(&["--max-rate", &rate]).expect(0).prints(&["verified: 5 objects"]);
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_bucket_that_encrypts_with_kms_is_read_in_plain() {
    let user = copied().await;
    user.world.bucket_encryption(BUCKET, Encryption::Kms, true);
    user.world.put_object(BUCKET, &key(1), ObjectSpec::bytes(packed(1)).kms());
    user.flex(&["verify", DAY]).expect(1);
    user.deep(&[]).expect(0).prints(&["verified: 5 objects"]);
}
