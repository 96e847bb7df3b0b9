//! What earlier runs found good: JSON lines that grow with every object, so that a run that was killed goes on where it was.
//!
//! The first line names the buckets; each other one is an object that was read whole, with the ETags and the size by which
//! a later run knows it again. A line that is torn, as a kill or a full disk leaves it, counts as not written: its object
//! is read again.

use std::{borrow::Cow, collections::BTreeMap, io, sync::Arc};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{DeepEnd, DeepProof, DeepVerdict};
use crate::{ETag, JournalStore, ListedObject, plan::Scene};

const VERSION: u32 = 1;
const NOT_COMPARABLE: &str = "so found by an earlier run";

/// A record of what was verified, kept from run to run.
///
/// Open it with [`Copier::deep_record`](crate::Copier::deep_record). All of it is in memory while a run lasts, some hundred
/// bytes an object.
#[derive(Debug)]
pub struct DeepRecord {
    store: Arc<dyn JournalStore>,
    known: BTreeMap<String, Found>,
    /// What has to be written before the next line.
    lead: Vec<u8>,
    failed: bool,
}

/// A record that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeepRecordError {
    /// It cannot be read.
    #[error("the record of a deep verification cannot be read")]
    Io(#[source] io::Error),
    /// Something else is in the file. It is left as it is.
    #[error("this is no record of a deep verification that this version of flex can go on with")]
    NotARecord,
    /// It is about other buckets.
    #[error(
        "the record is about copies from {} into {}/{}",
        source_bucket.escape_debug(),
        bucket.escape_debug(),
        prefix.escape_debug()
    )]
    OtherBuckets {
        /// The source.
        source_bucket: String,
        /// The destination.
        bucket: String,
        /// The prefix in it.
        prefix: String,
    },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header<'a> {
    flex_deep_record: u32,
    #[serde(borrow)]
    source_bucket: Cow<'a, str>,
    #[serde(borrow)]
    bucket: Cow<'a, str>,
    #[serde(borrow)]
    prefix: Cow<'a, str>,
}

/// What was found of a version of an object.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Found {
    size: u64,
    etag: ETag,
    copy_etag: ETag,
    /// None: readable, and nothing to compare with, now or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<DeepProof>,
}

#[derive(Serialize)]
struct Written<'a> {
    key: &'a str,
    #[serde(flatten)]
    found: &'a Found,
}

#[derive(Deserialize)]
struct Read {
    key: String,
    #[serde(flatten)]
    found: Found,
}

impl DeepRecord {
    pub(crate) async fn open(store: Arc<dyn JournalStore>, scene: &Scene) -> Result<Self, DeepRecordError> {
        let bytes = store.read().await.map_err(DeepRecordError::Io)?;
        let header = Header {
            flex_deep_record: VERSION,
            source_bucket: scene.source.name().into(),
            bucket: scene.destination.name().into(),
            prefix: scene.destination.key_prefix().into(),
        };
        let mut first = line(&header);
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let mut known = BTreeMap::new();
        let lead = match lines.next() {
            None => first,
            Some(begun) if first.starts_with(begun) => {
                // All of it, or what was written of it before a kill.
                first.split_off(begun.len())
            }
            Some(other) => return Err(not_ours(other)),
        };
        let mut torn = false;
        for text in lines {
            torn = !text.ends_with(b"\n");
            if let Ok(Read { key, found }) = serde_json::from_slice(text) {
                known.insert(key, found);
            }
        }
        let lead = if torn { vec![b'\n'] } else { lead };
        Ok(Self { store, known, lead, failed: false })
    }

    /// Objects on record.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether nothing is on record.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// What was found of exactly these versions.
    pub(super) fn find(&self, object: &ListedObject, destination_etag: &ETag) -> Option<DeepVerdict> {
        let found = self.known.get(&object.key)?;
        let same = (found.size, &found.etag, &found.copy_etag) == (object.size, &object.etag, destination_etag);
        same.then(|| match found.proof {
            Some(proof) => DeepVerdict::Verified(proof),
            None => DeepVerdict::NotComparable { detail: NOT_COMPARABLE, lasting: true },
        })
    }

    /// Puts down what was found good; the rest will be read again. After a failure nothing is written any more.
    pub(super) async fn note(&mut self, ends: &[DeepEnd]) -> Result<(), io::Error> {
        if self.failed {
            return Ok(());
        }
        let mut text = Vec::new();
        for end in ends.iter().filter(|end| !end.recorded) {
            let (DeepVerdict::Verified(_) | DeepVerdict::NotComparable { lasting: true, .. }, Some(copy_etag)) =
                (&end.verdict, &end.destination_etag)
            else {
                continue;
            };
            let found = Found {
                size: end.size,
                etag: end.etag.clone(),
                copy_etag: copy_etag.clone(),
                proof: end.verdict.proof(),
            };
            text.extend(line(&Written { key: &end.key, found: &found }));
        }
        if text.is_empty() {
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.lead);
        all.extend(text);
        let written = self.store.append(all).await;
        self.failed = written.is_err();
        written
    }
}

/// One line. What is written here has nothing that JSON cannot hold.
fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

fn not_ours(first: &[u8]) -> DeepRecordError {
    match serde_json::from_slice::<Header<'_>>(first) {
        Ok(Header { flex_deep_record: VERSION, source_bucket, bucket, prefix }) => DeepRecordError::OtherBuckets {
            source_bucket: source_bucket.into_owned(),
            bucket: bucket.into_owned(),
            prefix: prefix.into_owned(),
        },
        _ => DeepRecordError::NotARecord,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use futures::{FutureExt, future::BoxFuture};

    use super::*;
    use crate::{Bucket, CopySettings, Storage};

    /// Memory in the place of a file; fails on demand.
    #[derive(Debug, Default)]
    struct Memory {
        bytes: Mutex<Vec<u8>>,
        full: bool,
    }

    impl Memory {
        fn of(bytes: &[u8]) -> Arc<Self> {
            Arc::new(Self { bytes: Mutex::new(bytes.to_vec()), full: false })
        }

        fn bytes(&self) -> Vec<u8> {
            self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl JournalStore for Memory {
        fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
            async { Ok(self.bytes()) }.boxed()
        }

        fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
            async move {
                if self.full {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
                Ok(())
            }
            .boxed()
        }

        fn replace(&self, _: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
            async { Err(io::ErrorKind::Unsupported.into()) }.boxed()
        }
    }

    fn scene(bucket: &str) -> Scene {
        let config = aws_sdk_s3::Config::builder().behavior_version_latest().build();
        let client = aws_sdk_s3::Client::from_conf(config);
        Scene {
            source: Bucket::new(client.clone(), "vendor"),
            destination: Bucket::new(client, bucket).prefix("p"),
            settings: CopySettings::default(),
        }
    }

    fn object(key: &str) -> ListedObject {
        ListedObject {
            key: key.into(),
            size: 7,
            etag: ETag::new("source"),
            last_modified: 0,
            storage: Storage::Online,
            full_object_checksum: false,
        }
    }

    fn end(key: &str, verdict: DeepVerdict) -> DeepEnd {
        let object = object(key);
        DeepEnd {
            key: object.key,
            size: object.size,
            etag: object.etag,
            destination_etag: Some(ETag::new("copy")),
            verdict,
            read: true,
            recorded: false,
        }
    }

    async fn open(memory: &Arc<Memory>) -> Result<DeepRecord, DeepRecordError> {
        DeepRecord::open(memory.clone(), &scene("mine")).await
    }

    fn known(record: &DeepRecord, key: &str) -> Option<&'static str> {
        record.find(&object(key), &ETag::new("copy")).map(|verdict| verdict.name())
    }

    async fn written() -> Vec<u8> {
        let memory = Memory::of(b"");
        let mut record = open(&memory).await.expect("an empty record opens");
        record.note(&[end("a", DeepVerdict::Verified(DeepProof::Md5))]).await.expect("memory takes it");
        record
            .note(&[
                end("b", DeepVerdict::NotComparable { detail: "", lasting: true }),
                end("of the day", DeepVerdict::NotComparable { detail: "", lasting: false }),
                end("c", DeepVerdict::NotPcap { proof: Some(DeepProof::Md5) }),
                end("d", DeepVerdict::Differs { detail: String::new() }),
                end("e\n\u{1b}", DeepVerdict::Verified(DeepProof::Crc64nvme)),
            ])
            .await
            .expect("memory takes it");
        memory.bytes()
    }

    #[tokio::test]
    async fn what_was_good_and_is_unchanged_is_known() {
        let bytes = written().await;
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 4, "a line each");
        let record = open(&Memory::of(&bytes)).await.expect("it opens again");
        let keys = ["a", "b", "c", "d", "e\n\u{1b}"];
        let names = keys.map(|key| known(&record, key));
        assert_eq!(names, [Some("verified"), Some("not-comparable"), None, None, Some("verified")]);
        assert_eq!(record.len(), 3);
        let a = object("a");
        let other = ETag::new("other");
        assert!(record.find(&a, &other).is_none(), "another version of the copy");
        assert!(record.find(&ListedObject { etag: other, ..a.clone() }, &ETag::new("copy")).is_none());
        assert!(record.find(&ListedObject { size: 8, ..a }, &ETag::new("copy")).is_none());
    }

    #[tokio::test]
    async fn torn_at_any_byte_it_loses_the_last_line_at_most_and_goes_on() {
        let bytes = written().await;
        for end_at in 0..=bytes.len() {
            let memory = Memory::of(&bytes[..end_at]);
            let mut record = open(&memory).await.unwrap_or_else(|e| panic!("torn at {end_at}: {e}"));
            let whole = bytes[..end_at].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1);
            // The last line may be whole but for its end.
            assert!((whole..=whole + 1).contains(&record.len()), "torn at {end_at}");
            record.note(&[end("new", DeepVerdict::Verified(DeepProof::Crc32))]).await.expect("memory takes it");
            let again = open(&memory).await.unwrap_or_else(|e| panic!("torn at {end_at}: {e}"));
            assert_eq!(known(&again, "new"), Some("verified"), "torn at {end_at}");
            assert!(again.len() > whole, "torn at {end_at}");
        }
    }

    #[tokio::test]
    async fn a_file_of_another_kind_is_not_touched() {
        let newer = br#"{"flex_deep_record":2,"source_bucket":"vendor","bucket":"mine","prefix":"p/"}"#;
        for bytes in [&b"notes\n"[..], b"{}\n", b"\n", b"\x1f\x8b\x08", newer, b"{\"flex_deep_record\"\n"] {
            let opened = open(&Memory::of(bytes)).await;
            assert!(matches!(opened, Err(DeepRecordError::NotARecord)), "{:?}", String::from_utf8_lossy(bytes));
        }
        let hostile = br#"{"flex_deep_record":1,"source_bucket":"\u001b[2J","bucket":"b","prefix":""}"#;
        let told = open(&Memory::of(hostile)).await.expect_err("of other buckets").to_string();
        assert!(told.contains("from \\u{1b}[2J into b/"), "{told}");
        let other = DeepRecord::open(Memory::of(&written().await), &scene("other")).await;
        assert!(matches!(other, Err(DeepRecordError::OtherBuckets { bucket, .. }) if bucket == "mine"));
    }

    #[tokio::test]
    async fn a_full_disk_is_told_once() {
        let memory = Arc::new(Memory { bytes: Mutex::default(), full: true });
        let mut record = open(&memory).await.expect("it opens");
        let good = [end("a", DeepVerdict::Verified(DeepProof::Md5))];
        assert!(record.note(&good).await.is_err());
        assert!(record.note(&good).await.is_ok(), "and not tried again");
    }
}
