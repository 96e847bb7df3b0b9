//! Roles, and the instance profiles that hand them to EC2.

use std::time::{Duration, SystemTime};

use super::super::accounts::{Accounts, InstanceProfile, Role};
use super::super::identity::{id_of, role_arn};
use super::super::policy::{Policy, Stored};
use super::super::query::{Refusal, date, invalid, refuse};
use super::super::world::State;
use super::policies::{encoded, flawed};
use super::{
    Call, at_root, checked, conflict, escape, exists_already, limit, may, no_such, page, profile_arn, required,
    tags_in_xml, tags_of,
};

pub(super) fn found<'a>(accounts: &'a Accounts, call: &Call<'_>) -> Result<&'a Role, Refusal> {
    accounts.roles.get(&call.arn).filter(|role| role.exists(call.now)).ok_or_else(|| no_such("role", &call.name))
}

fn in_xml(arn: &str, role: &Role) -> String {
    let description = role.description.as_deref().map(|text| format!("<Description>{}</Description>", escape(text)));
    format!(
        "<Path>/</Path><RoleName>{}</RoleName><RoleId>{}</RoleId><Arn>{}</Arn><CreateDate>{}</CreateDate>\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>{}<MaxSessionDuration>{}</MaxSessionDuration>",
        escape(&role.name),
        role.id,
        escape(arn),
        date(role.created),
        encoded(&role.trust.text),
        description.unwrap_or_default(),
        role.longest.as_secs()
    )
}

/// A trust policy as it was sent, when IAM would take it.
fn trust(accounts: &Accounts, call: &Call<'_>, parameter: &str) -> Result<Stored, Refusal> {
    let text = required(call.asked, parameter)?;
    let policy = Policy::of_trust(text).map_err(flawed)?;
    if let Some(missing) = policy.principals().find(|principal| !accounts.resolves(principal, call.now)) {
        let message = format!("Invalid principal in policy: \"AWS\":\"{missing}\"");
        return Err(refuse(400, "MalformedPolicyDocument", message));
    }
    Ok(Stored { text: text.to_owned(), policy })
}

pub(super) fn create(accounts: &mut Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    at_root(call.asked)?;
    let seconds = call.asked.parameter("MaxSessionDuration").unwrap_or("3600");
    let longest = seconds.parse::<u64>().ok().filter(|n| (3600..=43_200).contains(n));
    let longest = longest.ok_or_else(|| invalid("maxSessionDuration", seconds, "have value from 3600 to 43200"))?;
    let trust = trust(accounts, call, "AssumeRolePolicyDocument")?;
    if accounts.roles.keys().any(|arn| arn.eq_ignore_ascii_case(&call.arn)) {
        return Err(exists_already("Role", &call.name));
    }
    let role = Role {
        name: call.name.clone(),
        account: call.account.to_owned(),
        id: id_of("AROA", &format!("{} {}", call.name, call.nonce)),
        created: call.now,
        begins: Some(SystemTime::UNIX_EPOCH),
        trust,
        longest: Duration::from_secs(longest),
        description: call.asked.parameter("Description").map(str::to_owned),
        tags: tags_of(call.asked),
    };
    let text = format!("<Role>{}</Role>", in_xml(&call.arn, &role));
    accounts.roles.insert(call.arn.clone(), role);
    Ok(text)
}

pub(super) fn get(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let role = found(accounts, call)?;
    let tags = if role.tags.is_empty() { String::new() } else { tags_in_xml(&role.tags) };
    Ok(format!("<Role>{}{tags}<RoleLastUsed></RoleLastUsed></Role>", in_xml(&call.arn, role)))
}

pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<(), Refusal> {
    found(&state.accounts, call)?;
    if state.accounts.policies.get(&call.arn).is_some_and(|own| !own.is_empty()) {
        return Err(conflict("delete policies"));
    }
    if state.accounts.profiles.values().any(|profile| profile.role.as_ref() == Some(&call.arn)) {
        return Err(conflict("remove roles from instance profile"));
    }
    state.remove_role(&call.arn);
    Ok(())
}

pub(super) fn list(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let own = role_arn(call.account, "");
    let roles = accounts.roles.iter().filter(|(arn, role)| arn.starts_with(&own) && role.exists(call.now));
    let members: Vec<_> = roles.map(|(arn, role)| format!("<member>{}</member>", in_xml(arn, role))).collect();
    page(call.asked, "Roles", &members)
}

pub(super) fn tags(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    Ok(tags_in_xml(&found(accounts, call)?.tags) + "<IsTruncated>false</IsTruncated>")
}

pub(super) fn update_trust(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    found(accounts, call)?;
    let trust = trust(accounts, call, "PolicyDocument")?;
    if let Some(role) = accounts.roles.get_mut(&call.arn) {
        role.trust = trust;
    }
    Ok(())
}

// ----- instance profiles

fn found_profile<'a>(accounts: &'a mut Accounts, call: &Call<'_>) -> Result<&'a mut InstanceProfile, Refusal> {
    accounts
        .profiles
        .get_mut(&call.arn)
        .ok_or_else(|| refuse(404, "NoSuchEntity", format!("Instance Profile {} cannot be found.", call.name)))
}

fn profile_in_xml(accounts: &Accounts, arn: &str, profile: &InstanceProfile) -> String {
    let role = profile.role.as_ref().and_then(|arn| accounts.roles.get(arn).map(|role| (arn, role)));
    let roles = role.map(|(arn, role)| format!("<member>{}</member>", in_xml(arn, role))).unwrap_or_default();
    format!(
        "<Path>/</Path><InstanceProfileName>{}</InstanceProfileName><InstanceProfileId>{}</InstanceProfileId>\
         <Arn>{}</Arn><CreateDate>{}</CreateDate><Roles>{roles}</Roles>",
        escape(&profile.name),
        profile.id,
        escape(arn),
        date(profile.created)
    )
}

pub(super) fn create_profile(accounts: &mut Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    at_root(call.asked)?;
    if accounts.profiles.keys().any(|arn| arn.eq_ignore_ascii_case(&call.arn)) {
        let message = format!("Instance Profile {} already exists.", call.name);
        return Err(refuse(409, "EntityAlreadyExists", message));
    }
    let id = id_of("AIPA", &format!("{} {}", call.name, call.nonce));
    let profile = InstanceProfile { name: call.name.clone(), id, created: call.now, role: None };
    let text = profile_in_xml(accounts, &call.arn, &profile);
    accounts.profiles.insert(call.arn.clone(), profile);
    Ok(format!("<InstanceProfile>{text}</InstanceProfile>"))
}

pub(super) fn get_profile(accounts: &mut Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    found_profile(accounts, call)?;
    let accounts = &*accounts;
    let text = accounts.profiles.get(&call.arn).map(|profile| profile_in_xml(accounts, &call.arn, profile));
    Ok(format!("<InstanceProfile>{}</InstanceProfile>", text.unwrap_or_default()))
}

pub(super) fn delete_profile(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    if found_profile(accounts, call)?.role.is_some() {
        return Err(conflict("remove roles from instance profile"));
    }
    accounts.profiles.remove(&call.arn);
    Ok(())
}

/// The ARN of the role that a call names besides the profile.
fn named_role(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let name = checked("RoleName", required(call.asked, "RoleName")?, 64)?;
    let arn = role_arn(call.account, name);
    let exists = accounts.roles.get(&arn).is_some_and(|role| role.exists(call.now));
    if exists { Ok(arn) } else { Err(no_such("role", name)) }
}

pub(super) fn add_to_profile(state: &mut State, call: &Call<'_>) -> Result<(), Refusal> {
    let name = checked("RoleName", required(call.asked, "RoleName")?, 64)?;
    may(state, call.caller, "iam:PassRole", &role_arn(call.account, name))?;
    found_profile(&mut state.accounts, call)?;
    let role = named_role(&state.accounts, call)?;
    let profile = found_profile(&mut state.accounts, call)?;
    if profile.role.is_some() {
        return Err(limit("InstanceSessionsPerInstanceProfile: 1"));
    }
    profile.role = Some(role);
    Ok(())
}

pub(super) fn remove_from_profile(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    let role = named_role(accounts, call)?;
    let profile = found_profile(accounts, call)?;
    if profile.role.take_if(|held| *held == role).is_none() {
        return Err(no_such("role", role.rsplit('/').next().unwrap_or_default()));
    }
    Ok(())
}

pub(super) fn profiles_of(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    found(accounts, call)?;
    let own = profile_arn(call.account, "");
    let holds = |(arn, profile): &(&String, &InstanceProfile)| {
        arn.starts_with(&own) && profile.role.as_ref() == Some(&call.arn)
    };
    let member = |(arn, profile): (&String, &InstanceProfile)| {
        format!("<member>{}</member>", profile_in_xml(accounts, arn, profile))
    };
    let members: Vec<_> = accounts.profiles.iter().filter(holds).map(member).collect();
    page(call.asked, "InstanceProfiles", &members)
}
