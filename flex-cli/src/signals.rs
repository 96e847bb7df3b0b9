//! Ctrl-C: the first drains, the second leaves. SIGTERM counts as one, and so does SIGHUP,
//! which a lost session sends.

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
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // A signal that cannot be caught keeps its usual effect.
        let catch = |kind| signal(kind).ok();
        Self {
            interrupt: catch(SignalKind::interrupt()),
            terminate: catch(SignalKind::terminate()),
            // Catching it would undo `nohup`.
            hang_up: (!ignores_hang_up()).then(|| catch(SignalKind::hangup())).flatten(),
        }
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
            () = one(&mut self.hang_up) => {}
        }
    }
}

/// Whether whoever started flex had SIGHUP ignored, as `nohup` does. proc(5) tells it; elsewhere it is guessed from the
/// streams, both of which `nohup` takes from the terminal.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    use std::io::IsTerminal;
    match std::fs::read_to_string("/proc/self/status").ok().and_then(|status| ignored(&status)) {
        // Signal 1 is the lowest bit.
        Some(mask) => mask & 1 == 1,
        None => !std::io::stdout().is_terminal() && !std::io::stderr().is_terminal(),
    }
}

/// The mask of ignored signals in the text of `/proc/self/status`.
#[cfg(unix)]
fn ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
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
