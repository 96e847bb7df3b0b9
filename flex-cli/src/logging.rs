//! The log: flex's own crates, and warnings of others. Never the SDK's debug output, which shows signed headers.

use std::{io, sync::Arc};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{args::Global, error::Stop, language::msg, present::safe, private};

const OWN: [&str; 5] = ["flex", "flex_copy", "flex_creds", "flex_keys", "flex_policy"];

/// Starts the log as the flags ask for it: `-v` what is notable, `-vv` each attempt of each request.
pub(crate) fn start(flags: &Global, colour: bool) -> Result<(), Stop> {
    let (own, others) = match flags.verbose {
        _ if flags.quiet => (LevelFilter::ERROR, LevelFilter::OFF),
        // A file is asked for to hold something.
        0 if flags.log_file.is_none() => (LevelFilter::WARN, LevelFilter::OFF),
        0 | 1 => (LevelFilter::INFO, LevelFilter::WARN),
        _ => (LevelFilter::DEBUG, LevelFilter::WARN),
    };
    let filter = Targets::new().with_default(others).with_targets(OWN.map(|name| (name, own)));
    let registry = tracing_subscriber::registry().with(filter);
    match &flags.log_file {
        Some(path) => {
            let file = private::append(path).map_err(|e| {
                Stop::usage(&e)
                    .during(format!("the log file {} cannot be written", path.display()))
                    .mend(msg!("log-file"))
            })?;
            let file = Arc::new(file);
            let writer = move || Clean::new(Arc::clone(&file), false);
            registry.with(fmt::layer().with_ansi(false).with_writer(writer)).init();
        }
        None => registry
            .with(fmt::layer().with_ansi(colour).without_time().with_writer(move || Clean::new(io::stderr(), colour)))
            .init(),
    }
    Ok(())
}

/// Log lines as a terminal may show them, and one line each: a key or an answer may hold anything, and who reads a log
/// reads it on a terminal sooner or later. Each event arrives as one write.
struct Clean<W> {
    inner: W,
    /// The formatter's own colours pass.
    coloured: bool,
}

impl<W: io::Write> Clean<W> {
    fn new(inner: W, coloured: bool) -> Self {
        Self { inner, coloured }
    }
}

impl<W: io::Write> io::Write for Clean<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let clean = if self.coloured { coloured(line) } else { safe::line(line, true).into_owned() };
        let end = if line.len() < text.len() { "\n" } else { "" };
        self.inner.write_all(format!("{clean}{end}").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The text made safe, with what sets a colour (ESC [ digits m) left in it. What comes from elsewhere has no ESC any more
/// when it gets here: the formatter escapes it.
fn coloured(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut clean = safe::line(parts.next().unwrap_or_default(), true).into_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').len();
        match part[digits..].strip_prefix('m') {
            Some(rest) => {
                clean += "\u{1b}[";
                clean += &part[..=digits];
                clean += &safe::line(rest, true);
            }
            None => {
                clean += &safe::line("\u{1b}[", true);
                clean += &safe::line(part, true);
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Clean;

    fn written(event: &str, coloured: bool) -> String {
        let mut bytes = Vec::new();
        Clean::new(&mut bytes, coloured).write_all(event.as_bytes()).expect("memory");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn an_event_is_one_line_without_anything_that_a_terminal_obeys() {
        let event = "WARN key=a\u{1b}]0;title\u{7}\nINFO forged\u{202e}\u{9b}2J\n";
        let want = "WARN key=a\\u{1b}]0;title\\u{7}\\u{a}INFO forged\\u{202e}\\u{9b}2J\n";
        assert_eq!(written(event, false), want);
        assert_eq!(written(event, true), want);
        assert_eq!(written("仕様書 é\n", false), "仕様書 é\n");
        let colours = "\u{1b}[33m WARN\u{1b}[0m \u{1b}[2Jx\n";
        assert_eq!(written(colours, true), "\u{1b}[33m WARN\u{1b}[0m \\u{1b}[2Jx\n");
        assert_eq!(written(colours, false), "\\u{1b}[33m WARN\\u{1b}[0m \\u{1b}[2Jx\n");
    }
}
