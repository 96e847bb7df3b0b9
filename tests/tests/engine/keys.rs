//! Keys with awkward names, both spellings of a folder, markers, archives, and specifications.

use std::collections::BTreeSet;

use flex_copy::{Action, CopySettings, ListEntry, Place, Proof};
use flex_tests::sandbox::{ObjectSpec, VENDOR_BUCKET};
use futures::{StreamExt, TryStreamExt};

use crate::scene::{MIB, Scene, parse};

#[tokio::test(start_paused = true)]
async fn awkward_names_survive_listing_copying_and_verifying() {
    let scene = Scene::new();
    let names = [
        "with space.pdf",
        "a+b.pdf",
        "100%.pdf",
        "a%20b.pdf",
        "what?.pdf",
        "\"quoted\".pdf",
        "it's.pdf",
        "a&b=c;d.pdf",
        "接続仕様書 第1版.pdf",
        "#1<2>.pdf",
        "~!*().pdf",
        "é.pdf",
        "a//b.pdf",
        "\u{1b}[31mred\t\n.pdf",
        "%zz+%2B.pdf",
    ];
    let mut keys = Vec::new();
    for (n, name) in (1_u64..).zip(names) {
        let key = format!("ConnectionSpec/Standard/version 17.4/Japanese/{name}");
        scene.put(&key, ObjectSpec::new(10 + n).seed(n));
        keys.push(key);
        // The answers to multipart calls name the key in XML, which cannot hold every character.
        if !name.contains(char::is_control) {
            let parts = format!("ConnectionSpec/Standard/version 17.4/English/{name}");
            scene.put(&parts, ObjectSpec::new(9 * MIB + n).seed(n).part_size(8 * MIB));
            keys.push(parts);
        }
    }
    let report = scene.copy(&["ConnectionSpec"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, keys.len() as u64)]);
    scene.assert_copied(&keys);
    let (_, summary) = scene.verify(&["ConnectionSpec"]).await;
    assert_eq!(summary.proven.objects, keys.len() as u64);
    let requests = scene.world.requests();
    let sent = requests.iter().find(|r| r.operation == "CopyObject" && r.key.ends_with("a+b.pdf")).unwrap();
    assert_eq!(
        sent.header("x-amz-copy-source"),
        "dataservice-flex-bucket/ConnectionSpec/Standard/version%2017.4/Japanese/a%2Bb.pdf"
    );
}

#[tokio::test(start_paused = true)]
async fn both_spellings_of_a_folder_are_found_and_neighbours_are_not() {
    let scene = Scene::new();
    let padded = scene.day("2021/01/05/", 2);
    let unpadded = scene.day("2021/1/6/", 2);
    let mixed = scene.day("2021/01/7/", 1);
    let october = scene.day("2021/10/05/", 2);
    let all: Vec<String> = [padded.clone(), unpadded, mixed].concat();

    let report = scene.copy(&["2021/1"]).await;
    assert_eq!(report.summary.copied_total().objects, 5);
    scene.assert_copied(&all);
    assert_eq!(scene.copy(&["2021/01/05"]).await.summary.listed_total().objects, 2);
    assert_eq!(scene.copy(&["2021/1/6"]).await.summary.listed_total().objects, 2);
    assert_eq!(scene.copy(&["2021/1/7"]).await.summary.listed_total().objects, 1);
    let year = scene.copy(&["2021"]).await;
    assert_eq!(year.summary.listed_total().objects, 7);
    scene.assert_copied(&[all, october].concat());
}

#[tokio::test(start_paused = true)]
async fn a_year_lists_every_key_under_it_whatever_its_name() {
    let scene = Scene::new();
    let keys = ["2021/readme.txt", "2021/!first", "2021/~last", "2021/13/x.bin", "2021/05/31/notes", "2021/5/x"];
    for key in keys {
        scene.put(key, ObjectSpec::new(5));
    }
    scene.put("2020/12/30/20201230_1_001.pcap.gz", ObjectSpec::new(5));
    scene.put("2021.txt", ObjectSpec::new(5));
    let report = scene.copy(&["2021"]).await;
    assert_eq!(report.summary.copied_total().objects, keys.len() as u64);
    assert_eq!(report.summary.unknown_names.objects, keys.len() as u64);
    scene.assert_copied(&keys.map(String::from));
}

#[tokio::test(start_paused = true)]
async fn many_pages_are_joined_without_loss() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 2_500);
    // The destination lacks every third.
    scene.copy(&["2021/05/31"]).await;
    for key in keys.iter().step_by(3) {
        assert!(scene.world.remove_object(crate::scene::MINE, key));
    }
    let report = scene.copy(&["2021/05"]).await;
    assert_eq!(report.summary.copied_total().objects, 834);
    assert_eq!(report.summary.identical.objects, 1_666);
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn a_month_is_cut_where_one_side_is_read_further_than_the_other() {
    let scene = Scene::new();
    let (mut source, mut extra) = (BTreeSet::new(), BTreeSet::new());
    for day in 1..=31 {
        source.extend(scene.day(&format!("2021/05/{day:02}/"), 400));
        // Pages of the destination reach further than the source's.
        for file in 0..60 {
            let key = format!("2021/05/{day:02}/extra_{file:03}");
            scene.world.put_object(crate::scene::MINE, &key, ObjectSpec::new(1));
            extra.insert(key);
        }
    }
    let mut plan = scene.copier().plan(&parse(&["2021/05"]));
    while let Some(item) = plan.next().await {
        let item = item.unwrap();
        let side = if item.action == Action::Extra { &mut extra } else { &mut source };
        assert!(side.remove(&item.object.key), "{:?} was planned twice", item.object.key);
    }
    assert_eq!((source.len(), extra.len()), (0, 0), "{:?} {:?}", source.first(), extra.first());
    let lists = scene.world.count("ListObjectsV2");
    // 13 pages of one side, 2 of the other, and for each part at most one of either that is of no use.
    assert!((17..=40).contains(&lists), "{lists}");
}

#[tokio::test(start_paused = true)]
async fn markers_and_archives_are_counted_and_not_copied() {
    let scene = Scene::new();
    let keys = scene.day("2021/05/31/", 1);
    for marker in ["2021/05/31/", "2021/5/31", "2021/05/"] {
        scene.put(marker, ObjectSpec::new(0));
    }
    scene.put("2021/05/31/20210531_8_001.pcap.gz", ObjectSpec::new(10).storage_class("GLACIER"));
    scene.put("2021/05/31/20210531_9_001.pcap.gz", ObjectSpec::new(10).storage_class("DEEP_ARCHIVE"));
    let report = scene.copy(&["2021/05"]).await;
    assert_eq!((report.summary.markers.objects, report.summary.archived.objects), (3, 2));
    scene.assert_copied(&keys);
    assert_eq!(scene.world.count("CopyObject"), 1, "archived objects are not attempted");

    let scene = Scene::new().settings(CopySettings::builder().copy_markers(true).build().unwrap());
    scene.put("2021/05/31/", ObjectSpec::new(0));
    assert_eq!(scene.copy(&["2021/05"]).await.proofs(), [(Proof::Etag, 1)]);
}

#[tokio::test(start_paused = true)]
async fn specifications_are_found_by_number_language_and_latest() {
    let scene = Scene::new();
    for version in ["version 17.4", "Version 18.3", "version 18.10"] {
        for language in ["Japanese", "English"] {
            scene.put(&format!("ConnectionSpec/Standard/{version}/{language}/spec.pdf"), ObjectSpec::new(10));
        }
    }
    scene.put("ConnectionSpec/MBO/version 0.1/Japanese/spec.pdf", ObjectSpec::new(10));
    for (selection, want) in [
        ("spec:standard/18.3/ja", "ConnectionSpec/Standard/Version 18.3/Japanese/spec.pdf"),
        ("spec:standard/latest/en", "ConnectionSpec/Standard/version 18.10/English/spec.pdf"),
        ("ConnectionSpec/standard/version 18.3/japanese", "ConnectionSpec/Standard/Version 18.3/Japanese/spec.pdf"),
        ("spec:mbo", "ConnectionSpec/MBO/version 0.1/Japanese/spec.pdf"),
    ] {
        let report = scene.copy(&[selection]).await;
        let keys: Vec<_> = report.ends.iter().map(|end| end.key.as_str()).collect();
        assert_eq!(keys, [want], "{selection}");
    }
    let error = scene.copier().resolve(parse(&["spec:standard/99.1/ja"])).await.expect_err("there is no such version");
    assert!(error.to_string().contains("18.10"), "the error names what exists: {error}");
}

#[tokio::test(start_paused = true)]
async fn a_filter_selects_by_file_name() {
    let settings =
        CopySettings::builder().filter(std::sync::Arc::new(|name: &str| name.contains("_2_"))).build().unwrap();
    let scene = Scene::new().settings(settings);
    let keys = scene.day("2021/05/31/", 3);
    scene.put("2021/06/01/20210601_1_001.pcap.gz", ObjectSpec::new(3));
    let report = scene.copy(&["2021/05/31", "2021/06/01"]).await;
    assert_eq!(report.summary.listed_total().objects, 1);
    scene.assert_copied(&keys[1..2]);
    let selection = parse(&["2021/05/31", "2021/06/01"]);
    assert!(report.summary.missing_named_days(&selection).is_empty(), "a day whose files are left out has data");
    let (verdicts, summary) = scene.verify(&["2021/05/31", "2021/06/01"]).await;
    assert_eq!((verdicts.len(), summary.missing_named_days(&selection).len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_filter_that_panics_ends_the_run_and_does_not_shorten_it() {
    let filter = |name: &str| {
        assert!(!name.contains("20100104"), "a fault of the caller's");
        true
    };
    let scene = Scene::new().settings(CopySettings::builder().filter(std::sync::Arc::new(filter)).build().unwrap());
    scene.day("2010/01/04/", 3);
    scene.day("2021/05/31/", 3);
    scene.world.latency(std::time::Duration::from_millis(5));
    let report = scene.copy(&["2010", "2021"]).await;
    assert!(report.summary.stopped.is_some() && !report.summary.listing_complete);
}

#[tokio::test(start_paused = true)]
async fn listing_shows_folders_and_objects_like_a_directory() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 2);
    scene.put("2021/index.txt", ObjectSpec::new(7));
    let entries: Vec<ListEntry> = scene.copier().list(Place::Source, "2021/", false).try_collect().await.unwrap();
    assert!(matches!(&entries[0], ListEntry::Folder(f) if f == "2021/05/"), "{entries:?}");
    assert!(matches!(&entries[1], ListEntry::Object(o) if o.key == "2021/index.txt" && o.size == 7), "{entries:?}");
    let all = scene.copier().list(Place::Source, "", true).count().await;
    assert_eq!(all, scene.world.objects(VENDOR_BUCKET).len());
}
