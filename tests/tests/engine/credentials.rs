//! Tokens that end in the middle, and credentials that cannot be had.

use std::{error::Error, sync::Arc, time::Duration};

use aws_credential_types::provider::SharedCredentialsProvider;
use flex_copy::{Proof, RenewableCredentials, StopReason};
use flex_creds::CopyRole;
use flex_tests::sandbox::{Effect, Fault, Identity, ObjectSpec};
use futures::future::BoxFuture;

use crate::scene::{MIB, Scene};

struct Role(CopyRole);

impl RenewableCredentials for Role {
    fn generation(&self) -> u64 {
        self.0.generation()
    }

    fn renew(&self, refused: u64) -> BoxFuture<'_, Result<(), Box<dyn Error + Send + Sync>>> {
        Box::pin(async move { self.0.renew(refused).await.map_err(Into::into) })
    }

    fn is_transient(&self, failure: &(dyn Error + 'static)) -> bool {
        flex_creds::CredsError::find(failure).is_some_and(|e| e.is_transient())
    }
}

/// A scene whose clients assume the copy role as the manual's user.
fn assuming() -> Scene {
    let mut scene = Scene::new();
    let base = scene.sandbox.sdk_config(&Identity::copy_user());
    let role = CopyRole::builder(&base).build().unwrap();
    let config = base.into_builder().credentials_provider(SharedCredentialsProvider::new(role.clone())).build();
    scene.renewal = Some(Arc::new(Role(role)));
    scene.config(config)
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_ended_in_mid_run_is_renewed_once_for_all() {
    let scene = assuming();
    let keys = scene.day("2021/05/31/", 300);
    scene.world.latency(Duration::from_millis(20));
    scene.world.fault(Fault::on("CopyObject").nth(100).then(Effect::EndToken));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 300)], "{}", report.stopped());
    scene.assert_copied(&keys);
    assert_eq!(scene.world.count("AssumeRole"), 2, "one at the start, one renewal");
    assert!(scene.world.requests().iter().any(|r| r.code.as_deref() == Some("ExpiredToken")));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ends_before_a_head_is_renewed_though_its_answer_has_no_code() {
    let scene = assuming();
    let keys: Vec<String> = (1..=20).map(|n| format!("2021/05/31/20210531_{n}_001.pcap.gz")).collect();
    for key in &keys {
        scene.put(key, ObjectSpec::new(20 * MIB).part_size(8 * MIB));
    }
    scene.world.fault(Fault::on("HeadObject").nth(7).then(Effect::EndToken));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 20)], "{:?}", report.outcomes());
    scene.assert_copied(&keys);
    assert_eq!(scene.world.count("AssumeRole"), 2);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_seconds_are_enough_for_a_long_run() {
    let scene = assuming();
    let keys = scene.day("2021/05/31/", 600);
    scene.world.token_life(Duration::from_secs(5));
    scene.world.latency(Duration::from_secs(3));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 600)], "{}", report.stopped());
    assert_eq!(report.summary.failed.objects, 0);
    scene.assert_copied(&keys);
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_that_cannot_be_renewed_stops_the_run() {
    let scene = Scene::new();
    scene.day("2021/05/31/", 100);
    scene.world.latency(Duration::from_millis(20));
    scene.world.fault(Fault::on("CopyObject").nth(20).then(Effect::EndToken));
    let report = scene.copy(&["2021/05/31"]).await;
    assert!(matches!(report.summary.stopped.as_deref(), Some(StopReason::Credentials { .. })), "{}", report.stopped());
    assert_eq!(report.summary.failed.objects, 0, "no object fails for an expired token");
    let (done, rest) = (report.summary.copied_total().objects, report.summary.interrupted.objects);
    assert_eq!(done + rest, 100);
    assert!(done >= 4);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_assumed_stops_the_run_with_its_reason() {
    let scene = assuming();
    scene.day("2021/05/31/", 5);
    scene.world.role_exists(false);
    let report = scene.copy(&["2021/05/31"]).await;
    let Some(StopReason::Credentials { source }) = report.summary.stopped.as_deref() else {
        panic!("{}", report.stopped());
    };
    let error: &dyn Error = source;
    assert!(
        flex_creds::CredsError::find(error)
            .is_some_and(|e| matches!(e, flex_creds::CredsError::NotAllowedToAssume { .. })),
        "the reason is in the chain: {source:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn sts_out_of_reach_at_a_renewal_is_waited_out() {
    let scene = assuming();
    let keys = scene.day("2021/05/31/", 300);
    scene.world.latency(Duration::from_millis(20));
    scene.world.fault(Fault::on("CopyObject").nth(100).then(Effect::EndToken));
    scene.world.fault(Fault::on("AssumeRole").calls(2, 12).then(Effect::ResetBefore));
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.proofs(), [(Proof::Etag, 300)], "{}", report.stopped());
    scene.assert_copied(&keys);
}
