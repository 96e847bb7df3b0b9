//! Misbehaviour on demand: which call, and what goes wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use super::content::mix;

/// A rule: for which calls, and with what effect.
///
/// ```
/// use flex_tests::sandbox::{Effect, Fault};
/// let once = Fault::on("CopyObject").prefix("2021/05/31/").nth(2).then(Effect::SlowDown);
/// let often = Fault::on("UploadPartCopy").chance(0.2).then(Effect::ResetAfter);
/// # let _ = (once, often);
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    operation: Option<String>,
    bucket: Option<String>,
    key: Keys,
    when: When,
    effect: Effect,
    seen: u64,
    seen_of: BTreeMap<String, u64>,
}

#[derive(Clone, Debug)]
enum Keys {
    Any,
    Exactly(String),
    Under(String),
}

#[derive(Clone, Copy, Debug)]
enum When {
    Always,
    Calls { first: u64, last: u64 },
    CallsOfEachKey { first: u64, last: u64 },
    Chance(f64),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Refused with this status and code; nothing is done.
    Status(u16, &'static str),
    /// 503 SlowDown; nothing is done.
    SlowDown,
    /// The connection breaks before anything is done.
    ResetBefore,
    /// It is done, and the connection breaks before the answer.
    ResetAfter,
    /// 200 with an `<Error>` of this code in the body; nothing is done.
    Error200(&'static str),
    /// 200 with an empty body; nothing is done.
    Empty200,
    /// It is done, and the answer takes this long.
    Stall(Duration),
    /// It is done; the answer's headers come at once and its body only after this time, white space every two seconds, as S3
    /// answers long copies.
    SlowBody(Duration),
    /// It is done, and the answer's body breaks off in the middle.
    Truncate,
    /// It is done; half of the answer's body comes at once, and the rest only after this time.
    StallBody(Duration),
    /// It is done, and the page of the listing says that more follows but not where.
    LoseNext,
    /// It is done, and the page of the listing gives itself as the next one.
    RepeatPage,
    /// It is done; the answer's body comes byte by byte, one each time this has passed.
    TrickleBody(Duration),
    /// The source of the copy changes just before the copy.
    ChangeSource,
    /// The signer's token ends just before the call.
    EndToken,
}

impl Fault {
    /// Calls of this operation (S3's or STS's name).
    pub fn on(operation: impl Into<String>) -> Self {
        Self::new(Some(operation.into()))
    }

    /// Calls of any operation.
    pub fn on_any() -> Self {
        Self::new(None)
    }

    fn new(operation: Option<String>) -> Self {
        Self {
            operation,
            bucket: None,
            key: Keys::Any,
            when: When::Always,
            effect: Effect::SlowDown,
            seen: 0,
            seen_of: BTreeMap::new(),
        }
    }

    /// For this bucket alone.
    #[must_use]
    pub fn bucket(mut self, name: impl Into<String>) -> Self {
        self.bucket = Some(name.into());
        self
    }

    /// For this key alone (of a listing: its prefix).
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Keys::Exactly(key.into());
        self
    }

    /// For keys (of listings: prefixes) that begin so.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key = Keys::Under(prefix.into());
        self
    }

    /// The nth call that fits, counted from 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        self.calls(n, n)
    }

    /// The first n calls that fit.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        self.calls(1, n)
    }

    /// These calls of those that fit, counted from 1, both ends included.
    #[must_use]
    pub fn calls(mut self, first: u64, last: u64) -> Self {
        self.when = When::Calls { first, last };
        self
    }

    /// The first n calls for each key (and part number).
    #[must_use]
    pub fn first_of_each_key(mut self, n: u64) -> Self {
        self.when = When::CallsOfEachKey { first: 1, last: n };
        self
    }

    /// Each call with this probability, decided by (seed, operation, key, which call for that key): adding requests
    /// elsewhere changes nothing here.
    #[must_use]
    pub fn chance(mut self, probability: f64) -> Self {
        self.when = When::Chance(probability);
        self
    }

    /// What goes wrong. Without it, SlowDown.
    #[must_use]
    pub fn then(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    fn fits(&self, call: &Call<'_>) -> bool {
        self.operation.as_deref().is_none_or(|operation| operation == call.operation)
            && self.bucket.as_deref().is_none_or(|bucket| bucket == call.bucket)
            && match &self.key {
                Keys::Any => true,
                Keys::Exactly(key) => key == call.key,
                Keys::Under(prefix) => call.key.starts_with(prefix.as_str()),
            }
    }

    fn strikes(&mut self, call: &Call<'_>, seed: u64) -> bool {
        self.seen += 1;
        let mut nth_of_key = || {
            let name = format!("{} {} {}", call.operation, call.part, call.key);
            let seen = self.seen_of.entry(name).or_default();
            *seen += 1;
            *seen
        };
        match self.when {
            When::Always => true,
            When::Calls { first, last } => (first..=last).contains(&self.seen),
            When::CallsOfEachKey { first, last } => (first..=last).contains(&nth_of_key()),
            When::Chance(probability) => {
                let mut hash = seed ^ mix(nth_of_key());
                for byte in call.operation.bytes().chain(call.part.bytes()).chain(call.key.bytes()) {
                    hash = mix(hash ^ u64::from(byte));
                }
                // 53 bits make every value of a float in [0, 1).
                #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
                let drawn = (hash >> 11) as f64 / (1u64 << 53) as f64;
                drawn < probability
            }
        }
    }
}

/// A call as rules see it.
pub(crate) struct Call<'a> {
    pub(crate) operation: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a str,
    /// The part number as sent, or nothing.
    pub(crate) part: &'a str,
}

pub(crate) struct Faults {
    seed: u64,
    rules: Vec<Fault>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, rules: Vec::new() }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.rules.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The effect of the first rule that strikes. Every rule that fits counts the call.
    pub(crate) fn strike(&mut self, call: &Call<'_>) -> Option<Effect> {
        let seed = self.seed;
        let mut effect = None;
        for rule in &mut self.rules {
            if rule.fits(call) && rule.strikes(call, seed) && effect.is_none() {
                effect = Some(rule.effect.clone());
            }
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(fault: Fault, calls: &[(&str, &str)]) -> Vec<bool> {
        let mut faults = Faults::new(1);
        faults.add(fault);
        calls
            .iter()
            .map(|(operation, key)| faults.strike(&Call { operation, bucket: "b", key, part: "" }).is_some())
            .collect()
    }

    #[test]
    fn rules_count_the_calls_that_fit() {
        let calls =
            [("CopyObject", "a"), ("HeadObject", "a"), ("CopyObject", "b"), ("CopyObject", "a"), ("CopyObject", "a/1")];
        let cases: [(Fault, [bool; 5]); 5] = [
            (Fault::on("CopyObject"), [true, false, true, true, true]),
            (Fault::on("CopyObject").nth(2), [false, false, true, false, false]),
            (Fault::on("CopyObject").key("a").nth(2), [false, false, false, true, false]),
            (Fault::on("CopyObject").first_of_each_key(1), [true, false, true, false, true]),
            (Fault::on_any().prefix("a/"), [false, false, false, false, true]),
        ];
        for (fault, want) in cases {
            assert_eq!(strikes(fault.clone(), &calls), want, "{fault:?}");
        }
    }

    #[test]
    fn chance_depends_on_the_call_and_not_on_its_neighbours() {
        let keys: Vec<String> = (0..1000).map(|n| format!("key{n}")).collect();
        let calls: Vec<(&str, &str)> = keys.iter().map(|key| ("CopyObject", key.as_str())).collect();
        let forth = strikes(Fault::on("CopyObject").chance(0.2), &calls);
        let back: Vec<_> = calls.iter().copied().rev().collect();
        let mut back = strikes(Fault::on("CopyObject").chance(0.2), &back);
        back.reverse();
        assert_eq!(forth, back);
        let struck = forth.iter().filter(|struck| **struck).count();
        assert!((150..250).contains(&struck), "{struck} of 1000 at a chance of 0.2");
    }
}
