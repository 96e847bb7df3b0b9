//! The settings, one table: names, variables, defaults. Reading a `flex.toml`, `flex init` and `flex config show` are
//! all made from it, so that none knows a setting that another does not.

use flex_creds::DEFAULT_SESSION_NAME;

use super::{REGION, SOURCE_BUCKET};
use crate::args::Global;

/// What kind of value a setting takes in a file. Flags and variables hold text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Switch,
    List,
}

impl Kind {
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Switch => "true or false",
            Self::List => "a list of texts, [\"…\", \"…\"]",
        }
    }
}

/// A setting's value, not yet looked at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    /// As it was written.
    Number(String),
    Switch(bool),
    List(Vec<String>),
}

impl Value {
    /// As a `flex.toml` would have it.
    pub(crate) fn toml(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            // What Rust reads is not always what TOML does: .5, 007.
            Self::Number(number) => match (number.parse::<u64>(), number.parse::<f64>()) {
                (Ok(whole), _) => whole.to_string(),
                (_, Ok(fraction)) => fraction.to_string(),
                _ => number.clone(),
            },
            Self::Switch(on) => on.to_string(),
            Self::List(items) => {
                format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted += &format!("\\u{:04X}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// What holds when a setting is not given.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unset {
    /// This value.
    Is(&'static str),
    /// No value of its own.
    Means(&'static str),
}

/// A setting.
pub(crate) struct Key {
    /// Its name in a file, and its flag's.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The message that says what it is for.
    pub(crate) meaning: &'static str,
    /// The variables that hold it, the first one set wins.
    pub(crate) variables: &'static [&'static str],
    pub(crate) unset: Unset,
    /// A value, as a file would have it.
    pub(crate) example: &'static str,
    pub(crate) flag: fn(&Global) -> Option<Value>,
}

impl Key {
    /// The example as one word of a command line.
    pub(crate) fn word(&self) -> String {
        let bare = self.example.trim_matches(['[', ']']).trim_matches('"');
        if bare.contains('*') { format!("'{bare}'") } else { bare.to_owned() }
    }
}

/// Settings that belong together, under a message that names them.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) keys: &'static [Key],
}

/// A value as JSON has it: numbers and switches as such, where they are.
pub(crate) fn json_value(kind: Kind, text: &str) -> serde_json::Value {
    let number = match kind {
        Kind::Integer => text.parse::<u64>().ok().map(Into::into),
        Kind::Number => text.parse::<f64>().ok().map(Into::into),
        Kind::Switch => text.parse::<bool>().ok().map(Into::into),
        Kind::Text | Kind::List => None,
    };
    number.unwrap_or_else(|| text.into())
}

/// The setting of this name.
pub(crate) fn named(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// Every setting, in the order in which they are shown.
pub(crate) fn all() -> impl Iterator<Item = &'static Key> {
    GROUPS.iter().flat_map(|group| group.keys)
}

/// The setting whose name is most like this, if any is like it.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    let asked = name.to_lowercase().replace('_', "-");
    let part_of = |name: &str| asked.len() > 2 && (name.contains(&asked) || asked.contains(name));
    all()
        // A slip of two letters, then a part of a name, then what is not too far.
        .map(|key| match distance(&asked, key.name) {
            near @ 0..=2 => (near, key.name),
            _ if part_of(key.name) => (3, key.name),
            far => (4 + far, key.name),
        })
        .min()
        .filter(|(rank, name)| *rank <= 4 + name.len() / 3)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out or changed to make one from the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let change = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

macro_rules! text {
    ($field:ident) => {
        |flags| flags.$field.clone().map(Value::Text)
    };
}
macro_rules! number {
    ($field:ident) => {
        |flags| flags.$field.clone().map(Value::Number)
    };
}
macro_rules! switch {
    ($field:ident) => {
        // A switch has no negative form.
        |flags| flags.$field.then_some(Value::Switch(true))
    };
}
macro_rules! list {
    ($field:ident) => {
        |flags| (!flags.$field.is_empty()).then(|| Value::List(flags.$field.clone()))
    };
}

pub(crate) static GROUPS: [Group; 4] = [
    Group { title: "settings-who", keys: &WHO },
    Group { title: "settings-where", keys: &WHERE },
    Group { title: "settings-how", keys: &HOW },
    Group { title: "settings-output", keys: &OUTPUT },
];

static WHO: [Key; 6] = [
    Key {
        name: "account",
        kind: Kind::Text,
        meaning: "setting-account",
        variables: &["FLEX_ACCOUNT"],
        unset: Unset::Means("the identity's own account"),
        example: r#""123456789012""#,
        flag: text!(account),
    },
    Key {
        name: "profile",
        kind: Kind::Text,
        meaning: "setting-profile",
        variables: &["AWS_PROFILE"],
        unset: Unset::Means("the AWS SDK's chain of identities"),
        example: r#""flex-copy""#,
        flag: text!(profile),
    },
    Key {
        name: "owner-profile",
        kind: Kind::Text,
        meaning: "setting-owner-profile",
        variables: &["FLEX_OWNER_PROFILE"],
        unset: Unset::Means("the same identity as for copying"),
        example: r#""admin""#,
        flag: text!(owner_profile),
    },
    Key {
        name: "role-arn",
        kind: Kind::Text,
        meaning: "setting-role-arn",
        variables: &["FLEX_ROLE_ARN"],
        unset: Unset::Means("the manual's, built from the account"),
        example: r#""arn:aws:iam::461810399597:role/JeuServiceRoleForS3Copy_123456789012""#,
        flag: text!(role_arn),
    },
    Key {
        name: "session-name",
        kind: Kind::Text,
        meaning: "setting-session-name",
        variables: &["FLEX_SESSION_NAME"],
        unset: Unset::Is(DEFAULT_SESSION_NAME),
        example: r#""flex-nightly""#,
        flag: text!(session_name),
    },
    Key {
        name: "narrow-role",
        kind: Kind::Switch,
        meaning: "setting-narrow-role",
        variables: &[],
        unset: Unset::Is("false"),
        example: "true",
        flag: switch!(narrow_role),
    },
];

static WHERE: [Key; 7] = [
    Key {
        name: "bucket",
        kind: Kind::Text,
        meaning: "setting-bucket",
        variables: &["FLEX_BUCKET"],
        unset: Unset::Means("no destination"),
        example: r#""my-bucket""#,
        flag: text!(bucket),
    },
    Key {
        name: "dest-prefix",
        kind: Kind::Text,
        meaning: "setting-dest-prefix",
        variables: &["FLEX_DEST_PREFIX"],
        unset: Unset::Means("no prefix"),
        example: r#""flex/raw""#,
        flag: text!(dest_prefix),
    },
    Key {
        name: "source-bucket",
        kind: Kind::Text,
        meaning: "setting-source-bucket",
        variables: &["FLEX_SOURCE_BUCKET"],
        unset: Unset::Is(SOURCE_BUCKET),
        example: r#""dataservice-flex-bucket""#,
        flag: text!(source_bucket),
    },
    Key {
        name: "source-account",
        kind: Kind::Text,
        meaning: "setting-source-account",
        variables: &["FLEX_SOURCE_ACCOUNT"],
        unset: Unset::Is("461810399597"),
        example: r#""461810399597""#,
        flag: text!(source_account),
    },
    Key {
        name: "region",
        kind: Kind::Text,
        meaning: "setting-region",
        variables: &["FLEX_REGION"],
        unset: Unset::Is(REGION),
        example: r#""ap-northeast-1""#,
        flag: text!(region),
    },
    Key {
        name: "endpoint-url",
        kind: Kind::Text,
        meaning: "setting-endpoint-url",
        variables: &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"],
        unset: Unset::Means("the AWS profile's endpoint_url, or AWS's own"),
        example: r#""http://127.0.0.1:9000""#,
        flag: text!(endpoint_url),
    },
    Key {
        name: "sts-endpoint-url",
        kind: Kind::Text,
        meaning: "setting-sts-endpoint-url",
        variables: &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"],
        unset: Unset::Means("the AWS profile's endpoint_url, or AWS's own"),
        example: r#""http://127.0.0.1:9000""#,
        flag: text!(sts_endpoint_url),
    },
];

static HOW: [Key; 14] = [
    Key {
        name: "include",
        kind: Kind::List,
        meaning: "setting-include",
        variables: &[],
        unset: Unset::Means("all files"),
        example: r#"["*.pcap.gz"]"#,
        flag: list!(include),
    },
    Key {
        name: "exclude",
        kind: Kind::List,
        meaning: "setting-exclude",
        variables: &[],
        unset: Unset::Means("no files"),
        example: r#"["*.txt.gz"]"#,
        flag: list!(exclude),
    },
    Key {
        name: "proof",
        kind: Kind::Text,
        meaning: "setting-proof",
        variables: &[],
        unset: Unset::Is("etag"),
        example: r#""size""#,
        flag: text!(proof),
    },
    Key {
        name: "on-change",
        kind: Kind::Text,
        meaning: "setting-on-change",
        variables: &[],
        unset: Unset::Is("copy"),
        example: r#""keep""#,
        flag: text!(on_change),
    },
    Key {
        name: "journal",
        kind: Kind::Text,
        meaning: "setting-journal",
        variables: &["FLEX_JOURNAL"],
        unset: Unset::Means("a file for each bucket in the platform's folder for state"),
        example: r#""none""#,
        flag: text!(journal),
    },
    Key {
        name: "manifest",
        kind: Kind::Text,
        meaning: "setting-manifest",
        variables: &["FLEX_MANIFEST"],
        unset: Unset::Means("none is written"),
        example: r#""manifests/""#,
        flag: |flags| flags.manifest.first().cloned().map(Value::Text),
    },
    Key {
        name: "storage-class",
        kind: Kind::Text,
        meaning: "setting-storage-class",
        variables: &[],
        unset: Unset::Is("STANDARD"),
        example: r#""INTELLIGENT_TIERING""#,
        flag: text!(storage_class),
    },
    Key {
        name: "sse",
        kind: Kind::Text,
        meaning: "setting-sse",
        variables: &[],
        unset: Unset::Means("the bucket's own"),
        example: r#""AES256""#,
        flag: text!(sse),
    },
    Key {
        name: "max-in-flight",
        kind: Kind::Integer,
        meaning: "setting-max-in-flight",
        variables: &[],
        unset: Unset::Is("1024"),
        example: "128",
        flag: number!(max_in_flight),
    },
    Key {
        name: "max-rps",
        kind: Kind::Number,
        meaning: "setting-max-rps",
        variables: &[],
        unset: Unset::Means("no ceiling"),
        example: "100",
        flag: number!(max_rps),
    },
    Key {
        name: "answer-timeout",
        kind: Kind::Integer,
        meaning: "setting-answer-timeout",
        variables: &[],
        unset: Unset::Means("60; 10 for STS"),
        example: "30",
        flag: number!(answer_timeout),
    },
    Key {
        name: "no-expected-owner",
        kind: Kind::Switch,
        meaning: "setting-no-expected-owner",
        variables: &[],
        unset: Unset::Is("false"),
        example: "true",
        flag: switch!(no_expected_owner),
    },
    Key {
        name: "compat",
        kind: Kind::Switch,
        meaning: "setting-compat",
        variables: &[],
        unset: Unset::Is("false"),
        example: "true",
        flag: switch!(compat),
    },
    Key {
        name: "calendar",
        kind: Kind::Text,
        meaning: "setting-calendar",
        variables: &["FLEX_CALENDAR"],
        unset: Unset::Means("the built-in calendar"),
        example: r#""holidays.txt""#,
        flag: text!(calendar),
    },
];

static OUTPUT: [Key; 1] = [Key {
    name: "lang",
    kind: Kind::Text,
    meaning: "setting-lang",
    variables: &["FLEX_LANG"],
    unset: Unset::Means("the locale's"),
    example: r#""ja""#,
    flag: |flags| flags.lang.map(|language| Value::Text(language.code().to_owned())),
}];

#[cfg(test)]
mod tests {
    use flex_copy::DEFAULT_MAX_IN_FLIGHT;
    use flex_policy::AccountId;

    use super::*;

    #[test]
    fn the_shown_defaults_are_the_libraries_own() {
        let shown = |name: &str| match named(name).expect("a setting").unset {
            Unset::Is(value) => value.to_owned(),
            Unset::Means(words) => panic!("{name}: {words}"),
        };
        assert_eq!(shown("max-in-flight"), DEFAULT_MAX_IN_FLIGHT.to_string());
        assert_eq!(shown("source-account"), AccountId::VENDOR.to_string());
    }

    #[test]
    fn a_misspelt_name_leads_to_the_right_one() {
        for (asked, want) in [
            ("bukcet", Some("bucket")),
            ("dest_prefix", Some("dest-prefix")),
            ("Bucket", Some("bucket")),
            ("max-inflight", Some("max-in-flight")),
            ("endpoint", Some("endpoint-url")),
            ("aws-profile", Some("profile")),
            ("max-requests", None),
            ("profiles", Some("profile")),
            ("zzzzzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(asked), want, "{asked}");
        }
    }

    #[test]
    fn a_value_is_written_as_toml_reads_it() {
        for (number, want) in [("007", "7"), (".5", "0.5"), ("1e2", "100"), ("128", "128")] {
            assert_eq!(Value::Number(number.into()).toml(), want);
        }
        for text in ["a", "a\"b\\c", "tab\tnew\nline", "仕様書", "\u{7f}\u{85}"] {
            let line = format!("v = {}", Value::List(vec![text.into(), "x".into()]).toml());
            let table: std::collections::BTreeMap<String, Vec<String>> = toml::from_str(&line).expect(&line);
            assert_eq!(table["v"], [text, "x"], "{line}");
        }
    }
}
