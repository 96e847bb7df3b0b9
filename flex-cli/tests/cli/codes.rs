//! Each exit code, where it comes from.

use flex_tests::sandbox::{Effect, Fault, FlexSeed, Identity, ObjectSpec, STRANGER, VENDOR_BUCKET};

use crate::support::{BUCKET, Machine, Subscriber, date};

#[tokio::test]
async fn all_done_and_done_already_are_0() {
    let user = Subscriber::plain().await;
    let keys = user.seeded.production.len() as u64;
    let run = user.flex(&["copy", "2021/05/24..2021/05/31", "--json"]).expect(0);
    let summary = run.summary();
    assert_eq!(summary["copied"]["objects"], keys);
    assert_eq!(summary["copied_by_proof"]["etag"]["objects"], keys);
    for key in &user.seeded.production {
        assert!(user.world.same_content(VENDOR_BUCKET, key, BUCKET, key), "{key}");
    }
    // n copies plus the listings, and no HEAD.
    assert_eq!(summary["requests"]["CopyObject"], keys);
    assert_eq!(summary["requests"].get("HeadObject"), None);

    let before = user.world.count("CopyObject");
    let summary = user.flex(&["copy", "2021/05/24..2021/05/31", "--json"]).expect(0).summary();
    assert_eq!((&summary["copied"]["objects"], &summary["identical"]["objects"]), (&0.into(), &keys.into()));
    assert_eq!(user.world.count("CopyObject"), before);
    user.flex(&["verify", "2021/05/24..2021/05/31"])
        .expect(0)
        .prints(&[&format!("proven: {keys} objects"), "result: verified"]);
}

#[tokio::test]
async fn what_is_missing_or_cut_off_is_found_and_mended() {
    let user = Subscriber::plain().await;
    user.flex(&["copy", "2021/05/31"]).expect(0);
    let keys = &user.seeded.production;
    let (gone, cut) = (&keys[keys.len() - 1], &keys[keys.len() - 2]);
    user.world.remove_object(BUCKET, gone);
    user.world.put_object(BUCKET, cut, ObjectSpec::new(5));
    let summary = user.flex(&["verify", "2021/05/31", "--json"]).expect(1).summary();
    assert_eq!((&summary["missing"]["objects"], &summary["different"]["objects"]), (&1.into(), &1.into()));
    user.flex(&["verify", "2021/05/31"]).expect(1).prints(&[gone, cut, "missing", "different"]);
    let plan =
        user.flex(&["plan", "2021/05/31"]).expect(0).prints(&[&format!("replaces: {cut}"), "to copy: 2 objects"]);
    assert!(!plan.out.contains(&format!("replaces: {gone}")), "{plan}");
    user.flex(&["copy", "2021/05/31"]).expect(0).prints(&["copied: 2 objects", "replaced: 1 object"]);
    user.flex(&["verify", "2021/05/31"]).expect(0);
}

#[tokio::test]
async fn a_change_is_replaced_kept_or_made_a_failure() {
    let user = Subscriber::plain().await;
    let key = user.seeded.production.last().unwrap();
    let changed = || user.world.put_object(BUCKET, key, ObjectSpec::new(5));
    user.flex(&["copy", "2021/05/31"]).expect(0);
    changed();
    let kept = user.flex(&["copy", "2021/05/31", "--on-change", "keep", "--json"]).expect(0).summary();
    assert_eq!((&kept["changes_kept"]["objects"], &kept["copied"]["objects"]), (&1.into(), &0.into()));
    user.flex(&["copy", "2021/05/31", "--on-change", "keep"]).expect(0).prints(&["changes kept: 1 object"]);
    user.flex(&["copy", "2021/05/31", "--on-change", "fail"]).expect(1).prints(&[key, "was not replaced"]);
    let wrong = user.flex(&["copy", "2021/05/31", "--on-change", "maybe"]).expect(2);
    assert!(wrong.err.contains("copy, keep or fail"), "{wrong}");
    user.flex(&["copy", "2021/05/31"]).expect(0).prints(&["replaced: 1 object"]);
}

#[tokio::test]
async fn days_whose_files_are_filtered_out_have_data() {
    let user = Subscriber::plain().await;
    let done = user.flex(&["copy", "2021/05/31", "--include", "nothing-has-this-name"]);
    assert!(!format!("{}{}", done.out, done.err).contains("the source lists nothing"), "{done}");
}

#[tokio::test]
async fn a_failed_object_is_1_and_the_rest_is_done() {
    let user = Subscriber::plain().await;
    let bad = user.seeded.production.last().unwrap();
    // 400 is not tried again.
    user.world.fault(Fault::on("CopyObject").key(bad).then(Effect::Status(400, "SomethingInvented")));
    let run = user.flex(&["copy", "2021/05/31", "--json"]).expect(1);
    let summary = run.summary();
    assert_eq!((&summary["copied"]["objects"], &summary["failed"]["objects"]), (&2.into(), &1.into()));
    let failed = run.events().into_iter().find(|e| e["outcome"] == "failed").unwrap();
    assert_eq!(failed["key"], **bad);
    assert!(failed["error"].to_string().contains("SomethingInvented"), "{failed}");
    user.flex(&["copy", "2021/05/31"]).expect(1).prints(&[bad, "SomethingInvented", "result: failed: 1 object failed"]);
}

#[tokio::test]
async fn no_credentials_are_3_in_a_few_seconds() {
    let mut machine = Machine::bare();
    // The instance metadata service is looked for, and this is not an instance.
    machine.unset("AWS_EC2_METADATA_DISABLED").set("FLEX_BUCKET", BUCKET);
    for arguments in [
        &["copy", "2021/05"][..],
        &["ls"],
        &["creds", "show"],
        &["creds", "env"],
        &["creds", "process"],
        &["policy", "assume-role"],
    ] {
        let begun = std::time::Instant::now();
        machine.flex(arguments).expect(3).says(&["flex: there is no AWS identity", "step 1-4"]);
        assert!(begun.elapsed().as_secs() < 15, "{arguments:?} took {:?}", begun.elapsed());
    }
}

#[test]
fn a_silent_metadata_service_is_not_waited_for_and_not_asked_through_a_proxy() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut machine = Machine::bare();
    machine
        .unset("AWS_EC2_METADATA_DISABLED")
        .set("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{}", silent.local_addr().unwrap()))
        .set("HTTP_PROXY", format!("http://{nowhere}"));
    let begun = std::time::Instant::now();
    machine.flex(&["ls"]).expect(3).says(&["there is no AWS identity"]);
    assert!(begun.elapsed().as_secs() < 15, "took {:?}", begun.elapsed());
    silent.set_nonblocking(true).unwrap();
    assert!(silent.accept().is_ok(), "it was not asked directly");
}

#[tokio::test]
async fn an_identity_that_may_not_assume_is_3_with_the_step() {
    let mut user = Subscriber::plain().await;
    user.world.role_exists(false);
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&["may not assume", "step 1-4", "5 business days"]);
    user.world.role_exists(true);
    user.machine.identity(&Identity::nobody());
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&["step 1-4"]);
    user.machine.identity(&Identity::copy_user()).set("FLEX_ACCOUNT", STRANGER);
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&[STRANGER, "--account"]);
}

#[tokio::test]
async fn a_policy_without_put_is_3_after_a_handful_of_refusals() {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-03")..=date("2021-05-31"), 5)).await;
    let policy = flex_tests::sandbox::manual_policy(BUCKET)
        .replace("s3:PutObjectAcl", "s3:GetObjectAcl")
        .replace("s3:PutObject", "s3:GetObjectTagging");
    user.world.put_bucket_policy(BUCKET, &policy);
    let run = user.flex(&["copy", "2021/05"]).expect(3).says(&["step 1-3", "flex policy bucket", "the destination"]);
    assert!(!run.out.contains("not entitled: 1"), "{run}");
    let refused = user.world.requests().iter().filter(|r| r.operation == "CopyObject").count();
    assert!((1..=8).contains(&refused), "{refused} refused copies");
    assert_eq!(user.world.objects(BUCKET).len(), 0);
}

#[tokio::test]
async fn a_destination_that_cannot_be_listed_is_3_before_the_first_copy() {
    let user = Subscriber::plain().await;
    user.world.delete_bucket_policy(BUCKET);
    for command in ["copy", "plan", "verify"] {
        user.flex(&[command, "2021/05/31"]).expect(3).says(&["step 1-3"]);
    }
    user.flex(&["copy", "2021/05/31", "--bucket", "absent-bucket"]).expect(3).says(&["absent-bucket"]);
    assert_eq!(user.world.count("CopyObject"), 0);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_3() {
    let mut user = Subscriber::plain().await;
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    user.machine.set("AWS_ENDPOINT_URL_STS", format!("http://127.0.0.1:{port}"));
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&["STS", &format!("127.0.0.1:{port}"), "HTTPS_PROXY"]);
}

#[tokio::test]
async fn nothing_matched_is_4() {
    let user = Subscriber::plain().await;
    for command in ["copy", "verify", "plan"] {
        user.flex(&[command, "2015/03"]).expect(4).prints(&["nothing matched"]);
    }
    user.flex(&["ls", "2015/03"]).expect(4).says(&["nothing matched"]);
    user.flex(&["copy", "spec:standard/99.9/ja"]).expect(4);
}

#[tokio::test]
async fn an_absent_session_is_4_when_named_and_0_inside_a_range() {
    let user = Subscriber::plain().await;
    // 2021-05-21 was a Friday; the bucket begins on the 24th.
    let named = user.flex(&["copy", "2021/05/21", "2021/05/31", "--json"]).expect(4).summary();
    assert_eq!(named["copied"]["objects"], 3);
    assert_eq!(named["missing_named"][0]["day"], "2021/05/21");
    user.flex(&["verify", "2021/05/21", "2021/05/31"]).expect(4).prints(&["no data: 2021/05/21 (a session"]);
    let range = user.flex(&["copy", "2021/05/20..2021/05/31"]).expect(0);
    range.prints(&["no data: 2 sessions (2021/05/20..2021/05/21)", "result: complete"]);
    user.flex(&["copy", "2021/05/20..2021/05/31", "--complete"]).expect(4).prints(&["2 sessions are missing"]);
    // A Saturday is no session: nothing is amiss, and it is said why.
    user.flex(&["copy", "2021/05/29", "2021/05/31"]).expect(0).prints(&["no data: 2021/05/29 (no session: Saturday)"]);
}

#[tokio::test]
async fn keys_that_are_not_entitled_or_archived_are_4() {
    let user = Subscriber::odd().await;
    let run = user.flex(&["copy", "2021/05/31", "--include", "*_9*", "--json"]).expect(4);
    assert_eq!(run.summary()["not_entitled"]["objects"], 2);
    user.flex(&["copy", "2021/05/31", "--include", "*_9*", "--allow-not-entitled"]).expect(0);
    user.flex(&["verify", "2021/05/31", "--include", "*_9*"]).expect(4).prints(&["not entitled: 2 objects"]);
    user.flex(&["verify", "2021/05/31", "--include", "*_9*", "--allow-not-entitled"]).expect(0);
    user.flex(&["copy", "2021/05/20"]).expect(4).prints(&["archived: 1 object"]);
    user.flex(&["verify", "2021/05/20"]).expect(4).prints(&["archived: 1 object"]);
}

#[tokio::test]
async fn strict_asks_for_more_than_the_size() {
    let user = Subscriber::odd().await;
    let only = ["--include", "20210531_2_001.pcap.gz"];
    user.flex(&[&["copy", "2021/05/31", "--proof", "size"][..], &only].concat()).expect(0).prints(&["not verified"]);
    user.flex(&[&["verify", "2021/05/31"][..], &only].concat())
        .expect(0)
        .prints(&["size only: 1 object", "not verified"]);
    user.flex(&[&["verify", "2021/05/31", "--strict"][..], &only].concat())
        .expect(4)
        .prints(&["1 object proven by size only"]);
    // By its layout it can be proven.
    user.flex(&[&["copy", "2021/05/31", "--recopy-size-only"][..], &only].concat()).expect(0);
    user.flex(&[&["verify", "2021/05/31", "--strict"][..], &only].concat()).expect(0);
}

#[tokio::test]
async fn failed_comes_before_incomplete() {
    let user = Subscriber::odd().await;
    user.world
        .fault(Fault::on("CopyObject").key("2021/05/31/20210531_1_001.pcap.gz").then(Effect::Status(400, "Invented")));
    user.flex(&["copy", "2021/05/31", "--include", "*_1_*"])
        .expect(1)
        .prints(&["not entitled: 2 objects", "failed: 1 object"]);
}
