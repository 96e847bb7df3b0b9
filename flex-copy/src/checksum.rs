//! Checksums as S3 answers them: one optional field for each algorithm.

use aws_sdk_s3::{
    operation::{complete_multipart_upload::CompleteMultipartUploadOutput, head_object::HeadObjectOutput},
    types::{ChecksumAlgorithm, CompletedPart, CopyObjectResult, CopyPartResult},
};
use serde::{Deserialize, Serialize};

/// A checksum of a whole object, as the service told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// S3's name of the algorithm, e.g. `CRC64NVME`.
    pub algorithm: Box<str>,
    /// The value, in S3's Base64.
    pub value: Box<str>,
}

/// Checksums of one object, by algorithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checksums(Vec<(ChecksumAlgorithm, String)>);

macro_rules! collect {
    ($from:expr) => {
        Checksums(
            [
                (ChecksumAlgorithm::Crc64Nvme, $from.checksum_crc64_nvme()),
                (ChecksumAlgorithm::Crc32C, $from.checksum_crc32_c()),
                (ChecksumAlgorithm::Crc32, $from.checksum_crc32()),
                (ChecksumAlgorithm::Sha256, $from.checksum_sha256()),
                (ChecksumAlgorithm::Sha1, $from.checksum_sha1()),
                (ChecksumAlgorithm::Sha512, $from.checksum_sha512()),
                (ChecksumAlgorithm::Md5, $from.checksum_md5()),
                (ChecksumAlgorithm::Xxhash64, $from.checksum_xxhash64()),
                (ChecksumAlgorithm::Xxhash3, $from.checksum_xxhash3()),
                (ChecksumAlgorithm::Xxhash128, $from.checksum_xxhash128()),
            ]
            .into_iter()
            .filter_map(|(algorithm, value)| Some((algorithm, value?.to_owned())))
            // A composite checksum ends in -N and is not of the whole object.
            .filter(|(_, value)| !value.contains('-'))
            .collect(),
        )
    };
}

impl Checksums {
    /// The source's checksums of the whole object; none where it says COMPOSITE.
    pub(crate) fn of_head(head: &HeadObjectOutput) -> Self {
        match head.checksum_type() {
            Some(t) if t.as_str() != "FULL_OBJECT" => Self::default(),
            _ => collect!(head),
        }
    }

    /// Of a CopyObject's answer, which is always of the whole object.
    pub(crate) fn of_copy(result: &CopyObjectResult) -> Self {
        collect!(result)
    }

    /// Of a completed upload, unless it is composite.
    pub(crate) fn of_complete(output: &CompleteMultipartUploadOutput) -> Self {
        match output.checksum_type() {
            Some(t) if t.as_str() != "FULL_OBJECT" => Self::default(),
            _ => collect!(output),
        }
    }

    /// Whether they agree; `None` where no algorithm is on both sides.
    pub(crate) fn agree(&self, other: &Self) -> Option<bool> {
        let mut common = None;
        for (algorithm, value) in &self.0 {
            if let Some((_, theirs)) = other.0.iter().find(|(a, _)| a == algorithm) {
                common = Some(common.unwrap_or(true) && value == theirs);
            }
        }
        common
    }

    /// The one of these to tell: one that the other side has, too, before any other.
    pub(crate) fn told(&self, other: &Self) -> Option<Checksum> {
        let shared = self.0.iter().find(|(algorithm, _)| other.0.iter().any(|(theirs, _)| theirs == algorithm));
        let (algorithm, value) = shared.or(self.0.first())?;
        Some(Checksum { algorithm: algorithm.as_str().into(), value: value.as_str().into() })
    }

    /// The value of this algorithm.
    pub(crate) fn value(&self, algorithm: &ChecksumAlgorithm) -> Option<&str> {
        self.0.iter().find(|(theirs, _)| theirs == algorithm).map(|(_, value)| value.as_str())
    }

    /// The algorithm to ask for so that a multipart copy has a checksum of the whole object to compare with the source's:
    /// only the CRCs can be of a whole multipart object (S3 user guide, "Checking object integrity").
    pub(crate) fn multipart_algorithm(&self) -> ChecksumAlgorithm {
        self.0
            .iter()
            .map(|(algorithm, _)| algorithm)
            .find(|a| matches!(a, ChecksumAlgorithm::Crc64Nvme | ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32C))
            .cloned()
            .unwrap_or(ChecksumAlgorithm::Crc64Nvme)
    }
}

/// What a part's answer says of it, for the list that completes the upload.
pub(crate) fn completed_part(number: i32, etag: &str, result: &CopyPartResult) -> CompletedPart {
    CompletedPart::builder()
        .part_number(number)
        .e_tag(etag)
        .set_checksum_crc64_nvme(result.checksum_crc64_nvme().map(str::to_owned))
        .set_checksum_crc32(result.checksum_crc32().map(str::to_owned))
        .set_checksum_crc32_c(result.checksum_crc32_c().map(str::to_owned))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checksums_of_the_same_algorithm_are_compared() {
        let a = Checksums::of_copy(&CopyObjectResult::builder().checksum_crc64_nvme("x").checksum_crc32("y").build());
        let same = Checksums::of_copy(&CopyObjectResult::builder().checksum_crc64_nvme("x").build());
        let other =
            Checksums::of_copy(&CopyObjectResult::builder().checksum_crc64_nvme("z").checksum_crc32("y").build());
        let none = Checksums::of_copy(&CopyObjectResult::builder().checksum_sha1("x").build());
        let composite = Checksums::of_copy(&CopyObjectResult::builder().checksum_crc32("y-3").build());
        assert_eq!(a.agree(&same), Some(true));
        assert_eq!(a.agree(&other), Some(false));
        assert_eq!(a.agree(&none), None);
        assert_eq!(a.agree(&composite), None);
        assert_eq!(Checksums::default().agree(&Checksums::default()), None);
    }
}
