use super::document::{Place, PolicyText, PolicyTextError};
use super::meaning::Meaning;
use super::splice::{add_statement, replace_statement};
use crate::document::Statement;
use crate::json::{self, Edit, Node};
use crate::{BucketName, PolicyDocument, RoleArn, assume_role_policy, bucket_policy};

/// A policy with the service's statements in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The text to put. Whatever is not the service's stands in it as it stood before, byte for byte.
    pub policy: String,
    /// What was done about each of the service's statements, in their order.
    pub changes: Vec<Change>,
    before: String,
}

/// What was done about one of the service's statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its Sid. The AssumeRole statement has none: its action, `sts:AssumeRole`.
    pub sid: String,
    /// What was done.
    pub kind: ChangeKind,
}

/// What was done about a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// One of its Sid was there and said something else.
    Replaced,
    /// It was there, perhaps in another form or without its Sid.
    Unchanged,
}

impl Merged {
    /// Whether the policy differs from what was there.
    pub fn changed(&self) -> bool {
        self.policy != self.before
    }

    /// The change, line by line: `- ` what goes, `+ ` what comes, two blanks before what stays. Empty without a change.
    pub fn difference(&self) -> String {
        difference(&self.before, &self.policy)
    }
}

/// Both texts are laid out alike first: S3 gives a policy back in one line. What is not JSON is shown as it stands, unless
/// it is one line, too: then the findings alone tell of its commas and quotation marks.
pub(crate) fn difference(before: &str, after: &str) -> String {
    let pretty = |text: &str| match json::read(text) {
        Ok(read) if read.slips.is_empty() || !text.trim().contains('\n') => Some(json::pretty(text, &read.root)),
        _ => text.is_empty().then(String::new),
    };
    match (pretty(before), pretty(after)) {
        (Some(before), Some(after)) => json::difference(&before, &after),
        _ => json::difference(before, after),
    }
}

/// Puts the service's two statements into a bucket's policy.
///
/// They are known by their Sids: a statement with one of them is replaced unless it says the same already, in whatever
/// form. A statement that says exactly the same without the Sid is left as it is. All others, and everything around them,
/// keep every byte. A text of white space alone counts as none.
pub fn merge_bucket_policy(
    current: Option<&str>,
    role: &RoleArn,
    bucket: &BucketName,
) -> Result<Merged, PolicyTextError> {
    merge(current, &bucket_policy(role, bucket))
}

/// Puts the service's statement into a policy of a user or role. It has no Sid: it is added unless one that says the
/// same is there.
pub fn merge_assume_role_policy(current: Option<&str>, role: &RoleArn) -> Result<Merged, PolicyTextError> {
    let wanted = assume_role_policy(role);
    let mut merged = merge(current, &wanted)?;
    if current.is_none() {
        // White space is escaped in IAM's forms, and servers other than AWS have been seen to sign it in another way.
        merged.policy = wanted.on_one_line();
    }
    Ok(merged)
}

fn merge(current: Option<&str>, wanted: &PolicyDocument) -> Result<Merged, PolicyTextError> {
    let name = |wanted: &Statement| wanted.sid().unwrap_or("sts:AssumeRole").to_owned();
    let Some(text) = current.filter(|text| !text.trim().is_empty()) else {
        let added = |wanted| Change { sid: name(wanted), kind: ChangeKind::Added };
        let changes = wanted.statements().iter().map(added).collect();
        return Ok(Merged { policy: wanted.to_string(), changes, before: String::new() });
    };
    let policy = PolicyText::read(text)?;
    if policy.root.members().is_some_and(<[_]>::is_empty) {
        let mut merged = merge(None, wanted)?;
        merged.before = text.to_owned();
        return Ok(merged);
    }
    let mut changes = Vec::new();
    let mut edits = Vec::new();
    let mut missing = Vec::new();
    for wanted in wanted.statements() {
        let kind = match find(&policy, wanted) {
            Found::Equal => ChangeKind::Unchanged,
            Found::Other { first, again } => {
                edits.push(replace_statement(text, first, wanted));
                edits.extend(again.into_iter().map(|at| Edit { at, with: String::new() }));
                ChangeKind::Replaced
            }
            Found::None => {
                missing.push(wanted);
                ChangeKind::Added
            }
        };
        changes.push(Change { sid: name(wanted), kind });
    }
    edits.extend(add_statement(&policy, &missing));
    Ok(Merged { policy: json::apply(text, edits), changes, before: text.to_owned() })
}

enum Found<'a> {
    None,
    Equal,
    /// Others of the Sid: the first to replace, and what goes where there are more (with the comma before it).
    Other {
        first: &'a Node,
        again: Vec<std::ops::Range<usize>>,
    },
}

fn find<'a>(policy: &'a PolicyText<'_>, wanted: &Statement) -> Found<'a> {
    let says_it = |node: &Node| is_equivalent(policy.text, node, wanted);
    let items = match policy.place() {
        Place::Missing => &[],
        Place::Single(one) => std::slice::from_ref(one),
        Place::List(_, items) => items,
    };
    let has_sid = |node: &Node| wanted.sid().is_some() && node.get("Sid").and_then(Node::as_str) == wanted.sid();
    // What has the other statement's Sid is replaced by that one, whatever it says.
    let stays = |node: &&Node| {
        wanted.sid().is_none()
            || !node.get("Sid").and_then(Node::as_str).is_some_and(|sid| crate::BUCKET_POLICY_SIDS.contains(&sid))
    };
    let mut ours = items.iter().enumerate().filter(|(_, item)| has_sid(item));
    match ours.next() {
        None if items.iter().filter(stays).any(says_it) => Found::Equal,
        None => Found::None,
        Some((_, first)) => {
            let again: Vec<_> = ours.map(|(index, item)| items[index - 1].span.end..item.span.end).collect();
            if again.is_empty() && says_it(first) { Found::Equal } else { Found::Other { first, again } }
        }
    }
}

/// Whether a statement says exactly what one of the service's says.
fn is_equivalent(text: &str, node: &Node, wanted: &Statement) -> bool {
    let written = serde_json::to_string(wanted).unwrap_or_default();
    let Ok(read) = json::read(&written) else { return false };
    let (Some(mut theirs), Some(mut ours)) = (Meaning::of(text, node), Meaning::of(&written, &read.root)) else {
        return false;
    };
    // The manual lists the bucket itself for putting objects, where it does nothing.
    if wanted.sid() == Some(crate::PUT_SID) {
        let objects: Vec<String> = ours.resource.iter().filter(|r| r.ends_with("/*")).cloned().collect();
        let bucket = |resource: &String| objects.contains(&format!("{resource}/*"));
        ours.resource.retain(|resource| !bucket(resource));
        theirs.resource.retain(|resource| !bucket(resource));
    }
    theirs == ours
}
