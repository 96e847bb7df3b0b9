//! The manifest that a copy leaves: where it goes, and what becomes of it when the run ends or the disk is full.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use flex_copy::{
    ObjectEnd,
    manifest::{ManifestEntry, ManifestHeader, ManifestWriter, RunEnd},
};

use crate::{
    config::Settings,
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Ui, json, size},
    private,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(size::now(), 0).unwrap_or_default()
}

/// What the file is called while the run goes on.
const PARTIAL: &str = ".partial";
/// How the names of manifests end in a folder.
pub(super) const SUFFIX: &str = ".jsonl";
/// And how those of runs that were killed.
pub(super) const CUT_SUFFIX: &str = ".jsonl.partial";

/// A name that is taken for a manifest, before anything else is started. Dropped, it is free again.
pub(crate) struct Claim {
    path: PathBuf,
    /// The name is of flex's own making.
    in_folder: bool,
    partial: Partial,
    run: String,
    started: DateTime<Utc>,
}

/// The file beside the name. Unless it is kept, it goes with its owner.
struct Partial {
    path: PathBuf,
    file: Option<File>,
    keep: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        self.file = None;
        if !self.keep {
            // It is empty, and whoever finds it sees that.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Claim {
    /// Takes the name that the settings give, if they give one.
    pub(crate) fn of(settings: &Settings, flags: &[String]) -> Result<Option<Self>, Stop> {
        if let [first, second, ..] = flags {
            return Err(Stop::text(Exit::Usage, format!("--manifest is given as {first} and as {second}"))
                .mend(msg!("manifest-one")));
        }
        let Some(given) = &settings.manifest else { return Ok(None) };
        let started = now();
        let run = format!("{}-{:08x}", started.format("%Y%m%dT%H%M%SZ"), fastrand::u32(..));
        let claim = Self::take(&given.value, run, started);
        claim.map(Some).map_err(|fault| given.said().into_iter().fold(fault.stop(), Stop::during))
    }

    fn take(given: &str, run: String, started: DateTime<Utc>) -> Result<Self, Fault> {
        let path = Path::new(given);
        let in_folder = given.ends_with(std::path::is_separator) || path.is_dir();
        let path = if in_folder {
            private::folder(path).map_err(|source| Fault::Unwritable { path: path.to_owned(), source })?;
            path.join(format!("flex-{run}{SUFFIX}"))
        } else {
            path.to_owned()
        };
        if std::fs::symlink_metadata(&path).is_ok() {
            return Err(Fault::Exists(path));
        }
        let mut partial = path.clone().into_os_string();
        partial.push(PARTIAL);
        let partial = PathBuf::from(partial);
        match private::create(&partial) {
            Ok(file) => {
                let partial = Partial { path: partial, file: Some(file), keep: false };
                Ok(Self { path, in_folder, partial, run, started })
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Fault::PartialExists(partial)),
            Err(source) => Err(Fault::Unwritable { path: partial, source }),
        }
    }

    /// Begins to write, when the run does.
    pub(crate) fn begin(self, settings: &Settings, selection: Vec<String>) -> Result<Writing, Stop> {
        let Self { path, in_folder, mut partial, run, started } = self;
        let header = ManifestHeader {
            run: run.into(),
            flex_version: env!("CARGO_PKG_VERSION").into(),
            started,
            source: settings.source_bucket.as_str().to_owned(),
            destination: settings.bucket.as_ref().map(|b| b.value.as_str().to_owned()).unwrap_or_default(),
            prefix: settings.key_prefix().to_owned(),
            selection,
        };
        let unwritable = |path: &Path, source| Fault::Unwritable { path: path.to_owned(), source }.stop();
        let Some(file) = partial.file.take() else {
            return Err(unwritable(&partial.path, io::Error::other("it is closed")));
        };
        let begun = ManifestWriter::new(BufWriter::new(file), header)
            .and_then(|mut writer| writer.flush().map(|()| writer))
            .map_err(|e| unwritable(&partial.path, e))?;
        partial.keep = true;
        let state = State::Open(Box::new(begun));
        Ok(Writing { path, in_folder, partial: partial.path.clone(), state, records: 0 })
    }
}

enum Fault {
    Exists(PathBuf),
    PartialExists(PathBuf),
    Unwritable { path: PathBuf, source: io::Error },
}

impl Fault {
    fn stop(&self) -> Stop {
        match self {
            Self::Exists(path) => Stop::text(
                Exit::Usage,
                format!("the manifest {} is there already, and none is overwritten", path.display()),
            )
            .mend(msg!("manifest-exists")),
            Self::PartialExists(path) => {
                Stop::text(Exit::Usage, format!("{} is there: another run's manifest, unfinished", path.display()))
                    .mend(msg!("manifest-unfinished", path = path.display()))
            }
            Self::Unwritable { path, source } => Stop::new(Exit::Usage, source)
                .during(format!("the manifest {} cannot be written", path.display()))
                .mend(msg!("manifest-unwritable")),
        }
    }
}

/// A manifest that is being written. Left unfinished, it stays under its name with `.partial`.
pub(crate) struct Writing {
    path: PathBuf,
    in_folder: bool,
    partial: PathBuf,
    state: State,
    /// Records that were handed on whole.
    records: u64,
}

enum State {
    Open(Box<ManifestWriter<BufWriter<File>>>),
    Failed,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Where it is.
    pub(crate) path: PathBuf,
    pub(crate) records: u64,
    /// It has its last line, and its name.
    pub(crate) whole: bool,
    in_folder: bool,
}

impl Written {
    /// What it is worth after a run that did not come to its end. One that could not be written has told so already.
    pub(crate) fn kept(&self) -> Option<String> {
        let again = if self.in_folder { "" } else { "; a re-run needs another name, or a folder (--manifest proofs/)" };
        self.whole.then(|| format!("the manifest {} holds what was proven until then{again}", self.path.display()))
    }
}

impl Writing {
    /// Adds an object that has ended, and hands it on, so that a run that is killed leaves what it had proven. The first
    /// failure is told; the copying goes on.
    pub(crate) fn record(&mut self, end: &ObjectEnd, ui: &mut Ui) {
        let State::Open(writer) = &mut self.state else { return };
        let Some(entry) = ManifestEntry::of(end, writer.header(), now()) else { return };
        match writer.record(&entry).and_then(|()| writer.flush()) {
            Ok(()) => self.records = writer.records(),
            Err(e) => self.fail(ui, &e),
        }
    }

    fn fail(&mut self, ui: &mut Ui, error: &io::Error) {
        self.state = State::Failed;
        let text = format!(
            "the manifest cannot be written any further: {error}; what it has is in {}, and the copying goes on without it",
            self.partial.display()
        );
        if ui.json {
            ui.event("notice", json::NoticeLine::of("manifest-failed", text.clone()));
        }
        ui.note(text);
    }

    /// Ends it: its last line, onto the disk, and its name.
    pub(crate) fn finish(mut self, how: RunEnd, ui: &mut Ui) -> Written {
        let (path, in_folder) = (self.partial.clone(), self.in_folder);
        let mut written = Written { path, records: self.records, whole: false, in_folder };
        let State::Open(writer) = std::mem::replace(&mut self.state, State::Failed) else { return written };
        written.records = writer.records();
        match self.close(*writer, how) {
            Ok(()) => Written { path: self.path, whole: true, ..written },
            Err(e) => {
                self.fail(ui, &e);
                written
            }
        }
    }

    fn close(&self, writer: ManifestWriter<BufWriter<File>>, how: RunEnd) -> io::Result<()> {
        let file = writer.finish(how, now())?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        // Taken first, so that the renaming never replaces a file of somebody else's.
        private::create(&self.path)?;
        std::fs::rename(&self.partial, &self.path)?;
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            // The content is on the disk; not every file system syncs folders.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(path: &Path) -> Result<Claim, String> {
        let path = path.to_str().expect("a name in UTF-8");
        Claim::take(path, "20261124T000000Z-00000001".into(), DateTime::UNIX_EPOCH)
            .map_err(|f| f.stop().what().to_owned())
    }

    #[test]
    fn a_name_is_taken_once_and_free_again_when_nothing_came_of_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("m.jsonl");
        let claim = take(&path).expect("a free name");
        assert!(take(&path).err().expect("taken").contains("unfinished"));
        assert!(!path.exists(), "the name itself is not there before the end");
        drop(claim);
        assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
        std::fs::write(&path, "mine").expect("a file");
        assert!(take(&path).err().expect("there").contains("none is overwritten"));
        assert!(take(&dir.path().join("no/such/m")).err().expect("no folder").contains("cannot be written"));
    }

    #[test]
    fn a_folder_gets_a_file_of_the_runs_own() {
        let dir = tempfile::tempdir().expect("a folder");
        let new = format!("{}/a/b/", dir.path().display());
        let claim = take(Path::new(&new)).expect("a folder is made");
        assert_eq!(claim.path.file_name().and_then(|n| n.to_str()), Some("flex-20261124T000000Z-00000001.jsonl"));
        let existing = take(dir.path()).expect("a folder that is there");
        assert_eq!(existing.path.parent(), Some(dir.path()));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let claim = take(Path::new(&format!("{}/new/", dir.path().display()))).expect("a claim");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&claim.partial.path), mode(&dir.path().join("new"))), (0o600, 0o700));
    }
}
