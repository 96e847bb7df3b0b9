//! The journal: what S3 cannot tell a later run.
//!
//! A destination's listing shows every object that was copied, so a run needs no memory of those. It shows no upload
//! that is under way, and the copy role may not list uploads: one that a killed run left would be unknown, and its parts
//! billed, until the owner finds it. So a run writes down an *intent* before each CreateMultipartUpload and the upload's
//! id before its first part ([`JournalRecord`]). The next run resumes such an upload, or aborts it when it is of no use;
//! a creation whose answer was lost can only be found by the owner's [`Cleaner`](crate::Cleaner).
//!
//! Losing a journal loses no data. Writing it may fail at any time: the run then goes on without, and says so once
//! ([`Notice::JournalFailed`](crate::Notice::JournalFailed)).
//!
//! # What becomes of the uploads that a journal knows
//! - Of an object that is to be copied in parts, from the same version of the source, with the same layout, checksum,
//!   storage class and encryption: resumed. The parts that are there are kept, the others copied.
//! - Of any other object that the run's selection covers: aborted once the selection is listed, and before the object is
//!   copied anew. Where that fails, they stay.
//! - Of what the selection does not cover, or the filter leaves out: left. Another run may resume them.
//! - Creations without an answer: left, since their ids are not known.
//!
//! All that stay open are in the summary ([`Summary::open_uploads`](crate::Summary::open_uploads)), those of earlier runs
//! marked as such, because their parts are billed until somebody ends them.
//!
//! # Two at once
//! Two runs must not share a journal at the same time; [`JournalFile`] holds a lock. Of one that holds it, no upload is
//! touched: its journal cannot be opened.

mod file;
mod known;
mod log;
mod record;
mod store;

pub use file::JournalFile;
pub use known::{JournalUpload, LostCreate};
pub(crate) use log::Claim;
pub use log::{Journal, JournalError};
pub use record::{JournalRecord, UploadEnd};
pub use store::JournalStore;
