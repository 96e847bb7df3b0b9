//! A deep verification under way: takes the plan as it comes, reads objects side by side, and tells events.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use flex_keys::{ObjectKey, Selection};
use futures::Stream;
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    DeepEnd, DeepEvent, DeepRecord, DeepSettings, DeepSummary, DeepVerdict, Fault, fetch::Reader, object, pace::Pace,
    source::Asked,
};
use crate::{
    Action, Bucket, Count, ETag, ListedObject, Notice, PlanItem, StopReason,
    join::{self, Batch},
    plan::Scene,
    requests::Requests,
    telling::{Deserted, Listener, Teller},
};

/// Objects that are listed and not begun. Bounds the memory of a run.
const WINDOW: usize = 10_000;
/// Objects at once until the owner was let read one: a right that is missing is then found by a handful of refusals.
const UNPROVEN_WIDTH: usize = 4;

const ARCHIVED: &str = "archived at the source";

/// A deep verification under way: a stream of events, the summary last. See
/// [`Copier::verify_deep`](crate::Copier::verify_deep) for cancellation.
#[derive(Debug)]
pub struct DeepRun {
    events: Listener<DeepEvent>,
    reader: Arc<Reader>,
}

impl DeepRun {
    /// Bytes read from the destination so far.
    pub fn bytes_read(&self) -> u64 {
        self.reader.bytes.load(Ordering::Relaxed)
    }
}

impl Stream for DeepRun {
    type Item = DeepEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DeepEvent>> {
        self.get_mut().events.poll(cx)
    }
}

/// What a run is made of.
pub(crate) struct Parts {
    pub(crate) scene: Arc<Scene>,
    /// As the copy role.
    pub(crate) requests: Arc<Requests>,
    /// As the owner.
    pub(crate) owner: Requests,
    pub(crate) notices: mpsc::UnboundedReceiver<Notice>,
    pub(crate) settings: DeepSettings,
    /// The destination as the owner reaches it.
    pub(crate) destination: Bucket,
    pub(crate) record: Option<DeepRecord>,
    /// The caller's.
    pub(crate) cancel: CancellationToken,
    /// Ours, which the requests heed.
    pub(crate) stop: CancellationToken,
}

pub(crate) fn start(parts: Parts, selection: Arc<Selection>) -> DeepRun {
    let Parts { scene, requests, owner, notices, settings, destination, record, cancel, stop } = parts;
    let reader = Arc::new(Reader {
        bucket: destination,
        requests: owner,
        pace: Pace::new(settings.bytes_per_second),
        attempts: scene.settings.attempts,
        bytes: 0.into(),
        resumed: 0.into(),
        granted: 0.into(),
    });
    let shared = reader.clone();
    let events = Listener::start(|events| async move {
        let (batches, listing) = join::start(scene.clone(), requests.clone(), selection);
        let run = Run {
            scene,
            requests,
            reader: shared,
            events,
            settings,
            record,
            window: VecDeque::new(),
            objects: JoinSet::new(),
            summary: DeepSummary::default(),
            cancel,
            stop,
        };
        run.drive(batches, listing, notices).await
    });
    DeepRun { events, reader }
}

type Ended = (ListedObject, Option<ETag>, Result<DeepVerdict, Fault>);

struct Run {
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    reader: Arc<Reader>,
    events: Teller<DeepEvent>,
    settings: DeepSettings,
    record: Option<DeepRecord>,
    /// Listed, and not begun; in the order of the listing.
    window: VecDeque<(ListedObject, Option<ETag>)>,
    objects: JoinSet<Ended>,
    summary: DeepSummary,
    cancel: CancellationToken,
    stop: CancellationToken,
}

impl Run {
    async fn drive(
        mut self,
        mut batches: mpsc::Receiver<Batch>,
        mut listing: JoinSet<()>,
        mut notices: mpsc::UnboundedReceiver<Notice>,
    ) -> Result<(), Deserted> {
        let started = Instant::now();
        let mut listing_open = true;
        let mut stopping = false;
        loop {
            if self.stop.is_cancelled() && !stopping {
                stopping = true;
                listing.abort_all();
            }
            while !stopping && self.objects.len() < self.width() {
                let Some((object, destination_etag)) = self.window.pop_front() else { break };
                self.begin(object, destination_etag);
            }
            let nothing_left = stopping || (!listing_open && self.window.is_empty());
            if nothing_left && self.objects.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Some(notice) = notices.recv() => self.tell(DeepEvent::Notice(notice)).await?,
                () = self.stop.cancelled(), if !stopping => {}
                batch = batches.recv(), if listing_open && !stopping && self.window.len() < WINDOW => match batch {
                    Some(Ok(batch)) => self.take(batch).await?,
                    Some(Err(reason)) => self.stop_for(reason),
                    None => {
                        listing_open = false;
                        self.summary.listing_complete = self.summary.stopped.is_none();
                        self.tell(DeepEvent::ListingDone).await?;
                    }
                },
                Some(ended) = self.objects.join_next(), if !self.objects.is_empty() => {
                    let mut ended = vec![ended];
                    // Those that ended meanwhile go into the record at one stroke.
                    while let Some(another) = self.objects.try_join_next() {
                        ended.push(another);
                    }
                    let mut ends = Vec::with_capacity(ended.len());
                    for ended in ended {
                        match ended {
                            Ok((object, destination_etag, result)) => {
                                let verdict = self.verdict(result);
                                let read = destination_etag.is_some();
                                ends.push(DeepEnd { read, ..end_of(object, destination_etag, verdict) });
                            }
                            Err(e) => self.stop_for(StopReason::Internal(e.to_string())),
                        }
                    }
                    self.end(ends).await?;
                }
            }
        }
        while let Ok(notice) = notices.try_recv() {
            self.tell(DeepEvent::Notice(notice)).await?;
        }
        for (object, _) in std::mem::take(&mut self.window) {
            self.summary.interrupted.add(object.size);
        }
        let (mut sent, mut retries, mut throttled) = self.requests.counts();
        let (as_owner, owner_retries, owner_throttled) = self.reader.requests.counts();
        for (operation, number) in as_owner {
            *sent.entry(operation).or_default() += number;
        }
        retries += owner_retries;
        throttled += owner_throttled;
        let summary = &mut self.summary;
        (summary.requests, summary.retries, summary.throttled) = (sent, retries, throttled);
        summary.bytes_read = self.reader.bytes.load(Ordering::Relaxed);
        summary.resumed = self.reader.resumed.load(Ordering::Relaxed);
        summary.cancelled = self.cancel.is_cancelled();
        summary.elapsed = started.elapsed();
        let summary = std::mem::take(summary);
        self.tell(DeepEvent::Summary(Box::new(summary))).await
    }

    fn width(&self) -> usize {
        let places = self.settings.max_in_flight;
        if self.reader.is_granted() { places } else { places.min(UNPROVEN_WIDTH) }
    }

    fn begin(&mut self, object: ListedObject, destination_etag: Option<ETag>) {
        let (scene, requests, reader) = (self.scene.clone(), self.requests.clone(), self.reader.clone());
        self.objects.spawn(async move {
            let result = match &destination_etag {
                Some(etag) => object::read(&scene, &requests, &reader, &object, etag).await,
                None => absent(&scene, &requests, &object).await,
            };
            (object, destination_etag, result)
        });
    }

    /// Sorts a batch of the plan: what is to be read or asked about into the window, the rest is at its end already.
    async fn take(&mut self, batch: Vec<PlanItem>) -> Result<(), Deserted> {
        // The service answers, whoever asks.
        self.reader.requests.governor().answered();
        let (mut listed, mut to_read) = (Count::default(), Count::default());
        let mut ends = Vec::new();
        for PlanItem { object, action, destination_etag, destination_size, .. } in batch {
            if action == Action::Extra {
                self.summary.extra.add(object.size);
                continue;
            }
            let key = ObjectKey::parse(&object.key);
            if let (Some(dataset), Some(date)) = (key.dataset(), key.date()) {
                self.summary.days.entry((dataset, date)).or_default().listed += 1;
            }
            if action == Action::FilteredOut {
                continue;
            }
            listed.add(object.size);
            if action == Action::Marker {
                ends.push(end_of(object, destination_etag, DeepVerdict::Marker));
                continue;
            }
            let Some(etag) = &destination_etag else {
                if action == Action::Archived {
                    ends.push(end_of(object, None, DeepVerdict::Archived { detail: ARCHIVED }));
                } else {
                    self.window.push_back((object, None));
                }
                continue;
            };
            if let Some(size) = destination_size.filter(|size| *size != object.size) {
                let verdict =
                    DeepVerdict::Differs { detail: format!("it has {size} bytes, by the source {}", object.size) };
                ends.push(end_of(object, destination_etag, verdict));
                continue;
            }
            match self.record.as_ref().and_then(|record| record.find(&object, etag)) {
                Some(verdict) => ends.push(DeepEnd { recorded: true, ..end_of(object, destination_etag, verdict) }),
                None => {
                    to_read.add(object.size);
                    self.window.push_back((object, destination_etag));
                }
            }
        }
        self.tell(DeepEvent::Listed {
            objects: listed.objects,
            to_read: to_read.objects,
            bytes_to_read: to_read.bytes,
        })
        .await?;
        self.end(ends).await
    }

    fn verdict(&mut self, result: Result<DeepVerdict, Fault>) -> DeepVerdict {
        match result {
            Ok(verdict) | Err(Fault::Verdict(verdict)) => verdict,
            Err(Fault::Interrupted) => DeepVerdict::Interrupted,
            Err(Fault::Stop(reason)) => {
                self.stop_for(reason);
                DeepVerdict::Interrupted
            }
        }
    }

    async fn end(&mut self, ends: Vec<DeepEnd>) -> Result<(), Deserted> {
        if let Some(record) = &mut self.record
            && let Err(error) = record.note(&ends).await
        {
            self.tell(DeepEvent::RecordFailed { detail: error.to_string() }).await?;
        }
        for end in ends {
            self.summary.count(&end.verdict).add(end.size);
            if end.recorded {
                self.summary.recorded.add(end.size);
            }
            let key = ObjectKey::parse(&end.key);
            if let (Some(dataset), Some(date)) = (key.dataset(), key.date()) {
                let day = self.summary.days.entry((dataset, date)).or_default();
                match &end.verdict {
                    DeepVerdict::NotEntitled => day.not_entitled += 1,
                    DeepVerdict::NotComparable { .. } => day.present += 1,
                    verdict if verdict.proof().is_some() => day.present += 1,
                    _ => {}
                }
            }
            self.tell(DeepEvent::Object(end)).await?;
        }
        Ok(())
    }

    /// Ends the run: the first reason counts, the others follow from it or say the same.
    fn stop_for(&mut self, reason: StopReason) {
        if self.summary.stopped.is_none() {
            self.summary.stopped = Some(Arc::new(reason));
        }
        self.stop.cancel();
    }

    async fn tell(&self, event: DeepEvent) -> Result<(), Deserted> {
        self.events.tell(event).await
    }
}

/// The destination does not have it: whether the copy role could.
async fn absent(scene: &Scene, requests: &Requests, object: &ListedObject) -> Result<DeepVerdict, Fault> {
    let readable = Asked::new(scene, requests, object).is_readable().await?;
    Ok(if readable { DeepVerdict::Missing } else { DeepVerdict::NotEntitled })
}

fn end_of(object: ListedObject, destination_etag: Option<ETag>, verdict: DeepVerdict) -> DeepEnd {
    let ListedObject { key, size, etag, .. } = object;
    DeepEnd { key, size, etag, destination_etag, verdict, read: false, recorded: false }
}
