//! What was asked of the sandbox, and how much at once.

use std::collections::BTreeMap;
use std::time::SystemTime;

use http::HeaderMap;

/// A request as it arrived, and how it was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// S3's, STS's or IAM's name of the operation, or `Unknown`.
    pub operation: &'static str,
    /// The bucket in the path.
    pub bucket: String,
    /// The key in the path, decoded; at IAM the name of the user, role or instance profile.
    pub key: String,
    /// The query as sent.
    pub query: String,
    /// The form of a request to STS or IAM.
    pub form: Vec<(String, String)>,
    /// The status answered; 0 when the connection was reset.
    pub status: u16,
    /// The error code answered, also where a HEAD cannot carry it to the client.
    pub code: Option<String>,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// When it arrived, by the world's clock.
    pub at: SystemTime,
    /// The ARN of the signer, empty when unknown.
    pub identity: String,
}

impl Request {
    /// A header as sent, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether it was answered with success.
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.status) && self.code.is_none()
    }
}

#[derive(Default)]
struct InFlight {
    now: usize,
    peak: usize,
}

impl InFlight {
    fn begin(&mut self) {
        self.now += 1;
        self.peak = self.peak.max(self.now);
    }
}

pub(crate) struct Records {
    limit: usize,
    kept: Vec<Request>,
    counts: BTreeMap<&'static str, u64>,
    all: InFlight,
    each: BTreeMap<&'static str, InFlight>,
}

impl Records {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new(), counts: BTreeMap::new(), all: InFlight::default(), each: BTreeMap::new() }
    }

    pub(crate) fn begin(&mut self, operation: &'static str) {
        *self.counts.entry(operation).or_default() += 1;
        self.all.begin();
        self.each.entry(operation).or_default().begin();
    }

    pub(crate) fn end(&mut self, operation: &'static str) {
        self.all.now = self.all.now.saturating_sub(1);
        let each = self.each.entry(operation).or_default();
        each.now = each.now.saturating_sub(1);
    }

    /// Keeps the first `limit` requests; the counts go on.
    pub(crate) fn keep(&mut self, request: impl FnOnce() -> Request) {
        if self.kept.len() < self.limit {
            self.kept.push(request());
        }
    }

    pub(crate) fn all(&self) -> &[Request] {
        &self.kept
    }

    pub(crate) fn count(&self, operation: &str) -> u64 {
        self.counts.get(operation).copied().unwrap_or(0)
    }

    pub(crate) fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    pub(crate) fn peak(&self) -> usize {
        self.all.peak
    }

    pub(crate) fn peak_of(&self, operation: &str) -> usize {
        self.each.get(operation).map_or(0, |each| each.peak)
    }

    pub(crate) fn forget(&mut self) {
        self.kept.clear();
        self.counts.clear();
        self.all.peak = self.all.now;
        self.each.values_mut().for_each(|each| each.peak = each.now);
    }
}
