//! `flex copy`.

use std::time::Duration;

use flex_copy::{
    CopyEvent, CopyReason, CopyRun, Notice, ObjectEnd, ObjectFailure, Outcome, Proof, Summary, manifest::RunEnd,
};
use flex_keys::{ObjectKey, Selection};
use flex_policy::SessionPurpose;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{
    Findings, Job,
    manifest::write::{Claim, Writing, Written},
    plan, stop_of,
};
use crate::{
    args::{CopyArgs, Destination, destination_of_pair},
    clients::require_bucket,
    config::{Given, Origin},
    error::{Stop, chain},
    exit::Exit,
    journals,
    language::msg,
    present::{
        Colour, Ui, bound,
        days::Absent,
        json,
        progress::{State, TICK},
        report::Report,
        size,
    },
};

pub(super) async fn run(job: &mut Job<'_>, mut args: CopyArgs) -> Result<Exit, Stop> {
    take_pair(job, &mut args.selections)?;
    // Before the bucket: a URL that is not quoted is no pair, and what is wrong are the words that it fell into.
    let selection = job.select(&args.selections)?;
    if args.dry_run {
        return plan::run(job, &args.selections, &args.what).await;
    }
    require_bucket(&job.settings)?;
    // Before anything is started: it must not be there yet.
    let manifest = Claim::of(&job.settings, &job.flags.manifest)?;
    let copy = job
        .settings
        .copy_settings(|s| s.recopy_size_only(args.what.recopy_size_only).copy_markers(args.what.copy_markers))
        .map_err(|e| Stop::usage(&e))?;
    let chosen = journals::chosen(&job.settings).await?;
    let (mut copier, selection) = job.copier(selection, copy, SessionPurpose::Copying).await?;
    let journal = match chosen {
        Some(journal) => Some(journal),
        None => journals::usual(&job.settings, job.ui).await,
    };
    if let Some(journal) = journal {
        copier = copier.journal(journal);
    }
    let cancel = CancellationToken::new();
    let mut manifest = manifest.map(|claim| claim.begin(&job.settings, selection.arguments())).transpose()?;
    let mut run = copier.copy(&selection, cancel.clone());
    let summary = match follow(job, &mut run, &selection, &cancel, &mut manifest).await {
        Ok(summary) => summary,
        Err(stop) => {
            let how = if stop.exit() == Exit::Interrupted { RunEnd::Interrupted } else { RunEnd::Stopped };
            if let Some(kept) = manifest.and_then(|manifest| manifest.finish(how, job.ui).kept()) {
                job.ui.note(kept);
            }
            return Err(stop);
        }
    };
    let how = match &summary {
        summary if summary.cancelled => RunEnd::Interrupted,
        summary if summary.stopped.is_some() => RunEnd::Stopped,
        _ => RunEnd::Complete,
    };
    let written = manifest.map(|manifest| manifest.finish(how, job.ui));
    if let (true, Some(kept)) = (how != RunEnd::Complete, written.as_ref().and_then(Written::kept)) {
        job.ui.note(kept);
    }
    Ok(finish(job, &args, &selection, &summary, written.as_ref()))
}

/// Understands the manual's pair of URLs: the second names bucket and prefix and is no selection.
fn take_pair(job: &mut Job<'_>, selections: &mut Vec<String>) -> Result<(), Stop> {
    let same = |a: &str, b: &str| {
        let parse = |text: &str| job.parse(&[text.to_owned()]);
        matches!((parse(a), parse(b)), (Ok(a), Ok(b)) if a == b)
    };
    let found =
        destination_of_pair(selections, job.settings.source_bucket.as_str(), same).map_err(|e| Stop::usage(&e))?;
    let Some(Destination { bucket, prefix }) = found else { return Ok(()) };
    let origin = Origin::Flag("bucket");
    let conflict = |flag: &str, given: &str, url: &str| {
        Stop::text(Exit::Usage, format!("--{flag} {given} and the URL {url} name different destinations"))
            .mend(msg!("one-destination"))
    };
    let named = selections.get(1).cloned().unwrap_or_default();
    if let Some(given) = job.settings.bucket.as_ref().filter(|g| g.origin == origin && g.value.as_str() != bucket) {
        return Err(conflict("bucket", given.value.as_str(), &named));
    }
    let flag = Origin::Flag("dest-prefix");
    if let Some(given) = job.settings.dest_prefix.as_ref().filter(|g| g.origin == flag && g.value != prefix) {
        return Err(conflict("dest-prefix", &given.value, &named));
    }
    let value = bucket
        .parse()
        .map_err(|e: flex_policy::BucketNameError| Stop::usage(&e).during(format!("{named} names no bucket")))?;
    job.settings.bucket = Some(Given { name: "bucket", value, origin });
    job.settings.dest_prefix = Some(Given { name: "dest-prefix", value: prefix, origin: flag });
    selections.truncate(1);
    Ok(())
}

/// Shows a run's events until its summary. The first Ctrl-C cancels, the second leaves.
async fn follow(
    job: &mut Job<'_>,
    run: &mut CopyRun,
    selection: &Selection,
    cancel: &CancellationToken,
    manifest: &mut Option<Writing>,
) -> Result<Summary, Stop> {
    let mut state = State::over(selection.sessions(&job.settings.calendar).count());
    let interrupt = job.interrupt.clone();
    let ui = &mut *job.ui;
    ui.progress.start();
    let mut tick = tokio::time::interval(TICK);
    loop {
        let event = tokio::select! {
            biased;
            () = interrupt.second.cancelled() => return Err(leave(ui, run)),
            () = interrupt.first.cancelled(), if !state.draining => {
                state.draining = true;
                ui.note("finishing what is under way; Ctrl-C again to leave at once");
                cancel.cancel();
                continue;
            }
            event = run.next() => event,
            _ = tick.tick() => {
                show(ui, &mut state);
                continue;
            }
        };
        match event {
            Some(CopyEvent::Listed { objects, to_copy, bytes_to_copy, .. }) => {
                state.listed += objects;
                state.to_do.0 += to_copy;
                state.to_do.1 += bytes_to_copy;
            }
            Some(CopyEvent::ListingDone) => state.listing_done = true,
            Some(CopyEvent::Notice(notice)) => tell(ui, &notice),
            Some(CopyEvent::Object(end)) => {
                note_progress(&mut state, &end);
                object(ui, &end);
                if let Some(manifest) = manifest {
                    manifest.record(&end, ui);
                }
            }
            Some(CopyEvent::Summary(summary)) => {
                ui.progress.finish();
                return Ok(*summary);
            }
            Some(_) => {}
            None => {
                return Err(Stop::text(Exit::Failed, "internal fault: the run ended without a summary")
                    .mend(msg!("report-fault")));
            }
        }
        show(ui, &mut state);
    }
}

fn show(ui: &mut Ui, state: &mut State) {
    if let Some(line) = ui.progress.update(state) {
        ui.note(line);
    }
}

/// The second Ctrl-C: names what stays open, and goes.
fn leave(ui: &mut Ui, run: &CopyRun) -> Stop {
    ui.progress.finish();
    let open = run.open_uploads();
    let mut stop = Stop::text(Exit::Interrupted, "left at once; a re-run goes on");
    for upload in &open {
        ui.note(format_args!(
            "unfinished upload: {} {}",
            upload.key,
            upload.upload_id.as_deref().unwrap_or("(id unknown)")
        ));
    }
    if !open.is_empty() {
        stop = stop.mend(msg!("clean-ends-uploads"));
    }
    stop
}

/// A notice, for programs in the stream and for people on standard error.
pub(super) fn tell(ui: &mut Ui, notice: &Notice) {
    if ui.json {
        ui.event("notice", json::NoticeLine::from(notice));
        ui.flush();
    }
    ui.chat(json::notice_text(notice));
}

fn note_progress(state: &mut State, end: &ObjectEnd) {
    let key = ObjectKey::parse(&end.key);
    if let (Some(dataset), Some(date)) = (key.dataset(), key.date()) {
        state.sessions_seen.insert((dataset, date));
    }
    match &end.outcome {
        Outcome::Copied { .. } | Outcome::ChangedMeanwhile { .. } | Outcome::Interrupted => {}
        Outcome::Failed(_) => state.failed += 1,
        Outcome::NotEntitled => state.not_entitled += 1,
        // These were not to be copied.
        _ => return,
    }
    state.done.0 += 1;
    state.done.1 += end.size;
}

fn object(ui: &mut Ui, end: &ObjectEnd) {
    if ui.json {
        ui.event("object", json::Object::from(end));
        ui.flush();
        return;
    }
    let (matters, detail) = match &end.outcome {
        Outcome::Copied { proof, parts, reason, source_changed, etag, .. } => {
            let mut detail = format!("{reason:?}, proven by {proof}").to_lowercase().replace("etag", "ETag");
            if *proof == Proof::SizeOnly {
                detail = format!("{reason:?}, size only (not verified)").to_lowercase();
            }
            if *parts > 1 {
                detail += &format!(", {parts} parts");
            }
            if *source_changed {
                detail += ", a newer version than was listed";
            }
            let replaced = (*reason == CopyReason::Changed).then(|| format!("{}; {detail}", versions(end, etag)));
            (false, replaced.unwrap_or(detail))
        }
        Outcome::ChangeKept => (false, versions(end, &end.etag)),
        Outcome::Failed(failure) if matches!(**failure, ObjectFailure::Changed) => {
            (true, format!("{failure}; {}", versions(end, &end.etag)))
        }
        Outcome::Failed(failure) => (true, chain(&**failure as &(dyn std::error::Error + 'static)).join("; because ")),
        Outcome::ChangedMeanwhile { detail, .. } => (true, (*detail).to_owned()),
        _ => (false, String::new()),
    };
    // A version of the vendor's that is another than the one that was there is never passed over in silence.
    let version = match end.outcome {
        Outcome::Copied { reason: CopyReason::Changed, .. } => Some("replaced"),
        Outcome::ChangeKept => Some(end.outcome.name()),
        _ => None,
    };
    if !matters && version.is_none() && !ui.verbose {
        return;
    }
    let name = format!("{:<17}", version.unwrap_or(end.outcome.name()));
    let name = match (matters, version) {
        (true, _) => ui.paint(Colour::Red, name),
        (false, Some(_)) => ui.paint(Colour::Yellow, name),
        (false, None) => name,
    };
    let mut line = format!("{name} {}", ui.safe(&end.key));
    if !detail.is_empty() {
        line += &format!("  ({})", ui.safe(&detail));
    }
    ui.line(line);
    ui.flush();
}

/// The version that the destination had, and the one that it has now or was not given.
fn versions(end: &ObjectEnd, new: &flex_copy::ETag) -> String {
    match &end.destination_etag {
        Some(old) => format!("old ETag {old}, new ETag {new}"),
        None => format!("new ETag {new}"),
    }
}

/// The exit code of a finished run, with the reasons for it.
fn findings(
    summary: &Summary,
    absent: &Absent,
    args: &CopyArgs,
    stop: Option<&Stop>,
    manifest: Option<&Written>,
) -> Findings {
    let mut found = Findings::default();
    let objects = |number| size::count(number, "object", "objects");
    found.add(summary.cancelled, Exit::Interrupted, || "what was done is kept; a re-run goes on".into());
    if let Some(stop) = stop {
        found.add(true, stop.exit(), || stop.what().to_owned());
    }
    found.add(summary.failed.objects > 0, Exit::Failed, || format!("{} failed", objects(summary.failed.objects)));
    found.add(summary.changed_meanwhile.objects > 0, Exit::Failed, || {
        format!("{} changed at the source meanwhile", objects(summary.changed_meanwhile.objects))
    });
    found.add(manifest.is_some_and(|written| !written.whole), Exit::Failed, || "the manifest is incomplete".into());
    found.add(summary.not_entitled.objects > 0 && !args.allow_not_entitled, Exit::Incomplete, || {
        format!("{} not entitled", objects(summary.not_entitled.objects))
    });
    found.add(summary.archived.objects > 0, Exit::Incomplete, || {
        format!("{} archived at the source", objects(summary.archived.objects))
    });
    found.absent(absent, summary.listed_total().objects, summary.listing_complete, args.complete);
    found
}

fn finish(
    job: &mut Job<'_>,
    args: &CopyArgs,
    selection: &Selection,
    summary: &Summary,
    manifest: Option<&Written>,
) -> Exit {
    let calendar = &job.settings.calendar;
    let absent = if summary.listing_complete {
        Absent::new(
            summary.missing_sessions(selection, calendar),
            summary.missing_named_days(selection),
            calendar,
            size::today(),
        )
    } else {
        Absent::default()
    };
    let began = summary.copied_total().objects > 0;
    let stop = stop_of(summary.stopped.as_ref(), began);
    let found = findings(summary, &absent, args, stop.as_ref(), manifest);
    let exit = found.exit();
    let ui = &mut *job.ui;
    if ui.json {
        let end = json::End::new(exit, &found.reasons, stop.as_ref(), summary.elapsed);
        ui.event("summary", json::CopySummary::new(summary, &absent, manifest, end));
    } else {
        report(ui, selection, summary, &absent, calendar, manifest, &found);
    }
    ui.flush();
    if let Some(stop) = &stop {
        ui.say(stop.render(ui.language, ui.err_is_terminal).trim_end());
    }
    if !summary.open_uploads.is_empty() {
        ui.note(format_args!(
            "{} open, named above; `flex clean` with your own identity ends them, those without an id when they are an hour old \
             (--older-than)",
            size::count(summary.open_uploads.len() as u64, "upload may stay", "uploads may stay")
        ));
    }
    exit
}

fn report(
    ui: &mut Ui,
    selection: &Selection,
    summary: &Summary,
    absent: &Absent,
    calendar: &flex_keys::TradingCalendar,
    manifest: Option<&Written>,
    found: &Findings,
) {
    let mut report = Report::default();
    report.add("selection", selection.to_string());
    let proofs: Vec<_> = summary
        .copied
        .iter()
        .map(|(proof, count)| match proof {
            Proof::SizeOnly => format!("{} by size only, not verified", count.objects),
            proof => format!("{} proven by {proof}", count.objects),
        })
        .collect();
    let copied = summary.copied_total();
    // What was asked for is shown even when it is nothing.
    let mut value = format!("{}, {}", size::count(copied.objects, "object", "objects"), ui.bytes(copied.bytes));
    if !proofs.is_empty() {
        value += &format!(" ({})", proofs.join(", "));
    }
    report.add("copied", value);
    report.count(ui, "replaced", summary.replaced, "counted under copied, too", None);
    report.main(ui, "identical", summary.identical, "", None);
    report.count(ui, "kept", summary.kept, "same size, cannot be proven from the listings", None);
    let detail = "your bucket has other content; left as asked";
    report.count(ui, "changes kept", summary.changes_kept, detail, Some(Colour::Yellow));
    report.main(ui, "not entitled", summary.not_entitled, "listed, but not in your contract", Some(Colour::Yellow));
    report.count(ui, "archived", summary.archived, "its owner must restore it first", Some(Colour::Yellow));
    report.count(ui, "markers", summary.markers, "empty, named like folders, not copied", None);
    report.count(ui, "changed", summary.changed_meanwhile, "at the source, while it was copied", Some(Colour::Red));
    report.main(ui, "failed", summary.failed, "", Some(Colour::Red));
    report.count(ui, "interrupted", summary.interrupted, "", Some(Colour::Yellow));
    report.count(ui, "unknown names", summary.unknown_names, "counted above, too", None);
    report.count(ui, "extra", summary.extra, "in your bucket only; left as it is", None);
    report.absent(absent, calendar);
    for upload in &summary.open_uploads {
        let id = upload.upload_id.as_deref().unwrap_or("(may be open; its id is unknown)");
        let whose = if upload.earlier { ", of an earlier run" } else { "" };
        report.add("open upload", format!("{} {id}{whose}", upload.key));
    }
    report.requests(&summary.requests, summary.retries, summary.throttled);
    if let Some(written) = manifest {
        let records = size::count(written.records, "record", "records");
        let remark = if written.whole { "" } else { ", incomplete" };
        report.add("manifest", format!("{} ({records}{remark})", written.path.display()));
    }
    let mut elapsed = size::duration(summary.elapsed);
    if summary.elapsed > Duration::from_secs(1) && copied.bytes > 0 {
        elapsed += &format!(" ({}/s)", size::human((copied.bytes as f64 / summary.elapsed.as_secs_f64()) as u64));
    }
    report.add("elapsed", elapsed);
    if let Some(text) = bound::of_run(summary.bound, summary.elapsed) {
        report.add("S3's time", text);
    }
    report.result(found.exit(), "complete", &found.reasons);
    report.print(ui);
}
