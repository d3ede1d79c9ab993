//! Where container files go that could not be understood: out of the way, but not lost.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// How many files are kept; beyond that, the one set aside first is deleted.
pub(super) const MAX_KEPT: usize = 100;

/// File systems end at 255 bytes; the rest is for a number.
const MAX_NAME_BYTES: usize = 240;

/// The directory for such files. Touched only when there is one.
pub(super) struct Unreadable {
    directory: PathBuf,
    /// What is there, the one set aside first in front; `None` before the first use.
    kept: Option<VecDeque<OsString>>,
}

impl Unreadable {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            kept: None,
        }
    }

    /// Moves a file here. Where its name is in use already, it gets a number. The new path.
    pub(super) fn take(&mut self, file: &Path) -> io::Result<PathBuf> {
        let kept = match &mut self.kept {
            Some(kept) => kept,
            None => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o755)
                    .create(&self.directory)?;
                self.kept.insert(list(&self.directory)?)
            }
        };
        while kept.len() >= MAX_KEPT
            && let Some(oldest) = kept.pop_front()
        {
            let path = self.directory.join(oldest);
            match fs::remove_file(&path) {
                Ok(()) => log::warn!("{path:?} was deleted: {MAX_KEPT} unreadable container files are kept"),
                Err(error) => log::warn!("{path:?} cannot be deleted: {error}"),
            }
        }
        let name = unused(file.file_name().unwrap_or_default(), kept);
        let to = self.directory.join(&name);
        fs::rename(file, &to)?;
        kept.push_back(name);
        Ok(to)
    }
}

/// The names in the directory, by the time at which they came there: a rename sets a file's ctime.
fn list(directory: &Path) -> io::Result<VecDeque<OsString>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        entries.push((metadata.ctime(), metadata.ctime_nsec(), entry.file_name()));
    }
    entries.sort();
    Ok(entries.into_iter().map(|(_, _, name)| name).collect())
}

fn unused(name: &OsStr, used: &VecDeque<OsString>) -> OsString {
    let bytes = name.as_bytes();
    let name = &bytes[..bytes.len().min(MAX_NAME_BYTES)];
    let mut candidate = OsString::from_vec(name.to_owned());
    let mut number = 0;
    while used.contains(&candidate) {
        number += 1;
        candidate = OsString::from_vec([name, format!(".{number}").as_bytes()].concat());
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_use_gets_a_number_and_nothing_is_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("unreadable");
        let longest = "x".repeat(255);
        for run in 0..3 {
            let mut unreadable = Unreadable::new(directory.clone());
            for name in ["broken", &longest] {
                let file = root.path().join(name);
                fs::write(&file, format!("{name}{run}")).unwrap();
                let to = unreadable.take(&file).unwrap();
                assert_eq!(fs::read_to_string(to).unwrap(), format!("{name}{run}"));
                assert!(!file.exists());
            }
        }
        let cut = "x".repeat(MAX_NAME_BYTES);
        for name in [
            "broken",
            "broken.1",
            "broken.2",
            &cut,
            &format!("{cut}.1"),
            &format!("{cut}.2"),
        ] {
            assert!(directory.join(name).exists(), "{name}");
        }
    }

    #[test]
    fn the_oldest_is_deleted_when_there_are_too_many() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("unreadable");
        let file = root.path().join("file");
        let set_aside = |unreadable: &mut Unreadable, number: usize| {
            fs::write(&file, number.to_string()).unwrap();
            unreadable.take(&file).unwrap();
        };
        let kept = || {
            let entries = fs::read_dir(&directory).unwrap();
            let mut numbers: Vec<usize> = entries
                .map(|entry| {
                    fs::read_to_string(entry.unwrap().path())
                        .unwrap()
                        .parse()
                        .unwrap()
                })
                .collect();
            numbers.sort_unstable();
            numbers
        };
        let mut unreadable = Unreadable::new(directory.clone());
        for number in 0..2 * MAX_KEPT {
            set_aside(&mut unreadable, number);
        }
        assert_eq!(kept(), (MAX_KEPT..2 * MAX_KEPT).collect::<Vec<_>>());

        // The next run counts what is there. Which files are older, it can tell as finely as the file system's clock.
        set_aside(&mut Unreadable::new(directory.clone()), 2 * MAX_KEPT);
        let kept = kept();
        assert_eq!((kept.len(), kept.last()), (MAX_KEPT, Some(&(2 * MAX_KEPT))));
    }

    #[test]
    fn nothing_is_created_without_need_and_a_failure_moves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("unreadable");
        let _untouched = Unreadable::new(directory.clone());
        assert!(!directory.exists());
        fs::write(&directory, "in the way").unwrap();
        let file = root.path().join("file");
        fs::write(&file, "content").unwrap();
        assert!(Unreadable::new(directory).take(&file).is_err());
        assert_eq!(fs::read_to_string(file).unwrap(), "content");
    }
}
