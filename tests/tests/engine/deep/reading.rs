//! Bodies that break off, stand still or are refused; limits; cancelling.

use std::time::Duration;

use flex_copy::{CopySettings, StopReason, deep::DeepVerdict};
use flex_tests::sandbox::{Effect, Fault, ObjectSpec, VENDOR_BUCKET};
use tokio::time::Instant;

use super::*;
use crate::scene::seconds;

fn settings(objects: usize) -> DeepSettings {
    DeepSettings::builder().max_in_flight(objects).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_gone_on_with_and_hashed_once() {
    let scene = Scene::new();
    let key = good_day(&scene, 1, 400_000).remove(0);
    let size = scene.world.object(MINE, &key).expect("it is there").size;
    scene.world.fault(Fault::on("GetObject").first(2).then(Effect::Truncate));
    let told = deep(&scene).await;
    assert_eq!(told.words()[key.as_str()], "verified md5");
    let ranges: Vec<String> = sent(&scene, "GetObject").iter().map(|get| get.header("range").to_owned()).collect();
    let (half, most) = (size / 2, size / 2 + (size - size / 2) / 2);
    assert_eq!(ranges, [String::new(), format!("bytes={half}-"), format!("bytes={most}-")]);
    assert_eq!((told.summary.bytes_read, told.summary.resumed), (size, 2), "no byte is read twice");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_noticed() {
    let scene = Scene::new();
    let key = good_day(&scene, 1, 400_000).remove(0);
    scene.world.fault(Fault::on("GetObject").first(1).then(Effect::StallBody(seconds(3600))));
    let start = Instant::now();
    let told = deep(&scene).await;
    assert_eq!(told.words()[key.as_str()], "verified md5");
    assert!(start.elapsed() < seconds(60), "{:?}", start.elapsed());
    assert_eq!(told.summary.resumed, 1);
    // A short rest is none.
    scene.world.fault(Fault::on("GetObject").then(Effect::StallBody(seconds(20))));
    assert_eq!(deep(&scene).await.summary.resumed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_does_not_hold_a_run_for_ever() {
    let scene = Scene::new();
    let key = good_day(&scene, 1, 4000).remove(0);
    scene.world.fault(Fault::on("GetObject").first(2).then(Effect::TrickleBody(seconds(20))));
    let start = Instant::now();
    let told = deep(&scene).await;
    assert_eq!(told.words()[key.as_str()], "verified md5");
    assert!(start.elapsed() < seconds(300), "{:?}", start.elapsed());
    let size = told.summary.verified_total().bytes;
    // What came too late is asked for again.
    assert_eq!((told.summary.resumed, told.summary.bytes_read), (2, size));
    scene.world.fault(Fault::on("GetObject").then(Effect::TrickleBody(seconds(20))));
    let told = deep(&scene).await;
    let DeepVerdict::Failed(failure) = told.verdict(&key) else { panic!("{:?}", told.words()) };
    assert!(failure.to_string().contains("1000 bytes a second"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_service_is_survived() {
    for effect in [
        Effect::Status(500, "InternalError"),
        Effect::SlowDown,
        Effect::ResetBefore,
        Effect::ResetAfter,
        Effect::Truncate,
        Effect::Empty200,
        Effect::Error200("InternalError"),
        Effect::Error200("SomethingElse"),
        Effect::Stall(seconds(3600)),
        Effect::StallBody(seconds(3600)),
    ] {
        for operation in ["GetObject", "HeadObject", "ListObjectsV2"] {
            // A listing or a HEAD has no early 200.
            if operation != "GetObject" && matches!(effect, Effect::Empty200 | Effect::Error200(_)) {
                continue;
            }
            let scene = Scene::new();
            let keys = good_day(&scene, 6, 2000);
            both(&scene, &key(7), &ObjectSpec::bytes(packed(7, 2000)).part_size(500));
            scene.world.fault(Fault::on(operation).first_of_each_key(2).then(effect.clone()));
            let told = deep(&scene).await;
            let verified = told.summary.verified_total().objects;
            assert_eq!(
                verified,
                keys.len() as u64 + 1,
                "{operation} {effect:?}: {} {:?}",
                told.stopped(),
                told.words()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_always_breaks_off_fails_within_bounds_and_the_rest_is_verified() {
    let scene = Scene::new();
    let keys = good_day(&scene, 5, 3000);
    // Nothing of an empty half ever comes: no progress is made.
    both(&scene, &key(9), &ObjectSpec::bytes(vec![1]));
    scene.world.fault(Fault::on("GetObject").key(key(9)).then(Effect::Truncate));
    let told = deep(&scene).await;
    assert_eq!(told.summary.verified_total().objects, keys.len() as u64);
    let DeepVerdict::Failed(failure) = told.verdict(&key(9)) else { panic!("{:?}", told.words()) };
    assert!(failure.to_string().contains("broke off") && failure.to_string().contains("of 1 bytes"), "{failure}");
    let tries = sent(&scene, "GetObject").iter().filter(|get| get.key == key(9)).count();
    assert_eq!(tries, flex_copy::DEFAULT_ATTEMPTS as usize);
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_overwritten_meanwhile_is_not_judged() {
    let scene = Scene::new();
    let keys = good_day(&scene, 3, 1000);
    scene.world.latency(seconds(1));
    let mut ended = 0;
    let told = deep_as(&scene, How::owner().settings(settings(1)), |event| {
        if let DeepEvent::Object(_) = event {
            ended += 1;
            match ended {
                1 => scene.world.put_object(MINE, &keys[1], ObjectSpec::bytes(packed(77, 1000))),
                2 => assert!(scene.world.remove_object(MINE, &keys[2])),
                _ => {}
            }
        }
    })
    .await;
    let words: Vec<String> = told.words().into_values().collect();
    assert_eq!(words, ["verified md5", "changed-meanwhile", "changed-meanwhile"]);
    let details: Vec<_> = [&keys[1], &keys[2]]
        .map(|key| match told.verdict(key) {
            DeepVerdict::ChangedMeanwhile { detail } => *detail,
            other => panic!("{other:?}"),
        })
        .into();
    assert!(details[0].contains("another version") && details[1].contains("any more"), "{details:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_changes_meanwhile_is_not_held_against_the_copy() {
    let scene = Scene::new();
    let spec = |seed| ObjectSpec::bytes(packed(seed, 1000)).part_size(300);
    for number in 1..=3 {
        both(&scene, &key(number), &spec(number.into()));
    }
    scene.world.latency(seconds(1));
    let mut ended = false;
    let told = deep_as(&scene, How::owner().settings(settings(1)), |event| {
        if let DeepEvent::Object(_) = event
            && !std::mem::replace(&mut ended, true)
        {
            scene.put(&key(3), spec(99));
        }
    })
    .await;
    assert_eq!(told.words()[key(3).as_str()], "changed-meanwhile");
}

#[tokio::test(start_paused = true)]
async fn an_identity_without_the_right_stops_the_run_at_once() {
    let scene = Scene::new();
    good_day(&scene, 60, 100);
    let how = How { identity: scene.role.clone(), ..How::owner() };
    let told = deep_as(&scene, how.settings(settings(32)), |_| {}).await;
    let stopped = told.summary.stopped.as_deref();
    assert!(
        matches!(stopped, Some(StopReason::DestinationNotReadable { bucket, .. }) if bucket == MINE),
        "{stopped:?}"
    );
    assert!(scene.world.count("GetObject") <= 4, "{}", scene.world.count("GetObject"));
    assert_eq!(told.summary.verified_total().objects, 0);
    assert_eq!(told.summary.listed_total().objects, 60, "all the rest is interrupted");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_others_were_granted_is_the_object_s_own() {
    let scene = Scene::new();
    let keys = good_day(&scene, 4, 100);
    scene.world.fault(Fault::on("GetObject").key(keys[2].clone()).then(Effect::Status(403, "AccessDenied")));
    let told = deep_as(&scene, How::owner().settings(settings(1)), |_| {}).await;
    assert_eq!(told.summary.verified_total().objects, 3);
    assert!(matches!(told.verdict(&keys[2]), DeepVerdict::Failed(_)));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_fails_is_a_failure_and_no_verdict_on_the_copy() {
    let scene = Scene::new();
    both(&scene, &key(1), &ObjectSpec::bytes(packed(1, 1000)).part_size(300));
    scene.world.fault(Fault::on("HeadObject").then(Effect::Status(400, "BadRequest")));
    assert_eq!(deep(&scene).await.words()[key(1).as_str()], "failed");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_proves_nothing() {
    let scene = Scene::new();
    good_day(&scene, 3, 100);
    scene.world.delete_bucket_policy(MINE);
    let told = deep(&scene).await;
    assert!(told.ends.is_empty() && !told.summary.listing_complete);
    assert!(matches!(told.summary.stopped.as_deref(), Some(StopReason::DestinationNotListable { .. })));
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_and_so_many_bytes_a_second_and_no_more() {
    let scene = Scene::new();
    good_day(&scene, 30, 40_000);
    scene.world.latency(Duration::from_millis(50));
    let told = deep_as(&scene, How::owner(), |_| {}).await;
    assert_eq!(told.summary.verified_total().objects, 30);
    assert_eq!(scene.world.peak_in_flight_of("GetObject"), 4, "the default");
    let limited = DeepSettings::builder().max_in_flight(2).bytes_per_second(50_000).build().unwrap();
    let bytes = told.summary.bytes_read;
    scene.world.forget_requests();
    let start = Instant::now();
    let told = deep_as(&scene, How::owner().settings(limited), |_| {}).await;
    let (took, want) = (start.elapsed().as_secs_f64(), bytes as f64 / 50_000.0);
    assert_eq!(told.summary.verified_total().objects, 30);
    assert!((want - 0.2..want + 2.0).contains(&took), "{took} s for {want}");
    assert!(scene.world.peak_in_flight_of("GetObject") <= 2);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_reading_and_counts_the_rest() {
    let scene = Scene::new();
    good_day(&scene, 40, 10_000);
    scene.world.latency(seconds(1));
    let how = How::owner();
    let cancel = how.cancel.clone();
    let told = deep_as(&scene, how, |event| {
        if matches!(event, DeepEvent::Object(_)) {
            cancel.cancel();
        }
    })
    .await;
    assert!(told.summary.cancelled && told.summary.stopped.is_none());
    let verified = told.summary.verified_total().objects;
    assert!((1..=8).contains(&verified), "{verified}");
    assert_eq!(told.summary.listed_total().objects, 40);
    assert_eq!(told.summary.interrupted.objects, 40 - verified);
}

#[tokio::test(start_paused = true)]
async fn names_that_the_filter_leaves_out_are_not_read() {
    let only: flex_copy::NameFilter = std::sync::Arc::new(|name: &str| name.contains("_2_"));
    let scene = Scene::new().settings(CopySettings::builder().filter(only).build().unwrap());
    good_day(&scene, 3, 100);
    let told = deep(&scene).await;
    assert_eq!(told.words().into_keys().collect::<Vec<_>>(), [key(2).as_str()]);
    assert_eq!(scene.world.count("GetObject"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_out_and_said() {
    let scene = Scene::new();
    good_day(&scene, 6, 100);
    scene.world.latency(seconds(1));
    scene.world.fault(Fault::on("GetObject").calls(3, 40).then(Effect::ResetBefore));
    let told = deep(&scene).await;
    assert_eq!(told.summary.verified_total().objects, 6, "{} {:?}", told.stopped(), told.words());
    assert!(told.notices.iter().any(|notice| matches!(notice, Notice::Waiting { .. })));
    assert!(scene.world.count("HeadObject") == 0 && scene.world.objects(VENDOR_BUCKET).len() == 6);
}
