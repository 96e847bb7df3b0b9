//! Prefixes and key ranges: what a selection means in the bucket's key order.

use crate::date::{DatePrefix, number_spellings};
use chrono::{Datelike, NaiveDate};
use std::collections::BTreeMap;

/// A stretch of the bucket's keys, in S3's order of bytes: those that begin with `prefix`, come after `after` and before
/// `before`, both of which are outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRange {
    /// What the keys begin with.
    pub prefix: String,
    /// The last key before the range, for the parameter `start-after` of a listing. The key need not exist.
    pub after: Option<String>,
    /// The first key that is no longer in the range. It may end in U+0000, so compare with it but do not send it.
    pub before: Option<String>,
}

impl KeyRange {
    fn whole(prefix: String) -> Self {
        KeyRange { prefix, after: None, before: None }
    }

    /// Whether a key lies in the range.
    pub fn contains(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
            && self.after.as_deref().is_none_or(|after| key > after)
            && self.before.as_deref().is_none_or(|before| key < before)
    }
}

/// Sorts, and drops what lies under another of them.
pub(crate) fn without_nested(mut prefixes: Vec<String>) -> Vec<String> {
    prefixes.sort_unstable();
    let mut kept: Vec<String> = Vec::with_capacity(prefixes.len());
    for prefix in prefixes {
        if !kept.last().is_some_and(|last| prefix.starts_with(last.as_str())) {
            kept.push(prefix);
        }
    }
    kept
}

/// Whether a key begins with one of the prefixes, which are sorted and not nested. Then only the last one that is not
/// greater than the key can be its beginning.
pub(crate) fn is_under(prefixes: &[String], key: &str) -> bool {
    let after = prefixes.partition_point(|prefix| prefix.as_str() <= key);
    after > 0 && key.starts_with(prefixes[after - 1].as_str())
}

/// A part of a month of more days than this is one range, and not a few per day.
const FEW_DAYS: usize = 3;

/// The ranges to list for disjoint `prefixes`, which come from the date folders in `pieces`, given with the root of their
/// data set, from `raw` prefixes and from specifications.
pub(crate) fn key_ranges(prefixes: &[String], pieces: &[(&str, Vec<DatePrefix>)], raw: &[String]) -> Vec<KeyRange> {
    let (mut years, mut month_parts) = (Vec::new(), Vec::new());
    for (root, pieces) in pieces {
        let mut days_of_months: BTreeMap<(i32, u32), Vec<NaiveDate>> = BTreeMap::new();
        for piece in pieces {
            if let Some(day) = piece.as_day() {
                days_of_months.entry((day.year(), day.month())).or_default().push(day);
            } else if piece.is_year() {
                years.push(format!("{root}{piece}"));
            }
        }
        for ((year, month), days) in days_of_months {
            if let Some(month) = DatePrefix::month(year, month).filter(|_| days.len() > FEW_DAYS) {
                month_parts
                    .extend(month.spellings().iter().map(|folder| part_of_month(format!("{root}{folder}"), &days)));
            }
        }
    }
    // A raw prefix in the same month might reach beyond the days, and two ranges would overlap: there each prefix is a
    // range.
    month_parts
        .retain(|part| !raw.iter().any(|raw| raw.starts_with(&part.prefix) || part.prefix.starts_with(raw.as_str())));

    let mut ranges = Vec::new();
    for prefix in prefixes {
        if years.contains(prefix) {
            ranges.extend(months_of_year(prefix));
        } else if !month_parts.iter().any(|part| prefix.starts_with(&part.prefix)) {
            ranges.push(KeyRange::whole(prefix.clone()));
        }
    }
    ranges.extend(month_parts);
    ranges.sort_unstable_by(|a, b| (a.after.as_ref().unwrap_or(&a.prefix)).cmp(b.after.as_ref().unwrap_or(&b.prefix)));
    ranges
}

/// From the first day to the last in key order, whichever way the days are spelled.
fn part_of_month(prefix: String, days: &[NaiveDate]) -> KeyRange {
    let names: Vec<String> = days.iter().flat_map(|day| number_spellings(day.day())).collect();
    // All keys under the folder `28/` come before `280`, as `0` is the byte after `/`.
    let before = names.iter().max().map(|name| format!("{prefix}{name}0"));
    let after = names.iter().min().map(|name| format!("{prefix}{name}"));
    KeyRange { prefix, after, before }
}

/// A year cut at the names of its months, padded or not, so that each byte string under it lies in exactly one range.
/// The cuts are the names without `/`, so that a month's folder and all in it stay together.
fn months_of_year(year: &str) -> Vec<KeyRange> {
    let mut cuts: Vec<String> = (1..=12).flat_map(number_spellings).map(|month| format!("{year}{month}")).collect();
    cuts.sort_unstable();
    // What comes before the first month, which is nothing as a rule, goes with it.
    let starts = std::iter::once(None).chain(cuts.iter().skip(1).cloned().map(Some));
    // The next range begins after its cut, so this one ends just behind it.
    let ends = cuts.iter().skip(1).map(|cut| Some(format!("{cut}\0"))).chain([None]);
    starts.zip(ends).map(|(after, before)| KeyRange { prefix: year.to_owned(), after, before }).collect()
}
