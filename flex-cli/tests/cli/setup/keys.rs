//! Access keys: made only on request, handed over whole, and nowhere else.

use std::path::{Path, PathBuf};

use flex_tests::sandbox::{Effect, Fault};

use super::*;

impl Newcomer {
    fn credentials(&self) -> PathBuf {
        self.machine.home.path().join(".aws/credentials")
    }

    /// The secret of the user's only key.
    #[track_caller]
    fn secret(&self) -> String {
        let keys = self.world.keys_of("flex-copy");
        assert_eq!(keys.len(), 1);
        keys[0].secret_access_key().to_owned()
    }

    async fn set_up() -> Self {
        let user = Self::with_role().await;
        user.flex(&["setup", "--yes"]).expect(0);
        user.world.forget_requests();
        user
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file")
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

#[tokio::test]
async fn a_key_goes_into_its_file_and_nowhere_else() {
    let user = Newcomer::with_role().await;
    let log = user.machine.home.path().join("log");
    let arguments = ["setup", "--yes", "--access-key", "-vv", "--log-file", log.to_str().expect("text")];
    let run = user.flex(&arguments).expect(0);
    let secret = user.secret();
    assert!(text(&user.credentials()).contains(&secret));
    for (name, text) in [("stdout", &run.out), ("stderr", &run.err), ("log", &text(&log))] {
        assert!(!text.contains(&secret), "{name} holds the secret");
    }
    let run = user.flex(&["setup", "--yes", "--access-key", "--json", "-vv"]).expect(0);
    assert!(!format!("{run}").contains(&secret), "the second run shows the secret");
    #[cfg(unix)]
    {
        assert_eq!(mode(&user.credentials()), 0o600);
        let other = user.machine.home.path().join("new/folder/credentials");
        let mut machine = Machine::bare();
        machine.variables = user.machine.variables.clone();
        machine.set("AWS_SHARED_CREDENTIALS_FILE", other.to_str().expect("text"));
        machine.flex(&["setup", "--yes", "--access-key", "--key-profile", "second"]).expect(0);
        assert_eq!((mode(&other), mode(other.parent().expect("a folder"))), (0o600, 0o700));
        // Nothing but the file is left in the folder.
        assert_eq!(std::fs::read_dir(other.parent().expect("a folder")).expect("a folder").count(), 1);
    }
}

#[tokio::test]
async fn other_profiles_stay_as_they_are() {
    let user = Newcomer::set_up().await;
    // Without an end of the last line.
    let before = "# mine\n[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other";
    let file = user.machine.file("elsewhere/credentials", before);
    #[cfg(unix)]
    {
        set_mode(&file, 0o644);
        std::os::unix::fs::symlink(&file, user.credentials()).expect("a link");
    }
    #[cfg(not(unix))]
    std::fs::copy(&file, user.credentials()).expect("a copy");
    user.flex(&["setup", "--yes", "--access-key", "--key-profile", "ticks"]).expect(0);
    let secret = user.secret();
    let after = text(&file);
    assert!(after.starts_with(&format!("{before}\n\n[ticks]\naws_access_key_id = ")), "{after}");
    assert!(after.ends_with(&format!("aws_secret_access_key = {secret}\n")), "{after}");
    #[cfg(unix)]
    {
        assert!(user.credentials().is_symlink(), "the link was replaced");
        assert_eq!(mode(&file), 0o600, "others can read the secret");
    }
}

#[tokio::test]
async fn a_profile_that_exists_is_refused_before_a_key_is_made() {
    for (file, section) in [
        (".aws/credentials", "[flex-copy]\naws_access_key_id = AKIASOMETHINGELSE000\naws_secret_access_key = x\n"),
        (".aws/config", "[profile flex-copy]\nregion = ap-northeast-1\n"),
        (".aws/credentials", "[ flex-copy ]\n"),
    ] {
        let user = Newcomer::set_up().await;
        let path = user.machine.home.path().join(file);
        let before = std::fs::read_to_string(&path).unwrap_or_default() + section;
        user.machine.file(file, &before);
        let run = user.flex(&["setup", "--yes", "--access-key"]).expect(3);
        let run = run.prints(&["[flex-copy] exists in", "is not overwritten", "--key-profile"]);
        assert_eq!(user.changes(), [""; 0], "{run}");
        assert_eq!(text(&path), before);
        assert!(user.world.keys_of("flex-copy").is_empty());
    }
}

#[tokio::test]
async fn a_profile_with_a_key_that_is_off_is_not_right() {
    let user = Newcomer::set_up().await;
    user.flex(&["setup", "--yes", "--access-key"]).expect(0);
    user.flex(&["setup", "--access-key"]).expect(0).prints(&["1-4 access key: already right"]);
    user.world.key_active(user.world.keys_of("flex-copy")[0].access_key_id(), false);
    user.flex(&["setup", "--yes", "--access-key"]).expect(3).prints(&["is not overwritten"]);
    assert_eq!(user.world.keys_of("flex-copy").len(), 1);
}

#[tokio::test]
async fn a_third_key_is_not_asked_for() {
    let user = Newcomer::set_up().await;
    user.flex(&["setup", "--yes", "--access-key", "--key-profile", "a"]).expect(0);
    user.flex(&["setup", "--yes", "--access-key", "--key-profile", "b"]).expect(0);
    let run = user.flex(&["setup", "--yes", "--access-key", "--key-profile", "c"]).expect(3);
    let first = user.world.keys_of("flex-copy")[0].access_key_id().to_owned();
    let mend = format!("aws iam delete-access-key --user-name flex-copy --access-key-id {first}");
    run.prints(&["two keys already", &mend]);
    // One that is off is the one to go.
    let second = user.world.keys_of("flex-copy")[1].access_key_id().to_owned();
    user.world.key_active(&second, false);
    let run = user.flex(&["setup", "--yes", "--access-key", "--key-profile", "c"]).expect(3);
    run.prints(&[&mend.replace(&first, &second)]);
    assert_eq!(user.world.count("CreateAccessKey"), 2);
}

#[tokio::test]
async fn a_csv_is_like_the_consoles_and_never_overwrites() {
    let user = Newcomer::set_up().await;
    let path = user.machine.home.path().join("key.csv");
    let arguments = ["setup", "--yes", "--access-key-csv", path.to_str().expect("text")];
    let run = user.flex(&arguments).expect(0);
    let secret = user.secret();
    let id = user.world.keys_of("flex-copy")[0].access_key_id().to_owned();
    assert_eq!(text(&path), format!("Access key ID,Secret access key\n{id},{secret}\n"));
    assert!(!format!("{run}").contains(&secret), "the secret is shown");
    #[cfg(unix)]
    assert_eq!(mode(&path), 0o600);
    user.flex(&arguments).expect(0).prints(&["nothing was changed"]);
    let other = user.machine.file("mine.csv", "a,b\nc,d\n");
    user.flex(&["setup", "--yes", "--access-key-csv", other.to_str().expect("text")]).expect(3);
    assert_eq!(text(&other), "a,b\nc,d\n");
    assert_eq!(user.world.count("CreateAccessKey"), 1);
    // A refusal leaves no empty file behind.
    user.world.fault(Fault::on("CreateAccessKey").then(Effect::Status(400, "SomethingInvented")));
    let none = user.machine.home.path().join("none.csv");
    user.flex(&["setup", "--yes", "--access-key-csv", none.to_str().expect("text")]).expect(1);
    assert!(!none.exists());
}

#[tokio::test]
async fn a_key_is_printed_only_when_that_is_asked_for() {
    let user = Newcomer::set_up().await;
    let run = user.flex(&["setup", "--yes", "--print-access-key"]).expect(0);
    let secret = user.secret();
    assert_eq!(run.out.matches(&secret).count(), 1, "{run}");
    assert!(!run.err.contains(&secret));
    assert!(!user.credentials().exists());
    user.flex(&["setup", "--print-access-key", "--access-key"]).expect(2);
    user.flex(&["setup", "--yes", "--access-key", "--identity", "ec2:ticks"]).expect(2).says(&["only a user has"]);
    assert!(!user.world.subscriber_role_exists("ticks"));
}

#[cfg(unix)]
#[tokio::test]
async fn where_nothing_can_be_written_no_key_is_made() {
    let user = Newcomer::set_up().await;
    // A folder where the file should be: also root cannot write it.
    std::fs::create_dir(user.credentials()).expect("a folder");
    let run = user.flex(&["setup", "--yes", "--access-key"]).expect(3);
    assert_eq!(user.changes(), [""; 0], "{run}");
    let nowhere = user.machine.home.path().join("no/such/folder/key.csv");
    user.flex(&["setup", "--yes", "--access-key-csv", nowhere.to_str().expect("text")]).expect(3);
    assert_eq!(user.changes(), [""; 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_cannot_be_written_is_deleted_again() {
    for (refused, says) in [(false, "was deleted again"), (true, "its secret is lost. Delete it: aws iam")] {
        let user = Newcomer::set_up().await;
        if refused {
            user.world.fault(Fault::on("DeleteAccessKey").then(Effect::Status(403, "AccessDenied")));
        }
        for arguments in [&["setup", "--yes", "--access-key"][..], &["setup", "--yes", "--access-key-csv", "key.csv"]] {
            // A file may be made, and not one byte written: what a full disk does when the key is there already.
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_flex")]);
            shell.args(arguments).env_clear().envs(&user.machine.variables).current_dir(user.machine.home.path());
            let run = Run::of(arguments, shell.stdin(Stdio::null()).output().expect("an end")).expect(3);
            let run = run.prints(&["cannot be written", says]);
            assert!(!user.credentials().exists() && !user.machine.home.path().join("key.csv").exists(), "{run}");
            let folder = user.credentials().parent().expect("a folder").to_owned();
            assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 1, "a draft is left: {run}");
        }
        assert_eq!(user.world.count("CreateAccessKey"), 2);
        assert_eq!(user.world.keys_of("flex-copy").len(), if refused { 2 } else { 0 });
    }
}
