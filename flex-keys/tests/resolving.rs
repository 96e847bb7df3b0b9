//! Specifications, found by listing.

use flex_keys::{
    Feed, Language, Selection, SelectionContext, SelectionError, SelectionErrorKind as Kind, TradingCalendar,
};
use std::collections::BTreeMap;

const FOLDERS: [&str; 9] = [
    "ConnectionSpec/Standard/version 0.1/Japanese/",
    "ConnectionSpec/Standard/version 17.4/Japanese/",
    "ConnectionSpec/Standard/version 17.4/ENGLISH/",
    "ConnectionSpec/Standard/Version 18.9/Japanese/",
    "ConnectionSpec/Standard/Version 18.10/Japanese/",
    "ConnectionSpec/Standard/version 18.10/English/",
    "ConnectionSpec/Standard/drafts/",
    "ConnectionSpec/MBO/version 1.0/English/",
    "ConnectionSpec/MBO/version 1.0/Japanese/figures/",
];

/// What a listing with delimiter `/` finds under a prefix.
fn list(prefix: &str) -> Vec<String> {
    let mut found: Vec<String> = FOLDERS
        .iter()
        .filter_map(|folder| folder.strip_prefix(prefix)?.split_once('/'))
        .map(|(name, _)| format!("{prefix}{name}/"))
        .collect();
    found.dedup();
    found
}

fn parse(args: &[&str]) -> Selection {
    let calendar = TradingCalendar::tse();
    let today = "2021-06-01".parse().expect("a date");
    Selection::parse(args, &SelectionContext { today, calendar: &calendar, source_bucket: "source" }).expect("good")
}

fn resolve(args: &[&str]) -> Result<Selection, SelectionError> {
    let mut selection = parse(args);
    for _ in 0..8 {
        let folders: BTreeMap<_, _> =
            selection.lookups().iter().map(|lookup| (lookup.prefix().to_owned(), list(lookup.prefix()))).collect();
        if folders.is_empty() {
            return Ok(selection);
        }
        selection = selection.resolve(&folders)?;
    }
    panic!("it never ends");
}

#[test]
fn folders_are_found_by_number_and_in_any_case() {
    for (typed, want) in [
        ("spec:mbo", vec!["ConnectionSpec/MBO/"]),
        ("spec:standard/17.4/ja", vec!["ConnectionSpec/Standard/version 17.4/Japanese/"]),
        ("ConnectionSpec/STANDARD/VERSION 17.4/english", vec!["ConnectionSpec/Standard/version 17.4/ENGLISH/"]),
        ("spec:standard/18.9", vec!["ConnectionSpec/Standard/Version 18.9/"]),
        // The latest is 18.10 and not 18.9, and both of its spellings count.
        (
            "spec:standard/latest",
            vec!["ConnectionSpec/Standard/Version 18.10/", "ConnectionSpec/Standard/version 18.10/"],
        ),
        // A language that only one of the spellings has.
        ("spec:standard/18.10/en", vec!["ConnectionSpec/Standard/version 18.10/English/"]),
        ("spec:standard/latest/en", vec!["ConnectionSpec/Standard/version 18.10/English/"]),
        ("spec:standard/18.10/ja", vec!["ConnectionSpec/Standard/Version 18.10/Japanese/"]),
        ("ConnectionSpec/Standard/version 18.10/English", vec!["ConnectionSpec/Standard/version 18.10/English/"]),
        ("ConnectionSpec/standard/Drafts", vec!["ConnectionSpec/Standard/drafts/"]),
        ("ConnectionSpec/mbo/1.0/japanese/figures/", vec!["ConnectionSpec/MBO/version 1.0/Japanese/figures/"]),
        ("ConnectionSpec", vec!["ConnectionSpec/"]),
    ] {
        let selection = resolve(&[typed]).unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(selection.prefixes(), want, "{typed}");
        assert!(want.iter().all(|prefix| selection.contains(&format!("{prefix}a file.pdf"))));
    }
}

#[test]
fn a_resolved_specification_says_what_it_is() {
    let selection = resolve(&["spec:standard/17.4/en"]).expect("it exists");
    let [spec] = selection.specs() else { panic!("one specification") };
    assert_eq!((spec.feed(), spec.language()), (Some(Feed::Standard), Some(Language::English)));
    assert_eq!(spec.version().map(|v| v.spelling().to_owned()).as_deref(), Some("version 17.4"));
    assert_eq!(selection.to_string(), "'ConnectionSpec/Standard/version 17.4/ENGLISH'");
    let again: Vec<_> = selection.arguments();
    assert_eq!(resolve(&[again[0].as_str()]).expect("it still exists"), selection);
}

#[test]
fn a_lookup_is_asked_for_once_and_only_when_needed() {
    assert!(parse(&["2021/05", "ConnectionSpec"]).lookups().is_empty());
    let selection = parse(&["2021/05", "spec:mbo/1.0/en", "spec:standard/latest"]);
    let prefixes: Vec<_> = selection.lookups().iter().map(|lookup| lookup.prefix().to_owned()).collect();
    assert_eq!(prefixes, ["ConnectionSpec/"]);
    assert_eq!(selection.prefixes(), ["2021/05/", "2021/5/"], "what is not found yet is left out");
    assert!(!selection.contains("ConnectionSpec/MBO/version 1.0/English/a.pdf"));

    let untouched = selection.clone().resolve(&BTreeMap::new()).expect("nothing to do");
    assert_eq!(untouched, selection);

    let next =
        selection.resolve(&BTreeMap::from([("ConnectionSpec/".to_owned(), list("ConnectionSpec/"))])).expect("both");
    let prefixes: Vec<_> = next.lookups().iter().map(|lookup| lookup.prefix().to_owned()).collect();
    assert_eq!(prefixes, ["ConnectionSpec/MBO/", "ConnectionSpec/Standard/"]);
}

#[test]
fn what_does_not_exist_is_answered_with_what_does() {
    for (typed, input, marked, existing) in [
        (
            "spec:standard/99.9/ja",
            "spec:standard/99.9/ja",
            "99.9",
            vec!["drafts", "version 0.1", "version 17.4", "Version 18.9", "Version 18.10", "version 18.10"],
        ),
        ("ConnectionSpec/Standard/Version 18.9/English", "spec:standard/18.9/en", "en", vec!["Japanese"]),
        // Neither of the spellings has it; or the one that has the language has nothing below it.
        (
            "ConnectionSpec/Standard/version 18.10/French",
            "ConnectionSpec/Standard/Version 18.10/French",
            "French",
            vec!["Japanese"],
        ),
        (
            "ConnectionSpec/Standard/version 18.10/English/figures",
            "ConnectionSpec/Standard/version 18.10/English/figures",
            "figures",
            vec![],
        ),
        ("ConnectionSpec/Derivatives", "ConnectionSpec/Derivatives", "Derivatives", vec!["MBO", "Standard"]),
        (
            "ConnectionSpec/MBO/version 1.0/English/a.pdf",
            "ConnectionSpec/MBO/version 1.0/English/a.pdf",
            "a.pdf",
            vec![],
        ),
    ] {
        let error = resolve(&[typed]).expect_err(typed);
        assert_eq!((error.kind(), error.argument()), (Kind::NotFound, None), "{typed}");
        assert_eq!(error.existing(), existing, "{typed}");
        assert_eq!((error.input(), error.input().get(error.place())), (input, Some(marked)), "{error}");
        let message = error.to_string();
        assert!(message.contains(input) && message.lines().count() == 2, "{message}");
        assert!(existing.iter().all(|name| message.contains(name)), "{message}");
    }
}

#[test]
fn the_example_of_what_exists_is_the_newest() {
    let error = resolve(&["spec:standard/99.9/ja"]).expect_err("no such version");
    assert_eq!(error.example(), "'ConnectionSpec/Standard/version 18.10'");
}

#[test]
fn another_request_does_not_stand_in_for_one_that_fails() {
    for other in ["spec:mbo", "spec:standard/17.4/en", "spec:standard/18.10/ja", "2021/05"] {
        for missing in ["spec:standard/18.9/en", "spec:standard/99.9"] {
            let error = resolve(&[other, missing]).expect_err("one of them is missing");
            assert_eq!((error.kind(), error.input()), (Kind::NotFound, missing), "{other}");
        }
    }
}

#[test]
fn folders_that_differ_in_case_alone_are_one_request() {
    let folders = |below: &[(&str, &[&str])]| -> BTreeMap<String, Vec<String>> {
        let full = |prefix: &str, names: &[&str]| names.iter().map(|name| format!("{prefix}{name}/")).collect();
        below.iter().map(|(prefix, names)| ((*prefix).to_owned(), full(prefix, names))).collect()
    };
    let selection = parse(&["ConnectionSpec/Odd/notes"])
        .resolve(&folders(&[("ConnectionSpec/", &["ODD", "odd"])]))
        .and_then(|it| it.resolve(&folders(&[("ConnectionSpec/ODD/", &[]), ("ConnectionSpec/odd/", &["Notes"])])))
        .expect("one of them has notes");
    assert_eq!(selection.prefixes(), ["ConnectionSpec/odd/Notes/"]);
    assert!(selection.lookups().is_empty());
}
