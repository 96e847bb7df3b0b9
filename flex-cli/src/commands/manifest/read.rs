//! Manifests from files and folders, read and joined.

use std::{
    error::Error,
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use flex_copy::manifest::{Added, ManifestError, ManifestHeader, ManifestIndex, ManifestReader, RunEnd};

use super::write::{CUT_SUFFIX, SUFFIX};
use crate::{
    config::Settings,
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Ui, json, size},
    signals::Interrupt,
};

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) index: ManifestIndex,
    pub(crate) files: usize,
    /// The destination that they are of.
    pub(crate) of: Option<Of>,
    /// Things to know of them.
    notes: Vec<Note>,
}

#[derive(Debug)]
struct Note {
    kind: &'static str,
    text: String,
}

/// What a manifest is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Of {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) prefix: String,
}

impl Of {
    pub(crate) fn settings(settings: &Settings) -> Option<Self> {
        Some(Self {
            source: settings.source_bucket.as_str().to_owned(),
            destination: settings.bucket.as_ref()?.value.as_str().to_owned(),
            prefix: settings.key_prefix().to_owned(),
        })
    }

    fn header(header: &ManifestHeader) -> Self {
        Self { source: header.source.clone(), destination: header.destination.clone(), prefix: header.prefix.clone() }
    }
}

impl std::fmt::Display for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "copies from {} in {}/{}", self.source, self.destination, self.prefix)
    }
}

/// Reads them all, away from the signals' own thread. `of`: what they have to be of; else they must agree.
pub(crate) async fn load(paths: Vec<String>, of: Option<Of>, interrupt: &Interrupt) -> Result<Loaded, Stop> {
    let work =
        async { tokio::task::spawn_blocking(move || read(&paths, of)).await.map_err(|e| Stop::new(Exit::Failed, &e))? };
    interrupt.or(work).await
}

fn read(paths: &[String], of: Option<Of>) -> Result<Loaded, Stop> {
    let mut loaded = Loaded { of, ..Loaded::default() };
    for path in paths {
        let path = Path::new(path);
        if !path.is_dir() {
            add(&mut loaded, path, true)?;
            continue;
        }
        let files = inside(path).map_err(|e| unreadable(path, &e))?;
        if files.is_empty() {
            return Err(Stop::text(Exit::Usage, format!("there is no manifest in {}", path.display()))
                .mend(msg!("manifest-none", suffix = SUFFIX)));
        }
        for file in files {
            add(&mut loaded, &file, false)?;
        }
    }
    Ok(loaded)
}

impl Loaded {
    /// Tells the notes: programs in the stream, and people on standard error.
    pub(crate) fn tell(&self, ui: &mut Ui) {
        for Note { kind, text } in &self.notes {
            if ui.json {
                ui.event("notice", json::NoticeLine::of(kind, text.clone()));
            }
            ui.note(text);
        }
    }

    fn note(&mut self, kind: &'static str, text: String) {
        self.notes.push(Note { kind, text });
    }

    /// None of the files was of what was asked for.
    pub(crate) fn none(&self) -> Stop {
        let of = self.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
        let because = self.notes.iter().map(|note| format!("\n{}", note.text)).collect::<String>();
        Stop::text(Exit::Usage, format!("no manifest{of} is among them{because}")).mend(msg!("manifest-other"))
    }
}

/// Whether there is a manifest.
pub(crate) fn has_any(path: &str) -> bool {
    let path = Path::new(path);
    if path.is_dir() { inside(path).is_ok_and(|files| !files.is_empty()) } else { path.exists() }
}

/// The manifests of a folder, by name.
fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(SUFFIX) || name.ends_with(CUT_SUFFIX) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Adds a file. One that was `named` must fit; in a folder there may be those of other destinations.
fn add(loaded: &mut Loaded, path: &Path, named: bool) -> Result<(), Stop> {
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    let reader = match ManifestReader::new(BufReader::with_capacity(64 * 1024, file)) {
        Ok(reader) => reader,
        // Of a run that was killed before its first object.
        Err(ManifestError::CutOff { .. }) => {
            loaded.note(
                "manifest-cut-off",
                format!("the manifest {} is cut off before its first record", path.display()),
            );
            return Ok(());
        }
        Err(e) => return Err(untrusted(path, &e)),
    };
    let header = Of::header(reader.header());
    match &loaded.of {
        Some(of) if *of != header => {
            let what = format!("the manifest {} is of {header}, not of {of}", path.display());
            if named {
                return Err(Stop::text(Exit::Usage, what).mend(msg!("manifest-other")));
            }
            loaded.note("manifest-left-out", format!("{what}: left out"));
            return Ok(());
        }
        Some(_) => {}
        None => loaded.of = Some(header),
    }
    let Added { records, ended, cut_off } = loaded.index.add(reader).map_err(|e| untrusted(path, &e))?;
    loaded.files += 1;
    let records = size::count(records, "record", "records");
    if cut_off.is_some() {
        let what = format!(
            "the manifest {} is cut off, as a killed run leaves it: it is used as far as it goes ({records}), but no \
             digest vouches for it",
            path.display()
        );
        loaded.note("manifest-cut-off", what);
    } else if let Some(RunEnd::Interrupted | RunEnd::Stopped) = ended {
        let what = format!("the manifest {} is of a run that did not come to its end: {records}", path.display());
        loaded.note("manifest-unfinished", what);
    }
    Ok(())
}

fn unreadable(path: &Path, error: &(dyn Error + 'static)) -> Stop {
    Stop::new(Exit::Usage, error)
        .during(format!("the manifest {} cannot be read", path.display()))
        .mend(msg!("manifest-unreadable"))
}

fn untrusted(path: &Path, error: &ManifestError) -> Stop {
    let mend = match error {
        ManifestError::NotAManifest => msg!("manifest-not-one"),
        ManifestError::Newer { .. } => msg!("manifest-newer"),
        ManifestError::Io(_) => msg!("manifest-unreadable"),
        _ => msg!("manifest-untrusted"),
    };
    Stop::new(Exit::Usage, error).during(format!("the manifest {} cannot be relied on", path.display())).mend(mend)
}
