//! What to do about a failure: the exit code it ends in, the flag or command that helps, and the step of the vendor's
//! manual to repeat.

use std::error::Error;

use flex_copy::{ResolveError, StopReason};
use flex_creds::CredsError;
use flex_keys::{SelectionError, SelectionErrorKind};

use crate::{error::Stop, exit::Exit};

pub(crate) const UNSET: &str = "unset AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: flex carries out the manual's step 1-5 \
                     (assume the role) by itself, with your own identity";
const STEP_POLICY: &str = "repeat the manual's step 1-3: `flex policy bucket` prints the bucket policy";
const STEP_NOTICE: &str = "the vendor grants one account, one bucket name and the dates of your contract (the manual's step 1-2): compare them";
const STEP_USER: &str = "repeat the manual's step 1-4: give flex your IAM user's access key, by `aws configure` and --profile NAME or by exporting it";
const NETWORK: &str = "look at the network, at HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE";

/// The copy role's credentials could not be had.
pub(crate) fn creds(error: &CredsError) -> Stop {
    if let CredsError::InvalidSettings { .. } = error {
        return Stop::usage(error);
    }
    with_creds_hints(Stop::new(Exit::Refused, error), error)
}

fn with_creds_hints(stop: Stop, error: &CredsError) -> Stop {
    match error {
        CredsError::NoBaseIdentity { .. } | CredsError::InvalidKeys { .. } => stop.mend(STEP_USER),
        CredsError::NotAllowedToAssume { .. } => stop
            .mend("repeat the manual's step 1-4: `flex policy assume-role` prints the policy for your IAM user")
            .mend("or wait for the vendor to create the role, about 5 business days after your notice (step 1-2)"),
        CredsError::WrongAccount { .. } => stop.mend(
            "leave out --account (FLEX_ACCOUNT, account in flex.toml), or use the identity of that account with --profile",
        ),
        CredsError::Expired { .. } | CredsError::CannotRenew { .. } => stop.mend(UNSET),
        CredsError::ClockSkew { .. } => stop,
        CredsError::Unreachable { .. } => stop.mend(format!("{NETWORK}, and at --sts-endpoint-url")),
        _ => stop,
    }
}

/// A run that a failure ended. `began`: something had been done before.
pub(crate) fn stopped(reason: &StopReason, began: bool) -> Stop {
    let exit = match reason {
        StopReason::Unreachable { after_success: true, .. } | StopReason::Internal(_) => Exit::Failed,
        StopReason::Listing { .. } | StopReason::BadListing { .. } if began => Exit::Failed,
        _ => Exit::Refused,
    };
    let stop = Stop::new(exit, reason);
    // The reason behind a refused request may be that there were no credentials for it.
    if let Some(error) = CredsError::find(reason as &(dyn Error + 'static)) {
        return with_creds_hints(stop, error);
    }
    match reason {
        StopReason::SourceNotListable { .. } => {
            stop.mend(STEP_NOTICE).mend("look at --source-bucket and --source-account, if you set them")
        }
        StopReason::DestinationNotListable { .. } => stop
            .mend(STEP_POLICY)
            .mend("look at --bucket, and that it belongs to your account (--no-expected-owner leaves that unchecked)"),
        StopReason::DestinationRefused { .. } => stop
            .mend(STEP_POLICY)
            .mend(STEP_NOTICE)
            .mend("if the bucket encrypts with KMS, the role needs the key; --sse AES256 does without it"),
        StopReason::NoSuchBucket { .. } => {
            stop.mend("look at the name: --bucket is your own (the manual's step 1-1 creates it, in ap-northeast-1), --source-bucket the vendor's")
        }
        StopReason::WrongRegion { .. } => stop.mend(
            "both buckets must be in one region: repeat the manual's step 1-1 in ap-northeast-1 (--region is for other services)",
        ),
        StopReason::Credentials { .. } => stop.mend(STEP_USER).mend(UNSET),
        StopReason::ClockSkew { .. } => stop.mend("set this machine's clock, best by NTP"),
        StopReason::Unreachable { after_success, .. } => {
            let stop = stop.mend(format!("{NETWORK}, and at --endpoint-url"));
            if *after_success { stop.mend("then run the same command again: what was done is kept") } else { stop }
        }
        _ => stop,
    }
}

/// A selection that was not understood, or that names what does not exist.
pub(crate) fn selection(error: &SelectionError, command: &str) -> Stop {
    match error.kind() {
        // Looked for and not found: nothing is wrong with the words.
        SelectionErrorKind::NotFound => Stop::new(Exit::Incomplete, error),
        SelectionErrorKind::OtherBucket => Stop::usage(error).mend(match command {
            "copy" | "plan" => {
                "name the destination with --bucket NAME, or with a second URL that ends in the same path"
            }
            "ls" => "your own bucket is listed with --dest --bucket NAME",
            _ => "name the destination with --bucket NAME",
        }),
        _ => Stop::usage(error),
    }
}

/// A selection that could not be looked up.
pub(crate) fn resolving(error: &ResolveError, command: &str) -> Stop {
    match error {
        ResolveError::Selection(error) => selection(error, command),
        ResolveError::Stopped(reason) => stopped(reason, false),
        other => Stop::new(Exit::Refused, other),
    }
}
