//! The forms of a selection, their look-alikes, and what is refused.

use flex_keys::{
    Dataset, Selection, SelectionContext, SelectionError, SelectionErrorKind as Kind, TradingCalendar, split_s3_url,
};

fn read_on(today: &str, args: &[&str]) -> Result<Selection, SelectionError> {
    let calendar = TradingCalendar::tse();
    let today = today.parse().expect("a date");
    Selection::parse(args, &SelectionContext { today, calendar: &calendar, source_bucket: "dataservice-flex-bucket" })
}

/// Tuesday, 1 June 2021.
fn read(args: &[&str]) -> Result<Selection, SelectionError> {
    read_on("2021-06-01", args)
}

fn good(args: &[&str]) -> Selection {
    read(args).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

#[test]
fn every_form_prints_canonically() {
    for (typed, printed) in [
        ("2020", "2020"),
        ("2020/", "2020"),
        ("2021/05", "2021/05"),
        ("2021/5", "2021/05"),
        ("2021/5/", "2021/05"),
        ("2021-05", "2021/05"),
        ("202105", "2021/05"),
        ("2021/05/31", "2021/05/31"),
        ("2021/5/31", "2021/05/31"),
        ("2021/05/31/", "2021/05/31"),
        ("2021-05-31", "2021/05/31"),
        ("2021-5-3", "2021/05/03"),
        ("20210531", "2021/05/31"),
        ("２０２１／０５／３１", "2021/05/31"),
        ("２０２１－０５", "2021/05"),
        (" 2021/05\r\n", "2021/05"),
        ("2020/02/29", "2020/02/29"),
        ("2021/1", "2021/01"),
        ("2020/10", "2020/10"),
        ("2010", "2010"),
        ("2010/1", "2010/01"),
        ("2010/01/04", "2010/01/04"),
        // Ranges.
        ("2021/05/24..2021/05/30", "2021/05/24..2021/05/30"),
        ("2021/05/24..2021/05", "2021/05/24..2021/05/31"),
        ("2021/05/01..20210531", "2021/05"),
        ("2020/01/01..2020/12/31", "2020"),
        ("2019..2020", "2019..2020"),
        ("2019..2020/06", "2019/01..2020/06"),
        ("2021/05..2021/05", "2021/05"),
        ("2021/05/31..2021/05/31", "2021/05/31..2021/05/31"),
        ("2021/05．．２０２１/05", "2021/05"),
        ("2021/05/..2021/05/31/", "2021/05"),
        ("..2010", "2010"),
        ("..2010/06", "2010/01..2010/06"),
        ("..2010/01/04", "2010/01/04..2010/01/04"),
        ("2021/05/31..today", "2021/05/31..2021/06/01"),
        ("..yesterday", "2010/01..2021/05"),
        // Cut at today.
        ("2021", "2021/01/01..2021/06/01"),
        ("2021/06", "2021/06/01..2021/06/01"),
        ("2021/05..", "2021/05/01..2021/06/01"),
        ("2021/05..2030", "2021/05/01..2021/06/01"),
        ("all", "2010/01/04..2021/06/01"),
        // Words.
        ("today", "2021/06/01"),
        ("Yesterday", "2021/05/31"),
        ("last:3", "2021/05/28 2021/05/31..2021/06/01 2021/05/31"),
        ("last:001", "2021/06/01..2021/06/01"),
        // Samples.
        ("testdata/2021/5/31", "testdata/2021/05/31"),
        ("testdata/2021/05/24..2021/05/30", "testdata/2021/05/24..2021/05/30"),
        ("testdata/2021/05..testdata/2021/05", "testdata/2021/05"),
        ("TestData/202105", "testdata/2021/05"),
        ("testdata/last:1", "testdata/2021/06/01..2021/06/01"),
        ("testdata/all", "testdata/2010/01/04..2021/06/01"),
        ("testdata", "testdata/2010/01/04..2021/06/01"),
        ("testdata/", "testdata/2010/01/04..2021/06/01"),
        // Specifications.
        ("ConnectionSpec", "ConnectionSpec"),
        ("ConnectionSpec/", "ConnectionSpec"),
        ("connectionspec/standard", "spec:standard"),
        ("ConnectionSpec/Standard/version 17.4/Japanese", "spec:standard/17.4/ja"),
        ("ConnectionSpec/MBO/Version 0.1/English/", "spec:mbo/0.1/en"),
        (
            "ConnectionSpec/Standard/version 17.4/Japanese/figures",
            "'ConnectionSpec/Standard/version 17.4/Japanese/figures'",
        ),
        ("ConnectionSpec/Derivatives/version 2", "'ConnectionSpec/Derivatives/version 2'"),
        ("spec:MBO", "spec:mbo"),
        ("spec:standard/17.4", "spec:standard/17.4"),
        ("spec:standard/v17.4/Japanese", "spec:standard/17.4/ja"),
        ("ｓｐｅｃ：standard/１７.４", "spec:standard/17.4"),
        ("spec:standard/latest/en/", "spec:standard/latest/en"),
        // A folder's name that ends with a space keeps it.
        ("ConnectionSpec/Standard/drafts /", "'ConnectionSpec/Standard/drafts /'"),
        // The manual's URLs, and raw prefixes.
        ("s3://dataservice-flex-bucket/2021/05", "2021/05"),
        ("s3://dataservice-flex-bucket/2021/5/21/", "2021/05/21"),
        ("s3://dataservice-flex-bucket/testdata/2021/05/", "testdata/2021/05"),
        ("s3://dataservice-flex-bucket/ConnectionSpec/Standard/version 17.4/", "spec:standard/17.4"),
        ("prefix:2021/05/3", "prefix:2021/05/3"),
        ("prefix:it's １ key ", "'prefix:it'\\''s １ key '"),
    ] {
        let selection = good(&[typed]);
        assert_eq!(selection.to_string(), printed, "{typed}");
        assert_eq!(good(&selection.arguments().iter().map(String::as_str).collect::<Vec<_>>()), selection, "{typed}");
    }
}

#[test]
fn bad_input_shows_the_place_and_what_was_expected() {
    for (typed, kind, place, said) in [
        ("", Kind::Empty, 0..0, "nothing is selected"),
        (" \t", Kind::Empty, 0..2, "nothing is selected"),
        ("2021/13", Kind::Date, 5..7, "there is no month 13"),
        ("2021/00", Kind::Date, 5..7, "there is no month 00"),
        ("2021/02/29", Kind::Date, 8..10, "2021/02 has 28 days"),
        ("2021/6/31", Kind::Date, 7..9, "2021/06 has 30 days"),
        ("2021/05/00", Kind::Date, 8..10, "there is no day 00"),
        ("20210230", Kind::Date, 6..8, "2021/02 has 28 days"),
        ("20219", Kind::Date, 0..5, "5 digits are not a date"),
        ("202", Kind::Date, 0..3, "3 digits are not a date"),
        ("2021051", Kind::Date, 0..7, "7 digits"),
        ("202113", Kind::Date, 4..6, "there is no month 13"),
        ("0000/01", Kind::Date, 0..4, "is not a year"),
        ("2021/005", Kind::Date, 5..8, "there is no month 005"),
        ("2021//05", Kind::Date, 5..5, "the month is missing"),
        ("2021/05//", Kind::Date, 8..8, "the day is missing"),
        ("2021-05/31", Kind::Date, 5..10, "is not a month"),
        ("2021/05/31/04/05", Kind::Date, 11..16, "ends with its day"),
        ("2021 05", Kind::Date, 4..5, "has no place in a date"),
        ("２０２１／１３", Kind::Date, 15..21, "there is no month 13"),
        ("２０２１年", Kind::Date, 12..15, "'年' has no place"),
        ("/2021/05", Kind::Unrecognised, 0..1, "does not begin so"),
        ("二〇二一", Kind::Unrecognised, 0..12, "last:N"),
        ("tomorrow", Kind::Unrecognised, 0..8, "last:N"),
        ("--json", Kind::Unrecognised, 0..1, "does not begin so"),
        ("2021/05/31/20210531_1_001.pcap.gz", Kind::File, 11..33, "prefix:2021/05/31/20210531_1_001.pcap.gz"),
        ("testdata/2021/05/31/a b", Kind::File, 20..23, "'prefix:testdata/2021/05/31/a b'"),
        ("..", Kind::Range, 0..2, "no ends"),
        ("2021/05..2021/06..2021/07", Kind::Range, 16..18, "a second .."),
        ("2021...", Kind::Unrecognised, 6..7, "not a selection"),
        ("2021/05..testdata/2021/06", Kind::Range, 9..18, "one kind of data"),
        ("2021/05..2021/13", Kind::Date, 14..16, "there is no month 13"),
        ("2021/05..x", Kind::Unrecognised, 9..10, "last:N"),
        ("2021/05..2020", Kind::Reversed, 0..13, "for example 2020..2021/05"),
        ("2030..2020", Kind::Reversed, 0..10, "ends before it begins"),
        ("2009", Kind::BeforeService, 0..4, "the service began on 2010-01-04"),
        ("2010/01/03", Kind::BeforeService, 0..10, "2010-01-04"),
        ("2009/12..2010/02", Kind::BeforeService, 0..7, "2010-01-04"),
        ("..2009", Kind::BeforeService, 2..6, "2010-01-04"),
        ("testdata/2009", Kind::BeforeService, 9..13, "2010-01-04"),
        ("2021/06/02", Kind::Future, 0..10, "today in Tokyo is 2021-06-01"),
        ("2021/07", Kind::Future, 0..7, "2021-07-01 is in the future"),
        ("2022..", Kind::Future, 0..6, "in the future"),
        ("2022..2023", Kind::Future, 0..10, "in the future"),
        ("last:", Kind::Count, 5..5, "the number is missing"),
        ("last:0", Kind::Count, 5..6, "0 sessions are none"),
        ("last:-1", Kind::Count, 5..7, "is not a number"),
        ("last:99999", Kind::Count, 5..10, "there were 2791 sessions so far"),
        ("last:99999999999999999999999999", Kind::Count, 5..31, "sessions so far"),
        ("spec:", Kind::Specification, 5..5, "the feed is missing"),
        ("spec:fullbook", Kind::Specification, 5..13, "standard or mbo"),
        ("spec:full", Kind::Specification, 5..9, "it is in standard"),
        ("spec:mbo/version", Kind::Specification, 9..16, "a number such as 17.4, or latest"),
        ("spec:mbo/1//", Kind::Specification, 11..11, "ja or en"),
        ("spec:mbo/1/fr", Kind::Specification, 11..13, "ja or en"),
        ("spec:mbo/1/ja/x/y", Kind::Specification, 14..17, "at most three parts"),
        ("ConnectionSpec//Standard", Kind::Specification, 15..15, "a folder's name is missing"),
        ("ConnectionSpec/Standard/version", Kind::SplitByShell, 24..31, "spec:standard/17.4/ja"),
        ("ConnectionSpec/MBO/Version/", Kind::SplitByShell, 19..26, "'ConnectionSpec/MBO/version 17.4/Japanese'"),
        ("s3://my-bucket/2021/05", Kind::OtherBucket, 5..14, "--source-bucket"),
        ("s3://Dataservice-flex-bucket/2021", Kind::OtherBucket, 5..28, "prefix:"),
        ("s3:///2021/05", Kind::OtherBucket, 5..5, "the bucket is missing"),
        ("s3://dataservice-flex-bucket/", Kind::Unrecognised, 29..29, "the whole bucket"),
        ("s3://dataservice-flex-bucket", Kind::Unrecognised, 28..28, "the whole bucket"),
        ("s3://dataservice-flex-bucket/2021/13", Kind::Date, 34..36, "no month 13"),
        ("prefix:", Kind::Empty, 7..7, "the prefix is missing"),
    ] {
        let error = read(&["2021/05", typed]).expect_err(typed);
        assert_eq!((error.kind(), error.place()), (kind, place), "{error}");
        assert_eq!((error.input(), error.argument()), (typed, Some(1)));
        let message = error.to_string();
        assert!(message.contains(said), "{typed}: {message}");
        assert!(message.contains(", for example ") && message.lines().count() == 2, "{message}");
    }
}

#[test]
fn examples_in_errors_are_right_themselves() {
    for typed in
        ["2021/13", "20210230", "2021/05..2020", "spec:x", "spec:mbo/1/fr", "last:", "2009", "2021/07", "prefix:", "x"]
    {
        let example = read(&[typed]).expect_err(typed).example().to_owned();
        for example in example.split([',', ' ']).filter(|word| !word.is_empty() && *word != "or") {
            good(&[example]);
        }
    }
}

#[test]
fn a_message_in_full() {
    let error = read(&["2021/6/31"]).expect_err("no such day");
    let message = "selection \"2021/6/31\", at \"31\" (character 8): 2021/06 has 30 days\n\
                   expected a day that the month has, for example 2021/05/31";
    assert_eq!(error.to_string(), message);
}

#[test]
fn what_the_shell_split_is_put_together_in_the_message() {
    let error = read(&["ConnectionSpec/MBO/Version", "0.3/English"]).expect_err("split");
    assert_eq!((error.kind(), error.argument()), (Kind::SplitByShell, Some(0)));
    assert!(error.expected().contains("'ConnectionSpec/MBO/version 0.3/English'"), "{error}");
    assert_eq!(error.example(), "spec:mbo/0.3/en");
    assert_eq!(good(&["ConnectionSpec/MBO/version 0.3/English"]), good(&["spec:mbo/0.3/en"]));
}

#[test]
fn nothing_at_all_is_refused() {
    assert_eq!(read(&[]).expect_err("nothing").kind(), Kind::Empty);
}

#[test]
fn prefixes_come_in_every_spelling() {
    for (args, want) in [
        (vec!["2020"], vec!["2020/"]),
        (vec!["2021/05"], vec!["2021/05/", "2021/5/"]),
        (vec!["2020/12"], vec!["2020/12/"]),
        (vec!["2021/1"], vec!["2021/01/", "2021/1/"]),
        (vec!["2021/05/31"], vec!["2021/05/31/", "2021/5/31/"]),
        (vec!["2021/05/03"], vec!["2021/05/03/", "2021/05/3/", "2021/5/03/", "2021/5/3/"]),
        (vec!["2020/10/03"], vec!["2020/10/03/", "2020/10/3/"]),
        (vec!["testdata/2021/05"], vec!["testdata/2021/05/", "testdata/2021/5/"]),
        (vec!["2020/12/30..2021/01", "2020"], vec!["2020/", "2021/01/", "2021/1/"]),
        (vec!["ConnectionSpec"], vec!["ConnectionSpec/"]),
        (vec!["prefix:2021/05/3", "2021/05/31"], vec!["2021/05/3", "2021/5/31/"]),
        (vec!["prefix:20", "2021/05", "prefix:2021"], vec!["20"]),
        (vec!["2021/06"], vec!["2021/06/01/", "2021/06/1/", "2021/6/01/", "2021/6/1/"]),
    ] {
        assert_eq!(good(&args).prefixes(), want, "{args:?}");
    }
    let all = read_on("2026-02-02", &["all"]).expect("all").prefixes();
    assert_eq!((all.len(), &all[0], &all[15]), (16 + 2 + 8, &"2010/".to_owned(), &"2025/".to_owned()));
}

#[test]
fn january_never_means_october() {
    let january = good(&["2021/1"]);
    assert!(january.contains("2021/1/4/20210104_1_001.pcap.gz") && january.contains("2021/01/04/x"));
    for key in ["2021/10/01/x", "2021/12/1/x", "2021/1", "2021/1x/y", "testdata/2021/1/4/x"] {
        assert!(!january.contains(key), "{key}");
    }
}

#[test]
fn overlaps_merge() {
    for (args, want) in [
        (vec!["2021/05/24..2021/05/28", "2021/05/26..2021/05/31"], "2021/05/24..2021/05/31"),
        (vec!["2021/04", "2021/05"], "2021/04..2021/05"),
        (vec!["2020/07..2020/12", "2020/01..2020/06"], "2020"),
        (vec!["2021/05", "testdata/2021/05"], "2021/05 testdata/2021/05"),
        (vec!["2021/05", "20210531"], "2021/05 2021/05/31"), // still named by itself
        (vec!["2021/05/30", "2021/05/31"], "2021/05/30 2021/05/31"),
        (vec!["ConnectionSpec/MBO", "spec:mbo/0.1/en"], "spec:mbo"),
        (vec!["ConnectionSpec", "spec:mbo"], "ConnectionSpec"),
        (vec!["prefix:a/b", "prefix:a", "prefix:b"], "prefix:a prefix:b"),
    ] {
        assert_eq!(good(&args).to_string(), want, "{args:?}");
        let reversed: Vec<_> = args.iter().rev().copied().collect();
        assert_eq!(good(&reversed), good(&args), "the order does not count: {args:?}");
    }
}

#[test]
fn only_days_given_one_by_one_are_named() {
    for (typed, want) in [
        ("2021/05/31", vec!["2021-05-31"]),
        ("testdata/2021/05/31", vec!["2021-05-31"]),
        ("s3://dataservice-flex-bucket/2021/5/31", vec!["2021-05-31"]),
        ("today", vec!["2021-06-01"]),
        ("yesterday", vec!["2021-05-31"]),
        // Today's session may not be published yet, unless it is asked for by name.
        ("last:1", vec![]),
        ("last:3", vec!["2021-05-28", "2021-05-31"]),
        ("2021/05/31..2021/06/01", vec![]),
        ("2021/05/31..2021/05/31", vec![]),
        ("2021/06", vec![]),
        ("all", vec![]),
    ] {
        let selection = good(&[typed]);
        let dates: Vec<_> = selection.named_days().iter().map(|(_, day)| day.to_string()).collect();
        assert_eq!(dates, want, "{typed}");
        let sample = if typed.starts_with("testdata") { Dataset::Sample } else { Dataset::Production };
        assert!(selection.named_days().iter().all(|(dataset, _)| *dataset == sample), "{typed}");
    }
}

#[test]
fn sessions_are_the_calendars() {
    let selection = read_on("2020-10-05", &["2020/09/28..2020/10", "testdata/2020/10/01..2020/10/02"]).expect("good");
    let calendar = TradingCalendar::tse();
    let days: Vec<_> = selection.sessions(&calendar).map(|(dataset, day)| format!("{dataset} {day}")).collect();
    let want = ["09-28", "09-29", "09-30", "10-02", "10-05"].map(|day| format!("production 2020-{day}"));
    assert_eq!(days[..5], want, "the halt of 1 October is no session");
    assert_eq!(days[5..], ["sample 2020-10-02"]);
    assert!(selection.includes_day(Dataset::Sample, "2020-10-01".parse().expect("a date")));
    assert!(!selection.includes_day(Dataset::Sample, "2020-10-05".parse().expect("a date")));
}

#[test]
fn ranges_are_sized_for_listing() {
    let ranges = |args: &[&str]| -> Vec<String> {
        let ranges = good(args).key_ranges();
        ranges.iter().map(|r| format!("{} {:?} {:?}", r.prefix, r.after.as_deref(), r.before.as_deref())).collect()
    };
    assert_eq!(ranges(&["2021/05"]), ["2021/05/ None None", "2021/5/ None None"]);
    assert_eq!(ranges(&["2021/05/31"]), ["2021/05/31/ None None", "2021/5/31/ None None"]);
    let part =
        ["2021/05/ Some(\"2021/05/24\") Some(\"2021/05/310\")", "2021/5/ Some(\"2021/5/24\") Some(\"2021/5/310\")"];
    assert_eq!(ranges(&["2021/05/24..2021/05/28", "2021/05/31"]), part);
    // A raw prefix that reaches beyond the days leaves no room for a range over them.
    assert_eq!(
        ranges(&["2021/05/24..2021/05/27", "prefix:2021/05/26/x", "prefix:2021/05/2"])[0],
        "2021/05/2 None None"
    );
    assert_eq!(ranges(&["2020"]), ["2020/ None None"]);
    // Months in a row are one range for each way to spell them; 10, 11 and 12 lie between 1 and 2 in key order.
    assert_eq!(
        ranges(&["2020/02..2020/08"]),
        ["2020/ Some(\"2020/02\") Some(\"2020/080\")", "2020/ Some(\"2020/2\") Some(\"2020/80\")"]
    );
    assert_eq!(
        ranges(&["2020/01/20..2020/03/10"]),
        [
            "2020/ Some(\"2020/01/20\") Some(\"2020/03/90\")",
            "2020/1/ Some(\"2020/1/20\") Some(\"2020/1/310\")",
            "2020/ Some(\"2020/2\") Some(\"2020/3/90\")"
        ]
    );
    assert_eq!(
        ranges(&["2020/02/01..2020/02/10", "2020/03"]),
        [
            "2020/02/ Some(\"2020/02/01\") Some(\"2020/02/90\")",
            "2020/03/ None None",
            "2020/2/ Some(\"2020/2/01\") Some(\"2020/2/90\")",
            "2020/3/ None None"
        ],
        "what lies between them is not listed"
    );
    assert_eq!(ranges(&["2020/02", "2020/03/29", "2020/04"]).len(), 6, "a few days are listed by themselves");
    assert_eq!(ranges(&["2020/02..2020/04", "prefix:2020/03/29/x"]).len(), 6, "beside a raw prefix too");
}

#[test]
fn a_range_is_cut_at_the_sessions_that_follow() {
    let calendar = TradingCalendar::tse();
    let cuts = |args: &[&str], first: &str, last: &str| good(args).key_ranges()[0].cuts_after(first, last, &calendar);
    let month = cuts(&["2021/05"], "2021/05/06/a", "2021/05/26/b");
    assert_eq!(month, ["2021/05/27", "2021/05/28", "2021/05/31"]);
    let part = cuts(&["2021/05/20..2021/05/27"], "2021/05/20/a", "2021/05/25/b");
    assert_eq!(part, ["2021/05/26", "2021/05/27"]);
    let year = cuts(&["2020"], "2020/01/04/a", "2020/12/29/b");
    assert_eq!(year, ["2020/12/30"], "the exchange is closed on the 31st");
    // Unpadded folders are in key order, not in that of the days.
    let unpadded = cuts(&["2020"], "2020/1/12/a", "2020/9/30/b");
    assert_eq!(unpadded, ["2020/9/4", "2020/9/7", "2020/9/8", "2020/9/9"]);
    let samples = cuts(&["testdata/2020"], "testdata/2020/12/29/a", "testdata/2020/12/29/b");
    assert_eq!(samples, ["testdata/2020/12/30"]);
    assert_eq!(cuts(&["prefix:20"], "2020/12/30/a", "2020/12/30/b"), ["2021"], "beyond the year, by year");
    for (args, key) in [("ConnectionSpec", "ConnectionSpec/a"), ("2020", "2020/x"), ("2020", "2020/12/30/b")] {
        assert!(cuts(&[args], key, key).is_empty(), "{args} {key}");
    }
}

#[test]
fn a_range_that_ends_with_a_cut_is_not_cut_there_again() {
    let mut range = good(&["2021"]).key_ranges()[0].clone();
    range.before = Some("2021/06/02\0".into());
    let cuts = range.cuts_after("2021/05/28/a", "2021/05/31/b", &TradingCalendar::tse());
    assert_eq!(cuts, ["2021/06/01"]);
}

#[test]
fn the_next_prefix_of_a_selection_is_found() {
    let selection = good(&["2021/05/24", "2021/05/28"]);
    assert_eq!(selection.prefix_after("2021/05/25/a"), Some("2021/05/28/"));
    assert_eq!(selection.prefix_after("2021/05/28/a"), Some("2021/5/24/"));
    assert_eq!(selection.prefix_after("2021/5/28/a"), None);
}

#[test]
fn urls_come_apart() {
    assert_eq!(split_s3_url("s3://my-bucket/2021/05"), Some(("my-bucket", "2021/05")));
    assert_eq!(split_s3_url("S3://my-bucket"), Some(("my-bucket", "")));
    assert_eq!(split_s3_url("2021/05"), None);
    assert_eq!(split_s3_url("s3:"), None);
}

#[test]
fn a_day_before_the_service_leaves_nothing_to_choose() {
    for typed in ["all", "today", "last:1", "2010", "2010..", ".."] {
        assert!(read_on("2009-12-30", &[typed]).is_err(), "{typed}");
    }
}
