//! Commands to paste, with what the user typed in them.

use flex_policy::DEFAULT_USER;

use super::link::Mend;
use crate::{
    args::Global,
    config::{Origin, Settings},
    language::msg,
};

/// What the user's commands have in common.
pub(super) struct Remedy<'a> {
    flags: &'a Global,
    settings: &'a Settings,
}

impl<'a> Remedy<'a> {
    pub(super) fn new(flags: &'a Global, settings: &'a Settings) -> Self {
        Self { flags, settings }
    }

    /// Where a setting came from, if it was given.
    pub(super) fn origin(&self, name: &str) -> Option<&'a Origin> {
        let found = self.settings.found.iter().find(|found| found.key.name == name)?;
        found.given.as_ref().map(|(_, origin)| origin)
    }

    /// Whether the store is one that is not AWS's.
    pub(super) fn is_compat(&self) -> bool {
        self.origin("compat").is_some()
    }

    /// Whether an identity of the owner was named.
    pub(super) fn has_owner(&self) -> bool {
        self.settings.owner_profile.is_some()
    }

    /// Whether copies ask for a KMS key.
    pub(super) fn asks_for_kms(&self) -> bool {
        matches!(self.settings.encryption(), Some(flex_copy::Encryption::Kms(_)))
    }

    /// Takes a setting back: this command without the flag, the variable unset, the file's line removed.
    pub(super) fn take_back(&self, name: &'static str) -> Option<Mend> {
        Some(match self.origin(name)? {
            Origin::Flag(_) => {
                Mend::run(msg!("doctor-mend-without-flag", name = name), self.again().without(name).text())
            }
            Origin::Environment(name) => Mend::run(msg!("doctor-mend-unset", name = name), unset(&[name])),
            Origin::File { path, line, .. } => {
                let text = msg!("doctor-mend-file-line", name = name, line = line, file = path.display());
                if cfg!(unix) {
                    Mend::run(text, format!("sed -i.bak {line}d {}", quote(&path.display().to_string())))
                } else {
                    Mend::say(text)
                }
            }
        })
    }

    /// Gives a setting another value: the variable set anew, else this command with the flag, which wins over a file.
    pub(super) fn change(&self, name: &'static str, value: &str) -> String {
        match self.origin(name) {
            Some(Origin::Environment(variable)) => export(variable, value),
            _ => self.again().with(name, value).text(),
        }
    }

    /// The flags that say who, where and whence, as they were typed. An empty value is a switch.
    fn typed(&self) -> Vec<(&'static str, String)> {
        let flags = self.flags;
        let values = [
            ("account", &flags.account),
            ("profile", &flags.profile),
            ("owner-profile", &flags.owner_profile),
            ("role-arn", &flags.role_arn),
            ("session-name", &flags.session_name),
            ("bucket", &flags.bucket),
            ("dest-prefix", &flags.dest_prefix),
            ("source-bucket", &flags.source_bucket),
            ("source-account", &flags.source_account),
            ("region", &flags.region),
            ("endpoint-url", &flags.endpoint_url),
            ("sts-endpoint-url", &flags.sts_endpoint_url),
            ("sse", &flags.sse),
        ];
        let mut typed: Vec<_> = values.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        if let Some(path) = &flags.config {
            typed.push(("config", path.display().to_string()));
        }
        if flags.no_expected_owner {
            typed.push(("no-expected-owner", String::new()));
        }
        if flags.compat {
            typed.push(("compat", String::new()));
        }
        typed
    }

    /// `flex WORDS` with the user's own flags.
    pub(super) fn flex(&self, words: &[&str]) -> Line {
        let mut line = Line(vec![vec!["flex".to_owned()]]);
        line.0.extend(words.iter().map(|word| vec![(*word).to_owned()]));
        for (name, value) in self.typed() {
            line = line.with(name, &value);
        }
        line
    }

    /// The same for the bucket, as its owner, without a question: both are named wherever they came from.
    pub(super) fn owner(&self, words: &[&str]) -> Line {
        let mut line = self.flex(words);
        if let Some(bucket) = &self.settings.bucket {
            line = line.with("bucket", bucket.value.as_str());
        }
        if let Some(profile) = &self.settings.owner_profile {
            line = line.with("owner-profile", profile);
        }
        line.with("yes", "")
    }

    /// This very command again, for a setting to be changed or left out.
    pub(super) fn again(&self) -> Line {
        self.flex(&["doctor"])
    }

    /// Uses another profile: by the flag where one was typed, else by the variable.
    pub(super) fn use_profile(&self, name: &str) -> String {
        match self.origin("profile") {
            Some(Origin::Flag(_)) => self.again().with("profile", name).text(),
            _ => export("AWS_PROFILE", name),
        }
    }

    /// A new access key for the manual's user, as a profile that is then used; none without an owner identity.
    pub(super) fn new_key(&self, taken: &[String]) -> Option<String> {
        self.settings.owner_profile.as_ref()?;
        let profile = (1..)
            .map(|n| if n == 1 { DEFAULT_USER.to_owned() } else { format!("{DEFAULT_USER}-{n}") })
            .find(|name| !taken.contains(name))?;
        let make = self.owner(&["setup"]).without("profile").with("access-key", "").with("key-profile", &profile);
        let make = make.text();
        Some(if matches!(self.origin("profile"), Some(Origin::Flag(_))) {
            format!("{make} && {}", self.again().with("profile", &profile).text())
        } else {
            let keys = unset(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]);
            format!("{make} && {keys} && {}", export("AWS_PROFILE", &profile))
        })
    }
}

/// A command line: words, and flags with their values.
#[derive(Clone, Debug)]
pub(super) struct Line(Vec<Vec<String>>);

impl Line {
    /// A flag, in place of the same one before it. An empty value makes it a switch.
    pub(super) fn with(self, flag: &str, value: &str) -> Self {
        let mut line = self.without(flag);
        let mut words = vec![format!("--{flag}")];
        if !value.is_empty() {
            words.push(value.to_owned());
        }
        line.0.push(words);
        line
    }

    pub(super) fn without(mut self, flag: &str) -> Self {
        let name = format!("--{flag}");
        self.0.retain(|words| words[0] != name);
        self
    }

    pub(super) fn text(&self) -> String {
        self.0.iter().flatten().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
    }
}

/// Takes variables out of the shell.
pub(super) fn unset(names: &[&str]) -> String {
    if cfg!(windows) {
        let names: Vec<_> = names.iter().map(|name| format!("Env:{name}")).collect();
        format!("Remove-Item {}", names.join(","))
    } else {
        format!("unset {}", names.join(" "))
    }
}

/// Sets a variable in the shell.
pub(super) fn export(name: &str, value: &str) -> String {
    if cfg!(windows) { format!("$Env:{name} = {}", quote(value)) } else { format!("export {name}={}", quote(value)) }
}

/// A word for a POSIX shell. PowerShell takes single quotes, too.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let inner = if cfg!(windows) { word.replace('\'', "''") } else { word.replace('\'', r"'\''") };
    format!("'{inner}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_there_once_and_words_are_quoted() {
        let line = Line(vec![vec!["flex".into()], vec!["doctor".into()]]);
        let line = line.with("bucket", "a").with("yes", "").with("profile", "my user").with("bucket", "b");
        assert_eq!(line.text(), "flex doctor --yes --profile 'my user' --bucket b");
        assert_eq!(line.without("profile").text(), "flex doctor --yes --bucket b");
    }

    #[cfg(unix)]
    #[test]
    fn what_a_shell_would_read_is_quoted() {
        for (word, want) in [("a-b_c.d/e:f=@", "a-b_c.d/e:f=@"), ("", "''"), ("a b", "'a b'"), ("$x;'y", r"'$x;'\''y'")]
        {
            assert_eq!(quote(word), want);
        }
    }
}
