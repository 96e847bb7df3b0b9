//! Ctrl-C: the first drains, the second leaves. SIGTERM counts as one.

use std::{future::Future, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{error::Stop, exit::Exit};

/// How long the command may take to leave after the second signal.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);

/// Two tokens, cancelled by the first and the second signal.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    pub(crate) first: CancellationToken,
    pub(crate) second: CancellationToken,
}

impl Interrupt {
    /// Begins to listen. From here on a signal no longer ends the process by itself.
    pub(crate) fn listen() -> Self {
        let interrupt = Self { first: CancellationToken::new(), second: CancellationToken::new() };
        let tokens = interrupt.clone();
        // Registered now and kept: a second signal that follows at once must not be lost.
        let mut signals = Signals::new();
        tokio::spawn(async move {
            for token in [tokens.first, tokens.second] {
                signals.next().await;
                token.cancel();
            }
            // Who is asked twice leaves, even while a reader of its output does not read.
            tokio::time::sleep(LEAVE_WITHIN).await;
            std::process::exit(Exit::Interrupted.code().into());
        });
        interrupt
    }

    /// Runs what needs no draining: the first signal ends it.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.first.cancelled() => Err(Stop::interrupted()),
            done = work => done,
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // A signal that cannot be caught keeps its usual effect.
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    async fn next(&mut self) {
        async fn one(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => {
                    signal.recv().await;
                }
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            () = one(&mut self.interrupt) => {}
            () = one(&mut self.terminate) => {}
        }
    }
}

#[cfg(windows)]
struct Signals(Option<tokio::signal::windows::CtrlC>);

#[cfg(windows)]
impl Signals {
    fn new() -> Self {
        Self(tokio::signal::windows::ctrl_c().ok())
    }

    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }
}
