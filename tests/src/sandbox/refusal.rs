//! Errors with S3's code, status and words.

use std::borrow::Cow;

use http::StatusCode;
use s3s::{S3Error, S3ErrorCode};

/// An error as S3 answers it.
pub(crate) fn refuse(status: u16, code: &str, message: impl Into<Cow<'static, str>>) -> S3Error {
    let code = S3ErrorCode::from_bytes(code.as_bytes()).unwrap_or_else(|| S3ErrorCode::Custom(code.into()));
    let mut error = S3Error::with_message(code, message);
    error.set_status_code(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    error
}

pub(crate) fn access_denied() -> S3Error {
    refuse(403, "AccessDenied", "Access Denied")
}

pub(crate) fn no_such_key() -> S3Error {
    refuse(404, "NoSuchKey", "The specified key does not exist.")
}

pub(crate) fn no_such_bucket() -> S3Error {
    refuse(404, "NoSuchBucket", "The specified bucket does not exist")
}

pub(crate) fn no_such_upload() -> S3Error {
    refuse(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
}

pub(crate) fn precondition(which: &str) -> S3Error {
    refuse(412, "PreconditionFailed", format!("At least one of the pre-conditions you specified did not hold: {which}"))
}

pub(crate) fn invalid_argument(message: impl Into<Cow<'static, str>>) -> S3Error {
    refuse(400, "InvalidArgument", message)
}

pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> S3Error {
    refuse(400, "InvalidRequest", message)
}

pub(crate) fn not_written(what: &str) -> S3Error {
    refuse(501, "NotImplemented", format!("The sandbox does not do this: {what}"))
}
