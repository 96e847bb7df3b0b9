//! What a deep verification shows: a line for each object that matters, and the result.

use std::{collections::BTreeMap, error::Error as StdError};

use flex_copy::{
    Count,
    deep::{DeepEnd, DeepProof, DeepSummary, DeepVerdict},
};
use flex_keys::Selection;
use serde::Serialize;

use super::super::{Findings, Job, stop_of};
use crate::{
    args::VerifyArgs,
    error::{Stop, chain},
    exit::Exit,
    present::{
        Colour, Ui,
        days::Absent,
        json::{self, End, Missing},
        report::Report,
        size,
    },
};

const NOT_COMPARABLE: &str = "read whole and sound as far as it can be told, but the source says nothing that the content \
                              can be compared with: under SSE-KMS an ETag is no digest. -v names why for each";

/// How one object was found.
#[derive(Serialize)]
struct Found<'a> {
    key: &'a str,
    size: u64,
    etag: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    copy_etag: Option<&'a str>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recorded: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error: Vec<String>,
}

#[derive(Serialize)]
struct Note<'a> {
    time: String,
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct Summary<'a> {
    command: &'static str,
    deep: bool,
    listed: Count,
    verified: Count,
    verified_by_proof: BTreeMap<&'static str, Count>,
    recorded: Count,
    differs: Count,
    damaged_gzip: Count,
    not_pcap: Count,
    wrong_date: Count,
    not_comparable: Count,
    missing: Count,
    changed_meanwhile: Count,
    archived: Count,
    not_entitled: Count,
    failed: Count,
    interrupted: Count,
    markers: Count,
    extra: Count,
    bytes_read: u64,
    resumed: u64,
    listing_complete: bool,
    cancelled: bool,
    #[serde(flatten)]
    absent: Missing<'a>,
    requests: BTreeMap<String, u64>,
    retries: u64,
    throttled: u64,
    #[serde(flatten)]
    end: End<'a>,
}

impl<'a> Summary<'a> {
    fn new(summary: &DeepSummary, absent: &'a Absent, end: End<'a>) -> Self {
        Self {
            command: "verify",
            deep: true,
            listed: summary.listed_total(),
            verified: summary.verified_total(),
            verified_by_proof: summary.verified.iter().map(|(proof, count)| (proof.name(), *count)).collect(),
            recorded: summary.recorded,
            differs: summary.differs,
            damaged_gzip: summary.damaged_gzip,
            not_pcap: summary.not_pcap,
            wrong_date: summary.wrong_date,
            not_comparable: summary.not_comparable,
            missing: summary.missing,
            changed_meanwhile: summary.changed_meanwhile,
            archived: summary.archived,
            not_entitled: summary.not_entitled,
            failed: summary.failed,
            interrupted: summary.interrupted,
            markers: summary.markers,
            extra: summary.extra,
            bytes_read: summary.bytes_read,
            resumed: summary.resumed,
            listing_complete: summary.listing_complete,
            cancelled: summary.cancelled,
            absent: absent.into(),
            requests: json::requests(&summary.requests),
            retries: summary.retries,
            throttled: summary.throttled,
            end,
        }
    }
}

/// Whether somebody has to look at it.
pub(super) fn matters(verdict: &DeepVerdict) -> bool {
    matches!(
        verdict,
        DeepVerdict::Differs { .. }
            | DeepVerdict::DamagedGzip { .. }
            | DeepVerdict::NotPcap { .. }
            | DeepVerdict::WrongDate { .. }
            | DeepVerdict::Missing
            | DeepVerdict::ChangedMeanwhile { .. }
            | DeepVerdict::Failed(_)
    )
}

fn detail(verdict: &DeepVerdict) -> &str {
    match verdict {
        DeepVerdict::Differs { detail } | DeepVerdict::DamagedGzip { detail, .. } => detail,
        DeepVerdict::NotComparable { detail, .. }
        | DeepVerdict::ChangedMeanwhile { detail }
        | DeepVerdict::Archived { detail } => detail,
        DeepVerdict::NotPcap { .. } => "it does not begin as a capture does",
        DeepVerdict::WrongDate { .. } => "the date in its name is not that of its folder",
        _ => "",
    }
}

pub(super) fn object(ui: &mut Ui, end: &DeepEnd) {
    let DeepEnd { key, size, etag, destination_etag, verdict, recorded, .. } = end;
    let error = match verdict {
        DeepVerdict::Failed(failure) => chain(&**failure as &(dyn StdError + 'static)),
        _ => Vec::new(),
    };
    if ui.json {
        let copy_etag = destination_etag.as_ref().map(flex_copy::ETag::as_str);
        let (proof, detail) = (verdict.proof().map(DeepProof::name), detail(verdict));
        let (verdict, size, etag) = (verdict.name(), *size, etag.as_str());
        let found = Found { key, size, etag, copy_etag, verdict, proof, detail, recorded: *recorded, error };
        ui.event("object", found);
        return;
    }
    let matters = matters(verdict);
    if !matters && !ui.verbose {
        return;
    }
    let mut details = vec![detail(verdict).to_owned(), error.join("; because ")];
    match (verdict, verdict.proof()) {
        (DeepVerdict::Verified(proof), _) => details.push(format!("by {proof}")),
        (_, Some(proof)) => details.push(format!("so is the source's: equal by {proof}")),
        (DeepVerdict::NotComparable { .. }, None) => details.push("not verified".into()),
        _ => {}
    }
    if *recorded {
        details.push("on record".into());
    }
    details.retain(|detail| !detail.is_empty());
    let name = format!("{:<17}", verdict.name());
    let name = if matters { ui.paint(Colour::Red, name) } else { name };
    let mut line = format!("{name} {}", ui.safe(key));
    if !details.is_empty() {
        line += &format!("  ({})", ui.safe(&details.join("; ")));
    }
    ui.line(line);
}

/// Something to know about the run itself.
pub(super) fn note(ui: &mut Ui, kind: &'static str, text: &str) {
    if ui.json {
        ui.event("notice", Note { time: json::now(), kind, text });
    }
    ui.note(text);
}

fn findings(summary: &DeepSummary, absent: &Absent, args: &VerifyArgs, stop: Option<&Stop>) -> Findings {
    let mut found = Findings::default();
    let objects = |count: Count| size::count(count.objects, "object", "objects");
    found.add(summary.cancelled, Exit::Interrupted, || "not all of it was looked at".into());
    if let Some(stop) = stop {
        found.add(true, stop.exit(), || stop.what().to_owned());
    }
    for (count, word) in [
        (summary.differs, "different"),
        (summary.damaged_gzip, "damaged inside (gzip)"),
        (summary.not_pcap, "no capture inside (pcap)"),
        (summary.wrong_date, "in the folder of another day"),
        (summary.missing, "missing"),
        (summary.changed_meanwhile, "changed meanwhile"),
        (summary.failed, "not readable to the end"),
    ] {
        found.add(count.objects > 0, Exit::Failed, || format!("{} {word}", objects(count)));
    }
    found.add(summary.not_entitled.objects > 0 && !args.allow_not_entitled, Exit::Incomplete, || {
        format!("{} not entitled", objects(summary.not_entitled))
    });
    found.add(summary.archived.objects > 0, Exit::Incomplete, || format!("{} archived", objects(summary.archived)));
    found.add(summary.not_comparable.objects > 0 && args.strict, Exit::Incomplete, || {
        format!("{} read but not comparable", objects(summary.not_comparable))
    });
    let whole = stop.is_none() && !summary.cancelled;
    found.absent(absent, summary.listed_total().objects, whole, args.complete);
    found
}

pub(super) fn finish(job: &mut Job<'_>, args: &VerifyArgs, selection: &Selection, summary: &DeepSummary) -> Exit {
    let calendar = &job.settings.calendar;
    let stop = stop_of(summary.stopped.as_ref(), summary.bytes_read > 0);
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
        let end = End::new(exit, &found.reasons, stop.as_ref(), summary.elapsed);
        ui.event("summary", Summary::new(summary, &absent, end));
    } else {
        let (red, yellow) = (Some(Colour::Red), Some(Colour::Yellow));
        let mut report = Report::default();
        report.add("selection", selection.to_string());
        let by: Vec<_> = summary.verified.iter().map(|(by, count)| format!("by {by} {}", count.objects)).collect();
        report.main(ui, "verified", summary.verified_total(), &by.join(", "), None);
        report.count(ui, "on record", summary.recorded, "found by an earlier run, not read again", None);
        report.main(ui, "not comparable", summary.not_comparable, "read, but not verified", yellow);
        if summary.not_comparable.objects > 0 {
            report.add("about not comparable", NOT_COMPARABLE);
        }
        report.main(ui, "different", summary.differs, "other content than the source's", red);
        report.main(ui, "damaged gzip", summary.damaged_gzip, "", red);
        report.main(ui, "not pcap", summary.not_pcap, "a capture by its name alone", red);
        report.main(ui, "wrong date", summary.wrong_date, "the name has another day than the folder", red);
        report.main(ui, "missing", summary.missing, "", red);
        report.count(ui, "changed meanwhile", summary.changed_meanwhile, "run it again", red);
        report.count(ui, "failed", summary.failed, "", red);
        report.main(ui, "not entitled", summary.not_entitled, "listed, but not in your contract", yellow);
        report.count(ui, "archived", summary.archived, "its owner must restore it first", yellow);
        report.count(ui, "interrupted", summary.interrupted, "not read, or not to the end", yellow);
        report.count(ui, "markers", summary.markers, "empty, named like folders, not looked for", None);
        report.count(ui, "extra", summary.extra, "in your bucket only, not read", None);
        report.absent(&absent, calendar);
        let seconds = summary.elapsed.as_secs_f64().max(0.001);
        let rate = size::human((summary.bytes_read as f64 / seconds) as u64);
        let mut read = format!("{}, {rate}/s", ui.bytes(summary.bytes_read));
        if summary.resumed > 0 {
            read += &format!(", {} gone on with", size::count(summary.resumed, "broken body", "broken bodies"));
        }
        report.add("read", read);
        report.requests(&summary.requests, summary.retries, summary.throttled);
        report.add("elapsed", size::duration(summary.elapsed));
        let good = if summary.not_comparable.objects > 0 { "sound, not all of it comparable" } else { "verified" };
        report.result(exit, good, &found.reasons);
        report.print(ui);
    }
    ui.flush();
    if let Some(stop) = &stop {
        ui.say(stop.render(ui.language, ui.err_is_terminal).trim_end());
    }
    exit
}
