//! A refused request to S3, with what tells the causes apart.

use std::{error::Error, time::Duration};

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::chain;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Denied,
    NoSuchBucket,
    WrongRegion,
    NoAnswer,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: Kind,
    /// The region of the bucket, where S3 told.
    pub(super) region: Option<String>,
    message: Option<String>,
    /// In words, for people and support.
    pub(super) lines: Vec<String>,
}

impl Refusal {
    pub(super) fn timed_out(operation: &str, deadline: Duration) -> Self {
        Self {
            kind: Kind::NoAnswer,
            region: None,
            message: None,
            lines: vec![format!("{operation}: no answer within {} s", deadline.as_secs_f64())],
        }
    }

    pub(super) fn from_sdk<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let raw = error.raw_response();
        let header = |name| raw.and_then(|raw| raw.headers().get(name)).map(str::to_owned);
        let status = raw.map(|raw| raw.status().as_u16());
        let (region, id) = (header("x-amz-bucket-region"), header("x-amz-request-id"));
        let (code, message) = match &error {
            SdkError::ServiceError(e) => (e.err().code().map(str::to_owned), e.err().message().map(str::to_owned)),
            _ => (None, None),
        };
        let kind = kind(status, code.as_deref());
        let lines = if status.is_none() {
            chain(&error)
        } else {
            let mut line = format!("{operation} answered {}", status.unwrap_or_default());
            for (before, part) in [(" ", &code), (": ", &message), (" (request ", &id)] {
                if let Some(part) = part {
                    line += before;
                    line += part;
                }
            }
            if id.is_some() {
                line.push(')');
            }
            vec![line]
        };
        Self { kind, region, message, lines }
    }

    /// S3 says so when a VPC endpoint's policy is the reason.
    pub(super) fn is_by_vpc_endpoint(&self) -> bool {
        self.message.as_deref().is_some_and(names_vpc_endpoint)
    }
}

/// Whether a message of S3 names the policy of a VPC endpoint as the reason of a refusal.
pub(super) fn names_vpc_endpoint(message: &str) -> bool {
    message.to_ascii_lowercase().contains("vpc endpoint policy")
}

fn kind(status: Option<u16>, code: Option<&str>) -> Kind {
    match code {
        Some("NoSuchBucket") => return Kind::NoSuchBucket,
        Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            return Kind::WrongRegion;
        }
        _ => {}
    }
    match status {
        None => Kind::NoAnswer,
        Some(301 | 307) => Kind::WrongRegion,
        Some(403) => Kind::Denied,
        Some(_) => Kind::Other,
    }
}

/// One request within its time.
pub(super) async fn ask<T, E>(
    operation: &str,
    deadline: Duration,
    request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Refusal>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match tokio::time::timeout(deadline, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Refusal::from_sdk(operation, error)),
        Err(_) => Err(Refusal::timed_out(operation, deadline)),
    }
}

#[cfg(test)]
impl Refusal {
    pub(super) fn made(kind: Kind, message: &str) -> Self {
        Self { kind, region: None, message: Some(message.into()), lines: vec![message.into()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_go_by_code_first() {
        for (status, code, want) in [
            (Some(403), Some("AccessDenied"), Kind::Denied),
            (Some(403), None, Kind::Denied),
            (Some(404), Some("NoSuchBucket"), Kind::NoSuchBucket),
            (Some(400), Some("AuthorizationHeaderMalformed"), Kind::WrongRegion),
            (Some(301), None, Kind::WrongRegion),
            (Some(500), Some("InternalError"), Kind::Other),
            (None, None, Kind::NoAnswer),
        ] {
            assert_eq!(kind(status, code), want, "{status:?} {code:?}");
        }
    }

    #[test]
    fn a_vpc_endpoints_policy_is_named_by_s3() {
        let named = "User: x is not authorized to perform: s3:ListBucket on resource: y because no VPC endpoint policy \
                     allows the s3:ListBucket action";
        assert!(Refusal::made(Kind::Denied, named).is_by_vpc_endpoint());
        assert!(!Refusal::made(Kind::Denied, "Access Denied").is_by_vpc_endpoint());
    }
}
