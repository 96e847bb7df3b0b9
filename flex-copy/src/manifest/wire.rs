//! The lines as they stand in the file.

use std::{borrow::Cow, sync::Arc};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::{
    LineFault, MAX_LINE, VERSION,
    record::{ManifestEntry, ManifestHeader, ManifestRecord, RunEnd, UnprovenRecord},
};
use crate::{Checksum, ETag, PartSizes, Proof};

/// The longest key of S3 (S3 user guide, "Naming Amazon S3 objects"), and room for stores that take more.
const MAX_KEY: usize = 4096;
/// Longer than any word for an outcome.
const MAX_OUTCOME: usize = 40;

#[derive(Serialize, Deserialize)]
pub(super) struct HeaderLine<'a> {
    manifest: u32,
    #[serde(borrow, default)]
    run: Cow<'a, str>,
    #[serde(borrow, default)]
    flex: Cow<'a, str>,
    #[serde(default, with = "time::option")]
    started: Option<DateTime<Utc>>,
    #[serde(borrow, default)]
    source: Cow<'a, str>,
    #[serde(borrow, default)]
    destination: Cow<'a, str>,
    #[serde(borrow, default)]
    prefix: Cow<'a, str>,
    #[serde(default)]
    selection: Cow<'a, [String]>,
}

impl<'a> HeaderLine<'a> {
    pub(super) fn of(header: &'a ManifestHeader) -> Self {
        Self {
            manifest: VERSION,
            run: (*header.run).into(),
            flex: (*header.flex_version).into(),
            started: Some(header.started),
            source: header.source.as_str().into(),
            destination: header.destination.as_str().into(),
            prefix: header.prefix.as_str().into(),
            selection: header.selection.as_slice().into(),
        }
    }

    pub(super) fn into_header(self) -> Result<ManifestHeader, LineFault> {
        let needed = |name, text: &str| if text.is_empty() { Err(LineFault::Missing(name)) } else { Ok(()) };
        needed("run", &self.run)?;
        needed("source", &self.source)?;
        needed("destination", &self.destination)?;
        Ok(ManifestHeader {
            run: self.run.into(),
            flex_version: self.flex.into(),
            started: self.started.ok_or(LineFault::Missing("started"))?,
            source: self.source.into_owned(),
            destination: self.destination.into_owned(),
            prefix: self.prefix.into_owned(),
            selection: self.selection.into_owned(),
        })
    }
}

/// A line after the first. Which of them it is shows in what it has.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct BodyLine<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<ETag>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dest_etag: Option<ETag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<Checksum>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layout: Option<PartSizes>,
    #[serde(default, with = "time::option", skip_serializing_if = "Option::is_none")]
    last_modified: Option<DateTime<Utc>>,
    #[serde(default, with = "time::option", skip_serializing_if = "Option::is_none")]
    copied_at: Option<DateTime<Utc>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    run: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    flex: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<RunEnd>,
    #[serde(default, with = "time::option", skip_serializing_if = "Option::is_none")]
    time: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    records: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Cow<'a, str>>,
}

/// What a line says.
pub(super) enum Meaning {
    Entry(Box<ManifestEntry>),
    Ended(RunEnd),
    Last { records: u64, sha256: String },
}

impl<'a> BodyLine<'a> {
    pub(super) fn of(entry: &'a ManifestEntry) -> Self {
        match entry {
            ManifestEntry::Proven(record) => Self {
                key: Some(record.key.as_str().into()),
                size: Some(record.size),
                etag: Some(record.etag.clone()),
                proof: Some(record.proof),
                dest_etag: Some(record.dest_etag.clone()),
                checksum: record.checksum.clone(),
                layout: record.layout.clone(),
                last_modified: record.source_last_modified,
                copied_at: record.copied_at,
                run: Some((*record.run).into()),
                flex: Some((*record.flex_version).into()),
                ..Self::default()
            },
            ManifestEntry::Unproven(record) => Self {
                key: Some(record.key.as_str().into()),
                size: Some(record.size),
                etag: Some(record.etag.clone()),
                outcome: Some(record.outcome.as_str().into()),
                last_modified: record.source_last_modified,
                run: Some((*record.run).into()),
                flex: Some((*record.flex_version).into()),
                ..Self::default()
            },
        }
    }

    pub(super) fn ended(how: RunEnd, time: DateTime<Utc>) -> Self {
        Self { ended: Some(how), time: Some(time), ..Self::default() }
    }

    pub(super) fn last(records: u64, sha256: &'a str) -> Self {
        Self { records: Some(records), sha256: Some(sha256.into()), ..Self::default() }
    }

    pub(super) fn meaning(self, header: &ManifestHeader) -> Result<Meaning, LineFault> {
        if let Some(key) = self.key {
            let value = |field, why| LineFault::Value { field, why };
            if key.is_empty() || key.len() > MAX_KEY {
                return Err(value("key", "it is empty or longer than any key"));
            }
            let key = key.into_owned();
            let size = self.size.ok_or(LineFault::Missing("size"))?;
            let etag = self.etag.ok_or(LineFault::Missing("etag"))?;
            let same = |text: Option<Cow<'_, str>>, known: &Arc<str>| match text {
                Some(text) if *text != **known => text.into(),
                _ => known.clone(),
            };
            let run = same(self.run, &header.run);
            let flex_version = same(self.flex, &header.flex_version);
            let source_last_modified = self.last_modified;
            let Some(proof) = self.proof else {
                let outcome = self.outcome.ok_or(LineFault::Missing("proof or outcome"))?.into_owned();
                if outcome.len() > MAX_OUTCOME || !outcome.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
                    return Err(value("outcome", "it is no word for one"));
                }
                let record = UnprovenRecord { key, size, etag, outcome, source_last_modified, run, flex_version };
                return Ok(Meaning::Entry(Box::new(ManifestEntry::Unproven(record))));
            };
            if self.layout.as_ref().is_some_and(|layout| layout.total() != Some(size)) {
                return Err(value("layout", "its parts are not the object's size"));
            }
            return Ok(Meaning::Entry(Box::new(ManifestEntry::Proven(ManifestRecord {
                key,
                size,
                etag,
                dest_etag: self.dest_etag.ok_or(LineFault::Missing("dest_etag"))?,
                proof,
                checksum: self.checksum,
                layout: self.layout,
                source_last_modified,
                copied_at: self.copied_at,
                run,
                flex_version,
            }))));
        }
        if let Some(sha256) = self.sha256 {
            let records = self.records.ok_or(LineFault::Missing("records"))?;
            return Ok(Meaning::Last { records, sha256: sha256.into_owned() });
        }
        self.ended.map(Meaning::Ended).ok_or(LineFault::Unknown)
    }
}

/// A line as it is written.
pub(super) fn line(fields: &impl Serialize) -> Result<Vec<u8>, std::io::Error> {
    let mut line = serde_json::to_vec(fields)?;
    line.push(b'\n');
    if line.len() > MAX_LINE {
        let why = format!("a record of {} bytes is longer than any that is read", line.len());
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, why));
    }
    Ok(line)
}

/// The version that the first line tells, whatever else is in it.
pub(super) fn version(bytes: &[u8]) -> Result<u32, LineFault> {
    #[derive(Deserialize)]
    struct Version {
        manifest: u32,
    }
    read::<Version>(bytes).map(|line| line.manifest)
}

/// Reads a line. The message does not repeat what may be a long text of somebody else's.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, LineFault> {
    let text = std::str::from_utf8(bytes).map_err(|e| LineFault::Encoding { at: e.valid_up_to() + 1 })?;
    serde_json::from_str(text).map_err(|e| {
        let told = e.to_string();
        // It counts lines of its own.
        let what = told.rsplit_once(" at line ").map_or(told.as_str(), |(what, _)| what);
        LineFault::Json(format!("column {}: {}", e.column(), shown(what, 160)))
    })
}

/// What a file says, as far as anybody reads it, and without what moves a cursor.
pub(super) fn shown(text: &str, most: usize) -> String {
    let show = |c: char| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().take(most).map(show).collect()
}

/// A time as it is written.
fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

mod time {
    pub(super) mod option {
        use std::borrow::Cow;

        use chrono::{DateTime, Datelike as _, Utc};
        use serde::{Deserialize, Deserializer, Serializer, de::Error};

        pub(in super::super) fn serialize<S: Serializer>(
            time: &Option<DateTime<Utc>>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => serializer.serialize_str(&super::super::written(*time)),
                None => serializer.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<DateTime<Utc>>, D::Error> {
            let Some(text) = Option::<Cow<'de, str>>::deserialize(deserializer)? else { return Ok(None) };
            let time = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
            // An offset can lead out of the years that can be written.
            let time = time.filter(|time| (0..=9999).contains(&time.year()));
            time.map(Some).ok_or_else(|| D::Error::custom("a time that is not RFC 3339, as 2021-05-31T12:34:56Z is"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_could_not_be_written_is_not_read() {
        for (time, good) in [
            ("9999-12-31T23:59:59Z", true),
            ("0000-01-01T01:00:00+01:00", true),
            ("9999-12-31T23:59:59-01:00", false),
            ("0000-01-01T00:00:00+01:00", false),
        ] {
            let read = read::<BodyLine<'_>>(format!("{{\"time\":\"{time}\"}}").as_bytes()).map(|line| line.time);
            assert_eq!(read.is_ok(), good, "{time}: {read:?}");
            if let Ok(Some(time)) = read {
                assert_eq!(DateTime::parse_from_rfc3339(&written(time)).map(|time| time.to_utc()), Ok(time));
            }
        }
    }

    #[test]
    fn no_message_moves_a_cursor() {
        let fault = read::<BodyLine<'_>>(br#"{"proof":"\u001b[2J"}"#).err().expect("no proof is called so");
        assert!(fault.to_string().contains("\\u{1b}[2J"), "{fault}");
        assert_eq!(shown("a\u{7}\u{9b}b仕", 4), "a\\u{7}\\u{9b}b");
    }
}
