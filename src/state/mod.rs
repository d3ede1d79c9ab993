//! Which endpoint each container has, kept on disk so that a restarted agent can open the same ports again.
//!
//! ```text
//! <state_path_dir>/
//!     containers/<container id>       one JSON object per container: see `record`
//!     unreadable/<file name>          what stood in containers/ and could not be understood
//!     .container-<number>.tmp         a file being written
//! ```
//!
//! Place and format are those of the old module, and of its successors that read the same files
//! (`reference/metrics.md` 1.13). What differs: it truncated and wrote in place, so an agent killed at that moment left half a
//! file. Here a file is written under another name and renamed, so `containers/` holds whole files only, whenever the process is
//! killed. Nothing is synced to the disk: what a killed process wrote the kernel still has, and after a power failure no
//! container is left whose endpoint could matter. A launch would wait for it, 8 ms at p99 on the disk that was tried.

mod names;
mod record;
mod unreadable;

#[cfg(test)]
mod tests;

pub use record::{RecordError, StoredEndpoint};

use crate::container::ContainerId;
use crate::sync::{Mutex, RwLock};
use names::FileNames;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use unreadable::Unreadable;

/// The largest file that is written or read. Two ids of 10,000 bytes fit, even if JSON must escape most of them.
pub const MAX_FILE_BYTES: usize = 64 * 1024;

const TEMPORARY_PREFIX: &str = ".container-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// The files of one state directory. Any number of threads may use it at once, one for each container; two processes, or two
/// of these in one process, must not share a directory.
#[derive(Debug)]
pub struct StateCache {
    directory: PathBuf,
    names: Mutex<FileNames>,
    /// Read while one file changes, written while all are read: what is being written looks like a left-over to the latter.
    quiet: RwLock<()>,
    /// How many temporary files there have been; each gets a name of its own.
    temporaries: AtomicU64,
}

impl StateCache {
    /// The cache in `state_dir`, the parameter `state_path_dir`. Touches nothing on disk.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            directory: state_dir.into(),
            names: Mutex::default(),
            quiet: RwLock::default(),
            temporaries: AtomicU64::new(0),
        }
    }

    /// The directory it is in.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// Reads what is stored, ordered by container id. Call it before the first [`add`](Self::add) or
    /// [`remove`](Self::remove): of the last run's files, they know only those that were found here.
    ///
    /// Never fails. A file that can't be understood is moved to `unreadable/` and named in the log, with the reason; one that
    /// the system can't read at this moment is left where it is and named in the log.
    pub fn load(&self) -> Vec<StoredEndpoint> {
        let _quiet = self.quiet.write();
        self.remove_left_over_temporaries();
        let containers = self.containers();
        let entries = match fs::read_dir(&containers) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                log::info!("No containers in the state directory: {containers:?} does not exist yet");
                return Vec::new();
            }
            Err(error) => {
                log::error!(
                    "The containers in the state directory cannot be listed: {containers:?}: {error}"
                );
                return Vec::new();
            }
        };
        let mut loading = Loading::new(self.directory.join("unreadable"));
        for entry in entries {
            match entry {
                Ok(entry) => loading.take(&entry),
                Err(error) => {
                    log::error!("The listing of {containers:?} is incomplete: {error}");
                    break;
                }
            }
        }
        let (names, stored) = loading.finish();
        *self.names.lock() = names;
        stored
    }

    /// Stores a container's endpoint, in place of what was stored for it before. Creates the directories where they are missing.
    ///
    /// # Errors
    /// Those of the file system, with the path; `InvalidInput` for port 0, and for ids so long that the file would exceed
    /// [`MAX_FILE_BYTES`]. What was stored before stays.
    pub fn add(&self, stored: &StoredEndpoint) -> io::Result<()> {
        let content = stored.to_json()?;
        let _quiet = self.quiet.read();
        let id = &stored.container.id;
        let (name, is_new) = self.names.lock().assign(id);
        let path = self.containers().join(name);
        log::info!("Writing container file[{path:?}]");
        let result = self.replace(&path, &content);
        if result.is_err() && is_new {
            self.names.lock().release(id);
        }
        result.map_err(|error| with_path("written", &path, &error))
    }

    /// Removes what is stored for a container. `false` if nothing was, which is no fault: the old module filled logs with it.
    ///
    /// # Errors
    /// Those of the file system, with the path. The file is then still known and can be removed again.
    pub fn remove(&self, id: &ContainerId) -> io::Result<bool> {
        let _quiet = self.quiet.read();
        let Some(name) = self.names.lock().get(id).map(OsStr::to_owned) else {
            return Ok(false);
        };
        let path = self.containers().join(name);
        let was_there = match fs::remove_file(&path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(with_path("removed", &path, &error)),
        };
        // Only now may another container get the name.
        self.names.lock().release(id);
        Ok(was_there)
    }

    fn containers(&self) -> PathBuf {
        self.directory.join("containers")
    }

    /// Puts `content` at `path` in one step.
    fn replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        match self.try_replace(path, content) {
            // The first container, or somebody cleaned /var/run up.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o755)
                    .create(self.containers())?;
                self.try_replace(path, content)
            }
            result => result,
        }
    }

    fn try_replace(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let number = self.temporaries.fetch_add(1, Ordering::Relaxed);
        let temporary = self
            .directory
            .join(format!("{TEMPORARY_PREFIX}{number}{TEMPORARY_SUFFIX}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&temporary)?;
        let result = file
            .write_all(content)
            .and_then(|()| fs::rename(&temporary, path));
        if result.is_err()
            && let Err(error) = fs::remove_file(&temporary)
        {
            log::warn!("{temporary:?} is left over: it cannot be removed: {error}");
        }
        result
    }

    fn remove_left_over_temporaries(&self) {
        // A directory that can't be listed is reported where its containers are.
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        for name in entries.flatten().map(|entry| entry.file_name()) {
            let text = name.to_string_lossy();
            if text.starts_with(TEMPORARY_PREFIX) && text.ends_with(TEMPORARY_SUFFIX) {
                let path = self.directory.join(&name);
                match fs::remove_file(&path) {
                    Ok(()) => log::info!("Removed {path:?}, which a killed agent left half-written"),
                    Err(error) => log::warn!("{path:?} is left over: it cannot be removed: {error}"),
                }
            }
        }
    }
}

fn with_path(verb: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("container file {path:?} cannot be {verb}: {error}"),
    )
}

/// A container file that was understood.
struct Found {
    path: PathBuf,
    modified: SystemTime,
    stored: StoredEndpoint,
}

/// The files met so far while the directory is read.
struct Loading {
    unreadable: Unreadable,
    names: FileNames,
    found: BTreeMap<ContainerId, Found>,
}

impl Loading {
    fn new(unreadable: PathBuf) -> Self {
        Self {
            unreadable: Unreadable::new(unreadable),
            names: FileNames::default(),
            found: BTreeMap::new(),
        }
    }

    fn take(&mut self, entry: &DirEntry) {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            log::warn!("{path:?} is skipped: it is a directory, not a container file");
            self.names.block(entry.file_name());
            return;
        }
        match read(&path) {
            Ok((stored, modified)) => self.keep_newest(Found {
                path,
                modified,
                stored,
            }),
            Err(error) if error.kind() == ErrorKind::InvalidData => self.set_aside(&path, &error.to_string()),
            Err(error) => {
                log::error!("Container file {path:?} cannot be read: {error}");
                self.names.block(entry.file_name());
            }
        }
    }

    /// An old run and a newer version may have named the same container's file differently.
    fn keep_newest(&mut self, found: Found) {
        match self.found.entry(found.stored.container.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(found);
            }
            Entry::Occupied(mut place) => {
                let age = |one: &Found| (one.modified, one.path.clone());
                let older = if age(&found) > age(place.get()) {
                    place.insert(found)
                } else {
                    found
                };
                let reason = format!("{:?} is of the same container, and newer", place.get().path);
                self.set_aside(&older.path, &reason);
            }
        }
    }

    fn set_aside(&mut self, path: &Path, reason: &str) {
        match self.unreadable.take(path) {
            Ok(to) => log::error!("Container file {path:?} is unreadable and was moved to {to:?}: {reason}"),
            Err(error) => {
                log::error!(
                    "Container file {path:?} is unreadable: {reason}; it cannot be moved away: {error}"
                );
                self.names.block(file_name(path));
            }
        }
    }

    fn finish(mut self) -> (FileNames, Vec<StoredEndpoint>) {
        let mut stored = Vec::with_capacity(self.found.len());
        for (id, found) in self.found {
            self.names.record(id, file_name(&found.path));
            stored.push(found.stored);
        }
        (self.names, stored)
    }
}

fn file_name(path: &Path) -> OsString {
    path.file_name().unwrap_or_default().to_owned()
}

/// Reads one container file. `InvalidData` is the file's fault, other errors are the system's.
fn read(path: &Path) -> io::Result<(StoredEndpoint, SystemTime)> {
    let unfit = |reason: String| io::Error::new(ErrorKind::InvalidData, reason);
    // Asked before it is opened: opening a pipe or a device can have effects.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(unfit("it is no regular file".to_owned()));
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let modified = file.metadata()?.modified()?;
    let content = read_bounded(&file)?.ok_or_else(|| {
        unfit(format!(
            "it is larger than the {MAX_FILE_BYTES} bytes that container files may have"
        ))
    })?;
    let stored = StoredEndpoint::from_json(&content).map_err(|error| unfit(error.to_string()))?;
    Ok((stored, modified))
}

/// The file's bytes, or `None` if there are more than [`MAX_FILE_BYTES`].
fn read_bounded(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut content)?;
    Ok((content.len() <= MAX_FILE_BYTES).then_some(content))
}
