//! Reads a manifest as a stream, and says whether it is whole.

use std::io::{BufRead, Read};

use sha2::{Digest, Sha256};

use super::{
    LineFault, MAX_LINE, ManifestError, VERSION,
    record::{ManifestEntry, ManifestHeader, RunEnd},
    wire::{self, BodyLine, HeaderLine, Meaning},
    writer,
};

/// Reads a manifest line by line: an iterator over its entries.
///
/// That a manifest is whole and unaltered shows only at its end. An entry must not be relied on before the iterator has
/// ended, and not at all when it ended with an error; see [`ManifestError::is_cut_off`] for the one exception. After an
/// error nothing follows. It holds one line in memory, of at most [`MAX_LINE`] bytes.
#[derive(Debug)]
pub struct ManifestReader<R> {
    input: R,
    header: ManifestHeader,
    digest: Sha256,
    /// The number of the line that was read last.
    line: u64,
    records: u64,
    ended: Option<RunEnd>,
    buffer: Vec<u8>,
    done: bool,
}

enum Line {
    Whole,
    /// Bytes without a line's end, or none at all: here the file ends.
    End,
}

impl<R: BufRead> ManifestReader<R> {
    /// Reads the first line.
    pub fn new(mut input: R) -> Result<Self, ManifestError> {
        let mut buffer = Vec::new();
        let whole = match read_line(&mut input, &mut buffer) {
            Ok(Line::Whole) => true,
            Ok(Line::End) => false,
            // What is too long, or no text, is some other file.
            Err(ManifestError::Line { .. }) => return Err(ManifestError::NotAManifest),
            Err(e) => return Err(e),
        };
        // Before anything else of the line, whose shape may be another, too.
        if whole
            && let Ok(found) = wire::version(&buffer)
            && (found > VERSION || found == 0)
        {
            return Err(ManifestError::Newer { found, newest: VERSION });
        }
        let line: HeaderLine<'_> = match wire::read(&buffer) {
            Ok(line) if whole => line,
            // A run that is killed at once leaves a part of this line, or nothing.
            _ if !whole && is_beginning(&buffer) => return Err(ManifestError::CutOff { line: 0 }),
            Err(fault) if buffer.starts_with(BEGINNING) => return Err(ManifestError::Line { line: 1, fault }),
            _ => return Err(ManifestError::NotAManifest),
        };
        let header = line.into_header().map_err(|fault| ManifestError::Line { line: 1, fault })?;
        let digest = Sha256::new_with_prefix(&buffer);
        Ok(Self { input, header, digest, line: 1, records: 0, ended: None, buffer, done: false })
    }

    /// What the first line tells of the run.
    pub fn header(&self) -> &ManifestHeader {
        &self.header
    }

    /// How the run ended, once the line that tells it was read.
    pub fn ended(&self) -> Option<RunEnd> {
        self.ended
    }

    /// Records that were read so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    fn read(&mut self) -> Result<Option<ManifestEntry>, ManifestError> {
        loop {
            let number = self.line + 1;
            match read_line(&mut self.input, &mut self.buffer) {
                Ok(Line::Whole) => self.line = number,
                Ok(Line::End) => return Err(ManifestError::CutOff { line: self.line }),
                Err(ManifestError::Line { fault, .. }) => return Err(ManifestError::Line { line: number, fault }),
                Err(e) => return Err(e),
            }
            let wrong = |fault| ManifestError::Line { line: number, fault };
            let line: BodyLine<'_> = wire::read(&self.buffer).map_err(wrong)?;
            match line.meaning(&self.header).map_err(wrong)? {
                Meaning::Entry(_) | Meaning::Ended(_) if self.ended.is_some() => {
                    return Err(wrong(LineFault::Json("only the last line may follow how the run ended".into())));
                }
                Meaning::Entry(entry) => {
                    self.digest.update(&self.buffer);
                    self.records += 1;
                    return Ok(Some(*entry));
                }
                Meaning::Ended(how) => {
                    self.digest.update(&self.buffer);
                    self.ended = Some(how);
                }
                Meaning::Last { records, sha256 } => {
                    self.check(records, sha256)?;
                    return Ok(None);
                }
            }
        }
    }

    fn check(&mut self, told: u64, sha256: String) -> Result<(), ManifestError> {
        let found = hex::encode(self.digest.clone().finalize());
        if sha256 != found {
            return Err(ManifestError::Digest { told: wire::shown(&sha256, 64), found });
        }
        if told != self.records {
            return Err(ManifestError::Count { told, found: self.records });
        }
        // No digest covers this line: it must be what is written, byte for byte.
        if self.buffer != writer::last_line(self.records, self.digest.clone())? {
            let fault = LineFault::Json("not the last line that flex writes: it was altered".into());
            return Err(ManifestError::Line { line: self.line, fault });
        }
        if self.input.fill_buf()?.is_empty() { Ok(()) } else { Err(ManifestError::AfterEnd { line: self.line + 1 }) }
    }
}

impl<R: BufRead> Iterator for ManifestReader<R> {
    type Item = Result<ManifestEntry, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.read() {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                self.done = true;
                None
            }
            Err(e) => {
                self.done = true;
                Some(Err(e))
            }
        }
    }
}

/// How every manifest begins.
const BEGINNING: &[u8] = br#"{"manifest":"#;

fn is_beginning(bytes: &[u8]) -> bool {
    let common = bytes.len().min(BEGINNING.len());
    bytes[..common] == BEGINNING[..common]
}

/// Reads a line with its end into the buffer, and no more of it than a line may have.
fn read_line(input: &mut impl BufRead, buffer: &mut Vec<u8>) -> Result<Line, ManifestError> {
    buffer.clear();
    let limit = MAX_LINE as u64 + 1;
    input.take(limit).read_until(b'\n', buffer)?;
    if buffer.last() == Some(&b'\n') {
        return Ok(Line::Whole);
    }
    if buffer.len() > MAX_LINE {
        return Err(ManifestError::Line { line: 0, fault: LineFault::TooLong { limit: MAX_LINE } });
    }
    Ok(Line::End)
}
