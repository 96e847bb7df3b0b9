//! `flex verify`.

use std::sync::Arc;

use flex_copy::{
    Proof, Verdict, VerifyEvent, VerifySummary,
    manifest::{Recorded, Records},
};
use flex_keys::{ObjectKey, Selection};
use flex_policy::SessionPurpose;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{
    Findings, Job,
    copy::tell,
    manifest::{
        compare,
        read::{self, Loaded, Of},
    },
    stop_of,
};
use crate::{
    args::VerifyArgs,
    clients::require_bucket,
    config::NONE,
    error::{Stop, chain},
    exit::Exit,
    language::msg,
    present::{
        Colour, Ui,
        days::Absent,
        json,
        progress::{State, TICK},
        report::Report,
        size,
    },
};

/// What people ask who read it for the first time.
const SIZE_ONLY: &str = "same size, but uploaded in other parts than the source, so the ETags differ even where the \
                         contents are equal. Listings do not show checksums: what copy proved by one is size only \
                         here, unless verify is given the manifest that copy --manifest left. copy \
                         --recopy-size-only copies it in the source's parts where these can be found out, and the \
                         ETags then prove it";

/// With fewer folders than this each is listed by itself when no selection says what to list.
const FOLDERS: usize = 5000;

pub(super) async fn run(job: &mut Job<'_>, args: &VerifyArgs) -> Result<Exit, Stop> {
    if args.deep.deep {
        return super::deep::run(job, args).await;
    }
    if !args.against.is_empty() {
        let manifests = manifests(job);
        return compare::run(job, args, manifests.paths).await;
    }
    // A selection that is wrong is told before anything is read.
    let selection = if args.selections.is_empty() { None } else { Some(job.select(&args.selections)?) };
    let loaded = records(job).await?;
    let selection = match (selection, &loaded) {
        (Some(selection), _) => selection,
        (None, Some(loaded)) if loaded.files == 0 => return Err(loaded.none()),
        (None, Some(loaded)) => on_record(job, loaded)?,
        (None, None) => {
            return Err(Stop::text(Exit::Usage, "nothing is selected to verify").mend(msg!("verify-what")));
        }
    };
    require_bucket(&job.settings)?;
    let copy = job.settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let (copier, selection) = job.copier(selection, copy, SessionPurpose::Reading).await?;
    let cancel = CancellationToken::new();
    if let Some(loaded) = &loaded {
        loaded.tell(job.ui);
    }
    let loaded = loaded.filter(|loaded| loaded.files > 0);
    let with_records = loaded.is_some();
    let mut run = match loaded {
        Some(loaded) => {
            let index = Arc::new(loaded.index);
            let records =
                if args.selections.is_empty() { Records::only_recorded(index) } else { Records::of_selection(index) };
            copier.verify_recorded(&selection, records, cancel.clone())
        }
        None => copier.verify(&selection, cancel.clone()),
    };
    let mut state = State::over(selection.sessions(&job.settings.calendar).count());
    let interrupt = job.interrupt.clone();
    job.ui.progress.start();
    let mut tick = tokio::time::interval(TICK);
    let summary = loop {
        let event = tokio::select! {
            biased;
            () = interrupt.second.cancelled() => return Err(Stop::interrupted()),
            () = interrupt.first.cancelled(), if !state.draining => {
                state.draining = true;
                cancel.cancel();
                continue;
            }
            event = run.next() => event,
            _ = tick.tick() => {
                if let Some(line) = job.ui.progress.update(&mut state) {
                    job.ui.note(line);
                }
                continue;
            }
        };
        match event {
            Some(VerifyEvent::Notice(notice)) => tell(job.ui, &notice),
            Some(VerifyEvent::Object { key, size, verdict, record }) => {
                let parsed = ObjectKey::parse(&key);
                if let (Some(dataset), Some(date)) = (parsed.dataset(), parsed.date()) {
                    state.sessions_seen.insert((dataset, date));
                }
                state.listed += 1;
                object(job.ui, &key, size, &verdict, record.as_deref());
            }
            Some(VerifyEvent::Summary(summary)) => break *summary,
            Some(_) => {}
            None => {
                return Err(Stop::text(Exit::Failed, "internal fault: the verification ended without a summary")
                    .mend(msg!("report-fault")));
            }
        }
    };
    job.ui.progress.finish();
    Ok(finish(job, args, &selection, &summary, with_records))
}

/// The manifests that are named.
struct Named {
    paths: Vec<String>,
    /// By a flag, so that they must be there.
    asked: bool,
}

fn manifests(job: &Job<'_>) -> Named {
    let flags = &job.flags.manifest;
    if flags.is_empty() {
        return Named { asked: false, paths: job.settings.manifest.iter().map(|given| given.value.clone()).collect() };
    }
    let paths: Vec<_> = flags.iter().filter(|path| *path != NONE).cloned().collect();
    Named { asked: !paths.is_empty(), paths }
}

/// The records of this destination. Where a mere setting says where manifests go, there may be none yet, or none of this
/// destination.
async fn records(job: &Job<'_>) -> Result<Option<Loaded>, Stop> {
    let Named { mut paths, asked } = manifests(job);
    if !asked {
        paths.retain(|path| read::has_any(path));
    }
    if paths.is_empty() {
        return Ok(None);
    }
    let loaded = read::load(paths, Of::settings(&job.settings), &job.interrupt).await?;
    if loaded.files == 0 && asked {
        return Err(loaded.none());
    }
    Ok(Some(loaded))
}

/// What to list, to find all that is on record.
fn on_record(job: &Job<'_>, loaded: &Loaded) -> Result<Selection, Stop> {
    let prefixes: Vec<_> = loaded.index.prefixes(FOLDERS).iter().map(|prefix| format!("prefix:{prefix}")).collect();
    if prefixes.is_empty() {
        return Err(Stop::text(Exit::Incomplete, "the manifests hold no record").mend(msg!("verify-what")));
    }
    job.select(&prefixes)
}

fn object(ui: &mut Ui, key: &str, size: u64, verdict: &Verdict, record: Option<&Recorded>) {
    if ui.json {
        ui.event("object", json::Verified::new(key, size, verdict, record));
        return;
    }
    let proven_then = |by: Proof| {
        let then = record.map(|record| format!(", on record since {}", size::rfc3339(record.at))).unwrap_or_default();
        format!("by {by}{then}")
    };
    let was = record.map(|record| match &record.state {
        Ok((copy, by)) => {
            (copy.as_str(), format!("proven by {by} at {}, run {}", size::rfc3339(record.at), record.run))
        }
        Err(outcome) => ("", format!("{outcome} at {}, run {}", size::rfc3339(record.at), record.run)),
    });
    let (copy_etag, history) = was.unwrap_or_default();
    let (matters, detail) = match verdict {
        Verdict::Missing => (true, history),
        Verdict::Lost => (true, format!("in neither bucket; {history}")),
        Verdict::NeverCopied { .. } => (true, history),
        Verdict::ChangedAtDestination { found } => {
            (true, format!("ETag {copy_etag} on record, now {found}; {history}"))
        }
        Verdict::ChangedAtSource { found } => {
            let old = record.map(|record| record.etag.as_str()).unwrap_or_default();
            (true, format!("the source had ETag {old}, and has {found} now; the copy is as it was {history}"))
        }
        Verdict::Recorded { proof } => (false, proven_then(*proof)),
        Verdict::SourceGone { proof } => {
            (false, format!("the source does not list it any more; {}", proven_then(*proof)))
        }
        Verdict::Different { detail } => (true, (*detail).to_owned()),
        Verdict::Unclear(failure) => (true, chain(&**failure as &(dyn std::error::Error + 'static)).join("; because ")),
        Verdict::Proven => (false, "by ETag".to_owned()),
        Verdict::SizeOnly => (false, "not verified".to_owned()),
        _ => (false, String::new()),
    };
    if !matters && !ui.verbose {
        return;
    }
    let name = format!("{:<12}", verdict.name());
    let name = if matters { ui.paint(Colour::Red, name) } else { name };
    let mut line = format!("{name} {}", ui.safe(key));
    if !detail.is_empty() {
        line += &format!("  ({})", ui.safe(&detail));
    }
    ui.line(line);
}

fn findings(summary: &VerifySummary, absent: &Absent, args: &VerifyArgs, stop: Option<&Stop>) -> Findings {
    let mut found = Findings::default();
    let objects = |number| size::count(number, "object", "objects");
    found.add(summary.cancelled, Exit::Interrupted, || "not all of it was looked at".into());
    if let Some(stop) = stop {
        found.add(true, stop.exit(), || stop.what().to_owned());
    }
    for (count, word) in [
        (summary.missing, "missing"),
        (summary.different, "different"),
        (summary.changed_at_destination, "changed in your bucket"),
        (summary.changed_at_source, "changed at the source since"),
        (summary.never_copied, "never copied"),
        (summary.lost, "in neither bucket any more"),
        (summary.unclear, "unclear"),
    ] {
        found.add(count.objects > 0, Exit::Failed, || format!("{} {word}", objects(count.objects)));
    }
    found.add(summary.not_entitled.objects > 0 && !args.allow_not_entitled, Exit::Incomplete, || {
        format!("{} not entitled", objects(summary.not_entitled.objects))
    });
    found.add(summary.archived.objects > 0, Exit::Incomplete, || {
        format!("{} archived at the source and not in your bucket", objects(summary.archived.objects))
    });
    found.add(summary.size_only.objects > 0 && args.strict, Exit::Incomplete, || {
        format!("{} proven by size only", objects(summary.size_only.objects))
    });
    let whole = stop.is_none() && !summary.cancelled;
    let looked_at = summary.listed_total().objects + summary.source_gone.objects + summary.lost.objects;
    found.absent(absent, looked_at, whole, args.complete);
    found
}

fn finish(
    job: &mut Job<'_>,
    args: &VerifyArgs,
    selection: &Selection,
    summary: &VerifySummary,
    with_records: bool,
) -> Exit {
    let calendar = &job.settings.calendar;
    let stop = stop_of(summary.stopped.as_ref(), summary.listed_total().objects > 0);
    let absent = if stop.is_none() && !summary.cancelled {
        Absent::new(
            summary.missing_sessions(selection, calendar),
            summary.missing_named_days(selection),
            calendar,
            size::today(),
        )
    } else {
        Absent::default()
    };
    let found = findings(summary, &absent, args, stop.as_ref());
    let exit = found.exit();
    let ui = &mut *job.ui;
    if ui.json {
        let end = json::End::new(exit, &found.reasons, stop.as_ref(), summary.elapsed);
        ui.event("summary", json::VerifyEnd::new(summary, &absent, end));
    } else {
        let mut report = Report::default();
        if args.selections.is_empty() {
            report.add("selection", "all that is on record");
        } else {
            report.add("selection", selection.to_string());
        }
        let by = |(proof, count): (&Proof, &flex_copy::Count)| match summary.proven_by.len() {
            1 => format!("by {proof}"),
            _ => format!("{} by {proof}", count.objects),
        };
        report.main(
            ui,
            "proven",
            summary.proven,
            &summary.proven_by.iter().map(by).collect::<Vec<_>>().join(", "),
            None,
        );
        report.main(
            ui,
            "size only",
            summary.size_only,
            "not verified: the ETags cannot be compared",
            Some(Colour::Yellow),
        );
        if summary.size_only.objects > 0 && !with_records {
            report.add("about size only", SIZE_ONLY);
        }
        let missing = if with_records { "proven once, and not in your bucket any more" } else { "" };
        report.main(ui, "missing", summary.missing, missing, Some(Colour::Red));
        if with_records {
            let changed = "neither the copy on record nor the source's content";
            report.main(ui, "changed in your bucket", summary.changed_at_destination, changed, Some(Colour::Red));
            let since = "the copy is as it was; copy brings the new version";
            report.main(ui, "changed at the source", summary.changed_at_source, since, Some(Colour::Red));
            report.main(ui, "never copied", summary.never_copied, "", Some(Colour::Red));
            report.count(ui, "lost", summary.lost, "proven once, and in neither bucket any more", Some(Colour::Red));
            report.count(ui, "source gone", summary.source_gone, "the copy is as it was", None);
            report.count(ui, "not on record", summary.unrecorded, "name a selection to judge them, too", None);
        }
        report.main(ui, "different", summary.different, "", Some(Colour::Red));
        report.count(ui, "unclear", summary.unclear, "", Some(Colour::Red));
        report.main(ui, "not entitled", summary.not_entitled, "listed, but not in your contract", Some(Colour::Yellow));
        report.count(ui, "archived", summary.archived, "its owner must restore it first", Some(Colour::Yellow));
        report.count(ui, "markers", summary.markers, "empty, named like folders, not looked for", None);
        report.count(ui, "extra", summary.extra, "in your bucket only", None);
        report.absent(&absent, calendar);
        report.requests(&summary.requests, 0, 0);
        report.add("elapsed", size::duration(summary.elapsed));
        let good = if summary.size_only.objects > 0 { "complete, not all of it proven" } else { "verified" };
        report.result(exit, good, &found.reasons);
        report.print(ui);
    }
    ui.flush();
    if let Some(stop) = &stop {
        ui.say(stop.render(ui.language, ui.err_is_terminal).trim_end());
    }
    exit
}
