//! The record of a deep verification: no line of it costs another, what was found good is known to the next run, and a
//! file of another kind is left as it is.
//!
//! The library gives the reading and writing to its own runs alone, so that the module is included here as source, with
//! a scene of two names around it.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the modules serve the library")]

use std::{collections::BTreeMap, io, sync::Arc};

use deep::{DeepProof, DeepRecord, DeepRecordError};
use flex_copy::{ETag, ListedObject, Storage};
use flex_fuzz::{Dice, Memory, check_message, long_bytes, now};
use futures::future::BoxFuture;
use libfuzzer_sys::fuzz_target;
use plan::{Scene, Side};
use serde::Deserialize;
use store::JournalStore;

#[path = "../../../flex-copy/src/journal/store.rs"]
mod store;

mod plan {
    pub struct Scene {
        pub source: Side,
        pub destination: Side,
    }

    pub struct Side(pub &'static str);

    impl Side {
        pub fn name(&self) -> &str {
            self.0
        }

        pub fn key_prefix(&self) -> &str {
            "p/"
        }
    }
}

#[path = "../../../flex-copy/src/deep"]
mod deep {
    #[path = "record.rs"]
    mod record;

    pub use flex_copy::deep::{DeepEnd, DeepProof, DeepVerdict};
    pub use record::{DeepRecord, DeepRecordError};

    use crate::{ETag, ListedObject};

    /// What a run hears of an object: known at all, and by what.
    pub fn known(record: &DeepRecord, object: &ListedObject, copy_etag: &ETag) -> Option<Option<DeepProof>> {
        record.find(object, copy_etag).map(|verdict| verdict.proof())
    }

    pub fn note(record: &mut DeepRecord, ends: &[DeepEnd]) -> Result<(), std::io::Error> {
        flex_fuzz::now(record.note(ends))
    }
}

impl JournalStore for Memory {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.read()
    }

    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.append(bytes)
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.replace(bytes)
    }
}

const SCENE: Scene = Scene { source: Side("vendor"), destination: Side("mine") };
const FIRST: &[u8] = b"{\"flex_deep_record\":1,\"source_bucket\":\"vendor\",\"bucket\":\"mine\",\"prefix\":\"p/\"}\n";

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&[FIRST, bytes].concat());
    for separator in [&b""[..], b"\n"] {
        if let Some(long) = long_bytes(bytes, separator) {
            check(&long);
            check(&[FIRST, &long].concat());
        }
    }
});

/// A line as a reader of JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Line {
    key: String,
    size: u64,
    etag: ETag,
    copy_etag: ETag,
    #[serde(default)]
    proof: Option<DeepProof>,
}

impl Line {
    fn object(&self) -> ListedObject {
        ListedObject {
            key: self.key.clone(),
            size: self.size,
            etag: self.etag.clone(),
            last_modified: 0,
            storage: Storage::Online,
            full_object_checksum: false,
        }
    }

    fn end(&self) -> deep::DeepEnd {
        deep::DeepEnd {
            key: self.key.clone(),
            size: self.size,
            etag: self.etag.clone(),
            destination_etag: Some(self.copy_etag.clone()),
            verdict: match self.proof {
                Some(proof) => deep::DeepVerdict::Verified(proof),
                None => deep::DeepVerdict::NotComparable { detail: "", lasting: true },
            },
            read: true,
            recorded: false,
        }
    }
}

fn open(memory: &Arc<Memory>) -> Result<DeepRecord, DeepRecordError> {
    now(DeepRecord::open(memory.clone(), &SCENE))
}

/// The record knows these objects, each in the one version that it has, and no others.
fn check_known(record: &DeepRecord, lines: &BTreeMap<String, Line>) {
    assert_eq!((record.len(), record.is_empty()), (lines.len(), lines.is_empty()));
    for line in lines.values() {
        let object = line.object();
        assert_eq!(deep::known(record, &object, &line.copy_etag), Some(line.proof), "{line:?}");
        let other = ETag::new(&format!("{}{}0", line.etag, line.copy_etag));
        assert_eq!(deep::known(record, &object, &other), None, "another copy");
        let changed = ListedObject { size: object.size ^ 1, ..object.clone() };
        assert_eq!(deep::known(record, &changed, &line.copy_etag), None, "another size");
        let changed = ListedObject { etag: other, ..object };
        assert_eq!(deep::known(record, &changed, &line.copy_etag), None, "another version");
    }
}

fn check(bytes: &[u8]) {
    let memory = Arc::new(Memory::of(bytes));
    let opened = open(&memory);
    assert_eq!((memory.writes(), memory.bytes()), (0, bytes.to_vec()), "opening writes nothing");
    let ours = bytes.starts_with(FIRST) || FIRST.starts_with(bytes);
    let mut record = match opened {
        Ok(record) => record,
        Err(error) => {
            assert!(!ours, "{error}");
            assert!(!matches!(error, DeepRecordError::Io(_)), "{error}");
            return check_message(&error.to_string(), bytes.len());
        }
    };
    assert!(ours, "of something else");
    // What is ignored must be JSON, too.
    let is_json = |line: &[u8]| serde_json::from_slice::<serde_json::Value>(line).is_ok();
    let read = |line: &[u8]| serde_json::from_slice::<Line>(line).ok().filter(|_| is_json(line));
    let rest = bytes.get(FIRST.len()..).unwrap_or_default();
    let mut lines: BTreeMap<String, Line> =
        rest.split(|byte| *byte == b'\n').filter_map(read).map(|line| (line.key.clone(), line)).collect();
    check_known(&record, &lines);

    // What is noted is known from then on, and nothing else is lost.
    let mut dice = Dice::new(bytes);
    let (first, then) = (noted(&mut dice), noted(&mut dice));
    deep::note(&mut record, &[first.end(), then.end()]).expect("memory takes it");
    let before = memory.bytes();
    assert!(before.starts_with(bytes), "it grows");
    for line in [first, then] {
        lines.insert(line.key.clone(), line);
    }
    let mut record = open(&memory).expect("what flex wrote is a record");
    check_known(&record, &lines);

    // Torn anywhere, a write costs what was being written.
    let more = noted(&mut dice);
    deep::note(&mut record, &[more.end()]).expect("memory takes it");
    let after = memory.bytes();
    let cut = before.len() + dice.number(after.len() - before.len());
    let torn = Arc::new(Memory::of(&after[..cut]));
    let mut record = open(&torn).expect("a torn end is no damage");
    if cut + 1 == after.len() {
        // All of the line but its end.
        lines.insert(more.key.clone(), more);
    }
    check_known(&record, &lines);
    let last = noted(&mut dice);
    torn.leave_room(dice.byte().is_multiple_of(4).then(|| dice.number(100)));
    if deep::note(&mut record, &[last.end()]).is_ok() {
        lines.insert(last.key.clone(), last);
    } else {
        let stopped = torn.writes();
        assert!(deep::note(&mut record, &[last.end()]).is_ok() && torn.writes() == stopped, "told once");
        if torn.bytes().ends_with(b"}") {
            // It may be whole but for its end.
            return;
        }
    }
    check_known(&open(&torn).expect("a full disk is no damage"), &lines);
}

fn noted(dice: &mut Dice<'_>) -> Line {
    Line {
        key: if dice.byte().is_multiple_of(2) { dice.text() } else { "2021/05/31/a.gz\n\u{1b}".to_owned() },
        size: dice.number(0) as u64,
        etag: ETag::new(&dice.text()),
        copy_etag: ETag::new(dice.one_of(&["e", "", "\u{1b}\""])),
        proof: dice.one_of(&[
            None,
            Some(DeepProof::Md5),
            Some(DeepProof::EtagLayout),
            Some(DeepProof::Crc64nvme),
            Some(DeepProof::Crc32c),
            Some(DeepProof::Crc32),
        ]),
    }
}
