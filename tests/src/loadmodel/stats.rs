//! What the server counts.

use std::sync::atomic::{AtomicU64, Ordering};

use super::request::Operation;

/// A number that tells its peak, too.
#[derive(Default)]
pub(super) struct Level {
    now: AtomicU64,
    peak: AtomicU64,
}

/// While it lives, the level is one higher.
pub(super) struct Raised<'a>(&'a Level);

impl Level {
    pub(super) fn raise(&self) -> Raised<'_> {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        Raised(self)
    }

    pub(super) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counters since the last reset.
#[derive(Default)]
pub(super) struct Stats {
    requests: [AtomicU64; Operation::ALL.len()],
    pub(super) in_flight: Level,
    /// Connections on which a request came.
    pub(super) connections: AtomicU64,
    pub(super) slow_downs: AtomicU64,
    /// Answers of 400 and above, SlowDown aside.
    pub(super) refused: AtomicU64,
    /// Requests whose sender went away before the answer.
    pub(super) abandoned: AtomicU64,
    /// Microseconds that all requests took, as the model set them.
    pub(super) busy_micros: AtomicU64,
    /// Bytes of objects that went through the client.
    pub(super) bytes_read: AtomicU64,
}

impl Stats {
    pub(super) fn count(&self, operation: Operation) {
        self.requests[operation as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Each operation that was asked for, by its name.
    pub(super) fn requests(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.requests.iter().map(|count| count.load(Ordering::Relaxed));
        Operation::ALL.iter().map(|operation| operation.name()).zip(counts).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_remembers_its_peak() {
        let level = Level::default();
        let first = level.raise();
        drop(level.raise());
        let third = level.raise();
        assert_eq!(level.peak(), 2);
        drop((first, third));
        drop(level.raise());
        assert_eq!(level.peak(), 2);
    }

    #[test]
    fn every_operation_has_its_own_place() {
        for (at, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, at, "{operation:?}");
        }
    }
}
