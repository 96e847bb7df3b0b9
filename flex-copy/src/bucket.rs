//! One side of a copy: a bucket, the client that reaches it, and what pins it to its owner.

use aws_sdk_s3::Client;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::{sync::Arc, time::Duration};

use crate::{
    direct::{Answer, Call, Direct},
    signed::SignedAt,
};

/// A bucket as one side of a copy.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
    expected_owner: Option<String>,
    prefix: String,
    direct: Arc<Direct>,
}

impl Bucket {
    /// A bucket reached through this client. Make the client with [`client_config`].
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into(), expected_owner: None, prefix: String::new(), direct: Arc::default() }
    }

    /// The account that must own the bucket: every request says so, and S3 refuses the bucket of any other account.
    pub fn expected_owner(mut self, account: impl Into<String>) -> Self {
        self.expected_owner = Some(account.into());
        self
    }

    /// A prefix before the vendor's keys, for a destination. A `/` is added at its end, and none is kept at its start.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.trim_start_matches('/').to_owned();
        if !self.prefix.is_empty() && !self.prefix.ends_with('/') {
            self.prefix.push('/');
        }
        self
    }

    /// The same bucket, reached through another client: another identity.
    pub(crate) fn through(&self, client: Client) -> Self {
        Self { client, direct: Arc::default(), ..self.clone() }
    }

    /// The bucket's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The prefix before the vendor's keys; empty or ending in `/`.
    pub fn key_prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request of which there are many. It was made with this bucket's client.
    pub(crate) async fn send<C: Call>(&self, call: &C) -> Answer<C> {
        self.direct.send(&self.client, call).await
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        self.expected_owner.as_deref()
    }

    /// The client's time, in seconds since 1970-01-01 UTC.
    pub(crate) fn now(&self) -> i64 {
        let now = self.client.config().time_source().unwrap_or_default().now();
        now.duration_since(std::time::UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
    }

    /// The vendor's key of a key in this bucket.
    pub(crate) fn without_prefix<'a>(&self, key: &'a str) -> &'a str {
        key.strip_prefix(&self.prefix).unwrap_or(key)
    }

    /// The key in this bucket for a key of the vendor's.
    pub fn key(&self, vendor_key: &str) -> String {
        format!("{}{vendor_key}", self.prefix)
    }

    /// `bucket/key` for `x-amz-copy-source`. S3 wants it percent-encoded, and the SDK sends it as given.
    pub(crate) fn copy_source(&self, vendor_key: &str) -> String {
        format!("{}/{}", self.name, utf8_percent_encode(&self.key(vendor_key), COPY_SOURCE))
    }
}

/// Every byte outside `A-Za-z0-9-._~/`.
const COPY_SOURCE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The configuration that the copy engine needs of an S3 client, on top of yours.
///
/// One attempt a request, because the engine retries and its governor must see every SlowDown (the SDK's retries share
/// a quota of 500 tokens and give requests up under load). No stalled-stream protection, which ends UploadPartCopy and
/// CompleteMultipartUpload while S3 sends white space to keep the connection open (smithy-rs#4439). Timeouts for
/// connecting only: the engine limits each attempt by the bytes it moves. Path style when an endpoint is set, since a
/// store on a host of its own seldom answers to `bucket.host`.
///
/// The requests of a copy are made after an example that the client made, past the SDK's orchestrator, which would take more
/// than twice the processor time. Interceptors and time limits of operations that you add are honoured: then all goes through it.
///
/// With [`RenewableCredentials`](crate::RenewableCredentials), add `.identity_cache(IdentityCache::no_cache())`: the SDK's
/// cache would go on with a token that was renewed. It stays on here for providers that ask a service each time.
pub fn client_config(base: &SdkConfig) -> aws_sdk_s3::config::Builder {
    let own_endpoint = base.endpoint_url().is_some();
    let mut builder = aws_sdk_s3::config::Builder::from(base)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(aws_sdk_s3::config::StalledStreamProtectionConfig::disabled())
        .timeout_config(TimeoutConfig::builder().connect_timeout(Duration::from_secs(10)).build())
        .interceptor(SignedAt);
    if own_endpoint {
        builder = builder.force_path_style(true);
    }
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(prefix: &str) -> Bucket {
        let config = aws_sdk_s3::Config::builder().behavior_version_latest().build();
        Bucket::new(Client::from_conf(config), "b").prefix(prefix)
    }

    #[test]
    fn copy_source_encodes_all_but_unreserved_and_slash() {
        let b = bucket("");
        for (key, want) in [
            ("2021/05/31/20210531_1_001.pcap.gz", "b/2021/05/31/20210531_1_001.pcap.gz"),
            ("version 17.4/a+b%20?c'\"~.txt", "b/version%2017.4/a%2Bb%2520%3Fc%27%22~.txt"),
            ("仕様/é.pdf", "b/%E4%BB%95%E6%A7%98/%C3%A9.pdf"),
        ] {
            assert_eq!(b.copy_source(key), want);
        }
    }

    #[test]
    fn a_prefix_ends_in_a_slash_and_starts_with_none() {
        for (given, key) in [("", "k"), ("/", "k"), ("a", "a/k"), ("a/", "a/k"), ("/a/b", "a/b/k")] {
            assert_eq!(bucket(given).key("k"), key, "{given}");
        }
    }
}
