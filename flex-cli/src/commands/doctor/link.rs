//! The chain as data: its links, what was found of each, and what mends it.

use crate::language::{Language, Message, msg};

/// A link of the chain, in the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Id {
    Version,
    Configuration,
    StsEndpoint,
    S3Endpoint,
    Clock,
    Identity,
    Account,
    Role,
    Token,
    Owner,
    Bucket,
    PublicAccess,
    Ownership,
    Encryption,
    Lifecycle,
    Policy,
    Source,
    Licence,
    Destination,
    WriteProbe,
    Uploads,
}

impl Id {
    pub(super) const ALL: [Self; 21] = [
        Self::Version,
        Self::Configuration,
        Self::StsEndpoint,
        Self::S3Endpoint,
        Self::Clock,
        Self::Identity,
        Self::Account,
        Self::Role,
        Self::Token,
        Self::Owner,
        Self::Bucket,
        Self::PublicAccess,
        Self::Ownership,
        Self::Encryption,
        Self::Lifecycle,
        Self::Policy,
        Self::Source,
        Self::Licence,
        Self::Destination,
        Self::WriteProbe,
        Self::Uploads,
    ];

    /// The name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Configuration => "configuration",
            Self::StsEndpoint => "sts-endpoint",
            Self::S3Endpoint => "s3-endpoint",
            Self::Clock => "clock",
            Self::Identity => "identity",
            Self::Account => "account",
            Self::Role => "role",
            Self::Token => "token",
            Self::Owner => "owner",
            Self::Bucket => "bucket",
            Self::PublicAccess => "public-access",
            Self::Ownership => "ownership",
            Self::Encryption => "encryption",
            Self::Lifecycle => "lifecycle",
            Self::Policy => "policy",
            Self::Source => "source",
            Self::Licence => "licence",
            Self::Destination => "destination",
            Self::WriteProbe => "write-probe",
            Self::Uploads => "uploads",
        }
    }

    /// The name for people.
    pub(super) fn title(self) -> Message {
        match self {
            Self::Version => msg!("doctor-title-version"),
            Self::Configuration => msg!("doctor-title-configuration"),
            Self::StsEndpoint => msg!("doctor-title-sts-endpoint"),
            Self::S3Endpoint => msg!("doctor-title-s3-endpoint"),
            Self::Clock => msg!("doctor-title-clock"),
            Self::Identity => msg!("doctor-title-identity"),
            Self::Account => msg!("doctor-title-account"),
            Self::Role => msg!("doctor-title-role"),
            Self::Token => msg!("doctor-title-token"),
            Self::Owner => msg!("doctor-title-owner"),
            Self::Bucket => msg!("doctor-title-bucket"),
            Self::PublicAccess => msg!("doctor-title-public-access"),
            Self::Ownership => msg!("doctor-title-ownership"),
            Self::Encryption => msg!("doctor-title-encryption"),
            Self::Lifecycle => msg!("doctor-title-lifecycle"),
            Self::Policy => msg!("doctor-title-policy"),
            Self::Source => msg!("doctor-title-source"),
            Self::Licence => msg!("doctor-title-licence"),
            Self::Destination => msg!("doctor-title-destination"),
            Self::WriteProbe => msg!("doctor-title-write-probe"),
            Self::Uploads => msg!("doctor-title-uploads"),
        }
    }

    /// The step of the vendor's manual that makes this link.
    fn step(self) -> Option<&'static str> {
        match self {
            Self::Version | Self::Configuration | Self::StsEndpoint | Self::S3Endpoint | Self::Clock | Self::Owner => {
                None
            }
            Self::Bucket | Self::PublicAccess | Self::Ownership | Self::Encryption | Self::Lifecycle => Some("1-1"),
            Self::Account | Self::Source | Self::Licence => Some("1-2"),
            Self::Policy | Self::Destination => Some("1-3"),
            Self::Identity => Some("1-4"),
            Self::Role | Self::Token => Some("1-5"),
            Self::WriteProbe | Self::Uploads => Some("1-6"),
        }
    }
}

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Warning,
    Broken,
    NotChecked,
}

impl State {
    /// The word in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Broken => "broken",
            Self::NotChecked => "not-checked",
        }
    }

    /// The word for people.
    pub(super) fn word(self) -> Message {
        match self {
            Self::Ok => msg!("doctor-state-ok"),
            Self::Warning => msg!("doctor-state-warning"),
            Self::Broken => msg!("doctor-state-broken"),
            Self::NotChecked => msg!("doctor-state-not-checked"),
        }
    }
}

/// A fact: a word as it stands, or one that has a translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Raw(String),
    Told(Message),
    /// One after the other.
    Joined(Vec<Value>),
}

impl Value {
    pub(super) fn text(&self, language: Language) -> String {
        match self {
            Self::Raw(text) => text.clone(),
            Self::Told(message) => message.text(language),
            Self::Joined(values) => values.iter().map(|value| value.text(language)).collect::<Vec<_>>().join(": "),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Raw(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Raw(text.to_owned())
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        Self::Told(message)
    }
}

/// What to do, in a sentence and, wherever that is possible, as a command to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mend {
    pub(super) text: Message,
    pub(super) command: Option<String>,
    /// In place of the one before it, not after it.
    pub(super) instead: bool,
}

impl Mend {
    pub(super) fn say(text: Message) -> Self {
        Self { text, command: None, instead: false }
    }

    pub(super) fn run(text: Message, command: impl Into<String>) -> Self {
        Self { text, command: Some(command.into()), instead: false }
    }

    /// Another way to the same end.
    pub(super) fn or(mut self) -> Self {
        self.instead = true;
        self
    }
}

/// One link, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) id: Id,
    pub(super) state: State,
    /// Which fault; stable, for programs.
    pub(super) code: Option<&'static str>,
    pub(super) step: Option<&'static str>,
    what: Option<Message>,
    /// The services' own words.
    pub(super) because: Vec<String>,
    pub(super) details: Vec<(&'static str, Value)>,
    pub(super) mends: Vec<Mend>,
    /// The links that stand in this one's way.
    pub(super) needs: Vec<Id>,
}

impl Link {
    fn new(id: Id, state: State, code: Option<&'static str>, what: Option<Message>) -> Self {
        Self {
            id,
            state,
            code,
            step: id.step(),
            what,
            because: Vec::new(),
            details: Vec::new(),
            mends: Vec::new(),
            needs: Vec::new(),
        }
    }

    pub(super) fn ok(id: Id, what: Message) -> Self {
        Self::new(id, State::Ok, None, Some(what))
    }

    pub(super) fn warning(id: Id, code: &'static str, what: Message) -> Self {
        Self::new(id, State::Warning, Some(code), Some(what))
    }

    pub(super) fn broken(id: Id, code: &'static str, what: Message) -> Self {
        Self::new(id, State::Broken, Some(code), Some(what))
    }

    pub(super) fn not_checked(id: Id, code: &'static str, what: Message) -> Self {
        Self::new(id, State::NotChecked, Some(code), Some(what))
    }

    /// Not checked, because other links are broken or not known.
    pub(super) fn waits(id: Id, needs: Vec<Id>) -> Self {
        Self { needs, ..Self::new(id, State::NotChecked, Some("needs"), None) }
    }

    /// Named by another step of the manual than the link's own.
    pub(super) fn step(mut self, step: &'static str) -> Self {
        self.step = Some(step);
        self
    }

    pub(super) fn because(mut self, lines: Vec<String>) -> Self {
        self.because.extend(lines);
        self
    }

    pub(super) fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    pub(super) fn detail_if(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.detail(name, value),
            None => self,
        }
    }

    pub(super) fn mend(mut self, mend: Mend) -> Self {
        self.mends.push(mend);
        self
    }

    pub(super) fn mends(mut self, mends: impl IntoIterator<Item = Mend>) -> Self {
        self.mends.extend(mends);
        self
    }

    /// What was found, in words.
    pub(super) fn what(&self, language: Language) -> String {
        match &self.what {
            Some(what) => what.text(language),
            None => {
                let titles: Vec<_> = self.needs.iter().map(|id| id.title().text(language)).collect();
                let between = if language == Language::Japanese { "、" } else { ", " };
                msg!("doctor-needs", links = titles.join(between)).text(language)
            }
        }
    }
}

/// The label of a fact, for people.
pub(super) fn label(name: &str) -> Option<Message> {
    Some(match name {
        "account" => msg!("doctor-label-account"),
        "action" => msg!("doctor-label-action"),
        "address" => msg!("doctor-label-address"),
        "bucket" => msg!("doctor-label-bucket"),
        "caller" => msg!("doctor-label-caller"),
        "endpoint" => msg!("doctor-label-endpoint"),
        "example" => msg!("doctor-label-example"),
        "expires" => msg!("doctor-label-expires"),
        "file" => msg!("doctor-label-file"),
        "findings" => msg!("doctor-label-finding"),
        "found" => msg!("doctor-label-found"),
        "from" => msg!("doctor-label-from"),
        "given" => msg!("doctor-label-given"),
        "key" => msg!("doctor-label-key"),
        "key-id" => msg!("doctor-label-key-id"),
        "kms-key" => msg!("doctor-label-kms-key"),
        "latest" => msg!("doctor-label-latest"),
        "lifetime" => msg!("doctor-label-lifetime"),
        "not-licensed" => msg!("doctor-label-not-licensed"),
        "note" => msg!("doctor-label-note"),
        "policies" => msg!("doctor-label-policies"),
        "proxy" => msg!("doctor-label-proxy"),
        "region" => msg!("doctor-label-region"),
        "role" => msg!("doctor-label-role"),
        "sample" => msg!("doctor-label-sample"),
        "skew" => msg!("doctor-label-skew"),
        _ => return None,
    })
}

/// What has been judged so far.
#[derive(Debug, Default)]
pub(super) struct Board {
    links: Vec<Link>,
}

impl Board {
    pub(super) fn put(&mut self, link: Link) {
        debug_assert!(self.get(link.id).is_none(), "{:?} is judged twice", link.id);
        self.links.push(link);
    }

    pub(super) fn get(&self, id: Id) -> Option<&Link> {
        self.links.iter().find(|link| link.id == id)
    }

    /// Takes the place of what was put before.
    pub(super) fn replace(&mut self, link: Link) {
        self.links.retain(|old| old.id != link.id);
        self.links.push(link);
    }

    /// The links, of those that one depends on, that stand in its way: the broken ones, and for one that was not checked
    /// those that stand in the way of that. A link not yet judged stands in nobody's way.
    pub(super) fn obstacles(&self, needs: &[Id]) -> Vec<Id> {
        let mut found: Vec<Id> = Vec::new();
        for id in needs {
            let Some(link) = self.get(*id) else { continue };
            match link.state {
                State::Ok | State::Warning => {}
                State::NotChecked if !link.needs.is_empty() => found.extend(&link.needs),
                State::Broken | State::NotChecked => found.push(*id),
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Ok to go on with a link; otherwise it is put as not checked.
    pub(super) fn clear(&mut self, id: Id, needs: &[Id]) -> bool {
        let obstacles = self.obstacles(needs);
        if obstacles.is_empty() {
            return true;
        }
        self.put(Link::waits(id, obstacles));
        false
    }

    pub(super) fn count(&self, state: State) -> usize {
        self.links.iter().filter(|link| link.state == state).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cause_is_named_and_not_what_follows_from_it() {
        let mut board = Board::default();
        board.put(Link::ok(Id::Clock, msg!("doctor-clock-ok")));
        board.put(Link::broken(Id::Identity, "none", msg!("doctor-identity-none")));
        assert!(!board.clear(Id::Account, &[Id::Clock, Id::Identity]));
        assert!(!board.clear(Id::Role, &[Id::Account, Id::Identity]));
        assert_eq!(board.get(Id::Role).map(|link| link.needs.clone()), Some(vec![Id::Identity]));
        assert!(board.clear(Id::Source, &[Id::Clock, Id::S3Endpoint]));
        assert_eq!((board.count(State::Broken), board.count(State::NotChecked)), (1, 2));
    }

    #[test]
    fn links_have_names_of_their_own() {
        let mut names: Vec<_> = Id::ALL.iter().map(|id| id.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Id::ALL.len());
        assert!(Id::ALL.is_sorted());
    }
}
