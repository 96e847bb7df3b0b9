//! The time that S3 needs for copies at the rates that it is known by: a plan tells it beforehand, and a run how near it came.
//!
//! It is a bound by what AWS publishes and others have measured, and no promise: where S3 has split a busy partition it takes more.

use std::time::Duration;

use crate::{CopySettings, Method, PartSizes};

/// Writes a second that S3 takes in one partition of a bucket's keys: AWS says "at least" so many, and more once it has split the
/// partition ([user guide](https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html)). FLEX keys begin
/// with a date, so that neighbouring days share one.
const PARTITION_WRITES_PER_SECOND: f64 = 3_500.0;
/// Reads a second, likewise.
const PARTITION_READS_PER_SECOND: f64 = 5_500.0;
/// Bytes a second that one request copies. AWS gives no number; somewhat above the 70 to 85 MB/s that were reported.
const REQUEST_BYTES_PER_SECOND: f64 = 100e6;

/// What sets the bound, with its rate a second.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum BoundBy {
    /// The number of writes, at the rate of one partition.
    Writes(f64),
    /// The number of reads, likewise.
    Reads(f64),
    /// The number of all requests, at the rate that the settings allow.
    Requests(f64),
    /// The bytes, at the rate of all requests that may be in flight.
    Bytes(f64),
    /// The bytes of the largest request, a part or a whole object, at the rate of one.
    LargestRequest(f64),
}

/// A time, and what for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowerBound {
    /// How long S3 needs at that rate.
    pub time: Duration,
    /// For what.
    pub by: BoundBy,
}

/// Copies, as what they ask of S3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
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
        self.bytes += size;
        self.writes += writes;
        self.reads += reads;
        self.largest_request = self.largest_request.max(largest_request);
    }

    /// Requests, listings not counted.
    pub fn requests(&self) -> u64 {
        self.writes + self.reads
    }

    /// The bound, with as many requests in flight and a second as the settings allow; none for no copies. Listings are not
    /// counted.
    pub fn bound(&self, settings: &CopySettings) -> Option<LowerBound> {
        if self.requests() == 0 {
            return None;
        }
        let most = settings.max_rps.unwrap_or(f64::INFINITY);
        let at_once = settings.max_in_flight as f64 * REQUEST_BYTES_PER_SECOND;
        [
            (self.writes as f64 / PARTITION_WRITES_PER_SECOND, BoundBy::Writes(PARTITION_WRITES_PER_SECOND)),
            (self.reads as f64 / PARTITION_READS_PER_SECOND, BoundBy::Reads(PARTITION_READS_PER_SECOND)),
            (self.requests() as f64 / most, BoundBy::Requests(most)),
            (self.bytes as f64 / at_once, BoundBy::Bytes(at_once)),
            (self.largest_request as f64 / REQUEST_BYTES_PER_SECOND, BoundBy::LargestRequest(REQUEST_BYTES_PER_SECOND)),
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
        assert_eq!(bound(&[(1000, whole, 7000)], &default), (2.0, BoundBy::Writes(3_500.0)));
        assert_eq!(bound(&[(1_000_000_000, whole, 1)], &default), (10.0, BoundBy::LargestRequest(100e6)));
        assert_eq!(bound(&[(1_000_000_000, Method::Parts(10), 1)], &default), (1.0, BoundBy::LargestRequest(100e6)));
        let narrow = CopySettings { max_in_flight: 4, ..CopySettings::default() };
        assert_eq!(bound(&[(100_000_000, whole, 40)], &narrow), (10.0, BoundBy::Bytes(400e6)));
        let slow = CopySettings { max_rps: Some(10.0), ..CopySettings::default() };
        // Ten parts, two requests to begin and to end, and one HEAD.
        assert_eq!(bound(&[(1000, Method::Parts(10), 5)], &slow), (6.5, BoundBy::Requests(10.0)));
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
