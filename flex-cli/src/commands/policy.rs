//! `flex policy bucket` and `flex policy assume-role`.

use flex_policy::{PolicyDocument, RoleArn, assume_role_policy, bucket_policy};
use serde::Serialize;

use super::Job;
use crate::{args::PolicyCommand, clients::Base, error::Stop, exit::Exit};

#[derive(Serialize)]
struct Policy<'a> {
    command: &'a str,
    role: String,
    document: &'a PolicyDocument,
}

pub(super) async fn run(job: &mut Job<'_>, which: &PolicyCommand) -> Result<Exit, Stop> {
    let bucket = match which {
        PolicyCommand::Bucket => {
            crate::clients::require_bucket(&job.settings)?;
            job.settings.bucket.as_ref().map(|given| given.value.clone())
        }
        PolicyCommand::AssumeRole => None,
    };
    let role = role(job).await?;
    let document = match &bucket {
        Some(bucket) => bucket_policy(&role, bucket),
        None => assume_role_policy(&role),
    };
    let ui = &mut *job.ui;
    if ui.json {
        ui.event("policy", Policy { command: job.name, role: role.to_string(), document: &document });
    } else {
        ui.line(document.to_string().trim_end());
        let step = match which {
            PolicyCommand::Bucket => "paste it as the policy of your bucket (the manual's step 1-3)",
            PolicyCommand::AssumeRole => "paste it as a policy of your IAM user (the manual's step 1-4)",
        };
        if ui.out_is_terminal {
            ui.chat(step);
        }
    }
    ui.flush();
    Ok(Exit::Done)
}

/// The copy role: given, or made from the account, for which alone somebody is asked.
async fn role(job: &Job<'_>) -> Result<RoleArn, Stop> {
    if let Some(role) = &job.settings.role_arn {
        return Ok(role.clone());
    }
    let account = match &job.settings.account {
        Some(account) => *account,
        None => {
            let asked = async { Base::new(&job.settings).await?.account(&job.settings).await };
            job.interrupt.or(asked).await.map_err(|stop| {
                if stop.exit() == Exit::Refused { stop.mend("or name your account: --account ID") } else { stop }
            })?
        }
    };
    Ok(RoleArn::copy_role(&job.settings.source_account, &account))
}
