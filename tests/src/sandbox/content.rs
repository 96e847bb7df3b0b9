//! What an object holds: pieces of endless seeded streams, or real bytes, and the digests of both.
//!
//! A piece is a seed, an offset and a length, so an object of 6 GiB costs 32 bytes, and copying a range of it is
//! arithmetic. Reading yields the same bytes every time, so a copy made of wrong ranges reads wrong and compares wrong.
//!
//! # Digests
//!
//! Content of real bytes, and any content up to [`TRUE_DIGESTS`], has its true MD5, CRC and SHA. Larger seeded content
//! would take seconds to hash, so its digests are taken of its description instead: the normalised list of pieces (which
//! two equal contents share however they were put together) hashed with MD5 under the digest's name. Equal content
//! therefore has equal digests and different content different ones, whichever way it was written; only the figure itself
//! is not the one that hashing the bytes would give. A client that never reads objects cannot tell.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};

/// Seeded content up to this size has its true digests.
pub const TRUE_DIGESTS: u64 = 1024 * 1024;

/// Bytes handed out at once when content is read as a stream.
const CHUNK: u64 = 64 * 1024;

/// The checksum algorithms that S3 keeps beside the ETag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// CRC32 (ISO-HDLC).
    Crc32,
    /// CRC32C (Castagnoli).
    Crc32c,
    /// CRC64NVME, S3's default.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// The name as S3 writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256].into_iter().find(|a| a.name() == name)
    }

    fn digest_len(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    pub(crate) fn of_bytes<'a>(self, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
        macro_rules! run {
            ($hasher:ty) => {{
                let mut hasher = <$hasher>::new();
                chunks.for_each(|chunk| hasher.update(chunk));
                let digest = hasher.finalize();
                let digest: &[u8] = digest.as_ref();
                digest.to_vec()
            }};
        }
        match self {
            Self::Crc32 => run!(Crc32),
            Self::Crc32c => run!(Crc32c),
            Self::Crc64Nvme => run!(Crc64Nvme),
            Self::Sha1 => run!(Sha1),
            Self::Sha256 => run!(Sha256),
        }
    }
}

pub(crate) fn md5_of<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> [u8; 16] {
    let mut hasher = Md5::new();
    chunks.for_each(|chunk| hasher.update(chunk));
    let digest = hasher.finalize();
    let digest: &[u8] = digest.as_ref();
    let mut out = [0; 16];
    out.copy_from_slice(digest);
    out
}

#[derive(Clone)]
enum Source {
    Seed(u64),
    Bytes(Arc<Bytes>),
}

#[derive(Clone)]
struct Extent {
    source: Source,
    offset: u64,
    len: u64,
}

impl Extent {
    /// Whether `next` goes on where this one ends, in the same source.
    fn continued_by(&self, next: &Self) -> bool {
        self.offset + self.len == next.offset
            && match (&self.source, &next.source) {
                (Source::Seed(a), Source::Seed(b)) => a == b,
                (Source::Bytes(a), Source::Bytes(b)) => Arc::ptr_eq(a, b),
                _ => false,
            }
    }

    fn part(&self, from: u64, len: u64) -> Self {
        Self { source: self.source.clone(), offset: self.offset + from, len }
    }

    fn bytes(&self) -> Bytes {
        let (start, len) = (self.offset, usize::try_from(self.len).unwrap_or(usize::MAX));
        match &self.source {
            Source::Bytes(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                bytes.slice(start..start + len)
            }
            Source::Seed(seed) => {
                let mut out = Vec::with_capacity(len + 16);
                let skip = usize::try_from(start % 8).unwrap_or(0);
                let mut block = start / 8;
                while out.len() < len + skip {
                    out.extend_from_slice(&mix(seed.wrapping_add(mix(block))).to_le_bytes());
                    block += 1;
                }
                Bytes::from(out).slice(skip..skip + len)
            }
        }
    }
}

/// One step of splitmix64: a good mixer of 64 bits, and quick.
pub(crate) fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The content of an object: a normalised list of pieces.
#[derive(Clone)]
pub(crate) struct Content(Repr);

#[derive(Clone)]
enum Repr {
    Empty,
    One(Extent),
    Many(Arc<[Extent]>),
}

impl Content {
    pub(crate) fn seeded(seed: u64, len: u64) -> Self {
        Self::from_extents(vec![Extent { source: Source::Seed(seed), offset: 0, len }])
    }

    pub(crate) fn real(bytes: Bytes) -> Self {
        let len = bytes.len() as u64;
        Self::from_extents(vec![Extent { source: Source::Bytes(Arc::new(bytes)), offset: 0, len }])
    }

    pub(crate) fn concat<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::from_extents(parts.into_iter().flat_map(|part| part.extents().iter().cloned()).collect())
    }

    fn from_extents(extents: Vec<Extent>) -> Self {
        let mut merged: Vec<Extent> = Vec::with_capacity(extents.len());
        for extent in extents.into_iter().filter(|extent| extent.len > 0) {
            match merged.last_mut() {
                Some(last) if last.continued_by(&extent) => last.len += extent.len,
                _ => merged.push(extent),
            }
        }
        Self(match merged.len() {
            0 => Repr::Empty,
            1 => merged.pop().map_or(Repr::Empty, Repr::One),
            _ => Repr::Many(merged.into()),
        })
    }

    fn extents(&self) -> &[Extent] {
        match &self.0 {
            Repr::Empty => &[],
            Repr::One(extent) => std::slice::from_ref(extent),
            Repr::Many(extents) => extents,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.extents().iter().map(|extent| extent.len).sum()
    }

    /// The bytes from `range.start` up to `range.end`, which must lie inside.
    pub(crate) fn slice(&self, range: Range<u64>) -> Self {
        let mut out = Vec::new();
        let mut at = 0;
        for extent in self.extents() {
            let from = range.start.max(at);
            let to = range.end.min(at + extent.len);
            if from < to {
                out.push(extent.part(from - at, to - from));
            }
            at += extent.len;
        }
        Self::from_extents(out)
    }

    /// The content in chunks, made one at a time.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = Bytes> + Send + Sync + use<> {
        let extents: Vec<Extent> = self.extents().to_vec();
        extents.into_iter().flat_map(|extent| {
            (0..extent.len.div_ceil(CHUNK)).map(move |n| {
                let from = n * CHUNK;
                extent.part(from, CHUNK.min(extent.len - from)).bytes()
            })
        })
    }

    /// All of it in memory: for small content only.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        self.chunks().for_each(|chunk| out.extend_from_slice(&chunk));
        out.into()
    }

    fn has_true_digests(&self) -> bool {
        self.len() <= TRUE_DIGESTS || self.extents().iter().all(|e| matches!(e.source, Source::Bytes(_)))
    }

    pub(crate) fn md5(&self) -> [u8; 16] {
        if self.has_true_digests() {
            let chunks: Vec<Bytes> = self.chunks().collect();
            return md5_of(chunks.iter().map(AsRef::as_ref));
        }
        self.described_as("md5")
    }

    pub(crate) fn checksum(&self, algorithm: Algorithm) -> Vec<u8> {
        if self.has_true_digests() {
            let chunks: Vec<Bytes> = self.chunks().collect();
            return algorithm.of_bytes(chunks.iter().map(AsRef::as_ref));
        }
        let mut out = Vec::new();
        for round in 0.. {
            if out.len() >= algorithm.digest_len() {
                break;
            }
            out.extend_from_slice(&self.described_as(&format!("{}/{round}", algorithm.name())));
        }
        out.truncate(algorithm.digest_len());
        out
    }

    /// The digest of the description, for content too large to hash. Neighbouring pieces of real bytes count as one, so
    /// that how they were cut does not show.
    fn described_as(&self, digest: &str) -> [u8; 16] {
        let mut text = format!("flex-sandbox content 1 {digest}\n").into_bytes();
        let mut extents = self.extents().iter().peekable();
        while let Some(extent) = extents.next() {
            match &extent.source {
                Source::Seed(seed) => {
                    text.extend_from_slice(format!("seed {seed} {} {}\n", extent.offset, extent.len).as_bytes());
                }
                Source::Bytes(_) => {
                    let mut run = vec![extent.bytes()];
                    while let Some(next) = extents.next_if(|next| matches!(next.source, Source::Bytes(_))) {
                        run.push(next.bytes());
                    }
                    text.extend_from_slice(&md5_of(run.iter().map(AsRef::as_ref)));
                }
            }
        }
        md5_of(std::iter::once(text.as_slice()))
    }

    /// Whether both hold the same bytes. Pieces of the same seed are compared by their place, small or real ones by reading;
    /// large pieces of different seeds are different.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        let (mut left, mut right) = (self.extents().iter().cloned(), other.extents().iter().cloned());
        let (mut a, mut b) = (left.next(), right.next());
        while let (Some(x), Some(y)) = (&a, &b) {
            let len = x.len.min(y.len);
            let (p, q) = (x.part(0, len), y.part(0, len));
            let equal = match (&p.source, &q.source) {
                (Source::Seed(s), Source::Seed(t)) if s == t && p.offset == q.offset => true,
                (Source::Seed(_), Source::Seed(_)) if len > TRUE_DIGESTS => false,
                _ => {
                    let (p, q) = (Self::from_extents(vec![p]), Self::from_extents(vec![q]));
                    p.chunks().eq(q.chunks())
                }
            };
            if !equal {
                return false;
            }
            let (rest_a, rest_b) = (x.part(len, x.len - len), y.part(len, y.len - len));
            a = if rest_a.len > 0 { Some(rest_a) } else { left.next() };
            b = if rest_b.len > 0 { Some(rest_b) } else { right.next() };
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn ranges_put_together_again_are_the_whole() {
        let whole = Content::seeded(7, 6 * 1024 * MIB + 11);
        let cuts = [0, 5 * MIB, 5 * MIB + 3, 4096 * MIB, whole.len()];
        let parts: Vec<Content> = cuts.windows(2).map(|w| whole.slice(w[0]..w[1])).collect();
        let again = Content::concat(&parts);
        assert!(again.same_as(&whole));
        assert_eq!(again.md5(), whole.md5());
        assert_eq!(again.checksum(Algorithm::Crc64Nvme), whole.checksum(Algorithm::Crc64Nvme));
        let swapped = Content::concat([&parts[1], &parts[0], &parts[2], &parts[3]]);
        assert!(!swapped.same_as(&whole));
        assert_ne!(swapped.md5(), whole.md5());
        assert_ne!(swapped.checksum(Algorithm::Crc64Nvme), whole.checksum(Algorithm::Crc64Nvme));
    }

    #[test]
    fn a_slice_reads_what_the_whole_reads_there() {
        let whole = Content::seeded(3, 300_000);
        let bytes = whole.to_bytes();
        for (from, to) in [(0, 10), (7, 8), (65_530, 65_600), (299_990, 300_000), (5, 5)] {
            assert_eq!(whole.slice(from..to).to_bytes(), bytes.slice(from as usize..to as usize), "{from}..{to}");
        }
    }

    #[test]
    fn small_content_has_the_digests_of_its_bytes() {
        let empty = Content::seeded(1, 0);
        assert_eq!(hex(&empty.md5()), "d41d8cd98f00b204e9800998ecf8427e");
        let text = Content::real(Bytes::from_static(b"123456789"));
        assert_eq!(hex(&text.md5()), "25f9e794323b453885f5181f1b624d0b");
        // The check values of the CRC catalogue.
        assert_eq!(hex(&text.checksum(Algorithm::Crc32)), "cbf43926");
        assert_eq!(hex(&text.checksum(Algorithm::Crc32c)), "e3069283");
        assert_eq!(hex(&text.checksum(Algorithm::Crc64Nvme)), "ae8b14860a799888");
        let seeded = Content::seeded(9, 70_000);
        let real = Content::real(seeded.to_bytes());
        assert_eq!(seeded.md5(), real.md5());
        assert!(seeded.same_as(&real));
    }

    #[test]
    fn real_bytes_have_true_digests_however_large_and_however_cut() {
        let bytes = Content::seeded(5, 3 * MIB).to_bytes();
        let whole = Content::real(bytes.clone());
        let parts = [Content::real(bytes.slice(..1_000_000)), Content::real(bytes.slice(1_000_000..))];
        let cut = Content::concat(&parts);
        assert!(cut.same_as(&whole));
        assert_eq!(cut.md5(), whole.md5());
        assert_eq!(whole.md5(), md5_of(std::iter::once(bytes.as_ref())));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }
}
