//! `flex policy apply`.

use flex_policy::{Finding, check_bucket_policy_as_sent, fix_bucket_policy};
use serde::Serialize;

use super::{Job, findings, live::Live};
use crate::{
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Colour, json, question},
};

#[derive(Serialize)]
struct Change<'a> {
    difference: &'a str,
    policy: &'a str,
}

#[derive(Serialize)]
struct End<'a> {
    command: &'a str,
    bucket: &'a str,
    role: String,
    changed: bool,
    errors: usize,
    warnings: usize,
    #[serde(flatten)]
    end: json::End<'a>,
}

pub(super) async fn run(job: &mut Job<'_>) -> Result<Exit, Stop> {
    let started = std::time::Instant::now();
    let bucket = super::bucket(job)?;
    let live = Live::connect(job, &bucket).await?;
    let current = live.read(job).await?;
    let mut fixed = fix_bucket_policy(current.as_deref().unwrap_or_default(), &live.role, &bucket)
        .map_err(|e| Stop::new(Exit::Refused, &e).mend(msg!("policy-mend-by-hand")))?;
    fixed.remaining = check_bucket_policy_as_sent(&fixed.policy, &live.role, &bucket, super::sent(&job.settings));

    let mut changed = false;
    let mut not_asked = false;
    if fixed.changed() {
        let difference = fixed.difference();
        let ui = &mut *job.ui;
        if ui.json {
            ui.event("change", Change { difference: &difference, policy: &fixed.policy });
        } else {
            findings::difference(ui, &difference);
        }
        ui.flush();
        let text = msg!("policy-question", bucket = &bucket).text(ui.language);
        if question::agree(job.ui, &job.interrupt, job.yes, |_| {}, text).await? {
            // A question may take its time.
            if live.read(job).await? != current {
                return Err(Stop::text(
                    Exit::Refused,
                    format!("the policy of the bucket {bucket} was changed meanwhile"),
                )
                .mend(msg!("setup-mend-again")));
            }
            live.put(&fixed.policy).await?;
            changed = true;
        } else {
            not_asked = true;
        }
    }
    for finding in &fixed.remaining {
        findings::show(job.ui, finding, false);
    }
    findings::encryption(job.ui, &fixed.remaining, &fixed.policy, &live.role, &bucket, false);
    end(job, &live, changed, not_asked, &fixed.remaining, started)
}

fn end(
    job: &mut Job<'_>,
    live: &Live,
    changed: bool,
    not_asked: bool,
    remaining: &[Finding],
    started: std::time::Instant,
) -> Result<Exit, Stop> {
    let bucket = super::bucket(job)?;
    let (errors, warnings) = findings::count(remaining);
    let mut exit = if not_asked { Exit::Incomplete } else { Exit::Done };
    if errors > 0 {
        exit = exit.or(Exit::Failed);
    }
    let ui = &mut *job.ui;
    if ui.json {
        let mut reasons = if errors > 0 { findings::reasons(errors, warnings) } else { Vec::new() };
        if not_asked {
            reasons.push("nothing is changed without --yes".to_owned());
        }
        let end = json::End::new(exit, &reasons, None, started.elapsed());
        let role = live.role.to_string();
        ui.event(
            "summary",
            End { command: "policy apply", bucket: bucket.as_str(), role, changed, errors, warnings, end },
        );
    } else {
        let (message, colour) = match (not_asked, changed) {
            (true, _) => (msg!("policy-without-yes"), Colour::Yellow),
            (false, true) => (msg!("policy-applied", bucket = &bucket), Colour::Green),
            (false, false) if errors == 0 => (msg!("policy-right", bucket = &bucket), Colour::Green),
            (false, false) => (msg!("policy-not-ours"), Colour::Red),
        };
        let text = ui.paint(colour, message.text(ui.language));
        ui.line(text);
        if errors > 0 {
            let result = findings::result(ui, errors, warnings);
            ui.line(result);
        }
    }
    ui.flush();
    Ok(exit)
}
