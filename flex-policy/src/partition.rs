use std::fmt;

/// A partition of AWS: regions that share accounts and ARNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Partition {
    /// `aws`, where the vendor's account and bucket are.
    Aws,
}

/// The other partitions, by how their regions begin.
const OTHERS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

impl Partition {
    /// The partition of a region. Others than `aws` are refused: neither a role nor a bucket policy reaches from one
    /// partition into another, so the service cannot be used from there.
    pub fn of_region(region: &str) -> Result<Partition, PartitionError> {
        let parts: Vec<&str> = region.split('-').collect();
        let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        let well_formed = match parts.split_last() {
            Some((number, names)) => {
                (2..=3).contains(&names.len())
                    && names.iter().all(letters)
                    && !number.is_empty()
                    && number.bytes().all(|b| b.is_ascii_digit())
            }
            None => false,
        };
        if !well_formed {
            return Err(PartitionError::NotARegion { region: region.to_owned() });
        }
        match OTHERS.iter().find(|(beginning, _)| region.starts_with(beginning)) {
            Some((_, partition)) => Err(PartitionError::Unreachable { region: region.to_owned(), partition }),
            None => Ok(Partition::Aws),
        }
    }

    /// As ARNs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a region cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionError {
    /// It does not have the form of a region.
    #[error("{region:?} is not a region; for example ap-northeast-1")]
    NotARegion {
        /// What was given.
        region: String,
    },
    /// It is in another partition than the vendor.
    #[error(
        "the region {region} is in the partition {partition}, the vendor's account in aws: roles and bucket policies do \
         not reach across; use an account of the partition aws and a bucket in ap-northeast-1"
    )]
    Unreachable {
        /// The region.
        region: String,
        /// Its partition.
        partition: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_vendors_partition_will_do() {
        for (region, want) in [
            ("ap-northeast-1", Ok("aws")),
            ("us-east-1", Ok("aws")),
            ("mx-central-1", Ok("aws")),
            ("cn-north-1", Err(Some("aws-cn"))),
            ("cn-northwest-1", Err(Some("aws-cn"))),
            ("us-gov-west-1", Err(Some("aws-us-gov"))),
            ("us-iso-east-1", Err(Some("aws-iso"))),
            ("us-isob-east-1", Err(Some("aws-iso-b"))),
            ("eusc-de-east-1", Err(Some("aws-eusc"))),
            ("Tokyo", Err(None)),
            ("ap-northeast-1a", Err(None)),
            ("ap_northeast_1", Err(None)),
            ("ap--1", Err(None)),
            ("", Err(None)),
        ] {
            let read = Partition::of_region(region);
            let got = read.map(Partition::as_str).map_err(|error| match error {
                PartitionError::Unreachable { partition, .. } => Some(partition),
                PartitionError::NotARegion { .. } => None,
            });
            assert_eq!(got, want, "{region}");
        }
    }

    #[test]
    fn a_refusal_says_why() {
        let error = Partition::of_region("cn-north-1").expect_err("another partition");
        assert!(error.to_string().contains("aws-cn") && error.to_string().contains("do not reach across"), "{error}");
    }
}
