//! Whether a text has the form of a policy, whatever it says.

use super::condition::{OPERATORS, is_operator};
use super::kind::FindingKind;
use super::pattern::meant;
use super::{Finding, error, warning};
use crate::json::{Node, Value, step};
use crate::text::{PolicyText, strings};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Bucket,
    Identity,
}

pub(super) fn check(policy: &PolicyText<'_>, sort: Sort) -> Vec<Finding> {
    let mut out = Vec::new();
    twice("$", &policy.root, &mut out);
    top(policy, &mut out);
    let mut sids: Vec<&str> = Vec::new();
    for (path, node) in policy.statements() {
        statement(&path, node, sort, &mut out);
        let Some(sid) = node.get("Sid").and_then(Node::as_str) else { continue };
        // Generators write empty ones, which count as none.
        if !sid.is_empty() && sids.contains(&sid) {
            out.push(error(&format!("{path}.Sid"), FindingKind::DuplicateSid { sid: sid.to_owned() }));
        }
        sids.push(sid);
        // A bucket policy's Sids may have blanks.
        if sort == Sort::Identity && !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            out.push(error(&format!("{path}.Sid"), FindingKind::BadSid { sid: sid.to_owned() }));
        }
    }
    out
}

fn twice(path: &str, node: &Node, out: &mut Vec<Finding>) {
    match &node.value {
        Value::Object(members) => {
            for (index, member) in members.iter().enumerate() {
                let here = format!("{path}{}", step(&member.key));
                if members[..index].iter().any(|earlier| earlier.key == member.key) {
                    out.push(warning(&here, FindingKind::DuplicateKey { key: member.key.clone() }));
                }
                twice(&here, &member.value, out);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                twice(&format!("{path}[{index}]"), item, out);
            }
        }
        _ => {}
    }
}

fn top(policy: &PolicyText<'_>, out: &mut Vec<Finding>) {
    unknown("$", &policy.root, &["Version", "Id", "Statement"], out);
    if let Some(version) = policy.root.get("Version") {
        // Without a version the older one holds, which is enough here.
        if !matches!(version.as_str(), Some("2012-10-17" | "2008-10-17")) {
            let found = policy.text[version.span.clone()].trim_matches('"').to_owned();
            out.push(error("$.Version", FindingKind::WrongVersion { found }));
        }
    }
    if policy.root.get("Statement").is_none() {
        out.push(error("$", FindingKind::MissingElement { element: "Statement" }));
    }
}

fn unknown(path: &str, node: &Node, known: &[&'static str], out: &mut Vec<Finding>) {
    for member in node.members().unwrap_or_default() {
        if !known.contains(&member.key.as_str()) {
            let kind = FindingKind::UnknownElement { found: member.key.clone(), meant: meant(&member.key, known) };
            out.push(error(&format!("{path}{}", step(&member.key)), kind));
        }
    }
}

fn statement(path: &str, node: &Node, sort: Sort, out: &mut Vec<Finding>) {
    let mut known = vec!["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    let mut needed = vec![["Action", "NotAction"], ["Resource", "NotResource"]];
    if sort == Sort::Bucket {
        known.extend(["Principal", "NotPrincipal"]);
        needed.push(["Principal", "NotPrincipal"]);
    }
    unknown(path, node, &known, out);
    match node.get("Effect") {
        None => out.push(error(path, FindingKind::MissingElement { element: "Effect" })),
        Some(effect) if matches!(effect.as_str(), Some("Allow" | "Deny")) => {}
        Some(effect) => {
            let found = effect.as_str().unwrap_or(effect.sort()).to_owned();
            out.push(error(&format!("{path}.Effect"), FindingKind::BadEffect { found }));
        }
    }
    for [element, opposite] in needed {
        let misspelt = |m: &crate::json::Member| meant(&m.key, &known).is_some_and(|k| k == element || k == opposite);
        let there = [element, opposite].iter().any(|name| node.get(name).is_some())
            || node.members().unwrap_or_default().iter().any(misspelt);
        if !there {
            out.push(error(path, FindingKind::MissingElement { element }));
        }
    }
    let mut form = |path: String, element: &str, value: &Node| {
        let kind = FindingKind::WrongForm { element: element.to_owned(), found: value.sort() };
        out.push(error(&path, kind));
    };
    for name in ["Action", "NotAction", "Resource", "NotResource"] {
        if let Some(value) = node.get(name).filter(|value| strings(value).is_none()) {
            form(format!("{path}.{name}"), name, value);
        }
    }
    for name in ["Principal", "NotPrincipal"] {
        let Some(value) = node.get(name) else { continue };
        match value.members() {
            Some(members) => {
                for member in members.iter().filter(|member| strings(&member.value).is_none()) {
                    form(format!("{path}.{name}{}", step(&member.key)), &member.key, &member.value);
                }
            }
            // A bare string can only be everybody.
            None if value.as_str() == Some("*") => {}
            None => form(format!("{path}.{name}"), name, value),
        }
    }
    if let Some(sid) = node.get("Sid").filter(|sid| sid.as_str().is_none()) {
        form(format!("{path}.Sid"), "Sid", sid);
    }
    condition(path, node, out);
}

fn condition(path: &str, node: &Node, out: &mut Vec<Finding>) {
    let Some(condition) = node.get("Condition") else { return };
    let path = format!("{path}.Condition");
    let form = |path: &str, element: &str, value: &Node| {
        error(path, FindingKind::WrongForm { element: element.to_owned(), found: value.sort() })
    };
    let Some(operators) = condition.members() else { return out.push(form(&path, "Condition", condition)) };
    for operator in operators {
        let path = format!("{path}{}", step(&operator.key));
        if !is_operator(&operator.key) {
            let kind =
                FindingKind::UnknownElement { found: operator.key.clone(), meant: meant(&operator.key, &OPERATORS) };
            out.push(error(&path, kind));
        }
        if operator.value.members().is_none() {
            out.push(form(&path, &operator.key, &operator.value));
        }
    }
}
