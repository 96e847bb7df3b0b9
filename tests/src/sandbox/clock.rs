//! The world's clock. Every date the sandbox writes and every expiry it judges comes from here.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;

/// The machine's time, or a fixed date that goes on with tokio's time (which tests may pause), plus what tests advanced.
#[derive(Clone)]
pub(crate) struct Clock {
    start: Option<(SystemTime, tokio::time::Instant)>,
    advanced: Arc<Mutex<Duration>>,
    /// By how many seconds the services are ahead of their clients.
    skew: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn machine() -> Self {
        Self { start: None, advanced: Arc::default(), skew: Arc::default() }
    }

    pub(crate) fn starting_at(start: SystemTime) -> Self {
        Self { start: Some((start, tokio::time::Instant::now())), ..Self::machine() }
    }

    pub(crate) fn now(&self) -> SystemTime {
        let base = match self.start {
            Some((date, since)) => date + since.elapsed(),
            None => SystemTime::now(),
        };
        base + *self.advanced.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The same, as far ahead or behind as a test wants the services to be.
    pub(crate) fn now_at_the_service(&self) -> SystemTime {
        let skew = self.skew.load(Ordering::Relaxed);
        let by = Duration::from_secs(skew.unsigned_abs());
        if skew < 0 { self.now() - by } else { self.now() + by }
    }

    pub(crate) fn skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.advanced.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        Clock::now(self)
    }
}

/// Seconds since 1970, as S3 keeps times.
pub(crate) fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// The time of that many seconds since 1970.
pub(crate) fn at_seconds(seconds: i64) -> SystemTime {
    match u64::try_from(seconds) {
        Ok(after) => SystemTime::UNIX_EPOCH + Duration::from_secs(after),
        Err(_) => SystemTime::UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()),
    }
}
