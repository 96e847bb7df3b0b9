//! Proves a selection from the two listings, and claims no more than they show.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use chrono::NaiveDate;
use flex_keys::{Dataset, ObjectKey, Selection, TradingCalendar};
use futures::{Stream, StreamExt};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};

use crate::{
    Action, CopyReason, Count, DayCounts, ETag, ListedObject, Notice, Operation, PlanItem, PlanStream, Proof,
    RequestFailure, StopReason,
    engine::{head_source, is_kms},
    event::{missing_named_days, missing_sessions},
    failure::FailureKind,
    join,
    manifest::{Joined, Recorded, Records, Told},
    plan::Scene,
    requests::{Failed, Requests},
    telling::{Deserted, Listener, Teller},
};

const OTHER_ETAG: &str = "equal size, but another ETag: other content, or a destination that encrypts with KMS";

/// What the listings show of one object; with a manifest, what has become of what was proven.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Equal size and ETag.
    Proven,
    /// Equal size; the ETags cannot be compared. Not verified.
    SizeOnly,
    /// The destination does not have it, and the copy role may read it.
    Missing,
    /// The destination has something else under this key.
    Different {
        /// What differs.
        detail: &'static str,
    },
    /// The destination does not have it, and the contract does not let the copy role read it.
    NotEntitled,
    /// The destination does not have it in this state, and it is archived at the source.
    Archived,
    /// A zero-byte object named like a folder; not looked for.
    Marker,
    /// Only the destination has it.
    Extra,
    /// The listings differ, and the question to the source that would tell why failed.
    Unclear(Arc<RequestFailure>),
    /// Both sides are as a manifest has them, and this is by what it proves them equal. Never by size only: that is
    /// [`SizeOnly`](Self::SizeOnly).
    Recorded {
        /// The stronger of the record's proof and the listings'.
        proof: Proof,
    },
    /// It is on record, and what the destination has now is neither that copy nor the source's content.
    ChangedAtDestination {
        /// The ETag that is there.
        found: ETag,
    },
    /// The copy is as it was recorded, and the source has another version since.
    ChangedAtSource {
        /// The source's ETag now.
        found: ETag,
    },
    /// The copy is as it was recorded, and the source does not list it any more.
    SourceGone {
        /// By what the record proves the copy.
        proof: Proof,
    },
    /// A copy is on record, and neither bucket has the object any more.
    Lost,
    /// No copy is on record and the destination has none, though the copy role may read it.
    NeverCopied {
        /// How a run ended it, if one is on record.
        outcome: Option<String>,
    },
}

impl Verdict {
    /// The word for it in JSON and in counts.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::SizeOnly => "size-only",
            Self::Missing => "missing",
            Self::Different { .. } => "different",
            Self::NotEntitled => "not-entitled",
            Self::Archived => "archived",
            Self::Marker => "marker",
            Self::Extra => "extra",
            Self::Unclear(_) => "unclear",
            Self::Recorded { .. } => "proven",
            Self::ChangedAtDestination { .. } => "changed-at-destination",
            Self::ChangedAtSource { .. } => "changed-at-source",
            Self::SourceGone { .. } => "source-gone",
            Self::Lost => "lost",
            Self::NeverCopied { .. } => "never-copied",
        }
    }
}

/// One event of a verification; the summary is the last.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum VerifyEvent {
    /// Something to know.
    Notice(Notice),
    /// One object.
    Object {
        /// The key in the vendor's bucket.
        key: String,
        /// Bytes, as the source lists it.
        size: u64,
        /// What the listings show.
        verdict: Verdict,
        /// The record of it in the manifests.
        record: Option<Box<Recorded>>,
    },
    /// The last event.
    Summary(Box<VerifySummary>),
}

/// The result of a verification.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "named after the verdicts")]
pub struct VerifySummary {
    pub proven: Count,
    /// The proven ones, by what proves them.
    pub proven_by: BTreeMap<Proof, Count>,
    pub size_only: Count,
    pub changed_at_destination: Count,
    /// Of those changed at the destination, the ones that the source does not list any more.
    pub changed_and_gone: Count,
    pub changed_at_source: Count,
    pub never_copied: Count,
    pub source_gone: Count,
    pub lost: Count,
    /// Without a record, where only what has one was to be judged.
    pub unrecorded: Count,
    pub missing: Count,
    pub different: Count,
    pub not_entitled: Count,
    pub archived: Count,
    pub markers: Count,
    pub extra: Count,
    pub unclear: Count,
    /// By day; `present` counts proven and size only.
    pub days: BTreeMap<(Dataset, NaiveDate), DayCounts>,
    /// Requests sent, by operation.
    pub requests: BTreeMap<Operation, u64>,
    /// Wall time.
    pub elapsed: Duration,
    /// The verification did not come to its end because of this.
    pub stopped: Option<Arc<StopReason>>,
    /// It was cancelled.
    pub cancelled: bool,
}

impl VerifySummary {
    /// All objects that the source lists in the selection.
    pub fn listed_total(&self) -> Count {
        let changed = self.changed_at_destination;
        let gone = self.changed_and_gone;
        let changed = Count { objects: changed.objects - gone.objects, bytes: changed.bytes - gone.bytes };
        [
            self.proven,
            self.size_only,
            changed,
            self.changed_at_source,
            self.never_copied,
            self.missing,
            self.different,
            self.not_entitled,
            self.archived,
            self.markers,
            self.unclear,
        ]
        .into_iter()
        .sum()
    }

    /// Sessions of the calendar inside the selection for which the source lists no object.
    pub fn missing_sessions(&self, selection: &Selection, calendar: &TradingCalendar) -> Vec<(Dataset, NaiveDate)> {
        missing_sessions(&self.days, selection, calendar)
    }

    /// Days named one by one for which the source lists no object, whether sessions or not.
    pub fn missing_named_days(&self, selection: &Selection) -> Vec<(Dataset, NaiveDate)> {
        missing_named_days(&self.days, selection)
    }
}

/// A verification under way: a stream of events, the summary last. Dropping it ends it.
#[derive(Debug)]
pub struct VerifyRun {
    events: Listener<VerifyEvent>,
}

impl Stream for VerifyRun {
    type Item = VerifyEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<VerifyEvent>> {
        self.get_mut().events.poll(cx)
    }
}

pub(crate) fn start(
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    notices: mpsc::UnboundedReceiver<Notice>,
    selection: Arc<Selection>,
    records: Option<Records>,
) -> VerifyRun {
    let events = Listener::start(|events| async move {
        let (batches, tasks) = join::start(scene.clone(), requests.clone(), selection.clone());
        let plan = PlanStream::new(batches, tasks);
        let summary = VerifySummary::default();
        let (questions, records) = (JoinSet::new(), records.map(Joined::new));
        Verification { scene, requests, events, selection, records, questions, summary }.drive(plan, notices).await
    });
    VerifyRun { events }
}

/// An object of a listing.
struct Judged {
    object: ListedObject,
    record: Option<Box<Recorded>>,
    /// The source lists it.
    listed: bool,
}

struct Verification {
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    events: Teller<VerifyEvent>,
    selection: Arc<Selection>,
    records: Option<Joined>,
    /// Objects about which the source is being asked.
    questions: JoinSet<(Judged, Result<Verdict, StopReason>)>,
    summary: VerifySummary,
}

impl Verification {
    async fn drive(
        mut self,
        mut plan: PlanStream,
        mut notices: mpsc::UnboundedReceiver<Notice>,
    ) -> Result<(), Deserted> {
        let started = Instant::now();
        let mut listing_open = true;
        while listing_open || !self.questions.is_empty() {
            if self.summary.stopped.is_some() || self.requests.cancelled() {
                break;
            }
            let room = self.questions.len() < self.scene.settings.max_in_flight;
            tokio::select! {
                biased;
                Some(notice) = notices.recv() => self.tell(VerifyEvent::Notice(notice)).await?,
                () = self.requests.until_cancelled() => {}
                Some(answer) = self.questions.join_next(), if !self.questions.is_empty() => match answer {
                    Ok((object, Ok(verdict))) => self.end(object, verdict).await?,
                    Ok((_, Err(reason))) => self.summary.stopped = Some(Arc::new(reason)),
                    Err(e) => self.summary.stopped = Some(Arc::new(StopReason::Internal(e.to_string()))),
                },
                item = plan.next(), if listing_open && room => match item {
                    Some(Ok(item)) => self.take(item).await?,
                    Some(Err(reason)) => self.summary.stopped = Some(Arc::new(reason)),
                    None => listing_open = false,
                },
            }
        }
        self.summary.cancelled = self.requests.cancelled();
        if self.summary.stopped.is_none() && !self.summary.cancelled {
            self.tell_unseen().await?;
        }
        self.summary.requests = self.requests.counts().0;
        self.summary.elapsed = started.elapsed();
        let summary = std::mem::take(&mut self.summary);
        self.tell(VerifyEvent::Summary(Box::new(summary))).await
    }

    /// What is on record and neither bucket lists.
    async fn tell_unseen(&mut self) -> Result<(), Deserted> {
        while let Some((key, record)) = self.records.as_mut().and_then(Joined::next_unseen) {
            if !self.selection.contains(&key) || !self.scene.settings.passes(&key) {
                continue;
            }
            let size = record.size;
            self.summary.lost.add(size);
            let record = Some(Box::new(record));
            self.tell(VerifyEvent::Object { key, size, verdict: Verdict::Lost, record }).await?;
        }
        Ok(())
    }

    async fn take(&mut self, item: PlanItem) -> Result<(), Deserted> {
        let told = self.records.as_mut().map(|records| records.tell(&item));
        let PlanItem { object, action, .. } = item;
        let with_records = told.is_some();
        let listed = action != Action::Extra;
        let record = match told {
            _ if action == Action::FilteredOut => None,
            Some(Told::Verdict(verdict, record)) => {
                return self.end(Judged { object, record: Some(record), listed }, verdict).await;
            }
            Some(Told::NotAsked) => {
                if listed {
                    self.summary.unrecorded.add(object.size);
                }
                return Ok(());
            }
            Some(Told::Nothing(record)) => record,
            None => None,
        };
        let verdict = match action {
            Action::Identical => Verdict::Proven,
            Action::Kept | Action::Copy { reason: CopyReason::Unproven, .. } => Verdict::SizeOnly,
            Action::Archived => Verdict::Archived,
            Action::Marker => Verdict::Marker,
            Action::Extra => Verdict::Extra,
            Action::FilteredOut => {
                let key = ObjectKey::parse(&object.key);
                if let (Some(dataset), Some(date)) = (key.dataset(), key.date()) {
                    self.summary.days.entry((dataset, date)).or_default().listed += 1;
                }
                return Ok(());
            }
            Action::Copy { reason: CopyReason::Changed, kms_possible: false, .. } => {
                Verdict::Different { detail: "another size, or the source is newer than the copy" }
            }
            Action::Copy { reason, .. } => {
                let (scene, requests) = (self.scene.clone(), self.requests.clone());
                self.questions.spawn(async move {
                    let verdict = ask(&scene, &requests, &object, reason).await.map(|verdict| match verdict {
                        Verdict::Missing if with_records => {
                            let outcome = record.as_ref().and_then(|record| record.state.clone().err());
                            Verdict::NeverCopied { outcome }
                        }
                        verdict => verdict,
                    });
                    (Judged { object, record, listed }, verdict)
                });
                return Ok(());
            }
        };
        self.end(Judged { object, record, listed }, verdict).await
    }

    async fn end(&mut self, judged: Judged, verdict: Verdict) -> Result<(), Deserted> {
        let Judged { object, record, listed } = judged;
        let ListedObject { key, size, .. } = object;
        let summary = &mut self.summary;
        let count = match &verdict {
            Verdict::Proven => &mut summary.proven,
            Verdict::SizeOnly => &mut summary.size_only,
            Verdict::Missing => &mut summary.missing,
            Verdict::Different { .. } => &mut summary.different,
            Verdict::NotEntitled => &mut summary.not_entitled,
            Verdict::Archived => &mut summary.archived,
            Verdict::Marker => &mut summary.markers,
            Verdict::Extra => &mut summary.extra,
            Verdict::Unclear(_) => &mut summary.unclear,
            Verdict::Recorded { .. } => &mut summary.proven,
            Verdict::ChangedAtDestination { .. } => &mut summary.changed_at_destination,
            Verdict::ChangedAtSource { .. } => &mut summary.changed_at_source,
            Verdict::SourceGone { .. } => &mut summary.source_gone,
            Verdict::Lost => &mut summary.lost,
            Verdict::NeverCopied { .. } => &mut summary.never_copied,
        };
        count.add(size);
        match verdict {
            Verdict::ChangedAtDestination { .. } if !listed => summary.changed_and_gone.add(size),
            Verdict::Proven => summary.proven_by.entry(Proof::Etag).or_default().add(size),
            Verdict::Recorded { proof } => summary.proven_by.entry(proof).or_default().add(size),
            _ => {}
        }
        let parsed = ObjectKey::parse(&key);
        if let (Some(dataset), Some(date), true) = (parsed.dataset(), parsed.date(), listed) {
            let day = summary.days.entry((dataset, date)).or_default();
            day.listed += 1;
            match verdict {
                Verdict::Proven | Verdict::Recorded { .. } | Verdict::SizeOnly => day.present += 1,
                Verdict::NotEntitled => day.not_entitled += 1,
                _ => {}
            }
        }
        self.tell(VerifyEvent::Object { key, size, verdict, record }).await
    }

    async fn tell(&self, event: VerifyEvent) -> Result<(), Deserted> {
        self.events.tell(event).await
    }
}

/// Asks the source why the destination lacks an object, or has another ETag of the same kind.
async fn ask(
    scene: &Scene,
    requests: &Requests,
    object: &ListedObject,
    reason: CopyReason,
) -> Result<Verdict, StopReason> {
    let failed: Failed = match head_source(scene, requests, &object.key, None, false).await {
        Ok(head) => {
            return Ok(match reason {
                CopyReason::Changed if is_kms(head.server_side_encryption()) => Verdict::SizeOnly,
                CopyReason::Changed => Verdict::Different { detail: OTHER_ETAG },
                CopyReason::New | CopyReason::Unproven => Verdict::Missing,
            });
        }
        Err(failed) => failed,
    };
    match (failed.kind(), reason) {
        (FailureKind::Denied, CopyReason::New) => Ok(Verdict::NotEntitled),
        (FailureKind::Denied, _) => Ok(Verdict::Different { detail: OTHER_ETAG }),
        _ => match StopReason::general(scene.source.name(), failed) {
            Ok(reason) => Err(reason),
            Err(failed) => Ok(Verdict::Unclear(Arc::new(failed.failure))),
        },
    }
}
