//! AWS profiles, as far as they could lead back to flex: a `credential_process` that is flex itself.

use std::path::Path;

use aws_config::profile::{self, ProfileSet};
use aws_types::os_shim_internal::{Env, Fs};

use crate::{config::Profile, error::Stop, exit::Exit, language::msg};

/// Set for the children of `flex creds process`, which would otherwise start each other without end.
pub(crate) const MARK: &str = "FLEX_CREDS_PROCESS";

/// Refuses a profile that does not exist, and one whose `credential_process` is flex, before the SDK runs it. Says whether any profile has a
/// `credential_process` at all.
pub(crate) async fn check(chosen: Option<&Profile>) -> Result<bool, Stop> {
    // Files that cannot be read are the SDK's to report, if it needs them.
    let Some(profiles) = all().await else { return Ok(true) };
    if let Some(Profile { name, alone: true }) = chosen
        && profiles.get_profile(name).is_none()
    {
        let known: Vec<&str> = profiles.profiles().collect();
        let mend =
            if known.is_empty() { msg!("profile-none") } else { msg!("profile-known", profiles = known.join(", ")) };
        return Err(
            Stop::text(Exit::Usage, format!("there is no profile {name:?} in the AWS configuration files")).mend(mend)
        );
    }
    let any = profiles.profiles().any(|name| command(&profiles, name).is_some());
    let keys_first = chosen.is_none_or(|p| !p.alone)
        && ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
            .iter()
            .all(|v| std::env::var_os(v).is_some_and(|v| !v.is_empty()));
    if !keys_first {
        let name = chosen.map_or_else(|| profiles.selected_profile().to_owned(), |p| p.name.clone());
        let own = std::env::current_exe().ok();
        if let Some(found) = leads_to_flex(&profiles, &name, own.as_deref()) {
            return Err(recursion(&format!("the profile {found:?} has flex itself as its credential_process")));
        }
    }
    Ok(any)
}

/// The profiles of the AWS configuration files; none where these cannot be read.
pub(crate) async fn all() -> Option<ProfileSet> {
    #[expect(deprecated, reason = "the argument's own type has no other public path in aws-config")]
    let files = profile::profile_file::ProfileFiles::default();
    profile::load(&Fs::real(), &Env::real(), &files, None).await.ok()
}

/// What `flex creds process` says when it was started by itself.
pub(crate) fn recursion(what: &str) -> Stop {
    Stop::text(Exit::Refused, format!("{what}, which would ask itself for credentials without end"))
        .mend(msg!("own-profile"))
}

fn command<'a>(profiles: &'a ProfileSet, name: &str) -> Option<&'a str> {
    profiles.get_profile(name).and_then(|p| p.get("credential_process"))
}

/// The first profile, from this one along `source_profile`, whose command is flex.
fn leads_to_flex(profiles: &ProfileSet, name: &str, own: Option<&Path>) -> Option<String> {
    let mut name = name.to_owned();
    // A chain that goes round is the SDK's to refuse.
    for _ in 0..16 {
        if command(profiles, &name).is_some_and(|c| is_flex(c, own)) {
            return Some(name);
        }
        match profiles.get_profile(&name)?.get("source_profile") {
            Some(next) if next != name => name = next.to_owned(),
            _ => return None,
        }
    }
    None
}

fn is_flex(command: &str, own: Option<&Path>) -> bool {
    let words: Vec<&str> = command.split_whitespace().map(|w| w.trim_matches(['"', '\''])).collect();
    let stem = |path: &Path| path.file_stem().map(|s| s.to_string_lossy().to_lowercase());
    let own = own.and_then(stem);
    words
        .iter()
        .position(|word| {
            let word = stem(Path::new(word));
            word.as_deref() == Some("flex") || (word.is_some() && word == own)
        })
        .is_some_and(|at| {
            let rest = &words[at + 1..];
            rest.iter().position(|w| *w == "creds").is_some_and(|creds| rest[creds..].contains(&"process"))
        })
}

#[cfg(test)]
mod tests {
    use super::is_flex;
    use std::path::Path;

    #[test]
    fn flex_is_known_by_its_name_or_its_path() {
        for command in [
            "flex creds process",
            "/usr/local/bin/flex creds process --profile user",
            "flex --profile user creds process",
            "\"/opt/my tools/flex\" creds process",
            "env A=1 flex creds process",
            "C:\\tools\\flex.exe creds process",
            "/opt/flex-2 creds process",
        ] {
            let command = if cfg!(windows) { command.to_owned() } else { command.replace('\\', "/") };
            assert!(is_flex(&command, Some(Path::new("/opt/flex-2"))), "{command}");
        }
        for command in ["flexible creds process", "flex ls", "aws-vault exec user", "", "my-creds process"] {
            assert!(!is_flex(command, Some(Path::new("/opt/flex-2"))), "{command}");
        }
    }
}
