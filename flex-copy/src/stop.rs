//! Why a run ends before its end: what no retry and no other object can mend.

use std::time::Duration;

use thiserror::Error;

use crate::{
    RequestFailure,
    failure::FailureKind,
    requests::{Failed, GaveUp},
};

/// A failure that stops the whole run. What was copied before stays.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StopReason {
    /// The source bucket cannot be listed.
    #[error("listing {prefix:?} in the source bucket {bucket} was refused")]
    SourceNotListable {
        /// The bucket.
        bucket: String,
        /// What was to be listed.
        prefix: String,
        /// The refusal.
        source: RequestFailure,
    },
    /// The destination bucket cannot be listed, so nothing can be compared. Nothing is copied blindly.
    #[error("listing {prefix:?} in the destination bucket {bucket} was refused")]
    DestinationNotListable {
        /// The bucket.
        bucket: String,
        /// What was to be listed.
        prefix: String,
        /// The refusal.
        source: RequestFailure,
    },
    /// The source can be read, but the destination refuses the copies.
    #[error("copying {key} into {bucket} was refused by the destination (the source can be read)")]
    DestinationRefused {
        /// The destination bucket.
        bucket: String,
        /// The first refused key.
        key: String,
        /// The refusal.
        source: RequestFailure,
    },
    /// The owner may not read the copies in the destination.
    #[error("reading {key} in {bucket} was refused")]
    DestinationNotReadable {
        /// The destination bucket.
        bucket: String,
        /// The first refused key, the destination prefix included.
        key: String,
        /// The refusal.
        source: RequestFailure,
    },
    /// The bucket does not exist.
    #[error("the bucket {bucket} does not exist")]
    NoSuchBucket {
        /// The bucket.
        bucket: String,
        /// The answer.
        source: RequestFailure,
    },
    /// The bucket lives in another region.
    #[error("the bucket {bucket} is not in the region asked{}", region.as_ref().map(|r| format!(" but in {r}")).unwrap_or_default())]
    WrongRegion {
        /// The bucket.
        bucket: String,
        /// Where it lives, when the service said so.
        region: Option<String>,
        /// The answer.
        source: RequestFailure,
    },
    /// No credentials, or none that the service accepts.
    #[error("there are no credentials that the service accepts")]
    Credentials {
        /// What was tried.
        source: RequestFailure,
    },
    /// This machine's clock is too far off for signed requests.
    #[error("this machine's clock is more than 15 minutes off: the service refuses its signatures")]
    ClockSkew {
        /// The answer.
        source: RequestFailure,
    },
    /// The service gave no answer, or none but "slow down", for longer than the outage limit.
    #[error("the service could not be reached for {} s", waited.as_secs())]
    Unreachable {
        /// How long it was tried without a success.
        waited: Duration,
        /// Whether anything had succeeded before in this run.
        after_success: bool,
        /// The last failure.
        source: RequestFailure,
    },
    /// A listing failed for another reason.
    #[error("listing {prefix:?} in {bucket} failed")]
    Listing {
        /// The bucket.
        bucket: String,
        /// What was to be listed.
        prefix: String,
        /// The failure.
        source: RequestFailure,
    },
    /// A listing that cannot be compared: S3 lists in ascending order of UTF-8 bytes, and this one is not, or is cut off
    /// without saying how to go on.
    #[error("the listing of {prefix:?} in {bucket} cannot be trusted: {detail}")]
    BadListing {
        /// The bucket.
        bucket: String,
        /// What was to be listed.
        prefix: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A task of flex itself broke down.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl StopReason {
    /// The request that failed, if one did.
    pub fn failure(&self) -> Option<&RequestFailure> {
        match self {
            Self::SourceNotListable { source, .. }
            | Self::DestinationNotListable { source, .. }
            | Self::DestinationRefused { source, .. }
            | Self::DestinationNotReadable { source, .. }
            | Self::NoSuchBucket { source, .. }
            | Self::WrongRegion { source, .. }
            | Self::Credentials { source }
            | Self::ClockSkew { source }
            | Self::Unreachable { source, .. }
            | Self::Listing { source, .. } => Some(source),
            Self::BadListing { .. } | Self::Internal(_) => None,
        }
    }

    /// The reasons that concern the whole run whatever the operation was; gives the failure back otherwise.
    pub(crate) fn general(bucket: &str, failed: Failed) -> Result<Self, Failed> {
        let bucket = bucket.to_owned();
        if let GaveUp::Outage { waited, after_success } = failed.gave_up {
            return Ok(Self::Unreachable { waited, after_success, source: failed.failure });
        }
        Ok(match failed.failure.kind() {
            FailureKind::NoSuchBucket => Self::NoSuchBucket { bucket, source: failed.failure },
            FailureKind::WrongRegion => {
                let region = failed.failure.bucket_region().map(str::to_owned);
                Self::WrongRegion { bucket, region, source: failed.failure }
            }
            FailureKind::Credentials | FailureKind::Expired => Self::Credentials { source: failed.failure },
            FailureKind::ClockSkew => Self::ClockSkew { source: failed.failure },
            _ => return Err(failed),
        })
    }
}
