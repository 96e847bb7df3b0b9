//! Whether more places bring more answers. Where they do not, the service, the network or this machine is at its limit, and more
//! of them cost connections and memory for nothing.

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
/// After more places brought nothing, it is tried again: what is copied may have changed.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Worth {
    begun: Instant,
    /// Places when the window began.
    places: usize,
    answers: usize,
    /// The places that there were at each answer, added up: they grow meanwhile.
    places_at_answers: usize,
    /// Places, and the answers a second that they brought.
    known: Option<(f64, f64)>,
    enough_until: Option<Instant>,
}

impl Worth {
    pub(super) fn new(places: usize) -> Self {
        Self { begun: Instant::now(), places, answers: 0, places_at_answers: 0, known: None, enough_until: None }
    }

    /// Whether there may be one more: up to twice as many before it is known what they bring.
    pub(super) fn one_more(&self, places: usize, now: Instant) -> bool {
        self.is_open(now) && places < 2 * self.places
    }

    /// Whether there may be twice as many although nothing is known of these: answers are slow to come.
    pub(super) fn twice(&self, now: Instant) -> bool {
        self.is_open(now) && self.answers < self.places
    }

    fn is_open(&self, now: Instant) -> bool {
        self.enough_until.is_none_or(|until| now >= until)
    }

    /// Begins anew with so many places.
    pub(super) fn changed(&mut self, places: usize, now: Instant) {
        (self.begun, self.places, self.answers, self.places_at_answers) = (now, places, 0, 0);
    }

    /// An answer came while there were so many places, and they were in use or not. Gives the number to go back to, if the
    /// last that were added brought nothing.
    pub(super) fn answered(&mut self, places: usize, used: bool, now: Instant) -> Option<usize> {
        self.answers += 1;
        self.places_at_answers += places;
        let passed = now.duration_since(self.begun);
        if passed < WINDOW || self.answers < self.places {
            return None;
        }
        let rate = self.answers as f64 / passed.as_secs_f64();
        let tried = self.places_at_answers as f64 / self.answers as f64;
        self.changed(places, now);
        match self.known {
            // The number of places was not what limited them.
            _ if !used => self.known = None,
            Some((fewer, before))
                if tried > fewer * TELLING && rate < before * (1.0 + (tried / fewer - 1.0) * GAIN) =>
            {
                let fewer = (fewer as usize).min(places);
                self.enough_until = Some(now + TRIED_AGAIN_AFTER);
                self.changed(fewer, now);
                return Some(fewer);
            }
            Some((fewer, _)) if tried > fewer * THE_SAME && tried <= fewer * TELLING => {}
            _ => self.known = Some((tried, rate)),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs so many seconds against something that answers each request after `latency` and at most `most` a second, and
    /// gives the places at the end.
    async fn places_after(seconds: u64, latency: f64, most: f64) -> usize {
        let mut places = 64;
        let mut worth = Worth::new(places);
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            let rate = most.min(places as f64 / latency);
            tokio::time::advance(Duration::from_secs_f64(1.0 / rate)).await;
            let now = Instant::now();
            if worth.one_more(places, now) {
                places = (places + 1).min(1024);
            }
            if let Some(fewer) = worth.answered(places, true, now) {
                places = fewer;
            }
        }
        places
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
    async fn it_is_tried_again_and_slow_answers_forbid_nothing() {
        let mut worth = Worth::new(64);
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
        assert_eq!(answer(64, 900).await, (None, true, true));
        assert_eq!(answer(128, 1_800).await, (None, true, true), "twice as many answers");
        assert!(matches!(answer(256, 1_800).await, (Some(100..=128), false, false)), "no more");
        tokio::time::advance(TRIED_AGAIN_AFTER).await;
        assert!(worth.one_more(128, Instant::now()) && worth.twice(Instant::now()));
    }
}
