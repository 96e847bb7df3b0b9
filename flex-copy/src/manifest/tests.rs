//! What is written is read, what is altered is not believed, and what is hostile ends within bounds.

use std::{
    io::{self, BufReader, Read},
    slice::from_ref,
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{collection::vec, option, prelude::*, test_runner::RngSeed};
use sha2::{Digest, Sha256};

use super::{
    Added, Difference, LineFault, MAX_LINE, ManifestEntry, ManifestError, ManifestHeader, ManifestIndex,
    ManifestReader, ManifestRecord, ManifestWriter, RunEnd, UnprovenRecord, compare,
};
use crate::{Checksum, ETag, PartSizes, Proof};

/// The same cases in every run. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look further.
fn config() -> ProptestConfig {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_210_531);
    ProptestConfig { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..ProptestConfig::default() }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn header(run: &str, started: i64) -> ManifestHeader {
    ManifestHeader {
        run: run.into(),
        flex_version: "0.1.0".into(),
        started: at(started),
        source: "source".into(),
        destination: "destination".into(),
        prefix: String::new(),
        selection: vec!["2021/05/31".into()],
    }
}

/// A copy of so many bytes.
fn proven(key: &str, size: u64, etag: &str, dest_etag: &str, proof: Proof, copied_at: Option<i64>) -> ManifestEntry {
    ManifestEntry::Proven(ManifestRecord {
        key: key.into(),
        size,
        etag: ETag::new(etag),
        dest_etag: ETag::new(dest_etag),
        proof,
        checksum: None,
        layout: None,
        source_last_modified: None,
        copied_at: copied_at.map(at),
        run: "r".into(),
        flex_version: "0.1.0".into(),
    })
}

fn unproven(key: &str, outcome: &str) -> ManifestEntry {
    ManifestEntry::Unproven(UnprovenRecord {
        key: key.into(),
        size: 1,
        etag: ETag::new("e"),
        outcome: outcome.into(),
        source_last_modified: None,
        run: "r".into(),
        flex_version: "0.1.0".into(),
    })
}

fn written(header: ManifestHeader, entries: &[ManifestEntry]) -> Vec<u8> {
    let mut writer = ManifestWriter::new(Vec::new(), header).expect("a header");
    for entry in entries {
        writer.record(entry).expect("a record");
    }
    writer.finish(RunEnd::Complete, at(0)).expect("an end")
}

/// What is read of it, and by what it ended.
fn read(bytes: impl Read) -> (Vec<ManifestEntry>, Result<(), ManifestError>) {
    let reader = match ManifestReader::new(BufReader::with_capacity(100, bytes)) {
        Ok(reader) => reader,
        Err(e) => return (Vec::new(), Err(e)),
    };
    let mut entries = Vec::new();
    for entry in reader {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(e) => return (entries, Err(e)),
        }
    }
    (entries, Ok(()))
}

/// A small manifest with a bit of everything.
fn sample() -> Vec<u8> {
    let ManifestEntry::Proven(record) = proven("2021/05/31/b", 12, "e-2", "d", Proof::Checksum, Some(7)) else {
        unreachable!("it is proven")
    };
    let checksum = Checksum { algorithm: "CRC64NVME".into(), value: "AAAAAAAAAAA=".into() };
    let layout = Some(PartSizes::of(&[8, 4]));
    let full = ManifestRecord { checksum: Some(checksum), layout, source_last_modified: Some(at(3)), ..record };
    let plain = proven("2021/05/31/a", 5, "e", "e", Proof::Etag, None);
    written(header("r", 1), &[plain, ManifestEntry::Proven(full), unproven("2021/05/31/c", "not-entitled")])
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (0..253_402_300_799_i64).prop_map(at)
}

fn etag() -> impl Strategy<Value = ETag> {
    prop_oneof!["[0-9a-f]{32}", "[0-9a-f]{32}-[0-9]{1,5}", ".{0,40}"].prop_map(|text| ETag::new(&text))
}

fn checksum() -> impl Strategy<Value = Checksum> {
    (".{0,12}", ".{0,30}").prop_map(|(algorithm, value)| Checksum { algorithm: algorithm.into(), value: value.into() })
}

/// The header's own or another.
fn name(own: &'static str) -> impl Strategy<Value = Arc<str>> {
    prop_oneof![Just(own.into()), ".{1,20}".prop_map(Arc::from)]
}

fn entry() -> impl Strategy<Value = ManifestEntry> {
    let proof = prop_oneof![Just(Proof::Checksum), Just(Proof::Etag), Just(Proof::SizeOnly)];
    let common = ("(?s).{1,200}", any::<u64>(), etag(), option::of(time()), name("own"), name("0.1.0"));
    let copy = (etag(), proof, option::of(checksum()), option::of(vec(1..=1_u64 << 40, 1..9)), option::of(time()));
    let state = prop_oneof![copy.prop_map(Ok), "[a-z-]{1,40}".prop_map(Err)];
    (common, state).prop_map(|((key, size, etag, source_last_modified, run, flex_version), state)| match state {
        Ok((dest_etag, proof, checksum, sizes, copied_at)) => ManifestEntry::Proven(ManifestRecord {
            key,
            size: sizes.as_ref().map_or(size, |sizes| sizes.iter().sum()),
            etag,
            dest_etag,
            proof,
            checksum,
            layout: sizes.map(|sizes| PartSizes::of(&sizes)),
            source_last_modified,
            copied_at,
            run,
            flex_version,
        }),
        Err(outcome) => ManifestEntry::Unproven(UnprovenRecord {
            key,
            size,
            etag,
            outcome,
            source_last_modified,
            run,
            flex_version,
        }),
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read(
        (started, prefix, selection) in (time(), ".{0,30}", vec(".{0,30}", 0..4)),
        entries in vec(entry(), 0..6),
        (how, ended) in (prop_oneof![Just(RunEnd::Complete), Just(RunEnd::Interrupted), Just(RunEnd::Stopped)], time()),
    ) {
        let header = ManifestHeader { started, prefix, selection, ..header("own", 0) };
        let mut writer = ManifestWriter::new(Vec::new(), header.clone()).expect("a header");
        for entry in &entries {
            writer.record(entry).expect("a record");
        }
        let bytes = writer.finish(how, ended).expect("an end");
        let mut reader = ManifestReader::new(&bytes[..]).expect("a manifest");
        prop_assert_eq!(reader.header(), &header);
        let found: Vec<_> = reader.by_ref().collect::<Result<_, _>>().expect("a whole manifest");
        prop_assert_eq!(&found, &entries);
        prop_assert_eq!((reader.ended(), reader.records()), (Some(how), entries.len() as u64));
        // As anybody can check: the last line has the SHA-256 of all before it.
        let body = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let last: serde_json::Value = serde_json::from_slice(&bytes[body..]).expect("JSON");
        prop_assert_eq!(last["sha256"].as_str(), Some(&*hex::encode(Sha256::digest(&bytes[..body]))));
        // And the index has what the records have.
        let mut index = ManifestIndex::new();
        index.add(ManifestReader::new(&bytes[..]).expect("a manifest")).expect("added");
        for (key, record) in index.iter() {
            let is = |entry: &&ManifestEntry| entry.key() == key && match (entry, &record.state) {
                (ManifestEntry::Proven(r), Ok((dest_etag, proof))) =>
                    (r.size, &r.etag, &r.dest_etag, r.proof) == (record.size, &record.etag, dest_etag, *proof),
                (ManifestEntry::Unproven(r), Err(outcome)) =>
                    (r.size, &r.etag, &r.outcome) == (record.size, &record.etag, outcome),
                _ => false,
            };
            prop_assert!(entries.iter().find(is).is_some(), "{} {:?}", key, record);
        }
        prop_assert!(entries.iter().all(|entry| index.get(entry.key()).is_some()));
    }

    #[test]
    fn nothing_that_was_altered_is_believed(cuts in vec((any::<usize>(), any::<usize>(), vec(any::<u8>(), 0..9)), 1..4)) {
        let good = sample();
        let mut bytes = good.clone();
        for (from, length, instead) in cuts {
            let from = from % (bytes.len() + 1);
            let to = (from + length % 20).min(bytes.len());
            bytes.splice(from..to, instead);
        }
        let (_, end) = read(&bytes[..]);
        prop_assert!(end.is_err() || bytes == good, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_bytes_break_the_reader(junk in vec(any::<u8>(), 0..300), after_header in any::<bool>()) {
        let good = sample();
        let end = good.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let bytes = if after_header { [&good[..end], &junk].concat() } else { junk };
        prop_assert!(read(&bytes[..]).1.is_err());
    }
}

#[test]
fn each_bit_that_changes_is_noticed() {
    let good = sample();
    assert!(read(&good[..]).1.is_ok());
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let (_, end) = read(&bytes[..]);
            let error = end.expect_err("it was altered");
            // Only where the last line loses its end does it look like one that is not there.
            assert_eq!(error.is_cut_off(), at == good.len() - 1, "byte {at}, bit {bit}: {error}");
        }
    }
}

#[test]
fn wherever_it_is_cut_off_the_whole_lines_are_used() {
    let good = sample();
    let (all, _) = read(&good[..]);
    for length in 0..good.len() {
        let (entries, end) = read(&good[..length]);
        let lines = good[..length].iter().filter(|byte| **byte == b'\n').count();
        assert!(end.expect_err("it is cut off").is_cut_off(), "at {length}");
        assert_eq!(entries, all[..lines.saturating_sub(1).min(all.len())], "at {length}");
        let mut index = ManifestIndex::new();
        match ManifestReader::new(&good[..length]).map(|reader| index.add(reader)) {
            Ok(added) => {
                let Added { records, cut_off, .. } = added.expect("used as far as it goes");
                assert_eq!((records, cut_off, index.len()), (entries.len() as u64, Some(lines as u64), entries.len()));
            }
            Err(e) => assert!(e.is_cut_off() && lines == 0, "at {length}: {e}"),
        }
    }
}

/// The message for a manifest of these lines, whose last line fits them.
fn refused(lines: &[&str]) -> String {
    let mut bytes = format!("{}\n", lines.join("\n")).into_bytes();
    let records = lines.iter().filter(|line| line.contains("\"key\"")).count();
    let sha256 = hex::encode(Sha256::digest(&bytes));
    bytes.extend_from_slice(format!("{{\"records\":{records},\"sha256\":\"{sha256}\"}}\n").as_bytes());
    read(&bytes[..]).1.map_or_else(|e| e.to_string(), |()| "nothing".into())
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line_though_the_digest_is_right() {
    let first =
        r#"{"manifest":1,"run":"r","flex":"0","started":"2021-05-31T00:00:00Z","source":"s","destination":"d"}"#;
    let good = r#"{"key":"k","size":1,"etag":"e","proof":"etag","dest_etag":"e"}"#;
    assert_eq!(refused(&[first, good]), "nothing");
    assert_eq!(refused(&[first, &good.replace("\"e\"}", "\"e\",\"later\":[{}]}")]), "nothing", "unknown fields");
    let record = |from: &str, to: &str| refused(&[first, &good.replace(from, to)]);
    let long = format!("\"{}\"", "k".repeat(5000));
    for (found, want) in [
        (record("\"k\"", "\"\""), "line 2: key is not possible"),
        (record("\"k\"", &long), "line 2: key is not possible"),
        (record("\"k\"", "[]"), "line 2: column"),
        (record("\"size\":1,", ""), "line 2: size is missing"),
        (record("\"size\":1", "\"size\":-1"), "line 2: column"),
        (record("\"size\":1", "\"size\":1e300"), "line 2: column"),
        (record("\"size\":1", "\"size\":18446744073709551616"), "line 2: column"),
        (record("\"size\":1", "\"size\":1,\"size\":2"), "line 2: column"),
        (record("\"etag\":\"e\",", ""), "line 2: etag is missing"),
        (record("\"proof\":\"etag\",", ""), "line 2: proof or outcome is missing"),
        (record("\"proof\":\"etag\"", "\"proof\":\"faith\""), "line 2: column"),
        (record("\"proof\":\"etag\"", "\"outcome\":\"A word\\n\""), "line 2: outcome is not possible"),
        (record("\"proof\":\"etag\"", "\"proof\":\"etag\",\"layout\":[[1,2]]"), "line 2: layout is not possible"),
        (
            record("\"proof\":\"etag\"", "\"proof\":\"etag\",\"layout\":[[18446744073709551615,4294967295]]"),
            "line 2: layout is not possible",
        ),
        (record("\"proof\":\"etag\"", "\"proof\":\"etag\",\"copied_at\":\"yesterday\""), "line 2: column"),
        (refused(&[first, "{}"]), "line 2: neither a record nor an end"),
        (refused(&[first, "null"]), "line 2: column"),
        (refused(&[first, "\u{feff}{}"]), "line 2: column"),
        (refused(&[first, &"[".repeat(100_000)]), "line 2: column"),
        (refused(&[first, &format!("{{\"x\":{}", "{\"x\":".repeat(20_000))]), "line 2: column"),
        (refused(&[first, r#"{"ended":"complete"}"#, good]), "line 3: only the last line may follow"),
        (refused(&[first, r#"{"records":0,"sha256":"x"}"#]), "its SHA-256 is"),
        (refused(&[good]), "it does not begin as a manifest does"),
        (refused(&[&first.replace("\"source\":\"s\",", "")]), "line 1: source is missing"),
        (refused(&[&first.replace("\"started\"", "\"begun\"")]), "line 1: started is missing"),
        (refused(&[&first.replace("\"run\":\"r\"", "\"run\":{}")]), "line 1: column"),
        (refused(&[&first.replace(":1,", ":2,")]), "it is of format 2, and this version of flex reads up to 1"),
        (refused(&[&first.replace(":1,\"run\":\"r\"", ":3,\"run\":{}")]), "it is of format 3"),
        (refused(&[&first.replace(":1,", ":0,")]), "it is of format 0"),
        (refused(&[&first.replace(":1,", ":99999999999,")]), "line 1: column"),
    ] {
        assert!(found.starts_with(want), "{want}: {found}");
        assert!(found.len() < 300, "{want}: {} bytes are said", found.len());
    }
    // One record less, with the digest of what is there.
    let bytes = String::from_utf8(written(header("r", 1), &[unproven("k", "failed")])).expect("text");
    let one_less = bytes.replace("\"records\":1", "\"records\":0");
    assert!(
        read(one_less.as_bytes()).1.expect_err("altered").to_string().starts_with("its last line counts 0 records")
    );
    // The last line is as flex writes it, or it is not.
    let spaced = bytes.replace("{\"records\":1", "{ \"records\":1");
    assert!(read(spaced.as_bytes()).1.expect_err("altered").to_string().contains("not the last line that flex writes"));
}

/// Counts what is taken from it.
struct Counted<R>(R, usize);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        self.1 += count;
        Ok(count)
    }
}

#[test]
fn a_line_without_end_is_left_after_the_longest_that_there_is() {
    let good = sample();
    let first = good.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for (beginning, fault) in [(&b""[..], None), (&good[..first], Some(LineFault::TooLong { limit: MAX_LINE }))] {
        let mut endless = Counted(beginning.chain(io::repeat(b'x')), 0);
        match (read(&mut endless).1.expect_err("endless"), fault) {
            (ManifestError::NotAManifest, None) => {}
            (ManifestError::Line { line: 2, fault }, Some(want)) if fault == want => {}
            (error, _) => panic!("{error}"),
        }
        assert!(endless.1 <= first + MAX_LINE + 200, "{} bytes were read", endless.1);
    }
    // The longest line that is written is read; a longer one is not written.
    let long = PartSizes::of(&(1..=10_000).collect::<Vec<u64>>());
    let ManifestEntry::Proven(record) = proven(&"k".repeat(1024), 50_005_000, "e-10000", "e-10000", Proof::Etag, None)
    else {
        unreachable!("it is proven")
    };
    let entry = ManifestEntry::Proven(ManifestRecord { layout: Some(long), ..record });
    assert_eq!(read(&written(header("r", 1), from_ref(&entry))[..]).0, [entry]);
    let mut writer = ManifestWriter::new(Vec::new(), header("r", 1)).expect("a header");
    assert!(writer.record(&proven(&"k".repeat(MAX_LINE), 1, "e", "e", Proof::Etag, None)).is_err());
    assert!(writer.record(&unproven("k", "failed")).is_ok(), "nothing of it was written");
}

#[test]
fn after_an_output_failed_nothing_more_is_written() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut writer = ManifestWriter::new(Full(300), header("r", 1)).expect("a header");
    let entry = unproven(&"k".repeat(200), "failed");
    assert!(writer.record(&entry).is_err());
    assert_eq!((writer.record(&unproven("k", "failed")).is_err(), writer.records()), (true, 0));
    assert!(writer.finish(RunEnd::Complete, at(0)).is_err());
}

fn index(manifests: &[(i64, &[ManifestEntry])]) -> ManifestIndex {
    let mut index = ManifestIndex::new();
    for (n, (started, entries)) in manifests.iter().enumerate() {
        let bytes = written(header(&format!("run {n}"), *started), entries);
        index.add(ManifestReader::new(&bytes[..]).expect("a manifest")).expect("added");
    }
    index
}

#[test]
fn the_newest_record_counts_whatever_the_order() {
    use Proof::{Checksum as C, Etag as E, SizeOnly as S};
    let copy = |etag: &str, dest: &str, proof, copied_at| proven("k", 5, etag, dest, proof, copied_at);
    // Two manifests, each with when its run began; the proof, copy and run that count.
    for (first, second, want) in [
        ((1, copy("a", "a", E, Some(2))), (3, copy("b", "b", E, Some(4))), Some((E, "b", "run 1"))),
        ((3, copy("b", "b", E, Some(4))), (1, copy("a", "a", E, Some(2))), Some((E, "b", "run 0"))),
        // A long run copied it after a short one that began later.
        ((1, copy("a", "a", E, Some(9))), (3, copy("b", "b", E, Some(4))), Some((E, "a", "run 0"))),
        // Equally old: the one that was added later.
        ((1, copy("a", "a", E, Some(2))), (1, copy("b", "b", E, Some(2))), Some((E, "b", "run 1"))),
        // The same copy, of which the later run could not tell as much; another copy, of which it could not either.
        ((1, copy("a-2", "x", C, Some(2))), (3, copy("a-2", "x", S, None)), Some((C, "x", "run 1"))),
        ((1, copy("a-2", "x", C, Some(2))), (3, copy("a-2", "y", S, None)), Some((S, "y", "run 1"))),
        ((1, copy("a-2", "x", C, Some(2))), (3, copy("b-2", "x", S, None)), Some((S, "x", "run 1"))),
        ((3, copy("a-2", "x", S, None)), (1, copy("a-2", "x", C, Some(2))), Some((C, "x", "run 0"))),
        // What proves nothing hides nothing.
        ((1, copy("a", "a", E, Some(2))), (3, unproven("k", "failed")), Some((E, "a", "run 0"))),
        ((3, unproven("k", "failed")), (1, copy("a", "a", E, Some(2))), Some((E, "a", "run 1"))),
        ((1, unproven("k", "failed")), (3, unproven("k", "change-kept")), None),
    ] {
        let index = index(&[(first.0, from_ref(&first.1)), (second.0, from_ref(&second.1))]);
        let record = index.get("k").expect("a record");
        match want {
            Some((proof, dest_etag, run)) => {
                assert_eq!(record.state, Ok((ETag::new(dest_etag), proof)), "{first:?} {second:?}");
                assert_eq!(&*record.run, run, "{first:?} {second:?}");
            }
            None => assert_eq!(record.state, Err("change-kept".into())),
        }
        assert_eq!(index.len(), 1);
    }
}

#[test]
fn keys_are_in_order_and_a_manifest_that_is_altered_adds_nothing() {
    let record = |key| proven(key, 1, "e", "e", Proof::Etag, None);
    let mut index =
        index(&[(1, &[record("c"), record("a"), record("e")]), (2, &[record("b"), record("a"), record("d")])]);
    let keys: Vec<_> = index.iter().map(|(key, record)| (key.to_owned(), record.run.to_string())).collect();
    let want = [("a", "run 1"), ("b", "run 1"), ("c", "run 0"), ("d", "run 1"), ("e", "run 0")];
    assert_eq!(keys, want.map(|(key, run)| (key.to_owned(), run.to_owned())));
    assert!(index.get("aa").is_none() && index.get("").is_none());
    let bytes = written(header("r", 9), &[record("a"), record("z")]);
    let altered = String::from_utf8(bytes).expect("text").replace("\"size\":1", "\"size\":2");
    let added = index.add(ManifestReader::new(altered.as_bytes()).expect("a beginning"));
    assert!(matches!(added, Err(ManifestError::Digest { .. })));
    assert_eq!((index.len(), index.get("a").map(|record| record.size)), (5, Some(1)));
}

#[test]
fn the_folders_of_the_keys_are_found_and_all_keys_lie_in_them() {
    let keys =
        ["2021/05/28/a", "2021/05/28/b", "2021/05/31/a", "2021/06/01/x/y", "testdata/2021/05/31/a", "root", "接/続"];
    let entries: Vec<_> = keys.iter().map(|key| unproven(key, "failed")).collect();
    let index = index(&[(1, &entries)]);
    for (limit, want) in [
        (9, &["2021/05/28/", "2021/05/31/", "2021/06/01/x/", "root", "testdata/2021/05/31/", "接/"][..]),
        (5, &["2021/05/", "2021/06/", "root", "testdata/2021/", "接/"]),
        (4, &["2021/", "root", "testdata/", "接/"]),
        (1, &["2", "r", "t", "接"]),
    ] {
        let prefixes = index.prefixes(limit);
        assert!(keys.iter().all(|key| prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))), "{prefixes:?}");
        assert_eq!(prefixes, want, "{limit}");
    }
    assert_eq!(ManifestIndex::new().prefixes(9), [""; 0]);
}

#[test]
fn two_sets_are_compared_by_what_is_proven() {
    use Proof::{Checksum as C, Etag as E, SizeOnly as S};
    let copy = |key: &str, etag: &str, dest: &str, proof| proven(key, 5, etag, dest, proof, None);
    let first = index(&[(
        1,
        &[
            copy("a-same", "e", "e", E),
            copy("b-other-version", "e", "e", E),
            copy("c-first", "e", "e", E),
            copy("e-recopied", "e-2", "x", C),
            copy("f-unknown", "e-2", "x", C),
            proven("g-size", 6, "e", "e", E, None),
            copy("h-unproven", "e", "e", E),
            unproven("i-neither", "failed"),
        ],
    )]);
    let second = index(&[(
        2,
        &[
            copy("a-same", "e", "e", E),
            copy("b-other-version", "n", "n", E),
            copy("d-second", "e", "e", E),
            copy("e-recopied", "e-2", "y", C),
            copy("f-unknown", "e-2", "y", S),
            copy("g-size", "e", "e", E),
            unproven("h-unproven", "failed"),
            unproven("i-neither", "failed"),
        ],
    )]);
    let words = |same_destination| -> Vec<String> {
        let word = |difference: &Difference| match difference {
            Difference::Same { .. } => "same",
            Difference::Changed { .. } => "changed",
            Difference::OnlyFirst(_) => "first",
            Difference::OnlySecond(_) => "second",
        };
        compare(&first, &second, same_destination).map(|(key, found)| format!("{key} {}", word(&found))).collect()
    };
    let mut want = [
        "a-same same",
        "b-other-version changed",
        "c-first first",
        "d-second second",
        "e-recopied same",
        "f-unknown changed",
        "g-size changed",
        "h-unproven first",
    ];
    assert_eq!(words(true), want);
    // Elsewhere another ETag is to be expected.
    want[5] = "f-unknown same";
    assert_eq!(words(false), want);
}
