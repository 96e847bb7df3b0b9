use super::condition::{Answer, Context, OWNER_ACL, Request, Sse};
use super::kind::FindingKind;
use super::pattern::{Cover, Target, covers, distance, fits};
use super::principal;
use super::view::{Element, Item, View};
use super::{Finding, error, findings_in, shape, warning};
use crate::RoleArn;

/// The action of the whole policy.
const ACTION: &str = "sts:AssumeRole";

/// The characters without white space that all inline policies of a role may have together; a user's may have 2,048.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const LIMIT: usize = 10_240;

/// What is wrong with a policy of a user or role that shall assume the copy role.
pub fn check_assume_role_policy(text: &str, role: &RoleArn) -> Vec<Finding> {
    findings_in(text, |policy| {
        let statements = policy.statements();
        let views: Vec<View<'_>> = statements.iter().map(|(path, node)| View::of(policy.text, path, node)).collect();
        let mut findings = shape::check(policy, shape::Sort::Identity);
        let characters = policy.text.chars().filter(|c| !c.is_whitespace()).count();
        if characters > LIMIT {
            findings.push(error("$", FindingKind::TooLarge { bytes: characters, limit: LIMIT }));
        }
        if policy.root.get("Statement").is_some() {
            findings.extend(right(&views, role));
        }
        findings.extend(views.iter().filter(|view| view.deny).filter_map(|view| deny(view, role)));
        findings
    })
}

fn right(views: &[View<'_>], role: &RoleArn) -> Vec<Finding> {
    let context = Context { role, acl: OWNER_ACL, sse: Sse::Unknown };
    let mut out = Vec::new();
    let met = |view: &View<'_>| context.meets_all(Request::Assume, &view.conditions);
    let giver = views
        .iter()
        .filter(|view| view.allow && acts(view) && cover(view, role) != Cover::None && met(view) != Answer::No)
        .min_by_key(|view| (met(view) != Answer::Yes, broad(view, role).is_some()));
    if let Some(view) = giver {
        out.extend(conditions(view, &context));
        let admin = view.action.iter().flat_map(|a| &a.values).any(|item| item.text == "*");
        out.extend(broad(view, role).filter(|_| !admin).map(|item| {
            let kind = FindingKind::BroadRole { found: item.text.to_owned(), expected: role.to_string() };
            warning(&item.path, kind)
        }));
        return out;
    }
    let meant = views.iter().filter(|view| view.allow).filter_map(|view| {
        let action = acts(view) || values(&view.action).any(|item| misspelt(item.text));
        // Roles of other accounts are somebody else's business: their statements stay as they are.
        let near = values(&view.resource).any(|item| is_meant(item.text, role));
        (near || (action && cover(view, role) != Cover::None)).then_some((view, near))
    });
    match meant.max_by_key(|(view, near)| (*near, acts(view))) {
        Some((view, _)) => out.extend(explain(view, role, &context)),
        None => {
            let kind = FindingKind::MissingStatement { sid: "", actions: vec![ACTION] };
            out.push(error("$.Statement", kind));
        }
    }
    out
}

fn explain(view: &View<'_>, role: &RoleArn, context: &Context<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    if !acts(view) {
        let wrong = values(&view.action).find(|item| misspelt(item.text));
        out.push(match (wrong, &view.action) {
            (Some(item), _) => {
                error(&item.path, FindingKind::MisspeltAction { found: item.text.to_owned(), meant: ACTION })
            }
            (None, Some(element)) => error(&element.path, FindingKind::MissingAction { action: ACTION }),
            (None, None) => error(&view.path, FindingKind::MissingAction { action: ACTION }),
        });
    }
    if cover(view, role) == Cover::None {
        let near = values(&view.resource).find(|item| is_meant(item.text, role));
        let item = near.or_else(|| view.resource.iter().find(|e| !e.not).and_then(|e| e.values.first()));
        let (path, found) = match (item, &view.resource) {
            (Some(item), _) => (item.path.as_str(), item.text),
            (None, Some(element)) => (element.path.as_str(), if element.not { "NotResource" } else { "" }),
            (None, None) => (view.path.as_str(), ""),
        };
        // Wildcards are fine in a resource: what is wrong is the rest.
        let part = match principal::wrong_part(&found.replace(['*', '?'], "x"), role) {
            _ if found.contains(['*', '?']) && !principal::is_near(found, role) => super::RolePart::Everything,
            part => part,
        };
        out.push(error(path, FindingKind::WrongRole { part, found: found.to_owned(), expected: role.to_string() }));
    }
    out.extend(conditions(view, context));
    out
}

fn conditions(view: &View<'_>, context: &Context<'_>) -> Vec<Finding> {
    let finding = |condition: &super::view::Condition<'_>| {
        let (operator, key) = (condition.operator.to_owned(), condition.key.to_owned());
        let found = condition.values.join(", ");
        match context.meets(Request::Assume, condition) {
            Answer::Yes => None,
            Answer::No => Some(error(&condition.path, FindingKind::NeverMet { action: ACTION, operator, key, found })),
            Answer::Unknown => {
                Some(warning(&condition.path, FindingKind::MayFail { action: ACTION, operator, key, found }))
            }
        }
    };
    view.conditions.iter().filter_map(finding).collect()
}

fn deny(view: &View<'_>, role: &RoleArn) -> Option<Finding> {
    let context = Context { role, acl: OWNER_ACL, sse: Sse::Unknown };
    let cover = cover(view, role);
    if !acts(view) || cover == Cover::None {
        return None;
    }
    let actions = ACTION.to_owned();
    match context.meets_all(Request::Assume, &view.conditions) {
        Answer::No => None,
        Answer::Yes if cover == Cover::Full => Some(error(&view.path, FindingKind::DenyWins { actions })),
        _ => {
            let told = view.conditions.iter().map(|c| format!("{} {} = {}", c.operator, c.key, c.values.join(", ")));
            let because = told.collect::<Vec<_>>().join("; ");
            Some(warning(&view.path, FindingKind::DenyMayWin { actions, because }))
        }
    }
}

fn cover(view: &View<'_>, role: &RoleArn) -> Cover {
    let Some(element) = &view.resource else { return Cover::None };
    let target = Target::One(role.to_string());
    let most = element.values.iter().map(|item| covers(item.text, &target)).max().unwrap_or(Cover::None);
    match (element.not, most) {
        (false, cover) => cover,
        (true, Cover::Full) => Cover::None,
        (true, Cover::Part) => Cover::Part,
        (true, Cover::None) => Cover::Full,
    }
}

/// Whether a resource was meant to be the copy role.
fn is_meant(text: &str, role: &RoleArn) -> bool {
    principal::is_near(text, role) || text.contains(role.account().as_str())
}

/// A resource by which more roles than the copy role may be assumed.
fn broad<'v, 'a>(view: &'v View<'a>, role: &RoleArn) -> Option<&'v Item<'a>> {
    let role = role.to_string();
    values(&view.resource).find(|item| item.text != role && fits(item.text, &role))
}

fn acts(view: &View<'_>) -> bool {
    let Some(element) = &view.action else { return false };
    let lower = ACTION.to_ascii_lowercase();
    element.values.iter().any(|item| fits(&item.text.to_ascii_lowercase(), &lower)) != element.not
}

fn values<'v, 'a>(element: &'v Option<Element<'a>>) -> impl Iterator<Item = &'v Item<'a>> {
    element.iter().flat_map(|element| &element.values)
}

fn misspelt(action: &str) -> bool {
    let real = ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoot"];
    let others = ["iam:AssumeRole", "s3:AssumeRole", "AssumeRole"];
    let is = |other: &&str| action.eq_ignore_ascii_case(other);
    !real.iter().any(is)
        && !action.eq_ignore_ascii_case(ACTION)
        && (others.iter().any(is) || distance(action, ACTION) <= 3)
}
