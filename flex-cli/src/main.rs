//! The `flex` command: parses, builds clients, calls the libraries, presents, and turns the outcome into an exit code.

mod args;
mod clients;
mod commands;
mod config;
mod error;
mod exit;
mod hints;
mod http;
mod journals;
mod language;
mod limits;
mod logging;
mod present;
mod private;
mod profiles;
mod signals;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, Command},
    error::Stop,
    exit::Exit,
    language::msg,
    present::Ui,
};

/// Each request makes hundreds of small allocations inside the SDK, on several threads: a third of all the time with glibc's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let code = if e.use_stderr() { Exit::Usage } else { Exit::Done };
            return match e.print() {
                // A reader that has gone needs no help.
                Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => code.or(Exit::Failed).into(),
                _ => code.into(),
            };
        }
    };
    let mut ui = Ui::new(&cli.global);
    let name = cli.command.name();
    let exit = match start(cli, &mut ui) {
        Ok(exit) => exit,
        Err(stop) => {
            ui.stop(&stop, name);
            stop.exit()
        }
    };
    ui.progress.finish();
    ui.flush();
    if ui.lost { exit.or(Exit::Failed).into() } else { exit.into() }
}

fn start(cli: Cli, ui: &mut Ui) -> Result<Exit, Stop> {
    if ui.json && matches!(cli.command, Command::Demo) {
        return Err(
            Stop::text(Exit::Usage, "`demo` tells its story in plain text, not JSON").mend(msg!("demo-without-json"))
        );
    }
    logging::start(&cli.global, present::colour(cli.global.color, ui.err_is_terminal))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Stop::new(Exit::Failed, &e).during("no runtime can be started").mend(msg!("few-resources")))?;
    let done = runtime.block_on(commands::run(cli, ui));
    // Nothing that is still running is waited for: what had to be drained was.
    runtime.shutdown_background();
    done
}
