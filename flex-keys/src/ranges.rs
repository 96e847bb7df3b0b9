//! Prefixes and key ranges: what a selection means in the bucket's key order.

use crate::{
    calendar::TradingCalendar,
    date::{DatePrefix, number_spellings},
    key::ObjectKey,
};
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
    /// Where the range can be cut to be listed side by side: the folders of the sessions that come after `last`, a key of the
    /// range, in key order and without `/` at their end. They are spelled as in `first` and `last`, which may be the same
    /// key; one that is spelled otherwise after all is as well on either side of a cut. None where `last` has no date.
    ///
    /// A key that equals a cut belongs before it: the next range begins after the cut, and the one before it ends before the
    /// cut with U+0000 at its end.
    pub fn cuts_after(&self, first: &str, last: &str, calendar: &TradingCalendar) -> Vec<String> {
        let key = ObjectKey::parse(last);
        let (Some(dataset), Some(date)) = (key.dataset(), key.date()) else { return Vec::new() };
        let root = dataset.root();
        // 10 to 31 are written one way only, so a folder that says nothing is taken to be like the other.
        let digits = |folder| {
            let name = |key: &str| {
                let name = key.get(root.len()..).and_then(|path| path.split('/').nth(folder));
                name.and_then(|name| (name.len() == 1 || name.starts_with('0')).then_some(name.len()))
            };
            name(first).or_else(|| name(last))
        };
        let month = digits(1).or_else(|| digits(2)).unwrap_or(2);
        let day = digits(2).unwrap_or(month);
        let year = NaiveDate::from_yo_opt(date.year(), 1).unwrap_or(date).iter_days();
        let sessions = year.take_while(|day| day.year() == date.year()).filter(|day| calendar.is_session(*day));
        let mut cuts: Vec<_> = sessions
            .map(|date| format!("{root}{:04}/{:0month$}/{:0day$}", date.year(), date.month(), date.day()))
            .chain([format!("{root}{:04}", date.year() + 1)])
            .filter(|cut| cut.as_str() > last && cut.starts_with(&self.prefix))
            // A range that ends with a cut holds nothing behind it.
            .filter(|cut| self.before.as_ref().is_none_or(|before| cut.as_str() < before.trim_end_matches('\0')))
            .collect();
        cuts.sort_unstable();
        cuts
    }

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

/// Of a month with more days selected than this, one range is listed, and not a prefix for each day.
const FEW_DAYS: usize = 3;

/// The ranges to list for disjoint `prefixes`, which come from the date folders in `pieces`, given with the root of their
/// data set, from `raw` prefixes and from specifications.
pub(crate) fn key_ranges(prefixes: &[String], pieces: &[(&str, Vec<DatePrefix>)], raw: &[String]) -> Vec<KeyRange> {
    let mut runs = Vec::new();
    for (root, pieces) in pieces {
        let mut years: BTreeMap<i32, BTreeMap<u32, Month>> = BTreeMap::new();
        for piece in pieces.iter().filter(|piece| !piece.is_year()) {
            let months = years.entry(piece.first().year()).or_default();
            let month = months.entry(piece.first().month()).or_default();
            match piece.as_day() {
                Some(day) => month.days.push(day),
                None => month.whole = true,
            }
        }
        for (year, months) in &years {
            runs_of_year(&format!("{root}{year:04}/"), months, &mut runs);
        }
    }
    // A raw prefix might reach beyond the run's ends, and two ranges would overlap: there each prefix is a range.
    runs.retain(|run| !raw.iter().any(|raw| raw.starts_with(&run.prefix) || run.prefix.starts_with(raw.as_str())));

    // What the prefix says by itself.
    for run in &mut runs {
        let folder = run.prefix.trim_end_matches('/');
        if run.after.as_deref() == Some(folder) && run.before.as_deref() == Some(&format!("{folder}0")) {
            *run = KeyRange::whole(std::mem::take(&mut run.prefix));
        }
    }

    let alone = prefixes.iter().filter(|prefix| !runs.iter().any(|run| run.contains(prefix)));
    let mut ranges: Vec<_> = alone.cloned().map(KeyRange::whole).collect();
    ranges.extend(runs);
    ranges.sort_unstable_by(|a, b| (a.after.as_ref().unwrap_or(&a.prefix)).cmp(b.after.as_ref().unwrap_or(&b.prefix)));
    ranges
}

/// What is selected of a month.
#[derive(Default)]
struct Month {
    whole: bool,
    /// In order.
    days: Vec<NaiveDate>,
}

impl Month {
    fn is_listed_by_day(&self) -> bool {
        !self.whole && self.days.len() <= FEW_DAYS
    }

    /// Whether hardly a day is left out before the first that is selected.
    fn reaches_its_start(&self) -> bool {
        self.whole || self.days.first().is_some_and(|day| day.day0() as usize <= FEW_DAYS)
    }

    /// Whether hardly a day is left out after the last that is selected.
    fn reaches_its_end(&self) -> bool {
        let left = |day: &NaiveDate| usize::from(day.num_days_in_month()).saturating_sub(day.day() as usize);
        self.whole || self.days.last().is_some_and(|day| left(day) <= FEW_DAYS)
    }

    fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.days.iter().flat_map(|day| number_spellings(day.day()))
    }

    /// In this folder, given without `/`: the key after which it begins, and the key before which it ends. All keys under the
    /// folder `28/` come before `280`, as `0` is the byte after `/`.
    fn bounds(&self, folder: &str) -> (String, String) {
        match (self.names().min(), self.names().max()) {
            (Some(first), Some(last)) if !self.whole => (format!("{folder}/{first}"), format!("{folder}/{last}0")),
            _ => (folder.to_owned(), format!("{folder}0")),
        }
    }
}

/// The months of a year as few ranges: those that follow one another in key order, whichever way they are spelled, are one.
fn runs_of_year(year: &str, months: &BTreeMap<u32, Month>, runs: &mut Vec<KeyRange>) {
    let spelled = |month| number_spellings(month).into_iter().map(move |name| (name, month));
    let mut folders: Vec<_> = (1..=12).flat_map(spelled).collect();
    folders.sort_unstable();
    let mut goes_on = false;
    for (name, number) in folders {
        let Some(month) = months.get(&number).filter(|month| !month.is_listed_by_day()) else {
            goes_on = false;
            continue;
        };
        let folder = format!("{year}{name}");
        let (after, before) = month.bounds(&folder);
        match runs.last_mut() {
            Some(run) if goes_on && month.reaches_its_start() => {
                year.clone_into(&mut run.prefix);
                run.before = Some(before);
            }
            _ => runs.push(KeyRange { prefix: format!("{folder}/"), after: Some(after), before: Some(before) }),
        }
        goes_on = month.reaches_its_end();
    }
}
