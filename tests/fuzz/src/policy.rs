//! What holds for every text that is taken for a policy.

use flex_policy::{BUCKET_POLICY_SIDS, ChangeKind, Finding, Fixed, Merged, PolicyTextError, Severity};
use serde_json::{Value, value::RawValue};

use crate::{check_message, long_form};

/// The functions for one sort of policy.
pub struct Kit<'a> {
    /// The manual's policy.
    pub manual: &'a str,
    pub check: &'a dyn Fn(&str) -> Vec<Finding>,
    pub merge: &'a dyn Fn(Option<&str>) -> Result<Merged, PolicyTextError>,
    pub fix: &'a dyn Fn(&str) -> Result<Fixed, PolicyTextError>,
}

/// The text by itself, and as statements of others beside the manual's.
pub fn check(text: &str, kit: &Kit<'_>) {
    check_text(text, kit);
    if let Some(at) = kit.manual.find('[') {
        check_text(&format!("{}{text},{}", &kit.manual[..=at], &kit.manual[at + 1..]), kit);
    }
    for separator in ["", ","] {
        if let Some(long) = long_form(text, separator) {
            // Reading alone: a fix of hundreds of statements may take its time.
            for finding in (kit.check)(&long) {
                check_message(&finding.to_string(), long.len());
            }
        }
    }
}

fn check_text(text: &str, kit: &Kit<'_>) {
    let found = (kit.check)(text);
    for finding in &found {
        assert!(finding.path().starts_with('$'), "{finding:?}");
        for message in [finding.to_string(), finding.mend(), finding.consequence()] {
            assert!(!message.is_empty(), "{finding:?}");
            check_message(&message, text.len());
        }
    }
    match (kit.merge)(Some(text)) {
        Ok(merged) => check_merged(text, &merged, kit),
        Err(error) => check_message(&error.to_string(), text.len()),
    }
    match (kit.fix)(text) {
        Ok(fixed) => check_fixed(text, &found, &fixed, kit),
        Err(error) => {
            assert!(errors(&found) > 0, "cannot be mended, and nothing was told: {text:?}");
            check_message(&error.to_string(), text.len());
        }
    }
}

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.severity() == Severity::Error).count()
}

fn check_merged(text: &str, merged: &Merged, kit: &Kit<'_>) {
    assert_eq!(merged.changed(), merged.policy != text);
    let ours = |sid: Option<&str>| sid.is_some_and(|sid| BUCKET_POLICY_SIDS.contains(&sid));
    let before = statements(text).unwrap_or_default();
    let after = statements(&merged.policy).unwrap_or_else(|| panic!("{:?} of {text:?}", merged.policy));
    let mut rest = after.iter().map(|statement| statement.get());
    for statement in before.iter().filter(|statement| !ours(sid(statement).as_deref())) {
        assert!(rest.any(|other| other == statement.get()), "{} is gone from {}", statement.get(), merged.policy);
    }
    let again = (kit.merge)(Some(&merged.policy)).unwrap_or_else(|e| panic!("{e} in {}", merged.policy));
    assert_eq!(again.policy, merged.policy, "a second merge changes nothing");
    assert!(again.changes.iter().all(|change| change.kind == ChangeKind::Unchanged), "{:?}", again.changes);
}

fn check_fixed(text: &str, found: &[Finding], fixed: &Fixed, kit: &Kit<'_>) {
    let policy = &fixed.policy;
    assert!(serde_json::from_str::<Value>(policy).is_ok(), "{policy:?} of {text:?}");
    assert_eq!(fixed.changed(), policy != text);
    assert!(errors(&fixed.remaining) <= errors(found), "worse: {policy:?} of {text:?}");
    assert_eq!(fixed.remaining, (kit.check)(policy), "what remains is what a check finds");
    let again = (kit.fix)(policy).unwrap_or_else(|e| panic!("{e} in {policy:?} of {text:?}"));
    assert!(!again.changed(), "a second fix changes {}\nin {policy}\nof {text}", again.difference());
    // Statements about which nothing was told, and which have none of our names, keep every byte.
    let Some(before) = statements(text) else { return };
    let after = statements(policy).unwrap_or_else(|| panic!("{policy:?} of {text:?}"));
    let told = |index: usize| {
        let (in_list, alone) = (format!("$.Statement[{index}]"), "$.Statement");
        found.iter().any(|finding| finding.path().starts_with(&in_list) || finding.path() == alone)
    };
    let mut rest = after.iter().map(|statement| statement.get());
    for (index, statement) in before.iter().enumerate() {
        let ours = sid(statement).is_some_and(|sid| BUCKET_POLICY_SIDS.contains(&sid.as_str()));
        if !ours && !told(index) {
            assert!(rest.any(|other| other == statement.get()), "{} is gone from {policy}", statement.get());
        }
    }
}

/// The statements of what is JSON and has a list of objects of that name, as they are written.
fn statements(text: &str) -> Option<Vec<Box<RawValue>>> {
    #[derive(serde::Deserialize)]
    struct Policy {
        #[serde(rename = "Statement")]
        statement: Vec<Box<RawValue>>,
    }
    // Deeper than flex reads, or with a member twice, it is refused.
    serde_json::from_str::<Policy>(text).ok().map(|policy| policy.statement)
}

fn sid(statement: &RawValue) -> Option<String> {
    let value: Value = serde_json::from_str(statement.get()).ok()?;
    value.get("Sid")?.as_str().map(str::to_owned)
}
