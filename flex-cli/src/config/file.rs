//! `flex.toml`: where it is looked for, what it may hold.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use thiserror::Error;

/// The name it is found under.
pub(crate) const NAME: &str = "flex.toml";

/// The options of a configuration file, named as the flags are.
#[derive(Debug, Default, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Entries {
    pub(crate) account: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) owner_profile: Option<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) session_name: Option<String>,
    pub(crate) bucket: Option<String>,
    pub(crate) dest_prefix: Option<String>,
    pub(crate) source_bucket: Option<String>,
    pub(crate) source_account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) sts_endpoint_url: Option<String>,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) proof: Option<String>,
    pub(crate) on_change: Option<String>,
    pub(crate) storage_class: Option<String>,
    pub(crate) sse: Option<String>,
    pub(crate) max_in_flight: Option<u64>,
    pub(crate) max_rps: Option<f64>,
    pub(crate) no_expected_owner: Option<bool>,
    pub(crate) compat: Option<bool>,
    pub(crate) calendar: Option<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) entries: Entries,
    /// Named by the user (`--config`, `$FLEX_CONFIG`), not merely found. What is found may be somebody else's.
    pub(crate) chosen: bool,
}

/// A file that was not read.
#[derive(Debug, Error)]
pub(crate) enum FileError {
    #[error("the configuration file {} ({how}) cannot be read", path.display())]
    Unreadable { path: PathBuf, how: &'static str, source: io::Error },
    #[error("the configuration file {} is not understood", path.display())]
    Malformed { path: PathBuf, source: toml::de::Error },
}

/// Finds and reads the file: the first of `--config`, `$FLEX_CONFIG`, `./flex.toml` and the platform's folder.
pub(crate) fn load(
    flag: Option<&Path>,
    environment: Option<PathBuf>,
    here: &Path,
    platform: Option<PathBuf>,
) -> Result<Option<ConfigFile>, FileError> {
    if let Some(path) = flag {
        return read(path, "--config", true);
    }
    if let Some(path) = environment {
        return read(&path, "FLEX_CONFIG", true);
    }
    for path in [Some(here.join(NAME)), platform].into_iter().flatten() {
        match read(&path, "found", false) {
            Err(FileError::Unreadable { source, .. })
                if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            other => return other,
        }
    }
    Ok(None)
}

fn read(path: &Path, how: &'static str, chosen: bool) -> Result<Option<ConfigFile>, FileError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| FileError::Unreadable { path: path.to_owned(), how, source })?;
    let entries = toml::from_str(&text).map_err(|source| FileError::Malformed { path: path.to_owned(), source })?;
    Ok(Some(ConfigFile { path: path.to_owned(), entries, chosen }))
}

/// The file in the platform's configuration folder.
pub(crate) fn platform_path() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "flex").map(|dirs| dirs.config_dir().join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(dir: &Path, text: &str) -> PathBuf {
        std::fs::create_dir_all(dir).expect("a folder");
        let path = dir.join(NAME);
        std::fs::write(&path, text).expect("a file");
        path
    }

    #[test]
    fn the_first_file_found_is_read_and_no_other() {
        let dir = tempfile::tempdir().expect("a folder");
        let here = dir.path().join("here");
        let platform = write(&dir.path().join("platform"), "bucket = 'p'");
        let chosen = write(&dir.path().join("chosen"), "bucket = 'c'");
        let bucket = |file: Option<ConfigFile>| file.and_then(|f| f.entries.bucket.map(|b| (b, f.chosen)));
        let found = |flag: Option<&Path>, env| load(flag, env, &here, Some(platform.clone())).expect("a file");
        assert_eq!(bucket(found(None, None)), Some(("p".into(), false)));
        write(&here, "bucket = 'h'");
        assert_eq!(bucket(found(None, None)), Some(("h".into(), false)));
        assert_eq!(bucket(found(None, Some(chosen.clone()))), Some(("c".into(), true)));
        assert_eq!(bucket(found(Some(&chosen), Some(platform.clone()))), Some(("c".into(), true)));
        assert!(load(None, None, &dir.path().join("none"), None).expect("no file").is_none());
    }

    #[test]
    fn a_chosen_file_must_be_there_and_unknown_names_are_refused_with_their_place() {
        let dir = tempfile::tempdir().expect("a folder");
        let absent = dir.path().join("absent.toml");
        assert!(matches!(load(Some(&absent), None, dir.path(), None), Err(FileError::Unreadable { .. })));
        let path = write(dir.path(), "bucket = 'b'\nbukcet = 'c'\n");
        let error = load(None, None, dir.path(), None).expect_err("an unknown name");
        let FileError::Malformed { source, .. } = &error else { panic!("{error:?}") };
        assert!(source.to_string().contains("bukcet") && source.to_string().contains("line 2"), "{source}");
        assert!(error.to_string().contains(&path.display().to_string()));
    }
}
