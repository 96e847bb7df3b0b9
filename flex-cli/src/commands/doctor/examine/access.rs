//! The copy role and the owner identity.

use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use flex_creds::{CopyRole, CredsError, Session};
use flex_policy::{
    AccountId, RoleArn,
    aws::{BucketState, Owner},
};

use super::{BEFORE_S3, Caller, Doctor, Owned, fixed, lines};
use crate::{
    clients::Base,
    commands::doctor::{
        bucket::{self, OwnerView},
        identity::{self, Sources},
        link::{Id, Link, Mend, State},
        refusal::ask,
        role::{self, Evidence, InPolicy, OwnPolicy},
    },
    config::Profile,
    error::chain,
    language::msg,
};

impl Doctor<'_> {
    pub(super) async fn session(&self, caller: Option<&Caller>, wanted: bool) -> Option<Result<Session, CredsError>> {
        let caller = caller.filter(|_| wanted)?;
        self.within(caller.role.session()).await
    }

    /// The owner identity and what it sees of the bucket, with the link that says who that is.
    pub(super) async fn owner(
        &self,
        base: &Base,
        caller: Option<&Caller>,
        account: Option<AccountId>,
    ) -> (Link, Option<Owned>) {
        let id = Id::Owner;
        let obstacles = self.board.obstacles(&BEFORE_S3);
        if !obstacles.is_empty() {
            return (Link::waits(id, obstacles), None);
        }
        let (identity, arn) = match &self.settings.owner_profile {
            Some(name) => match self.owner_identity(base, name).await {
                Ok(found) => found,
                Err(link) => return (link, None),
            },
            None => match caller {
                Some(caller) => (caller.identity.clone(), caller.arn.clone()),
                None => return (Link::waits(id, self.board.obstacles(&[Id::Identity])), None),
            },
        };
        let own = identity::caller_account(&arn);
        // A store other than AWS may know callers by an account that their ARNs do not show.
        let as_caller = own.is_some() && own == caller.and_then(|caller| identity::caller_account(&caller.arn));
        if let (Some(given), Some(own), Some(_)) = (account, own, &self.settings.owner_profile)
            && given != own
            && !as_caller
        {
            let link = Link::broken(id, "other-account", msg!("doctor-owner-other", given = given, found = own))
                .detail("caller", arn)
                .mends(self.remedy.take_back("owner-profile"));
            return (link, None);
        }
        let unread = |lines| (Link::not_checked(id, "failed", msg!("doctor-not-read")).because(lines), None);
        let s3 = match base.owner_s3(self.settings).await {
            Ok(s3) => Client::from_conf(s3.config().to_builder().credentials_provider(identity).build()),
            Err(stop) => return unread(lines(&stop)),
        };
        let Some(given) = &self.settings.bucket else {
            return (Link::ok(id, msg!("doctor-owner-ok", caller = arn)), None);
        };
        let pinned = account.or(own).filter(|_| self.settings.expected_owner);
        let state = match self.within(BucketState::read(&s3, &given.value, pinned.as_ref())).await {
            Some(state) => state,
            None => return unread(vec![self.no_answer("the bucket's settings")]),
        };
        let mut view = OwnerView { state, ours: None };
        if view.state.owner == Owner::Unknown && view.state.exists() == Some(true) {
            // Where the owner is not pinned, a bucket of another account is what the user wants.
            let ours = self.lists(&s3, given.value.as_str()).await;
            view.ours = ours.filter(|ours| *ours || pinned.is_some());
        }
        // Whose fault it is that nothing can be seen, the bucket's own link tells.
        let link = if !view.is_blind() || view.ours == Some(false) || view.is_behind_endpoint() {
            Link::ok(id, msg!("doctor-owner-ok", caller = arn))
        } else if self.settings.owner_profile.is_some() {
            Link::broken(id, "no-rights", msg!("doctor-owner-no-rights", caller = arn))
                .because(view.state.policy.failure().map(|failure| chain(failure)).unwrap_or_default())
                .mend(bucket::permissions(&self.remedy))
        } else {
            Link::not_checked(id, "no-owner", msg!("doctor-owner-none"))
                .mend(Mend::say(msg!("doctor-mend-owner-profile")))
                .mend(bucket::permissions(&self.remedy))
        };
        let blind = link.state != State::Ok;
        let owned = Owned { view, s3, account: own };
        (link.detail("caller", arn), (!blind).then_some(owned))
    }

    /// The profile that was named for the owner.
    pub(super) async fn owner_identity(&self, base: &Base, name: &str) -> Result<(Credentials, String), Link> {
        let id = Id::Owner;
        let profile = Profile { name: name.to_owned(), alone: true };
        let sources = Sources { profile: Some(profile.clone()), ..self.sources().await };
        if let Some(link) = self.bad_profile(id, Some(&profile), &sources).await {
            return Err(link);
        }
        let config = base.owner_sts_config(self.settings).await.map_err(|stop| {
            Link::broken(id, "unusable", msg!("doctor-configuration-unusable")).because(lines(&stop))
        })?;
        let loaded = self.within(identity::load(&config)).await;
        let identity = loaded
            .unwrap_or_else(|| Err(vec![self.no_answer("the identity's provider")]))
            .map_err(|because| identity::none(id, because, &sources, &self.remedy))?;
        let obstacles = self.board.obstacles(&[Id::StsEndpoint]);
        if !obstacles.is_empty() {
            return Err(Link::waits(id, obstacles));
        }
        let role = CopyRole::builder(&fixed(config, &identity)).build();
        let asked = match &role {
            Ok(role) => self.within(role.caller()).await,
            Err(error) => Some(Err(error.clone())),
        };
        match asked {
            Some(Ok(arn)) => Ok((identity, arn)),
            Some(Err(error)) => Err(identity::refused(id, &error, &identity, &sources, &self.remedy)),
            None => {
                let line = self.no_answer("GetCallerIdentity");
                Err(Link::broken(id, "timeout", msg!("doctor-identity-no-answer")).because(vec![line]))
            }
        }
    }

    /// Whether the account's own list of buckets names it.
    pub(super) async fn lists(&self, s3: &Client, bucket: &str) -> Option<bool> {
        let call = s3.list_buckets().send();
        let answer = ask("ListBuckets", self.deadline, call).await.ok()?;
        Some(answer.buckets().iter().any(|found| found.name() == Some(bucket)))
    }

    /// Puts the role and its token; gives the session if there is one.
    pub(super) async fn judge_role(
        &mut self,
        base: &Base,
        caller: Option<&Caller>,
        session: Option<Result<Session, CredsError>>,
        owned: Option<&Owned>,
        arn: Option<&RoleArn>,
    ) -> Option<Session> {
        let session = match (caller, session) {
            (Some(caller), Some(Ok(session))) => {
                self.board.put(role::assumed(&session));
                let exported = caller.sources.place() == identity::Place::Environment;
                self.board.put(role::token(&session, &caller.identity, exported));
                return Some(session);
            }
            (Some(caller), Some(Err(error))) => {
                let evidence = self.evidence(base, caller, owned, arn).await;
                Some(role::refused(&error, &caller.arn, &evidence, &self.remedy))
            }
            _ if !self.board.clear(Id::Role, &[Id::Identity, Id::Account]) => None,
            _ => Some(
                Link::broken(Id::Role, "timeout", msg!("doctor-identity-no-answer"))
                    .because(vec![self.no_answer("AssumeRole")]),
            ),
        };
        if let Some(link) = session {
            self.board.put(link);
        }
        self.board.clear(Id::Token, &[Id::Role]);
        None
    }

    pub(super) async fn evidence(
        &self,
        base: &Base,
        caller: &Caller,
        owned: Option<&Owned>,
        arn: Option<&RoleArn>,
    ) -> Evidence {
        let (Some(owned), Some(role)) = (owned, arn) else { return Evidence::default() };
        let policy = &owned.view.state.policy;
        Evidence {
            own_policy: self.within(self.own_policy(base, caller, role)).await.flatten(),
            bucket_policy: policy.is_answered().then(|| InPolicy::of(policy.known().map(String::as_str), role)),
        }
    }

    #[cfg(feature = "iam")]
    pub(super) async fn own_policy(&self, base: &Base, caller: &Caller, role: &RoleArn) -> Option<OwnPolicy> {
        use flex_policy::aws::{MayAssume, may_assume};
        let config = base.owner_iam(self.settings).await.ok()?;
        let iam = aws_sdk_iam::Client::new(&config);
        let found = may_assume(&iam, &caller.arn, role).await;
        Some(match found.known()? {
            MayAssume::Allowed => OwnPolicy::Allows,
            MayAssume::NotAllowed => OwnPolicy::Lacks,
            MayAssume::ExplicitlyDenied { by, .. } => OwnPolicy::Denies(by.clone()),
            MayAssume::RootUser => OwnPolicy::Root,
            _ => return None,
        })
    }

    /// Without IAM only root is known by its name.
    #[cfg(not(feature = "iam"))]
    pub(super) async fn own_policy(&self, _: &Base, caller: &Caller, _: &RoleArn) -> Option<OwnPolicy> {
        caller.arn.ends_with(":root").then_some(OwnPolicy::Root)
    }
}
