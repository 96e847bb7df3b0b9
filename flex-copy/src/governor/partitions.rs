//! Which requests share a limit of the service.
//!
//! S3 limits writes and reads of a partition, and cuts its partitions by prefix, where it likes. Nobody tells where, so all
//! writes count as one, and all reads, until a month is refused while others are not: then that month has a limit of its
//! own. A month is fine enough for keys that are dates.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::pace::Pace;
use crate::failure::Operation;

/// So many requests of other months, accepted and none refused, show that a limit is not theirs,
const ACCEPTED: u32 = 20;
/// where so many of one month were refused: a shared pace that is near the limit is refused once a second or so, and that
/// says nothing of the month that it happened to.
const REFUSED: u32 = 8;
/// Within so long.
const WINDOW: Duration = Duration::from_secs(1);

/// Writes or reads under the first two folders of a key, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Month {
    writes: bool,
    prefix: u64,
}

impl Month {
    pub(super) fn of(operation: Operation, key: &str) -> Self {
        let end = key.match_indices('/').nth(1).map_or(key.len(), |(at, _)| at);
        let mut hasher = DefaultHasher::new();
        key.get(..end).unwrap_or(key).hash(&mut hasher);
        Self { writes: operation.is_write(), prefix: hasher.finish() }
    }
}

#[derive(Debug)]
pub(super) struct Partitions {
    writes: Arc<Pace>,
    reads: Arc<Pace>,
    /// Those that have a limit of their own.
    months: HashMap<Month, Arc<Pace>>,
    /// Answers since `window`, by month: accepted and refused.
    answers: HashMap<Month, (u32, u32)>,
    window: Instant,
}

impl Partitions {
    pub(super) fn new(now: Instant) -> Self {
        let pace = || Arc::new(Pace::new(now));
        Self { writes: pace(), reads: pace(), months: HashMap::new(), answers: HashMap::new(), window: now }
    }

    fn shared(&self, month: Month) -> &Arc<Pace> {
        if month.writes { &self.writes } else { &self.reads }
    }

    pub(super) fn pace(&self, month: Month) -> Arc<Pace> {
        self.months.get(&month).unwrap_or_else(|| self.shared(month)).clone()
    }

    fn answers(&mut self, month: Month, now: Instant) -> &mut (u32, u32) {
        if now.duration_since(self.window) >= WINDOW {
            self.answers.clear();
            self.window = now;
        }
        self.answers.entry(month).or_default()
    }

    pub(super) fn accepted(&mut self, month: Month, now: Instant) {
        self.answers(month, now).0 += 1;
    }

    /// The pace that a refusal concerns, of a request that was sent under `pace`.
    pub(super) fn refused(&mut self, month: Month, pace: &Arc<Pace>, now: Instant) -> Arc<Pace> {
        self.answers(month, now).1 += 1;
        if !Arc::ptr_eq(pace, self.shared(month)) {
            return pace.clone();
        }
        let others = self.answers.iter().filter(|(other, _)| **other != month && other.writes == month.writes);
        let (accepted, refused) = others.fold((0, 0), |sum, (_, answers)| (sum.0 + answers.0, sum.1 + answers.1));
        let own = self.answers.get(&month).map_or(0, |answers| answers.1);
        if own < REFUSED || accepted < ACCEPTED || refused > 0 {
            return pace.clone();
        }
        let (counted, since) = (self.answers.get(&month).map_or(0, |answers| answers.0), self.window);
        self.months.entry(month).or_insert_with(|| Arc::new(Pace::after(counted, since))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_the_first_two_folders_of_writes_or_of_reads() {
        let copy = Month::of(Operation::CopyObject, "2021/05/31/a");
        assert_eq!(copy, Month::of(Operation::UploadPartCopy, "2021/05/01/b"));
        assert_ne!(copy, Month::of(Operation::HeadObject, "2021/05/31/a"));
        assert_ne!(copy, Month::of(Operation::CopyObject, "2021/06/01/a"));
        assert_eq!(Month::of(Operation::ListObjectsV2, "2021/"), Month::of(Operation::ListObjectsV2, "2021/"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_month_gets_a_pace_of_its_own_only_where_others_are_not_refused() {
        let [may, june, july] =
            ["2021/05/31/a", "2021/06/01/a", "2021/07/01/a"].map(|key| Month::of(Operation::CopyObject, key));
        let now = Instant::now();
        let mut partitions = Partitions::new(now);
        let shared = partitions.pace(may);
        let is_shared = |pace: &Arc<Pace>| Arc::ptr_eq(pace, &shared);
        assert!(is_shared(&partitions.refused(may, &shared, now)), "nobody else to compare with");
        for _ in 0..ACCEPTED {
            partitions.accepted(june, now);
        }
        partitions.refused(july, &shared, now);
        for _ in 0..REFUSED {
            assert!(is_shared(&partitions.refused(may, &shared, now)), "july is refused as well");
        }
        let later = now + WINDOW;
        for _ in 0..ACCEPTED {
            partitions.accepted(june, later);
        }
        for _ in 1..REFUSED {
            assert!(is_shared(&partitions.refused(may, &shared, later)), "it may be anybody's limit");
        }
        let own = partitions.refused(may, &shared, later);
        assert!(!is_shared(&own) && Arc::ptr_eq(&own, &partitions.pace(may)));
        assert!(is_shared(&partitions.pace(june)));
        assert!(Arc::ptr_eq(&own, &partitions.refused(may, &own, later)), "it stays that month's affair");
    }
}
