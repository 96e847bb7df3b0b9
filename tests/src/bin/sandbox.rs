//! Serves the sandbox on loopback until it is told to stop, for trials by hand and for measurements.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flex_tests::sandbox::{
    COPY_USER_NAME, FlexSeed, Identity, REGION, SUBSCRIBER, Sandbox, VENDOR_BUCKET, World, manual_policy, seed_flex,
    seed_many,
};

const HELP: &str = "\
Serves S3, STS and IAM on 127.0.0.1, with the vendor's bucket filled and an empty bucket of the subscriber's.

Usage: sandbox [OPTIONS]

  --port N                listen there (default: a free port)
  --bucket NAME           the subscriber's bucket (default: my-flex-bucket)
  --objects N             fill the vendor's bucket with N small files instead of the usual shapes
  --per-day N             so many of them to a day (default: 250, so a million reach to 2025)
  --latency-ms N          let every request take so long (default: 0)
  --credentials FILE      write the profiles flex-copy, owner, chained and stranger there, for nobody else to read

How far the set-up has come; without these all of it is done:
  --no-bucket             the subscriber has no bucket yet
  --no-user               the user flex-copy does not exist yet; the owner does
  --no-role               the vendor has not made the copy role yet
  --vendor-after SECONDS  the vendor makes it so much later

  --token-life SECONDS    end every token of AssumeRole so early, whatever was asked for

Ends on Ctrl-C or SIGTERM.
";

struct Options {
    port: u16,
    bucket: String,
    objects: Option<usize>,
    per_day: u32,
    latency: Duration,
    credentials: Option<PathBuf>,
    has_bucket: bool,
    has_user: bool,
    role: Role,
    token_life: Option<Duration>,
}

/// Whether the vendor has made the copy role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Made,
    NotMade,
    MadeAfter(Duration),
}

impl Options {
    /// None: help was asked for.
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut out = Self {
            port: 0,
            bucket: "my-flex-bucket".into(),
            objects: None,
            per_day: 250,
            latency: Duration::ZERO,
            credentials: None,
            has_bucket: true,
            has_user: true,
            role: Role::Made,
            token_life: None,
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--no-bucket" => out.has_bucket = false,
                "--no-user" => out.has_user = false,
                // The time that --vendor-after names stands.
                "--no-role" if out.role == Role::Made => out.role = Role::NotMade,
                "--no-role" => {}
                _ => {
                    let value = arguments.next().ok_or_else(|| format!("{name} needs a value; see --help"))?;
                    out.set(&name, value)?;
                }
            }
        }
        Ok(Some(out))
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not {value:?}"));
        match name {
            "--port" => self.port = u16::try_from(number()?).map_err(|_| format!("there is no port {value}"))?,
            "--bucket" => self.bucket = value,
            "--objects" => self.objects = Some(usize::try_from(number()?).map_err(|_| "that is too many".to_owned())?),
            "--per-day" => self.per_day = u32::try_from(number()?).map_err(|_| "that is too many".to_owned())?,
            "--latency-ms" => self.latency = Duration::from_millis(number()?),
            "--credentials" => self.credentials = Some(value.into()),
            "--vendor-after" => self.role = Role::MadeAfter(Duration::from_secs(number()?)),
            "--token-life" => self.token_life = Some(Duration::from_secs(number()?)),
            _ => return Err(format!("there is no option {name}; see --help")),
        }
        Ok(())
    }

    /// Makes the world as these options say.
    fn arrange(&self, world: &World) {
        match self.objects {
            Some(objects) => seed_many(world, objects, self.per_day),
            None => {
                seed_flex(world, &FlexSeed::default());
            }
        }
        match self.role {
            Role::Made => {}
            Role::NotMade => world.role_exists(false),
            Role::MadeAfter(wait) => world.role_exists_after(wait),
        }
        if self.has_bucket {
            world.create_bucket(&self.bucket, SUBSCRIBER, REGION);
            // While there is no role, no bucket policy can name it.
            if self.role == Role::Made {
                world.put_bucket_policy(&self.bucket, &manual_policy(&self.bucket));
            }
        }
        if !self.has_user {
            world.remove_user(COPY_USER_NAME);
        }
        if let Some(life) = self.token_life {
            world.token_life(life);
        }
        world.latency(self.latency);
    }

    /// The identities that there are, by the names of their profiles.
    fn identities(&self) -> Vec<(&'static str, Identity)> {
        let mut known = vec![
            ("flex-copy", Identity::copy_user()),
            ("owner", Identity::owner()),
            ("chained", Identity::chained()),
            ("stranger", Identity::stranger()),
        ];
        known.retain(|(name, _)| self.has_user || *name != "flex-copy");
        known
    }

    /// What has to be done yet, or nothing.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if !self.has_bucket {
            missing.push(format!("There is no bucket {} yet.", self.bucket));
        }
        if !self.has_user {
            missing.push(format!("There is no user {COPY_USER_NAME} yet."));
        }
        match self.role {
            Role::Made => {}
            Role::NotMade => missing.push("The vendor has not made the copy role, and will not.".into()),
            Role::MadeAfter(wait) => {
                missing.push(format!("The vendor makes the copy role {} seconds from now.", wait.as_secs()));
            }
        }
        missing
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::read(std::env::args().skip(1))? else {
        io::stdout().write_all(HELP.as_bytes())?;
        return Ok(());
    };
    let sandbox = Sandbox::builder().port(options.port).records(0).start().await?;
    let world = sandbox.world();
    options.arrange(&world);
    let identities = options.identities();
    if let Some(path) = &options.credentials {
        write_privately(path, &profiles(&identities))?;
    }
    // From here on a signal ends it in order; whoever reads "Ready" may send one at once.
    let stopped = stopped()?;

    let mut out = io::stdout().lock();
    writeln!(out, "# The vendor's {VENDOR_BUCKET} holds {} objects.", world.object_count(VENDOR_BUCKET))?;
    for line in options.missing() {
        writeln!(out, "# {line}")?;
    }
    let (user, what) = if options.has_user {
        (Identity::copy_user(), "The subscriber's user, who may assume the copy role and nothing else:")
    } else {
        (Identity::owner(), "The owner, who may do everything in the subscriber's account:")
    };
    writeln!(out, "# {what}")?;
    writeln!(out, "export AWS_ENDPOINT_URL={}", sandbox.endpoint())?;
    // The AWS CLI reads the second name only.
    writeln!(out, "export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}")?;
    writeln!(out, "export AWS_ACCESS_KEY_ID={}", user.access_key_id())?;
    writeln!(out, "export AWS_SECRET_ACCESS_KEY={}", user.secret_access_key())?;
    writeln!(out, "export FLEX_BUCKET={}", options.bucket)?;
    match &options.credentials {
        Some(path) => {
            writeln!(out, "# More identities, the owner among them, by --profile:")?;
            writeln!(out, "export AWS_SHARED_CREDENTIALS_FILE={}", path.display())?;
            writeln!(out, "#   e.g. flex setup --profile owner; aws --profile owner s3 ls s3://{}", options.bucket)?;
        }
        None => {
            writeln!(
                out,
                "# More identities, for a credentials file (--credentials FILE writes it), then by --profile,"
            )?;
            writeln!(out, "# e.g. flex setup --profile owner:")?;
            writeln!(out, "{}", commented(&profiles(&identities)))?;
        }
    }
    writeln!(out, "# Ready. Ctrl-C ends it.")?;
    out.flush()?;
    drop(out);

    stopped.await?;
    sandbox.shutdown().await;
    Ok(())
}

/// Writes a file that nobody else can read, also where there was another one.
fn write_privately(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(text.as_bytes())
}

/// A credentials file with these identities.
fn profiles(known: &[(&str, Identity)]) -> String {
    let mut out = String::new();
    for (name, identity) in known {
        out += &format!("[{name}]\naws_access_key_id = {}\n", identity.access_key_id());
        out += &format!("aws_secret_access_key = {}\n", identity.secret_access_key());
        if let Some(token) = identity.session_token() {
            out += &format!("aws_session_token = {token}\n");
        }
        out.push('\n');
    }
    out
}

fn commented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("#   {line}\n")).collect::<String>().trim_end().to_owned()
}

/// Waits for a signal, and is ready for it before it is waited for.
#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = io::Result<()>>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            biased;
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> io::Result<impl Future<Output = io::Result<()>>> {
    Ok(tokio::signal::ctrl_c())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Options>, String> {
        Options::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_or_refused() {
        let options = read("--port 9000 --objects 1000000 --latency-ms 20").ok().flatten();
        let read_as = options.map(|o| (o.port, o.objects, o.latency, o.bucket));
        assert_eq!(read_as, Some((9000, Some(1_000_000), Duration::from_millis(20), "my-flex-bucket".into())));
        assert!(matches!(read("--port 9000 --help"), Ok(None)));
        for wrong in ["--port", "--port x", "--port 70000", "--objects -1", "--nonsense 1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_vendor_is_late_or_never_comes() {
        let role = |line: &str| read(line).ok().flatten().map(|o| o.role);
        let later = Some(Role::MadeAfter(Duration::from_secs(5)));
        assert_eq!(role(""), Some(Role::Made));
        assert_eq!(role("--no-role"), Some(Role::NotMade));
        assert_eq!(role("--vendor-after 5"), later);
        assert_eq!((role("--vendor-after 5 --no-role"), role("--no-role --vendor-after 5")), (later, later));
    }

    #[test]
    fn help_names_every_option() {
        for option in [
            "--port",
            "--bucket",
            "--objects",
            "--per-day",
            "--latency-ms",
            "--credentials",
            "--no-bucket",
            "--no-user",
            "--no-role",
            "--vendor-after",
            "--token-life",
        ] {
            assert!(HELP.contains(&format!("\n  {option} ")), "{option}");
        }
    }

    #[test]
    fn profiles_hold_a_token_where_there_is_one() {
        let known = |line: &str| read(line).ok().flatten().map(|o| o.identities()).unwrap_or_default();
        assert!(!profiles(&known("--no-user")).contains("flex-copy"));
        let text = profiles(&known(""));
        assert_eq!(text.matches("aws_session_token").count(), 1);
        assert_eq!(text.matches("aws_secret_access_key").count(), 4);
    }
}
