//! The journey: each command is printed and then run, by this very binary, over TCP, with these very arguments.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

use flex_tests::sandbox::{FlexSeed, Identity, ObjectSpec, Sandbox, VENDOR_BUCKET, World, seed_flex};

use crate::{
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Colour, Ui},
};

const BUCKET: &str = "my-bucket";
/// The user that `setup` makes, and the profile of its key.
const USER: &str = "flex-copy";
/// Two weeks of May and June 2021.
const DAYS: &str = "2021/05/24..2021/06/04";

pub(super) async fn run(ui: &mut Ui) -> Result<Exit, Stop> {
    let broken = |e: &(dyn std::error::Error + 'static), what: &str| {
        Stop::new(Exit::Failed, e).during(what.to_owned()).mend(msg!("demo-again"))
    };
    let sandbox = Sandbox::builder().start().await.map_err(|e| broken(&e, "the sandbox cannot be started"))?;
    let home = tempfile::tempdir().map_err(|e| broken(&e, "no folder can be made for the demo"))?;
    let world = sandbox.world();
    let seeded = seed_flex(&world, &FlexSeed::default());
    // Listings alone cannot prove a copy that its checksum proved, and the demo ends with a proof of all.
    for key in &seeded.multipart_checksummed {
        world.remove_object(VENDOR_BUCKET, key);
    }
    // The manual shows both spellings; here one day has files under each.
    world.put_object(VENDOR_BUCKET, "2021/5/31/20210531_1_004.pcap.gz", ObjectSpec::new(24_000).seed(4));
    world.nothing_set_up();
    write_owner(home.path()).map_err(|e| broken(&e, "no profile can be written for the demo"))?;
    let done = Journey { ui, world, home: &home, endpoint: sandbox.endpoint(), profile: None }.walk().await;
    sandbox.shutdown().await;
    done.map(|()| Exit::Done)
}

struct Journey<'a> {
    ui: &'a mut Ui,
    world: World,
    home: &'a tempfile::TempDir,
    endpoint: String,
    profile: Option<&'static str>,
}

/// The profile of somebody with rights in the subscriber's account.
fn write_owner(home: &Path) -> io::Result<()> {
    let owner = Identity::owner();
    let folder = home.join(".aws");
    std::fs::create_dir(&folder)?;
    let (key, secret) = (owner.access_key_id(), owner.secret_access_key());
    let text = format!("[owner]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(folder.join("credentials"), text)
}

impl Journey<'_> {
    async fn walk(&mut self) -> Result<(), Stop> {
        self.say(
            "flex demo: the manual's steps, against a sandbox of S3, STS and IAM on this machine. No AWS account is used.",
        );
        self.say("Each command below is really run. What they find in the environment:");
        self.say("    FLEX_OWNER_PROFILE=owner   somebody with rights in your account, for the set-up alone");
        self.say(&format!("    FLEX_BUCKET={BUCKET}"));
        self.say(&format!("    AWS_ENDPOINT_URL={}   the sandbox", self.endpoint));

        self.step("1-1, 1-2, 1-4", "A bucket, a user and its key; the notice to the vendor");
        let waiting = &["bucket: done", "copy role yet", "access key: done"];
        self.run(&["setup", "--access-key", "--yes"], 4, waiting).await?;
        self.say("  (5 business days later the vendor has created the copy role.)");
        self.world.role_exists(true);

        self.step("1-3", "Let the copy role list and put into your bucket: the rest of the set-up");
        self.run(&["setup", "--yes"], 0, &["bucket policy: done", "set up"]).await?;
        self.say("  Once more, and it finds nothing to do:");
        self.run(&["setup", "--yes"], 0, &["nothing was changed"]).await?;

        self.step("1-5", "Assume the role. flex does it by itself whenever needed, and renews in time");
        self.say("    AWS_PROFILE=flex-copy   from here on: the user that setup made, who may do nothing else");
        self.profile = Some(USER);
        self.run(&["creds", "show"], 0, &["12 hours"]).await?;
        self.say("  Is every step right?");
        self.run(&["doctor"], 0, &["nothing is broken"]).await?;

        self.step("1-6", "Copy");
        self.run(&["ls"], 0, &["PRE 2021/"]).await?;
        self.say("  A day that the vendor has under both spellings, 2021/05/31 and 2021/5/31:");
        self.run(&["ls", "2021/05/31"], 0, &["20210531_1_001.pcap.gz", "20210531_1_004.pcap.gz"]).await?;
        self.run(&["plan", DAYS], 0, &["nothing was copied"]).await?;
        self.say("  Two of the keys are listed, but not in the contract. They are named so, and the code is 4:");
        let copied = &["not entitled: 2 objects", "result: incomplete"];
        self.run(&["copy", DAYS], 4, copied).await?;
        self.say("  The same again copies nothing (and --allow-not-entitled makes it 0):");
        let again = ["copy", DAYS, "--allow-not-entitled"];
        self.run(&again, 0, &["copied: 0 objects", "result: complete"]).await?;
        self.say("  Somebody deletes an object. It is found, and mended:");
        let lost = "2021/05/24/20210524_1_001.pcap.gz";
        if !self.world.remove_object(BUCKET, lost) {
            return Err(unexpected(&format!("{lost} was not copied")));
        }
        let verify = ["verify", DAYS, "--allow-not-entitled"];
        self.run(&verify, 1, &["missing", lost]).await?;
        self.run(&again, 0, &["copied: 1 object"]).await?;
        self.run(&verify, 0, &["result: verified"]).await?;
        self.compare()
    }

    /// What no copy role could do: reads both sides.
    fn compare(&mut self) -> Result<(), Stop> {
        let keys = self.world.objects(BUCKET);
        let other: Vec<_> =
            keys.iter().filter(|key| !self.world.same_content(VENDOR_BUCKET, key, BUCKET, key)).collect();
        if keys.is_empty() || !other.is_empty() {
            return Err(unexpected(&format!("{} copies, of which differ: {other:?}", keys.len())));
        }
        self.say("");
        let text =
            format!("The sandbox compared all {} copies with their sources: the content is the same.", keys.len());
        let text = self.ui.paint(Colour::Green, text);
        self.say(&text);
        Ok(())
    }

    fn say(&mut self, text: &str) {
        self.ui.line(text);
        self.ui.flush();
    }

    fn step(&mut self, number: &str, title: &str) {
        self.say("");
        let title = self.ui.paint(Colour::Green, format!("Step {number}  {title}"));
        self.say(&title);
    }

    /// Prints a command, runs it, shows what it prints, and fails unless it ends as expected.
    async fn run(&mut self, arguments: &[&str], code: i32, prints: &[&str]) -> Result<(), Stop> {
        self.say("");
        self.say(&format!("  $ flex {}", arguments.join(" ")));
        let mut command = self.command(arguments)?;
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .map_err(|e| unexpected(&e.to_string()))?
            .map_err(|e| Stop::new(Exit::Failed, &e).during("flex cannot start itself").mend(msg!("flex-by-path")))?;
        let all = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        for line in all.lines() {
            let line = format!("    {}", self.ui.safe(line));
            self.say(line.trim_end());
        }
        let ended = output.status.code();
        if ended != Some(0) {
            self.say(&format!("    (exit code {})", ended.map_or("none".into(), |code| code.to_string())));
        }
        if ended != Some(code) {
            return Err(unexpected(&format!("`flex {}` ended in {ended:?} and not in {code}", arguments.join(" "))));
        }
        match prints.iter().find(|text| !all.contains(**text)) {
            Some(text) => Err(unexpected(&format!("`flex {}` did not print {text:?}", arguments.join(" ")))),
            None => Ok(()),
        }
    }

    fn command(&self, arguments: &[&str]) -> Result<Command, Stop> {
        let exe = std::env::current_exe()
            .map_err(|e| Stop::new(Exit::Failed, &e).during("flex does not find itself").mend(msg!("flex-by-path")))?;
        let mut command = Command::new(exe);
        command
            .args(arguments)
            .env_clear()
            // Windows opens no socket without it.
            .envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)))
            .env("HOME", self.home.path())
            // Where the home is looked for elsewhere than in HOME.
            .env("AWS_SHARED_CREDENTIALS_FILE", self.home.path().join(".aws").join("credentials"))
            .env("FLEX_OWNER_PROFILE", "owner")
            .env("FLEX_BUCKET", BUCKET)
            .envs(self.profile.map(|name| ("AWS_PROFILE", name)))
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        Ok(command)
    }
}

fn unexpected(what: &str) -> Stop {
    Stop::text(Exit::Failed, format!("the demo did not go as expected: {what}")).mend(msg!("report-fault"))
}
