use serde::Serialize;

use super::document::{Place, PolicyText};
use crate::json::{Edit, Node, indent_of};

/// The edit that puts a statement where another stands.
pub(crate) fn replace_statement(text: &str, old: &Node, new: &impl Serialize) -> Edit {
    let multi_line = indent_of(text, old.span.start).is_some() || text[old.span.clone()].contains('\n');
    let with = if multi_line { spread(new, line_indent(text, old.span.start), "  ") } else { compact(new) };
    Edit { at: old.span.clone(), with }
}

/// The edits that put statements after those that are there, in the form of the text around them.
pub(crate) fn add_statement(policy: &PolicyText<'_>, new: &[impl Serialize]) -> Vec<Edit> {
    let text = policy.text;
    let edit = |at: usize, with: String| Edit { at: at..at, with };
    if new.is_empty() {
        return Vec::new();
    }
    match policy.place() {
        Place::List(list, items) => match items.last() {
            Some(last) => {
                let at = last.span.end;
                let indent = indent_of(text, last.span.start);
                let joined = new.iter().map(|new| match indent {
                    Some(indent) => format!(",\n{indent}{}", spread(new, indent, unit(text, list, last))),
                    None if text[last.span.clone()].contains('\n') => {
                        format!(", {}", spread(new, line_indent(text, last.span.start), "  "))
                    }
                    None => format!(",{}", compact(new)),
                });
                vec![edit(at, joined.collect())]
            }
            None => vec![Edit { at: list.span.clone(), with: whole_list(text, list.span.start, new) }],
        },
        Place::Single(one) => {
            let indent = line_indent(text, one.span.start);
            let multi_line = text[one.span.clone()].contains('\n');
            let joined: String = new
                .iter()
                .map(|new| match multi_line {
                    true => format!(", {}", spread(new, indent, "  ")),
                    false => format!(",{}", compact(new)),
                })
                .collect();
            vec![edit(one.span.start, "[".to_owned()), edit(one.span.end, format!("{joined}]"))]
        }
        Place::Missing => {
            let Some(last) = policy.root.members().and_then(<[_]>::last) else {
                let list = whole_list(text, policy.root.span.start, new);
                return vec![Edit { at: policy.root.span.clone(), with: format!("{{\"Statement\": {list}}}") }];
            };
            let list = whole_list(text, last.key_span.start, new);
            let between = indent_of(text, last.key_span.start).map_or(String::new(), |indent| format!("\n{indent}"));
            vec![edit(last.value.span.end, format!(",{between}\"Statement\": {list}"))]
        }
    }
}

fn whole_list(text: &str, at: usize, new: &[impl Serialize]) -> String {
    match text.contains('\n') {
        true => spread(&new.iter().collect::<Vec<_>>(), line_indent(text, at), "  "),
        false => compact(&new.iter().collect::<Vec<_>>()),
    }
}

/// What one level is indented by, if the list shows it.
fn unit<'a>(text: &'a str, list: &Node, item: &Node) -> &'a str {
    let outer = line_indent(text, list.span.start);
    match indent_of(text, item.span.start).and_then(|inner| inner.strip_prefix(outer)) {
        Some(unit) if !unit.is_empty() => unit,
        _ => "  ",
    }
}

/// The white space at the beginning of the line of a place.
fn line_indent(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

fn compact(new: &impl Serialize) -> String {
    // These are plain structs of strings: writing them cannot fail.
    serde_json::to_string(new).unwrap_or_default()
}

/// Over several lines, of which all but the first get the indentation.
fn spread(new: &impl Serialize, indent: &str, unit: &str) -> String {
    let pretty = serde_json::to_string_pretty(new).unwrap_or_default();
    let mut out = String::new();
    for (index, line) in pretty.lines().enumerate() {
        let content = line.trim_start_matches(' ');
        if index > 0 {
            out.push('\n');
            out.push_str(indent);
            out.push_str(&unit.repeat((line.len() - content.len()) / 2));
        }
        out.push_str(content);
    }
    out
}
