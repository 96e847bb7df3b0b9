//! Misbehaviour on demand, as an SDK client sees it.

use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use flex_tests::sandbox::{Effect, Fault, Identity, ObjectSpec, Sandbox, VENDOR_BUCKET};

use super::{KEY, MINE, copy, is, refusal, scene_with_object};

#[tokio::test]
async fn a_status_comes_for_the_nth_call_and_does_nothing() {
    let scene = scene_with_object();
    scene.world.fault(Fault::on("CopyObject").nth(2).then(Effect::SlowDown));
    scene.world.fault(Fault::on("HeadObject").then(Effect::Status(500, "InternalError")));
    copy(&scene.role, KEY).send().await.expect("the first passes");
    scene.world.remove_object(MINE, KEY);
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(503, "SlowDown"));
    assert!(scene.world.object(MINE, KEY).is_none());
    copy(&scene.role, KEY).send().await.expect("the third passes");
    // A failed HEAD has no body, whoever failed it.
    assert_eq!(refusal(scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await), is(500, ""));
    scene.world.clear_faults();
    scene.role.head_object().bucket(VENDOR_BUCKET).key(KEY).send().await.expect("faults are gone");
    assert_eq!(scene.world.count("CopyObject"), 3);
}

#[tokio::test]
async fn two_hundred_is_not_always_success() {
    let scene = scene_with_object();
    scene.world.fault(Fault::on("CopyObject").nth(1).then(Effect::Error200("InternalError")));
    scene.world.fault(Fault::on("CopyObject").nth(2).then(Effect::Empty200));
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(200, "InternalError"));
    let empty = copy(&scene.role, KEY).send().await.expect("to the SDK an empty answer is a good one");
    assert!(empty.copy_object_result().is_none());
    assert!(scene.world.object(MINE, KEY).is_none());
}

#[tokio::test]
async fn resets_come_before_or_after_the_effect() {
    let scene = scene_with_object();
    scene.world.fault(Fault::on("CopyObject").nth(1).then(Effect::ResetBefore));
    scene.world.fault(Fault::on("CopyObject").nth(2).then(Effect::ResetAfter));
    for done in [false, true] {
        let error = copy(&scene.role, KEY).send().await.expect_err("the connection breaks");
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(scene.world.object(MINE, KEY).is_some(), done);
    }
    assert_eq!(scene.world.requests().iter().map(|r| r.status).collect::<Vec<_>>(), [0, 0]);
}

#[tokio::test]
async fn answers_break_off() {
    let scene = scene_with_object();
    scene.world.fault(Fault::on("ListObjectsV2").prefix("2021/").then(Effect::Truncate));
    let error = scene.role.list_objects_v2().bucket(VENDOR_BUCKET).prefix("2021/05/").send().await.expect_err("cut");
    assert!(matches!(error, SdkError::ResponseError(_) | SdkError::DispatchFailure(_)), "{error:?}");
    scene.role.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect("another prefix is whole");
}

#[tokio::test(start_paused = true)]
async fn stalls_and_latency_take_the_worlds_time() {
    let scene = scene_with_object();
    scene.world.fault(Fault::on("CopyObject").nth(1).then(Effect::Stall(Duration::from_secs(20))));
    scene.world.fault(Fault::on("CopyObject").nth(2).then(Effect::SlowBody(Duration::from_secs(25))));
    let begin = scene.world.now();
    copy(&scene.role, KEY).send().await.expect("late, but done");
    assert_eq!(scene.world.now().duration_since(begin).expect("forward").as_secs(), 20);
    let slow = copy(&scene.role, KEY).send().await.expect("white space, then the result");
    assert!(slow.copy_object_result().and_then(|r| r.e_tag()).is_some());
    assert_eq!(scene.world.now().duration_since(begin).expect("forward").as_secs(), 45);
    scene.world.latency(Duration::from_millis(1500));
    scene.role.list_objects_v2().bucket(MINE).send().await.expect("listed");
    assert_eq!(scene.world.now().duration_since(begin).expect("forward").as_millis(), 46_500);
}

#[tokio::test]
async fn the_source_changes_under_the_copy() {
    let scene = scene_with_object();
    let before = scene.world.object(VENDOR_BUCKET, KEY).expect("stored");
    scene.world.fault(Fault::on("CopyObject").nth(1).then(Effect::ChangeSource));
    let pinned = copy(&scene.role, KEY).copy_source_if_match(&before.etag).send().await;
    assert_eq!(refusal(pinned), is(412, "PreconditionFailed"));
    let after = scene.world.object(VENDOR_BUCKET, KEY).expect("stored");
    assert_eq!(after.size, before.size);
    assert_ne!(after.etag, before.etag);
}

#[tokio::test]
async fn tokens_end_in_the_middle() {
    let scene = scene_with_object();
    scene.world.fault(Fault::on("CopyObject").nth(2).then(Effect::EndToken));
    copy(&scene.role, KEY).send().await.expect("the first passes");
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(400, "ExpiredToken"));
    assert_eq!(refusal(copy(&scene.role, KEY).send().await), is(400, "ExpiredToken"));
    copy(&scene.sandbox.s3(&scene.world.copy_role()), KEY).send().await.expect("a new token is good");
}

#[tokio::test]
async fn sts_fails_too() {
    let sandbox = Sandbox::builder().in_process();
    sandbox.world().fault(Fault::on("GetCallerIdentity").nth(1).then(Effect::Status(503, "ServiceUnavailable")));
    let sts = sandbox.sts(&Identity::owner());
    assert_eq!(refusal(sts.get_caller_identity().send().await), is(503, "ServiceUnavailable"));
    sts.get_caller_identity().send().await.expect("the second passes");
}

/// What happened in a run with faults drawn by chance.
async fn fates(seed: u64) -> Vec<(String, u16)> {
    let sandbox = Sandbox::builder().seed(seed).in_process();
    let world = sandbox.world();
    world.create_bucket("plain-bucket", flex_tests::sandbox::SUBSCRIBER, flex_tests::sandbox::REGION);
    world.fault(Fault::on("PutObject").chance(0.3).then(Effect::SlowDown));
    let owner = sandbox.s3(&Identity::owner());
    for n in 0..60 {
        let put = owner.put_object().bucket("plain-bucket").key(format!("k{n}")).body(Vec::new().into()).send().await;
        if let Err(error) = put {
            assert_eq!(error.code(), Some("SlowDown"));
        }
    }
    world.requests().into_iter().map(|request| (request.key, request.status)).collect()
}

#[tokio::test]
async fn chance_repeats_with_its_seed() {
    let (one, again, other) = (fates(1).await, fates(1).await, fates(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let struck = one.iter().filter(|(_, status)| *status == 503).count();
    assert!((8..32).contains(&struck), "{struck} of 60 at a chance of 0.3");
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_counted() {
    let scene = scene_with_object();
    scene.world.latency(Duration::from_secs(1));
    let copies: Vec<_> = (0..7).map(|n| tokio::spawn(copy(&scene.role, KEY).key(format!("k{n}")).send())).collect();
    for copy in copies {
        copy.await.expect("it ran").expect("copied");
    }
    assert_eq!(scene.world.peak_in_flight(), 7);
    assert_eq!(scene.world.peak_in_flight_of("CopyObject"), 7);
    assert_eq!(scene.world.peak_in_flight_of("HeadObject"), 0);
    // A request that its client gave up is not in flight any more.
    let given_up = tokio::time::timeout(Duration::from_millis(100), copy(&scene.role, KEY).send()).await;
    given_up.expect_err("too slow");
    scene.world.forget_requests();
    assert_eq!((scene.world.peak_in_flight(), scene.world.count("CopyObject")), (0, 0));
    scene.role.list_objects_v2().bucket(MINE).send().await.expect("listed");
    assert_eq!(scene.world.peak_in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn read_timeouts_of_clients_are_honoured_in_process() {
    let scene = scene_with_object();
    scene.world.latency(Duration::from_secs(60));
    let timeouts = aws_sdk_s3::config::timeout::TimeoutConfig::builder().read_timeout(Duration::from_secs(5)).build();
    let config = aws_sdk_s3::config::Builder::from(&scene.sandbox.sdk_config(&scene.world.copy_role()))
        .timeout_config(timeouts)
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let begin = scene.world.now();
    let error = client.list_objects_v2().bucket(VENDOR_BUCKET).send().await.expect_err("too slow");
    assert!(matches!(&error, SdkError::DispatchFailure(failure) if failure.is_timeout()), "{error:?}");
    assert_eq!(scene.world.now().duration_since(begin).expect("forward").as_secs(), 5);
}

#[tokio::test]
async fn records_are_bounded_and_counts_are_not() {
    let sandbox = Sandbox::builder().records(3).in_process();
    let world = sandbox.world();
    world.create_bucket("plain-bucket", flex_tests::sandbox::SUBSCRIBER, flex_tests::sandbox::REGION);
    world.put_object("plain-bucket", "k", ObjectSpec::new(1));
    let owner = sandbox.s3(&Identity::owner());
    for _ in 0..5 {
        owner.head_object().bucket("plain-bucket").key("k").send().await.expect("read");
    }
    assert_eq!(world.requests().len(), 3);
    assert_eq!(world.count("HeadObject"), 5);
    let first = &world.requests()[0];
    assert_eq!(first.identity, Identity::owner().arn());
    assert!(first.succeeded());
    assert!(!first.header("authorization").is_empty());
}
