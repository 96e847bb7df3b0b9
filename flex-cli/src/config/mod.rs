//! Flags, environment and configuration file, merged into one [`Settings`]. Each wrong value says where it came from.

mod endpoint;
mod file;
mod values;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use flex_copy::{CopySettings, CopySettingsBuilder, NameFilter, OnChange, ProofWanted};
use flex_keys::TradingCalendar;
use flex_policy::{AccountId, BucketName, Partition, RoleArn};
use thiserror::Error;

use crate::args::Global;
use file::{ConfigFile, Entries, FileError};

/// The vendor's bucket.
pub(crate) const SOURCE_BUCKET: &str = "dataservice-flex-bucket";
/// Where both buckets live.
pub(crate) const REGION: &str = "ap-northeast-1";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Environment(&'static str),
    File { path: PathBuf, name: &'static str, chosen: bool },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Environment(name) => f.write_str(name),
            Self::File { path, name, .. } => write!(f, "{name} in {}", path.display()),
        }
    }
}

/// A value that was given, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Why the settings are not usable.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{origin} = {value:?} cannot be used")]
    Value { origin: Origin, value: String, source: Box<dyn std::error::Error + Send + Sync> },
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
    pub(crate) expected_owner: bool,
    pub(crate) ca_bundle: Option<PathBuf>,
    pub(crate) calendar: TradingCalendar,
    copy: CopyValues,
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

    fn merge(
        flags: &Global,
        environment: &dyn Fn(&str) -> Option<OsString>,
        file: Option<ConfigFile>,
    ) -> Result<Self, ConfigError> {
        let sources = Sources { environment, file: file.as_ref() };
        let from = |entry: fn(&Entries) -> Option<String>| file.as_ref().and_then(|f| entry(&f.entries));
        // A switch has no negative form: the file's `true` stands.
        let set = |flag: bool, entry: fn(&Entries) -> Option<bool>| {
            flag || file.as_ref().and_then(|f| entry(&f.entries)).unwrap_or(false)
        };

        let account = sources.pick("account", &flags.account, &["FLEX_ACCOUNT"], from(|e| e.account.clone()))?;
        let bucket = sources.pick("bucket", &flags.bucket, &["FLEX_BUCKET"], from(|e| e.bucket.clone()))?;
        let dest_prefix =
            sources.pick("dest-prefix", &flags.dest_prefix, &["FLEX_DEST_PREFIX"], from(|e| e.dest_prefix.clone()))?;
        let source_bucket = sources.pick(
            "source-bucket",
            &flags.source_bucket,
            &["FLEX_SOURCE_BUCKET"],
            from(|e| e.source_bucket.clone()),
        )?;
        let source_account = sources.pick(
            "source-account",
            &flags.source_account,
            &["FLEX_SOURCE_ACCOUNT"],
            from(|e| e.source_account.clone()),
        )?;
        let role_arn = sources.pick("role-arn", &flags.role_arn, &["FLEX_ROLE_ARN"], from(|e| e.role_arn.clone()))?;
        let session_name = sources.pick(
            "session-name",
            &flags.session_name,
            &["FLEX_SESSION_NAME"],
            from(|e| e.session_name.clone()),
        )?;
        let profile = sources.pick("profile", &flags.profile, &["AWS_PROFILE"], from(|e| e.profile.clone()))?;
        let owner_profile = sources.pick(
            "owner-profile",
            &flags.owner_profile,
            &["FLEX_OWNER_PROFILE"],
            from(|e| e.owner_profile.clone()),
        )?;
        let region = sources.pick("region", &flags.region, &["FLEX_REGION"], from(|e| e.region.clone()))?;
        let calendar = sources.pick("calendar", &flags.calendar, &["FLEX_CALENDAR"], from(|e| e.calendar.clone()))?;
        let proof = sources.pick("proof", &flags.proof, &[], from(|e| e.proof.clone()))?;
        let on_change = sources.pick("on-change", &flags.on_change, &[], from(|e| e.on_change.clone()))?;
        let class = sources.pick("storage-class", &flags.storage_class, &[], from(|e| e.storage_class.clone()))?;
        let sse = sources.pick("sse", &flags.sse, &[], from(|e| e.sse.clone()))?;
        let in_flight = sources.pick(
            "max-in-flight",
            &flags.max_in_flight,
            &[],
            from(|e| e.max_in_flight.map(|n| n.to_string())),
        )?;
        let rps = sources.pick("max-rps", &flags.max_rps, &[], from(|e| e.max_rps.map(|n| n.to_string())))?;

        // The SDK's own switch: endpoints from the environment and from profiles are then not looked at.
        let ignore =
            sources.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let endpoints = |variables: &'static [&'static str]| if ignore { &[] } else { variables };
        let s3_endpoint = sources.pick(
            "endpoint-url",
            &flags.endpoint_url,
            endpoints(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
            from(|e| e.endpoint_url.clone()),
        )?;
        let sts_endpoint = sources.pick(
            "sts-endpoint-url",
            &flags.sts_endpoint_url,
            endpoints(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"]),
            from(|e| e.sts_endpoint_url.clone()),
        )?;

        let mut notes: Vec<_> = [&s3_endpoint, &sts_endpoint, &role_arn, &bucket, &source_bucket, &source_account]
            .into_iter()
            .flatten()
            .filter_map(|given| match &given.origin {
                Origin::File { path, name, chosen: false } if is_here(path) => {
                    Some(format!("{} sets {name} = {:?}", path.display(), given.value))
                }
                _ => None,
            })
            .collect();
        if let Some(file) = file.as_ref().filter(|f| !f.chosen && is_here(&f.path))
            && file.entries.no_expected_owner == Some(true)
            && !flags.no_expected_owner
        {
            notes.push(format!("{} sets no-expected-owner = true", file.path.display()));
        }

        let include = sources.list("include", &flags.include, |e| &e.include);
        let exclude = sources.list("exclude", &flags.exclude, |e| &e.exclude);

        let copy = CopyValues {
            filter: values::name_filter(&include, &exclude)?,
            proof: proof.map(|p| p.with(values::proof)).transpose()?.map(|p| p.value).unwrap_or_default(),
            on_change: on_change.map(|o| o.with(values::on_change)).transpose()?.map(|o| o.value).unwrap_or_default(),
            storage_class: class.map(|c| c.with(values::storage_class)).transpose()?.map(|c| c.value),
            sse: sse.map(|s| s.with(values::encryption)).transpose()?.map(|s| s.value),
            max_in_flight: in_flight.map(Given::parse).transpose()?,
            max_rps: rps.map(Given::parse).transpose()?,
            compat: set(flags.compat, |e| e.compat),
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
            s3_endpoint: s3_endpoint.map(endpoint::check).transpose()?,
            sts_endpoint: sts_endpoint.map(endpoint::check).transpose()?,
            expected_owner: !set(flags.no_expected_owner, |e| e.no_expected_owner),
            ca_bundle: environment("AWS_CA_BUNDLE").filter(|v| !v.is_empty()).map(PathBuf::from),
            calendar: calendar.map_or_else(|| Ok(TradingCalendar::tse()), |c| values::calendar(&c))?,
            copy,
            notes,
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
            let origin = match source.setting {
                "max_in_flight" => values.max_in_flight.as_ref().map(|g| g.origin.clone()),
                "max_rps" => values.max_rps.as_ref().map(|g| g.origin.clone()),
                _ => None,
            };
            ConfigError::Value {
                origin: origin.unwrap_or(Origin::Flag(source.setting)),
                value: source.value.clone(),
                source: source.allowed.into(),
            }
        })
    }

    /// Whether the filters let a file's name pass.
    pub(crate) fn passes(&self, name: &str) -> bool {
        self.copy.filter.as_ref().is_none_or(|filter| filter(name))
    }

    /// The prefix before the vendor's keys; empty where there is none.
    pub(crate) fn key_prefix(&self) -> &str {
        self.dest_prefix.as_ref().map_or("", |given| &given.value)
    }
}

struct Sources<'a> {
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    file: Option<&'a ConfigFile>,
}

impl Sources<'_> {
    /// A variable; an empty one counts as not set.
    fn variable(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        match (self.environment)(name) {
            Some(value) if !value.is_empty() => value.into_string().map(Some).map_err(|_| ConfigError::NotText(name)),
            _ => Ok(None),
        }
    }

    fn pick(
        &self,
        name: &'static str,
        flag: &Option<String>,
        variables: &'static [&'static str],
        entry: Option<String>,
    ) -> Result<Option<Given<String>>, ConfigError> {
        if let Some(value) = flag {
            return Ok(Some(Given { value: value.clone(), origin: Origin::Flag(name) }));
        }
        for variable in variables {
            if let Some(value) = self.variable(variable)? {
                return Ok(Some(Given { value, origin: Origin::Environment(variable) }));
            }
        }
        Ok(entry.zip(self.file).map(|(value, file)| Given {
            value,
            origin: Origin::File { path: file.path.clone(), name, chosen: file.chosen },
        }))
    }

    fn list(&self, name: &'static str, flag: &[String], entry: fn(&Entries) -> &Vec<String>) -> Given<Vec<String>> {
        match self.file {
            Some(file) if flag.is_empty() => Given {
                value: entry(&file.entries).clone(),
                origin: Origin::File { path: file.path.clone(), name, chosen: file.chosen },
            },
            _ => Given { value: flag.to_vec(), origin: Origin::Flag(name) },
        }
    }
}

/// A file of the current folder, which may be somebody else's.
fn is_here(path: &Path) -> bool {
    path.parent() == Some(Path::new("."))
}

impl Given<String> {
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
            Ok(value) => Ok(Given { value, origin: self.origin }),
            Err(source) => Err(ConfigError::Value { origin: self.origin, value: self.value, source: source.into() }),
        }
    }
}

#[cfg(test)]
mod tests;
