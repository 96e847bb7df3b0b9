//! Sends requests: one place for places in flight, retries, renewal of credentials, and counting.

use std::{
    collections::BTreeMap,
    error::Error as StdError,
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{
    sync::mpsc::UnboundedSender,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    CopySettings, DEFAULT_ANSWER_LIMIT, Notice, RequestFailure,
    failure::{FailureKind, Operation},
    governor::{Governor, Kind, Priority},
};

/// Credentials that can be told that a request with them was refused as expired.
///
/// The client must ask its provider for every request (`IdentityCache::no_cache()`), so that a renewal takes effect.
///
/// The protocol: look at [`generation`](Self::generation) before sending; on ExpiredToken call
/// [`renew`](Self::renew) with what was seen. It renews once however many callers there are, and does nothing when the
/// credentials are newer already.
pub trait RenewableCredentials: Send + Sync {
    /// Grows with every renewal.
    fn generation(&self) -> u64;
    /// Renews, unless already newer than `refused_generation`.
    fn renew(&self, refused_generation: u64) -> BoxFuture<'_, Result<(), Box<dyn StdError + Send + Sync>>>;
    /// Whether a failure to renew or to provide credentials, found by following `source()` from this error, may pass by
    /// itself, as when STS cannot be reached: it is then waited out like an outage of S3. Not by default.
    fn is_transient(&self, _failure: &(dyn StdError + 'static)) -> bool {
        false
    }
}

/// Waits between attempts: full jitter, random(0, min(cap, base · 2^n)).
const TRANSIENT_BASE: Duration = Duration::from_millis(100);
/// Shorter than S3's clients wait: the pace of the partition keeps the load down, and a long wait at the end holds up a run.
const THROTTLE_BASE: Duration = Duration::from_millis(100);
const LONGEST_THROTTLE_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// How long to look for a service that has not answered once.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long to wait for a sign of life.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);
/// Renewals in a row after which a request is given up: fresh credentials are refused as expired, so time is wrong.
const RENEWALS: u32 = 4;

/// The time limit of one attempt that moves so many bytes inside S3: 60 s and 5 MB/s, far below what was ever reported
/// (about 70 MB/s for one CopyObject). Where the settings wait longer or shorter for an answer, so does the attempt.
pub(crate) fn attempt_limit(bytes: u64) -> Duration {
    DEFAULT_ANSWER_LIMIT + Duration::from_secs(bytes / 5_000_000)
}

/// Why a request was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GaveUp {
    /// Its kind is not tried again.
    AtOnce,
    /// The attempts are used up.
    Attempts,
    /// Nothing at all succeeded for too long.
    Outage { waited: Duration, after_success: bool },
}

/// A request that was given up.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) failure: RequestFailure,
    pub(crate) attempts: u32,
    /// One of the attempts may have had its effect.
    pub(crate) maybe_done: bool,
    pub(crate) gave_up: GaveUp,
}

impl Failed {
    pub(crate) fn kind(&self) -> FailureKind {
        self.failure.kind()
    }
}

/// What becomes of a request when the run is cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnCancel<'a> {
    /// It is not sent (again).
    Stop,
    /// The same, and likewise when this is set.
    StopOr(&'a AtomicBool),
    /// It goes on: it cleans up.
    Finish,
}

/// Sends all requests of one run.
pub(crate) struct Requests {
    governor: Governor,
    credentials: Option<Arc<dyn RenewableCredentials>>,
    attempts: u32,
    outage_limit: Duration,
    answer_limit: Duration,
    cancel: CancellationToken,
    notices: UnboundedSender<Notice>,
    sent: Mutex<BTreeMap<Operation, u64>>,
    retries: AtomicU64,
    throttled: AtomicU64,
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").finish_non_exhaustive()
    }
}

impl Requests {
    pub(crate) fn new(
        settings: &CopySettings,
        credentials: Option<Arc<dyn RenewableCredentials>>,
        cancel: CancellationToken,
        notices: UnboundedSender<Notice>,
    ) -> Self {
        Self {
            governor: Governor::new(settings.max_in_flight, settings.max_rps),
            credentials,
            attempts: settings.attempts,
            outage_limit: settings.outage_limit,
            answer_limit: settings.answer_limit,
            cancel,
            notices,
            sent: Mutex::default(),
            retries: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }

    pub(crate) fn governor(&self) -> &Governor {
        &self.governor
    }

    pub(crate) fn notice(&self, notice: Notice) {
        // Nobody listens any more: then nobody needs to know.
        let _ = self.notices.send(notice);
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(crate) async fn until_cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Requests sent so far, by operation; retries; answers that asked to slow down.
    pub(crate) fn counts(&self) -> (BTreeMap<Operation, u64>, u64, u64) {
        (
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            self.retries.load(Ordering::Relaxed),
            self.throttled.load(Ordering::Relaxed),
        )
    }

    /// Sends until there is a success or a reason to give up. Every attempt holds one place; a wait holds none.
    pub(crate) async fn send<T, F, Fut>(
        &self,
        (operation, key): (Operation, &str),
        limit: Duration,
        on_cancel: OnCancel<'_>,
        attempt: F,
    ) -> Result<T, Failed>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, RequestFailure>>,
    {
        self.send_noting((operation, key), limit, on_cancel, attempt).await.map(|(value, _)| value)
    }

    /// Like [`send`](Self::send), and tells whether an attempt before the successful one may have had its effect too.
    pub(crate) async fn send_noting<T, F, Fut>(
        &self,
        (operation, key): (Operation, &str),
        limit: Duration,
        on_cancel: OnCancel<'_>,
        attempt: F,
    ) -> Result<(T, bool), Failed>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, RequestFailure>>,
    {
        // The limit follows from the bytes.
        let for_bytes = limit.saturating_sub(DEFAULT_ANSWER_LIMIT);
        let kind = Kind { operation, magnitude: for_bytes.as_secs().checked_ilog2().map_or(0, |log| log + 1) };
        let limit = for_bytes + self.answer_limit;
        let mut attempts = 0;
        let mut tries = 0_u32;
        let mut renewals = 0;
        let mut maybe_done = false;
        let mut failing_since = None;
        let stop = !matches!(on_cancel, OnCancel::Finish);
        let cancelled = |attempts, maybe_done| {
            let failure = RequestFailure::cancelled(operation);
            Err(Failed { failure, attempts, maybe_done, gave_up: GaveUp::AtOnce })
        };
        loop {
            let urgent = !stop && self.cancel.is_cancelled();
            let (place, sent) = tokio::select! {
                biased;
                () = self.cancel.cancelled(), if stop => return cancelled(attempts, maybe_done),
                admitted = self.governor.admit(kind, key, operation.priority(), urgent) => admitted,
            };
            if let OnCancel::StopOr(given_up) = on_cancel
                && given_up.load(Ordering::Relaxed)
            {
                return cancelled(attempts, maybe_done);
            }
            let others = self.governor.successes();
            let generation = self.credentials.as_ref().map(|c| c.generation());
            *self.sent.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
            let begun = Instant::now();
            // On the heap: the SDK's future takes 9 KB, and those who wait for a place need not hold it.
            let result = match timeout(limit, Box::pin(attempt())).await {
                Ok(result) => result,
                Err(_) => Err(RequestFailure::timed_out(operation, limit.as_secs())),
            };
            // The connection is free a moment after the answer: who takes the place shall find it, and not open another.
            tokio::task::yield_now().await;
            drop(place);
            let mut failure = match result {
                Ok(value) => {
                    tracing::debug!(%operation, attempt = tries + 1, took = ?begun.elapsed(), "answered");
                    self.governor.succeeded(&sent);
                    return Ok((value, maybe_done));
                }
                Err(failure) => failure,
            };
            maybe_done |= failure.maybe_done();
            tries += 1;
            let cause = StdError::source(&failure).map(ToString::to_string);
            tracing::debug!(%operation, attempt = tries, took = ?begun.elapsed(), %failure, cause, "failed");
            // What only may be an expired session is worth one renewal.
            let renew = failure.kind() == FailureKind::Expired || (renewals == 0 && failure.may_be_expired());
            if let (true, true, Some(credentials), Some(generation)) =
                (renew, renewals < RENEWALS, &self.credentials, generation)
            {
                renewals += 1;
                let renewed = tokio::select! {
                    biased;
                    () = self.cancel.cancelled(), if stop => return cancelled(attempts, maybe_done),
                    renewed = credentials.renew(generation) => renewed,
                };
                match renewed {
                    Ok(()) => {
                        self.retries.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    Err(source) => failure = RequestFailure::renewal(operation, source),
                }
            }
            let (base, longest) = match self.kind(&failure) {
                FailureKind::Throttled => {
                    self.throttled.fetch_add(1, Ordering::Relaxed);
                    if let Some(requests_per_second) = self.governor.slow_down(&sent) {
                        self.notice(Notice::SlowedDown { requests_per_second });
                    }
                    (THROTTLE_BASE, LONGEST_THROTTLE_WAIT)
                }
                FailureKind::Transient => {
                    attempts += 1;
                    (TRANSIENT_BASE, LONGEST_WAIT)
                }
                FailureKind::NoAnswer => {
                    if failure.kind() == FailureKind::NoAnswer {
                        self.governor.trouble();
                    }
                    // While nobody else is answered either, it is an outage and not this request's fault.
                    if self.governor.successes() > others {
                        attempts += 1;
                    }
                    (TRANSIENT_BASE, LONGEST_WAIT)
                }
                _ => {
                    // The service answered: it is well, whatever it thinks of this request.
                    self.governor.answered();
                    return Err(Failed { failure, attempts: attempts + 1, maybe_done, gave_up: GaveUp::AtOnce });
                }
            };
            if attempts >= self.attempts {
                return Err(Failed { failure, attempts, maybe_done, gave_up: GaveUp::Attempts });
            }
            let (nothing_succeeded, announce) = self.governor.failed();
            // An outage is one for this request only from its own first failure on.
            let waited = nothing_succeeded.min(failing_since.get_or_insert_with(Instant::now).elapsed());
            let after_success = self.governor.successes() > 0;
            let patience = if after_success || failure.kind() == FailureKind::Throttled {
                self.outage_limit
            } else {
                self.outage_limit.min(FIRST_ANSWER_LIMIT)
            };
            if waited >= patience {
                let gave_up = GaveUp::Outage { waited, after_success };
                return Err(Failed { failure, attempts, maybe_done, gave_up });
            }
            if announce {
                self.notice(Notice::Waiting { failure: failure.to_string() });
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            let pause = base.saturating_mul(1 << tries.min(10)).min(longest).mul_f64(fastrand::f64());
            let _waiting = self.governor.wait_guard();
            tokio::select! {
                biased;
                () = self.cancel.cancelled(), if stop => return cancelled(attempts, maybe_done),
                () = sleep(pause) => {}
            }
        }
    }

    /// The kind of a failure; credentials that cannot be had for the moment are an outage like any other.
    fn kind(&self, failure: &RequestFailure) -> FailureKind {
        let passing = |credentials: &Arc<dyn RenewableCredentials>| {
            StdError::source(failure).is_some_and(|source| credentials.is_transient(source))
        };
        match failure.kind() {
            FailureKind::Credentials if self.credentials.as_ref().is_some_and(passing) => FailureKind::NoAnswer,
            kind => kind,
        }
    }

    /// One attempt, without retries: whether the service answers at all.
    pub(crate) async fn answers<T, Fut>(&self, (operation, key): (Operation, &str), attempt: Fut) -> bool
    where
        Fut: Future<Output = Result<T, RequestFailure>>,
    {
        let _admitted = self.governor.admit(Kind { operation, magnitude: 0 }, key, Priority::Finish, true).await;
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
        match timeout(ANSWER_LIMIT, attempt).await {
            Ok(Ok(_)) => true,
            Ok(Err(failure)) => {
                !matches!(self.kind(&failure), FailureKind::NoAnswer | FailureKind::Throttled | FailureKind::Transient)
            }
            Err(_) => false,
        }
    }
}
