//! Serves the sandbox on loopback until it is told to stop, for trials by hand and for measurements.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use flex_tests::sandbox::{
    FlexSeed, Identity, REGION, Sandbox, VENDOR_BUCKET, seed_flex, seed_many, subscriber_bucket,
};

const HELP: &str = "\
Serves S3 and STS on 127.0.0.1, with the vendor's bucket filled and an empty bucket of the subscriber's.

Usage: sandbox [--port N] [--bucket NAME] [--objects N [--per-day N]] [--latency-ms N] [--credentials FILE]

  --port N            listen there (default: a free port)
  --bucket NAME       the subscriber's bucket (default: my-flex-bucket)
  --objects N         fill the vendor's bucket with N small files instead of the usual shapes
  --per-day N         so many of them to a day (default: 250, so a million reach to 2025)
  --latency-ms N      let every request take so long (default: 0)
  --credentials FILE  write the profiles flex-copy, owner, chained and stranger there

Ends on Ctrl-C or SIGTERM.
";

struct Options {
    port: u16,
    bucket: String,
    objects: Option<usize>,
    per_day: u32,
    latency: Duration,
    credentials: Option<PathBuf>,
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
        };
        while let Some(name) = arguments.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not {value:?}"));
            match name.as_str() {
                "--port" => out.port = u16::try_from(number()?).map_err(|_| format!("there is no port {value}"))?,
                "--bucket" => out.bucket = value,
                "--objects" => {
                    out.objects = Some(usize::try_from(number()?).map_err(|_| "that is too many".to_owned())?)
                }
                "--per-day" => out.per_day = u32::try_from(number()?).map_err(|_| "that is too many".to_owned())?,
                "--latency-ms" => out.latency = Duration::from_millis(number()?),
                "--credentials" => out.credentials = Some(value.into()),
                _ => return Err(format!("there is no option {name}; see --help")),
            }
        }
        Ok(Some(out))
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
    match options.objects {
        Some(objects) => seed_many(&world, objects, options.per_day),
        None => {
            seed_flex(&world, &FlexSeed::default());
        }
    }
    subscriber_bucket(&world, &options.bucket);
    world.latency(options.latency);

    if let Some(path) = &options.credentials {
        std::fs::write(path, profiles())?;
    }
    let user = Identity::copy_user();
    let mut out = io::stdout().lock();
    writeln!(out, "# The vendor's {VENDOR_BUCKET} holds {} objects.", world.object_count(VENDOR_BUCKET))?;
    writeln!(out, "# The subscriber's user, who may assume the copy role and nothing else:")?;
    writeln!(out, "export AWS_ENDPOINT_URL={}", sandbox.endpoint())?;
    // The AWS CLI reads the second name only.
    writeln!(out, "export AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION}")?;
    writeln!(out, "export AWS_ACCESS_KEY_ID={}", user.access_key_id())?;
    writeln!(out, "export AWS_SECRET_ACCESS_KEY={}", user.secret_access_key())?;
    writeln!(out, "export FLEX_BUCKET={}", options.bucket)?;
    match &options.credentials {
        Some(path) => writeln!(out, "# More identities: export AWS_SHARED_CREDENTIALS_FILE={}", path.display())?,
        None => writeln!(out, "# More identities, for a credentials file:\n{}", commented(&profiles()))?,
    }
    writeln!(out, "# Ready. Ctrl-C ends it.")?;
    out.flush()?;
    drop(out);

    stopped().await?;
    sandbox.shutdown().await;
    Ok(())
}

/// A credentials file with every identity that the sandbox knows.
fn profiles() -> String {
    let known = [
        ("flex-copy", Identity::copy_user()),
        ("owner", Identity::owner()),
        ("chained", Identity::chained()),
        ("stranger", Identity::stranger()),
    ];
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

#[cfg(unix)]
async fn stopped() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> io::Result<()> {
    tokio::signal::ctrl_c().await
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
    fn profiles_hold_a_token_where_there_is_one() {
        let text = profiles();
        assert_eq!(text.matches("aws_session_token").count(), 1);
        assert_eq!(text.matches("aws_secret_access_key").count(), 4);
    }
}
