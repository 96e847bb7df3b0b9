//! A disk in memory that tears writes: of what was not confirmed any prefix may be there.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flex_copy::JournalStore;
use flex_copy::journal::JournalRecord;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::chance::{Dice, hash};
use super::sea::Sea;

/// What outlives a process: the bytes of its journal.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    sea: Sea,
}

impl Disk {
    pub(crate) fn new(sea: Sea) -> Self {
        Self { bytes: Arc::default(), sea }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is durable at this moment.
    pub(crate) fn records(&self) -> Vec<JournalRecord> {
        JournalRecord::read(&self.lock()).0
    }

    /// Whether this write finds the disk full.
    fn is_full(&self, nth: u64) -> bool {
        let rate = self.sea.rates().disk_full;
        let full = Dice::from(hash(self.sea.seed(), &["disk"], nth)).per_mille(rate);
        if full {
            self.sea.struck("disk-full");
            self.sea.journal_failed();
        }
        full
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "no space left on device")
}

/// A write that may be torn: dropped before its end, a part of it is there.
struct Torn<'a> {
    disk: &'a Disk,
    bytes: Vec<u8>,
    nth: u64,
    whole: bool,
    done: bool,
}

impl Torn<'_> {
    fn finish(&mut self, keep: usize) {
        self.done = true;
        let kept = &self.bytes[..keep.min(self.bytes.len())];
        let mut bytes = self.disk.lock();
        if self.whole {
            bytes.clear();
        }
        bytes.extend_from_slice(kept);
    }
}

impl Drop for Torn<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut dice = Dice::from(hash(self.disk.sea.seed(), &["torn"], self.nth));
        if self.whole {
            // Atomic: all of it or nothing.
            if dice.per_mille(500) {
                self.finish(usize::MAX);
            }
        } else {
            let keep = dice.below(self.bytes.len() as u64 + 1);
            self.finish(usize::try_from(keep).unwrap_or(0));
        }
        self.disk.sea.struck("torn-write");
    }
}

impl JournalStore for Disk {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        async { Ok(self.lock().clone()) }.boxed()
    }

    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.write(bytes, false)
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.write(bytes, true)
    }
}

impl Disk {
    fn write(&self, bytes: Vec<u8>, whole: bool) -> BoxFuture<'_, io::Result<()>> {
        async move {
            let nth = self.sea.next_write();
            let mut torn = Torn { disk: self, bytes, nth, whole, done: false };
            self.sea.cross().await;
            let long = Dice::from(hash(self.sea.seed(), &["disk-time"], nth)).skewed(0, 20);
            tokio::time::sleep(Duration::from_millis(long)).await;
            if self.is_full(nth) {
                if whole {
                    torn.done = true;
                }
                return Err(full());
            }
            torn.finish(usize::MAX);
            self.sea.cross().await;
            Ok(())
        }
        .boxed()
    }
}
