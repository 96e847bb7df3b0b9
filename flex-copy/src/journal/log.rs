//! The journal itself: reads what there is, appends records, and keeps the store small.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use thiserror::Error;
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, sleep_until},
};

use super::{
    JournalStore,
    known::{JournalUpload, Known, LostCreate},
    record::{JournalRecord, UploadEnd, VERSION, lines},
};

/// So much is appended before the first look whether rewriting is worth it; then four times what was left.
const COMPACT_AT: usize = 1 << 20;
/// What may stay when a run ends: a few runs' beginnings and ends.
const AT_REST: usize = 4 << 10;

/// What comes within this time after a write shares the next: each waits for the disk, and thousands of objects a second need
/// no more than one write in the time of a request.
const SHARED: Duration = Duration::from_millis(10);

/// A journal that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has it open, most likely another flex.
    #[error("the journal {} is in use by another process", path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// A file operation failed.
    #[error("the journal {} cannot be {doing}", path.display())]
    Io {
        /// What was to be done with it.
        doing: &'static str,
        /// The journal, or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be read.
    #[error("the journal cannot be read")]
    Unreadable(#[source] io::Error),
    /// There is something else in its place, which is not touched.
    #[error("it is not a journal of flex's: no line of it is a record")]
    NotAJournal,
    /// A newer flex wrote it. It is not touched.
    #[error("a newer flex wrote the journal (form {version}; this one knows {VERSION})")]
    Newer {
        /// Its form.
        version: u32,
    },
}

/// A run's right to the uploads that it opened or took over. It ends with the run.
pub(crate) type Claim = Arc<()>;

/// Records of uploads under way. See the [module](crate::journal) for what they are for. Cheap to clone.
///
/// Appends that come at the same time, or within 10 ms after a write, share one: it needs a Tokio runtime with time. After a write that failed nothing more is appended; what is known
/// is written anew, whole, when the run ends.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn JournalStore>,
    state: Mutex<State>,
    /// Held while the store is written to: when that was last begun.
    turn: AsyncMutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct State {
    known: Known,
    /// Lines that no write has taken yet.
    pending: Vec<u8>,
    /// Records so far.
    queued: u64,
    /// Records among them that the store holds durably.
    durable: u64,
    /// Bytes in the store.
    stored: usize,
    /// From how many of them on to look whether rewriting is worth it.
    compact_at: usize,
    /// The store may hold half a line or damage, so the next write puts everything in its place.
    rewrite: bool,
    /// Why nothing is written any more.
    failure: Option<String>,
    told: bool,
    damaged: u64,
    claims: BTreeMap<(String, String, String), Weak<()>>,
}

impl Journal {
    /// Reads what the store holds. Nothing is written before there is something to say.
    pub async fn open(store: Arc<dyn JournalStore>) -> Result<Self, JournalError> {
        let bytes = store.read().await.map_err(JournalError::Unreadable)?;
        let (records, damaged) = JournalRecord::read(&bytes);
        let header = JournalRecord::Journal { version: VERSION };
        match records.first() {
            Some(JournalRecord::Journal { version }) if *version > VERSION => {
                return Err(JournalError::Newer { version: *version });
            }
            Some(_) => {}
            // A first write that was cut off; some file systems leave zeros for what was not written.
            None if header.line().starts_with(&bytes) || bytes.iter().all(|byte| *byte == 0) => {}
            None => return Err(JournalError::NotAJournal),
        }
        let mut state = State {
            stored: bytes.len(),
            compact_at: COMPACT_AT,
            rewrite: damaged > 0
                || !lines(&bytes).1.is_empty()
                || (!bytes.is_empty() && records.first() != Some(&header)),
            damaged,
            ..State::default()
        };
        for record in &records {
            state.known.apply(record);
        }
        Ok(Self(Arc::new(Shared { store, state: Mutex::new(state), turn: AsyncMutex::default() })))
    }

    /// The uploads that are open as far as the journal knows.
    pub fn open_uploads(&self) -> Vec<JournalUpload> {
        self.state().known.open().cloned().collect()
    }

    /// The creations whose answers were lost.
    pub fn lost_creates(&self) -> Vec<LostCreate> {
        self.state().known.lost().collect()
    }

    /// Lines that could not be read when it was opened.
    pub fn damaged_lines(&self) -> u64 {
        self.state().damaged
    }

    /// Why nothing is written any more; `None` while all is well.
    pub fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// Notes that an upload is open no more.
    pub async fn ended(&self, upload: &JournalUpload, how: UploadEnd) {
        let number = self.queue(&upload.ended(how));
        self.flush(number).await;
    }

    /// Notes that of a creation without an answer nothing is left.
    pub async fn settled(&self, lost: &LostCreate) {
        let number = self.queue(&JournalRecord::Settled { bucket: lost.bucket.clone(), key: lost.key.clone() });
        self.flush(number).await;
    }

    /// Takes over what another journal knows, and leaves it empty. Nothing is lost on the way: for a moment both know it.
    pub async fn adopt(&self, other: &Self) {
        let records = {
            let mut state = other.state();
            state.known.forget_run();
            state.known.records()
        };
        let mut number = None;
        for record in &records {
            number = Some(self.queue(record));
        }
        let Some(number) = number else { return };
        self.flush(number).await;
        if self.failure().is_none() {
            let number = other.state().forget_all();
            other.flush(number).await;
        }
    }

    /// A run begins. Written together with its first record.
    pub(crate) fn begin(&self, at: i64) -> Claim {
        self.queue(&JournalRecord::RunStarted { at, flex: env!("CARGO_PKG_VERSION").to_owned() });
        Claim::default()
    }

    /// A run has come to its end, and everything is at rest.
    pub(crate) async fn rest(&self, at: i64) {
        let number = self.queue(&JournalRecord::RunEnded { at });
        {
            let mut state = self.state();
            // Perhaps there is room again.
            state.rewrite |= state.failure.take().is_some() || state.stored + state.pending.len() > AT_REST;
        }
        self.flush(number).await;
    }

    /// Durable, or failed, when it returns.
    pub(crate) async fn intent(&self, bucket: &str, key: &str, at: i64) {
        let number = self.queue(&JournalRecord::Intent { bucket: bucket.to_owned(), key: key.to_owned(), at });
        self.flush(number).await;
    }

    /// Durable, or failed, when it returns.
    pub(crate) async fn opened(&self, upload: JournalUpload, answered: bool, claim: &Claim) {
        self.state().claims.insert(upload.id(), Arc::downgrade(claim));
        let number = self.queue(&JournalRecord::Opened { upload, answered });
        self.flush(number).await;
    }

    /// Written with the next record, or at the end of the run.
    pub(crate) fn not_opened(&self, bucket: &str, key: &str) {
        self.queue(&JournalRecord::NotOpened { bucket: bucket.to_owned(), key: key.to_owned() });
    }

    /// Written with the next record, or at the end of the run: without it a later run asks after the upload once.
    pub(crate) fn note_end(&self, upload: &JournalUpload, how: UploadEnd) {
        self.queue(&upload.ended(how));
        self.state().claims.remove(&upload.id());
    }

    /// The uploads into this bucket that no run under way has a claim to.
    pub(crate) fn unclaimed(&self, bucket: &str) -> Vec<JournalUpload> {
        let state = self.state();
        state.known.open().filter(|upload| upload.bucket == bucket && state.is_free(upload)).cloned().collect()
    }

    /// Those of one key.
    pub(crate) fn unclaimed_of(&self, bucket: &str, key: &str) -> Vec<JournalUpload> {
        let state = self.state();
        state.known.open_of(bucket, key).filter(|upload| state.is_free(upload)).cloned().collect()
    }

    /// Takes an upload for a run; `false` when it is another's or known no more.
    pub(crate) fn claim(&self, upload: &JournalUpload, claim: &Claim) -> bool {
        let mut state = self.state();
        let taken = state.is_free(upload) && state.known.holds(upload);
        if taken {
            state.claims.insert(upload.id(), Arc::downgrade(claim));
        }
        taken
    }

    /// Gives an upload back that a run has claimed.
    pub(crate) fn release(&self, upload: &JournalUpload) {
        self.state().claims.remove(&upload.id());
    }

    /// Why writing failed, the first time it is asked for.
    pub(crate) fn failure_to_tell(&self) -> Option<String> {
        let mut state = self.state();
        if state.told {
            return None;
        }
        let failure = state.failure.clone();
        state.told = failure.is_some();
        failure
    }

    /// Damaged lines, the first time it is asked for.
    pub(crate) fn damage_to_tell(&self) -> u64 {
        std::mem::take(&mut self.state().damaged)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the record counts; durable it is only after a [`flush`](Self::flush) up to its number.
    fn queue(&self, record: &JournalRecord) -> u64 {
        let mut state = self.state();
        state.known.apply(record);
        if state.failure.is_none() {
            state.pending.extend(record.line());
        }
        state.queued += 1;
        state.queued
    }

    /// Whoever comes first writes for all that have come by then.
    async fn flush(&self, number: u64) {
        let mut turn = self.0.turn.lock().await;
        if self.state().is_settled(number) {
            return;
        }
        if let Some(last) = *turn {
            sleep_until(last + SHARED).await;
        }
        *turn = Some(Instant::now());
        let (bytes, upto, whole) = {
            let mut state = self.state();
            let (bytes, whole) = state.next_write();
            // Until the write is known to have succeeded. So also where this future is dropped before that.
            state.rewrite = true;
            (bytes, state.queued, whole)
        };
        let length = bytes.len();
        let written = match whole {
            true => self.0.store.replace(bytes).await,
            false => self.0.store.append(bytes).await,
        };
        let mut state = self.state();
        match written {
            Ok(()) => {
                state.rewrite = false;
                state.durable = upto;
                state.stored = if whole { length } else { state.stored + length };
                if whole {
                    state.compact_at = COMPACT_AT.max(4 * length);
                }
            }
            Err(failure) => {
                state.failure = Some(failure.to_string());
                state.pending = Vec::new();
            }
        }
    }
}

impl State {
    /// Nothing is known any more; the number of the write that makes it so.
    fn forget_all(&mut self) -> u64 {
        self.known = Known::default();
        self.rewrite = true;
        self.queued += 1;
        self.queued
    }

    /// A record is durable, or never will be.
    fn is_settled(&self, number: u64) -> bool {
        self.durable >= number || self.failure.is_some()
    }

    fn is_free(&self, upload: &JournalUpload) -> bool {
        self.claims.get(&upload.id()).is_none_or(|claim| claim.strong_count() == 0)
    }

    /// What to write next, and whether it goes in the place of all that is there.
    fn next_write(&mut self) -> (Vec<u8>, bool) {
        let header = JournalRecord::Journal { version: VERSION }.line();
        let pending = std::mem::take(&mut self.pending);
        let whole = self.rewrite || self.stored + pending.len() > self.compact_at;
        if whole {
            let lines = self.known.records().iter().flat_map(JournalRecord::line).collect();
            return ([header, lines].concat(), true);
        }
        (if self.stored == 0 { [header, pending].concat() } else { pending }, false)
    }
}

#[cfg(test)]
mod tests;
