//! Both buckets.

use flex_keys::{Selection, SelectionContext};
use flex_policy::{AccountId, RoleArn};

use super::{BEFORE_S3, Doctor, Owned};
use crate::{
    clients::AsRole,
    commands::doctor::{
        bucket::{self, RoleView},
        link::{Id, Link, Mend, State},
        policy,
        refusal::{Kind, Refusal, ask},
        source::{self, Source},
        writing,
    },
    commands::policy::sent,
    error::chain,
    language::msg,
    present::size,
};

impl Doctor<'_> {
    pub(super) async fn root(&self, as_role: Option<&AsRole>) -> Option<Result<source::Root, (Refusal, bool)>> {
        if !self.board.obstacles(&BEFORE_S3).is_empty() {
            return None;
        }
        let source = Source { s3: as_role?.s3(), settings: self.settings, deadline: self.deadline };
        Some(source.root().await)
    }

    pub(super) async fn sample(
        &self,
        as_role: Option<&AsRole>,
        root: Option<&source::Root>,
    ) -> Option<(Option<String>, Vec<source::Looked>)> {
        let source = Source { s3: as_role?.s3(), settings: self.settings, deadline: self.deadline };
        Some(source.sample(root?).await)
    }

    /// The destination's listing, as the role.
    pub(super) async fn role_view(&self, as_role: Option<&AsRole>, account: Option<AccountId>) -> RoleView {
        let (Some(as_role), Some(given)) = (as_role, &self.settings.bucket) else { return RoleView::default() };
        if !self.board.obstacles(&BEFORE_S3).is_empty() || given.value == self.settings.source_bucket {
            return RoleView::default();
        }
        let pinned = account.filter(|_| self.settings.expected_owner).map(|account| account.to_string());
        let list = |owner: Option<String>| {
            let call = as_role.s3().list_objects_v2().bucket(given.value.as_str()).max_keys(1);
            let call = call.prefix(self.settings.key_prefix()).set_expected_bucket_owner(owner).send();
            ask("ListObjectsV2", self.deadline, call)
        };
        let listed = list(pinned.clone()).await.map(|_| ());
        let denied = matches!(&listed, Err(refusal) if refusal.kind == Kind::Denied);
        let of_another = denied && pinned.is_some() && list(None).await.is_ok();
        RoleView { listed: Some(listed), of_another }
    }

    pub(super) fn judge_bucket(&mut self, role: &RoleView, owned: Option<&Owned>, account: Option<&AccountId>) {
        let id = Id::Bucket;
        let Some(given) = &self.settings.bucket else {
            self.board.put(
                Link::broken(id, "not-named", msg!("doctor-bucket-not-named")).mend(Mend::say(msg!("name-bucket"))),
            );
            return;
        };
        if given.value == self.settings.source_bucket {
            self.board.put(
                Link::broken(id, "is-source", msg!("doctor-bucket-is-source", bucket = &given.value))
                    .mend(Mend::say(msg!("name-bucket"))),
            );
            return;
        }
        if !self.board.clear(id, &BEFORE_S3) {
            return;
        }
        let view = owned.map(|owned| &owned.view);
        // Nobody has looked.
        if view.is_none() && role.listed.is_none() {
            let obstacles = self.board.obstacles(&[Id::Role, Id::Owner]);
            self.board.put(Link::waits(id, obstacles));
            return;
        }
        let region = &self.settings.region;
        self.board.put(bucket::bucket(&given.value, account, region, role, view, &self.remedy));
    }

    pub(super) fn settings_of_bucket(&mut self, owned: Option<&Owned>, arn: Option<&RoleArn>) {
        const LINKS: [Id; 5] = [Id::PublicAccess, Id::Ownership, Id::Encryption, Id::Lifecycle, Id::Policy];
        let needs = [&BEFORE_S3[..], &[Id::Owner, Id::Bucket]].concat();
        let role_code = self.board.get(Id::Role).and_then(|link| link.code);
        let role_missing = matches!(role_code, Some("not-created" | "deleted"));
        let account_broken = self.board.get(Id::Account).is_some_and(|link| link.state == State::Broken);
        // Which role the policy should name is then not known.
        let misled = [(account_broken, Id::Account), (role_code == Some("other-role"), Id::Role)];
        let misled = misled.into_iter().find_map(|(so, id)| so.then_some(id));
        for id in LINKS {
            if !self.board.clear(id, &needs) {
                continue;
            }
            let (Some(owned), Some(given)) = (owned, &self.settings.bucket) else {
                self.board.put(Link::waits(id, vec![Id::Owner]));
                continue;
            };
            if let (Id::Policy, Some(cause)) = (id, misled) {
                self.board.put(Link::waits(id, vec![cause]));
                continue;
            }
            let (state, remedy) = (&owned.view.state, &self.remedy);
            let link = match (id, arn) {
                (Id::PublicAccess, _) => bucket::public_access(&state.public_access, remedy),
                (Id::Ownership, _) => bucket::ownership(&state.ownership, remedy),
                (Id::Encryption, _) => bucket::encryption(&state.encryption, self.settings.encryption(), remedy),
                (Id::Lifecycle, _) => bucket::lifecycle(&state.lifecycle, remedy),
                (_, Some(arn)) => {
                    policy::policy(&state.policy, arn, &given.value, role_missing, sent(self.settings), remedy)
                }
                _ => Link::waits(id, vec![Id::Account]),
            };
            self.board.put(link);
        }
    }

    pub(super) fn destination(&mut self, role: &RoleView) {
        let id = Id::Destination;
        if !self.board.clear(id, &[&BEFORE_S3[..], &[Id::Role]].concat()) {
            return;
        }
        // A link that nobody could check stands in nobody's way: this one shows what it is worth.
        let broken = |id: &Id| self.board.get(*id).is_some_and(|link| link.state == State::Broken);
        let in_the_way: Vec<Id> = [Id::Bucket, Id::Policy].into_iter().filter(broken).collect();
        if !in_the_way.is_empty() {
            self.board.put(Link::waits(id, in_the_way));
            return;
        }
        let (Some(listed), Some(given)) = (&role.listed, &self.settings.bucket) else {
            self.board.put(Link::waits(id, vec![Id::Role]));
            return;
        };
        let found = self.in_policy();
        self.board.put(writing::destination(
            listed,
            given.value.as_str(),
            found,
            self.settings.owner_profile.is_some(),
            &self.remedy,
        ));
    }

    /// What is known of the policy once it has been judged.
    fn in_policy(&self) -> writing::InPolicy {
        self.board.get(Id::Policy).map_or(writing::InPolicy::Unread, |link| match link.state {
            State::Ok => writing::InPolicy::Sound,
            State::Warning if self.remedy.is_compat() || link.code.is_some_and(policy::is_doubt) => {
                writing::InPolicy::Doubtful
            }
            State::Warning => writing::InPolicy::Sound,
            _ => writing::InPolicy::Unread,
        })
    }

    pub(super) async fn uploads(
        &self,
        owned: Option<&Owned>,
        account: Option<&AccountId>,
    ) -> Option<Result<Vec<flex_copy::UnfinishedUpload>, Vec<String>>> {
        let (owned, given) = (owned?, self.settings.bucket.as_ref()?);
        if !self.board.obstacles(&[&BEFORE_S3[..], &[Id::Owner, Id::Bucket]].concat()).is_empty() {
            return None;
        }
        let mut bucket =
            flex_copy::Bucket::new(owned.s3.clone(), given.value.as_str()).prefix(self.settings.key_prefix());
        if let Some(account) = account.filter(|_| self.settings.expected_owner) {
            bucket = bucket.expected_owner(account.as_str());
        }
        let cleaner = flex_copy::Cleaner::new(bucket, &writing::cleaner_settings(self.deadline));
        let found = self.within(writing::unfinished(&cleaner)).await;
        Some(found.unwrap_or_else(|| Err(vec![self.no_answer("ListMultipartUploads")])))
    }

    pub(super) async fn probe(&mut self, as_role: Option<&AsRole>, looked: Vec<source::Looked>) {
        let id = Id::WriteProbe;
        if !self.write_probe {
            self.board.put(Link::not_checked(id, "not-asked", msg!("doctor-probe-not-asked")));
            return;
        }
        if !self.board.clear(id, &[&BEFORE_S3[..], &[Id::Role, Id::Licence, Id::Destination]].concat()) {
            return;
        }
        let broken = self.board.get(Id::Encryption).is_some_and(|link| link.state == State::Broken);
        if broken {
            self.board.put(Link::waits(id, vec![Id::Encryption]));
            return;
        }
        let (Some(as_role), Some(object)) = (as_role, source::smallest(&looked)) else {
            self.board.put(Link::waits(id, vec![Id::Licence]));
            return;
        };
        let context = SelectionContext {
            today: size::today(),
            calendar: &self.settings.calendar,
            source_bucket: self.settings.source_bucket.as_str(),
        };
        let selection = Selection::parse(&[format!("prefix:{}", object.key)], &context);
        let end = match selection {
            Ok(selection) => self
                .within(writing::probe(as_role, self.settings, &selection, &object.key))
                .await
                .unwrap_or_else(|| writing::Probed::Failed(vec![self.no_answer("the copy")])),
            Err(e) => writing::Probed::Failed(chain(&e)),
        };
        self.board.put(writing::probed(end, object, self.in_policy(), &self.remedy));
    }
}
