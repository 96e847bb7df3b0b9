//! Places in flight are used: a copy takes about as long as its requests one after the other take, shared by the places.

use std::time::Duration;

use flex_copy::CopySettings;
use flex_tests::sandbox::{Effect, Fault, ObjectSpec};

use crate::scene::{MIB, Scene};

/// As S3 answers: a request without bytes, and a part of 8 MiB.
const SHORT: Duration = Duration::from_millis(30);
const PART: Duration = Duration::from_millis(110);

/// A scene where requests take their time, and these objects of eight parts each.
fn scene(objects: u32) -> Scene {
    let scene = Scene::new();
    for (operation, time) in [
        ("ListObjectsV2", SHORT),
        ("HeadObject", SHORT),
        ("CreateMultipartUpload", SHORT),
        ("UploadPartCopy", PART),
        ("CompleteMultipartUpload", SHORT),
    ] {
        scene.world.fault(Fault::on(operation).then(Effect::Stall(time)));
    }
    for n in 0..objects {
        let key = format!("2021/05/31/20210531_1_{n:04}.pcap.gz");
        scene.put(&key, ObjectSpec::new(64 * MIB).part_size(8 * MIB));
    }
    scene
}

/// What all requests of such objects take, in one of so many places.
fn shared(objects: u32, places: u32) -> f64 {
    f64::from(objects) * (3.0 * SHORT.as_secs_f64() + 8.0 * PART.as_secs_f64()) / f64::from(places)
}

#[tokio::test(start_paused = true)]
async fn objects_by_parts_leave_no_place_idle() {
    let scene = scene(400).settings(CopySettings::builder().max_in_flight(64).build().unwrap());
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.summary.copied.values().map(|count| count.objects).sum::<u64>(), 400);
    let (took, least) = (report.summary.elapsed.as_secs_f64(), shared(400, 64));
    // And the listing, the first four objects, which go alone, and the last ones.
    assert!(took < 1.05 * least, "{took} s, of which {least} s are needed");
}

#[tokio::test(start_paused = true)]
async fn places_grow_before_the_first_parts_are_answered() {
    let scene = scene(1_000);
    let report = scene.copy(&["2021/05/31"]).await;
    assert_eq!(report.summary.copied.values().map(|count| count.objects).sum::<u64>(), 1_000);
    let (took, least) = (report.summary.elapsed.as_secs_f64(), shared(1_000, 1_024));
    // From 64 places to 1,024 it would take four rounds of parts.
    assert!(took < least + 3.5 * PART.as_secs_f64(), "{took} s, of which {least} s are needed");
}
