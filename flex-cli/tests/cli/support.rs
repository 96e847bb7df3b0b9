//! A user's machine: a home, an environment that holds nothing of this one's, and a sandbox.

#[cfg(unix)]
pub(crate) mod cutter;
#[cfg(unix)]
pub(crate) mod hostile;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use chrono::NaiveDate;
use flex_tests::sandbox::{FlexSeed, Identity, SUBSCRIBER, Sandbox, Seeded, World, seed_flex, subscriber_bucket};
use serde_json::Value;

pub(crate) const BUCKET: &str = "my-bucket";
/// The switch that demo, completions and the like do not need, and every other command does.
pub(crate) const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Waits for what the world shows, up to a limit that is never reached when all is well.
#[track_caller]
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::yield_now();
    }
}

/// A machine without any AWS set-up.
pub(crate) struct Machine {
    pub(crate) home: tempfile::TempDir,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Machine {
    pub(crate) fn bare() -> Self {
        let home = tempfile::tempdir().unwrap();
        let variables = [("HOME", home.path().to_str().unwrap()), NO_METADATA]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        Self { home, variables }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    pub(crate) fn unset(&mut self, name: &str) -> &mut Self {
        self.variables.remove(name);
        self
    }

    /// Exports an identity's keys.
    pub(crate) fn identity(&mut self, identity: &Identity) -> &mut Self {
        self.set("AWS_ACCESS_KEY_ID", identity.access_key_id())
            .set("AWS_SECRET_ACCESS_KEY", identity.secret_access_key());
        match identity.session_token() {
            Some(token) => self.set("AWS_SESSION_TOKEN", token),
            None => self.unset("AWS_SESSION_TOKEN"),
        }
    }

    pub(crate) fn no_identity(&mut self) -> &mut Self {
        self.unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY").unset("AWS_SESSION_TOKEN")
    }

    /// Writes a file under the home.
    pub(crate) fn file(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().write_all(text.as_ref()).unwrap();
        path
    }

    /// A profile with an identity's keys.
    pub(crate) fn profile(&self, name: &str, identity: &Identity) -> String {
        let mut text = format!(
            "[profile {name}]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            identity.access_key_id(),
            identity.secret_access_key()
        );
        if let Some(token) = identity.session_token() {
            text += &format!("aws_session_token = {token}\n");
        }
        text
    }

    /// The command, ready to run in the home.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        self.prepared(Command::new(env!("CARGO_BIN_EXE_flex")), arguments)
    }

    fn prepared<S: AsRef<OsStr>>(&self, mut command: Command, arguments: impl IntoIterator<Item = S>) -> Command {
        command
            .args(arguments)
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The command, run by another program: `nohup`, say.
    #[cfg(unix)]
    pub(crate) fn command_under(&self, program: &[&str], arguments: &[&str]) -> Command {
        let words = program[1..].iter().chain(&[env!("CARGO_BIN_EXE_flex")]).chain(arguments);
        let mut command = self.prepared(Command::new(program[0]), words);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs flex in a shell that has set a limit first, e.g. `ulimit -n 64`.
    #[cfg(unix)]
    pub(crate) fn flex_limited(&self, limit: &str, arguments: &[&str]) -> Run {
        let script = format!("{limit}; exec \"$0\" \"$@\"");
        Run::of(arguments, self.command_under(&["sh", "-c", &script], arguments).output().unwrap())
    }

    pub(crate) fn flex(&self, arguments: &[&str]) -> Run {
        Run::of(arguments, self.command(arguments).output().unwrap())
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }
}

/// What a run left.
#[derive(Debug)]
pub(crate) struct Run {
    arguments: Vec<String>,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(arguments: &[&str], output: Output) -> Self {
        Self {
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails with both streams unless the exit code is this.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails unless standard error holds all of these.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.err.contains(text), "not said: {text}\n{self}");
        }
        self
    }

    /// Fails unless standard output holds all of these.
    #[track_caller]
    pub(crate) fn prints(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.out.contains(text), "not printed: {text}\n{self}");
        }
        self
    }

    /// The JSON lines. Each is an object of this schema; what ends the stream is its last line.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let events: Vec<Value> = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{self}")))
            .collect();
        for event in &events {
            assert_eq!(event["schema"], 1, "{event}");
            assert!(event["event"].is_string(), "{event}");
        }
        events
    }

    /// The last event, which is the summary.
    #[track_caller]
    pub(crate) fn summary(&self) -> Value {
        let last = self.events().pop().unwrap_or_else(|| panic!("no events\n{self}"));
        assert_eq!(last["event"], "summary", "{self}");
        assert_eq!(last["exit_code"].as_i64(), self.code.map(i64::from), "{self}");
        last
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { arguments, code, out, err } = self;
        write!(f, "$ flex {}\nexit {code:?}\n--- stdout\n{out}--- stderr\n{err}", arguments.join(" "))
    }
}

/// A subscriber who has done all steps of the manual, before a sandbox.
pub(crate) struct Subscriber {
    pub(crate) machine: Machine,
    pub(crate) sandbox: Sandbox,
    pub(crate) world: World,
    pub(crate) seeded: Seeded,
}

impl Subscriber {
    /// With the vendor's bucket filled like this.
    pub(crate) async fn with(seed: &FlexSeed) -> Self {
        let sandbox = Sandbox::builder().start().await.unwrap();
        let world = sandbox.world();
        let seeded = seed_flex(&world, seed);
        subscriber_bucket(&world, BUCKET);
        let mut machine = Machine::bare();
        machine.identity(&Identity::copy_user()).set("AWS_ENDPOINT_URL", sandbox.endpoint()).set("FLEX_BUCKET", BUCKET);
        Self { machine, sandbox, world, seeded }
    }

    /// With three regular files a day in the last week of May 2021, and nothing else.
    pub(crate) async fn plain() -> Self {
        Self::with(&FlexSeed::plain(date("2021-05-24")..=date("2021-05-31"), 3)).await
    }

    /// With everything awkward.
    pub(crate) async fn odd() -> Self {
        Self::with(&FlexSeed::default()).await
    }

    pub(crate) fn flex(&self, arguments: &[&str]) -> Run {
        self.machine.flex(arguments)
    }

    pub(crate) fn account() -> &'static str {
        SUBSCRIBER
    }
}
