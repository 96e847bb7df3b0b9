//! What is printed, for people and for programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use flex_tests::sandbox::{FlexSeed, Identity, ObjectSpec, VENDOR_BUCKET};
use serde_json::Value;

use crate::support::{BUCKET, Machine, Subscriber, date};

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
async fn ls_of_a_date_lists_its_folder_and_of_several_keys_in_full() {
    let user = Subscriber::plain().await;
    let pre = |name: &str| format!("{:>30} {name}", "PRE");
    let lines =
        |arguments: &[&str]| -> Vec<String> { user.flex(arguments).expect(0).out.lines().map(str::to_owned).collect() };
    // Now: the year, the month, and a day that is to come. The first session of the service's first year was the 4th.
    let seconds = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let now = chrono::DateTime::from_timestamp(seconds as i64 + 9 * 3600, 0).unwrap();
    let (year, month) = (now.format("%Y/").to_string(), now.format("%m/").to_string());
    for day in ["01", "28"] {
        user.world.put_object(VENDOR_BUCKET, &format!("{year}{month}{day}/x_1_1.gz"), ObjectSpec::new(1));
    }
    user.world.put_object(VENDOR_BUCKET, "2010/01/04/x_1_1.gz", ObjectSpec::new(1));
    user.world.put_object(VENDOR_BUCKET, "testdata/2021/05/31/x_1_1.gz", ObjectSpec::new(1));
    assert_eq!(lines(&["ls", &year]), [pre(&month)]);
    assert_eq!(lines(&["ls", &format!("{year}{month}")]), [pre("01/"), pre("28/")]);
    assert_eq!(lines(&["ls", "2010"]), [pre("01/")]);
    assert_eq!(lines(&["ls", "testdata"]), [pre("2021/")]);
    assert_eq!(lines(&["ls", "testdata/2021/5"]), [pre("31/")]);
    assert_eq!(lines(&["ls", "all"]), [pre("2010/01/"), pre("2021/05/"), pre(&format!("{year}{month}"))]);

    let key = &user.seeded.production[0];
    let (folder, name) = key.rsplit_once('/').unwrap();
    let range = lines(&["ls", "2021/05/24..2021/05/25"]);
    assert!(range.len() == 6 && range[0].ends_with(&format!(" {key}")), "{range:?}");
    assert_eq!(lines(&["ls", "2021", "testdata/2021"]), [pre("2021/05/"), pre("testdata/2021/05/")]);
    assert_eq!(lines(&["ls", "2021", "2021/05", "--recursive"]).len(), user.seeded.production.len());

    // A file by its key, and its name's beginning by none.
    for written in [key.as_str(), &format!("s3://{VENDOR_BUCKET}/{key}")] {
        let file = lines(&["ls", written]);
        assert!(file.len() == 1 && file[0].ends_with(&format!(" {name}")), "{file:?}");
    }
    user.flex(&["ls", &key[..key.len() - 1]]).expect(4).says(&["nothing matched"]);
    let spec = "ConnectionSpec/Standard/version 17.4/Japanese/a b.pdf";
    user.world.put_object(VENDOR_BUCKET, spec, ObjectSpec::new(1));
    user.flex(&["ls", spec]).expect(0).prints(&[" a b.pdf"]);

    let only = lines(&["ls", folder, "--include", name]);
    assert!(only.len() == 1 && only[0].ends_with(name), "{only:?}");
    assert_eq!(lines(&["ls", folder, "--exclude", name]).len(), 2);
    user.flex(&["ls", folder, "--exclude", "2*"]).expect(4);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn results_that_cannot_be_written_are_1() {
    let user = Subscriber::plain().await;
    for (arguments, code) in [
        (&["ls"][..], 1),
        (&["copy", "2021/05/31"], 1),
        (&["copy", "2021/05/31", "--json"], 1),
        // Incomplete otherwise.
        (&["copy", "2021/05/21"], 1),
        (&["creds", "env"], 1),
        (&["completions", "bash"], 1),
        (&["--help"], 1),
        // What is graver stays.
        (&["copy", "2021/05/31", "--json", "--bucket", "absent-bucket"], 3),
    ] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = user.machine.command(arguments).stdout(full).output().unwrap();
        crate::support::Run::of(arguments, output).expect(code);
    }
    assert_eq!(user.world.objects(BUCKET).len(), 3);
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

/// The fields of an event by their names, those of objects within it too. A map by proof, operation and the like has data
/// for names.
fn fields(value: &Value, into: &mut BTreeSet<String>) {
    let Value::Object(fields_of) = value else { return };
    for (name, value) in fields_of {
        into.insert(name.clone());
        let is_map = name.contains("by_")
            || name.ends_with("_by")
            || name.contains("requests")
            || ["steps", "details"].contains(&name.as_str());
        match value {
            Value::Array(items) => items.iter().for_each(|item| fields(item, into)),
            // A document is not flex's to describe.
            value if !is_map && name != "document" => fields(value, into),
            _ => {}
        }
    }
}

#[tokio::test]
async fn json_md_names_every_field() {
    let user = Subscriber::odd().await;
    let role = user.sandbox.s3(&user.world.copy_role());
    let upload = role.create_multipart_upload().bucket(BUCKET).key("2021/05/31/a");
    upload.acl("bucket-owner-full-control".into()).send().await.unwrap();
    let owner = user.machine.profile("owner", &Identity::owner());
    user.machine.file(".aws/config", owner);
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/JSON.md")).unwrap();
    let sections: Vec<&str> = text.split("\n## ").collect();
    // The first copy finds nothing there, the second a copy that was spoilt.
    let spoil = || {
        let key = user.world.objects(BUCKET).into_iter().find(|key| key.starts_with("2021/05/31/")).unwrap();
        user.world.put_object(BUCKET, &key, ObjectSpec::new(5).seed(99));
        user.world.put_object(BUCKET, "2021/05/31/extra", ObjectSpec::new(5));
    };
    let all = "2021/05/17..2021/06/04";
    let verify = ["`verify`", "`verify --manifest`"];
    for (section, arguments) in [
        (&["`plan`"][..], &["plan", all][..]),
        (&["`copy`"], &["copy", all, "--manifest", "m.jsonl"]),
        (&["`plan`"], &["plan", all, "--recopy-size-only"]),
        (&["`copy`"], &["copy", all, "--manifest", "n.jsonl", "--on-change", "fail"]),
        (&verify, &["verify", all]),
        (&verify, &["verify", all, "--manifest", "m.jsonl"]),
        (&verify, &["verify", "--manifest", "m.jsonl", "--against", "n.jsonl"]),
        (&["`verify --deep`"], &["verify", "--deep", "2021/05/24..2021/05/28", "--owner-profile", "owner"]),
        (&["`ls`"], &["ls", "2021"]),
        (&["`ls`"], &["ls", "2021/05/31"]),
        (&["`clean`"], &["clean", "--owner-profile", "owner"]),
        (&["`creds`"], &["creds", "show"]),
        (&["`policy`"], &["policy", "bucket"]),
        (&["`config show`"], &["config", "show"]),
        (&["`doctor`"], &["doctor", "--owner-profile", "owner"]),
    ] {
        if arguments.contains(&"--recopy-size-only") {
            spoil();
        }
        let mut found = BTreeSet::new();
        let run = user.flex(&[arguments, &["--json"]].concat());
        run.events().iter().for_each(|event| fields(event, &mut found));
        assert!(found.len() > 5, "{run}");
        // The command's own section, and what stands before the first one's.
        let is_own = |text: &str| section.iter().any(|title| text.starts_with(title));
        let told: Vec<&str> =
            sections.iter().enumerate().filter(|(at, text)| *at < 2 || is_own(text)).map(|(_, text)| *text).collect();
        let told = told.concat();
        found.retain(|name| !told.contains(&format!("`{name}`")) && !told.contains(&format!("\"{name}\"")));
        assert_eq!(found, BTreeSet::new(), "not in JSON.md under {section:?}\n{run}");
    }
}

#[tokio::test]
async fn a_plan_says_of_each_proof_what_a_copy_then_proves_by_size_only() {
    for proof in ["etag", "size"] {
        let user = Subscriber::odd().await;
        let plan = user.flex(&["plan", "2021/05", "--json"]).summary();
        let copy = user.flex(&["copy", "2021/05", "--proof", proof, "--json"]).summary();
        let none = serde_json::json!({ "objects": 0, "bytes": 0 });
        let proven = copy["copied_by_proof"].get("size-only").unwrap_or(&none);
        assert_eq!(plan["proofs"][proof]["size_only"], *proven, "{proof}: {plan} {copy}");
        assert!(proof == "etag" || proven["objects"] != 0, "{copy}");
    }
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
        // A slow machine would show progress.
        &["copy", "2021/05", "-v", "--no-progress"],
        &["verify", "2021/05", "-v", "--no-progress"],
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
        "result: not all ended: 1 upload left, younger than 1 h 00 min (--older-than)",
        "; 1 upload left, begun by somebody else (--all)",
    ]);
    let asked = user.flex(&["clean", "--older-than", "0s", "--json"]).expect(4);
    assert_eq!(asked.summary()["not_ended"], 1);
    assert_eq!(open(&user), 2);
    let ended = user.flex(&["clean", "--older-than", "0s", "--yes", "--json"]).expect(0);
    let upload: Vec<Value> = ended.events().into_iter().filter(|e| e["action"] == "ended").collect();
    assert_eq!(upload.len(), 1, "{ended}");
    assert_eq!(upload[0]["upload_id"], *ours);
    assert_eq!(open(&user), 1);
    // The role's name comes from the account alone, and --all does without it; the bucket's owner is asked for by name only
    // where it is pinned.
    user.world.role_exists(false);
    user.flex(&["clean", "--older-than", "0s", "--yes"]).expect(0).prints(&["begun by somebody else"]);
    assert!(user.world.requests().last().unwrap().header("x-amz-expected-bucket-owner") == Subscriber::account());
    user.machine.identity(&Identity::stranger());
    let asked = user.world.count("AssumeRole") + user.world.count("GetCallerIdentity");
    let all = user.flex(&["clean", "--older-than", "0s", "--yes", "--all", "--no-expected-owner"]).expect(0);
    assert!(all.out.ends_with("result: clean\n"), "{all}");
    assert_eq!(user.world.count("AssumeRole") + user.world.count("GetCallerIdentity"), asked);
    assert_eq!(open(&user), 0);
}

#[tokio::test]
async fn size_only_is_explained_where_there_is_any() {
    let user = Subscriber::odd().await;
    let only = ["--include", "20210531_2_001.pcap.gz"];
    let verify = [&["verify", "2021/05/31"][..], &only].concat();
    user.flex(&[&["copy", "2021/05/31", "--proof", "size"][..], &only].concat()).expect(0);
    user.flex(&verify).expect(0).prints(&["about size only: ", "copy --recopy-size-only"]);
    user.flex(&[&["copy", "2021/05/31", "--recopy-size-only"][..], &only].concat()).expect(0);
    let proven = user.flex(&verify).expect(0);
    assert!(!proven.out.contains("about size only"), "{proven}");
}

#[test]
fn manual_pages_describe_every_option_and_refer_to_pages_that_exist() {
    let machine = Machine::bare();
    let dir = machine.home.path().join("man");
    std::fs::create_dir(&dir).unwrap();
    machine.flex(&["man", "--dir", dir.to_str().unwrap()]).expect(0);
    let mut pages: BTreeMap<String, String> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap()))
        .collect();
    assert!(pages.contains_key("flex-copy.1") && pages.contains_key("flex-creds-env.1"), "{:?}", pages.keys());
    assert!(!pages.keys().any(|name| name.contains("help")), "{:?}", pages.keys());
    pages.insert("standard output".into(), machine.flex(&["man"]).expect(0).out);
    for (name, page) in &pages {
        let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
        assert!(title.contains(concat!("\"flex ", env!("CARGO_PKG_VERSION"), "\"")), "{name}: {title}");
        let lines: Vec<_> = page.lines().collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == ".TP") {
            // The option, then what it does.
            let about = lines.get(at + 2).copied().unwrap_or_default();
            assert!(about.starts_with(char::is_alphanumeric), "{name}: {:?} {about:?}", lines[at + 1]);
        }
        for line in lines
            .iter()
            .map(|line| line.replace('\\', ""))
            .filter(|line| line.starts_with("flex-") && line.ends_with("(1)"))
        {
            assert!(pages.contains_key(&line.replace("(1)", ".1")), "{name} refers to {line}");
        }
    }
}
