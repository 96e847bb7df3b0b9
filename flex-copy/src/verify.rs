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
    Action, CopyReason, Count, DayCounts, ListedObject, Notice, Operation, PlanItem, PlanStream, RequestFailure,
    StopReason,
    engine::{head_source, is_kms},
    event::{missing_named_days, missing_sessions},
    failure::FailureKind,
    plan::{self, Scene},
    requests::{Failed, Requests},
    telling::{Deserted, Listener, Teller},
};

const OTHER_ETAG: &str = "equal size, but another ETag: other content, or a destination that encrypts with KMS";

/// What the listings show of one object.
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
    },
    /// The last event.
    Summary(Box<VerifySummary>),
}

/// The result of a verification.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "named after the verdicts")]
pub struct VerifySummary {
    pub proven: Count,
    pub size_only: Count,
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
        [
            self.proven,
            self.size_only,
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
) -> VerifyRun {
    let events = Listener::start(|events| async move {
        let (batches, tasks) = plan::start(scene.clone(), requests.clone(), selection);
        let plan = PlanStream::new(batches, tasks);
        let summary = VerifySummary::default();
        Verification { scene, requests, events, questions: JoinSet::new(), summary }.drive(plan, notices).await
    });
    VerifyRun { events }
}

struct Verification {
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    events: Teller<VerifyEvent>,
    /// Objects about which the source is being asked.
    questions: JoinSet<(ListedObject, Result<Verdict, StopReason>)>,
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
        self.summary.requests = self.requests.counts().0;
        self.summary.elapsed = started.elapsed();
        let summary = std::mem::take(&mut self.summary);
        self.tell(VerifyEvent::Summary(Box::new(summary))).await
    }

    async fn take(&mut self, item: PlanItem) -> Result<(), Deserted> {
        let PlanItem { object, action, .. } = item;
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
                    let verdict = ask(&scene, &requests, &object, reason).await;
                    (object, verdict)
                });
                return Ok(());
            }
        };
        self.end(object, verdict).await
    }

    async fn end(&mut self, object: ListedObject, verdict: Verdict) -> Result<(), Deserted> {
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
        };
        count.add(size);
        let parsed = ObjectKey::parse(&key);
        if let (Some(dataset), Some(date), false) = (parsed.dataset(), parsed.date(), matches!(verdict, Verdict::Extra))
        {
            let day = summary.days.entry((dataset, date)).or_default();
            day.listed += 1;
            match verdict {
                Verdict::Proven | Verdict::SizeOnly => day.present += 1,
                Verdict::NotEntitled => day.not_entitled += 1,
                _ => {}
            }
        }
        self.tell(VerifyEvent::Object { key, size, verdict }).await
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
