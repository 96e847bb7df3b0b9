use crate::text::{Narrowed, quoted};
use chrono::{Datelike, Days, NaiveDate};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The first day of the service. What is older does not exist.
pub const SERVICE_START: NaiveDate = match NaiveDate::from_ymd_opt(2010, 1, 4) {
    Some(date) => date,
    None => panic!("a date"),
};

/// The first day whose production data is pcap. Text of FLEX messages goes up to 2021-05-21, the session before.
pub const PCAP_START: NaiveDate = match NaiveDate::from_ymd_opt(2021, 5, 24) {
    Some(date) => date,
    None => panic!("a date"),
};

/// A folder of a year, a month or a day.
///
/// It always holds dates that exist, of the years 1 to 9999. It reads `2021/05/31`, `2021/5/31`, `2021-05-31`,
/// `20210531` and the shorter forms of month and year, with or without a `/` at the end, in full-width digits too.
/// It prints the padded form with the slash, `2021/05/31/`, and reading that gives the same value.
/// `2021/1` is January and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatePrefix {
    first: NaiveDate,
    last: NaiveDate,
}

impl DatePrefix {
    /// A whole year.
    pub fn year(year: i32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, 1, 1).filter(|_| (1..=9999).contains(&year))?;
        Some(DatePrefix { first, last: NaiveDate::from_ymd_opt(year, 12, 31)? })
    }

    /// A whole month.
    pub fn month(year: i32, month: u32) -> Option<Self> {
        let first = NaiveDate::from_ymd_opt(year, month, 1).filter(|_| (1..=9999).contains(&year))?;
        let last = first.checked_add_months(chrono::Months::new(1))?.checked_sub_days(Days::new(1))?;
        Some(DatePrefix { first, last })
    }

    /// One day.
    pub fn day(date: NaiveDate) -> Option<Self> {
        (1..=9999).contains(&date.year()).then_some(DatePrefix { first: date, last: date })
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last(self) -> NaiveDate {
        self.last
    }

    /// The day, when it is one day.
    pub fn as_day(self) -> Option<NaiveDate> {
        (self.first == self.last).then_some(self.first)
    }

    /// Whether it is a whole month.
    pub fn is_month(self) -> bool {
        self.first != self.last && self.first.month() == self.last.month()
    }

    /// Whether it is a whole year.
    pub fn is_year(self) -> bool {
        self.first.month() != self.last.month()
    }

    /// Every way in which the vendor may have written this folder, the padded one first: one for a year, up to two for
    /// a month, up to four for a day. The vendor's manual shows both `2021/05/31` and `2021/5/31`.
    pub fn spellings(self) -> Vec<String> {
        let year = format!("{:04}/", self.first.year());
        if self.is_year() {
            return vec![year];
        }
        let months = number_spellings(self.first.month());
        if self.is_month() {
            return months.iter().map(|month| format!("{year}{month}/")).collect();
        }
        let days = number_spellings(self.first.day());
        months
            .iter()
            .flat_map(|month| days.iter().map(move |day| (month, day)))
            .map(|(month, day)| format!("{year}{month}/{day}/"))
            .collect()
    }
}

/// `05` and `5`; `12` alone.
pub(crate) fn number_spellings(number: u32) -> Vec<String> {
    if number < 10 { vec![format!("{number:02}"), number.to_string()] } else { vec![number.to_string()] }
}

impl fmt::Display for DatePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = (self.first.year(), self.first.month(), self.first.day());
        if self.is_year() {
            write!(f, "{year:04}/")
        } else if self.is_month() {
            write!(f, "{year:04}/{month:02}/")
        } else {
            write!(f, "{year:04}/{month:02}/{day:02}/")
        }
    }
}

impl FromStr for DatePrefix {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let narrowed = Narrowed::new(text);
        parse_date(narrowed.text()).map_err(|fault| DateError {
            input: text.to_owned(),
            at: narrowed.place(&fault.at),
            part: fault.part,
            problem: fault.problem,
        })
    }
}

/// The part of a date that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DatePart {
    /// The year is missing or not four digits.
    Year,
    /// The month is missing or there is no such month.
    Month,
    /// The day is missing or the month has no such day.
    Day,
    /// It does not have the form of a date.
    Form,
}

impl DatePart {
    pub(crate) fn expected(self) -> &'static str {
        match self {
            DatePart::Year => "a year of four digits",
            DatePart::Month => "a month from 01 to 12",
            DatePart::Day => "a day that the month has",
            DatePart::Form => "a year, a month or a day",
        }
    }

    pub(crate) fn example(self) -> &'static str {
        match self {
            DatePart::Year => "2021",
            DatePart::Month => "2021/05",
            DatePart::Day => "2021/05/31",
            DatePart::Form => "2021, 2021/05, 2021/05/31, 2021-05-31 or 20210531",
        }
    }
}

/// A text that is not a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateError {
    input: String,
    at: Range<usize>,
    part: DatePart,
    problem: String,
}

impl DateError {
    /// The part that is wrong.
    pub fn part(&self) -> DatePart {
        self.part
    }

    /// Where it stands in the text, in bytes.
    pub fn place(&self) -> Range<usize> {
        self.at.clone()
    }
}

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (input, part) = (quoted(&self.input), self.part);
        write!(f, "{input}: {}; expected {}, for example {}", self.problem, part.expected(), part.example())
    }
}

impl std::error::Error for DateError {}

/// What is wrong with a date, before the original text is known.
#[derive(Debug)]
pub(crate) struct DateFault {
    pub(crate) at: Range<usize>,
    pub(crate) part: DatePart,
    pub(crate) problem: String,
}

/// Reads a date in ASCII width.
pub(crate) fn parse_date(text: &str) -> Result<DatePrefix, DateFault> {
    let body = text.strip_suffix('/').unwrap_or(text);
    let fault = |at: Range<usize>, part, problem: String| Err(DateFault { at, part, problem });
    if body.is_empty() {
        return fault(0..text.len(), DatePart::Form, "there is no date".to_owned());
    }
    let pieces = match body.find(|c: char| !c.is_ascii_digit()) {
        None => match body.len() {
            4 => vec![(0, body)],
            6 => vec![(0, &body[..4]), (4, &body[4..])],
            8 => vec![(0, &body[..4]), (4, &body[4..6]), (6, &body[6..])],
            digits => return fault(0..digits, DatePart::Form, format!("{digits} digits are not a date")),
        },
        Some(at) => match body[at..].chars().next() {
            Some(separator @ ('/' | '-')) => {
                body.split(separator).map(|piece| (piece.as_ptr() as usize - body.as_ptr() as usize, piece)).collect()
            }
            other => {
                let other = other.unwrap_or_default();
                return fault(at..at + other.len_utf8(), DatePart::Form, format!("{other:?} has no place in a date"));
            }
        },
    };
    let place = |(at, piece): (usize, &str)| at..at + piece.len();
    let year = pieces[0];
    let Some(year_number) = number(year.1, 4..=4).filter(|year| *year > 0) else {
        return fault(place(year), DatePart::Year, format!("{} is not a year", quoted(year.1)));
    };
    let year_number = year_number as i32;
    let Some(month) = pieces.get(1).copied() else {
        return match DatePrefix::year(year_number) {
            Some(prefix) => Ok(prefix),
            None => fault(place(year), DatePart::Year, format!("there is no year {}", year.1)),
        };
    };
    let Some(of_month) = number(month.1, 1..=2).and_then(|m| DatePrefix::month(year_number, m)) else {
        return fault(place(month), DatePart::Month, no_such("month", month.1));
    };
    let Some(day) = pieces.get(2).copied() else {
        return Ok(of_month);
    };
    let date = number(day.1, 1..=2).and_then(|d| of_month.first().with_day(d)).and_then(DatePrefix::day);
    let Some(of_day) = date else {
        let problem = match number(day.1, 1..=2) {
            Some(d) if (1..=31).contains(&d) => {
                format!("{:04}/{:02} has {} days", year_number, of_month.first().month(), of_month.last().day())
            }
            _ => no_such("day", day.1),
        };
        return fault(place(day), DatePart::Day, problem);
    };
    match pieces.get(3) {
        None => Ok(of_day),
        Some((at, _)) => fault(*at..body.len(), DatePart::Form, "a date ends with its day".to_owned()),
    }
}

fn no_such(what: &str, text: &str) -> String {
    match text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        true => format!("there is no {what} {text}"),
        false if text.is_empty() => format!("the {what} is missing"),
        false => format!("{} is not a {what}", quoted(text)),
    }
}

/// A decimal number of so many digits.
pub(crate) fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let ok = digits.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    ok.then(|| text.parse().ok()).flatten()
}
