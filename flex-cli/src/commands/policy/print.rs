//! `flex policy bucket` and `flex policy assume-role`.

use flex_policy::{
    Format, PolicyDocument, RoleArn, assume_role_policy, bucket_policy, render_assume_role_policy, render_bucket_policy,
};
use serde::Serialize;

use super::Job;
use crate::{
    error::Stop,
    exit::Exit,
    language::{Message, msg},
};

#[derive(Serialize)]
struct Policy<'a> {
    command: &'a str,
    role: String,
    format: &'a str,
    document: &'a PolicyDocument,
    /// In another format than JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

pub(super) async fn bucket(job: &mut Job<'_>, format: Format) -> Result<Exit, Stop> {
    let bucket = super::bucket(job)?;
    let role = super::role(job).await?;
    let text = render_bucket_policy(format, &role, &bucket);
    show(job, format, &role, &bucket_policy(&role, &bucket), &text, msg!("policy-paste-bucket"));
    Ok(Exit::Done)
}

pub(super) async fn assume_role(job: &mut Job<'_>, format: Format) -> Result<Exit, Stop> {
    let role = super::role(job).await?;
    let text = render_assume_role_policy(format, &role);
    show(job, format, &role, &assume_role_policy(&role), &text, msg!("policy-paste-assume-role"));
    Ok(Exit::Done)
}

fn show(job: &mut Job<'_>, format: Format, role: &RoleArn, document: &PolicyDocument, text: &str, step: Message) {
    let ui = &mut *job.ui;
    if ui.json {
        let text = (format != Format::Json).then_some(text);
        let role = role.to_string();
        ui.event("policy", Policy { command: job.name, role, format: format.as_str(), document, text });
    } else {
        ui.text(text);
        if ui.out_is_terminal && format == Format::Json {
            ui.flush();
            ui.chat(step.text(ui.language));
        }
    }
    ui.flush();
}
