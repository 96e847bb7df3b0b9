//! The journal: what a killed run leaves is resumed or ended by the next, and nobody is left with unknown uploads.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use flex_copy::{
    Bucket, Cleaner, Copier, CopyEvent, CopySettings, Journal, JournalStore, Notice, Outcome, Proof, StopReason,
    Summary, client_config, journal::JournalRecord,
};
use flex_tests::sandbox::{Effect, Fault, Identity, ObjectSpec, SUBSCRIBER, VENDOR_BUCKET, World};
use futures::{FutureExt, StreamExt, future::BoxFuture};
use tokio_util::sync::CancellationToken;

use crate::scene::{MIB, MINE, Scene, parse};

const KEY: &str = "2021/05/31/20210531_1_001.pcap.gz";
const DAY: &str = "2021/05/31";

/// A disk in memory. It writes down what the world had been asked when a write was durable.
#[derive(Debug, Default)]
struct Disk {
    bytes: Mutex<Vec<u8>>,
    /// Appends that succeed before the disk is full.
    room: Mutex<Option<u32>>,
    world: Option<World>,
    /// For each write: creations and parts asked for before it was durable, and its bytes.
    writes: Mutex<Vec<(u64, u64, Vec<u8>)>>,
}

impl Disk {
    fn take_room(&self) -> io::Result<()> {
        match &mut *self.room.lock().unwrap() {
            None => Ok(()),
            Some(0) => Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device")),
            Some(room) => {
                *room -= 1;
                Ok(())
            }
        }
    }

    fn note(&self, bytes: &[u8]) {
        if let Some(world) = &self.world {
            let asked = (world.count("CreateMultipartUpload"), world.count("UploadPartCopy"));
            self.writes.lock().unwrap().push((asked.0, asked.1, bytes.to_vec()));
        }
    }
}

impl JournalStore for Disk {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        async { Ok(self.bytes.lock().unwrap().clone()) }.boxed()
    }

    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async move {
            // Long enough that a request which did not wait would be seen before it.
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.take_room()?;
            self.note(&bytes);
            self.bytes.lock().unwrap().extend(bytes);
            Ok(())
        }
        .boxed()
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async move {
            self.take_room()?;
            self.note(&bytes);
            *self.bytes.lock().unwrap() = bytes;
            Ok(())
        }
        .boxed()
    }
}

async fn journal(disk: &Arc<Disk>) -> Journal {
    Journal::open(disk.clone()).await.expect("the journal opens")
}

/// Copies with a journal, to the end.
async fn copy(scene: &Scene, disk: &Arc<Disk>) -> (Vec<Notice>, Summary) {
    let copier = scene.copier().journal(journal(disk).await);
    run(&copier, DAY).await
}

async fn run(copier: &Copier, selection: &str) -> (Vec<Notice>, Summary) {
    let mut run = copier.copy(&parse(&[selection]), CancellationToken::new());
    let mut notices = Vec::new();
    while let Some(event) = run.next().await {
        match event {
            CopyEvent::Notice(notice) => notices.push(notice),
            CopyEvent::Summary(summary) => return (notices, *summary),
            _ => {}
        }
    }
    panic!("a run ends with its summary");
}

/// A run that dies once the requests have been answered that are answered at all: the others take an hour.
async fn killed(scene: &Scene, disk: &Arc<Disk>) {
    let copier = scene.copier().journal(journal(disk).await);
    let mut run = copier.copy(&parse(&[DAY]), CancellationToken::new());
    let end = async { while run.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(50), end).await.expect_err("the run is held up");
}

/// One object of ten parts, of which `parts` are stored when the run is killed.
async fn killed_after_parts(parts: u64) -> (Scene, Arc<Disk>) {
    let scene = Scene::new().settings(CopySettings::builder().max_in_flight(1).build().unwrap());
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    let hour = Effect::Stall(Duration::from_secs(3600));
    // The last of them is stored, but its answer never comes.
    scene.world.fault(Fault::on("UploadPartCopy").calls(parts, u64::MAX).then(hour));
    let disk = Arc::new(Disk::default());
    killed(&scene, &disk).await;
    assert_eq!(scene.world.open_uploads(MINE)[0].parts.len() as u64, parts);
    scene.world.clear_faults();
    scene.world.forget_requests();
    (scene, disk)
}

fn cleaner(scene: &Scene) -> Cleaner {
    let config = scene.sandbox.sdk_config(&Identity::owner());
    let client = aws_sdk_s3::Client::from_conf(client_config(&config).build());
    Cleaner::new(Bucket::new(client, MINE).expected_owner(SUBSCRIBER), &CopySettings::default())
}

#[tokio::test(start_paused = true)]
async fn a_killed_multipart_copy_goes_on_with_the_parts_it_has() {
    for parts in [1, 4, 10] {
        let (scene, disk) = killed_after_parts(parts).await;
        let (notices, summary) = copy(&scene, &disk).await;
        assert_eq!(scene.counts(&["CreateMultipartUpload", "ListParts", "UploadPartCopy"]), [0, 1, 10 - parts]);
        assert_eq!(summary.copied[&Proof::Etag].objects, 1, "{parts}");
        let told =
            notices.iter().any(|n| matches!(n, Notice::Resumed { kept, parts: 10, .. } if u64::from(*kept) == parts));
        assert!(told, "{notices:?}");
        scene.assert_copied(&[KEY.into()]);
        assert!(scene.world.open_uploads(MINE).is_empty() && summary.open_uploads.is_empty());
        // At rest the journal knows nothing any more.
        let journal = journal(&disk).await;
        assert!(journal.open_uploads().is_empty() && journal.lost_creates().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_journal_nothing_is_resumed() {
    let (scene, _) = killed_after_parts(4).await;
    let summary = scene.copy(&[DAY]).await.summary;
    assert_eq!(scene.counts(&["CreateMultipartUpload", "ListParts", "UploadPartCopy"]), [1, 0, 10]);
    assert_eq!(summary.open_uploads, [], "it cannot know");
    assert_eq!(scene.world.open_uploads(MINE).len(), 1, "so the killed run's stays");
}

#[tokio::test(start_paused = true)]
async fn an_upload_of_another_version_of_the_source_is_ended_and_the_object_copied_anew() {
    let (scene, disk) = killed_after_parts(4).await;
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB).seed(99));
    let (notices, summary) = copy(&scene, &disk).await;
    assert_eq!(scene.counts(&["CreateMultipartUpload", "ListParts", "UploadPartCopy"]), [1, 0, 10]);
    assert!(notices.iter().any(|n| matches!(n, Notice::UploadAborted { .. })), "{notices:?}");
    assert_eq!(summary.copied[&Proof::Etag].objects, 1);
    scene.assert_copied(&[KEY.into()]);
    assert!(scene.world.open_uploads(MINE).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_object_is_there_meanwhile_is_ended() {
    let (scene, disk) = killed_after_parts(4).await;
    // Somebody else has copied it: a run without the journal.
    scene.copy(&[DAY]).await;
    assert_eq!(scene.world.open_uploads(MINE).len(), 1);
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!(summary.identical.objects, 1);
    assert!(scene.world.open_uploads(MINE).is_empty() && summary.open_uploads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_was_completed_before_its_run_was_killed_is_not_told_as_ended() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    let disk = Arc::new(Disk::default());
    let copier = scene.copier().journal(journal(&disk).await);
    let mut first = copier.copy(&parse(&[DAY]), CancellationToken::new());
    // Gone before the end of the upload is on disk.
    while !matches!(first.next().await, Some(CopyEvent::Object(_))) {}
    drop((first, copier));
    assert_eq!(journal(&disk).await.open_uploads().len(), 1, "as the disk has it");
    let (notices, summary) = copy(&scene, &disk).await;
    assert_eq!((summary.identical.objects, scene.world.count("AbortMultipartUpload")), (1, 1));
    assert!(!notices.iter().any(|n| matches!(n, Notice::UploadAborted { .. })), "{notices:?}");
    assert_eq!(journal(&disk).await.open_uploads(), []);
}

/// Three objects by parts, each with an upload that a killed run left and a copy that another run made.
async fn stale_uploads() -> (Scene, Arc<Disk>) {
    let scene = Scene::new();
    for number in 1..=3 {
        scene.put(&format!("{DAY}/20210531_{number}_001.pcap.gz"), ObjectSpec::new(24 * MIB).part_size(8 * MIB));
    }
    scene.world.fault(Fault::on("UploadPartCopy").then(Effect::Stall(Duration::from_secs(3600))));
    let disk = Arc::new(Disk::default());
    killed(&scene, &disk).await;
    scene.world.clear_faults();
    scene.copy(&[DAY]).await;
    assert_eq!(scene.world.open_uploads(MINE).len(), 3);
    scene.world.forget_requests();
    (scene, disk)
}

#[tokio::test(start_paused = true)]
async fn stale_uploads_are_left_when_the_service_is_away_and_do_not_hold_the_end_up_one_by_one() {
    let (scene, disk) = stale_uploads().await;
    scene.world.fault(Fault::on("AbortMultipartUpload").then(Effect::ResetBefore));
    let begun = tokio::time::Instant::now();
    let (notices, summary) = copy(&scene, &disk).await;
    assert!(begun.elapsed() < Duration::from_secs(400), "{:?}", begun.elapsed());
    assert_eq!((summary.identical.objects, summary.open_uploads.len()), (3, 3));
    assert!(notices.iter().any(|n| matches!(n, Notice::UploadLeft { .. })), "{notices:?}");
    // Nothing is forgotten: the next run ends them.
    scene.world.clear_faults();
    let (_, summary) = copy(&scene, &disk).await;
    assert!(scene.world.open_uploads(MINE).is_empty() && summary.open_uploads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_wait_for_the_end_of_stale_uploads() {
    let (scene, disk) = stale_uploads().await;
    scene.world.fault(Fault::on("AbortMultipartUpload").then(Effect::ResetBefore));
    let copier = scene.copier().journal(journal(&disk).await);
    let cancel = CancellationToken::new();
    let mut run = copier.copy(&parse(&[DAY]), cancel.clone());
    let begun = tokio::time::Instant::now();
    let mut waits = false;
    while let Some(event) = run.next().await {
        match event {
            // Told while it is waited, and not only after it.
            CopyEvent::Notice(Notice::Waiting { .. }) => {
                waits = true;
                cancel.cancel();
            }
            CopyEvent::Summary(summary) => assert_eq!(summary.open_uploads.len(), 3),
            _ => {}
        }
    }
    assert!(waits && begun.elapsed() < Duration::from_secs(60), "{waits} {:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_page_of_uploads_that_is_cut_off_is_not_the_end_of_them() {
    let (scene, _) = stale_uploads().await;
    scene.world.page_size(1);
    for effect in [Effect::LoseNext, Effect::Truncate, Effect::Empty200] {
        scene.world.clear_faults();
        scene.world.fault(Fault::on("ListMultipartUploads").first(2).then(effect.clone()));
        let found = cleaner(&scene).find().await.expect("asked again");
        assert_eq!(found.len(), 3, "{effect:?}");
        assert!(found.iter().all(|upload| upload.initiated.is_some()));
    }
    scene.world.clear_faults();
    scene.world.fault(Fault::on("ListMultipartUploads").calls(1, u64::MAX).then(Effect::RepeatPage));
    let found = cleaner(&scene).find().await;
    assert!(matches!(found, Err(StopReason::BadListing { .. })), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upload_outside_the_selection_is_left_and_named() {
    let (scene, disk) = killed_after_parts(4).await;
    let copier = scene.copier().journal(journal(&disk).await);
    let (_, summary) = run(&copier, "2021/06/01").await;
    let [open] = &summary.open_uploads[..] else { panic!("{:?}", summary.open_uploads) };
    assert!(open.earlier && open.key == KEY && open.upload_id.is_some(), "{open:?}");
    assert_eq!(scene.world.open_uploads(MINE)[0].parts.len(), 4, "another run may resume it");
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!((summary.copied_total().objects, scene.world.count("UploadPartCopy")), (1, 6));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_gone_is_made_anew() {
    let (scene, disk) = killed_after_parts(4).await;
    for upload in cleaner(&scene).find().await.unwrap() {
        cleaner(&scene).abort(&upload).await.unwrap();
    }
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!(scene.counts(&["CreateMultipartUpload", "ListParts", "UploadPartCopy"]), [1, 1, 10]);
    assert_eq!(summary.copied_total().objects, 1);
    assert!(summary.open_uploads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_whose_parts_may_not_be_listed_is_left_and_said() {
    let (scene, disk) = killed_after_parts(4).await;
    scene.world.fault(Fault::on("ListParts").then(Effect::Status(403, "AccessDenied")));
    let (notices, summary) = copy(&scene, &disk).await;
    assert_eq!(summary.copied_total().objects, 1);
    assert!(notices.iter().any(|n| matches!(n, Notice::UploadLeft { key, .. } if key == KEY)), "{notices:?}");
    let [open] = &summary.open_uploads[..] else { panic!("{:?}", summary.open_uploads) };
    assert!(open.earlier);
    scene.assert_copied(&[KEY.into()]);
    // The journal still knows it, for the owner's clean-up.
    assert_eq!(journal(&disk).await.open_uploads().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn more_parts_than_a_page_holds_are_all_found() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(2300 * 5 * MIB).part_size(5 * MIB));
    let hour = Effect::Stall(Duration::from_secs(3600));
    scene.world.fault(Fault::on("CompleteMultipartUpload").first(1).then(Effect::ResetBefore));
    scene.world.fault(Fault::on("CompleteMultipartUpload").then(hour.clone()));
    scene.world.fault(Fault::on("UploadPartCopy").calls(2251, u64::MAX).then(hour));
    let disk = Arc::new(Disk::default());
    killed(&scene, &disk).await;
    let stored = scene.world.open_uploads(MINE)[0].parts.len() as u64;
    assert!(stored > 2000, "{stored}");
    scene.world.clear_faults();
    scene.world.forget_requests();
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!(scene.counts(&["CreateMultipartUpload", "ListParts", "UploadPartCopy"]), [0, 3, 2300 - stored]);
    assert_eq!(summary.copied[&Proof::Etag].objects, 1);
    scene.assert_copied(&[KEY.into()]);
}

#[tokio::test(start_paused = true)]
async fn a_resumed_upload_asks_for_the_same_checksum_again() {
    let scene = Scene::new().settings(CopySettings::builder().max_in_flight(1).build().unwrap());
    scene.put(KEY, ObjectSpec::new(6 << 30).part_size(64 * MIB).full_checksum());
    scene.world.fault(Fault::on("UploadPartCopy").calls(4, u64::MAX).then(Effect::Stall(Duration::from_secs(3600))));
    let disk = Arc::new(Disk::default());
    killed(&scene, &disk).await;
    scene.world.clear_faults();
    scene.world.forget_requests();
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!(scene.world.count("CreateMultipartUpload"), 0);
    assert_eq!(summary.copied[&Proof::Checksum].objects, 1);
    scene.assert_copied(&[KEY.into()]);
}

#[tokio::test(start_paused = true)]
async fn a_creation_without_an_answer_stays_on_record_until_the_owner_has_ended_it() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    // It is created, and nobody hears of it.
    scene.world.fault(Fault::on("CreateMultipartUpload").first(1).then(Effect::ResetAfter));
    let disk = Arc::new(Disk::default());
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!(summary.copied_total().objects, 1);
    let [open] = &summary.open_uploads[..] else { panic!("{:?}", summary.open_uploads) };
    assert_eq!((open.key.as_str(), &open.upload_id, open.earlier), (KEY, &None, false));

    // A later run still says so.
    let (_, summary) = copy(&scene, &disk).await;
    assert!(matches!(&summary.open_uploads[..], [open] if open.earlier && open.upload_id.is_none()));
    let journal = journal(&disk).await;
    let [lost] = &journal.lost_creates()[..] else { panic!("{:?}", journal.lost_creates()) };
    assert_eq!((lost.key.as_str(), lost.count), (KEY, 1));
    for upload in cleaner(&scene).find().await.unwrap() {
        assert_eq!(upload.key, lost.key);
        cleaner(&scene).abort(&upload).await.unwrap();
    }
    journal.settled(lost).await;
    let (_, summary) = copy(&scene, &disk).await;
    assert_eq!(summary.open_uploads, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_about_to_happen_is_durable_before_it_happens() {
    let scene = Scene::new();
    for n in 1..=3 {
        let key = format!("2021/05/31/20210531_{n}_001.pcap.gz");
        scene.put(&key, ObjectSpec::new(80 * MIB).part_size(8 * MIB).seed(n));
    }
    let disk = Arc::new(Disk { world: Some(scene.world.clone()), ..Disk::default() });
    copy(&scene, &disk).await;
    let (mut intents, mut opened) = (0, 0);
    for (creates, parts, bytes) in disk.writes.lock().unwrap().iter() {
        // Before this write no more was asked for than what earlier writes had announced.
        assert!(*creates <= intents, "{creates} creations after {intents} intents");
        assert!(*parts <= 10 * opened, "{parts} parts after {opened} uploads on record");
        for record in JournalRecord::read(bytes).0 {
            match record {
                JournalRecord::Intent { .. } => intents += 1,
                JournalRecord::Opened { .. } => opened += 1,
                _ => {}
            }
        }
    }
    assert_eq!((intents, opened), (3, 3));
    assert_eq!(scene.counts(&["CreateMultipartUpload", "UploadPartCopy"]), [3, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_nothing_and_is_said_once() {
    for room in [0, 1, 3] {
        let scene = Scene::new();
        let mut keys = scene.day("2021/05/31/", 3);
        for n in 5..=9 {
            let key = format!("2021/05/31/20210531_{n}_001.pcap.gz");
            scene.put(&key, ObjectSpec::new(80 * MIB).part_size(8 * MIB).seed(n));
            keys.push(key);
        }
        keys.sort();
        let disk = Arc::new(Disk { room: Mutex::new(Some(room)), ..Disk::default() });
        let (notices, summary) = copy(&scene, &disk).await;
        assert_eq!(summary.copied_total().objects, 8, "{room}");
        scene.assert_copied(&keys);
        let failures: Vec<_> = notices.iter().filter(|n| matches!(n, Notice::JournalFailed { .. })).collect();
        let [Notice::JournalFailed { failure }] = failures[..] else { panic!("{room}: {notices:?}") };
        assert!(failure.contains("no space left"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn damage_is_said_and_costs_only_what_it_hit() {
    let (scene, disk) = killed_after_parts(4).await;
    {
        let mut bytes = disk.bytes.lock().unwrap();
        // A line that is no record, and a last line that was cut off.
        let end_of_first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        bytes.splice(end_of_first..end_of_first, b"{\"crc32c\":\"00000000\",\"record\":{}}\n".to_vec());
        bytes.extend(b"{\"crc32c\":\"12");
    }
    let (notices, summary) = copy(&scene, &disk).await;
    assert!(notices.iter().any(|n| matches!(n, Notice::JournalDamaged { lines: 1 })), "{notices:?}");
    assert_eq!((summary.copied_total().objects, scene.world.count("UploadPartCopy")), (1, 6));
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_fails_leaves_no_record_of_what_it_ended_itself() {
    let scene = Scene::new();
    scene.put(KEY, ObjectSpec::new(80 * MIB).part_size(8 * MIB));
    scene.world.fault(Fault::on("UploadPartCopy").nth(3).then(Effect::Status(400, "InvalidRequest")));
    let disk = Arc::new(Disk::default());
    let copier = scene.copier().journal(journal(&disk).await);
    let mut run = copier.copy(&parse(&[DAY]), CancellationToken::new());
    let mut failed = 0;
    while let Some(event) = run.next().await {
        failed += u64::from(matches!(event, CopyEvent::Object(end) if matches!(end.outcome, Outcome::Failed(_))));
    }
    assert_eq!(failed, 1);
    assert!(scene.world.open_uploads(MINE).is_empty());
    assert!(journal(&disk).await.open_uploads().is_empty());
    assert!(scene.world.object(VENDOR_BUCKET, KEY).is_some());
}
