//! What is typed: commands, options, and their help. Values become types in [`crate::config`], which also reads the
//! environment and the configuration file, so that `--help` needs nothing to work.

mod config;
mod creds;
mod deep;
mod doctor;
mod options;
mod pair;
mod policy;
mod setup;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use config::{ConfigCommand, InitArgs};
pub(crate) use creds::{CredsCommand, CredsExecArgs, ShellName};
pub(crate) use deep::DeepArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use options::{ColorChoice, Global};
pub(crate) use pair::{Destination, PairError, destination_of_pair};
pub(crate) use policy::{Fix, PolicyCheckArgs, PolicyCommand};
pub(crate) use setup::{EncryptionChoice, SetupArgs, WantedIdentity};

const SELECTIONS: &str = "\
Selections (any number, merged):
  2021  2021/05  2021/05/31      a year, month or day; also 2021/5/31, 2021-05-31, 20210531
  2021/05/24..2021/06/30         a range, both ends included; 2021/05.. and ..2010 are open
  today  yesterday  last:5  all  in Tokyo's time; last:5 is the last five sessions
  testdata/2021/05/31            sample data, the same forms after testdata/
  spec:mbo  spec:standard/17.4/ja  spec:standard/latest/en
                                 connection specifications
  'ConnectionSpec/Standard/version 17.4/Japanese'
                                 the same by path (quote it: it holds a space)
  s3://dataservice-flex-bucket/2021/05
                                 the manual's URLs
  prefix:KEY                     a raw prefix, as it stands";

const EXIT_CODES: &str = "\
Exit codes:
  0    all that was asked for is done, or was done already
  1    some objects failed (verify: are missing or different; setup: a step failed;
       policy check and apply: the policy has errors), or the service stayed
       unreachable in mid-run
  2    wrong usage or configuration: nothing was started
  3    credentials, permissions, or a service unreachable before the first object;
       doctor: something is broken
  4    incomplete though nothing failed: nothing matched, a session named by itself
       is absent, keys not entitled or archived, gaps found by --complete; setup:
       the vendor is not ready, or somebody must decide; setup, policy apply, clean:
       nothing is changed without --yes
  126, 127  creds exec: the command cannot be run, there is no such command
  130  interrupted; what was done is kept, and a re-run goes on";

/// Copies the TSE tick data of FLEX Historical from the vendor's S3 bucket into your own, and proves that it is there.
#[derive(Debug, Parser)]
#[command(
    name = "flex",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    propagate_version = true,
    max_term_width = 110,
    after_help = EXIT_CODES
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List what the vendor's bucket holds (or, with --dest, yours), like `aws s3 ls`
    Ls(LsArgs),
    /// Say what a copy would do: objects, bytes, requests. Copies nothing
    Plan(PlanArgs),
    /// Copy a selection; what is already identical is skipped
    #[command(visible_aliases = ["cp", "sync"])]
    Copy(CopyArgs),
    /// Prove that the destination holds the selection, from the two listings and from manifests
    Verify(VerifyArgs),
    /// Find our unfinished uploads and end them (owner identity)
    Clean(CleanArgs),
    /// Print, check and apply the manual's policies
    #[command(subcommand, arg_required_else_help = true)]
    Policy(PolicyCommand),
    /// Show the copy role's credentials, or hand them to other programs
    #[command(subcommand, arg_required_else_help = true)]
    Creds(CredsCommand),
    /// Do the manual's steps 1-1 to 1-4, or print what would be done (owner identity)
    Setup(SetupArgs),
    /// Check every step of the manual, and say how to mend each failure
    Doctor(DoctorArgs),
    /// Write a commented flex.toml
    Init(InitArgs),
    /// Show the settings and where each came from
    #[command(subcommand, arg_required_else_help = true)]
    Config(ConfigCommand),
    /// Walk through the whole journey against a local sandbox: no AWS account needed
    Demo,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// Write a page for each command into this folder instead
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

impl Command {
    /// The name that JSON lines carry.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ls(_) => "ls",
            Self::Plan(_) => "plan",
            Self::Copy(args) if args.dry_run => "plan",
            Self::Copy(_) => "copy",
            Self::Verify(_) => "verify",
            Self::Clean(_) => "clean",
            Self::Policy(which) => which.name(),
            Self::Creds(which) => which.name(),
            Self::Setup(_) => "setup",
            Self::Doctor(_) => "doctor",
            Self::Init(_) => "init",
            Self::Config(ConfigCommand::Show) => "config show",
            Self::Demo => "demo",
            Self::Completions { .. } => "completions",
            Self::Man { .. } => "man",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
Times are Tokyo's, on a terminal and in a pipe. A selection of dates finds a folder in both spellings, 2021/05 and \
2021/5, and a year or a month is listed whole. Where several folders are listed, keys are shown in full. A path of \
which no form of selection is known is taken as a folder or a file. Nothing found is exit 4.")]
pub(crate) struct LsArgs {
    /// What to list; the root of the bucket when not given. See `flex copy --help` for the forms
    #[arg(value_name = "SELECTION")]
    pub(crate) selections: Vec<String>,
    /// List your own bucket (needs --bucket) instead of the vendor's
    #[arg(long)]
    pub(crate) dest: bool,
    /// List all objects below, with their keys in full
    #[arg(long, short = 'r')]
    pub(crate) recursive: bool,
    /// Sizes as 1.2 MiB
    #[arg(long, short = 'H')]
    pub(crate) human_readable: bool,
    /// End with the number of objects and their total size
    #[arg(long)]
    pub(crate) summarize: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = SELECTIONS)]
pub(crate) struct PlanArgs {
    /// What to plan: dates, ranges, sample data, specifications; or the manual's pair of URLs, as for `copy`
    #[arg(value_name = "SELECTION", required = true)]
    pub(crate) selections: Vec<String>,
    #[command(flatten)]
    pub(crate) what: WhatArgs,
}

/// What counts as to be copied.
#[derive(Debug, Clone, Args)]
pub(crate) struct WhatArgs {
    /// Copy again what has the same size but cannot be proven equal from the listings
    #[arg(long)]
    pub(crate) recopy_size_only: bool,
    /// Copy zero-byte objects named like a folder, too
    #[arg(long)]
    pub(crate) copy_markers: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = SELECTIONS)]
pub(crate) struct CopyArgs {
    /// What to copy: dates, ranges, sample data, specifications; or the manual's pair
    /// s3://dataservice-flex-bucket/2021/05 s3://my-bucket/2021/05
    #[arg(value_name = "SELECTION", required = true)]
    pub(crate) selections: Vec<String>,
    /// Copy nothing, say what would be done (the same as `flex plan`)
    #[arg(long, visible_alias = "dryrun")]
    pub(crate) dry_run: bool,
    /// Exit 4 when sessions inside a range are missing at the source
    #[arg(long)]
    pub(crate) complete: bool,
    /// Exit 0 although keys are listed that the contract does not cover
    #[arg(long)]
    pub(crate) allow_not_entitled: bool,
    #[command(flatten)]
    pub(crate) what: WhatArgs,
    /// Taken for the manual's `aws s3 cp --recursive`: a copy always is
    #[arg(long, hide = true)]
    pub(crate) recursive: bool,
    /// Taken for the manual's `--acl bucket-owner-full-control`: every copy is made with it
    #[arg(long, hide = true, value_parser = ["bucket-owner-full-control"])]
    pub(crate) acl: Option<String>,
}

/// `flex plan` is `flex copy --dry-run`.
impl From<PlanArgs> for CopyArgs {
    fn from(plan: PlanArgs) -> Self {
        Self {
            selections: plan.selections,
            what: plan.what,
            dry_run: true,
            complete: false,
            allow_not_entitled: false,
            recursive: false,
            acl: None,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_long_help = SELECTIONS)]
pub(crate) struct VerifyArgs {
    /// What to verify: dates, ranges, sample data, specifications. With --manifest, when not given: all that is on record
    #[arg(value_name = "SELECTION")]
    pub(crate) selections: Vec<String>,
    /// Compare with this manifest, or those of this folder, instead of the buckets; needs no network
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Vec<String>,
    /// Exit 4 when anything is proven by its size only
    #[arg(long)]
    pub(crate) strict: bool,
    /// Exit 4 when sessions inside a range are missing at the source
    #[arg(long)]
    pub(crate) complete: bool,
    /// Exit 0 although keys are listed that the contract does not cover
    #[arg(long)]
    pub(crate) allow_not_entitled: bool,
    #[command(flatten)]
    pub(crate) deep: DeepArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
An interrupted multipart copy can leave an unfinished upload, whose parts are billed to you until it is ended. The \
copy role may not list uploads, so this runs as your own identity (--owner-profile, or the base identity) and needs \
s3:ListBucketMultipartUploads and s3:AbortMultipartUpload on your bucket.

Only uploads under --dest-prefix that the copy role began are ended, and only those older than --older-than, 1 h when \
not given: a running flex has younger ones open. After a killed run, once no flex runs any more, --older-than 0s ends \
its uploads at once.

On a terminal you are asked first. Off a terminal, in cron or a pipe, and with --json, nothing is ended without --yes: \
what would be is shown, and the exit code is 4. What is left for its age is named in the result, and is no failure.")]
pub(crate) struct CleanArgs {
    /// Leave uploads younger than this (s, m, h, d): a running flex may need them
    #[arg(long, value_name = "AGE", default_value = "1h", value_parser = parse_age)]
    pub(crate) older_than: std::time::Duration,
    /// End the uploads of other initiators too: those of your own programs may still be under way
    #[arg(long)]
    pub(crate) all: bool,
}

fn parse_age(text: &str) -> Result<std::time::Duration, String> {
    let expected = || "expected a number and s, m, h or d, for example 90m".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(expected()),
    };
    number.checked_mul(seconds).map(std::time::Duration::from_secs).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn ages_have_a_unit() {
        for (text, want) in [("90m", Some(5400)), ("0s", Some(0)), ("2d", Some(172_800)), ("1h", Some(3600))] {
            assert_eq!(parse_age(text).ok().map(|d| d.as_secs()), want, "{text}");
        }
        for text in ["", "5", "h", "1w", "-1h", "1.5h", "99999999999999999999s", "999999999999999999d"] {
            assert!(parse_age(text).is_err(), "{text}");
        }
    }
}
