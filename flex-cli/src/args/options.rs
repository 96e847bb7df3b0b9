//! Options that every command takes. They stay text here: [`crate::config`] joins them with the environment and the
//! configuration file, and says of a wrong value which of the three it came from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::language::Language;

const WHO: &str = "Identity";
const WHERE: &str = "Buckets and services";
const HOW: &str = "Copying";
const OUTPUT: &str = "Output and configuration";

#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Global {
    /// Your AWS account id, 12 digits [env: FLEX_ACCOUNT; default: the identity's own]
    #[arg(long, global = true, value_name = "ID", help_heading = WHO)]
    pub(crate) account: Option<String>,
    /// Use this AWS profile alone; exported keys are then ignored [env: AWS_PROFILE, by the SDK's rules]
    #[arg(long, global = true, value_name = "NAME", help_heading = WHO)]
    pub(crate) profile: Option<String>,
    /// AWS profile with rights in your own account, for what the copy role may not do: clean, verify --deep, setup,
    /// doctor, policy [env: FLEX_OWNER_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = WHO)]
    pub(crate) owner_profile: Option<String>,
    /// The copy role, when it is not the manual's [env: FLEX_ROLE_ARN]
    #[arg(long, global = true, value_name = "ARN", help_heading = WHO, hide_short_help = true)]
    pub(crate) role_arn: Option<String>,
    /// Session name of the copy role [env: FLEX_SESSION_NAME; default: flex]
    #[arg(long, global = true, value_name = "NAME", help_heading = WHO, hide_short_help = true)]
    pub(crate) session_name: Option<String>,
    /// Narrow the copy role's session to the selection's folders in the two buckets (copy, plan and verify). An object that
    /// vanishes from the source meanwhile is then reported as not entitled
    #[arg(long, global = true, help_heading = WHO, hide_short_help = true)]
    pub(crate) narrow_role: bool,

    /// Destination bucket [env: FLEX_BUCKET]
    #[arg(long, global = true, value_name = "NAME", help_heading = WHERE)]
    pub(crate) bucket: Option<String>,
    /// Prefix before the vendor's keys in the destination [env: FLEX_DEST_PREFIX]
    #[arg(long, global = true, value_name = "P", help_heading = WHERE)]
    pub(crate) dest_prefix: Option<String>,
    /// The vendor's bucket [env: FLEX_SOURCE_BUCKET; default: dataservice-flex-bucket]
    #[arg(long, global = true, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub(crate) source_bucket: Option<String>,
    /// The vendor's account [env: FLEX_SOURCE_ACCOUNT; default: 461810399597]
    #[arg(long, global = true, value_name = "ID", help_heading = WHERE, hide_short_help = true)]
    pub(crate) source_account: Option<String>,
    /// Region of both buckets and of STS [env: FLEX_REGION; default: ap-northeast-1]
    #[arg(long, global = true, value_name = "NAME", help_heading = WHERE, hide_short_help = true)]
    pub(crate) region: Option<String>,
    /// S3 endpoint [env: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = WHERE, hide_short_help = true)]
    pub(crate) endpoint_url: Option<String>,
    /// STS endpoint [env: AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = WHERE, hide_short_help = true)]
    pub(crate) sts_endpoint_url: Option<String>,
    /// Allow plain HTTP to endpoints that are not on this machine: session tokens can then be read on the way
    /// [env: FLEX_ALLOW_HTTP=1]
    #[arg(long, global = true, help_heading = WHERE, hide_short_help = true)]
    pub(crate) allow_http: bool,

    /// Only files whose name matches one of these patterns, e.g. '*.pcap.gz' (may be repeated)
    #[arg(long, global = true, value_name = "GLOB", help_heading = HOW)]
    pub(crate) include: Vec<String>,
    /// No files whose name matches; wins over --include, whatever the order (may be repeated)
    #[arg(long, global = true, value_name = "GLOB", help_heading = HOW)]
    pub(crate) exclude: Vec<String>,
    /// etag: keep the source's part layout where only that can prove the copy; size: do not [default: etag]
    #[arg(long, global = true, value_name = "etag|size", help_heading = HOW, hide_short_help = true)]
    pub(crate) proof: Option<String>,
    /// What becomes of an object that your bucket has with other content: replaced, kept and reported, or a failure
    /// [default: copy]
    #[arg(long, global = true, value_name = "copy|keep|fail", help_heading = HOW, hide_short_help = true)]
    pub(crate) on_change: Option<String>,
    /// Write uploads under way into this file, so that a later run goes on where a killed one ended; none: do not
    /// [env: FLEX_JOURNAL; default: a file for each bucket in the platform's folder for state]
    #[arg(long, global = true, value_name = "PATH|none", help_heading = HOW, hide_short_help = true)]
    pub(crate) journal: Option<String>,
    /// Leave a record of what was proven in this file, which must not be there yet, or in a folder, a file each run;
    /// verify reads it, and takes the flag more than once; none: no manifest [env: FLEX_MANIFEST; default: none]
    #[arg(long, global = true, value_name = "FILE|none", help_heading = HOW)]
    pub(crate) manifest: Vec<String>,
    /// Storage class of the copies [default: STANDARD]
    #[arg(long, global = true, value_name = "CLASS", help_heading = HOW, hide_short_help = true)]
    pub(crate) storage_class: Option<String>,
    /// Encryption of the copies [default: the bucket's]
    #[arg(long, global = true, value_name = "AES256|aws:kms:KEY", help_heading = HOW, hide_short_help = true)]
    pub(crate) sse: Option<String>,
    /// Requests in flight at once, at most. How many there are is found by itself [default: 1024]
    #[arg(long, global = true, value_name = "N", help_heading = HOW, hide_short_help = true)]
    pub(crate) max_in_flight: Option<String>,
    /// Ceiling of requests per second [default: none]
    #[arg(long, global = true, value_name = "N", help_heading = HOW, hide_short_help = true)]
    pub(crate) max_rps: Option<String>,
    /// Seconds until a request without an answer is tried again; copies of large objects get more [default: 60, STS: 10]
    #[arg(long, global = true, value_name = "SECONDS", help_heading = HOW, hide_short_help = true)]
    pub(crate) answer_timeout: Option<String>,
    /// Do not pin the buckets to their owners' accounts
    #[arg(long, global = true, help_heading = HOW, hide_short_help = true)]
    pub(crate) no_expected_owner: bool,
    /// For S3-compatible stores: leave out headers that only AWS knows
    #[arg(long, global = true, help_heading = HOW, hide_short_help = true)]
    pub(crate) compat: bool,
    /// Corrections to the trading calendar [env: FLEX_CALENDAR]
    #[arg(long, global = true, value_name = "FILE", help_heading = HOW, hide_short_help = true)]
    pub(crate) calendar: Option<String>,

    /// JSON lines on standard output, one event each
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) json: bool,
    /// Nothing but results and errors
    #[arg(long, short, global = true, help_heading = OUTPUT, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// A line for each object (-v); what flex does inside, too (-vv)
    #[arg(long, short, global = true, help_heading = OUTPUT, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Write the log to this file instead of standard error
    #[arg(long, global = true, value_name = "FILE", help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) log_file: Option<PathBuf>,
    /// No progress bar, no progress lines
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) no_progress: bool,
    /// Colours [env: NO_COLOR]
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) color: ColorChoice,
    /// Language of remedies and of what doctor, setup and policy check tell [env: FLEX_LANG; default: the locale's]
    #[arg(long, global = true, value_enum, value_name = "LANG", help_heading = OUTPUT, hide_short_help = true)]
    pub(crate) lang: Option<Language>,
    /// Configuration file [env: FLEX_CONFIG; else ./flex.toml, else the platform's folder]
    #[arg(long, global = true, value_name = "FILE", help_heading = OUTPUT)]
    pub(crate) config: Option<PathBuf>,
    /// Answer yes to every question
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub(crate) yes: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
