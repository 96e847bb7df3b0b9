//! The log: flex's own crates, and warnings of others. Never the SDK's debug output, which shows signed headers.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{args::Global, error::Stop, language::msg};

const OWN: [&str; 5] = ["flex", "flex_copy", "flex_creds", "flex_keys", "flex_policy"];

/// Starts the log as the flags ask for it: `-v` what is notable, `-vv` each attempt of each request.
pub(crate) fn start(flags: &Global, colour: bool) -> Result<(), Stop> {
    let (own, others) = match flags.verbose {
        _ if flags.quiet => (LevelFilter::ERROR, LevelFilter::OFF),
        // A file is asked for to hold something.
        0 if flags.log_file.is_none() => (LevelFilter::WARN, LevelFilter::OFF),
        0 | 1 => (LevelFilter::INFO, LevelFilter::WARN),
        _ => (LevelFilter::DEBUG, LevelFilter::WARN),
    };
    let filter = Targets::new().with_default(others).with_targets(OWN.map(|name| (name, own)));
    let registry = tracing_subscriber::registry().with(filter);
    match &flags.log_file {
        Some(path) => {
            let file = open(path).map_err(|e| {
                Stop::usage(&e)
                    .during(format!("the log file {} cannot be written", path.display()))
                    .mend(msg!("log-file"))
            })?;
            registry.with(fmt::layer().with_ansi(false).with_writer(std::sync::Mutex::new(file))).init();
        }
        None => registry.with(fmt::layer().with_ansi(colour).without_time().with_writer(io::stderr)).init(),
    }
    Ok(())
}

/// Appends. A new file is for its owner alone: keys name what a subscriber has a contract for.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_log_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        super::open(&path).expect("a file");
        let mode = std::fs::metadata(&path).expect("its data").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
