//! Part layouts: the source's own, or one of our choice where any will do.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The most that one CopyObject copies: 5 GiB (S3 writes "5 GB" and enforces GiB, rclone#2375).
pub(crate) const COPY_OBJECT_LIMIT: u64 = 5 << 30;
/// The smallest part but the last.
const MIN_PART: u64 = 5 << 20;
/// The largest part.
const MAX_PART: u64 = 5 << 30;
/// The most parts of one upload.
pub(crate) const MAX_PARTS: u64 = 10_000;
const MIB: u64 = 1 << 20;

/// The part sizes with which an object was, or will be, uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// All parts of this size, the last may be smaller.
    Uniform(u64),
    /// Each part's size.
    Sizes(Vec<u64>),
}

impl Layout {
    /// Uniform parts of `first` bytes, if `count` of them hold exactly `size` bytes. Other sizes may fit too: only the ETag
    /// of the copy tells.
    pub(crate) fn uniform(first: u64, count: u32, size: u64) -> Option<Self> {
        let count = u64::from(count);
        let most = count.checked_mul(first)?;
        let least = (count.checked_sub(1)?).checked_mul(first)?;
        (first > 0 && least < size && size <= most).then_some(Self::Uniform(first))
    }

    /// First and last byte of each part; `None` stands for the whole object, which needs no range. S3 allows ranges
    /// only for sources of more than 5 MB.
    pub(crate) fn ranges(&self, size: u64) -> Vec<Option<RangeInclusive<u64>>> {
        let ranges: Vec<_> = self
            .sizes(size)
            .into_iter()
            .scan(0, |start, part| {
                let range = *start..=*start + part - 1;
                *start += part;
                Some(range)
            })
            .collect();
        if ranges.len() == 1 { vec![None] } else { ranges.into_iter().map(Some).collect() }
    }

    /// The size of each part.
    pub(crate) fn sizes(&self, size: u64) -> Vec<u64> {
        match self {
            Self::Uniform(part) => (0..size.div_ceil(*part)).map(|i| (size - i * part).min(*part)).collect(),
            Self::Sizes(sizes) => sizes.clone(),
        }
    }

    /// Whether S3 takes these parts.
    pub(crate) fn is_possible(&self, size: u64) -> bool {
        if let Self::Uniform(part) = self
            && size.div_ceil(*part) > MAX_PARTS
        {
            return false;
        }
        let sizes = self.sizes(size);
        let Some((last, rest)) = sizes.split_last() else { return false };
        sizes.len() as u64 <= MAX_PARTS
            && *last > 0
            && *last <= MAX_PART
            && rest.iter().all(|part| (MIN_PART..=MAX_PART).contains(part))
            && sizes.iter().sum::<u64>() == size
    }
}

/// The part sizes of a multipart object, run by run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartSizes(Vec<(u64, u32)>);

impl PartSizes {
    /// Of these parts, in their order.
    pub fn of(sizes: &[u64]) -> Self {
        let mut runs: Vec<(u64, u32)> = Vec::new();
        for size in sizes {
            match runs.last_mut() {
                Some((last, count)) if last == size => *count += 1,
                _ => runs.push((*size, 1)),
            }
        }
        runs.shrink_to_fit();
        Self(runs)
    }

    /// Each size with the number of parts in a row that have it.
    pub fn runs(&self) -> &[(u64, u32)] {
        &self.0
    }

    /// The size of each part. Only for what is known to be of a possible number of parts.
    pub(crate) fn sizes(&self) -> Vec<u64> {
        self.0.iter().flat_map(|(size, count)| std::iter::repeat_n(*size, *count as usize)).collect()
    }

    /// How many parts.
    pub fn count(&self) -> u32 {
        self.0.iter().fold(0, |sum: u32, (_, count)| sum.saturating_add(*count))
    }

    /// The object's size, unless it is more than a number holds.
    pub fn total(&self) -> Option<u64> {
        self.0.iter().try_fold(0_u64, |sum, (size, count)| sum.checked_add(size.checked_mul((*count).into())?))
    }
}

/// The size of parts where the proof allows any layout: 128 MiB, more where 10,000 such parts do not suffice. Throughput
/// comes from parts side by side, and each part costs a request.
pub(crate) fn free_part_size(size: u64) -> u64 {
    let least = size.div_ceil(MAX_PARTS);
    (128 * MIB).max(least.div_ceil(MIB) * MIB)
}

/// A likely layout for a store that does not tell its parts: sizes that common clients use, then the smallest whole
/// number of MiB that gives the right number of parts. A wrong guess shows as an ETag that differs.
pub(crate) fn guess(size: u64, count: u32) -> Option<Layout> {
    const COMMON_MIB: [u64; 14] = [8, 5, 16, 15, 10, 32, 64, 100, 128, 20, 25, 50, 256, 512];
    let count = u64::from(count);
    if size == 0 || count == 0 {
        return None;
    }
    let fits = |part: &u64| size.div_ceil(*part) == count;
    COMMON_MIB
        .iter()
        .map(|m| m * MIB)
        .find(fits)
        .or_else(|| Some(size.div_ceil(count).div_ceil(MIB) * MIB).filter(fits))
        .map(Layout::Uniform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_layout_must_hold_exactly_the_size() {
        let part = 8 * MIB;
        for (count, size, want) in [
            (1, 1, true),
            (1, part, true),
            (1, part + 1, false),
            (3, 2 * part, false),
            (3, 2 * part + 1, true),
            (3, 3 * part, true),
            (0, 0, false),
        ] {
            assert_eq!(Layout::uniform(part, count, size).is_some(), want, "{count} {size}");
        }
        assert_eq!(Layout::uniform(u64::MAX, 3, 5), None, "no overflow");
    }

    #[test]
    fn ranges_cover_every_byte_once() {
        for (layout, size) in [
            (Layout::Uniform(5), 5),
            (Layout::Uniform(5), 11),
            (Layout::Uniform(5), 15),
            (Layout::Sizes(vec![7, 5, 3]), 15),
            (Layout::Sizes(vec![4]), 4),
        ] {
            let ranges = layout.ranges(size);
            if ranges == [None] {
                continue;
            }
            let mut next = 0;
            for range in ranges {
                let range = range.expect("several parts have ranges");
                assert_eq!(*range.start(), next, "{layout:?}");
                next = range.end() + 1;
            }
            assert_eq!(next, size, "{layout:?}");
        }
        assert_eq!(Layout::Uniform(8).ranges(7), [None], "one part needs no range");
    }

    #[test]
    fn what_s3_does_not_take_is_known() {
        assert!(Layout::Uniform(MIN_PART).is_possible(3 * MIN_PART + 1));
        assert!(Layout::Uniform(MIN_PART).is_possible(1), "one small part is its own last one");
        assert!(!Layout::Uniform(MIN_PART - 1).is_possible(3 * MIN_PART));
        assert!(!Layout::Uniform(MIN_PART).is_possible(MIN_PART * (MAX_PARTS + 1)));
        assert!(Layout::Sizes(vec![MIN_PART, 1]).is_possible(MIN_PART + 1));
        assert!(!Layout::Sizes(vec![1, MIN_PART]).is_possible(MIN_PART + 1));
        assert!(!Layout::Sizes(vec![MIN_PART, 1]).is_possible(MIN_PART + 2));
        assert!(!Layout::Sizes(vec![]).is_possible(0));
    }

    #[test]
    fn free_parts_stay_within_the_limits() {
        for size in [COPY_OBJECT_LIMIT + 1, 1 << 40, 48 << 40] {
            let part = free_part_size(size);
            assert!(Layout::Uniform(part).is_possible(size), "{size} {part}");
        }
    }

    #[test]
    fn part_sizes_are_told_run_by_run() {
        let sizes = PartSizes::of(&[8, 8, 8, 5, 8]);
        assert_eq!(sizes.runs(), [(8, 3), (5, 1), (8, 1)]);
        assert_eq!((sizes.count(), sizes.total()), (5, Some(37)));
        assert_eq!(PartSizes::of(&[]).total(), Some(0));
        assert_eq!(PartSizes(vec![(u64::MAX, 2)]).total(), None, "no overflow");
        assert_eq!(PartSizes(vec![(1, u32::MAX), (1, 1)]).count(), u32::MAX);
    }

    #[test]
    fn a_guess_gives_the_right_number_of_parts() {
        assert_eq!(guess(20 * MIB, 3), Some(Layout::Uniform(8 * MIB)));
        assert_eq!(guess(20 * MIB, 4), Some(Layout::Uniform(5 * MIB)));
        assert_eq!(guess(77 * MIB, 7), Some(Layout::Uniform(11 * MIB)));
        assert_eq!(guess(3, 1), Some(Layout::Uniform(8 * MIB)));
        assert_eq!(guess(3, 2), None);
        assert_eq!(guess(0, 1), None);
    }
}
