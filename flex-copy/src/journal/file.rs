//! A journal in a file. The only place in this crate that leaves the async threads.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use futures::future::BoxFuture;

use super::{JournalError, JournalStore};

/// The largest file that is taken for a journal. One is rewritten long before, unless hundreds of thousands of uploads are
/// open.
const LARGEST: u64 = 64 << 20;
/// The largest that is taken for the record of a deep verification: five million objects, which is all of the history so
/// far several times over.
const LARGEST_RECORD: u64 = 1 << 30;

/// A journal's file, which nobody else can read or write, held by a lock as long as this lives.
///
/// The lock is on a file of its own beside it (`….lock`), because the journal is replaced by renaming. The lock file
/// stays: removing it would let two in.
#[derive(Debug)]
pub struct JournalFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: Mutex<File>,
    largest: u64,
    _lock: File,
}

impl JournalFile {
    /// Opens the file, makes it and its folders where they are missing, and takes the lock. One that was there before is
    /// closed to others when something is written to it, and not before: it may turn out to be no journal.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        Self::open_up_to(path.into(), LARGEST)
    }

    /// As [`open`](Self::open), for the [record of a deep verification](crate::deep::DeepRecord), which has a line for each object
    /// and may be larger.
    pub fn open_record(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        Self::open_up_to(path.into(), LARGEST_RECORD)
    }

    fn open_up_to(path: PathBuf, largest: u64) -> Result<Self, JournalError> {
        let failed = |doing, path: &Path| {
            let path = path.to_owned();
            move |source| JournalError::Io { doing, path, source }
        };
        let folder = folder(&path);
        make_folder(folder).map_err(failed("put into its folder", folder))?;
        // What is not a file would block, or be destroyed.
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => {
                return Err(failed("opened", &path)(io::Error::other("it is not a regular file")));
            }
            Ok(found) if found.len() > largest => {
                return Err(failed("read", &path)(too_large(largest)));
            }
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed("opened", &path)(e)),
        }
        let lock_path = beside(&path, ".lock");
        let lock = options().open(&lock_path).map_err(failed("locked", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { path }),
            Err(TryLockError::Error(e)) => return Err(failed("locked", &lock_path)(e)),
        }
        let file = options().open(&path).map_err(failed("opened", &path))?;
        sync_folder(folder).map_err(failed("written", folder))?;
        Ok(Self(Arc::new(Inner { path, file: Mutex::new(file), largest, _lock: lock })))
    }

    /// What is in a journal that another process has open.
    pub fn peek(path: &Path) -> Result<Vec<u8>, JournalError> {
        let failed = |source| JournalError::Io { doing: "read", path: path.to_owned(), source };
        File::open(path).and_then(|file| read(file, LARGEST)).map_err(failed)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Inner, &mut File) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, io::Result<T>> {
        let inner = self.0.clone();
        Box::pin(async move {
            let path = inner.path.clone();
            let done = tokio::task::spawn_blocking(move || {
                let mut file = inner.file.lock().unwrap_or_else(PoisonError::into_inner);
                work(&inner, &mut file)
            });
            let done = done.await.unwrap_or_else(|e| Err(io::Error::other(e)));
            done.map_err(|e| io::Error::new(e.kind(), format!("{} cannot be {doing}: {e}", path.display())))
        })
    }
}

impl JournalStore for JournalFile {
    fn read(&self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.work("read", |inner, _| read(File::open(&inner.path)?, inner.largest))
    }

    fn append(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.work("written", move |_, file| {
            keep_private(file)?;
            file.write_all(&bytes)?;
            file.sync_data()
        })
    }

    fn replace(&self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        self.work("rewritten", move |inner, file| {
            let new_path = beside(&inner.path, ".new");
            // A run that was killed left it. The lock is ours, so nobody else is writing it.
            match fs::remove_file(&new_path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            let mut new = options().create_new(true).open(&new_path)?;
            let written = new.write_all(&bytes).and_then(|()| new.sync_all());
            if let Err(e) = written.and_then(|()| fs::rename(&new_path, &inner.path)) {
                // The room is wanted back; the first failure counts.
                let _ = fs::remove_file(&new_path);
                return Err(e);
            }
            *file = new;
            sync_folder(folder(&inner.path))
        })
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The path with this at its end.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(end);
    path.into()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn too_large(largest: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {} MiB", largest >> 20))
}

fn read(file: File, largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest { Err(too_large(largest)) } else { Ok(bytes) }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A file that was there before may be open to others.
#[cfg(unix)]
fn keep_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let permissions = file.metadata()?.permissions();
    if permissions.mode() & 0o077 == 0 { Ok(()) } else { file.set_permissions(fs::Permissions::from_mode(0o600)) }
}

#[cfg(not(unix))]
fn keep_private(_: &File) -> io::Result<()> {
    // The platform's folders for a user's own state are closed to others.
    Ok(())
}

/// A new name is durable when its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    // A folder cannot be opened as a file there.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    #[tokio::test]
    async fn what_is_written_is_read_by_the_next() {
        let dir = scratch();
        let path = dir.path().join("a/b/journal.jsonl");
        let file = JournalFile::open(&path).expect("a journal");
        assert_eq!(file.read().await.expect("bytes"), b"");
        file.append(b"one\n".to_vec()).await.expect("an append");
        file.replace(b"two\n".to_vec()).await.expect("a rewrite");
        file.append(b"three\n".to_vec()).await.expect("an append after it");
        assert_eq!(file.read().await.expect("bytes"), b"two\nthree\n");
        assert_eq!(JournalFile::peek(&path).expect("bytes"), b"two\nthree\n");
        drop(file);
        let file = JournalFile::open(&path).expect("the same again");
        assert_eq!(file.read().await.expect("bytes"), b"two\nthree\n");
        assert_eq!(file.path(), path);
        let names: Vec<_> = fs::read_dir(path.parent().expect("a folder"))
            .expect("its files")
            .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
            .collect();
        assert!(!names.iter().any(|name| name.ends_with(".new")), "{names:?}");
    }

    #[tokio::test]
    async fn two_do_not_have_it_at_once() {
        let dir = scratch();
        let path = dir.path().join("journal.jsonl");
        let file = JournalFile::open(&path).expect("a journal");
        // Also after the file itself was replaced.
        file.replace(b"x\n".to_vec()).await.expect("a rewrite");
        let second = JournalFile::open(&path);
        assert!(matches!(&second, Err(JournalError::Locked { path: locked }) if *locked == path), "{second:?}");
        drop(file);
        JournalFile::open(&path).expect("free again");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = scratch();
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let path = dir.path().join("state/journal.jsonl");
        let file = JournalFile::open(&path).expect("a journal");
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(&beside(&path, ".lock")), 0o600);
        assert_eq!(mode(&dir.path().join("state")), 0o700);
        file.replace(b"x\n".to_vec()).await.expect("a rewrite");
        assert_eq!(mode(&path), 0o600);
        drop(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a change");
        let file = JournalFile::open(&path).expect("a journal");
        assert_eq!(mode(&path), 0o644, "it may be something else");
        file.append(b"y\n".to_vec()).await.expect("an append");
        assert_eq!(mode(&path), 0o600, "one that was open to others is closed");
    }

    #[test]
    fn what_is_no_file_or_too_large_is_left_alone() {
        let dir = scratch();
        let refused = |path: &Path| match JournalFile::open(path) {
            Err(JournalError::Io { source, .. }) => source.to_string(),
            other => panic!("{}: {other:?}", path.display()),
        };
        assert!(refused(dir.path()).contains("not a regular file"));
        let huge = dir.path().join("huge");
        File::create(&huge).and_then(|file| file.set_len(LARGEST + 1)).expect("a sparse file");
        assert!(refused(&huge).contains("64 MiB"));
        JournalFile::open_record(&huge).expect("a record may be larger");
        assert!(matches!(JournalFile::peek(&huge), Err(JournalError::Io { .. })));
        let below_a_file = huge.join("journal.jsonl");
        assert!(matches!(JournalFile::open(&below_a_file), Err(JournalError::Io { .. })));
    }

    #[tokio::test]
    async fn what_a_killed_rewrite_left_is_no_obstacle() {
        let dir = scratch();
        let path = dir.path().join("journal.jsonl");
        let file = JournalFile::open(&path).expect("a journal");
        fs::write(beside(&path, ".new"), b"half").expect("a file");
        file.replace(b"whole\n".to_vec()).await.expect("a rewrite");
        assert_eq!(file.read().await.expect("bytes"), b"whole\n");
    }

    #[tokio::test]
    async fn a_failure_names_the_file() {
        let dir = scratch();
        let path = dir.path().join("gone/journal.jsonl");
        let file = JournalFile::open(&path).expect("a journal");
        fs::remove_dir_all(dir.path().join("gone")).expect("removed");
        let failure = file.replace(b"x\n".to_vec()).await.expect_err("no folder").to_string();
        assert!(failure.contains("journal.jsonl cannot be rewritten"), "{failure}");
    }
}
