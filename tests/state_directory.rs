//! A state directory that others prepared: links, things that are no files, sizes, and the umask (`docs/security.md`).

use stats_slave::container::{Container, ContainerId};
use stats_slave::state::{StateCache, StoredEndpoint};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

const WRITER: &str = "writes_with_the_umask_it_has";
const DIRECTORY: &str = "DCOS_STATS_TEST_STATE_DIRECTORY";

fn stored(id: &str, port: u16) -> StoredEndpoint {
    StoredEndpoint {
        container: Container {
            id: ContainerId::new(id),
            framework_id: "f".to_owned(),
            executor_id: "e".to_owned(),
        },
        host: "127.0.0.1".to_owned(),
        port,
        sandbox: String::new(),
    }
}

/// Writing and removing change what is in the directory, never what a link in it points at.
#[test]
fn links_are_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    let containers = state.join("containers");
    fs::create_dir_all(&containers).unwrap();
    let precious = root.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let is_untouched = || fs::read_to_string(&precious).unwrap() == "precious";

    // Where a container's file will be, and where its temporary file will be.
    let cache = StateCache::new(&state);
    assert_eq!(cache.load(), []);
    symlink(&precious, containers.join("c")).unwrap();
    symlink(&precious, state.join(".container-1.tmp")).unwrap();
    cache.add(&stored("c", 1)).unwrap();
    assert!(!containers.join("c").is_symlink() && is_untouched());
    cache.add(&stored("d", 2)).unwrap_err();
    assert!(is_untouched(), "written through the link");

    // In place of a file that is there.
    fs::remove_file(containers.join("c")).unwrap();
    symlink(&precious, containers.join("c")).unwrap();
    assert!(cache.remove(&ContainerId::new("c")).unwrap());
    assert!(is_untouched(), "removed through the link");

    // The next start removes the link that was in the way.
    let restarted = StateCache::new(&state);
    assert_eq!(restarted.load(), []);
    restarted.add(&stored("c", 1)).unwrap();
    restarted.add(&stored("d", 2)).unwrap();
    assert_eq!(StateCache::new(&state).load(), [stored("c", 1), stored("d", 2)]);
    assert!(is_untouched());
}

/// Neither opened, which may wait for ever, nor read, which may fill the memory.
#[test]
fn what_is_no_file_of_ours_is_set_aside() {
    let root = tempfile::tempdir().unwrap();
    let containers = root.path().join("containers");
    fs::create_dir(&containers).unwrap();
    let pipe = Command::new("mkfifo").arg(containers.join("pipe")).status();
    assert!(pipe.unwrap().success());
    let _socket = UnixListener::bind(containers.join("socket")).unwrap();
    symlink("/dev/zero", containers.join("device")).unwrap();
    let huge = File::create(containers.join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();

    let cache = StateCache::new(root.path());
    assert_eq!(cache.load(), []);
    assert_eq!(fs::read_dir(&containers).unwrap().count(), 0);
    assert_eq!(fs::read_dir(root.path().join("unreadable")).unwrap().count(), 4);
    cache.add(&stored("pipe", 1)).unwrap();
}

/// Not a test of its own: the process that the test below starts. It does nothing when run by hand.
#[test]
fn writes_with_the_umask_it_has() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        let directory = Path::new(&directory);
        let cache = StateCache::new(directory);
        cache.add(&stored("c", 1)).unwrap();
        fs::write(directory.join("containers/broken"), "{").unwrap();
        cache.load();
    }
}

#[test]
fn nobody_else_may_write_whatever_the_umask() {
    for (umask, directories, files) in [("000", 0o755, 0o644), ("077", 0o700, 0o600)] {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("a/b");
        let script = format!("umask {umask}; exec \"$0\" --exact {WRITER}");
        let writer = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env(DIRECTORY, &state)
            .output()
            .unwrap();
        assert!(writer.status.success(), "{writer:?}");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        for directory in [&state, &state.join("containers"), &state.join("unreadable")] {
            assert_eq!(
                mode(directory),
                directories,
                "{} with umask {umask}",
                directory.display()
            );
        }
        assert_eq!(mode(&state.join("containers/c")), files, "with umask {umask}");
    }
}
