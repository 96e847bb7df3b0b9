//! Deep verification: reads every object from the destination, as its owner, and compares the content itself with what
//! the source says of it.
//!
//! [`Copier::verify_deep`](crate::Copier::verify_deep) lists both sides as the copy role, as every other verification does, and
//! reads each object that the destination has, as the identity of the client that it is given. That identity needs
//! `s3:GetObject` on the objects, and `kms:Decrypt` where the bucket encrypts with KMS, and nothing else. Every byte is
//! transferred out of S3.
//!
//! # What is compared
//! - The MD5 with a plain ETag of the source; the MD5 of the parts' MD5s with a multipart ETag, cut as the source's parts
//!   are (a HEAD by part tells); a CRC64NVME, CRC32C or CRC32 of the whole object with the source's, where the listing says
//!   that there is one. Where the source says nothing that content can be compared with, as under SSE-KMS, the verdict is
//!   [`DeepVerdict::NotComparable`] and not [`DeepVerdict::Verified`].
//! - A `.gz` is unpacked as a stream, all its members, and their trailers compared with what came out.
//! - A `.pcap`, packed or not, must begin as a capture does.
//! - The date in a file's name must be that of its folder.
//!
//! # Reading
//! Every request is pinned to the listed ETag. A body that breaks off or stands still is gone on with from where it stopped.
//! Memory is that of the pieces under way and one inflater an object; nothing is written to disk. With a
//! [`DeepRecord`], a later run does not read again what was found good and is unchanged by the listings.

mod content;
mod digest;
mod fetch;
mod gzip;
mod object;
mod pace;
mod pcap;
mod record;
mod run;
mod settings;
mod source;
mod verdict;

pub use digest::DeepProof;
pub use record::{DeepRecord, DeepRecordError};
pub use run::DeepRun;
pub use settings::{DEFAULT_DEEP_IN_FLIGHT, DeepSettings, DeepSettingsBuilder};
pub use verdict::{DeepEnd, DeepEvent, DeepSummary, DeepVerdict};

pub(crate) use run::{Parts, start};

use crate::{StopReason, failure::FailureKind, requests::Failed};

/// Why an object's own verdict is not reached.
#[derive(Debug)]
enum Fault {
    /// It has another.
    Verdict(DeepVerdict),
    /// The run must end.
    Stop(StopReason),
    /// The run was cancelled.
    Interrupted,
}

impl Fault {
    /// What a failure means that no operation explains.
    fn of(bucket: &str, failed: Failed) -> Self {
        if failed.kind() == FailureKind::Cancelled {
            return Self::Interrupted;
        }
        match StopReason::general(bucket, failed) {
            Ok(reason) => Self::Stop(reason),
            Err(failed) => Self::Verdict(DeepVerdict::Failed(failed.failure.into())),
        }
    }
}
