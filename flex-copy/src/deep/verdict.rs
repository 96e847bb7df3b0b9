//! What reading an object shows, and what a deep verification tells.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::NaiveDate;
use flex_keys::{Dataset, Selection, TradingCalendar};

use super::DeepProof;
use crate::{
    Count, DayCounts, ETag, Notice, Operation, RequestFailure, StopReason,
    event::{missing_named_days, missing_sessions},
};

/// What reading one object shows. Where several things are wrong, the first of this list is told.
///
/// `proof` beside a fault: the content is the source's nevertheless, so the source has the fault, too.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DeepVerdict {
    /// The content is not the source's.
    Differs {
        /// Which digests, or sizes.
        detail: String,
    },
    /// A `.gz` that cannot be unpacked whole, or whose trailer does not fit what comes out.
    DamagedGzip {
        /// What is wrong with it.
        detail: String,
        /// What proves that the source has the same content.
        proof: Option<DeepProof>,
    },
    /// A `.pcap` or `.pcap.gz` that does not begin as a capture does.
    NotPcap {
        /// What proves that the source has the same content.
        proof: Option<DeepProof>,
    },
    /// The date in the file's name is not that of its folder.
    WrongDate {
        /// What proves that the source has the same content.
        proof: Option<DeepProof>,
    },
    /// It could be read, and nothing is wrong with it; but the source says nothing that its content can be compared with.
    /// Not verified.
    NotComparable {
        /// Why not.
        detail: &'static str,
        /// It is so for as long as there are these two versions; other reasons may be gone when it is asked again.
        lasting: bool,
    },
    /// The content is the source's.
    Verified(DeepProof),
    /// The destination does not have it, and the copy role may read it.
    Missing,
    /// One of the two sides changed while it was being looked at.
    ChangedMeanwhile {
        /// Which.
        detail: &'static str,
    },
    /// It has to be restored by its owner before it can be read.
    Archived {
        /// Where.
        detail: &'static str,
    },
    /// The destination does not have it, and the contract does not let the copy role read it.
    NotEntitled,
    /// A zero-byte object named like a folder; not looked at.
    Marker,
    /// It could not be read to its end.
    Failed(Arc<RequestFailure>),
    /// Not finished because the run was stopped.
    Interrupted,
}

impl DeepVerdict {
    /// The word for it in JSON and in counts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Differs { .. } => "differs",
            Self::DamagedGzip { .. } => "damaged-gzip",
            Self::NotPcap { .. } => "not-pcap",
            Self::WrongDate { .. } => "wrong-date",
            Self::NotComparable { .. } => "not-comparable",
            Self::Verified(_) => "verified",
            Self::Missing => "missing",
            Self::ChangedMeanwhile { .. } => "changed-meanwhile",
            Self::Archived { .. } => "archived",
            Self::NotEntitled => "not-entitled",
            Self::Marker => "marker",
            Self::Failed(_) => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// What proves that the content is the source's, whatever else is wrong with it.
    pub fn proof(&self) -> Option<DeepProof> {
        match self {
            Self::Verified(proof) => Some(*proof),
            Self::DamagedGzip { proof, .. } | Self::NotPcap { proof } | Self::WrongDate { proof } => *proof,
            _ => None,
        }
    }
}

/// The end of one object.
#[derive(Clone, Debug)]
pub struct DeepEnd {
    /// The key in the vendor's bucket.
    pub key: String,
    /// Bytes, as the source lists it.
    pub size: u64,
    /// The source's ETag.
    pub etag: ETag,
    /// The destination's ETag, where it has something under the key.
    pub destination_etag: Option<ETag>,
    /// What was found.
    pub verdict: DeepVerdict,
    /// It was to be read. Of the others, the listings or the source alone told.
    pub read: bool,
    /// Found by an earlier run, as the record says; not read again.
    pub recorded: bool,
}

/// One event of a deep verification; the summary is the last.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DeepEvent {
    /// Something to know.
    Notice(Notice),
    /// More objects are listed.
    Listed {
        /// Objects.
        objects: u64,
        /// Of them, to be read.
        to_read: u64,
        /// Their bytes.
        bytes_to_read: u64,
    },
    /// Everything is listed.
    ListingDone,
    /// One object.
    Object(DeepEnd),
    /// The record cannot be written any more; the run goes on without. Told once.
    RecordFailed {
        /// Why.
        detail: String,
    },
    /// The last event.
    Summary(Box<DeepSummary>),
}

/// The result of a deep verification.
#[derive(Clone, Debug, Default)]
pub struct DeepSummary {
    /// The content is the source's, by proof.
    pub verified: BTreeMap<DeepProof, Count>,
    /// Found by an earlier run and not read again (counted above and below, too).
    pub recorded: Count,
    /// Other content than the source's.
    pub differs: Count,
    /// Damaged gzip files.
    pub damaged_gzip: Count,
    /// Captures that are none.
    pub not_pcap: Count,
    /// In the folder of another day.
    pub wrong_date: Count,
    /// Readable, and nothing to compare with.
    pub not_comparable: Count,
    /// The destination does not have them.
    pub missing: Count,
    /// Changed while they were looked at.
    pub changed_meanwhile: Count,
    /// Archived.
    pub archived: Count,
    /// Not in the contract and not in the destination.
    pub not_entitled: Count,
    /// Could not be read.
    pub failed: Count,
    /// Not finished, or not begun though listed, because the run was stopped.
    pub interrupted: Count,
    /// Zero-byte objects named like folders.
    pub markers: Count,
    /// Only the destination has them. They are not read.
    pub extra: Count,
    /// By day; `present` counts what is the source's, or may be.
    pub days: BTreeMap<(Dataset, NaiveDate), DayCounts>,
    /// Bytes read from the destination.
    pub bytes_read: u64,
    /// Bodies that broke off or stood still and were gone on with.
    pub resumed: u64,
    /// Requests sent, by operation, as both identities.
    pub requests: BTreeMap<Operation, u64>,
    /// Requests that were tried again.
    pub retries: u64,
    /// Answers that asked to slow down.
    pub throttled: u64,
    /// Wall time.
    pub elapsed: Duration,
    /// The verification did not come to its end because of this.
    pub stopped: Option<Arc<StopReason>>,
    /// It was cancelled.
    pub cancelled: bool,
    /// The whole selection was listed.
    pub listing_complete: bool,
}

impl DeepSummary {
    /// All verified objects.
    pub fn verified_total(&self) -> Count {
        self.verified.values().copied().sum()
    }

    /// All objects that the source lists in the selection.
    pub fn listed_total(&self) -> Count {
        [
            self.verified_total(),
            self.differs,
            self.damaged_gzip,
            self.not_pcap,
            self.wrong_date,
            self.not_comparable,
            self.missing,
            self.changed_meanwhile,
            self.archived,
            self.not_entitled,
            self.failed,
            self.interrupted,
            self.markers,
        ]
        .into_iter()
        .sum()
    }

    /// The count of a verdict.
    pub(crate) fn count(&mut self, verdict: &DeepVerdict) -> &mut Count {
        match verdict {
            DeepVerdict::Verified(proof) => self.verified.entry(*proof).or_default(),
            DeepVerdict::Differs { .. } => &mut self.differs,
            DeepVerdict::DamagedGzip { .. } => &mut self.damaged_gzip,
            DeepVerdict::NotPcap { .. } => &mut self.not_pcap,
            DeepVerdict::WrongDate { .. } => &mut self.wrong_date,
            DeepVerdict::NotComparable { .. } => &mut self.not_comparable,
            DeepVerdict::Missing => &mut self.missing,
            DeepVerdict::ChangedMeanwhile { .. } => &mut self.changed_meanwhile,
            DeepVerdict::Archived { .. } => &mut self.archived,
            DeepVerdict::NotEntitled => &mut self.not_entitled,
            DeepVerdict::Marker => &mut self.markers,
            DeepVerdict::Failed(_) => &mut self.failed,
            DeepVerdict::Interrupted => &mut self.interrupted,
        }
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
