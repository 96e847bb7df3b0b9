//! Flags, environment and configuration file, merged into one [`Settings`]. Each wrong value says where it came from.

mod endpoint;
mod file;
mod keys;
mod sources;
mod template;
mod values;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use flex_copy::{CopySettings, CopySettingsBuilder, DEFAULT_MAX_IN_FLIGHT, NameFilter, OnChange, ProofWanted};
use flex_keys::TradingCalendar;
use flex_policy::{AccountId, BucketName, Partition, RoleArn};
use thiserror::Error;

use crate::{args::Global, language::Language, limits};
use file::ConfigFile;
use sources::Sources;

pub(crate) use endpoint::{host_of, is_loopback, is_plain, leads_away, without_user};
pub(crate) use file::FileError;
#[cfg(test)]
pub(crate) use file::Place;
pub(crate) use keys::{Key, Unset, Value, json_value, named};
pub(crate) use sources::Found;
pub(crate) use template::template;

/// The vendor's bucket.
pub(crate) const SOURCE_BUCKET: &str = "dataservice-flex-bucket";
/// Where both buckets live.
pub(crate) const REGION: &str = "ap-northeast-1";

/// The variable for `--allow-http`.
pub(crate) const ALLOW_HTTP: &str = "FLEX_ALLOW_HTTP";
/// What stands for no journal and for no manifest.
pub(crate) const NONE: &str = "none";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Environment(&'static str),
    File { path: PathBuf, name: &'static str, line: usize, chosen: bool },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Environment(name) => f.write_str(name),
            Self::File { path, name, line, .. } => write!(f, "{name} ({}, line {line})", path.display()),
        }
    }
}

fn unusable(origin: &Origin, value: &str) -> String {
    format!("{origin} = {value:?} cannot be used")
}

/// A value that was given, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given<T> {
    /// The setting's name.
    pub(crate) name: &'static str,
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Why the settings are not usable.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}", unusable(.origin, .value))]
    Value {
        /// The setting's name.
        name: &'static str,
        origin: Origin,
        value: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{origin} = {url:?} is plain HTTP to another machine: session tokens could be read on the way")]
    PlainHttp { origin: Origin, url: String },
    #[error("{0} is not valid UTF-8")]
    NotText(&'static str),
}

/// Which profile gives the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Given by the flag: no other source of credentials is looked at.
    pub(crate) alone: bool,
}

/// All settings, as types.
pub(crate) struct Settings {
    pub(crate) account: Option<AccountId>,
    pub(crate) profile: Option<Profile>,
    pub(crate) owner_profile: Option<String>,
    pub(crate) role_arn: Option<RoleArn>,
    pub(crate) session_name: Option<Given<String>>,
    pub(crate) bucket: Option<Given<BucketName>>,
    pub(crate) dest_prefix: Option<Given<String>>,
    pub(crate) source_bucket: BucketName,
    pub(crate) source_account: AccountId,
    pub(crate) region: String,
    pub(crate) s3_endpoint: Option<String>,
    pub(crate) sts_endpoint: Option<String>,
    /// Plain HTTP may leave this machine.
    pub(crate) allow_http: bool,
    pub(crate) expected_owner: bool,
    /// Sessions of the copy role may do no more than the run needs.
    pub(crate) narrow_role: bool,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) calendar: TradingCalendar,
    /// Where uploads under way are written down, if not in the platform's folder; or `none`.
    pub(crate) journal: Option<Given<String>>,
    /// Where a copy leaves its manifest.
    pub(crate) manifest: Option<Given<String>>,
    /// The reader's, if one is set.
    pub(crate) language: Option<Language>,
    copy: CopyValues,
    /// Every setting, and where it came from.
    pub(crate) found: Vec<Found>,
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
    /// What a `flex.toml` that was merely found decides of where data and requests go.
    pub(crate) notes: Vec<String>,
}

struct CopyValues {
    filter: Option<NameFilter>,
    proof: ProofWanted,
    on_change: OnChange,
    storage_class: Option<String>,
    sse: Option<flex_copy::Encryption>,
    max_in_flight: Option<Given<usize>>,
    max_rps: Option<Given<f64>>,
    answer_timeout: Option<Given<u64>>,
    compat: bool,
}

impl Settings {
    /// Reads the environment and the configuration file of this process.
    pub(crate) fn load(flags: &Global) -> Result<Self, ConfigError> {
        let environment = |name: &str| std::env::var_os(name);
        let chosen = environment("FLEX_CONFIG").filter(|v| !v.is_empty()).map(PathBuf::from);
        let file = file::load(flags.config.as_deref(), chosen, Path::new("."), file::platform_path())?;
        Self::merge(flags, &environment, file)
    }

    /// What flags alone give, as a file with nothing else would.
    pub(crate) fn of_flags(flags: &Global) -> Result<Self, ConfigError> {
        Self::merge(flags, &|_| None, None)
    }

    fn merge(
        flags: &Global,
        environment: &dyn Fn(&str) -> Option<OsString>,
        file: Option<ConfigFile>,
    ) -> Result<Self, ConfigError> {
        let sources = Sources::new(flags, environment, file.as_ref())?;
        let account = sources.text("account");
        let bucket = sources.text("bucket");
        let dest_prefix = sources.text("dest-prefix");
        let source_bucket = sources.text("source-bucket");
        let source_account = sources.text("source-account");
        let role_arn = sources.text("role-arn");
        let session_name = sources.text("session-name");
        let profile = sources.text("profile");
        let owner_profile = sources.text("owner-profile");
        let region = sources.text("region");
        let calendar = sources.text("calendar");
        let proof = sources.text("proof");
        let on_change = sources.text("on-change");
        let journal = sources.text("journal");
        let manifest = sources.text("manifest");
        let class = sources.text("storage-class");
        let sse = sources.text("sse");
        let in_flight = sources.text("max-in-flight");
        let rps = sources.text("max-rps");
        let answer_timeout = sources.text("answer-timeout");
        let lang = sources.text("lang");
        let s3_endpoint = sources.text("endpoint-url");
        let sts_endpoint = sources.text("sts-endpoint-url");
        let include = sources.list("include");
        let exclude = sources.list("exclude");
        let no_expected_owner = sources.switch("no-expected-owner");
        let compat = sources.switch("compat");
        let narrow_role = sources.switch("narrow-role");

        // Not a setting of files: whoever can write one could otherwise have tokens sent in the clear.
        let allow_http = flags.allow_http || values::switch(environment, ALLOW_HTTP)?;
        let mut notes: Vec<_> = [&s3_endpoint, &sts_endpoint, &role_arn, &bucket, &source_bucket, &source_account]
            .into_iter()
            .flatten()
            .filter_map(|given| match &given.origin {
                Origin::File { path, name, chosen: false, .. } if is_here(path) => {
                    Some(format!("{} sets {name} = {:?}", path.display(), given.value))
                }
                _ => None,
            })
            .collect();
        if let Some(Origin::File { path, name, chosen: false, .. }) = &no_expected_owner
            && is_here(path)
        {
            notes.push(format!("{} sets {name} = true", path.display()));
        }

        let copy = CopyValues {
            filter: values::name_filter(include.as_ref(), exclude.as_ref())?,
            proof: proof.map(|p| p.with(values::proof)).transpose()?.map(|p| p.value).unwrap_or_default(),
            on_change: on_change.map(|o| o.with(values::on_change)).transpose()?.map(|o| o.value).unwrap_or_default(),
            storage_class: class.map(|c| c.with(values::storage_class)).transpose()?.map(|c| c.value),
            sse: sse.map(|s| s.with(values::encryption)).transpose()?.map(|s| s.value),
            max_in_flight: in_flight.map(Given::parse).transpose()?,
            max_rps: rps.map(Given::parse).transpose()?,
            answer_timeout: answer_timeout.map(Given::parse).transpose()?,
            compat: compat.is_some(),
        };
        let settings = Self {
            account: account.map(Given::parse).transpose()?.map(|g| g.value),
            profile: profile.map(|given| Profile { alone: matches!(given.origin, Origin::Flag(_)), name: given.value }),
            owner_profile: owner_profile.map(|g| g.value),
            role_arn: role_arn.map(Given::parse).transpose()?.map(|g| g.value),
            session_name,
            bucket: bucket.map(Given::parse).transpose()?,
            dest_prefix: dest_prefix.map(|p| p.with(values::prefix)).transpose()?,
            source_bucket: match source_bucket {
                Some(given) => given.parse()?.value,
                None => values::known(SOURCE_BUCKET),
            },
            source_account: source_account.map(Given::parse).transpose()?.map_or(AccountId::VENDOR, |g| g.value),
            region: match region {
                Some(given) => given.with(|text| Partition::of_region(text).map(|_| text.to_owned()))?.value,
                None => REGION.to_owned(),
            },
            s3_endpoint: s3_endpoint.map(|given| endpoint::check(given, allow_http)).transpose()?,
            sts_endpoint: sts_endpoint.map(|given| endpoint::check(given, allow_http)).transpose()?,
            allow_http,
            expected_owner: no_expected_owner.is_none(),
            narrow_role: narrow_role.is_some(),
            ca_bundle: environment("AWS_CA_BUNDLE").filter(|v| !v.is_empty()).map(PathBuf::from),
            calendar: calendar.map_or_else(|| Ok(TradingCalendar::tse()), values::calendar)?,
            journal: journal.map(values::path_or_none).transpose()?,
            manifest: manifest.map(values::path_or_none).transpose()?.filter(|given| given.value != NONE),
            language: lang.map(|l| l.with(values::language)).transpose()?.map(|l| l.value),
            copy,
            notes,
            found: sources.found,
            file: file.map(|file| file.path),
        };
        // So that a number out of range is refused before anything is started.
        settings.copy_settings(std::convert::identity)?;
        Ok(settings)
    }

    /// The settings of a copier, with what the command adds.
    pub(crate) fn copy_settings(
        &self,
        add: impl FnOnce(CopySettingsBuilder) -> CopySettingsBuilder,
    ) -> Result<CopySettings, ConfigError> {
        let values = &self.copy;
        let mut builder = CopySettings::builder().proof(values.proof).on_change(values.on_change).compat(values.compat);
        if let Some(given) = &values.max_in_flight {
            builder = builder.max_in_flight(given.value);
        }
        if let Some(given) = &values.max_rps {
            builder = builder.max_rps(given.value);
        }
        if let Some(limit) = self.answer_timeout() {
            builder = builder.answer_limit(limit);
        }
        if let Some(class) = &values.storage_class {
            builder = builder.storage_class(class);
        }
        if let Some(sse) = &values.sse {
            builder = builder.encryption(sse.clone());
        }
        if let Some(filter) = &values.filter {
            builder = builder.filter(filter.clone());
        }
        add(builder).build().map_err(|source| {
            let (name, origin) = match source.setting {
                "max_in_flight" => ("max-in-flight", values.max_in_flight.as_ref().map(|g| g.origin.clone())),
                "max_rps" => ("max-rps", values.max_rps.as_ref().map(|g| g.origin.clone())),
                "answer_limit" => ("answer-timeout", values.answer_timeout.as_ref().map(|g| g.origin.clone())),
                other => (other, None),
            };
            ConfigError::Value {
                name,
                origin: origin.unwrap_or(Origin::Flag(name)),
                value: source.value.clone(),
                source: source.allowed.into(),
            }
        })
    }

    /// How long to wait for an answer, where that was given.
    pub(crate) fn answer_timeout(&self) -> Option<Duration> {
        self.copy.answer_timeout.as_ref().map(|given| Duration::from_secs(given.value))
    }

    /// Fewer requests in flight, where the machine has no room for as many: what was lowered, for the user.
    pub(crate) fn fit(&mut self, most: usize) -> Option<String> {
        /// So many keep the service busy with most selections, so nobody who did not ask for more needs to hear of it.
        const PLENTY: usize = 256;

        let given = self.copy.max_in_flight.as_ref();
        let wanted = given.map_or(DEFAULT_MAX_IN_FLIGHT, |given| given.value);
        let told = given.is_some() || most < PLENTY;
        let lowered = limits::lowered(wanted, most, "requests in flight")?;
        let origin = Origin::Flag("max-in-flight");
        self.copy.max_in_flight = Some(Given { name: "max-in-flight", value: most, origin });
        told.then_some(lowered)
    }

    /// Whether the filters let a file's name pass.
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.copy.filter.as_ref().is_none_or(|filter| filter(name))
    }

    /// How copies are to be encrypted, where that is not left to the bucket.
    pub(crate) fn encryption(&self) -> Option<&flex_copy::Encryption> {
        self.copy.sse.as_ref()
    }

    /// The prefix before the vendor's keys; empty where there is none.
    pub(crate) fn key_prefix(&self) -> &str {
        self.dest_prefix.as_ref().map_or("", |given| &given.value)
    }
}

/// A file of the current folder, which may be somebody else's.
fn is_here(path: &Path) -> bool {
    path.parent() == Some(Path::new("."))
}

impl Given<String> {
    /// What is said of a value that turned out to be of no use, unless it was typed just now.
    pub(crate) fn said(&self) -> Option<String> {
        (!matches!(self.origin, Origin::Flag(_))).then(|| unusable(&self.origin, &self.value))
    }

    fn parse<T>(self) -> Result<Given<T>, ConfigError>
    where
        T: FromStr,
        T::Err: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.with(|text| text.parse())
    }

    fn with<T, E>(self, read: impl FnOnce(&str) -> Result<T, E>) -> Result<Given<T>, ConfigError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match read(&self.value) {
            Ok(value) => Ok(Given { value, origin: self.origin, name: self.name }),
            Err(source) => {
                let Self { name, origin, value } = self;
                Err(ConfigError::Value { name, origin, value, source: source.into() })
            }
        }
    }
}

#[cfg(test)]
mod tests;
