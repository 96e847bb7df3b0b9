//! `flex verify --deep`: reads the copies, as the owner.

mod present;

use std::{path::Path, sync::Arc};

use flex_copy::{
    Copier, JournalFile,
    deep::{DeepEvent, DeepRecord, DeepRecordError, DeepSettings, DeepSummary},
    journal::JournalError,
};
use flex_keys::ObjectKey;
use flex_policy::SessionPurpose;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Job, copy::tell};
use crate::{
    args::VerifyArgs,
    clients::{Base, require_bucket},
    config::NONE,
    error::Stop,
    exit::Exit,
    language::msg,
    limits,
    present::progress::{State, TICK},
};

pub(super) async fn run(job: &mut Job<'_>, args: &VerifyArgs) -> Result<Exit, Stop> {
    if args.selections.is_empty() {
        return Err(Stop::text(Exit::Usage, "nothing is selected to verify").mend(msg!("deep-what")));
    }
    let selection = job.select(&args.selections)?;
    require_bucket(&job.settings)?;
    if job.flags.manifest.iter().any(|path| path != NONE) {
        return Err(Stop::text(Exit::Usage, "--deep compares with what the source says, and not with a manifest")
            .mend(msg!("deep-no-manifest")));
    }
    let mut objects = args.deep.deep_in_flight;
    // An object takes a connection of the role's to the source, and one of the owner's to the copy.
    if let Some(most) = job.connections.map(|most| (most / 2).max(1))
        && let Some(lowered) = limits::lowered(objects, most, "objects read at once")
    {
        job.ui.chat(lowered);
        objects = most;
    }
    let mut settings = DeepSettings::builder().max_in_flight(objects);
    if let Some(rate) = args.deep.max_rate {
        settings = settings.bytes_per_second(rate);
    }
    let settings = settings.build().map_err(|e| Stop::usage(&e))?;
    let file = args.deep.deep_record.as_deref().map(open).transpose()?;
    let owner = async { Base::new(&job.settings).await?.owner_s3(&job.settings).await };
    let owner = job.interrupt.or(owner).await?;
    let copy = job.settings.copy_settings(std::convert::identity).map_err(|e| Stop::usage(&e))?;
    let (copier, selection) = job.copier(selection, copy, SessionPurpose::Reading).await?;
    let record = match file {
        Some(file) => Some(job.interrupt.or(record(&copier, file)).await?),
        None => None,
    };

    let cancel = CancellationToken::new();
    let mut run = copier.verify_deep(&selection, owner, settings, record, cancel.clone());
    let mut state = State::over(selection.sessions(&job.settings.calendar).count());
    let interrupt = job.interrupt.clone();
    job.ui.progress.start();
    let mut tick = tokio::time::interval(TICK);
    let summary: DeepSummary = loop {
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
                state.done.1 = run.bytes_read();
                if let Some(line) = job.ui.progress.update(&mut state) {
                    job.ui.note(line);
                }
                continue;
            }
        };
        match event {
            Some(DeepEvent::Notice(notice)) => tell(job.ui, &notice),
            Some(DeepEvent::Listed { objects, to_read, bytes_to_read }) => {
                state.listed += objects;
                state.to_do = (state.to_do.0 + to_read, state.to_do.1 + bytes_to_read);
            }
            Some(DeepEvent::ListingDone) => state.listing_done = true,
            Some(DeepEvent::Object(end)) => {
                let parsed = ObjectKey::parse(&end.key);
                if let (Some(dataset), Some(date)) = (parsed.dataset(), parsed.date()) {
                    state.sessions_seen.insert((dataset, date));
                }
                state.done.0 += u64::from(end.read);
                state.failed += u64::from(present::matters(&end.verdict));
                present::object(job.ui, &end);
            }
            Some(DeepEvent::RecordFailed { detail }) => {
                let note = format!("the record is not written any more, so a later run reads these again: {detail}");
                present::note(job.ui, "record-failed", &note);
            }
            Some(DeepEvent::Summary(summary)) => break *summary,
            Some(_) => {}
            None => {
                return Err(Stop::text(Exit::Failed, "internal fault: the verification ended without a summary")
                    .mend(msg!("report-fault")));
            }
        }
    };
    job.ui.progress.finish();
    Ok(present::finish(job, args, &selection, &summary))
}

/// The file, held by a lock, so that two runs do not write into it.
fn open(path: &Path) -> Result<JournalFile, Stop> {
    JournalFile::open_record(path).map_err(|error| match &error {
        JournalError::Locked { path } => {
            Stop::text(Exit::Usage, format!("the record {} is in use by another flex", path.display()))
                .mend(msg!("deep-record-in-use"))
        }
        JournalError::Io { doing, path, source } => Stop::new(Exit::Usage, source)
            .during(format!("the record {} cannot be {doing}", path.display()))
            .mend(msg!("deep-record-file")),
        other => Stop::new(Exit::Usage, other).mend(msg!("deep-record-file")),
    })
}

async fn record(copier: &Copier, file: JournalFile) -> Result<DeepRecord, Stop> {
    copier.deep_record(Arc::new(file)).await.map_err(|error| {
        let stop = Stop::new(Exit::Usage, &error);
        match error {
            DeepRecordError::Io(_) => stop.mend(msg!("deep-record-file")),
            _ => stop.mend(msg!("deep-record-other")),
        }
    })
}
