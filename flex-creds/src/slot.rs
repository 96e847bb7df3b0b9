//! The one place where the token lives, and the single flight that replaces it.
//!
//! A renewal is a task of its own. A caller that is dropped takes nothing with it, a caller whose token is still good
//! does not wait, and all others wait for the same answer. The lock is never held across an await.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::AsyncSleep;
use futures::FutureExt;
use futures::future::Shared;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::acquire::{Acquired, Learned, Previous, Settings, acquire, limit};
use crate::error::{CredsError, chain};
use crate::schedule::{REFUSAL_PAUSE, RETRY_PAUSE, Schedule, Stage};
use crate::session::{Lifetime, Session};

/// How often a caller starts over when the runtime under a renewal went away.
const LOST_FLIGHTS: u32 = 2;

pub(crate) struct Token {
    pub(crate) credentials: Credentials,
    pub(crate) session: Session,
    /// `None` for credentials that do not tell when they end.
    schedule: Option<Schedule>,
    obtained: SystemTime,
}

impl Token {
    fn stage(&self, now: SystemTime) -> Stage {
        self.schedule.map_or(Stage::Fresh, |s| s.stage(now))
    }

    fn left(&self, now: SystemTime) -> Option<Duration> {
        self.schedule?.expires().duration_since(now).ok()
    }
}

type Outcome = Result<Arc<Token>, CredsError>;

pub(crate) struct Slot {
    pub(crate) settings: Settings,
    pub(crate) learned: Learned,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    /// The service refused `token`, whatever its expiry says.
    refused: bool,
    flight: Option<Flight>,
    flights: u64,
    /// After a failed renewal: no other one before this, as long as the token is good.
    pause_until: Option<SystemTime>,
}

#[derive(Clone)]
struct Flight {
    id: u64,
    /// Wakes its waiters in their order, which `tokio::sync::watch` does not: a simulation then repeats.
    outcome: Shared<oneshot::Receiver<Outcome>>,
}

impl State {
    fn usable(&self, now: SystemTime) -> Option<(Arc<Token>, Stage)> {
        let token = self.token.as_ref().filter(|_| !self.refused)?;
        match token.stage(now) {
            Stage::Over => None,
            stage => Some((token.clone(), stage)),
        }
    }

    fn generation(&self) -> u64 {
        self.token.as_ref().map_or(0, |t| t.session.generation)
    }

    fn pausing(&self, now: SystemTime) -> bool {
        self.pause_until.is_some_and(|until| now < until)
    }

    fn forget_flight(&mut self, id: u64) {
        if self.flight.as_ref().is_some_and(|flight| flight.id == id) {
            self.flight = None;
        }
    }
}

impl Slot {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, learned: Learned::default(), state: Mutex::default() }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.lock().generation()
    }

    /// A token that is good now.
    pub(crate) async fn token(self: &Arc<Self>) -> Outcome {
        for _ in 0..=LOST_FLIGHTS {
            let (flight, left) = {
                let mut state = self.lock();
                let now = self.settings.clock.now();
                match state.usable(now) {
                    Some((token, Stage::Fresh)) => return Ok(token),
                    Some((token, _)) if state.pausing(now) => return Ok(token),
                    Some((token, Stage::Due)) => {
                        // Without a runtime there is no renewal yet; the token is good all the same.
                        let _ = self.depart(&mut state, now);
                        return Ok(token);
                    }
                    Some((token, _)) => (self.depart(&mut state, now)?, token.left(now)),
                    None => (self.depart(&mut state, now)?, None),
                }
            };
            let arrival = self.arrive(flight);
            let outcome = match left {
                None => arrival.await,
                // Long enough for an STS that answers, and the rest of the token's life for the request.
                Some(left) => Timeout::new(arrival, self.settings.sleep.sleep(left / 2)).await.unwrap_or_default(),
            };
            let failure = match outcome {
                Some(Ok(token)) => return Ok(token),
                Some(Err(error)) => Some(error),
                None => None,
            };
            if let Some((token, _)) = self.lock().usable(self.settings.clock.now()) {
                return Ok(token);
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Err(CredsError::CutOff)
    }

    /// Replaces the token unless it is newer than the generation that was refused.
    pub(crate) async fn renew(self: &Arc<Self>, refused: u64) -> Result<(), CredsError> {
        for _ in 0..=LOST_FLIGHTS {
            let flight = {
                let mut state = self.lock();
                if state.generation() > refused {
                    return Ok(());
                }
                state.refused = state.token.is_some();
                self.depart(&mut state, self.settings.clock.now())?
            };
            if let Some(outcome) = self.arrive(flight).await {
                return outcome.map(drop);
            }
        }
        Err(CredsError::CutOff)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the renewal that is under way, or starts one.
    fn depart(self: &Arc<Self>, state: &mut State, now: SystemTime) -> Result<Flight, CredsError> {
        if let Some(flight) = &state.flight {
            return Ok(flight.clone());
        }
        let runtime = Handle::try_current().map_err(|_| CredsError::InvalidSettings {
            setting: "runtime",
            problem: "is missing: the copy role's token is fetched on a tokio runtime".to_owned(),
        })?;
        let previous = state.token.as_ref().map(|token| Previous {
            as_is: token.session.lifetime == Lifetime::AsIs,
            access_key_id: token.credentials.access_key_id().to_owned(),
            role: token.session.role.clone(),
        });
        let pause = match &state.token {
            Some(token) if state.refused => {
                (token.obtained + REFUSAL_PAUSE).duration_since(now).unwrap_or_default().min(REFUSAL_PAUSE)
            }
            _ => Duration::ZERO,
        };
        state.flights += 1;
        let id = state.flights;
        let (done, outcome) = oneshot::channel();
        let flight = Flight { id, outcome: outcome.shared() };
        state.flight = Some(flight.clone());
        let pilot = Pilot { slot: self.clone(), id, done: Some(done) };
        runtime.spawn(async move {
            let slot = pilot.slot.clone();
            if !pause.is_zero() {
                slot.settings.sleep.sleep(pause).await;
            }
            let acquired = acquire(&slot.settings, &slot.learned, previous).await;
            pilot.land(acquired);
        });
        Ok(flight)
    }

    /// The outcome of a renewal. `None` when its task is gone or stands still, and another one may start.
    async fn arrive(&self, flight: Flight) -> Option<Outcome> {
        // Every step of a renewal is bounded, but a runtime that nobody drives any more bounds nothing.
        let patience = limit(&self.settings.base) + RETRY_PAUSE;
        let waited = Timeout::new(flight.outcome, self.settings.sleep.sleep(patience)).await;
        if waited.is_err() {
            self.lock().forget_flight(flight.id);
        }
        waited.ok().and_then(Result::ok)
    }
}

/// Ends its flight in any case: with an outcome, or, when the task is dropped or panics, without one.
struct Pilot {
    slot: Arc<Slot>,
    id: u64,
    done: Option<oneshot::Sender<Outcome>>,
}

impl Pilot {
    fn land(mut self, acquired: Result<Acquired, CredsError>) {
        let now = self.slot.settings.clock.now();
        let mut state = self.slot.lock();
        let outcome = match acquired {
            Ok(acquired) => {
                let token = Arc::new(Token {
                    session: Session {
                        caller: acquired.caller,
                        account: acquired.account,
                        role: acquired.role,
                        expires: acquired.credentials.expiry(),
                        lifetime: acquired.lifetime,
                        generation: state.generation() + 1,
                    },
                    credentials: acquired.credentials,
                    schedule: acquired.schedule,
                    obtained: now,
                });
                state.token = Some(token.clone());
                state.refused = false;
                state.pause_until = None;
                Ok(token)
            }
            Err(error) => {
                let usable = state.usable(now);
                state.pause_until = match (&error, &usable) {
                    // Asking again changes nothing before the token ends.
                    (CredsError::CannotRenew { .. }, Some((token, _))) => {
                        token.schedule.map(|schedule| schedule.expires())
                    }
                    _ => Some(now + RETRY_PAUSE.mul_f64(1.0 + 0.5 * fastrand::f64())),
                };
                if let Some((token, _)) = usable {
                    // Nobody else hears of it: the callers go on with the old token.
                    tracing::warn!(
                        error = %chain(&error),
                        generation = token.session.generation,
                        "the copy role's token could not be renewed; the old one is used until it expires"
                    );
                }
                Err(error)
            }
        };
        state.forget_flight(self.id);
        drop(state);
        if let Some(done) = self.done.take() {
            // Nobody waits any more: the token is in its place all the same.
            let _ = done.send(outcome);
        }
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        self.slot.lock().forget_flight(self.id);
    }
}
