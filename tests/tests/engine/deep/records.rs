//! A record of what was found: what is unchanged is not read again.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use flex_copy::deep::DeepRecordError;
use flex_tests::sandbox::{ObjectSpec, VENDOR_BUCKET};
use futures::future::{BoxFuture, FutureExt};

use super::*;
use crate::scene::seconds;

/// A disk in memory, that takes so many bytes.
#[derive(Debug)]
struct Disk {
    bytes: Mutex<Vec<u8>>,
    room: usize,
}

impl Disk {
    fn new(room: usize) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::default(), room })
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("JSON is text")
    }
}

impl JournalStore for Disk {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        async { Ok(self.text().into_bytes()) }.boxed()
    }

    fn append(&self, mut bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async move {
            let mut disk = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = self.room.saturating_sub(disk.len()).min(bytes.len());
            let full = fits < bytes.len();
            bytes.truncate(fits);
            disk.extend(bytes);
            if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }
        .boxed()
    }

    fn replace(&self, _: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async { Err(io::ErrorKind::Unsupported.into()) }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cut_off_goes_on_where_it_was() {
    let scene = Scene::new();
    let keys = good_day(&scene, 30, 1000);
    scene.world.latency(seconds(1));
    let disk = Disk::new(usize::MAX);
    // Dropped in the middle, as a kill would leave it.
    let mut ended = 0;
    {
        let copier = scene.copier();
        let client =
            aws_sdk_s3::Client::from_conf(client_config(&scene.sandbox.sdk_config(&Identity::owner())).build());
        let record = copier.deep_record(disk.clone()).await.expect("it opens");
        let cancel = CancellationToken::new();
        let mut run = copier.verify_deep(&parse(&[DAY]), client, DeepSettings::default(), Some(record), cancel);
        while let Some(event) = run.next().await {
            ended += u32::from(matches!(event, DeepEvent::Object(_)));
            if ended == 11 {
                break;
            }
        }
    }
    scene.world.forget_requests();
    let told = deep_as(&scene, How::owner().store(disk.clone()), |_| {}).await;
    assert_eq!(told.summary.verified_total().objects, 30);
    let recorded = told.summary.recorded.objects;
    assert!(recorded >= u64::from(ended), "what was told is on record: {recorded}");
    assert_eq!(scene.world.count("GetObject"), 30 - recorded);
    assert!(told.ends.iter().filter(|end| end.recorded).count() as u64 == recorded);

    scene.world.forget_requests();
    let told = deep_as(&scene, How::owner().store(disk), |_| {}).await;
    assert_eq!((told.summary.recorded.objects, scene.world.count("GetObject")), (keys.len() as u64, 0));
    assert_eq!(told.summary.bytes_read, 0);
}

#[tokio::test(start_paused = true)]
async fn what_changed_or_was_not_good_is_read_again() {
    let scene = Scene::new();
    let keys = good_day(&scene, 5, 1000);
    both(&scene, &key(6), &ObjectSpec::bytes(b"no gzip".to_vec()));
    let disk = Disk::new(usize::MAX);
    deep_as(&scene, How::owner().store(disk.clone()), |_| {}).await;
    // A new copy of the same content, a new version on both sides, a copy that was destroyed.
    scene.world.put_object(MINE, &keys[1], ObjectSpec::bytes(packed(2, 1000)).part_size(100));
    both(&scene, &keys[2], &ObjectSpec::bytes(packed(33, 1000)));
    scene.world.put_object(MINE, &keys[3], ObjectSpec::bytes(packed(44, 1000)));
    scene.world.forget_requests();
    let told = deep_as(&scene, How::owner().store(disk.clone()), |_| {}).await;
    let read: Vec<String> = {
        let mut read: Vec<_> = sent(&scene, "GetObject").into_iter().map(|get| get.key).collect();
        read.sort();
        read
    };
    // The fourth differs in size already, perhaps.
    let fourth = told.verdict(&keys[3]).name();
    assert_eq!(fourth, "differs");
    assert!(read.contains(&keys[1]) && read.contains(&keys[2]) && read.contains(&key(6)), "{read:?}");
    assert!(!read.contains(&keys[0]) && !read.contains(&keys[4]), "{read:?}");
    assert_eq!(told.words()[keys[1].as_str()], "verified md5");
    assert_eq!(told.summary.recorded.objects, 2);
    assert!(!disk.text().contains(&key(6)) && disk.text().contains(&keys[0]));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_nothing_and_is_told_once() {
    let scene = Scene::new();
    good_day(&scene, 12, 1000);
    let disk = Disk::new(300);
    let told = deep_as(&scene, How::owner().store(disk.clone()), |_| {}).await;
    assert_eq!((told.summary.verified_total().objects, told.record_failed), (12, 1));
    // What is torn is not taken for whole.
    let room = Arc::new(Disk { bytes: Mutex::new(disk.text().into_bytes()), room: usize::MAX });
    let told = deep_as(&scene, How::owner().store(room), |_| {}).await;
    assert_eq!((told.summary.verified_total().objects, told.record_failed), (12, 0));
    assert!(told.summary.recorded.objects < 3);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_other_buckets_is_refused() {
    let mut scene = Scene::new();
    good_day(&scene, 1, 100);
    let disk = Disk::new(usize::MAX);
    deep_as(&scene, How::owner().store(disk.clone()), |_| {}).await;
    scene.prefix = "elsewhere".into();
    let opened = scene.copier().deep_record(disk).await;
    assert!(matches!(opened, Err(DeepRecordError::OtherBuckets { prefix, .. }) if prefix.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_compared_that_day_is_compared_another_day() {
    let scene = Scene::new();
    both(&scene, &key(1), &ObjectSpec::bytes(packed(1, 5000)).part_size(777));
    scene.world.refuse_read(VENDOR_BUCKET, &key(1));
    let disk = Disk::new(usize::MAX);
    let told = deep_as(&scene, How::owner().store(disk.clone()), |_| {}).await;
    assert_eq!(told.words()[key(1).as_str()], "not-comparable");
    scene.world.allow_read(VENDOR_BUCKET, &key(1));
    let told = deep_as(&scene, How::owner().store(disk), |_| {}).await;
    assert_eq!(told.words()[key(1).as_str()], "verified etag-layout");
}
