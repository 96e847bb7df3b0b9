//! `flex setup`: the manual's steps 1-1 to 1-4, as the owner. What is there is read first; only what differs is changed.

mod bucket;
#[cfg(feature = "iam")]
mod identity;
#[cfg(feature = "iam")]
mod key;
#[cfg(feature = "iam")]
mod key_file;
mod people;
mod policy;
mod print;
mod step;

use std::time::Instant;

use flex_policy::{
    AccountId, BucketName, DEFAULT_LIFECYCLE_DAYS, RoleArn, Scene, SceneIdentity, ServiceTrust,
    aws::{BucketSetup, BucketState},
};
use serde::Serialize;

use super::Job;
use crate::{
    args::{SetupArgs, WantedIdentity},
    clients::{Base, require_bucket},
    error::Stop,
    exit::Exit,
    language::{Language, msg},
    present::{Colour, Ui, json, question},
};
use people::People;
use policy::Try;
use step::{Line, Outcome, Plan, Step, Tally};

#[derive(Serialize)]
struct End<'a> {
    command: &'a str,
    account: &'a str,
    bucket: &'a str,
    role: String,
    /// Whether anything was changed.
    changed: bool,
    steps: &'a std::collections::BTreeMap<Outcome, u64>,
    #[serde(flatten)]
    end: json::End<'a>,
}

pub(super) async fn run(job: &mut Job<'_>, args: &SetupArgs) -> Result<Exit, Stop> {
    let started = Instant::now();
    require_bucket(&job.settings)?;
    let Some(name) = job.settings.bucket.as_ref().map(|given| given.value.clone()) else { return Ok(Exit::Usage) };
    let wants_key = args.access_key || args.access_key_csv.is_some() || args.print_access_key;
    if wants_key && !matches!(args.identity, WantedIdentity::User(_)) {
        let what = format!("only a user has an access key, and --identity is {}", args.identity);
        return Err(Stop::text(Exit::Usage, what).mend(msg!("setup-mend-key-user")));
    }
    if print::asked(args) {
        return print::run(job, args, name).await;
    }
    let settings = &job.settings;
    let connect = async {
        let base = Base::new(settings).await?;
        // Also when it was given: set-up must not go into another account.
        let account = base.owner_account(settings).await.map_err(|stop| stop.mend(msg!("setup-mend-owner")))?;
        let s3 = base.owner_s3(settings).await?;
        let people = People::connect(&base, settings, args).await?;
        Ok((account, s3, people))
    };
    let (account, s3, people) = job.interrupt.or(connect).await?;
    let scene = scene(job, args, account, name.clone())?;
    let setup = BucketSetup::new(&s3, name, job.settings.expected_owner.then_some(account));
    let wanted =
        bucket::Wanted { region: scene.region().to_owned(), days: scene.lifecycle_days(), encryption: args.encryption };
    let read = async { Ok(futures::join!(setup.state(), people.read())) };
    let (state, found) = job.interrupt.or(read).await?;

    let plan = Plans::new(&setup, &state, &wanted, scene.role(), people.plan(found, scene.role()));
    let mut tally = Tally::default();
    let agreed = !args.dry_run && plan.is_change() && agree(job, &plan).await?;
    if agreed {
        carry_out(job, args, &setup, &wanted, &scene, &people, plan, &mut tally).await?;
    } else {
        let outcome = if args.dry_run { Outcome::WouldDo } else { Outcome::NotDone };
        for line in plan.undone(outcome) {
            tally.tell(job.ui, &line);
        }
    }
    people.commands(job.ui, scene.role());
    Ok(end(job, &scene, &tally, started))
}

/// The whole set-up as it is wanted.
fn scene(job: &Job<'_>, args: &SetupArgs, account: AccountId, bucket: BucketName) -> Result<Scene, Stop> {
    let settings = &job.settings;
    let made = || RoleArn::copy_role(&settings.source_account, &account);
    let role = settings.role_arn.clone().unwrap_or_else(made);
    let identity = match &args.identity {
        WantedIdentity::None => SceneIdentity::None,
        WantedIdentity::User(name) => SceneIdentity::User { name: name.clone() },
        WantedIdentity::ServiceRole(service, name) => SceneIdentity::Role { name: name.clone(), service: *service },
        // Which service takes it is not known, and not changed.
        WantedIdentity::ExistingRole(name) => SceneIdentity::Role { name: name.clone(), service: ServiceTrust::Ecs },
    };
    let scene = Scene::new(account, bucket).with_role(role).with_identity(identity);
    scene.with_lifecycle_days(DEFAULT_LIFECYCLE_DAYS).with_region(&settings.region).map_err(|error| Stop::usage(&error))
}

/// What is to be done, in the manual's order.
struct Plans {
    bucket: Plan<bucket::Change>,
    standing: bucket::Standing,
    settings: Vec<Plan<bucket::Change>>,
    policy: Plan<policy::Change>,
    people: people::Plans,
}

impl Plans {
    fn new(
        setup: &BucketSetup,
        state: &BucketState,
        wanted: &bucket::Wanted,
        role: &RoleArn,
        people: people::Plans,
    ) -> Self {
        let (plan, standing) = bucket::plan_bucket(setup, state, wanted);
        let settings = match standing {
            bucket::Standing::There => bucket::plan_settings(state, wanted),
            bucket::Standing::ToBeMade => bucket::plan_new_settings(wanted),
            bucket::Standing::Unusable => bucket::skipped_settings().map(Plan::Settled).collect(),
        };
        let policy = policy::plan(setup, role, &state.policy, standing);
        Self { bucket: plan, standing, settings, policy, people }
    }

    fn is_change(&self) -> bool {
        self.bucket.is_change()
            || self.settings.iter().any(Plan::is_change)
            || self.policy.is_change()
            || self.people.is_change()
    }

    /// All lines, when nothing is done.
    fn undone(&self, outcome: Outcome) -> Vec<Line> {
        let mut lines = vec![self.bucket.undone(outcome)];
        lines.extend(self.settings.iter().map(|plan| plan.undone(outcome)));
        lines.push(notice(self.policy.line().outcome()));
        lines.push(self.policy.undone(outcome));
        lines.extend(self.people.undone(outcome));
        lines
    }

    /// The lines of what would be changed.
    fn changes(&self) -> Vec<&Line> {
        let mut lines = Vec::new();
        lines.extend(self.bucket.is_change().then(|| self.bucket.line()));
        lines.extend(self.settings.iter().filter(|plan| plan.is_change()).map(Plan::line));
        lines.extend(self.policy.is_change().then(|| self.policy.line()));
        lines.extend(self.people.changes());
        lines
    }
}

/// The step of the notice, by what became of the policy: S3 takes it once the vendor's role exists.
fn notice(policy: Outcome) -> Line {
    match policy {
        Outcome::Right | Outcome::Done => Line::new(Step::Notice, Outcome::Right, msg!("setup-notice-role-exists")),
        Outcome::Waiting => Line::new(Step::Notice, Outcome::Waiting, msg!("setup-notice-send")),
        _ => Line::new(Step::Notice, Outcome::Skipped, msg!("setup-notice-unknown")),
    }
}

async fn agree(job: &mut Job<'_>, plan: &Plans) -> Result<bool, Stop> {
    let show = |ui: &Ui| {
        for line in plan.changes() {
            line.clone().with(Outcome::WouldDo).preview(ui);
        }
    };
    let question = msg!("setup-question", number = plan.changes().len()).text(job.ui.language);
    question::agree(job.ui, &job.interrupt, job.yes, show, question).await
}

#[expect(clippy::too_many_arguments, reason = "the parts of one command")]
async fn carry_out(
    job: &mut Job<'_>,
    args: &SetupArgs,
    setup: &BucketSetup,
    wanted: &bucket::Wanted,
    scene: &Scene,
    people: &People,
    plan: Plans,
    tally: &mut Tally,
) -> Result<(), Stop> {
    let standing = make_bucket(job, setup, wanted, &plan, tally).await?;
    go_on(job)?;
    let (role, Plans { policy, people: of_people, .. }) = (scene.role(), plan);
    // Tried before the identity's steps and waited for after them.
    let mut waiting = None;
    let line = match policy {
        Plan::Settled(line) => line,
        Plan::Change(..) if standing == bucket::Standing::Unusable => {
            Line::new(Step::BucketPolicy, Outcome::Skipped, msg!("setup-needs-bucket"))
        }
        Plan::Change(_, change) => match policy::put(setup, role, &change, job.yes).await {
            Try::Waiting(line) => {
                waiting = Some(change);
                line
            }
            Try::Later(line) => {
                waiting = args.wait.then_some(change);
                line
            }
            Try::Settled(line) => line,
        },
    };
    let notice = notice(line.outcome());
    let to_send = notice.outcome() == Outcome::Waiting;
    if waiting.is_none() || !args.wait {
        tally.tell(job.ui, &notice);
        tally.tell(job.ui, &line);
    } else {
        notice.preview(job.ui);
        line.preview(job.ui);
    }
    if to_send {
        print::notice(job.ui, scene, args.period.as_deref());
    }
    people.carry_out(job, of_people, tally).await?;
    if let (true, Some(change)) = (args.wait, waiting) {
        let line = policy::wait(job, setup, role, &change, args.wait_every).await?;
        tally.tell(job.ui, &self::notice(line.outcome()));
        tally.tell(job.ui, &line);
    }
    Ok(())
}

/// The bucket and its settings. A bucket that was just made is looked at again: S3 makes it right from the start, other
/// stores do not.
async fn make_bucket(
    job: &mut Job<'_>,
    setup: &BucketSetup,
    wanted: &bucket::Wanted,
    plan: &Plans,
    tally: &mut Tally,
) -> Result<bucket::Standing, Stop> {
    let (line, standing) = match &plan.bucket {
        Plan::Settled(line) => (line.clone(), plan.standing),
        Plan::Change(line, _) => bucket::create(setup, line, wanted).await,
    };
    tally.tell(job.ui, &line);
    let settings = match (plan.standing, standing) {
        (_, bucket::Standing::Unusable) => bucket::skipped_settings().map(Plan::Settled).collect(),
        (bucket::Standing::ToBeMade, _) => bucket::plan_settings(&bucket::look_at_new(setup).await, wanted),
        _ => plan.settings.clone(),
    };
    for plan in settings {
        go_on(job)?;
        let line = match plan {
            Plan::Settled(line) => line,
            Plan::Change(line, change) => bucket::carry_out(setup, line, &change, wanted).await,
        };
        tally.tell(job.ui, &line);
    }
    Ok(standing)
}

/// Between two steps is a good place to stop.
fn go_on(job: &Job<'_>) -> Result<(), Stop> {
    if job.interrupt.first.is_cancelled() { Err(interrupted()) } else { Ok(()) }
}

fn interrupted() -> Stop {
    Stop::interrupted().mend(msg!("setup-mend-resume"))
}

fn end(job: &mut Job<'_>, scene: &Scene, tally: &Tally, started: Instant) -> Exit {
    let exit = tally.exit();
    let changed = tally.number(Outcome::Done) > 0;
    let ui = &mut *job.ui;
    if ui.json {
        let reasons = tally.reasons(Language::English);
        let end = End {
            command: "setup",
            account: scene.account().as_str(),
            bucket: scene.bucket().as_str(),
            role: scene.role().to_string(),
            changed,
            steps: tally.outcomes(),
            end: json::End::new(exit, &reasons, None, started.elapsed()),
        };
        ui.event("summary", end);
    } else {
        let (message, colour) = match exit {
            Exit::Done if tally.number(Outcome::WouldDo) > 0 => (msg!("setup-result-would"), Colour::Yellow),
            Exit::Done if changed => (msg!("setup-result-done"), Colour::Green),
            Exit::Done => (msg!("setup-result-right"), Colour::Green),
            Exit::Incomplete => (msg!("setup-result-incomplete"), Colour::Yellow),
            _ => (msg!("setup-result-failed"), Colour::Red),
        };
        let mut text = ui.paint(colour, message.text(ui.language));
        let reasons = tally.reasons(ui.language);
        if !reasons.is_empty() {
            text += &format!(" ({})", reasons.join(", "));
        }
        ui.line(text);
        if tally.number(Outcome::NotDone) > 0 {
            ui.line(msg!("setup-without-yes").text(ui.language));
        }
        if exit == Exit::Refused && tally.number(Outcome::Refused) > 0 {
            ui.line(msg!("setup-print-permissions").text(ui.language));
        }
    }
    ui.flush();
    exit
}
