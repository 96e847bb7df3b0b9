//! One slot, one flight: when tokens are fetched, how often, and what callers get meanwhile.

use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials;
use flex_creds::{CopyRole, CredsError};

use crate::fake::*;

const DOWN: Reply = Reply::Refuse(403, "AccessDenied", "the role is gone");

async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_make_one_call() {
    let sts = FakeSts::new();
    let role = sts.role();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let role = role.clone();
        callers.spawn(async move { role.provide_credentials().await });
    }
    while let Some(keys) = callers.join_next().await {
        let keys = keys.expect("no panic").expect("a token");
        assert!(keys.access_key_id().starts_with("ASIAROLE"));
    }
    assert_eq!((sts.assumes(), sts.count("GetCallerIdentity")), (1, 1));
    assert_eq!(role.generation(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_on_many_threads_make_one_call() {
    let sts = FakeSts::new();
    sts.world().latency = Duration::ZERO;
    let role = sts.role();
    let together = std::sync::Arc::new(tokio::sync::Barrier::new(100));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (role, together) = (role.clone(), together.clone());
        callers.spawn(async move {
            together.wait().await;
            role.session().await
        });
    }
    while let Some(session) = callers.join_next().await {
        assert_eq!(session.expect("no panic").expect("a token").generation(), 1);
    }
    assert_eq!(sts.assumes(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_token_is_renewed_at_about_80_percent_without_waiting() {
    for seed in 0..20 {
        let sts = FakeSts::new();
        fastrand::seed(seed);
        sts.world().life = Some(Duration::from_secs(10_000));
        let role = sts.role();
        role.session().await.expect("a token");
        pass(7490.0).await;
        role.session().await.expect("a token");
        pass(1.0).await;
        assert_eq!(sts.assumes(), 1, "renewed before 75 %");
        pass(1050.0).await;
        let before = sts.clock.truth();
        let old = role.session().await.expect("the old token");
        assert_eq!(sts.clock.truth(), before, "the caller had to wait");
        assert_eq!(old.generation(), 1);
        pass(1.0).await;
        assert_eq!(role.generation(), 2, "not renewed after 85 %");
        assert_eq!(sts.assumes(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn renewals_are_spread() {
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..10 {
        let sts = FakeSts::new();
        fastrand::seed(seed);
        sts.world().life = Some(Duration::from_secs(1000));
        let role = sts.role();
        while sts.assumes() < 2 {
            role.session().await.expect("a token");
            pass(1.0).await;
        }
        let at = sts.last().at.duration_since(sts.world().calls[0].at);
        moments.insert(at.expect("later").as_secs());
    }
    assert!(moments.len() > 3, "{moments:?}");
}

#[tokio::test(start_paused = true)]
async fn tokens_of_five_seconds_for_a_minute() {
    let sts = FakeSts::new();
    sts.world().life = Some(Duration::from_secs(5));
    let role = sts.role();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (role, clock) = (role.clone(), sts.clock.clone());
        callers.spawn(async move {
            for _ in 0..600 {
                let session = role.session().await.expect("always a token");
                assert!(session.expires() > Some(clock.truth()), "an expired token was given");
                pass(0.1).await;
            }
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("no failure");
    }
    let calls = sts.assumes();
    assert!((12..=18).contains(&calls), "{calls} calls in a minute");
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_old_token_in_use() {
    let sts = FakeSts::new();
    sts.world().life = Some(Duration::from_secs(1000));
    let role = sts.role();
    role.session().await.expect("a token");
    let start = sts.clock.truth();
    sts.world().assume = Some(DOWN);
    let mut served = 0;
    while sts.clock.truth() < start + Duration::from_secs(999) {
        let session = role.session().await.expect("the old token is good");
        assert_eq!(session.generation(), 1);
        served += 1;
        pass(0.5).await;
    }
    assert!(served > 1900);
    let tries = sts.assumes() - 1;
    assert!((20..=55).contains(&tries), "{tries} attempts in 150 to 250 s");

    pass(2.0).await;
    let error = role.session().await.expect_err("the token has expired");
    assert!(matches!(error, CredsError::NotAllowedToAssume { .. }), "{error}");
    // STS is back, and the first caller to ask gets a token: there is no pause to sit out.
    sts.world().assume = None;
    assert_eq!(role.session().await.expect("a new token").generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_service_keeps_nobody_waiting_while_the_token_is_good() {
    let sts = FakeSts::new();
    sts.world().life = Some(Duration::from_secs(1000));
    let role = sts.role();
    role.session().await.expect("a token");
    sts.world().assume = Some(Reply::Hang);
    pass(900.0).await;
    for _ in 0..80 {
        let before = sts.clock.truth();
        role.session().await.expect("the old token");
        assert_eq!(sts.clock.truth(), before, "the caller had to wait");
        pass(1.0).await;
    }
    pass(20.0).await;
    let before = sts.clock.truth();
    let error = role.session().await.expect_err("expired, and no answer");
    assert!(matches!(error, CredsError::Unreachable { .. }), "{error}");
    let waited = sts.clock.truth().duration_since(before).expect("later");
    assert!(waited <= Duration::from_secs(31), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_about_to_end_is_replaced_first_if_that_is_quick() {
    for (answer, want) in [(None, 2), (Some(Reply::Hang), 1), (Some(DOWN), 1)] {
        let sts = FakeSts::new();
        sts.world().life = Some(Duration::from_secs(1000));
        let role = sts.role();
        role.session().await.expect("a token");
        pass(992.0).await;
        sts.world().assume = answer.clone();
        let before = sts.clock.truth();
        let session = role.session().await.expect("a token");
        assert_eq!(session.generation(), want, "{answer:?}");
        let waited = sts.clock.truth().duration_since(before).expect("later");
        assert!(waited < Duration::from_secs(5), "{answer:?}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_first_caller_loses_nothing() {
    let sts = FakeSts::new();
    let role = sts.role();
    let first = role.session();
    tokio::select! {
        biased;
        _ = first => panic!("too early"),
        () = pass(0.02) => {}
    }
    assert_eq!(sts.world().calls.len(), 1, "the first request is under way");
    let second = role.session().await.expect("the same flight");
    assert_eq!(second.generation(), 1);
    assert_eq!((sts.assumes(), sts.count("GetCallerIdentity")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_without_callers_still_lands() {
    let sts = FakeSts::new();
    let role = sts.role();
    tokio::select! {
        biased;
        _ = role.session() => panic!("too early"),
        () = pass(0.02) => {}
    }
    pass(5.0).await;
    assert_eq!(role.generation(), 1);
}

#[test]
fn a_runtime_that_goes_away_takes_only_its_own_flight() {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let first = runtime();
    let (sts, role) = first.block_on(async {
        let sts = FakeSts::new();
        let role = sts.role();
        tokio::select! {
            biased;
            _ = role.session() => panic!("too early"),
            () = pass(0.02) => {}
        }
        (sts, role)
    });
    // The flight is still there, and nobody drives it.
    let second = runtime();
    let session = second.block_on(role.session()).expect("a flight of its own");
    assert_eq!(session.generation(), 1);
    drop(first);
    assert_eq!(role.generation(), 1);
    assert_eq!(sts.assumes(), 1);

    // Dropped in mid-flight.
    let third = runtime();
    third.block_on(async {
        tokio::select! {
            biased;
            _ = role.renew(1) => panic!("too early"),
            () = pass(0.02) => {}
        }
    });
    drop(third);
    second.block_on(role.renew(1)).expect("another flight");
    assert_eq!(role.generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn refused_tokens_are_renewed_once_for_all() {
    let sts = FakeSts::new();
    let role = sts.role();
    role.session().await.expect("a token");
    pass(10.0).await;
    let seen = role.generation();
    let mut callers = tokio::task::JoinSet::new();
    for late in 0..100_u64 {
        let role = role.clone();
        callers.spawn(async move {
            tokio::time::sleep(Duration::from_millis(late * 10)).await;
            role.renew(seen).await
        });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("no panic").expect("renewed");
    }
    assert_eq!(role.generation(), 2);
    role.session().await.expect("the new token is in use");
    assert_eq!(sts.assumes(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_given_again() {
    let sts = FakeSts::new();
    let role = sts.role();
    let old = role.credentials().await.expect("a token");
    pass(10.0).await;
    sts.world().assume = Some(DOWN);
    role.renew(1).await.expect_err("no new token");
    assert_eq!(role.generation(), 1);
    role.credentials().await.expect_err("the old one was refused");
    sts.world().assume = None;
    let new = role.credentials().await.expect("a new token");
    assert_ne!(new.access_key_id(), old.access_key_id());
    role.renew(1).await.expect("newer already");
    assert_eq!(role.generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_every_token_costs_one_call_a_second() {
    let sts = FakeSts::new();
    sts.world().latency = Duration::from_millis(1);
    let role = sts.role();
    let start = sts.clock.truth();
    role.session().await.expect("a token");
    for _ in 0..30 {
        role.renew(role.generation()).await.expect("another token");
    }
    let took = sts.clock.truth().duration_since(start).expect("later");
    assert!(took >= Duration::from_secs(30), "30 renewals in {took:?}");
    assert!(took < Duration::from_secs(32), "30 renewals in {took:?}");
}

#[tokio::test(start_paused = true)]
async fn renewing_before_the_first_token_fetches_it() {
    let sts = FakeSts::new();
    let role = sts.role();
    role.renew(role.generation()).await.expect("a token");
    assert_eq!((role.generation(), sts.assumes()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn short_trouble_is_retried_by_the_sdk() {
    let sts = FakeSts::new();
    sts.world().next.extend([Reply::Raw(503, ""), Reply::Reset]);
    sts.role().session().await.expect("the third attempt");
    assert_eq!(sts.assumes(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_lost_answer_costs_one_attempt() {
    let sts = FakeSts::new();
    sts.world().next.push_back(Reply::Hang);
    let start = sts.clock.truth();
    sts.role().session().await.expect("the second attempt");
    assert_eq!(sts.assumes(), 2);
    let took = sts.clock.truth().duration_since(start).expect("later");
    assert!(took < Duration::from_secs(13), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn long_trouble_does_not_use_up_the_retries() {
    let sts = FakeSts::new();
    let role = sts.role();
    sts.world().assume = Some(Reply::Reset);
    for failed in 1..=60 {
        role.session().await.expect_err("unreachable");
        assert_eq!(sts.assumes(), failed * 3, "an operation without retries");
    }
}

#[tokio::test(start_paused = true)]
async fn the_identity_is_loaded_once_a_renewal() {
    let sts = FakeSts::new();
    let profile = Rotating::default();
    let role = CopyRole::builder(&sts.base(profile.clone())).build().expect("good settings");
    role.session().await.expect("a token");
    assert_eq!((sts.world().calls.len(), profile.loads()), (2, 1));
    role.renew(1).await.expect("another");
    assert_eq!(profile.loads(), 2);
    assert_eq!(sts.last().access_key_id, "ASIANR1", "the newly loaded keys");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_by_hours_neither_fails_nor_storms() {
    let sts = FakeSts::new();
    sts.world().life = Some(Duration::from_secs(3600));
    sts.clock.set_ahead(Duration::from_secs(2 * 3600));
    let role = sts.role();
    let start = sts.clock.truth();
    while sts.clock.truth() < start + Duration::from_secs(3 * 3600) {
        let session = role.session().await.expect("a token");
        assert!(session.expires() > Some(sts.clock.truth()), "an expired token was given");
        pass(10.0).await;
    }
    let calls = sts.assumes();
    assert!((3..=5).contains(&calls), "{calls} calls in three hours");
}
