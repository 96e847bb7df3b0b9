//! Where a setting is looked for: flag, then environment, then file. What was found is kept for `flex config show`.

use std::ffi::OsString;

use super::{
    ConfigError, Given, Origin,
    file::ConfigFile,
    keys::{self, Key, Value},
};
use crate::args::Global;

/// A setting, and its value where one was given.
pub(crate) struct Found {
    pub(crate) key: &'static Key,
    pub(crate) given: Option<(Value, Origin)>,
}

/// The values of all settings, before they become types.
pub(super) struct Sources {
    pub(super) found: Vec<Found>,
}

impl Sources {
    pub(super) fn new(
        flags: &Global,
        environment: &dyn Fn(&str) -> Option<OsString>,
        file: Option<&ConfigFile>,
    ) -> Result<Self, ConfigError> {
        // An empty variable counts as not set.
        let variable = |name: &'static str| match environment(name) {
            Some(value) if !value.is_empty() => value.into_string().map(Some).map_err(|_| ConfigError::NotText(name)),
            _ => Ok(None),
        };
        // The SDK's own switch: endpoints from the environment and from profiles are then not looked at.
        let ignore_endpoints =
            variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")?.is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let look = |key: &'static Key| -> Result<_, ConfigError> {
            if let Some(value) = (key.flag)(flags) {
                return Ok(Some((value, Origin::Flag(key.name))));
            }
            for name in key.variables {
                if ignore_endpoints && name.starts_with("AWS_ENDPOINT_URL") {
                    continue;
                }
                if let Some(value) = variable(name)? {
                    return Ok(Some((Value::Text(value), Origin::Environment(name))));
                }
            }
            Ok(file.and_then(|file| {
                let (value, line) = file.entries.get(key.name)?.clone();
                let origin = Origin::File { path: file.path.clone(), name: key.name, line, chosen: file.chosen };
                Some((value, origin))
            }))
        };
        let found = keys::all().map(|key| Ok(Found { key, given: look(key)? })).collect::<Result<_, ConfigError>>()?;
        Ok(Self { found })
    }

    fn given(&self, name: &'static str) -> Option<(Value, Origin)> {
        self.found.iter().find(|found| found.key.name == name).and_then(|found| found.given.clone())
    }

    /// A text, or a number as it was written.
    pub(super) fn text(&self, name: &'static str) -> Option<Given<String>> {
        match self.given(name) {
            Some((Value::Text(value) | Value::Number(value), origin)) => Some(Given { name, value, origin }),
            _ => None,
        }
    }

    pub(super) fn list(&self, name: &'static str) -> Option<Given<Vec<String>>> {
        match self.given(name) {
            Some((Value::List(value), origin)) => Some(Given { name, value, origin }),
            _ => None,
        }
    }

    /// Where a switch was turned on. It has no negative form: a file's `true` stands.
    pub(super) fn switch(&self, name: &'static str) -> Option<Origin> {
        match self.given(name) {
            Some((Value::Switch(true), origin)) => Some(origin),
            _ => None,
        }
    }
}
