//! `flex ls`: like `aws s3 ls`.

use chrono::Datelike;
use flex_copy::{Copier, ListEntry, Place};
use flex_keys::{Dataset, DatePrefix, ObjectKey, SERVICE_START, Selection, SelectionErrorKind};
use flex_policy::SessionPurpose;
use futures::StreamExt;
use serde::Serialize;

use super::Job;
use crate::{
    args::LsArgs,
    clients::require_bucket,
    config::Settings,
    error::Stop,
    exit::Exit,
    hints,
    present::{Ui, json, size},
};

#[derive(Default, Serialize)]
struct Totals {
    folders: u64,
    objects: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Folder<'a> {
    prefix: &'a str,
}

#[derive(Serialize)]
struct End<'a> {
    command: &'a str,
    #[serde(flatten)]
    totals: &'a Totals,
    #[serde(flatten)]
    end: json::End<'a>,
}

pub(super) async fn run(job: &mut Job<'_>, args: &LsArgs) -> Result<Exit, Stop> {
    let started = std::time::Instant::now();
    let place = if args.dest {
        require_bucket(&job.settings)?;
        Place::Destination
    } else {
        Place::Source
    };
    let (selection, mut folders, paths) = what(job, &args.selections)?;
    let copy = job.settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let (copier, selection) = job.copier(selection, copy, SessionPurpose::Reading).await?;
    // A folder of dates is listed as it is: the selection's prefixes of it are cut at the service's first day and today.
    let is_inside = |prefix: &String| folders.iter().any(|folder| is_date(folder) && prefix.starts_with(folder));
    let others: Vec<_> = selection.prefixes().into_iter().filter(|prefix| !is_inside(prefix)).collect();
    folders.extend(others);
    folders.sort_unstable();
    folders.dedup();
    if args.recursive {
        // Sorted, so that the folder comes before what it holds.
        folders.dedup_by(|next, before| next.starts_with(before.as_str()));
    }
    let in_full = args.recursive || several(folders.iter().chain(&paths));

    let mut totals = Totals::default();
    let interrupt = job.interrupt.clone();
    let listing = Listing { copier, place, settings: &job.settings, args };
    let ui = &mut *job.ui;
    let list = async {
        for folder in &folders {
            // Where both spellings of one date are there, the first in short.
            let in_full = in_full || totals.folders + totals.objects > 0;
            listing.folder(ui, folder, in_full, &mut totals).await?;
        }
        for path in &paths {
            let before = totals.folders + totals.objects;
            listing.folder(ui, &format!("{path}/"), in_full, &mut totals).await?;
            if totals.folders + totals.objects == before {
                listing.file(ui, path, in_full, &mut totals).await?;
            }
        }
        Ok(())
    };
    interrupt.or(list).await?;
    let found = totals.objects + totals.folders > 0;
    let exit = if found { Exit::Done } else { Exit::Incomplete };
    let reasons: Vec<String> = if found { vec![] } else { vec!["nothing matched".into()] };
    if ui.json {
        let end = json::End::new(exit, &reasons, None, started.elapsed());
        ui.event("summary", End { command: "ls", totals: &totals, end });
    } else if args.summarize {
        let total = if args.human_readable { size::human(totals.bytes) } else { totals.bytes.to_string() };
        ui.line("");
        ui.line(format_args!("Total Objects: {}", totals.objects));
        ui.line(format_args!("   Total Size: {total}"));
    }
    ui.flush();
    if !found && !ui.closed() {
        ui.note("nothing matched");
    }
    Ok(exit)
}

/// The selection, folders to list as they are, and paths that no form of selection explains.
fn what(job: &Job<'_>, arguments: &[String]) -> Result<(Selection, Vec<String>, Vec<String>), Stop> {
    let (mut understood, mut folders, mut paths) = (Vec::new(), Vec::new(), Vec::new());
    if arguments.is_empty() {
        folders.push(String::new());
    }
    for argument in arguments {
        let text = in_bucket(argument, job.settings.source_bucket.as_str()).unwrap_or(argument);
        if text.is_empty() && !argument.is_empty() {
            folders.push(String::new());
            continue;
        }
        if let Some(path) = spec_file(text) {
            paths.push(path);
            continue;
        }
        match job.parse(std::slice::from_ref(argument)) {
            Ok(_) => {
                understood.push(argument.clone());
                folders.extend(date_folders(text));
            }
            Err(error) => match path(text, error.kind()) {
                Some(path) => paths.push(path),
                None => return Err(hints::selection(&error, job.name)),
            },
        }
    }
    // Read together, so that an error names its place among all.
    let selection = if understood.is_empty() { Selection::default() } else { job.select(&understood)? };
    Ok((selection, folders, paths))
}

/// What follows the bucket in its URL; nothing for its root.
fn in_bucket<'a>(argument: &'a str, bucket: &str) -> Option<&'a str> {
    let rest = argument.strip_prefix("s3://")?.strip_prefix(bucket)?;
    if rest.trim_matches('/').is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// The folders of a year, a month, a day, of all years or of the sample data, in their spellings. Ranges have none.
fn date_folders(argument: &str) -> Vec<String> {
    let argument = argument.trim();
    let (root, rest) = match split_root(argument) {
        Some(rest) => (Dataset::Sample.root(), rest),
        None => ("", argument),
    };
    let is_all = rest.eq_ignore_ascii_case("all");
    if !root.is_empty() && (is_all || rest.is_empty()) {
        return vec![root.to_owned()];
    }
    if is_all {
        let years = SERVICE_START.year()..=size::today().year();
        return years.filter_map(DatePrefix::year).flat_map(DatePrefix::spellings).collect();
    }
    let folders = rest.parse().map(DatePrefix::spellings).unwrap_or_default();
    folders.into_iter().map(|folder| format!("{root}{folder}")).collect()
}

/// What follows `testdata/`.
fn split_root(path: &str) -> Option<&str> {
    let (root, rest) = path.split_once('/').unwrap_or((path, ""));
    root.eq_ignore_ascii_case("testdata").then_some(rest)
}

fn is_date(folder: &str) -> bool {
    date(folder).is_some() || folder == Dataset::Sample.root()
}

/// The date of a folder in any spelling, and whether it is of the sample data.
fn date(folder: &str) -> Option<(bool, DatePrefix)> {
    let sample = split_root(folder);
    sample.unwrap_or(folder).parse().ok().map(|date| (sample.is_some(), date))
}

/// More than one folder is to be listed. The spellings of one date are one.
fn several<'a>(folders: impl Iterator<Item = &'a String>) -> bool {
    let mut folders = folders.map(|folder| date(folder).ok_or(folder));
    let first = folders.next();
    folders.any(|next| Some(next) != first)
}

/// A file of a specification by its key: below the language, with an extension.
fn spec_file(path: &str) -> Option<String> {
    let is_file = path.starts_with(Dataset::ConnectionSpec.root())
        && path.split('/').count() > 4
        && path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    is_file.then(|| path.to_owned())
}

/// A path of a folder or a file, taken as it stands. What looks like a date or a word for one is a mistake, and no path.
fn path(argument: &str, kind: SelectionErrorKind) -> Option<String> {
    let path = argument.trim_matches('/');
    let known_root = ["testdata", "ConnectionSpec"].iter().any(|root| path.split('/').next() == Some(root));
    match kind {
        SelectionErrorKind::Unrecognised | SelectionErrorKind::File | SelectionErrorKind::Specification
            if (known_root || path.contains('/')) && !argument.contains(':') && !path.is_empty() =>
        {
            Some(path.to_owned())
        }
        _ => None,
    }
}

/// Where and how to list.
struct Listing<'a> {
    copier: Copier,
    place: Place,
    settings: &'a Settings,
    args: &'a LsArgs,
}

impl Listing<'_> {
    async fn folder(&self, ui: &mut Ui, prefix: &str, in_full: bool, totals: &mut Totals) -> Result<(), Stop> {
        let mut entries = self.copier.list(self.place, prefix, self.args.recursive);
        while let Some(entry) = entries.next().await {
            self.entry(ui, &entry.map_err(|reason| hints::stopped(&reason, false))?, prefix, in_full, totals);
            if ui.closed() {
                break;
            }
        }
        Ok(())
    }

    /// The object with this very key, which is the first that begins with it.
    async fn file(&self, ui: &mut Ui, key: &str, in_full: bool, totals: &mut Totals) -> Result<(), Stop> {
        if let Some(entry) = self.copier.list(self.place, key, self.args.recursive).next().await {
            let entry = entry.map_err(|reason| hints::stopped(&reason, false))?;
            if entry.key() == key {
                self.entry(ui, &entry, key, in_full, totals);
            }
        }
        Ok(())
    }

    fn entry(&self, ui: &mut Ui, entry: &ListEntry, prefix: &str, in_full: bool, totals: &mut Totals) {
        match entry {
            ListEntry::Folder(folder) => {
                totals.folders += 1;
                if ui.json {
                    ui.event("folder", Folder { prefix: folder });
                } else {
                    let name = ui.safe(shown(folder, prefix, in_full)).into_owned();
                    ui.line(format_args!("{:>30} {name}", "PRE"));
                }
            }
            ListEntry::Object(object) if !self.settings.passes(ObjectKey::parse(&object.key).file_name()) => {}
            ListEntry::Object(object) => {
                totals.objects += 1;
                totals.bytes += object.size;
                if ui.json {
                    ui.event("object", json::Listed::from(object));
                } else {
                    let human = self.args.human_readable;
                    let bytes = if human { size::human(object.size) } else { object.size.to_string() };
                    let name = ui.safe(shown(&object.key, prefix, in_full)).into_owned();
                    ui.line(format_args!("{} {bytes:>10} {name}", size::tokyo(object.last_modified)));
                }
            }
        }
    }
}

/// What is shown of a key: behind the listed folder, or in full.
fn shown<'a>(key: &'a str, prefix: &str, in_full: bool) -> &'a str {
    if in_full {
        return key;
    }
    // As `aws s3 ls` has it: cut at the last slash of the prefix, so that a raw prefix keeps its beginning of a name.
    let cut = prefix.rfind('/').map_or(0, |at| at + 1);
    key.get(cut..).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_from_their_folder_on() {
        assert_eq!(shown("2021/05/31/a.gz", "2021/05/31/", false), "a.gz");
        assert_eq!(shown("2021/05/31/a.gz", "2021/05/31/a", false), "a.gz");
        assert_eq!(shown("2021/05/31/a.gz", "2021/05/31/", true), "2021/05/31/a.gz");
        assert_eq!(shown("2021/", "", false), "2021/");
    }

    #[test]
    fn a_mistake_is_no_path() {
        use SelectionErrorKind as Kind;
        let root = |name| path(name, Kind::Unrecognised);
        assert_eq!(root("ConnectionSpec"), Some("ConnectionSpec".into()));
        assert_eq!(path("ConnectionSpec/Standard", Kind::Specification), Some("ConnectionSpec/Standard".into()));
        assert_eq!(root("some/where/"), Some("some/where".into()));
        for (argument, kind) in [
            ("tomorow", Kind::Unrecognised),
            ("2021/13", Kind::Date),
            ("spec:mbo/x", Kind::Specification),
            ("s3://other/x", Kind::OtherBucket),
            ("2009/01", Kind::BeforeService),
            ("", Kind::Empty),
        ] {
            assert_eq!(path(argument, kind), None, "{argument}");
        }
        assert_eq!(in_bucket("s3://src/", "src"), Some(""));
        assert_eq!(in_bucket("s3://src", "src"), Some(""));
        assert_eq!(in_bucket("s3://src/a/b", "src"), Some("a/b"));
        assert_eq!(in_bucket("s3://src-2/", "src"), None);
    }

    #[test]
    fn a_date_is_its_folders_whole() {
        assert_eq!(date_folders("2026"), ["2026/"]);
        assert_eq!(date_folders("202605"), ["2026/05/", "2026/5/"]);
        assert_eq!(date_folders("testdata"), ["testdata/"]);
        assert_eq!(date_folders("testdata/2021-12"), ["testdata/2021/12/"]);
        assert_eq!(date_folders("all").first().map(String::as_str), Some("2010/"));
        for range in ["2021/05..", "last:5", "spec:mbo", "prefix:2021/0"] {
            assert_eq!(date_folders(range), [""; 0], "{range}");
        }
        let is_several = |folders: &[&str]| several(folders.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>().iter());
        assert!(!is_several(&[""]));
        assert!(!is_several(&["2021/05/", "2021/5/"]));
        assert!(is_several(&["2021/05/", "testdata/2021/5/"]));
        assert!(is_several(&["a/", "b/"]));
    }
}
