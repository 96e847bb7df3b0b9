//! Where the journal of uploads under way is, who has it open, and what the journals of a bucket know together.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use flex_copy::{
    Journal, JournalFile, JournalStore,
    journal::{JournalError, JournalUpload},
};
use futures::future::{BoxFuture, FutureExt};

use crate::{
    clients,
    config::{NONE, Settings},
    error::Stop,
    exit::Exit,
    language::msg,
    present::{Ui, json},
};

/// Journals of one bucket at most: so many flex may copy into it at once from this machine and account.
const SIBLINGS: u32 = 9;

/// The file that was named, opened; before anything else is started.
pub(crate) async fn chosen(settings: &Settings) -> Result<Option<Journal>, Stop> {
    match &settings.journal {
        Some(given) if given.value != NONE => open(Path::new(&given.value)).await.map(Some).map_err(|error| {
            let stop = refused(&error);
            given.said().into_iter().fold(stop, Stop::during)
        }),
        _ => Ok(None),
    }
}

/// The journal in the platform's folder, unless another was chosen or none is wanted. Without one the run goes on.
pub(crate) async fn usual(settings: &Settings, ui: &mut Ui) -> Option<Journal> {
    if settings.journal.is_some() {
        return None;
    }
    let paths = siblings(settings)?;
    let mut journal: Option<Journal> = None;
    let mut in_use = false;
    for path in &paths {
        // The others may be left by runs that were killed; new ones are not made.
        if journal.is_some() && !path.exists() {
            continue;
        }
        match (open(path).await, &journal) {
            (Ok(opened), None) => journal = Some(opened),
            (Ok(other), Some(journal)) => journal.adopt(&other).await,
            (Err(JournalError::Locked { .. }), _) => in_use = true,
            (Err(error), Some(_)) => {
                let text = unusable(path, &error) + ": it is left out; what another run left open, `flex clean` ends";
                tell(ui, "journal-left-out", text);
            }
            (Err(error), None) => {
                let text = unusable(path, &error)
                    + ": the run goes on without; should it be killed, `flex clean` ends what it leaves";
                tell(ui, "journal-unusable", text);
                return None;
            }
        }
    }
    if in_use {
        // A clean that waits for its answer holds them, too.
        let text = "another flex is using this bucket's journal now: nothing is lost by that, but an object that two runs copy \
                    at once is copied twice";
        tell(ui, "journal-in-use", text.to_owned());
    }
    journal
}

/// For programs in the stream, and for people on standard error.
fn tell(ui: &mut Ui, kind: &'static str, text: String) {
    if ui.json {
        ui.event("notice", json::NoticeLine::of(kind, text.clone()));
        ui.flush();
    }
    ui.note(text);
}

async fn open(path: &Path) -> Result<Journal, JournalError> {
    Journal::open(Arc::new(JournalFile::open(path)?)).await
}

/// Not every error names the file.
fn unusable(path: &Path, error: &JournalError) -> String {
    format!("the journal {} cannot be used: {}", path.display(), crate::error::chain(error).join("; because "))
}

fn refused(error: &JournalError) -> Stop {
    Stop::new(Exit::Usage, error).mend(match error {
        JournalError::Locked { .. } => msg!("journal-in-use"),
        JournalError::NotAJournal | JournalError::Newer { .. } => msg!("journal-other"),
        _ => msg!("journal-file"),
    })
}

/// The files for the destination bucket, the first one first; `None` where the platform has no folder for them.
fn siblings(settings: &Settings) -> Option<Vec<PathBuf>> {
    let bucket = settings.bucket.as_ref()?.value.as_str();
    let dirs = directories::ProjectDirs::from("", "", "flex")?;
    let folder = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir()).join("journals");
    let name = name(bucket, clients::s3_endpoint());
    let numbered = (2..=SIBLINGS).map(|n| format!("{name}~{n}.jsonl"));
    Some(std::iter::once(format!("{name}.jsonl")).chain(numbered).map(|name| folder.join(name)).collect())
}

/// Bucket names are unique among AWS's buckets; at another endpoint the same name is another bucket. A bucket's name has
/// neither `@` nor `~`.
fn name(bucket: &str, endpoint: &str) -> String {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, host)| host).trim_end_matches('/');
    if host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn") {
        return bucket.to_owned();
    }
    // What a file's name cannot hold everywhere is written as its code.
    let mut safe = String::new();
    for byte in host.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => safe.push(char::from(byte)),
            b'A'..=b'Z' => safe.push(char::from(byte.to_ascii_lowercase())),
            other => safe += &format!("%{other:02x}"),
        }
    }
    safe.truncate(150);
    format!("{bucket}@{safe}")
}

/// What the journals of a bucket know, for the owner's clean-up.
#[derive(Default)]
pub(crate) struct Known {
    /// Those that nobody has open: what they know was left by runs that are over.
    journals: Vec<Journal>,
    /// Uploads of runs under way, by key and id.
    alive: Vec<(String, String)>,
    /// Keys of creations under way.
    alive_creates: Vec<String>,
}

impl Known {
    /// Reads the chosen journal, or those in the platform's folder.
    pub(crate) async fn read(settings: &Settings, ui: &Ui) -> Result<Self, Stop> {
        let (paths, chosen) = match &settings.journal {
            Some(given) if given.value == NONE => (Vec::new(), true),
            Some(given) => (vec![PathBuf::from(&given.value)], true),
            None => (siblings(settings).unwrap_or_default(), false),
        };
        let mut known = Self::default();
        for path in paths.iter().filter(|path| path.exists()) {
            match open(path).await {
                Ok(journal) => known.journals.push(journal),
                Err(JournalError::Locked { .. }) => known.add_alive(path).await,
                Err(error) if chosen => return Err(refused(&error)),
                Err(error) => ui.note(unusable(path, &error)),
            }
        }
        Ok(known)
    }

    async fn add_alive(&mut self, path: &Path) {
        let Ok(bytes) = JournalFile::peek(path) else { return };
        // Half a line at its end is a write under way.
        let Ok(journal) = Journal::open(Arc::new(Peeked(bytes))).await else { return };
        self.alive.extend(journal.open_uploads().into_iter().map(|upload| (upload.key, upload.upload_id)));
        self.alive_creates.extend(journal.lost_creates().into_iter().map(|lost| lost.key));
    }

    /// Whether a run under way needs this upload, as far as its journal is on this machine.
    pub(crate) fn is_alive(&self, key: &str, upload_id: &str) -> bool {
        self.alive.iter().any(|(k, id)| k == key && id == upload_id) || self.alive_creates.iter().any(|k| k == key)
    }

    /// Whether a run that is over left this upload, by its id. A creation that was never answered has none: what looks like
    /// it may be another machine's upload of the same key, which is under way.
    pub(crate) fn was_left(&self, bucket: &str, key: &str, upload_id: &str) -> bool {
        let by_id =
            |upload: &JournalUpload| upload.bucket == bucket && upload.key == key && upload.upload_id == upload_id;
        self.journals.iter().any(|journal| journal.open_uploads().iter().any(by_id))
    }

    /// Tells the journals which uploads of the bucket are still open, after all under the prefix were listed.
    pub(crate) async fn settle(&self, bucket: &str, prefix: &str, still_open: &[(&str, &str)]) {
        for journal in &self.journals {
            for upload in journal.open_uploads() {
                let here = upload.bucket == bucket && upload.key.starts_with(prefix);
                if here && !still_open.contains(&(&upload.key, &upload.upload_id)) {
                    journal.ended(&upload, flex_copy::journal::UploadEnd::Gone).await;
                }
            }
            for lost in journal.lost_creates() {
                let here = lost.bucket == bucket && lost.key.starts_with(prefix);
                if here && !still_open.iter().any(|(key, _)| *key == lost.key) {
                    journal.settled(&lost).await;
                }
            }
        }
    }
}

/// The bytes of a journal that another process writes.
#[derive(Debug)]
struct Peeked(Vec<u8>);

impl JournalStore for Peeked {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        async { Ok(self.0.clone()) }.boxed()
    }

    fn append(&self, _: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        async { Err(io::Error::from(io::ErrorKind::ReadOnlyFilesystem)) }.boxed()
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.append(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn no_two_destinations_share_a_name() {
        assert_eq!(name("b", "s3.ap-northeast-1.amazonaws.com"), "b");
        assert_eq!(name("b", "https://s3.ap-northeast-1.amazonaws.com/"), "b");
        assert_eq!(name("b", "http://127.0.0.1:9000"), "b@127.0.0.1%3a9000");
        assert_eq!(name("b", "http://[::1]:9000/x/../y"), "b@%5b%3a%3a1%5d%3a9000%2fx%2f..%2fy");
        assert_ne!(name("b", "http://a_b:1"), name("b", "http://a-b:1"));
        assert!(name("b", &format!("http://{}", "x".repeat(500))).len() < 200);
    }
}
