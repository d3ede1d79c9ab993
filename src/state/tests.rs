//! The cache on a real directory: `reference/metrics-vectors.md` 12 and what else may be met there.

use super::*;
use crate::container::Container;
use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::thread::ScopedJoinHandle;
use std::time::Duration;
use tempfile::{TempDir, tempdir};

fn endpoint(id: ContainerId, host: &str, port: u16) -> StoredEndpoint {
    let container = Container {
        id,
        framework_id: "f".to_owned(),
        executor_id: "e".to_owned(),
    };
    StoredEndpoint {
        container,
        host: host.to_owned(),
        port,
        sandbox: String::new(),
    }
}

fn simple(id: &str, port: u16) -> StoredEndpoint {
    endpoint(ContainerId::new(id), "127.0.0.1", port)
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    match fs::read_dir(directory) {
        Ok(entries) => entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound);
            BTreeSet::new()
        }
    }
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// A state directory with these files in `containers/`.
fn directory_with(files: &[(&str, &str)]) -> TempDir {
    let root = tempdir().unwrap();
    let containers = root.path().join("containers");
    fs::create_dir(&containers).unwrap();
    for (name, content) in files {
        fs::write(containers.join(name), content).unwrap();
    }
    root
}

fn old_file(id: &str, port: u16) -> String {
    format!(r#"{{"container_id":"{id}","statsd_host":"host-{id}","statsd_port":{port}}}"#)
}

#[test]
fn nothing_is_touched_before_the_first_add() {
    let root = tempdir().unwrap();
    let state = root.path().join("a/b");
    let cache = StateCache::new(&state);
    assert_eq!(cache.load(), []);
    assert!(!cache.remove(&ContainerId::new("hello")).unwrap());
    assert!(names_in(root.path()).is_empty());
}

#[test]
fn stores_recovers_and_removes() {
    let root = tempdir().unwrap();
    for state in ["a/b", "c/"].map(|path| root.path().join(path)) {
        let hello = simple("hello", 123);
        let other = simple("other", 124);
        let cache = StateCache::new(&state);
        cache.load();
        cache.add(&other).unwrap();
        cache.add(&hello).unwrap();
        assert_eq!(names_in(&state), set(["containers"]), "no temporary file is left");
        let mode = |path: &str| fs::metadata(state.join(path)).unwrap().permissions().mode();
        // What the umask of whoever runs the tests leaves; never more.
        assert_eq!(
            (mode("containers") & 0o7022, mode("containers/hello") & 0o7133),
            (0, 0)
        );

        let restarted = StateCache::new(&state);
        assert_eq!(restarted.load(), [hello.clone(), other.clone()]);
        assert!(restarted.remove(&hello.container.id).unwrap());
        assert!(!restarted.remove(&hello.container.id).unwrap());
        assert_eq!(names_in(&state.join("containers")), set(["other"]));

        assert_eq!(StateCache::new(&state).load(), [other]);
    }
}

#[test]
fn a_container_stored_again_has_one_file() {
    let root = tempdir().unwrap();
    let cache = StateCache::new(root.path());
    for port in [1, 2, 3] {
        cache.add(&simple("hello", port)).unwrap();
    }
    assert_eq!(names_in(&root.path().join("containers")), set(["hello"]));
    assert_eq!(StateCache::new(root.path()).load(), [simple("hello", 3)]);
}

#[test]
fn old_files_are_read_whatever_their_name() {
    let root = directory_with(&[
        ("x", &old_file("y", 123)),
        ("......etcshadow", &old_file("../../../etc/shadow", 124)),
    ]);
    let cache = StateCache::new(root.path());
    let loaded = cache.load();
    let seen: Vec<(&str, &str, u16)> = loaded
        .iter()
        .map(|one| (one.container.id.leaf(), one.host.as_str(), one.port))
        .collect();
    assert_eq!(
        seen,
        [
            ("../../../etc/shadow", "host-../../../etc/shadow", 124),
            ("y", "host-y", 123)
        ],
        "in the order of their ids"
    );
    assert!(
        loaded
            .iter()
            .all(|one| one.container.framework_id.is_empty() && one.container.executor_id.is_empty())
    );

    // Written again, the container keeps its file; a new one of the other's name doesn't overwrite it.
    cache.add(&simple("y", 125)).unwrap();
    cache.add(&simple("x", 126)).unwrap();
    assert_eq!(names_in(&root.path().join("containers")).len(), 3);
    assert!(cache.remove(&ContainerId::new("y")).unwrap());
    assert!(cache.remove(&ContainerId::new("../../../etc/shadow")).unwrap());
    assert_eq!(StateCache::new(root.path()).load(), [simple("x", 126)]);
}

/// Every id is stored, comes back as it was, shares no file with another, and its file stays in the directory.
#[test]
fn awkward_ids() {
    let root = tempdir().unwrap();
    let state = root.path().join("state");
    let long = "x".repeat(10_000);
    let nested = |parents: &[&str], leaf: &str| {
        ContainerId::nested(parents.iter().map(|&parent| parent.to_owned()).collect(), leaf)
    };
    let ids = [
        ContainerId::new("../../../etc/shadow"),
        ContainerId::new("......etcshadow"),
        ContainerId::new(""),
        ContainerId::new("/"),
        ContainerId::new("."),
        ContainerId::new(".."),
        ContainerId::new("a\0b"),
        ContainerId::new("a\nb"),
        ContainerId::new(long.as_str()),
        ContainerId::new(format!("{long}y")),
        ContainerId::new("leaf"),
        nested(&["a"], "leaf"),
        nested(&["b"], "leaf"),
        nested(&["b", "a"], "leaf"),
        nested(&["b.a"], "leaf"),
        ContainerId::new("unreadable"),
        ContainerId::new(".container-1.tmp"),
    ];
    let cache = StateCache::new(&state);
    let mut stored: Vec<StoredEndpoint> = ids
        .into_iter()
        .zip(1..)
        .map(|(id, port)| endpoint(id, "127.0.0.1", port))
        .collect();
    for one in &stored {
        cache.add(one).unwrap();
    }
    assert_eq!(names_in(&state.join("containers")).len(), stored.len());
    assert_eq!(names_in(&state), set(["containers"]));
    assert_eq!(names_in(root.path()), set(["state"]));

    stored.sort_by(|a, b| a.container.id.cmp(&b.container.id));
    let restarted = StateCache::new(&state);
    assert_eq!(restarted.load(), stored);
    for one in &stored {
        assert!(restarted.remove(&one.container.id).unwrap());
    }
    assert!(names_in(&state.join("containers")).is_empty());
}

#[test]
fn what_cannot_be_understood_is_set_aside_and_the_rest_is_read() {
    let padded = |id: &str, bytes: usize| {
        let file = old_file(id, 1);
        let padding = " ".repeat(bytes - file.len());
        file + &padding
    };
    let too_large = padded("too-large", MAX_FILE_BYTES + 1);
    let bad = [
        ("empty", ""),
        ("brace", "{"),
        ("array", "[]"),
        ("no-id", r#"{"statsd_host":"h","statsd_port":1}"#),
        ("no-host", r#"{"container_id":"c","statsd_port":1}"#),
        ("no-port", r#"{"container_id":"c","statsd_host":"h"}"#),
        (
            "text-port",
            r#"{"container_id":"c","statsd_host":"h","statsd_port":"1"}"#,
        ),
        (
            "negative-port",
            r#"{"container_id":"c","statsd_host":"h","statsd_port":-1}"#,
        ),
        (
            "zero-port",
            r#"{"container_id":"c","statsd_host":"h","statsd_port":0}"#,
        ),
        (
            "large-port",
            r#"{"container_id":"c","statsd_host":"h","statsd_port":65536}"#,
        ),
        (
            "fraction-port",
            r#"{"container_id":"c","statsd_host":"h","statsd_port":1.5}"#,
        ),
        ("too-large", &too_large),
    ];
    let root = directory_with(&bad);
    let containers = root.path().join("containers");
    let unreadable = root.path().join("unreadable");
    fs::write(containers.join("good"), padded("good", MAX_FILE_BYTES)).unwrap();
    fs::create_dir(containers.join("folder")).unwrap();
    // A link is not followed, not even to a file that would be fine.
    fs::write(root.path().join("target"), old_file("linked", 124)).unwrap();
    symlink(root.path().join("target"), containers.join("link")).unwrap();

    let cache = StateCache::new(root.path());
    let loaded = cache.load();
    assert_eq!(
        loaded
            .iter()
            .map(|one| one.container.id.leaf())
            .collect::<Vec<_>>(),
        ["good"]
    );
    assert_eq!(names_in(&containers), set(["folder", "good"]));
    let mut expected: BTreeSet<String> = bad.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected.insert("link".to_owned());
    assert_eq!(names_in(&unreadable), expected);
    for (name, content) in bad {
        assert_eq!(fs::read_to_string(unreadable.join(name)).unwrap(), content);
    }
    assert!(root.path().join("target").exists());

    // A container with the directory's name is stored beside it.
    cache.add(&simple("folder", 125)).unwrap();
    assert_eq!(StateCache::new(root.path()).load().len(), 2);

    // The same faults again overwrite nothing.
    fs::write(containers.join("empty"), "").unwrap();
    StateCache::new(root.path()).load();
    expected.insert("empty.1".to_owned());
    assert_eq!(names_in(&unreadable), expected);
}

#[test]
fn of_two_files_for_one_container_the_newer_counts() {
    for newer in ["a", "b"] {
        let root = directory_with(&[("a", &old_file("c", 1)), ("b", &old_file("c", 2))]);
        let file = File::options()
            .write(true)
            .open(root.path().join("containers").join(newer))
            .unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(60))
            .unwrap();
        let cache = StateCache::new(root.path());
        let port = if newer == "a" { 1 } else { 2 };
        assert_eq!(
            cache.load().iter().map(|one| one.port).collect::<Vec<_>>(),
            [port]
        );
        assert_eq!(names_in(&root.path().join("containers")), set([newer]));
        assert_eq!(names_in(&root.path().join("unreadable")).len(), 1);
        assert!(cache.remove(&ContainerId::new("c")).unwrap());
        assert!(names_in(&root.path().join("containers")).is_empty());
    }
}

#[test]
fn failures_name_the_path_and_leave_what_was_there() {
    let root = tempdir().unwrap();
    let in_the_way = root.path().join("file");
    fs::write(&in_the_way, "not a directory").unwrap();
    let cache = StateCache::new(&in_the_way);
    assert_eq!(cache.load(), []);
    let error = cache.add(&simple("hello", 1)).unwrap_err().to_string();
    assert!(
        error.contains(in_the_way.join("containers/hello").to_str().unwrap()),
        "{error}"
    );

    fs::remove_file(&in_the_way).unwrap();
    cache.add(&simple("he/llo", 1)).unwrap();
    assert_eq!(
        names_in(&in_the_way.join("containers")),
        set(["hello"]),
        "the failure kept no name"
    );

    let state = root.path().join("state");
    let cache = StateCache::new(&state);
    cache.add(&simple("hello", 1)).unwrap();
    assert_eq!(
        cache.add(&simple("hello", 0)).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
    let too_long = ContainerId::new("x".repeat(MAX_FILE_BYTES));
    assert_eq!(
        cache.add(&endpoint(too_long, "h", 1)).unwrap_err().kind(),
        ErrorKind::InvalidInput
    );

    // A directory took the file's place while we ran.
    let hello = state.join("containers/hello");
    fs::remove_file(&hello).unwrap();
    fs::create_dir(&hello).unwrap();
    for error in [
        cache.add(&simple("hello", 2)).unwrap_err(),
        cache.remove(&ContainerId::new("hello")).unwrap_err(),
    ] {
        assert!(error.to_string().contains(hello.to_str().unwrap()), "{error}");
    }
    assert_eq!(names_in(&state), set(["containers"]), "no temporary file is left");
}

#[test]
fn a_cleaned_up_directory_is_made_again() {
    let root = tempdir().unwrap();
    let state = root.path().join("state");
    let cache = StateCache::new(&state);
    cache.add(&simple("one", 1)).unwrap();
    fs::remove_dir_all(&state).unwrap();
    cache.add(&simple("two", 2)).unwrap();
    assert!(!cache.remove(&ContainerId::new("one")).unwrap());
    assert_eq!(names_in(&state.join("containers")), set(["two"]));
}

#[test]
fn left_over_temporary_files_are_removed_and_nothing_else() {
    let root = directory_with(&[
        ("good", &old_file("good", 1)),
        (".container-1-1.tmp", &old_file("named so", 2)),
    ]);
    for name in [".container-7.tmp", ".container-1", "x.tmp", "note"] {
        fs::write(root.path().join(name), "{\"conta").unwrap();
    }
    assert_eq!(StateCache::new(root.path()).load().len(), 2);
    assert_eq!(
        names_in(root.path()),
        set(["containers", ".container-1", "x.tmp", "note"])
    );
}

#[test]
fn containers_come_and_go_on_many_threads() {
    let root = tempdir().unwrap();
    let cache = StateCache::new(root.path());
    std::thread::scope(|scope| {
        let cache = &cache;
        let come_and_go = move |thread: u16| {
            // All have the same leaf, so all want the same name.
            let id = ContainerId::nested(vec![thread.to_string()], "leaf");
            for round in 1..=5 {
                cache.add(&endpoint(id.clone(), "h", round)).unwrap();
                assert!(cache.remove(&id).unwrap());
            }
            cache.add(&endpoint(id, "h", 1_000 + thread)).unwrap();
        };
        let threads: Vec<_> = (0..50)
            .map(|thread| scope.spawn(move || come_and_go(thread)))
            .collect();
        // Who reads meanwhile disturbs nobody.
        while !threads.iter().all(ScopedJoinHandle::is_finished) {
            cache.load();
        }
    });
    let loaded = StateCache::new(root.path()).load();
    assert_eq!(loaded.len(), 50);
    for one in loaded {
        assert_eq!(
            (1_000 + one.container.id.parents()[0].parse::<u16>().unwrap()),
            one.port
        );
    }
}
