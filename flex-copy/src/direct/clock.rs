//! The service's time, as far as it is known: requests are signed with it.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime},
};

use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::{DateTime, date_time::Format};

/// An exchange that took longer says little of the time.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(15 * 60);

/// The machine's clock, and by how much the service's is ahead of it. As in the SDK, each answer tells it anew.
#[derive(Debug)]
pub(super) struct Clock {
    source: aws_smithy_async::time::SharedTimeSource,
    /// In milliseconds.
    ahead: AtomicI64,
    learns: bool,
}

impl Clock {
    /// A clock by which it is now `signed_at`, as the SDK knew it.
    pub(super) fn new(source: aws_smithy_async::time::SharedTimeSource, signed_at: SystemTime, learns: bool) -> Self {
        let ahead = if learns { between(source.now(), signed_at) } else { 0 };
        Self { source, ahead: AtomicI64::new(ahead), learns }
    }

    /// The machine's time.
    pub(super) fn now(&self) -> SystemTime {
        self.source.now()
    }

    /// The service's time.
    pub(super) fn service(&self) -> SystemTime {
        let (now, ahead) = (self.now(), self.ahead.load(Ordering::Relaxed));
        let by = Duration::from_millis(ahead.unsigned_abs());
        if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }

    /// Takes the time from an answer to what was sent then.
    pub(super) fn learn(&self, answer: &Headers, sent: SystemTime) {
        // The date of an answer from a cache is old.
        if !self.learns || answer.contains_key("age") {
            return;
        }
        let date = answer.get("date").and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        let Some(service) = date.and_then(|date| SystemTime::try_from(date).ok()) else { return };
        let took = self.now().duration_since(sent).unwrap_or_default();
        if took <= LONGEST_EXCHANGE {
            self.ahead.store(between(sent + took / 2, service), Ordering::Relaxed);
        }
    }
}

/// Milliseconds from one time to the other.
fn between(from: SystemTime, to: SystemTime) -> i64 {
    let milliseconds = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
    to.duration_since(from).map_or_else(|early| -milliseconds(early.duration()), milliseconds)
}
