//! `flex clean`: finds our unfinished uploads and ends them, as the owner.

use flex_copy::{Bucket, Cleaner, UnfinishedUpload};
use flex_policy::RoleArn;
use serde::Serialize;

use super::Job;
use crate::{
    args::CleanArgs,
    clients::{Base, require_bucket},
    error::{Stop, chain},
    exit::Exit,
    hints,
    journals::Known,
    language::msg,
    present::{Ui, json, question, report::Report, safe, size},
};

/// What is to become of one upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    End,
    /// Whatever its age: the journal has its id, and the run which began it is over.
    EndLeft,
    LeaveRunning,
    LeaveYoung,
    LeaveForeign,
}

/// What the journals say of an upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Journaled {
    /// A run under way needs it.
    alive: bool,
    /// A run that is over left it.
    left: bool,
}

impl Fate {
    fn of(
        upload: &UnfinishedUpload,
        role: Option<&str>,
        now: i64,
        args: &CleanArgs,
        Journaled { alive, left }: Journaled,
    ) -> Self {
        // Where the service does not tell, it may have been begun just now.
        let age = upload.initiated.map_or(0, |begun| now.saturating_sub(begun));
        if alive {
            Self::LeaveRunning
        } else if left && role.is_none_or(|role| upload.is_by_role(role)) {
            Self::EndLeft
        } else if !args.all && !role.is_some_and(|role| upload.is_by_role(role)) {
            Self::LeaveForeign
        } else if age < i64::try_from(args.older_than.as_secs()).unwrap_or(i64::MAX) {
            Self::LeaveYoung
        } else {
            Self::End
        }
    }

    fn ends(self) -> bool {
        matches!(self, Self::End | Self::EndLeft)
    }

    fn why(self) -> &'static str {
        match self {
            Self::End => "",
            Self::EndLeft => "left by a run that is over, by its journal",
            Self::LeaveRunning => "a running flex needs it, by its journal",
            Self::LeaveYoung => "begun lately: a running flex may need it (--older-than)",
            Self::LeaveForeign => "begun by somebody else (--all)",
        }
    }
}

#[derive(Serialize)]
struct Upload<'a> {
    key: &'a str,
    upload_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiated: Option<String>,
    initiator: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    why: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    error: Vec<String>,
}

#[derive(Serialize)]
struct End<'a> {
    command: &'a str,
    found: usize,
    ended: u64,
    left: u64,
    not_ended: u64,
    failed: u64,
    #[serde(flatten)]
    end: json::End<'a>,
}

pub(super) async fn run(job: &mut Job<'_>, args: &CleanArgs) -> Result<Exit, Stop> {
    let started = std::time::Instant::now();
    let bucket = require_bucket(&job.settings)?.to_owned();
    let Prepared { cleaner, prefix, role } = job.interrupt.or(prepare(job, &bucket, args.all)).await?;
    // Held until the end, so that no new run takes over what is being ended.
    let known = Known::read(&job.settings, job.ui).await?;
    let found =
        async { cleaner.find().await.map_err(|reason| hints::stopped(&reason, false).mend(msg!("clean-needs-owner"))) };
    let found = job.interrupt.or(found).await?;
    let now = size::now();
    let journaled = |upload: &UnfinishedUpload| Journaled {
        alive: known.is_alive(&upload.key, &upload.upload_id),
        left: known.was_left(&bucket, &upload.key, &upload.upload_id),
    };
    let fate = |upload: &UnfinishedUpload| Fate::of(upload, role.as_deref(), now, args, journaled(upload));
    let fates: Vec<_> = found.iter().map(fate).collect();

    for (upload, fate) in found.iter().zip(&fates).filter(|(_, fate)| !fate.ends()) {
        show(job.ui, upload, "left", fate.why(), Vec::new());
    }
    let ours: Vec<_> = found.iter().zip(&fates).filter(|(_, fate)| fate.ends()).map(|(u, fate)| (u, *fate)).collect();
    let (mut ended, mut failed) = (0, 0);
    let agreed = ours.is_empty() || agree(job, &ours).await?;
    let mut still_open: Vec<_> = found.iter().map(|upload| (upload.key.as_str(), upload.upload_id.as_str())).collect();
    for (upload, fate) in &ours {
        if !agreed {
            show(job.ui, upload, "not-ended", "not asked to: --yes ends it", Vec::new());
            continue;
        }
        if job.interrupt.first.is_cancelled() {
            return Err(Stop::interrupted());
        }
        match cleaner.abort(upload).await {
            Ok(()) => {
                ended += 1;
                still_open.retain(|open| *open != (upload.key.as_str(), upload.upload_id.as_str()));
                show(job.ui, upload, "ended", fate.why(), Vec::new());
            }
            Err(failure) => {
                failed += 1;
                show(job.ui, upload, "failed", "", chain(&failure));
            }
        }
    }
    known.settle(&bucket, &prefix, &still_open).await;
    let not_ended = ours.len() as u64 - ended - failed;
    let left = (found.len() - ours.len()) as u64;
    let mut reasons = Vec::new();
    let mut exit = Exit::Done;
    if not_ended > 0 {
        reasons
            .push(format!("{} not ended: nothing is ended without --yes", size::count(not_ended, "upload", "uploads")));
        exit = Exit::Incomplete;
    }
    if failed > 0 {
        reasons.push(format!("{} could not be ended", size::count(failed, "upload", "uploads")));
        exit = Exit::Failed;
    }
    let ui = &mut *job.ui;
    if ui.json {
        // What was left is no reason for an exit code; each `upload` line says why it was.
        let end = json::End::new(exit, &reasons, None, started.elapsed());
        ui.event("summary", End { command: "clean", found: found.len(), ended, left, not_ended, failed, end });
    } else {
        let mut report = Report::default();
        let uploads = |number: u64| size::count(number, "upload", "uploads");
        report.add("found", uploads(found.len() as u64));
        report.add("ended", uploads(ended));
        report.add("left", uploads(left));
        reasons.extend(remains(&fates, args));
        report.result(exit, if left == 0 { "clean" } else { "not all ended" }, &reasons);
        report.print(ui);
    }
    ui.flush();
    Ok(exit)
}

/// What stays in the bucket though nothing went wrong, and until when.
fn remains(fates: &[Fate], args: &CleanArgs) -> Vec<String> {
    let mut remains = Vec::new();
    let left = |fate| {
        let number = fates.iter().filter(|found| **found == fate).count() as u64;
        (number > 0).then(|| size::count(number, "upload", "uploads"))
    };
    if let Some(uploads) = left(Fate::LeaveRunning) {
        remains.push(format!("{uploads} left: a running flex needs them"));
    }
    if let Some(uploads) = left(Fate::LeaveYoung) {
        remains.push(format!(
            "{uploads} left, younger than {} (--older-than): the parts are billed until a later clean ends them",
            size::duration(args.older_than)
        ));
    }
    if let Some(uploads) = left(Fate::LeaveForeign) {
        remains.push(format!("{uploads} left, begun by somebody else (--all)"));
    }
    remains
}

struct Prepared {
    cleaner: Cleaner,
    /// What it looks under.
    prefix: String,
    /// The role whose uploads are ours.
    role: Option<String>,
}

async fn prepare(job: &Job<'_>, bucket: &str, all: bool) -> Result<Prepared, Stop> {
    let settings = &job.settings;
    let base = Base::new(settings).await?;
    let s3 = base.owner_s3(settings).await?;
    // An upload's initiator does not tell the account, from which the role's name is made; and the bucket is pinned to it.
    let account = match &settings.account {
        None if !all && settings.role_arn.is_none() => Some(
            base.account(settings)
                .await
                .map_err(|stop| stop.during("whose uploads are ours is not known").mend(msg!("name-account")))?,
        ),
        None if settings.expected_owner => Some(
            base.owner_account(settings)
                .await
                .map_err(|stop| stop.during("whose the bucket must be is not known").mend(msg!("name-account")))?,
        ),
        given => *given,
    };
    let made = account.map(|account| RoleArn::copy_role(&settings.source_account, &account));
    let role = settings.role_arn.as_ref().or(made.as_ref()).map(|role| role.role_name().to_owned());

    let copy = settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let mut bucket = Bucket::new(s3, bucket).prefix(settings.key_prefix());
    if let (true, Some(account)) = (settings.expected_owner, account) {
        bucket = bucket.expected_owner(account.as_str());
    }
    let prefix = bucket.key_prefix().to_owned();
    Ok(Prepared { cleaner: Cleaner::new(bucket, &copy), prefix, role })
}

async fn agree(job: &mut Job<'_>, uploads: &[(&UnfinishedUpload, Fate)]) -> Result<bool, Stop> {
    let list = |ui: &Ui| {
        for (upload, _) in uploads {
            ui.say(format_args!("  {} {}", begun(upload), safe::line(&upload.key, true)));
        }
    };
    let uploads = size::count(uploads.len() as u64, "upload", "uploads");
    let question = format!("End {uploads}? Their parts are deleted.");
    question::agree(job.ui, &job.interrupt, job.yes, list, question).await
}

fn begun(upload: &UnfinishedUpload) -> String {
    upload.initiated.map_or_else(|| "-".to_owned(), size::tokyo)
}

fn show(ui: &mut Ui, upload: &UnfinishedUpload, action: &str, why: &str, error: Vec<String>) {
    if ui.json {
        ui.event(
            "upload",
            Upload {
                key: &upload.key,
                upload_id: &upload.upload_id,
                initiated: upload.initiated.map(size::rfc3339),
                initiator: &upload.initiator,
                action,
                why,
                error,
            },
        );
        return;
    }
    let mut line = format!("{action:<10} {}  {}  {}", begun(upload), ui.safe(&upload.key), ui.safe(&upload.upload_id));
    let detail = if error.is_empty() { why.to_owned() } else { error.join("; because ") };
    if !detail.is_empty() {
        line += &format!("  ({})", ui.safe(&detail));
    }
    ui.line(line);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_is_ours_and_old_is_ended() {
        let role = "JeuServiceRoleForS3Copy_123456789012";
        let ours = format!("arn:aws:sts::461810399597:assumed-role/{role}/flex");
        let upload = |initiator: &str, initiated| UnfinishedUpload {
            key: "k".into(),
            upload_id: "u".into(),
            initiated: Some(initiated),
            initiator: initiator.into(),
        };
        let args = |all| CleanArgs { older_than: Duration::from_secs(3600), all };
        let fate = |initiator: &str, initiated, all| {
            Fate::of(&upload(initiator, initiated), Some(role), 10_000, &args(all), Journaled::default())
        };
        assert_eq!(fate(&ours, 0, false), Fate::End);
        assert_eq!(fate(&ours, 6400, false), Fate::End);
        assert_eq!(fate(&ours, 6401, false), Fate::LeaveYoung);
        // A clock that is behind the service's makes uploads look young, never old.
        assert_eq!(fate(&ours, 20_000, false), Fate::LeaveYoung);
        let untold = UnfinishedUpload { initiated: None, ..upload(&ours, 0) };
        assert_eq!(Fate::of(&untold, Some(role), 10_000, &args(true), Journaled::default()), Fate::LeaveYoung);
        let other = "arn:aws:iam::123456789012:user/somebody";
        assert_eq!(fate(other, 0, false), Fate::LeaveForeign);
        assert_eq!(fate("", 0, false), Fate::LeaveForeign);
        assert_eq!(fate(other, 0, true), Fate::End);
        assert_eq!(fate(other, 6401, true), Fate::LeaveYoung);

        let journaled = |initiator: &str, alive, left| {
            Fate::of(&upload(initiator, 9_999), Some(role), 10_000, &args(false), Journaled { alive, left })
        };
        assert_eq!(journaled(&ours, false, true), Fate::EndLeft, "the run that began it is over");
        assert_eq!(journaled(&ours, true, true), Fate::LeaveRunning);
        assert_eq!(journaled(other, false, true), Fate::LeaveForeign, "the role is another now");
        let old =
            |alive| Fate::of(&upload(&ours, 0), Some(role), 10_000, &args(true), Journaled { alive, left: false });
        assert_eq!(old(true), Fate::LeaveRunning, "a run may take longer than an hour");
    }

    #[test]
    fn what_remains_is_named_with_its_reason() {
        let args = CleanArgs { older_than: Duration::from_secs(5400), all: false };
        let said = |fates: &[Fate]| remains(fates, &args).join("; ");
        assert_eq!(said(&[Fate::End]), "");
        assert_eq!(
            said(&[Fate::LeaveYoung, Fate::End, Fate::LeaveForeign, Fate::LeaveYoung]),
            "2 uploads left, younger than 1 h 30 min (--older-than): the parts are billed until a later clean ends \
             them; 1 upload left, begun by somebody else (--all)"
        );
    }
}
