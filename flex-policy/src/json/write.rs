use std::ops::Range;

use super::{Node, Value};

/// One place of a text and what shall stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) at: Range<usize>,
    pub(crate) with: String,
}

/// The text after all edits, whose places must not overlap.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        debug_assert!(done <= edit.at.start, "edits overlap at {}", edit.at.start);
        out.push_str(text.get(done..edit.at.start).unwrap_or_default());
        out.push_str(&edit.with);
        done = done.max(edit.at.end);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// The white space at the beginning of the line of a place, if nothing else comes before it in the line.
pub(crate) fn indent_of(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = &before[before.rfind('\n')? + 1..];
    line.bytes().all(|b| b == b' ' || b == b'\t').then_some(line)
}

/// The text with the usual white space and everything else as it stands.
pub(crate) fn pretty(text: &str, root: &Node) -> String {
    let mut out = String::new();
    put(text, root, "\n", &mut out);
    out
}

fn put(text: &str, node: &Node, newline: &str, out: &mut String) {
    let inner = format!("{newline}  ");
    match &node.value {
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                out.push_str(&inner);
                put(text, item, &inner, out);
            }
            out.push_str(newline);
            out.push(']');
        }
        Value::Object(members) if !members.is_empty() => {
            for (index, member) in members.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                out.push_str(&inner);
                out.push_str(&text[member.key_span.clone()]);
                out.push_str(": ");
                put(text, &member.value, &inner, out);
            }
            out.push_str(newline);
            out.push('}');
        }
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
        _ => out.push_str(&text[node.span.clone()]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn edits_apply_in_the_order_of_the_text() {
        let edit = |at: Range<usize>, with: &str| Edit { at, with: with.to_owned() };
        assert_eq!(apply("abcdef", vec![edit(4..5, ""), edit(0..1, "X"), edit(2..2, "--")]), "Xb--cdf");
        assert_eq!(apply("abc", Vec::new()), "abc");
    }

    #[test]
    fn pretty_changes_white_space_alone() {
        let text = "{\"a\":[1.0,\"\\u0041\",[ ],{ }],\"a\":{\"b\":null}}";
        let want =
            "{\n  \"a\": [\n    1.0,\n    \"\\u0041\",\n    [],\n    {}\n  ],\n  \"a\": {\n    \"b\": null\n  }\n}";
        assert_eq!(pretty(text, &read(text).expect("JSON").root), want);
    }

    #[test]
    fn the_indentation_is_that_of_the_line() {
        let text = "{\n\t \"a\": 1}";
        assert_eq!(indent_of(text, 4), Some("\t "));
        assert_eq!(indent_of(text, 9), None);
        assert_eq!(indent_of(text, 0), None);
    }
}
