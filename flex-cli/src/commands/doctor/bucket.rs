//! The destination bucket: whose it is, where, and how it is set up.

use flex_copy::Encryption;
use flex_policy::{
    AccountId, BucketName,
    aws::{BucketState, DefaultEncryption, Failure, Lifecycle, Owner, Ownership, PublicAccess, Reading},
};

use super::{
    link::{Id, Link, Mend},
    refusal::{self, Kind, Refusal},
    remedy::Remedy,
};
use crate::{
    error::chain,
    language::{Message, msg},
};

/// What the copy role sees of the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RoleView {
    /// Its listing, with the owner pinned unless that is switched off; none where there is no role.
    pub(super) listed: Option<Result<(), Refusal>>,
    /// A refused listing is granted when the owner is not pinned: the bucket is somebody else's.
    pub(super) of_another: bool,
}

/// What the owner identity sees; none where there is no such identity.
#[derive(Debug)]
pub(super) struct OwnerView {
    pub(super) state: BucketState,
    /// Whether the account's own list of buckets names it; none where that is not known.
    pub(super) ours: Option<bool>,
}

impl OwnerView {
    /// S3 names the policy of a VPC endpoint as the reason.
    pub(super) fn is_behind_endpoint(&self) -> bool {
        let message = self.state.policy.failure().and_then(Failure::message);
        message.is_some_and(refusal::names_vpc_endpoint)
    }

    /// The identity may ask about none of the bucket's settings.
    pub(super) fn is_blind(&self) -> bool {
        let state = &self.state;
        let denied = |failure: Option<&Failure>| {
            failure.is_some_and(|failure| failure.kind() == flex_policy::aws::FailureKind::Denied)
        };
        denied(state.public_access.failure())
            && denied(state.ownership.failure())
            && denied(state.encryption.failure())
            && denied(state.lifecycle.failure())
            && denied(state.policy.failure())
    }
}

/// Whether it exists, where and whose it is.
pub(super) fn bucket(
    name: &BucketName,
    account: Option<&AccountId>,
    region: &str,
    role: &RoleView,
    owner: Option<&OwnerView>,
    remedy: &Remedy<'_>,
) -> Link {
    let id = Id::Bucket;
    let refusal = role.listed.as_ref().and_then(|listed| listed.as_ref().err());
    let state = owner.map(|view| &view.state);
    let by_role = |kind| refusal.is_some_and(|refusal| refusal.kind == kind);
    if refusal.is_some_and(Refusal::is_by_vpc_endpoint) || owner.is_some_and(OwnerView::is_behind_endpoint) {
        let said = owner.and_then(|view| view.state.policy.failure()).map(|failure| chain(failure));
        return Link::broken(id, "vpc-endpoint-policy", msg!("doctor-vpc-endpoint", bucket = name))
            .because(refusal.map(|refusal| refusal.lines.clone()).or(said).unwrap_or_default())
            .detail("bucket", name.as_str())
            .mend(Mend::say(msg!("doctor-mend-vpc-endpoint-own", bucket = name)));
    }
    let link = if state.is_some_and(|state| state.exists() == Some(false)) || by_role(Kind::NoSuchBucket) {
        return Link::broken(id, "missing", msg!("doctor-bucket-missing", bucket = name))
            .detail("bucket", name.as_str())
            .mend(Mend::run(msg!("doctor-mend-setup-bucket"), remedy.owner(&["setup"]).text()))
            .mend(Mend::say(msg!("doctor-mend-bucket-name")).or());
    } else {
        Link::ok(id, msg!("doctor-bucket-ok", bucket = name)).detail("bucket", name.as_str())
    };
    let found = state
        .and_then(|state| state.region.known().cloned())
        .or_else(|| refusal.and_then(|refusal| refusal.region.clone()))
        .filter(|found| !found.is_empty());
    if let Some(found) = found.as_ref().filter(|found| *found != region) {
        return Link::broken(
            id,
            "other-region",
            msg!("doctor-bucket-region", bucket = name, found = found, want = region),
        )
        .detail("bucket", name.as_str())
        .detail("region", found.clone())
        .mends(another(name, region, remedy));
    }
    if by_role(Kind::WrongRegion) {
        return Link::broken(id, "other-region", msg!("doctor-bucket-elsewhere", bucket = name, want = region))
            .because(refusal.map(|refusal| refusal.lines.clone()).unwrap_or_default())
            .detail("bucket", name.as_str())
            .mends(another(name, region, remedy));
    }
    let link = link.detail_if("region", found);
    let elsewhere = state.is_some_and(|state| state.owner == Owner::SomebodyElse)
        || role.of_another
        || owner.is_some_and(|view| view.ours == Some(false));
    if elsewhere {
        return Link::broken(id, "other-owner", msg!("doctor-bucket-other", bucket = name))
            .detail("bucket", name.as_str())
            .mends(account.and_then(|account| another_name(name, account.as_str(), remedy)).into_iter().flatten())
            .mend(Mend::say(msg!("doctor-mend-bucket-name")).or());
    }
    let ours = state.is_some_and(|state| state.owner == Owner::Us) || matches!(role.listed, Some(Ok(())));
    if ours || owner.is_some_and(|view| view.ours == Some(true)) {
        return link;
    }
    let failed = state.and_then(|state| state.region.failure()).map(|failure| chain(failure));
    Link::not_checked(id, "denied", msg!("doctor-bucket-unknown", bucket = name))
        .because(failed.or(refusal.map(|refusal| refusal.lines.clone())).unwrap_or_default())
        .detail("bucket", name.as_str())
        .mend(Mend::say(msg!("doctor-mend-owner-profile")))
}

fn another(name: &BucketName, region: &str, remedy: &Remedy<'_>) -> Vec<Mend> {
    another_name(name, region, remedy).unwrap_or_default()
}

/// A bucket of another name, made and then used. The vendor must be told of it.
fn another_name(name: &BucketName, end: &str, remedy: &Remedy<'_>) -> Option<Vec<Mend>> {
    let room = 63usize.saturating_sub(end.len() + 1);
    let start: String = name.as_str().chars().take(room).collect();
    let new: BucketName = format!("{}-{end}", start.trim_end_matches(['-', '.'])).parse().ok()?;
    Some(vec![
        Mend::run(msg!("doctor-mend-new-bucket"), remedy.owner(&["setup"]).with("bucket", new.as_str()).text()),
        Mend::run(msg!("doctor-mend-use-bucket"), remedy.change("bucket", new.as_str())),
        Mend::say(msg!("doctor-mend-tell-vendor")),
    ])
}

/// A setting that could not be read.
fn unread(id: Id, failure: &Failure, remedy: &Remedy<'_>) -> Link {
    match failure.denied_action() {
        Some(action) => Link::not_checked(id, "no-right", msg!("doctor-no-right", action = action))
            .because(chain(failure))
            .detail("action", action)
            .mend(permissions(remedy)),
        None => Link::not_checked(id, "failed", msg!("doctor-not-read")).because(chain(failure)),
    }
}

/// The rights that the owner identity needs, printed.
pub(super) fn permissions(remedy: &Remedy<'_>) -> Mend {
    Mend::run(msg!("doctor-mend-permissions"), remedy.flex(&["setup"]).with("print-permissions", "").text())
}

fn setup(text: Message, remedy: &Remedy<'_>) -> Mend {
    Mend::run(text, remedy.owner(&["setup"]).text())
}

pub(super) fn public_access(found: &Reading<PublicAccess>, remedy: &Remedy<'_>) -> Link {
    let id = Id::PublicAccess;
    if let Some(failure) = found.failure() {
        return unread(id, failure, remedy);
    }
    if found.known().is_some_and(|found| found.is_fully_blocked()) {
        Link::ok(id, msg!("doctor-public-ok"))
    } else {
        Link::warning(id, "open", msg!("doctor-public-open")).mend(setup(msg!("doctor-mend-setup"), remedy))
    }
}

pub(super) fn ownership(found: &Reading<Ownership>, remedy: &Remedy<'_>) -> Link {
    let id = Id::Ownership;
    if let Some(failure) = found.failure() {
        return unread(id, failure, remedy);
    }
    match found.known() {
        Some(Ownership::BucketOwnerEnforced) => Link::ok(id, msg!("doctor-ownership-ok")),
        Some(Ownership::BucketOwnerPreferred) => Link::ok(id, msg!("doctor-ownership-preferred")),
        Some(Ownership::Other(mode)) => {
            Link::warning(id, "unknown", msg!("doctor-ownership-unknown", mode = mode)).detail("found", mode.clone())
        }
        // Absent is what buckets of before 2021 have, and means the same.
        Some(Ownership::ObjectWriter) | None => Link::warning(id, "object-writer", msg!("doctor-ownership-writer"))
            .mend(setup(msg!("doctor-mend-setup"), remedy)),
    }
}

/// Default encryption, unless the user's own choice overrides it.
pub(super) fn encryption(found: &Reading<DefaultEncryption>, chosen: Option<&Encryption>, remedy: &Remedy<'_>) -> Link {
    let id = Id::Encryption;
    if matches!(chosen, Some(Encryption::S3)) {
        return Link::ok(id, msg!("doctor-encryption-chosen"));
    }
    if let Some(failure) = found.failure() {
        return unread(id, failure, remedy);
    }
    let to_s3 = || {
        let line = remedy.owner(&["setup"]).with("encryption", "s3");
        [Mend::run(msg!("doctor-mend-encryption"), line.text()), Mend::say(msg!("doctor-mend-sse")).or()]
    };
    match (chosen, found.known()) {
        (Some(Encryption::Kms(key)), _) => Link::warning(id, "kms-key", msg!("doctor-encryption-kms"))
            .detail("kms-key", key.clone())
            .mend(Mend::say(msg!("doctor-mend-kms-grant"))),
        (_, Some(DefaultEncryption::S3) | None) => Link::ok(id, msg!("doctor-encryption-ok")),
        (_, Some(DefaultEncryption::Kms { key, .. })) => {
            match key.as_deref().filter(|key| !key.ends_with("alias/aws/s3")) {
                // That key is for its own account alone.
                None => Link::broken(id, "kms-of-aws", msg!("doctor-encryption-aws-key")).mends(to_s3()),
                Some(key) => Link::warning(id, "kms-key", msg!("doctor-encryption-kms"))
                    .detail("kms-key", key)
                    .mend(Mend::say(msg!("doctor-mend-kms-grant")))
                    .mends(to_s3().map(Mend::or)),
            }
        }
        (_, Some(DefaultEncryption::Other(kind))) => {
            Link::warning(id, "unknown", msg!("doctor-encryption-unknown", kind = kind)).detail("found", kind.clone())
        }
    }
}

pub(super) fn lifecycle(found: &Reading<Lifecycle>, remedy: &Remedy<'_>) -> Link {
    let id = Id::Lifecycle;
    if let Some(failure) = found.failure() {
        return unread(id, failure, remedy);
    }
    let rules = found.known();
    let link = match rules.and_then(Lifecycle::ends_unfinished_uploads_after) {
        Some(days) => Link::ok(id, msg!("doctor-lifecycle-ok", days = days)),
        None => {
            Link::warning(id, "absent", msg!("doctor-lifecycle-absent")).mend(setup(msg!("doctor-mend-setup"), remedy))
        }
    };
    let touching: Vec<_> =
        rules.map(|rules| rules.touches_objects().join(", ")).into_iter().filter(|r| !r.is_empty()).collect();
    link.detail_if("note", touching.first().map(|rules| msg!("doctor-value-rules", rules = rules)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Global, commands::doctor::link::State, config::Settings};

    fn judged(role: &RoleView, owner: Option<&OwnerView>) -> (State, Option<&'static str>, Vec<Option<String>>) {
        let flags = Global { bucket: Some("my-bucket".into()), ..Global::default() };
        let settings = Settings::of_flags(&flags).expect("settings");
        let remedy = Remedy::new(&flags, &settings);
        let name: BucketName = "my-bucket".parse().expect("a name");
        let account: AccountId = "123456789012".parse().expect("an account");
        let link = bucket(&name, Some(&account), "ap-northeast-1", role, owner, &remedy);
        (link.state, link.code, link.mends.into_iter().map(|mend| mend.command).collect())
    }

    fn view(listed: Result<(), Refusal>, of_another: bool) -> RoleView {
        RoleView { listed: Some(listed), of_another }
    }

    #[test]
    fn without_an_owner_the_role_tells_what_it_can() {
        let refused = |kind| Err(Refusal::made(kind, "no"));
        assert_eq!(judged(&view(Ok(()), false), None).0, State::Ok);
        assert_eq!(judged(&view(refused(Kind::NoSuchBucket), false), None).1, Some("missing"));
        assert_eq!(judged(&view(refused(Kind::WrongRegion), false), None).1, Some("other-region"));
        assert_eq!(judged(&view(refused(Kind::Denied), true), None).1, Some("other-owner"));
        let unknown = judged(&view(refused(Kind::Denied), false), None);
        assert_eq!((unknown.0, unknown.1), (State::NotChecked, Some("denied")));
        assert_eq!(judged(&RoleView::default(), None).0, State::NotChecked);
    }

    #[test]
    fn another_name_is_offered_where_this_one_cannot_serve() {
        let mends = judged(&view(Err(Refusal::made(Kind::Denied, "no")), true), None).2;
        assert!(
            mends[0].as_deref().is_some_and(|command| command.contains("--bucket my-bucket-123456789012")),
            "{mends:?}"
        );
        assert!(
            mends[1].as_deref().is_some_and(|command| command == "flex doctor --bucket my-bucket-123456789012"),
            "{mends:?}"
        );
    }
}
