//! The exit codes that scripts rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All that was asked for is done, or was done already.
    Done,
    /// Some objects failed, are missing or different; or the service went away in mid-run.
    Failed,
    /// Wrong usage or configuration: nothing was started.
    Usage,
    /// Credentials, permissions, or a service unreachable before the first object.
    Refused,
    /// Incomplete though nothing failed.
    Incomplete,
    /// Interrupted.
    Interrupted,
    /// `creds exec`: the command cannot be run, as shells have it.
    NotExecutable,
    /// `creds exec`: there is no such command, as shells have it.
    NoCommand,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Incomplete => 4,
            // 128 + SIGINT, as shells have it.
            Self::Interrupted => 130,
            Self::NotExecutable => 126,
            Self::NoCommand => 127,
        }
    }

    /// The one of two that is reported: interrupted before refused before failed before incomplete.
    pub(crate) fn or(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Usage | Self::NotExecutable | Self::NoCommand => 0,
            Self::Interrupted => 1,
            Self::Refused => 2,
            Self::Failed => 3,
            Self::Incomplete => 4,
            Self::Done => 5,
        };
        if rank(self) <= rank(other) { self } else { other }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::*;

    #[test]
    fn where_several_apply_the_order_is_130_3_1_4() {
        let order = [Interrupted, Refused, Failed, Incomplete, Done];
        for (i, first) in order.iter().enumerate() {
            for second in &order[i..] {
                assert_eq!(first.or(*second), *first);
                assert_eq!(second.or(*first), *first);
            }
        }
        assert_eq!(order.map(super::Exit::code), [130, 3, 1, 4, 0]);
        assert_eq!([Usage, NotExecutable, NoCommand].map(super::Exit::code), [2, 126, 127]);
    }
}
