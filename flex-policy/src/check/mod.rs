//! What is wrong with a policy, and why a copy would fail because of it.
//!
//! A policy is judged by what it does: every right that a copy needs is looked for as AWS would look for it. Where none of
//! the statements gives it, the statement that was meant to is explained.

mod bucket;
mod condition;
mod finding;
mod fix;
mod identity;
mod kind;
mod pattern;
mod principal;
mod shape;
mod view;

pub use bucket::{check_bucket_policy, check_bucket_policy_as_sent};
pub use finding::Finding;
pub use fix::{Fixed, fix_assume_role_policy, fix_bucket_policy};
pub use identity::check_assume_role_policy;
pub use kind::{FindingKind, RolePart, Severity};

use crate::json;
use crate::text::{PolicyText, PolicyTextError};

fn error(path: &str, kind: FindingKind) -> Finding {
    Finding { severity: Severity::Error, path: path.to_owned(), kind }
}

fn warning(path: &str, kind: FindingKind) -> Finding {
    Finding { severity: Severity::Warning, path: path.to_owned(), kind }
}

/// Reads a text, past mistakes where it can be read past them, and has it judged. Errors come before warnings, otherwise
/// the order is that of `judge`.
fn findings_in(text: &str, judge: impl FnOnce(&PolicyText<'_>) -> Vec<Finding>) -> Vec<Finding> {
    let read = match json::read(text) {
        Ok(read) => read,
        Err(fault) => return vec![error("$", FindingKind::InvalidJson(fault))],
    };
    let mut findings: Vec<Finding> =
        read.slips.into_iter().map(|(slip, _)| error("$", FindingKind::InvalidJson(slip))).collect();
    match PolicyText::of(text, read.root) {
        Ok(policy) => {
            for finding in judge(&policy) {
                // One place says one thing once: the same fault may stand in the way of several rights.
                let by_itself = matches!(
                    finding.kind,
                    FindingKind::DuplicateKey { .. }
                        | FindingKind::DuplicateSid { .. }
                        | FindingKind::MissingStatement { .. }
                );
                let is_known = |other: &Finding| other.path == finding.path && other.code() == finding.code();
                if by_itself || !findings.iter().any(is_known) {
                    findings.push(finding);
                }
            }
        }
        Err(PolicyTextError::Shape { path, found, expected }) => {
            let kind = FindingKind::NotAPolicy { found: found.to_owned(), expected: expected.to_owned() };
            findings.push(error(&path, kind));
        }
        Err(_) => findings.push(error("$", FindingKind::DuplicateKey { key: "Statement".to_owned() })),
    }
    findings.sort_by_key(Finding::severity);
    findings
}
