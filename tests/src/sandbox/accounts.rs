//! Users and roles of all accounts: their keys, their policies, and who still exists.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::content::mix;
use super::identity::{
    self, COPY_ROLE_ARN, COPY_ROLE_NAME, COPY_USER_NAME, Identity, Principal, SUBSCRIBER, VENDOR, role_arn, user_arn,
};
use super::policy::{Facts, Policy, Stored, Verdict};
use super::world::{State, World};

/// The name of the copy user's inline policy, which lets it assume the copy role.
pub const COPY_USER_POLICY: &str = "AssumeCopyRole";
/// The name of the copy role's inline policy, which the vendor wrote.
pub const COPY_ROLE_POLICY: &str = "S3Copy";

const HOUR: Duration = Duration::from_secs(3600);

/// An IAM user.
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) created: SystemTime,
    pub(crate) tags: Vec<(String, String)>,
}

/// An IAM role.
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) id: String,
    pub(crate) created: SystemTime,
    /// From when on it is there; None: not yet.
    pub(crate) begins: Option<SystemTime>,
    /// Who may assume it.
    pub(crate) trust: Stored,
    pub(crate) longest: Duration,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
}

impl Role {
    pub(crate) fn exists(&self, now: SystemTime) -> bool {
        self.begins.is_some_and(|begins| begins <= now)
    }
}

/// Keys, and whose they are.
pub(crate) struct Key {
    pub(crate) identity: Identity,
    pub(crate) active: bool,
    pub(crate) created: SystemTime,
    /// Which one it was of all keys ever made.
    nth: u64,
}

/// What hands a role to EC2.
pub(crate) struct InstanceProfile {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) created: SystemTime,
    /// The role's ARN.
    pub(crate) role: Option<String>,
}

/// All accounts together. Users, roles and profiles are found by their ARNs.
#[derive(Default)]
pub(crate) struct Accounts {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) roles: BTreeMap<String, Role>,
    pub(crate) profiles: BTreeMap<String, InstanceProfile>,
    /// By access key id.
    pub(crate) keys: BTreeMap<String, Key>,
    keys_made: u64,
    /// Inline policies: by the ARN of a user or role, then by name.
    pub(crate) policies: BTreeMap<String, BTreeMap<String, Stored>>,
}

impl Accounts {
    /// What a caller's own policies say, all together. What a session policy does not allow is denied, whatever others say:
    /// the right that is left is what both allow, also where the resource's policy names the role.
    pub(crate) fn own(&self, facts: &Facts<'_>) -> Verdict {
        if facts.session.is_some_and(|session| session.judge(facts) != Verdict::Allow) {
            return Verdict::Deny;
        }
        let own = self.policies.get(&facts.principal.iam_arn()).into_iter().flat_map(BTreeMap::values);
        own.fold(Verdict::Silent, |verdict, stored| verdict.and(stored.policy.judge(facts)))
    }

    /// Whose keys these are: None when AWS does not know them, or no longer.
    pub(crate) fn holder(&self, access_key: &str, now: SystemTime) -> Option<&Identity> {
        let key = self.keys.get(access_key).filter(|key| key.active)?;
        self.lives(&key.identity.principal, now).then_some(&key.identity)
    }

    fn lives(&self, principal: &Principal, now: SystemTime) -> bool {
        let arn = principal.iam_arn();
        match principal {
            Principal::User { .. } => self.users.contains_key(&arn),
            Principal::Session { .. } => self.roles.get(&arn).is_some_and(|role| role.exists(now)),
        }
    }

    /// Whether AWS can resolve a principal that a policy names: accounts always, users and roles when they exist.
    pub(crate) fn resolves(&self, principal: &str, now: SystemTime) -> bool {
        let account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if principal == "*" || account(principal) {
            return true;
        }
        let Some(rest) = principal.strip_prefix("arn:aws:iam::") else { return false };
        match rest.split_once(':') {
            Some((id, "root")) => account(id),
            Some((_, name)) if name.starts_with("role/") => self.roles.get(principal).is_some_and(|r| r.exists(now)),
            Some((_, name)) if name.starts_with("user/") => self.users.contains_key(principal),
            _ => false,
        }
    }

    /// STS's UserId.
    pub(crate) fn user_id(&self, principal: &Principal) -> String {
        let arn = principal.iam_arn();
        match principal {
            Principal::User { .. } => self.users.get(&arn).map(|user| user.id.clone()).unwrap_or_default(),
            Principal::Session { session, .. } => {
                let id = self.roles.get(&arn).map(|role| role.id.as_str()).unwrap_or_default();
                format!("{id}:{session}")
            }
        }
    }

    /// The key ids of a user, in the order of their making.
    pub(crate) fn keys_of(&self, arn: &str) -> Vec<&Key> {
        let long_term = |key: &&Key| key.identity.token.is_none() && key.identity.principal.iam_arn() == arn;
        let mut keys: Vec<_> = self.keys.values().filter(long_term).collect();
        keys.sort_by_key(|key| key.nth);
        keys
    }

    fn add_user(&mut self, identity: Identity, now: SystemTime) {
        let (arn, id) = (identity.arn(), identity.principal.first_id());
        self.users.insert(arn, User { id, created: now, tags: Vec::new() });
        self.add_key(identity, now);
    }

    pub(crate) fn add_key(&mut self, identity: Identity, now: SystemTime) {
        self.keys_made += 1;
        let key = Key { active: true, created: now, nth: self.keys_made, identity };
        self.keys.insert(key.identity.access_key.clone(), key);
    }

    fn put(&mut self, arn: &str, name: &str, text: String) {
        match Policy::of_identity(&text) {
            Ok(policy) => {
                let stored = Stored { text, policy };
                self.policies.entry(arn.into()).or_default().insert(name.into(), stored);
            }
            Err(flaw) => panic!("the policy {name} of {arn} cannot be used: {flaw:?}"),
        }
    }
}

impl State {
    /// Removes a user with everything that is its own.
    pub(crate) fn remove_user(&mut self, arn: &str) -> bool {
        let Some(user) = self.accounts.users.remove(arn) else { return false };
        self.bury(arn, &user.id);
        true
    }

    /// Removes a role with everything that is its own.
    pub(crate) fn remove_role(&mut self, arn: &str) -> Option<Role> {
        let role = self.accounts.roles.remove(arn)?;
        self.bury(arn, &role.id);
        Some(role)
    }

    /// What is left of a principal that is gone: its keys and policies are no more, and policies that named it show its id,
    /// which matches nobody, not even a later principal of the same name.
    fn bury(&mut self, arn: &str, id: &str) {
        self.accounts.policies.remove(arn);
        self.accounts.keys.retain(|_, key| key.identity.principal.iam_arn() != arn);
        for (name, bucket) in &mut self.buckets {
            if let Some(stored) = &mut bucket.policy {
                renamed(stored, arn, id, |text| Policy::of_bucket(text, name).ok());
            }
        }
        for role in self.accounts.roles.values_mut() {
            renamed(&mut role.trust, arn, id, |text| Policy::of_trust(text).ok());
        }
    }
}

fn renamed(stored: &mut Stored, arn: &str, id: &str, read: impl Fn(&str) -> Option<Policy>) {
    if !stored.policy.principals().any(|principal| principal == arn) {
        return;
    }
    let Ok(mut document) = serde_json::from_str::<Value>(&stored.text) else { return };
    let statements = match &mut document["Statement"] {
        Value::Array(all) => all.iter_mut().collect(),
        one => vec![one],
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            let named = statement.get_mut(element).and_then(|principal| principal.get_mut("AWS"));
            let written: Vec<&mut Value> = match named {
                Some(Value::Array(all)) => all.iter_mut().collect(),
                Some(one) => vec![one],
                None => Vec::new(),
            };
            written.into_iter().filter(|value| **value == arn).for_each(|value| *value = json!(id));
        }
    }
    let text = document.to_string();
    if let Some(policy) = read(&text) {
        *stored = Stored { text, policy };
    }
}

/// The policy of the copy role in the vendor's account: it reads the source, and writes into one bucket of the subscriber's
/// when one is registered (`*`: into any). Reading tags, attributes or versions is not in it.
pub fn copy_role_policy(source: &str, destination: Option<&str>) -> String {
    let arn = |bucket: &str| format!("arn:aws:s3:::{bucket}");
    let objects = |bucket: &str| if bucket == "*" { arn("*") } else { format!("{}/*", arn(bucket)) };
    let lists: Vec<String> = [Some(source), destination].into_iter().flatten().map(arn).collect();
    let mut statements = vec![
        json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": lists}),
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": objects(source)}),
        json!({"Effect": "Deny", "Action": ["s3:Put*", "s3:Delete*"], "Resource": objects(source)}),
    ];
    if let Some(bucket) = destination {
        let puts = json!(["s3:PutObject", "s3:PutObjectAcl"]);
        statements.push(json!({"Effect": "Allow", "Action": puts, "Resource": objects(bucket)}));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A trust policy that lets accounts assume a role.
fn trust_of(accounts: &[&str]) -> Stored {
    let roots: Vec<String> = accounts.iter().map(|account| format!("arn:aws:iam::{account}:root")).collect();
    let text = json!({"Version": "2012-10-17", "Statement":
        [{"Effect": "Allow", "Principal": {"AWS": roots}, "Action": "sts:AssumeRole"}]})
    .to_string();
    match Policy::of_trust(&text) {
        Ok(policy) => Stored { text, policy },
        Err(flaw) => panic!("a trust policy of the sandbox cannot be used: {flaw:?}"),
    }
}

impl World {
    /// The identities that every sandbox begins with.
    pub(super) fn populate(&self) {
        let now = self.now();
        let mut state = self.state();
        let accounts = &mut state.accounts;
        for user in [Identity::owner(), Identity::copy_user(), Identity::stranger(), Identity::vendor()] {
            accounts.add_user(user, now);
        }
        accounts.add_key(Identity::chained(), now);
        let allow = |action: &str, resource: &str| {
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]})
                .to_string()
        };
        for master in [Identity::owner(), Identity::stranger(), Identity::vendor()] {
            accounts.put(&master.arn(), "Everything", allow("*", "*"));
        }
        accounts.put(&Identity::copy_user().arn(), COPY_USER_POLICY, allow("sts:AssumeRole", COPY_ROLE_ARN));
        let chained = Identity::chained().principal.iam_arn();
        accounts.put(&chained, COPY_USER_POLICY, allow("sts:AssumeRole", COPY_ROLE_ARN));
        // The vendor registers one bucket of the subscriber's; which one is told by `register`.
        accounts.put(COPY_ROLE_ARN, COPY_ROLE_POLICY, copy_role_policy("dataservice-flex-bucket", Some("*")));
        for (arn, name, account, longest) in
            [(COPY_ROLE_ARN.to_owned(), COPY_ROLE_NAME, VENDOR, HOUR * 12), (chained, "TickUser", SUBSCRIBER, HOUR)]
        {
            accounts.roles.insert(
                arn,
                Role {
                    name: name.into(),
                    account: account.into(),
                    id: identity::id_of("AROA", name),
                    created: now,
                    begins: Some(SystemTime::UNIX_EPOCH),
                    trust: trust_of(&[SUBSCRIBER]),
                    longest,
                    description: None,
                    tags: Vec::new(),
                },
            );
        }
    }

    fn with_copy_role(&self, change: impl FnOnce(&mut Role)) {
        match self.state().accounts.roles.get_mut(COPY_ROLE_ARN) {
            Some(role) => change(role),
            None => panic!("the copy role was removed"),
        }
    }

    /// Whether the vendor has made the copy role yet. While it is not there, its sessions are unknown, too.
    pub fn role_exists(&self, exists: bool) {
        self.with_copy_role(|role| role.begins = exists.then_some(SystemTime::UNIX_EPOCH));
    }

    /// The vendor makes the copy role so much later.
    pub fn role_exists_after(&self, wait: Duration) {
        let begins = self.now() + wait;
        self.with_copy_role(|role| role.begins = Some(begins));
    }

    /// The vendor deletes the copy role and makes it again under the same name: its sessions end, and bucket policies that
    /// named it show the old role's id (`AROA…`) and match nobody.
    pub fn recreate_role(&self) {
        let nonce = self.nonce();
        let mut state = self.state();
        let policies = state.accounts.policies.get(COPY_ROLE_ARN).cloned();
        let Some(mut role) = state.remove_role(COPY_ROLE_ARN) else { panic!("the copy role was removed") };
        role.id = identity::id_of("AROA", &format!("{COPY_ROLE_NAME} {nonce}"));
        state.accounts.roles.insert(COPY_ROLE_ARN.into(), role);
        state.accounts.policies.insert(COPY_ROLE_ARN.into(), policies.unwrap_or_default());
    }

    /// The accounts that may assume the copy role: usually [`SUBSCRIBER`] alone, none when the vendor forgot.
    pub fn role_trusts(&self, accounts: &[&str]) {
        let trust = trust_of(accounts);
        self.with_copy_role(|role| role.trust = trust);
    }

    /// The copy role's MaxSessionDuration: 12 hours unless told otherwise.
    pub fn role_longest(&self, longest: Duration) {
        self.with_copy_role(|role| role.longest = longest);
    }

    /// Lets the copy role write into this bucket alone, as the vendor registers one per contract. Without it, any.
    pub fn register(&self, source: &str, destination: &str) {
        self.put_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY, &copy_role_policy(source, Some(destination)));
    }

    /// The vendor has registered no bucket: the copy role reads the source and writes nowhere.
    pub fn register_none(&self, source: &str) {
        self.put_policy(COPY_ROLE_ARN, COPY_ROLE_POLICY, &copy_role_policy(source, None));
    }

    /// Gives a user or role (by its ARN) an inline policy, asking nobody.
    ///
    /// # Panics
    /// When the policy is one that IAM would call malformed, or one that the sandbox cannot judge.
    pub fn put_policy(&self, arn: &str, name: &str, json: &str) {
        self.state().accounts.put(arn, name, json.into());
    }

    /// Takes an inline policy away; true when there was one.
    pub fn delete_policy(&self, arn: &str, name: &str) -> bool {
        self.state().accounts.policies.get_mut(arn).is_some_and(|own| own.remove(name).is_some())
    }

    /// The inline policies of a user or role: name and text.
    pub fn policies(&self, arn: &str) -> BTreeMap<String, String> {
        let state = self.state();
        let own = state.accounts.policies.get(arn).into_iter().flatten();
        own.map(|(name, stored)| (name.clone(), stored.text.clone())).collect()
    }

    /// Makes a user in the subscriber's account that may do nothing yet, with an access key.
    pub fn add_user(&self, name: &str) -> Identity {
        let access_key = identity::id_of("AKIA", &format!("key of {name} {}", self.nonce()));
        let user = Identity::user(SUBSCRIBER, name, &access_key);
        self.state().accounts.add_user(user.clone(), self.now());
        user
    }

    /// Removes a user of the subscriber's account with its keys and policies; true when there was one.
    pub fn remove_user(&self, name: &str) -> bool {
        self.state().remove_user(&user_arn(SUBSCRIBER, name))
    }

    /// Whether the subscriber's account has this user.
    pub fn user_exists(&self, name: &str) -> bool {
        self.state().accounts.users.contains_key(&user_arn(SUBSCRIBER, name))
    }

    /// Whether the subscriber's account has this role.
    pub fn subscriber_role_exists(&self, name: &str) -> bool {
        self.state().accounts.roles.contains_key(&role_arn(SUBSCRIBER, name))
    }

    /// The access keys of a user of the subscriber's account, inactive ones too, in the order of their making.
    pub fn keys_of(&self, user: &str) -> Vec<Identity> {
        let state = self.state();
        state.accounts.keys_of(&user_arn(SUBSCRIBER, user)).iter().map(|key| key.identity.clone()).collect()
    }

    /// Switches an access key on or off, as its owner may.
    ///
    /// # Panics
    /// When there is no such key.
    pub fn key_active(&self, access_key: &str, active: bool) {
        match self.state().accounts.keys.get_mut(access_key) {
            Some(key) => key.active = active,
            None => panic!("the sandbox knows no key {access_key}"),
        }
    }

    /// Deletes an access key; true when there was one.
    pub fn remove_key(&self, access_key: &str) -> bool {
        self.state().accounts.keys.remove(access_key).is_some()
    }

    /// Temporary keys of the same principal, as a sign-in gives them: without a life left when `life` is zero.
    pub fn session(&self, of: &Identity, life: Duration) -> Identity {
        let principal = match &of.principal {
            Principal::User { account, name, .. } => {
                Principal::User { account: account.clone(), name: name.clone(), session: true }
            }
            session => session.clone(),
        };
        self.issue(principal, life)
    }

    /// Gives every token of AssumeRole from now on this life, whatever was asked for.
    pub fn token_life(&self, life: Duration) {
        self.state().token_life = Some(life);
    }

    /// Ends every token given out so far, long before the time it was promised.
    pub fn end_tokens(&self) {
        let now = self.now();
        let mut state = self.state();
        let identities = state.accounts.keys.values_mut().map(|key| &mut key.identity);
        identities.filter(|identity| identity.expires.is_some()).for_each(|identity| identity.expires = Some(now));
    }

    /// A session of the copy role, without asking STS: for tests of S3 alone.
    pub fn copy_role(&self) -> Identity {
        self.copy_role_as("flex")
    }

    /// As [`copy_role`](Self::copy_role), under another session name.
    pub fn copy_role_as(&self, session: &str) -> Identity {
        let principal =
            Principal::Session { account: VENDOR.into(), role: COPY_ROLE_NAME.into(), session: session.into() };
        self.issue(principal, HOUR * 12)
    }

    /// Makes the sandbox as it is before the manual's first step: no copy user, and no role at the vendor's.
    pub fn nothing_set_up(&self) {
        self.remove_user(COPY_USER_NAME);
        self.role_exists(false);
    }

    /// New temporary keys for a principal.
    pub(crate) fn issue(&self, principal: Principal, life: Duration) -> Identity {
        self.issue_narrowed(principal, life, None)
    }

    /// The same, for a session that a policy narrows.
    pub(crate) fn issue_narrowed(&self, principal: Principal, life: Duration, session: Option<Policy>) -> Identity {
        let nonce = mix(self.nonce() ^ self.0.seed);
        let access_key: String = identity::id_of("ASIA", &format!("key {nonce}"));
        let now = self.now();
        let identity = Identity {
            secret: identity::secret_of(&access_key),
            token: Some(identity::token_of(&access_key)),
            expires: Some(now + life),
            principal,
            session: session.map(Arc::new),
            access_key,
        };
        self.state().accounts.add_key(identity.clone(), now);
        identity
    }
}
