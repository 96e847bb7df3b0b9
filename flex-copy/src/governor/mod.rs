//! One governor for all requests of a run: places in flight, pace, and the knowledge whether the service answers.
//!
//! Requests per second are paced by partition of the key space, and only where the service has asked to slow down. How
//! many are in flight follows from the answers, up to a ceiling; how many that has to be follows from their latency.

mod pace;
mod partitions;
mod places;
mod worth;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use pace::{Fixed, Pace};
use partitions::{Month, Partitions};
use places::Places;
pub(crate) use places::{Place, Priority};
use tokio::{sync::Notify, time::Instant};
use worth::Answer;

use crate::failure::Operation;

/// A change of pace is news at most so often.
const NEWS: Duration = Duration::from_secs(10);

pub(crate) struct Governor {
    places: Places,
    ceiling: Option<Fixed>,
    partitions: Mutex<Partitions>,
    told: Mutex<Option<Instant>>,
    /// Successful answers so far.
    successes: AtomicU64,
    /// Requests that wait to be sent again, and so hold no place.
    waiting: AtomicUsize,
    health: Mutex<Health>,
    /// Told when `waiting` changes, and when there are more places.
    changed: Arc<Notify>,
}

/// Requests that take equally long, as far as one knows beforehand: of one operation, for bytes of one order of magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) operation: Operation,
    /// By powers of two; in any unit, as long as it is the same.
    pub(crate) magnitude: u32,
}

impl Kind {
    /// Whether it is long under way for the bytes that it moves.
    fn moves_many_bytes(self) -> bool {
        self.magnitude > 0
    }
}

/// A request that was let go, for what is learnt from its answer.
pub(crate) struct Sent {
    pace: Arc<Pace>,
    month: Month,
    kind: Kind,
    at: Instant,
    in_flight: usize,
}

struct Health {
    /// The first failure since the last success.
    failing_since: Option<Instant>,
    announced: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data are whole at every moment: a panic elsewhere does not spoil them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Governor {
    pub(crate) fn new(places: usize, ceiling: Option<f64>) -> Self {
        let changed = Arc::new(Notify::new());
        Self {
            places: Places::new(places, changed.clone()),
            ceiling: ceiling.map(Fixed::new),
            partitions: Mutex::new(Partitions::new(Instant::now())),
            told: Mutex::new(None),
            successes: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            health: Mutex::new(Health { failing_since: None, announced: false }),
            changed,
        }
    }

    /// Waits for the pace and for a place. `key` is the vendor's, without the prefix of the bucket. What is `urgent` does not
    /// wait for the pace.
    pub(crate) async fn admit(&self, kind: Kind, key: &str, priority: Priority, urgent: bool) -> (Place, Sent) {
        let month = Month::of(kind.operation, key);
        let pace = lock(&self.partitions).pace(month);
        if !urgent {
            // Without a place: others need not wait for this partition's pace.
            pace.turn(priority).await;
            if let Some(ceiling) = &self.ceiling {
                ceiling.turn(priority).await;
            }
        }
        let place = self.places.take(priority, kind.moves_many_bytes()).await;
        let at = Instant::now();
        pace.sent(at);
        let in_flight = place.in_flight;
        (place, Sent { pace, month, kind, at, in_flight })
    }

    /// The service did what was asked.
    pub(crate) fn succeeded(&self, sent: &Sent) {
        let now = Instant::now();
        sent.pace.accepted(now);
        lock(&self.partitions).accepted(sent.month, now);
        self.heard(Some(Answer { kind: sent.kind, sent: sent.at, in_flight: sent.in_flight }));
    }

    /// The service answered, whatever it thought of the request: it is well.
    pub(crate) fn answered(&self) {
        self.heard(None);
    }

    fn heard(&self, answer: Option<Answer>) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        {
            let mut health = lock(&self.health);
            health.failing_since = None;
            health.announced = false;
        }
        self.places.answered(answer);
    }

    /// The service asked to slow down. Gives the new pace if that is news.
    pub(crate) fn slow_down(&self, sent: &Sent) -> Option<f64> {
        let now = Instant::now();
        let partition = lock(&self.partitions).refused(sent.month, &sent.pace, now);
        let pace = partition.refused(sent.at, now)?;
        let mut told = lock(&self.told);
        if told.is_some_and(|at| now.duration_since(at) < NEWS) {
            return None;
        }
        *told = Some(now);
        Some(pace)
    }

    /// There was no answer.
    pub(crate) fn trouble(&self) {
        self.places.trouble();
    }

    /// A request failed for a reason that may lie with the service. Gives how long nothing has succeeded, and whether
    /// this should be announced (once an outage, after 10 s).
    pub(crate) fn failed(&self) -> (Duration, bool) {
        let now = Instant::now();
        let mut health = lock(&self.health);
        let since = *health.failing_since.get_or_insert(now);
        let waited = now.duration_since(since);
        let announce = !health.announced && waited >= Duration::from_secs(10);
        health.announced |= announce;
        (waited, announce)
    }

    /// Requests that may be in flight at this moment.
    pub(crate) fn width(&self) -> usize {
        self.places.width()
    }

    pub(crate) fn successes(&self) -> u64 {
        self.successes.load(Ordering::Relaxed)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Counts a request as waiting for as long as the guard lives.
    pub(crate) fn wait_guard(&self) -> WaitGuard<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
        WaitGuard(self)
    }

    /// Wakes who waits for [`changed`](Self::changed).
    pub(crate) fn wake(&self) {
        self.changed.notify_one();
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

pub(crate) struct WaitGuard<'a>(&'a Governor);

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_slow_down_paces_writes_and_leaves_reads_alone() {
        let governor = Governor::new(64, None);
        let kind = |operation| Kind { operation, magnitude: 0 };
        let admit = |operation| governor.admit(kind(operation), "2021/05/31/a", Priority::Begin, false);
        for _ in 0..100 {
            let (_place, sent) = admit(Operation::CopyObject).await;
            tokio::time::advance(Duration::from_millis(10)).await;
            governor.succeeded(&sent);
        }
        let (_, refused) = admit(Operation::UploadPartCopy).await;
        let pace = governor.slow_down(&refused).expect("the first SlowDown is news");
        assert!((80.0..=100.0).contains(&pace), "{pace}");
        assert_eq!(governor.slow_down(&refused), None, "sent before the cut");
        tokio::time::advance(Duration::from_millis(100)).await;
        let (_, again) = admit(Operation::CopyObject).await;
        tokio::time::advance(Duration::from_millis(10)).await;
        assert_eq!(governor.slow_down(&again), None, "it cuts again, but that is no news");
        let start = Instant::now();
        for _ in 0..200 {
            drop(admit(Operation::HeadObject).await);
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        for _ in 0..50 {
            drop(admit(Operation::CopyObject).await);
        }
        assert!(start.elapsed() > Duration::from_millis(450), "{:?}", start.elapsed());
        // An abort that must go out does not wait.
        let (_place, _) =
            governor.admit(kind(Operation::AbortMultipartUpload), "2021/05/31/a", Priority::Finish, true).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_counts_from_its_first_failure_and_ends_with_an_answer() {
        let governor = Governor::new(1, None);
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(governor.failed(), (Duration::ZERO, false));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(governor.failed(), (Duration::from_secs(11), true));
        assert_eq!(governor.failed(), (Duration::from_secs(11), false), "announced once");
        governor.answered();
        assert_eq!(governor.failed(), (Duration::ZERO, false));
    }
}
