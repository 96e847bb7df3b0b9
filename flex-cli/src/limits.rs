//! How many files and connections this machine lets a program have open at once.

/// What flex needs besides its connections: the streams, the runtime's own, the log, journal and manifest, certificates
/// and profiles while they are read, name look-ups.
const KEPT_BACK: u64 = 24;

/// The requests that can be in flight at once: each may need a connection of its own. The limit is raised as far as it may
/// be first, as macOS begins with 256 and many Linux systems with 1024. None: no limit worth the name.
#[cfg(unix)]
pub(crate) fn connections() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// More than any run needs. macOS refuses "unlimited" and what is above its own limit for a process.
    const ENOUGH: u64 = 4096;

    let limit = getrlimit(Resource::Nofile);
    let mut current = limit.current?;
    if current < ENOUGH {
        let wanted = limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH));
        if wanted > current && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).is_ok() {
            current = wanted;
        }
    }
    (current < ENOUGH).then(|| room(current))
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(crate) fn connections() -> Option<usize> {
    None
}

#[cfg_attr(not(unix), allow(dead_code, reason = "Windows has no such limit"))]
fn room(files: u64) -> usize {
    usize::try_from(files.saturating_sub(KEPT_BACK).max(1)).unwrap_or(usize::MAX)
}

/// What is said where there is no room for as many as were wanted.
pub(crate) fn lowered(wanted: usize, most: usize, of: &str) -> Option<String> {
    (wanted > most).then(|| {
        format!("{most} {of} at most, not {wanted}: this shell lets a program have few files open (ulimit -n)")
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn something_is_always_left() {
        for (files, want) in [(0, 1), (20, 1), (64, 40), (1024, 1000)] {
            assert_eq!(super::room(files), want, "{files}");
        }
    }
}
