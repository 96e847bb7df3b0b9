//! Inline policies of users and roles.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::accounts::Accounts;
use super::super::grammar::Flaw;
use super::super::policy::{Policy, Stored};
use super::super::query::{Refusal, not_written, refuse};
use super::{Call, checked, escape, no_such, page, required, roles, users};

/// What IAM leaves as it is when it encodes a document (RFC 3986).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A document as IAM answers it.
pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, KEPT).to_string()
}

pub(super) fn flawed(flaw: Flaw) -> Refusal {
    match flaw {
        Flaw::Malformed(message) => refuse(400, "MalformedPolicyDocument", message),
        Flaw::NotWritten(what) => not_written(&what),
    }
}

fn of_user(call: &Call<'_>) -> bool {
    call.asked.operation.contains("User")
}

/// What the policies hang on, in words.
fn whose(accounts: &Accounts, call: &Call<'_>) -> Result<&'static str, Refusal> {
    if of_user(call) {
        users::found(accounts, call).map(|_| "user")
    } else {
        roles::found(accounts, call).map(|_| "role")
    }
}

fn named<'a>(call: &Call<'a>) -> Result<&'a str, Refusal> {
    checked("PolicyName", required(call.asked, "PolicyName")?, 128)
}

pub(super) fn put(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    let name = named(call)?;
    let text = required(call.asked, "PolicyDocument")?;
    let kind = whose(accounts, call)?;
    let policy = Policy::of_identity(text).map_err(flawed)?;
    // All inline policies of one user or role together, white space not counted.
    let most = if kind == "user" { 2048 } else { 10_240 };
    let size = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let others = accounts.policies.get(&call.arn).into_iter().flatten().filter(|(other, _)| *other != name);
    if size(text) + others.map(|(_, stored)| size(&stored.text)).sum::<usize>() > most {
        return Err(refuse(
            409,
            "LimitExceeded",
            format!("Maximum policy size of {most} bytes exceeded for {kind} {}", call.name),
        ));
    }
    let stored = Stored { text: text.to_owned(), policy };
    accounts.policies.entry(call.arn.clone()).or_default().insert(name.to_owned(), stored);
    Ok(())
}

pub(super) fn get(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let name = named(call)?;
    let kind = whose(accounts, call)?;
    let stored = accounts.policies.get(&call.arn).and_then(|own| own.get(name));
    let stored = stored.ok_or_else(|| no_such(&format!("{kind} policy"), name))?;
    let holder = if kind == "user" { "UserName" } else { "RoleName" };
    Ok(format!(
        "<{holder}>{}</{holder}><PolicyName>{}</PolicyName><PolicyDocument>{}</PolicyDocument>",
        escape(&call.name),
        escape(name),
        encoded(&stored.text)
    ))
}

pub(super) fn delete(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    let name = named(call)?;
    let kind = whose(accounts, call)?;
    let removed = accounts.policies.get_mut(&call.arn).and_then(|own| own.remove(name));
    removed.map(|_| ()).ok_or_else(|| no_such(&format!("{kind} policy"), name))
}

pub(super) fn list(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    whose(accounts, call)?;
    let names = accounts.policies.get(&call.arn).into_iter().flatten();
    let members: Vec<_> = names.map(|(name, _)| format!("<member>{}</member>", escape(name))).collect();
    page(call.asked, "PolicyNames", &members)
}

/// There are no managed policies here.
pub(super) fn list_attached(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    whose(accounts, call)?;
    page(call.asked, "AttachedPolicies", &[])
}
