//! A vendor's bucket, a subscriber's bucket, a copier between them, and what a run told.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aws_types::SdkConfig;
use chrono::NaiveDate;
use flex_copy::{
    Bucket, Copier, CopyEvent, CopySettings, Notice, ObjectEnd, Outcome, Proof, RenewableCredentials, Summary, Verdict,
    VerifyEvent, VerifySummary, client_config,
};
use flex_keys::{Selection, SelectionContext, TradingCalendar};
use flex_tests::sandbox::{
    Identity, ObjectSpec, REGION, SUBSCRIBER, Sandbox, VENDOR, VENDOR_BUCKET, World, subscriber_bucket,
};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

pub(crate) const MINE: &str = "my-bucket";
pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const GIB: u64 = 1 << 30;

pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) world: World,
    pub(crate) role: Identity,
    pub(crate) settings: CopySettings,
    pub(crate) renewal: Option<Arc<dyn RenewableCredentials>>,
    pub(crate) prefix: String,
    config: Option<SdkConfig>,
}

pub(crate) struct Report {
    pub(crate) ends: Vec<ObjectEnd>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) summary: Summary,
}

impl Report {
    /// How each object ended. Fails if one was reported twice.
    pub(crate) fn outcomes(&self) -> BTreeMap<&str, &Outcome> {
        let mut outcomes = BTreeMap::new();
        for end in &self.ends {
            assert!(outcomes.insert(end.key.as_str(), &end.outcome).is_none(), "{} is reported twice", end.key);
        }
        outcomes
    }

    pub(crate) fn outcome(&self, key: &str) -> &'static str {
        self.outcomes().get(key).map_or("no end", |o| o.name())
    }

    pub(crate) fn proofs(&self) -> Vec<(Proof, u64)> {
        self.summary.copied.iter().map(|(proof, count)| (*proof, count.objects)).collect()
    }

    pub(crate) fn stopped(&self) -> String {
        self.summary.stopped.as_ref().map_or_else(String::new, |reason| format!("{reason:?}"))
    }
}

impl Scene {
    /// Two buckets and the manual's policy; nothing in them.
    pub(crate) fn new() -> Self {
        fastrand::seed(7);
        let sandbox = Sandbox::builder().in_process();
        let world = sandbox.world();
        world.create_bucket(VENDOR_BUCKET, VENDOR, REGION);
        subscriber_bucket(&world, MINE);
        let role = world.copy_role();
        Self {
            sandbox,
            world,
            role,
            settings: CopySettings::default(),
            renewal: None,
            prefix: String::new(),
            config: None,
        }
    }

    pub(crate) fn settings(mut self, settings: CopySettings) -> Self {
        self.settings = settings;
        self
    }

    /// Clients made from this configuration instead of the role's.
    pub(crate) fn config(mut self, config: SdkConfig) -> Self {
        self.config = Some(config);
        self
    }

    pub(crate) fn put(&self, key: &str, spec: ObjectSpec) {
        self.world.put_object(VENDOR_BUCKET, key, spec);
    }

    /// Small files of one day; their keys.
    pub(crate) fn day(&self, folder: &str, files: u32) -> Vec<String> {
        let name: String = folder.split('/').filter(|p| !p.is_empty()).map(|p| format!("{p:0>2}")).collect();
        (1..=files)
            .map(|n| {
                let key = format!("{folder}{name}_{n}_001.pcap.gz");
                self.put(&key, ObjectSpec::new(1000 + u64::from(n)).seed(u64::from(n)));
                key
            })
            .collect()
    }

    pub(crate) fn copier(&self) -> Copier {
        let base = self.config.clone().unwrap_or_else(|| self.sandbox.sdk_config(&self.role));
        let config = client_config(&base).identity_cache(aws_sdk_s3::config::IdentityCache::no_cache()).build();
        let client = aws_sdk_s3::Client::from_conf(config);
        let copier = Copier::new(
            Bucket::new(client.clone(), VENDOR_BUCKET).expected_owner(VENDOR),
            Bucket::new(client, MINE).expected_owner(SUBSCRIBER).prefix(&self.prefix),
            self.settings.clone(),
        );
        match &self.renewal {
            Some(renewal) => copier.credentials(renewal.clone()),
            None => copier,
        }
    }

    pub(crate) async fn copy(&self, selection: &[&str]) -> Report {
        self.copy_until(selection, CancellationToken::new(), |_| false).await
    }

    /// Cancels as soon as an event passes.
    pub(crate) async fn copy_until(
        &self,
        selection: &[&str],
        cancel: CancellationToken,
        when: impl Fn(&CopyEvent) -> bool,
    ) -> Report {
        let copier = self.copier();
        let selection = copier.resolve(parse(selection)).await.expect("the selection resolves");
        let mut run = copier.copy(&selection, cancel.clone());
        let (mut ends, mut notices, mut summary) = (Vec::new(), Vec::new(), None);
        while let Some(event) = run.next().await {
            assert!(summary.is_none(), "nothing comes after the summary");
            if when(&event) {
                cancel.cancel();
            }
            match event {
                CopyEvent::Object(end) => ends.push(end),
                CopyEvent::Notice(notice) => notices.push(notice),
                CopyEvent::Summary(last) => summary = Some(*last),
                _ => {}
            }
        }
        Report { ends, notices, summary: summary.expect("a run ends with its summary") }
    }

    pub(crate) async fn verify(&self, selection: &[&str]) -> (BTreeMap<String, Verdict>, VerifySummary) {
        let copier = self.copier();
        let selection = copier.resolve(parse(selection)).await.expect("the selection resolves");
        let mut run = copier.verify(&selection, CancellationToken::new());
        let (mut verdicts, mut summary) = (BTreeMap::new(), None);
        while let Some(event) = run.next().await {
            match event {
                VerifyEvent::Object { key, verdict, .. } => {
                    assert!(verdicts.insert(key.clone(), verdict).is_none(), "{key} is reported twice");
                }
                VerifyEvent::Summary(last) => summary = Some(*last),
                _ => {}
            }
        }
        (verdicts, summary.expect("a verification ends with its summary"))
    }

    /// Fails unless the destination has exactly these keys, each with the source's content.
    pub(crate) fn assert_copied(&self, keys: &[String]) {
        let mut want: Vec<String> = keys.iter().map(|key| format!("{}{key}", self.prefix)).collect();
        want.sort();
        assert_eq!(self.world.objects(MINE), want);
        for key in keys {
            let copy = format!("{}{key}", self.prefix);
            assert!(self.world.same_content(VENDOR_BUCKET, key, MINE, &copy), "{key} has other content");
        }
    }

    pub(crate) fn counts(&self, operations: &[&str]) -> Vec<u64> {
        operations.iter().map(|operation| self.world.count(operation)).collect()
    }
}

pub(crate) fn parse(arguments: &[&str]) -> Selection {
    let calendar = TradingCalendar::tse();
    let today = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    Selection::parse(arguments, &SelectionContext { today, calendar: &calendar, source_bucket: VENDOR_BUCKET })
        .expect("a selection")
}

pub(crate) fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
