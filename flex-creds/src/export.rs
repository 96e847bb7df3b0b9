//! Handing the credentials to other programs: lines for a shell, and JSON for `credential_process`.

use aws_credential_types::Credentials;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// The three environment variables that hold temporary credentials.
pub const VARIABLES: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// The shell that is to read the lines of [`environment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shell {
    /// A POSIX shell: sh, bash, zsh, dash.
    Sh,
    /// fish.
    Fish,
    /// PowerShell, of Windows or any other system.
    PowerShell,
    /// The Windows command prompt.
    Cmd,
}

impl Shell {
    /// Every shell, in the order in which help texts show them.
    pub const ALL: [Shell; 4] = [Shell::Sh, Shell::Fish, Shell::PowerShell, Shell::Cmd];

    /// The name used on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Sh => "sh",
            Shell::Fish => "fish",
            Shell::PowerShell => "powershell",
            Shell::Cmd => "cmd",
        }
    }
}

impl std::fmt::Display for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Shell {
    type Err = UnknownShell;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.to_ascii_lowercase().as_str() {
            "sh" | "bash" | "zsh" | "dash" | "posix" => Ok(Shell::Sh),
            "fish" => Ok(Shell::Fish),
            "powershell" | "pwsh" => Ok(Shell::PowerShell),
            "cmd" => Ok(Shell::Cmd),
            _ => Err(UnknownShell(name.to_owned())),
        }
    }
}

/// The text names no [`Shell`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no shell is called {0:?}: write sh, fish, powershell or cmd")]
pub struct UnknownShell(String);

/// A value cannot be written for a shell so that it is read back unchanged. It does not hold the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{variable} holds {problem} and cannot be written for {shell}")]
pub struct ExportError {
    variable: &'static str,
    problem: &'static str,
    shell: Shell,
}

/// Lines that put the credentials into the environment when `shell` evaluates them.
///
/// Access keys and tokens are base64-like, but they are quoted as if anybody had chosen them: evaluating the lines
/// runs nothing and gives back each value as it was. When there is no session token, a line removes the
/// variable, because a leftover token beside new keys is refused by AWS.
///
/// # Errors
/// A value with a line break, a NUL or another control character is refused. For [`Shell::Cmd`], so is one
/// with `"`, `%` or `!`: the command prompt has no quoting that holds both typed and in a batch file.
pub fn environment(credentials: &Credentials, shell: Shell) -> Result<String, ExportError> {
    let values =
        [Some(credentials.access_key_id()), Some(credentials.secret_access_key()), credentials.session_token()];
    let mut lines = String::new();
    for (variable, value) in VARIABLES.into_iter().zip(values) {
        match value {
            Some(value) => lines.push_str(&set(variable, value, shell)?),
            None => lines.push_str(&unset(variable, shell)),
        }
        lines.push('\n');
    }
    Ok(lines)
}

/// Lines that remove the three variables from the environment when `shell` evaluates them.
pub fn unset_environment(shell: Shell) -> String {
    VARIABLES.into_iter().map(|variable| unset(variable, shell) + "\n").collect()
}

/// The answer of a `credential_process`: one JSON object, as AWS's tools and SDKs read it.
///
/// The expiration is given in whole seconds, rounded down, so that nobody uses the token longer than it lives.
pub fn process_json(credentials: &Credentials) -> String {
    let mut object = serde_json::Map::new();
    object.insert("Version".to_owned(), 1.into());
    object.insert("AccessKeyId".to_owned(), credentials.access_key_id().into());
    object.insert("SecretAccessKey".to_owned(), credentials.secret_access_key().into());
    if let Some(token) = credentials.session_token() {
        object.insert("SessionToken".to_owned(), token.into());
    }
    let expiration = credentials
        .expiry()
        .map(|at| DateTime::from_secs(DateTime::from(at).secs()))
        // A year beyond 9999 has no RFC 3339 form; such keys are as good as long-term ones.
        .and_then(|at| at.fmt(Format::DateTime).ok());
    if let Some(expiration) = expiration {
        object.insert("Expiration".to_owned(), expiration.into());
    }
    serde_json::Value::Object(object).to_string()
}

fn set(variable: &'static str, value: &str, shell: Shell) -> Result<String, ExportError> {
    let refuse = |problem| Err(ExportError { variable, problem, shell });
    if value.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        return refuse("a line break");
    }
    if value.contains('\0') {
        return refuse("a NUL");
    }
    if value.contains(char::is_control) {
        return refuse("a control character");
    }
    Ok(match shell {
        Shell::Sh => format!("export {variable}='{}'", value.replace('\'', r"'\''")),
        Shell::Fish => {
            let quoted = value.replace('\\', r"\\").replace('\'', r"\'");
            format!("set -gx {variable} '{quoted}'")
        }
        Shell::PowerShell => format!("$env:{variable} = '{}'", power_shell(value)),
        Shell::Cmd if value.contains(['"', '%', '!']) => {
            return refuse("one of the characters \" % !");
        }
        Shell::Cmd => format!("set \"{variable}={value}\""),
    })
}

/// PowerShell takes four typographic quotes for a single quote as well; each stands for itself when doubled.
fn power_shell(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            quoted.push(c);
        }
        quoted.push(c);
    }
    quoted
}

fn unset(variable: &str, shell: Shell) -> String {
    match shell {
        Shell::Sh => format!("unset {variable}"),
        Shell::Fish => format!("set -e {variable}"),
        Shell::PowerShell => format!("Remove-Item Env:{variable} -ErrorAction SilentlyContinue"),
        Shell::Cmd => format!("set \"{variable}=\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn keys(secret: &str, token: Option<&str>, expiry: Option<SystemTime>) -> Credentials {
        Credentials::new("ASIAEXAMPLE", secret, token.map(str::to_owned), expiry, "test")
    }

    #[test]
    fn plain_values_in_every_shell() {
        let keys = keys("a/b+c=", Some("tok=="), None);
        for (shell, want) in [
            (
                Shell::Sh,
                "export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'\nexport AWS_SECRET_ACCESS_KEY='a/b+c='\nexport AWS_SESSION_TOKEN='tok=='\n",
            ),
            (
                Shell::Fish,
                "set -gx AWS_ACCESS_KEY_ID 'ASIAEXAMPLE'\nset -gx AWS_SECRET_ACCESS_KEY 'a/b+c='\nset -gx AWS_SESSION_TOKEN 'tok=='\n",
            ),
            (
                Shell::PowerShell,
                "$env:AWS_ACCESS_KEY_ID = 'ASIAEXAMPLE'\n$env:AWS_SECRET_ACCESS_KEY = 'a/b+c='\n$env:AWS_SESSION_TOKEN = 'tok=='\n",
            ),
            (
                Shell::Cmd,
                "set \"AWS_ACCESS_KEY_ID=ASIAEXAMPLE\"\nset \"AWS_SECRET_ACCESS_KEY=a/b+c=\"\nset \"AWS_SESSION_TOKEN=tok==\"\n",
            ),
        ] {
            assert_eq!(environment(&keys, shell).as_deref(), Ok(want), "{shell}");
        }
    }

    #[test]
    fn hostile_values_stay_values() {
        for (shell, value, want) in [
            (Shell::Sh, "a'b$(id)`x`\\\"", r#"'a'\''b$(id)`x`\"'"#),
            (Shell::Fish, "a'b$(id)\\", r"'a\'b$(id)\\'"),
            (Shell::Fish, "\\'; id", r"'\\\'; id'"),
            (Shell::PowerShell, "a'b$(id)`", "'a''b$(id)`'"),
            (
                Shell::PowerShell,
                "\u{2019}; id\u{2018}\u{201a}\u{201b}",
                "'\u{2019}\u{2019}; id\u{2018}\u{2018}\u{201a}\u{201a}\u{201b}\u{201b}'",
            ),
            (Shell::Cmd, "a&b|c>d<e^f", "a&b|c>d<e^f\""),
        ] {
            let lines = environment(&keys(value, None, None), shell).expect("can be quoted");
            let line = lines.lines().nth(1).expect("the second line");
            assert!(line.ends_with(want), "{shell}: {line}");
        }
    }

    #[test]
    fn what_no_quoting_can_hold_is_refused() {
        for shell in Shell::ALL {
            for value in ["a\nb", "a\rb", "a\0b", "a\u{1b}b", "a\u{2028}b", "a\u{85}b"] {
                let error = environment(&keys(value, None, None), shell).expect_err(value);
                assert_eq!(error.variable, "AWS_SECRET_ACCESS_KEY");
                assert!(!error.to_string().contains(value));
            }
        }
        for value in ["50%", "%PATH%", "say\"", "hey!"] {
            assert!(environment(&keys(value, None, None), Shell::Cmd).is_err());
        }
        let error = environment(&keys("x", Some("a\nb"), None), Shell::Fish).expect_err("a line break");
        assert_eq!(error.to_string(), "AWS_SESSION_TOKEN holds a line break and cannot be written for fish");
    }

    #[test]
    fn a_leftover_token_is_removed() {
        let lines = environment(&keys("x", None, None), Shell::Sh).expect("can be quoted");
        assert!(lines.ends_with("unset AWS_SESSION_TOKEN\n"), "{lines}");
    }

    #[test]
    fn every_shell_can_unset() {
        for (shell, want) in [
            (Shell::Sh, "unset AWS_SESSION_TOKEN"),
            (Shell::Fish, "set -e AWS_SESSION_TOKEN"),
            (Shell::PowerShell, "Remove-Item Env:AWS_SESSION_TOKEN -ErrorAction SilentlyContinue"),
            (Shell::Cmd, "set \"AWS_SESSION_TOKEN=\""),
        ] {
            let lines = unset_environment(shell);
            assert_eq!(lines.lines().count(), 3);
            assert_eq!(lines.lines().last(), Some(want));
            assert_eq!(shell.name().parse(), Ok(shell));
        }
        assert!("tcsh".parse::<Shell>().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_real_sh_reads_back_what_was_written() {
        let secret = "a'b\"c$(exit 7)`exit 8`\\ $HOME;&|<>*?[!#~ é";
        let lines = environment(&keys(secret, Some("-n x"), None), Shell::Sh).expect("can be quoted");
        let script = format!(
            "{lines}printf '%s|%s' \"$AWS_SECRET_ACCESS_KEY\" \"$AWS_SESSION_TOKEN\"\n{}printf '|%s' \"${{AWS_SESSION_TOKEN-gone}}\"",
            unset_environment(Shell::Sh)
        );
        let run = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh runs");
        assert!(run.status.success());
        assert_eq!(String::from_utf8(run.stdout).expect("UTF-8"), format!("{secret}|-n x|gone"));
    }

    #[test]
    fn credential_process_json() {
        let expiry = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
        let json = process_json(&keys("quo\"te\\", Some("t"), Some(expiry)));
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(
            read,
            serde_json::json!({
                "Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "quo\"te\\",
                "SessionToken": "t", "Expiration": "2023-11-14T22:13:20Z",
            })
        );
        let read: serde_json::Value = serde_json::from_str(&process_json(&keys("x", None, None))).expect("JSON");
        assert_eq!(read, serde_json::json!({ "Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "x" }));
    }
}
