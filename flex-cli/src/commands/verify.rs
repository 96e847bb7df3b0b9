//! `flex verify`.

use flex_copy::{Verdict, VerifyEvent, VerifySummary};
use flex_keys::{ObjectKey, Selection};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Findings, Job, copy::tell, stop_of};
use crate::{
    args::VerifyArgs,
    clients::require_bucket,
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
                         here. copy --recopy-size-only copies it in the source's parts where these can be found out, \
                         and the ETags then prove it";

pub(super) async fn run(job: &mut Job<'_>, args: &VerifyArgs) -> Result<Exit, Stop> {
    let selection = job.select(&args.selections)?;
    require_bucket(&job.settings)?;
    let copy = job.settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let (copier, selection) = job.copier(selection, copy).await?;
    let cancel = CancellationToken::new();
    let mut run = copier.verify(&selection, cancel.clone());
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
            Some(VerifyEvent::Object { key, size, verdict }) => {
                let parsed = ObjectKey::parse(&key);
                if let (Some(dataset), Some(date)) = (parsed.dataset(), parsed.date()) {
                    state.sessions_seen.insert((dataset, date));
                }
                state.listed += 1;
                object(job.ui, &key, size, &verdict);
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
    Ok(finish(job, args, &selection, &summary))
}

fn object(ui: &mut Ui, key: &str, size: u64, verdict: &Verdict) {
    if ui.json {
        ui.event("object", json::Verified::new(key, size, verdict));
        return;
    }
    let (matters, detail) = match verdict {
        Verdict::Missing => (true, String::new()),
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
    for (count, word) in [(summary.missing, "missing"), (summary.different, "different"), (summary.unclear, "unclear")]
    {
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
    found.absent(absent, summary.listed_total().objects, whole, args.complete);
    found
}

fn finish(job: &mut Job<'_>, args: &VerifyArgs, selection: &Selection, summary: &VerifySummary) -> Exit {
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
        report.add("selection", selection.to_string());
        report.main(ui, "proven", summary.proven, "by ETag", None);
        report.main(
            ui,
            "size only",
            summary.size_only,
            "not verified: the ETags cannot be compared",
            Some(Colour::Yellow),
        );
        if summary.size_only.objects > 0 {
            report.add("about size only", SIZE_ONLY);
        }
        report.main(ui, "missing", summary.missing, "", Some(Colour::Red));
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
