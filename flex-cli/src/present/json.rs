//! JSON lines: one event a line, as JSON.md describes them.

mod verifying;

use std::{collections::BTreeMap, error::Error as StdError};

use chrono::NaiveDate;
use flex_copy::{
    Action, Checksum, Count, ListedObject, Method, Notice, ObjectEnd, OpenUpload, Outcome, PlanItem, Storage,
};
use flex_keys::Dataset;
use serde::{Serialize, Serializer};

use super::{
    bound::Bound,
    days::{Absent, NamedDay, written},
    size,
};
use crate::{commands::Written, error::Stop, exit::Exit, language::Language};

pub(crate) use verifying::{CompareEnd, Compared, Verified, VerifyEnd};

/// Grows when a field goes away or changes its meaning; not when one is added.
pub(crate) const SCHEMA: u32 = 1;

#[derive(Serialize)]
pub(crate) struct Line<T> {
    pub(crate) schema: u32,
    pub(crate) event: &'static str,
    #[serde(flatten)]
    pub(crate) fields: T,
}

/// The command begins: what of, from where, to where, as whom.
#[derive(Serialize)]
pub(crate) struct Start<'a> {
    pub(crate) command: &'a str,
    pub(crate) version: &'static str,
    pub(crate) time: String,
    pub(crate) selection: Vec<String>,
    pub(crate) source_bucket: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bucket: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) dest_prefix: &'a str,
    pub(crate) account: String,
    pub(crate) role: String,
}

/// The command stopped before it had a summary.
#[derive(Serialize)]
pub(crate) struct Error<'a> {
    command: &'a str,
    time: String,
    #[serde(flatten)]
    why: Why<'a>,
    exit_code: u8,
}

/// An error's chain and what to do.
#[derive(Serialize)]
pub(crate) struct Why<'a> {
    what: &'a str,
    because: &'a [String],
    mend: Vec<String>,
}

impl<'a> Why<'a> {
    pub(crate) fn new(stop: &'a Stop) -> Self {
        Self { what: stop.what(), because: stop.because(), mend: stop.advice(Language::English) }
    }
}

impl<'a> Error<'a> {
    pub(crate) fn new(stop: &'a Stop, command: &'a str) -> Self {
        Self { command, time: now(), why: Why::new(stop), exit_code: stop.exit().code() }
    }
}

pub(crate) fn now() -> String {
    size::rfc3339(size::now())
}

/// How a copy of one object ended.
#[derive(Serialize)]
pub(crate) struct Object<'a> {
    key: &'a str,
    size: u64,
    etag: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<flex_copy::CopyReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<flex_copy::Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_etag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<&'a Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    source_changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error: Vec<String>,
}

impl<'a> From<&'a ObjectEnd> for Object<'a> {
    fn from(end: &'a ObjectEnd) -> Self {
        let mut line = Self {
            key: &end.key,
            size: end.size,
            etag: end.etag.as_str(),
            outcome: end.outcome.name(),
            reason: None,
            proof: None,
            last_modified: (end.last_modified != 0).then(|| size::rfc3339(end.last_modified)),
            destination_etag: end.destination_etag.as_ref().map(|etag| etag.as_str()),
            copy_etag: None,
            checksum: None,
            parts: None,
            source_changed: false,
            detail: None,
            error: Vec::new(),
        };
        match &end.outcome {
            Outcome::Copied { proof, reason, etag, parts, source_changed, checksum, .. } => {
                line.checksum = checksum.as_deref();
                line.reason = Some(*reason);
                line.proof = Some(*proof);
                line.copy_etag = Some(etag.as_str());
                line.parts = Some(*parts);
                line.source_changed = *source_changed;
            }
            Outcome::ChangedMeanwhile { detail, .. } => line.detail = Some(detail),
            Outcome::Failed(failure) => line.error = crate::error::chain(&**failure as &(dyn StdError + 'static)),
            _ => {}
        }
        line
    }
}

/// What a copy would do with one object.
#[derive(Serialize)]
pub(crate) struct Planned<'a> {
    #[serde(flatten)]
    object: Listed<'a>,
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<flex_copy::CopyReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_etag: Option<&'a str>,
}

impl<'a> From<&'a PlanItem> for Planned<'a> {
    fn from(item: &'a PlanItem) -> Self {
        let mut line = Self {
            object: (&item.object).into(),
            action: action(&item.action),
            reason: None,
            method: None,
            parts: None,
            requests: None,
            destination_etag: match item.action {
                // It is the object itself.
                Action::Extra => None,
                _ => item.destination_etag.as_ref().map(|etag| etag.as_str()),
            },
        };
        if let Action::Copy { reason, method: by, .. } = &item.action {
            line.reason = Some(*reason);
            line.method = Some(method(*by));
            line.requests = Some(by.requests());
            if let Method::Parts(parts) = by {
                line.parts = Some(*parts);
            }
        }
        line
    }
}

/// The word for an action.
pub(crate) fn action(action: &Action) -> &'static str {
    match action {
        Action::Copy { .. } => "copy",
        Action::Identical => "identical",
        Action::Kept => "kept",
        Action::Archived => "archived",
        Action::Marker => "marker",
        Action::Extra => "extra",
        _ => "other",
    }
}

/// The word for a method.
pub(crate) fn method(method: Method) -> &'static str {
    match method {
        Method::Whole { head: false } => "whole",
        Method::Whole { head: true } => "whole-with-checksum",
        Method::Parts(_) => "parts",
    }
}

/// An object as a listing has it.
#[derive(Serialize)]
pub(crate) struct Listed<'a> {
    key: &'a str,
    size: u64,
    etag: &'a str,
    last_modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<&'static str>,
}

impl<'a> From<&'a ListedObject> for Listed<'a> {
    fn from(object: &'a ListedObject) -> Self {
        Self {
            key: &object.key,
            size: object.size,
            etag: object.etag.as_str(),
            last_modified: size::rfc3339(object.last_modified),
            archived: match object.storage {
                Storage::Online => None,
                Storage::Glacier => Some("GLACIER"),
                Storage::DeepArchive => Some("DEEP_ARCHIVE"),
            },
        }
    }
}

/// Something to know.
#[derive(Serialize)]
pub(crate) struct NoticeLine<'a> {
    time: String,
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_second: Option<f64>,
}

impl<'a> From<&'a Notice> for NoticeLine<'a> {
    fn from(notice: &'a Notice) -> Self {
        let mut line =
            Self { time: now(), kind: "other", text: notice_text(notice), key: None, requests_per_second: None };
        line.kind = match notice {
            Notice::SlowedDown { requests_per_second } => {
                line.requests_per_second = Some(*requests_per_second);
                "slowed-down"
            }
            Notice::Waiting { .. } => "waiting",
            Notice::PartsRefused { .. } => "parts-refused",
            Notice::MetadataLost { key, .. } => {
                line.key = Some(key);
                "metadata-lost"
            }
            Notice::DestinationUsesKms => "destination-uses-kms",
            Notice::JournalFailed { .. } => "journal-failed",
            Notice::JournalDamaged { .. } => "journal-damaged",
            Notice::Resumed { key, .. } => {
                line.key = Some(key);
                "resumed"
            }
            Notice::UploadAborted { key, .. } => {
                line.key = Some(key);
                "upload-aborted"
            }
            Notice::UploadLeft { key, .. } => {
                line.key = Some(key);
                "upload-left"
            }
            _ => "other",
        };
        line
    }
}

impl NoticeLine<'_> {
    /// A notice of the command line's own.
    pub(crate) fn of(kind: &'static str, text: String) -> Self {
        Self { time: now(), kind, text, key: None, requests_per_second: None }
    }
}

/// A notice in words.
pub(crate) fn notice_text(notice: &Notice) -> String {
    match notice {
        Notice::SlowedDown { requests_per_second } => {
            format!(
                "the service asks to slow down: {requests_per_second:.0} requests a second for now, more as it allows"
            )
        }
        Notice::Waiting { failure } => format!("the service does not answer; waiting for it ({failure})"),
        Notice::PartsRefused { failure } => format!(
            "your bucket admits no parts under the policy's ACL condition: objects up to 5 GiB are copied whole from here on ({failure})"
        ),
        Notice::MetadataLost { key, detail } => format!("{key}: {detail}"),
        Notice::DestinationUsesKms => {
            "your bucket encrypts with KMS: its ETags prove nothing, so copies are proven by checksum or by size only"
                .into()
        }
        Notice::JournalFailed { failure } => {
            format!("{failure}; the run goes on without it: should it be killed, `flex clean` ends what it leaves")
        }
        Notice::JournalDamaged { lines } => {
            format!("the journal held {} that cannot be read: skipped", size::count(*lines, "line", "lines"))
        }
        Notice::Resumed { key, kept, parts } => {
            format!("{key}: goes on where an earlier run ended, with {kept} of {parts} parts")
        }
        Notice::UploadAborted { key, upload_id } => {
            format!("{key}: an earlier run's upload is of no use any more and was ended ({upload_id})")
        }
        Notice::UploadLeft { key, upload_id, failure } => format!(
            "{key}: an earlier run's upload stays open ({upload_id}); `flex clean` with your own identity ends it ({failure})"
        ),
        other => format!("{other:?}"),
    }
}

/// A day as it is selected.
pub(crate) fn day<S: Serializer>(day: &(Dataset, NaiveDate), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&written(*day))
}

/// What every summary ends with.
#[derive(Serialize)]
pub(crate) struct End<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<Why<'a>>,
    /// Why the exit code is not 0, in words.
    reasons: &'a [String],
    elapsed_seconds: f64,
    time: String,
    exit_code: u8,
}

impl<'a> End<'a> {
    pub(crate) fn new(
        exit: Exit,
        reasons: &'a [String],
        stopped: Option<&'a Stop>,
        elapsed: std::time::Duration,
    ) -> Self {
        Self {
            stopped: stopped.map(Why::new),
            reasons,
            // Milliseconds tell enough.
            elapsed_seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            time: now(),
            exit_code: exit.code(),
        }
    }
}

/// The days that are not there.
#[derive(Serialize)]
pub(crate) struct Missing<'a> {
    missing_sessions: Vec<String>,
    missing_named: &'a [NamedDay],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    provisional_calendar: bool,
}

impl<'a> From<&'a Absent> for Missing<'a> {
    fn from(absent: &'a Absent) -> Self {
        Self {
            missing_sessions: absent.sessions.iter().map(|d| written(*d)).collect(),
            missing_named: &absent.named,
            provisional_calendar: absent.provisional,
        }
    }
}

/// The end of a copy.
#[derive(Serialize)]
pub(crate) struct CopySummary<'a> {
    command: &'static str,
    listed: Count,
    copied: Count,
    copied_by_proof: BTreeMap<flex_copy::Proof, Count>,
    replaced: Count,
    identical: Count,
    kept: Count,
    changes_kept: Count,
    not_entitled: Count,
    archived: Count,
    markers: Count,
    changed_meanwhile: Count,
    failed: Count,
    interrupted: Count,
    unknown_names: Count,
    extra: Count,
    listing_complete: bool,
    cancelled: bool,
    #[serde(flatten)]
    missing: Missing<'a>,
    open_uploads: &'a [OpenUpload],
    requests: BTreeMap<String, u64>,
    retries: u64,
    throttled: u64,
    /// The time that S3 needs for what was copied, at the rates that it is known by.
    #[serde(skip_serializing_if = "Option::is_none")]
    bound: Option<Bound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifest: Option<ManifestLine>,
    #[serde(flatten)]
    end: End<'a>,
}

/// The manifest that a copy left.
#[derive(Serialize)]
struct ManifestLine {
    path: String,
    records: u64,
    whole: bool,
}

impl<'a> CopySummary<'a> {
    pub(crate) fn new(
        summary: &'a flex_copy::Summary,
        absent: &'a Absent,
        manifest: Option<&Written>,
        end: End<'a>,
    ) -> Self {
        Self {
            command: "copy",
            listed: summary.listed_total(),
            copied: summary.copied_total(),
            copied_by_proof: summary.copied.clone(),
            replaced: summary.replaced,
            identical: summary.identical,
            kept: summary.kept,
            changes_kept: summary.changes_kept,
            not_entitled: summary.not_entitled,
            archived: summary.archived,
            markers: summary.markers,
            changed_meanwhile: summary.changed_meanwhile,
            failed: summary.failed,
            interrupted: summary.interrupted,
            unknown_names: summary.unknown_names,
            extra: summary.extra,
            listing_complete: summary.listing_complete,
            cancelled: summary.cancelled,
            missing: absent.into(),
            open_uploads: &summary.open_uploads,
            requests: requests(&summary.requests),
            retries: summary.retries,
            throttled: summary.throttled,
            bound: summary.bound.map(Bound::from),
            manifest: manifest.map(|written| ManifestLine {
                path: written.path.display().to_string(),
                records: written.records,
                whole: written.whole,
            }),
            end,
        }
    }
}

/// Requests by the operation's name.
pub(crate) fn requests(by_operation: &BTreeMap<flex_copy::Operation, u64>) -> BTreeMap<String, u64> {
    by_operation.iter().map(|(operation, number)| (operation.to_string(), *number)).collect()
}

/// The copies of a plan under one `--proof`.
#[derive(Serialize)]
pub(crate) struct PlannedProof {
    pub(crate) requests: u64,
    /// What would be proven by size only.
    pub(crate) size_only: Count,
    /// The time that S3 needs, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bound: Option<Bound>,
}

/// Multipart sources of a sample that have the same layout.
#[derive(Serialize)]
pub(crate) struct SampledLayout {
    pub(crate) part_size: u64,
    pub(crate) sources: u64,
}

/// The end of a plan.
#[derive(Serialize)]
pub(crate) struct PlanEnd<'a> {
    pub(crate) command: &'static str,
    pub(crate) listed: Count,
    pub(crate) to_copy: Count,
    pub(crate) by_reason: BTreeMap<&'static str, Count>,
    pub(crate) by_method: BTreeMap<&'static str, Count>,
    pub(crate) by_action: BTreeMap<&'static str, Count>,
    pub(crate) copy_requests: BTreeMap<&'static str, u64>,
    /// What each `--proof` would take.
    pub(crate) proofs: BTreeMap<&'static str, PlannedProof>,
    pub(crate) sampled_layouts: Vec<SampledLayout>,
    #[serde(flatten)]
    pub(crate) missing: Missing<'a>,
    #[serde(flatten)]
    pub(crate) end: End<'a>,
}
