//! `flex completions` and `flex man`, made from the definition of the command line.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args::Cli, error::Stop, exit::Exit, present::Ui};

pub(super) fn completions(shell: Shell, ui: &mut Ui) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "flex", &mut script);
    ui.text(&String::from_utf8_lossy(&script));
    ui.flush();
    Ok(Exit::Done)
}

pub(super) fn man(dir: Option<&Path>, ui: &mut Ui) -> Result<Exit, Stop> {
    match dir {
        Some(dir) => {
            clap_mangen::generate_to(Cli::command(), dir).map_err(|e| {
                Stop::usage(&e).during(format!("the manual pages cannot be written into {}", dir.display()))
            })?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|e| Stop::new(Exit::Failed, &e).during("the manual page cannot be made"))?;
            ui.text(&String::from_utf8_lossy(&page));
            ui.flush();
        }
    }
    Ok(Exit::Done)
}
