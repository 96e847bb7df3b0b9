//! The bucket and its settings: the manual's step 1-1.

use std::time::Duration;

use flex_policy::{
    Partition,
    aws::{BucketSetup, BucketState, Created, DefaultEncryption, Failure, Lifecycle, Owner, Ownership, Reading},
};

use super::step::{Line, Outcome, Plan, Step};
use crate::{
    args::EncryptionChoice,
    language::{Message, msg},
};

/// How often a new bucket is looked for again, and how long in between.
const NEW_LOOKS: u32 = 5;
const NEW_PAUSE: Duration = Duration::from_secs(1);

/// A change to the bucket.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Create,
    BlockPublicAccess,
    DisableAcls,
    EncryptWithS3Keys,
    EndUploads,
}

/// What the bucket is to be like.
pub(super) struct Wanted {
    pub(super) region: String,
    pub(super) days: u32,
    pub(super) encryption: Option<EncryptionChoice>,
}

/// Whether the later steps have a bucket to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    There,
    ToBeMade,
    /// There is none of ours in the right place.
    Unusable,
}

/// What is to be done about the bucket itself.
pub(super) fn plan_bucket(setup: &BucketSetup, state: &BucketState, wanted: &Wanted) -> (Plan<Change>, Standing) {
    let (bucket, region) = (setup.bucket().as_str(), wanted.region.as_str());
    let blocked = |what: Message, mend: Message| {
        (Plan::Settled(Line::blocked(Step::Bucket, what).mend(mend)), Standing::Unusable)
    };
    match (&state.region, state.owner) {
        (Reading::Absent, _) => {
            let what = msg!("setup-bucket-create", bucket = bucket, region = region);
            (Plan::change(Step::Bucket, what, Change::Create), Standing::ToBeMade)
        }
        (_, Owner::SomebodyElse) => blocked(msg!("setup-bucket-taken", bucket = bucket), msg!("setup-mend-other-name")),
        (Reading::Known(found), _) if found != region => {
            let what = msg!("setup-bucket-elsewhere", bucket = bucket, found = found, region = region);
            blocked(what, msg!("setup-mend-other-region"))
        }
        (Reading::Known(_), owner) if owner == Owner::Us || !setup.checks_owner() => {
            let what = msg!("setup-bucket-there", bucket = bucket, region = region);
            (Plan::right(Step::Bucket, what), Standing::There)
        }
        (Reading::Known(_), _) | (Reading::Denied(_), Owner::Unknown) => {
            let what = msg!("setup-bucket-unclear", bucket = bucket);
            let line = match &state.region {
                Reading::Denied(failure) => Line::of_failure(Step::Bucket, what, failure),
                _ => Line::blocked(Step::Bucket, what).mend(msg!("setup-missing-action", action = "s3:ListBucket")),
            };
            (Plan::Settled(line.mend(msg!("setup-mend-other-name"))), Standing::Unusable)
        }
        // Only the right to list is missing; another answer shows that the bucket is ours.
        (Reading::Denied(_), Owner::Us) => {
            let what = msg!("setup-bucket-there", bucket = bucket, region = region);
            (Plan::right(Step::Bucket, what), Standing::There)
        }
        (Reading::Failed(failure), _) => {
            let what = msg!("setup-bucket-not-read", bucket = bucket);
            (Plan::Settled(Line::of_failure(Step::Bucket, what, failure)), Standing::Unusable)
        }
    }
}

/// What is to be done about the settings of a bucket that is there.
pub(super) fn plan_settings(state: &BucketState, wanted: &Wanted) -> Vec<Plan<Change>> {
    vec![public_access(state), acls(state), encryption(state, wanted), lifecycle(state, wanted)]
}

/// What will be done about the settings of a bucket that is still to be made.
pub(super) fn plan_new_settings(wanted: &Wanted) -> Vec<Plan<Change>> {
    vec![
        Plan::change(Step::PublicAccess, msg!("setup-public-access-block"), Change::BlockPublicAccess),
        Plan::change(Step::Acls, msg!("setup-acls-disable"), Change::DisableAcls),
        Plan::change(Step::Encryption, msg!("setup-encryption-s3"), Change::EncryptWithS3Keys),
        Plan::change(Step::Lifecycle, msg!("setup-lifecycle-add", days = wanted.days), Change::EndUploads),
    ]
}

/// The settings' lines where there is no bucket to work on.
pub(super) fn skipped_settings() -> impl Iterator<Item = Line> {
    [Step::PublicAccess, Step::Acls, Step::Encryption, Step::Lifecycle]
        .into_iter()
        .map(|step| Line::new(step, Outcome::Skipped, msg!("setup-needs-bucket")))
}

fn not_read(step: Step, failure: &Failure) -> Plan<Change> {
    Plan::Settled(Line::of_failure(step, msg!("setup-not-read"), failure))
}

fn public_access(state: &BucketState) -> Plan<Change> {
    match &state.public_access {
        Reading::Known(found) if found.is_fully_blocked() => {
            Plan::right(Step::PublicAccess, msg!("setup-public-access-blocked"))
        }
        Reading::Known(_) | Reading::Absent => {
            Plan::change(Step::PublicAccess, msg!("setup-public-access-block"), Change::BlockPublicAccess)
        }
        Reading::Denied(failure) | Reading::Failed(failure) => not_read(Step::PublicAccess, failure),
    }
}

fn acls(state: &BucketState) -> Plan<Change> {
    match &state.ownership {
        Reading::Known(Ownership::BucketOwnerEnforced) => Plan::right(Step::Acls, msg!("setup-acls-disabled")),
        Reading::Known(_) | Reading::Absent => {
            Plan::change(Step::Acls, msg!("setup-acls-disable"), Change::DisableAcls)
        }
        Reading::Denied(failure) | Reading::Failed(failure) => not_read(Step::Acls, failure),
    }
}

fn encryption(state: &BucketState, wanted: &Wanted) -> Plan<Change> {
    let change = || Plan::change(Step::Encryption, msg!("setup-encryption-s3"), Change::EncryptWithS3Keys);
    let found = match &state.encryption {
        Reading::Known(DefaultEncryption::S3) => return Plan::right(Step::Encryption, msg!("setup-encryption-is-s3")),
        Reading::Absent => return change(),
        Reading::Denied(failure) | Reading::Failed(failure) => return not_read(Step::Encryption, failure),
        Reading::Known(DefaultEncryption::Kms { key, .. }) => key.as_deref().unwrap_or("aws/s3"),
        Reading::Known(DefaultEncryption::Other(kind)) => kind.as_str(),
    };
    match wanted.encryption {
        Some(EncryptionChoice::S3) => change(),
        Some(EncryptionChoice::Keep) => Plan::right(Step::Encryption, msg!("setup-encryption-kept", key = found)),
        // Somebody chose it; going over is theirs to decide.
        None => {
            let line = Line::new(Step::Encryption, Outcome::Left, msg!("setup-encryption-left", key = found));
            // AWS's own key cannot be opened to another account.
            Plan::Settled(line.mend(match found.ends_with("aws/s3") {
                true => msg!("setup-mend-encryption-aws-key"),
                false => msg!("setup-mend-encryption"),
            }))
        }
    }
}

fn lifecycle(state: &BucketState, wanted: &Wanted) -> Plan<Change> {
    let add = || Plan::change(Step::Lifecycle, msg!("setup-lifecycle-add", days = wanted.days), Change::EndUploads);
    match &state.lifecycle {
        Reading::Known(found) => match found.ends_unfinished_uploads_after() {
            Some(days) => Plan::right(Step::Lifecycle, msg!("setup-lifecycle-there", days = days)),
            None => add(),
        },
        Reading::Absent => add(),
        Reading::Denied(failure) | Reading::Failed(failure) => not_read(Step::Lifecycle, failure),
    }
}

/// Creates the bucket.
pub(super) async fn create(setup: &BucketSetup, line: &Line, wanted: &Wanted) -> (Line, Standing) {
    let bucket = setup.bucket().as_str();
    match setup.create(&wanted.region).await {
        Ok(Created::New | Created::OursAlready) => (line.clone().with(Outcome::Done), Standing::There),
        Ok(Created::SomebodyElses) => {
            let line = Line::blocked(Step::Bucket, msg!("setup-bucket-taken", bucket = bucket));
            (line.mend(msg!("setup-mend-other-name")), Standing::Unusable)
        }
        Err(failure) => {
            let what = msg!("setup-bucket-create", bucket = bucket, region = &wanted.region);
            let mut line = Line::of_failure(Step::Bucket, what, &failure);
            // S3 takes names outside its rules, and a region that is not the endpoint's, for bad requests.
            if Partition::of_region(&wanted.region).is_err() {
                line = line.mend(msg!("setup-mend-other-region"));
            }
            (line, Standing::Unusable)
        }
    }
}

/// A bucket that was just made, which not all of S3's servers may know at once.
pub(super) async fn look_at_new(setup: &BucketSetup) -> BucketState {
    for _ in 0..NEW_LOOKS {
        let state = setup.state().await;
        if !state.is_not_known_everywhere() {
            return state;
        }
        tokio::time::sleep(NEW_PAUSE).await;
    }
    setup.state().await
}

/// Carries a change to a setting out.
pub(super) async fn carry_out(setup: &BucketSetup, line: Line, change: &Change, wanted: &Wanted) -> Line {
    let done = match change {
        Change::Create => return create(setup, &line, wanted).await.0,
        Change::BlockPublicAccess => setup.block_public_access().await,
        Change::DisableAcls => setup.disable_acls().await,
        Change::EncryptWithS3Keys => setup.encrypt_with_s3_keys().await,
        Change::EndUploads => end_uploads(setup, wanted).await,
    };
    match done {
        Ok(()) => line.with(Outcome::Done),
        Err(failure) => {
            let failed = Line::of_failure(line.step(), line.what().clone(), &failure);
            if failure.code() == Some("InvalidBucketAclWithObjectOwnership") {
                failed.mend(msg!("setup-mend-acls"))
            } else {
                failed
            }
        }
    }
}

/// The rules are read once more: S3 replaces all of them, and somebody may have added one since.
async fn end_uploads(setup: &BucketSetup, wanted: &Wanted) -> Result<(), Failure> {
    let current: Option<Lifecycle> = match setup.lifecycle().await {
        Reading::Known(current) => Some(current),
        Reading::Absent => None,
        Reading::Denied(failure) | Reading::Failed(failure) => return Err(failure),
    };
    setup.end_unfinished_uploads(current.as_ref(), wanted.days).await
}
