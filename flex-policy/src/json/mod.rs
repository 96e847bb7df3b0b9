//! JSON as it stands in a text: every value knows where it is, so that a change touches nothing else.
//!
//! serde_json would lose what must be kept (the spelling of strings and numbers, white space, a member that occurs twice)
//! and stops at the first mistake, where a policy that a person typed deserves to be read on.

mod difference;
mod mistake;
mod read;
mod write;

use std::ops::Range;

pub(crate) use difference::difference;
pub use mistake::{InvalidJson, JsonMistake};
pub(crate) use read::read;
pub(crate) use write::{Edit, apply, indent_of, pretty};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number,
    String(String),
    Array(Vec<Node>),
    /// In the order of the text; a key may occur more than once.
    Object(Vec<Member>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn members(&self) -> Option<&[Member]> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of an object; the last one of its name, as JSON readers take it.
    pub(crate) fn member(&self, key: &str) -> Option<&Member> {
        self.members()?.iter().rfind(|member| member.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.member(key).map(|member| &member.value)
    }

    /// The value at a path as findings write it: `$.Statement[0].Principal.AWS`.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        let mut node = self;
        let mut rest = path.strip_prefix('$')?;
        while !rest.is_empty() {
            if let Some(step) = rest.strip_prefix("['") {
                let (key, after) = step.split_once("']")?;
                (node, rest) = (node.get(key)?, after);
            } else if let Some(step) = rest.strip_prefix('[') {
                let (index, after) = step.split_once(']')?;
                let Value::Array(items) = &node.value else { return None };
                (node, rest) = (items.get(index.parse::<usize>().ok()?)?, after);
            } else {
                let step = rest.strip_prefix('.')?;
                let end = step.find(['.', '[']).unwrap_or(step.len());
                (node, rest) = (node.get(&step[..end])?, &step[end..]);
            }
        }
        Some(node)
    }

    /// What the value is, for a message.
    pub(crate) fn sort(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// The next step of a path: `.Action`, or `['s3:x-amz-acl']` where the key is not a plain word.
pub(crate) fn step(key: &str) -> String {
    match !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => format!(".{key}"),
        false => format!("['{key}']"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_value() {
        let text = r#"{"a": [1, {"b c": "x", "d": "y", "d": "z"}]}"#;
        let read = read(text).expect("JSON");
        for (path, want) in [
            ("$.a[0]", Some("1")),
            ("$.a[1]['b c']", Some("\"x\"")),
            ("$.a[1].d", Some("\"z\"")),
            ("$.a[2]", None),
            ("$.b", None),
            ("$.a.b", None),
            ("a", None),
        ] {
            let got = read.root.at(path).map(|node| &text[node.span.clone()]);
            assert_eq!(got, want, "{path}");
        }
        assert_eq!(read.root.at("$").map(|node| node.span.clone()), Some(0..text.len()));
        assert_eq!([step("AWS"), step("s3:x-amz-acl"), step("")], [".AWS", "['s3:x-amz-acl']", "['']"]);
    }
}
