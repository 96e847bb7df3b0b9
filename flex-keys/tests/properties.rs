//! What holds for every selection and every key.

use chrono::{Datelike, NaiveDate};
use flex_keys::{
    Dataset, DatePrefix, KeyRange, ObjectKey, SERVICE_START, Selection, SelectionContext, TradingCalendar,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::ops::RangeInclusive;

/// The same cases in every run. `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look further.
fn config() -> ProptestConfig {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_210_531);
    ProptestConfig { rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..ProptestConfig::default() }
}

const LAST: NaiveDate = match NaiveDate::from_ymd_opt(2026, 11, 23) {
    Some(date) => date,
    None => panic!("a date"),
};

fn parse(args: &[String]) -> Selection {
    let calendar = TradingCalendar::tse();
    let cx = SelectionContext { today: LAST, calendar: &calendar, source_bucket: "source" };
    Selection::parse(args, &cx).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

fn date() -> impl Strategy<Value = NaiveDate> {
    // Few years, so that selections meet.
    let near = "2020-11-01".parse::<NaiveDate>().expect("a date");
    let days = prop_oneof![0..(LAST - SERVICE_START).num_days(), (near - SERVICE_START).num_days()..4200];
    days.prop_map(|days| SERVICE_START + chrono::Days::new(days as u64))
}

/// A date as somebody may type it.
fn typed(date: NaiveDate, form: u8) -> String {
    let (y, m, d) = (date.year(), date.month(), date.day());
    match form {
        0 => format!("{y}"),
        1 => format!("{y}/{m}"),
        2 => format!("{y}-{m:02}"),
        3 => format!("{y}{m:02}{d:02}"),
        4 => format!("{y}/{m}/{d}/"),
        5 => format!("{y}-{m:02}-{d:02}"),
        _ => format!("{y}/{m:02}/{d:02}"),
    }
}

fn dated() -> impl Strategy<Value = String> {
    let dates = (date(), date(), 0..9u8, 0..9u8, 0..8u8).prop_map(|(a, b, form_a, form_b, kind)| match kind {
        0..=3 => typed(a, form_a),
        4 => format!("{}..", typed(a, form_a)),
        5 => format!("..{}", typed(b, form_b)),
        _ => format!("{}..{}", typed(a.min(b), form_a), typed(a.max(b), form_b)),
    });
    let words = proptest::sample::select(vec!["today", "yesterday", "all", "last:5", "last:1"]).prop_map(str::to_owned);
    // Words and what they include are rarer, or every selection would be everything.
    prop_oneof![9 => dates, 1 => words]
}

fn argument() -> impl Strategy<Value = String> {
    let specs = proptest::sample::select(vec![
        "ConnectionSpec",
        "ConnectionSpec/Standard/version 17.4/Japanese",
        "ConnectionSpec/Odd one/x",
        "spec:mbo",
        "spec:mbo/1.2",
        "spec:standard/latest/en",
    ]);
    let raw = proptest::sample::select(vec![
        "prefix:2021/05/2",
        "prefix:2021/0",
        "prefix:2021/5/24/",
        "prefix:20",
        "prefix:2020/1",
        "prefix:testdata/2021/",
        "prefix:Connection",
        "prefix:odd key",
        "prefix:2021/05/24/20210524_1",
        "prefix:t",
    ]);
    prop_oneof![
        6 => dated(),
        2 => dated().prop_map(|dates| format!("testdata/{dates}")),
        1 => specs.prop_map(str::to_owned),
        1 => raw.prop_map(str::to_owned),
    ]
}

fn arguments(count: RangeInclusive<usize>) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(argument(), count)
}

/// A key of a date in any spelling, or something that resembles one.
fn key() -> impl Strategy<Value = String> {
    let parts =
        ("(testdata/)?", "20(20|21|2[0-6]|1[0-9])", "[01]?[0-9]", "[0-3]?[0-9]", "(/|/x|/20210524_1_001|x|0|)", 0..6u8);
    let dated = parts.prop_map(|(root, year, month, day, rest, kind)| match kind {
        0 => format!("{root}{year}{rest}"),
        1 => format!("{root}{year}/{month}{rest}"),
        2 => format!("{root}{year}/{month}\u{0}{rest}"),
        _ => format!("{root}{year}/{month}/{day}{rest}"),
    });
    let exact = (date(), 0..9u8, "(/|/x|)", "(testdata/)?");
    let exact =
        exact.prop_map(|(date, form, rest, root)| format!("{root}{}{rest}", typed(date, form).replace('-', "/")));
    prop_oneof![dated, exact, "(ConnectionSpec/|Connection|odd key|t)[a-z/]{0,3}"]
}

/// `contains` and `key_ranges` against the definition, for some keys.
fn check_keys(selection: &Selection, keys: impl IntoIterator<Item = String>) -> Result<(), TestCaseError> {
    let (prefixes, ranges) = (selection.prefixes(), selection.key_ranges());
    for key in keys {
        let naive = prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()));
        prop_assert_eq!(selection.contains(&key), naive, "{:?} in {}", key, selection);
        let found = ranges.iter().filter(|range| range.contains(&key)).count();
        prop_assert!(found <= 1, "{:?} in {} ranges of {}", key, found, selection);
        prop_assert!(!naive || found == 1, "{:?} in no range of {}", key, selection);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn printing_then_reading_is_the_identity(args in arguments(1..=6)) {
        let selection = parse(&args);
        let again = parse(&selection.arguments());
        prop_assert_eq!(&again, &selection);
        prop_assert_eq!(again.to_string(), selection.to_string());
    }

    #[test]
    fn prefixes_are_disjoint_and_sorted(args in arguments(1..=6)) {
        let selection = parse(&args);
        let prefixes = selection.prefixes();
        for (index, prefix) in prefixes.iter().enumerate() {
            let others = prefixes.iter().enumerate().filter(|(other, _)| *other != index);
            prop_assert!(others.clone().all(|(_, other)| !other.starts_with(prefix.as_str())), "{}", prefix);
            prop_assert!(prefix.ends_with('/') || selection.raw_prefixes().contains(prefix), "{}", prefix);
        }
        prop_assert!(prefixes.is_sorted());
    }

    #[test]
    fn keys_are_found_by_contains_and_by_exactly_one_range(
        args in arguments(1..=6),
        keys in proptest::collection::vec(key(), 20),
    ) {
        let selection = parse(&args);
        check_keys(&selection, keys)?;
        // And at the edges of what is selected.
        let ranges = selection.key_ranges();
        let edges = ranges.iter().flat_map(|range| [range.after.clone(), range.before.clone(), Some(range.prefix.clone())]);
        let around = |edge: &String| ["", "\0", "/", "0", "/x"].map(|end| format!("{edge}{end}"));
        check_keys(&selection, edges.flatten().step_by(7).flat_map(|edge| around(&edge)))?;
    }

    #[test]
    fn raw_prefixes_among_the_days_of_a_month_do_not_overlap_them(
        first in 1..28u32, days in 0..9u32, raw in "2021/0?5(/[0-3]?[0-9]?(/x?)?)?", keys in proptest::collection::vec("2021/0?5/[0-3]?[0-9]/x", 20),
    ) {
        let last = (first + days).min(31);
        let selection = parse(&[format!("2021/05/{first}..2021/05/{last}"), format!("prefix:{raw}")]);
        check_keys(&selection, keys)?;
    }

    #[test]
    fn a_day_is_selected_exactly_when_its_keys_are(args in proptest::collection::vec(dated(), 1..=4), day in date()) {
        let selection = parse(&args);
        let selected = selection.includes_day(Dataset::Production, day);
        prop_assert_eq!(selection.days().any(|found| found == (Dataset::Production, day)), selected);
        for folder in DatePrefix::day(day).expect("a day").spellings() {
            prop_assert_eq!(selection.contains(&format!("{folder}x")), selected, "{} in {}", folder, selection);
            let sample = format!("testdata/{folder}x");
            prop_assert!(!selection.contains(&sample));
        }
    }

    #[test]
    fn months_in_a_row_are_listed_without_gap_or_overlap(
        first in date(), length in 0..400u64, keys in proptest::collection::vec(key(), 20),
    ) {
        let last = first.checked_add_days(chrono::Days::new(length)).expect("a date").min(LAST);
        let selection = parse(&[format!("{first}..{}", last.max(first))]);
        check_keys(&selection, keys)?;
        let days = selection.days().flat_map(|(_, day)| DatePrefix::day(day).expect("a day").spellings());
        check_keys(&selection, days.map(|folder| format!("{folder}x")))?;
    }

    #[test]
    fn a_range_is_cut_without_gap_or_overlap(args in arguments(1..=3), days in (date(), date()), form in 0..9u8, key in key()) {
        let calendar = TradingCalendar::tse();
        let spelled = |day| format!("{}/x", typed(day, form).replace('-', "/"));
        let (first, last) = (spelled(days.0.min(days.1)), spelled(days.0.max(days.1)));
        for range in parse(&args).key_ranges().into_iter().filter(|range| range.contains(&last)) {
            let cuts = range.cuts_after(&first, &last, &calendar);
            prop_assert!(cuts.is_sorted() && cuts.iter().all(|cut| *cut > last), "{:?}", cuts);
            let mut pieces = vec![range.clone()];
            for cut in cuts {
                let piece = pieces.last_mut().expect("one at least");
                let before = piece.before.replace(format!("{cut}\0"));
                pieces.push(KeyRange { prefix: range.prefix.clone(), after: Some(cut), before });
            }
            let found = pieces.iter().filter(|piece| piece.contains(&key)).count();
            prop_assert_eq!(found, usize::from(range.contains(&key)), "{:?}", key);
        }
    }

    #[test]
    fn a_date_folder_is_read_from_each_of_its_spellings(date in date(), form in 0..9u8) {
        let prefix: DatePrefix = typed(date, form).parse().expect("a date");
        prop_assert_eq!(prefix.to_string().parse::<DatePrefix>(), Ok(prefix));
        for spelling in prefix.spellings() {
            prop_assert_eq!(spelling.parse::<DatePrefix>(), Ok(prefix));
        }
    }

    #[test]
    fn any_text_is_a_key(text in "\\PC*|(testdata/|ConnectionSpec/)?[0-9a-z./_あ０-]{0,30}") {
        let key = ObjectKey::parse(&text);
        prop_assert_eq!(key.as_str(), text.as_str());
        prop_assert!(text.ends_with(key.file_name()));
        prop_assert_eq!(key.spec().is_some(), text.starts_with("ConnectionSpec/"));
        prop_assert!(key.date().is_none() || matches!(key.dataset(), Some(Dataset::Production | Dataset::Sample)));
        prop_assert!(key.dataset().is_some() || key.is_unknown());
        let _ = (key.file(), key.is_folder(), key.has_foreign_date(), key.spec().map(|s| (s.version(), s.rest())));
    }

    #[test]
    fn no_text_makes_reading_panic_and_errors_point_into_it(
        text in "\\PC*|(s3://source/|testdata/|spec:|prefix:|last:|ConnectionSpec/)?[0-9０-９a-z./:：．／ 　\u{0}-\u{1f}-]{0,24}",
    ) {
        let calendar = TradingCalendar::tse();
        let cx = SelectionContext { today: LAST, calendar: &calendar, source_bucket: "source" };
        match Selection::parse(&[&text], &cx) {
            Ok(selection) => prop_assert!(!selection.is_empty()),
            Err(error) => {
                prop_assert_eq!(error.input(), text.as_str());
                prop_assert!(text.get(error.place()).is_some(), "{:?} of {:?}", error.place(), text);
                prop_assert!(error.to_string().lines().count() == 2, "{}", error);
            }
        }
        if let Err(error) = text.parse::<DatePrefix>() {
            prop_assert!(text.get(error.place()).is_some());
        }
    }
}
