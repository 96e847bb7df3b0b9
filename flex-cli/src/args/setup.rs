//! `flex setup`.

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};
use flex_policy::{DEFAULT_USER, Format, IamName, ServiceTrust};

const HOW: &str = "Identity and access key";
const PRINT: &str = "Print, and do nothing";

#[derive(Debug, Args)]
#[command(after_long_help = "\
Runs as your own identity (--owner-profile, or the base identity), which needs the rights that --print-permissions \
lists. What is already right is left alone; statements, rules and policies of others are not touched. A run that was \
interrupted, refused or is waiting for the vendor is resumed by running it again.

The bucket policy can be put only when the vendor has created the copy role, about 5 business days after your notice. \
Until then the exit code is 4, or --wait goes on trying.

On a terminal you are asked once before anything is changed. Off a terminal and with --json nothing is changed without \
--yes: what would be is shown, and the exit code is 4.

What a run would change is shown by --dry-run; what it would make, from nothing, by --print.")]
pub(crate) struct SetupArgs {
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Until the vendor has created the copy role, try again, with pauses that grow to 30 minutes
    #[arg(long)]
    pub(crate) wait: bool,
    /// The first of those pauses (ms, s, m, h)
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_pause)]
    pub(crate) wait_every: Duration,
    /// A bucket that encrypts with KMS by default: go over to S3's own keys (s3), or leave it (keep)
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) encryption: Option<EncryptionChoice>,
    /// The period of your contract, as the notice to the vendor is to say it
    #[arg(long, value_name = "TEXT")]
    pub(crate) period: Option<String>,

    /// Who is to assume the copy role: user:NAME (made when absent), role:NAME (an existing one), ec2:NAME, ecs:NAME or
    /// batch:NAME (a role for that service, made when absent), none
    #[arg(long, value_name = "KIND:NAME", default_value_t, help_heading = HOW)]
    pub(crate) identity: WantedIdentity,
    /// Make an access key for the user, and write it as a profile of the shared credentials file
    #[arg(long, help_heading = HOW)]
    pub(crate) access_key: bool,
    /// The name of that profile; one that exists is never overwritten
    #[arg(long, value_name = "NAME", default_value = DEFAULT_USER, requires = "access_key", value_parser = parse_profile, help_heading = HOW)]
    pub(crate) key_profile: String,
    /// Make an access key for the user, and write it to a new file, like the console's CSV
    #[arg(long, value_name = "FILE", conflicts_with = "access_key", help_heading = HOW)]
    pub(crate) access_key_csv: Option<PathBuf>,
    /// Make an access key for the user, and print it, the secret too
    #[arg(long, conflicts_with_all = ["access_key", "access_key_csv"], help_heading = HOW)]
    pub(crate) print_access_key: bool,

    /// The whole set-up as one file: json, cloudformation, terraform, aws-cli
    #[arg(long, value_name = "FORMAT", group = "printing", conflicts_with = "dry_run", help_heading = PRINT)]
    pub(crate) print: Option<Format>,
    /// The rights that the owner identity needs for setup, doctor, clean and policy, as an IAM policy
    #[arg(long, group = "printing", conflicts_with = "dry_run", help_heading = PRINT)]
    pub(crate) print_permissions: bool,
    /// The notice to the vendor (the manual's step 1-2), in Japanese and English; to FILE, when given
    #[arg(long, value_name = "FILE", num_args = 0..=1, group = "printing", conflicts_with = "dry_run", help_heading = PRINT)]
    pub(crate) print_notice: Option<Option<PathBuf>>,
}

/// What becomes of a default encryption by KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EncryptionChoice {
    /// S3's own keys
    S3,
    /// As it is
    Keep,
}

/// Who is to assume the copy role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WantedIdentity {
    None,
    User(IamName),
    ExistingRole(IamName),
    ServiceRole(ServiceTrust, IamName),
}

impl Default for WantedIdentity {
    fn default() -> Self {
        DEFAULT_USER.parse().map_or(Self::None, Self::User)
    }
}

impl std::fmt::Display for WantedIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::ExistingRole(name) => write!(f, "role:{name}"),
            Self::ServiceRole(service, name) => write!(f, "{service}:{name}"),
        }
    }
}

impl FromStr for WantedIdentity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected user:NAME, role:NAME, ec2:NAME, ecs:NAME, batch:NAME or none, for example user:flex-copy"
                .to_owned()
        };
        if text == "none" {
            return Ok(Self::None);
        }
        let (kind, name) = text.split_once(':').ok_or_else(expected)?;
        let service = match kind {
            "user" | "role" => None,
            "ec2" => Some(ServiceTrust::Ec2),
            "ecs" => Some(ServiceTrust::Ecs),
            "batch" => Some(ServiceTrust::Batch),
            _ => return Err(expected()),
        };
        let name: IamName = name.parse().map_err(|e: flex_policy::IamNameError| e.to_string())?;
        Ok(match service {
            Some(service) => Self::ServiceRole(service, name),
            None if kind == "user" => Self::User(name),
            None => Self::ExistingRole(name),
        })
    }
}

fn parse_pause(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number above 0 and ms, s, m or h, for example 5m".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(expected()),
    };
    let pause = number.checked_mul(milliseconds).filter(|pause| *pause > 0).ok_or_else(expected)?;
    Ok(Duration::from_millis(pause))
}

/// A name that every reader of the AWS files takes for one section.
fn parse_profile(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-./%@:+".contains(c);
    match !text.is_empty() && text.chars().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits and _ - . / % @ : +, for example flex-copy".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_and_written_alike() {
        for text in ["user:flex-copy", "role:TickUser", "ec2:a", "ecs:b", "batch:c", "none"] {
            assert_eq!(text.parse::<WantedIdentity>().map(|i| i.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(WantedIdentity::default().to_string(), "user:flex-copy");
        for text in ["", "user", "user:", "group:x", "user:a b", "none:x", "lambda:x"] {
            assert!(text.parse::<WantedIdentity>().is_err(), "{text}");
        }
    }

    #[test]
    fn pauses_have_a_unit_and_are_not_nothing() {
        assert_eq!(parse_pause("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(parse_pause("2h"), Ok(Duration::from_secs(7200)));
        for text in ["", "5", "0s", "1d", "99999999999999999999h", "-1s"] {
            assert!(parse_pause(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_profile_is_one_section() {
        assert!(parse_profile("flex-copy").is_ok() && parse_profile("team/flex@tokyo").is_ok());
        for text in ["", "a b", "a]", "[a", "a\nb", "a#b", "日本"] {
            assert!(parse_profile(text).is_err(), "{text}");
        }
    }
}
