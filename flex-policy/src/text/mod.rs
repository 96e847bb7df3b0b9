//! Policy texts that somebody else wrote: read, merged, kept.

mod document;
mod meaning;
mod merge;
mod splice;

pub(crate) use document::PolicyText;
pub use document::PolicyTextError;
pub(crate) use meaning::strings;
pub(crate) use merge::difference;
pub use merge::{Change, ChangeKind, Merged, merge_assume_role_policy, merge_bucket_policy};
pub(crate) use splice::add_statement;
