//! The bucket policy, by flex-policy's own check.

use flex_policy::{
    BucketName, Finding, RoleArn, Severity, aws::Reading, check_bucket_policy_as_sent, fix_bucket_policy,
};

use super::{
    bucket::permissions,
    link::{Id, Link, Mend, State, Value},
    remedy::Remedy,
};
use crate::{
    commands::policy::{AES256, texts},
    error::chain,
    language::msg,
};

/// The policy as it was read. `role_missing`: nobody can put a policy for a role that does not exist. `sent`: the
/// header by which copies ask for an encryption.
pub(super) fn policy(
    found: &Reading<String>,
    role: &RoleArn,
    bucket: &BucketName,
    role_missing: bool,
    sent: Option<&str>,
    remedy: &Remedy<'_>,
) -> Link {
    let id = Id::Policy;
    let text = match found {
        Reading::Known(text) => text,
        Reading::Absent if role_missing => return Link::waits(id, vec![Id::Role]),
        Reading::Absent => {
            return Link::broken(id, "absent", msg!("doctor-policy-absent")).mend(apply(remedy));
        }
        Reading::Denied(failure) => {
            let action = failure.denied_action().unwrap_or("s3:GetBucketPolicy");
            return Link::not_checked(id, "no-right", msg!("doctor-no-right", action = action))
                .because(chain(failure))
                .detail("action", action)
                .mend(permissions(remedy));
        }
        Reading::Failed(failure) => {
            return Link::not_checked(id, "failed", msg!("doctor-not-read")).because(chain(failure));
        }
    };
    let check = |sent| check_bucket_policy_as_sent(text, role, bucket, sent);
    let fixable = fix_bucket_policy(text, role, bucket).is_ok_and(|fixed| fixed.changed());
    let mut link = judge(&check(sent), &check(Some(AES256)), fixable, role_missing, remedy);
    // Other stores have rules of their own, by which what is an error on AWS may be right: the listing shows what it is.
    if remedy.is_compat() && link.state == State::Broken {
        link.state = State::Warning;
        link.mends.clear();
    }
    link
}

/// `encrypted`: what would be found if copies asked for S3's own keys.
fn judge(findings: &[Finding], encrypted: &[Finding], fixable: bool, role_missing: bool, remedy: &Remedy<'_>) -> Link {
    let id = Id::Policy;
    let error = findings.iter().find(|finding| finding.severity() == Severity::Error);
    let doubt = || findings.iter().find(|finding| is_doubt(finding.code()));
    let worst = error.or_else(doubt).or(findings.first());
    let Some(worst) = worst else { return Link::ok(id, msg!("doctor-policy-ok")) };
    if role_missing && worst.code() == "dead-principal" {
        return Link::waits(id, vec![Id::Role]);
    }
    let [problem, ..] = texts(worst);
    let link = if worst.severity() == Severity::Error {
        Link::broken(id, worst.code(), problem)
    } else {
        Link::warning(id, worst.code(), problem)
    };
    let link = findings.iter().fold(link, |link, finding| {
        let [problem, breaks, _] = texts(finding);
        link.detail("findings", Value::Joined(vec![finding.path().into(), problem.into(), breaks.into()]))
    });
    let (denies, others): (Vec<_>, Vec<_>) =
        findings.iter().partition(|f| matches!(f.code(), "deny-wins" | "deny-may-win"));
    // What only the one who wrote it can change is not promised.
    let link = if fixable && !others.is_empty() {
        link.mend(apply(remedy))
    } else {
        others.iter().fold(link, |link, finding| {
            let [.., mend] = texts(finding);
            link.mend(Mend::say(mend))
        })
    };
    // A Deny is somebody's intention: flex takes none away.
    denies.iter().fold(link, |link, deny| {
        let ask = Mend::say(msg!("doctor-mend-policy-deny", path = deny.path()));
        let stays = encrypted.iter().any(|other| other.path() == deny.path() && other.code() == deny.code());
        match deny.severity() == Severity::Error && !stays {
            true => {
                let command = remedy.change("sse", AES256);
                link.mend(Mend::run(msg!("doctor-mend-sse"), command)).mend(ask.or())
            }
            false => link.mend(ask),
        }
    })
}

/// Whether a finding leaves open what the role may do.
pub(super) fn is_doubt(code: &str) -> bool {
    matches!(code, "deny-may-win" | "condition-may-fail" | "narrow-resource")
}

fn apply(remedy: &Remedy<'_>) -> Mend {
    Mend::run(msg!("doctor-mend-policy"), remedy.owner(&["policy", "apply"]).text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Global, config::Settings};

    const ROLE: &str = "arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012";

    fn judged(found: Reading<String>, role_missing: bool) -> Link {
        let flags = Global { bucket: Some("my-bucket".into()), ..Global::default() };
        let settings = Settings::of_flags(&flags).expect("settings");
        let bucket: BucketName = "my-bucket".parse().expect("a name");
        policy(&found, &ROLE.parse().expect("a role"), &bucket, role_missing, None, &Remedy::new(&flags, &settings))
    }

    #[test]
    fn what_nobody_can_put_yet_waits_for_the_role() {
        assert_eq!(judged(Reading::Absent, false).code, Some("absent"));
        assert_eq!(judged(Reading::Absent, true).needs, [Id::Role]);
        let role: RoleArn = ROLE.parse().expect("a role");
        let bucket: BucketName = "my-bucket".parse().expect("a name");
        let sound = flex_policy::bucket_policy(&role, &bucket).to_string();
        assert_eq!(judged(Reading::Known(sound.clone()), false).state, State::Ok);
        let dead = sound.replace(ROLE, "AROAJMQ4EXAMPLE7ABCDE");
        assert_eq!(judged(Reading::Known(dead.clone()), false).code, Some("dead-principal"));
        assert_eq!(judged(Reading::Known(dead), true).needs, [Id::Role]);
    }

    #[test]
    fn a_deny_is_left_to_people() {
        let deny = r#"{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::my-bucket/*"}"#;
        let role: RoleArn = ROLE.parse().expect("a role");
        let sound = flex_policy::bucket_policy(&role, &"my-bucket".parse().expect("a name")).to_string();
        let text = sound.replacen("[", &format!("[{deny},"), 1);
        let link = judged(Reading::Known(text), false);
        assert_eq!((link.state, link.code), (State::Broken, Some("deny-wins")));
        assert!(link.mends.iter().all(|mend| mend.command.is_none()), "{link:?}");
    }

    #[test]
    fn what_apply_leaves_is_not_promised() {
        let public =
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::my-bucket/*"}"#;
        let role: RoleArn = ROLE.parse().expect("a role");
        let sound = flex_policy::bucket_policy(&role, &"my-bucket".parse().expect("a name")).to_string();
        let text = sound.replacen("[", &format!("[{public},"), 1);
        let link = judged(Reading::Known(text.clone()), false);
        assert_eq!((link.state, link.code), (State::Warning, Some("public-principal")));
        assert!(!link.mends.is_empty() && link.mends.iter().all(|mend| mend.command.is_none()), "{link:?}");
        let link = judged(Reading::Known(text.replace("461810399597", "461810399579")), false);
        assert!(link.mends.iter().any(|mend| mend.command.is_some()), "{link:?}");
    }
}
