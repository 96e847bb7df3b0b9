use std::fmt;

use super::kind::{FindingKind, RolePart, Severity};

/// One thing that is wrong in a policy, and where.
///
/// Printed, it is the problem in one sentence; [`Finding::consequence`] and [`Finding::mend`] are sentences, too. They are
/// for people and may change; severity, path, code and details are for programs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    pub(super) severity: Severity,
    pub(super) path: String,
    pub(super) kind: FindingKind,
}

impl Finding {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Where, for example `$.Statement[1].Principal.AWS`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong.
    pub fn kind(&self) -> &FindingKind {
        &self.kind
    }

    /// A word for it that does not change, for example `wrong-principal`.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// The parts of it by name.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        self.kind.details()
    }

    /// What breaks because of it.
    pub fn consequence(&self) -> String {
        use FindingKind::*;
        match &self.kind {
            InvalidJson(_) | NotAPolicy { .. } => "AWS does not take the policy at all".into(),
            UnknownElement { .. }
            | MissingElement { .. }
            | WrongForm { .. }
            | BadEffect { .. }
            | WrongVersion { .. } => "AWS refuses the policy as malformed".into(),
            DuplicateKey { .. } => "AWS refuses the policy, or takes one of the two without saying which".into(),
            DuplicateSid { .. } | BadSid { .. } => "AWS refuses the policy as malformed".into(),
            TooLarge { .. } => "AWS refuses to save the policy".into(),
            MissingStatement { actions, .. } => {
                format!("the copy role may not do {}: {}", actions.join(", "), deed(actions))
            }
            MissingAction { action } => format!("the copy role may not do {action}: {}", deed(&[action])),
            MisspeltAction { meant, .. } => format!("AWS refuses the policy, and nothing allows {meant}"),
            WrongPrincipal { part, .. } => match part {
                RolePart::Subscriber => "your copy role is not let in, and perhaps another subscriber's is".into(),
                RolePart::Session => "only sessions of that very name are let in".into(),
                RolePart::Form | RolePart::Wildcard | RolePart::Partition => {
                    "AWS refuses the policy with \"Invalid principal\"".into()
                }
                _ => "the copy role is not let in, or AWS refuses the policy with \"Invalid principal\"".into(),
            },
            PublicPrincipal => "anybody may do it; with Block Public Access on, S3 refuses to save the policy".into(),
            BroadPrincipal { .. } => "every identity of the vendor's that its own policies allow is let in".into(),
            DeadPrincipal { .. } => {
                "it lets nobody in, not even a new role of the old name, and S3 refuses to save the policy again".into()
            }
            MalformedArn { .. } | OtherBucket { .. } => {
                "S3 refuses to save the policy: it has an invalid resource".into()
            }
            WrongResource { action, .. } => format!("{action} is not allowed: {}", deed(&[action])),
            NarrowResource { found, .. } => format!("only what {found} fits can be copied into the bucket"),
            MissingCondition { .. } => {
                "objects may be put without giving you control of them, and the manual asks for the condition".into()
            }
            WrongCondition { .. } => "no copy meets the condition: every one is refused with AccessDenied".into(),
            NeverMet { action, .. } => format!("{action} is always refused: {}", deed(&[action])),
            MayFail { action, .. } => format!("{action} is refused wherever the condition is not met"),
            DenyWins { actions } => format!("a Deny wins over every Allow: {actions} is always refused"),
            DenyMayWin { actions, .. } => format!("a Deny wins over every Allow: {actions} is refused in these cases"),
            WrongRole { .. } => "AssumeRole of the copy role is refused with AccessDenied".into(),
            BroadRole { .. } => "the identity may assume other roles, too".into(),
        }
    }

    /// What to do.
    pub fn mend(&self) -> String {
        use FindingKind::*;
        match &self.kind {
            InvalidJson(e) => format!("mend line {}, column {}", e.line(), e.column()),
            NotAPolicy { expected, .. } => format!("write {expected} there"),
            UnknownElement { meant: Some(meant), .. } => format!("write {meant}"),
            UnknownElement { .. } => "take it away".into(),
            MissingElement { element } => format!("add {element}"),
            WrongForm { element, .. } => format!("write {element} as a string or a list of strings"),
            DuplicateKey { key } => format!("keep one {key:?}, with all its values in a list"),
            DuplicateSid { .. } => "give each statement a Sid of its own".into(),
            BadSid { .. } => "use letters and digits alone".into(),
            BadEffect { .. } => "write \"Allow\" or \"Deny\"".into(),
            WrongVersion { .. } => "write \"2012-10-17\"".into(),
            TooLarge { limit, .. } => {
                format!("take white space and needless statements away, to {limit} bytes at most")
            }
            MissingStatement { sid, .. } => format!("add the statement {sid} of the manual's template"),
            MissingAction { action } => format!("add {action:?} to the actions"),
            MisspeltAction { meant, .. } => format!("write {meant:?}"),
            WrongPrincipal { expected, .. } | DeadPrincipal { expected, .. } => format!("write {expected:?}"),
            PublicPrincipal => "name the copy role as the principal, or take the statement away".into(),
            BroadPrincipal { .. } => "name the copy role's ARN alone".into(),
            MalformedArn { meant, .. } => format!("write {meant:?}"),
            OtherBucket { expected, .. } => format!("write {expected:?}"),
            WrongResource { expected, .. } => format!("add {expected:?} to the resources"),
            NarrowResource { expected, .. } => {
                format!("write {expected:?}, or copy under that prefix alone with a destination prefix")
            }
            MissingCondition { key, value } => format!("add the condition StringEquals {key} = {value}"),
            WrongCondition { expected, .. } => format!("write the condition {expected}"),
            NeverMet { operator, key, .. } => format!("take the condition {operator} {key} away from this action"),
            MayFail { operator, key, .. } => {
                format!("make sure that the condition {operator} {key} is met where flex runs, or take it away")
            }
            DenyWins { .. } => {
                "take the copy role out of this Deny, for example by a condition StringNotEquals aws:PrincipalArn"
                    .into()
            }
            DenyMayWin { .. } => {
                "make sure that copies do not fall under it, or take the copy role out of this Deny".into()
            }
            WrongRole { expected, .. } | BroadRole { expected, .. } => format!("write {expected:?}"),
        }
    }
}

/// What fails without an action.
fn deed(actions: &[&str]) -> &'static str {
    match actions {
        ["s3:ListBucket"] => "what is there already cannot be listed, and no copy begins",
        ["sts:AssumeRole"] => "no credentials for the copy role",
        _ => "every copy is refused with AccessDenied",
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use FindingKind::*;
        match &self.kind {
            InvalidJson(e) => write!(f, "not valid JSON at {e}"),
            NotAPolicy { found, expected } => write!(f, "not a policy: found {found}, expected {expected}"),
            UnknownElement { found, .. } => write!(f, "policies have no {found:?}"),
            MissingElement { element } => write!(f, "{element} is missing"),
            WrongForm { element, found } => write!(f, "{element} cannot be {found}"),
            DuplicateKey { key } => write!(f, "{key:?} occurs twice"),
            DuplicateSid { sid } => write!(f, "the Sid {sid:?} occurs twice"),
            BadSid { sid } => write!(f, "IAM does not take the Sid {sid:?}"),
            BadEffect { found } => write!(f, "the effect {found:?} is neither \"Allow\" nor \"Deny\""),
            WrongVersion { found } => write!(f, "there is no policy version {found:?}"),
            TooLarge { bytes, limit } => write!(f, "the policy has {bytes} bytes, {limit} are allowed"),
            MissingStatement { actions, .. } => write!(f, "no statement allows the copy role {}", actions.join(", ")),
            MissingAction { action } => write!(f, "the statement for the copy role lacks the action {action}"),
            MisspeltAction { found, .. } => write!(f, "there is no action {found:?}"),
            WrongPrincipal { part, found, .. } => {
                write!(f, "the principal {found:?} is not your copy role: {}", differs(*part))
            }
            PublicPrincipal => f.write_str("the principal is everybody"),
            BroadPrincipal { found } => write!(f, "the principal {found:?} is the vendor's whole account"),
            DeadPrincipal { found, .. } => {
                write!(f, "the principal {found:?} is the id of a role or user that was deleted")
            }
            MalformedArn { found, .. } => {
                write!(f, "{found:?} is not an ARN of S3; a bucket's has three colons after s3")
            }
            OtherBucket { found, .. } => write!(f, "{found:?} is not this bucket"),
            WrongResource { action, found, .. } => write!(f, "{action} does nothing on {found}"),
            NarrowResource { found, .. } => write!(f, "{found:?} is a part of the bucket"),
            MissingCondition { key, .. } => write!(f, "the condition on {key} is missing"),
            WrongCondition { operator, key, found, .. } => {
                write!(f, "the condition {operator} {key} = {found} is not the manual's")
            }
            NeverMet { action, operator, key, found } => {
                write!(f, "{action} never meets the condition {operator} {key} = {found}")
            }
            MayFail { action, operator, key, found } => {
                write!(f, "{action} may not meet the condition {operator} {key} = {found}")
            }
            DenyWins { actions } => write!(f, "this Deny forbids the copy role {actions}"),
            DenyMayWin { actions, because } => write!(f, "this Deny may forbid the copy role {actions}: {because}"),
            WrongRole { part, found, .. } => write!(f, "the role {found:?} is not your copy role: {}", differs(*part)),
            BroadRole { found, .. } => write!(f, "{found:?} is more than the copy role"),
        }
    }
}

fn differs(part: RolePart) -> &'static str {
    match part {
        RolePart::Form => "it is not the ARN of a role",
        RolePart::Partition => "the partition differs",
        RolePart::Account => "the account differs from the vendor's",
        RolePart::Name => "the role's name differs",
        RolePart::Subscriber => "the account id at the end of its name is not yours",
        RolePart::Session => "it is a session of a role",
        RolePart::Wildcard => "a principal's ARN takes no wildcard",
        RolePart::Everything => "it is somebody else",
    }
}
