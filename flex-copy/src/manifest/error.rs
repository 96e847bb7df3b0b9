//! Why a manifest is not read, or not trusted.

use std::io;

use thiserror::Error;

/// Why a manifest cannot be relied on. None of its records may be, then, unless it is merely
/// [cut off](Self::is_cut_off).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// The first line is none of a manifest's.
    #[error("it does not begin as a manifest does")]
    NotAManifest,
    /// The format is newer than this version of flex.
    #[error("it is of format {found}, and this version of flex reads up to {newest}")]
    Newer {
        /// The format's version.
        found: u32,
        /// The newest that is read.
        newest: u32,
    },
    /// A line is not understood.
    #[error("line {line}: {fault}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// It ends before its last line, as that of a run that was killed does. What stands before may be right, but no digest
    /// says so.
    #[error("it is cut off after line {line}: its last line, with count and digest, is not there")]
    CutOff {
        /// The number of whole lines.
        line: u64,
    },
    /// The number of records is not what the last line says.
    #[error("its last line counts {told} records, and it has {found}")]
    Count {
        /// As the last line has it.
        told: u64,
        /// Those that are there.
        found: u64,
    },
    /// The digest of what stands before the last line is another.
    #[error("its SHA-256 is {found}, and its last line says {told}: it was altered after it was written")]
    Digest {
        /// As the last line has it.
        told: String,
        /// That of the bytes that are there.
        found: String,
    },
    /// Something follows the last line.
    #[error("line {line}: something follows the last line")]
    AfterEnd {
        /// The number of the line that follows.
        line: u64,
    },
    /// More records than are held in memory.
    #[error("the manifests hold more records than fit in {limit} MiB of memory")]
    TooLarge {
        /// The limit, in MiB.
        limit: usize,
    },
}

impl ManifestError {
    /// Only the end is missing: the records before it can be used, with care.
    pub fn is_cut_off(&self) -> bool {
        matches!(self, Self::CutOff { .. })
    }
}

/// What is wrong with a line.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineFault {
    /// It is longer than any line of a manifest.
    #[error("longer than {limit} bytes, as no line of a manifest is")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("byte {at} is not UTF-8 text")]
    Encoding {
        /// The place of the first wrong byte, from 1.
        at: usize,
    },
    /// It is no JSON, or not what is expected there.
    #[error("{0}")]
    Json(String),
    /// A record without what every record has.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value that is not possible.
    #[error("{field} is not possible: {why}")]
    Value {
        /// Which.
        field: &'static str,
        /// Why.
        why: &'static str,
    },
    /// None of the kinds of line that a manifest has.
    #[error("neither a record nor an end")]
    Unknown,
}
