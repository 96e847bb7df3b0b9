//! A manifest: what is read of it says the same when it is written anew, whatever is altered in a whole one is noticed,
//! and an index of several agrees with their entries.
#![no_main]

use std::{
    collections::BTreeMap,
    error::Error,
    io::{BufReader, Cursor},
};

use chrono::{DateTime, Utc};
use flex_copy::{
    Checksum, ETag, PartSizes, Proof,
    manifest::{
        Difference, MAX_LINE, ManifestEntry, ManifestError, ManifestHeader, ManifestIndex, ManifestReader,
        ManifestRecord, ManifestWriter, Recorded, RunEnd, UnprovenRecord, compare,
    },
};
use flex_fuzz::{Dice, check_message, long_bytes};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const FIRST: &[u8] = concat!(
    r#"{"manifest":1,"run":"r","flex":"0.1.0","started":"2021-05-31T12:34:56Z","source":"s","destination":"d","#,
    r#""prefix":"p/","selection":["2021/05"]}"#,
    "\n"
)
.as_bytes();

fuzz_target!(|bytes: &[u8]| {
    let body = [FIRST, bytes].concat();
    check(bytes);
    check(&body);
    for whole in [sealed(bytes), sealed(&body)].into_iter().flatten() {
        check_whole(&whole, &mut Dice::new(bytes));
    }
    if let (Some(first), Some(second)) = (sealed(bytes), sealed(&body)) {
        check_index(&[&first, &second, &first]);
    }
    made(&mut Dice::new(bytes));
    if let Some(long) = long_bytes(bytes, b"\n") {
        check(&long);
        if let Some(whole) = sealed(&[FIRST, &long].concat()) {
            check(&whole);
            check_index(&[&whole]);
        }
    }
});

struct Read {
    header: Option<ManifestHeader>,
    entries: Vec<ManifestEntry>,
    end: Result<Option<RunEnd>, ManifestError>,
}

fn read(bytes: &[u8]) -> Read {
    read_in_pieces(bytes, 64 * 1024)
}

fn read_in_pieces(bytes: &[u8], piece: usize) -> Read {
    let mut reader = match ManifestReader::new(BufReader::with_capacity(piece, bytes)) {
        Ok(reader) => reader,
        Err(e) => return Read { header: None, entries: Vec::new(), end: Err(e) },
    };
    let mut entries = Vec::new();
    let mut end = Ok(());
    for entry in reader.by_ref() {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(e) => end = Err(e),
        }
    }
    assert!(reader.next().is_none(), "nothing follows the end");
    assert_eq!(reader.records(), entries.len() as u64);
    Read { header: Some(reader.header().clone()), entries, end: end.map(|()| reader.ended()) }
}

/// The lines that can be read, with the last line that they ask for, which no mutation would find.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let good = match read(bytes).end {
        Err(ManifestError::CutOff { line } | ManifestError::AfterEnd { line }) => line,
        Err(ManifestError::Line { line, .. }) => line.saturating_sub(1),
        _ => return None,
    };
    let body = lines[..usize::try_from(good).expect("a few").min(lines.len())].concat();
    let Read { header, entries, end } = read(&body);
    header?;
    match end {
        Err(ManifestError::CutOff { .. }) => {}
        _ => return None,
    }
    let whole = [&body[..], &last(entries.len(), &body)].concat();
    let sealed = read(&whole);
    assert!(sealed.end.is_ok() && sealed.entries == entries, "{:?}", sealed.end);
    Some(whole)
}

fn last(records: usize, before: &[u8]) -> Vec<u8> {
    let sum: String = Sha256::digest(before).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\"records\":{records},\"sha256\":\"{sum}\"}}\n").into_bytes()
}

fn check(bytes: &[u8]) {
    let Read { header, entries, end } = read(bytes);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(entries.len() < lines.max(1), "an entry is a line, and there is a first one");
    if let Err(error) = &end {
        let mut next: Option<&dyn Error> = Some(error);
        while let Some(error) = next {
            check_message(&error.to_string(), 0);
            next = error.source();
        }
        assert_eq!(error.is_cut_off(), matches!(error, ManifestError::CutOff { .. }));
        match error {
            ManifestError::CutOff { line } => assert_eq!(*line, lines as u64, "the whole lines"),
            ManifestError::Line { line, .. } => assert!((1..=lines as u64 + 1).contains(line), "line {line}"),
            ManifestError::AfterEnd { line } => assert!((2..=lines as u64 + 1).contains(line), "line {line}"),
            ManifestError::Io(e) => panic!("{e} in memory"),
            _ => {}
        }
    }
    let again = read_in_pieces(bytes, 5);
    assert_eq!((&again.header, &again.entries), (&header, &entries), "in small pieces");
    assert_eq!(format!("{:?}", again.end), format!("{end:?}"), "in small pieces");
    if let Some(header) = header {
        let how = end.as_ref().ok().copied().flatten().unwrap_or(RunEnd::Stopped);
        let whole = written(&header, &entries, how);
        let again = read(&whole);
        assert_eq!(again.end.expect("as it was written"), Some(how));
        let (header, entries) = (plain_header(header), entries.into_iter().map(plain_entry).collect::<Vec<_>>());
        assert_eq!((again.header.as_ref(), &again.entries), (Some(&header), &entries));
        assert!(whole == written(&header, &entries, how), "the same bytes");
    }
    check_index(&[bytes]);
}

/// What was read can be written, all of it.
fn written(header: &ManifestHeader, entries: &[ManifestEntry], how: RunEnd) -> Vec<u8> {
    let mut writer = ManifestWriter::new(Vec::new(), header.clone()).expect("a header that was read");
    for entry in entries {
        writer.record(entry).unwrap_or_else(|e| panic!("{e}: {entry:?}"));
    }
    writer.finish(how, DateTime::UNIX_EPOCH).expect("memory takes it")
}

/// Times are written in seconds.
fn plain_time(time: DateTime<Utc>) -> DateTime<Utc> {
    // A leap second is one of its own.
    let nanos = time.timestamp_subsec_nanos();
    DateTime::from_timestamp(time.timestamp(), nanos - nanos % 1_000_000_000).expect("a time that was there")
}

fn plain_header(header: ManifestHeader) -> ManifestHeader {
    ManifestHeader { started: plain_time(header.started), ..header }
}

fn plain_entry(entry: ManifestEntry) -> ManifestEntry {
    match entry {
        ManifestEntry::Proven(record) => ManifestEntry::Proven(ManifestRecord {
            source_last_modified: record.source_last_modified.map(plain_time),
            copied_at: record.copied_at.map(plain_time),
            ..record
        }),
        ManifestEntry::Unproven(record) => ManifestEntry::Unproven(UnprovenRecord {
            source_last_modified: record.source_last_modified.map(plain_time),
            ..record
        }),
    }
}

/// Nothing in a whole manifest can be altered without notice.
fn check_whole(whole: &[u8], dice: &mut Dice<'_>) {
    check(whole);
    assert!(read(whole).end.is_ok());
    let Read { entries, .. } = read(whole);
    let cut = dice.number(whole.len());
    let torn = read(&whole[..cut]);
    assert!(torn.end.as_ref().is_err_and(ManifestError::is_cut_off), "cut at {cut}: {:?}", torn.end);
    assert!(entries.starts_with(&torn.entries), "cut at {cut}");
    for _ in 0..2 {
        let mut altered = whole.to_vec();
        let at = dice.number(whole.len());
        let byte = dice.byte();
        match dice.byte() % 6 {
            0 | 1 => altered[at] ^= byte.max(1),
            2 => drop(altered.remove(at)),
            3 => altered.insert(at, byte),
            4 => altered.push(byte),
            _ => {
                let mut lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
                let (a, b) = (dice.number(lines.len()), dice.number(lines.len()));
                lines.swap(a, b);
                altered = lines.concat();
            }
        }
        if altered != whole {
            let end = read(&altered).end;
            assert!(end.is_err(), "not noticed: {:?}", String::from_utf8_lossy(&altered));
            let mut index = ManifestIndex::new();
            let added = ManifestReader::new(&altered[..]).and_then(|reader| index.add(reader));
            match added {
                Err(_) => assert!(index.is_empty(), "all or nothing"),
                // It is used as far as it goes, and known for what it is.
                Ok(added) => assert!(added.cut_off.is_some() && end.is_err_and(|e| e.is_cut_off())),
            }
        }
    }
}

/// A manifest of values that a hostile service may have told: what the writer takes, the reader gives back.
fn made(dice: &mut Dice<'_>) {
    let header = ManifestHeader {
        run: format!("r{}", dice.text()).into(),
        flex_version: dice.text().into(),
        started: time(dice).unwrap_or_default(),
        source: format!("s{}", dice.text()),
        destination: format!("d{}", dice.text()),
        prefix: text(dice),
        selection: (0..dice.byte() % 3).map(|_| text(dice)).collect(),
    };
    let Ok(mut writer) = ManifestWriter::new(Vec::new(), header.clone()) else { return };
    let mut taken = Vec::new();
    for _ in 0..32 {
        if dice.is_empty() {
            break;
        }
        let entry = entry(dice, &header);
        if writer.record(&entry).is_ok() {
            taken.push(plain_entry(entry));
        }
    }
    let how = dice.one_of(&[RunEnd::Complete, RunEnd::Interrupted, RunEnd::Stopped]);
    let whole = writer.finish(how, DateTime::UNIX_EPOCH).expect("memory takes it");
    assert!(whole.split_inclusive(|byte| *byte == b'\n').all(|line| line.len() <= MAX_LINE));
    let again = read(&whole);
    assert_eq!(again.end.unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&whole))), Some(how));
    assert_eq!((again.header, again.entries), (Some(plain_header(header)), taken));
    check_whole(&whole, dice);
}

fn text(dice: &mut Dice<'_>) -> String {
    match dice.byte() % 64 {
        0 => String::new(),
        1 => "x".repeat(dice.number(5000)),
        2..=9 => "日 \u{1b}\"\\\n\u{2028}".to_owned(),
        _ => dice.text(),
    }
}

fn time(dice: &mut Dice<'_>) -> Option<DateTime<Utc>> {
    let seconds = match dice.byte() % 8 {
        0 => return None,
        1 => 253_402_300_799 + (dice.byte() % 2) as i64,
        2 => i64::from(dice.byte()) - 128,
        3 => -62_167_219_200 - i64::from(dice.byte() % 2),
        4 => (dice.number(0) as i64) << (dice.byte() % 32),
        _ => 1_600_000_000 + i64::from(dice.byte()),
    };
    DateTime::from_timestamp(seconds, u32::from(dice.byte() % 2) * 1_400_000_000 % 2_000_000_000)
}

fn etag(dice: &mut Dice<'_>) -> ETag {
    let digest = "0cc175b9c0f1b6a831c399e269772661";
    match dice.byte() % 8 {
        0 => ETag::new(&text(dice)),
        1 => ETag::new(&format!("{digest}-{}", dice.number(0))),
        2 => ETag::new(&format!("{digest}-0{}", dice.byte())),
        3 => ETag::new(&digest.to_uppercase()),
        4 => ETag::new("+cc175b9c0f1b6a831c399e269772661"),
        _ => ETag::new(&digest.replace('0', dice.one_of(&["0", "1", "f"]))),
    }
}

fn entry(dice: &mut Dice<'_>, header: &ManifestHeader) -> ManifestEntry {
    let key = match dice.byte() % 4 {
        0 => text(dice),
        _ => dice.one_of(&["k", "2021/05/31/a.gz", "2021/05/31/b.gz", "é"]).to_owned(),
    };
    let parts: Vec<u64> = (0..dice.byte() % 4).map(|_| dice.number(0) as u64).collect();
    let layout = PartSizes::of(&parts);
    let size = if dice.byte().is_multiple_of(8) { u64::MAX } else { layout.total().unwrap_or_default() };
    let run = if dice.byte().is_multiple_of(8) { dice.text().into() } else { header.run.clone() };
    let (etag, source_last_modified, flex_version) = (etag(dice), time(dice), header.flex_version.clone());
    if dice.byte().is_multiple_of(3) {
        let outcome = dice.one_of(&["failed", "not-entitled", "archived", "Outcome", ""]).to_owned();
        return ManifestEntry::Unproven(UnprovenRecord {
            key,
            size,
            etag,
            outcome,
            source_last_modified,
            run,
            flex_version,
        });
    }
    let same = dice.byte().is_multiple_of(2);
    ManifestEntry::Proven(ManifestRecord {
        key,
        size,
        dest_etag: if same { etag.clone() } else { self::etag(dice) },
        etag,
        proof: dice.one_of(&[Proof::Checksum, Proof::Etag, Proof::SizeOnly]),
        checksum: dice
            .byte()
            .is_multiple_of(2)
            .then(|| Checksum { algorithm: "CRC64NVME".into(), value: text(dice).into() }),
        layout: (!parts.is_empty()).then_some(layout),
        source_last_modified,
        copied_at: time(dice),
        run,
        flex_version,
    })
}

/// The index of these manifests against the plainest one.
fn check_index(manifests: &[&[u8]]) {
    let mut index = ManifestIndex::new();
    let mut model: BTreeMap<String, Recorded> = BTreeMap::new();
    for bytes in manifests {
        let before: Vec<(String, Recorded)> = owned(&index);
        let Read { header, entries, end } = read(bytes);
        let Some(header) = header else { continue };
        let reader = ManifestReader::new(Cursor::new(bytes)).expect("as before");
        let added = index.add(reader);
        match (added, end) {
            (Ok(added), Ok(ended)) => {
                assert_eq!((added.records, added.ended, added.cut_off), (entries.len() as u64, ended, None));
            }
            (Ok(added), Err(ManifestError::CutOff { line })) => {
                assert_eq!((added.records, added.cut_off), (entries.len() as u64, Some(line)));
            }
            (Err(_), Err(_)) => {
                assert_eq!(owned(&index), before, "all or nothing");
                continue;
            }
            (added, end) => panic!("{added:?} of {end:?}"),
        }
        for (key, record) in entries.into_iter().map(|entry| recorded(entry, &header)) {
            let best = match model.remove(&key) {
                Some(known) => best_of(known, record),
                None => record,
            };
            model.insert(key, best);
        }
    }
    assert_eq!(owned(&index), model.clone().into_iter().collect::<Vec<_>>());
    assert_eq!((index.len(), index.is_empty()), (model.len(), model.is_empty()));
    for (key, record) in &model {
        assert_eq!(index.get(key).as_ref(), Some(record));
        let other = format!("{key}\0");
        assert_eq!(index.get(&other).as_ref(), model.get(&other));
    }
    for limit in [1, 3, 1000] {
        let prefixes = index.prefixes(limit);
        assert!(prefixes.is_sorted() && prefixes.iter().all(|prefix| !prefix.is_empty()));
        for key in model.keys() {
            let under = prefixes.iter().filter(|prefix| key.starts_with(prefix.as_str())).count();
            assert_eq!(under, 1, "{key:?} is under {under} of {prefixes:?}");
        }
    }

    // Compared with itself, with nothing, and with what the first of the manifests says.
    let proven = model.values().filter(|record| record.state.is_ok()).count();
    for same_destination in [true, false] {
        let all = |(_, difference)| matches!(difference, Difference::Same { .. });
        assert_eq!(compare(&index, &index, same_destination).count(), proven);
        assert!(compare(&index, &index, same_destination).all(all));
        let nothing = ManifestIndex::new();
        assert!(compare(&index, &nothing, same_destination).all(|(_, d)| matches!(d, Difference::OnlyFirst(_))));
        assert!(compare(&nothing, &index, same_destination).all(|(_, d)| matches!(d, Difference::OnlySecond(_))));
        assert_eq!(compare(&nothing, &index, same_destination).count(), proven);
        let mut first = ManifestIndex::new();
        if let Some(Ok(reader)) = manifests.first().map(|bytes| ManifestReader::new(*bytes)) {
            // Whatever comes of it.
            let _ = first.add(reader);
        }
        let there: Vec<_> = compare(&first, &index, same_destination).collect();
        let back: Vec<_> = compare(&index, &first, same_destination).collect();
        assert!(there.windows(2).all(|pair| pair[0].0 < pair[1].0), "each key once, in order");
        assert_eq!(there.len(), back.len());
        for ((key, there), (same_key, back)) in there.into_iter().zip(back) {
            assert_eq!(key, same_key);
            assert_eq!(there, mirrored(back), "{key:?}");
        }
    }
}

fn owned(index: &ManifestIndex) -> Vec<(String, Recorded)> {
    index.iter().map(|(key, record)| (key.to_owned(), record)).collect()
}

fn recorded(entry: ManifestEntry, header: &ManifestHeader) -> (String, Recorded) {
    let (size, etag, state, at, key) = match entry {
        ManifestEntry::Proven(r) => (r.size, r.etag, Ok((r.dest_etag, r.proof)), r.copied_at, r.key),
        ManifestEntry::Unproven(r) => (r.size, r.etag, Err(r.outcome), None, r.key),
    };
    let at = at.unwrap_or(header.started).timestamp().max(0);
    (key, Recorded { size, etag, state, at, run: header.run.clone() })
}

/// As [`ManifestIndex`] promises.
fn best_of(known: Recorded, added: Recorded) -> Recorded {
    if known.state.is_ok() != added.state.is_ok() {
        return if known.state.is_ok() { known } else { added };
    }
    let (old, mut new) = if known.at > added.at { (added, known) } else { (known, added) };
    if let (Ok((old_copy, old_proof)), Ok((copy, proof))) = (&old.state, &mut new.state)
        && (old.size, &old.etag, old_copy) == (new.size, &new.etag, &*copy)
        && *old_proof < *proof
    {
        *proof = *old_proof;
    }
    new
}

fn mirrored(difference: Difference) -> Difference {
    match difference {
        Difference::Same { size, proof, against } => Difference::Same { size, proof: against, against: proof },
        Difference::Changed { was, is } => Difference::Changed { was: is, is: was },
        Difference::OnlyFirst(record) => Difference::OnlySecond(record),
        Difference::OnlySecond(record) => Difference::OnlyFirst(record),
        other => panic!("{other:?} is new"),
    }
}
