//! `flex verify --manifest A --against B`: two sets of records, without any network.

use std::time::Instant;

use flex_copy::{
    Count, Proof,
    manifest::{Difference, Recorded, compare},
};

use super::{
    super::{Findings, Job},
    read::{self, Loaded},
};
use crate::{
    args::VerifyArgs,
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Colour, Ui, json, report::Report, size},
};

#[derive(Default)]
pub(crate) struct Totals {
    pub(crate) same: Count,
    /// Of the same: those whose proof is another.
    pub(crate) proof_differs: Count,
    /// Of the same: those that one of them has by size only.
    pub(crate) size_only: Count,
    pub(crate) changed: Count,
    pub(crate) only_first: Count,
    pub(crate) only_second: Count,
}

pub(crate) async fn run(job: &mut Job<'_>, args: &VerifyArgs, manifests: Vec<String>) -> Result<Exit, Stop> {
    if manifests.is_empty() {
        return Err(Stop::text(Exit::Usage, "--against compares with what --manifest names")
            .mend(msg!("against-needs-manifest")));
    }
    let selection = if args.selections.is_empty() { None } else { Some(job.select(&args.selections)?) };
    if selection.as_ref().is_some_and(|selection| !selection.lookups().is_empty()) {
        let what = "without a listing nobody knows which folders this selection means";
        return Err(Stop::text(Exit::Usage, what).mend(msg!("against-plain-selection")));
    }
    let settings = job.settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let started = Instant::now();
    let first = read::load(manifests, None, &job.interrupt).await?;
    let second = read::load(args.against.clone(), None, &job.interrupt).await?;
    for loaded in [&first, &second] {
        if loaded.files == 0 {
            return Err(loaded.none());
        }
    }
    first.tell(job.ui);
    second.tell(job.ui);
    let same_destination = first.of == second.of;
    let mut totals = Totals::default();
    for (number, (key, difference)) in compare(&first.index, &second.index, same_destination).enumerate() {
        if number % 1024 == 0 && job.interrupt.first.is_cancelled() {
            return Err(Stop::interrupted());
        }
        if selection.as_ref().is_none_or(|selection| selection.contains(key)) && settings.passes(key) {
            totals.add(&difference);
            line(job.ui, key, &difference);
        }
    }
    let found = findings(&totals, args);
    let exit = found.exit();
    summary(job.ui, &totals, [&first, &second], exit, &found.reasons, started.elapsed());
    Ok(exit)
}

impl Totals {
    fn add(&mut self, difference: &Difference) {
        let mut add = |count: fn(&mut Self) -> &mut Count, size: u64| {
            let count = count(self);
            count.objects += 1;
            count.bytes += size;
        };
        match difference {
            Difference::Same { size, proof, against } => {
                add(|t| &mut t.same, *size);
                if proof != against {
                    add(|t| &mut t.proof_differs, *size);
                }
                if [proof, against].contains(&&Proof::SizeOnly) {
                    add(|t| &mut t.size_only, *size);
                }
            }
            Difference::Changed { is, .. } => add(|t| &mut t.changed, is.size),
            Difference::OnlyFirst(record) => add(|t| &mut t.only_first, record.size),
            Difference::OnlySecond(record) => add(|t| &mut t.only_second, record.size),
            _ => {}
        }
    }
}

fn line(ui: &mut Ui, key: &str, difference: &Difference) {
    if ui.json {
        ui.event("object", json::Compared::new(key, difference));
        return;
    }
    let copy = |record: &Recorded| {
        let (etag, proof) = match &record.state {
            Ok((etag, proof)) => (etag.as_str(), format!("by {proof}")),
            Err(outcome) => ("", outcome.clone()),
        };
        let copied = if record.etag.as_str() == etag { String::new() } else { format!(", the copy's {etag}") };
        format!("{} bytes, ETag {}{copied}, {proof}", record.size, record.etag)
    };
    let (matters, word, detail) = match difference {
        Difference::Same { proof, against, .. } if proof == against => (false, "same", format!("by {proof}")),
        Difference::Same { proof, against, .. } => (false, "same", format!("by {proof}, then by {against}")),
        Difference::Changed { was, is } => (true, "changed", format!("was {}; is {}", copy(was), copy(is))),
        Difference::OnlyFirst(record) => (true, "only-first", copy(record)),
        Difference::OnlySecond(record) => (true, "only-second", copy(record)),
        _ => (false, "other", String::new()),
    };
    if !matters && !ui.verbose {
        return;
    }
    let name = format!("{word:<12}");
    let name = if matters { ui.paint(Colour::Red, name) } else { name };
    let text = format!("{name} {}  ({})", ui.safe(key), ui.safe(&detail));
    ui.line(text);
}

fn findings(totals: &Totals, args: &VerifyArgs) -> Findings {
    let mut found = Findings::default();
    let objects = |number| size::count(number, "object", "objects");
    for (count, word) in [
        (totals.changed, "changed"),
        (totals.only_first, "only in --manifest"),
        (totals.only_second, "only in --against"),
    ] {
        found.add(count.objects > 0, Exit::Failed, || format!("{} {word}", objects(count.objects)));
    }
    found.add(args.strict && totals.size_only.objects > 0, Exit::Incomplete, || {
        format!("{} proven by size only", objects(totals.size_only.objects))
    });
    let nothing = [totals.same, totals.changed, totals.only_first, totals.only_second].iter().all(|c| c.objects == 0);
    found.add(nothing, Exit::Incomplete, || "nothing matched the selection".into());
    found
}

fn summary(
    ui: &mut Ui,
    totals: &Totals,
    [first, second]: [&Loaded; 2],
    exit: Exit,
    reasons: &[String],
    elapsed: std::time::Duration,
) {
    if ui.json {
        let end = json::End::new(exit, reasons, None, elapsed);
        ui.event("summary", json::CompareEnd::new(totals, [first.files, second.files], end));
    } else {
        let mut report = Report::default();
        let manifests = |loaded: &Loaded| {
            let of = loaded.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
            let keys = size::count(loaded.index.len() as u64, "key", "keys");
            format!("{}, {keys}{of}", size::count(loaded.files as u64, "file", "files"))
        };
        report.add("manifest", manifests(first));
        report.add("against", manifests(second));
        report.main(ui, "same", totals.same, "", None);
        report.count(ui, "other proof", totals.proof_differs, "the same object, proven by something else", None);
        report.count(ui, "size only", totals.size_only, "not verified, in one of them or both", Some(Colour::Yellow));
        report.main(ui, "changed", totals.changed, "", Some(Colour::Red));
        report.main(ui, "only first", totals.only_first, "in --manifest alone", Some(Colour::Red));
        report.main(ui, "only second", totals.only_second, "in --against alone", Some(Colour::Red));
        report.add("elapsed", size::duration(elapsed));
        report.result(exit, "the same", reasons);
        report.print(ui);
    }
    ui.flush();
}
