//! A failed request: one function turns an SDK error into what a caller does next.

use std::{error::Error as StdError, fmt};

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{RequestId, RequestIdExt},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::{DateTime, date_time::Format};

use crate::{governor::Priority, signed::signed_at};

/// The operations that flex sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "named after S3's operations")]
pub enum Operation {
    ListObjectsV2,
    HeadObject,
    GetObject,
    CopyObject,
    CreateMultipartUpload,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    ListMultipartUploads,
}

impl Operation {
    /// Whether S3 counts it among the writes of a partition.
    pub(crate) fn is_write(self) -> bool {
        match self {
            Self::CopyObject
            | Self::CreateMultipartUpload
            | Self::UploadPartCopy
            | Self::CompleteMultipartUpload
            | Self::AbortMultipartUpload => true,
            Self::ListObjectsV2 | Self::HeadObject | Self::GetObject | Self::ListParts | Self::ListMultipartUploads => {
                false
            }
        }
    }

    pub(crate) fn priority(self) -> Priority {
        match self {
            Self::CompleteMultipartUpload | Self::AbortMultipartUpload => Priority::Finish,
            // A copy by parts begins with a HEAD.
            Self::ListObjectsV2 | Self::ListMultipartUploads | Self::HeadObject => Priority::Look,
            Self::CreateMultipartUpload | Self::UploadPartCopy | Self::ListParts => Priority::GoOn,
            Self::GetObject | Self::CopyObject => Priority::Begin,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What a failure means for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureKind {
    /// SlowDown and its kin: wait, pace, try again.
    Throttled,
    /// The service answered with a fault of its own: try again.
    Transient,
    /// No answer: connection refused, reset, timed out, cut off.
    NoAnswer,
    /// The session token is past its time: renew, try again.
    Expired,
    /// 403.
    Denied,
    /// The key or the bucket does not exist.
    NotFound,
    /// The bucket does not exist.
    NoSuchBucket,
    /// A condition was not met (412): the source changed.
    Precondition,
    /// The object is archived and not restored.
    Archived,
    /// The upload does not exist (any more).
    NoSuchUpload,
    /// The bucket lives in another region.
    WrongRegion,
    /// The request's clock is too far off.
    ClockSkew,
    /// No credentials could be had, or the service does not know them.
    Credentials,
    /// The run was cancelled while this request waited.
    Cancelled,
    /// Anything else: not tried again.
    Other,
}

/// A request that failed, with what the service said of it.
#[derive(Debug)]
pub struct RequestFailure(Box<Details>);

#[derive(Debug)]
struct Details {
    operation: Operation,
    kind: FailureKind,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    extended_request_id: Option<String>,
    /// The request may have had its effect although no answer came.
    maybe_done: bool,
    region: Option<String>,
    /// The service's time, in seconds since 1970-01-01 UTC.
    date: Option<i64>,
    /// When the request was signed.
    signed: Option<i64>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl RequestFailure {
    /// The operation that failed.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What it means for what comes next.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// S3's error code. A refused HEAD has none.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The service's request id.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Whether the request may have had its effect although no answer came.
    pub fn maybe_done(&self) -> bool {
        self.0.maybe_done
    }

    /// The region where the bucket lives, when the service said so.
    pub fn bucket_region(&self) -> Option<&str> {
        self.0.region.as_deref()
    }

    /// The session may be past its time although the answer does not say ExpiredToken: a HEAD answers 400 without any
    /// code, and some stores do not know a session any more that has ended.
    pub(crate) fn may_be_expired(&self) -> bool {
        match self.0.code.as_deref() {
            Some(code) => matches!(code, "InvalidToken" | "InvalidAccessKeyId" | "InvalidClientTokenId"),
            None => self.0.operation == Operation::HeadObject && self.0.status == Some(400),
        }
    }

    /// A refused HEAD does not say why. Where the service's time and the signature's are as far apart as S3 does not allow (15
    /// minutes), it is that, and not the object. `now` stands for the signature's where that is not known.
    pub(crate) fn or_skewed(mut self, now: i64) -> Self {
        let apart = self.0.date.map_or(0, |date| date.abs_diff(self.0.signed.unwrap_or(now)));
        if self.0.kind == FailureKind::Denied && self.0.code.is_none() && apart >= 900 {
            self.0.kind = FailureKind::ClockSkew;
        }
        self
    }

    pub(crate) fn new(operation: Operation, kind: FailureKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            operation,
            kind,
            status: None,
            code: None,
            message: Some(message.into()),
            request_id: None,
            extended_request_id: None,
            maybe_done: false,
            region: None,
            date: None,
            signed: None,
            source: None,
        }))
    }

    /// A 200 whose body does not hold the result: S3 sends headers early, so this is no success.
    pub(crate) fn empty_answer(operation: Operation) -> Self {
        let mut failure = Self::new(operation, FailureKind::Transient, "the answer was empty, which is no success");
        failure.0.status = Some(200);
        failure.0.maybe_done = true;
        failure
    }

    pub(crate) fn timed_out(operation: Operation, seconds: u64) -> Self {
        let mut failure = Self::new(operation, FailureKind::NoAnswer, format!("no answer within {seconds} s"));
        failure.0.maybe_done = true;
        failure
    }

    pub(crate) fn cancelled(operation: Operation) -> Self {
        Self::new(operation, FailureKind::Cancelled, "stopped before it was sent again")
    }

    /// Credentials could not be renewed.
    pub(crate) fn renewal(operation: Operation, source: Box<dyn StdError + Send + Sync>) -> Self {
        let mut failure = Self::new(operation, FailureKind::Credentials, "the credentials could not be renewed");
        failure.0.source = Some(source);
        failure
    }

    /// Turns the SDK's error into ours.
    pub(crate) fn from_sdk<E>(operation: Operation, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let raw = error.raw_response();
        let status = raw.map(|r| r.status().as_u16());
        let region = raw.and_then(|r| r.headers().get("x-amz-bucket-region")).map(str::to_owned);
        let date = raw.and_then(|r| r.headers().get("date"));
        let date = date.and_then(|text| DateTime::from_str(text, Format::HttpDate).ok()).map(|date| date.secs());
        let signed = raw.and_then(signed_at);
        let request_id =
            error.request_id().map(str::to_owned).or_else(|| raw.and_then(|r| header(r, "x-amz-request-id")));
        let extended_request_id =
            error.extended_request_id().map(str::to_owned).or_else(|| raw.and_then(|r| header(r, "x-amz-id-2")));
        let (code, message) = match &error {
            SdkError::ServiceError(e) => (e.err().code().map(str::to_owned), e.err().message().map(str::to_owned)),
            _ => (None, None),
        };
        let no_credentials = find_credentials_error(&error);
        let (kind, maybe_done) = match &error {
            _ if no_credentials => (FailureKind::Credentials, false),
            SdkError::ServiceError(_) => (classify(status, code.as_deref()), false),
            // A body that cannot be read in a 2xx: the effect may be there. In a 5xx the status says enough; in another error
            // it does not: a 403 may be a refusal, a clock that is off or a key that is not known, so it is asked again.
            SdkError::ResponseError(_) => match status {
                Some(s) if s >= 500 => (classify(status, None), false),
                Some(s) if s >= 300 => (FailureKind::NoAnswer, false),
                _ => (FailureKind::NoAnswer, true),
            },
            SdkError::TimeoutError(_) => (FailureKind::NoAnswer, true),
            SdkError::DispatchFailure(e) => {
                if e.is_user() {
                    (FailureKind::Other, false)
                } else {
                    (FailureKind::NoAnswer, true)
                }
            }
            _ => (FailureKind::Other, false),
        };
        // The service's own words say it all; the SDK's chain only where there were none.
        let source = if code.is_some() || message.is_some() { None } else { error.into_source().ok() };
        Self(Box::new(Details {
            operation,
            kind,
            status,
            code,
            message,
            request_id,
            extended_request_id,
            maybe_done,
            region,
            date,
            signed,
            source,
        }))
    }
}

fn header(response: &HttpResponse, name: &str) -> Option<String> {
    response.headers().get(name).map(str::to_owned)
}

fn find_credentials_error<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: StdError + 'static,
{
    let mut next: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(e) = next {
        if e.is::<CredentialsError>() {
            return true;
        }
        next = e.source();
    }
    false
}

/// Codes and statuses as S3 documents them (API reference, "Error responses"); by code first, since ExpiredToken comes
/// as 400 or 403 and a throttling answer as 503, 429 or inside a 200.
fn classify(status: Option<u16>, code: Option<&str>) -> FailureKind {
    if let Some(code) = code {
        match code {
            "SlowDown"
            | "ServiceUnavailable"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequests"
            | "TooManyRequestsException"
            | "BandwidthLimitExceeded" => {
                return FailureKind::Throttled;
            }
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => return FailureKind::Expired,
            "InternalError"
            | "RequestTimeout"
            | "OperationAborted"
            | "ConditionalRequestConflict"
            | "InternalFailure" => {
                return FailureKind::Transient;
            }
            "PreconditionFailed" => return FailureKind::Precondition,
            // The second is moto's word.
            "InvalidObjectState" | "ObjectNotInActiveTierError" => return FailureKind::Archived,
            "NoSuchUpload" => return FailureKind::NoSuchUpload,
            "NoSuchBucket" => return FailureKind::NoSuchBucket,
            "NoSuchKey" | "NotFound" => return FailureKind::NotFound,
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                return FailureKind::WrongRegion;
            }
            "RequestTimeTooSkewed" => return FailureKind::ClockSkew,
            // By code, since one may come late, inside a 200.
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => return FailureKind::Denied,
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidClientTokenId" => {
                return FailureKind::Credentials;
            }
            _ => {}
        }
    }
    match status {
        Some(301 | 307) => FailureKind::WrongRegion,
        Some(403) => FailureKind::Denied,
        Some(404) => FailureKind::NotFound,
        // A HEAD's conflict comes without a code.
        Some(408) => FailureKind::Transient,
        Some(409) if code.is_none() => FailureKind::Transient,
        Some(412) => FailureKind::Precondition,
        Some(429 | 503) => FailureKind::Throttled,
        // Not implemented, and not in the next attempt either.
        Some(501) => FailureKind::Other,
        Some(500..=599) => FailureKind::Transient,
        // An error body inside a 200 whose code is not known: S3 may send one for a late fault.
        Some(200..=299) => FailureKind::Transient,
        _ => FailureKind::Other,
    }
}

impl fmt::Display for RequestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.operation)?;
        match (self.0.status, &self.0.code) {
            (Some(status), Some(code)) => write!(f, " answered {status} {code}")?,
            (Some(status), None) => write!(f, " answered {status}")?,
            (None, Some(code)) => write!(f, " answered {code}")?,
            (None, None) if self.0.message.is_none() => f.write_str(" got no answer")?,
            (None, None) => {}
        }
        if let Some(message) = &self.0.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.0.request_id {
            write!(f, " (request {id}")?;
            if let Some(extended) = &self.0.extended_request_id {
                write!(f, ", {extended}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl StdError for RequestFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|e| &**e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::{FailureKind::*, classify};

    #[test]
    fn each_code_has_its_kind() {
        for (status, code, want) in [
            (503, Some("SlowDown"), Throttled),
            (200, Some("SlowDown"), Throttled),
            (200, Some("ServiceUnavailable"), Throttled),
            (429, None, Throttled),
            (500, Some("InternalError"), Transient),
            (200, Some("InternalError"), Transient),
            (200, None, Transient),
            (409, Some("OperationAborted"), Transient),
            (409, None, Transient),
            (409, Some("SomethingInvented"), Other),
            (400, Some("ExpiredToken"), Expired),
            (403, Some("ExpiredToken"), Expired),
            (403, Some("AccessDenied"), Denied),
            (403, None, Denied),
            (200, Some("AccessDenied"), Denied),
            (501, Some("NotImplemented"), Other),
            (403, Some("InvalidObjectState"), Archived),
            (403, Some("RequestTimeTooSkewed"), ClockSkew),
            (403, Some("InvalidAccessKeyId"), Credentials),
            (404, Some("NoSuchBucket"), NoSuchBucket),
            (404, Some("NoSuchUpload"), NoSuchUpload),
            (404, None, NotFound),
            (412, Some("PreconditionFailed"), Precondition),
            (301, Some("PermanentRedirect"), WrongRegion),
            (400, Some("SomethingInvented"), Other),
            (403, Some("SomethingInvented"), Denied),
        ] {
            assert_eq!(classify(Some(status), code), want, "{status} {code:?}");
        }
    }
}
