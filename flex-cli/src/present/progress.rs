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
const WIDE: usize = 100;
/// Columns of the bar.
const BAR: usize = 16;
const GAP: &str = "  ";
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

    /// Position and length of the bar: bytes to be copied, else sessions.
    fn share(&self) -> (u64, u64) {
        match self.to_do {
            (0, _) => ((self.sessions_seen.len() as u64).min(self.sessions), self.sessions.max(1)),
            (objects, 0) => (self.done.0, objects),
            (_, bytes) => (self.done.1, bytes),
        }
    }

    fn line(&mut self, now: Instant) -> Line {
        let rate = self.rate(now);
        let (position, length) = self.share();
        let mut line = Line { position: position.min(length), length, fields: Vec::new() };
        let mut add = |rank, text| line.fields.push(Field { rank, text });
        let sessions = format!("{}/{} sessions", self.sessions_seen.len(), self.sessions);
        let listed = self.listed;
        if self.to_do.0 == 0 {
            // A command that copies nothing, or a copy that has found nothing to do yet.
            add(Rank::Objects, size::count(listed, "object", "objects") + " listed");
            if self.sessions > 0 {
                add(Rank::Sessions, sessions);
            }
            if self.draining {
                add(Rank::Left, "finishing".into());
            }
            return line;
        }
        let more = if self.listing_done { "" } else { "+" };
        add(Rank::Objects, format!("{}/{}{more} objects", self.done.0, self.to_do.0));
        for (rank, number, word) in
            [(Rank::Failed, self.failed, "failed"), (Rank::NotEntitled, self.not_entitled, "not entitled")]
        {
            if number > 0 {
                add(rank, format!("{number} {word}"));
            }
        }
        if self.to_do.1 > 0 {
            add(Rank::Bytes, format!("{}/{}{more}", size::human(self.done.1), size::human(self.to_do.1)));
        }
        if self.sessions > 0 {
            add(Rank::Sessions, sessions);
        }
        if self.draining {
            add(Rank::Left, "finishing".into());
        } else if !self.listing_done && self.done.0 == 0 {
            add(Rank::Rate, format!("{listed} listed"));
        } else if rate >= 1.0 {
            add(Rank::Rate, format!("{}/s", size::human(rate as u64)));
            let left = (self.to_do.1 - self.done.1.min(self.to_do.1)) as f64 / rate;
            if self.listing_done && (1.0..1e7).contains(&left) {
                add(Rank::Left, format!("{} left", size::duration(Duration::from_secs(left as u64))));
            }
        }
        line
    }
}

/// What is worth more room than what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Objects,
    Failed,
    NotEntitled,
    Left,
    Bytes,
    Rate,
    Sessions,
}

impl Rank {
    /// What falls off last, and only from the end.
    fn matters(self) -> bool {
        self <= Self::Left
    }
}

#[derive(Debug)]
struct Field {
    rank: Rank,
    text: String,
}

/// What there is to show, before it is known how wide the terminal is. All of it is plain ASCII.
#[derive(Debug)]
struct Line {
    position: u64,
    length: u64,
    fields: Vec<Field>,
}

impl Line {
    /// All of it, for a pipe.
    fn text(&self) -> String {
        self.fields.iter().map(|field| field.text.as_str()).collect::<Vec<_>>().join(GAP)
    }

    /// What a terminal of so many columns has room for, without the last column: terminals differ in whether a
    /// character there moves the cursor on to the next line. Fields are whole or not there.
    fn fit(&self, columns: usize) -> String {
        let percent = u128::from(self.position) * 100 / u128::from(self.length.max(1));
        let mut start = format!("{percent:>3}%");
        let mut room = columns.saturating_sub(1);
        if start.len() > room {
            return String::new();
        }
        room -= start.len();
        let mut by_rank: Vec<_> = self.fields.iter().collect();
        by_rank.sort_by_key(|field| field.rank);
        let matters: usize = by_rank.iter().filter(|f| f.rank.matters()).map(|f| GAP.len() + f.text.len()).sum();
        if columns >= WIDE && matters + BAR < room {
            let full = (percent as usize * BAR / 100).min(BAR);
            start = format!("{}{} {start}", "#".repeat(full), "-".repeat(BAR - full));
            room -= BAR + 1;
        }
        let mut shown = Vec::new();
        for field in by_rank {
            let needs = GAP.len() + field.text.len();
            if needs <= room {
                room -= needs;
                shown.push(field.rank);
            } else if field.rank.matters() {
                break;
            }
        }
        for field in self.fields.iter().filter(|field| shown.contains(&field.rank)) {
            start += GAP;
            start += &field.text;
        }
        start
    }
}

fn columns() -> usize {
    terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(width, _)| width.0.into())
}

/// Shows a [`State`].
pub(crate) struct Progress {
    wanted: bool,
    terminal: bool,
    /// On a terminal, from `start` to `finish`.
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
            // The line is made by `Line::fit`, for the width that the terminal has at each draw.
            let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = Some(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style));
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
                bar.set_message(state.line(now).fit(columns()));
            }
            return None;
        }
        if self.terminal || now - self.last_line < LINE_EVERY {
            return None;
        }
        self.last_line = now;
        Some(format!("progress: {}", state.line(now).text()))
    }

    /// Takes the line away while something is printed.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away for good.
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
        let text = |state: &mut State, after| state.line(start + Duration::from_secs(after)).text();
        assert_eq!(text(&mut state, 0), "0/10+ objects  0 B/10.0 MiB+  0/20 sessions  1200 listed");
        state.listing_done = true;
        state.done = (5, 5 << 20);
        state.failed = 1;
        assert_eq!(
            text(&mut state, 5),
            "5/10 objects  1 failed  5.0 MiB/10.0 MiB  0/20 sessions  1.0 MiB/s  5.0 s left"
        );
        state.draining = true;
        assert_eq!(text(&mut state, 6), "5/10 objects  1 failed  5.0 MiB/10.0 MiB  0/20 sessions  finishing");
    }

    /// In the middle of a large run that has not gone well.
    fn large() -> Line {
        let start = Instant::now();
        let mut state = State { to_do: (104_312, 19_390 << 30), sessions: 243, listing_done: true, ..State::default() };
        state.rate(start);
        state.done = (52_156, 9_695 << 30);
        (state.failed, state.not_entitled) = (12, 340);
        state.line(start + Duration::from_secs(5000))
    }

    #[test]
    fn what_matters_less_falls_off_whole() {
        let line = large();
        for (columns, want) in [
            (
                140,
                "########--------  50%  52156/104312 objects  12 failed  340 not entitled  9.5 TiB/18.9 TiB  0/243 sessions  \
                 1.9 GiB/s  1 h 23 min left",
            ),
            (
                120,
                "########--------  50%  52156/104312 objects  12 failed  340 not entitled  9.5 TiB/18.9 TiB  1.9 GiB/s  1 h 23 min left",
            ),
            (100, "########--------  50%  52156/104312 objects  12 failed  340 not entitled  1 h 23 min left"),
            (99, " 50%  52156/104312 objects  12 failed  340 not entitled  9.5 TiB/18.9 TiB  1 h 23 min left"),
            (80, " 50%  52156/104312 objects  12 failed  340 not entitled  1 h 23 min left"),
            (73, " 50%  52156/104312 objects  12 failed  340 not entitled  1 h 23 min left"),
            (72, " 50%  52156/104312 objects  12 failed  340 not entitled"),
            (40, " 50%  52156/104312 objects  12 failed"),
            (20, " 50%"),
            (5, " 50%"),
            (4, ""),
            (0, ""),
        ] {
            assert_eq!(line.fit(columns), want, "{columns}");
        }
        for columns in 1..300 {
            assert!(line.fit(columns).len() < columns, "{columns}");
        }
        // A run that goes well, in the usual width.
        let mut line = line;
        line.fields.retain(|field| !matches!(field.rank, Rank::Failed | Rank::NotEntitled));
        assert_eq!(line.fit(80), " 50%  52156/104312 objects  9.5 TiB/18.9 TiB  1.9 GiB/s  1 h 23 min left");
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
