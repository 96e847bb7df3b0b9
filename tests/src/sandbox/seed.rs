//! Buckets as flex finds them: the vendor's with the shapes of FLEX Historical, the subscriber's with the manual's policy.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};

use super::REGION;
use super::content::mix;
use super::identity::{COPY_ROLE_ARN, SUBSCRIBER, VENDOR};
use super::object::{Metadata, ObjectSpec};
use super::world::World;

/// The vendor's bucket.
pub const VENDOR_BUCKET: &str = "dataservice-flex-bucket";

/// pcap files begin on this day; before it, text.
const PCAP_START: NaiveDate = date(2021, 5, 24);

const MIB: u64 = 1024 * 1024;

const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => panic!("a constant date is wrong"),
    }
}

/// How large the vendor's bucket is to be. Weekends are left out; holidays are not known here.
#[derive(Clone, Debug)]
pub struct FlexSeed {
    /// Days of production data, both ends included.
    pub days: Vec<RangeInclusive<NaiveDate>>,
    /// Days of sample data.
    pub sample_days: Vec<NaiveDate>,
    /// Days of `days` whose folder is written without padding (`2021/6/1/`).
    pub unpadded: Vec<NaiveDate>,
    /// Files of each day.
    pub files_per_day: u32,
    /// Bytes of each file, more or less.
    pub file_size: u64,
    /// Whether files hold bytes of their own instead of the stream of a seed.
    pub real_bytes: bool,
    /// Whether to add what is awkward: refused keys, an archived object, multipart sources, one over 5 GiB, markers,
    /// unknown names.
    pub oddities: bool,
    /// Whether to add the connection specifications.
    pub specifications: bool,
    /// Decides the content.
    pub seed: u64,
}

impl Default for FlexSeed {
    /// A week of each era, in small files, with everything awkward.
    fn default() -> Self {
        Self {
            days: vec![date(2021, 5, 17)..=date(2021, 6, 4), date(2010, 1, 4)..=date(2010, 1, 8)],
            sample_days: vec![date(2021, 5, 31), date(2021, 6, 1)],
            unpadded: vec![date(2021, 6, 1), date(2021, 6, 2)],
            files_per_day: 3,
            file_size: 20_000,
            real_bytes: false,
            oddities: true,
            specifications: true,
            seed: 1,
        }
    }
}

impl FlexSeed {
    /// Regular files of these days, and nothing else.
    pub fn plain(days: RangeInclusive<NaiveDate>, files_per_day: u32) -> Self {
        Self {
            days: vec![days],
            sample_days: Vec::new(),
            unpadded: Vec::new(),
            files_per_day,
            oddities: false,
            specifications: false,
            ..Self::default()
        }
    }
}

/// The keys that [`seed_flex`] wrote, by what is peculiar about them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seeded {
    /// Regular files of production data.
    pub production: Vec<String>,
    /// Sample data.
    pub sample: Vec<String>,
    /// Connection specifications.
    pub specifications: Vec<String>,
    /// Listed, but GetObject is refused.
    pub refused: Vec<String>,
    /// In GLACIER.
    pub archived: Vec<String>,
    /// Uploaded in parts of 8 MiB, no checksum.
    pub multipart: Vec<String>,
    /// Uploaded in parts, with a CRC64NVME of the whole.
    pub multipart_checksummed: Vec<String>,
    /// Larger than one CopyObject may copy.
    pub huge: Vec<String>,
    /// Zero bytes, standing for a folder.
    pub markers: Vec<String>,
    /// Names that follow no known form.
    pub unknown: Vec<String>,
}

/// Makes [`VENDOR_BUCKET`], in the vendor's account, and fills it.
pub fn seed_flex(world: &World, seed: &FlexSeed) -> Seeded {
    world.create_bucket(VENDOR_BUCKET, VENDOR, REGION);
    let mut out = Seeded::default();
    let mut put = |key: &str, spec: ObjectSpec| {
        let spec = if seed.real_bytes { made_real(spec) } else { spec };
        world.put_object(VENDOR_BUCKET, key, spec);
    };
    for day in seed.days.iter().flat_map(days) {
        let folder = folder(day, seed.unpadded.contains(&day));
        for n in 1..=seed.files_per_day {
            let key = format!("{folder}{}", file_name(day, n));
            put(&key, file(seed, day, &key));
            out.production.push(key);
        }
    }
    for day in seed.sample_days.iter().copied() {
        let key = format!("testdata/{}{}", folder(day, false), file_name(day, 1));
        put(&key, file(seed, day, &key));
        out.sample.push(key);
    }
    if seed.specifications {
        for (key, size) in SPECIFICATIONS {
            let spec = ObjectSpec::new(size).seed(hash(seed.seed, key)).content_type("application/pdf");
            put(key, spec.modified(midnight(date(2021, 3, 1))));
            out.specifications.push(key.into());
        }
    }
    if seed.oddities {
        oddities(world, seed, &mut put, &mut out);
    }
    out
}

const SPECIFICATIONS: [(&str, u64); 9] = [
    ("ConnectionSpec/Standard/version 17.4/Japanese/接続仕様書(Standard).pdf", 90_000),
    ("ConnectionSpec/Standard/version 17.4/English/Connection Specifications (Standard).pdf", 80_000),
    ("ConnectionSpec/Standard/Version 18.3/Japanese/接続仕様書 第18.3版.pdf", 95_000),
    ("ConnectionSpec/Standard/Version 18.3/English/Connection+Specifications 100%.pdf", 85_000),
    ("ConnectionSpec/Standard/Version 18.3/English/What's new?.txt", 700),
    ("ConnectionSpec/Standard/Version 18.10/English/\"Errata\" & notes.txt", 900),
    ("ConnectionSpec/MBO/version 0.1/Japanese/接続仕様書(MBO).pdf", 40_000),
    ("ConnectionSpec/MBO/version 0.1/English/Connection Specifications (MBO).pdf", 30_000),
    ("ConnectionSpec/MBO/version 1.0/English/Connection Specifications (MBO).pdf", 31_000),
];

fn oddities(world: &World, seed: &FlexSeed, put: &mut impl FnMut(&str, ObjectSpec), out: &mut Seeded) {
    let (odd, text) = (date(2021, 5, 31), date(2021, 5, 20));
    let key = |day: NaiveDate, name: &str| format!("{}{name}", folder(day, false));
    let spec = |day: NaiveDate, key: &str, size: u64| {
        ObjectSpec::new(size).seed(hash(seed.seed, key)).modified(midnight(day)).content_type("application/gzip")
    };
    for name in ["20210531_1_901.pcap.gz", "20210531_1_902.pcap.gz"] {
        let key = key(odd, name);
        put(&key, spec(odd, &key, 30_000));
        world.refuse_read(VENDOR_BUCKET, &key);
        out.refused.push(key);
    }
    let archived = key(text, "20210520_1_903.txt.gz");
    put(&archived, spec(text, &archived, 30_000).storage_class("GLACIER"));
    out.archived.push(archived);

    let multipart = key(odd, "20210531_2_001.pcap.gz");
    put(&multipart, spec(odd, &multipart, 20 * MIB + 12_345).part_size(8 * MIB));
    out.multipart.push(multipart);
    let checksummed = key(odd, "20210531_2_002.pcap.gz");
    put(&checksummed, spec(odd, &checksummed, 33 * MIB).part_size(16 * MIB).full_checksum());
    out.multipart_checksummed.push(checksummed);
    let huge = key(odd, "20210531_2_003.pcap.gz");
    put(&huge, spec(odd, &huge, 6 * 1024 * MIB + 1).part_size(64 * MIB));
    out.huge.push(huge);

    // Both forms of a folder's marker: the console's, and the one in the manual's listing.
    for marker in ["2021/05/31/", "2021/5/31"] {
        put(marker, ObjectSpec::new(0).modified(midnight(date(2021, 3, 1))));
        out.markers.push(marker.into());
    }
    for name in ["README 日本語.txt", "notes+100%.txt", "what?.txt"] {
        let key = key(odd, name);
        put(&key, spec(odd, &key, 300).content_type("text/plain"));
        out.unknown.push(key);
    }
}

/// The spec with its content as bytes in memory, when it is small.
fn made_real(spec: ObjectSpec) -> ObjectSpec {
    use super::content::Content;
    use super::object::Held;
    match spec.content {
        Held::Seeded { size, seed } if size <= MIB => {
            ObjectSpec { content: Held::Bytes(Content::seeded(seed, size).to_bytes()), ..spec }
        }
        _ => spec,
    }
}

fn days(range: &RangeInclusive<NaiveDate>) -> impl Iterator<Item = NaiveDate> + use<> {
    let (first, last) = (*range.start(), *range.end());
    first
        .iter_days()
        .take_while(move |day| *day <= last)
        .filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
}

fn folder(day: NaiveDate, unpadded: bool) -> String {
    let (year, month, day) = (day.year(), day.month(), day.day());
    if unpadded { format!("{year}/{month}/{day}/") } else { format!("{year}/{month:02}/{day:02}/") }
}

fn file_name(day: NaiveDate, sequence: u32) -> String {
    let kind = if day < PCAP_START { "txt" } else { "pcap" };
    format!("{}_1_{sequence:03}.{kind}.gz", day.format("%Y%m%d"))
}

fn file(seed: &FlexSeed, day: NaiveDate, key: &str) -> ObjectSpec {
    let hash = hash(seed.seed, key);
    let size = seed.file_size + hash % (seed.file_size / 4).max(1);
    let metadata = Metadata {
        content_type: Some("application/gzip".into()),
        user: [("session".to_owned(), day.to_string())].into(),
        ..Metadata::default()
    };
    ObjectSpec::new(size).seed(hash).modified(midnight(day)).metadata(metadata)
}

fn midnight(day: NaiveDate) -> std::time::SystemTime {
    day.and_time(NaiveTime::MIN).and_utc().into()
}

fn hash(seed: u64, key: &str) -> u64 {
    key.bytes().fold(mix(seed), |hash, byte| mix(hash ^ u64::from(byte)))
}

/// Fills the vendor's bucket with very many small files, as cheaply as can be: for measuring memory and speed. They lie in
/// sessions from 2010 on, `per_day` to a day.
pub fn seed_many(world: &World, objects: usize, per_day: u32) {
    world.create_bucket(VENDOR_BUCKET, VENDOR, REGION);
    let mut left = objects;
    for day in days(&(date(2010, 1, 4)..=date(2999, 12, 31))) {
        for n in 1..=per_day.max(1) {
            if left == 0 {
                return;
            }
            left -= 1;
            let key = format!("{}{}", folder(day, false), file_name(day, n));
            let spec = ObjectSpec::new(64).seed(hash(0, &key)).modified(midnight(day));
            world.put_object(VENDOR_BUCKET, &key, spec);
        }
    }
}

/// The bucket policy of the vendor's manual, for the copy role of [`SUBSCRIBER`]. Written out here, so that the sandbox and
/// flex's own policy check each other.
pub fn manual_policy(bucket: &str) -> String {
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Sid": "S3CopyStmtList",
      "Effect": "Allow",
      "Principal": {{ "AWS": ["{COPY_ROLE_ARN}"] }},
      "Action": "s3:ListBucket",
      "Resource": ["arn:aws:s3:::{bucket}"]
    }},
    {{
      "Sid": "S3CopyStmtPutObject",
      "Effect": "Allow",
      "Principal": {{ "AWS": ["{COPY_ROLE_ARN}"] }},
      "Action": ["s3:PutObject", "s3:PutObjectAcl"],
      "Resource": ["arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/*"],
      "Condition": {{ "StringEquals": {{ "s3:x-amz-acl": "bucket-owner-full-control" }} }}
    }}
  ]
}}"#
    )
}

/// Makes an empty bucket of the subscriber's with the manual's policy, as after the manual's steps 1-1 to 1-4.
pub fn subscriber_bucket(world: &World, bucket: &str) {
    world.create_bucket(bucket, SUBSCRIBER, REGION);
    world.put_bucket_policy(bucket, &manual_policy(bucket));
}
