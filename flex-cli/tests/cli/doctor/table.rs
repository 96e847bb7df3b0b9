//! The rows of the table, and how a row is tried: broken, named, mended by what was printed, sound again.

use flex_tests::sandbox::World;

use super::patient::{Found, OWNER, doctor, shell, text, well};
use crate::support::Subscriber;

/// Who mends it.
pub(crate) enum Cure {
    /// The printed commands alone, in one shell.
    Printed,
    /// The vendor, the account's administrator or the network's; what is printed besides must run, too.
    Others(fn(&World)),
    /// The printed command of another program, whose part the test plays.
    Program(&'static str, fn(&World)),
}

/// One fault. What breaks it shares nothing with what finds it: texts, the sandbox's levers, variables, files.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) spoil: fn(&mut Subscriber),
    /// Instead of the owner's profile.
    pub(crate) flags: Option<&'static [&'static str]>,
    /// The link and the code.
    pub(crate) want: &'static str,
    pub(crate) cure: Cure,
}

impl Row {
    pub(crate) fn new(name: &'static str, want: &'static str, spoil: fn(&mut Subscriber)) -> Self {
        Self { name, spoil, flags: None, want, cure: Cure::Printed }
    }

    pub(crate) fn flags(mut self, flags: &'static [&'static str]) -> Self {
        self.flags = Some(flags);
        self
    }

    pub(crate) fn others(mut self, act: fn(&World)) -> Self {
        self.cure = Cure::Others(act);
        self
    }

    pub(crate) fn program(mut self, line: &'static str, act: fn(&World)) -> Self {
        self.cure = Cure::Program(line, act);
        self
    }
}

/// Tries every row, and tells all that failed.
pub(crate) async fn try_all(rows: Vec<Row>, warnings: bool) {
    let mut failed = Vec::new();
    for row in &rows {
        let mut user = well().await;
        (row.spoil)(&mut user);
        if let Err(why) = try_row(row, &user, warnings) {
            failed.push(format!("=== {}\n{why}", row.name));
        }
        user.sandbox.shutdown().await;
    }
    assert!(failed.is_empty(), "{} of {} rows:\n{}", failed.len(), rows.len(), failed.join("\n"));
}

/// Why a row failed.
pub(crate) fn try_row(row: &Row, user: &Subscriber, warning: bool) -> Result<(), String> {
    let flags = row.flags.unwrap_or(&OWNER);
    let found = doctor(&user.machine, flags);
    let (bad, other) = (found.in_state("broken"), found.in_state("warning"));
    let (mine, none) = if warning { (other, bad) } else { (bad, other) };
    if mine != [row.want] || !none.is_empty() {
        return Err(format!("wanted {} alone\n{}", row.want, found.1));
    }
    let code = if warning { 0 } else { 3 };
    if found.1.code != Some(code) {
        return Err(format!("exit code\n{}", found.1));
    }
    let id = row.want.split(':').next().unwrap_or_default();
    if found.link(id)["mend"].as_array().is_none_or(Vec::is_empty) {
        return Err(format!("nothing is said to mend it\n{}", found.1));
    }
    let mut commands = found.commands(id, false);
    if commands.is_empty() && matches!(row.cure, Cure::Printed) {
        // Where the first way is no command, the next one is.
        commands = found.commands(id, true).into_iter().take(1).collect();
    }
    match row.cure {
        Cure::Printed if commands.is_empty() => return Err(format!("no command is printed\n{}", found.1)),
        Cure::Printed => {}
        Cure::Others(act) => act(&user.world),
        Cure::Program(line, act) => {
            if commands != [line] {
                return Err(format!("wanted the command {line:?}\n{}", found.1));
            }
            act(&user.world);
            return sound(doctor(&user.machine, flags), warning);
        }
    }
    // What is exported or unset counts for what follows in the same shell.
    let last_checks = commands.last().is_some_and(|last| last.contains("flex doctor"));
    let mut script = format!("set -e\n{{\n:\n{}\n}} >&2\n", commands.join("\n"));
    if last_checks {
        script +=
            &commands[commands.len() - 1].rsplit("&& ").next().map(|c| format!("{c} --json\n")).unwrap_or_default();
    } else {
        script += &format!("flex doctor --json {}\n", flags.join(" "));
    }
    let run = shell(&user.machine, &script);
    if run.out.is_empty() {
        return Err(format!("the mend failed\n{run}\nafter\n{}", found.1));
    }
    sound(Found::of(run), warning)
}

fn sound(found: Found, warning: bool) -> Result<(), String> {
    let mut ill = found.in_state("broken");
    if warning {
        ill.extend(found.in_state("warning"));
    }
    if ill.is_empty() && found.1.code == Some(0) {
        return Ok(());
    }
    let whats: Vec<_> = found.0.iter().filter(|c| c["state"] == "broken").map(|c| text(&c["what"])).collect();
    Err(format!("not cured: {whats:?}\n{}", found.1))
}
