//! A statement as the checks look at it. What has no proper form is left out here; [`super::shape`] tells it.

use crate::json::{Node, Value, step};

pub(super) struct View<'a> {
    pub(super) path: String,
    pub(super) sid: Option<&'a str>,
    pub(super) allow: bool,
    pub(super) deny: bool,
    /// None: there is no such element.
    pub(super) principal: Option<Element<'a>>,
    pub(super) action: Option<Element<'a>>,
    pub(super) resource: Option<Element<'a>>,
    pub(super) conditions: Vec<Condition<'a>>,
}

/// An element or its opposite, for example `Action` or `NotAction`.
pub(super) struct Element<'a> {
    /// The place of the element.
    pub(super) path: String,
    pub(super) not: bool,
    pub(super) values: Vec<Item<'a>>,
}

/// One string of an element.
pub(super) struct Item<'a> {
    pub(super) path: String,
    /// For principals `AWS`, `Service`…, or empty for a bare string.
    pub(super) kind: &'a str,
    pub(super) text: &'a str,
}

pub(super) struct Condition<'a> {
    pub(super) path: String,
    pub(super) operator: &'a str,
    pub(super) key: &'a str,
    pub(super) values: Vec<String>,
}

impl<'a> View<'a> {
    pub(super) fn of(text: &str, path: &str, node: &'a Node) -> View<'a> {
        let effect = node.get("Effect").and_then(Node::as_str);
        View {
            path: path.to_owned(),
            sid: node.get("Sid").and_then(Node::as_str),
            allow: effect == Some("Allow"),
            deny: effect == Some("Deny"),
            principal: element(path, node, ["Principal", "NotPrincipal"]),
            action: element(path, node, ["Action", "NotAction"]),
            resource: element(path, node, ["Resource", "NotResource"]),
            conditions: conditions(text, path, node),
        }
    }
}

fn element<'a>(path: &str, node: &'a Node, [name, opposite]: [&str; 2]) -> Option<Element<'a>> {
    let (name, value) = match (node.get(name), node.get(opposite)) {
        (Some(value), _) => (name, value),
        (None, Some(value)) => (opposite, value),
        (None, None) => return None,
    };
    let path = format!("{path}.{name}");
    let mut values = Vec::new();
    match value.members() {
        Some(members) => {
            for member in members {
                items(format!("{path}{}", step(&member.key)), &member.key, &member.value, &mut values);
            }
        }
        None => items(path.clone(), "", value, &mut values),
    }
    Some(Element { path, not: name == opposite, values })
}

fn items<'a>(path: String, kind: &'a str, node: &'a Node, out: &mut Vec<Item<'a>>) {
    match &node.value {
        Value::Array(list) => {
            let strings = list.iter().enumerate().filter_map(|(index, item)| Some((index, item.as_str()?)));
            out.extend(strings.map(|(index, text)| Item { path: format!("{path}[{index}]"), kind, text }));
        }
        _ => out.extend(node.as_str().map(|text| Item { path, kind, text })),
    }
}

fn conditions<'a>(text: &str, path: &str, node: &'a Node) -> Vec<Condition<'a>> {
    let mut out = Vec::new();
    for operator in node.get("Condition").and_then(Node::members).unwrap_or_default() {
        for key in operator.value.members().unwrap_or_default() {
            let values = match &key.value.value {
                Value::Array(items) => items.iter().collect(),
                _ => vec![&key.value],
            };
            let scalar = |value: &&Node| match &value.value {
                Value::String(string) => Some(string.clone()),
                Value::Bool(value) => Some(value.to_string()),
                Value::Number => Some(text[value.span.clone()].to_owned()),
                _ => None,
            };
            out.push(Condition {
                path: format!("{path}.Condition{}{}", step(&operator.key), step(&key.key)),
                operator: &operator.key,
                key: &key.key,
                values: values.iter().filter_map(scalar).collect(),
            });
        }
    }
    out
}
