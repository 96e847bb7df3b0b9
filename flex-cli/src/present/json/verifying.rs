//! The lines of `verify`, with the listings, with manifests, and of manifests among themselves.

use std::{collections::BTreeMap, error::Error as StdError};

use flex_copy::{
    Count, Proof, Verdict,
    manifest::{Difference, Recorded},
};
use serde::Serialize;

use super::{End, Missing, requests};
use crate::{
    commands::Totals,
    present::{days::Absent, size},
};

/// What the listings show of one object.
#[derive(Serialize)]
pub(crate) struct Verified<'a> {
    pub(crate) key: &'a str,
    pub(crate) size: u64,
    pub(crate) verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'static str>,
    /// The ETag that is there now, where another is on record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found_etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<RecordLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) error: Vec<String>,
}

/// What the manifests have of an object.
#[derive(Serialize)]
pub(crate) struct RecordLine<'a> {
    size: u64,
    etag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
    run: &'a str,
    time: String,
}

impl<'a> From<&'a Recorded> for RecordLine<'a> {
    fn from(record: &'a Recorded) -> Self {
        Self {
            size: record.size,
            etag: record.etag.as_str(),
            copy_etag: record.state.as_ref().ok().map(|(etag, _)| etag.as_str()),
            proof: record.proof(),
            outcome: record.state.as_ref().err().map(String::as_str),
            run: &record.run,
            time: size::rfc3339(record.at),
        }
    }
}

/// What two sets of manifests say of one object.
#[derive(Serialize)]
pub(crate) struct Compared<'a> {
    key: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against_proof: Option<Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<RecordLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<RecordLine<'a>>,
}

impl<'a> Compared<'a> {
    pub(crate) fn new(key: &'a str, difference: &'a Difference) -> Self {
        let mut line =
            Self { key, verdict: "other", size: None, proof: None, against_proof: None, record: None, against: None };
        line.verdict = match difference {
            Difference::Same { size, proof, against } => {
                (line.size, line.proof, line.against_proof) = (Some(*size), Some(*proof), Some(*against));
                "same"
            }
            Difference::Changed { was, is } => {
                (line.record, line.against) = (Some((&**was).into()), Some((&**is).into()));
                "changed"
            }
            Difference::OnlyFirst(record) => {
                line.record = Some((&**record).into());
                "only-first"
            }
            Difference::OnlySecond(record) => {
                line.against = Some((&**record).into());
                "only-second"
            }
            _ => "other",
        };
        line
    }
}

/// The end of a comparison of manifests.
#[derive(Serialize)]
pub(crate) struct CompareEnd<'a> {
    command: &'static str,
    manifests: usize,
    against: usize,
    same: Count,
    proof_differs: Count,
    size_only: Count,
    changed: Count,
    only_first: Count,
    only_second: Count,
    #[serde(flatten)]
    end: End<'a>,
}

impl<'a> CompareEnd<'a> {
    pub(crate) fn new(totals: &Totals, [manifests, against]: [usize; 2], end: End<'a>) -> Self {
        Self {
            command: "verify",
            manifests,
            against,
            same: totals.same,
            proof_differs: totals.proof_differs,
            size_only: totals.size_only,
            changed: totals.changed,
            only_first: totals.only_first,
            only_second: totals.only_second,
            end,
        }
    }
}

impl<'a> Verified<'a> {
    pub(crate) fn new(key: &'a str, size: u64, verdict: &'a Verdict, record: Option<&'a Recorded>) -> Self {
        let mut line = Self {
            key,
            size,
            verdict: verdict.name(),
            proof: None,
            detail: None,
            found_etag: None,
            record: record.map(Into::into),
            error: Vec::new(),
        };
        match verdict {
            Verdict::Proven => line.proof = Some(Proof::Etag),
            Verdict::SizeOnly => line.proof = Some(Proof::SizeOnly),
            Verdict::Recorded { proof } | Verdict::SourceGone { proof } => line.proof = Some(*proof),
            Verdict::ChangedAtDestination { found } | Verdict::ChangedAtSource { found } => {
                line.found_etag = Some(found.as_str());
            }
            Verdict::Different { detail } => line.detail = Some(detail),
            Verdict::Unclear(failure) => line.error = crate::error::chain(&**failure as &(dyn StdError + 'static)),
            _ => {}
        }
        line
    }
}

/// The end of a verification.
#[derive(Serialize)]
pub(crate) struct VerifyEnd<'a> {
    command: &'static str,
    listed: Count,
    proven: Count,
    proven_by: BTreeMap<Proof, Count>,
    size_only: Count,
    missing: Count,
    different: Count,
    changed_at_destination: Count,
    changed_at_source: Count,
    never_copied: Count,
    lost: Count,
    source_gone: Count,
    unrecorded: Count,
    unclear: Count,
    not_entitled: Count,
    archived: Count,
    markers: Count,
    extra: Count,
    cancelled: bool,
    #[serde(flatten)]
    absent: Missing<'a>,
    requests: BTreeMap<String, u64>,
    #[serde(flatten)]
    end: End<'a>,
}

impl<'a> VerifyEnd<'a> {
    pub(crate) fn new(summary: &flex_copy::VerifySummary, absent: &'a Absent, end: End<'a>) -> Self {
        Self {
            command: "verify",
            listed: summary.listed_total(),
            proven: summary.proven,
            proven_by: summary.proven_by.clone(),
            size_only: summary.size_only,
            missing: summary.missing,
            different: summary.different,
            changed_at_destination: summary.changed_at_destination,
            changed_at_source: summary.changed_at_source,
            never_copied: summary.never_copied,
            lost: summary.lost,
            source_gone: summary.source_gone,
            unrecorded: summary.unrecorded,
            unclear: summary.unclear,
            not_entitled: summary.not_entitled,
            archived: summary.archived,
            markers: summary.markers,
            extra: summary.extra,
            cancelled: summary.cancelled,
            absent: absent.into(),
            requests: requests(&summary.requests),
            end,
        }
    }
}
