//! One seed, from its planting to the owner's clean-up.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_s3::config::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use chrono::NaiveDate;
use flex_copy::{
    Bucket, Cleaner, Copier, CopyEvent, CopySettings, Journal, ObjectEnd, OnChange, RenewableCredentials, ResolveError,
    Summary, client_config,
};
use flex_creds::{CopyRole, CredsError};
use flex_keys::{Selection, SelectionContext, TradingCalendar};
use futures::StreamExt;
use futures::future::BoxFuture;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::checks::{self, Told};
use super::disk::Disk;
use super::plot::{Ending, Happening, Plot};
use super::sea::Sea;
use crate::sandbox::{
    Encryption, Identity, REGION, SUBSCRIBER, Sandbox, VENDOR, VENDOR_BUCKET, World, manual_policy, subscriber_bucket,
};

pub(crate) const MINE: &str = "my-bucket";
/// No run takes longer, in virtual time, unless it hangs.
const LONGEST_RUN: Duration = Duration::from_secs(4 * 86_400);
/// A cancelled run ends within this: what is under way is waited for, and its failures are tried again within the limits.
const LONGEST_DRAIN: Duration = Duration::from_secs(8 * 3600);

/// What a seed came to.
#[derive(Clone, Debug, Default)]
pub struct SeedReport {
    /// Breaches of what must always hold; empty when all is well.
    pub breaches: Vec<String>,
    /// Virtual time.
    pub simulated: Duration,
    /// Requests at the seam.
    pub requests: u64,
    /// Faults that struck, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Objects that were reported as copied.
    pub copied: u64,
    /// Uploads that a later run went on with.
    pub resumed: u64,
    /// Runs, the last one included.
    pub runs: u64,
    /// Equal for equal seeds: a hash of all requests, answers and ends, with their virtual times.
    pub digest: u64,
    /// All requests, when they were asked for.
    pub trace: Vec<String>,
    /// The scene, in words.
    pub plot: String,
}

#[derive(Clone)]
struct Role(CopyRole);

impl RenewableCredentials for Role {
    fn generation(&self) -> u64 {
        self.0.generation()
    }

    fn renew(&self, refused: u64) -> BoxFuture<'_, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move { self.0.renew(refused).await.map_err(Into::into) })
    }

    fn is_transient(&self, failure: &(dyn Error + 'static)) -> bool {
        CredsError::find(failure).is_some_and(CredsError::is_transient)
    }
}

/// Everything of one seed that outlives its processes.
pub(crate) struct Scene {
    pub(crate) plot: Plot,
    pub(crate) world: World,
    pub(crate) sea: Sea,
    sandbox: Sandbox,
    disk: Disk,
    pub(crate) selection: Selection,
    /// What the destination held before the first run and the vendor does not have.
    pub(crate) extras: BTreeMap<String, String>,
}

/// Runs one seed.
///
/// # Panics
/// When no runtime can be made.
pub fn simulate(seed: u64, trace: bool) -> SeedReport {
    // Retry jitter, the identity cache's jitter and invocation ids draw on this thread's generator.
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(Scene::run(seed, trace))
}

impl Scene {
    fn plant(seed: u64, trace: bool) -> Self {
        let plot = Plot::new(seed);
        let sandbox = Sandbox::builder().seed(seed).records(0).in_process();
        let world = sandbox.world();
        world.create_bucket(VENDOR_BUCKET, VENDOR, REGION);
        subscriber_bucket(&world, MINE);
        if plot.kms {
            world.bucket_encryption(MINE, Encryption::Kms, true);
        }
        world.deny_parts(plot.denies_parts);
        world.page_size(plot.page_size);
        world.token_life(plot.token_life);
        for object in &plot.objects {
            world.put_object(VENDOR_BUCKET, &object.key, object.spec(object.content));
            if let Some(copy) = object.copy() {
                world.put_object(MINE, &format!("{}{}", plot.prefix, object.key), copy);
            }
            if object.refused {
                world.refuse_read(VENDOR_BUCKET, &object.key);
            }
        }
        let mut extras = BTreeMap::new();
        for key in &plot.extras {
            let key = format!("{}{key}", plot.prefix);
            world.put_object(MINE, &key, crate::sandbox::ObjectSpec::new(77).seed(1234));
            if let Some(object) = world.object(MINE, &key) {
                extras.insert(key, object.etag);
            }
        }
        let sea = Sea::new(&plot, &world, sandbox.front(), trace);
        let calendar = TradingCalendar::tse();
        let today = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap_or_default();
        let context = SelectionContext { today, calendar: &calendar, source_bucket: VENDOR_BUCKET };
        let selection = Selection::parse(&plot.selection, &context).expect("the selections of a plot are well formed");
        Self { disk: Disk::new(sea.clone()), plot, world, sea, sandbox, selection, extras }
    }

    async fn run(seed: u64, trace: bool) -> SeedReport {
        let scene = Self::plant(seed, trace);
        let mut report = SeedReport { plot: format!("{:#?}", scene.plot), ..SeedReport::default() };
        let happenings = tokio::spawn(happen(scene.world.clone(), scene.sea.clone(), scene.plot.clone()));
        for ending in &scene.plot.runs {
            let told = scene.process(*ending, scene.plot.wishes.settings()).await;
            scene.judge(&told, &mut report, false);
        }
        happenings.abort();
        let _ = happenings.await;
        scene.calm();
        // What the weather left may need one run to be listed anew: an outage limit, a token that has ended.
        let settings = CopySettings::builder()
            .max_in_flight(scene.plot.wishes.max_in_flight)
            .listing_ahead(scene.plot.wishes.listing_ahead)
            .on_change(OnChange::Copy)
            .recopy_size_only(true)
            .copy_markers(scene.plot.wishes.copy_markers)
            .proof(scene.plot.wishes.proof)
            .build();
        let told = scene.process(Ending::ByItself, settings.expect("settings within their limits")).await;
        scene.judge(&told, &mut report, true);
        checks::known_uploads(&scene, &scene.disk.records(), &mut report.breaches);
        scene.clean(&mut report).await;
        report.breaches.extend(scene.sea.breaches());
        report.simulated = scene.sea.elapsed();
        (report.requests, report.faults) = scene.sea.counts();
        report.digest = scene.sea.digest();
        report.trace = scene.sea.trace();
        report
    }

    fn calm(&self) {
        self.sea.calm();
        self.world.skew(0);
        self.world.token_life(Duration::from_secs(43_200));
        self.world.put_bucket_policy(MINE, &manual_policy(MINE));
    }

    fn judge(&self, told: &Told, report: &mut SeedReport, last: bool) {
        report.runs += 1;
        report.copied += told.copied();
        report.resumed += told.resumed;
        checks::of_a_run(self, told, &mut report.breaches);
        if last {
            checks::of_the_end(self, told, &mut report.breaches);
        }
    }

    /// One process: from its first request to its summary, or to its death.
    async fn process(&self, ending: Ending, settings: CopySettings) -> Told {
        let dies_at = if let Ending::Death(n) = ending { Some(n) } else { None };
        self.sea.begin(dies_at, self.plot.journal.then(|| self.disk.clone()));
        self.sea.note(&format!("a run begins, {ending:?}"));
        let mut told = Told::new(&ending);
        let life = timeout(LONGEST_RUN, self.live(ending, settings, &mut told));
        let ended = tokio::select! {
            biased;
            () = self.sea.death() => Ok(()),
            ended = life => ended.map(|_| ()),
        };
        told.hung = ended.is_err();
        told.peak = self.sea.peak();
        // A run that is dropped ends its tasks by and by: those that were woken before may be polled once more.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        self.sea.over();
        told
    }

    async fn live(&self, ending: Ending, settings: CopySettings, told: &mut Told) {
        let base = self.sandbox.sdk_config(&Identity::copy_user()).into_builder();
        let base = base.http_client(SharedHttpClient::new(self.sea.clone())).build();
        let Ok(role) = CopyRole::builder(&base).build() else { return };
        if self.plot.assumes_first && role.session().await.is_err() {
            return;
        }
        let config = base.into_builder().credentials_provider(SharedCredentialsProvider::new(role.clone())).build();
        let s3 = client_config(&config).identity_cache(IdentityCache::no_cache()).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let mut copier = Copier::new(
            Bucket::new(s3.clone(), VENDOR_BUCKET).expected_owner(VENDOR),
            Bucket::new(s3, MINE).expected_owner(SUBSCRIBER).prefix(self.plot.prefix),
            settings,
        )
        .credentials(Arc::new(Role(role)));
        if self.plot.journal
            && let Ok(journal) = Journal::open(Arc::new(self.disk.clone())).await
        {
            copier = copier.journal(journal);
        }
        let selection = match copier.resolve(self.selection.clone()).await {
            Ok(selection) => selection,
            Err(ResolveError::Stopped(reason)) => {
                told.stopped_before = Some(format!("{reason:?}"));
                return;
            }
            Err(error) => {
                told.unresolved = Some(error.to_string());
                return;
            }
        };
        told.selection = Some(selection.clone());
        let cancel = CancellationToken::new();
        let mut run = copier.copy(&selection, cancel.clone());
        let leaves_after = match ending {
            Ending::CancelAfter(after) | Ending::DropAfter(after) => Some(after),
            _ => None,
        };
        let leaves = tokio::time::sleep(leaves_after.unwrap_or(2 * LONGEST_RUN));
        tokio::pin!(leaves);
        let mut cancelled_at = None;
        let mut events = 0;
        let mut queue = 0_u64;
        loop {
            let event = tokio::select! {
                biased;
                () = &mut leaves, if leaves_after.is_some() && cancelled_at.is_none() => {
                    if matches!(ending, Ending::DropAfter(_)) {
                        self.sea.struck("dropped-run");
                        return;
                    }
                    None
                }
                event = run.next() => Some(event),
            };
            events += 1;
            match ending {
                Ending::DropAt(n) if events > n => {
                    self.sea.struck("dropped-run");
                    return;
                }
                Ending::CancelAt(n) if events > n && cancelled_at.is_none() => {
                    self.sea.struck("cancelled-run");
                    cancel.cancel();
                    cancelled_at = Some(self.sea.elapsed());
                }
                _ => {}
            }
            match event {
                None => {
                    self.sea.struck("cancelled-run");
                    cancel.cancel();
                    cancelled_at = Some(self.sea.elapsed());
                }
                Some(Some(CopyEvent::Object(end))) => {
                    self.sea.note(&format!("{} {}", end.outcome.name(), end.key));
                    if !matches!(end.outcome.name(), "identical" | "kept" | "archived" | "marker") {
                        queue = queue.saturating_sub(1);
                    }
                    told.ends.push(end);
                }
                Some(Some(CopyEvent::Summary(summary))) => {
                    self.sea.over();
                    told.summary = Some(*summary);
                    if let Some(at) = cancelled_at
                        && self.sea.elapsed().saturating_sub(at) > LONGEST_DRAIN
                    {
                        self.sea.broken(format!("a cancelled run took {:?} to end", self.sea.elapsed() - at));
                    }
                }
                Some(Some(CopyEvent::Notice(notice))) => {
                    if matches!(notice, flex_copy::Notice::Resumed { .. }) {
                        told.resumed += 1;
                    }
                }
                Some(Some(CopyEvent::Listed { to_copy, .. })) => {
                    queue += to_copy;
                    told.peak_queue = told.peak_queue.max(queue);
                }
                Some(Some(_)) => {}
                Some(None) => return,
            }
        }
    }

    /// The owner's clean-up, which must leave nothing.
    async fn clean(&self, report: &mut SeedReport) {
        self.sea.begin(None, None);
        let config = self.sandbox.sdk_config(&Identity::owner());
        let s3 = aws_sdk_s3::Client::from_conf(client_config(&config).build());
        let bucket = Bucket::new(s3, MINE).expected_owner(SUBSCRIBER).prefix(self.plot.prefix);
        let cleaner = Cleaner::new(bucket, &CopySettings::default());
        match cleaner.find().await {
            Ok(found) => {
                for upload in found {
                    if let Err(failure) = cleaner.abort(&upload).await {
                        report.breaches.push(format!("the owner cannot end {}: {failure}", upload.key));
                    }
                }
            }
            Err(reason) => report.breaches.push(format!("the owner cannot find uploads: {reason}")),
        }
        for upload in self.world.open_uploads(MINE) {
            report.breaches.push(format!("orphan: an upload of {} is left after the clean-up", upload.key));
        }
    }

    /// Whether a key was readable from the beginning to the end.
    pub(crate) fn was_always_readable(&self, key: &str) -> bool {
        self.plot.objects.iter().enumerate().filter(|(_, object)| object.key == key).all(|(n, object)| {
            let ever = |event: &(Duration, Happening)| matches!(event.1, Happening::Refuse(which) if which == n);
            !object.refused && !self.plot.events.iter().any(ever)
        })
    }

    pub(crate) fn destination_key(&self, key: &str) -> String {
        format!("{}{key}", self.plot.prefix)
    }
}

/// What happens to the world while runs go on.
async fn happen(world: World, sea: Sea, plot: Plot) {
    for (at, what) in &plot.events {
        tokio::time::sleep(at.saturating_sub(sea.elapsed())).await;
        sea.note(&format!("it happens: {what:?}"));
        let object = |n: &usize| plot.objects.get(*n);
        match what {
            Happening::PolicyRemoved => {
                world.delete_bucket_policy(MINE);
                sea.struck("policy-removed");
            }
            Happening::PolicyBack => world.put_bucket_policy(MINE, &manual_policy(MINE)),
            Happening::Skew(seconds) => {
                world.skew(*seconds);
                if *seconds != 0 {
                    sea.struck("clock-skew");
                }
            }
            Happening::EndTokens => {
                world.end_tokens();
                sea.struck("ended-tokens");
            }
            Happening::Change(n) => {
                if let Some(object) = object(n) {
                    world.put_object(VENDOR_BUCKET, &object.key, object.spec(object.content + 1_000_000));
                    sea.struck("changed-source");
                }
            }
            Happening::ChangeSize(n) => {
                if let Some(object) = object(n).filter(|object| !object.is_marker()) {
                    let spec = crate::sandbox::ObjectSpec::new(object.size / 2 + 1).seed(object.content + 2_000_000);
                    world.put_object(VENDOR_BUCKET, &object.key, spec);
                    sea.struck("changed-source");
                }
            }
            Happening::Vanish(n) => {
                if let Some(object) = object(n).filter(|object| !object.is_spec()) {
                    world.remove_object(VENDOR_BUCKET, &object.key);
                    sea.struck("vanished-source");
                }
            }
            Happening::Refuse(n) => {
                if let Some(object) = object(n) {
                    world.refuse_read(VENDOR_BUCKET, &object.key);
                    sea.struck("refused-key");
                }
            }
            Happening::Admit(n) => {
                if let Some(object) = object(n) {
                    world.allow_read(VENDOR_BUCKET, &object.key);
                }
            }
        }
    }
}

impl Told {
    fn new(ending: &Ending) -> Self {
        Self { ending: format!("{ending:?}"), ..Self::default() }
    }

    fn copied(&self) -> u64 {
        self.ends.iter().filter(|end| end.outcome.name() == "copied").count() as u64
    }
}

/// The keys that a run reported, and how often.
pub(crate) fn reported(ends: &[ObjectEnd]) -> (BTreeSet<&str>, Vec<&str>) {
    let (mut keys, mut twice) = (BTreeSet::new(), Vec::new());
    for end in ends {
        if !keys.insert(end.key.as_str()) {
            twice.push(end.key.as_str());
        }
    }
    (keys, twice)
}

/// The summary's sums, to compare with the events.
pub(crate) fn sums(summary: &Summary) -> BTreeMap<&'static str, u64> {
    [
        ("copied", summary.copied_total()),
        ("identical", summary.identical),
        ("kept", summary.kept),
        ("change-kept", summary.changes_kept),
        ("not-entitled", summary.not_entitled),
        ("archived", summary.archived),
        ("marker", summary.markers),
        ("changed-meanwhile", summary.changed_meanwhile),
        ("failed", summary.failed),
    ]
    .into_iter()
    .map(|(name, count)| (name, count.objects))
    .collect()
}
