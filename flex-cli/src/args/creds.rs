//! `flex creds`.

use std::ffi::OsString;

use clap::{Args, Subcommand, ValueEnum};

const EXEC: &str = "\
The command finds AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_CREDENTIAL_EXPIRATION, and \
AWS_REGION and AWS_DEFAULT_REGION where they were not set. Variables that name another identity, AWS_PROFILE above \
all, are taken away from it. It cannot renew what it was given: for what runs longer than the role's session use \
`flex creds process`.

The exit code is the command's; 127 when there is no such command, 126 when it cannot be run. What keeps flex from \
starting it ends with flex's own codes, 2 or 3.";

#[derive(Debug, Subcommand)]
pub(crate) enum CredsCommand {
    /// Who you are, which role is assumed, and until when
    Show,
    /// Print variables for a shell: eval "$(flex creds env)"
    Env(CredsEnvArgs),
    /// Print JSON for credential_process in an AWS configuration file
    Process,
    /// Run a command with the role's variables, and end with its exit code
    #[command(after_long_help = EXEC)]
    Exec(CredsExecArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CredsEnvArgs {
    /// The shell to write for; found from $SHELL when not given
    #[arg(long, value_enum)]
    pub(crate) shell: Option<ShellName>,
    /// Print what takes the variables away again (needs no credentials)
    #[arg(long)]
    pub(crate) unset: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShellName {
    #[value(alias = "bash", alias = "zsh", alias = "dash", alias = "ksh")]
    Sh,
    Fish,
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
    Cmd,
}

#[derive(Debug, Args)]
pub(crate) struct CredsExecArgs {
    /// The command and its arguments, after --
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

impl CredsCommand {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Show => "creds show",
            Self::Env(_) => "creds env",
            Self::Process => "creds process",
            Self::Exec(_) => "creds exec",
        }
    }
}
