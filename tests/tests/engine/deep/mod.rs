//! Deep verification: every byte is read as the owner, and no verdict is stronger than what was read.

mod checks;
mod reading;
mod records;

use std::{collections::BTreeMap, io::Write, sync::Arc};

use flate2::{Compression, write::GzEncoder};
use flex_copy::{
    JournalStore, Notice, client_config,
    deep::{DeepEnd, DeepEvent, DeepRecord, DeepSettings, DeepSummary, DeepVerdict},
};
use flex_tests::sandbox::{Identity, ObjectSpec};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use crate::scene::{MINE, Scene, parse};

const DAY: &str = "2021/05/31";
/// Libpcap's magic in little-endian order.
const MAGIC: [u8; 4] = [0xd4, 0xc3, 0xb2, 0xa1];

/// What a deep verification told.
struct Told {
    ends: Vec<DeepEnd>,
    notices: Vec<Notice>,
    record_failed: u32,
    summary: DeepSummary,
}

impl Told {
    fn verdicts(&self) -> BTreeMap<&str, &DeepVerdict> {
        let mut verdicts = BTreeMap::new();
        for end in &self.ends {
            assert!(verdicts.insert(end.key.as_str(), &end.verdict).is_none(), "{} is reported twice", end.key);
        }
        verdicts
    }

    fn verdict(&self, key: &str) -> &DeepVerdict {
        self.verdicts().get(key).unwrap_or_else(|| panic!("no end of {key}: {:?}", self.ends))
    }

    /// Each key's word, and what proves the content.
    fn words(&self) -> BTreeMap<&str, String> {
        let word = |verdict: &DeepVerdict| match verdict.proof() {
            Some(proof) => format!("{} {}", verdict.name(), proof.name()),
            None => verdict.name().to_owned(),
        };
        self.verdicts().into_iter().map(|(key, verdict)| (key, word(verdict))).collect()
    }

    fn stopped(&self) -> String {
        self.summary.stopped.as_ref().map_or_else(String::new, |reason| format!("{reason:?}"))
    }
}

/// How to verify.
struct How {
    identity: Identity,
    settings: DeepSettings,
    store: Option<Arc<dyn JournalStore>>,
    cancel: CancellationToken,
}

impl How {
    fn owner() -> Self {
        Self {
            identity: Identity::owner(),
            settings: DeepSettings::default(),
            store: None,
            cancel: CancellationToken::new(),
        }
    }

    fn settings(mut self, settings: DeepSettings) -> Self {
        self.settings = settings;
        self
    }

    fn store(mut self, store: Arc<dyn JournalStore>) -> Self {
        self.store = Some(store);
        self
    }
}

async fn deep(scene: &Scene) -> Told {
    deep_as(scene, How::owner(), |_| {}).await
}

async fn deep_as(scene: &Scene, how: How, mut each: impl FnMut(&DeepEvent)) -> Told {
    let copier = scene.copier();
    let client = aws_sdk_s3::Client::from_conf(client_config(&scene.sandbox.sdk_config(&how.identity)).build());
    let record: Option<DeepRecord> = match how.store {
        Some(store) => Some(copier.deep_record(store).await.expect("the record opens")),
        None => None,
    };
    let mut run = copier.verify_deep(&parse(&[DAY]), client, how.settings, record, how.cancel);
    let (mut ends, mut notices, mut summary, mut record_failed) = (Vec::new(), Vec::new(), None, 0);
    while let Some(event) = run.next().await {
        assert!(summary.is_none(), "nothing comes after the summary");
        each(&event);
        match event {
            DeepEvent::Object(end) => ends.push(end),
            DeepEvent::Notice(notice) => notices.push(notice),
            DeepEvent::RecordFailed { .. } => record_failed += 1,
            DeepEvent::Summary(last) => summary = Some(*last),
            _ => {}
        }
    }
    Told { ends, notices, record_failed, summary: summary.expect("a verification ends with its summary") }
}

/// Bytes that pack to about half.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| rng.u8(0..16)).collect()
}

fn capture(seed: u64, length: usize) -> Vec<u8> {
    [&MAGIC[..], &noise(seed, length)].concat()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn packed(seed: u64, length: usize) -> Vec<u8> {
    gzip(&capture(seed, length))
}

fn key(number: u32) -> String {
    format!("{DAY}/20210531_{number}_001.pcap.gz")
}

/// The same on both sides.
fn both(scene: &Scene, key: &str, spec: &ObjectSpec) {
    scene.put(key, spec.clone());
    scene.world.put_object(MINE, &format!("{}{key}", scene.prefix), spec.clone());
}

/// A day of good captures on both sides; their keys.
fn good_day(scene: &Scene, files: u32, length: usize) -> Vec<String> {
    (1..=files)
        .map(|number| {
            both(scene, &key(number), &ObjectSpec::bytes(packed(number.into(), length)));
            key(number)
        })
        .collect()
}

/// Asks the requests of one operation.
fn sent(scene: &Scene, operation: &str) -> Vec<flex_tests::sandbox::Request> {
    scene.world.requests().into_iter().filter(|request| request.operation == operation).collect()
}
