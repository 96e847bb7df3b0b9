//! `flex plan`, and `flex copy --dry-run`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use chrono::NaiveDate;
use flex_copy::{
    Action, CopyReason, CopySettings, Count, LayoutSample, Layouts, ListedObject, Method, PlanItem, ProofWanted, Work,
};
use flex_keys::{Dataset, ObjectKey, Selection};
use flex_policy::SessionPurpose;
use futures::StreamExt;

use super::{Findings, Job};
use crate::{
    args::WhatArgs,
    clients::require_bucket,
    error::Stop,
    exit::Exit,
    hints,
    present::{
        Ui,
        bound::{self, Bound},
        days::Absent,
        json,
        progress::{State, TICK},
        report::Report,
        size,
    },
};

/// How many keys that would be replaced are named.
const REPLACED_NAMED: usize = 10;

/// What a plan comes to.
#[derive(Default)]
struct Totals {
    listed: Count,
    to_copy: Count,
    by_action: BTreeMap<&'static str, Count>,
    by_reason: BTreeMap<&'static str, Count>,
    by_method: BTreeMap<&'static str, Count>,
    requests: BTreeMap<&'static str, u64>,
    replaced: Vec<String>,
    /// The copies as each kind of proof asks for them.
    by_etag: UnderProof,
    by_size: UnderProof,
    /// And as they will be made.
    chosen: Work,
    /// Sources whose own layout is asked for.
    layouts: LayoutSample,
    days: BTreeSet<(Dataset, NaiveDate)>,
}

/// The copies under one `--proof`.
#[derive(Default)]
struct UnderProof {
    work: Work,
    size_only: Count,
}

impl UnderProof {
    fn add(&mut self, object: &ListedObject, reason: CopyReason, proof: ProofWanted) -> Method {
        let method = Method::of(object, proof, reason);
        self.work.add(object.size, method);
        if method.proves_size_only(object, proof) {
            add(&mut self.size_only, object.size);
        }
        method
    }
}

fn add(count: &mut Count, bytes: u64) {
    count.objects += 1;
    count.bytes += bytes;
}

impl Totals {
    fn take(&mut self, item: &PlanItem) {
        let bytes = item.object.size;
        let key = ObjectKey::parse(&item.object.key);
        if let (Some(dataset), Some(date), true) = (key.dataset(), key.date(), item.action != Action::Extra) {
            self.days.insert((dataset, date));
        }
        // All that it tells is that its day has data.
        if item.action == Action::FilteredOut {
            return;
        }
        add(self.by_action.entry(json::action(&item.action)).or_default(), bytes);
        if item.action == Action::Extra {
            return;
        }
        add(&mut self.listed, bytes);
        if let Action::Copy { reason, method, .. } = &item.action {
            add(&mut self.to_copy, bytes);
            add(self.by_reason.entry(word(*reason)).or_default(), bytes);
            add(self.by_method.entry(json::method(*method)).or_default(), bytes);
            if *reason != CopyReason::New && self.replaced.len() < REPLACED_NAMED {
                self.replaced.push(item.object.key.clone());
            }
            self.request(*method);
            self.chosen.add(bytes, *method);
            self.compare_proofs(&item.object, *reason);
        }
    }

    fn request(&mut self, method: Method) {
        let mut add = |operation, number: u64| *self.requests.entry(operation).or_default() += number;
        match method {
            Method::Whole { head } => {
                add("CopyObject", 1);
                if head {
                    add("HeadObject", 1);
                }
            }
            Method::Parts(parts) => {
                add("CreateMultipartUpload", 1);
                add("UploadPartCopy", parts.into());
                add("CompleteMultipartUpload", 1);
                // What else the method takes is asked of the source.
                add("HeadObject", method.requests().saturating_sub(2 + u64::from(parts)));
            }
        }
    }

    fn compare_proofs(&mut self, object: &ListedObject, reason: CopyReason) {
        let by_etag = self.by_etag.add(object, reason, ProofWanted::ETag);
        let by_size = self.by_size.add(object, reason, ProofWanted::Size);
        if by_etag != by_size {
            self.layouts.offer(object);
        }
    }

    fn of(&self, action: &str) -> Count {
        self.by_action.get(action).copied().unwrap_or_default()
    }
}

fn word(reason: CopyReason) -> &'static str {
    match reason {
        CopyReason::New => "new",
        CopyReason::Changed => "changed",
        CopyReason::Unproven => "unproven",
    }
}

pub(super) async fn run(job: &mut Job<'_>, selections: &[String], what: &WhatArgs) -> Result<Exit, Stop> {
    require_bucket(&job.settings)?;
    let selection = job.select(selections)?;
    let copy = job
        .settings
        .copy_settings(|s| s.recopy_size_only(what.recopy_size_only).copy_markers(what.copy_markers))
        .map_err(|e| Stop::usage(&e))?;
    let settings = copy.clone();
    let (copier, selection) = job.copier(selection, copy, SessionPurpose::Reading).await?;
    let started = Instant::now();
    let mut totals = Totals::default();
    let mut items = copier.plan(&selection);
    let mut state = State::default();
    let interrupt = job.interrupt.clone();
    job.ui.progress.start();
    let mut tick = tokio::time::interval(TICK);
    loop {
        let item = tokio::select! {
            biased;
            () = interrupt.first.cancelled() => return Err(Stop::interrupted()),
            item = items.next() => item,
            _ = tick.tick() => {
                if let Some(line) = job.ui.progress.update(&mut state) {
                    job.ui.note(line);
                }
                continue;
            }
        };
        let Some(item) = item else { break };
        let item = item.map_err(|reason| hints::stopped(&reason, false))?;
        totals.take(&item);
        state.listed = totals.listed.objects;
        if item.action != Action::FilteredOut {
            show(job.ui, &item);
        }
        if job.ui.closed() {
            return Ok(Exit::Done);
        }
    }
    job.ui.progress.finish();
    let layouts = match totals.layouts.seen() {
        0 => Layouts::default(),
        _ => interrupt.or(async { Ok(copier.layouts(&totals.layouts).await) }).await?,
    };
    finish(job, &selection, &totals, &layouts, &settings, started)
}

fn show(ui: &mut Ui, item: &PlanItem) {
    if ui.json {
        ui.event("object", json::Planned::from(item));
    } else if ui.verbose {
        let detail = match &item.action {
            Action::Copy { reason, method, .. } => format!("  ({}, {})", word(*reason), json::method(*method)),
            _ => String::new(),
        };
        let line = format!(
            "{:<10} {:>12} {}{detail}",
            json::action(&item.action),
            item.object.size,
            ui.safe(&item.object.key)
        );
        ui.line(line);
    }
}

/// The two kinds of proof where they differ in requests, and what is known of the layouts that make the difference.
fn report_proofs(report: &mut Report, ui: &Ui, totals: &Totals, layouts: &Layouts, settings: &CopySettings) {
    let mut told: Vec<_> =
        layouts.by_part_size.iter().map(|(size, sources)| format!("{} in {sources}", ui.bytes(*size))).collect();
    if layouts.unknown > 0 {
        told.push(format!("not told by {}", layouts.unknown));
    }
    if !told.is_empty() {
        let asked = layouts.by_part_size.values().sum::<u64>() + layouts.unknown;
        let of = size::count(totals.layouts.seen(), "multipart source", "multipart sources");
        report.add("source parts", format!("{} ({asked} asked, of {of})", told.join(", ")));
    }
    if totals.by_etag.work == totals.by_size.work {
        return;
    }
    for (name, UnderProof { work, size_only }) in [("--proof etag", &totals.by_etag), ("--proof size", &totals.by_size)]
    {
        let mut value = size::count(work.requests(), "request", "requests");
        if size_only.objects > 0 {
            value += &format!(", {} by size only", size::count(size_only.objects, "object", "objects"));
        }
        if let Some(text) = bound::of_plan(work.bound(settings)) {
            value += &format!(", {text}");
        }
        report.add(name, value);
    }
}

/// The same for programs.
fn proofs(totals: &Totals, settings: &CopySettings) -> BTreeMap<&'static str, json::PlannedProof> {
    let planned = |under: &UnderProof| json::PlannedProof {
        requests: under.work.requests(),
        size_only: under.size_only,
        bound: under.work.bound(settings).map(Bound::from),
    };
    [("etag", planned(&totals.by_etag)), ("size", planned(&totals.by_size))].into()
}

fn finish(
    job: &mut Job<'_>,
    selection: &Selection,
    totals: &Totals,
    layouts: &Layouts,
    settings: &CopySettings,
    started: Instant,
) -> Result<Exit, Stop> {
    let calendar = &job.settings.calendar;
    let there = |day: &(Dataset, NaiveDate)| totals.days.contains(day);
    let absent = Absent::new(
        selection.sessions(calendar).filter(|day| !there(day)).collect(),
        selection.named_days().iter().filter(|day| !there(day)).copied().collect(),
        calendar,
        size::today(),
    );
    let mut found = Findings::default();
    found.absent(&absent, totals.listed.objects, true, false);
    let exit = found.exit();
    let ui = &mut *job.ui;
    if ui.json {
        ui.event(
            "summary",
            json::PlanEnd {
                command: "plan",
                listed: totals.listed,
                to_copy: totals.to_copy,
                by_reason: totals.by_reason.clone(),
                by_method: totals.by_method.clone(),
                by_action: totals.by_action.clone(),
                copy_requests: totals.requests.clone(),
                proofs: proofs(totals, settings),
                sampled_layouts: layouts
                    .by_part_size
                    .iter()
                    .map(|(part_size, sources)| json::SampledLayout { part_size: *part_size, sources: *sources })
                    .collect(),
                missing: (&absent).into(),
                end: json::End::new(exit, &found.reasons, None, started.elapsed()),
            },
        );
        ui.flush();
        return Ok(exit);
    }
    let mut report = Report::default();
    report.add("selection", selection.to_string());
    let bytes = ui.bytes(totals.to_copy.bytes);
    report.add("to copy", format!("{}, {bytes}", size::count(totals.to_copy.objects, "object", "objects")));
    let split = |report: &mut Report, name, by: &BTreeMap<&str, Count>| {
        let parts: Vec<_> = by.iter().map(|(word, count)| format!("{word} {}", count.objects)).collect();
        if !parts.is_empty() {
            report.add(name, parts.join(", "));
        }
    };
    split(&mut report, "why", &totals.by_reason);
    split(&mut report, "how", &totals.by_method);
    report.main(ui, "identical", totals.of("identical"), "", None);
    report.count(ui, "kept", totals.of("kept"), "same size, cannot be proven from the listings", None);
    report.count(ui, "archived", totals.of("archived"), "its owner must restore it first", None);
    report.count(ui, "markers", totals.of("marker"), "empty, named like folders, not copied", None);
    report.count(ui, "extra", totals.of("extra"), "in your bucket only; left as it is", None);
    report.absent(&absent, calendar);
    report.requests(&totals.requests, 0, 0);
    if let Some(text) = bound::of_plan(totals.chosen.bound(settings)) {
        report.add("S3's time", text);
    }
    report_proofs(&mut report, ui, totals, layouts, settings);
    for key in &totals.replaced {
        report.add("replaces", key.as_str());
    }
    let replaced: u64 = totals.by_reason.iter().filter(|(why, _)| **why != "new").map(|(_, c)| c.objects).sum();
    let more = replaced - totals.replaced.len() as u64;
    if more > 0 {
        report.add("replaces", format!("and {more} more"));
    }
    report.add("elapsed", size::duration(started.elapsed()));
    report.result(exit, "planned; nothing was copied", &found.reasons);
    report.print(ui);
    ui.flush();
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_those_of_the_method() {
        for method in [Method::Whole { head: false }, Method::Whole { head: true }, Method::Parts(7)] {
            let mut totals = Totals::default();
            totals.request(method);
            assert_eq!(totals.requests.values().sum::<u64>(), method.requests(), "{method:?}");
        }
    }
}
