//! What needs the destination: its listing as the role, the probe, unfinished uploads.

use flex_copy::{Cleaner, CopyEvent, CopySettings, Outcome, StopReason, UnfinishedUpload};
use flex_keys::Selection;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{
    link::{Id, Link, Mend},
    refusal::{Kind, Refusal},
    remedy::Remedy,
    source::Looked,
};
use crate::{clients::AsRole, config::Settings, error::chain, language::msg, present::size};

/// Younger uploads may be a running flex's own; `flex clean` leaves them, too.
const YOUNG: i64 = 3600;

/// What the owner's reading of the bucket policy found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InPolicy {
    /// It lets the role in.
    Sound,
    /// Whether it does depends on what nobody can tell from the policy alone.
    Doubtful,
    Unread,
}

/// The role's listing of the destination.
pub(super) fn destination(
    listed: &Result<(), Refusal>,
    bucket: &str,
    policy: InPolicy,
    has_owner: bool,
    remedy: &Remedy<'_>,
) -> Link {
    let id = Id::Destination;
    let refusal = match listed {
        Ok(()) => return Link::ok(id, msg!("doctor-destination-ok", bucket = bucket)),
        Err(refusal) => refusal,
    };
    let link = match refusal.kind {
        // Our side lets the role in, so its own does not.
        Kind::Denied if policy == InPolicy::Sound => {
            Link::broken(id, "not-registered", msg!("doctor-destination-not-registered", bucket = bucket))
                .step("1-2")
                .mend(Mend::say(msg!("doctor-mend-tell-vendor")))
                .mend(Mend::run(msg!("doctor-mend-notice"), remedy.flex(&["setup"]).with("print-notice", "").text()))
        }
        Kind::Denied if policy == InPolicy::Doubtful => {
            Link::broken(id, "denied", msg!("doctor-destination-denied", bucket = bucket))
                .mend(Mend::say(msg!("doctor-mend-look-at-policy")))
                .mend(Mend::say(msg!("doctor-mend-tell-vendor")).or())
        }
        Kind::Denied if has_owner => Link::broken(id, "denied", msg!("doctor-destination-denied", bucket = bucket))
            .mend(Mend::run(msg!("doctor-mend-policy"), remedy.owner(&["policy", "apply"]).text())),
        // Somebody else has to look.
        Kind::Denied => Link::broken(id, "denied", msg!("doctor-destination-denied", bucket = bucket))
            .mend(Mend::say(msg!("doctor-mend-owner-profile")))
            .mend(
                Mend::run(
                    msg!("doctor-mend-print-policy"),
                    remedy.flex(&["policy", "bucket"]).with("bucket", bucket).text(),
                )
                .or(),
            ),
        Kind::NoAnswer => Link::broken(id, "no-answer", msg!("doctor-source-no-answer", bucket = bucket))
            .mend(Mend::say(msg!("doctor-mend-network"))),
        _ => Link::broken(id, "failed", msg!("doctor-source-failed", bucket = bucket))
            .mend(Mend::say(msg!("doctor-mend-support"))),
    };
    link.because(refusal.lines.clone()).detail("bucket", bucket)
}

/// How the probe ended.
#[derive(Debug)]
pub(super) enum Probed {
    Copied { proof: String },
    There { verified: bool },
    Refused(Vec<String>),
    Failed(Vec<String>),
}

/// Copies one object under its own key, as `flex copy` does.
pub(super) async fn probe(role: &AsRole, settings: &Settings, selection: &Selection, key: &str) -> Probed {
    let name = key.rsplit('/').next().unwrap_or(key).to_owned();
    // The prefix may be that of other keys, too.
    let only = std::sync::Arc::new(move |file: &str| file == name);
    let copy = match settings.copy_settings(|s| s.filter(only)) {
        Ok(copy) => copy,
        Err(e) => return Probed::Failed(chain(&e)),
    };
    let mut run = role.copier(settings, copy).copy(selection, CancellationToken::new());
    let mut end = None;
    while let Some(event) = run.next().await {
        match event {
            CopyEvent::Object(object) if object.key == key => end = Some(object.outcome),
            CopyEvent::Summary(summary) => {
                if let Some(reason) = &summary.stopped {
                    let lines = chain(&**reason as &(dyn std::error::Error + 'static));
                    return match &**reason {
                        StopReason::DestinationRefused { .. } => Probed::Refused(lines),
                        _ => Probed::Failed(lines),
                    };
                }
            }
            _ => {}
        }
    }
    match end {
        Some(Outcome::Copied { proof, .. }) => Probed::Copied { proof: proof.to_string() },
        Some(Outcome::Identical) => Probed::There { verified: true },
        Some(Outcome::Kept) => Probed::There { verified: false },
        Some(Outcome::Failed(failure)) => Probed::Failed(chain(&*failure as &(dyn std::error::Error + 'static))),
        Some(other) => Probed::Failed(vec![other.name().to_owned()]),
        None => Probed::Failed(vec![format!("{key} was not listed again")]),
    }
}

pub(super) fn probed(end: Probed, object: &Looked, policy: InPolicy, remedy: &Remedy<'_>) -> Link {
    let id = Id::WriteProbe;
    let key = &object.key;
    let link = match end {
        Probed::Copied { proof } => Link::ok(id, msg!("doctor-probe-copied", key = key, proof = proof)),
        Probed::There { verified: true } => Link::ok(id, msg!("doctor-probe-identical", key = key)),
        Probed::There { verified: false } => Link::ok(id, msg!("doctor-probe-kept", key = key)),
        // What guards the bucket is not the first to be taken away.
        Probed::Refused(lines) if policy == InPolicy::Doubtful => {
            Link::broken(id, "refused", msg!("doctor-probe-refused", key = key))
                .because(lines)
                .mend(Mend::say(msg!("doctor-mend-look-at-policy")))
                .mend(Mend::say(msg!("doctor-mend-tell-vendor")).or())
        }
        // Asked for by the user: the bucket has no part in it.
        Probed::Refused(lines) if remedy.asks_for_kms() => {
            Link::broken(id, "refused", msg!("doctor-probe-refused", key = key))
                .because(lines)
                .mends(remedy.take_back("sse"))
                .mend(Mend::say(msg!("doctor-mend-kms-grant")).or())
        }
        Probed::Refused(lines) => Link::broken(id, "refused", msg!("doctor-probe-refused", key = key))
            .because(lines)
            .mend(Mend::run(msg!("doctor-mend-probe-setup"), remedy.owner(&["setup"]).with("encryption", "s3").text()))
            .mend(Mend::say(msg!("doctor-mend-tell-vendor")).or()),
        Probed::Failed(lines) => Link::broken(id, "failed", msg!("doctor-probe-failed", key = key))
            .because(lines)
            .mend(Mend::say(msg!("doctor-mend-support"))),
    };
    link.detail("key", key.clone())
}

/// Unfinished uploads in the bucket, as its owner.
pub(super) async fn unfinished(cleaner: &Cleaner) -> Result<Vec<UnfinishedUpload>, Vec<String>> {
    cleaner.find().await.map_err(|reason| chain(&reason))
}

/// The settings of a cleaner that gives up before the link's time ends.
pub(super) fn cleaner_settings(deadline: std::time::Duration) -> CopySettings {
    CopySettings::builder().attempts(2).outage_limit(deadline).build().unwrap_or_default()
}

pub(super) fn uploads(
    found: &Result<Vec<UnfinishedUpload>, Vec<String>>,
    role: Option<&str>,
    remedy: &Remedy<'_>,
) -> Link {
    let id = Id::Uploads;
    let found = match found {
        Ok(found) => found,
        Err(lines) => {
            return Link::not_checked(id, "not-read", msg!("doctor-uploads-unknown"))
                .because(lines.clone())
                .mend(super::bucket::permissions(remedy));
        }
    };
    let ours: Vec<_> = found.iter().filter(|u| role.is_some_and(|role| u.is_by_role(role))).collect();
    let now = size::now();
    let old = ours.iter().filter(|upload| upload.initiated.is_some_and(|begun| now - begun >= YOUNG)).count();
    let link = if old > 0 {
        Link::warning(id, "unfinished", msg!("doctor-uploads-unfinished", number = old))
            .mend(Mend::run(msg!("doctor-mend-clean"), remedy.owner(&["clean"]).text()))
    } else if !ours.is_empty() {
        Link::ok(id, msg!("doctor-uploads-young", number = ours.len()))
    } else {
        Link::ok(id, msg!("doctor-uploads-none"))
    };
    let others = found.len() - ours.len();
    link.detail_if("note", (others > 0).then(|| msg!("doctor-value-other-uploads", number = others)))
}
