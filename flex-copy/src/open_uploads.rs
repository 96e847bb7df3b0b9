//! The uploads that a run has under way, in memory and in its journal.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Bucket, Journal, Notice, OpenUpload,
    journal::{Claim, JournalUpload, UploadEnd},
    requests::Requests,
};

/// The uploads that were begun and not ended. Shared with the caller, who may leave at any moment.
#[derive(Clone, Debug)]
pub(crate) struct Uploads(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bucket: Bucket,
    requests: Arc<Requests>,
    open: Mutex<Open>,
    journal: Option<(Journal, Claim)>,
    /// Keys of creations whose answers earlier runs lost.
    lost_before: Vec<String>,
}

#[derive(Debug, Default)]
struct Open {
    /// By key and upload id.
    known: BTreeMap<(String, String), JournalUpload>,
    /// Keys for which a creation is under way, or its answer was lost.
    lost: Vec<String>,
    /// Uploads of earlier runs, by key and id, that this run tried to look at or to abort, and could not.
    left: BTreeSet<(String, String)>,
    /// Keys of objects that were not finished, so that a later run may resume their uploads.
    unfinished: BTreeSet<String>,
}

impl Uploads {
    pub(crate) fn new(bucket: &Bucket, requests: Arc<Requests>, journal: Option<Journal>) -> Self {
        let lost = journal.as_ref().map(Journal::lost_creates).unwrap_or_default();
        let lost_before = lost
            .into_iter()
            .filter(|lost| lost.bucket == bucket.name() && lost.key.starts_with(bucket.key_prefix()))
            .map(|lost| lost.key)
            .collect();
        let journal = journal.map(|journal| {
            let claim = journal.begin(bucket.now());
            let lines = journal.damage_to_tell();
            if lines > 0 {
                requests.notice(Notice::JournalDamaged { lines });
            }
            (journal, claim)
        });
        Self(Arc::new(Shared { bucket: bucket.clone(), requests, open: Mutex::default(), journal, lost_before }))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_failure(&self, journal: &Journal) {
        if let Some(failure) = journal.failure_to_tell() {
            self.0.requests.notice(Notice::JournalFailed { failure });
        }
    }

    /// Before a creation is sent: from here on there may be an upload that nobody knows.
    pub(crate) async fn opening(&self, key: &str) {
        self.lock().lost.push(key.into());
        if let Some((journal, _)) = &self.0.journal {
            journal.intent(self.0.bucket.name(), key, self.0.bucket.now()).await;
            self.tell_failure(journal);
        }
    }

    /// Every attempt at a creation was answered, and there is no upload.
    pub(crate) fn not_opened(&self, key: &str) {
        self.answered(key);
        if let Some((journal, _)) = &self.0.journal {
            journal.not_opened(self.0.bucket.name(), key);
        }
    }

    fn answered(&self, key: &str) {
        let mut open = self.lock();
        if let Some(at) = open.lost.iter().position(|lost| lost == key) {
            open.lost.swap_remove(at);
        }
    }

    /// A creation was answered; if not each of its attempts was, there may be another upload besides this one.
    pub(crate) async fn opened(&self, upload: &mut JournalUpload, answered: bool) {
        upload.at = self.0.bucket.now();
        self.hold(upload);
        if answered {
            self.answered(&upload.key);
        }
        if let Some((journal, claim)) = &self.0.journal {
            journal.opened(upload.clone(), answered, claim).await;
            self.tell_failure(journal);
        }
    }

    pub(crate) fn ended(&self, upload: &JournalUpload, how: UploadEnd) {
        self.lock().known.remove(&key_and_id(upload));
        if let Some((journal, _)) = &self.0.journal {
            journal.note_end(upload, how);
        }
    }

    fn hold(&self, upload: &JournalUpload) {
        self.lock().known.insert(key_and_id(upload), upload.clone());
    }

    /// The uploads of earlier runs that nobody has taken or tried in vain, and that may be of no use any more.
    pub(crate) fn of_earlier_runs(&self) -> Vec<JournalUpload> {
        let Some((journal, _)) = &self.0.journal else { return Vec::new() };
        let mut uploads = journal.unclaimed(self.0.bucket.name());
        let open = self.lock();
        uploads.retain(|upload| !open.left.contains(&key_and_id(upload)) && !open.unfinished.contains(&upload.key));
        uploads
    }

    /// Those of one key, the newest first.
    pub(crate) fn of_key(&self, key: &str) -> Vec<JournalUpload> {
        let Some((journal, _)) = &self.0.journal else { return Vec::new() };
        let mut uploads = journal.unclaimed_of(self.0.bucket.name(), key);
        let open = self.lock();
        uploads.retain(|upload| !open.left.contains(&key_and_id(upload)));
        uploads.sort_by_key(|upload| std::cmp::Reverse(upload.at));
        uploads
    }

    /// Takes an upload of an earlier run for this one.
    pub(crate) fn take(&self, upload: &JournalUpload) -> bool {
        let taken = self.0.journal.as_ref().is_some_and(|(journal, claim)| journal.claim(upload, claim));
        if taken {
            self.hold(upload);
        }
        taken
    }

    /// Leaves an upload that was taken as it was, for this run.
    pub(crate) fn leave(&self, upload: &JournalUpload) {
        {
            let mut open = self.lock();
            open.known.remove(&key_and_id(upload));
            open.left.insert(key_and_id(upload));
        }
        if let Some((journal, _)) = &self.0.journal {
            journal.release(upload);
        }
    }

    /// An object was not finished: what earlier runs opened for it is not out of use.
    pub(crate) fn unfinished(&self, vendor_key: &str) {
        if self.0.journal.is_some() {
            let key = self.0.bucket.key(vendor_key);
            self.lock().unfinished.insert(key);
        }
    }

    /// The run has come to its end.
    pub(crate) async fn rest(&self) {
        if let Some((journal, _)) = &self.0.journal {
            journal.rest(self.0.bucket.now()).await;
            self.tell_failure(journal);
        }
    }

    pub(crate) fn list(&self) -> Vec<OpenUpload> {
        let of = |upload: &JournalUpload, earlier| OpenUpload {
            key: upload.key.clone(),
            upload_id: Some(upload.upload_id.clone()),
            earlier,
        };
        let lost = |key: &String, earlier| OpenUpload { key: key.clone(), upload_id: None, earlier };
        let mut list: Vec<_> = {
            let open = self.lock();
            let known = open.known.values().map(|upload| of(upload, false));
            known.chain(open.lost.iter().map(|key| lost(key, false))).collect()
        };
        if let Some((journal, _)) = &self.0.journal {
            let here = |upload: &&JournalUpload| upload.key.starts_with(self.0.bucket.key_prefix());
            let uploads = journal.unclaimed(self.0.bucket.name());
            list.extend(uploads.iter().filter(here).map(|upload| of(upload, true)));
            list.extend(self.0.lost_before.iter().map(|key| lost(key, true)));
        }
        list
    }
}

fn key_and_id(upload: &JournalUpload) -> (String, String) {
    (upload.key.clone(), upload.upload_id.clone())
}
