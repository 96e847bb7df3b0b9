//! One governor for all requests of a run: places in flight, pace, and the knowledge whether the service answers.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

/// Cut of the pace after a SlowDown, at most once in [`CUT_INTERVAL`]. Small, since what was refused was just above what
/// is allowed.
const CUT: f64 = 0.85;
const CUT_INTERVAL: Duration = Duration::from_secs(1);
/// Growth of the pace for each second without a SlowDown.
const GROWTH_PER_SECOND: f64 = 1.05;
/// The pace never falls below this, so that a run always moves.
const SLOWEST: f64 = 1.0;
/// The pace is lifted when it is so many times what is really sent.
const LIFT: f64 = 4.0;

pub(crate) struct Governor {
    places: Semaphore,
    pace: Mutex<Pace>,
    ceiling: Option<f64>,
    /// Successful answers so far.
    successes: AtomicU64,
    /// Requests that wait to be sent again, and so hold no place.
    waiting: AtomicUsize,
    health: Mutex<Health>,
    /// Told when `waiting` changes.
    changed: Notify,
}

struct Pace {
    /// Requests per second; `None` while nothing asked to slow down.
    rate: Option<f64>,
    next: Instant,
    last_cut: Option<Instant>,
    last_growth: Instant,
    window: Window,
}

/// Requests admitted in the present window, in the past one, and since the start.
struct Window {
    began: Instant,
    total: u64,
    start: Instant,
    count: u64,
    last: f64,
}

/// Long enough to hold several rounds of copies that take seconds.
const WINDOW: Duration = Duration::from_secs(5);

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1.0)
}

impl Window {
    fn new(now: Instant) -> Self {
        Self { began: now, total: 0, start: now, count: 0, last: 0.0 }
    }

    fn admitted(&mut self, now: Instant) {
        self.roll(now);
        self.count += 1;
        self.total += 1;
    }

    fn roll(&mut self, now: Instant) {
        let past = now.duration_since(self.start);
        if past >= WINDOW {
            self.last = per_second(self.count, past);
            self.start = now;
            self.count = 0;
        }
    }

    /// Requests per second, by the window that shows the most.
    fn rate(&mut self, now: Instant) -> f64 {
        self.roll(now);
        let present = per_second(self.count, now.duration_since(self.start));
        let overall = per_second(self.total, now.duration_since(self.began));
        present.max(self.last).max(overall)
    }
}

struct Health {
    /// The first failure since the last success.
    failing_since: Option<Instant>,
    announced: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data are plain numbers, whole at every moment: a panic elsewhere does not spoil them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Governor {
    pub(crate) fn new(places: usize, ceiling: Option<f64>) -> Self {
        let now = Instant::now();
        Self {
            places: Semaphore::new(places),
            pace: Mutex::new(Pace {
                rate: None,
                next: now,
                last_cut: None,
                last_growth: now,
                window: Window::new(now),
            }),
            ceiling,
            successes: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            health: Mutex::new(Health { failing_since: None, announced: false }),
            changed: Notify::new(),
        }
    }

    /// Waits for a place and for the pace. The place is given back when the permit is dropped. What is `urgent` does not
    /// wait for the pace.
    pub(crate) async fn admit(&self, urgent: bool) -> SemaphorePermit<'_> {
        // The semaphore is never closed.
        let permit = loop {
            if let Ok(permit) = self.places.acquire().await {
                break permit;
            }
        };
        if let Some(at) = self.take_slot().filter(|_| !urgent) {
            sleep_until(at).await;
        }
        permit
    }

    /// The moment at which the pace allows the next request; `None` for now.
    fn take_slot(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut pace = lock(&self.pace);
        pace.window.admitted(now);
        let rate = match (pace.rate, self.ceiling) {
            (Some(a), Some(b)) => a.min(b),
            (Some(a), None) | (None, Some(a)) => a,
            (None, None) => return None,
        };
        let at = pace.next.max(now);
        pace.next = at + Duration::from_secs_f64(1.0 / rate);
        Some(at)
    }

    pub(crate) fn succeeded(&self) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        {
            let mut health = lock(&self.health);
            health.failing_since = None;
            health.announced = false;
        }
        let now = Instant::now();
        let mut pace = lock(&self.pace);
        if let Some(rate) = pace.rate
            && now.duration_since(pace.last_growth) >= Duration::from_secs(1)
        {
            pace.last_growth = now;
            let grown = rate * GROWTH_PER_SECOND;
            pace.rate = (grown < LIFT * pace.window.rate(now)).then_some(grown);
        }
    }

    /// The service asked to slow down. Gives the new pace if this cut it.
    pub(crate) fn slow_down(&self) -> Option<f64> {
        let now = Instant::now();
        let mut pace = lock(&self.pace);
        if pace.last_cut.is_some_and(|at| now.duration_since(at) < CUT_INTERVAL) {
            return None;
        }
        let sent = pace.window.rate(now);
        let rate = (pace.rate.unwrap_or(sent) * CUT).max(SLOWEST);
        pace.rate = Some(rate);
        pace.last_cut = Some(now);
        pace.last_growth = now;
        Some(rate)
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
    async fn after_a_slow_down_requests_are_paced_below_what_was_sent_and_grow_again() {
        let governor = Governor::new(8, None);
        let start = Instant::now();
        for _ in 0..100 {
            drop(governor.admit(false).await);
            tokio::time::advance(Duration::from_millis(10)).await;
            governor.succeeded();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1), "nothing is paced before a SlowDown");
        let rate = governor.slow_down().expect("the first SlowDown cuts");
        assert!((80.0..=90.0).contains(&rate), "{rate}");
        assert_eq!(governor.slow_down(), None, "one cut a second");
        let start = Instant::now();
        for _ in 0..85 {
            drop(governor.admit(false).await);
        }
        let took = start.elapsed().as_secs_f64();
        assert!((0.9..=1.1).contains(&took), "{took}");
        // It grows while more is asked for, and is lifted when it is far above what is sent.
        tokio::time::advance(Duration::from_secs(1)).await;
        governor.succeeded();
        assert!(lock(&governor.pace).rate.is_some_and(|grown| grown > rate));
        for _ in 0..60 {
            tokio::time::advance(Duration::from_secs(1)).await;
            drop(governor.admit(false).await);
            governor.succeeded();
        }
        assert_eq!(lock(&governor.pace).rate, None);
    }

    #[tokio::test(start_paused = true)]
    async fn two_slow_downs_between_copies_of_seconds_cut_twice_and_no_more() {
        let governor = Governor::new(64, None);
        for _ in 0..12 {
            for _ in 0..64 {
                drop(governor.admit(false).await);
            }
            tokio::time::advance(Duration::from_secs(5)).await;
            governor.succeeded();
        }
        tokio::time::advance(Duration::from_secs(2)).await;
        let first = governor.slow_down().expect("a cut");
        assert!(first > 8.0, "{first} of about 12.8 a second");
        tokio::time::advance(Duration::from_millis(1100)).await;
        let second = governor.slow_down().expect("another");
        assert!(second > 0.8 * first, "{first} {second}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ceiling_paces_from_the_start() {
        let governor = Governor::new(8, Some(10.0));
        let start = Instant::now();
        for _ in 0..11 {
            drop(governor.admit(false).await);
        }
        assert!(start.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_counts_from_its_first_failure_and_ends_with_a_success() {
        let governor = Governor::new(1, None);
        tokio::time::advance(Duration::from_secs(600)).await;
        assert_eq!(governor.failed(), (Duration::ZERO, false));
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(governor.failed(), (Duration::from_secs(11), true));
        assert_eq!(governor.failed(), (Duration::from_secs(11), false), "announced once");
        governor.succeeded();
        assert_eq!(governor.failed(), (Duration::ZERO, false));
    }
}
