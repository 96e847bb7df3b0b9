//! A selection prints as what it is read from again; its ranges cover its prefixes; errors point into what was typed.
//! One argument a line; a line that begins with `=` is a folder that a look-up finds.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock};

use chrono::NaiveDate;
use flex_fuzz::check_message;
use flex_keys::{Dataset, Selection, SelectionContext, SelectionError, TradingCalendar};
use libfuzzer_sys::fuzz_target;

const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 23).expect("a date");

fuzz_target!(|text: &str| {
    check(text);
    // `last:3000` is three thousand days, which are repeated as often.
    if text.split('\n').any(|line| Selection::parse(&[line], &cx()).is_ok_and(|days| days.named_days().len() > 99)) {
        return;
    }
    if let Some(long) = flex_fuzz::long_form(text, "\n") {
        check(&long);
    }
    if let Some(long) = flex_fuzz::long_form(text, "") {
        check(&long);
    }
});

fn cx() -> SelectionContext<'static> {
    static CALENDAR: LazyLock<TradingCalendar> = LazyLock::new(TradingCalendar::tse);
    SelectionContext { today: TODAY, calendar: &CALENDAR, source_bucket: "source" }
}

fn check(text: &str) {
    let cx = cx();
    let args: Vec<&str> = text.split('\n').filter(|line| !line.starts_with('=')).collect();
    let selection = match Selection::parse(&args, &cx) {
        Ok(selection) => selection,
        Err(error) => {
            assert!(error.argument().is_none_or(|index| args.get(index) == Some(&error.input())));
            assert!(error.input().get(error.place()).is_some(), "{:?} of {:?}", error.place(), error.input());
            let message = error.to_string();
            assert_eq!(message.lines().count(), 2, "{message}");
            check_message(&message, text.len());
            return;
        }
    };
    assert!(!selection.is_empty());
    let printed = selection.arguments();
    let again = read_again(&printed, &cx);
    assert_eq!(again, selection, "{printed:?}");
    assert_eq!(again.to_string(), selection.to_string());
    check_selection(&selection);
    // What is looked up, is found among the lines with `=`, under whatever folder is asked for.
    let found: Vec<&str> = text.split('\n').filter_map(|line| line.strip_prefix('=')).take(16).collect();
    let resolved = match resolve(selection, &found) {
        Ok(resolved) => resolved,
        Err(error) => return check_message(&error.to_string(), text.len()),
    };
    // Folders that were found are written as paths, and looking those up finds the same folders.
    let printed = resolved.arguments();
    let again = resolve(read_again(&printed, &cx), &found).unwrap_or_else(|e| panic!("{printed:?}: {e}"));
    assert_eq!(again.specs(), resolved.specs(), "{printed:?}");
    check_selection(&resolved);
}

fn resolve(mut selection: Selection, found: &[&str]) -> Result<Selection, SelectionError> {
    for _ in 0..4 {
        let lookups = selection.lookups();
        if lookups.is_empty() {
            return Ok(selection);
        }
        let folders: BTreeMap<String, Vec<String>> = lookups
            .iter()
            .map(|lookup| {
                let under = found.iter().map(|name| format!("{}{}/", lookup.prefix(), name.replace('/', "")));
                (lookup.prefix().to_owned(), under.collect())
            })
            .collect();
        selection = selection.resolve(&folders)?;
    }
    assert!(selection.lookups().is_empty(), "three rounds are enough");
    Ok(selection)
}

fn read_again(printed: &[String], cx: &SelectionContext<'_>) -> Selection {
    Selection::parse(printed, cx).unwrap_or_else(|e| panic!("{printed:?}: {e}"))
}

fn check_selection(selection: &Selection) {
    let prefixes = selection.prefixes();
    assert!(prefixes.is_sorted());
    for pair in prefixes.windows(2) {
        assert!(!pair[1].starts_with(pair[0].as_str()), "{pair:?}");
    }
    let ranges = selection.key_ranges();
    for prefix in prefixes.iter().take(64) {
        for end in ["", "\0", "/", "0", "05/x"] {
            let key = format!("{prefix}{end}");
            assert!(selection.contains(&key), "{key:?}");
            let found = ranges.iter().filter(|range| range.contains(&key)).count();
            assert_eq!(found, 1, "{key:?} lies in {found} ranges");
        }
    }
    for &(dataset, day) in selection.named_days().iter().take(64) {
        assert!(selection.includes_day(dataset, day));
        let root = if dataset == Dataset::Sample { "testdata/" } else { "" };
        assert!(selection.contains(&format!("{root}{}", day.format("%Y/%m/%d/x"))));
    }
}
