//! What a run tells: typed events, one end for each object, one summary last.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use chrono::NaiveDate;
use flex_keys::{Dataset, Selection, TradingCalendar};
use serde::{Deserialize, Serialize};

use crate::{Checksum, ETag, LowerBound, Operation, PartSizes, RequestFailure, StopReason};

/// By what a copy is proven to hold the source's content, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A checksum of the whole object is equal on both sides.
    Checksum,
    /// The ETags are equal, which for equal layouts means equal content.
    Etag,
    /// Only the sizes are equal. Nothing is verified.
    SizeOnly,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checksum => "checksum",
            Self::Etag => "ETag",
            Self::SizeOnly => "size only",
        })
    }
}

/// Why an object is to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyReason {
    /// The destination has no such key.
    New,
    /// The destination has other content under this key, which the copy replaces.
    Changed,
    /// The same size, not proven, and asked to be copied again.
    Unproven,
}

/// How one object ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Copied, with what proves it.
    Copied {
        /// By what it is proven.
        proof: Proof,
        /// Why it was copied.
        reason: CopyReason,
        /// The ETag that the copy has.
        etag: ETag,
        /// Parts, or 1 for a whole copy.
        parts: u32,
        /// The source changed during the run; this is its newer version.
        source_changed: bool,
        /// The copy's checksum, where the service told one. It is the source's, too, where the proof is
        /// [`Proof::Checksum`].
        checksum: Option<Box<Checksum>>,
        /// The sizes of its parts; `None` for a whole copy.
        layout: Option<Box<PartSizes>>,
    },
    /// Already there with equal size and ETag.
    Identical,
    /// Already there with equal size; the listings can prove no more. Kept.
    Kept,
    /// The destination has other content, and was asked to keep it.
    ChangeKept,
    /// Listed, but the contract does not let the copy role read it.
    NotEntitled,
    /// In GLACIER or DEEP_ARCHIVE: cannot be copied before its owner restores it.
    Archived,
    /// A zero-byte object named like a folder: counted, not copied.
    Marker,
    /// The source changed again and again, or vanished, while it was being copied.
    ChangedMeanwhile {
        /// What was seen.
        detail: &'static str,
    },
    /// Not copied; why.
    Failed(Arc<ObjectFailure>),
    /// Not finished because the run was stopped.
    Interrupted,
}

impl Outcome {
    /// The word for it in JSON and in counts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Copied { .. } => "copied",
            Self::Identical => "identical",
            Self::Kept => "kept",
            Self::ChangeKept => "change-kept",
            Self::NotEntitled => "not-entitled",
            Self::Archived => "archived",
            Self::Marker => "marker",
            Self::ChangedMeanwhile { .. } => "changed-meanwhile",
            Self::Failed(_) => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Why one object could not be copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectFailure {
    /// A request failed for good.
    #[error("the copy failed after {attempts} attempts")]
    Request {
        /// Attempts made, the first one included.
        attempts: u32,
        /// The last failure.
        source: RequestFailure,
    },
    /// The source can be read, so the destination refused.
    #[error("the destination refused the copy (the source can be read)")]
    DestinationRefused {
        /// The refusal.
        source: RequestFailure,
    },
    /// The destination admits no parts, and the object is too large for one request.
    #[error(
        "the destination refuses parts under its ACL condition, and {size} bytes are more than one CopyObject may copy (5 GiB)"
    )]
    PartsRefused {
        /// Bytes.
        size: u64,
    },
    /// The destination has other content, and changes were asked to fail.
    #[error("the destination has other content under this key, which was not replaced")]
    Changed,
    /// The copy was made but its ETag is not the source's although nothing explains that.
    #[error("the copy's ETag {got} is not the source's {want}, and neither encryption nor layout explains it")]
    NotProven {
        /// The source's.
        want: ETag,
        /// The copy's.
        got: ETag,
    },
    /// A task of flex itself broke down.
    #[error("internal fault: {0}")]
    Internal(String),
}

/// Something to know that is not the end of an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The service asks to slow down: the writes, or the reads, of the partition that it concerns are paced now. Told every
    /// ten seconds at most.
    SlowedDown {
        /// Requests per second there for the moment; the pace goes on to follow the service.
        requests_per_second: f64,
    },
    /// The service does not answer; the run waits.
    Waiting {
        /// The failure that started the wait.
        failure: String,
    },
    /// The destination admits no parts under its ACL condition: objects up to 5 GiB are copied whole from here on.
    PartsRefused {
        /// What the service said.
        failure: String,
    },
    /// Metadata that cannot be carried over.
    MetadataLost {
        /// The object.
        key: String,
        /// What is lost.
        detail: String,
    },
    /// The destination encrypts with KMS: its ETags prove nothing.
    DestinationUsesKms,
    /// The journal cannot be written: the run goes on without. Uploads from here on are unknown to a later run, should
    /// this one be killed.
    JournalFailed {
        /// What went wrong, with the journal's place.
        failure: String,
    },
    /// The journal held lines that cannot be read. They are skipped; an upload that they told of is unknown.
    JournalDamaged {
        /// How many.
        lines: u64,
    },
    /// A multipart copy that an earlier run began goes on.
    Resumed {
        /// The object.
        key: String,
        /// Parts that are there already.
        kept: u32,
        /// All of its parts.
        parts: u32,
    },
    /// An upload of an earlier run that is of no use any more was aborted.
    UploadAborted {
        /// The key at the destination, its prefix included.
        key: String,
        /// The upload's id.
        upload_id: String,
    },
    /// An upload of an earlier run was left as it is: it could not be looked at, or not be aborted.
    UploadLeft {
        /// The key at the destination, its prefix included.
        key: String,
        /// The upload's id.
        upload_id: String,
        /// What the service said.
        failure: String,
    },
}

/// One event of a run, in this order: notices and ends of objects as they come, then one summary.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CopyEvent {
    /// So much has been listed and compared since the last such event.
    Listed {
        /// Objects.
        objects: u64,
        /// Their bytes.
        bytes: u64,
        /// Objects among them that will be copied.
        to_copy: u64,
        /// Their bytes.
        bytes_to_copy: u64,
    },
    /// All is listed: the totals are final.
    ListingDone,
    /// Something to know.
    Notice(Notice),
    /// An object has ended.
    Object(ObjectEnd),
    /// The last event.
    Summary(Box<Summary>),
}

/// The end of one object.
#[derive(Clone, Debug)]
pub struct ObjectEnd {
    /// The key in the vendor's bucket.
    pub key: String,
    /// Bytes of the version that was copied, or else listed.
    pub size: u64,
    /// The source's ETag of that version.
    pub etag: ETag,
    /// When the source was written, in seconds since 1970-01-01 UTC; 0 where the service does not tell.
    pub last_modified: i64,
    /// The ETag of what the destination had under the key before this run, if it had anything.
    pub destination_etag: Option<ETag>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Objects and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Objects.
    pub objects: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Count {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |a, c| Self { objects: a.objects + c.objects, bytes: a.bytes + c.bytes })
    }
}

/// What one day holds, by what was listed and how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayCounts {
    /// Listed at the source.
    pub listed: u64,
    /// At the destination in the source's state at the end: copied, identical or kept.
    pub present: u64,
    /// Not entitled.
    pub not_entitled: u64,
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenUpload {
    /// The key at the destination, its prefix included.
    pub key: String,
    /// The upload's id; `None` where the answer to its creation was lost, so that it may not be open at all.
    pub upload_id: Option<String>,
    /// An earlier run began it, and this one neither resumed nor aborted it: it was outside the selection, or could not be.
    pub earlier: bool,
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Copied, by proof.
    pub copied: BTreeMap<Proof, Count>,
    /// Copied over other content at the destination (also counted in `copied`).
    pub replaced: Count,
    /// Already there, ETags equal.
    pub identical: Count,
    /// Already there, proven by size only.
    pub kept: Count,
    /// Other content at the destination, kept as asked.
    pub changes_kept: Count,
    /// Listed but not readable under the contract.
    pub not_entitled: Count,
    /// Archived at the source.
    pub archived: Count,
    /// Marker objects.
    pub markers: Count,
    /// Changed or vanished meanwhile.
    pub changed_meanwhile: Count,
    /// Failed.
    pub failed: Count,
    /// Not finished, or not begun though planned, because the run was stopped.
    pub interrupted: Count,
    /// Objects with names that flex does not recognise (counted above too).
    pub unknown_names: Count,
    /// Objects at the destination under the selected prefixes that the source does not have.
    pub extra: Count,
    /// By day.
    pub days: BTreeMap<(Dataset, NaiveDate), DayCounts>,
    /// Requests sent, by operation.
    pub requests: BTreeMap<Operation, u64>,
    /// Requests that were tried again.
    pub retries: u64,
    /// Answers that asked to slow down.
    pub throttled: u64,
    /// Uploads that stay open.
    pub open_uploads: Vec<OpenUpload>,
    /// The run did not come to its end because of this.
    pub stopped: Option<Arc<StopReason>>,
    /// The run was cancelled.
    pub cancelled: bool,
    /// The whole selection was listed.
    pub listing_complete: bool,
    /// Wall time.
    pub elapsed: Duration,
    /// The time that S3 needs for what was copied at the rates that it is known by; none when nothing was.
    pub bound: Option<LowerBound>,
}

impl Summary {
    /// All copied objects.
    pub fn copied_total(&self) -> Count {
        self.copied.values().copied().sum()
    }

    /// All objects that the source lists in the selection.
    pub fn listed_total(&self) -> Count {
        [
            self.copied_total(),
            self.identical,
            self.kept,
            self.changes_kept,
            self.not_entitled,
            self.archived,
            self.markers,
            self.changed_meanwhile,
            self.failed,
            self.interrupted,
        ]
        .into_iter()
        .sum()
    }

    /// Sessions of the calendar inside the selection for which the source lists no object.
    pub fn missing_sessions(&self, selection: &Selection, calendar: &TradingCalendar) -> Vec<(Dataset, NaiveDate)> {
        missing_sessions(&self.days, selection, calendar)
    }

    /// Days named one by one for which the source lists no object, whether sessions or not.
    pub fn missing_named_days(&self, selection: &Selection) -> Vec<(Dataset, NaiveDate)> {
        missing_named_days(&self.days, selection)
    }
}

type Days = BTreeMap<(Dataset, NaiveDate), DayCounts>;

fn nothing_listed(days: &Days, day: (Dataset, NaiveDate)) -> bool {
    days.get(&day).is_none_or(|counts| counts.listed == 0)
}

pub(crate) fn missing_sessions(
    days: &Days,
    selection: &Selection,
    calendar: &TradingCalendar,
) -> Vec<(Dataset, NaiveDate)> {
    selection.sessions(calendar).filter(|day| nothing_listed(days, *day)).collect()
}

pub(crate) fn missing_named_days(days: &Days, selection: &Selection) -> Vec<(Dataset, NaiveDate)> {
    selection.named_days().iter().copied().filter(|day| nothing_listed(days, *day)).collect()
}
