use crate::date::SERVICE_START;
use crate::holidays;
use crate::text::quoted;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use std::collections::BTreeMap;
use std::fmt;

/// What a day is on the Tokyo Stock Exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DayKind<'a> {
    /// A trading day.
    Session,
    /// A Saturday or Sunday, whether it is a holiday or not.
    Weekend,
    /// A national holiday, by its name.
    Holiday(&'a str),
    /// 31 December or 1 to 3 January.
    NewYear,
    /// A working day without trading because the system had failed. Files may exist, none need be.
    Halted,
    /// Before the service began.
    BeforeService,
    /// Closed by an override, for the reason given there.
    Closed(&'a str),
}

impl fmt::Display for DayKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DayKind::Session => f.write_str("session"),
            DayKind::Weekend => f.write_str("weekend"),
            DayKind::Holiday(name) => write!(f, "holiday ({name})"),
            DayKind::NewYear => f.write_str("new year"),
            DayKind::Halted => f.write_str("halted"),
            DayKind::BeforeService => f.write_str("before the service began"),
            DayKind::Closed("") => f.write_str("closed"),
            DayKind::Closed(reason) => write!(f, "closed ({reason})"),
        }
    }
}

/// The trading days of the Tokyo Stock Exchange from 2010-01-04 on.
///
/// The calendar orders and explains; it never decides what is listed. Years beyond [`last_year`](Self::last_year) follow
/// the law as it stands and are provisional: ask [`is_provisional`](Self::is_provisional).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TradingCalendar {
    overrides: BTreeMap<NaiveDate, Override>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Override {
    session: bool,
    reason: String,
}

impl TradingCalendar {
    /// The calendar as built in.
    pub fn tse() -> Self {
        TradingCalendar::default()
    }

    /// The same with corrections, one a line: `YYYY-MM-DD session` or `YYYY-MM-DD closed`, then a reason if you like. Empty
    /// lines and what follows a `#` are left out.
    ///
    /// ```
    /// # use flex_keys::TradingCalendar;
    /// let calendar = TradingCalendar::tse().with_overrides("2028-02-14 closed  # exchange moves house\n")?;
    /// # assert!(!calendar.is_session(chrono::NaiveDate::from_ymd_opt(2028, 2, 14).unwrap()));
    /// # Ok::<(), flex_keys::OverrideError>(())
    /// ```
    pub fn with_overrides(mut self, text: &str) -> Result<Self, OverrideError> {
        let mut lines = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let fault = |problem: String| OverrideError { line: index + 1, text: line.to_owned(), problem };
            let content = line.split('#').next().unwrap_or_default().trim_start_matches('\u{feff}').trim();
            if content.is_empty() {
                continue;
            }
            let (date, rest) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
            let (kind, reason) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
            let date = read_date(date).ok_or_else(|| fault(format!("{} is not a date", quoted(date))))?;
            let session = match kind {
                "session" => true,
                "closed" => false,
                "" => return Err(fault(format!("{date} is neither session nor closed"))),
                other => return Err(fault(format!("{} is neither session nor closed", quoted(other)))),
            };
            if let Some(first) = lines.insert(date, index + 1) {
                return Err(fault(format!("{date} stands in line {first} already")));
            }
            self.overrides.insert(date, Override { session, reason: reason.trim().to_owned() });
        }
        Ok(self)
    }

    /// What a day is.
    pub fn day(&self, date: NaiveDate) -> DayKind<'_> {
        if let Some(own) = self.overrides.get(&date) {
            return if own.session { DayKind::Session } else { DayKind::Closed(&own.reason) };
        }
        if date < SERVICE_START {
            DayKind::BeforeService
        } else if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
            DayKind::Weekend
        } else if matches!((date.month(), date.day()), (12, 31) | (1, 1..=3)) {
            DayKind::NewYear
        } else if (date.year(), date.month(), date.day()) == holidays::HALTED {
            DayKind::Halted
        } else {
            holidays::holiday(date).map_or(DayKind::Session, DayKind::Holiday)
        }
    }

    /// Whether there was, or is to be, trading.
    pub fn is_session(&self, date: NaiveDate) -> bool {
        self.day(date) == DayKind::Session
    }

    /// Whether the day lies beyond the table, so that a change of law or an announcement may still move it. A day with an
    /// override does not.
    pub fn is_provisional(&self, date: NaiveDate) -> bool {
        date.year() > holidays::LAST_YEAR && !self.overrides.contains_key(&date)
    }

    /// The last year of the built-in table.
    pub fn last_year(&self) -> i32 {
        holidays::LAST_YEAR
    }

    /// The last `n` sessions up to and including `today`, oldest first. Fewer when the service has not had as many.
    pub fn last_sessions(&self, n: usize, today: NaiveDate) -> Vec<NaiveDate> {
        let earliest = self.overrides.keys().next().copied().unwrap_or(SERVICE_START).min(SERVICE_START);
        let days = std::iter::successors(Some(today), |day| day.checked_sub_days(Days::new(1)));
        let mut sessions: Vec<_> =
            days.take_while(|day| *day >= earliest).filter(|day| self.is_session(*day)).take(n).collect();
        sessions.reverse();
        sessions
    }
}

/// `YYYY-MM-DD` and nothing else.
fn read_date(text: &str) -> Option<NaiveDate> {
    // chrono reads years before our era, too.
    let plain = |(at, b): (usize, u8)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    (text.len() == 10 && text.bytes().enumerate().all(plain)).then(|| text.parse().ok()).flatten()
}

/// A line of an override file that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideError {
    line: usize,
    text: String,
    problem: String,
}

impl OverrideError {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, text) = (self.line, quoted(&self.text));
        write!(f, "line {line} of the calendar's corrections, {text}: {}; ", self.problem)?;
        f.write_str("expected a date, then session or closed, for example 2021-05-31 closed system failure")
    }
}

impl std::error::Error for OverrideError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn days_that_are_easily_wrong() {
        let tse = TradingCalendar::tse();
        for (day, want) in [
            ("2010-01-01", DayKind::BeforeService),
            ("2010-01-04", DayKind::Session),
            ("2011-03-11", DayKind::Session),
            ("2012-12-31", DayKind::NewYear),
            ("2013-01-03", DayKind::NewYear),
            ("2015-09-22", DayKind::Holiday("Citizens' Holiday")),
            ("2019-04-30", DayKind::Holiday("Citizens' Holiday")),
            ("2019-05-01", DayKind::Holiday("The Emperor's Accession")),
            ("2019-05-02", DayKind::Holiday("Citizens' Holiday")),
            ("2019-05-06", DayKind::Holiday("Substitute Holiday")),
            ("2019-10-22", DayKind::Holiday("The Enthronement Ceremony")),
            ("2019-12-23", DayKind::Session),
            ("2020-07-20", DayKind::Session),
            ("2020-07-24", DayKind::Holiday("Sports Day")),
            ("2020-10-01", DayKind::Halted),
            ("2020-10-12", DayKind::Session),
            ("2021-07-23", DayKind::Holiday("Sports Day")),
            ("2021-08-09", DayKind::Holiday("Substitute Holiday")),
            ("2021-08-11", DayKind::Session),
            ("2021-05-30", DayKind::Weekend),
            ("2021-05-31", DayKind::Session),
        ] {
            assert_eq!(tse.day(date(day)), want, "{day}");
        }
    }

    #[test]
    fn overrides_win_and_end_the_doubt() {
        let text =
            "\u{feff}# moved\n\n2021-05-31 closed  system failure # all day\r\n2021-06-05\tsession\n2030-01-04 closed";
        let calendar = TradingCalendar::tse().with_overrides(text).expect("a good file");
        assert_eq!(calendar.day(date("2021-05-31")), DayKind::Closed("system failure"));
        assert!(calendar.is_session(date("2021-06-05")));
        assert_eq!(calendar.day(date("2030-01-04")), DayKind::Closed(""));
        assert!(!calendar.is_provisional(date("2030-01-04")));
        assert!(calendar.is_provisional(date("2030-01-07")));
        assert!(!calendar.is_provisional(date("2027-12-31")));
    }

    #[test]
    fn a_bad_override_names_its_line() {
        for (text, line, part) in [
            ("2021-05-31 closed\nnonsense", 2, "\"nonsense\" is not a date"),
            ("2021/05/31 closed", 1, "is not a date"),
            ("2021-02-29 closed", 1, "is not a date"),
            ("-021-05-31 closed", 1, "\"-021-05-31\" is not a date"),
            ("\n\n2021-05-31", 3, "2021-05-31 is neither session nor closed"),
            ("2021-05-31 open", 1, "\"open\" is neither"),
            ("2021-05-31 closed\n# again\n2021-05-31 session", 3, "stands in line 1 already"),
        ] {
            let error = TradingCalendar::tse().with_overrides(text).expect_err(text);
            assert_eq!(error.line(), line, "{text}");
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn the_last_sessions_skip_what_was_closed() {
        let sessions = TradingCalendar::tse().last_sessions(3, date("2020-10-03"));
        assert_eq!(sessions, [date("2020-09-29"), date("2020-09-30"), date("2020-10-02")]);
        let all = TradingCalendar::tse().last_sessions(99, date("2010-01-06"));
        assert_eq!(all, [date("2010-01-04"), date("2010-01-05"), date("2010-01-06")]);
        assert!(TradingCalendar::tse().last_sessions(5, date("2009-12-30")).is_empty());
    }
}
