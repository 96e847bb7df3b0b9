//! Who calls: the base identity, where it was found, and the account that it stands for. The owner identity likewise.

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_types::SdkConfig;
use flex_creds::CredsError;
use flex_policy::{AccountId, RoleArn};

use super::{
    link::{Id, Link, Mend},
    remedy::{Remedy, quote, unset},
};
use crate::{
    config::Profile,
    error::chain,
    language::{Message, msg},
};

const KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

/// The identity that was loaded, once: its provider may be a program that asks a person for a code.
pub(super) async fn load(config: &SdkConfig) -> Result<Credentials, Vec<String>> {
    let Some(provider) = config.credentials_provider() else { return Err(Vec::new()) };
    provider.provide_credentials().await.map_err(|e| chain(&e))
}

/// What the environment exports, none of it itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exported {
    pub(super) key_id: Option<String>,
    pub(super) secret: bool,
    pub(super) token: bool,
}

impl Exported {
    pub(super) fn read(env: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { key_id: env(KEY), secret: env(SECRET).is_some(), token: env(TOKEN).is_some() }
    }

    /// Both halves are there, so that the SDK takes them before anything else.
    pub(super) fn is_whole(&self) -> bool {
        self.key_id.is_some() && self.secret
    }

    /// The variables that are set although they lack another.
    fn stray(&self) -> Vec<&'static str> {
        if self.is_whole() {
            return Vec::new();
        }
        [(self.key_id.is_some(), KEY), (self.secret, SECRET), (self.token, TOKEN)]
            .into_iter()
            .filter_map(|(set, name)| set.then_some(name))
            .collect()
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.key_id.as_deref().is_some_and(|id| id.starts_with(prefix))
    }
}

/// What is known of where identities could come from.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) exported: Exported,
    /// The profile that was chosen.
    pub(super) profile: Option<Profile>,
    /// All profiles with credentials, but for the owner's.
    pub(super) profiles: Vec<String>,
    /// All names of profiles.
    pub(super) taken: Vec<String>,
    /// How the profile in use has its credentials.
    pub(super) how: Option<How>,
    pub(super) web_identity: bool,
    pub(super) container: bool,
}

/// How a profile has its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Keys,
    Process,
    Sso,
    Role,
    Other,
}

impl How {
    pub(super) fn of(get: impl Fn(&str) -> bool) -> Self {
        if get("role_arn") {
            Self::Role
        } else if get("aws_access_key_id") {
            Self::Keys
        } else if get("sso_session") || get("sso_start_url") {
            Self::Sso
        } else if get("credential_process") {
            Self::Process
        } else {
            Self::Other
        }
    }
}

/// Where the identity in use comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Environment,
    Profile(String, How),
    WebIdentity,
    Container,
    Instance,
}

impl Sources {
    fn alone(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.alone)
    }

    fn profile_name(&self) -> &str {
        self.profile.as_ref().map_or("default", |profile| &profile.name)
    }

    /// The first of the SDK's chain that has something.
    pub(super) fn place(&self) -> Place {
        let profile = || self.how.map(|how| Place::Profile(self.profile_name().to_owned(), how));
        if self.alone() {
            return Place::Profile(self.profile_name().to_owned(), self.how.unwrap_or(How::Other));
        }
        if self.exported.is_whole() {
            return Place::Environment;
        }
        if let Some(place) = profile() {
            return place;
        }
        if self.web_identity {
            Place::WebIdentity
        } else if self.container {
            Place::Container
        } else {
            Place::Instance
        }
    }

    /// The profiles that could be meant in place of the one that was chosen.
    fn others(&self) -> Vec<&str> {
        let chosen = self.profile.as_ref().map(|profile| profile.name.as_str());
        self.profiles.iter().map(String::as_str).filter(|name| Some(*name) != chosen).collect()
    }

    /// The only one of them.
    fn candidate(&self) -> Option<&str> {
        match self.others()[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// What to do for a profile.
    fn pick(&self, remedy: &Remedy<'_>) -> Mend {
        match (self.candidate(), self.others()) {
            (Some(other), _) => Mend::run(msg!("doctor-mend-use-profile", name = other), remedy.use_profile(other)),
            (None, others) if others.is_empty() => Mend::say(msg!("doctor-mend-make-profile")),
            (None, others) => Mend::say(msg!("doctor-mend-pick-profile", names = others.join(", "))),
        }
    }
}

impl Place {
    pub(super) fn told(&self) -> Message {
        match self {
            Self::Environment => msg!("doctor-value-environment"),
            Self::Profile(name, How::Process) => msg!("doctor-value-profile-process", name = name),
            Self::Profile(name, How::Sso) => msg!("doctor-value-profile-sso", name = name),
            Self::Profile(name, How::Role) => msg!("doctor-value-profile-role", name = name),
            Self::Profile(name, _) => msg!("doctor-value-profile", name = name),
            Self::WebIdentity => msg!("doctor-value-web-identity"),
            Self::Container => msg!("doctor-value-container"),
            Self::Instance => msg!("doctor-value-instance"),
        }
    }
}

/// A profile that does not exist, or that is flex itself.
pub(super) fn bad_profile(
    id: Id,
    own: bool,
    because: Vec<String>,
    name: &str,
    sources: &Sources,
    remedy: &Remedy<'_>,
) -> Link {
    let link = if own {
        Link::broken(id, "own-profile", msg!("doctor-identity-own-profile", name = name))
    } else {
        Link::broken(id, "no-such-profile", msg!("doctor-identity-no-profile", name = name))
    };
    let link = link.because(because);
    match id {
        Id::Owner => link.mend(Mend::say(msg!("doctor-mend-owner-profile"))),
        _ => link.mend(sources.pick(remedy)),
    }
}

/// No identity was found.
pub(super) fn none(id: Id, because: Vec<String>, sources: &Sources, remedy: &Remedy<'_>) -> Link {
    let stray = sources.exported.stray();
    let timed_out = because.iter().any(|line| line.contains("no answer within"));
    let place = sources.place();
    let link = match &place {
        _ if !stray.is_empty() && !sources.alone() => {
            Link::broken(id, "half-exported", msg!("doctor-identity-half", names = stray.join(", ")))
                .mend(Mend::run(msg!("doctor-mend-stray"), unset(&stray)))
        }
        Place::Profile(name, How::Sso) => {
            Link::broken(id, "sso", msg!("doctor-identity-sso", name = name)).mend(sign_in(name))
        }
        Place::Profile(name, How::Process) => Link::broken(id, "process", msg!("doctor-identity-process", name = name))
            .mend(Mend::say(msg!("doctor-mend-process", name = name))),
        Place::Profile(name, _) => Link::broken(id, "profile", msg!("doctor-identity-profile", name = name))
            .mend(Mend::say(msg!("doctor-mend-profile", name = name))),
        _ if timed_out => Link::broken(id, "timeout", msg!("doctor-identity-timeout")),
        _ => Link::broken(id, "none", msg!("doctor-identity-none")),
    };
    let link = link.because(because);
    let link = match (&place, id) {
        (_, Id::Owner) => link,
        (Place::Profile(..), _) if sources.others().is_empty() => link,
        (Place::Profile(..), _) => link.mend(sources.pick(remedy).or()),
        _ => link.mend(sources.pick(remedy)),
    };
    link.mends(make_key(id, sources, remedy))
}

fn sign_in(profile: &str) -> Mend {
    Mend::run(msg!("doctor-mend-sso"), format!("aws sso login --profile {}", quote(profile)))
}

/// A new key for the manual's user, by the owner.
fn make_key(id: Id, sources: &Sources, remedy: &Remedy<'_>) -> Option<Mend> {
    let command = (id == Id::Identity).then(|| remedy.new_key(&sources.taken)).flatten()?;
    Some(Mend::run(msg!("doctor-mend-new-key"), command).or())
}

/// STS did not accept the identity.
pub(super) fn refused(
    id: Id,
    error: &CredsError,
    identity: &Credentials,
    sources: &Sources,
    remedy: &Remedy<'_>,
) -> Link {
    let place = sources.place();
    let from_environment = place == Place::Environment;
    let exported = &sources.exported;
    let because = chain(error).into_iter().skip(1).collect::<Vec<_>>();
    let all = || unset(&[KEY, SECRET, TOKEN]);
    let link = match error {
        CredsError::Expired { .. } if from_environment => {
            Link::broken(id, "expired", msg!("doctor-identity-expired-exported"))
                .step("1-5")
                .mend(Mend::run(msg!("doctor-mend-unset-keys"), all()))
        }
        CredsError::Expired { .. } => {
            let link = Link::broken(id, "expired", msg!("doctor-identity-expired"));
            match &place {
                Place::Profile(name, How::Sso) => link.mend(sign_in(name)),
                _ => link.mend(Mend::say(msg!("doctor-mend-sign-in"))),
            }
        }
        CredsError::InvalidKeys { .. } if from_environment && exported.token && exported.starts_with("AKIA") => {
            Link::broken(id, "stale-token", msg!("doctor-identity-stale-token"))
                .mend(Mend::run(msg!("doctor-mend-unset-token"), unset(&[TOKEN])))
        }
        CredsError::InvalidKeys { .. } if from_environment && !exported.token && exported.starts_with("ASIA") => {
            Link::broken(id, "no-token", msg!("doctor-identity-no-token"))
                .mend(Mend::run(msg!("doctor-mend-unset-keys"), unset(&[KEY, SECRET])))
                .mend(Mend::say(msg!("doctor-mend-export-token")).or())
        }
        CredsError::InvalidKeys { source }
            if source.message().is_some_and(|message| message.contains("scoped to a valid region")) =>
        {
            Link::broken(id, "other-region", msg!("doctor-identity-region")).mends(remedy.take_back("region"))
        }
        CredsError::InvalidKeys { source } if source.code() == Some("SignatureDoesNotMatch") => {
            Link::broken(id, "wrong-secret", msg!("doctor-identity-wrong-secret"))
                .mend(Mend::say(msg!("doctor-mend-secret")))
                .mends(make_key(id, sources, remedy))
        }
        CredsError::InvalidKeys { .. } => Link::broken(id, "unknown-key", msg!("doctor-identity-unknown-key"))
            .mend(Mend::say(msg!("doctor-mend-activate-key", key = identity.access_key_id())))
            .mends(make_key(id, sources, remedy)),
        CredsError::ClockSkew { .. } => Link::broken(id, "clock", msg!("doctor-identity-clock")),
        CredsError::Unreachable { .. } => Link::broken(id, "no-answer", msg!("doctor-identity-no-answer"))
            .mend(Mend::say(msg!("doctor-mend-network"))),
        _ => Link::broken(id, "refused", msg!("doctor-identity-refused")).mend(Mend::say(msg!("doctor-mend-support"))),
    };
    link.because(because).detail("from", place.told()).detail("key-id", identity.access_key_id())
}

/// STS accepted it.
pub(super) fn accepted(caller: &str, identity: &Credentials, sources: &Sources) -> Link {
    let place = sources.place();
    let stray = sources.exported.stray();
    let link = if stray.is_empty() || sources.alone() {
        Link::ok(Id::Identity, msg!("doctor-identity-ok", caller = caller))
    } else {
        Link::warning(Id::Identity, "half-exported", msg!("doctor-identity-stray", names = stray.join(", ")))
            .mend(Mend::run(msg!("doctor-mend-stray"), unset(&stray)))
    };
    link.detail("caller", caller).detail("from", place.told()).detail("key-id", identity.access_key_id())
}

/// Whether an answer without a code of STS's comes from something else than STS.
pub(super) fn is_not_sts(error: &CredsError) -> bool {
    const OF_S3: [&str; 6] =
        ["MethodNotAllowed", "NotImplemented", "NoSuchBucket", "InvalidRequest", "InvalidURI", "NoSuchKey"];
    match error {
        CredsError::Other { source } => {
            source.status().is_some_and(|status| status < 500 || status == 501)
                && source.code().is_none_or(|code| OF_S3.contains(&code))
        }
        _ => false,
    }
}

/// The account that was given and the role, against the identity's own account.
pub(super) fn account(
    found: Result<AccountId, CredsError>,
    caller: &str,
    role: Option<&RoleArn>,
    remedy: &Remedy<'_>,
) -> Link {
    let account = match found {
        Ok(account) => account,
        Err(CredsError::WrongAccount { given, found, copy_role, .. }) => {
            let link =
                Link::broken(Id::Account, "other-account", msg!("doctor-account-other", given = given, found = found))
                    .detail("given", given.to_string())
                    .detail("found", found.to_string())
                    .detail("caller", caller);
            let link = if copy_role { link.detail("note", msg!("doctor-value-is-role")) } else { link };
            return link.mends(remedy.take_back("account")).mend(Mend::say(msg!("doctor-mend-other-identity")).or());
        }
        Err(error) => {
            return Link::broken(Id::Account, "unknown", msg!("doctor-account-unknown"))
                .because(chain(&error))
                .mend(Mend::say(msg!("doctor-mend-name-account")));
        }
    };
    // A role that was named is trusted by flex-creds, and refused by AWS if it is another subscriber's.
    let own = caller_account(caller);
    if let (Some(role), Some(own)) = (role, own)
        && let Some(subscriber) = role.copy_role_subscriber()
        && subscriber != own
        && !caller.contains(":assumed-role/JeuServiceRoleForS3Copy_")
        // Other stores put an account of their own into every ARN.
        && !remedy.is_compat()
    {
        return Link::broken(
            Id::Account,
            "role-of-another",
            msg!("doctor-account-role", found = subscriber, own = own),
        )
        .detail("role", role.to_string())
        .detail("caller", caller)
        .mends(remedy.take_back("role-arn"));
    }
    Link::ok(Id::Account, msg!("doctor-account-ok", account = account)).detail("account", account.to_string())
}

/// The account in an ARN.
pub(super) fn caller_account(arn: &str) -> Option<AccountId> {
    arn.split(':').nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Global, config::Settings};

    fn sources() -> Sources {
        Sources {
            exported: Exported::default(),
            profile: None,
            profiles: Vec::new(),
            taken: Vec::new(),
            how: None,
            web_identity: false,
            container: false,
        }
    }

    #[test]
    fn the_place_follows_the_sdks_chain() {
        let whole = Exported { key_id: Some("AKIA".into()), secret: true, token: false };
        let half = Exported { secret: false, ..whole.clone() };
        let profile = |alone| Some(Profile { name: "p".into(), alone });
        let of_profile = Place::Profile("p".into(), How::Keys);
        for (sources, want) in [
            (Sources { exported: whole.clone(), how: Some(How::Sso), ..sources() }, Place::Environment),
            (
                Sources { exported: whole.clone(), profile: profile(true), how: Some(How::Keys), ..sources() },
                of_profile.clone(),
            ),
            (
                Sources { exported: half.clone(), profile: profile(false), how: Some(How::Keys), ..sources() },
                of_profile,
            ),
            (Sources { how: Some(How::Sso), ..sources() }, Place::Profile("default".into(), How::Sso)),
            (Sources { web_identity: true, container: true, ..sources() }, Place::WebIdentity),
            (Sources { container: true, ..sources() }, Place::Container),
            (sources(), Place::Instance),
        ] {
            assert_eq!(sources.place(), want, "{sources:?}");
        }
        assert_eq!(half.stray(), [KEY]);
        assert!(whole.stray().is_empty());
        assert_eq!(Exported { token: true, ..Exported::default() }.stray(), [TOKEN]);
    }

    #[cfg(unix)]
    #[test]
    fn a_profiles_name_is_one_word_of_the_shell() {
        let command = sign_in("my sso; $(id)").command;
        assert_eq!(command.as_deref(), Some("aws sso login --profile 'my sso; $(id)'"));
    }

    #[test]
    fn a_role_of_another_account_is_told_on_aws_alone() {
        let judged = |compat| {
            let flags = Global { compat, ..Global::default() };
            let settings = Settings::of_flags(&flags).expect("settings");
            let role = RoleArn::copy_role(&AccountId::VENDOR, &"123456789012".parse().expect("an account"));
            let caller = "arn:aws:iam::000000000000:user/x";
            account(Ok(AccountId::VENDOR), caller, Some(&role), &Remedy::new(&flags, &settings)).code
        };
        assert_eq!((judged(false), judged(true)), (Some("role-of-another"), None));
    }

    #[test]
    fn an_account_stands_in_an_arn() {
        for (arn, want) in [
            ("arn:aws:iam::123456789012:user/a/b", Some("123456789012")),
            ("arn:aws:sts::012345678901:assumed-role/x/y", Some("012345678901")),
            ("", None),
        ] {
            assert_eq!(caller_account(arn).map(|id| id.to_string()).as_deref(), want, "{arn}");
        }
    }
}
