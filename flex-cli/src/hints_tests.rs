use flex_policy::RoleArn;

use super::*;
use crate::language::Language;

/// The names of an enum's variants, read from its source.
fn variants<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!("pub enum {name} {{\n");
    let body = source.split_once(&begin).expect("the enum").1.split("\n}").next().expect("its end");
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| line.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default())
        .collect()
}

#[test]
fn every_kind_of_failure_has_its_own_remedy() {
    let hints = include_str!("hints.rs");
    // The enums may grow, and a wildcard would take what is new.
    for (name, source, least) in [
        ("CredsError", include_str!("../../flex-creds/src/error.rs"), 12),
        ("StopReason", include_str!("../../flex-copy/src/stop.rs"), 11),
        ("ResolveError", include_str!("../../flex-copy/src/copier.rs"), 2),
    ] {
        let variants = variants(source, name);
        assert!(variants.len() >= least, "{name}: {variants:?}");
        for variant in variants {
            let arm = format!("{name}::{variant}");
            let is_word = |at: usize| hints[at + arm.len()..].starts_with([' ', '(']);
            assert!(hints.match_indices(&arm).any(|(at, _)| is_word(at)), "{arm} has no remedy");
        }
    }
}

fn told(stop: &Stop) -> Vec<String> {
    let english = stop.advice(Language::English);
    let japanese = stop.advice(Language::Japanese);
    assert_eq!(english.len(), japanese.len());
    for (english, japanese) in english.iter().zip(&japanese) {
        assert_ne!(english, japanese);
        assert!(!english.contains("{$") && english.contains(' '), "{english}");
    }
    assert!(!english.is_empty(), "{stop:?}");
    english
}

#[test]
fn errors_that_can_be_made_here_are_told_with_their_remedy() {
    let role: RoleArn = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012".parse().expect("a role");
    let account = |text: &str| text.parse().expect("an account");
    let wrong_account = CredsError::WrongAccount {
        given: account("012345678901"),
        found: account("123456789012"),
        caller: "arn:aws:iam::123456789012:user/me".into(),
        copy_role: false,
    };
    for (error, exit, want) in [
        (CredsError::NoBaseIdentity { source: None }, Exit::Refused, "step 1-4"),
        (CredsError::CannotRenew { role }, Exit::Refused, "unset AWS_ACCESS_KEY_ID"),
        (CredsError::ClockSkew { skew: None, source: None }, Exit::Refused, "clock"),
        (CredsError::InvalidSettings { setting: "x", problem: "y".into() }, Exit::Usage, "flex config show"),
        (CredsError::CutOff, Exit::Refused, "again"),
        (wrong_account, Exit::Refused, "--profile"),
    ] {
        let stop = creds(&error);
        assert_eq!(stop.exit(), exit, "{error}");
        assert!(told(&stop).join(" ").contains(want), "{stop:?}");
    }
    let listing = StopReason::BadListing { bucket: "b".into(), prefix: "p".into(), detail: "d".into() };
    for (reason, want) in [(listing, "--endpoint-url"), (StopReason::Internal("x".into()), "report")] {
        assert!(told(&stopped(&reason, false)).join(" ").contains(want), "{reason}");
    }
}

#[test]
fn a_wrong_selection_says_where_the_forms_are() {
    use SelectionErrorKind::*;
    for kind in [
        Empty,
        Unrecognised,
        Date,
        BeforeService,
        Future,
        Range,
        Reversed,
        Count,
        File,
        Specification,
        SplitByShell,
        OtherBucket,
        NotFound,
    ] {
        for command in ["copy", "plan", "ls", "verify"] {
            let message = of_selection(kind, command);
            assert_ne!(message.text(Language::English), message.text(Language::Japanese), "{kind:?}");
        }
    }
}

#[test]
fn a_wrong_setting_is_shown_right_in_the_form_it_was_given_in() {
    let value = |name, origin| ConfigError::Value { name, origin, value: "x".into(), source: "y".into() };
    let file = Origin::File { path: "flex.toml".into(), name: "account", line: 1, chosen: true };
    for (error, want) in [
        (value("account", file.clone()), "account = \"123456789012\""),
        (value("account", Origin::Environment("FLEX_ACCOUNT")), "FLEX_ACCOUNT=123456789012"),
        (value("max-in-flight", Origin::Flag("max-in-flight")), "--max-in-flight 128"),
        (value("exclude", Origin::Flag("exclude")), "--exclude '*.txt.gz'"),
        (value("no-such", file), "flex config show"),
        (ConfigError::NotText("FLEX_BUCKET"), "UTF-8"),
    ] {
        assert!(told(&Stop::usage(&error)).join(" ").contains(want), "{error}: {want}");
    }
    let unknown = FileError::UnknownKey {
        path: "flex.toml".into(),
        place: config::Place { line: 1, column: 1 },
        name: "bukcet".into(),
        nearest: Some("bucket"),
    };
    assert_eq!(told(&Stop::usage(&ConfigError::File(unknown)))[0], "did you mean bucket?");
}
