//! The block of results at the end of a command: aligned for people, `name: value` in a pipe.

use std::collections::BTreeMap;

use flex_copy::Count;

use super::{Colour, Ui, days::Absent, size};
use crate::exit::Exit;

/// Lines of a summary.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<(String, String, Option<Colour>)>,
}

impl Report {
    pub(crate) fn add(&mut self, name: &str, value: impl Into<String>) {
        self.lines.push((name.to_owned(), value.into(), None));
    }

    /// A count of the main ones: people need to see it only when there is something, programs always.
    pub(crate) fn main(&mut self, ui: &Ui, name: &str, count: Count, remark: &str, colour: Option<Colour>) {
        if count.objects > 0 || !ui.out_is_terminal {
            self.counted(ui, name, count, remark, colour);
        }
    }

    /// A count that is there when there is something.
    pub(crate) fn count(&mut self, ui: &Ui, name: &str, count: Count, remark: &str, colour: Option<Colour>) {
        if count.objects > 0 {
            self.counted(ui, name, count, remark, colour);
        }
    }

    fn counted(&mut self, ui: &Ui, name: &str, count: Count, remark: &str, colour: Option<Colour>) {
        let mut value = size::count(count.objects, "object", "objects");
        value += &format!(", {}", ui.bytes(count.bytes));
        if count.objects > 0 && !remark.is_empty() {
            value += &format!(" ({remark})");
        }
        self.lines.push((name.to_owned(), value, colour.filter(|_| count.objects > 0)));
    }

    /// The days that the source does not list.
    pub(crate) fn absent(&mut self, absent: &Absent, calendar: &flex_keys::TradingCalendar) {
        for day in &absent.named {
            self.add("no data", format!("{} ({})", super::days::written(day.day), day.why));
        }
        for text in absent.listed(calendar) {
            self.lines.push(("no data".into(), text, Some(Colour::Yellow)));
        }
        if !absent.to_come.is_empty() {
            let days: Vec<_> = absent.to_come.iter().map(|d| super::days::written(*d)).collect();
            self.add("not yet", days.join(" "));
        }
        if absent.provisional {
            self.add("provisional calendar", format!("sessions after {} are a forecast", calendar.last_year()));
        }
    }

    pub(crate) fn requests<K: ToString>(&mut self, requests: &BTreeMap<K, u64>, retries: u64, throttled: u64) {
        let total: u64 = requests.values().sum();
        let kinds: Vec<_> = requests.iter().map(|(kind, number)| format!("{} {number}", kind.to_string())).collect();
        let mut value = total.to_string();
        if !kinds.is_empty() {
            value += &format!(" ({})", kinds.join(", "));
        }
        if retries > 0 {
            value += &format!(", {retries} tried again");
        }
        if throttled > 0 {
            value += &format!(", {throttled} told to slow down");
        }
        self.add("requests", value);
    }

    /// The last line, in one word and with the reasons.
    pub(crate) fn result(&mut self, exit: Exit, good: &str, reasons: &[String]) {
        let (word, colour) = match exit {
            Exit::Done => (good, Colour::Green),
            Exit::Incomplete => ("incomplete", Colour::Yellow),
            Exit::Interrupted => ("interrupted", Colour::Yellow),
            Exit::Failed | Exit::Refused | Exit::Usage | Exit::NotExecutable | Exit::NoCommand => {
                ("failed", Colour::Red)
            }
        };
        let mut value = word.to_owned();
        if !reasons.is_empty() {
            value += &format!(": {}", reasons.join("; "));
        }
        self.lines.push(("result".into(), value, Some(colour)));
    }

    pub(crate) fn print(self, ui: &mut Ui) {
        let width = self.lines.iter().map(|(name, ..)| name.len()).max().unwrap_or(0) + 2;
        for (name, value, colour) in self.lines {
            let value = ui.safe(&value).into_owned();
            let line = if ui.out_is_terminal {
                let value = match colour {
                    Some(colour) => ui.paint(colour, value),
                    None => value,
                };
                format!("{name:<width$}{value}")
            } else {
                format!("{name}: {value}")
            };
            ui.line(line);
        }
    }
}
