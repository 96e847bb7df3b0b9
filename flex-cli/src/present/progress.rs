//! How far a run is: a bar on a terminal, a line every half minute in a pipe.

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use flex_keys::Dataset;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::size;

/// How often a pipe gets a line.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// How often a bar is drawn anew.
pub(crate) const TICK: Duration = Duration::from_millis(200);
/// Terminals with fewer columns get the figures alone.
const NARROW: usize = 70;
/// The rate is that of so long.
const RATE_OVER: Duration = Duration::from_secs(20);

/// The counters that a bar or a line is made of.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Listed so far.
    pub(crate) listed: u64,
    /// To be copied, as far as known: objects and bytes.
    pub(crate) to_do: (u64, u64),
    /// Ended, of those to be copied.
    pub(crate) done: (u64, u64),
    pub(crate) failed: u64,
    pub(crate) not_entitled: u64,
    pub(crate) listing_done: bool,
    /// Sessions selected, and those among them that objects were seen of.
    pub(crate) sessions: u64,
    pub(crate) sessions_seen: BTreeSet<(Dataset, NaiveDate)>,
    /// Ctrl-C was pressed.
    pub(crate) draining: bool,
    samples: VecDeque<(Instant, u64)>,
}

impl State {
    /// The beginning of a run over so many sessions.
    pub(crate) fn over(sessions: usize) -> Self {
        Self { sessions: sessions as u64, ..Self::default() }
    }

    fn rate(&mut self, now: Instant) -> f64 {
        self.samples.push_back((now, self.done.1));
        while self.samples.len() > 2 && self.samples.front().is_some_and(|(at, _)| now - *at > RATE_OVER) {
            self.samples.pop_front();
        }
        match self.samples.front() {
            Some((at, bytes)) if now > *at => (self.done.1 - bytes) as f64 / (now - *at).as_secs_f64(),
            _ => 0.0,
        }
    }

    /// Of a command that copies nothing, or of a copy that has found nothing to do yet.
    fn looked_at(&self) -> String {
        let mut text = size::count(self.listed, "object", "objects") + " listed";
        if self.sessions > 0 {
            text += &format!("  {}/{} sessions", self.sessions_seen.len(), self.sessions);
        }
        if self.draining { text + "  finishing" } else { text }
    }

    /// Position and length of the bar: bytes to be copied, else sessions.
    fn share(&self) -> (u64, u64) {
        match self.to_do {
            (0, _) => ((self.sessions_seen.len() as u64).min(self.sessions), self.sessions.max(1)),
            (objects, 0) => (self.done.0, objects),
            (_, bytes) => (self.done.1, bytes),
        }
    }

    fn text(&mut self, now: Instant) -> String {
        let rate = self.rate(now);
        if self.to_do.0 == 0 {
            return self.looked_at();
        }
        let more = if self.listing_done { "" } else { "+" };
        let mut text = format!("{}/{}{more} objects", self.done.0, self.to_do.0);
        if self.to_do.1 > 0 {
            text += &format!("  {}/{}{more}", size::human(self.done.1), size::human(self.to_do.1));
        }
        if self.sessions > 0 {
            text += &format!("  {}/{} sessions", self.sessions_seen.len(), self.sessions);
        }
        if self.draining {
            return text + "  finishing";
        }
        if !self.listing_done && self.done.0 == 0 {
            return text + &format!("  {} listed", self.listed);
        }
        if rate >= 1.0 {
            text += &format!("  {}/s", size::human(rate as u64));
            let left = (self.to_do.1 - self.done.1.min(self.to_do.1)) as f64 / rate;
            if self.listing_done && (1.0..1e7).contains(&left) {
                text += &format!("  {} left", size::duration(Duration::from_secs(left as u64)));
            }
        }
        for (number, word) in [(self.failed, "failed"), (self.not_entitled, "not entitled")] {
            if number > 0 {
                text += &format!("  {number} {word}");
            }
        }
        text
    }
}

fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0.into())
}

/// What of a text fits beside the bar. It is plain ASCII.
fn cut(mut text: String, columns: usize) -> String {
    let beside = if columns < NARROW { 6 } else { 23 };
    text.truncate(columns.saturating_sub(beside + 1));
    text
}

/// Shows a [`State`].
pub(crate) struct Progress {
    wanted: bool,
    terminal: bool,
    bar: Option<ProgressBar>,
    last_line: Instant,
    last_draw: Option<Instant>,
}

impl Progress {
    pub(crate) fn new(wanted: bool, terminal: bool) -> Self {
        Self { wanted, terminal, bar: None, last_line: Instant::now(), last_draw: None }
    }

    /// Begins to show.
    pub(crate) fn start(&mut self) {
        self.last_line = Instant::now();
        if self.wanted && self.terminal {
            let template = if columns() < NARROW { "{percent:>3}%  {msg}" } else { "{bar:16} {percent:>3}%  {msg}" };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style);
            self.bar = Some(bar);
        }
    }

    /// Shows the state, if it is time to. Gives a line for standard error where there is no bar.
    pub(crate) fn update(&mut self, state: &mut State) -> Option<String> {
        if !self.wanted {
            return None;
        }
        let now = Instant::now();
        if let Some(bar) = &self.bar {
            if self.last_draw.is_none_or(|at| now - at >= TICK) {
                self.last_draw = Some(now);
                let (position, length) = state.share();
                bar.set_length(length);
                bar.set_position(position);
                bar.set_message(cut(state.text(now), columns()));
            }
            return None;
        }
        if self.terminal || now - self.last_line < LINE_EVERY {
            return None;
        }
        self.last_line = now;
        Some(format!("progress: {}", state.text(now)))
    }

    /// Takes the bar away while something is printed.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away for good.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_is_known() {
        let start = Instant::now();
        let mut state = State { listed: 1200, to_do: (10, 10 << 20), sessions: 20, ..State::default() };
        assert_eq!(state.text(start), "0/10+ objects  0 B/10.0 MiB+  0/20 sessions  1200 listed");
        state.listing_done = true;
        state.done = (5, 5 << 20);
        state.failed = 1;
        assert_eq!(
            state.text(start + Duration::from_secs(5)),
            "5/10 objects  5.0 MiB/10.0 MiB  0/20 sessions  1.0 MiB/s  5.0 s left  1 failed"
        );
        state.draining = true;
        assert!(state.text(start + Duration::from_secs(6)).ends_with("finishing"));
    }

    #[test]
    fn a_line_never_wraps() {
        for (columns, want) in [(100, 76), (70, 46), (69, 62), (20, 13), (5, 0)] {
            assert_eq!(cut("x".repeat(200), columns).len(), want, "{columns}");
        }
        assert_eq!(cut("short".into(), 80), "short");
    }

    #[test]
    fn the_rate_forgets_what_is_long_ago() {
        let start = Instant::now();
        let mut state = State::default();
        state.rate(start);
        state.done.1 = 100 << 20;
        state.rate(start + Duration::from_secs(10));
        for second in 11..60 {
            state.rate(start + Duration::from_secs(second));
        }
        assert!(state.rate(start + Duration::from_secs(60)) < 1.0);
    }

    #[test]
    fn a_pipe_gets_no_line_before_its_time() {
        let mut progress = Progress::new(true, false);
        progress.start();
        let mut state = State::default();
        assert_eq!(progress.update(&mut state), None);
        progress.last_line = Instant::now().checked_sub(LINE_EVERY).expect("a machine that runs for a minute");
        assert!(progress.update(&mut state).is_some_and(|line| line.starts_with("progress: 0 objects listed")));
        assert_eq!(progress.update(&mut state), None);
        let mut unwanted = Progress::new(false, false);
        unwanted.last_line = progress.last_line;
        assert_eq!(unwanted.update(&mut state), None);
    }
}
