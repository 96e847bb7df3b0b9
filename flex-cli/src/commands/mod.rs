//! One module a command: build clients, call the libraries, present.

mod clean;
mod config;
mod copy;
mod creds;
mod deep;
mod demo;
mod docs;
mod doctor;
mod exec;
mod ls;
mod manifest;
mod plan;
mod policy;
mod setup;
mod verify;

pub(crate) use manifest::{compare::Totals, write::Written};

use std::sync::Arc;

use flex_copy::{Copier, CopySettings};
use flex_keys::{Dataset, Selection, SelectionContext};
use flex_policy::{SessionPolicy, SessionPurpose, SessionWidth};

use crate::{
    args::{Cli, Command, Global},
    clients::{AsRole, Base},
    config::{ConfigError, Settings},
    error::Stop,
    exit::Exit,
    hints, limits,
    present::{Ui, json, size},
    signals::Interrupt,
};

/// Runs a command to its exit code.
pub(crate) async fn run(cli: Cli, ui: &mut Ui) -> Result<Exit, Stop> {
    match cli.command {
        // These need neither settings nor network.
        Command::Completions { shell } => docs::completions(shell, ui),
        Command::Man { dir } => docs::man(dir.as_deref(), ui),
        Command::Demo => demo::run(ui).await,
        Command::Init(ref args) => config::init(args, &cli.global, ui),
        Command::Creds(crate::args::CredsCommand::Env(ref args)) if args.unset => creds::unset(args.shell, ui),
        command => {
            let mut settings = Settings::load(&cli.global).map_err(|e: ConfigError| Stop::usage(&e))?;
            if let Some(language) = settings.language {
                ui.language = language;
            }
            for note in &settings.notes {
                ui.note(note);
            }
            // The command that it runs gets the signals as they come, and this process's limits as they are.
            if let Command::Creds(crate::args::CredsCommand::Exec(ref args)) = command {
                return exec::run(&settings, args, ui).await;
            }
            let connections = limits::connections();
            if let Some(lowered) = connections.and_then(|most| settings.fit(most)) {
                ui.chat(lowered);
            }
            let interrupt = Interrupt::listen();
            let name = command.name();
            let mut job = Job { settings, connections, interrupt, ui, name, yes: cli.global.yes, flags: cli.global };
            match command {
                Command::Ls(args) => ls::run(&mut job, &args).await,
                Command::Plan(args) => copy::run(&mut job, args.into()).await,
                Command::Copy(args) => copy::run(&mut job, args).await,
                Command::Verify(args) => verify::run(&mut job, &args).await,
                Command::Clean(args) => clean::run(&mut job, &args).await,
                Command::Policy(which) => policy::run(&mut job, &which).await,
                Command::Creds(which) => creds::run(&mut job, &which).await,
                Command::Setup(args) => setup::run(&mut job, &args).await,
                Command::Doctor(args) => doctor::run(&mut job, &args).await,
                Command::Config(which) => config::run(&mut job, &which),
                Command::Init(_) | Command::Completions { .. } | Command::Man { .. } | Command::Demo => Ok(Exit::Done),
            }
        }
    }
}

/// What a command works with.
struct Job<'a> {
    settings: Settings,
    /// How many there may be at once, where the machine sets a limit.
    connections: Option<usize>,
    interrupt: Interrupt,
    ui: &'a mut Ui,
    name: &'static str,
    yes: bool,
    /// What was typed, for commands that print commands.
    flags: Global,
}

impl Job<'_> {
    /// Reads a selection.
    fn select(&self, arguments: &[String]) -> Result<Selection, Stop> {
        self.parse(arguments).map_err(|e| hints::selection(&e, self.name))
    }

    fn parse(&self, arguments: &[String]) -> Result<Selection, flex_keys::SelectionError> {
        let context = SelectionContext {
            today: size::today(),
            calendar: &self.settings.calendar,
            source_bucket: self.settings.source_bucket.as_str(),
        };
        Selection::parse(arguments, &context)
    }

    /// Assumes the copy role, warning of one that cannot be renewed.
    async fn as_role(&self) -> Result<AsRole, Stop> {
        self.as_narrowed_role(None).await
    }

    async fn as_narrowed_role(&self, policy: Option<&SessionPolicy>) -> Result<AsRole, Stop> {
        let work = async { Base::new(&self.settings).await?.as_narrowed_role(&self.settings, policy).await };
        let role = self.interrupt.or(work).await?;
        if let Some(warning) = hints::warning(&role.session) {
            self.ui.note(warning.text(self.ui.language));
        }
        Ok(role)
    }

    /// What the copy role's session is narrowed to (`--narrow-role`). What is not found yet lies somewhere in its folder.
    fn session_policy(&self, selection: &Selection, purpose: SessionPurpose) -> SessionPolicy {
        let mut prefixes = selection.prefixes().to_vec();
        let mut listed: Vec<String> = selection.key_ranges().into_iter().map(|range| range.prefix).collect();
        if !selection.lookups().is_empty() {
            let root = Dataset::ConnectionSpec.root().to_owned();
            listed.push(root.clone());
            prefixes.push(root);
        }
        let settings = &self.settings;
        let bucket = settings.bucket.as_ref().map(|given| &given.value);
        // As the engine reads it.
        let mut key_prefix = settings.key_prefix().trim_start_matches('/').to_owned();
        if !key_prefix.is_empty() && !key_prefix.ends_with('/') {
            key_prefix.push('/');
        }
        let policy = SessionPolicy::new(purpose, &settings.source_bucket, bucket, &key_prefix, &prefixes, &listed);
        let width = match policy.width() {
            SessionWidth::Exact => return policy,
            SessionWidth::Months => "the selection's months",
            SessionWidth::Years => "the selection's years",
            SessionWidth::Buckets => "the two buckets",
        };
        self.ui.chat(format_args!("the session policy has no room for every folder: the role is narrowed to {width}"));
        policy
    }

    /// Assumes the copy role, resolves the selection and tells what begins.
    async fn copier(
        &mut self,
        selection: Selection,
        copy: CopySettings,
        purpose: SessionPurpose,
    ) -> Result<(Copier, Selection), Stop> {
        let policy = self.settings.narrow_role.then(|| self.session_policy(&selection, purpose));
        let (role, name) = (self.as_narrowed_role(policy.as_ref()).await?, self.name);
        let copier = role.copier(&self.settings, copy);
        let resolve = async { copier.resolve(selection).await.map_err(|e| hints::resolving(&e, name)) };
        let selection = self.interrupt.or(resolve).await?;
        if self.ui.json {
            let settings = &self.settings;
            self.ui.event(
                "start",
                json::Start {
                    command: self.name,
                    version: env!("CARGO_PKG_VERSION"),
                    time: json::now(),
                    selection: selection.arguments(),
                    source_bucket: settings.source_bucket.as_str(),
                    bucket: settings.bucket.as_ref().map(|b| b.value.as_str()),
                    dest_prefix: settings.key_prefix(),
                    account: role.session.account().to_string(),
                    role: role.session.role().to_string(),
                },
            );
            self.ui.flush();
        }
        Ok((copier, selection))
    }
}

/// Why a command does not end in 0, gathered; the exit code is the gravest.
#[derive(Debug, Default)]
struct Findings {
    reasons: Vec<String>,
    exit: Option<Exit>,
}

impl Findings {
    fn add(&mut self, when: bool, exit: Exit, reason: impl FnOnce() -> String) {
        if when {
            self.reasons.push(reason());
            self.exit = Some(self.exit.map_or(exit, |found| found.or(exit)));
        }
    }

    fn exit(&self) -> Exit {
        self.exit.unwrap_or(Exit::Done)
    }

    /// What is the same for every command over a selection: nothing there, sessions absent.
    fn absent(&mut self, absent: &crate::present::days::Absent, listed: u64, whole: bool, complete: bool) {
        self.add(whole && listed == 0, Exit::Incomplete, || "nothing matched the selection".into());
        self.add(whole && absent.named_session(), Exit::Incomplete, || {
            let days: Vec<_> =
                absent.named.iter().filter(|d| d.session).map(|d| crate::present::days::written(d.day)).collect();
            format!("the source lists nothing for {}", days.join(", "))
        });
        self.add(whole && complete && !absent.sessions.is_empty(), Exit::Incomplete, || {
            format!("{} missing at the source", size::count(absent.sessions.len() as u64, "session is", "sessions are"))
        });
    }
}

/// A run's stop reason as it is shown.
fn stop_of(reason: Option<&Arc<flex_copy::StopReason>>, began: bool) -> Option<Stop> {
    reason.map(|reason| hints::stopped(reason, began))
}
