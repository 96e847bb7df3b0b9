//! IAM: users, their keys and inline policies, roles and instance profiles, on the same port as S3.
//!
//! A caller works on its own account and needs, for each operation, the right of that name on the ARN of what it is about.

mod policies;
mod roles;
mod simulate;
mod users;

use std::time::SystemTime;

use http::{Request, Response};
use s3s::Body;

use super::access::Signed;
use super::asked::Asked;
use super::breaking::Service;
use super::identity::{Identity, Principal, role_arn, user_arn};
use super::policy::{Facts, Verdict};
use super::query::{self, Refusal, escape, invalid, not_written, refuse, unknown_token};
use super::signature;
use super::world::{State, World};

/// What an operation is about: the right is asked for on its ARN.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    User,
    /// The caller itself, unless a user is named.
    UserOrSelf,
    Users,
    Role,
    Roles,
    Profile,
    Source,
}

/// Every operation that is written, and the parameters that it takes. Others answer 501, never something plausible.
const OPERATIONS: [(&str, On, &[&str]); 33] = [
    ("GetUser", On::UserOrSelf, &["UserName"]),
    ("CreateUser", On::User, &["UserName", "Path", "Tags"]),
    ("DeleteUser", On::User, &["UserName"]),
    ("ListUsers", On::Users, &["PathPrefix", "Marker", "MaxItems"]),
    ("PutUserPolicy", On::User, &["UserName", "PolicyName", "PolicyDocument"]),
    ("GetUserPolicy", On::User, &["UserName", "PolicyName"]),
    ("DeleteUserPolicy", On::User, &["UserName", "PolicyName"]),
    ("ListUserPolicies", On::User, &["UserName", "Marker", "MaxItems"]),
    ("ListAttachedUserPolicies", On::User, &["UserName", "PathPrefix", "Marker", "MaxItems"]),
    ("ListGroupsForUser", On::User, &["UserName", "Marker", "MaxItems"]),
    ("ListUserTags", On::User, &["UserName", "Marker", "MaxItems"]),
    ("CreateAccessKey", On::UserOrSelf, &["UserName"]),
    ("ListAccessKeys", On::UserOrSelf, &["UserName", "Marker", "MaxItems"]),
    ("UpdateAccessKey", On::UserOrSelf, &["UserName", "AccessKeyId", "Status"]),
    ("DeleteAccessKey", On::UserOrSelf, &["UserName", "AccessKeyId"]),
    (
        "CreateRole",
        On::Role,
        &["RoleName", "Path", "AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Tags"],
    ),
    ("GetRole", On::Role, &["RoleName"]),
    ("DeleteRole", On::Role, &["RoleName"]),
    ("ListRoles", On::Roles, &["PathPrefix", "Marker", "MaxItems"]),
    ("UpdateAssumeRolePolicy", On::Role, &["RoleName", "PolicyDocument"]),
    ("PutRolePolicy", On::Role, &["RoleName", "PolicyName", "PolicyDocument"]),
    ("GetRolePolicy", On::Role, &["RoleName", "PolicyName"]),
    ("DeleteRolePolicy", On::Role, &["RoleName", "PolicyName"]),
    ("ListRolePolicies", On::Role, &["RoleName", "Marker", "MaxItems"]),
    ("ListAttachedRolePolicies", On::Role, &["RoleName", "PathPrefix", "Marker", "MaxItems"]),
    ("ListRoleTags", On::Role, &["RoleName", "Marker", "MaxItems"]),
    ("ListInstanceProfilesForRole", On::Role, &["RoleName", "Marker", "MaxItems"]),
    ("CreateInstanceProfile", On::Profile, &["InstanceProfileName", "Path", "Tags"]),
    ("GetInstanceProfile", On::Profile, &["InstanceProfileName"]),
    ("DeleteInstanceProfile", On::Profile, &["InstanceProfileName"]),
    ("AddRoleToInstanceProfile", On::Profile, &["InstanceProfileName", "RoleName"]),
    ("RemoveRoleFromInstanceProfile", On::Profile, &["InstanceProfileName", "RoleName"]),
    (
        "SimulatePrincipalPolicy",
        On::Source,
        &["PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries", "Marker", "MaxItems"],
    ),
];

/// The operation's name, when it is written.
pub(crate) fn operation(action: &str) -> Option<&'static str> {
    OPERATIONS.iter().map(|(name, _, _)| *name).find(|name| *name == action)
}

/// A call that was let in: what it asks, of which account, and about what.
struct Call<'a> {
    asked: &'a Asked,
    caller: &'a Identity,
    account: &'a str,
    /// The ARN of the user, role or profile.
    arn: String,
    /// Its name.
    name: String,
    now: SystemTime,
    /// For ids and keys: no other call has it.
    nonce: u64,
}

impl World {
    /// The answer to a request to IAM.
    pub(crate) fn iam(&self, req: &Request<Body>, body: &[u8], asked: &Asked) -> Response<Body> {
        query::answered(Service::Iam, self.iam_result(req, body, asked))
    }

    fn iam_result(&self, req: &Request<Body>, body: &[u8], asked: &Asked) -> Result<String, Refusal> {
        let caller = self.form_caller(Service::Iam, req.headers())?;
        let signed = Signed::read(req.headers()).map_err(|_| unknown_token())?;
        if !signature::holds(req.method(), req.uri(), req.headers(), body, &signed, &caller.secret) {
            return Err(refuse(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ));
        }
        let action = asked.parameter("Action").unwrap_or_default();
        let Some((operation, on, parameters)) = OPERATIONS.iter().find(|(name, _, _)| *name == asked.operation) else {
            return Err(not_written(&format!("iam:{action}")));
        };
        let known = |name: &str| {
            let stem = name.split_once(".member.").map_or(name, |(stem, _)| stem);
            ["Action", "Version"].contains(&name) || parameters.contains(&stem)
        };
        if let Some((unknown, _)) = asked.query.iter().find(|(name, _)| !known(name)) {
            return Err(not_written(&format!("{unknown} of iam:{operation}")));
        }
        if matches!(caller.principal, Principal::User { session: true, .. }) {
            // Without MFA, sessions of users may not call IAM.
            return Err(unknown_token());
        }
        let account = caller.principal.account();
        let (name, arn) = subject(*on, asked, &caller, account)?;
        let (now, nonce) = (self.now(), self.nonce());
        let call = Call { asked, caller: &caller, account, arn, name, now, nonce };
        let mut state = self.state();
        may(&state, &caller, &format!("iam:{operation}"), &call.arn)?;
        let inside = perform(operation, &mut state, &call)?;
        Ok(query::result(Service::Iam, operation, inside.as_deref()))
    }
}

fn perform(operation: &str, state: &mut State, call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let accounts = &mut state.accounts;
    match operation {
        "GetUser" => users::get(accounts, call).map(Some),
        "CreateUser" => users::create(accounts, call).map(Some),
        "DeleteUser" => users::delete(state, call).map(|()| None),
        "ListUsers" => users::list(accounts, call).map(Some),
        "ListGroupsForUser" => {
            users::found(accounts, call)?;
            Ok(Some("<IsTruncated>false</IsTruncated><Groups></Groups>".into()))
        }
        "ListUserTags" => users::tags(accounts, call).map(Some),
        "CreateAccessKey" => users::create_key(accounts, call).map(Some),
        "ListAccessKeys" => users::list_keys(accounts, call).map(Some),
        "UpdateAccessKey" => users::update_key(accounts, call).map(|()| None),
        "DeleteAccessKey" => users::delete_key(accounts, call).map(|()| None),
        "CreateRole" => roles::create(accounts, call).map(Some),
        "GetRole" => roles::get(accounts, call).map(Some),
        "DeleteRole" => roles::delete(state, call).map(|()| None),
        "ListRoles" => roles::list(accounts, call).map(Some),
        "ListRoleTags" => roles::tags(accounts, call).map(Some),
        "UpdateAssumeRolePolicy" => roles::update_trust(accounts, call).map(|()| None),
        "ListInstanceProfilesForRole" => roles::profiles_of(accounts, call).map(Some),
        "CreateInstanceProfile" => roles::create_profile(accounts, call).map(Some),
        "GetInstanceProfile" => roles::get_profile(accounts, call).map(Some),
        "DeleteInstanceProfile" => roles::delete_profile(accounts, call).map(|()| None),
        "AddRoleToInstanceProfile" => roles::add_to_profile(state, call).map(|()| None),
        "RemoveRoleFromInstanceProfile" => roles::remove_from_profile(accounts, call).map(|()| None),
        "SimulatePrincipalPolicy" => simulate::principal(accounts, call).map(Some),
        "PutUserPolicy" | "PutRolePolicy" => policies::put(accounts, call).map(|()| None),
        "GetUserPolicy" | "GetRolePolicy" => policies::get(accounts, call).map(Some),
        "DeleteUserPolicy" | "DeleteRolePolicy" => policies::delete(accounts, call).map(|()| None),
        "ListUserPolicies" | "ListRolePolicies" => policies::list(accounts, call).map(Some),
        "ListAttachedUserPolicies" | "ListAttachedRolePolicies" => policies::list_attached(accounts, call).map(Some),
        other => Err(not_written(&format!("iam:{other}"))),
    }
}

/// The name and the ARN of what a call is about.
fn subject(on: On, asked: &Asked, caller: &Identity, account: &str) -> Result<(String, String), Refusal> {
    let named = |parameter: &str| required(asked, parameter).and_then(|name| checked(parameter, name, 64));
    Ok(match on {
        On::User => {
            let name = named("UserName")?;
            (name.to_owned(), user_arn(account, name))
        }
        On::UserOrSelf => match (asked.parameter("UserName"), &caller.principal) {
            (Some(name), _) => (checked("UserName", name, 64)?.to_owned(), user_arn(account, name)),
            (None, Principal::User { name, .. }) => (name.clone(), user_arn(account, name)),
            (None, Principal::Session { .. }) => {
                return Err(refuse(
                    400,
                    "ValidationError",
                    "Must specify userName when calling with non-User credentials",
                ));
            }
        },
        On::Users => (String::new(), user_arn(account, "")),
        On::Role => {
            let name = named("RoleName")?;
            (name.to_owned(), role_arn(account, name))
        }
        On::Roles => (String::new(), role_arn(account, "")),
        On::Profile => {
            let name = checked("InstanceProfileName", required(asked, "InstanceProfileName")?, 128)?;
            (name.to_owned(), profile_arn(account, name))
        }
        On::Source => (String::new(), required(asked, "PolicySourceArn")?.to_owned()),
    })
}

fn profile_arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:instance-profile/{name}")
}

/// Whether the caller's own policies give it a right; there are no others in IAM.
fn may(state: &State, caller: &Identity, action: &str, resource: &str) -> Result<(), Refusal> {
    let principal = &caller.principal;
    let keys = [("aws:PrincipalArn", principal.iam_arn()), ("aws:PrincipalAccount", principal.account().to_owned())];
    let why = match state.accounts.own(&Facts {
        principal,
        action,
        resource,
        keys: &keys,
        session: caller.session.as_deref(),
    }) {
        Verdict::Allow => return Ok(()),
        Verdict::Deny => "with an explicit deny in an identity-based policy".to_owned(),
        Verdict::Silent => format!("because no identity-based policy allows the {action} action"),
    };
    let user = principal.arn();
    let message = format!("User: {user} is not authorized to perform: {action} on resource: {resource} {why}");
    Err(refuse(403, "AccessDenied", message))
}

fn camel(parameter: &str) -> String {
    let mut letters = parameter.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn required<'a>(asked: &'a Asked, parameter: &str) -> Result<&'a str, Refusal> {
    asked.parameter(parameter).filter(|value| !value.is_empty()).ok_or_else(|| {
        refuse(
            400,
            "ValidationError",
            format!(
                "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must not be null",
                camel(parameter)
            ),
        )
    })
}

/// A name: letters, digits and `+=,.@_-`.
fn checked<'a>(parameter: &str, name: &'a str, longest: usize) -> Result<&'a str, Refusal> {
    let parameter = camel(parameter);
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c)) {
        return Err(refuse(
            400,
            "ValidationError",
            format!(
                "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the \
                 following: +=,.@_-"
            ),
        ));
    }
    if name.len() > longest {
        return Err(invalid(&parameter, name, &format!("have length less than or equal to {longest}")));
    }
    Ok(name)
}

fn no_such(what: &str, name: &str) -> Refusal {
    refuse(404, "NoSuchEntity", format!("The {what} with name {name} cannot be found."))
}

fn exists_already(what: &str, name: &str) -> Refusal {
    refuse(409, "EntityAlreadyExists", format!("{what} with name {name} already exists."))
}

fn conflict(what: &str) -> Refusal {
    refuse(409, "DeleteConflict", format!("Cannot delete entity, must {what} first."))
}

fn limit(what: &str) -> Refusal {
    refuse(409, "LimitExceeded", format!("Cannot exceed quota for {what}"))
}

/// Only what lies at the root is written.
fn at_root(asked: &Asked) -> Result<(), Refusal> {
    match asked.parameter("Path") {
        None | Some("/") => Ok(()),
        Some(_) => Err(not_written("paths other than /")),
    }
}

/// Tags as they are sent.
fn tags_of(asked: &Asked) -> Vec<(String, String)> {
    let field = |n: usize, part: &str| asked.parameter(&format!("Tags.member.{n}.{part}"));
    let tags = (1..).map_while(|n| field(n, "Key").map(|key| (key, field(n, "Value").unwrap_or_default())));
    tags.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn tags_in_xml(tags: &[(String, String)]) -> String {
    let member = |(key, value): &(String, String)| {
        format!("<member><Key>{}</Key><Value>{}</Value></member>", escape(key), escape(value))
    };
    format!("<Tags>{}</Tags>", tags.iter().map(member).collect::<String>())
}

/// One page of a list: the members in `<name>`, and whether there are more.
fn page(asked: &Asked, name: &str, members: &[String]) -> Result<String, Refusal> {
    let most = asked.parameter("MaxItems").unwrap_or("100");
    let most = most.parse::<usize>().ok().filter(|n| (1..=1000).contains(n));
    let most = most.ok_or_else(|| refuse(400, "ValidationError", "MaxItems must be a number from 1 to 1000"))?;
    let start = match asked.parameter("Marker") {
        Some(marker) => marker.parse::<usize>().map_err(|_| refuse(400, "ValidationError", "Invalid Marker."))?,
        None => 0,
    };
    let end = members.len().min(start.saturating_add(most));
    let shown: String = members.get(start..end).unwrap_or_default().concat();
    let more = if end < members.len() {
        format!("<IsTruncated>true</IsTruncated><Marker>{end}</Marker>")
    } else {
        "<IsTruncated>false</IsTruncated>".into()
    };
    Ok(format!("<{name}>{shown}</{name}>{more}"))
}
