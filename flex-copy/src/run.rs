//! A run: takes the plan as it comes, keeps copies going side by side, and tells events.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use flex_keys::{ObjectKey, Selection};
use futures::{FutureExt, Stream};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Action, CopyEvent, CopyReason, Count, ETag, Journal, ListedObject, Notice, ObjectEnd, ObjectFailure, OpenUpload,
    Outcome, PlanItem, StopReason, Summary, Work,
    engine::Engine,
    join::{self, Batch},
    open_uploads::Uploads,
    plan::{Method, Scene},
    requests::Requests,
    telling::{Deserted, Listener, Teller},
};

/// Copies at once until the destination has accepted one: a policy that is missing is then found by a handful of
/// refused requests.
const UNPROVEN_WIDTH: usize = 4;

/// So many parts are under way for each place, for an object by parts begins and ends with single requests. With two, a copy in
/// parts took 3 % longer.
const AHEAD: usize = 3;

/// A run under way: a stream of events, the summary last. See [`Copier::copy`](crate::Copier::copy) for cancellation.
#[derive(Debug)]
pub struct CopyRun {
    events: Listener<CopyEvent>,
    uploads: Uploads,
}

impl CopyRun {
    /// The uploads that are open at this moment.
    pub fn open_uploads(&self) -> Vec<OpenUpload> {
        self.uploads.list()
    }
}

impl Stream for CopyRun {
    type Item = CopyEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<CopyEvent>> {
        self.get_mut().events.poll(cx)
    }
}

pub(crate) fn start(
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    notices: mpsc::UnboundedReceiver<Notice>,
    selection: Arc<Selection>,
    journal: Option<Journal>,
    cancel: CancellationToken,
    stop: CancellationToken,
) -> CopyRun {
    let uploads = Uploads::new(&scene.destination, requests.clone(), journal);
    let engine = Arc::new(Engine::new(scene.clone(), requests.clone(), uploads.clone()));
    let events = Listener::start(|events| async move {
        let (batches, listing) = join::start(scene, requests, selection.clone());
        let run = Run {
            engine,
            selection,
            events,
            window: Window::default(),
            objects: JoinSet::new(),
            requests_wanted: 0,
            summary: Summary::default(),
            copied: Work::default(),
            cancel,
            stop,
        };
        run.drive(batches, listing, notices).await
    });
    CopyRun { events, uploads }
}

struct Ended {
    /// As it was copied, or else listed.
    object: ListedObject,
    /// What the destination had under its key.
    destination_etag: Option<ETag>,
    result: Result<Outcome, StopReason>,
    /// Its share of [`Run::requests_wanted`].
    wanted: usize,
}

struct Run {
    engine: Arc<Engine>,
    selection: Arc<Selection>,
    events: Teller<CopyEvent>,
    window: Window,
    objects: JoinSet<Ended>,
    /// Requests that the objects under way can have in flight, [`AHEAD`] times over where it is one.
    requests_wanted: usize,
    summary: Summary,
    copied: Work,
    /// The caller's.
    cancel: CancellationToken,
    /// Ours: cancelled with the caller's, and when the run must stop.
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
            while !stopping && self.has_room() {
                let Some(item) = self.window.next(self.engine.is_proven()) else { break };
                self.begin(item);
            }
            let nothing_left = stopping || (!listing_open && self.window.is_empty());
            if nothing_left && self.objects.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Some(notice) = notices.recv() => self.tell(CopyEvent::Notice(notice)).await?,
                () = self.stop.cancelled(), if !stopping => {}
                batch = batches.recv(), if listing_open && !stopping && self.window.has_room(self.engine.scene.settings.listing_ahead) => match batch {
                    Some(Ok(batch)) => self.take(batch).await?,
                    Some(Err(reason)) => self.stop_for(reason),
                    None => {
                        listing_open = false;
                        self.summary.listing_complete = self.summary.stopped.is_none();
                        self.tell(CopyEvent::ListingDone).await?;
                    }
                },
                Some(ended) = self.objects.join_next(), if !self.objects.is_empty() => match ended {
                    Ok(Ended { object, destination_etag, result, wanted }) => {
                        self.requests_wanted -= wanted;
                        self.end(object, destination_etag, result).await?;
                    }
                    // A panic is caught inside the task, and nothing aborts these tasks.
                    Err(e) => self.stop_for(StopReason::Internal(e.to_string())),
                },
                () = self.engine.requests.governor().changed(), if !self.window.is_empty() => {}
            }
        }
        if !stopping && self.summary.listing_complete {
            let mut stale = pin!(self.engine.abort_stale(&self.selection));
            loop {
                tokio::select! {
                    biased;
                    Some(notice) = notices.recv() => self.tell(CopyEvent::Notice(notice)).await?,
                    () = &mut stale => break,
                }
            }
        }
        self.engine.uploads.rest().await;
        while let Ok(notice) = notices.try_recv() {
            self.tell(CopyEvent::Notice(notice)).await?;
        }
        for item in std::mem::take(&mut self.window).items() {
            self.summary.interrupted.add(item.object.size);
        }
        let (sent, retries, throttled) = self.engine.requests.counts();
        self.summary.requests = sent;
        self.summary.retries = retries;
        self.summary.throttled = throttled;
        self.summary.open_uploads = self.engine.uploads.list();
        self.summary.cancelled = self.cancel.is_cancelled();
        self.summary.elapsed = started.elapsed();
        self.summary.bound = self.copied.bound(&self.engine.scene.settings);
        let summary = std::mem::take(&mut self.summary);
        self.tell(CopyEvent::Summary(Box::new(summary))).await
    }

    /// Whether another object may begin: as many as fill the places, for requests that wait to be sent again hold none. While
    /// there may be more places, as many again wait for them: their waiting shows that they are wanted.
    fn has_room(&self) -> bool {
        let places = self.engine.scene.settings.max_in_flight;
        if self.engine.is_proven() {
            let governor = self.engine.requests.governor();
            let width = governor.width();
            let wanting = if width < places { width } else { 0 };
            self.requests_wanted < AHEAD * (width + wanting + governor.waiting().min(places))
        } else {
            self.objects.len() < places.min(UNPROVEN_WIDTH)
        }
    }

    fn begin(&mut self, mut item: PlanItem) {
        let wanted = match item.action {
            Action::Copy { method: Method::Parts(parts), .. } => {
                usize::try_from(parts).unwrap_or(usize::MAX).max(AHEAD)
            }
            _ => AHEAD,
        };
        let wanted = wanted.min(AHEAD * self.engine.scene.settings.max_in_flight);
        self.requests_wanted += wanted;
        let engine = self.engine.clone();
        self.objects.spawn(async move {
            let copy = AssertUnwindSafe(engine.copy(&mut item)).catch_unwind();
            let result = copy.await.unwrap_or_else(|panic| {
                let what = panic
                    .downcast_ref::<&str>()
                    .map(|s| (*s).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "a task panicked".into());
                Ok(Outcome::Failed(Arc::new(ObjectFailure::Internal(what))))
            });
            let object = item.object;
            Ended { object, destination_etag: item.destination_etag, result, wanted }
        });
    }

    /// Sorts a batch of the plan: what is to be copied into the window, the rest is at its end already.
    async fn take(&mut self, batch: Vec<PlanItem>) -> Result<(), Deserted> {
        let (mut listed, mut to_copy) = (Count::default(), Count::default());
        for item in &batch {
            if !matches!(item.action, Action::Extra | Action::FilteredOut) {
                listed.add(item.object.size);
            }
            if matches!(item.action, Action::Copy { .. }) {
                to_copy.add(item.object.size);
            }
        }
        self.tell(CopyEvent::Listed {
            objects: listed.objects,
            bytes: listed.bytes,
            to_copy: to_copy.objects,
            bytes_to_copy: to_copy.bytes,
        })
        .await?;
        for item in batch {
            if item.action == Action::Extra {
                self.summary.extra.add(item.object.size);
                continue;
            }
            let key = ObjectKey::parse(&item.object.key);
            if let (Some(dataset), Some(date)) = (key.dataset(), key.date()) {
                self.summary.days.entry((dataset, date)).or_default().listed += 1;
            }
            if item.action == Action::FilteredOut {
                continue;
            }
            if key.is_unknown() {
                self.summary.unknown_names.add(item.object.size);
            }
            let outcome = match item.action {
                Action::Copy { .. } => {
                    self.window.push(item);
                    continue;
                }
                Action::Identical => Outcome::Identical,
                Action::Kept => Outcome::Kept,
                Action::Archived => Outcome::Archived,
                Action::Marker | Action::Extra | Action::FilteredOut => Outcome::Marker,
            };
            self.end(item.object, item.destination_etag, Ok(outcome)).await?;
        }
        Ok(())
    }

    async fn end(
        &mut self,
        object: ListedObject,
        destination_etag: Option<ETag>,
        result: Result<Outcome, StopReason>,
    ) -> Result<(), Deserted> {
        let outcome = result.unwrap_or_else(|reason| {
            self.stop_for(reason);
            Outcome::Interrupted
        });
        let size = object.size;
        let summary = &mut self.summary;
        match &outcome {
            Outcome::Copied { proof, reason, layout, .. } => {
                self.copied.add_copied(size, layout.as_deref());
                summary.copied.entry(*proof).or_default().add(size);
                if *reason == CopyReason::Changed {
                    summary.replaced.add(size);
                }
            }
            Outcome::Identical => summary.identical.add(size),
            Outcome::Kept => summary.kept.add(size),
            Outcome::ChangeKept => summary.changes_kept.add(size),
            Outcome::NotEntitled => summary.not_entitled.add(size),
            Outcome::Archived => summary.archived.add(size),
            Outcome::Marker => summary.markers.add(size),
            Outcome::ChangedMeanwhile { .. } => summary.changed_meanwhile.add(size),
            Outcome::Failed(_) => summary.failed.add(size),
            Outcome::Interrupted => summary.interrupted.add(size),
        }
        if matches!(outcome, Outcome::Failed(_) | Outcome::Interrupted | Outcome::ChangedMeanwhile { .. }) {
            self.engine.uploads.unfinished(&object.key);
        }
        let key = ObjectKey::parse(&object.key);
        if let (Some(dataset), Some(date)) = (key.dataset(), key.date()) {
            let day = summary.days.entry((dataset, date)).or_default();
            match outcome {
                Outcome::Copied { .. } | Outcome::Identical | Outcome::Kept => day.present += 1,
                Outcome::NotEntitled => day.not_entitled += 1,
                _ => {}
            }
        }
        let ListedObject { key, size, etag, last_modified, .. } = object;
        self.tell(CopyEvent::Object(ObjectEnd { key, size, etag, last_modified, destination_etag, outcome })).await
    }

    /// Ends the run: the first reason counts, the others follow from it or say the same.
    fn stop_for(&mut self, reason: StopReason) {
        if self.summary.stopped.is_none() {
            self.summary.stopped = Some(Arc::new(reason));
        }
        self.stop.cancel();
    }

    async fn tell(&self, event: CopyEvent) -> Result<(), Deserted> {
        self.events.tell(event).await
    }
}

/// What is planned and not begun, by size, and equals in the order of the listing. The largest and the smallest are begun in
/// turn: no giant is left to the end, and what is quickly copied fills the time of what is not, instead of following it as
/// more requests a second than S3 takes. Only the smallest while the destination is unproven, so that it is proven soon.
#[derive(Default)]
struct Window {
    items: BTreeMap<(u64, Reverse<u64>), PlanItem>,
    count: u64,
    memory: usize,
    large_next: bool,
}

/// What the window's items may take, however many it may hold: some 40,000 with keys as the vendor's are, and fewer with longer
/// ones, of up to 1,024 bytes.
const WINDOW_MEMORY: usize = 16 << 20;

fn memory(item: &PlanItem) -> usize {
    let texts = [&item.object.etag].into_iter().chain(&item.destination_etag).map(|etag| etag.as_str().len());
    // The nodes of the tree are two thirds full, and each text is an allocation of its own.
    let node = (size_of::<(u64, Reverse<u64>)>() + size_of::<PlanItem>()) * 3 / 2;
    node + 48 + item.object.key.len() + texts.sum::<usize>()
}

impl Window {
    fn push(&mut self, item: PlanItem) {
        self.memory += memory(&item);
        self.items.insert((item.object.size, Reverse(self.count)), item);
        self.count += 1;
    }

    fn next(&mut self, proven: bool) -> Option<PlanItem> {
        self.large_next = proven && !self.large_next;
        let (_, next) = if self.large_next { self.items.pop_last() } else { self.items.pop_first() }?;
        self.memory -= memory(&next);
        Some(next)
    }

    fn has_room(&self, most: usize) -> bool {
        self.items.len() < most && self.memory < WINDOW_MEMORY
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn items(self) -> impl Iterator<Item = PlanItem> {
        self.items.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Storage;

    #[test]
    fn the_largest_and_the_smallest_are_begun_in_turn_once_the_destination_is_proven() {
        let mut window = Window::default();
        for size in [30, 10, 60, 20, 50, 40] {
            let object = ListedObject {
                key: size.to_string(),
                size,
                etag: ETag::new("e"),
                last_modified: 1,
                storage: Storage::Online,
                full_object_checksum: false,
            };
            let method = Method::Whole { head: false };
            let action = Action::Copy { reason: CopyReason::New, method, kms_possible: false };
            window.push(PlanItem { object, action, destination_etag: None, destination_size: None });
        }
        let mut next = |proven| window.next(proven).map(|item| item.object.size);
        assert_eq!([next(false), next(false)], [Some(10), Some(20)]);
        assert_eq!([(); 5].map(|()| next(true)), [Some(60), Some(30), Some(50), Some(40), None]);
        assert_eq!(window.memory, 0);
    }
}
