//! Files that hold an access key: for their owner alone, and whole or not at all.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::private;

/// Where a key goes.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A profile of the shared credentials file.
    Profile(String),
    /// A file of its own.
    Csv(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Profile(name) => write!(f, "[{name}]"),
            Self::Csv(path) => path.display().fmt(f),
        }
    }
}

/// Why a key has nowhere to go.
#[derive(Debug, Error)]
pub(super) enum KeyFileError {
    #[error("{path} cannot be read", path = path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} cannot be written", path = path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{path} exists", path = path.display())]
    Exists { path: PathBuf },
    #[error("{path} has a profile {profile} by now, which is not overwritten", path = path.display())]
    Taken { path: PathBuf, profile: String },
    #[error("{path} is not a file", path = path.display())]
    NotAFile { path: PathBuf },
    #[error("{path} was changed by another program at the same moment", path = path.display())]
    Changed { path: PathBuf },
    #[error("there is no home folder: set HOME, or AWS_SHARED_CREDENTIALS_FILE")]
    NoHome,
}

/// What stands already where a key is to go.
#[derive(Debug)]
pub(super) struct Taken {
    /// The file.
    pub(super) file: String,
    /// The key in it, where one was found.
    pub(super) key_id: Option<String>,
}

/// Looks whether the place is free.
pub(super) fn look(place: &Place) -> Result<Option<Taken>, KeyFileError> {
    match place {
        Place::Profile(name) => {
            let mut taken: Option<Taken> = None;
            for path in [credentials_path()?, config_path()?] {
                let text = read(&path)?.unwrap_or_default();
                if let Some(section) = section(&String::from_utf8_lossy(&text), name) {
                    let key_id = section.or_else(|| taken.as_mut().and_then(|taken| taken.key_id.take()));
                    taken = Some(Taken { file: path.display().to_string(), key_id });
                }
            }
            Ok(taken)
        }
        Place::Csv(path) => match read(path)? {
            None => Ok(None),
            Some(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let first = |line: &str| line.split(',').next().map(|id| id.trim().to_owned());
                let key_id = text.lines().nth(1).and_then(first);
                Ok(Some(Taken { file: path.display().to_string(), key_id }))
            }
        },
    }
}

/// Where the SDK and the AWS CLI look, too.
fn credentials_path() -> Result<PathBuf, KeyFileError> {
    aws_path("AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

fn config_path() -> Result<PathBuf, KeyFileError> {
    aws_path("AWS_CONFIG_FILE", "config")
}

fn aws_path(variable: &str, name: &str) -> Result<PathBuf, KeyFileError> {
    let home = || {
        let home = ["HOME", "USERPROFILE"].iter().find_map(|v| std::env::var_os(v).filter(|v| !v.is_empty()));
        home.map(PathBuf::from).ok_or(KeyFileError::NoHome)
    };
    match std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from) {
        None => Ok(home()?.join(".aws").join(name)),
        Some(path) => match path.strip_prefix("~") {
            Ok(rest) => Ok(home()?.join(rest)),
            Err(_) => Ok(path),
        },
    }
}

/// The bytes of a file; none where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, KeyFileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(KeyFileError::Read { path: path.to_owned(), source }),
    }
}

/// Whether there is a section of this name, and the access key in it. Sections of the configuration file may be called
/// `profile NAME`; here they count in either file, since overwriting one is worse than refusing.
fn section(text: &str, name: &str) -> Option<Option<String>> {
    let mut found = None;
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(title) = line.strip_prefix('[') {
            let title = title.split(']').next().unwrap_or_default().trim();
            let title = title.strip_prefix("profile").filter(|t| t.starts_with([' ', '\t'])).unwrap_or(title).trim();
            inside = title == name;
            if inside && found.is_none() {
                found = Some(None);
            }
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim().eq_ignore_ascii_case("aws_access_key_id")
        {
            found = Some(Some(value.trim().to_owned()));
        }
    }
    found
}

/// A file made ready for a key: everything that can fail for want of rights or room has been tried. Dropped without a
/// key, it leaves nothing behind.
pub(super) struct Ready {
    /// What is written to, and is deleted unless it is finished.
    draft: Option<PathBuf>,
    file: File,
    to: To,
}

enum To {
    /// The draft takes this file's place; `before` is what it must still hold.
    Credentials { path: PathBuf, profile: String, before: Option<Vec<u8>> },
    /// The draft is the file.
    Csv { path: PathBuf },
}

impl Ready {
    pub(super) fn prepare(place: &Place) -> Result<Self, KeyFileError> {
        match place {
            Place::Csv(path) => {
                let file = private::create(path).map_err(|source| match source.kind() {
                    io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.clone() },
                    _ => KeyFileError::Write { path: path.clone(), source },
                })?;
                Ok(Self { draft: Some(path.clone()), file, to: To::Csv { path: path.clone() } })
            }
            Place::Profile(profile) => Self::beside(credentials_path()?, profile),
        }
    }

    /// A draft beside the credentials file, with all that the file holds.
    fn beside(path: PathBuf, profile: &str) -> Result<Self, KeyFileError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| KeyFileError::Write { path, source }
        };
        if let Some(folder) = path.parent() {
            private::folder(folder).map_err(failed(&path))?;
        }
        // A link stays one: what it points to is replaced.
        let path = match fs::canonicalize(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => link_target(&path),
            Err(source) => return Err(KeyFileError::Write { path, source }),
        };
        // /dev/null is a way to say that there is no file; nothing takes its place.
        if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
            return Err(KeyFileError::NotAFile { path });
        }
        let before = read(&path)?;
        // Since the look, another run may have written it. Two sections of one name make the file unreadable for others.
        if section(&String::from_utf8_lossy(before.as_deref().unwrap_or_default()), profile).is_some() {
            return Err(KeyFileError::Taken { path, profile: profile.to_owned() });
        }
        let draft = draft_path(&path);
        let file = private::create_as(&draft, mode_of(&path)).map_err(failed(&draft))?;
        let to = To::Credentials { path, profile: profile.to_owned(), before: before.clone() };
        let mut ready = Self { draft: Some(draft.clone()), file, to };
        // Written now: a full disk shows before there is a key.
        let text = before.unwrap_or_default();
        ready.file.write_all(&text).and_then(|()| ready.file.sync_all()).map_err(failed(&draft))?;
        Ok(ready)
    }

    /// Adds the key and puts the file where it belongs.
    pub(super) fn write(mut self, id: &str, secret: &str) -> Result<(), KeyFileError> {
        match &self.to {
            To::Csv { path } => {
                let text = format!("Access key ID,Secret access key\n{id},{secret}\n");
                let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
                written.map_err(|source| KeyFileError::Write { path: path.clone(), source })?;
                self.draft = None;
            }
            To::Credentials { path, profile, before } => {
                let open = before.as_ref().is_some_and(|bytes| !bytes.is_empty() && !bytes.ends_with(b"\n"));
                let blank = if before.as_ref().is_some_and(|bytes| !bytes.is_empty()) { "\n" } else { "" };
                let end = if open { "\n" } else { "" };
                let text =
                    format!("{end}{blank}[{profile}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
                let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
                written.map_err(|source| KeyFileError::Write { path: path.clone(), source })?;
                if read(path)? != *before {
                    return Err(KeyFileError::Changed { path: path.clone() });
                }
                if let Some(draft) = &self.draft {
                    fs::rename(draft, path).map_err(|source| KeyFileError::Write { path: path.clone(), source })?;
                }
                self.draft = None;
            }
        }
        Ok(())
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(draft) = &self.draft {
            // It is our own and holds nothing that is needed.
            let _ = fs::remove_file(draft);
        }
    }
}

/// A link that points to a file that is not there yet.
fn link_target(path: &Path) -> PathBuf {
    match fs::read_link(path) {
        Ok(target) => path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)),
        Err(_) => path.to_owned(),
    }
}

/// Beside the file, since only within one file system a rename is one step.
fn draft_path(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.flex-{}-{:08x}", std::process::id(), fastrand::u32(..)))
}

/// The mode for the new file: the old one's, but for nobody except its owner.
#[cfg(unix)]
fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).map_or(0o600, |file| file.permissions().mode() & 0o600)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> u32 {
    0o600
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_program_writes_meanwhile_is_not_lost() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let ready = Ready::beside(path.clone(), "flex-copy").expect("ready");
        fs::write(&path, "[other]\n").expect("written");
        let error = ready.write("AKIA1", "hush").expect_err("the file was changed");
        assert!(matches!(error, KeyFileError::Changed { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "[other]\n");
        // The draft with the secret is gone.
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);

        Ready::beside(path.clone(), "flex-copy").expect("ready").write("AKIA1", "hush").expect("written");
        let text = fs::read_to_string(&path).expect("a file");
        assert_eq!(text, "[other]\n\n[flex-copy]\naws_access_key_id = AKIA1\naws_secret_access_key = hush\n");
        assert_eq!(section(&text, "flex-copy"), Some(Some("AKIA1".to_owned())));
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_not_replaced() {
        assert!(matches!(Ready::beside("/dev/null".into(), "flex-copy"), Err(KeyFileError::NotAFile { .. })));
    }

    #[test]
    fn a_profile_that_another_run_has_written_since_the_look_is_not_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        fs::write(&path, "[flex-copy]\n").expect("written");
        assert!(matches!(Ready::beside(path.clone(), "flex-copy"), Err(KeyFileError::Taken { .. })));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "a draft is left");
        assert!(Ready::beside(path, "flex").is_ok());
    }

    #[test]
    fn a_section_is_found_however_it_is_written() {
        let text = "# [flex-copy]\n[default]\naws_access_key_id = AKIA0\n[ flex-copy ] ; mine\nAWS_ACCESS_KEY_ID=AKIA1 \n\
                    [profile\ttick]\nregion = x\n[profiler]\n";
        for (name, want) in [
            ("flex-copy", Some(Some("AKIA1"))),
            ("default", Some(Some("AKIA0"))),
            ("tick", Some(None)),
            ("profiler", Some(None)),
            ("r", None),
            ("flex", None),
        ] {
            assert_eq!(section(text, name), want.map(|id| id.map(str::to_owned)), "{name}");
        }
    }
}
