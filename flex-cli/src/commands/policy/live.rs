//! The bucket's policy, read and put as the owner.

use flex_policy::{
    AccountId, BucketName, RoleArn,
    aws::{BucketSetup, Failure, FailureKind, Reading},
};

use super::Job;
use crate::{clients::Base, error::Stop, exit::Exit, language::msg};

pub(super) struct Live {
    setup: BucketSetup,
    pub(super) role: RoleArn,
}

impl Live {
    pub(super) async fn connect(job: &Job<'_>, bucket: &BucketName) -> Result<Live, Stop> {
        let settings = &job.settings;
        let connect = async {
            let base = Base::new(settings).await?;
            // Also when it was given: it must be the account of the identity that is used.
            let account: AccountId =
                base.owner_account(settings).await.map_err(|stop| stop.mend(msg!("setup-mend-owner")))?;
            Ok((account, base.owner_s3(settings).await?))
        };
        let (account, s3) = job.interrupt.or(connect).await?;
        let made = || RoleArn::copy_role(&settings.source_account, &account);
        let role = settings.role_arn.clone().unwrap_or_else(made);
        let setup = BucketSetup::new(&s3, bucket.clone(), settings.expected_owner.then_some(account));
        Ok(Live { setup, role })
    }

    /// The policy as it is now; None: the bucket has none.
    pub(super) async fn read(&self, job: &Job<'_>) -> Result<Option<String>, Stop> {
        let read = async { Ok(self.setup.policy().await) };
        match job.interrupt.or(read).await? {
            Reading::Known(text) => Ok(Some(text)),
            Reading::Absent => Ok(None),
            Reading::Denied(failure) | Reading::Failed(failure) => {
                let what = format!("the policy of the bucket {} cannot be read", self.setup.bucket());
                Err(stop(&failure).during(what))
            }
        }
    }

    /// Puts the policy. Not interrupted: whether it was put is then always known.
    pub(super) async fn put(&self, text: &str) -> Result<(), Stop> {
        let failure = match self.setup.put_policy(text).await {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        let what = format!("the policy of the bucket {} was not changed", self.setup.bucket());
        Err(match failure.kind() {
            // Of those that are named by an id nobody is there any more: waiting would not end.
            FailureKind::InvalidPrincipal if ["\"AROA", "\"AIDA"].iter().any(|id| text.contains(id)) => {
                stop(&failure).during(what).mend(msg!("setup-mend-dead-principal"))
            }
            FailureKind::InvalidPrincipal => {
                let vendor = format!("the vendor has not created {} yet: S3 takes no policy that names it", self.role);
                stop(&failure).during(vendor).during(what).mend(msg!("policy-mend-waiting"))
            }
            FailureKind::Denied if failure.message().is_some_and(|m| m.contains("BlockPublicPolicy")) => {
                Stop::new(Exit::Refused, &failure).during(what).mend(msg!("setup-mend-public"))
            }
            _ => stop(&failure).during(what),
        })
    }
}

/// What a failed request means for the one who has to mend it.
fn stop(failure: &Failure) -> Stop {
    let stop = Stop::new(Exit::Refused, failure);
    match failure.kind() {
        FailureKind::Denied => {
            let action = failure.denied_action().unwrap_or_else(|| failure.operation().action());
            stop.mend(msg!("setup-missing-action", action = action)).mend(msg!("look-at-bucket"))
        }
        FailureKind::NotFound | FailureKind::WrongRegion => stop.mend(msg!("look-at-name")),
        FailureKind::Credentials => stop.mend(msg!("setup-mend-credentials")),
        FailureKind::Expired => stop.mend(msg!("setup-mend-expired")),
        FailureKind::ClockSkew => stop.mend(msg!("set-clock")),
        FailureKind::NoAnswer => stop.mend(msg!("setup-mend-network")),
        FailureKind::Transient => stop.mend(msg!("setup-mend-again")),
        _ => stop,
    }
}
