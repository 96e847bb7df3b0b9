//! What set-up only prints.

use std::{fs::OpenOptions, io::Write, path::Path};

use flex_policy::{BucketName, NoticeLanguage, OwnerTask, Permissions, Scene, owner_permissions, vendor_notice};
use serde::Serialize;

use crate::{
    args::{SetupArgs, WantedIdentity},
    clients::Base,
    commands::Job,
    error::Stop,
    exit::Exit,
    language::{Language, msg},
    present::Ui,
};

#[derive(Serialize)]
struct Rendered<'a> {
    command: &'a str,
    format: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Rights<'a> {
    command: &'a str,
    document: &'a Permissions,
}

#[derive(Serialize)]
struct Notice {
    japanese: String,
    english: String,
}

/// Whether nothing but printing is asked for.
pub(super) fn asked(args: &SetupArgs) -> bool {
    args.print.is_some() || args.print_permissions || args.print_notice.is_some()
}

pub(super) async fn run(job: &mut Job<'_>, args: &SetupArgs, bucket: BucketName) -> Result<Exit, Stop> {
    let account = match job.settings.account {
        Some(account) => account,
        None => {
            let settings = &job.settings;
            let asked = async { Base::new(settings).await?.owner_account(settings).await };
            job.interrupt.or(asked).await.map_err(|stop| stop.mend(msg!("name-account")))?
        }
    };
    let scene = super::scene(job, args, account, bucket)?;
    let ui = &mut *job.ui;
    if let Some(format) = args.print {
        if let WantedIdentity::ExistingRole(_) = args.identity {
            return Err(Stop::text(Exit::Usage, "a role that exists cannot be part of a file that makes the set-up")
                .mend(msg!("setup-mend-print-role")));
        }
        let text = scene.render(format);
        if ui.json {
            ui.event("scene", Rendered { command: "setup", format: format.as_str(), text: &text });
        } else {
            ui.text(&text);
        }
    } else if args.print_permissions {
        let document = owner_permissions(&scene, &OwnerTask::ALL);
        if ui.json {
            ui.event("permissions", Rights { command: "setup", document: &document });
        } else {
            ui.line(document);
        }
    } else if let Some(Some(path)) = &args.print_notice {
        let [first, second] = texts(ui.language, &scene, args.period.as_deref());
        write(path, &format!("{first}\n\n{second}\n"))?;
        ui.chat(msg!("setup-notice-written", path = path.display()).text(ui.language));
    } else {
        notice(ui, &scene, args.period.as_deref());
    }
    ui.flush();
    Ok(Exit::Done)
}

/// A file that is there is somebody's.
fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path);
    let written = match &mut file {
        Ok(file) => file.write_all(text.as_bytes()),
        Err(error) => Err(std::io::Error::new(error.kind(), error.to_string())),
    };
    written.map_err(|e| {
        let stop = Stop::usage(&e).during(format!("the notice cannot be written to {}", path.display()));
        stop.mend(msg!("setup-mend-notice-file"))
    })
}

/// The notice in both languages, the reader's own first.
fn texts(language: Language, scene: &Scene, period: Option<&str>) -> [String; 2] {
    let [japanese, english] =
        [NoticeLanguage::Japanese, NoticeLanguage::English].map(|language| vendor_notice(scene, period, language));
    match language {
        Language::Japanese => [japanese, english],
        Language::English => [english, japanese],
    }
}

pub(super) fn notice(ui: &mut Ui, scene: &Scene, period: Option<&str>) {
    if ui.json {
        let [english, japanese] = texts(Language::English, scene, period);
        ui.event("vendor-notice", Notice { japanese, english });
    } else {
        for text in texts(ui.language, scene, period) {
            ui.line(msg!("setup-notice-begins").text(ui.language));
            ui.line(text.trim_end());
        }
        ui.line(msg!("setup-notice-ends").text(ui.language));
    }
    ui.flush();
}
