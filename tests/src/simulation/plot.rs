//! What a seed stands for: the scene, the settings, the weather, and how each run ends.

use std::time::Duration;

use flex_copy::{CopySettings, OnChange, ProofWanted};

use super::chance::Dice;
use super::objects::{self, Planted};

/// Everything that a seed decides before anything happens.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    pub(crate) seed: u64,
    /// Before the vendor's keys at the destination.
    pub(crate) prefix: &'static str,
    /// As a user types it.
    pub(crate) selection: Vec<&'static str>,
    pub(crate) objects: Vec<Planted>,
    /// Keys that only the destination has.
    pub(crate) extras: Vec<String>,
    pub(crate) wishes: Wishes,
    pub(crate) page_size: u16,
    /// The destination encrypts with KMS.
    pub(crate) kms: bool,
    /// The destination admits no parts under its ACL condition.
    pub(crate) denies_parts: bool,
    pub(crate) token_life: Duration,
    pub(crate) journal: bool,
    /// The role is assumed before the run begins, as the command line does; else by the first request.
    pub(crate) assumes_first: bool,
    pub(crate) rates: Rates,
    /// Least and most time that a request takes.
    pub(crate) latency: (u64, u64),
    /// Spells of bad weather, by virtual time.
    pub(crate) spells: Vec<Spell>,
    pub(crate) events: Vec<(Duration, Happening)>,
    /// The runs before the last, which is left in peace.
    pub(crate) runs: Vec<Ending>,
}

/// The settings of the copier, kept where the checks can read them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes {
    pub(crate) max_in_flight: usize,
    pub(crate) attempts: u32,
    pub(crate) outage_limit: Duration,
    pub(crate) max_rps: Option<f64>,
    pub(crate) listing_ahead: usize,
    pub(crate) proof: ProofWanted,
    pub(crate) on_change: OnChange,
    pub(crate) copy_markers: bool,
    pub(crate) recopy: bool,
}

impl Wishes {
    pub(crate) fn settings(&self) -> CopySettings {
        let mut builder = CopySettings::builder()
            .max_in_flight(self.max_in_flight)
            .attempts(self.attempts)
            .outage_limit(self.outage_limit)
            .listing_ahead(self.listing_ahead)
            .proof(self.proof)
            .on_change(self.on_change)
            .copy_markers(self.copy_markers)
            .recopy_size_only(self.recopy);
        if let Some(rps) = self.max_rps {
            builder = builder.max_rps(rps);
        }
        builder.build().expect("the settings of a plot are within their limits")
    }
}

/// How many requests in a thousand meet each fault.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rates {
    pub(crate) slow_down: u64,
    pub(crate) unavailable: u64,
    pub(crate) internal: u64,
    pub(crate) reset_before: u64,
    pub(crate) reset_after: u64,
    pub(crate) error_200: u64,
    pub(crate) empty_200: u64,
    pub(crate) cut_off: u64,
    pub(crate) slow_body: u64,
    /// Longer than any attempt is waited for, before the effect or after it.
    pub(crate) stall: u64,
    pub(crate) lost_next: u64,
    pub(crate) repeated_page: u64,
    pub(crate) end_token: u64,
    pub(crate) change: u64,
    pub(crate) vanish: u64,
    pub(crate) disk_full: u64,
}

/// What a spell of bad weather does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    /// 9 of 10 requests are answered SlowDown.
    Storm,
    /// 503 without a reason that flex knows.
    Errors,
    /// No request is answered.
    Outage,
    /// Nothing gets through but STS.
    S3Outage,
    /// STS does not answer.
    StsOutage,
    /// STS answers 503.
    StsErrors,
}

/// A spell of bad weather.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
    pub(crate) weather: Weather,
}

/// What happens to the world at a moment.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    PolicyRemoved,
    PolicyBack,
    Skew(i64),
    EndTokens,
    /// Of the objects, by their place in the plot.
    Change(usize),
    ChangeSize(usize),
    Vanish(usize),
    Refuse(usize),
    Admit(usize),
}

/// How a run ends, if it has not ended by itself before.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    ByItself,
    CancelAfter(Duration),
    /// After so many events.
    CancelAt(u64),
    DropAfter(Duration),
    DropAt(u64),
    /// At the nth crossing of the seam: a request or an answer, a write to disk or its end.
    Death(u64),
}

const SELECTIONS: [&[&str]; 7] = [
    &["2021/05"],
    &["2021/05/31"],
    &["2021/5/28..2021/6/2"],
    &["2021/05/31", "2021/06/01"],
    &["2021"],
    &["2021/06", "testdata/2021/05/31"],
    &["2021/05/31", "spec:Standard/latest"],
];

impl Plot {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "scene");
        let selection = dice.pick(&SELECTIONS).to_vec();
        let calm = dice.per_mille(60);
        let wishes = Wishes {
            max_in_flight: usize::try_from(*dice.pick(&[1, 2, 3, 4, 8, 16, 64])).unwrap_or(1),
            attempts: *dice.pick(&[1, 2, 3, 5, 8, 8]),
            outage_limit: Duration::from_secs(*dice.pick(&[5, 30, 120, 300, 300])),
            max_rps: dice.per_mille(80).then(|| *dice.pick(&[0.5, 5.0, 50.0])),
            proof: if dice.per_mille(150) { ProofWanted::Size } else { ProofWanted::ETag },
            on_change: *dice.pick(&[OnChange::Copy, OnChange::Copy, OnChange::Copy, OnChange::Keep, OnChange::Fail]),
            copy_markers: dice.per_mille(200),
            recopy: dice.per_mille(200),
            listing_ahead: usize::try_from(*dice.pick(&[1, 4, 15, 10_000])).unwrap_or(1),
        };
        let mut weather = Dice::new(seed, "weather");
        let rates = if calm { Rates::default() } else { rates(&mut weather) };
        let horizon = *weather.pick(&[3_000, 20_000, 120_000, 900_000, 7_200_000]);
        let mut objects_dice = Dice::new(seed, "objects");
        let objects = objects::plant(&mut objects_dice);
        let count = objects.len();
        Self {
            seed,
            prefix: *dice.pick(&["", "", "", "tse/", "a b+c/"]),
            extras: objects::extras(&mut objects_dice),
            objects,
            wishes,
            page_size: u16::try_from(*dice.pick(&[1, 2, 3, 7, 1000])).unwrap_or(1000),
            kms: dice.per_mille(60),
            denies_parts: dice.per_mille(40),
            token_life: Duration::from_secs(*dice.pick(&[43_200, 43_200, 900, 60, 5])),
            journal: dice.per_mille(850),
            assumes_first: dice.per_mille(700),
            rates,
            latency: *dice.pick(&[(1, 20), (5, 300), (50, 5_000), (0, 0)]),
            spells: if calm { Vec::new() } else { spells(&mut weather, horizon) },
            events: if calm { Vec::new() } else { events(&mut Dice::new(seed, "events"), horizon, count) },
            runs: endings(&mut Dice::new(seed, "endings"), horizon),
            selection,
        }
    }
}

fn rates(dice: &mut Dice) -> Rates {
    // Each fault is absent from most seeds, so that each is met alone and in company.
    let mut rate = |most: u64| match dice.below(10) {
        0..=5 => 0,
        6 | 7 => dice.skewed(1, most),
        _ => dice.between(1, most),
    };
    Rates {
        slow_down: rate(300),
        unavailable: rate(150),
        internal: rate(250),
        reset_before: rate(200),
        reset_after: rate(300),
        error_200: rate(200),
        empty_200: rate(200),
        cut_off: rate(200),
        slow_body: rate(100),
        stall: rate(60),
        lost_next: rate(100),
        repeated_page: rate(12),
        end_token: rate(60),
        change: rate(60),
        vanish: rate(20),
        disk_full: rate(100),
    }
}

fn spells(dice: &mut Dice, horizon: u64) -> Vec<Spell> {
    const KINDS: [Weather; 6] =
        [Weather::Storm, Weather::Errors, Weather::Outage, Weather::S3Outage, Weather::StsOutage, Weather::StsErrors];
    let count = dice.skewed(0, 4);
    (0..count)
        .map(|_| {
            let from = dice.skewed(0, horizon) / 8;
            let long = *dice.pick(&[2_000, 20_000, 100_000, 400_000]);
            let weather = *dice.pick(&KINDS);
            let to = from + dice.between(1, long);
            Spell { from: Duration::from_millis(from), to: Duration::from_millis(to), weather }
        })
        .collect()
}

fn events(dice: &mut Dice, horizon: u64, objects: usize) -> Vec<(Duration, Happening)> {
    let mut events = Vec::new();
    let at = |dice: &mut Dice| Duration::from_millis(dice.skewed(0, horizon));
    if dice.per_mille(200) {
        let gone = at(dice);
        events.push((gone, Happening::PolicyRemoved));
        let back = gone + Duration::from_millis(*dice.pick(&[50, 1_000, 30_000, 10_000_000]));
        events.push((back, Happening::PolicyBack));
    }
    if dice.per_mille(100) {
        let off = at(dice);
        events.push((off, Happening::Skew(*dice.pick(&[-30_000, -1_000, -800, 800, 1_000, 90_000]))));
        events.push((off + Duration::from_millis(dice.between(1, 60_000)), Happening::Skew(0)));
    }
    for _ in 0..dice.skewed(0, 4) {
        events.push((at(dice), Happening::EndTokens));
    }
    if objects > 0 && dice.per_mille(500) {
        for _ in 0..dice.skewed(0, 8) {
            let which = usize::try_from(dice.below(objects as u64)).unwrap_or(0);
            let what = match dice.below(8) {
                0..=2 => Happening::Change(which),
                3 => Happening::ChangeSize(which),
                4 => Happening::Vanish(which),
                5 | 6 => Happening::Refuse(which),
                _ => Happening::Admit(which),
            };
            events.push((at(dice), what));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

fn endings(dice: &mut Dice, horizon: u64) -> Vec<Ending> {
    let count = dice.skewed(1, 5);
    (0..count)
        .map(|_| match dice.below(10) {
            0 | 1 => Ending::ByItself,
            2 => Ending::CancelAfter(Duration::from_millis(dice.skewed(0, horizon))),
            3 => Ending::CancelAt(dice.skewed(0, 60)),
            4 => Ending::DropAfter(Duration::from_millis(dice.skewed(0, horizon))),
            5 => Ending::DropAt(dice.skewed(0, 60)),
            _ => Ending::Death(dice.skewed(1, 400)),
        })
        .collect()
}
