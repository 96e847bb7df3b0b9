//! Many manifests as one: the newest record of each key, in order of keys, in little memory.

use std::{cmp::Ordering, io::BufRead, sync::Arc};

use super::{
    ManifestError, ManifestReader,
    compact::{Taker, put_bytes, put_etag, put_number},
    record::{ManifestEntry, RunEnd},
};
use crate::{ETag, Proof};

/// The most memory that records may take, those of a manifest that is being added included; putting them together takes
/// as much again for a moment. A million of the usual ones take some 80 MiB.
const LIMIT_MIB: usize = 2048;
/// Whether the copy's ETag is the source's.
const SAME_ETAG: u8 = 4;

/// The newest record of each key, from any number of manifests.
///
/// Of two records of a key the newer one counts, by the time of the copy or else of the run; of equally old ones the one
/// that was added later. Where the newer one finds the very same copy (size and both ETags are equal), the stronger proof
/// of the two holds on: that a later run could not tell more from the listings does not unprove it. A record without
/// proof never hides one with a proof, as it says nothing of what the destination has.
#[derive(Clone, Debug, Default)]
pub struct ManifestIndex {
    sorted: Sorted,
    runs: Vec<Arc<str>>,
}

/// What one manifest added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Records, those without proof included.
    pub records: u64,
    /// How the run ended; not known where the manifest is cut off.
    pub ended: Option<RunEnd>,
    /// The manifest is cut off: after so many lines. Its records are there, but no digest vouches for them.
    pub cut_off: Option<u64>,
}

/// A record as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Bytes.
    pub size: u64,
    /// The source's ETag.
    pub etag: ETag,
    /// The copy's ETag, and by what it is proven; or how the object ended without proof.
    pub state: Result<(ETag, Proof), String>,
    /// When it was last recorded so, in seconds since 1970-01-01 UTC.
    pub at: i64,
    /// The run that did.
    pub run: Arc<str>,
}

impl Recorded {
    /// By what it is proven.
    pub fn proof(&self) -> Option<Proof> {
        self.state.as_ref().ok().map(|(_, proof)| *proof)
    }
}

/// Which of two records of a key counts, each with the number of its run. The second was added later.
fn newer_of(first: (Recorded, u64), second: (Recorded, u64)) -> (Recorded, u64) {
    match (&first.0.state, &second.0.state) {
        (Ok(_), Err(_)) => return first,
        (Err(_), Ok(_)) => return second,
        _ => {}
    }
    let (older, mut newer) = if first.0.at > second.0.at { (second, first) } else { (first, second) };
    if let (Ok((was, proven)), Ok((is, proof))) = (&older.0.state, &mut newer.0.state)
        && was == is
        && (&older.0.etag, older.0.size) == (&newer.0.etag, newer.0.size)
    {
        *proof = (*proof).min(*proven);
    }
    newer
}

/// Entries one behind another, and where each begins, in order of their keys.
#[derive(Clone, Debug, Default)]
struct Sorted {
    bytes: Vec<u8>,
    order: Vec<u32>,
}

impl Sorted {
    fn memory(&self) -> usize {
        self.bytes.len() + self.order.len() * size_of::<u32>()
    }

    /// Besides what takes `elsewhere` bytes.
    fn push(&mut self, key: &str, record: &Recorded, run: u64, elsewhere: usize) -> Result<(), ManifestError> {
        let too_large = ManifestError::TooLarge { limit: LIMIT_MIB };
        if (self.memory() + elsewhere) >> 20 >= LIMIT_MIB {
            return Err(too_large);
        }
        let Ok(at) = u32::try_from(self.bytes.len()) else { return Err(too_large) };
        self.order.push(at);
        let out = &mut self.bytes;
        put_bytes(out, key.as_bytes());
        let same = |dest_etag: &ETag| if *dest_etag == record.etag { SAME_ETAG } else { 0 };
        match &record.state {
            Ok((dest_etag, Proof::Checksum)) => out.push(same(dest_etag)),
            Ok((dest_etag, Proof::Etag)) => out.push(1 | same(dest_etag)),
            Ok((dest_etag, Proof::SizeOnly)) => out.push(2 | same(dest_etag)),
            Err(_) => out.push(3),
        }
        put_number(out, record.size);
        put_etag(out, &record.etag);
        match &record.state {
            Ok((dest_etag, _)) if *dest_etag != record.etag => put_etag(out, dest_etag),
            Ok(_) => {}
            Err(outcome) => put_bytes(out, outcome.as_bytes()),
        }
        put_number(out, u64::try_from(record.at).unwrap_or(0));
        put_number(out, run);
        Ok(())
    }

    fn key_at(&self, offset: u32) -> &str {
        self.taker(offset).text()
    }

    fn key(&self, index: usize) -> &str {
        self.order.get(index).map_or("", |offset| self.key_at(*offset))
    }

    fn taker(&self, offset: u32) -> Taker<'_> {
        Taker::new(self.bytes.get(offset as usize..).unwrap_or_default())
    }

    /// Key, record and the number of its run.
    fn entry(&self, index: usize, runs: &[Arc<str>]) -> Option<(&str, Recorded, u64)> {
        let mut from = self.taker(*self.order.get(index)?);
        let key = from.text();
        let flags = from.byte();
        let (size, etag) = (from.number(), from.etag());
        let state = match flags & 3 {
            3 => Err(from.text().to_owned()),
            proof => {
                let dest_etag = if flags & SAME_ETAG == 0 { from.etag() } else { etag.clone() };
                Ok((dest_etag, [Proof::Checksum, Proof::Etag, Proof::SizeOnly][usize::from(proof)]))
            }
        };
        let at = i64::try_from(from.number()).unwrap_or(i64::MAX);
        let run = from.number();
        let name = usize::try_from(run).ok().and_then(|at| runs.get(at)).cloned().unwrap_or_default();
        Some((key, Recorded { size, etag, state, at, run: name }, run))
    }

    /// Puts the entries in order of their keys; of those of one key the one that counts stays.
    fn sort(mut self, runs: &[Arc<str>]) -> Result<Self, ManifestError> {
        let mut order = std::mem::take(&mut self.order);
        let in_order = |pair: &[u32]| self.key_at(pair[0]) < self.key_at(pair[1]);
        if order.windows(2).all(in_order) {
            self.order = order;
            return Ok(self);
        }
        order.sort_by(|a, b| self.key_at(*a).cmp(self.key_at(*b)));
        let twice = order.windows(2).any(|pair| !in_order(pair));
        self.order = order;
        if twice { Self::merge(&self, &Self::default(), runs) } else { Ok(self) }
    }

    /// Both in one, each key once.
    fn merge(older: &Self, newer: &Self, runs: &[Arc<str>]) -> Result<Self, ManifestError> {
        let mut merged = Self {
            bytes: Vec::with_capacity(older.bytes.len() + newer.bytes.len()),
            order: Vec::with_capacity(older.order.len() + newer.order.len()),
        };
        let (mut o, mut n) = (0, 0);
        while o < older.order.len() || n < newer.order.len() {
            let next = match (o < older.order.len(), n < newer.order.len()) {
                (true, true) => older.key(o).cmp(newer.key(n)),
                (true, false) => Ordering::Less,
                _ => Ordering::Greater,
            };
            let key = if next.is_le() { older.key(o) } else { newer.key(n) };
            let mut best: Option<(Recorded, u64)> = None;
            for (from, at) in [(older, &mut o), (newer, &mut n)] {
                while *at < from.order.len() && from.key(*at) == key {
                    if let Some((_, record, run)) = from.entry(*at, runs) {
                        best = Some(match best {
                            Some(before) => newer_of(before, (record, run)),
                            None => (record, run),
                        });
                    }
                    *at += 1;
                }
            }
            if let Some((record, run)) = best {
                merged.push(key, &record, run, 0)?;
            }
        }
        merged.bytes.shrink_to_fit();
        merged.order.shrink_to_fit();
        Ok(merged)
    }
}

impl ManifestIndex {
    /// Without any record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a manifest, all of it or, where it is altered or not understood, nothing. One that is cut off is added as far
    /// as it goes.
    pub fn add<R: BufRead>(&mut self, mut reader: ManifestReader<R>) -> Result<Added, ManifestError> {
        let started = reader.header().started.timestamp();
        let run = self.runs.len() as u64;
        let mut added = Sorted::default();
        let mut cut_off = None;
        for entry in reader.by_ref() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(ManifestError::CutOff { line }) => {
                    cut_off = Some(line);
                    break;
                }
                Err(e) => return Err(e),
            };
            let run_id = Arc::default();
            let (key, record) = match entry {
                ManifestEntry::Proven(r) => {
                    let at = r.copied_at.map_or(started, |at| at.timestamp());
                    let state = Ok((r.dest_etag, r.proof));
                    (r.key, Recorded { size: r.size, etag: r.etag, state, at, run: run_id })
                }
                ManifestEntry::Unproven(r) => {
                    (r.key, Recorded { size: r.size, etag: r.etag, state: Err(r.outcome), at: started, run: run_id })
                }
            };
            added.push(&key, &record, run, self.sorted.memory())?;
        }
        let header_run = reader.header().run.clone();
        let told = Added { records: reader.records(), ended: reader.ended(), cut_off };
        let mut runs = self.runs.clone();
        runs.push(header_run);
        let added = added.sort(&runs)?;
        self.sorted = if self.sorted.order.is_empty() { added } else { Sorted::merge(&self.sorted, &added, &runs)? };
        self.runs = runs;
        Ok(told)
    }

    /// How many keys are known.
    pub fn len(&self) -> usize {
        self.sorted.order.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.sorted.order.is_empty()
    }

    /// The record of a key.
    pub fn get(&self, key: &str) -> Option<Recorded> {
        self.find(key).and_then(|at| self.entry(at)).map(|(_, record)| record)
    }

    /// All of them, in order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Recorded)> {
        (0..self.len()).filter_map(|at| self.entry(at))
    }

    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        let order = &self.sorted.order;
        order.binary_search_by(|offset| self.sorted.key_at(*offset).cmp(key)).ok()
    }

    pub(crate) fn entry(&self, at: usize) -> Option<(&str, Recorded)> {
        self.sorted.entry(at, &self.runs).map(|(key, record, _)| (key, record))
    }

    pub(crate) fn key(&self, at: usize) -> &str {
        self.sorted.key(at)
    }

    /// Prefixes under which all keys lie, for listing them: their folders, or, where there are more than `limit` of these,
    /// folders nearer to the root.
    pub fn prefixes(&self, limit: usize) -> Vec<String> {
        const DEPTH: usize = 8;
        for depth in (1..=DEPTH).rev() {
            if let Some(prefixes) = self.cut(|key| folder(key, depth), limit) {
                return prefixes;
            }
        }
        let first = |key| -> &str { str::chars(key).next().map_or("", |c| &key[..c.len_utf8()]) };
        self.cut(first, usize::MAX).unwrap_or_default()
    }

    fn cut<'a>(&'a self, prefix: impl Fn(&'a str) -> &'a str, limit: usize) -> Option<Vec<String>> {
        let mut prefixes: Vec<String> = Vec::new();
        for at in 0..self.len() {
            let key = self.key(at);
            // Keys are in order, so that those of a prefix stand together.
            if prefixes.last().is_some_and(|last| key.starts_with(last)) {
                continue;
            }
            // A file beside folders: theirs lie in its own.
            let prefix = prefix(key);
            while prefixes.pop_if(|last| last.starts_with(prefix)).is_some() {}
            if prefixes.len() == limit {
                return None;
            }
            prefixes.push(prefix.to_owned());
        }
        Some(prefixes)
    }
}

/// The folder in which a key lies, of at most so many components; the key itself, if it lies in none.
fn folder(key: &str, depth: usize) -> &str {
    match key.match_indices('/').take(depth).last() {
        Some((slash, _)) => &key[..=slash],
        None => key,
    }
}

/// Records to verify against.
#[derive(Clone, Debug)]
pub struct Records {
    pub(crate) index: Arc<ManifestIndex>,
    pub(crate) only_recorded: bool,
}

impl Records {
    /// Objects without a record are judged as well: what the destination lacks was never copied.
    pub fn of_selection(index: Arc<ManifestIndex>) -> Self {
        Self { index, only_recorded: false }
    }

    /// Only what has a record is judged; the rest is counted
    /// ([`VerifySummary::unrecorded`](crate::VerifySummary::unrecorded)).
    pub fn only_recorded(index: Arc<ManifestIndex>) -> Self {
        Self { index, only_recorded: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_beside_folders_does_not_make_prefixes_that_lie_in_each_other() {
        let mut index = ManifestIndex::new();
        let record = Recorded { size: 1, etag: ETag::new("e"), state: Err("failed".into()), at: 0, run: "r".into() };
        for key in ["a/b/1", "a/c", "a/d/1", "a/e", "f", "f/g", "h/1"] {
            index.sorted.push(key, &record, 0, 0).expect("room for it");
        }
        assert_eq!(index.prefixes(9), ["a/", "f", "h/"]);
        assert_eq!(index.prefixes(3), ["a/", "f", "h/"]);
    }
}
