//! What the documentation says is in the tree is there.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages, by name.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let paths = docs
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let others = ["README.md", "CONTRIBUTING.md"].map(|name| root().join(name));
    let pages: Vec<_> = paths
        .chain(others)
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    assert!(pages.len() > 5);
    pages
}

/// The contents of a file, or of all sources below a folder.
fn source(path: &Path) -> String {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return entries
            .filter(|path| {
                path.is_dir()
                    || path
                        .extension()
                        .is_some_and(|extension| extension == "rs" || extension == "cpp")
            })
            .map(|path| source(&path))
            .collect();
    }
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn tests_of_promises_are_where_the_pages_say() {
    let mut found = 0;
    let promises = pages()
        .into_iter()
        .filter(|(page, _)| page.ends_with("guarantees.md") || page.ends_with("security.md"));
    for (page, text) in promises {
        // `one` and `another` in `file`; the names before are of the same file.
        for (before, after) in text
            .match_indices("` in `")
            .map(|(at, _)| (&text[..at], &text[at + 6..]))
        {
            let file = &after[..after.find('`').unwrap()];
            let mut names = before.rsplit('`').step_by(2);
            let separators = before.rsplit('`').skip(1).step_by(2);
            let is_more = |separator: &&str| matches!(*separator, " and " | ", ");
            let count = 1 + separators.take_while(is_more).count();
            for name in names.by_ref().take(count) {
                let is_test = name.contains('_')
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
                if !is_test || !file.contains("test") && !file.ends_with(".rs") {
                    continue;
                }
                found += 1;
                let source = source(&root().join(file));
                assert!(
                    [format!("fn {name}("), format!("\"{name}\"")]
                        .iter()
                        .any(|named| source.contains(named)),
                    "{}: no {name} in {file}",
                    page.display()
                );
            }
        }
    }
    assert!(found > 40, "{found}");
}

#[test]
fn paths_of_the_pages_exist() {
    let folders = [
        "src/",
        "schema/",
        "kafka/",
        "collector/",
        "consumer/",
        "proof/",
        "cpp/",
        "include/",
        "cmake/",
        "examples/",
        "benches/",
        "tests/",
        "fuzz/",
        "docs/",
    ];
    let mut found = 0;
    for (page, text) in pages() {
        for path in text.split('`').skip(1).step_by(2) {
            let is_path = folders.iter().any(|folder| path.starts_with(folder));
            if !is_path || path.contains([' ', '*', '{', '<', '\n']) || path.contains("TARGET") {
                continue;
            }
            found += 1;
            assert!(root().join(path).exists(), "{}: no {path}", page.display());
        }
    }
    assert!(found > 60, "{found}");
}
