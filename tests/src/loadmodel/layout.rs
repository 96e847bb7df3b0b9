//! How an object was put together, and the ETag that follows from it.

use super::hash::hash;
use super::text::{push_hex, push_number};

/// The parts of an object that holds the right bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One PUT or CopyObject.
    Single,
    /// Parts of this size, the last may be smaller. An upload of one part has that part's size here.
    Uniform(u64),
    /// Any other sizes: their hash, how many, and the largest.
    Uneven { hash: u64, count: u32, largest: u64 },
}

impl Layout {
    /// Of the sizes of an upload's parts, in their order.
    pub(super) fn of(sizes: &[u64]) -> Self {
        let first = sizes.first().copied().unwrap_or_default();
        let Some((last, rest)) = sizes.split_last() else { return Self::Single };
        if rest.iter().all(|size| *size == first) && *last <= first {
            return Self::Uniform(first);
        }
        let largest = sizes.iter().copied().max().unwrap_or_default();
        Self::Uneven { hash: hash(sizes), count: sizes.len() as u32, largest }
    }

    /// Its parts; none for an object that was written at once.
    pub(super) fn parts(self, size: u64) -> Option<u32> {
        match self {
            Self::Single => None,
            Self::Uniform(part) => Some(size.div_ceil(part.max(1)).max(1) as u32),
            Self::Uneven { count, .. } => Some(count),
        }
    }

    /// The largest piece.
    pub(super) fn largest(self, size: u64) -> u64 {
        match self {
            Self::Single => size,
            Self::Uniform(part) => part.min(size),
            Self::Uneven { largest, .. } => largest,
        }
    }
}

/// An ETag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ETag {
    pub(super) digest: u128,
    pub(super) parts: Option<u32>,
}

impl ETag {
    pub(super) fn push(self, out: &mut String) {
        push_hex(out, self.digest);
        if let Some(parts) = self.parts {
            out.push('-');
            push_number(out, parts.into(), 1);
        }
    }

    pub(super) fn text(self) -> String {
        let mut out = String::new();
        self.push(&mut out);
        out
    }
}

/// What stands for an MD5.
pub(super) fn digest(words: &[u64]) -> u128 {
    let high = hash(words);
    u128::from(high) << 64 | u128::from(hash(&[high, 3]))
}

/// The ETag of a source's bytes in this layout. Of one part and of several are different even where the part is the same.
pub(super) fn etag(seed: u64, index: u64, size: u64, layout: Layout) -> ETag {
    let kind = match layout {
        Layout::Single => 0,
        Layout::Uniform(part) if part >= size => 1,
        Layout::Uniform(part) => part,
        Layout::Uneven { hash, .. } => hash,
    };
    ETag { digest: digest(&[seed, index, 4, kind]), parts: layout.parts(size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_layout_gives_the_same_etag() {
        let of = |sizes: &[u64]| etag(1, 5, sizes.iter().sum(), Layout::of(sizes));
        let source = etag(1, 5, 20, Layout::Uniform(8));
        assert_eq!(of(&[8, 8, 4]), source);
        assert!(source.text().ends_with("-3"), "{}", source.text());
        for other in [&[8, 4, 8][..], &[10, 10], &[7, 7, 6], &[20], &[4, 8, 8]] {
            assert_ne!(of(other).digest, source.digest, "{other:?}");
        }
        assert_eq!(of(&[20]).parts, Some(1));
        assert_ne!(of(&[20]).digest, etag(1, 5, 20, Layout::Single).digest);
        assert_ne!(etag(1, 6, 20, Layout::Single), etag(1, 5, 20, Layout::Single));
        assert_ne!(etag(2, 5, 20, Layout::Single), etag(1, 5, 20, Layout::Single));
    }
}
