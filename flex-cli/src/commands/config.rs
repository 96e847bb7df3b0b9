//! `flex init` and `flex config show`.

use std::{
    io::{self, Write},
    path::Path,
    time::Instant,
};

use serde::Serialize;

use super::Job;
use crate::{
    args::{ConfigCommand, Global, InitArgs},
    config::{self, Found, Origin, Settings, Unset, Value},
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Ui, json, report::Report},
    private,
};

/// Variables by which the AWS SDK finds an identity. Their values may be secrets.
const CREDENTIALS: [&str; 15] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_CONFIG_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/// Variables that say how the network is reached. A proxy's URL may hold a password.
const NETWORK: [&str; 9] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "AWS_CA_BUNDLE",
];

pub(super) fn init(args: &InitArgs, flags: &Global, ui: &mut Ui) -> Result<Exit, Stop> {
    let started = Instant::now();
    // So that what is written can be read again.
    Settings::of_flags(flags).map_err(|e| Stop::usage(&e))?;
    let mut flags = flags.clone();
    // A relative path in a file starts at that file, one of the command line here.
    if let (Some(calendar), Some(folder)) = (&flags.calendar, args.file.parent())
        && !folder.as_os_str().is_empty()
        && let Ok(path) = std::path::absolute(calendar)
    {
        flags.calendar = Some(path.to_string_lossy().into_owned());
    }
    let text = config::template(&flags, ui.language);
    create(&args.file, &text)?;
    let path = args.file.display().to_string();
    if [&flags.endpoint_url, &flags.sts_endpoint_url].into_iter().flatten().any(|url| config::leads_away(url)) {
        ui.note(msg!("init-endpoint", file = path).text(ui.language));
    }
    if ui.json {
        ui.event("file", File { path: &path });
        ui.event("summary", Summary { command: "init", end: json::End::new(Exit::Done, &[], None, started.elapsed()) });
    } else {
        let path = ui.safe(&path).into_owned();
        ui.line(format_args!("written: {path}"));
    }
    ui.flush();
    Ok(Exit::Done)
}

fn create(path: &Path, text: &str) -> Result<(), Stop> {
    let name = path.display();
    match private::create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            Err(Stop::text(Exit::Usage, format!("{name} exists already, and is left as it is"))
                .mend(msg!("init-exists")))
        }
        opened => opened
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|e| Stop::usage(&e).during(format!("{name} cannot be written")).mend(msg!("init-folder"))),
    }
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
}

#[derive(Serialize)]
struct Summary<'a> {
    command: &'static str,
    #[serde(flatten)]
    end: json::End<'a>,
}

pub(super) fn run(job: &mut Job<'_>, which: &ConfigCommand) -> Result<Exit, Stop> {
    match which {
        ConfigCommand::Show => show(job),
    }
    Ok(Exit::Done)
}

/// A setting as a JSON line.
#[derive(Serialize)]
struct Setting<'a> {
    name: &'a str,
    value: Option<serde_json::Value>,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// What holds in place of a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<&'static str>,
}

impl<'a> Setting<'a> {
    fn new(found: &'a Found) -> Self {
        let (name, kind) = (found.key.name, found.key.kind);
        let Some((value, origin)) = &found.given else {
            let (value, meaning) = match found.key.unset {
                Unset::Is(value) => (Some(config::json_value(kind, value)), None),
                Unset::Means(words) => (None, Some(words)),
            };
            return Self { name, value, origin: "default", from: None, line: None, meaning };
        };
        let value = Some(match value {
            // An @ is a matter of course in a session's name, a profile or a prefix.
            Value::Text(url) if name.ends_with("endpoint-url") => config::without_user(url).into(),
            Value::Text(text) | Value::Number(text) => config::json_value(kind, text),
            Value::Switch(on) => (*on).into(),
            Value::List(items) => items.clone().into(),
        });
        let (origin, from, line) = match origin {
            Origin::Flag(flag) => ("flag", format!("--{flag}"), None),
            Origin::Environment(variable) => ("environment", (*variable).to_owned(), None),
            Origin::File { path, line, .. } => ("file", path.display().to_string(), Some(*line)),
        };
        Self { name, value, origin, from: Some(from), line, meaning: None }
    }

    /// For people.
    fn text(&self) -> String {
        if let Some(meaning) = self.meaning {
            return format!("not set ({meaning})");
        }
        let value = match &self.value {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(serde_json::Value::Array(items)) => {
                items.iter().filter_map(|item| item.as_str()).collect::<Vec<_>>().join(" ")
            }
            Some(other) => other.to_string(),
            None => String::new(),
        };
        match (&self.from, self.line) {
            (Some(from), Some(line)) => format!("{value} ({from}, line {line})"),
            (Some(from), None) => format!("{value} ({from})"),
            (None, _) => format!("{value} (default)"),
        }
    }
}

/// A variable as a JSON line.
#[derive(Serialize)]
struct Variable {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    command: &'static str,
    file: Option<String>,
    #[serde(flatten)]
    end: json::End<'a>,
}

fn show(job: &mut Job<'_>) {
    let started = Instant::now();
    let (settings, ui) = (&job.settings, &mut *job.ui);
    let file = settings.file.as_ref().map(|path| path.display().to_string());
    let shown: Vec<Setting<'_>> = settings.found.iter().map(Setting::new).collect();
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let credentials: Vec<&'static str> = CREDENTIALS.into_iter().filter(|name| set(name).is_some()).collect();
    let network: Vec<(&'static str, String)> = NETWORK
        .into_iter()
        .filter_map(|name| {
            let value = set(name)?.to_string_lossy().into_owned();
            // The one that is a path.
            Some((name, if name == "AWS_CA_BUNDLE" { value } else { config::without_user(&value) }))
        })
        .collect();
    if ui.json {
        for setting in shown {
            ui.event("setting", setting);
        }
        for name in credentials {
            ui.event("variable", Variable { name, value: None });
        }
        for (name, value) in network {
            ui.event("variable", Variable { name, value: Some(value) });
        }
        let end = json::End::new(Exit::Done, &[], None, started.elapsed());
        ui.event("summary", Shown { command: "config show", file, end });
    } else {
        let mut report = Report::default();
        report.add("configuration file", file.unwrap_or_else(|| "none was found".into()));
        for setting in &shown {
            report.add(setting.name, setting.text());
        }
        let names = if credentials.is_empty() { "none".to_owned() } else { credentials.join(" ") };
        report.add("identity variables set", names);
        for (name, value) in network {
            report.add(name, format!("{value} (environment)"));
        }
        report.print(ui);
    }
    ui.flush();
}
