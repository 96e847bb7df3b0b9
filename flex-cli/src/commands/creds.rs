//! `flex creds`: the copy role's credentials, shown without secrets or handed to other programs.

use std::time::{Duration, Instant};

use flex_creds::{Shell, environment, process_json, unset_environment};
use serde::Serialize;

use super::Job;
use crate::{
    args::{CredsCommand, ShellName},
    clients::Base,
    error::Stop,
    exit::Exit,
    hints,
    language::msg,
    present::{Ui, json, report::Report, size},
    profiles,
};

#[derive(Serialize)]
struct Shown<'a> {
    caller: Option<&'a str>,
    account: String,
    role: String,
    expires: Option<String>,
    renewable: bool,
    lifetime: String,
}

#[derive(Serialize)]
struct Summary<'a> {
    command: &'static str,
    #[serde(flatten)]
    end: json::End<'a>,
}

pub(super) async fn run(job: &mut Job<'_>, which: &CredsCommand) -> Result<Exit, Stop> {
    match which {
        CredsCommand::Show => show(job).await,
        CredsCommand::Env(args) => {
            if job.ui.json {
                return Err(Stop::text(Exit::Usage, "`creds env` prints lines for a shell, not JSON")
                    .mend(msg!("process-json")));
            }
            let role = job.as_role().await?;
            let text = environment(&role.credentials().await?, shell(args.shell)).map_err(|e| Stop::usage(&e))?;
            job.ui.text(&text);
            job.ui.flush();
            Ok(Exit::Done)
        }
        CredsCommand::Process => process(job).await,
        // Dispatched before anything listens to signals.
        CredsCommand::Exec(args) => super::exec::run(&job.settings, args, job.ui).await,
    }
}

async fn show(job: &mut Job<'_>) -> Result<Exit, Stop> {
    let started = Instant::now();
    let role = job.as_role().await?;
    let (session, ui) = (&role.session, &mut *job.ui);
    let expires = session.expires().map(size::seconds);
    if ui.json {
        ui.event(
            "session",
            Shown {
                caller: session.caller(),
                account: session.account().to_string(),
                role: session.role().to_string(),
                expires: expires.map(size::rfc3339),
                renewable: session.is_renewable(),
                lifetime: session.lifetime().to_string(),
            },
        );
        let end = json::End::new(Exit::Done, &[], None, started.elapsed());
        ui.event("summary", Summary { command: "creds show", end });
    } else {
        let mut report = Report::default();
        report.add("caller", session.caller().unwrap_or("not told by the service"));
        report.add("account", session.account().to_string());
        report.add("copy role", session.role().to_string());
        report.add(
            "expires",
            match expires {
                Some(at) => {
                    let left = u64::try_from(at.saturating_sub(size::now())).unwrap_or(0);
                    format!("{} in Tokyo, in {}", size::tokyo(at), size::duration(Duration::from_secs(left)))
                }
                None => "not known: exported credentials do not tell".into(),
            },
        );
        report.add("lifetime", session.lifetime().to_string());
        report.add("renewed", if session.is_renewable() { "by flex, for as long as it runs" } else { "no" });
        report.print(ui);
    }
    ui.flush();
    Ok(Exit::Done)
}

async fn process(job: &mut Job<'_>) -> Result<Exit, Stop> {
    // Nobody reads the warning of a session that cannot be renewed here: the SDK that started this shows failures only.
    let marked = std::env::var_os(profiles::MARK).filter(|m| !m.is_empty());
    let own = std::process::id().to_string();
    if marked.as_ref().is_some_and(|mark| *mark != *own) {
        return Err(profiles::recursion("`flex creds process` was started by `flex creds process`"));
    }
    let base = job.interrupt.or(Base::new(&job.settings)).await?;
    if base.uses_processes && marked.is_none() {
        start_again(&own)?;
    }
    let role = job.interrupt.or(base.as_role(&job.settings)).await?;
    let credentials = role.credentials().await?;
    if credentials.expiry().is_none() {
        return Err(Stop::text(
            Exit::Refused,
            "the credentials in use are already the copy role's and do not tell when they expire, and what is given \
             without an expiration would be taken for a long-term key",
        )
        .mend(hints::unset()));
    }
    let mut json = process_json(&credentials);
    json.push('\n');
    job.ui.text(&json);
    job.ui.flush();
    Ok(Exit::Done)
}

/// Runs this very command in place of this process, marked in its environment. A program cannot change its own
/// environment safely once it has threads, and the SDK's children inherit nothing else.
#[cfg(unix)]
fn start_again(own: &str) -> Result<(), Stop> {
    use std::os::unix::process::CommandExt;
    let exe = std::env::current_exe()
        .map_err(|e| Stop::new(Exit::Refused, &e).during("flex does not find itself").mend(msg!("flex-by-path")))?;
    let error = std::process::Command::new(exe).args(std::env::args_os().skip(1)).env(profiles::MARK, own).exec();
    Err(Stop::new(Exit::Refused, &error).during("flex cannot start itself").mend(msg!("flex-by-path")))
}

/// Elsewhere a process cannot be replaced; [`profiles::check`] alone stands guard.
#[cfg(not(unix))]
fn start_again(_own: &str) -> Result<(), Stop> {
    Ok(())
}

/// `creds env --unset`: needs neither settings nor credentials.
pub(super) fn unset(name: Option<ShellName>, ui: &mut Ui) -> Result<Exit, Stop> {
    ui.text(&unset_environment(shell(name)));
    ui.flush();
    Ok(Exit::Done)
}

/// The shell asked for, else that of `$SHELL`, else the platform's.
fn shell(name: Option<ShellName>) -> Shell {
    match name {
        Some(ShellName::Sh) => Shell::Sh,
        Some(ShellName::Fish) => Shell::Fish,
        Some(ShellName::PowerShell) => Shell::PowerShell,
        Some(ShellName::Cmd) => Shell::Cmd,
        None => {
            let path = std::env::var("SHELL").unwrap_or_default();
            let name = path.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe");
            let default = if cfg!(windows) { Shell::PowerShell } else { Shell::Sh };
            name.parse().unwrap_or(default)
        }
    }
}
