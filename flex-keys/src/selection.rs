use crate::calendar::TradingCalendar;
use crate::dataset::Dataset;
use crate::date::DatePrefix;
use crate::days::{DaySet, without_slash, written};
use crate::error::SelectionError;
use crate::lookup::{FolderLookup, SpecPrefix, quote_for_shell};
use crate::parse::{Item, parse_arguments};
use crate::ranges::{self, KeyRange};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What reading a selection depends on.
#[derive(Clone, Copy, Debug)]
pub struct SelectionContext<'a> {
    /// Today's date in Tokyo.
    pub today: NaiveDate,
    /// The sessions that `last:N` counts, today's included.
    pub calendar: &'a TradingCalendar,
    /// The bucket whose `s3://` URLs are understood.
    pub source_bucket: &'a str,
}

/// What the user asks for, in a normal form: days merged into intervals, specifications, and raw prefixes.
///
/// Equal selections print alike, and reading [`arguments`](Self::arguments) again, on the same day or a later one, gives
/// an equal selection. A selection that names specifications holds wishes until [`resolve`](Self::resolve) has found their
/// folders; until then [`prefixes`](Self::prefixes), [`key_ranges`](Self::key_ranges) and [`contains`](Self::contains)
/// leave those out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Selection {
    production: DaySet,
    sample: DaySet,
    named: Vec<(Dataset, NaiveDate)>,
    specs: Vec<SpecPrefix>,
    raw: Vec<String>,
    /// What `prefixes()` gives, kept for `contains()`.
    prefixes: Vec<String>,
}

impl Selection {
    /// Reads any number of arguments, in any order, and merges them.
    pub fn parse<S: AsRef<str>>(args: &[S], cx: &SelectionContext<'_>) -> Result<Selection, SelectionError> {
        let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        let (mut production, mut sample) = (Vec::new(), Vec::new());
        let mut selection = Selection::default();
        let mut named = BTreeSet::new();
        for item in parse_arguments(&args, cx)? {
            match item {
                Item::Days { dataset, first, last, is_named } => {
                    if is_named {
                        named.extend(first.iter_days().take_while(|day| *day <= last).map(|day| (dataset, day)));
                    }
                    if dataset == Dataset::Sample { &mut sample } else { &mut production }.push((first, last));
                }
                Item::Spec(spec) => selection.specs.push(spec),
                Item::Raw(prefix) => selection.raw.push(prefix),
            }
        }
        selection.production = DaySet::new(production);
        selection.sample = DaySet::new(sample);
        selection.named = named.into_iter().collect();
        Ok(selection.normalised())
    }

    fn normalised(mut self) -> Self {
        self.specs.sort_unstable();
        self.specs.dedup();
        let all = self.specs.clone();
        self.specs.retain(|spec| !all.iter().any(|other| other != spec && other.covers(spec)));
        self.raw = ranges::without_nested(std::mem::take(&mut self.raw));
        let dated = self.date_sets().into_iter().flat_map(|(dataset, days)| {
            let spellings = days.pieces().into_iter().flat_map(DatePrefix::spellings);
            spellings.map(move |folder| dataset.root().to_owned() + &folder)
        });
        let specs = self.specs.iter().filter_map(SpecPrefix::prefix);
        self.prefixes = ranges::without_nested(dated.chain(specs).chain(self.raw.iter().cloned()).collect());
        self
    }

    fn date_sets(&self) -> [(Dataset, &DaySet); 2] {
        [(Dataset::Production, &self.production), (Dataset::Sample, &self.sample)]
    }

    /// Whether nothing is selected. What [`parse`](Self::parse) gives never is.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty() && self.specs.is_empty()
    }

    /// The folders to list, with delimiter `/`, before the selection is complete. Empty when it is.
    pub fn lookups(&self) -> Vec<FolderLookup> {
        let lookups: BTreeSet<_> = self.specs.iter().filter_map(SpecPrefix::lookup).collect();
        lookups.into_iter().collect()
    }

    /// Goes one step on with what listing the [`lookups`](Self::lookups) found: for each lookup's prefix the full common
    /// prefixes under it. Repeat while `lookups()` is not empty; a specification takes up to three rounds. A lookup that
    /// is not in `folders` stays.
    ///
    /// Folders match by the number of the version and without regard to case. Where several do, all are taken, and those
    /// that lead nowhere are dropped: the vendor may keep a version's languages under different spellings of it.
    ///
    /// # Errors
    /// [`NotFound`](crate::SelectionErrorKind::NotFound) for a specification that no folder leads to.
    pub fn resolve(mut self, folders: &BTreeMap<String, Vec<String>>) -> Result<Selection, SelectionError> {
        let step = |spec: &SpecPrefix| match spec.lookup().and_then(|lookup| folders.get(lookup.prefix())) {
            Some(found) => spec.step(found),
            None => Ok(vec![spec.clone()]),
        };
        let steps: Vec<_> = self.specs.iter().map(|spec| (spec, step(spec))).collect();
        let lives = |spec: &SpecPrefix| steps.iter().any(|(other, step)| step.is_ok() && other.is_same_request(spec));
        let mut specs = Vec::with_capacity(steps.len());
        for (spec, step) in &steps {
            match step {
                Ok(found) => specs.extend_from_slice(found),
                Err(_) if lives(spec) => {}
                Err(error) => return Err(error.clone()),
            }
        }
        self.specs = specs;
        Ok(self.normalised())
    }

    /// The prefixes of all keys, in both spellings of each date: disjoint, sorted, each ending in `/` but for a raw
    /// `prefix:`, which is as it stands.
    pub fn prefixes(&self) -> Vec<String> {
        self.prefixes.clone()
    }

    /// Whether a key lies under one of [`prefixes`](Self::prefixes).
    pub fn contains(&self, key: &str) -> bool {
        ranges::is_under(&self.prefixes, key)
    }

    /// The first of [`prefixes`](Self::prefixes) behind a key.
    pub fn prefix_after(&self, key: &str) -> Option<&str> {
        self.prefixes.get(self.prefixes.partition_point(|prefix| prefix.as_str() <= key)).map(String::as_str)
    }

    /// Disjoint ranges that together cover all of [`prefixes`](Self::prefixes), and here and there more: keep what
    /// [`contains`](Self::contains) says. They are as few as a listing needs: years, and months and parts of months
    /// that follow one another, are one range each; a few single days are one each. [`KeyRange::cuts_after`] tells where to
    /// cut them when there proves to be much in them.
    pub fn key_ranges(&self) -> Vec<KeyRange> {
        let pieces = self.date_sets().map(|(dataset, days)| (dataset.root(), days.pieces()));
        ranges::key_ranges(&self.prefixes, &pieces, &self.raw)
    }

    /// The days that were named one by one, sorted: by date, `today`, `yesterday` or `last:N`, but not by a range, month or
    /// year. A session among them that the source lacks is worth an exit code of its own.
    ///
    /// `last:N` selects today's session without naming it, as its data is usually not published yet.
    pub fn named_days(&self) -> &[(Dataset, NaiveDate)] {
        &self.named
    }

    /// Whether the dates of a data set include a day.
    pub fn includes_day(&self, dataset: Dataset, date: NaiveDate) -> bool {
        self.date_sets().iter().any(|(own, days)| *own == dataset && days.contains(date))
    }

    /// The selected days, first the production data's in order, then the samples'.
    pub fn days(&self) -> impl Iterator<Item = (Dataset, NaiveDate)> + '_ {
        self.date_sets().into_iter().flat_map(|(dataset, days)| days.days().map(move |day| (dataset, day)))
    }

    /// Those of the selected days that the calendar has as sessions.
    pub fn sessions<'a>(&'a self, calendar: &'a TradingCalendar) -> impl Iterator<Item = (Dataset, NaiveDate)> + 'a {
        self.days().filter(|(_, day)| calendar.is_session(*day))
    }

    /// The intervals of days of a data set, both ends included, in order.
    pub fn intervals(&self, dataset: Dataset) -> &[(NaiveDate, NaiveDate)] {
        match dataset {
            Dataset::Production => self.production.intervals(),
            Dataset::Sample => self.sample.intervals(),
            Dataset::ConnectionSpec => &[],
        }
    }

    /// The specifications asked for.
    pub fn specs(&self) -> &[SpecPrefix] {
        &self.specs
    }

    /// The raw prefixes asked for.
    pub fn raw_prefixes(&self) -> &[String] {
        &self.raw
    }

    /// The selection as arguments in canonical form, ready for [`parse`](Self::parse). Folders of a specification that
    /// were found are written as paths.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (dataset, days) in self.date_sets() {
            let is_named = |day| self.named.binary_search(&(dataset, day)).is_ok();
            for &(first, last) in days.intervals() {
                let inside: Vec<_> =
                    self.named.iter().filter(|(own, day)| *own == dataset && (first..=last).contains(day)).collect();
                // An interval of which each day is named is what its days say.
                if !first.iter_days().take_while(|day| *day <= last).all(is_named) {
                    arguments.push(dataset.root().to_owned() + &written((first, last)));
                }
                let days = inside.iter().filter_map(|(_, day)| DatePrefix::day(*day));
                arguments.extend(days.map(|day| dataset.root().to_owned() + &without_slash(day)));
            }
        }
        arguments.extend(self.specs.iter().map(SpecPrefix::to_string));
        arguments.extend(self.raw.iter().map(|prefix| format!("prefix:{prefix}")));
        arguments
    }
}

impl fmt::Display for Selection {
    /// The [`arguments`](Selection::arguments) with a space between them, quoted for a POSIX shell where they need it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arguments: Vec<_> = self.arguments().iter().map(|argument| quote_for_shell(argument)).collect();
        f.write_str(&arguments.join(" "))
    }
}
