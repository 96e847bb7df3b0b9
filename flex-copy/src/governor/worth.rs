//! Whether more places bring more answers. Where they do not, the service, the network or this machine is at its limit, and more
//! of them cost connections and memory for nothing.
//!
//! Places grow, at most to twice as many at a time, and what they bring is counted. Where it is not enough, they go back; later
//! fewer are tried, and more again, in turn.

use std::time::Duration;

use tokio::time::Instant;

/// Answers are counted for so long, and until each place has had one.
const WINDOW: Duration = Duration::from_millis(100);
/// The part of what more places could bring that they should bring at the least: 30 % more answers for twice the places. Far
/// less than all, as counts of some hundred vary.
const GAIN: f64 = 0.3;
/// So many times the places tell something; up to so many times are as good as none more.
const TELLING: f64 = 1.5;
const THE_SAME: f64 = 1.1;
/// What is left of the places where fewer are tried, and the part of the answers that these have to bring.
const FEWER: f64 = 0.75;
const AS_GOOD: f64 = 0.92;
/// Fewer than this are not tried.
const FEW: usize = 64;
/// Another number is tried so long after the last one brought nothing: what is copied may have changed. Each time that it
/// brings nothing once more, the next is tried twice as late, or chance would decide in the end.
const TRIED_AFTER: Duration = Duration::from_secs(2);
const HALVINGS: u32 = 6;
/// Counts of a tenth of a second vary by a fifth or more. Once the places have grown, there is time for more: four windows, and
/// twice as many each time, up to 16.
const WINDOWS: u32 = 4;
const WINDOWS_DOUBLED: u32 = 2;
/// Places that brought more each time, up to the ceiling, are worth it as far as one knows.
const DOUBTED_AFTER: Duration = Duration::from_secs(10);
/// What is copied has changed, where places bring so many times fewer answers, for so long, than when another number was last
/// tried.
const CHANGED: f64 = 2.0;
const CHANGED_FOR: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Worth {
    ceiling: usize,
    begun: Instant,
    /// Places when the window began.
    places: usize,
    answers: usize,
    /// The places that there were at each answer, added up: they grow meanwhile.
    places_at_answers: usize,
    /// Places, and the answers a second that they brought.
    known: Option<(f64, f64)>,
    /// Answers to come that were asked for with the places before.
    before: usize,
    /// Set when the places need not grow any more for the moment.
    settled: Option<Settled>,
    /// Fewer places are tried: those to go back to, and the answers a second that they brought.
    fewer: Option<(usize, f64)>,
}

#[derive(Clone, Copy, Debug)]
struct Settled {
    /// When another number is tried, and which way.
    until: Instant,
    next: Next,
    /// So many times in a row another number brought nothing.
    halvings: u32,
    /// Answers a second at the time.
    rate: f64,
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
            answers: 0,
            places_at_answers: 0,
            known: None,
            before: 0,
            settled: None,
            fewer: None,
        }
    }

    /// Whether there may be one more: up to twice as many before it is known what they bring.
    pub(super) fn one_more(&self, places: usize, now: Instant) -> bool {
        self.is_open(now) && places < 2 * self.places
    }

    /// Whether there may be twice as many although nothing is known of these: answers are slow to come.
    pub(super) fn twice(&self, now: Instant) -> bool {
        self.is_open(now) && self.answers < self.places && now.duration_since(self.begun) >= WINDOW
    }

    fn is_open(&self, now: Instant) -> bool {
        self.fewer.is_none() && self.settled.is_none_or(|settled| now >= settled.until && settled.next == Next::More)
    }

    /// Begins anew with so many places.
    pub(super) fn changed(&mut self, places: usize, now: Instant) {
        (self.begun, self.places, self.answers, self.places_at_answers) = (now, places, 0, 0);
    }

    /// An answer came while there were so many places, and they were in use or not. Gives the places that there should be
    /// instead: those of before, if what was tried brought nothing, or fewer, to try.
    pub(super) fn answered(&mut self, places: usize, used: bool, now: Instant) -> Option<usize> {
        if self.before > 0 {
            self.before -= 1;
            self.changed(places, now);
            return None;
        }
        if let Some(settled) = self.settled
            && (self.begun..=now).contains(&settled.until)
        {
            return self.try_another(settled.next, places, now);
        }
        self.answers += 1;
        self.places_at_answers += places;
        let passed = now.duration_since(self.begun);
        let windows = self.settled.map_or(1, |settled| WINDOWS << settled.halvings.min(WINDOWS_DOUBLED));
        let rate = self.answers as f64 / passed.as_secs_f64();
        if self.settled.is_some_and(|settled| rate * CHANGED < settled.rate) {
            if passed >= CHANGED_FOR {
                (self.known, self.settled, self.fewer) = (None, None, None);
                self.changed(places, now);
            }
            return None;
        }
        if passed < WINDOW * windows || self.answers < self.places {
            return None;
        }
        let tried = self.places_at_answers as f64 / self.answers as f64;
        self.changed(places, now);
        if let Some((more, before)) = self.fewer.take() {
            if used && rate >= before * AS_GOOD {
                self.known = Some((tried, rate));
                self.settle(Next::Fewer, 0, rate, now, WINDOW);
                return None;
            }
            self.back(more, Next::More, before, now);
            return Some(more);
        }
        match self.known {
            // The number of places was not what limited them.
            _ if !used => self.known = None,
            Some((fewer, before)) if tried > fewer * TELLING => {
                if rate < before * (1.0 + (tried / fewer - 1.0) * GAIN) {
                    let fewer = (fewer as usize).min(places);
                    self.back(fewer, Next::Fewer, before, now);
                    return Some(fewer);
                }
                (self.known, self.settled) = (Some((tried, rate)), None);
            }
            // Too few more to tell: no more than twice as many until it is known what those bring.
            Some((fewer, _)) if tried > fewer * THE_SAME && places < self.ceiling => {
                self.places = (fewer as usize).min(places)
            }
            known => {
                if known.is_some() && self.settled.is_none() && places >= self.ceiling {
                    self.settle(Next::Fewer, 0, rate, now, DOUBTED_AFTER);
                }
                self.known = Some((tried, rate));
            }
        }
        None
    }

    /// Gives the places that there should be, if fewer are to be tried; more come one by one.
    fn try_another(&mut self, next: Next, places: usize, now: Instant) -> Option<usize> {
        self.changed(places, now);
        let fewer = ((places as f64 * FEWER) as usize).max(FEW);
        match self.known {
            Some((_, rate)) if fewer < places && (next == Next::Fewer || places >= self.ceiling) => {
                self.fewer = Some((places, rate));
                self.before = places;
                self.changed(fewer, now);
                Some(fewer)
            }
            _ => {
                self.settled = self.settled.map(|settled| Settled { next: Next::More, ..settled });
                None
            }
        }
    }

    /// Goes back to so many places, which brought so many answers a second.
    fn back(&mut self, places: usize, next: Next, rate: f64, now: Instant) {
        let halvings = self.settled.map_or(0, |settled| settled.halvings + 1).min(HALVINGS);
        self.settle(next, halvings, rate, now, TRIED_AFTER * (1 << halvings));
        self.changed(places, now);
    }

    fn settle(&mut self, next: Next, halvings: u32, rate: f64, now: Instant, after: Duration) {
        self.settled = Some(Settled { until: now + after, next, halvings, rate });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Run {
        worth: Worth,
        places: usize,
        most_places: usize,
        answers: usize,
        random: fastrand::Rng,
    }

    impl Run {
        fn new() -> Self {
            Self {
                worth: Worth::new(64, 1024),
                places: 64,
                most_places: 64,
                answers: 0,
                random: fastrand::Rng::with_seed(1),
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
                if self.worth.one_more(self.places, now) {
                    self.places = (self.places + 1).min(1024);
                }
                if let Some(another) = self.worth.answered(self.places, true, now) {
                    self.places = another;
                }
                self.most_places = self.most_places.max(self.places);
                self.answers += 1;
            }
        }
    }

    async fn places_after(seconds: u64, latency: f64, most: f64) -> usize {
        let mut run = Run::new();
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
        let mut run = Run::new();
        run.run(600, 0.001, 5_000.0, 0.2).await;
        assert!(run.most_places <= 512, "{}", run.most_places);
        assert!(run.places <= 128, "{}", run.places);
        // What takes longer gets them soon.
        run.run(5, 0.5, f64::INFINITY, 0.2).await;
        assert_eq!(run.places, 1024);
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_are_of_no_use_any_more_are_given_back() {
        let mut run = Run::new();
        run.run(10, 0.5, f64::INFINITY, 0.0).await;
        assert_eq!(run.places, 1024);
        run.run(60, 0.001, 5_000.0, 0.2).await;
        assert!(run.places <= 128, "{}", run.places);
    }

    #[tokio::test(start_paused = true)]
    async fn to_try_fewer_costs_little() {
        let mut run = Run::new();
        run.run(10, 0.5, f64::INFINITY, 0.0).await;
        run.answers = 0;
        run.run(120, 0.5, f64::INFINITY, 0.0).await;
        let part = run.answers as f64 / (120.0 * 1024.0 / 0.5);
        assert!((0.97..0.9999).contains(&part), "{part}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_tried_again_and_slow_answers_forbid_nothing() {
        let mut worth = Worth::new(64, 1024);
        // So many answers a second to so many places, for a window's time and a little more.
        let mut answer = async |places: usize, rate: u32| {
            let mut back = None;
            for _ in 0..=rate * 11 / 100 {
                tokio::time::advance(Duration::from_secs(1) / rate).await;
                back = back.or(worth.answered(places, true, Instant::now()));
            }
            (back, worth.one_more(places, Instant::now()), worth.twice(Instant::now()))
        };
        assert_eq!(answer(64, 500).await, (None, true, true), "not an answer for each place");
        assert_eq!(answer(64, 900).await, (None, true, false));
        assert_eq!(answer(128, 1_800).await, (None, true, false), "twice as many answers");
        assert!(matches!(answer(256, 1_800).await, (Some(100..=128), false, false)), "no more");
        assert!(matches!(answer(128, 1_800).await, (None, false, false)));
    }
}
