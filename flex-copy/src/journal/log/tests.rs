use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, future::BoxFuture};

use super::*;
use crate::{ETag, PartSizes};

/// A store in memory that keeps a record of its writes, and can run out of room.
#[derive(Debug, Default)]
struct Memory {
    bytes: Mutex<Vec<u8>>,
    appends: AtomicUsize,
    replaces: AtomicUsize,
    /// Bytes that an append still takes; what is over is cut off, and the append fails.
    room: Mutex<Option<usize>>,
}

impl Memory {
    fn of(bytes: &[u8]) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::new(bytes.to_vec()), ..Self::default() })
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().expect("no panic").clone()
    }

    fn writes(&self) -> (usize, usize) {
        (self.appends.load(Ordering::Relaxed), self.replaces.load(Ordering::Relaxed))
    }

    fn take(&self, bytes: Vec<u8>) -> (Vec<u8>, io::Result<()>) {
        match *self.room.lock().expect("no panic") {
            Some(room) if bytes.len() > room => {
                (bytes[..room].to_vec(), Err(io::Error::new(io::ErrorKind::StorageFull, "no space left")))
            }
            _ => (bytes, Ok(())),
        }
    }
}

impl JournalStore for Memory {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        async { Ok(self.bytes()) }.boxed()
    }

    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async move {
            // As a disk does, it takes its time.
            tokio::task::yield_now().await;
            self.appends.fetch_add(1, Ordering::Relaxed);
            let (bytes, result) = self.take(bytes);
            self.bytes.lock().expect("no panic").extend(bytes);
            result
        }
        .boxed()
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async move {
            tokio::task::yield_now().await;
            self.replaces.fetch_add(1, Ordering::Relaxed);
            let (bytes, result) = self.take(bytes);
            if result.is_ok() {
                *self.bytes.lock().expect("no panic") = bytes;
            }
            result
        }
        .boxed()
    }
}

fn upload(key: &str, id: &str) -> JournalUpload {
    JournalUpload {
        bucket: "b".into(),
        key: key.into(),
        upload_id: id.into(),
        source_etag: ETag::new("e-2"),
        size: 12,
        parts: PartSizes::of(&[8, 4]),
        checksum: None,
        storage_class: None,
        encryption: None,
        encrypted: None,
        at: 7,
    }
}

async fn open(store: &Arc<Memory>) -> Journal {
    Journal::open(store.clone()).await.expect("a journal")
}

fn ids(journal: &Journal) -> Vec<String> {
    journal.open_uploads().into_iter().map(|upload| upload.upload_id).collect()
}

fn lost(journal: &Journal) -> Vec<(String, u32)> {
    journal.lost_creates().into_iter().map(|lost| (lost.key, lost.count)).collect()
}

/// Two uploads under way, one ended, one creation lost.
async fn some() -> Arc<Memory> {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let claim = journal.begin(1);
    for key in ["k1", "k2", "k3"] {
        journal.intent("b", key, 2).await;
        journal.opened(upload(key, &format!("id-{key}")), true, &claim).await;
    }
    journal.note_end(&upload("k2", "id-k2"), UploadEnd::Completed);
    journal.intent("b", "k4", 3).await;
    store
}

#[tokio::test(start_paused = true)]
async fn what_was_open_is_known_to_the_next_one() {
    let store = some().await;
    let journal = open(&store).await;
    assert_eq!(ids(&journal), ["id-k1", "id-k3"]);
    assert_eq!(lost(&journal), [("k4".to_owned(), 1)]);
    assert_eq!((journal.damaged_lines(), journal.failure()), (0, None));
}

#[tokio::test(start_paused = true)]
async fn an_answered_creation_leaves_no_intent_and_another_does() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let claim = journal.begin(1);
    journal.intent("b", "k", 1).await;
    journal.opened(upload("k", "1"), false, &claim).await;
    assert_eq!(lost(&journal), [("k".to_owned(), 1)], "an attempt was not answered");
    journal.intent("b", "k", 5).await;
    journal.opened(upload("k", "2"), true, &claim).await;
    assert_eq!(lost(&journal), [("k".to_owned(), 1)], "the first one's");
    journal.intent("b", "k", 9).await;
    journal.not_opened("b", "k");
    journal.rest(10).await;
    let again = open(&store).await;
    assert_eq!(lost(&again), [("k".to_owned(), 1)]);
    again.settled(&again.lost_creates()[0]).await;
    assert_eq!(lost(&open(&store).await), []);
}

#[tokio::test(start_paused = true)]
async fn a_journal_cut_off_at_any_byte_is_read_up_to_there_and_goes_on() {
    let whole = some().await.bytes();
    for cut in 0..=whole.len() {
        let store = Memory::of(&whole[..cut]);
        let journal = open(&store).await;
        assert_eq!(journal.damaged_lines(), 0, "cut at {cut}");
        let before = (ids(&journal), lost(&journal));
        // What comes next is not written onto the half line.
        journal.intent("b", "k9", 4).await;
        assert_eq!(journal.failure(), None, "cut at {cut}");
        let next = open(&store).await;
        assert_eq!(next.damaged_lines(), 0, "cut at {cut}");
        assert_eq!(ids(&next), before.0, "cut at {cut}");
        let mut want = before.1;
        want.push(("k9".into(), 1));
        assert_eq!(lost(&next), want, "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_line_in_the_middle_costs_no_other() {
    let whole = some().await.bytes();
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    for n in 0..lines.len() {
        let mut lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
        let middle = lines[n].len() / 2;
        lines[n][middle] ^= 0x01;
        let told_of_open = [3, 7].contains(&n);
        let store = Memory::of(&lines.concat());
        let journal = open(&store).await;
        assert_eq!(journal.damaged_lines(), 1, "line {n}");
        let want = 2 + usize::from(n == 8) - usize::from(told_of_open);
        assert_eq!(ids(&journal).len(), want, "line {n}: {:?}", ids(&journal));
        assert_eq!((journal.damage_to_tell(), journal.damage_to_tell()), (1, 0), "it is said once");
        // The next write leaves the damage out.
        journal.intent("b", "k9", 4).await;
        let next = open(&store).await;
        assert_eq!((next.damaged_lines(), ids(&next).len()), (0, want), "line {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_journal_is_not_touched() {
    let newer = JournalRecord::Journal { version: VERSION + 1 }.line();
    let cases: [(&[u8], bool); 6] = [
        (b"[default]\naws_access_key_id = x\n", false),
        (b"{\"a\":1}\n{\"b\":2}\n", false),
        (b"\xff\xfe\x00", false),
        (b"", true),
        (b"\0\0\0\0\0\0", true),
        (&newer, false),
    ];
    for (bytes, is_one) in cases {
        let store = Memory::of(bytes);
        let opened = Journal::open(store.clone()).await;
        assert_eq!(opened.is_ok(), is_one, "{bytes:?}");
        assert_eq!(store.writes(), (0, 0));
    }
    let refused = Journal::open(Memory::of(&newer)).await;
    assert!(matches!(refused, Err(JournalError::Newer { version: 2 })), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn appends_at_the_same_time_share_a_write() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let intents = (0..500).map(|n| {
        let journal = journal.clone();
        async move { journal.intent("b", &format!("k{n:03}"), 1).await }
    });
    futures::future::join_all(intents).await;
    let (appends, replaces) = store.writes();
    assert!(appends <= 3 && replaces == 0, "{appends} {replaces}");
    assert_eq!(open(&store).await.lost_creates().len(), 500);
}

#[tokio::test(start_paused = true)]
async fn appends_in_quick_succession_share_writes() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let begun = Instant::now();
    let appends = (0..100).map(|n| {
        let journal = &journal;
        async move {
            sleep_until(begun + Duration::from_millis(n)).await;
            journal.intent("b", &format!("k{n}"), 2).await;
        }
    });
    futures::future::join_all(appends).await;
    assert!(begun.elapsed() <= Duration::from_millis(110), "{:?}", begun.elapsed());
    assert!((10..=12).contains(&store.writes().0), "{:?}", store.writes());
    assert_eq!(open(&store).await.lost_creates().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_record_is_durable_when_its_append_returns() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let claim = journal.begin(1);
    journal.intent("b", "k", 2).await;
    assert_eq!(lost(&open(&store).await), [("k".to_owned(), 1)]);
    journal.opened(upload("k", "1"), true, &claim).await;
    assert_eq!(ids(&open(&store).await), ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_dropped_half_way_is_made_good_by_the_next() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    journal.intent("b", "k1", 1).await;
    // Polled once, it has taken its bytes and waits for the store.
    assert!(journal.intent("b", "k2", 2).now_or_never().is_none());
    journal.intent("b", "k3", 3).await;
    let keys: Vec<_> = lost(&open(&store).await).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["k1", "k2", "k3"]);
}

#[tokio::test(start_paused = true)]
async fn without_room_nothing_more_is_appended_and_it_is_told_once() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let claim = journal.begin(1);
    journal.intent("b", "k1", 1).await;
    *store.room.lock().expect("no panic") = Some(10);
    journal.opened(upload("k1", "1"), true, &claim).await;
    let writes = store.writes();
    for n in 0..100 {
        journal.intent("b", &format!("x{n}"), 1).await;
        journal.not_opened("b", &format!("x{n}"));
    }
    assert_eq!(store.writes(), writes);
    let told = journal.failure_to_tell().expect("a failure");
    assert!(told.contains("no space left"), "{told}");
    assert_eq!(journal.failure_to_tell(), None);
    assert_eq!(ids(&journal), ["1"], "in memory it is known all the same");
    assert!(journal.state().pending.is_empty(), "nothing piles up");
    // What is there is still a journal.
    assert_eq!(lost(&open(&store).await), [("k1".to_owned(), 1)]);
    // At rest there is room again.
    *store.room.lock().expect("no panic") = None;
    journal.rest(9).await;
    assert_eq!(journal.failure(), None);
    let next = open(&store).await;
    assert_eq!((ids(&next), lost(&next), next.damaged_lines()), (vec!["1".to_owned()], vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn at_rest_it_holds_what_is_open_and_little_else() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let claim = journal.begin(1);
    for n in 0..2000 {
        let key = format!("k{n}");
        journal.intent("b", &key, 2).await;
        journal.opened(upload(&key, "id"), true, &claim).await;
        if n != 77 {
            journal.note_end(&upload(&key, "id"), UploadEnd::Completed);
        }
    }
    assert!(store.bytes().len() > 500_000);
    journal.rest(3).await;
    assert!(store.bytes().len() < AT_REST, "{}", store.bytes().len());
    let next = open(&store).await;
    assert_eq!(next.open_uploads(), [upload("k77", "id")]);
}

#[tokio::test(start_paused = true)]
async fn a_long_run_does_not_let_it_grow() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    let claim = journal.begin(1);
    let mut largest = 0;
    for n in 0..20_000 {
        let key = format!("k{n}");
        journal.intent("b", &key, 2).await;
        journal.opened(upload(&key, "id"), true, &claim).await;
        journal.note_end(&upload(&key, "id"), UploadEnd::Completed);
        largest = largest.max(store.bytes.lock().expect("no panic").len());
    }
    assert!(largest < COMPACT_AT + 2000, "{largest}");
    assert!(store.writes().1 >= 5);
}

#[tokio::test(start_paused = true)]
async fn a_rewrite_keeps_the_times_between_which_a_creation_was_lost() {
    let store = Memory::of(b"");
    let journal = open(&store).await;
    // The clock was put back between the two, and the answered one is the later one with the earlier time.
    journal.intent("b", "k", 9000).await;
    journal.intent("b", "k", 2).await;
    journal.not_opened("b", "k");
    journal.rest(9001).await;
    let before = journal.lost_creates();
    assert_eq!((before[0].first, before[0].last, before[0].count), (2, 9000, 1));
    for _ in 0..2 {
        let other = Memory::of(b"");
        let taken = open(&other).await;
        taken.adopt(&open(&store).await).await;
        assert_eq!(taken.lost_creates(), before);
        assert_eq!(open(&other).await.lost_creates(), before);
        *store.bytes.lock().expect("no panic") = other.bytes();
    }
}

#[tokio::test(start_paused = true)]
async fn one_takes_over_what_another_knows() {
    let (mine, theirs) = (Memory::of(b""), some().await);
    let journal = open(&mine).await;
    journal.intent("b", "k4", 9).await;
    let other = open(&theirs).await;
    journal.adopt(&other).await;
    for known in [&journal, &open(&mine).await] {
        assert_eq!(ids(known), ["id-k1", "id-k3"]);
        assert_eq!(lost(known), [("k4".to_owned(), 2)]);
    }
    let emptied = open(&theirs).await;
    assert_eq!((ids(&emptied), lost(&emptied)), (vec![], vec![]));
    // Not when it could not be written down.
    let full = Memory::of(b"");
    *full.room.lock().expect("no panic") = Some(0);
    open(&full).await.adopt(&journal).await;
    assert_eq!(ids(&open(&mine).await), ["id-k1", "id-k3"]);
}

#[tokio::test(start_paused = true)]
async fn an_upload_belongs_to_one_run_at_a_time() {
    let store = some().await;
    let journal = open(&store).await;
    let (first, second) = (journal.begin(1), journal.begin(1));
    let uploads = journal.unclaimed("b");
    assert_eq!((uploads.len(), journal.unclaimed("other").len()), (2, 0));
    assert_eq!(journal.unclaimed_of("b", "k1"), uploads[..1]);
    assert!(journal.unclaimed_of("b", "k").is_empty());
    assert!(journal.claim(&uploads[0], &first));
    assert!(!journal.claim(&uploads[0], &second));
    assert_eq!(journal.unclaimed("b"), uploads[1..]);
    drop(first);
    assert!(journal.claim(&uploads[0], &second), "the run that had it is over");
    journal.release(&uploads[0]);
    assert_eq!(journal.unclaimed("b"), uploads);
    journal.note_end(&uploads[0], UploadEnd::Aborted);
    assert!(!journal.claim(&uploads[0], &second), "it is open no more");
}
