//! Days for which the source lists nothing, and why that may be.

use chrono::NaiveDate;
use flex_keys::{Dataset, DayKind, TradingCalendar};
use serde::Serialize;

use super::size;

/// What was selected and is not there.
#[derive(Debug, Default)]
pub(crate) struct Absent {
    /// Sessions inside the selection, those of today and later left out: their data may come yet.
    pub(crate) sessions: Vec<(Dataset, NaiveDate)>,
    /// Sessions of today and later.
    pub(crate) to_come: Vec<(Dataset, NaiveDate)>,
    /// Days that were named one by one.
    pub(crate) named: Vec<NamedDay>,
    /// Some of these sessions lie beyond the years of which the exchange's holidays are known.
    pub(crate) provisional: bool,
}

/// A day that was named by itself and is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NamedDay {
    #[serde(serialize_with = "super::json::day")]
    pub(crate) day: (Dataset, NaiveDate),
    /// The calendar has it as a session: its absence is a gap.
    pub(crate) session: bool,
    pub(crate) why: String,
}

impl Absent {
    pub(crate) fn new(
        sessions: Vec<(Dataset, NaiveDate)>,
        named: Vec<(Dataset, NaiveDate)>,
        calendar: &TradingCalendar,
        today: NaiveDate,
    ) -> Self {
        let provisional = sessions.iter().any(|day| !named.contains(day) && calendar.is_provisional(day.1));
        let (to_come, sessions) = sessions.into_iter().partition(|(_, date)| *date >= today);
        let named = named
            .into_iter()
            .map(|day| NamedDay { day, session: calendar.is_session(day.1), why: why(day.1, calendar, today) })
            .collect();
        Self { sessions, to_come, named, provisional }
    }

    /// A session that was named by itself is not there.
    pub(crate) fn named_session(&self) -> bool {
        self.named.iter().any(|day| day.session)
    }

    /// The sessions that were not named by themselves, as a short list for each kind of data.
    pub(crate) fn listed(&self, calendar: &TradingCalendar) -> Vec<String> {
        let follows = |a: NaiveDate, b: NaiveDate| {
            // No session lies between them.
            a.iter_days().skip(1).take_while(|day| *day < b).all(|day| !calendar.is_session(day))
        };
        let is_named = |day: &(Dataset, NaiveDate)| self.named.iter().any(|named| named.day == *day);
        [Dataset::Production, Dataset::Sample]
            .into_iter()
            .filter_map(|dataset| {
                let days: Vec<_> = self
                    .sessions
                    .iter()
                    .filter(|day| day.0 == dataset && !is_named(day))
                    .map(|(_, date)| *date)
                    .collect();
                let count = days.len() as u64;
                let kind = if dataset == Dataset::Sample { "sample " } else { "" };
                (count > 0).then(|| {
                    let number = size::count(count, &format!("{kind}session"), &format!("{kind}sessions"));
                    format!("{number} ({})", size::compressed(&days, follows))
                })
            })
            .collect()
    }
}

fn why(date: NaiveDate, calendar: &TradingCalendar, today: NaiveDate) -> String {
    let kind = calendar.day(date);
    let mut text = match kind {
        DayKind::Session if date >= today => "a session, not published yet".to_owned(),
        DayKind::Session => "a session, but the source lists nothing for it".to_owned(),
        DayKind::Weekend => format!("no session: {}", date.format("%A")),
        DayKind::Holiday(name) => format!("no session: {name}"),
        DayKind::NewYear => "no session: new year holidays".to_owned(),
        DayKind::Halted => "no session: trading was halted all day".to_owned(),
        other => format!("no session: {other}"),
    };
    if calendar.is_provisional(date) {
        text.push_str(" (the calendar for that year is provisional)");
    }
    text
}

/// `2021/05/31`, or `testdata/2021/05/31`.
pub(crate) fn written(day: (Dataset, NaiveDate)) -> String {
    format!("{}{}", day.0.root(), day.1.format("%Y/%m/%d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn a_named_day_says_why_it_is_not_there() {
        let calendar = TradingCalendar::tse();
        let today = date("2021-06-02");
        for (day, want) in [
            ("2021-05-29", "no session: Saturday"),
            ("2021-05-31", "a session, but the source lists nothing for it"),
            ("2021-06-02", "a session, not published yet"),
            ("2021-01-02", "no session"),
            ("2020-10-01", "no session: trading was halted all day"),
        ] {
            let got = why(date(day), &calendar, today);
            assert!(got.starts_with(want), "{day}: {got}");
        }
        assert!(
            why(date("2021-05-05"), &calendar, today).contains("Children"),
            "{}",
            why(date("2021-05-05"), &calendar, today)
        );
    }

    #[test]
    fn sessions_in_a_row_are_one_range_across_a_weekend() {
        let calendar = TradingCalendar::tse();
        let days = ["2021-05-27", "2021-05-28", "2021-05-31", "2021-06-02"].map(|d| (Dataset::Production, date(d)));
        let absent = Absent::new(days.to_vec(), vec![], &calendar, date("2021-06-02"));
        assert_eq!(absent.listed(&calendar), ["3 sessions (2021/05/27..2021/05/31)"]);
        assert_eq!(absent.to_come, [(Dataset::Production, date("2021-06-02"))]);
        assert!(!absent.named_session() && !absent.provisional);

        let year = calendar.last_year() + 1;
        let days = [2, 3].map(|day| (Dataset::Production, NaiveDate::from_ymd_opt(year, 6, day).expect("a date")));
        assert!(Absent::new(days.to_vec(), vec![], &calendar, days[1].1).provisional);
    }
}
