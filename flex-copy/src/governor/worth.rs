//! Whether more places bring more answers. Where they do not, the service, the network or this machine is at its limit, and more
//! of them cost connections and memory for nothing.
//!
//! It shows in the time that answers take: twice the places bring twice the answers, unless each takes twice as long. Answers to
//! requests of one kind are compared, and not how many there are: a run begins with requests of 30 ms and goes on with copies
//! that take longer, so that there are fewer answers whatever the places do.
//!
//! Places grow, at most to twice as many at a time. Where that is worth little, they go back; later half as many again are
//! tried, and fewer, in turn.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::Kind;

/// Answers are looked at for so long, and until there is one for each place.
const WINDOW: Duration = Duration::from_millis(100);
/// The part of what more places could bring that they should bring at the least: 30 % more answers for twice the places. Far
/// less than all, as the times of some hundred answers vary.
const GAIN: f64 = 0.3;
/// So many times the places tell something, or what is tried later and looked at longer; up to so many times are as good as none
/// more.
const TELLING: f64 = 1.5;
const TELLING_LATER: f64 = 1.25;
const THE_SAME: f64 = 1.1;
/// What is left of the places where fewer are tried, and the part of the answers that these have to bring.
const FEWER: f64 = 0.75;
const AS_GOOD: f64 = 0.92;
/// Fewer than this are not tried.
const FEW: usize = 64;
/// Another number is tried so long after the last one brought nothing: what is copied may have changed. Each time that it
/// brings nothing once more, the next is tried twice as late, or chance would decide in the end.
const TRIED_AFTER: Duration = Duration::from_secs(1);
const HALVINGS: u32 = 6;
/// What a tenth of a second shows varies by a fifth or more. Once the places have grown, there is time for more: four windows,
/// and twice as many each time, up to 16.
const WINDOWS: u32 = 4;
const WINDOWS_DOUBLED: u32 = 2;
/// Places that brought more each time, up to the ceiling, are worth it as far as one knows.
const DOUBTED_AFTER: Duration = Duration::from_secs(10);
/// The service has changed, where answers take so many times longer than when another number was last tried.
const CHANGED: f64 = 2.0;
/// Places of which fewer are taken than this part, on average, need not become more.
const FILLED: f64 = 0.6;
/// What was seen can be compared where this part of the answers is to requests of kinds that were seen before.
const COMPARABLE: f64 = 0.25;

/// A request that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) kind: Kind,
    pub(super) sent: Instant,
    /// Places taken when it was sent, with its own.
    pub(super) in_flight: usize,
}

/// The answers of some time.
#[derive(Clone, Debug, Default)]
struct Seen {
    answers: usize,
    /// Of all answers, added up.
    in_flight: usize,
    /// The number of answers of each kind, and the seconds that they took.
    times: BTreeMap<Kind, (u32, f64)>,
}

impl Seen {
    fn add(&mut self, answer: &Answer, now: Instant) {
        self.answers += 1;
        self.in_flight += answer.in_flight;
        let (count, seconds) = self.times.entry(answer.kind).or_default();
        *count += 1;
        *seconds += now.duration_since(answer.sent).as_secs_f64();
    }

    /// Requests in flight, on average.
    fn places(&self) -> f64 {
        self.in_flight as f64 / self.answers as f64
    }

    /// How many times longer answers took than those, if enough are of the same kinds.
    fn times_longer(&self, before: &Self) -> Option<f64> {
        let (mut compared, mut seconds, mut seconds_before) = (0, 0.0, 0.0);
        for (kind, (count, took)) in &self.times {
            if let Some((count_before, took_before)) = before.times.get(kind) {
                compared += count;
                seconds += took;
                seconds_before += took_before * f64::from(*count) / f64::from(*count_before);
            }
        }
        let enough = f64::from(compared) >= COMPARABLE * self.answers as f64 && seconds_before > 0.0;
        enough.then_some(seconds / seconds_before)
    }

    /// How many times as many answers a second there are for the same work, if that can be compared.
    fn gain(&self, before: &Self) -> Option<f64> {
        Some(self.places() / before.places() / self.times_longer(before)?)
    }
}

#[derive(Debug)]
pub(super) struct Worth {
    ceiling: usize,
    begun: Instant,
    /// Places when the window began.
    places: usize,
    seen: Seen,
    /// What another number of places is compared with.
    known: Option<Seen>,
    /// The places were taken, as far as was seen.
    filled: bool,
    /// More places seem to be worth nothing: a second look decides.
    doubted: bool,
    /// Answers to what was sent before were asked for with other places.
    since: Instant,
    /// Set when the places need not grow any more for the moment.
    settled: Option<Settled>,
    /// Fewer places are tried: those to go back to.
    fewer: Option<usize>,
}

#[derive(Clone, Debug)]
struct Settled {
    /// When another number is tried, and which way.
    until: Instant,
    next: Next,
    /// It is being tried.
    trying: bool,
    /// So many times in a row another number brought nothing.
    halvings: u32,
    /// What was seen at the time.
    seen: Seen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Fewer,
    More,
}

impl Worth {
    pub(super) fn new(places: usize, ceiling: usize) -> Self {
        Self {
            ceiling,
            begun: Instant::now(),
            places,
            seen: Seen::default(),
            known: None,
            filled: true,
            doubted: false,
            since: Instant::now(),
            settled: None,
            fewer: None,
        }
    }

    /// Whether there may be one more: up to twice as many before it is known what they bring, or half as many again where more
    /// brought nothing once.
    pub(super) fn one_more(&self, places: usize) -> bool {
        let most = if self.settled.is_none() { 2 * self.places } else { self.places * 3 / 2 };
        self.is_open() && self.filled && places < most
    }

    /// Whether there may be more although nothing is known of these: not every place had an answer in this time.
    pub(super) fn unanswered(&self, now: Instant, time: Duration) -> bool {
        self.is_open() && self.seen.answers < self.places && now.duration_since(self.begun) >= time
    }

    fn is_open(&self) -> bool {
        let settled = self.settled.as_ref();
        self.fewer.is_none() && !self.doubted && settled.is_none_or(|s| s.trying && s.next == Next::More)
    }

    /// Begins anew with so many places.
    pub(super) fn changed(&mut self, places: usize, now: Instant) {
        (self.begun, self.places, self.seen) = (now, places, Seen::default());
    }

    /// An answer came while there were so many places. Gives the places that there should be instead: those of before, if what
    /// was tried brought nothing, or fewer, to try.
    pub(super) fn answered(&mut self, answer: &Answer, places: usize, now: Instant) -> Option<usize> {
        if let Some(settled) = &self.settled
            && !settled.trying
            && now >= settled.until
        {
            return self.try_another(settled.next, places, now);
        }
        if answer.sent < self.since {
            return None;
        }
        self.seen.add(answer, now);
        let windows = self.settled.as_ref().map_or(1, |settled| WINDOWS << settled.halvings.min(WINDOWS_DOUBLED));
        if now.duration_since(self.begun) < WINDOW * windows || self.seen.answers < self.places {
            return None;
        }
        let seen = std::mem::take(&mut self.seen);
        self.changed(places, now);
        self.filled = seen.places() >= FILLED * places as f64;
        let changed = |settled: &Settled| seen.times_longer(&settled.seen).is_none_or(|longer| longer > CHANGED);
        let more_are_tried = self.doubted || self.is_open();
        if (self.fewer.is_some() || !more_are_tried) && self.settled.as_ref().is_some_and(changed) {
            (self.known, self.settled, self.fewer, self.doubted) = (Some(seen), None, None, false);
            return None;
        }
        let Some((known, gain)) = self.known.as_ref().and_then(|known| Some((known, seen.gain(known)?))) else {
            (self.known, self.doubted) = (Some(seen), false);
            let more = self.fewer.take();
            if let Some(more) = more {
                self.back(more, Next::More, now);
            }
            return more;
        };
        tracing::debug!(places, in_flight = seen.places(), before = known.places(), gain, "worth of places");
        if let Some(more) = self.fewer.take() {
            if gain >= AS_GOOD {
                self.settle(Next::Fewer, 0, now, WINDOW, seen.clone());
                self.known = Some(seen);
                return None;
            }
            self.back(more, Next::More, now);
            return Some(more);
        }
        let (in_flight, before) = (seen.places(), known.places());
        let good = in_flight > before * THE_SAME && gain >= 1.0 + (in_flight / before - 1.0) * GAIN;
        if self.doubted && !good {
            // As many as bring what these bring, if each answer takes as long as before.
            let enough = ((before * gain.max(1.0)).round() as usize).clamp(FEW.min(places), places);
            // That more were worth nothing may have been chance once; the next time it is fewer.
            self.back(enough, if self.settled.is_none() { Next::More } else { Next::Fewer }, now);
            return Some(enough);
        }
        let telling = if self.settled.is_none() { TELLING } else { TELLING_LATER };
        if self.doubted || in_flight > before * telling {
            self.doubted = !good;
            if good {
                (self.known, self.settled) = (Some(seen), None);
            }
        } else if in_flight > before * THE_SAME && places < self.ceiling {
            // Too few more to tell: no more than twice as many until it is known what those bring.
            self.places = (before.round() as usize).min(places);
        } else {
            if self.settled.is_none() && places >= self.ceiling {
                self.settle(Next::Fewer, 0, now, DOUBTED_AFTER, seen.clone());
            }
            self.known = Some(seen);
        }
        None
    }

    /// Gives the places that there should be, if fewer are to be tried; more come one by one.
    fn try_another(&mut self, next: Next, places: usize, now: Instant) -> Option<usize> {
        self.changed(places, now);
        let fewer = ((places as f64 * FEWER) as usize).max(FEW);
        let fewer_first = next == Next::Fewer || places >= self.ceiling;
        let try_fewer = self.known.is_some() && fewer < places && fewer_first;
        if let Some(settled) = &mut self.settled {
            settled.trying = true;
            settled.next = if try_fewer { Next::Fewer } else { Next::More };
        }
        if !try_fewer {
            return None;
        }
        self.fewer = Some(places);
        self.since = now;
        self.changed(fewer, now);
        Some(fewer)
    }

    /// Goes back to so many places, for which the known holds.
    fn back(&mut self, places: usize, next: Next, now: Instant) {
        let halvings = self.settled.as_ref().map_or(0, |settled| settled.halvings + 1).min(HALVINGS);
        let known = self.known.clone().unwrap_or_default();
        self.settle(next, halvings, now, TRIED_AFTER * (1 << halvings), known);
        (self.doubted, self.since) = (false, now);
        self.changed(places, now);
    }

    fn settle(&mut self, next: Next, halvings: u32, now: Instant, after: Duration, seen: Seen) {
        self.settled = Some(Settled { until: now + after, next, trying: false, halvings, seen });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Operation;

    fn kind(magnitude: u32) -> Kind {
        Kind { operation: Operation::CopyObject, magnitude }
    }

    struct Run {
        worth: Worth,
        places: usize,
        most_places: usize,
        /// How often places were taken away.
        given_back: usize,
        answers: usize,
        random: fastrand::Rng,
    }

    impl Run {
        async fn new() -> Self {
            tokio::time::advance(Duration::from_secs(10)).await;
            Self {
                worth: Worth::new(64, 1024),
                places: 64,
                most_places: 64,
                given_back: 0,
                answers: 0,
                random: fastrand::Rng::with_seed(1),
            }
        }

        /// An answer came.
        fn answer(&mut self, kind: Kind, took: Duration, now: Instant) {
            if self.worth.one_more(self.places) {
                self.places = (self.places + 1).min(1024);
            }
            let sent = now.checked_sub(took).expect("a run begins later");
            let answer = Answer { kind, sent, in_flight: self.places };
            if let Some(another) = self.worth.answered(&answer, self.places, now) {
                self.given_back += usize::from(another < self.places);
                self.places = another;
            }
        }

        /// Runs for some time against something that answers each request after `latency`, however many there are.
        async fn run_until(&mut self, time: Duration, latency: f64) {
            let end = Instant::now() + time;
            while Instant::now() < end {
                tokio::time::advance(Duration::from_secs_f64(latency / self.places as f64)).await;
                self.answer(kind(0), Duration::from_secs_f64(latency), Instant::now());
            }
        }

        /// Runs so many seconds against something that answers each request after `latency` and at most `most` a second, give
        /// or take a part of it that differs each tenth of a second.
        async fn run(&mut self, seconds: u64, latency: f64, most: f64, noise: f64) {
            let end = Instant::now() + Duration::from_secs(seconds);
            let (mut until, mut now_most) = (Instant::now(), most);
            while Instant::now() < end {
                let now = Instant::now();
                if now >= until {
                    now_most = most * (1.0 + noise * (2.0 * self.random.f64() - 1.0));
                    until = now + Duration::from_millis(100);
                }
                let rate = now_most.min(self.places as f64 / latency);
                tokio::time::advance(Duration::from_secs_f64(1.0 / rate)).await;
                let now = Instant::now();
                let took = self.places as f64 / rate;
                self.answer(kind(0), Duration::from_secs_f64(took), now);
                self.most_places = self.most_places.max(self.places);
                self.answers += 1;
            }
        }
    }

    async fn places_after(seconds: u64, latency: f64, most: f64) -> usize {
        let mut run = Run::new().await;
        run.run(seconds, latency, most, 0.0).await;
        run.places
    }

    #[tokio::test(start_paused = true)]
    async fn places_grow_as_long_as_they_bring_answers() {
        // 1,024 places at 50 ms bring 20,480 answers a second.
        assert_eq!(places_after(2, 0.05, f64::INFINITY).await, 1024);
        assert_eq!(places_after(5, 0.7, f64::INFINITY).await, 1024);
        // No more than 6,000 are to be had: 300 places at 50 ms, 64 at once.
        let some = places_after(4, 0.05, 6_000.0).await;
        assert!((300..=700).contains(&some), "{some}");
        let few = places_after(4, 0.001, 6_000.0).await;
        assert!(few <= 128, "{few}");
    }

    #[tokio::test(start_paused = true)]
    async fn chance_brings_no_places_in_a_long_run() {
        let mut run = Run::new().await;
        run.run(600, 0.001, 5_000.0, 0.2).await;
        assert!(run.most_places <= 512, "{}", run.most_places);
        assert!(run.places <= 128, "{}", run.places);
        // What takes longer gets them soon.
        run.run(5, 0.5, f64::INFINITY, 0.2).await;
        assert_eq!(run.places, 1024);
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_are_of_no_use_any_more_are_given_back() {
        let mut run = Run::new().await;
        run.run(10, 0.5, f64::INFINITY, 0.0).await;
        assert_eq!(run.places, 1024);
        run.run(60, 0.001, 5_000.0, 0.2).await;
        assert!(run.places <= 128, "{}", run.places);
    }

    #[tokio::test(start_paused = true)]
    async fn to_try_fewer_costs_little() {
        let mut run = Run::new().await;
        run.run(10, 0.5, f64::INFINITY, 0.0).await;
        run.answers = 0;
        run.run(120, 0.5, f64::INFINITY, 0.0).await;
        let part = run.answers as f64 / (120.0 * 1024.0 / 0.5);
        assert!((0.97..0.9999).contains(&part), "{part}");
    }

    /// What is asked for changes, and with it how long it takes, as when a run begins: that is no reason to stop at few.
    #[tokio::test(start_paused = true)]
    async fn longer_answers_to_other_requests_do_not_count() {
        let mut run = Run::new().await;
        for round in 0..12 {
            // The requests of half a tenth of a second are quick, and more and more of the others are not.
            let slow = [0, 1, 5, 9][round.min(3)];
            let end = Instant::now() + Duration::from_millis(50);
            while Instant::now() < end {
                let (kind, took) = if run.random.u32(0..10) < slow { (kind(7), 0.4) } else { (kind(0), 0.03) };
                let mean = 0.03 + 0.037 * f64::from(slow);
                tokio::time::advance(Duration::from_secs_f64(mean / run.places as f64)).await;
                run.answer(kind, Duration::from_secs_f64(took), Instant::now());
            }
        }
        assert!(run.places >= 256, "{}", run.places);
        run.run(2, 0.4, f64::INFINITY, 0.0).await;
        assert_eq!(run.places, 1024);
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_are_not_taken_do_not_grow() {
        let mut run = Run::new().await;
        for _ in 0..100_000 {
            tokio::time::advance(Duration::from_micros(100)).await;
            let now = Instant::now();
            if run.worth.one_more(run.places) {
                run.places += 1;
            }
            let answer = Answer { kind: kind(0), sent: now - Duration::from_millis(8), in_flight: run.places.min(80) };
            run.places = run.worth.answered(&answer, run.places, now).unwrap_or(run.places);
            run.most_places = run.most_places.max(run.places);
        }
        assert!(run.most_places <= 256, "{}", run.most_places);
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_of_slow_answers_stops_no_growth() {
        for seed in 0..50 {
            let mut run = Run::new().await;
            run.random.seed(seed);
            let slow = run.random.u32(1..6);
            for tenth in 0..30 {
                let latency = if tenth == slow { 0.15 } else { 0.05 };
                run.run_until(Duration::from_millis(100), latency).await;
            }
            assert_eq!((run.places, run.given_back), (1024, 0), "seed {seed}, slow at {slow}");
        }
    }
}
