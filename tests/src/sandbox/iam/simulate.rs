//! SimulatePrincipalPolicy: what a user's or role's own policies say of actions and resources.

use super::super::accounts::Accounts;
use super::super::identity::Principal;
use super::super::policy::{Facts, Verdict};
use super::super::query::{Refusal, invalid, members, refuse};
use super::{Call, escape, no_such, page};

pub(super) fn principal(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let source = source(accounts, call)?;
    let actions = members(call.asked, "ActionNames");
    if actions.is_empty() {
        return Err(invalid("actionNames", "[]", "have length greater than or equal to 1"));
    }
    if let Some(bad) = actions.iter().find(|action| !action.contains(':') || action.contains('*')) {
        return Err(refuse(400, "InvalidInput", format!("Invalid action name: {bad}")));
    }
    let mut resources = members(call.asked, "ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let context = context(call);
    let mut results = Vec::new();
    for action in &actions {
        for resource in &resources {
            let facts = Facts { principal: &source, action, resource, keys: &context, session: None };
            let decision = match accounts.own(&facts) {
                Verdict::Allow => "allowed",
                Verdict::Deny => "explicitDeny",
                Verdict::Silent => "implicitDeny",
            };
            let matched = accounts.policies.get(&call.arn).into_iter().flatten();
            let matched = matched.filter(|(_, stored)| stored.policy.judge(&facts) != Verdict::Silent);
            let kind = if matches!(source, Principal::User { .. }) { "user" } else { "role" };
            let matched: String = matched
                .map(|(name, _)| {
                    let holder = call.arn.rsplit('/').next().unwrap_or_default();
                    let id = escape(&format!("{kind}_{holder}_{name}"));
                    format!("<member><SourcePolicyId>{id}</SourcePolicyId></member>")
                })
                .collect();
            results.push(format!(
                "<member><EvalActionName>{}</EvalActionName><EvalResourceName>{}</EvalResourceName>\
                 <EvalDecision>{decision}</EvalDecision><MatchedStatements>{matched}</MatchedStatements>\
                 <MissingContextValues></MissingContextValues></member>",
                escape(action),
                escape(resource)
            ));
        }
    }
    page(call.asked, "EvaluationResults", &results)
}

/// Whose policies are meant: a user or role of the caller's account.
fn source(accounts: &Accounts, call: &Call<'_>) -> Result<Principal, Refusal> {
    let own = format!("arn:aws:iam::{}:", call.account);
    let bad = || {
        refuse(
            400,
            "InvalidInput",
            format!("Invalid Entity Arn: {} does not clearly define entity type and name.", call.arn),
        )
    };
    let rest = call.arn.strip_prefix(&own).ok_or_else(bad)?;
    let account = call.account.to_owned();
    match rest.split_once('/') {
        Some(("user", name)) if accounts.users.contains_key(&call.arn) => {
            Ok(Principal::User { account, name: name.into(), session: false })
        }
        Some(("user", name)) => Err(no_such("user", name)),
        Some(("role", name)) if accounts.roles.get(&call.arn).is_some_and(|role| role.exists(call.now)) => {
            Ok(Principal::Session { account, role: name.into(), session: "simulated".into() })
        }
        Some(("role", name)) => Err(no_such("role", name)),
        _ => Err(bad()),
    }
}

/// The condition keys that the caller gives, each with its first value.
fn context<'a>(call: &Call<'a>) -> Vec<(&'a str, String)> {
    let field = |n: usize, part: &str| call.asked.parameter(&format!("ContextEntries.member.{n}.{part}"));
    let entries = (1..).map_while(|n| field(n, "ContextKeyName").map(|key| (n, key)));
    entries.filter_map(|(n, key)| field(n, "ContextKeyValues.member.1").map(|value| (key, value.to_owned()))).collect()
}
