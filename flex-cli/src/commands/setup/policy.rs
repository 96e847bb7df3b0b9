//! The bucket policy: the manual's step 1-3, and the waiting for the vendor.

use std::time::Duration;

use flex_policy::{
    Merged, RoleArn,
    aws::{BucketSetup, Failure, FailureKind, Reading},
    check_bucket_policy, merge_bucket_policy,
};
use serde_json::Value;

use super::{
    bucket::Standing,
    step::{Line, Outcome, Plan, Step},
};
use crate::{
    commands::Job,
    error::{Stop, chain},
    language::msg,
    present::size,
};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// A policy to put, and the one that it was made from.
#[derive(Clone, Debug)]
pub(super) struct Change {
    merged: Merged,
    from: Option<String>,
}

pub(super) fn plan(setup: &BucketSetup, role: &RoleArn, current: &Reading<String>, standing: Standing) -> Plan<Change> {
    let current = match (standing, current) {
        (Standing::Unusable, _) => {
            return Plan::Settled(Line::new(Step::BucketPolicy, Outcome::Skipped, msg!("setup-needs-bucket")));
        }
        (Standing::ToBeMade, _) | (Standing::There, Reading::Absent) => None,
        (Standing::There, Reading::Known(text)) => Some(text.as_str()),
        (Standing::There, Reading::Denied(failure) | Reading::Failed(failure)) => {
            return Plan::Settled(Line::of_failure(Step::BucketPolicy, msg!("setup-not-read"), failure));
        }
    };
    merge(setup, role, current)
}

fn merge(setup: &BucketSetup, role: &RoleArn, current: Option<&str>) -> Plan<Change> {
    match merge_bucket_policy(current, role, setup.bucket()) {
        Ok(merged) if !merged.changed() => Plan::right(Step::BucketPolicy, msg!("setup-policy-right", role = role)),
        Ok(merged) => {
            let what = msg!("setup-policy-put", role = role);
            let line = Line::new(Step::BucketPolicy, Outcome::NotDone, what).difference(merged.difference());
            Plan::Change(line, Change { merged, from: current.map(str::to_owned) })
        }
        Err(error) => Plan::Settled(
            Line::blocked(Step::BucketPolicy, msg!("setup-policy-unreadable"))
                .error(chain(&error))
                .mend(msg!("setup-mend-policy")),
        ),
    }
}

/// What one try came to.
pub(super) enum Try {
    /// There is nothing more to try.
    Settled(Line),
    /// The vendor has not made the role yet.
    Waiting(Line),
    /// The service did not answer, or had a fault of its own: a later try may succeed.
    Later(Line),
}

impl Try {
    pub(super) fn into_line(self) -> Line {
        match self {
            Self::Settled(line) | Self::Waiting(line) | Self::Later(line) => line,
        }
    }
}

/// Puts the policy once, made anew from what is there now.
pub(super) async fn put(setup: &BucketSetup, role: &RoleArn, shown: &Change, agreed_to_all: bool) -> Try {
    let current = match setup.policy().await {
        Reading::Known(text) => Some(text),
        Reading::Absent => None,
        Reading::Denied(failure) | Reading::Failed(failure) => {
            let line = Line::of_failure(Step::BucketPolicy, msg!("setup-not-read"), &failure);
            return match failure.kind() {
                FailureKind::NoAnswer | FailureKind::Transient => Try::Later(line),
                _ => Try::Settled(line),
            };
        }
    };
    let (line, merged) = if current == shown.from {
        let line = Line::new(Step::BucketPolicy, Outcome::Done, msg!("setup-policy-put", role = role));
        (line.difference(shown.merged.difference()), shown.merged.clone())
    } else {
        match merge(setup, role, current.as_deref()) {
            // Somebody else has done it meanwhile.
            Plan::Settled(line) => return Try::Settled(line),
            Plan::Change(..) if !agreed_to_all => {
                let line = Line::blocked(Step::BucketPolicy, msg!("setup-policy-changed"));
                return Try::Settled(line.mend(msg!("setup-mend-again")));
            }
            Plan::Change(line, change) => (line.with(Outcome::Done), change.merged),
        }
    };
    let failure = match setup.put_policy(&merged.policy).await {
        Ok(()) => return Try::Settled(line),
        Err(failure) => failure,
    };
    let failed = || Line::of_failure(Step::BucketPolicy, msg!("setup-policy-put", role = role), &failure);
    match failure.kind() {
        // A statement of somebody else's about a user or role that was deleted: waiting would not end.
        FailureKind::InvalidPrincipal if names_the_dead(&merged.policy) => Try::Settled(
            Line::blocked(Step::BucketPolicy, msg!("setup-policy-dead-principal"))
                .error(chain(&failure))
                .mend(msg!("setup-mend-dead-principal")),
        ),
        FailureKind::InvalidPrincipal => Try::Waiting(
            Line::new(Step::BucketPolicy, Outcome::Waiting, msg!("setup-policy-waiting", role = role))
                .mend(msg!("setup-mend-waiting")),
        ),
        FailureKind::NoAnswer | FailureKind::Transient => Try::Later(failed()),
        FailureKind::Denied if is_public(&failure, &merged.policy, role, setup) => Try::Settled(
            Line::blocked(Step::BucketPolicy, msg!("setup-policy-public"))
                .error(chain(&failure))
                .mend(msg!("setup-mend-public")),
        ),
        _ => Try::Settled(failed()),
    }
}

/// Whether S3 refused a policy that would, with the statements of others, make the bucket public: newer answers say so,
/// older ones do not name a missing right either.
fn is_public(failure: &Failure, policy: &str, role: &RoleArn, setup: &BucketSetup) -> bool {
    let said = failure.message().unwrap_or_default();
    said.contains("BlockPublicPolicy")
        || (!said.contains("not authorized to perform")
            && check_bucket_policy(policy, role, setup.bucket()).iter().any(|found| found.code() == "public-principal"))
}

/// Ids stand where a user (AIDA) or role (AROA) was that exists no more. Conditions on `aws:userId` hold ids of the living.
fn names_the_dead(policy: &str) -> bool {
    fn holds_an_id(value: &Value) -> bool {
        match value {
            Value::String(text) => ["AROA", "AIDA"].iter().any(|id| text.starts_with(id)),
            Value::Array(list) => list.iter().any(holds_an_id),
            Value::Object(kinds) => kinds.values().any(holds_an_id),
            _ => false,
        }
    }
    let dead = |statement: &Value| ["Principal", "NotPrincipal"].iter().any(|who| holds_an_id(&statement[*who]));
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    match &policy["Statement"] {
        Value::Array(statements) => statements.iter().any(dead),
        one => dead(one),
    }
}

/// Tries again, with growing pauses, until the role is there. Ctrl-C ends it.
pub(super) async fn wait(
    job: &Job<'_>,
    setup: &BucketSetup,
    role: &RoleArn,
    shown: &Change,
    first_pause: Duration,
) -> Result<Line, Stop> {
    let mut longest = first_pause.min(LONGEST_PAUSE);
    let mut pause = jittered(longest);
    job.ui.chat(msg!("setup-wait-next", pause = written(pause)).text(job.ui.language));
    for tries in 2_u64.. {
        let sleep = async {
            tokio::time::sleep(pause).await;
            Ok(())
        };
        job.interrupt.or(sleep).await.map_err(|stop| stop.mend(msg!("setup-mend-resume")))?;
        let outcome = put(setup, role, shown, job.yes).await;
        longest = longest.saturating_mul(2).min(LONGEST_PAUSE);
        pause = jittered(longest);
        let (time, next) = (size::tokyo(size::now()), written(pause));
        let told = match &outcome {
            Try::Settled(_) => return Ok(outcome.into_line()),
            Try::Waiting(_) => msg!("setup-wait-not-yet", number = tries, time = time, pause = next),
            Try::Later(line) => {
                msg!("setup-wait-no-answer", number = tries, time = time, why = line.why(), pause = next)
            }
        };
        job.ui.chat(told.text(job.ui.language));
    }
    Err(Stop::interrupted())
}

/// Half of it at random, so that many who wait do not ask together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

fn written(pause: Duration) -> String {
    if pause < Duration::from_secs(1) { format!("{} ms", pause.as_millis()) } else { size::duration(pause) }
}

#[cfg(test)]
mod tests {
    use super::names_the_dead;

    #[test]
    fn an_id_in_place_of_an_arn_is_a_dead_principal() {
        let policy = |statement: &str| format!(r#"{{"Statement": {statement}}}"#);
        for (statement, want) in [
            (r#"{"Principal": {"AWS": "AROAEXAMPLEID1234567"}}"#, true),
            (r#"[{"Principal": "*"}, {"Principal": {"AWS": ["*", "AIDAEXAMPLEID1234567"]}}]"#, true),
            (r#"[{"NotPrincipal": {"AWS": "AIDAEXAMPLEID1234567"}}]"#, true),
            (r#"[{"Principal": {"AWS": "arn:aws:iam::123456789012:role/AROA"}}]"#, false),
            // The usual way to keep all but one role out.
            (
                r#"[{"Effect": "Deny", "Principal": "*", "Condition": {"StringNotLike": {"aws:userId": ["AROAEXAMPLEID1234567:*",
                "AIDAEXAMPLEID1234567"]}}}]"#,
                false,
            ),
        ] {
            assert_eq!(names_the_dead(&policy(statement)), want, "{statement}");
        }
    }
}
