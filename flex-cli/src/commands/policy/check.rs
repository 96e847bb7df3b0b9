//! `flex policy check`.

use std::{io::Read, path::Path};

use flex_policy::{
    BucketName, Finding, Fixed, PolicyTextError, RoleArn, check_assume_role_policy, check_bucket_policy_as_sent,
    fix_assume_role_policy, fix_bucket_policy,
};
use serde::Serialize;

use super::{Job, findings, live::Live};
use crate::{
    args::{Fix, PolicyCheckArgs},
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Ui, json},
};

/// More than any policy, so that a wrong file does not fill the memory.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// What a bucket without a policy has in effect.
const NO_POLICY: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

#[derive(Serialize)]
struct FixLine<'a> {
    changed: bool,
    policy: &'a str,
    difference: String,
    remaining: usize,
}

#[derive(Serialize)]
struct End<'a> {
    command: &'a str,
    role: String,
    /// The bucket, or the file.
    checked: String,
    errors: usize,
    warnings: usize,
    #[serde(flatten)]
    end: json::End<'a>,
}

/// Which policy is looked at.
enum Sort {
    /// With the encryption that copies are sent with.
    Bucket(BucketName, Option<&'static str>),
    AssumeRole,
}

impl Sort {
    fn check(&self, text: &str, role: &RoleArn) -> Vec<Finding> {
        match self {
            Sort::Bucket(bucket, sent) => check_bucket_policy_as_sent(text, role, bucket, *sent),
            Sort::AssumeRole => check_assume_role_policy(text, role),
        }
    }

    fn fix(&self, text: &str, role: &RoleArn) -> Result<Fixed, PolicyTextError> {
        let mut fixed = match self {
            Sort::Bucket(bucket, _) => fix_bucket_policy(text, role, bucket),
            Sort::AssumeRole => fix_assume_role_policy(text, role),
        }?;
        fixed.remaining = self.check(&fixed.policy, role);
        Ok(fixed)
    }
}

pub(super) async fn run(job: &mut Job<'_>, args: &PolicyCheckArgs) -> Result<Exit, Stop> {
    let started = std::time::Instant::now();
    let sort =
        if args.assume_role { Sort::AssumeRole } else { Sort::Bucket(super::bucket(job)?, super::sent(&job.settings)) };
    let (text, role, checked) = match (&args.file, &sort) {
        (Some(path), _) => {
            let text = read(path)?;
            (Some(text), super::role(job).await?, path.display().to_string())
        }
        (None, Sort::Bucket(bucket, _)) => {
            let live = Live::connect(job, bucket).await?;
            (live.read(job).await?, live.role.clone(), bucket.to_string())
        }
        (None, Sort::AssumeRole) => return Err(Stop::text(Exit::Usage, "--assume-role needs --file")),
    };
    let text_or_none = text.as_deref().unwrap_or(NO_POLICY);
    let found = sort.check(text_or_none, &role);
    let aside = args.fix == Some(Fix::Policy);
    let ui = &mut *job.ui;
    if text.is_none() && !ui.json {
        put(ui, aside, msg!("policy-none", bucket = &checked).text(ui.language));
    }
    for finding in &found {
        findings::show(ui, finding, aside);
    }
    if let Sort::Bucket(bucket, _) = &sort {
        findings::encryption(ui, &found, text_or_none, &role, bucket, aside);
    }
    if let Some(fix) = args.fix {
        // Where there is none the whole policy is what is missing.
        let fixed = sort.fix(text.as_deref().unwrap_or_default(), &role);
        show_fix(ui, fix, &found, fixed);
    }
    let (errors, warnings) = findings::count(&found);
    let exit = if errors > 0 { Exit::Failed } else { Exit::Done };
    if ui.json {
        let reasons = findings::reasons(errors, warnings);
        let reasons = if errors > 0 { reasons.as_slice() } else { &[] };
        let end = json::End::new(exit, reasons, None, started.elapsed());
        ui.event("summary", End { command: "policy check", role: role.to_string(), checked, errors, warnings, end });
    } else {
        let result = findings::result(ui, errors, warnings);
        put(ui, aside, result);
        let live = args.file.is_none() && args.fix.is_none();
        if live && sort.fix(text.as_deref().unwrap_or_default(), &role).is_ok_and(|fixed| fixed.changed()) {
            put(ui, aside, msg!("policy-apply-mends").text(ui.language));
        }
    }
    ui.flush();
    Ok(exit)
}

/// A line of the result, or of the talk beside it.
fn put(ui: &mut Ui, aside: bool, text: String) {
    if aside { ui.say(text) } else { ui.line(text) }
}

fn show_fix(ui: &mut Ui, how: Fix, found: &[Finding], fixed: Result<Fixed, PolicyTextError>) {
    let fixed = match fixed {
        Ok(fixed) => fixed,
        // The finding has said where and why.
        Err(_) => {
            let text = msg!("policy-fix-none").text(ui.language);
            return if ui.json { ui.note(text) } else { put(ui, how == Fix::Policy, text) };
        }
    };
    if ui.json {
        let (changed, difference) = (fixed.changed(), fixed.difference());
        let remaining = fixed.remaining.len();
        return ui.event("fix", FixLine { changed, policy: &fixed.policy, difference, remaining });
    }
    match how {
        Fix::Policy => ui.text(&format!("{}\n", fixed.policy.trim_end())),
        Fix::Difference if fixed.changed() => findings::difference(ui, &fixed.difference()),
        Fix::Difference if found.is_empty() => {}
        Fix::Difference => ui.line(msg!("policy-fix-none").text(ui.language)),
    }
    if fixed.changed() && !fixed.remaining.is_empty() {
        let text = msg!("policy-fix-leaves").text(ui.language);
        put(ui, how == Fix::Policy, text);
        for finding in &fixed.remaining {
            findings::show(ui, finding, how == Fix::Policy);
        }
    }
}

fn read(path: &Path) -> Result<String, Stop> {
    let read = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        reader.take(MOST_BYTES + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let bytes = match path == Path::new("-") {
        true => read(&mut std::io::stdin().lock()),
        false => std::fs::File::open(path).and_then(|mut file| read(&mut file)),
    };
    let bytes = bytes.map_err(|e| Stop::usage(&e).during(format!("{name} cannot be read")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Stop::text(Exit::Usage, format!("{name} is larger than any policy")));
    }
    String::from_utf8(bytes).map_err(|e| Stop::usage(&e).during(format!("{name} is not a policy")))
}
