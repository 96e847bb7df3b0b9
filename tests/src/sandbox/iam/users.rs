//! Users and their access keys.

use super::super::accounts::{Accounts, User};
use super::super::identity::{Identity, id_of, user_arn};
use super::super::query::{Refusal, date, refuse};
use super::super::world::State;
use super::{Call, at_root, conflict, escape, exists_already, limit, no_such, page, required, tags_in_xml, tags_of};

/// A user has no more keys than this.
const MOST_KEYS: usize = 2;

pub(super) fn found<'a>(accounts: &'a Accounts, call: &Call<'_>) -> Result<&'a User, Refusal> {
    accounts.users.get(&call.arn).ok_or_else(|| no_such("user", &call.name))
}

fn in_xml(arn: &str, user: &User) -> String {
    let name = arn.rsplit('/').next().unwrap_or_default();
    format!(
        "<Path>/</Path><UserName>{}</UserName><UserId>{}</UserId><Arn>{}</Arn><CreateDate>{}</CreateDate>",
        escape(name),
        user.id,
        escape(arn),
        date(user.created)
    )
}

pub(super) fn get(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let user = found(accounts, call)?;
    let tags = if user.tags.is_empty() { String::new() } else { tags_in_xml(&user.tags) };
    Ok(format!("<User>{}{tags}</User>", in_xml(&call.arn, user)))
}

pub(super) fn create(accounts: &mut Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    at_root(call.asked)?;
    // Names differ by more than case.
    if accounts.users.keys().any(|arn| arn.eq_ignore_ascii_case(&call.arn)) {
        return Err(exists_already("User", &call.name));
    }
    let id = id_of("AIDA", &format!("{} {}", call.name, call.nonce));
    let user = User { id, created: call.now, tags: tags_of(call.asked) };
    let text = format!("<User>{}</User>", in_xml(&call.arn, &user));
    accounts.users.insert(call.arn.clone(), user);
    Ok(text)
}

pub(super) fn delete(state: &mut State, call: &Call<'_>) -> Result<(), Refusal> {
    found(&state.accounts, call)?;
    if !state.accounts.keys_of(&call.arn).is_empty() {
        return Err(conflict("delete access keys"));
    }
    if state.accounts.policies.get(&call.arn).is_some_and(|own| !own.is_empty()) {
        return Err(conflict("delete policies"));
    }
    state.remove_user(&call.arn);
    Ok(())
}

pub(super) fn list(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    let own = user_arn(call.account, "");
    let users = accounts.users.iter().filter(|(arn, _)| arn.starts_with(&own));
    let members: Vec<_> = users.map(|(arn, user)| format!("<member>{}</member>", in_xml(arn, user))).collect();
    page(call.asked, "Users", &members)
}

pub(super) fn tags(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    Ok(tags_in_xml(&found(accounts, call)?.tags) + "<IsTruncated>false</IsTruncated>")
}

pub(super) fn create_key(accounts: &mut Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    found(accounts, call)?;
    if accounts.keys_of(&call.arn).len() >= MOST_KEYS {
        return Err(limit(&format!("AccessKeysPerUser: {MOST_KEYS}")));
    }
    let key = Identity::user(call.account, &call.name, &id_of("AKIA", &format!("key {}", call.nonce)));
    let text = format!(
        "<AccessKey><UserName>{}</UserName><AccessKeyId>{}</AccessKeyId><Status>Active</Status>\
         <SecretAccessKey>{}</SecretAccessKey><CreateDate>{}</CreateDate></AccessKey>",
        escape(&call.name),
        key.access_key,
        key.secret,
        date(call.now)
    );
    accounts.add_key(key, call.now);
    Ok(text)
}

pub(super) fn list_keys(accounts: &Accounts, call: &Call<'_>) -> Result<String, Refusal> {
    found(accounts, call)?;
    let keys = accounts.keys_of(&call.arn);
    let member = |key: &&super::super::accounts::Key| {
        format!(
            "<member><UserName>{}</UserName><AccessKeyId>{}</AccessKeyId><Status>{}</Status><CreateDate>{}</CreateDate></member>",
            escape(&call.name),
            key.identity.access_key,
            if key.active { "Active" } else { "Inactive" },
            date(key.created)
        )
    };
    page(call.asked, "AccessKeyMetadata", &keys.iter().map(member).collect::<Vec<_>>())
}

/// The id of a key of this very user.
fn own_key<'a>(accounts: &Accounts, call: &Call<'a>) -> Result<&'a str, Refusal> {
    found(accounts, call)?;
    let id = required(call.asked, "AccessKeyId")?;
    if accounts.keys_of(&call.arn).iter().any(|key| key.identity.access_key == id) {
        return Ok(id);
    }
    Err(refuse(404, "NoSuchEntity", format!("The Access Key with id {id} cannot be found.")))
}

pub(super) fn update_key(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    let id = own_key(accounts, call)?;
    let active = match required(call.asked, "Status")? {
        "Active" => true,
        "Inactive" => false,
        other => {
            let must = "satisfy enum value set: [Active, Inactive]";
            return Err(super::invalid("status", other, must));
        }
    };
    if let Some(key) = accounts.keys.get_mut(id) {
        key.active = active;
    }
    Ok(())
}

pub(super) fn delete_key(accounts: &mut Accounts, call: &Call<'_>) -> Result<(), Refusal> {
    let id = own_key(accounts, call)?;
    accounts.keys.remove(id);
    Ok(())
}
