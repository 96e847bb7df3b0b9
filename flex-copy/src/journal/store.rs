//! Where a journal's bytes live.

use std::{fmt, io};

use futures::future::BoxFuture;

/// Where a journal's bytes live. [`JournalFile`](super::JournalFile) is a file.
///
/// One writer at a time, which calls one method at a time; a call may be dropped before it ends, and then counts as failed.
pub trait JournalStore: fmt::Debug + Send + Sync {
    /// All bytes that there are; empty when there are none yet.
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>>;
    /// Appends. The bytes are durable when it returns `Ok`. After an error or a crash any prefix of them may be there.
    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>>;
    /// Puts these bytes in the place of all others, atomically and durably.
    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>>;
}
