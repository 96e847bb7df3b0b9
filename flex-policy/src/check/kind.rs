use std::fmt;

use crate::json::InvalidJson;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Copies fail, or AWS refuses the policy, or strangers get in.
    Error,
    /// Copies may fail, or the policy allows more than it should.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The part of a role's ARN that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RolePart {
    /// Its form: a colon too few, `user/` in place of `role/`, white space.
    Form,
    /// The partition.
    Partition,
    /// The account that the role belongs to.
    Account,
    /// The role's name, apart from the subscriber's account id.
    Name,
    /// The subscriber's account id at the end of the name.
    Subscriber,
    /// A session of the role in place of the role.
    Session,
    /// A wildcard, which principals do not take within an ARN.
    Wildcard,
    /// All of it: somebody else.
    Everything,
}

impl RolePart {
    /// A word for it that does not change.
    pub fn code(self) -> &'static str {
        match self {
            RolePart::Form => "form",
            RolePart::Partition => "partition",
            RolePart::Account => "account",
            RolePart::Name => "name",
            RolePart::Subscriber => "subscriber",
            RolePart::Session => "session",
            RolePart::Wildcard => "wildcard",
            RolePart::Everything => "everything",
        }
    }
}

/// What is wrong. Fields are texts as they stand in the policy, and as they should.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields say what their names say")]
pub enum FindingKind {
    /// Not JSON, with the place.
    InvalidJson(InvalidJson),
    /// JSON, but not of a policy's outline.
    NotAPolicy { found: String, expected: String },
    /// An element that policies do not have.
    UnknownElement { found: String, meant: Option<&'static str> },
    /// An element that a statement must have.
    MissingElement { element: &'static str },
    /// A value of a form that the element does not take.
    WrongForm { element: String, found: &'static str },
    /// The same name twice in an object.
    DuplicateKey { key: String },
    /// The same Sid twice.
    DuplicateSid { sid: String },
    /// A Sid with characters that IAM does not take.
    BadSid { sid: String },
    /// Neither Allow nor Deny.
    BadEffect { found: String },
    /// A version that AWS does not know.
    WrongVersion { found: String },
    /// More bytes than AWS takes.
    TooLarge { bytes: usize, limit: usize },
    /// No statement gives the role the right to do this.
    MissingStatement { sid: &'static str, actions: Vec<&'static str> },
    /// The statement lacks an action.
    MissingAction { action: &'static str },
    /// An action that does not exist.
    MisspeltAction { found: String, meant: &'static str },
    /// A principal that is nearly, or should be, the copy role.
    WrongPrincipal { part: RolePart, found: String, expected: String },
    /// Everybody.
    PublicPrincipal,
    /// The vendor's whole account in place of the role.
    BroadPrincipal { found: String },
    /// The id of a role or user that was deleted.
    DeadPrincipal { found: String, expected: String },
    /// An ARN of S3 that is not well-formed.
    MalformedArn { found: String, meant: String },
    /// Another bucket than that of the policy.
    OtherBucket { found: String, expected: String },
    /// The resource does not fit the action.
    WrongResource { action: &'static str, found: String, expected: String },
    /// The resource covers a part of the objects.
    NarrowResource { found: String, expected: String },
    /// Copies without the owner's control are allowed, too.
    MissingCondition { key: &'static str, value: &'static str },
    /// A condition on the ACL that copies do not meet.
    WrongCondition { operator: String, key: String, found: String, expected: String },
    /// A condition that the request never meets.
    NeverMet { action: &'static str, operator: String, key: String, found: String },
    /// A condition of which nobody knows here.
    MayFail { action: &'static str, operator: String, key: String, found: String },
    /// A Deny that forbids what is needed.
    DenyWins { actions: String },
    /// A Deny that forbids it in cases.
    DenyMayWin { actions: String, because: String },
    /// In an identity's policy: a role that is nearly, or should be, the copy role.
    WrongRole { part: RolePart, found: String, expected: String },
    /// In an identity's policy: more roles than the copy role.
    BroadRole { found: String, expected: String },
}

impl FindingKind {
    /// A word for the kind that does not change.
    pub fn code(&self) -> &'static str {
        use FindingKind::*;
        match self {
            InvalidJson(_) => "invalid-json",
            NotAPolicy { .. } => "not-a-policy",
            UnknownElement { .. } => "unknown-element",
            MissingElement { .. } => "missing-element",
            WrongForm { .. } => "wrong-form",
            DuplicateKey { .. } => "duplicate-key",
            DuplicateSid { .. } => "duplicate-sid",
            BadSid { .. } => "bad-sid",
            BadEffect { .. } => "bad-effect",
            WrongVersion { .. } => "wrong-version",
            TooLarge { .. } => "too-large",
            MissingStatement { .. } => "missing-statement",
            MissingAction { .. } => "missing-action",
            MisspeltAction { .. } => "misspelt-action",
            WrongPrincipal { .. } => "wrong-principal",
            PublicPrincipal => "public-principal",
            BroadPrincipal { .. } => "broad-principal",
            DeadPrincipal { .. } => "dead-principal",
            MalformedArn { .. } => "malformed-arn",
            OtherBucket { .. } => "other-bucket",
            WrongResource { .. } => "wrong-resource",
            NarrowResource { .. } => "narrow-resource",
            MissingCondition { .. } => "missing-condition",
            WrongCondition { .. } => "wrong-condition",
            NeverMet { .. } => "condition-never-met",
            MayFail { .. } => "condition-may-fail",
            DenyWins { .. } => "deny-wins",
            DenyMayWin { .. } => "deny-may-win",
            WrongRole { .. } => "wrong-role",
            BroadRole { .. } => "broad-role",
        }
    }

    /// All codes, for those who translate them.
    pub const CODES: [&str; 30] = [
        "invalid-json",
        "not-a-policy",
        "unknown-element",
        "missing-element",
        "wrong-form",
        "duplicate-key",
        "duplicate-sid",
        "bad-sid",
        "bad-effect",
        "wrong-version",
        "too-large",
        "missing-statement",
        "missing-action",
        "misspelt-action",
        "wrong-principal",
        "public-principal",
        "broad-principal",
        "dead-principal",
        "malformed-arn",
        "other-bucket",
        "wrong-resource",
        "narrow-resource",
        "missing-condition",
        "wrong-condition",
        "condition-never-met",
        "condition-may-fail",
        "deny-wins",
        "deny-may-win",
        "wrong-role",
        "broad-role",
    ];

    /// The parts of the kind by name, the same names for the same kind.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        use FindingKind::*;
        let s = str::to_owned;
        match self {
            InvalidJson(e) => vec![
                ("line", e.line().to_string()),
                ("column", e.column().to_string()),
                ("mistake", s(e.mistake().code())),
                ("text", e.mistake().to_string()),
            ],
            NotAPolicy { found, expected } => vec![("found", found.clone()), ("expected", expected.clone())],
            UnknownElement { found, meant } => {
                vec![("found", found.clone()), ("meant", meant.map(s).unwrap_or_default())]
            }
            MissingElement { element } => vec![("element", s(element))],
            WrongForm { element, found } => vec![("element", element.clone()), ("found", s(found))],
            DuplicateKey { key } => vec![("key", key.clone())],
            DuplicateSid { sid } | BadSid { sid } => vec![("sid", sid.clone())],
            BadEffect { found } | WrongVersion { found } | BroadPrincipal { found } => vec![("found", found.clone())],
            TooLarge { bytes, limit } => vec![("bytes", bytes.to_string()), ("limit", limit.to_string())],
            MissingStatement { sid, actions } => vec![("sid", s(sid)), ("actions", actions.join(", "))],
            MissingAction { action } => vec![("action", s(action))],
            MisspeltAction { found, meant } => vec![("found", found.clone()), ("meant", s(meant))],
            WrongPrincipal { part, found, expected } | WrongRole { part, found, expected } => {
                vec![("part", s(part.code())), ("found", found.clone()), ("expected", expected.clone())]
            }
            PublicPrincipal => Vec::new(),
            DeadPrincipal { found, expected }
            | OtherBucket { found, expected }
            | NarrowResource { found, expected }
            | BroadRole { found, expected } => vec![("found", found.clone()), ("expected", expected.clone())],
            MalformedArn { found, meant } => vec![("found", found.clone()), ("meant", meant.clone())],
            WrongResource { action, found, expected } => {
                vec![("action", s(action)), ("found", found.clone()), ("expected", expected.clone())]
            }
            MissingCondition { key, value } => vec![("key", s(key)), ("value", s(value))],
            WrongCondition { operator, key, found, expected } => vec![
                ("operator", operator.clone()),
                ("key", key.clone()),
                ("found", found.clone()),
                ("expected", expected.clone()),
            ],
            NeverMet { action, operator, key, found } | MayFail { action, operator, key, found } => vec![
                ("action", s(action)),
                ("operator", operator.clone()),
                ("key", key.clone()),
                ("found", found.clone()),
            ],
            DenyWins { actions } => vec![("actions", actions.clone())],
            DenyMayWin { actions, because } => vec![("actions", actions.clone()), ("because", because.clone())],
        }
    }
}
