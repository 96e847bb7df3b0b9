//! A subscriber whose set-up is sound, until a test breaks one thing of it.

use std::process::Stdio;

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
};
use flex_tests::sandbox::{FlexSeed, Identity};
use serde_json::Value;

use crate::support::{BUCKET, Machine, Run, Subscriber, date};

/// Flags that a sound set-up is looked through with.
pub(crate) const OWNER: [&str; 2] = ["--owner-profile", "owner"];

/// All steps of the manual done, with the rule that ends unfinished uploads, and a profile of the owner's.
pub(crate) async fn well() -> Subscriber {
    let user = Subscriber::with(&FlexSeed::plain(date("2021-05-26")..=date("2021-05-31"), 2)).await;
    user.machine.file(".aws/config", profiles(&user.machine));
    let rule = LifecycleRule::builder()
        .id("end-unfinished-uploads")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .abort_incomplete_multipart_upload(AbortIncompleteMultipartUpload::builder().days_after_initiation(7).build())
        .build()
        .unwrap();
    let owner = user.sandbox.s3(&Identity::owner());
    let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
    owner.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules).send().await.unwrap();
    user.world.forget_requests();
    user
}

/// The profiles `owner` and `user`.
pub(crate) fn profiles(machine: &Machine) -> String {
    machine.profile("owner", &Identity::owner()) + &machine.profile("user", &Identity::copy_user())
}

/// The links by their state, as JSON lines tell them.
pub(crate) struct Found(pub(crate) Vec<Value>, pub(crate) Run);

impl Found {
    pub(crate) fn of(run: Run) -> Self {
        let checks = run.events().into_iter().filter(|event| event["event"] == "check").collect();
        Self(checks, run)
    }

    /// `id: code` of every link in this state.
    pub(crate) fn in_state(&self, state: &str) -> Vec<String> {
        let fits = self.0.iter().filter(|check| check["state"] == state);
        fits.map(|check| format!("{}: {}", text(&check["id"]), text(&check["code"]))).collect()
    }

    /// The link.
    #[track_caller]
    pub(crate) fn link(&self, id: &str) -> &Value {
        self.0.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no link {id}\n{}", self.1))
    }

    /// The commands of its mends, to be run one after the other; or those that would do instead.
    #[track_caller]
    pub(crate) fn commands(&self, id: &str, instead: bool) -> Vec<String> {
        let mends = self.link(id)["mend"].as_array().unwrap();
        let wanted = mends.iter().filter(|mend| (mend["instead"] == true) == instead);
        wanted.filter_map(|mend| mend["command"].as_str()).map(str::to_owned).collect()
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// `flex doctor --json`.
pub(crate) fn doctor(machine: &Machine, flags: &[&str]) -> Found {
    let arguments: Vec<&str> = ["doctor", "--json"].iter().chain(flags).copied().collect();
    Found::of(machine.flex(&arguments))
}

/// Lines for a shell in the user's home, `flex` on its path before the folder of stand-ins for other programs.
pub(crate) fn shell(machine: &Machine, script: &str) -> Run {
    let flex = std::path::Path::new(env!("CARGO_BIN_EXE_flex"));
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", script])
        .env_clear()
        .envs(&machine.variables)
        .env(
            "PATH",
            format!("{}:{}:/usr/bin:/bin", flex.parent().unwrap().display(), machine.home.path().join("bin").display()),
        )
        .current_dir(machine.home.path())
        .stdin(Stdio::null());
    Run::of(&[script], command.output().unwrap())
}
