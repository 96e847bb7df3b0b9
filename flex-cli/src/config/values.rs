//! Values that are the command line's own to read.

use std::{ffi::OsString, sync::Arc};

use flex_copy::{Encryption, NameFilter, OnChange, ProofWanted};
use flex_keys::TradingCalendar;
use flex_policy::BucketName;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::{ConfigError, Given, NONE, Origin};
use crate::language::Language;

const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
    "REDUCED_REDUNDANCY",
];

/// A switch of the environment alone.
pub(super) fn switch(environment: &dyn Fn(&str) -> Option<OsString>, name: &'static str) -> Result<bool, ConfigError> {
    let Some(value) = environment(name) else { return Ok(false) };
    match value.to_str().map(str::to_ascii_lowercase).as_deref() {
        Some("1" | "true" | "yes") => Ok(true),
        Some("" | "0" | "false" | "no") => Ok(false),
        _ => Err(ConfigError::Value {
            name,
            origin: Origin::Environment(name),
            value: value.to_string_lossy().into_owned(),
            source: "expected 1 or 0".into(),
        }),
    }
}

pub(super) fn proof(text: &str) -> Result<ProofWanted, &'static str> {
    match text {
        "etag" => Ok(ProofWanted::ETag),
        "size" => Ok(ProofWanted::Size),
        _ => Err("expected etag or size"),
    }
}

pub(super) fn on_change(text: &str) -> Result<OnChange, &'static str> {
    match text {
        "copy" => Ok(OnChange::Copy),
        "keep" => Ok(OnChange::Keep),
        "fail" => Ok(OnChange::Fail),
        _ => Err("expected copy, keep or fail"),
    }
}

pub(super) fn storage_class(text: &str) -> Result<String, String> {
    let class = text.to_ascii_uppercase();
    if STORAGE_CLASSES.contains(&class.as_str()) {
        Ok(class)
    } else {
        Err(format!("expected one of {}", STORAGE_CLASSES.join(", ")))
    }
}

pub(super) fn encryption(text: &str) -> Result<Encryption, &'static str> {
    match text.strip_prefix("aws:kms:") {
        Some(key) if !key.is_empty() => Ok(Encryption::Kms(key.to_owned())),
        None if text == "AES256" => Ok(Encryption::S3),
        _ => Err("expected AES256, or aws:kms: and the key's id or ARN"),
    }
}

pub(super) fn prefix(text: &str) -> Result<String, &'static str> {
    if text.starts_with("s3://") {
        return Err("expected a prefix without the bucket, for example some/where");
    }
    if text.chars().any(char::is_control) {
        return Err("it holds a control character");
    }
    Ok(text.trim_matches('/').to_owned())
}

/// A language by its code.
pub(super) fn language(text: &str) -> Result<Language, &'static str> {
    Language::of_code(text).ok_or("expected ja or en")
}

/// A filter of file names; `None` lets all pass.
pub(super) fn name_filter(
    include: Option<&Given<Vec<String>>>,
    exclude: Option<&Given<Vec<String>>>,
) -> Result<Option<NameFilter>, ConfigError> {
    if let Some(exclude) = exclude {
        // The manual's `--exclude "*" --include …` means "only these" to `aws s3`, where the last match wins.
        if let Some(all) = exclude.value.iter().find(|pattern| matches!(pattern.as_str(), "*" | "**")) {
            return Err(wrong(
                exclude,
                all,
                "it excludes every file: unlike in `aws s3`, --exclude always wins. To keep some files only, give --include alone",
            ));
        }
    }
    let set = |given: Option<&Given<Vec<String>>>| given.filter(|g| !g.value.is_empty()).map(globs).transpose();
    let (included, excluded) = (set(include)?, set(exclude)?);
    if included.is_none() && excluded.is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(move |name: &str| {
        included.as_ref().is_none_or(|set| set.is_match(name))
            && !excluded.as_ref().is_some_and(|set| set.is_match(name))
    })))
}

fn wrong<T>(given: &Given<T>, value: &str, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConfigError {
    ConfigError::Value { name: given.name, origin: given.origin.clone(), value: value.to_owned(), source: why.into() }
}

fn globs(given: &Given<Vec<String>>) -> Result<GlobSet, ConfigError> {
    let mut set = GlobSetBuilder::new();
    for pattern in &given.value {
        if pattern.contains('/') {
            return Err(wrong(
                given,
                pattern,
                "it holds a /, but only the file's name is looked at, what follows the last /",
            ));
        }
        set.add(GlobBuilder::new(pattern).build().map_err(|e| wrong(given, pattern, e.kind().to_string()))?);
    }
    set.build().map_err(|e| wrong(given, &given.value.join(" "), e.to_string()))
}

/// A path. A relative one in a configuration file starts at that file, wherever flex is started.
pub(super) fn path(mut given: Given<String>) -> Given<String> {
    if let Origin::File { path, .. } = &given.origin
        && let Some(folder) = path.parent().filter(|folder| !matches!(folder.to_str(), None | Some("" | ".")))
        && let Some(joined) = folder.join(&given.value).to_str()
    {
        given.value = joined.to_owned();
    }
    given
}

/// A path, or `none`. An empty one is a mistake, such as a variable of the shell's that is not set.
pub(super) fn path_or_none(given: Given<String>) -> Result<Given<String>, ConfigError> {
    match given.value.as_str() {
        "" => Err(wrong(&given, "", "the name is empty: expected a path, or none")),
        NONE => Ok(given),
        _ => Ok(path(given)),
    }
}

/// The calendar with the corrections of a file.
pub(super) fn calendar(given: Given<String>) -> Result<TradingCalendar, ConfigError> {
    path(given)
        .with(|path| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
            let text = std::fs::read_to_string(path)?;
            Ok(TradingCalendar::tse().with_overrides(&text)?)
        })
        .map(|given| given.value)
}

/// A name that is known to be right.
pub(super) fn known(bucket: &'static str) -> BucketName {
    match bucket.parse() {
        Ok(name) => name,
        // Shown to be unreachable by the test below.
        Err(e) => unreachable!("{bucket}: {e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(list: &[&str]) -> Option<Given<Vec<String>>> {
        let value: Vec<String> = list.iter().map(|s| (*s).to_owned()).collect();
        (!value.is_empty()).then_some(Given { name: "include", value, origin: Origin::Flag("include") })
    }

    fn passes(include: &[&str], exclude: &[&str], name: &str) -> bool {
        name_filter(given(include).as_ref(), given(exclude).as_ref())
            .expect("a filter")
            .is_none_or(|filter| filter(name))
    }

    #[test]
    fn exclude_wins_over_include() {
        assert!(passes(&[], &[], "a.gz"));
        assert!(passes(&["*.gz"], &[], "20210531_1_001.pcap.gz"));
        assert!(!passes(&["*.gz"], &[], "a.txt"));
        assert!(!passes(&["*.gz"], &["*_2_*"], "20210531_2_001.pcap.gz"));
        assert!(passes(&["*.gz", "*.txt"], &["b*"], "a.txt"));
        assert!(!passes(&[], &["*.md5"], "a.md5"));
        assert!(passes(&["*.{gz,zip}"], &[], "仕様 書.zip"));
    }

    #[test]
    fn patterns_that_cannot_mean_what_was_meant_are_refused() {
        for (include, exclude, why) in [
            (vec![], vec!["*"], "always wins"),
            (vec!["2021/*"], vec![], "only the file's name"),
            (vec!["[a"], vec![], "unclosed"),
        ] {
            let Err(ConfigError::Value { source, .. }) =
                name_filter(given(&include).as_ref(), given(&exclude).as_ref())
            else {
                panic!("accepted: {why}");
            };
            assert!(source.to_string().contains(why), "{source}");
        }
    }

    #[test]
    fn encryption_needs_its_key() {
        assert_eq!(encryption("AES256"), Ok(Encryption::S3));
        assert_eq!(encryption("aws:kms:alias/a:b"), Ok(Encryption::Kms("alias/a:b".into())));
        for text in ["aws:kms", "aws:kms:", "aes256", ""] {
            assert!(encryption(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_vendors_bucket_is_a_valid_name() {
        assert_eq!(known(super::super::SOURCE_BUCKET).as_str(), "dataservice-flex-bucket");
    }
}
