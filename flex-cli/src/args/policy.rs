//! `flex policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use flex_policy::Format;

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Print the bucket policy that lets the copy role list and put into your bucket (the manual's step 1-3)
    Bucket(PolicyPrintArgs),
    /// Print the policy for your IAM user that lets it assume the copy role (the manual's step 1-4)
    AssumeRole(PolicyPrintArgs),
    /// Say what is wrong with your bucket's policy, or with one in a file, what breaks because of it, and the mend
    Check(PolicyCheckArgs),
    /// Mend your bucket's policy, after showing what changes (owner identity)
    #[command(after_long_help = APPLY)]
    Apply,
}

const APPLY: &str = "\
Runs as your own identity (--owner-profile, or the base identity), which needs s3:GetBucketPolicy and \
s3:PutBucketPolicy. The change is the smallest that lets copies through: wrong values in the statements meant for the \
copy role are mended one by one, missing statements are added, and statements of others keep every byte. A Deny of \
somebody else's is named and left.

On a terminal you are asked first. Off a terminal and with --json nothing is changed without --yes: what would be is \
shown, and the exit code is 4. A policy that is right already is left alone: exit 0.

While the vendor has not created the copy role (about 5 business days after your notice) S3 refuses the policy: exit 3.";

#[derive(Debug, Args)]
pub(crate) struct PolicyPrintArgs {
    /// json, cloudformation, terraform or aws-cli (a shell script)
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Json)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
The bucket's policy is read as your own identity (--owner-profile, or the base identity), which needs \
s3:GetBucketPolicy. A file needs no identity when --account or --role-arn is given.

Exit 0 when there is no error; warnings are none. Exit 1 when there is one, also with --fix, which changes nothing.")]
pub(crate) struct PolicyCheckArgs {
    /// Check this file instead of the bucket's policy; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// The file holds the policy of your user or role, not that of the bucket
    #[arg(long, requires = "file")]
    pub(crate) assume_role: bool,
    /// Print the smallest change that mends it; --fix=policy prints the mended policy, and all else on standard error
    #[arg(long, value_enum, value_name = "WHAT", num_args = 0..=1, require_equals = true, default_missing_value = "difference")]
    pub(crate) fix: Option<Fix>,
}

/// How a mend is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fix {
    /// The lines that change
    Difference,
    /// The whole policy
    Policy,
}

impl PolicyCommand {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Bucket(_) => "policy bucket",
            Self::AssumeRole(_) => "policy assume-role",
            Self::Check(_) => "policy check",
            Self::Apply => "policy apply",
        }
    }
}
