//! Places in flight: how many there are, and who gets the next one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep},
};

use super::worth::{Answer, Worth};

/// Places at the start. There is one more with each answer, so they double with each round trip, as long as that brings more
/// answers.
const AT_FIRST: usize = 64;
/// Where a request waited for a place for so long although the service is well, and not every place had an answer meanwhile,
/// there are so many times the places.
const GROWTH: (Duration, f64) = (Duration::from_millis(100), 2.0);
/// The same for a request that moves many bytes, and so is long under way. In small steps: what is sent at once comes back at
/// once, and then waits for a core.
const GROWTH_FOR_MANY_BYTES: (Duration, f64) = (STEP, 1.2);
const STEP: Duration = Duration::from_millis(10);
/// Connections that fail do not take the places below this.
const FEWEST: usize = 8;
/// What is left of the places when connections fail, at most once in [`CUT_INTERVAL`].
const CUT: f64 = 0.85;
const CUT_INTERVAL: Duration = Duration::from_secs(1);
/// Connections that failed may do so again: for so long, only answers bring places back.
const ONLY_ANSWERS: Duration = Duration::from_secs(10);

/// Who comes first where places are scarce. Within each, it is who came first; everything in the upper ones is finite and
/// small against what waits below, so nobody waits for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Ends what is under way: a completion, an abort.
    Finish,
    /// Finds what is to be done, without which places would soon be idle.
    Look,
    /// Goes on with an object that was begun: the sooner it ends, the fewer uploads are open.
    GoOn,
    /// Begins an object.
    Begin,
}

/// How many there are.
pub(super) const PRIORITIES: usize = Priority::Begin as usize + 1;

/// A place in flight, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    of: Option<Arc<Inner>>,
    /// Places that were taken when it was given, with itself.
    pub(super) in_flight: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(inner) = self.of.take() {
            inner.state().in_flight -= 1;
            give(&inner);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ceiling: usize,
    /// Told when there are more.
    more: Arc<Notify>,
    state: Mutex<State>,
}

/// Somebody who waits for a place.
#[derive(Debug)]
struct Waiting {
    give: oneshot::Sender<Place>,
    since: Instant,
    moves_many_bytes: bool,
}

impl Waiting {
    /// By how much the places may grow for its sake, if it has waited long enough, and how long that is.
    fn growth(&self, now: Instant) -> Option<(Duration, f64)> {
        let (after, growth) = if self.moves_many_bytes { GROWTH_FOR_MANY_BYTES } else { GROWTH };
        (now.duration_since(self.since) >= after).then_some((after, growth))
    }
}

#[derive(Debug)]
struct State {
    width: usize,
    in_flight: usize,
    waiting: [VecDeque<Waiting>; PRIORITIES],
    last_cut: Option<Instant>,
    /// Until then, only answers bring more places.
    only_answers: Option<Instant>,
    /// A task sees to it that there are more places while somebody waits.
    growing: bool,
    /// Something was answered since the start, or since the places were cut.
    well: bool,
    worth: Worth,
}

impl State {
    /// Makes more places if those who wait the longest give reason to.
    fn grow(&mut self, ceiling: usize, now: Instant) -> bool {
        if self.width >= ceiling || !self.well || self.only_answers.is_some_and(|until| now < until) {
            return false;
        }
        let foremost = self.waiting.iter().filter_map(VecDeque::front);
        let growth = foremost.filter_map(|waiting| waiting.growth(now)).min_by_key(|(after, _)| *after);
        let Some((_, times)) = growth.filter(|(after, _)| self.worth.unanswered(now, *after)) else { return false };
        let from = self.width;
        self.width = ((from as f64 * times).ceil() as usize).min(ceiling);
        tracing::debug!(from, to = self.width, "places, as requests wait");
        self.worth.changed(self.width, now);
        true
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        // Plain numbers and queues, whole at every moment: a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(self: &Arc<Self>, state: &mut State) -> Place {
        state.in_flight += 1;
        Place { of: Some(self.clone()), in_flight: state.in_flight }
    }
}

impl Places {
    pub(crate) fn new(ceiling: usize, more: Arc<Notify>) -> Self {
        let state = State {
            width: ceiling.min(AT_FIRST),
            in_flight: 0,
            waiting: Default::default(),
            last_cut: None,
            only_answers: None,
            growing: false,
            well: false,
            worth: Worth::new(ceiling.min(AT_FIRST), ceiling),
        };
        Self(Arc::new(Inner { ceiling, more, state: Mutex::new(state) }))
    }

    /// Waits for a place, for a request that may move many bytes.
    pub(crate) async fn take(&self, priority: Priority, moves_many_bytes: bool) -> Place {
        let turn = {
            let mut state = self.0.state();
            // Whoever waits already comes first, unless it may wait for this one.
            let first = state.waiting.iter().take(priority as usize + 1).all(VecDeque::is_empty);
            if first && state.in_flight < state.width {
                return self.0.place(&mut state);
            }
            let (give, turn) = oneshot::channel();
            state.waiting[priority as usize].push_back(Waiting { give, since: Instant::now(), moves_many_bytes });
            if !std::mem::replace(&mut state.growing, true) {
                tokio::spawn(grow(Arc::downgrade(&self.0)));
            }
            turn
        };
        match turn.await {
            Ok(place) => place,
            // The queue outlives its waiters, so this does not happen; a place too many is better than none.
            Err(_) => self.0.place(&mut self.0.state()),
        }
    }

    /// A request was answered: there may be more at once. Without an answer to learn from, it is only known that the service is
    /// well.
    pub(super) fn answered(&self, answer: Option<Answer>) {
        {
            let now = Instant::now();
            let mut state = self.0.state();
            state.well = true;
            // Only where the places are used are more of any use.
            let used = 4 * state.in_flight >= 3 * state.width;
            let width = state.width;
            if let Some(another) = answer.and_then(|answer| state.worth.answered(&answer, width, now)) {
                tracing::debug!(from = width, to = another, "places");
                state.width = another.min(self.0.ceiling);
            } else if width < self.0.ceiling && used && state.worth.one_more(width) {
                state.width += 1;
            }
            if state.width <= width {
                return;
            }
        }
        give(&self.0);
    }

    /// A connection failed, which too many at once may be the reason for.
    pub(crate) fn trouble(&self) {
        let now = Instant::now();
        let mut state = self.0.state();
        if state.last_cut.is_none_or(|at| now.duration_since(at) >= CUT_INTERVAL) {
            state.last_cut = Some(now);
            state.only_answers = Some(now + ONLY_ANSWERS);
            state.well = false;
            let cut = (state.width as f64 * CUT) as usize;
            state.width = cut.max(FEWEST.min(state.width));
            state.worth = Worth::new(state.width, self.0.ceiling);
        }
    }

    /// Places that there are now.
    pub(crate) fn width(&self) -> usize {
        self.0.state().width
    }
}

/// Makes more places step by step, for as long as somebody waits for one.
async fn grow(places: Weak<Inner>) {
    loop {
        sleep(STEP).await;
        let Some(inner) = places.upgrade() else { return };
        let grown = {
            let mut state = inner.state();
            if state.waiting.iter().all(VecDeque::is_empty) {
                state.growing = false;
                return;
            }
            state.grow(inner.ceiling, Instant::now())
        };
        if grown {
            inner.more.notify_one();
            give(&inner);
        }
    }
}

/// Hands free places to those who wait, the foremost first.
fn give(inner: &Arc<Inner>) {
    loop {
        let (next, place) = {
            let mut state = inner.state();
            if state.in_flight >= state.width {
                return;
            }
            let Some(next) = state.waiting.iter_mut().find_map(VecDeque::pop_front) else { return };
            (next, inner.place(&mut state))
        };
        // Whoever has gone meanwhile leaves the place to the next. It is not dropped here, for that would come back here.
        if let Err(mut place) = next.give.send(place) {
            place.of = None;
            inner.state().in_flight -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::FutureExt;
    use tokio::time::timeout;

    use super::*;

    fn wide(places: usize) -> Places {
        let wide = Places::new(places, Arc::default());
        wide.0.state().width = places;
        wide
    }

    fn in_flight(places: &Places) -> usize {
        places.0.state().in_flight
    }

    #[tokio::test]
    async fn the_foremost_gets_the_next_place_and_equals_in_their_order() {
        let places = wide(1);
        let held = places.take(Priority::Begin, false).await;
        let order = RefCell::new(Vec::new());
        let wait = async |name, priority| {
            let _place = places.take(priority, false).await;
            order.borrow_mut().push(name);
        };
        let all = futures::future::join_all([
            wait("begin 1", Priority::Begin).boxed_local(),
            wait("part", Priority::GoOn).boxed_local(),
            wait("begin 2", Priority::Begin).boxed_local(),
            wait("abort", Priority::Finish).boxed_local(),
            wait("list", Priority::Look).boxed_local(),
        ]);
        let mut all = std::pin::pin!(all);
        assert!(all.as_mut().now_or_never().is_none(), "one place, and it is taken");
        drop(held);
        all.await;
        assert_eq!(*order.borrow(), ["abort", "list", "part", "begin 1", "begin 2"]);
        assert_eq!(in_flight(&places), 0);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_costs_no_place() {
        let places = wide(1);
        let held = places.take(Priority::Begin, false).await;
        for _ in 0..10_000 {
            assert!(places.take(Priority::Begin, false).now_or_never().is_none());
        }
        // Given a place that nobody takes: it comes back too.
        let mut waits = Box::pin(places.take(Priority::Begin, false));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(held);
        drop(waits);
        assert_eq!(in_flight(&places), 0);
        assert!(places.take(Priority::Begin, false).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn places_grow_while_requests_wait_and_the_service_is_well() {
        let places = Places::new(1024, Arc::default());
        let take = || futures::future::join_all((0..1024).map(|_| places.take(Priority::Begin, false)));
        let waited = timeout(Duration::from_secs(5), take()).await;
        assert!(waited.is_err() && places.width() == 64, "nothing was answered so far");
        places.answered(None);
        let begun = Instant::now();
        let held = take().await;
        assert_eq!((held.len(), places.width()), (1024, 1024));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        drop(held);
        places.trouble();
        places.answered(None);
        assert!(timeout(Duration::from_secs(9), take()).await.is_err(), "connections failed a moment ago");
        assert_eq!(places.width(), 870);
        assert!(timeout(Duration::from_secs(9), take()).await.is_ok(), "they may not fail any more");
    }

    #[tokio::test(start_paused = true)]
    async fn where_many_bytes_wait_places_grow_faster_and_in_small_steps() {
        let places = Places::new(1024, Arc::default());
        places.answered(None);
        let took = RefCell::new(Vec::new());
        let begun = Instant::now();
        let take = async || {
            let place = places.take(Priority::GoOn, true).await;
            took.borrow_mut().push(begun.elapsed());
            place
        };
        let held = futures::future::join_all((0..1024).map(|_| take())).await;
        assert_eq!((held.len(), places.width()), (1024, 1024));
        let took = took.into_inner();
        assert!(took.iter().max() < Some(&Duration::from_millis(200)), "{:?}", took.iter().max());
        let mut at_once: Vec<_> = took.chunk_by(|a, b| *b - *a < Duration::from_millis(5)).map(<[_]>::len).collect();
        at_once.sort_unstable();
        assert!(at_once.last() < Some(&200), "{at_once:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_grows_where_nobody_waits_and_nothing_stays_when_all_are_gone() {
        let places = Places::new(1024, Arc::default());
        places.answered(None);
        let held = futures::future::join_all((0..64).map(|_| places.take(Priority::GoOn, true))).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(places.width(), 64);
        assert!(timeout(Duration::from_millis(25), places.take(Priority::GoOn, true)).await.is_ok());
        drop(held);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn places_grow_while_they_are_used_up_to_the_ceiling_and_trouble_takes_some() {
        let places = Places::new(100, Arc::default());
        assert_eq!((places.width(), Places::new(3, Arc::default()).width()), (64, 3));
        places.answered(None);
        assert_eq!(places.width(), 64, "idle places are no reason for more");
        let mut held = Vec::new();
        for _ in 0..64 {
            held.push(places.take(Priority::Begin, false).await);
        }
        for _ in 0..50 {
            places.answered(None);
            held.extend(places.take(Priority::Begin, false).now_or_never());
        }
        assert_eq!((places.width(), held.len()), (100, 100));
        places.trouble();
        places.trouble();
        assert_eq!(places.width(), 85, "once a second");
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(1)).await;
            places.trouble();
        }
        assert_eq!(places.width(), FEWEST);
        drop(held);
        assert_eq!(in_flight(&places), 0);
    }
}
