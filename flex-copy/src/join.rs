//! Lists both buckets, range by range, and joins the two listings into the plan.
//!
//! A range begins as one chain of pages on each side. When a page shows that there is more, what is left is cut at the days
//! ahead and listed side by side: about as many requests as there are pages, whatever a day holds, and no long chain.

use std::{
    cmp::Ordering,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use flex_keys::{KeyRange, Selection, TradingCalendar};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
};

use crate::{
    Action, ListedObject, PlanItem, StopReason,
    listing::{RangeReader, Side},
    plan::{Scene, compare},
    requests::Requests,
};

/// Ranges listed at once, both sides of each.
const RANGES_AT_ONCE: usize = 20;
/// Pages that each part of a range should have. A part ends with a page that is not full, or with one that is of no use where
/// the one before ended with the part.
const PAGES_TO_CUT: usize = 3;
/// Items in one message of a range's task.
const BATCH: usize = 1000;
/// Messages under way. Together with the pages of the ranges at once, this bounds the memory of a plan.
const BATCHES_AHEAD: usize = 4;

pub(crate) type Batch = Result<Vec<PlanItem>, StopReason>;

/// Lists and compares; the tasks end when the receiver is dropped or the set is.
pub(crate) fn start(
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    selection: Arc<Selection>,
) -> (mpsc::Receiver<Batch>, JoinSet<()>) {
    let (send, receive) = mpsc::channel(BATCHES_AHEAD);
    let (cut, cuts) = mpsc::unbounded_channel();
    let calendar = TradingCalendar::tse();
    let lister = Arc::new(Lister { scene, requests, selection, calendar, idle: AtomicUsize::new(0), cut, send });
    let mut tasks = JoinSet::new();
    tasks.spawn(lister.run(cuts));
    (receive, tasks)
}

/// Both sides of a range.
struct Pair {
    source: RangeReader,
    destination: RangeReader,
}

struct Lister {
    scene: Arc<Scene>,
    requests: Arc<Requests>,
    selection: Arc<Selection>,
    calendar: TradingCalendar,
    /// How many more ranges may be listed beside those under way.
    idle: AtomicUsize,
    /// Takes what is cut off a range, each for one that was idle.
    cut: mpsc::UnboundedSender<Pair>,
    send: mpsc::Sender<Batch>,
}

impl Lister {
    async fn run(self: Arc<Self>, mut cuts: mpsc::UnboundedReceiver<Pair>) {
        let mut waiting = self.selection.key_ranges().into_iter();
        let mut ranges = JoinSet::new();
        let list = |ranges: &mut JoinSet<()>, pair| ranges.spawn(self.clone().list(pair));
        for range in waiting.by_ref().take(RANGES_AT_ONCE) {
            list(&mut ranges, self.pair(range));
        }
        self.idle.store(RANGES_AT_ONCE - ranges.len(), Relaxed);
        loop {
            tokio::select! {
                biased;
                // It is sent before its range ends, so none is lost when the last one has ended.
                Some(pair) = cuts.recv() => { list(&mut ranges, pair); }
                ended = ranges.join_next() => match ended {
                    None => break,
                    Some(ended) => {
                        self.report_panic(ended).await;
                        match waiting.next().filter(|_| !self.send.is_closed()) {
                            Some(range) => { list(&mut ranges, self.pair(range)); }
                            None => { self.idle.fetch_add(1, Relaxed); }
                        }
                    }
                },
            }
        }
    }

    fn pair(&self, range: KeyRange) -> Pair {
        let (source, destination) = (self.scene.source.clone(), self.scene.destination.clone());
        Pair {
            source: RangeReader::new(self.requests.clone(), source, Side::Source, range.clone()),
            destination: RangeReader::new(self.requests.clone(), destination, Side::Destination, range),
        }
    }

    async fn report_panic(&self, ended: Result<(), JoinError>) {
        if let Err(e) = ended
            && e.is_panic()
        {
            // Nobody receives any more: then nobody needs to know.
            let _ = self.send.send(Err(StopReason::Internal(format!("listing: {e}")))).await;
        }
    }

    async fn list(self: Arc<Self>, pair: Pair) {
        if let Err(reason) = self.join(pair).await {
            // Nobody receives any more: then nobody needs the reason.
            let _ = self.send.send(Err(reason)).await;
        }
    }

    async fn join(&self, mut pair: Pair) -> Result<(), StopReason> {
        let settings = &self.scene.settings;
        let mut batch = Vec::new();
        let batch_size = BATCH.min(settings.listing_ahead);
        let passes = |object: &ListedObject| settings.passes(&object.key);
        loop {
            if pair.source.needs_page() || pair.destination.needs_page() {
                if !batch.is_empty() && self.send.send(Ok(std::mem::take(&mut batch))).await.is_err() {
                    return Ok(());
                }
                let Pair { source, destination } = &mut pair;
                tokio::try_join!(biased; source.fill(&self.selection), destination.fill(&self.selection))?;
                self.cut(&mut pair);
            }
            let (source, destination) = (&mut pair.source, &mut pair.destination);
            let order = match (source.peek(), destination.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(s), Some(d)) => s.key.cmp(&d.key),
            };
            let (from, at) = match order {
                Ordering::Less => (source.take(), None),
                Ordering::Greater => (None, destination.take()),
                Ordering::Equal => (source.take(), destination.take()),
            };
            let item = match (from, at) {
                (Some(object), at) => {
                    let action =
                        if passes(&object) { compare(&object, at.as_ref(), settings) } else { Action::FilteredOut };
                    let destination_size = at.as_ref().map(|at| at.size);
                    PlanItem { object, action, destination_etag: at.map(|at| at.etag), destination_size }
                }
                (None, Some(object)) if passes(&object) => {
                    let (destination_etag, destination_size) = (Some(object.etag.clone()), Some(object.size));
                    PlanItem { object, action: Action::Extra, destination_etag, destination_size }
                }
                (None, _) => continue,
            };
            if self.selection.contains(&item.object.key) {
                batch.push(item);
            }
            if batch.len() >= batch_size && self.send.send(Ok(std::mem::take(&mut batch))).await.is_err() {
                return Ok(());
            }
        }
        if !batch.is_empty() {
            // A closed channel means that the plan is no longer wanted.
            let _ = self.send.send(Ok(batch)).await;
        }
        Ok(())
    }

    /// Cuts what is left of a range into equal parts by the days ahead, as many as it is worth and others are idle for.
    fn cut(&self, pair: &mut Pair) {
        if self.idle.load(Relaxed) == 0 {
            return;
        }
        let sides = [&pair.source, &pair.destination];
        let Some(ahead) =
            sides.iter().filter_map(|side| side.ahead(&self.selection, &self.calendar)).max_by_key(|ahead| ahead.pages)
        else {
            return;
        };
        let parts = (ahead.pages / PAGES_TO_CUT).min(ahead.cuts.len());
        let mut taken = 0;
        let take = |idle: usize| {
            taken = idle.min(parts.saturating_sub(1));
            Some(idle - taken)
        };
        let _ = self.idle.fetch_update(Relaxed, Relaxed, take);
        // From the end, so that each part is cut off what is still one.
        for part in (1..=taken).rev() {
            let at = &ahead.cuts[ahead.cuts.len() * part / (taken + 1)];
            let cut_off = Pair { source: pair.source.split_off(at), destination: pair.destination.split_off(at) };
            // Whoever receives it ends after this task.
            let _ = self.cut.send(cut_off);
        }
    }
}
