//! The way of events from a run's own task to whoever listens.

use std::{
    future::Future,
    task::{Context, Poll},
};

use tokio::{sync::mpsc, task::JoinSet};

/// Events on their way; when nobody takes them, the run waits.
const EVENTS_AHEAD: usize = 1000;

/// Nobody listens to the events any more.
pub(crate) struct Deserted;

/// The run's end.
pub(crate) struct Teller<E>(mpsc::Sender<E>);

impl<E> Teller<E> {
    pub(crate) async fn tell(&self, event: E) -> Result<(), Deserted> {
        self.0.send(event).await.map_err(|_| Deserted)
    }
}

/// The listener's end. Dropping it ends the run.
#[derive(Debug)]
pub(crate) struct Listener<E> {
    events: mpsc::Receiver<E>,
    _run: JoinSet<()>,
}

impl<E: Send + 'static> Listener<E> {
    /// Starts a run that tells its events until it ends or nobody listens.
    pub(crate) fn start<F, Fut>(run: F) -> Self
    where
        F: FnOnce(Teller<E>) -> Fut,
        Fut: Future<Output = Result<(), Deserted>> + Send + 'static,
    {
        let (send, events) = mpsc::channel(EVENTS_AHEAD);
        let run = run(Teller(send));
        let mut task = JoinSet::new();
        task.spawn(async move {
            // An error means that nobody listens any more, and nobody needs to hear of it.
            let _ = run.await;
        });
        Self { events, _run: task }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<E>> {
        self.events.poll_recv(cx)
    }
}
