//! Clients as set-up wants them.

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
};

/// One attempt. These requests move no data; S3 answers in well under a second.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(10);
/// All attempts of one request.
pub(crate) const REQUEST: Duration = Duration::from_secs(30);

pub(crate) fn timeouts(given: Option<&TimeoutConfig>) -> TimeoutConfig {
    let mut builder = given.map(TimeoutConfig::to_builder).unwrap_or_default();
    builder.set_operation_attempt_timeout(Some(ATTEMPT)).set_operation_timeout(Some(REQUEST));
    builder.build()
}

/// The same client with the SDK's own retries and an end to each request: set-up sends a handful, and has no governor as
/// the copying of thousands of objects has.
pub(crate) fn patient(s3: &Client) -> Client {
    let timeouts = timeouts(s3.config().timeout_config());
    Client::from_conf(s3.config().to_builder().retry_config(RetryConfig::standard()).timeout_config(timeouts).build())
}
