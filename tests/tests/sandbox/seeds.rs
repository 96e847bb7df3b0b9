//! The vendor's bucket as the sandbox makes it.

use chrono::NaiveDate;
use flex_tests::sandbox::{FlexSeed, Sandbox, VENDOR_BUCKET, seed_flex, seed_many};

use super::{GIB, MIB};

#[test]
fn it_has_the_shapes_of_flex_historical() {
    let world = Sandbox::builder().in_process().world();
    let seeded = seed_flex(&world, &FlexSeed::default());
    let keys = world.objects(VENDOR_BUCKET);
    for key in [
        "2010/01/04/20100104_1_001.txt.gz",
        "2021/05/21/20210521_1_001.txt.gz",
        "2021/05/24/20210524_1_001.pcap.gz",
        "2021/05/31/20210531_1_003.pcap.gz",
        "2021/6/1/20210601_1_001.pcap.gz",
        "2021/06/03/20210603_1_001.pcap.gz",
        "testdata/2021/05/31/20210531_1_001.pcap.gz",
        "ConnectionSpec/Standard/version 17.4/Japanese/接続仕様書(Standard).pdf",
        "ConnectionSpec/Standard/Version 18.3/English/Connection+Specifications 100%.pdf",
        "2021/05/31/",
        "2021/5/31",
    ] {
        assert!(keys.iter().any(|k| k == key), "{key} is missing");
    }
    assert!(!keys.iter().any(|key| key.starts_with("2021/05/29/") || key.starts_with("2021/06/01/")));
    let object = |key: &str| world.object(VENDOR_BUCKET, key).expect("seeded");
    assert_eq!(object(&seeded.multipart[0]).parts.map(|parts| parts[0]), Some(8 * MIB));
    assert!(object(&seeded.multipart_checksummed[0]).checksum.is_some());
    assert!(object(&seeded.huge[0]).size > 5 * GIB);
    assert_eq!(object(&seeded.archived[0]).storage_class, "GLACIER");
    assert_eq!(object("2021/5/31").size, 0);
    assert!(!seeded.refused.is_empty() && !seeded.unknown.is_empty());
    let all = [
        &seeded.production,
        &seeded.sample,
        &seeded.specifications,
        &seeded.refused,
        &seeded.archived,
        &seeded.multipart,
        &seeded.multipart_checksummed,
        &seeded.huge,
        &seeded.markers,
        &seeded.unknown,
    ];
    let mut all: Vec<&String> = all.into_iter().flatten().collect();
    all.sort();
    assert!(all.iter().copied().eq(keys.iter()), "every key is told once");
}

#[test]
fn plain_seeds_hold_the_days_and_nothing_else() {
    let world = Sandbox::builder().in_process().world();
    let day = |d| NaiveDate::from_ymd_opt(2021, 5, d).expect("a day");
    let seeded = seed_flex(&world, &FlexSeed::plain(day(28)..=day(31), 2));
    assert_eq!(world.objects(VENDOR_BUCKET), seeded.production);
    assert_eq!(seeded.production.len(), 4);
    let large = FlexSeed { file_size: 40 * MIB, ..FlexSeed::plain(day(31)..=day(31), 1) };
    let seeded = seed_flex(&world, &large);
    let size = world.object(VENDOR_BUCKET, &seeded.production[0]).expect("seeded").size;
    assert!((40 * MIB..50 * MIB).contains(&size), "{size}");
}

#[test]
fn real_bytes_are_the_same_bytes() {
    let (drawn, real) = (Sandbox::builder().in_process().world(), Sandbox::builder().in_process().world());
    let mut seed = FlexSeed::default();
    let seeded = seed_flex(&drawn, &seed);
    seed.real_bytes = true;
    seed_flex(&real, &seed);
    for key in &seeded.production {
        assert_eq!(drawn.read(VENDOR_BUCKET, key), real.read(VENDOR_BUCKET, key));
        assert_eq!(drawn.object(VENDOR_BUCKET, key), real.object(VENDOR_BUCKET, key));
    }
}

#[test]
fn many_objects_are_cheap() {
    let world = Sandbox::builder().in_process().world();
    seed_many(&world, 10_000, 500);
    assert_eq!(world.object_count(VENDOR_BUCKET), 10_000);
    assert_eq!(world.objects(VENDOR_BUCKET)[9_999], "2010/01/29/20100129_1_500.txt.gz");
}
