//! The one question that flex asks: whether to go on with what was shown.

use std::{
    fmt::Display,
    io::{self, BufRead, IsTerminal},
};

use super::Ui;
use crate::{error::Stop, signals::Interrupt};

/// Whether to go on. `yes` (the flag) needs no question; where nobody can answer, off a terminal and with `--json`, the
/// answer is no. `before` shows what it is about, on standard error, only when the question is asked.
pub(crate) async fn agree(
    ui: &Ui,
    interrupt: &Interrupt,
    yes: bool,
    before: impl FnOnce(&Ui),
    question: impl Display,
) -> Result<bool, Stop> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || ui.json {
        return Ok(false);
    }
    before(ui);
    ui.say(format_args!("{question} [y/N]"));
    let read = || {
        let mut answer = String::new();
        // No answer is no.
        let _ = io::stdin().lock().read_line(&mut answer);
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "はい")
    };
    // On a thread of its own, so that Ctrl-C is an answer, too.
    let answer = async { Ok(tokio::task::spawn_blocking(read).await.unwrap_or(false)) };
    interrupt.or(answer).await
}
