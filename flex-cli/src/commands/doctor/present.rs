//! The links as they are told: lines for people, events for programs.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::link::{Board, Id, Link, Mend, State, label};
use crate::{
    exit::Exit,
    language::{Language, msg},
    present::{Colour, Ui, json},
};

#[derive(Serialize)]
struct Check<'a> {
    id: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'static str>,
    what: String,
    because: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<&'static str>,
    details: Map<String, Json>,
    mend: Vec<Mending<'a>>,
}

#[derive(Serialize)]
struct Mending<'a> {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    instead: bool,
}

#[derive(Serialize)]
struct End<'a> {
    command: &'static str,
    ok: usize,
    warnings: usize,
    broken: usize,
    not_checked: usize,
    #[serde(flatten)]
    end: json::End<'a>,
}

impl<'a> Check<'a> {
    fn new(link: &'a Link) -> Self {
        let english = Language::English;
        let mut details = Map::new();
        for (name, value) in &link.details {
            let value = Json::String(value.text(english));
            match (*name, details.get_mut(*name)) {
                (_, Some(Json::Array(list))) => list.push(value),
                ("findings", _) => {
                    details.insert((*name).to_owned(), Json::Array(vec![value]));
                }
                _ => {
                    details.insert((*name).to_owned(), value);
                }
            }
        }
        Self {
            id: link.id.name(),
            state: link.state.name(),
            code: link.code,
            step: link.step,
            what: link.what(english),
            because: &link.because,
            needs: link.needs.iter().map(|id| id.name()).collect(),
            details,
            mend: link
                .mends
                .iter()
                .map(|mend| Mending {
                    text: mend.text.text(english),
                    command: mend.command.as_deref(),
                    instead: mend.instead,
                })
                .collect(),
        }
    }
}

/// Tells links in their order, each as soon as all before it are told.
#[derive(Debug, Default)]
pub(super) struct Teller {
    told: usize,
}

impl Teller {
    /// Tells what can be told now. `up_to`: links from this one on may still change.
    pub(super) fn tell(&mut self, board: &Board, up_to: Option<Id>, ui: &mut Ui) {
        while let Some(id) = Id::ALL.get(self.told).filter(|id| up_to.is_none_or(|limit| **id < limit)) {
            let Some(link) = board.get(*id) else { return };
            if ui.json {
                ui.event("check", Check::new(link));
            } else {
                show(link, ui);
            }
            ui.flush();
            self.told += 1;
        }
    }
}

fn show(link: &Link, ui: &mut Ui) {
    let language = ui.language;
    // Good news needs no details unless they are asked for.
    let quiet = link.state == State::Ok && !ui.verbose;
    if ui.quiet && link.state == State::Ok {
        return;
    }
    let word = padded(&link.state.word().text(language), 12);
    let word = match link.state {
        State::Ok => ui.paint(Colour::Green, word),
        State::Warning => ui.paint(Colour::Yellow, word),
        State::Broken => ui.paint(Colour::Red, word),
        State::NotChecked => word,
    };
    let title = padded(&link.id.title().text(language), 24);
    let step = match (link.step, link.state) {
        (Some(step), State::Warning | State::Broken) => msg!("doctor-step", step = step).text(language),
        _ => String::new(),
    };
    let what = ui.safe(&link.what(language)).into_owned();
    // A full-width bracket brings its own space.
    let gap = if step.is_empty() || language == Language::Japanese { "" } else { " " };
    ui.line(format!("{word}{title}{what}{gap}{step}"));
    if quiet {
        return;
    }
    let because = msg!("doctor-because").text(language);
    for line in &link.because {
        for line in line.lines().filter(|line| !line.trim().is_empty()) {
            let line = ui.safe(line.trim()).into_owned();
            ui.line(format!("    {because} {line}"));
        }
    }
    for (name, value) in &link.details {
        let name = label(name).map_or_else(|| (*name).to_owned(), |label| label.text(language));
        let value = ui.safe(&value.text(language)).into_owned();
        ui.line(format!("    {name}: {value}"));
    }
    for mend in &link.mends {
        show_mend(mend, ui);
    }
}

fn show_mend(mend: &Mend, ui: &mut Ui) {
    let language = ui.language;
    let label = if mend.instead { msg!("doctor-or") } else { msg!("to-mend") }.text(language);
    let text = ui.safe(&mend.text.text(language)).into_owned();
    ui.line(format!("    {label} {text}"));
    if let Some(command) = &mend.command {
        // As it stands: it is to be pasted.
        let command = ui.safe(command).into_owned();
        ui.line(format!("        {command}"));
    }
}

/// Padded to so many columns, of which a Japanese letter takes two.
fn padded(text: &str, columns: usize) -> String {
    let width: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(width).max(1)))
}

/// The last line, and the exit code.
pub(super) fn end(board: &Board, elapsed: Duration, ui: &mut Ui) -> Exit {
    let count = |state| board.count(state);
    let (ok, warnings) = (count(State::Ok), count(State::Warning));
    let (broken, not_checked) = (count(State::Broken), count(State::NotChecked));
    let exit = if broken > 0 { Exit::Refused } else { Exit::Done };
    let reasons: Vec<String> = Id::ALL
        .iter()
        .filter_map(|id| board.get(*id))
        .filter(|link| link.state == State::Broken)
        .map(|link| format!("{}: {}", link.id.name(), link.what(Language::English)))
        .collect();
    if ui.json {
        let end = json::End::new(exit, &reasons, None, elapsed);
        ui.event("summary", End { command: "doctor", ok, warnings, broken, not_checked, end });
    } else {
        let counts = msg!("doctor-counts", ok = ok, warnings = warnings, broken = broken, unchecked = not_checked);
        let (word, colour) = if broken > 0 {
            (msg!("doctor-result-broken"), Colour::Red)
        } else if warnings > 0 {
            (msg!("doctor-result-warnings"), Colour::Yellow)
        } else {
            (msg!("doctor-result-ok"), Colour::Green)
        };
        let word = ui.paint(colour, word.text(ui.language));
        let counts = counts.text(ui.language);
        let gap = if ui.language == Language::Japanese { "" } else { " " };
        ui.line(format!("{word}{gap}{counts}"));
    }
    ui.flush();
    exit
}

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn columns_are_those_of_a_terminal() {
        assert_eq!(padded("ok", 4), "ok  ");
        assert_eq!(padded("正常", 6), "正常  ");
        assert_eq!(padded("warning", 4), "warning ");
    }
}
