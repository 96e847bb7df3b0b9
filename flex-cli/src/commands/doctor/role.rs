//! The copy role: whether it can be assumed, why not, and how long its token lasts.

use aws_credential_types::Credentials;
use flex_creds::{CredsError, Lifetime, Session};
use flex_policy::{AccountId, RoleArn};

use super::{
    identity::caller_account,
    link::{Id, Link, Mend},
    remedy::{Remedy, unset},
};
use crate::{error::chain, language::msg, present::size};

/// What others than STS say of the identity and the role. STS refuses alike whatever the cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// What IAM says of the identity's own policies; none where nobody could ask.
    pub(super) own_policy: Option<OwnPolicy>,
    /// What the bucket policy says of the role; none where nobody could read it.
    pub(super) bucket_policy: Option<InPolicy>,
}

/// The identity's own policies, as far as assuming the role goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "iam"), allow(dead_code, reason = "only IAM can tell the others"))]
pub(super) enum OwnPolicy {
    Allows,
    Lacks,
    Denies(Vec<String>),
    Root,
}

/// How a bucket policy names the role. AWS replaces the ARN of a role that was deleted by an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InPolicy {
    /// By its ARN: when the policy was put, the role existed, and it still does.
    ByArn,
    /// A principal that was deleted.
    Dead,
    NotAtAll,
}

impl InPolicy {
    pub(super) fn of(policy: Option<&str>, role: &RoleArn) -> Self {
        let Some(text) = policy else { return Self::NotAtAll };
        if text.contains(&format!("\"{role}\"")) {
            Self::ByArn
        } else if text.contains("\"AROA") {
            Self::Dead
        } else {
            Self::NotAtAll
        }
    }
}

/// STS does not give the role.
pub(super) fn refused(error: &CredsError, caller: &str, evidence: &Evidence, remedy: &Remedy<'_>) -> Link {
    let because: Vec<String> = chain(error).into_iter().skip(1).collect();
    let CredsError::NotAllowedToAssume { role, source, .. } = error else {
        return other(error, because);
    };
    let link = denied(
        role,
        caller,
        evidence,
        source.message().is_some_and(|message| message.contains("explicit deny")),
        remedy,
    );
    link.because(because).detail("role", role.to_string()).detail("caller", caller)
}

fn denied(role: &RoleArn, caller: &str, evidence: &Evidence, explicit: bool, remedy: &Remedy<'_>) -> Link {
    let identity = principal(caller);
    let repair = || {
        let line = remedy.owner(&["setup"]).without("profile");
        identity.as_ref().map(|identity| line.with("identity", identity).text())
    };
    if let Some(own) = other_role(role, caller, remedy) {
        let link = Link::broken(Id::Role, "other-role", msg!("doctor-role-other", role = role, own = own));
        return link.mends(remedy.take_back("role-arn").or_else(|| remedy.take_back("source-account")));
    }
    match (&evidence.own_policy, evidence.bucket_policy) {
        (Some(OwnPolicy::Root), _) => Link::broken(Id::Role, "root-user", msg!("doctor-role-root"))
            .step("1-4")
            .mend(Mend::say(msg!("doctor-mend-not-root"))),
        (Some(OwnPolicy::Lacks), _) => {
            let link =
                Link::broken(Id::Role, "own-policy", msg!("doctor-role-own-policy", caller = caller)).step("1-4");
            match repair() {
                Some(command) => link.mend(Mend::run(msg!("doctor-mend-own-policy"), command)),
                None => link.mend(Mend::say(msg!("doctor-mend-own-policy-by-hand"))),
            }
        }
        (Some(OwnPolicy::Denies(by)), _) => {
            let link =
                Link::broken(Id::Role, "own-policy-denies", msg!("doctor-role-denies", caller = caller)).step("1-4");
            let link = if by.is_empty() { link } else { link.detail("policies", by.join(", ")) };
            link.mend(Mend::say(msg!("doctor-mend-deny")))
        }
        (None, _) if explicit => {
            Link::broken(Id::Role, "own-policy-denies", msg!("doctor-role-denies", caller = caller))
                .step("1-4")
                .mend(Mend::say(msg!("doctor-mend-deny")))
        }
        // The role exists, and we are let go: so it does not let us in.
        (Some(OwnPolicy::Allows), Some(InPolicy::ByArn)) => {
            Link::broken(Id::Role, "trust", msg!("doctor-role-trust", role = role))
                .step("1-2")
                .mend(Mend::say(msg!("doctor-mend-trust")))
                .mends(notice(remedy))
        }
        (Some(OwnPolicy::Allows), Some(InPolicy::Dead)) => {
            Link::broken(Id::Role, "deleted", msg!("doctor-role-deleted", role = role))
                .step("1-2")
                .mend(Mend::say(msg!("doctor-mend-vendor-role")))
                .mends(notice(remedy))
                .mend(wait(remedy))
        }
        (Some(OwnPolicy::Allows), _) => {
            Link::broken(Id::Role, "not-created", msg!("doctor-role-not-created", role = role))
                .step("1-2")
                .mend(Mend::say(msg!("doctor-mend-wait-for-role")))
                .mends(notice(remedy))
                .mend(wait(remedy))
        }
        // The role's side is sound, so it is ours or the trust.
        (None, bucket) => {
            let link = Link::broken(Id::Role, "refused", msg!("doctor-role-refused", caller = caller));
            let link = match bucket {
                Some(InPolicy::ByArn) => link.detail("note", msg!("doctor-value-role-exists")),
                _ => link,
            };
            let link = link.mend(Mend::say(msg!("doctor-mend-role-causes")));
            if remedy.has_owner() { link } else { link.mend(Mend::say(msg!("doctor-mend-owner-tells"))) }
        }
    }
}

/// The copy role of the caller's account, where settings name another one.
fn other_role(role: &RoleArn, caller: &str, remedy: &Remedy<'_>) -> Option<RoleArn> {
    let own = RoleArn::copy_role(&AccountId::VENDOR, &caller_account(caller)?);
    let set = remedy.origin("role-arn").is_some() || remedy.origin("source-account").is_some();
    (set && own != *role).then_some(own)
}

fn wait(remedy: &Remedy<'_>) -> Mend {
    Mend::run(msg!("doctor-mend-setup-wait"), remedy.owner(&["setup"]).with("wait", "").text())
}

fn notice(remedy: &Remedy<'_>) -> Option<Mend> {
    let command = remedy.flex(&["setup"]).with("print-notice", "").text();
    Some(Mend::run(msg!("doctor-mend-notice"), command))
}

fn other(error: &CredsError, because: Vec<String>) -> Link {
    let link = match error {
        CredsError::Unreachable { .. } => Link::broken(Id::Role, "no-answer", msg!("doctor-identity-no-answer"))
            .mend(Mend::say(msg!("doctor-mend-network"))),
        CredsError::ClockSkew { .. } => Link::broken(Id::Role, "clock", msg!("doctor-identity-clock")),
        _ => Link::broken(Id::Role, "failed", msg!("doctor-role-failed")).mend(Mend::say(msg!("doctor-mend-support"))),
    };
    link.because(because)
}

/// The identity as `flex setup --identity` takes it: a user or a role. None for root and federated users.
fn principal(caller: &str) -> Option<String> {
    let resource = caller.splitn(6, ':').nth(5)?;
    let (kind, rest) = resource.split_once('/')?;
    match kind {
        "user" => Some(format!("user:{}", rest.rsplit('/').next().unwrap_or(rest))),
        "assumed-role" => Some(format!("role:{}", rest.split('/').next().unwrap_or(rest))),
        _ => None,
    }
}

/// The role was assumed, or the caller is it already.
pub(super) fn assumed(session: &Session) -> Link {
    Link::ok(Id::Role, msg!("doctor-role-ok", role = session.role())).detail("role", session.role().to_string())
}

/// How long the token lasts, and why.
pub(super) fn token(session: &Session, identity: &Credentials, from_environment: bool) -> Link {
    let lifetime = session.lifetime();
    let expires = session.expires().or(identity.expiry()).map(|at| size::rfc3339(size::seconds(at)));
    let link = match lifetime {
        Lifetime::AsIs => {
            let link = Link::warning(Id::Token, "exported-role-keys", msg!("doctor-token-exported"));
            if from_environment {
                let command = unset(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
                link.mend(Mend::run(msg!("doctor-mend-unset-keys"), command))
            } else {
                link.mend(Mend::say(msg!("doctor-mend-own-identity")))
            }
        }
        Lifetime::LongTermKeys => Link::ok(Id::Token, msg!("doctor-token-long")),
        _ => Link::ok(Id::Token, msg!("doctor-token-short")),
    };
    let why = match lifetime {
        Lifetime::LongTermKeys => Some(msg!("doctor-value-long-term-keys")),
        Lifetime::TemporaryIdentity => Some(msg!("doctor-value-temporary")),
        Lifetime::Chained => Some(msg!("doctor-value-chained")),
        Lifetime::RoleMaximum => Some(msg!("doctor-value-role-maximum")),
        Lifetime::Refused => Some(msg!("doctor-value-twelve-refused")),
        _ => None,
    };
    link.detail_if("lifetime", why).detail_if("expires", expires)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Global, config::Settings};

    #[test]
    fn an_identity_is_named_as_setup_takes_it() {
        for (caller, want) in [
            ("arn:aws:iam::123456789012:user/team/flex-copy", Some("user:flex-copy")),
            ("arn:aws:sts::123456789012:assumed-role/TickUser/laptop", Some("role:TickUser")),
            ("arn:aws:iam::123456789012:root", None),
            ("arn:aws:sts::123456789012:federated-user/x", None),
            ("", None),
        ] {
            assert_eq!(principal(caller).as_deref(), want, "{caller}");
        }
    }

    #[test]
    fn the_cause_follows_from_both_policies() {
        let flags = Global { bucket: Some("my-bucket".into()), ..Global::default() };
        let settings = Settings::of_flags(&flags).expect("settings");
        let remedy = Remedy::new(&flags, &settings);
        let role = RoleArn::copy_role(&AccountId::VENDOR, &"123456789012".parse().expect("an account"));
        let user = "arn:aws:iam::123456789012:user/flex-copy";
        let (by_arn, dead, absent) = (Some(InPolicy::ByArn), Some(InPolicy::Dead), Some(InPolicy::NotAtAll));
        for (own, bucket, explicit, want, step) in [
            (Some(OwnPolicy::Lacks), by_arn, false, "own-policy", "1-4"),
            (Some(OwnPolicy::Lacks), absent, false, "own-policy", "1-4"),
            (Some(OwnPolicy::Denies(Vec::new())), by_arn, false, "own-policy-denies", "1-4"),
            (Some(OwnPolicy::Root), None, false, "root-user", "1-4"),
            (Some(OwnPolicy::Allows), by_arn, false, "trust", "1-2"),
            (Some(OwnPolicy::Allows), dead, false, "deleted", "1-2"),
            (Some(OwnPolicy::Allows), absent, false, "not-created", "1-2"),
            (Some(OwnPolicy::Allows), None, false, "not-created", "1-2"),
            (None, None, false, "refused", "1-5"),
            (None, by_arn, false, "refused", "1-5"),
            (None, None, true, "own-policy-denies", "1-4"),
        ] {
            let evidence = Evidence { own_policy: own, bucket_policy: bucket };
            let link = denied(&role, user, &evidence, explicit, &remedy);
            assert_eq!((link.code, link.step), (Some(want), Some(step)), "{evidence:?}");
            assert!(!link.mends.is_empty(), "{evidence:?}");
        }
    }

    #[test]
    fn a_bucket_policy_tells_whether_the_role_lives() {
        let subscriber: AccountId = "123456789012".parse().expect("an account");
        let role = RoleArn::copy_role(&AccountId::VENDOR, &subscriber);
        let named = format!(r#"{{"Principal":{{"AWS":"{role}"}}}}"#);
        for (text, want) in [
            (Some(named.as_str()), InPolicy::ByArn),
            (Some(r#"{"Principal":{"AWS":"AROAEXAMPLEID"}}"#), InPolicy::Dead),
            (
                Some(r#"{"Principal":{"AWS":"arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_1234567890123"}}"#),
                InPolicy::NotAtAll,
            ),
            (None, InPolicy::NotAtAll),
        ] {
            assert_eq!(InPolicy::of(text, &role), want, "{text:?}");
        }
    }
}
