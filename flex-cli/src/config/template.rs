//! The text of the file that `flex init` writes.

use super::keys::{GROUPS, Unset};
use crate::{args::Global, language::Language, language::Message, language::msg};

/// Every setting with its meaning, default and an example, commented out; set where a flag gave a value.
pub(crate) fn template(flags: &Global, language: Language) -> String {
    let mut text = String::new();
    let mut say = |message: Message| {
        for line in message.text(language).lines() {
            text += format!("# {line}").trim_end();
            text.push('\n');
        }
        std::mem::take(&mut text)
    };
    let mut file = say(msg!("settings-head"));
    for group in &GROUPS {
        file += "\n## ";
        file += &Message::new(group.title).text(language);
        file.push('\n');
        for key in group.keys {
            file.push('\n');
            file += &say(Message::new(key.meaning));
            if !key.variables.is_empty() {
                file += &say(msg!("settings-variables", names = key.variables.join(", ")));
            }
            if let Unset::Is(value) = key.unset {
                file += &say(msg!("settings-default", value = value));
            }
            match (key.flag)(flags) {
                Some(value) => file += &format!("{} = {}\n", key.name, value.toml()),
                None => file += &format!("#{} = {}\n", key.name, key.example),
            }
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::{super::file::entries, super::keys, *};

    #[test]
    fn the_file_holds_every_setting_and_says_nothing_until_it_is_changed() {
        for language in [Language::English, Language::Japanese] {
            let text = template(&Global::default(), language);
            let path = Path::new("flex.toml");
            assert!(entries(path, &text).expect("TOML").is_empty(), "{text}");
            // A setting's line has no space after its #.
            let uncommented: String = text
                .lines()
                .map(|line| match line.strip_prefix('#') {
                    Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => setting,
                    _ => line,
                })
                .flat_map(|line| [line, "\n"])
                .collect();
            let found: BTreeSet<_> = entries(path, &uncommented).expect(&uncommented).into_keys().collect();
            assert_eq!(found, keys::all().map(|key| key.name).collect());
        }
    }

    #[test]
    fn what_a_flag_gave_is_set() {
        let flags = Global {
            bucket: Some("my-bucket".into()),
            include: vec!["*.gz".into()],
            max_rps: Some("12.5".into()),
            compat: true,
            lang: Some(Language::Japanese),
            ..Global::default()
        };
        let text = template(&flags, Language::English);
        let found = entries(Path::new("flex.toml"), &text).expect("TOML");
        let found: Vec<_> = found.into_iter().map(|(name, (value, _))| (name, value.toml())).collect();
        assert_eq!(
            found,
            [
                ("bucket", "\"my-bucket\"".into()),
                ("compat", "true".into()),
                ("include", "[\"*.gz\"]".into()),
                ("lang", "\"ja\"".to_owned()),
                ("max-rps", "12.5".into()),
            ]
        );
    }
}
