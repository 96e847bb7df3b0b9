//! A journal: what is read of it is sound and adds up, what is not is counted; and whatever it held, what it knows
//! outlives writing to it, a torn write, a full disk, and being taken over by another.
//!
//! The library gives the writing side to its own runs alone, so that the module is included here as source.
#![no_main]
#![allow(dead_code, unreachable_pub, unused_imports, reason = "the modules serve the library")]

use std::{collections::BTreeMap, io, sync::Arc};

use crc_fast::CrcAlgorithm;
use flex_fuzz::{Dice, Memory, check_message, in_no_time, long_bytes};
use futures::future::BoxFuture;
use journal::{Journal, JournalError, JournalRecord, JournalStore, JournalUpload, LostCreate, UploadEnd};
use layout::PartSizes;
use libfuzzer_sys::fuzz_target;
use object::ETag;

#[path = "../../../flex-copy/src/journal/mod.rs"]
mod journal;
#[path = "../../../flex-copy/src/layout.rs"]
mod layout;
#[path = "../../../flex-copy/src/object.rs"]
mod object;

const HEADER: JournalRecord = JournalRecord::Journal { version: 1 };

impl JournalStore for Memory {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.read()
    }

    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.append(bytes)
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.replace(bytes)
    }
}

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&sealed(bytes));
    if let Some(long) = long_bytes(bytes, b"\n") {
        check(&long);
        check(&sealed(&long));
    }
});

/// Each line that has no checksum as a record that has the right one, which no mutation would find.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let seal = |line: &[u8]| if line.starts_with(b"{\"crc32c\"") { [line, b"\n"].concat() } else { sealed_line(line) };
    bytes.split(|byte| *byte == b'\n').flat_map(seal).collect()
}

fn sealed_line(record: &[u8]) -> Vec<u8> {
    let sum = crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, record);
    [format!("{{\"crc32c\":\"{sum:08x}\",\"record\":").as_bytes(), record, b"}\n"].concat()
}

fn written(record: &JournalRecord) -> Vec<u8> {
    sealed_line(&serde_json::to_vec(record).expect("texts and numbers"))
}

/// What the records come to, in the plainest words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    open: BTreeMap<(String, String, String), JournalUpload>,
    lost: BTreeMap<(String, String), (i64, i64, u32)>,
}

impl Sums {
    fn of(records: &[JournalRecord]) -> Self {
        let mut sums = Self::default();
        records.iter().for_each(|record| sums.add(record));
        sums
    }

    fn add(&mut self, record: &JournalRecord) {
        match record {
            JournalRecord::Intent { bucket, key, at } => {
                let (first, last, count) = self.lost.entry((bucket.clone(), key.clone())).or_insert((*at, *at, 0));
                (*first, *last, *count) = ((*first).min(*at), (*last).max(*at), *count + 1);
            }
            JournalRecord::Opened { upload, answered } => {
                if *answered {
                    self.answered(&upload.bucket, &upload.key);
                }
                let id = (upload.bucket.clone(), upload.key.clone(), upload.upload_id.clone());
                self.open.insert(id, upload.clone());
            }
            JournalRecord::NotOpened { bucket, key } => self.answered(bucket, key),
            JournalRecord::Ended { bucket, key, upload_id, .. } => {
                self.open.remove(&(bucket.clone(), key.clone(), upload_id.clone()));
            }
            JournalRecord::Settled { bucket, key } => {
                self.lost.remove(&(bucket.clone(), key.clone()));
            }
            _ => {}
        }
    }

    fn answered(&mut self, bucket: &str, key: &str) {
        let key = (bucket.to_owned(), key.to_owned());
        if let Some((_, _, count)) = self.lost.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.lost.remove(&key);
            }
        }
    }

    fn known(journal: &Journal) -> Self {
        let open = journal.open_uploads().into_iter().map(|upload| {
            let id = (upload.bucket.clone(), upload.key.clone(), upload.upload_id.clone());
            (id, upload)
        });
        let lost = journal.lost_creates().into_iter().map(|LostCreate { bucket, key, first, last, count }| {
            assert!(first <= last && count > 0, "{first}..={last}, {count} times");
            ((bucket, key), (first, last, count))
        });
        Self { open: open.collect(), lost: lost.collect() }
    }
}

fn open(memory: &Arc<Memory>) -> Result<Journal, JournalError> {
    in_no_time(Journal::open(memory.clone()))
}

/// What another run would find, without damage.
fn found(memory: &Memory) -> Sums {
    let journal = open(&Arc::new(Memory::of(&memory.bytes()))).expect("what flex wrote is a journal");
    assert_eq!(journal.damaged_lines(), 0, "what flex wrote is not damaged");
    Sums::known(&journal)
}

fn check(bytes: &[u8]) {
    let (records, damaged) = JournalRecord::read(bytes);
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&bytes[..0], |at| &bytes[..at]);
    let lines: Vec<&[u8]> = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(records.len() as u64 + damaged, lines.len() as u64, "each line is a record or damaged");
    let again: Vec<u8> = records.iter().flat_map(written).collect();
    assert!(again.len() <= bytes.len() + 64 * records.len(), "a record grows");
    assert_eq!(JournalRecord::read(&again), (records.clone(), 0));
    let mut dice = Dice::new(bytes);
    for record in records.iter().take(16) {
        check_line(record, &mut dice);
    }

    let memory = Arc::new(Memory::of(bytes));
    match open(&memory) {
        Ok(journal) => {
            assert_eq!(journal.damaged_lines(), damaged);
            let sums = Sums::of(&records);
            assert_eq!(Sums::known(&journal), sums);
            check_journal(&journal, sums, &memory, &mut dice);
        }
        Err(error) => {
            check_message(&error.to_string(), 0);
            match (&error, records.first()) {
                (JournalError::Newer { version }, Some(JournalRecord::Journal { version: read })) => {
                    assert!(version == read && *version > 1);
                }
                (JournalError::NotAJournal, None) => {
                    assert!(!bytes.is_empty() && !written(&HEADER).starts_with(bytes), "a first write cut off");
                }
                (_, first) => panic!("{error:?} for {first:?}"),
            }
            assert_eq!((memory.writes(), memory.bytes()), (0, bytes.to_vec()), "what is not ours is not touched");
        }
    }
}

/// One byte of a record's line changed, or its end cut off, never makes another record of it.
fn check_line(record: &JournalRecord, dice: &mut Dice<'_>) {
    let line = written(record);
    let mut line = line[..line.len() - 1].to_vec();
    assert_eq!(JournalRecord::parse(&line).as_ref(), Some(record));
    if let JournalRecord::Opened { upload, .. } = record {
        assert_eq!(upload.parts.total(), Some(upload.size));
        assert!((0..=10_000).contains(&upload.parts.count()));
        assert_eq!(upload.parts.sizes().iter().sum::<u64>(), upload.size);
    }
    let at = dice.number(line.len());
    assert_eq!(JournalRecord::parse(&line[..at]), None, "cut off at {at}");
    line[at] ^= dice.byte().max(1);
    let read = JournalRecord::parse(&line);
    // A checksum in capital letters is the same number.
    assert!(read.is_none() || read.as_ref() == Some(record), "byte {at} of {record:?}: {read:?}");
}

fn check_journal(journal: &Journal, sums: Sums, memory: &Arc<Memory>, dice: &mut Dice<'_>) {
    assert_eq!(memory.writes(), 0, "opening writes nothing");
    let taken = journal.begin(5);
    for upload in sums.open.values().take(8) {
        assert!(journal.unclaimed_of(&upload.bucket, &upload.key).contains(upload));
        assert!(journal.claim(upload, &taken) && !journal.claim(upload, &Default::default()), "claimed once");
        assert!(!journal.unclaimed(&upload.bucket).contains(upload));
    }
    let mut now_known = sums.clone();
    run(journal, &mut now_known, memory, dice);
    assert_eq!(Sums::known(journal), now_known);
    assert_eq!(found(memory), now_known);

    check_torn(memory, &now_known, dice);

    // Taken over by an empty one.
    let other_memory = Arc::new(Memory::default());
    let other = open(&other_memory).expect("nothing is a journal");
    in_no_time(other.adopt(journal));
    assert_eq!((Sums::known(&other), found(&other_memory)), (now_known.clone(), now_known.clone()));
    let nothing = Sums::default();
    if now_known != nothing {
        assert_eq!((Sums::known(journal), found(memory)), (nothing.clone(), nothing));
    }
}

/// A run over this journal, which may run out of room on the way.
fn run(journal: &Journal, sums: &mut Sums, memory: &Memory, dice: &mut Dice<'_>) {
    let claim = journal.begin(dice.number(0) as i64);
    let full = dice.byte().is_multiple_of(4);
    if full {
        memory.leave_room(Some(dice.number(2048)));
    }
    let before = sums.open.values().next().cloned();
    for at in 0..dice.byte() % 6 {
        let (bucket, key) = (dice.one_of(&["b", "c"]).to_owned(), dice.one_of(&["k", "l", "日 \u{1b}\n"]).to_owned());
        let upload = before.clone().filter(|_| dice.byte().is_multiple_of(2)).unwrap_or_else(|| JournalUpload {
            bucket: bucket.clone(),
            key: key.clone(),
            upload_id: format!("id-{at}"),
            source_etag: ETag::new("e-3"),
            size: 20,
            parts: PartSizes::of(&[8, 8, 4]),
            checksum: None,
            storage_class: None,
            encryption: None,
            encrypted: Some("AES256".into()),
            at: 7,
        });
        let record = match dice.byte() % 5 {
            0 => {
                in_no_time(journal.intent(&bucket, &key, at.into()));
                JournalRecord::Intent { bucket, key, at: at.into() }
            }
            1 => {
                let answered = dice.byte().is_multiple_of(2);
                in_no_time(journal.opened(upload.clone(), answered, &claim));
                JournalRecord::Opened { upload, answered }
            }
            2 => {
                journal.not_opened(&bucket, &key);
                JournalRecord::NotOpened { bucket, key }
            }
            3 => {
                journal.note_end(&upload, UploadEnd::Completed);
                let JournalUpload { bucket, key, upload_id, .. } = upload;
                JournalRecord::Ended { bucket, key, upload_id, how: UploadEnd::Completed }
            }
            _ => {
                let (first, last, count) = (0, 0, 1);
                in_no_time(journal.settled(&LostCreate { bucket: bucket.clone(), key: key.clone(), first, last, count }));
                JournalRecord::Settled { bucket, key }
            }
        };
        sums.add(&record);
    }
    memory.leave_room(None);
    assert!(full || journal.failure().is_none());
    in_no_time(journal.rest(9));
    assert_eq!(journal.failure(), None, "there is room again");
}

/// A write that is torn anywhere takes nothing from what was there, and adds nothing.
fn check_torn(memory: &Memory, sums: &Sums, dice: &mut Dice<'_>) {
    let before = memory.bytes();
    let memory = Arc::new(Memory::of(&before));
    let journal = open(&memory).expect("what flex wrote is a journal");
    let claim = journal.begin(11);
    in_no_time(journal.intent("b", "torn", 12));
    drop(claim);
    let after = memory.bytes();
    assert!(after.starts_with(&before) && after.len() > before.len(), "appended");
    let cut = before.len() + dice.number(after.len() - before.len());
    let torn = Arc::new(Memory::of(&after[..cut]));
    let journal = open(&torn).expect("a torn end is no damage");
    assert_eq!((journal.damaged_lines(), Sums::known(&journal)), (0, sums.clone()), "torn at {cut}");
    in_no_time(journal.intent("b", "after", 13));
    let mut more = sums.clone();
    more.add(&JournalRecord::Intent { bucket: "b".into(), key: "after".into(), at: 13 });
    assert_eq!(found(&torn), more, "torn at {cut}");
}
