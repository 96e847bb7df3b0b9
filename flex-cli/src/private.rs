//! Files and folders for their owner alone, whatever the umask: they tell accounts, buckets, and what somebody has a contract
//! for.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// A new file; never one that is there, nor what a link points to.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    create_as(path, 0o600)
}

/// The same with this mode, where there are modes.
pub(crate) fn create_as(path: &Path, mode: u32) -> io::Result<File> {
    open(OpenOptions::new().write(true).create_new(true), path, mode)
}

/// A file to append to, made if there is none. From one that others may read that right is taken, if it is one's own.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    let file = open(OpenOptions::new().append(true).create(true), path, 0o600)?;
    #[cfg(unix)]
    if let Ok(there) = file.metadata()
        && there.is_file()
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = there.permissions().mode();
        if mode & 0o077 != 0 {
            // Whoever else owns it has decided who reads it.
            let _ = file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700));
        }
    }
    Ok(file)
}

/// A folder with those above it, as far as they are not there yet.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open(options: &mut OpenOptions, path: &Path, mode: u32) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_new_is_for_its_owner_and_what_is_there_is_not_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let (below, path, log) = (dir.path().join("a/b"), dir.path().join("a/b/file"), dir.path().join("a/log"));
        folder(&below).expect("made");
        create(&path).expect("new");
        append(&log).expect("new");
        assert_eq!((mode(&dir.path().join("a")), mode(&below)), (0o700, 0o700));
        assert_eq!((mode(&path), mode(&log)), (0o600, 0o600));
        assert_eq!(create(&path).expect_err("there").kind(), io::ErrorKind::AlreadyExists);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).expect("a link");
        assert!(create(&link).is_err(), "a link is not followed");
    }

    #[test]
    fn what_is_appended_to_is_closed_to_others() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        std::fs::write(&path, "before\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
        append(&path).expect("opened");
        assert_eq!((mode(&path), std::fs::read_to_string(&path).expect("read").as_str()), (0o600, "before\n"));
        // What is no file is left as it is.
        append(Path::new("/dev/null")).expect("opened");
        assert_eq!(mode(Path::new("/dev/null")) & 0o066, 0o066);
    }
}
