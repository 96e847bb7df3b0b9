//! What set-up tells of each step.

use std::collections::BTreeMap;

use flex_policy::aws::{Failure, FailureKind};
use serde::Serialize;

use crate::{
    error::chain,
    exit::Exit,
    language::{Language, Message, msg},
    present::{Colour, Ui},
};

/// One thing that set-up sees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Bucket,
    PublicAccess,
    Acls,
    Encryption,
    Lifecycle,
    Notice,
    BucketPolicy,
    Identity,
    #[cfg_attr(not(feature = "iam"), expect(dead_code, reason = "made through IAM alone"))]
    InstanceProfile,
    #[cfg_attr(not(feature = "iam"), expect(dead_code, reason = "made through IAM alone"))]
    AssumeRolePolicy,
    AccessKey,
}

impl Step {
    fn id(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::PublicAccess => "public-access",
            Self::Acls => "acls",
            Self::Encryption => "encryption",
            Self::Lifecycle => "lifecycle",
            Self::Notice => "notice",
            Self::BucketPolicy => "bucket-policy",
            Self::Identity => "identity",
            Self::InstanceProfile => "instance-profile",
            Self::AssumeRolePolicy => "assume-role-policy",
            Self::AccessKey => "access-key",
        }
    }

    /// The manual's number.
    fn manual(self) -> &'static str {
        match self {
            Self::Bucket | Self::PublicAccess | Self::Acls | Self::Encryption | Self::Lifecycle => "1-1",
            Self::Notice => "1-2",
            Self::BucketPolicy => "1-3",
            Self::Identity | Self::InstanceProfile | Self::AssumeRolePolicy | Self::AccessKey => "1-4",
        }
    }

    fn title(self) -> Message {
        match self {
            Self::Bucket => msg!("setup-step-bucket"),
            Self::PublicAccess => msg!("setup-step-public-access"),
            Self::Acls => msg!("setup-step-acls"),
            Self::Encryption => msg!("setup-step-encryption"),
            Self::Lifecycle => msg!("setup-step-lifecycle"),
            Self::Notice => msg!("setup-step-notice"),
            Self::BucketPolicy => msg!("setup-step-bucket-policy"),
            Self::Identity => msg!("setup-step-identity"),
            Self::InstanceProfile => msg!("setup-step-instance-profile"),
            Self::AssumeRolePolicy => msg!("setup-step-assume-role-policy"),
            Self::AccessKey => msg!("setup-step-access-key"),
        }
    }
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// Nothing had to be changed.
    Right,
    Done,
    /// `--dry-run`.
    #[serde(rename = "would-be-done")]
    WouldDo,
    /// Nobody agreed to it.
    NotDone,
    /// The vendor has to do something first.
    Waiting,
    /// It is somebody else's decision: what is there was left.
    Left,
    /// Not asked for, or what it needs is not there.
    Skipped,
    /// The identity lacks a right.
    Refused,
    Failed,
}

impl Outcome {
    fn word(self) -> Message {
        match self {
            Self::Right => msg!("setup-right"),
            Self::Done => msg!("setup-done"),
            Self::WouldDo => msg!("setup-would-do"),
            Self::NotDone => msg!("setup-not-done"),
            Self::Waiting => msg!("setup-waiting"),
            Self::Left => msg!("setup-left"),
            Self::Skipped => msg!("setup-skipped"),
            Self::Refused => msg!("setup-refused"),
            Self::Failed => msg!("setup-failed"),
        }
    }

    fn colour(self) -> Option<Colour> {
        match self {
            Self::Done => Some(Colour::Green),
            Self::Right | Self::Skipped => None,
            Self::WouldDo | Self::NotDone | Self::Waiting | Self::Left => Some(Colour::Yellow),
            Self::Refused | Self::Failed => Some(Colour::Red),
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Right | Self::Done | Self::WouldDo | Self::Skipped => Exit::Done,
            Self::NotDone | Self::Waiting | Self::Left => Exit::Incomplete,
            Self::Refused => Exit::Refused,
            Self::Failed => Exit::Failed,
        }
    }
}

/// A step's result.
#[derive(Clone, Debug)]
pub(super) struct Line {
    step: Step,
    outcome: Outcome,
    exit: Exit,
    what: Message,
    difference: String,
    missing_action: Option<String>,
    error: Vec<String>,
    mend: Vec<Message>,
    /// What is good to know now that it is done.
    hint: Option<Message>,
}

impl Line {
    pub(super) fn new(step: Step, outcome: Outcome, what: Message) -> Self {
        Self {
            step,
            outcome,
            exit: outcome.exit(),
            what,
            difference: String::new(),
            missing_action: None,
            error: Vec::new(),
            mend: Vec::new(),
            hint: None,
        }
    }

    /// A request failed. `what` says what was being done.
    pub(super) fn of_failure(step: Step, what: Message, failure: &Failure) -> Self {
        let mut line = Self::new(step, Outcome::Failed, what);
        line.error = chain(failure);
        match failure.kind() {
            FailureKind::Denied => {
                line.outcome = Outcome::Refused;
                let action = failure.denied_action().unwrap_or_else(|| failure.operation().action()).to_owned();
                // A service control policy, a boundary, or one that asks for MFA: one more grant does not help.
                line.mend.push(match failure.message().is_some_and(|said| said.contains("explicit deny")) {
                    true => msg!("setup-mend-explicit-deny", action = &action),
                    false => msg!("setup-missing-action", action = &action),
                });
                line.missing_action = Some(action);
            }
            // STS has just known this identity. It is how IAM refuses sessions without MFA.
            // <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html>
            FailureKind::Credentials if failure.code() == Some("InvalidClientTokenId") => {
                line.mend.push(msg!("setup-mend-session"));
            }
            FailureKind::Credentials => line.mend.push(msg!("setup-mend-credentials")),
            FailureKind::Expired => line.mend.push(msg!("setup-mend-expired")),
            FailureKind::ClockSkew => line.mend.push(msg!("set-clock")),
            FailureKind::NoAnswer => line.mend.push(msg!("setup-mend-network")),
            FailureKind::Transient => line.mend.push(msg!("setup-mend-again")),
            _ => {}
        }
        if matches!(
            failure.kind(),
            FailureKind::Denied
                | FailureKind::Credentials
                | FailureKind::Expired
                | FailureKind::ClockSkew
                | FailureKind::NoAnswer
        ) {
            line.exit = Exit::Refused;
        }
        line
    }

    /// Something that a person must see to first, and that is no fault of a service's.
    pub(super) fn blocked(step: Step, what: Message) -> Self {
        Self { exit: Exit::Refused, ..Self::new(step, Outcome::Failed, what) }
    }

    pub(super) fn mend(mut self, advice: Message) -> Self {
        self.mend.push(advice);
        self
    }

    #[cfg_attr(not(feature = "iam"), expect(dead_code, reason = "for what only IAM does"))]
    pub(super) fn hint(mut self, hint: Message) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(super) fn difference(mut self, difference: impl Into<String>) -> Self {
        self.difference = difference.into();
        self
    }

    pub(super) fn error(mut self, error: Vec<String>) -> Self {
        self.error = error;
        self
    }

    pub(super) fn step(&self) -> Step {
        self.step
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome
    }

    pub(super) fn what(&self) -> &Message {
        &self.what
    }

    /// The service's own words.
    pub(super) fn why(&self) -> String {
        self.error.join("; ")
    }

    /// As it is shown, without what only the result's reader needs.
    fn head(&self, ui: &Ui, painted: bool) -> String {
        let word = self.outcome.word().text(ui.language);
        let word = match self.outcome.colour().filter(|_| painted) {
            Some(colour) => ui.paint(colour, word),
            None => word,
        };
        let title = self.step.title().text(ui.language);
        format!("{} {title}: {word}: {}", self.step.manual(), self.what.text(ui.language))
    }

    /// What is shown before the question.
    pub(super) fn preview(&self, ui: &Ui) {
        ui.say(self.head(ui, false));
        for line in self.difference.lines() {
            ui.say(format_args!("    {line}"));
        }
    }
}

/// What is still to be decided or done about a step.
#[derive(Clone, Debug)]
pub(super) enum Plan<C> {
    /// Nothing to do, or nothing that can be done.
    Settled(Line),
    /// A change, and how it is told.
    Change(Line, C),
}

impl<C> Plan<C> {
    /// A change that nobody has agreed to yet.
    pub(super) fn change(step: Step, what: Message, change: C) -> Self {
        Self::Change(Line::new(step, Outcome::NotDone, what), change)
    }

    pub(super) fn right(step: Step, what: Message) -> Self {
        Self::Settled(Line::new(step, Outcome::Right, what))
    }

    pub(super) fn is_change(&self) -> bool {
        matches!(self, Self::Change(..))
    }

    pub(super) fn line(&self) -> &Line {
        match self {
            Self::Settled(line) | Self::Change(line, _) => line,
        }
    }

    /// The plan's line when nothing is done.
    pub(super) fn undone(&self, outcome: Outcome) -> Line {
        match self {
            Self::Settled(line) => line.clone(),
            Self::Change(line, _) => line.clone().with(outcome),
        }
    }
}

impl Line {
    /// The same with another outcome.
    pub(super) fn with(self, outcome: Outcome) -> Self {
        Self { outcome, exit: outcome.exit(), ..self }
    }
}

#[derive(Serialize)]
struct StepEvent<'a> {
    id: &'a str,
    state: Outcome,
    /// The manual's.
    step: &'a str,
    what: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    difference: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_action: Option<&'a str>,
    because: &'a Vec<String>,
    mend: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What came of all steps so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    outcomes: BTreeMap<Outcome, u64>,
    exit: Option<Exit>,
    /// Why the exit code is not 0: the steps, as the reader sees them and in English.
    reasons: Vec<(Message, Message)>,
}

impl Tally {
    /// Shows a result and counts it.
    pub(super) fn tell(&mut self, ui: &mut Ui, line: &Line) {
        *self.outcomes.entry(line.outcome).or_default() += 1;
        if line.exit != Exit::Done {
            self.exit = Some(self.exit.map_or(line.exit, |exit| exit.or(line.exit)));
            self.reasons.push((line.step.title(), line.outcome.word()));
        }
        if ui.json {
            let event = StepEvent {
                id: line.step.id(),
                state: line.outcome,
                step: line.step.manual(),
                what: line.what.text(Language::English),
                difference: line.difference.lines().collect(),
                missing_action: line.missing_action.as_deref(),
                because: &line.error,
                mend: line.mend.iter().map(|mend| mend.text(Language::English)).collect(),
                hint: line.hint.as_ref().map(|hint| hint.text(Language::English)),
            };
            ui.event("step", event);
            ui.flush();
            return;
        }
        if ui.quiet && line.exit == Exit::Done && line.outcome != Outcome::WouldDo {
            return;
        }
        ui.line(line.head(ui, true));
        let language = ui.language;
        for text in line.difference.lines() {
            ui.line(format_args!("    {text}"));
        }
        for cause in &line.error {
            let cause = format!("    {}", msg!("setup-because", cause = cause).text(language));
            ui.line(ui.safe(&cause).into_owned());
        }
        let label = msg!("to-mend").text(language);
        for mend in &line.mend {
            ui.line(format_args!("    {label} {}", mend.text(language)));
        }
        if let Some(hint) = &line.hint {
            ui.line(format_args!("    {}", hint.text(language)));
        }
        ui.flush();
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit.unwrap_or(Exit::Done)
    }

    pub(super) fn number(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    pub(super) fn reasons(&self, language: Language) -> Vec<String> {
        self.reasons.iter().map(|(title, word)| format!("{}: {}", title.text(language), word.text(language))).collect()
    }

    pub(super) fn outcomes(&self) -> &BTreeMap<Outcome, u64> {
        &self.outcomes
    }
}
