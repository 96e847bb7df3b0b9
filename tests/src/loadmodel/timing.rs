//! How long a request takes, and whether its partition takes it at all.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::hash::{hash, hash_text, normal};
use super::scene::Scene;

/// So many seconds' worth of requests a partition takes at once after a pause.
pub(super) const BURST: f64 = 0.1;

/// The latency of a request. What is asked again takes as long again.
pub(super) fn latency(scene: &Scene, operation: u64, what: u64) -> f64 {
    if scene.latency == 0.0 {
        return 0.0;
    }
    let exponent = scene.latency_sigma * normal(hash(&[scene.seed, 5, operation, what]));
    scene.latency * exponent.exp() / scene.time_scale
}

/// How long to sleep for a request to take that long: the timer rounds up to the next millisecond, which is half of one
/// on the average.
pub(super) fn sleep_time(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds - 0.0005).max(0.0))
}

/// Token buckets, one a partition.
pub(super) struct Limit {
    per_second: f64,
    depth: usize,
    levels: Mutex<HashMap<u64, Level>>,
}

struct Level {
    tokens: f64,
    at: Instant,
}

impl Limit {
    /// None where there is no limit.
    pub(super) fn new(scene: &Scene, per_second: Option<f64>) -> Option<Self> {
        let per_second = per_second? * scene.time_scale;
        Some(Self { per_second, depth: scene.partition.depth(), levels: Mutex::default() })
    }

    /// Real requests a second.
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// Tokens of a partition that is full.
    pub(super) fn burst(&self) -> f64 {
        (self.per_second * BURST).max(1.0)
    }

    /// The partition of a key.
    pub(super) fn partition(&self, bucket: &str, key: &str) -> u64 {
        let end = match self.depth {
            0 => 0,
            depth => key.match_indices('/').nth(depth - 1).map_or(key.len(), |(at, _)| at),
        };
        hash(&[hash_text(bucket), hash_text(&key[..end])])
    }

    /// Takes a token, or tells that there is none.
    pub(super) fn take(&self, partition: u64, now: Instant) -> bool {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let level = levels.entry(partition).or_insert_with(|| Level { tokens: self.burst(), at: now });
        let passed = now.saturating_duration_since(level.at).as_secs_f64();
        level.tokens = (level.tokens + passed * self.per_second).min(self.burst());
        level.at = level.at.max(now);
        let taken = level.tokens >= 1.0;
        if taken {
            level.tokens -= 1.0;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loadmodel::scene::Partition;

    #[test]
    fn latencies_have_the_median_and_the_scale() {
        let scene = Scene { time_scale: 5.0, ..Scene::named("latency").expect("a scene") };
        let mut all: Vec<f64> = (0..10_001).map(|n| latency(&scene, 1, n)).collect();
        all.sort_by(f64::total_cmp);
        assert!((all[5_000] * 5.0 - 0.03).abs() < 0.001, "{}", all[5_000]);
        let mean = all.iter().sum::<f64>() / 10_001.0;
        assert!((mean / scene.mean_latency() - 1.0).abs() < 0.02, "{mean}");
        assert_eq!(latency(&scene, 1, 7), latency(&scene, 1, 7));
        assert_eq!(latency(&Scene::named("small").expect("a scene"), 1, 7), 0.0);
    }

    #[test]
    fn a_partition_takes_its_rate_and_no_more() {
        let scene = Scene { partition: Partition::Month, ..Scene::named("limited").expect("a scene") };
        let limit = Limit::new(&scene, scene.write_limit).expect("a limit");
        let may = limit.partition("b", "2023/01/04/x");
        assert_eq!(may, limit.partition("b", "2023/01/31/y"));
        let other = limit.partition("b", "2023/02/01/x");
        assert_ne!(may, other);
        assert_ne!(may, limit.partition("c", "2023/01/04/x"));
        let begin = Instant::now();
        // 2,000 requests a second for ten seconds.
        let taken = (0..20_000).filter(|n| limit.take(may, begin + Duration::from_micros(500 * n))).count();
        assert!((3_025..=3_031).contains(&taken), "300 a second and the burst: {taken}");
        assert!(limit.take(other, begin), "the other partition is untouched");
        assert!(Limit::new(&scene, None).is_none());
    }
}
