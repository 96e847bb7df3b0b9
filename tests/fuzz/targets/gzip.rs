//! A gzip file that an object claims to be: read in pieces of any size it shows the same, what is good for flate2's own
//! reader is good, and nothing else is; a bomb comes out in small steps.
//!
//! flex-copy keeps its reader to itself, so that it is included here as source.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "the modules serve the library")]

use std::io::{Read, Write};

use flate2::{Compression, GzBuilder, bufread::GzDecoder};
use flex_fuzz::{Dice, check_message};
use gzip::{Damage, Gunzip, HEAD};
use libfuzzer_sys::fuzz_target;

#[path = "../../../flex-copy/src/deep/gzip.rs"]
mod gzip;
#[path = "../../../flex-copy/src/deep/pcap.rs"]
mod pcap;

/// What comes out of one step at most.
const STEP: usize = 32 * 1024;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // As what is compressed in a good file.
    check(&[&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], bytes].concat());
    made(bytes);
    let head = &bytes[..bytes.len().min(HEAD)];
    assert_eq!(pcap::is_capture(bytes), pcap::is_capture(head), "by the first bytes alone");
    assert_eq!(pcap::is_capture(head), is_capture(head), "{head:x?}");
});

/// What was seen, the bytes that came out, and the first of them.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    result: Result<(), Damage>,
    out: u64,
    head: Vec<u8>,
}

fn read(file: &[u8], piece: usize) -> Seen {
    let mut gunzip = Gunzip::new();
    let mut out = 0;
    let mut result = Ok(());
    'file: for mut piece in file.chunks(piece) {
        while !piece.is_empty() {
            let before = piece.len();
            match gunzip.step(&mut piece) {
                Ok(made) => {
                    assert!(made <= STEP && (made > 0 || piece.len() < before), "{made} of {before} bytes");
                    out += made as u64;
                }
                Err(damage) => {
                    result = Err(damage);
                    break 'file;
                }
            }
        }
    }
    let result = result.and_then(|()| gunzip.finish());
    // Deflate makes 1032 times as much at most.
    assert!(out <= 1040 * (file.len() as u64 + 1), "{out} of {}", file.len());
    Seen { result, out, head: gunzip.head().to_vec() }
}

fn check(file: &[u8]) {
    let seen = read(file, file.len().max(1));
    assert!(seen.head.len() as u64 == seen.out.min(HEAD as u64));
    for piece in [1, 5] {
        let again = read(file, piece);
        // A step that fails may have let something out or not.
        assert_eq!(again.result, seen.result, "in pieces of {piece}");
        if seen.result.is_ok() {
            assert_eq!(again, seen, "in pieces of {piece}");
        }
    }
    if let Err(damage) = seen.result {
        check_message(&damage.to_string(), 0);
    }
    let reference = reference(file);
    match (&seen.result, &reference) {
        (Ok(()), Some((out, head))) => assert_eq!((&seen.out, &seen.head), (out, head)),
        (Err(_), None) => {}
        _ => panic!("{seen:?}, and flate2 has {reference:?}"),
    }
}

/// What flate2's own reader of one member makes of any number of them, with zeros behind the last.
fn reference(file: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (mut rest, mut out) = (file, Vec::new());
    loop {
        GzDecoder::new(&mut rest).read_to_end(&mut out).ok()?;
        if rest.iter().all(|byte| *byte == 0) {
            return Some((out.len() as u64, out[..out.len().min(HEAD)].to_vec()));
        }
    }
}

/// A good file of the input, and what becomes of it.
fn made(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let mut builder = GzBuilder::new();
    let fields = dice.byte();
    if fields & 1 != 0 {
        builder = builder.extra({
            let length = usize::from(dice.byte());
            dice.some(length)
        });
    }
    if fields & 2 != 0 {
        builder = builder.filename(dice.text().replace('\0', ""));
    }
    if fields & 4 != 0 {
        builder = builder.comment(dice.text().replace('\0', ""));
    }
    let level = Compression::new(u32::from(dice.byte() % 10));
    let (at, cut, bits) = (dice.number(0), dice.number(0), dice.byte().max(1));
    let repeated = 1 + usize::from(dice.byte() % 64) * usize::from(fields & 8 != 0);
    let data = dice.some(usize::MAX).repeat(repeated);
    let mut encoder = builder.write(Vec::new(), level);
    encoder.write_all(&data).expect("memory takes it");
    let file = encoder.finish().expect("memory takes it");
    let want = |times: usize| {
        let all = data.repeat(times);
        Seen { result: Ok(()), out: all.len() as u64, head: all[..all.len().min(HEAD)].to_vec() }
    };
    assert_eq!(read(&file, 1 + at % 4096), want(1));
    assert_eq!(read(&[&file[..], &file, &[0; 3]].concat(), 1 + cut % 4096), want(2));

    let cut = 1 + cut % (file.len() - 1);
    assert_eq!(read(&file[..cut], 4096).result, Err(Damage::CutOff), "cut at {cut}");
    let mut altered = file;
    let at = at % altered.len();
    altered[at] ^= bits;
    check(&altered);
    let seen = read(&altered, 4096);
    // Names and spare bits are nobody's content.
    assert!(seen.result.is_err() || seen == want(1), "byte {at} changed by {bits:x} and not noticed");
}

/// pcap-savefile(5) and the draft of pcapng, in numbers.
fn is_capture(head: &[u8]) -> bool {
    let word = |at: usize| head.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_be_bytes);
    match word(0) {
        Some(0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1) => true,
        Some(0x0a0d_0d0a) => matches!(word(8), Some(0x1a2b_3c4d | 0x4d3c_2b1a)),
        _ => false,
    }
}
