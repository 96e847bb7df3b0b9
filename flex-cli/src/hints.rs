//! What to do about a failure: the exit code it ends in, the flag or command that helps, and the step of the vendor's
//! manual to repeat.

use std::error::Error;

use flex_copy::{ResolveError, StopReason};
use flex_creds::{CredsError, ExportError, Session};
use flex_keys::{SelectionError, SelectionErrorKind};
use flex_policy::BucketNameError;

use crate::{
    args::PairError,
    clients,
    config::{self, ConfigError, FileError, Origin},
    error::Stop,
    exit::Exit,
    http::BundleError,
    language::{Message, msg},
};

/// The copy role's keys are exported, which flex would rather make itself.
pub(crate) fn unset() -> Message {
    msg!("unset-role-keys")
}

/// What should be changed about a session that was had.
pub(crate) fn warning(session: &Session) -> Option<Message> {
    session.warning().map(|_| msg!("warning-copy-role", role = session.role()))
}

/// The copy role's credentials could not be had.
pub(crate) fn creds(error: &CredsError) -> Stop {
    let exit = if let CredsError::InvalidSettings { .. } = error { Exit::Usage } else { Exit::Refused };
    with_creds_hints(Stop::new(exit, error), error)
}

fn with_creds_hints(stop: Stop, error: &CredsError) -> Stop {
    match error {
        CredsError::NoBaseIdentity { .. } => stop.mend(msg!("step-user")).mend(msg!("sign-in-again")),
        CredsError::InvalidKeys { .. } => stop.mend(msg!("step-user")),
        CredsError::NotAllowedToAssume { .. } => {
            stop.mend(msg!("step-assume-role")).mend(msg!("wait-for-role")).mend(msg!("ask-doctor"))
        }
        CredsError::WrongAccount { .. } => stop.mend(msg!("wrong-account")),
        CredsError::Expired { .. } => stop.mend(unset()).mend(msg!("sign-in-again")),
        CredsError::CannotRenew { .. } => stop.mend(unset()),
        CredsError::ClockSkew { .. } => stop.mend(msg!("set-clock")),
        CredsError::Unreachable { .. } => stop.mend(msg!("network-sts")),
        CredsError::RegionDisabled { .. } => stop.mend(msg!("sts-region")),
        CredsError::InvalidSettings { .. } => stop.mend(msg!("settings-origin")),
        CredsError::CutOff => stop.mend(msg!("run-again-log")),
        CredsError::Other { source }
            if matches!(source.code(), Some("PackedPolicyTooLarge" | "MalformedPolicyDocument")) =>
        {
            stop.mend(msg!("narrow-less"))
        }
        CredsError::Other { .. } => stop.mend(msg!("sts-other")),
        _ => stop.mend(msg!("run-again-log")),
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
            stop.mend(msg!("step-notice")).mend(msg!("look-at-source")).mend(msg!("ask-doctor"))
        }
        StopReason::DestinationNotListable { .. } => {
            stop.mend(msg!("step-policy")).mend(msg!("look-at-bucket")).mend(msg!("ask-doctor"))
        }
        StopReason::DestinationRefused { .. } => stop
            .mend(msg!("step-policy"))
            .mend(msg!("step-notice"))
            .mend(msg!("kms-or-aes256"))
            .mend(msg!("ask-doctor")),
        StopReason::DestinationNotReadable { .. } => stop.mend(msg!("deep-needs-owner")).mend(msg!("look-at-bucket")),
        StopReason::NoSuchBucket { .. } => stop.mend(msg!("look-at-name")),
        StopReason::WrongRegion { .. } => stop.mend(msg!("one-region")),
        StopReason::Credentials { .. } => stop.mend(msg!("step-user")).mend(unset()),
        StopReason::ClockSkew { .. } => stop.mend(msg!("set-clock")),
        StopReason::Unreachable { after_success, .. } => {
            let stop = stop.mend(msg!("network-s3", endpoint = clients::s3_endpoint()));
            if *after_success { stop.mend(msg!("run-again")) } else { stop }
        }
        StopReason::Listing { .. } => stop.mend(msg!("run-again-log")),
        StopReason::BadListing { .. } => stop.mend(msg!("listing-of-s3")),
        StopReason::Internal(_) => stop.mend(msg!("report-fault")),
        _ => stop.mend(msg!("run-again-log")),
    }
}

/// A selection that was not understood, or that names what does not exist.
pub(crate) fn selection(error: &SelectionError, command: &str) -> Stop {
    let stop = match error.kind() {
        // Looked for and not found: nothing is wrong with the words.
        SelectionErrorKind::NotFound => Stop::new(Exit::Incomplete, error),
        _ => Stop::usage(error),
    };
    stop.mend(of_selection(error.kind(), command))
}

fn of_selection(kind: SelectionErrorKind, command: &str) -> Message {
    match (kind, command) {
        (SelectionErrorKind::NotFound, _) => msg!("list-specifications"),
        (SelectionErrorKind::OtherBucket, "copy" | "plan") => msg!("name-destination-or-pair"),
        (SelectionErrorKind::OtherBucket, "ls") => msg!("list-own-bucket"),
        (SelectionErrorKind::OtherBucket, _) => msg!("name-destination"),
        (SelectionErrorKind::SplitByShell, _) => msg!("quote-selection"),
        (SelectionErrorKind::BeforeService | SelectionErrorKind::Future, _) => msg!("selection-dates"),
        (SelectionErrorKind::Specification, _) => msg!("list-specifications"),
        // The error itself shows what was expected, and an example.
        _ => msg!("selection-forms"),
    }
}

/// A selection that could not be looked up.
pub(crate) fn resolving(error: &ResolveError, command: &str) -> Stop {
    match error {
        ResolveError::Selection(error) => selection(error, command),
        ResolveError::Stopped(reason) => stopped(reason, false),
        other => Stop::new(Exit::Refused, other).mend(msg!("run-again-log")),
    }
}

/// What to do about a failure of which nothing more is known.
pub(crate) fn general(exit: Exit) -> Option<Message> {
    match exit {
        Exit::Usage | Exit::NoCommand | Exit::NotExecutable => Some(msg!("see-help")),
        Exit::Refused => Some(msg!("ask-doctor")),
        Exit::Failed => Some(msg!("run-again-log")),
        // Neither is a failure.
        Exit::Done | Exit::Incomplete | Exit::Interrupted => None,
    }
}

/// What mends a wrong usage, as far as the error's type tells.
pub(crate) fn of_usage(error: &(dyn Error + 'static)) -> Vec<Message> {
    if let Some(error) = error.downcast_ref::<ConfigError>() {
        return of_configuration(error);
    }
    if error.is::<BundleError>() {
        return vec![msg!("ca-bundle")];
    }
    if error.is::<BucketNameError>() {
        return vec![msg!("bucket-name")];
    }
    if error.is::<PairError>() {
        return vec![msg!("pair-of-urls")];
    }
    if error.is::<ExportError>() {
        return vec![msg!("other-shell")];
    }
    Vec::new()
}

fn of_configuration(error: &ConfigError) -> Vec<Message> {
    match error {
        ConfigError::File(FileError::Unreadable { .. }) => vec![msg!("config-unreadable")],
        ConfigError::File(FileError::NotText { .. }) => vec![msg!("config-not-text")],
        ConfigError::File(FileError::Malformed { .. } | FileError::MalformedUnshown { .. }) => {
            vec![msg!("config-syntax")]
        }
        ConfigError::File(FileError::UnknownKey { nearest, .. }) => {
            nearest.iter().map(|name| msg!("did-you-mean", name = name)).chain([msg!("settings-known")]).collect()
        }
        ConfigError::File(FileError::WrongType { name, .. }) => {
            vec![of_example(name, |key| format!("{name} = {}", key.example))]
        }
        ConfigError::Value { name, origin, .. } => vec![match origin {
            Origin::File { .. } => of_example(name, |key| format!("{name} = {}", key.example)),
            Origin::Environment(variable) => of_example(name, |key| format!("{variable}={}", key.word())),
            Origin::Flag(flag) => of_example(name, |key| format!("--{flag} {}", key.word())),
        }],
        ConfigError::PlainHttp { .. } => vec![msg!("plain-http")],
        ConfigError::NotText(_) => vec![msg!("setting-not-text")],
    }
}

fn of_example(name: &str, write: impl FnOnce(&config::Key) -> String) -> Message {
    match config::named(name) {
        Some(key) => msg!("setting-example", example = write(key)),
        None => msg!("settings-origin"),
    }
}

#[cfg(test)]
#[path = "hints_tests.rs"]
mod tests;
