//! Corrections of the calendar: each line that is taken changes its day and no other, and a file of them written anew is
//! read as the same.
#![no_main]

use chrono::NaiveDate;
use flex_fuzz::check_message;
use flex_keys::{DayKind, TradingCalendar};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    check(text);
    if let Some(long) = flex_fuzz::long_form(text, "\n") {
        check(&long);
    }
    if let Some(long) = flex_fuzz::long_form(text, "") {
        check(&long);
    }
});

fn check(text: &str) {
    let plain = TradingCalendar::tse();
    let calendar = match plain.clone().with_overrides(text) {
        Ok(calendar) => calendar,
        Err(error) => {
            assert!((1..=text.lines().count()).contains(&error.line()), "line {}", error.line());
            return check_message(&error.to_string(), text.len());
        }
    };
    let dates = text.lines().filter_map(|line| {
        let date = line.trim_start_matches('\u{feff}').trim_start().get(..10)?;
        date.parse::<NaiveDate>().ok()
    });
    let mut written = String::new();
    let mut changed = 0;
    for date in dates {
        match calendar.day(date) {
            // A session that was one before may as well be written as a correction only if it is one: then nothing is
            // provisional about it.
            DayKind::Session => written += &format!("{date} session\n"),
            DayKind::Closed(reason) => written += &format!("{date} closed {reason}\n"),
            // A line that was left out, as a comment is.
            other => assert_eq!(other, plain.day(date)),
        }
        changed += 1;
        if changed > 1000 {
            return;
        }
    }
    let again = TradingCalendar::tse().with_overrides(&written).unwrap_or_else(|e| panic!("{written:?}: {e}"));
    for line in written.lines() {
        let date: NaiveDate = line[..10].parse().expect("as written");
        assert_eq!(again.day(date), calendar.day(date), "{date}");
    }
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date");
    let last = calendar.last_sessions(5, today);
    assert!(last.len() <= 5 && last.is_sorted() && last.iter().all(|day| calendar.is_session(*day)));
}
