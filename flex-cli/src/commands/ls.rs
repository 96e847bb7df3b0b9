//! `flex ls`: like `aws s3 ls`.

use flex_copy::{Copier, ListEntry, Place};
use flex_keys::{Selection, SelectionErrorKind};
use futures::StreamExt;
use serde::Serialize;

use super::Job;
use crate::{
    args::LsArgs,
    clients::require_bucket,
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
    let (selection, mut prefixes) = what(job, &args.selections)?;
    let copy = job.settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let (copier, selection) = job.copier(selection, copy).await?;
    prefixes.extend(selection.prefixes());
    prefixes.sort_unstable();
    prefixes.dedup();

    let mut totals = Totals::default();
    let interrupt = job.interrupt.clone();
    let ui = &mut *job.ui;
    let list = async {
        for prefix in &prefixes {
            list(ui, &copier, place, prefix, args, &mut totals).await?;
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

/// The selection, and folders that are none: a path that no form of selection explains.
fn what(job: &Job<'_>, arguments: &[String]) -> Result<(Selection, Vec<String>), Stop> {
    if arguments.is_empty() {
        return Ok((Selection::default(), vec![String::new()]));
    }
    let (mut understood, mut folders) = (Vec::new(), Vec::new());
    for argument in arguments {
        if let Some(folder) = root_url(argument, job.settings.source_bucket.as_str()) {
            folders.push(folder.to_owned());
            continue;
        }
        match job.parse(std::slice::from_ref(argument)) {
            Ok(_) => understood.push(argument.clone()),
            Err(error) => match folder(argument, error.kind()) {
                Some(folder) => folders.push(folder),
                None => return Err(hints::selection(&error)),
            },
        }
    }
    // Read together, so that an error names its place among all.
    let selection = if understood.is_empty() { Selection::default() } else { job.select(&understood)? };
    Ok((selection, folders))
}

/// The root of the bucket by its URL.
fn root_url<'a>(argument: &'a str, bucket: &str) -> Option<&'a str> {
    let rest = argument.strip_prefix("s3://")?.strip_prefix(bucket)?;
    rest.trim_matches('/').is_empty().then_some("")
}

/// A path of folders, taken as it stands. What looks like a date or a word for one is a mistake, and no folder.
fn folder(argument: &str, kind: SelectionErrorKind) -> Option<String> {
    let path = argument.trim_matches('/');
    let known_root = ["testdata", "ConnectionSpec"].iter().any(|root| path.split('/').next() == Some(root));
    match kind {
        SelectionErrorKind::Unrecognised | SelectionErrorKind::File | SelectionErrorKind::Specification
            if (known_root || path.contains('/')) && !argument.contains(':') && !path.is_empty() =>
        {
            Some(format!("{path}/"))
        }
        _ => None,
    }
}

async fn list(
    ui: &mut Ui,
    copier: &Copier,
    place: Place,
    prefix: &str,
    args: &LsArgs,
    totals: &mut Totals,
) -> Result<(), Stop> {
    let mut entries = copier.list(place, prefix, args.recursive);
    while let Some(entry) = entries.next().await {
        match entry.map_err(|reason| hints::stopped(&reason, false))? {
            ListEntry::Folder(folder) => {
                totals.folders += 1;
                if ui.json {
                    ui.event("folder", Folder { prefix: &folder });
                } else {
                    let name = ui.safe(shown(&folder, prefix, false)).into_owned();
                    ui.line(format_args!("{:>30} {name}", "PRE"));
                }
            }
            ListEntry::Object(object) => {
                totals.objects += 1;
                totals.bytes += object.size;
                if ui.json {
                    ui.event("object", json::Listed::from(&object));
                } else {
                    let bytes = if args.human_readable { size::human(object.size) } else { object.size.to_string() };
                    let name = ui.safe(shown(&object.key, prefix, args.recursive)).into_owned();
                    ui.line(format_args!("{} {bytes:>10} {name}", size::tokyo(object.last_modified)));
                }
            }
        }
        if ui.closed() {
            break;
        }
    }
    Ok(())
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
    fn a_path_is_a_folder_and_a_mistake_is_none() {
        use SelectionErrorKind as Kind;
        let root = |name| folder(name, Kind::Unrecognised);
        assert_eq!(root("ConnectionSpec"), Some("ConnectionSpec/".into()));
        assert_eq!(folder("ConnectionSpec/Standard", Kind::Specification), Some("ConnectionSpec/Standard/".into()));
        assert_eq!(root("some/where/"), Some("some/where/".into()));
        for (argument, kind) in [
            ("tomorow", Kind::Unrecognised),
            ("2021/13", Kind::Date),
            ("spec:mbo/x", Kind::Specification),
            ("s3://other/x", Kind::OtherBucket),
            ("2009/01", Kind::BeforeService),
            ("", Kind::Empty),
        ] {
            assert_eq!(folder(argument, kind), None, "{argument}");
        }
        assert_eq!(root_url("s3://src/", "src"), Some(""));
        assert_eq!(root_url("s3://src", "src"), Some(""));
        assert_eq!(root_url("s3://src-2/", "src"), None);
    }
}
