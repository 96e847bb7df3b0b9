//! What a journal's records come to: uploads that are open, creations without an answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::{JournalRecord, UploadEnd};
use crate::{ETag, PartSizes, layout::MAX_PARTS};

/// An upload as it was opened: what a later run must find unchanged to resume it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalUpload {
    /// The destination bucket.
    pub bucket: String,
    /// The key there, its prefix included.
    pub key: String,
    /// The upload's id.
    pub upload_id: String,
    /// The ETag of the source's version, to which every part is pinned.
    pub source_etag: ETag,
    /// Bytes of the whole object.
    pub size: u64,
    /// The sizes of its parts.
    pub parts: PartSizes,
    /// The algorithm of the checksum that was asked for, with checksums of the whole object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// The storage class that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// The encryption that was asked for, and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// The encryption that the service said it would use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<String>,
    /// When, in seconds since 1970-01-01 UTC.
    pub at: i64,
}

impl JournalUpload {
    pub(super) fn is_sound(&self) -> bool {
        let runs = self.parts.runs();
        self.parts.total() == Some(self.size)
            && u64::from(self.parts.count()) <= MAX_PARTS
            && runs.iter().all(|(size, count)| *size > 0 && *count > 0)
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        let optional = [&self.checksum, &self.storage_class, &self.encryption, &self.encrypted];
        [self.bucket.as_str(), &self.key, &self.upload_id, self.source_etag.as_str()]
            .into_iter()
            .chain(optional.into_iter().flatten().map(String::as_str))
            .collect()
    }

    /// Whether a copy that would be created like `wanted` may go on with this upload instead.
    pub(crate) fn serves(&self, wanted: &Self) -> bool {
        let of = |upload: &Self| Self { upload_id: String::new(), encrypted: None, at: 0, ..upload.clone() };
        of(self) == of(wanted)
    }
}

/// A creation whose answer was lost: there may be an upload that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostCreate {
    /// The destination bucket.
    pub bucket: String,
    /// The key there, its prefix included.
    pub key: String,
    /// When the first of them was about to be sent, in seconds since 1970-01-01 UTC.
    pub first: i64,
    /// When the last of them was.
    pub last: i64,
    /// How many.
    pub count: u32,
}

/// The sum of the records so far. Its size follows what is open, not what was.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By bucket, key and upload id.
    open: BTreeMap<(String, String, String), JournalUpload>,
    /// By bucket and key: first, last, how many.
    intents: BTreeMap<(String, String), (i64, i64, u32)>,
    /// When the run began that is under way, and with which version.
    run: Option<(i64, String)>,
}

impl Known {
    pub(super) fn apply(&mut self, record: &JournalRecord) {
        match record {
            JournalRecord::Journal { .. } => {}
            JournalRecord::RunStarted { at, flex } => self.run = Some((*at, flex.clone())),
            JournalRecord::RunEnded { .. } => self.run = None,
            JournalRecord::Intent { bucket, key, at } => {
                let intent = self.intents.entry((bucket.clone(), key.clone())).or_insert((*at, *at, 0));
                *intent = (intent.0.min(*at), intent.1.max(*at), intent.2.saturating_add(1));
            }
            JournalRecord::Opened { upload, answered } => {
                if *answered {
                    self.answer(&upload.bucket, &upload.key);
                }
                self.open.insert(upload.id(), upload.clone());
            }
            JournalRecord::NotOpened { bucket, key } => self.answer(bucket, key),
            JournalRecord::Ended { bucket, key, upload_id, how: _ } => {
                self.open.remove(&(bucket.clone(), key.clone(), upload_id.clone()));
            }
            JournalRecord::Settled { bucket, key } => {
                self.intents.remove(&(bucket.clone(), key.clone()));
            }
        }
    }

    pub(super) fn forget_run(&mut self) {
        self.run = None;
    }

    fn answer(&mut self, bucket: &str, key: &str) {
        let key = (bucket.to_owned(), key.to_owned());
        match self.intents.get_mut(&key) {
            Some((_, _, count)) if *count > 1 => *count -= 1,
            _ => drop(self.intents.remove(&key)),
        }
    }

    /// The fewest records that come to the same.
    pub(super) fn records(&self) -> Vec<JournalRecord> {
        let run = self.run.iter().map(|(at, flex)| JournalRecord::RunStarted { at: *at, flex: flex.clone() });
        let intents = self.intents.iter().flat_map(|((bucket, key), (first, last, count))| {
            let intent = |at| JournalRecord::Intent { bucket: bucket.clone(), key: key.clone(), at };
            // Which of two was answered is not known, so that one that is left may be of either time.
            let either = *count == 1 && first != last;
            let answer = either.then(|| JournalRecord::NotOpened { bucket: bucket.clone(), key: key.clone() });
            // Times between the first and the last do not matter.
            let intents = (0..*count + u32::from(either)).map(move |n| intent(if n == 0 { *first } else { *last }));
            intents.chain(answer)
        });
        let open = self.open.values().map(|upload| JournalRecord::Opened { upload: upload.clone(), answered: false });
        run.chain(intents).chain(open).collect()
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &JournalUpload> {
        self.open.values()
    }

    /// Those of one key, whatever their ids.
    pub(super) fn open_of<'a>(&'a self, bucket: &'a str, key: &'a str) -> impl Iterator<Item = &'a JournalUpload> {
        let from = (bucket.to_owned(), key.to_owned(), String::new());
        let of_it = move |upload: &&JournalUpload| upload.bucket == bucket && upload.key == key;
        self.open.range(from..).map(|(_, upload)| upload).take_while(of_it)
    }

    pub(super) fn holds(&self, upload: &JournalUpload) -> bool {
        self.open.get(&upload.id()) == Some(upload)
    }

    pub(super) fn lost(&self) -> impl Iterator<Item = LostCreate> {
        self.intents.iter().map(|((bucket, key), (first, last, count))| LostCreate {
            bucket: bucket.clone(),
            key: key.clone(),
            first: *first,
            last: *last,
            count: *count,
        })
    }
}

impl JournalUpload {
    pub(super) fn id(&self) -> (String, String, String) {
        (self.bucket.clone(), self.key.clone(), self.upload_id.clone())
    }

    pub(super) fn ended(&self, how: UploadEnd) -> JournalRecord {
        JournalRecord::Ended {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            upload_id: self.upload_id.clone(),
            how,
        }
    }
}
