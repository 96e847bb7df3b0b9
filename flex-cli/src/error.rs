//! Why a command stopped, and the one place that prints it.

use std::{error::Error, fmt::Write as _};

use crate::{
    exit::Exit,
    hints,
    language::{Language, Message, msg},
    present::safe,
};

/// A command's end that is not its result: what happened, why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    exit: Exit,
    /// What happened first, then each cause.
    chain: Vec<String>,
    mend: Vec<Message>,
}

impl Stop {
    /// An error and all its sources.
    pub(crate) fn new(exit: Exit, error: &(dyn Error + 'static)) -> Self {
        Self { exit, chain: chain(error), mend: Vec::new() }
    }

    /// A sentence of our own.
    pub(crate) fn text(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, chain: vec![what.into()], mend: Vec::new() }
    }

    /// Wrong usage or configuration, with what mends it where the error's type tells.
    pub(crate) fn usage(error: &(dyn Error + 'static)) -> Self {
        Self { mend: hints::of_usage(error), ..Self::new(Exit::Usage, error) }
    }

    /// Interrupted before anything was under way.
    pub(crate) fn interrupted() -> Self {
        Self::text(Exit::Interrupted, "interrupted")
    }

    /// Adds what to do next.
    pub(crate) fn mend(mut self, advice: Message) -> Self {
        self.mend.push(advice);
        self
    }

    /// Puts the error under a sentence that says what it prevented.
    pub(crate) fn during(mut self, what: impl Into<String>) -> Self {
        self.chain.insert(0, what.into());
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn what(&self) -> &str {
        self.chain.first().map_or("", String::as_str)
    }

    pub(crate) fn because(&self) -> &[String] {
        self.chain.get(1..).unwrap_or_default()
    }

    /// What to do next, as far as it is known of this very failure.
    pub(crate) fn mends(&self) -> &[Message] {
        &self.mend
    }

    /// What to do next, in this language. No failure is without.
    pub(crate) fn advice(&self, language: Language) -> Vec<String> {
        let general = self.mend.is_empty().then(|| hints::general(self.exit)).flatten();
        self.mend.iter().chain(&general).map(|message| message.text(language)).collect()
    }

    /// The text for standard error.
    pub(crate) fn render(&self, language: Language, for_terminal: bool) -> String {
        let mut text = String::new();
        let mut line = |label: &str, what: &str| {
            let mut lines = what.trim_end().lines();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{label}{}", safe::line(lines.next().unwrap_or_default(), for_terminal));
            for more in lines {
                let _ = writeln!(text, "    {}", safe::line(more.trim_end(), for_terminal));
            }
        };
        line("flex: ", self.what());
        for cause in self.because() {
            line("  because ", cause);
        }
        let label = msg!("to-mend").text(language);
        for advice in self.advice(language) {
            line(&format!("  {label} "), &advice);
        }
        text
    }
}

/// An error and its sources as texts. Sources that only repeat what was said, as the SDK's wrappers do, are left out.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = shortened(error.to_string());
        let said = texts.iter().any(|t| t.contains(text.trim()));
        let empty_wrapper =
            matches!(text.trim(), "service error" | "dispatch failure" | "unhandled error" | "response error");
        if !said && !empty_wrapper {
            texts.push(text);
        }
        next = error.source();
    }
    if texts.is_empty() {
        texts.push(shortened(error.to_string()));
    }
    texts
}

/// What a service or a file said, as far as anybody reads it.
fn shortened(text: String) -> String {
    const MOST: usize = 2000;
    match text.char_indices().nth(MOST) {
        None => text,
        Some((end, _)) => format!("{}… ({} more bytes)", &text[..end], text.len() - end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Link(&'static str, #[source] Option<Box<Link>>);

    fn linked(texts: &[&'static str]) -> Link {
        let mut link = None;
        for text in texts.iter().rev() {
            link = Some(Box::new(Link(text, link)));
        }
        *link.expect("at least one")
    }

    #[test]
    fn a_chain_says_each_thing_once() {
        let error = linked(&["copying k was refused", "service error", "CopyObject answered 403", "403"]);
        let stop = Stop::new(Exit::Failed, &error).mend(msg!("set-clock")).mend(msg!("run-again"));
        assert_eq!(
            stop.render(Language::English, false),
            "flex: copying k was refused\n  because CopyObject answered 403\n  to mend: set this machine's clock, best by NTP\n  to mend: then run the same command again: what was done is kept\n"
        );
    }

    #[test]
    fn further_lines_are_indented_and_made_safe_for_a_terminal() {
        let stop = Stop::text(Exit::Interrupted, "selection \"\u{1b}[2J\"\nexpected a date\n");
        assert_eq!(stop.render(Language::English, true), "flex: selection \"\\u{1b}[2J\"\n    expected a date\n");
        assert_eq!(stop.render(Language::English, false), "flex: selection \"\u{1b}[2J\"\n    expected a date\n");
    }

    #[test]
    fn an_error_without_a_remedy_of_its_own_has_a_general_one() {
        for exit in [Exit::Usage, Exit::Refused, Exit::Failed, Exit::NoCommand, Exit::NotExecutable] {
            let stop = Stop::text(exit, "it did not work");
            assert_eq!(stop.advice(Language::English).len(), 1, "{stop:?}");
            let own = stop.mend(msg!("set-clock")).advice(Language::English);
            assert_eq!(own, ["set this machine's clock, best by NTP"]);
        }
        assert!(Stop::interrupted().advice(Language::English).is_empty());
    }

    #[test]
    fn what_nobody_would_read_to_its_end_is_cut() {
        let error = Link("short", None);
        assert_eq!(chain(&error), ["short"]);
        let stop = Stop::new(Exit::Failed, &std::io::Error::other("é".repeat(3000)));
        assert_eq!(stop.what(), format!("{}… (2000 more bytes)", "é".repeat(2000)));
    }

    #[test]
    fn an_error_of_wrappers_alone_still_says_something() {
        assert_eq!(chain(&linked(&["service error"])), ["service error"]);
    }
}
