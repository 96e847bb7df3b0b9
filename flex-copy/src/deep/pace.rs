//! The limit of bytes per second, for all objects of a run together.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Bytes that may pass at once. What was not used for a while is not made up for beyond it.
const BURST: Duration = Duration::from_millis(100);

/// Lets bytes pass at a steady rate.
#[derive(Debug)]
pub(crate) struct Pace {
    bytes_per_second: Option<u64>,
    /// When all that passed so far would have passed at exactly the rate.
    paid: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(bytes_per_second: Option<u64>) -> Self {
        Self { bytes_per_second, paid: Mutex::new(Instant::now()) }
    }

    /// Waits until so many bytes may pass. Whoever asks first passes first.
    pub(crate) async fn pass(&self, bytes: usize) {
        let Some(rate) = self.bytes_per_second else { return };
        let at = {
            // An instant, whole at every moment.
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let earliest = Instant::now().checked_sub(BURST).unwrap_or(*paid);
            *paid = (*paid).max(earliest) + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
            *paid
        };
        sleep_until(at).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_for_all_together() {
        let pace = Arc::new(Pace::new(Some(1_000_000)));
        let start = Instant::now();
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let pace = pace.clone();
            readers.spawn(async move {
                for _ in 0..50 {
                    pace.pass(50_000).await;
                }
            });
        }
        while readers.join_next().await.is_some() {}
        let took = start.elapsed().as_secs_f64();
        assert!((9.9..=10.1).contains(&took), "10 MB at 1 MB/s took {took} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_not_made_up_for() {
        let pace = Pace::new(Some(1_000_000));
        pace.pass(1).await;
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        pace.pass(2_000_000).await;
        let took = start.elapsed().as_secs_f64();
        assert!((1.85..=2.0).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits() {
        let start = Instant::now();
        Pace::new(None).pass(usize::MAX).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
