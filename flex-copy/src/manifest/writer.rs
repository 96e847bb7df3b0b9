//! Writes a manifest as the run goes.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{
    LineFault,
    record::{ManifestEntry, ManifestHeader, RunEnd},
    wire::{self, BodyLine, HeaderLine},
};

/// Writes a manifest. Each line is handed on whole; buffering and durability are the caller's.
///
/// What was written when it is dropped without [`finish`](Self::finish) is a manifest that is cut off.
#[derive(Debug)]
pub struct ManifestWriter<W: Write> {
    output: W,
    header: ManifestHeader,
    digest: Sha256,
    records: u64,
    /// A line may stand there in part: nothing may follow it.
    broken: bool,
}

impl<W: Write> ManifestWriter<W> {
    /// Begins a manifest with its first line.
    pub fn new(output: W, header: ManifestHeader) -> io::Result<Self> {
        let line = wire::line(&HeaderLine::of(&header))?;
        wire::read::<HeaderLine<'_>>(&line).and_then(HeaderLine::into_header).map_err(refused)?;
        let mut writer = Self { output, header, digest: Sha256::new(), records: 0, broken: false };
        writer.write(&line)?;
        Ok(writer)
    }

    /// What the first line tells.
    pub fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Adds an object; refuses one that no reader would take, as it would cost the whole manifest. After an error of the
    /// output every further call fails, too.
    pub fn record(&mut self, entry: &ManifestEntry) -> io::Result<()> {
        let line = self.line(&BodyLine::of(entry))?;
        self.write(&line)?;
        self.records += 1;
        Ok(())
    }

    /// Hands on what the output holds back.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// Ends the manifest with how the run ended, and with count and digest. Gives the output back, flushed.
    pub fn finish(mut self, how: RunEnd, now: DateTime<Utc>) -> io::Result<W> {
        let ended = self.line(&BodyLine::ended(how, now))?;
        self.write(&ended)?;
        let last = last_line(self.records, self.digest.clone())?;
        self.write(&last)?;
        self.output.flush()?;
        Ok(self.output)
    }

    /// A line that can be read again.
    fn line(&self, fields: &BodyLine<'_>) -> io::Result<Vec<u8>> {
        let line = wire::line(fields)?;
        wire::read::<BodyLine<'_>>(&line).and_then(|read| read.meaning(&self.header)).map_err(refused)?;
        Ok(line)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier line could not be written"));
        }
        self.broken = true;
        self.output.write_all(line)?;
        self.broken = false;
        self.digest.update(line);
        Ok(())
    }
}

fn refused(fault: LineFault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, fault)
}

/// The last line, which must stand there byte for byte.
pub(super) fn last_line(records: u64, digest: Sha256) -> io::Result<Vec<u8>> {
    wire::line(&BodyLine::last(records, &hex::encode(digest.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ETag, PartSizes, Proof,
        manifest::{ManifestReader, ManifestRecord, UnprovenRecord},
    };

    fn header(run: &str) -> ManifestHeader {
        ManifestHeader {
            run: run.into(),
            flex_version: "0.1.0".into(),
            started: DateTime::UNIX_EPOCH,
            source: "source".into(),
            destination: "destination".into(),
            prefix: String::new(),
            selection: Vec::new(),
        }
    }

    fn record(key: &str) -> ManifestRecord {
        ManifestRecord {
            key: key.into(),
            size: 12,
            etag: ETag::new("e"),
            dest_etag: ETag::new("e"),
            proof: Proof::Etag,
            checksum: None,
            layout: Some(PartSizes::of(&[8, 4])),
            source_last_modified: None,
            copied_at: None,
            run: "r".into(),
            flex_version: "0.1.0".into(),
        }
    }

    #[test]
    fn what_no_reader_would_take_is_not_written() {
        assert!(ManifestWriter::new(Vec::new(), header("")).is_err());
        let mut writer = ManifestWriter::new(Vec::new(), header("r")).expect("a header");
        let year_10000 = DateTime::from_timestamp(253_402_300_800, 0);
        let ManifestRecord { key, size, etag, run, flex_version, .. } = record("k");
        for (what, entry) in [
            ("no key", ManifestEntry::Proven(record(""))),
            ("a key longer than any", ManifestEntry::Proven(record(&"k".repeat(4097)))),
            ("other parts", ManifestEntry::Proven(ManifestRecord { size: 13, ..record("k") })),
            ("a time", ManifestEntry::Proven(ManifestRecord { source_last_modified: year_10000, ..record("k") })),
            ("no word", {
                let (outcome, source_last_modified) = ("Not a word".into(), None);
                let record = UnprovenRecord { key, size, etag, outcome, source_last_modified, run, flex_version };
                ManifestEntry::Unproven(record)
            }),
        ] {
            let refused = writer.record(&entry);
            assert!(refused.is_err_and(|e| e.kind() == io::ErrorKind::InvalidData), "{what}");
        }
        let good = ManifestEntry::Proven(record("k"));
        writer.record(&good).expect("it is not broken");
        let bytes = writer.finish(RunEnd::Complete, DateTime::UNIX_EPOCH).expect("memory takes it");
        let read: Result<Vec<_>, _> = ManifestReader::new(&bytes[..]).expect("a manifest").collect();
        assert_eq!(read.expect("a whole one"), [good]);
    }
}
