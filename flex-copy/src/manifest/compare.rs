//! Two sets of records compared, without any network.

use std::cmp::Ordering;

use super::index::{ManifestIndex, Recorded};
use crate::{ETag, Proof};

/// What two manifests say of one key. Only what is proven is compared; a record without proof counts as none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// Both have the same object.
    Same {
        /// Bytes.
        size: u64,
        /// By what the first has it proven.
        proof: Proof,
        /// By what the second has.
        against: Proof,
    },
    /// The second has another version of the source, or another copy.
    Changed {
        /// The first's record.
        was: Box<Recorded>,
        /// The second's.
        is: Box<Recorded>,
    },
    /// Only the first has it.
    OnlyFirst(Box<Recorded>),
    /// Only the second has it.
    OnlySecond(Box<Recorded>),
}

/// Compares two sets of records, key by key in order. `same_destination`: both are of one bucket and prefix, so that what
/// is listed there under a key should be one and the same copy.
pub fn compare<'a>(
    first: &'a ManifestIndex,
    second: &'a ManifestIndex,
    same_destination: bool,
) -> impl Iterator<Item = (&'a str, Difference)> {
    let (mut a, mut b) = (first.proven().peekable(), second.proven().peekable());
    std::iter::from_fn(move || {
        let order = match (a.peek(), b.peek()) {
            (Some((x, _)), Some((y, _))) => x.cmp(y),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        match order {
            Ordering::Less => a.next().map(|(key, record)| (key, Difference::OnlyFirst(Box::new(record)))),
            Ordering::Greater => b.next().map(|(key, record)| (key, Difference::OnlySecond(Box::new(record)))),
            Ordering::Equal => a.next().zip(b.next()).map(|((key, x), (_, y))| (key, pair(x, y, same_destination))),
        }
    })
}

fn pair(was: Recorded, is: Recorded, same_destination: bool) -> Difference {
    if let (Ok((was_copy, proof)), Ok((is_copy, against))) = (&was.state, &is.state)
        && (&was.etag, was.size) == (&is.etag, is.size)
        && (!same_destination || is_same_copy(was_copy, *proof, is_copy, *against))
    {
        return Difference::Same { size: was.size, proof: *proof, against: *against };
    }
    Difference::Changed { was: Box::new(was), is: Box::new(is) }
}

/// At one destination another ETag is another copy. It holds the same if both copies are proven to hold the source's
/// content; where one is known by its size alone, anybody may have put it there.
fn is_same_copy(was: &ETag, proof: Proof, is: &ETag, against: Proof) -> bool {
    was == is || (proof != Proof::SizeOnly && against != Proof::SizeOnly)
}

impl ManifestIndex {
    fn proven(&self) -> impl Iterator<Item = (&str, Recorded)> {
        self.iter().filter(|(_, record)| record.state.is_ok())
    }
}
