//! What a manifest says: of its run, and of each object.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{Checksum, ETag, ObjectEnd, Outcome, PartSizes, Proof};

/// What the first line tells of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHeader {
    /// The run's id.
    pub run: Arc<str>,
    /// The version of flex that ran.
    pub flex_version: Arc<str>,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// The bucket that was copied from.
    pub source: String,
    /// The bucket that was copied into.
    pub destination: String,
    /// What stands before the vendor's keys there.
    pub prefix: String,
    /// What was selected, as arguments.
    pub selection: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunEnd {
    /// It looked at all that was selected.
    Complete,
    /// It was interrupted.
    Interrupted,
    /// A failure stopped it.
    Stopped,
}

/// One object of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestEntry {
    /// At the destination, proven as the record says.
    Proven(ManifestRecord),
    /// Not at the destination in the source's state, as far as the run knows.
    Unproven(UnprovenRecord),
}

/// A copy that a run proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// The key in the vendor's bucket.
    pub key: String,
    /// Bytes, on both sides.
    pub size: u64,
    /// The source's ETag.
    pub etag: ETag,
    /// The copy's ETag.
    pub dest_etag: ETag,
    /// By what the copy is proven. [`Proof::SizeOnly`] proves nothing but the size.
    pub proof: Proof,
    /// The copy's checksum, where the service told one. It is the source's, too, where [`proof`](Self::proof) is
    /// [`Proof::Checksum`].
    pub checksum: Option<Checksum>,
    /// The part sizes of a multipart copy that this run made.
    pub layout: Option<PartSizes>,
    /// When the source was written, where the service tells.
    pub source_last_modified: Option<DateTime<Utc>>,
    /// When this run copied it; `None` for what was there before, and was proven by the listings.
    pub copied_at: Option<DateTime<Utc>>,
    /// The run's id.
    pub run: Arc<str>,
    /// The version of flex that ran.
    pub flex_version: Arc<str>,
}

/// An object that a run did not prove to be at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnprovenRecord {
    /// The key in the vendor's bucket.
    pub key: String,
    /// Bytes, as the source lists it.
    pub size: u64,
    /// The source's ETag.
    pub etag: ETag,
    /// How it ended, in the words of [`Outcome::name`], e.g. `not-entitled`.
    pub outcome: String,
    /// When the source was written, where the service tells.
    pub source_last_modified: Option<DateTime<Utc>>,
    /// The run's id.
    pub run: Arc<str>,
    /// The version of flex that ran.
    pub flex_version: Arc<str>,
}

impl ManifestEntry {
    /// What a run says of an object that ended at the time `now`; `None` for a marker, which is neither copied nor data.
    pub fn of(end: &ObjectEnd, header: &ManifestHeader, now: DateTime<Utc>) -> Option<Self> {
        let source_last_modified =
            Some(end.last_modified).filter(|at| *at != 0).and_then(|at| DateTime::from_timestamp(at, 0));
        let (run, flex_version) = (header.run.clone(), header.flex_version.clone());
        let proven = |proof, dest_etag: &ETag| ManifestRecord {
            key: end.key.clone(),
            size: end.size,
            etag: end.etag.clone(),
            dest_etag: dest_etag.clone(),
            proof,
            checksum: None,
            layout: None,
            source_last_modified,
            copied_at: None,
            run: run.clone(),
            flex_version: flex_version.clone(),
        };
        let record = match (&end.outcome, &end.destination_etag) {
            (Outcome::Copied { proof, etag, checksum, layout, .. }, _) => Some(ManifestRecord {
                checksum: checksum.as_deref().cloned(),
                layout: layout.as_deref().cloned(),
                copied_at: DateTime::from_timestamp(now.timestamp(), 0),
                ..proven(*proof, etag)
            }),
            (Outcome::Identical, Some(there)) => Some(proven(Proof::Etag, there)),
            (Outcome::Kept, Some(there)) => Some(proven(Proof::SizeOnly, there)),
            (Outcome::Marker, _) => return None,
            _ => None,
        };
        Some(match record {
            Some(record) => Self::Proven(record),
            None => Self::Unproven(UnprovenRecord {
                key: end.key.clone(),
                size: end.size,
                etag: end.etag.clone(),
                outcome: end.outcome.name().to_owned(),
                source_last_modified,
                run,
                flex_version,
            }),
        })
    }

    /// The key in the vendor's bucket.
    pub fn key(&self) -> &str {
        match self {
            Self::Proven(record) => &record.key,
            Self::Unproven(record) => &record.key,
        }
    }
}
