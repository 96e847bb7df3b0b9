//! What people and programs see: results on standard output, everything else on standard error.

pub(crate) mod bound;
pub(crate) mod days;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod question;
pub(crate) mod report;
pub(crate) mod safe;
pub(crate) mod size;

use std::{
    fmt::Display,
    io::{self, BufWriter, IsTerminal, Stdout, Write},
};

use serde::Serialize;

use crate::{
    args::{ColorChoice, Global},
    error::Stop,
    language::Language,
};
use progress::Progress;

/// Where output goes and how it looks. Reads terminal and environment once.
pub(crate) struct Ui {
    out: BufWriter<Stdout>,
    /// The reader of standard output has gone.
    closed: bool,
    /// Results could not be written, though somebody may wait for them: a full disk.
    pub(crate) lost: bool,
    pub(crate) out_is_terminal: bool,
    pub(crate) err_is_terminal: bool,
    out_colour: bool,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    /// What people read; JSON is English.
    pub(crate) language: Language,
    pub(crate) progress: Progress,
}

impl Ui {
    pub(crate) fn new(flags: &Global) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let (out_is_terminal, err_is_terminal) = (out.is_terminal(), err.is_terminal());
        Self {
            out: BufWriter::with_capacity(64 * 1024, out),
            closed: false,
            lost: false,
            out_is_terminal,
            err_is_terminal,
            out_colour: colour(flags.color, out_is_terminal),
            json: flags.json,
            quiet: flags.quiet,
            verbose: flags.verbose > 0,
            language: Language::choose(flags.lang),
            progress: Progress::new(!flags.quiet && !flags.no_progress, err_is_terminal),
        }
    }

    /// A line of results.
    pub(crate) fn line(&mut self, text: impl Display) {
        if self.closed {
            return;
        }
        let Self { out, progress, out_is_terminal, .. } = self;
        let result = if *out_is_terminal {
            // The bar is on the same screen.
            progress.suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()))
        } else {
            writeln!(out, "{text}")
        };
        self.after(result);
    }

    /// Text of results as it stands.
    pub(crate) fn text(&mut self, text: &str) {
        if !self.closed {
            let result = self.out.write_all(text.as_bytes());
            self.after(result);
        }
    }

    /// One event, one line.
    pub(crate) fn event(&mut self, event: &'static str, fields: impl Serialize) {
        match serde_json::to_string(&json::Line { schema: json::SCHEMA, event, fields }) {
            Ok(line) => self.line(line),
            Err(e) => tracing::error!(event, "an event cannot be written as JSON: {e}"),
        }
    }

    /// Hands on what was written.
    pub(crate) fn flush(&mut self) {
        if !self.closed {
            let result = self.out.flush();
            self.after(result);
        }
    }

    fn after(&mut self, result: io::Result<()>) {
        if let Err(e) = result {
            // `flex ls | head`: the reader has seen enough.
            self.closed = true;
            if e.kind() != io::ErrorKind::BrokenPipe {
                self.lost = true;
                self.note(format!("standard output cannot be written: {e}"));
            }
        }
    }

    /// Nobody reads the results any more.
    pub(crate) fn closed(&self) -> bool {
        self.closed
    }

    /// Talk, on standard error.
    pub(crate) fn say(&self, text: impl Display) {
        let mut err = io::stderr().lock();
        // Where standard error is gone there is nobody left to tell.
        let _ = self.progress.suspend(|| writeln!(err, "{text}"));
    }

    /// Something to know, on standard error.
    pub(crate) fn note(&self, text: impl Display) {
        self.say(format_args!("flex: {}", safe::line(&text.to_string(), self.err_is_terminal)));
    }

    /// The same, unless `--quiet`.
    pub(crate) fn chat(&self, text: impl Display) {
        if !self.quiet {
            self.note(text);
        }
    }

    /// The end of a command that did not come to its result.
    pub(crate) fn stop(&mut self, stop: &Stop, command: &str) {
        self.progress.finish();
        if self.json {
            self.event("error", json::Error::new(stop, command));
        }
        let text = stop.render(self.language, self.err_is_terminal);
        self.say(text.trim_end());
    }

    /// A name as it may be shown on standard output.
    pub(crate) fn safe<'a>(&self, name: &'a str) -> std::borrow::Cow<'a, str> {
        safe::line(name, self.out_is_terminal)
    }

    /// A word that stands out where colours are wanted.
    pub(crate) fn paint(&self, colour: Colour, text: impl Display) -> String {
        if self.out_colour { format!("\x1b[{}m{text}\x1b[0m", colour as u8) } else { text.to_string() }
    }

    /// Bytes: short for people, exact in a pipe.
    pub(crate) fn bytes(&self, bytes: u64) -> String {
        if self.out_is_terminal { size::human(bytes) } else { size::count(bytes, "byte", "bytes") }
    }
}

/// Colours, by their number in ECMA-48.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Colour {
    Red = 31,
    Green = 32,
    Yellow = 33,
}

/// Whether to colour: as asked, else on a terminal unless `NO_COLOR` is set.
pub(crate) fn colour(choice: ColorChoice, terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    }
}
