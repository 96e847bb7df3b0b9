//! `flex creds exec`: another program with the copy role's variables.

use std::{
    ffi::OsString,
    io,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use flex_creds::VARIABLES;

use crate::{
    args::CredsExecArgs,
    clients::Base,
    config::Settings,
    error::Stop,
    exit::Exit,
    hints,
    language::{Message, msg},
    present::{Ui, size},
    profiles,
};

/// Variables that lead a program to another identity, or to none. botocore takes AWS_SECURITY_TOKEN before
/// AWS_SESSION_TOKEN; with AWS_PROFILE some SDKs do not look at keys at all.
const OTHERS: [&str; 14] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",
    profiles::MARK,
];

/// Below this a session is called short.
const SHORT: Duration = Duration::from_secs(3600);

/// Runs without listening to signals: until the program runs there is nothing to save, and afterwards they are its own.
pub(super) async fn run(settings: &Settings, args: &CredsExecArgs, ui: &mut Ui) -> Result<Exit, Stop> {
    if ui.json {
        return Err(Stop::text(Exit::Usage, "standard output of `creds exec` is the command's, not JSON")
            .mend(msg!("exec-or-process")));
    }
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Stop::text(Exit::Usage, "no command is given").mend(msg!("command-not-found")));
    };
    let role = Base::new(settings).await?.as_role(settings).await?;
    if let Some(warning) = hints::warning(&role.session) {
        ui.note(warning.text(ui.language));
    }
    let credentials = role.credentials().await?;
    if let Some(note) = short(credentials.expiry(), SystemTime::now()) {
        ui.chat(note.text(ui.language));
    }
    let mut command = Command::new(program);
    command.args(arguments);
    for name in OTHERS {
        command.env_remove(name);
    }
    for (name, value) in variables(&credentials, &settings.region, |name| std::env::var_os(name)) {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    ui.flush();
    replace(command).map_err(|error| not_run(program, &error))
}

/// What the program finds in its environment; what is `None` it does not find.
fn variables(
    credentials: &Credentials,
    region: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Vec<(&'static str, Option<OsString>)> {
    let keys = [Some(credentials.access_key_id()), Some(credentials.secret_access_key()), credentials.session_token()];
    let mut variables: Vec<(&'static str, Option<OsString>)> =
        VARIABLES.into_iter().zip(keys.map(|value| value.map(OsString::from))).collect();
    if let Some(at) = credentials.expiry() {
        variables.push(("AWS_CREDENTIAL_EXPIRATION", Some(size::rfc3339(size::seconds(at)).into())));
    }
    // The SDKs read one of the two, the AWS CLI and boto3 the other.
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    let (sdk, cli) = (set("AWS_REGION"), set("AWS_DEFAULT_REGION"));
    let region = sdk.clone().or(cli.clone()).unwrap_or_else(|| region.into());
    for (name, is_set) in [("AWS_REGION", sdk.is_some()), ("AWS_DEFAULT_REGION", cli.is_some())] {
        if !is_set {
            variables.push((name, Some(region.clone())));
        }
    }
    variables
}

/// What to say of credentials that may end before the program does.
fn short(expiry: Option<SystemTime>, now: SystemTime) -> Option<Message> {
    let Some(at) = expiry else { return Some(msg!("unknown-token")) };
    let left = at.duration_since(now).unwrap_or_default();
    (left <= SHORT).then(|| msg!("short-token", minutes = left.as_secs() / 60))
}

/// Becomes the program: signals, terminal and exit code are then its own without anybody passing them on.
#[cfg(unix)]
fn replace(mut command: Command) -> io::Result<Exit> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Elsewhere a process cannot be replaced. Ctrl-C reaches every program of the console, so that flex only has to stay
/// until the other has ended.
#[cfg(not(unix))]
fn replace(mut command: Command) -> io::Result<Exit> {
    let mut child = command.spawn()?;
    tokio::spawn(async { while tokio::signal::ctrl_c().await.is_ok() {} });
    let status = child.wait()?;
    // Exit codes of Windows have 32 bits.
    std::process::exit(status.code().unwrap_or(1))
}

fn not_run(program: &OsString, error: &io::Error) -> Stop {
    // A script whose interpreter does not exist is "not found", too.
    let is_there = Path::new(program).components().count() > 1 && Path::new(program).exists();
    let (exit, mend) = match error.kind() {
        io::ErrorKind::NotFound if !is_there => (Exit::NoCommand, msg!("command-not-found")),
        _ => (Exit::NotExecutable, msg!("command-not-executable")),
    };
    Stop::new(exit, error).during(format!("the command {:?} cannot be run", program.to_string_lossy())).mend(mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(expiry: Option<SystemTime>) -> Credentials {
        Credentials::new("ASIAEXAMPLE", "secret", Some("token".into()), expiry, "test")
    }

    #[test]
    fn the_region_is_set_where_it_was_not() {
        for (environment, want) in [
            (&[][..], &[("AWS_REGION", "ap-northeast-1"), ("AWS_DEFAULT_REGION", "ap-northeast-1")][..]),
            (&[("AWS_REGION", "us-east-1")], &[("AWS_DEFAULT_REGION", "us-east-1")]),
            (&[("AWS_DEFAULT_REGION", "us-east-1"), ("AWS_REGION", "")], &[("AWS_REGION", "us-east-1")]),
            (&[("AWS_DEFAULT_REGION", "a"), ("AWS_REGION", "b")], &[]),
        ] {
            let given =
                |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value));
            let regions: Vec<_> = variables(&keys(None), "ap-northeast-1", given)
                .into_iter()
                .filter(|(name, _)| name.contains("REGION"))
                .collect();
            let want: Vec<_> = want.iter().map(|(name, value)| (*name, Some(OsString::from(value)))).collect();
            assert_eq!(regions, want, "{environment:?}");
        }
    }

    #[test]
    fn a_token_that_is_missing_is_taken_away() {
        let long_term = Credentials::new("AKIAEXAMPLE", "secret", None, None, "test");
        let variables = variables(&long_term, "r", |_| None);
        assert!(variables.contains(&("AWS_SESSION_TOKEN", None)), "{variables:?}");
        assert!(!variables.iter().any(|(name, _)| *name == "AWS_CREDENTIAL_EXPIRATION"));
    }

    #[test]
    fn only_a_short_life_is_told() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let after = |seconds| short(Some(now + Duration::from_secs(seconds)), now);
        assert_eq!(after(12 * 3600), None);
        assert_eq!(after(3601), None);
        assert_eq!(after(3600), Some(msg!("short-token", minutes = 60)));
        assert_eq!(after(59), Some(msg!("short-token", minutes = 0)));
        assert_eq!(short(Some(now), now + SHORT), Some(msg!("short-token", minutes = 0)));
        assert_eq!(short(None, now), Some(msg!("unknown-token")));
    }
}
