//! Chance that depends on the seed and on what is asked, and on nothing else.

use crate::sandbox::mix;

/// A number for (seed, words, n): the same however many other numbers were drawn before.
pub(crate) fn hash(seed: u64, words: &[&str], n: u64) -> u64 {
    let mut hash = mix(seed ^ mix(n));
    for word in words {
        for byte in word.bytes() {
            hash = mix(hash ^ u64::from(byte));
        }
        hash = mix(hash ^ 0x100);
    }
    hash
}

/// A row of draws.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A row of its own for each purpose, so that a draw added to one moves no other.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self(hash(seed, &[purpose], 0))
    }

    /// A row that begins with this number.
    pub(crate) fn from(hash: u64) -> Self {
        Self(hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// 0 to n - 1.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// Both ends included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// True so many times in a thousand.
    pub(crate) fn per_mille(&mut self, n: u64) -> bool {
        self.below(1000) < n
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = usize::try_from(self.below(of.len() as u64)).unwrap_or(0);
        &of[at]
    }

    /// Most often near `least`, seldom near `most`.
    pub(crate) fn skewed(&mut self, least: u64, most: u64) -> u64 {
        let span = most - least + 1;
        let (a, b) = (self.below(span), self.below(span));
        least + a * b / span
    }
}
