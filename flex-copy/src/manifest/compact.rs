//! Records in few bytes: numbers by their size, and the digests that ETags are as digests.

use crate::ETag;

const PLAIN: u8 = 0;
const PARTS: u8 = 1;
const TEXT: u8 = 2;

/// A number in as many bytes as it needs, seven bits in each, the lowest first.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn put_etag(out: &mut Vec<u8>, etag: &ETag) {
    let text = etag.as_str();
    let (digest, parts) = match text.split_once('-') {
        // Only what is written back as it was.
        Some((digest, parts)) => (digest, parts.parse::<u32>().ok().filter(|n| n.to_string() == parts)),
        None => (text, None),
    };
    match (digest_bytes(digest), parts) {
        (Some(digest), None) if digest_is_all(text) => {
            out.push(PLAIN);
            out.extend_from_slice(&digest);
        }
        (Some(digest), Some(parts)) => {
            out.push(PARTS);
            out.extend_from_slice(&digest);
            put_number(out, parts.into());
        }
        _ => {
            out.push(TEXT);
            put_bytes(out, text.as_bytes());
        }
    }
}

fn digest_is_all(text: &str) -> bool {
    text.len() == 32
}

/// The bytes of 32 hexadecimal digits in lower case.
fn digest_bytes(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

/// Reads what was put, in the same order. What was not put is never read, so an end that comes too soon reads as zero.
pub(super) struct Taker<'a>(&'a [u8]);

impl<'a> Taker<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 {
                return number;
            }
        }
    }

    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.number()).unwrap_or(usize::MAX);
        self.some(length)
    }

    fn some(&mut self, length: usize) -> &'a [u8] {
        let (some, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        some
    }

    pub(super) fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    pub(super) fn etag(&mut self) -> ETag {
        let kind = self.byte();
        if kind == TEXT {
            return ETag::verbatim(self.text());
        }
        let digest = self.some(16).iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        match kind {
            PARTS => ETag::verbatim(&format!("{digest:032x}-{}", self.number())),
            _ => ETag::verbatim(&format!("{digest:032x}")),
        }
    }

    /// How many bytes are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_etags_come_back_as_they_were() {
        let mut out = Vec::new();
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        for number in numbers {
            put_number(&mut out, number);
        }
        let digest = "0cc175b9c0f1b6a831c399e269772661";
        let etags = [
            digest.to_owned(),
            format!("{digest}-1"),
            format!("{digest}-10000"),
            format!("{digest}-01"),
            format!("{digest}-"),
            format!("{digest}-2-3"),
            format!("{digest}-99999999999"),
            digest.to_uppercase(),
            digest[..31].to_owned(),
            "-3".to_owned(),
            String::new(),
            "an opaque \"one\" é".to_owned(),
            "00000000000000000000000000000000".to_owned(),
            "+0000000000000000000000000000001".to_owned(),
        ];
        for etag in &etags {
            put_etag(&mut out, &ETag::verbatim(etag));
        }
        let mut taker = Taker::new(&out);
        assert_eq!(numbers.map(|_| taker.number()), numbers);
        for etag in &etags {
            assert_eq!(taker.etag().as_str(), etag);
        }
        assert_eq!(taker.left(), 0);
        let mut short = Vec::new();
        put_etag(&mut short, &ETag::new(digest));
        assert_eq!(short.len(), 17);
    }
}
