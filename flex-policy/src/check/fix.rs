//! The smallest change that lets copies through.

use super::condition::{ACL_KEY, OWNER_ACL};
use super::kind::FindingKind;
use super::{Finding, Severity, check_assume_role_policy, check_bucket_policy};
use crate::document::Statement;
use crate::json::{self, Edit, Node, Value};
use crate::text::{Merged, PolicyText, PolicyTextError, add_statement, difference, strings};
use crate::{
    BucketName, PolicyDocument, RoleArn, assume_role_policy, bucket_policy, merge_assume_role_policy,
    merge_bucket_policy,
};

/// A policy with what could be mended, mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The text to put.
    pub policy: String,
    /// What is still wrong: above all a Deny or other statement of somebody else's, which only they can change.
    pub remaining: Vec<Finding>,
    before: String,
}

impl Fixed {
    /// Whether anything was mended.
    pub fn changed(&self) -> bool {
        self.policy != self.before
    }

    /// The change, line by line, as [`Merged::difference`](crate::Merged::difference) shows it.
    pub fn difference(&self) -> String {
        difference(&self.before, &self.policy)
    }
}

/// Mends a bucket's policy: mistakes of JSON of which the mend is certain, then in the statements meant for the copy role
/// each wrong value by itself. Where that does not do, the service's statements are put in by Sid, as
/// [`merge_bucket_policy`] does. Statements of others keep every byte.
///
/// An error is a text in which nothing can be told apart.
pub fn fix_bucket_policy(text: &str, role: &RoleArn, bucket: &BucketName) -> Result<Fixed, PolicyTextError> {
    let wanted = bucket_policy(role, bucket);
    let check = |text: &str| check_bucket_policy(text, role, bucket);
    fix(text, &wanted, role, &check, &|text| merge_bucket_policy(Some(text), role, bucket))
}

/// The same for a policy of the user or role that shall assume the copy role.
pub fn fix_assume_role_policy(text: &str, role: &RoleArn) -> Result<Fixed, PolicyTextError> {
    let wanted = assume_role_policy(role);
    let check = |text: &str| check_assume_role_policy(text, role);
    fix(text, &wanted, role, &check, &|text| merge_assume_role_policy(Some(text), role))
}

/// Two were enough for every text that was tried; this only makes sure that there is an end.
const ROUNDS: usize = 4;

type Check<'a> = &'a dyn Fn(&str) -> Vec<Finding>;
type Merge<'a> = &'a dyn Fn(&str) -> Result<Merged, PolicyTextError>;

fn fix(
    before: &str,
    wanted: &PolicyDocument,
    role: &RoleArn,
    check: Check<'_>,
    merge: Merge<'_>,
) -> Result<Fixed, PolicyTextError> {
    let mut fixed = mend_once(before, wanted, role, check, merge)?;
    // A merge that began from the text as it came leaves what else can be mended to the next round.
    for _ in 0..ROUNDS {
        let again = mend_once(&fixed.policy, wanted, role, check, merge)?;
        if again.policy == fixed.policy || errors(&again.remaining) > errors(&fixed.remaining) {
            break;
        }
        fixed = again;
    }
    Ok(Fixed { before: before.to_owned(), ..fixed })
}

fn mend_once(
    before: &str,
    wanted: &PolicyDocument,
    role: &RoleArn,
    check: Check<'_>,
    merge: Merge<'_>,
) -> Result<Fixed, PolicyTextError> {
    if before.trim().is_empty() {
        let policy = merge(before)?.policy;
        return Ok(Fixed { remaining: check(&policy), policy, before: before.to_owned() });
    }
    let read = json::read(before).map_err(PolicyTextError::Json)?;
    let json = json::apply(before, read.slips.into_iter().flat_map(|(_, mend)| mend).collect());
    let mut text = json.clone();
    let mut tried: Vec<Finding> = Vec::new();
    // Every finding is mended once at most, so that this ends.
    while tried.len() < 100 {
        let policy = PolicyText::read(&text)?;
        let next = check(&text).into_iter().filter(|finding| !tried.contains(finding)).find_map(|finding| {
            let edits = mend(&policy, &finding, wanted, role);
            (!edits.is_empty()).then_some((finding, edits))
        });
        let Some((finding, edits)) = next else { break };
        text = json::apply(&text, edits);
        tried.push(finding);
    }
    let remaining = check(&text);
    if !has_error(&remaining) {
        return Ok(Fixed { policy: text, remaining, before: before.to_owned() });
    }
    // What others' statements do stays whatever is done here: of equals the first, which is the smallest change.
    let mut best = (text, remaining);
    for start in [best.0.clone(), json] {
        let merged = merge(&start)?.policy;
        let after = check(&merged);
        if errors(&after) < errors(&best.1) {
            best = (merged, after);
        }
    }
    Ok(Fixed { policy: best.0, remaining: best.1, before: before.to_owned() })
}

fn has_error(findings: &[Finding]) -> bool {
    errors(findings) > 0
}

fn errors(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}

/// The edits that mend one finding; none where only somebody who knows better can.
fn mend(policy: &PolicyText<'_>, finding: &Finding, wanted: &PolicyDocument, role: &RoleArn) -> Vec<Edit> {
    use FindingKind::*;
    let at = policy.root.at(&finding.path);
    let write = |text: &str| match at {
        Some(node) => vec![Edit { at: node.span.clone(), with: quoted(text) }],
        None => Vec::new(),
    };
    match &finding.kind {
        WrongVersion { .. } => write("2012-10-17"),
        WrongPrincipal { expected, .. } | DeadPrincipal { expected, .. } if finding.severity == Severity::Error => {
            match at {
                Some(node) if node.as_str().is_some() => principal(policy, &finding.path, node, expected),
                _ => Vec::new(),
            }
        }
        // Narrower is what the manual has; a statement of somebody else's may mean the account.
        BroadPrincipal { .. } if is_ours(policy, &finding.path) => match at {
            Some(node) => principal(policy, &finding.path, node, &role.to_string()),
            None => Vec::new(),
        },
        PublicPrincipal if finding.severity == Severity::Error => match at {
            Some(node) if node.as_str() == Some("*") && is_for_copies(policy, &finding.path, wanted) => {
                principal(policy, &finding.path, node, &role.to_string())
            }
            _ => Vec::new(),
        },
        MisspeltAction { meant, .. } => write(meant),
        MalformedArn { meant, .. } => write(meant),
        OtherBucket { expected, .. } if is_ours(policy, &finding.path) => write(expected),
        WrongRole { expected, .. } => match at {
            Some(node) if node.as_str().is_some() => write(expected),
            _ => Vec::new(),
        },
        MissingAction { action } => at
            .filter(|_| finding.path.ends_with(".Action"))
            .map_or(Vec::new(), |node| one_more(policy.text, node, action)),
        WrongResource { expected, .. } => at
            .filter(|_| finding.path.ends_with(".Resource"))
            .map_or(Vec::new(), |node| one_more(policy.text, node, expected)),
        MissingStatement { sid, .. } => {
            let is = |statement: &&Statement| statement.sid().unwrap_or_default() == *sid;
            let missing: Vec<&Statement> = wanted.statements().iter().filter(is).collect();
            // With a statement of that Sid there is something to replace: the merge does that.
            let there = policy
                .statements()
                .iter()
                .any(|(_, node)| !sid.is_empty() && node.get("Sid").and_then(Node::as_str) == Some(sid));
            if there { Vec::new() } else { add_statement(policy, &missing) }
        }
        MissingCondition { .. } => match at {
            Some(node) if has_our_sid(node) || is_for_copies(policy, &finding.path, wanted) => {
                acl_condition(policy.text, node)
            }
            _ => Vec::new(),
        },
        UnknownElement { meant: Some(meant), .. } => {
            rename(&policy.root, &finding.path, meant).map_or(Vec::new(), |edit| vec![edit])
        }
        BadEffect { found } if found.eq_ignore_ascii_case("allow") => write("Allow"),
        BadEffect { found } if found.eq_ignore_ascii_case("deny") => write("Deny"),
        _ => Vec::new(),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Puts the role where a principal is wrong; a bare string becomes the object that names AWS.
fn principal(policy: &PolicyText<'_>, path: &str, node: &Node, role: &str) -> Vec<Edit> {
    let with = match path.ends_with(".Principal") {
        true => format!("{{\"AWS\": {}}}", quoted(role)),
        false => quoted(role),
    };
    // The role twice would be right, but is no smallest change.
    let list = path.rsplit_once('[').and_then(|(list, _)| policy.root.at(list));
    if let Some(Node { value: Value::Array(items), .. }) = list
        && items.iter().any(|item| item.as_str() == Some(role))
    {
        return without(items, node);
    }
    vec![Edit { at: node.span.clone(), with }]
}

fn without(items: &[Node], node: &Node) -> Vec<Edit> {
    let Some(index) = items.iter().position(|item| item.span == node.span) else { return Vec::new() };
    let at = match (index.checked_sub(1).and_then(|i| items.get(i)), items.get(index + 1)) {
        (Some(before), _) => before.span.end..node.span.end,
        (None, Some(after)) => node.span.start..after.span.start,
        (None, None) => return Vec::new(),
    };
    vec![Edit { at, with: String::new() }]
}

/// Adds a string to a string or a list of them.
fn one_more(text: &str, node: &Node, more: &str) -> Vec<Edit> {
    let more = quoted(more);
    match &node.value {
        Value::Array(items) => match items.last() {
            Some(last) => {
                let between = json::indent_of(text, last.span.start).map_or(" ".to_owned(), |i| format!("\n{i}"));
                vec![Edit { at: last.span.end..last.span.end, with: format!(",{between}{more}") }]
            }
            None => vec![Edit { at: node.span.clone(), with: format!("[{more}]") }],
        },
        Value::String(_) => {
            let first = &text[node.span.clone()];
            vec![Edit { at: node.span.clone(), with: format!("[{first}, {more}]") }]
        }
        _ => Vec::new(),
    }
}

/// Adds the condition on the ACL to a statement. Listing never meets it, so that it needs a statement of its own then:
/// the next finding says so.
fn acl_condition(text: &str, statement: &Node) -> Vec<Edit> {
    let mut edits = Vec::new();
    if let Some(Node { value: Value::Array(actions), .. }) = statement.get("Action") {
        let list = |node: &&Node| node.as_str().is_some_and(|action| action.eq_ignore_ascii_case("s3:ListBucket"));
        edits = actions.iter().find(list).map_or(Vec::new(), |node| without(actions, node));
    }
    let pair = format!("{}: {}", quoted(ACL_KEY), quoted(OWNER_ACL));
    let operator = format!("\"StringEquals\": {{{pair}}}");
    let insert = |object: &Node, member: String| {
        let last = object.members().and_then(<[_]>::last)?;
        let between = json::indent_of(text, last.key_span.start).map_or(" ".to_owned(), |i| format!("\n{i}"));
        Some(vec![Edit { at: last.value.span.end..last.value.span.end, with: format!(",{between}{member}") }])
    };
    let added = match statement.get("Condition") {
        None => insert(statement, format!("\"Condition\": {{{operator}}}")),
        Some(condition) => match condition.get("StringEquals") {
            None => insert(condition, operator),
            Some(equals) if equals.get(ACL_KEY).is_none() => insert(equals, pair),
            Some(_) => None,
        },
    };
    match added {
        Some(added) => edits.extend(added),
        None => edits.clear(),
    }
    edits
}

fn rename(root: &Node, path: &str, name: &str) -> Option<Edit> {
    let (parent, key) = path.rsplit_once('.')?;
    let parent = root.at(parent)?;
    // Where the right one is there, too, nobody knows which to keep.
    if parent.get(name).is_some() {
        return None;
    }
    Some(Edit { at: parent.member(key)?.key_span.clone(), with: quoted(name) })
}

/// Whether a path lies in a statement that allows nothing else than copies need: others' statements stay as they are.
fn is_for_copies(policy: &PolicyText<'_>, path: &str, wanted: &PolicyDocument) -> bool {
    let statement = path.split(".Principal").next().unwrap_or(path);
    let actions = policy.root.at(statement).and_then(|node| node.get("Action")).and_then(strings).unwrap_or_default();
    let needed: Vec<&str> = wanted.statements().iter().flat_map(Statement::actions).collect();
    !actions.is_empty() && actions.iter().all(|action| needed.iter().any(|n| n.eq_ignore_ascii_case(action)))
}

/// Whether a path lies in a statement with one of the service's Sids.
fn is_ours(policy: &PolicyText<'_>, path: &str) -> bool {
    let in_it = |statement: &str| path.strip_prefix(statement).is_some_and(|rest| rest.starts_with('.'));
    policy.statements().iter().any(|(statement, node)| in_it(statement) && has_our_sid(node))
}

fn has_our_sid(statement: &Node) -> bool {
    let sid = statement.get("Sid").and_then(Node::as_str);
    sid.is_some_and(|sid| crate::BUCKET_POLICY_SIDS.contains(&sid))
}
