//! `flex completions` and `flex man`, made from the definition of the command line.

use std::{io, path::Path};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::{args::Cli, error::Stop, exit::Exit, language::msg, present::Ui};

pub(super) fn completions(shell: Shell, ui: &mut Ui) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "flex", &mut script);
    ui.text(&String::from_utf8_lossy(&script));
    ui.flush();
    Ok(Exit::Done)
}

pub(super) fn man(dir: Option<&Path>, ui: &mut Ui) -> Result<Exit, Stop> {
    let mut command = in_full(Cli::command());
    // Gives the commands below their full names.
    command.build();
    match dir {
        Some(dir) => write_below(command, dir).map_err(|e| {
            Stop::usage(&e)
                .during(format!("the manual pages cannot be written into {}", dir.display()))
                .mend(msg!("man-folder"))
        })?,
        None => {
            let mut text = Vec::new();
            page(command).render(&mut text).map_err(|e| {
                Stop::new(Exit::Failed, &e).during("the manual page cannot be made").mend(msg!("report-fault"))
            })?;
            ui.text(&String::from_utf8_lossy(&text));
            ui.flush();
        }
    }
    Ok(Exit::Done)
}

/// A command whose pages describe every option: `clap_mangen` leaves out the descriptions that `-h` leaves out. `help`
/// has no page, so none refers to it.
fn in_full(command: Command) -> Command {
    command.disable_help_subcommand(true).mut_args(|arg| arg.hide_short_help(false)).mut_subcommands(in_full)
}

fn page(command: Command) -> Man {
    // Else `copy 0.1.0`, as if that were a program.
    Man::new(command).source(concat!("flex ", env!("CARGO_PKG_VERSION")))
}

/// A page for a command and for each below it.
fn write_below(command: Command, dir: &Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_below(below.clone(), dir)?;
    }
    page(command).generate_to(dir).map(drop)
}
