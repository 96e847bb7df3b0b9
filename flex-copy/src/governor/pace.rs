//! Requests per second within one partition of the key space, once the service has asked to slow down there.

use std::{
    sync::{self, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, MutexGuard},
    time::{Instant, sleep_until},
};

use super::places::{PRIORITIES, Priority};

/// What is left of the pace after a SlowDown. Small a cut, since what was refused was just above what is allowed.
const CUT: f64 = 0.88;
/// At the first SlowDown what was accepted tells the limit, once it was counted for so long; before that, half of what was
/// sent may be as good a guess.
const COUNTED: Duration = Duration::from_millis(250);
/// From that guess the pace doubles each second until it is refused again.
const DOUBLED: f64 = 2.0;
/// Seconds until the pace is again where it was refused: fast at first, then level there, then faster and faster, for the
/// limit may have been raised.
const BACK: f64 = 2.0;
/// The pace never falls below this, so that a run always moves.
const SLOWEST: f64 = 1.0;
/// The pace is lifted when it is so many times what is really sent.
const LIFT: f64 = 4.0;
/// Slots that passed unused are made up for as long as they are not older, or timers would cost pace.
const SLACK: Duration = Duration::from_millis(20);
/// What was accepted is counted over so long.
const WINDOW: Duration = Duration::from_secs(1);
/// A shorter time says nothing of a rate.
const SHORTEST: f64 = 0.1;

/// Who is next. Only the foremost waits for a moment and the others wait for it, so that a cut holds for all of them at once.
/// Of each priority one at a time waits to be the foremost: what ends an object does not queue behind all that would begin
/// one, and nobody waits for ever.
#[derive(Debug, Default)]
struct Turns {
    each: [AsyncMutex<()>; PRIORITIES],
    foremost: AsyncMutex<()>,
}

impl Turns {
    async fn take(&self, priority: Priority) -> (MutexGuard<'_, ()>, MutexGuard<'_, ()>) {
        (self.each[priority as usize].lock().await, self.foremost.lock().await)
    }
}

/// The pace of one partition.
#[derive(Debug)]
pub(crate) struct Pace {
    turns: Turns,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// `None` while nothing asked to slow down.
    refused: Option<Refused>,
    began: Instant,
    next: Instant,
    sent: Counter,
    accepted: Counter,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    /// Requests per second that were too many.
    rate: f64,
    at: Instant,
    /// That is a guess so far.
    guessed: bool,
}

impl Refused {
    /// The pace now.
    fn pace(self, now: Instant) -> f64 {
        let seconds = now.duration_since(self.at).as_secs_f64();
        let grown = if self.guessed {
            CUT * DOUBLED.powf(seconds)
        } else {
            1.0 + (1.0 - CUT) * ((seconds - BACK) / BACK).powi(3)
        };
        (self.rate * grown).max(SLOWEST)
    }
}

/// Events in the present window and the past one.
#[derive(Debug)]
struct Counter {
    start: Instant,
    count: u64,
    last: f64,
}

impl Counter {
    fn new(now: Instant) -> Self {
        Self { start: now, count: 0, last: 0.0 }
    }

    fn add(&mut self, now: Instant) {
        self.roll(now);
        self.count += 1;
    }

    fn roll(&mut self, now: Instant) {
        let past = now.duration_since(self.start);
        if past >= WINDOW {
            self.last = self.count as f64 / past.as_secs_f64();
            (self.start, self.count) = (now, 0);
        }
    }

    /// Events per second, by the window that shows more of them.
    fn rate(&mut self, now: Instant) -> f64 {
        self.roll(now);
        (self.count as f64 / now.duration_since(self.start).as_secs_f64().max(SHORTEST)).max(self.last)
    }
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        let state =
            State { refused: None, began: now, next: now, sent: Counter::new(now), accepted: Counter::new(now) };
        Self { turns: Turns::default(), state: Mutex::new(state) }
    }

    /// Of requests that were let go before they had it; so many were accepted since then.
    pub(crate) fn after(accepted: u32, since: Instant) -> Self {
        let pace = Self::new(since);
        pace.state().accepted.count = accepted.max(1).into();
        pace
    }

    fn state(&self) -> sync::MutexGuard<'_, State> {
        // Plain numbers, whole at every moment: a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the pace allows the next request.
    pub(crate) async fn turn(&self, priority: Priority) {
        if self.state().refused.is_none() {
            return;
        }
        let _turn = self.turns.take(priority).await;
        let now = Instant::now();
        let at = {
            let mut state = self.state();
            let Some(rate) = state.refused.map(|refused| refused.pace(now)) else { return };
            let at = earliest(state.next, now);
            state.next = at + Duration::from_secs_f64(1.0 / rate);
            at
        };
        if at > now {
            sleep_until(at).await;
        }
    }

    pub(crate) fn sent(&self, now: Instant) {
        self.state().sent.add(now);
    }

    pub(crate) fn accepted(&self, now: Instant) {
        let mut state = self.state();
        state.accepted.add(now);
        if let Some(refused) = state.refused
            && refused.pace(now) > LIFT * state.sent.rate(now)
        {
            state.refused = None;
        }
    }

    /// A request that was sent then was refused. Gives the new pace if this cut it: what was sent before the last cut tells
    /// nothing of the pace since.
    pub(crate) fn refused(&self, sent: Instant, now: Instant) -> Option<f64> {
        let mut state = self.state();
        let rate = match state.refused {
            Some(before) if sent <= before.at => return None,
            Some(before) => before.pace(now),
            None => {
                let accepted = state.accepted.rate(now);
                let counted = now.duration_since(state.began) >= COUNTED;
                if counted { accepted } else { accepted.max(state.sent.rate(now) / 2.0) }
            }
        };
        let cut = Refused { rate, at: now, guessed: state.refused.is_none() };
        state.refused = Some(cut);
        Some(cut.pace(now))
    }
}

/// When the next request may go that follows a slot at `next`.
fn earliest(next: Instant, now: Instant) -> Instant {
    now.checked_sub(SLACK).map_or(now, |from| next.max(from))
}

/// A pace that was asked for. It holds from the start and is never lifted.
#[derive(Debug)]
pub(crate) struct Fixed {
    turns: Turns,
    next: Mutex<Instant>,
    every: Duration,
}

impl Fixed {
    pub(crate) fn new(per_second: f64) -> Self {
        Self {
            turns: Turns::default(),
            next: Mutex::new(Instant::now()),
            every: Duration::from_secs_f64(1.0 / per_second),
        }
    }

    /// Waits until the pace allows the next request.
    pub(crate) async fn turn(&self, priority: Priority) {
        let _turn = self.turns.take(priority).await;
        let now = Instant::now();
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let at = earliest(*next, now);
            *next = at + self.every;
            at
        };
        if at > now {
            sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A service that permits so many requests a second, with a little room for more at once, and answers after a while;
    /// clients as eager as the pace lets them. Gives what was accepted and refused each second.
    async fn served(pace: &Pace, permitted: impl Fn(f64) -> f64, seconds: u64) -> Vec<(u64, u64)> {
        const ANSWER: Duration = Duration::from_millis(50);
        let begun = Instant::now();
        let room = RefCell::new((5.0, begun));
        let counts = RefCell::new(vec![(0, 0); seconds as usize]);
        let client = async || {
            while begun.elapsed() < Duration::from_secs(seconds) {
                pace.turn(Priority::Begin).await;
                let sent = Instant::now();
                pace.sent(sent);
                let fits = {
                    let mut room = room.borrow_mut();
                    let rate = permitted(begun.elapsed().as_secs_f64());
                    room.0 = (room.0 + rate * room.1.elapsed().as_secs_f64()).min(5.0);
                    room.1 = sent;
                    let fits = room.0 >= 1.0;
                    room.0 -= f64::from(u8::from(fits));
                    fits
                };
                tokio::time::sleep(ANSWER).await;
                let now = Instant::now();
                if let Some(counts) = counts.borrow_mut().get_mut(begun.elapsed().as_secs() as usize) {
                    *(if fits { &mut counts.0 } else { &mut counts.1 }) += 1;
                }
                if fits {
                    pace.accepted(now);
                } else {
                    pace.refused(sent, now);
                }
            }
        };
        futures::future::join_all((0..200).map(|_| client())).await;
        counts.into_inner()
    }

    fn sums(counts: &[(u64, u64)]) -> (u64, u64) {
        counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_close_to_what_is_permitted_and_is_seldom_refused() {
        for permitted in [30.0, 300.0, 3000.0] {
            let counts = served(&Pace::new(Instant::now()), |_| permitted, 30).await;
            let (accepted, refused) = sums(&counts[3..]);
            let share = accepted as f64 / (27.0 * permitted);
            assert!(share > 0.95, "{permitted}: {share} of what is permitted, {counts:?}");
            assert!((refused as f64) < 0.05 * accepted as f64, "{permitted}: {refused} of {accepted} were refused");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_a_limit_that_falls_and_rises() {
        let limit = |seconds: f64| if (10.0..20.0).contains(&seconds) { 100.0 } else { 500.0 };
        let counts = served(&Pace::new(Instant::now()), limit, 40).await;
        let (accepted, refused) = sums(&counts[13..20]);
        assert!(accepted > 630 && refused < 100, "{accepted} {refused}");
        assert!(sums(&counts[28..]).0 > 5_700, "{counts:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_lifted_when_it_is_far_above_what_is_sent() {
        let pace = Pace::new(Instant::now());
        for _ in 0..100 {
            pace.sent(Instant::now());
            pace.accepted(Instant::now());
        }
        let rate = pace.refused(Instant::now(), Instant::now()).expect("the first cuts");
        assert!(rate > 850.0, "100 in a tenth of a second: {rate}");
        assert_eq!(pace.refused(Instant::now(), Instant::now()), None, "sent before the cut");
        for _ in 0..20 {
            tokio::time::advance(Duration::from_secs(1)).await;
            pace.sent(Instant::now());
            pace.accepted(Instant::now());
        }
        assert!(pace.state().refused.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_that_was_asked_for_holds_from_the_start() {
        let pace = Fixed::new(10.0);
        let start = Instant::now();
        for _ in 0..11 {
            pace.turn(Priority::Begin).await;
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_an_object_does_not_queue_behind_what_begins_others() {
        let pace = Fixed::new(10.0);
        let start = Instant::now();
        let order = RefCell::new(Vec::new());
        let wait = async |priority| {
            pace.turn(priority).await;
            order.borrow_mut().push((priority, start.elapsed()));
        };
        let begins = (0..100).map(|_| wait(Priority::Begin));
        let all = begins.chain([wait(Priority::GoOn), wait(Priority::Finish)]);
        futures::future::join_all(all).await;
        for priority in [Priority::GoOn, Priority::Finish] {
            let at = order.borrow().iter().find(|(other, _)| *other == priority).map(|(_, at)| *at);
            assert!(at.is_some_and(|at| at < Duration::from_secs(1)), "{priority:?} at {at:?}");
        }
        assert_eq!(order.borrow().len(), 102);
    }
}
