//! Digests taken while an object passes by, and what they prove beside what the source says.

use std::fmt;

use aws_sdk_s3::types::ChecksumAlgorithm;
use aws_smithy_types::base64;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use crate::{ETag, checksum::Checksums};

/// By what content that was read is proven to be the source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DeepProof {
    /// Its MD5 is the source's plain ETag.
    Md5,
    /// The MD5s of its parts, cut as the source's, give the source's multipart ETag.
    EtagLayout,
    /// Its CRC64NVME is the source's.
    Crc64nvme,
    /// Its CRC32C is the source's.
    Crc32c,
    /// Its CRC32 is the source's.
    Crc32,
}

impl DeepProof {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::EtagLayout => "etag-layout",
            Self::Crc64nvme => "crc64nvme",
            Self::Crc32c => "crc32c",
            Self::Crc32 => "crc32",
        }
    }
}

impl fmt::Display for DeepProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::EtagLayout => "ETag of parts",
            Self::Crc64nvme => "CRC64NVME",
            Self::Crc32c => "CRC32C",
            Self::Crc32 => "CRC32",
        })
    }
}

/// A CRC that the source tells of the whole object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crc {
    pub(crate) proof: DeepProof,
    /// As in S3's headers: Base64 of the big-endian value.
    value: String,
}

impl Crc {
    /// The one of these checksums that is compared: the longest.
    pub(crate) fn of(checksums: &Checksums) -> Option<Self> {
        [
            (ChecksumAlgorithm::Crc64Nvme, DeepProof::Crc64nvme),
            (ChecksumAlgorithm::Crc32C, DeepProof::Crc32c),
            (ChecksumAlgorithm::Crc32, DeepProof::Crc32),
        ]
        .into_iter()
        .find_map(|(algorithm, proof)| Some(Self { proof, value: checksums.value(&algorithm)?.to_owned() }))
    }

    fn digest(&self) -> crc_fast::Digest {
        crc_fast::Digest::new(match self.proof {
            DeepProof::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
            DeepProof::Crc32c => CrcAlgorithm::Crc32Iscsi,
            _ => CrcAlgorithm::Crc64Nvme,
        })
    }

    fn written(&self, sum: u64) -> String {
        let bytes = sum.to_be_bytes();
        // The 32-bit ones stand in the lower half.
        base64::encode(if self.proof == DeepProof::Crc64nvme { &bytes[..] } else { &bytes[4..] })
    }
}

/// The sixteen bytes of an ETag that may be an MD5, without the number of parts.
pub(crate) fn md5_of_etag(etag: &ETag) -> Option<[u8; 16]> {
    let text = etag.as_str();
    let text = if etag.parts().is_some() { text.rsplit_once('-')?.0 } else { text };
    let mut digest = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        let pair = text.get(at..at + 2)?;
        // Which takes a sign, too.
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
    }
    Some(digest)
}

/// What of the source the content is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// A plain ETag that may be an MD5.
    pub(crate) md5: Option<[u8; 16]>,
    /// A multipart ETag, and the sizes of the parts.
    pub(crate) parts: Option<([u8; 16], Vec<u64>)>,
    pub(crate) crc: Option<Crc>,
}

/// Takes the digests that are wanted.
pub(crate) struct Hashes {
    md5: Option<Md5>,
    parts: Option<Parts>,
    crc: Option<crc_fast::Digest>,
}

impl Hashes {
    pub(crate) fn new(said: &Said) -> Self {
        Self {
            md5: said.md5.map(|_| Md5::new()),
            parts: said.parts.as_ref().map(|(_, sizes)| Parts::new(sizes.clone())),
            crc: said.crc.as_ref().map(Crc::digest),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(parts) = &mut self.parts {
            parts.update(bytes);
        }
        if let Some(crc) = &mut self.crc {
            crc.update(bytes);
        }
    }

    /// What each digest says beside the source's.
    pub(crate) fn compare(self, said: &Said) -> Compared {
        let mut compared = Compared::default();
        if let (Some(ours), Some(theirs)) = (self.md5, said.md5) {
            compared.md5 = Some(Pair::new(hex::encode(ours.finalize()), hex::encode(theirs)));
        }
        if let (Some(ours), Some((theirs, _))) = (self.parts, &said.parts) {
            compared.parts = Some(Pair::new(hex::encode(ours.finish()), hex::encode(theirs)));
        }
        if let (Some(ours), Some(theirs)) = (self.crc, &said.crc) {
            compared.crc = Some((theirs.proof, Pair::new(theirs.written(ours.finalize()), theirs.value.clone())));
        }
        compared
    }
}

/// A digest of what was read, and the source's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

impl Pair {
    fn new(ours: String, theirs: String) -> Self {
        Self { ours, theirs }
    }

    pub(crate) fn equal(&self) -> bool {
        self.ours == self.theirs
    }
}

/// The digests that could be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    pub(crate) md5: Option<Pair>,
    pub(crate) parts: Option<Pair>,
    pub(crate) crc: Option<(DeepProof, Pair)>,
}

/// The MD5 of the parts' MD5s.
struct Parts {
    sizes: std::vec::IntoIter<u64>,
    /// Bytes that the present part still wants.
    left: u64,
    part: Md5,
    all: Md5,
}

impl Parts {
    fn new(sizes: Vec<u64>) -> Self {
        let mut sizes = sizes.into_iter();
        let left = sizes.next().unwrap_or_default();
        Self { sizes, left, part: Md5::new(), all: Md5::new() }
    }

    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left == 0 {
                self.all.update(self.part.finalize_reset());
                // More bytes than the sizes add up to make one long part more, which no ETag fits.
                self.left = self.sizes.next().unwrap_or(u64::MAX);
            }
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX)));
            self.part.update(now);
            self.left -= now.len() as u64;
            bytes = later;
        }
    }

    fn finish(mut self) -> [u8; 16] {
        self.all.update(self.part.finalize());
        self.all.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check input of the catalogue of CRCs, and of RFC 1321.
    const CHECK: &[u8] = b"123456789";

    fn crc(proof: DeepProof, value: &str) -> Crc {
        Crc { proof, value: value.to_owned() }
    }

    fn compared(said: &Said, bytes: &[u8], piece: usize) -> Compared {
        let mut hashes = Hashes::new(said);
        bytes.chunks(piece).for_each(|piece| hashes.update(piece));
        hashes.compare(said)
    }

    #[test]
    fn crcs_have_the_catalogue_s_values_in_s3_s_writing() {
        for (proof, sum) in [
            (DeepProof::Crc64nvme, &0xae8b_1486_0a79_9888_u64.to_be_bytes()[..]),
            (DeepProof::Crc32c, &0xe306_9283_u32.to_be_bytes()[..]),
            (DeepProof::Crc32, &0xcbf4_3926_u32.to_be_bytes()[..]),
        ] {
            let right = Said { crc: Some(crc(proof, &base64::encode(sum))), ..Said::default() };
            for piece in [1, 4, 9] {
                let (by, pair) = compared(&right, CHECK, piece).crc.expect("a CRC was asked for");
                assert_eq!(by, proof);
                assert!(pair.equal(), "{proof}: {pair:?}");
            }
            let (_, pair) = compared(&right, b"123456780", 9).crc.expect("a CRC was asked for");
            assert!(!pair.equal(), "{proof}");
        }
    }

    #[test]
    fn the_longest_crc_is_taken_and_no_other_checksum() {
        use aws_sdk_s3::types::CopyObjectResult;
        let of = |result| Crc::of(&Checksums::of_copy(&result)).map(|crc| crc.proof);
        let all = CopyObjectResult::builder().checksum_crc32("a").checksum_crc32_c("b").checksum_crc64_nvme("c");
        assert_eq!(of(all.build()), Some(DeepProof::Crc64nvme));
        let shorter = CopyObjectResult::builder().checksum_crc32("a").checksum_crc32_c("b");
        assert_eq!(of(shorter.build()), Some(DeepProof::Crc32c));
        assert_eq!(of(CopyObjectResult::builder().checksum_sha256("a").build()), None);
        assert_eq!(of(CopyObjectResult::builder().checksum_crc64_nvme("c-3").build()), None, "composite");
    }

    #[test]
    fn a_plain_etag_is_compared_with_the_md5() {
        let etag = ETag::new("\"25f9e794323b453885f5181f1b624d0b\"");
        let said = Said { md5: md5_of_etag(&etag), ..Said::default() };
        assert!(compared(&said, CHECK, 2).md5.expect("asked for").equal());
        assert!(!compared(&said, b"12345678", 2).md5.expect("asked for").equal());
    }

    #[test]
    fn the_md5_of_parts_depends_on_their_sizes() {
        let md5 = |bytes: &[u8]| -> [u8; 16] { Md5::digest(bytes).into() };
        let of_parts = |parts: &[&[u8]]| md5(&parts.iter().flat_map(|part| md5(part)).collect::<Vec<_>>());
        for (sizes, etag) in [
            (vec![4, 4, 1], of_parts(&[b"1234", b"5678", b"9"])),
            (vec![9], of_parts(&[CHECK])),
            (vec![2, 3, 4], of_parts(&[b"12", b"345", b"6789"])),
        ] {
            for piece in [1, 3, 4, 9] {
                let said = Said { parts: Some((etag, sizes.clone())), ..Said::default() };
                let pair = compared(&said, CHECK, piece).parts.expect("asked for");
                assert!(pair.equal(), "{sizes:?} in pieces of {piece}: {pair:?}");
            }
        }
        let other = Said { parts: Some((of_parts(&[b"1234", b"5678", b"9"]), vec![5, 4])), ..Said::default() };
        assert!(!compared(&other, CHECK, 9).parts.expect("asked for").equal());
        let nothing = Said { parts: Some((of_parts(&[b""]), vec![0])), ..Said::default() };
        assert!(compared(&nothing, b"", 1).parts.expect("asked for").equal());
        let longer = Said { parts: Some((of_parts(&[b"1234", b"5678"]), vec![4, 4])), ..Said::default() };
        assert!(!compared(&longer, CHECK, 9).parts.expect("asked for").equal());
    }

    #[test]
    fn only_what_may_be_an_md5_is_taken_for_one() {
        for (etag, want) in [
            ("25f9e794323b453885f5181f1b624d0b", true),
            ("25F9E794323B453885F5181F1B624D0B", true),
            ("25f9e794323b453885f5181f1b624d0b-12", true),
            ("25f9e794323b453885f5181f1b624d0", false),
            ("25f9e794323b453885f5181f1b624d0g", false),
            ("+5f9e794323b453885f5181f1b624d0b", false),
            ("25f9e794323b453885f5181f1b624d0b-0", false),
            ("日本日本日本日本日本日", false),
            ("", false),
        ] {
            assert_eq!(md5_of_etag(&ETag::new(etag)).is_some(), want, "{etag}");
        }
    }
}
