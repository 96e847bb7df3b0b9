//! `flex policy`: the manual's two policies printed, checked and applied.

mod apply;
mod check;
mod findings;
mod live;
mod print;

pub(super) use findings::texts;

use flex_copy::Encryption;
use flex_policy::{BucketName, RoleArn};

use super::Job;
use crate::{
    args::PolicyCommand,
    clients::{Base, require_bucket},
    config::Settings,
    error::Stop,
    exit::Exit,
    language::msg,
};

pub(super) async fn run(job: &mut Job<'_>, which: &PolicyCommand) -> Result<Exit, Stop> {
    match which {
        PolicyCommand::Bucket(args) => print::bucket(job, args.format).await,
        PolicyCommand::AssumeRole(args) => print::assume_role(job, args.format).await,
        PolicyCommand::Check(args) => check::run(job, args).await,
        PolicyCommand::Apply => apply::run(job).await,
    }
}

/// The header by which copies ask for an encryption, as the settings have it.
pub(super) fn sent(settings: &Settings) -> Option<&'static str> {
    settings.encryption().map(|encryption| match encryption {
        Encryption::S3 => AES256,
        _ => "aws:kms",
    })
}

/// The header's value for S3's own keys.
pub(super) const AES256: &str = "AES256";

fn bucket(job: &Job<'_>) -> Result<BucketName, Stop> {
    require_bucket(&job.settings)?;
    let given = job.settings.bucket.as_ref().map(|given| given.value.clone());
    given.ok_or_else(|| Stop::text(Exit::Usage, "no destination bucket is given").mend(msg!("name-bucket")))
}

/// The copy role: given, or made from the account, for which alone somebody is asked.
async fn role(job: &Job<'_>) -> Result<RoleArn, Stop> {
    if let Some(role) = &job.settings.role_arn {
        return Ok(role.clone());
    }
    let account = match &job.settings.account {
        Some(account) => *account,
        None => {
            let settings = &job.settings;
            let asked = async {
                let base = Base::new(settings).await?;
                // Both identities are the same account's; the one that was named is there.
                match settings.owner_profile {
                    Some(_) => base.owner_account(settings).await,
                    None => base.account(settings).await,
                }
            };
            job.interrupt
                .or(asked)
                .await
                .map_err(|stop| if stop.exit() == Exit::Refused { stop.mend(msg!("name-account")) } else { stop })?
        }
    };
    Ok(RoleArn::copy_role(&job.settings.source_account, &account))
}
