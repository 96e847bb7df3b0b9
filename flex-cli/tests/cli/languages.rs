//! Remedies in the reader's language, and JSON in none.

use flex_tests::sandbox::Identity;

use crate::support::{Machine, Subscriber};

const ENGLISH: &str = "to mend: ";
const JAPANESE: &str = "対処: ";

fn says(machine: &Machine, arguments: &[&str], language: &str) {
    let other = if language == ENGLISH { JAPANESE } else { ENGLISH };
    let run = machine.flex(arguments).expect(2).says(&[language]);
    assert!(!run.err.contains(other), "{:?}\n{run}", machine.variables);
}

#[test]
fn the_flag_the_variable_and_the_locale_choose_in_this_order() {
    let wrong = ["plan", "2021", "--account", "12"];
    for (variables, flags, want) in [
        (&[][..], &[][..], ENGLISH),
        (&[("LANG", "ja_JP.UTF-8")], &[], JAPANESE),
        (&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C")], &[], ENGLISH),
        (&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C"), ("LANGUAGE", "ja")], &[], ENGLISH),
        (&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "")], &[], JAPANESE),
        (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "ja_JP.UTF-8")], &[], JAPANESE),
        (&[("LANG", "fr_FR.UTF-8")], &[], ENGLISH),
        (&[("LANG", "ja_JP.UTF-8")], &["--lang", "en"], ENGLISH),
        (&[("LC_ALL", "C")], &["--lang", "ja"], JAPANESE),
        (&[("FLEX_LANG", "ja")], &[], JAPANESE),
        (&[("FLEX_LANG", "en"), ("LANG", "ja_JP.UTF-8")], &[], ENGLISH),
        (&[("FLEX_LANG", "ja")], &["--lang", "en"], ENGLISH),
    ] {
        let mut machine = Machine::bare();
        for (name, value) in variables {
            machine.set(name, *value);
        }
        says(&machine, &[&wrong[..], flags].concat(), want);
    }
}

#[test]
fn a_file_chooses_after_the_environment() {
    let mut machine = Machine::bare();
    machine.file("flex.toml", "lang = 'ja'");
    says(&machine, &["copy", "2021"], JAPANESE);
    machine.set("LC_ALL", "en_US.UTF-8");
    says(&machine, &["copy", "2021"], JAPANESE);
    says(&machine, &["copy", "2021", "--lang", "en"], ENGLISH);
    machine.set("FLEX_LANG", "en");
    says(&machine, &["copy", "2021"], ENGLISH);
    machine.set("FLEX_LANG", "fr");
    machine.flex(&["copy", "2021"]).expect(2).says(&["FLEX_LANG = \"fr\"", "expected ja or en", "FLEX_LANG=ja"]);
}

/// What differs between two runs whatever the language: times and ids.
fn masked(text: &str) -> String {
    let mut text = text.to_owned();
    for (begin, end) in
        [("\"time\":\"", '"'), ("\"expires\":\"", '"'), ("\"elapsed_seconds\":", ','), ("(request ", ')')]
    {
        let mut masked = String::new();
        let mut parts = text.split(begin);
        masked += parts.next().unwrap();
        for part in parts {
            let at = part.find(end).unwrap_or(part.len());
            masked += &format!("{begin}_{}", &part[at..]);
        }
        text = masked;
    }
    text
}

#[tokio::test]
async fn json_is_the_same_in_every_language() {
    let mut user = Subscriber::odd().await;
    user.machine.file(".aws/config", user.machine.profile("admin", &Identity::owner()));
    user.machine.set("FLEX_OWNER_PROFILE", "admin");
    let commands: &[&[&str]] = &[
        &["plan", "2021/05/24..2021/05/31"],
        &["verify", "2021/05/24..2021/05/31"],
        &["ls", "2021/05"],
        &["creds", "show"],
        &["config", "show", "--max-rps", "5"],
        &["policy", "bucket"],
        &["policy", "assume-role"],
        &["clean"],
        &["policy", "check"],
        &["policy", "apply"],
        &["setup", "--dry-run"],
        &["doctor"],
        // Errors, which have remedies.
        &["plan", "2021/13"],
        &["plan", "s3://other-bucket/2021"],
        &["plan", "2021", "--account", "12"],
        &["plan", "2021", "--account", "012345678901"],
        &["creds", "env"],
        &["plan", "2021", "--profile", "none"],
        &["ls", "--config", "none.toml"],
    ];
    let run_all = |user: &Subscriber| -> Vec<_> {
        commands
            .iter()
            .map(|command| {
                let run = user.flex(&[command, &["--json"][..]].concat());
                // Objects are told in the order in which their listings come in.
                let mut lines: Vec<String> = masked(&run.out).lines().map(str::to_owned).collect();
                lines.sort_unstable();
                (run.code, lines.join("\n"), run)
            })
            .collect()
    };
    let english = run_all(&user);
    user.machine.set("LANG", "ja_JP.UTF-8");
    let japanese = run_all(&user);
    let mut remedies = 0;
    for ((code, out, english), (other_code, other, japanese)) in english.into_iter().zip(japanese) {
        assert_eq!((code, &out), (other_code, &other), "{english}\n{japanese}");
        assert!(!out.is_empty() && !out.contains("ください"), "{english}");
        remedies += usize::from(out.contains("\"mend\":[\"") && japanese.err.contains(JAPANESE));
    }
    assert!(remedies >= 6, "the Japanese runs told their remedies in Japanese: {remedies}");
}

#[tokio::test]
async fn an_error_of_the_service_has_its_remedy_in_japanese() {
    let mut user = Subscriber::plain().await;
    user.machine.set("LANG", "ja_JP.UTF-8");
    user.world.role_exists(false);
    let run = user.flex(&["copy", "2021/05/31"]).expect(3).says(&["マニュアル1-4", "`flex policy assume-role`"]);
    // What the service said stays as it was said.
    assert!(run.err.contains("because AssumeRole answered 403 AccessDenied"), "{run}");
    user.world.role_exists(true);
    user.world.delete_bucket_policy("my-bucket");
    user.flex(&["copy", "2021/05/31"]).expect(3).says(&["マニュアル1-3", "`flex policy bucket`", "flex doctor"]);
}

/// What a page holds whatever its language: its headings' levels, the rows of its tables, its blocks of code without
/// their comments.
fn shape(page: &str) -> Vec<String> {
    let mut shape = Vec::new();
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            shape.push(line.to_owned());
        } else if in_code {
            let code = line.split_once(" #").map_or(line, |(code, _)| code);
            shape.push(code.trim_end().to_owned());
        } else if line.starts_with('#') {
            shape.push(line.chars().take_while(|c| *c == '#').collect());
        } else if line.starts_with('|') {
            shape.push(format!("row of {}", line.matches('|').count()));
        } else if line.starts_with("- ") {
            shape.push("item".into());
        }
    }
    shape
}

#[test]
fn japanese_pages_follow_the_english_ones() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in ["README", "docs/identities"] {
        let read = |ending: &str| std::fs::read_to_string(root.join(format!("{name}{ending}"))).unwrap();
        let (english, japanese) = (shape(&read(".md")), shape(&read(".ja.md")));
        let place = english.iter().zip(&japanese).position(|(a, b)| a != b);
        let near = place.map(|at| (&english[at.saturating_sub(3)..=at], &japanese[at.saturating_sub(3)..=at]));
        assert_eq!(near, None, "{name}");
        assert_eq!(english.len(), japanese.len(), "{name}");
    }
}
