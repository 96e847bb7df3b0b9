//! The least time that S3 needs for copies, by what is known of it: a plan tells it beforehand, and a run how near it came.

use std::time::Duration;

use crate::{CopySettings, Method, PartSizes};

/// Writes a second that S3 takes in one partition of a bucket's keys, at least; it takes more where it has split the
/// partition ([user guide](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html)). FLEX keys begin
/// with a date, so that neighbouring days share one.
pub const PARTITION_WRITES_PER_SECOND: f64 = 3_500.0;
/// Reads a second, likewise.
pub const PARTITION_READS_PER_SECOND: f64 = 5_500.0;
/// Bytes a second that one request copies. AWS gives no number; somewhat above the 70 to 85 MB/s that were reported.
pub const REQUEST_BYTES_PER_SECOND: f64 = 100e6;

/// What sets the least time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BoundBy {
    /// The number of writes, at the rate that a partition takes or the settings allow.
    Writes,
    /// The number of reads, likewise.
    Reads,
    /// The bytes, over all requests that may be in flight.
    Bytes,
    /// The largest request, in which one part or a whole object is copied.
    LargestRequest,
}

impl BoundBy {
    /// The word for it in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writes => "writes",
            Self::Reads => "reads",
            Self::Bytes => "bytes",
            Self::LargestRequest => "largest-request",
        }
    }
}

/// A least time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LowerBound {
    /// How long S3 needs at the least.
    pub time: Duration,
    /// For what.
    pub by: BoundBy,
}

/// Copies, as what they ask of S3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    objects: u64,
    bytes: u64,
    writes: u64,
    reads: u64,
    largest_request: u64,
}

impl Work {
    /// Adds the copy of an object of so many bytes.
    pub fn add(&mut self, size: u64, method: Method) {
        let (writes, parts) = match method {
            Method::Whole { .. } => (1, 1),
            // Begun and completed.
            Method::Parts(parts) => (u64::from(parts) + 2, u64::from(parts.max(1))),
        };
        self.count(size, writes, method.requests() - writes, size.div_ceil(parts));
    }

    /// Adds a copy that was made.
    pub(crate) fn add_copied(&mut self, size: u64, layout: Option<&PartSizes>) {
        match layout {
            None => self.add(size, Method::Whole { head: false }),
            Some(layout) => {
                let largest = layout.runs().iter().map(|(size, _)| *size).max().unwrap_or(size);
                self.count(size, u64::from(layout.count()) + 2, 1, largest);
            }
        }
    }

    fn count(&mut self, size: u64, writes: u64, reads: u64, largest_request: u64) {
        self.objects += 1;
        self.bytes += size;
        self.writes += writes;
        self.reads += reads;
        self.largest_request = self.largest_request.max(largest_request);
    }

    /// Requests, listings not counted.
    pub fn requests(&self) -> u64 {
        self.writes + self.reads
    }

    /// The least time for them, with as many requests in flight and a second as the settings allow; none for no copies.
    /// The time to list is not counted.
    pub fn bound(&self, settings: &CopySettings) -> Option<LowerBound> {
        if self.objects == 0 {
            return None;
        }
        let most = settings.max_rps.unwrap_or(f64::INFINITY);
        let places = settings.max_in_flight as f64;
        [
            (self.writes as f64 / PARTITION_WRITES_PER_SECOND.min(most), BoundBy::Writes),
            (self.reads as f64 / PARTITION_READS_PER_SECOND.min(most), BoundBy::Reads),
            (self.bytes as f64 / (REQUEST_BYTES_PER_SECOND * places), BoundBy::Bytes),
            (self.largest_request as f64 / REQUEST_BYTES_PER_SECOND, BoundBy::LargestRequest),
        ]
        .into_iter()
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(seconds, by)| LowerBound { time: Duration::from_secs_f64(seconds.min(1e12)), by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(work: &[(u64, Method, u64)], settings: &CopySettings) -> (f64, BoundBy) {
        let mut all = Work::default();
        for (size, method, times) in work {
            (0..*times).for_each(|_| all.add(*size, *method));
        }
        let bound = all.bound(settings).expect("a bound");
        ((bound.time.as_secs_f64() * 100.0).round() / 100.0, bound.by)
    }

    #[test]
    fn the_tightest_limit_is_the_bound() {
        let whole = Method::Whole { head: false };
        let default = CopySettings::default();
        assert_eq!(bound(&[(1000, whole, 7000)], &default), (2.0, BoundBy::Writes));
        assert_eq!(bound(&[(1_000_000_000, whole, 1)], &default), (10.0, BoundBy::LargestRequest));
        assert_eq!(bound(&[(1_000_000_000, Method::Parts(10), 1)], &default), (1.0, BoundBy::LargestRequest));
        let narrow = CopySettings { max_in_flight: 4, ..CopySettings::default() };
        assert_eq!(bound(&[(100_000_000, whole, 40)], &narrow), (10.0, BoundBy::Bytes));
        let slow = CopySettings { max_rps: Some(10.0), ..CopySettings::default() };
        // Ten parts, and two requests to begin and to end; one HEAD.
        assert_eq!(bound(&[(1000, Method::Parts(10), 5)], &slow), (6.0, BoundBy::Writes));
        assert_eq!(Work::default().bound(&default), None);
    }

    #[test]
    fn what_was_copied_counts_as_what_was_planned() {
        let (mut planned, mut copied) = (Work::default(), Work::default());
        planned.add(20, Method::Parts(3));
        copied.add_copied(20, Some(&PartSizes::of(&[7, 7, 6])));
        planned.add(9, Method::Whole { head: false });
        copied.add_copied(9, None);
        assert_eq!(copied, planned);
        assert_eq!(planned.requests(), 7);
    }
}
