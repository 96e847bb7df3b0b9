//! What the destination holds: one byte an object, and more only for what is unusual.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::hash::hash_text;
use super::layout::{ETag, Layout, etag};
use super::source::Source;

const ABSENT: u8 = 0;
/// There from the start, as the source has it.
const FILLED: u8 = 1;
const SINGLE: u8 = 2;
/// An upload of one part.
const ONE_PART: u8 = 3;
/// In `rest.odd`.
const ODD: u8 = 4;
/// And above: parts of the size that `rest.sizes` has.
const UNIFORM: u8 = 5;

/// What was put together under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// A source object's bytes, all of them and in order.
    From { index: u64, layout: Layout },
    /// Something else.
    Wrong { size: u64, etag: ETag },
}

/// A key of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) size: u64,
    pub(super) etag: ETag,
    /// The source object that it is a copy of.
    pub(super) index: Option<u64>,
    pub(super) layout: Layout,
}

#[derive(Default)]
struct Rest {
    /// Part sizes, by state less `UNIFORM`.
    sizes: Vec<u64>,
    odd: BTreeMap<u64, Made>,
    /// Keys that the source does not have.
    foreign: BTreeMap<String, Made>,
}

/// The destination's keys.
pub(super) struct Destination {
    states: Vec<AtomicU8>,
    rest: Mutex<Rest>,
    /// How many foreign keys there are, so that listings need not look.
    foreign: AtomicU64,
    seed: u64,
}

/// How the destination compares with the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Objects of the source that are there.
    pub(super) present: u64,
    /// Of these, written since the start.
    pub(super) copied: u64,
    /// With the right bytes.
    pub(super) right: u64,
    /// With the source's ETag.
    pub(super) same_etag: u64,
    /// Keys that the source does not have.
    pub(super) foreign: u64,
}

impl Destination {
    pub(super) fn new(source: &Source, filled: bool, seed: u64) -> Self {
        let state = if filled { FILLED } else { ABSENT };
        Self {
            states: (0..source.len()).map(|_| AtomicU8::new(state)).collect(),
            rest: Mutex::default(),
            foreign: AtomicU64::new(0),
            seed,
        }
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts what was made under a key, in the place of what was there.
    pub(super) fn put(&self, source: &Source, key: &str, made: Made) -> Held {
        match source.find(key) {
            Some(index) => {
                let state = match made {
                    Made::From { index: from, layout } if from == index => self.state(source.size(index), layout),
                    _ => ODD,
                };
                let mut rest = self.rest();
                if state == ODD {
                    rest.odd.insert(index, made);
                } else {
                    rest.odd.remove(&index);
                }
                self.states[index as usize].store(state, Ordering::Relaxed);
            }
            None => {
                let mut rest = self.rest();
                rest.foreign.insert(key.to_owned(), made);
                self.foreign.store(rest.foreign.len() as u64, Ordering::Relaxed);
            }
        }
        self.held(source, made)
    }

    fn state(&self, size: u64, layout: Layout) -> u8 {
        let part = match layout {
            Layout::Single => return SINGLE,
            Layout::Uniform(part) if part >= size => return ONE_PART,
            Layout::Uniform(part) => part,
            Layout::Uneven { .. } => return ODD,
        };
        let mut rest = self.rest();
        let at = rest.sizes.iter().position(|size| *size == part).unwrap_or_else(|| {
            if rest.sizes.len() < usize::from(u8::MAX - UNIFORM) {
                rest.sizes.push(part);
            }
            rest.sizes.len() - 1
        });
        if rest.sizes[at] == part { UNIFORM + at as u8 } else { ODD }
    }

    pub(super) fn remove(&self, source: &Source, key: &str) {
        let mut rest = self.rest();
        match source.find(key) {
            Some(index) => {
                rest.odd.remove(&index);
                self.states[index as usize].store(ABSENT, Ordering::Relaxed);
            }
            None => {
                rest.foreign.remove(key);
                self.foreign.store(rest.foreign.len() as u64, Ordering::Relaxed);
            }
        }
    }

    fn held(&self, source: &Source, made: Made) -> Held {
        match made {
            Made::From { index, layout } => {
                let size = source.size(index);
                Held { size, etag: etag(self.seed, index, size, layout), index: Some(index), layout }
            }
            Made::Wrong { size, etag } => Held { size, etag, index: None, layout: Layout::Single },
        }
    }

    /// What is under a key of the source.
    pub(super) fn at(&self, source: &Source, index: u64) -> Option<Held> {
        let layout = match self.states[index as usize].load(Ordering::Relaxed) {
            ABSENT => return None,
            FILLED => source.layout(source.size(index)),
            SINGLE => Layout::Single,
            ONE_PART => Layout::Uniform(source.size(index)),
            ODD => {
                let made = self.rest().odd.get(&index).copied()?;
                return Some(self.held(source, made));
            }
            state => Layout::Uniform(self.rest().sizes.get(usize::from(state - UNIFORM)).copied()?),
        };
        Some(self.held(source, Made::From { index, layout }))
    }

    /// What is under any key.
    pub(super) fn get(&self, source: &Source, key: &str) -> Option<Held> {
        match source.find(key) {
            Some(index) => self.at(source, index),
            None => {
                let made = self.rest().foreign.get(key).copied()?;
                Some(self.held(source, made))
            }
        }
    }

    /// The first object of the source from there on that the destination has.
    pub(super) fn next(&self, from: u64) -> Option<u64> {
        let rest = self.states.get(from as usize..)?;
        rest.iter().position(|state| state.load(Ordering::Relaxed) != ABSENT).map(|at| from + at as u64)
    }

    /// The first key from there on that the source does not have.
    pub(super) fn next_foreign(&self, source: &Source, from: &str) -> Option<(String, Held)> {
        if self.foreign.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let found = self.rest().foreign.range(from.to_owned()..).next().map(|(key, made)| (key.clone(), *made));
        found.map(|(key, made)| (key, self.held(source, made)))
    }

    /// Looks at every object; `copied` is told of each that was written since the start.
    pub(super) fn judge(&self, source: &Source, mut copied: impl FnMut(u64, Held)) -> Judgement {
        let mut out = Judgement { foreign: self.foreign.load(Ordering::Relaxed), ..Judgement::default() };
        let mut at = 0;
        while let Some(index) = self.next(at) {
            at = index + 1;
            let Some(held) = self.at(source, index) else { continue };
            out.present += 1;
            out.right += u64::from(held.index == Some(index));
            let of_source = etag(self.seed, index, held.size, source.layout(held.size));
            out.same_etag += u64::from(held.index == Some(index) && held.etag == of_source);
            if self.states[index as usize].load(Ordering::Relaxed) != FILLED {
                out.copied += 1;
                copied(index, held);
            }
        }
        out
    }
}

/// An ETag for bytes that are no source object's.
pub(super) fn stray(what: &str, parts: Option<u32>) -> ETag {
    ETag { digest: super::layout::digest(&[hash_text(what)]), parts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loadmodel::scene::Scene;

    #[test]
    fn what_was_written_is_judged() {
        let source = Source::new(&Scene::named("latency").expect("a scene"));
        let destination = Destination::new(&source, false, 1);
        let size = source.size(0);
        assert!(size > 16 << 20, "the first object has several parts: {size}");
        let key = |index| source.key(index);
        let made = |index, layout| Made::From { index, layout };
        destination.put(&source, &key(0), made(0, Layout::Uniform(8 << 20)));
        destination.put(&source, &key(1), made(1, Layout::Single));
        destination.put(&source, &key(2), made(2, Layout::Uneven { hash: 9, count: 2, largest: 7 }));
        destination.put(&source, &key(3), made(4, Layout::Single));
        destination.put(&source, &key(5), Made::Wrong { size: 3, etag: stray("x", None) });
        destination.put(&source, "other", made(6, Layout::Single));
        let mut told = Vec::new();
        let judged = destination.judge(&source, |index, _| told.push(index));
        let want = Judgement { present: 5, copied: 5, right: 3, same_etag: 1, foreign: 1 };
        assert_eq!((judged, told), (want, vec![0, 1, 2, 3, 5]));
        // What is written again is judged anew.
        destination.put(&source, &key(3), made(3, Layout::Uniform(8 << 20)));
        destination.remove(&source, "other");
        destination.remove(&source, &key(5));
        let judged = destination.judge(&source, |_, _| {});
        assert_eq!(judged, Judgement { present: 4, copied: 4, right: 4, same_etag: 2, foreign: 0 });
    }

    #[test]
    fn a_filled_destination_has_the_sources_etags() {
        let source = Source::new(&Scene::named("latency").expect("a scene"));
        let filled = Destination::new(&source, true, 1);
        let judged = filled.judge(&source, |index, _| panic!("{index} was not copied"));
        assert_eq!((judged.present, judged.same_etag, judged.copied), (source.len(), source.len(), 0));
    }

    #[test]
    fn more_part_sizes_than_a_byte_tells_are_kept() {
        let source = Source::new(&Scene::named("latency").expect("a scene"));
        let destination = Destination::new(&source, false, 1);
        for index in 0..1_000 {
            let layout = Layout::Uniform(1 + index);
            destination.put(&source, &source.key(index), Made::From { index, layout });
            assert_eq!(destination.at(&source, index).map(|held| held.layout), Some(layout), "{index}");
        }
        for index in 0..1_000 {
            assert_eq!(destination.at(&source, index).map(|held| held.layout), Some(Layout::Uniform(1 + index)));
        }
    }
}
