//! The grammar of selections: one argument at a time into days, specifications or raw prefixes.

use crate::dataset::Dataset;
use crate::date::{DateFault, DatePrefix, SERVICE_START, parse_date};
use crate::days::first_day;
use crate::error::{Fault, SelectionError, SelectionErrorKind as Kind};
use crate::lookup::{self, SpecPrefix};
use crate::selection::SelectionContext;
use crate::text::{Narrowed, quoted};
use chrono::NaiveDate;
use std::ops::Range;

/// What an argument asks for.
pub(crate) enum Item {
    Days { dataset: Dataset, first: NaiveDate, last: NaiveDate, is_named: bool },
    Spec(SpecPrefix),
    Raw(String),
}

const FORMS: &str =
    "a date, a range A..B, today, yesterday, last:N, all, testdata/…, ConnectionSpec/…, spec:…, s3://… or prefix:…";
const EXAMPLE: &str = "2021/05/31 or 2021/05/24..2021/06/30";

pub(crate) fn parse_arguments(args: &[&str], cx: &SelectionContext<'_>) -> Result<Vec<Item>, SelectionError> {
    if args.is_empty() {
        let fault = Fault::new(Kind::Empty, 0..0, "nothing is selected", FORMS, EXAMPLE);
        return Err(SelectionError::new(None, "", fault));
    }
    let mut items = Vec::new();
    for (index, arg) in args.iter().enumerate() {
        let narrowed = Narrowed::new(arg);
        let reader = Reader { cx, next: args.get(index + 1).copied(), narrowed: &narrowed };
        let read = reader.argument().map_err(|mut fault| {
            fault.at = narrowed.place(&fault.at);
            SelectionError::new(Some(index), arg, fault)
        });
        items.extend(read?);
    }
    Ok(items)
}

/// Reads one argument. Each part is given with its offset in the narrowed text, so that an error has its place.
struct Reader<'a> {
    cx: &'a SelectionContext<'a>,
    next: Option<&'a str>,
    narrowed: &'a Narrowed<'a>,
}

impl Reader<'_> {
    fn argument(&self) -> Result<Vec<Item>, Fault> {
        let text = self.narrowed.text();
        if text.trim().is_empty() {
            return Err(Fault::new(Kind::Empty, 0..text.len(), "nothing is selected", FORMS, EXAMPLE));
        }
        if let Some(rest) = strip_word(text, "prefix:") {
            // Verbatim: a key may hold full-width characters.
            let raw = self.narrowed.original_from(text.len() - rest.len());
            if raw.is_empty() {
                let problem = "the prefix is missing";
                return Err(Fault::new(
                    Kind::Empty,
                    text.len()..text.len(),
                    problem,
                    "what keys begin with",
                    "prefix:2021/05/3",
                ));
            }
            return Ok(vec![Item::Raw(raw.to_owned())]);
        }
        // White space at the ends comes from files and pasting, and no other form can begin or end with it.
        let offset = text.len() - text.trim_start().len();
        let text = text.trim();
        if let Some(rest) = strip_word(text, "spec:") {
            return Ok(vec![Item::Spec(lookup::parse_short(rest, offset + text.len() - rest.len())?)]);
        }
        if let Some(rest) = strip_word(text, S3_SCHEME) {
            return self.url(rest, offset + text.len() - rest.len());
        }
        self.path(text, offset)
    }

    fn url(&self, rest: &str, offset: usize) -> Result<Vec<Item>, Fault> {
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let place = offset..offset + bucket.len();
        let source = self.cx.source_bucket;
        if bucket != source {
            let problem = match bucket.is_empty() {
                true => "the bucket is missing".to_owned(),
                false => format!("{} is not the source bucket", quoted(bucket)),
            };
            let expected =
                format!("a URL of {source}; for a key of it use prefix:, for another bucket --source-bucket");
            return Err(Fault::new(Kind::OtherBucket, place, problem, expected, format!("s3://{source}/2021/05")));
        }
        let at = offset + bucket.len() + 1;
        if path.is_empty() {
            let at = at.min(offset + rest.len());
            let problem = "this is the whole bucket";
            let expected = "the part of it that is wanted";
            return Err(Fault::new(Kind::Unrecognised, at..at, problem, expected, "all testdata/all ConnectionSpec"));
        }
        self.path(path, at)
    }

    /// A path of the bucket, or a form that stands for one.
    fn path(&self, text: &str, offset: usize) -> Result<Vec<Item>, Fault> {
        let (root, rest) = text.split_once('/').unwrap_or((text, ""));
        let below = offset + text.len() - rest.len();
        if root.eq_ignore_ascii_case("ConnectionSpec") {
            return Ok(vec![Item::Spec(lookup::parse_path(rest, below, self.next)?)]);
        }
        if root.eq_ignore_ascii_case("testdata") {
            let rest = if rest.is_empty() { "all" } else { rest };
            return self.dates(rest, below, Dataset::Sample);
        }
        self.dates(text, offset, Dataset::Production)
    }

    fn dates(&self, text: &str, offset: usize, dataset: Dataset) -> Result<Vec<Item>, Fault> {
        let today = self.cx.today;
        let days = |first, last, is_named| Ok(vec![Item::Days { dataset, first, last, is_named }]);
        let whole = offset..offset + text.len();
        if text.eq_ignore_ascii_case("all") {
            return match SERVICE_START <= today {
                true => days(SERVICE_START, today, false),
                false => Err(self.future(whole, SERVICE_START)),
            };
        }
        if let Some(count) = strip_word(text, "last:") {
            return self.last(count, offset + text.len() - count.len(), dataset);
        }
        if let Some((from, to)) = text.split_once("..") {
            let (first, last) = self.range(from, to, offset, dataset)?;
            return days(first, last, false);
        }
        let prefix = self.end(text, offset, dataset)?;
        if first_day(prefix) > today {
            return Err(self.future(whole, first_day(prefix)));
        }
        days(first_day(prefix), prefix.last().min(today), prefix.as_day().is_some())
    }

    fn range(&self, from: &str, to: &str, offset: usize, dataset: Dataset) -> Result<(NaiveDate, NaiveDate), Fault> {
        let example = "2021/05/24..2021/06/30, 2021/05.. or ..2010";
        let whole = offset..offset + from.len() + 2 + to.len();
        if from.is_empty() && to.is_empty() {
            return Err(Fault::new(Kind::Range, whole, "the range has no ends", "a date on one side or both", example));
        }
        let mut to_at = offset + from.len() + 2;
        let mut to = to;
        if let Some(rest) = strip_word(to, "testdata/") {
            if dataset != Dataset::Sample {
                let at = to_at..to_at + to.len() - rest.len();
                let example = "testdata/2021/05/24..2021/06/30";
                return Err(Fault::new(Kind::Range, at, "a range is of one kind of data", "a date", example));
            }
            (to_at, to) = (to_at + to.len() - rest.len(), rest);
        }
        if let Some(at) = to.find("..") {
            let at = to_at + at..to_at + at + 2;
            return Err(Fault::new(Kind::Range, at, "a second ..", "one range from one date to another", example));
        }
        let first = match from {
            "" => SERVICE_START,
            from => first_day(self.end(from, offset, dataset)?),
        };
        let last = match to {
            "" => self.cx.today,
            to => self.end(to, to_at, dataset)?.last(),
        };
        if to.is_empty() || from.is_empty() || first <= last {
            // An open end gives way to the other one: `2030..` is in the future, not reversed.
            return match first <= self.cx.today {
                true => Ok((first, last.min(self.cx.today))),
                false => Err(self.future(whole, first)),
            };
        }
        let (problem, example) = ("the range ends before it begins", format!("{to}..{from}"));
        Err(Fault::new(Kind::Reversed, whole, problem, "the earlier date first", example))
    }

    /// A date by itself or at the end of a range.
    fn end(&self, text: &str, offset: usize, dataset: Dataset) -> Result<DatePrefix, Fault> {
        let today = self.cx.today;
        let place = offset..offset + text.len();
        let prefix = if text.eq_ignore_ascii_case("today") {
            DatePrefix::day(today)
        } else if text.eq_ignore_ascii_case("yesterday") {
            today.pred_opt().and_then(DatePrefix::day)
        } else {
            Some(parse_date(text).map_err(|fault| no_date(text, offset, dataset, fault))?)
        };
        match prefix {
            Some(prefix) if prefix.last() >= SERVICE_START => Ok(prefix),
            _ => {
                let problem = format!("the service began on {SERVICE_START}");
                Err(Fault::new(Kind::BeforeService, place, problem, "a date from then on", "2010 or ..2010/06"))
            }
        }
    }

    fn last(&self, count: &str, offset: usize, dataset: Dataset) -> Result<Vec<Item>, Fault> {
        let fault = |problem: String| {
            Err(Fault::new(Kind::Count, offset..offset + count.len(), problem, "a number of sessions", "last:5"))
        };
        let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return fault(if count.is_empty() {
                "the number is missing".to_owned()
            } else {
                format!("{} is not a number", quoted(count))
            });
        }
        // Too many digits are certainly too many sessions.
        let n = count.parse().unwrap_or(usize::MAX);
        if n == 0 {
            return fault("0 sessions are none".to_owned());
        }
        let sessions = self.cx.calendar.last_sessions(n, self.cx.today);
        if sessions.len() < n {
            return fault(format!("there were {} sessions so far", sessions.len()));
        }
        // Today's session is usually not published yet: a nightly `last:5` must not fail for it.
        let day = |day| Item::Days { dataset, first: day, last: day, is_named: day != self.cx.today };
        Ok(sessions.into_iter().map(day).collect())
    }

    fn future(&self, at: Range<usize>, first: NaiveDate) -> Fault {
        let today = self.cx.today;
        let problem = format!("{first} is in the future; today in Tokyo is {today}");
        Fault::new(Kind::Future, at, problem, "a date up to today", "today or last:5")
    }
}

/// Looks once more at what is not a date: it may be a file, or nothing like a date at all.
fn no_date(text: &str, offset: usize, dataset: Dataset, fault: DateFault) -> Fault {
    let end = offset + text.len();
    if let Some((folder, file)) = text.rsplit_once('/')
        && parse_date(folder).is_ok_and(|folder| folder.as_day().is_some())
        && !file.is_empty()
    {
        let example = lookup::quote_for_shell(&format!("prefix:{}{text}", dataset.root()));
        return Fault::new(
            Kind::File,
            end - file.len()..end,
            "this names a file",
            "a day, or the file after prefix:",
            example,
        );
    }
    if text.starts_with(['/', '-']) {
        return Fault::new(Kind::Unrecognised, offset..offset + 1, "a selection does not begin so", FORMS, EXAMPLE);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Fault::new(Kind::Unrecognised, offset..end, "this is not a selection", FORMS, EXAMPLE);
    }
    Fault::date(fault, offset)
}

/// The bucket and key of an `s3://` URL; the key is empty for a bucket alone. None for anything else.
pub fn split_s3_url(text: &str) -> Option<(&str, &str)> {
    let rest = strip_word(text, S3_SCHEME)?;
    Some(rest.split_once('/').unwrap_or((rest, "")))
}

const S3_SCHEME: &str = "s3://";

/// What follows a word, which counts in any case.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}
