//! The folder of the files: their names, which of them go, and the one that grows.
//!
//! ```text
//! metrics-20260131T235959Z-000000.avro        finished; nothing of ours touches it again but to remove it
//! metrics-20260131T235959Z-000001.avro        so many can begin within one second
//! metrics-20260201T000312Z-000000.avro.part   growing, locked by the process that writes it
//! ```
//!
//! Names sort by age, also when the clock is set back meanwhile: a name never sorts before one that this process gave.
//! Only files with exactly such names are ever removed.

use jiff::Timestamp;
use log::{info, warn};
use rustix::fs::{Access, FlockOperation, OFlags, access, flock};
use stats_schema::Layout;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

const FINISHED: &str = ".avro";
const GROWING: &str = ".avro.part";

/// Where the files are.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    keep: usize,
    /// The second and number in the last name.
    last: (String, u32),
}

/// The file that grows. At any moment outside [`Growing::append`] it is a header and whole blocks.
#[derive(Debug)]
pub(super) struct Growing {
    file: File,
    path: PathBuf,
    finished: PathBuf,
    bytes: u64,
    begun: Instant,
}

impl Folder {
    /// Makes the folder if there is none, and finishes what a process left behind that was killed. With the one that
    /// grows there are never more than `keep` finished files.
    ///
    /// # Errors
    ///
    /// When it can't be made, read or written to.
    pub(super) fn open(path: &Path, keep: usize) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o750).create(path)?;
        access(path, Access::WRITE_OK | Access::EXEC_OK)?;
        let folder = Self {
            path: path.to_owned(),
            keep,
            last: (String::new(), 0),
        };
        for name in folder.names(GROWING)? {
            let path = folder.path.join(name);
            if let Err(error) = finish_leftover(&path) {
                warn!("Cannot finish {}: {error}", path.display());
            }
        }
        Ok(folder)
    }

    /// Removes the oldest files so that there is room for one more, and begins that.
    ///
    /// # Errors
    ///
    /// When it can't be made or its header not be written.
    pub(super) fn begin(&mut self) -> io::Result<Growing> {
        let finished = self.names(FINISHED)?;
        let surplus = (finished.len() + 1).saturating_sub(self.keep);
        for name in &finished[..surplus] {
            fs::remove_file(self.path.join(name))?;
        }
        let second = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        if second > self.last.0 {
            self.last = (second, 0);
        } else {
            self.last.1 += 1;
        }
        loop {
            let name = format!("metrics-{}-{:06}", self.last.0, self.last.1);
            let finished = self.path.join(format!("{name}{FINISHED}"));
            match Growing::begin(self.path.join(format!("{name}{GROWING}")), finished) {
                // Of another process that writes to the same folder.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.last.1 += 1,
                result => return result,
            }
        }
    }

    /// The names of our files with this ending, oldest first.
    fn names(&self, ending: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().filter(|name| is_ours(name, ending)) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl Growing {
    fn begin(path: PathBuf, finished: PathBuf) -> io::Result<Self> {
        if finished.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // A new file only, so no link is followed.
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o640)
            .open(&path)?;
        // Some network file systems have no locks; there, a file left behind keeps its name.
        let _locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let mut growing = Self {
            file,
            path,
            finished,
            bytes: 0,
            begun: Instant::now(),
        };
        match growing.append(Layout::Typed.header()) {
            Ok(()) => Ok(growing),
            Err(error) => {
                let _removed = fs::remove_file(&growing.path);
                Err(error)
            }
        }
    }

    /// Its size in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it began.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Whether a block was appended.
    pub(super) fn has_blocks(&self) -> bool {
        self.bytes > Layout::Typed.header().len() as u64
    }

    /// Whether somebody removed it, so that nobody will ever read what is appended.
    pub(super) fn removed(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// Whether it does not end where the last block did: somebody else changed it, or half a block could not be taken
    /// back. What is appended could not be read.
    pub(super) fn torn(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|metadata| metadata.len() != self.bytes)
    }

    /// Appends `bytes`, all or nothing.
    ///
    /// # Errors
    ///
    /// When there is no room, for example.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives it its final name, once all of it is on the disk; removes it if it holds nothing.
    ///
    /// # Errors
    ///
    /// When that is not possible; the next start tries again.
    pub(super) fn finish(self) -> io::Result<()> {
        if is_empty(&self.file)? {
            return fs::remove_file(&self.path);
        }
        self.file.sync_data()?;
        fs::rename(&self.path, &self.finished)
    }
}

/// Whether the name is `metrics-`, a second, a number, and `ending`.
fn is_ours(name: &str, ending: &str) -> bool {
    let pattern = "metrics-00000000T000000Z-000000";
    name.strip_suffix(ending).is_some_and(|name| {
        name.len() == pattern.len()
            && name
                .bytes()
                .zip(pattern.bytes())
                .all(|(byte, expected)| match expected {
                    b'0' => byte.is_ascii_digit(),
                    _ => byte == expected,
                })
    })
}

/// Whether there is no block in it.
fn is_empty(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.len() <= Layout::Typed.header().len() as u64)
}

/// Gives a file that was left growing its final name, unless some process is still writing it. What it ends with, half a
/// block perhaps, is left for readers to stop at.
fn finish_leftover(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(());
    }
    if is_empty(&file)? {
        return fs::remove_file(path);
    }
    info!("Finishing {}, which a process left behind", path.display());
    fs::rename(path, path.with_extension(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        for (name, ours) in [
            ("metrics-20260131T235959Z-000000.avro", true),
            ("metrics-20260131T235959Z-000000.avro.part", false),
            ("metrics-20260131T235959Z-000000", false),
            ("metrics-20260131T235959Z-00000.avro", false),
            ("metrics-20260131T235959Z-x00000.avro", false),
            ("metrics-2026013xT235959Z-000000.avro", false),
            ("metrics-important.avro", false),
            ("my-metrics-20260131T235959Z-000000.avro", false),
        ] {
            assert_eq!(is_ours(name, FINISHED), ours, "{name}");
        }
    }

    #[test]
    fn names_sort_by_age_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(folder.path(), 9).unwrap();
        folder.last = ("29990101T000000Z".to_owned(), 7);
        for number in ["000008", "000009"] {
            folder.begin().unwrap();
            let expected = format!("metrics-29990101T000000Z-{number}{GROWING}");
            assert_eq!(folder.names(GROWING).unwrap().last(), Some(&expected));
        }
    }
}
