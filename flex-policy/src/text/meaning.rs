use std::collections::{BTreeMap, BTreeSet};

use crate::json::{Node, Value};

/// What a statement says, whatever its form: single strings and lists, orders, white space, escapes and the Sid make no
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    effect: String,
    /// By kind (`AWS`), the account's two spellings as one.
    principal: BTreeSet<(String, String)>,
    /// In lower case, as IAM compares them.
    action: BTreeSet<String>,
    pub(crate) resource: BTreeSet<String>,
    /// By operator and by key, which is compared without case.
    condition: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Meaning {
    /// None where a part is not understood (`NotAction`, an unknown member, a member twice): then it equals nothing.
    pub(crate) fn of(text: &str, statement: &Node) -> Option<Meaning> {
        let members = statement.members()?;
        let mut meaning = Meaning {
            effect: String::new(),
            principal: BTreeSet::new(),
            action: BTreeSet::new(),
            resource: BTreeSet::new(),
            condition: BTreeMap::new(),
        };
        let mut seen = BTreeSet::new();
        for member in members {
            if !seen.insert(member.key.as_str()) {
                return None;
            }
            match member.key.as_str() {
                "Sid" => {}
                "Effect" => meaning.effect = member.value.as_str()?.to_owned(),
                "Principal" => meaning.principal = principals(&member.value)?,
                "Action" => meaning.action = strings(&member.value)?.iter().map(|a| a.to_ascii_lowercase()).collect(),
                "Resource" => meaning.resource = strings(&member.value)?.into_iter().map(str::to_owned).collect(),
                "Condition" => meaning.condition = conditions(text, &member.value)?,
                _ => return None,
            }
        }
        Some(meaning)
    }
}

/// A string, or a list of strings.
pub(crate) fn strings(node: &Node) -> Option<Vec<&str>> {
    match &node.value {
        Value::Array(items) => items.iter().map(Node::as_str).collect(),
        _ => node.as_str().map(|text| vec![text]),
    }
}

fn principals(node: &Node) -> Option<BTreeSet<(String, String)>> {
    if let Some(text) = node.as_str() {
        return Some(BTreeSet::from([("AWS".to_owned(), text.to_owned())]));
    }
    let mut out = BTreeSet::new();
    for member in node.members()? {
        for text in strings(&member.value)? {
            let account = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
            let text = if account { format!("arn:aws:iam::{text}:root") } else { text.to_owned() };
            out.insert((member.key.clone(), text));
        }
    }
    Some(out)
}

fn conditions(text: &str, node: &Node) -> Option<BTreeMap<(String, String), BTreeSet<String>>> {
    let mut out = BTreeMap::new();
    for operator in node.members()? {
        for key in operator.value.members()? {
            let values = match &key.value.value {
                Value::Array(items) => items.iter().collect(),
                _ => vec![&key.value],
            };
            let values = values.into_iter().map(|value| scalar(text, value)).collect::<Option<_>>()?;
            if out.insert((operator.key.clone(), key.key.to_ascii_lowercase()), values).is_some() {
                return None;
            }
        }
    }
    Some(out)
}

/// IAM takes true for "true" and 3 for "3".
fn scalar(text: &str, node: &Node) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number => Some(text[node.span.clone()].to_owned()),
        _ => None,
    }
}
