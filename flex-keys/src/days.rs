//! A set of days as merged intervals, and how intervals fall into years, months and days.

use crate::date::{DatePrefix, SERVICE_START};
use chrono::{Datelike, NaiveDate};

/// Days as intervals, both ends included; sorted, and with at least a day between one and the next.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct DaySet(Vec<(NaiveDate, NaiveDate)>);

impl DaySet {
    pub(crate) fn new(mut intervals: Vec<(NaiveDate, NaiveDate)>) -> Self {
        intervals.sort_unstable();
        let mut merged: Vec<(NaiveDate, NaiveDate)> = Vec::with_capacity(intervals.len());
        for (first, last) in intervals {
            match merged.last_mut() {
                Some((_, end)) if end.succ_opt().is_none_or(|next| first <= next) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        DaySet(merged)
    }

    pub(crate) fn intervals(&self) -> &[(NaiveDate, NaiveDate)] {
        &self.0
    }

    pub(crate) fn contains(&self, date: NaiveDate) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= date);
        after > 0 && date <= self.0[after - 1].1
    }

    pub(crate) fn days(&self) -> impl Iterator<Item = NaiveDate> + '_ {
        self.0.iter().flat_map(|(first, last)| first.iter_days().take_while(move |day| day <= last))
    }

    /// The fewest years, months and days that make up the set, in order.
    pub(crate) fn pieces(&self) -> Vec<DatePrefix> {
        let mut pieces = Vec::new();
        for &(first, last) in &self.0 {
            let mut next = Some(first);
            while let Some(date) = next.filter(|date| *date <= last) {
                let Some(piece) = widest(date, last) else { break };
                pieces.push(piece);
                next = piece.last().succ_opt();
            }
        }
        pieces
    }
}

/// The widest folder that begins on `date` and ends by `last`.
fn widest(date: NaiveDate, last: NaiveDate) -> Option<DatePrefix> {
    let year = DatePrefix::year(date.year());
    let month = DatePrefix::month(date.year(), date.month());
    let fits = |prefix: &DatePrefix| first_day(*prefix) == date && prefix.last() <= last;
    year.filter(fits).or(month.filter(fits)).or(DatePrefix::day(date))
}

/// The first day that can have data: January 2010, and that year, begin with the service.
pub(crate) fn first_day(prefix: DatePrefix) -> NaiveDate {
    let first = prefix.first();
    if prefix.last() >= SERVICE_START { first.max(SERVICE_START) } else { first }
}

/// How an interval is written: `2021`, `2020..2021`, `2021/05`, `2021/05..2021/06`, `2021/05/24..2021/06/02`. One day
/// is written as a range too, `2021/05/31..2021/05/31`, as a day alone would be one named by itself.
pub(crate) fn written((first, last): (NaiveDate, NaiveDate)) -> String {
    let forms: [fn(NaiveDate) -> Option<DatePrefix>; 3] =
        [|date| DatePrefix::year(date.year()), |date| DatePrefix::month(date.year(), date.month()), DatePrefix::day];
    for form in forms {
        if let (Some(from), Some(to)) = (form(first), form(last))
            && first_day(from) == first
            && to.last() == last
        {
            return match from == to && from.as_day().is_none() {
                true => without_slash(from),
                false => format!("{}..{}", without_slash(from), without_slash(to)),
            };
        }
    }
    format!("{first}..{last}")
}

pub(crate) fn without_slash(prefix: DatePrefix) -> String {
    prefix.to_string().trim_end_matches('/').to_owned()
}
