//! A JSON value that keeps the order of its members, for files that people read.

use crate::PolicyDocument;
use crate::json::{self, Node, Value};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Text(String),
    /// true, false or a number, as written.
    Plain(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

pub(super) fn object<const N: usize>(list: [(&str, Tree); N]) -> Tree {
    members(list.into())
}

pub(super) fn members(list: Vec<(&str, Tree)>) -> Tree {
    Tree::Object(list.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

pub(super) fn list<const N: usize>(items: [Tree; N]) -> Tree {
    Tree::List(items.into())
}

impl Tree {
    pub(super) fn is_block(&self) -> bool {
        matches!(self, Tree::List(_) | Tree::Object(_))
    }

    /// Indented JSON, as serde_json writes it.
    pub(super) fn json(&self) -> String {
        let mut out = String::new();
        self.put("\n", &mut out);
        out
    }

    fn put(&self, newline: &str, out: &mut String) {
        let inner = format!("{newline}  ");
        match self {
            Tree::Text(text) => out.push_str(&quoted(text)),
            Tree::Plain(text) => out.push_str(text),
            Tree::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "[" } else { "," });
                    out.push_str(&inner);
                    item.put(&inner, out);
                }
                out.push_str(&if items.is_empty() { "[]".to_owned() } else { format!("{newline}]") });
            }
            Tree::Object(members) => {
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "{" } else { "," });
                    out.push_str(&format!("{inner}{}: ", quoted(key)));
                    value.put(&inner, out);
                }
                out.push_str(&if members.is_empty() { "{}".to_owned() } else { format!("{newline}}}") });
            }
        }
    }

    fn of(text: &str, node: &Node) -> Tree {
        match &node.value {
            Value::String(text) => Tree::Text(text.clone()),
            Value::Array(items) => Tree::List(items.iter().map(|item| Tree::of(text, item)).collect()),
            Value::Object(members) => {
                Tree::Object(members.iter().map(|m| (m.key.clone(), Tree::of(text, &m.value))).collect())
            }
            _ => Tree::Plain(text[node.span.clone()].to_owned()),
        }
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl From<&str> for Tree {
    fn from(text: &str) -> Tree {
        Tree::Text(text.to_owned())
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Tree {
        Tree::Plain(value.to_string())
    }
}

impl From<u32> for Tree {
    fn from(value: u32) -> Tree {
        Tree::Plain(value.to_string())
    }
}

impl From<&PolicyDocument> for Tree {
    fn from(document: &PolicyDocument) -> Tree {
        let text = document.to_string();
        // A document that this crate writes is JSON.
        json::read(&text).map_or(Tree::Object(Vec::new()), |read| Tree::of(&text, &read.root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_order_and_values() {
        let role = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_012345678901".parse().expect("a role");
        let document = crate::bucket_policy(&role, &"my-flex-data".parse().expect("a name"));
        assert_eq!(Tree::from(&document).json(), document.to_string());
        let odd = object([("a\"", list([])), ("b", object([])), ("c", 7.into()), ("d", true.into())]);
        assert_eq!(odd.json(), "{\n  \"a\\\"\": [],\n  \"b\": {},\n  \"c\": 7,\n  \"d\": true\n}");
    }
}
