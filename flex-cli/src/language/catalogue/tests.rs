//! The catalogues against each other, and against the code that asks them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};

use super::*;

/// Messages that read the same in Japanese.
const SAME: [&str; 3] = ["doctor-version", "setup-encryption-is-s3", "setup-step-acls"];

#[derive(Debug, Default)]
struct Found {
    places: BTreeSet<String>,
    text: String,
}

fn look(pattern: &Pattern<&str>, found: &mut Found) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => found.text += value,
            PatternElement::Placeable { expression: Expression::Inline(inline) } => look_inline(inline, found),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                look_inline(selector, found);
                variants.iter().for_each(|variant| look(&variant.value, found));
            }
        }
    }
}

fn look_inline(inline: &InlineExpression<&str>, found: &mut Found) {
    match inline {
        InlineExpression::VariableReference { id } => {
            found.places.insert(id.name.to_owned());
        }
        InlineExpression::StringLiteral { value } | InlineExpression::NumberLiteral { value } => found.text += value,
        other => panic!("only places and literals are used: {other:?}"),
    }
}

/// The messages of one file, by their ids.
fn messages(name: &str, text: &str) -> BTreeMap<String, Found> {
    let resource = fluent_syntax::parser::parse(text).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
    let mut messages = BTreeMap::new();
    for entry in &resource.body {
        match entry {
            Entry::Message(message) => {
                assert!(message.attributes.is_empty(), "{name}: {}", message.id.name);
                let mut found = Found::default();
                look(message.value.as_ref().unwrap_or_else(|| panic!("{name}: {}", message.id.name)), &mut found);
                let twice = messages.insert(message.id.name.to_owned(), found);
                assert!(twice.is_none(), "{name}: {} is there twice", message.id.name);
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    messages
}

fn all() -> BTreeMap<String, Found> {
    ENGLISH.iter().flat_map(|(name, text)| messages(name, text)).collect()
}

#[test]
fn both_languages_hold_the_same_messages_with_the_same_places() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for ((name, english), (other, japanese)) in ENGLISH.iter().zip(&JAPANESE) {
        assert_eq!(name, other);
        let (english, mut japanese) = (messages(name, english), messages(name, japanese));
        for (id, message) in &english {
            let mut check = |holds: bool, what: &str| {
                if !holds {
                    wrong.push(format!("{name}: {id} {what}"));
                }
            };
            check(seen.insert(id.clone()), "is in two files");
            let Some(other) = japanese.remove(id) else {
                check(false, "is missing in Japanese");
                continue;
            };
            check(message.places == other.places, "has other places in Japanese");
            for message in [message, &other] {
                check(!message.text.trim().is_empty() || !message.places.is_empty(), "is empty");
            }
            let wordless = !message.text.chars().any(|c| c.is_ascii_alphabetic());
            let translated = other.text.chars().any(is_japanese);
            check(translated || wordless || SAME.contains(&id.as_str()), "is not Japanese in Japanese");
            check(!message.text.chars().any(is_japanese), "is not English in English");
        }
        wrong.extend(japanese.keys().map(|id| format!("{name}: {id} is missing in English")));
    }
    wrong.extend(SAME.iter().filter(|id| !seen.contains(**id)).map(|id| format!("{id} is listed and not there")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_japanese(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("catalogue/tests.rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            found.push((path, text));
        }
    }
}

/// A use of a message in the code: its id, and the names of what it is given.
#[derive(Debug, PartialEq)]
struct Use {
    id: String,
    arguments: BTreeSet<String>,
}

/// The uses in a source file, by the macro or by the constructor, where the id is a literal.
fn uses(source: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    for begin in ["msg!(", "Message::new("] {
        for (at, _) in source.match_indices(begin) {
            let (inside, mut rest) = balanced(&source[at + begin.len()..]);
            let mut parts = top_level(inside).into_iter();
            let Some(id) = parts.next().and_then(|id| id.strip_prefix('"')?.strip_suffix('"').map(str::to_owned))
            else {
                continue;
            };
            let mut arguments: BTreeSet<String> =
                parts.filter_map(|part| part.split_once('=').map(|(name, _)| name.trim().to_owned())).collect();
            while let Some(after) = rest.trim_start().strip_prefix(".with(") {
                let (inside, then) = balanced(after);
                let name = top_level(inside).into_iter().next().unwrap_or_default();
                arguments.insert(name.trim_matches('"').to_owned());
                rest = then;
            }
            uses.push(Use { id, arguments });
        }
    }
    uses
}

/// What stands before the bracket that closes, and after it. Brackets in strings do not count.
fn balanced(text: &str) -> (&str, &str) {
    let (mut depth, mut quoted, mut escaped) = (1usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return (&text[..at], &text[at + 1..]);
                }
            }
            _ => {}
        }
    }
    (text, "")
}

/// The parts between the commas that stand in no bracket and no string.
fn top_level(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut from) = (0usize, false, false, 0);
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                parts.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[test]
fn what_the_code_asks_for_is_there_and_nothing_else_is() {
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
    let messages = all();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (path, text) in &files {
        for Use { id, arguments } in uses(text) {
            seen += 1;
            match messages.get(&id) {
                // The macro's own description.
                None if path.ends_with("language/mod.rs") => {}
                None => wrong.push(format!("{}: there is no message {id:?}", path.display())),
                Some(message) if message.places != arguments => wrong.push(format!(
                    "{}: {id} is given {arguments:?} and has places for {:?}",
                    path.display(),
                    message.places
                )),
                Some(_) => {}
            }
        }
    }
    assert!(seen > 50, "the uses are found: {seen}");
    // An id that is computed stands as a literal in the table that it comes from.
    for id in messages.keys() {
        let literal = format!("\"{id}\"");
        if !files.iter().any(|(_, text)| text.contains(&literal)) {
            wrong.push(format!("nothing says {id}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn uses_are_read_from_the_code() {
    let names = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
    for (source, id, arguments) in [
        (r#"msg!("a")"#, "a", &[][..]),
        (r#"x(msg!("b", n = f(1, "),"), other = "x=y",))"#, "b", &["n", "other"]),
        ("msg!(\n    \"c\",\n    n = 1\n)", "c", &["n"]),
        (r#"Message::new("d").with("n", f(2)).with("m", 3).text(l)"#, "d", &["m", "n"]),
    ] {
        assert_eq!(uses(source), [Use { id: id.into(), arguments: names(arguments) }], "{source}");
    }
    assert_eq!(uses("Message::new(id)"), []);
}

#[test]
fn a_message_is_told_in_the_language_asked_for() {
    let text = |language| super::text(language, "did-you-mean", &[("name", "bucket".into())]);
    assert_eq!(text(Language::English), "did you mean bucket?");
    assert_eq!(text(Language::Japanese), "bucket の間違いではありませんか");
    assert_eq!(super::text(Language::Japanese, "no-such-message", &[]), "no-such-message");
}
