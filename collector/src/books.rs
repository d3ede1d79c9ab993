//! Running totals in a file, so that what a collector held when it was killed is counted by the next one.
//!
//! What the collector has acknowledged is nobody else's any more. A collector that is killed cannot say how much of it had
//! not reached its sinks; the file can: it outlives the process, though not the machine. It is text, a line for what was
//! received and one for each sink, of constant width, each overwritten in place as datapoints come and go. A total is
//! written before a peer is told that its blocks were taken over, and after a sink is done with them; so a datapoint may be
//! counted as lost that just was written, and never the other way round.

use log::warn;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// The name of the first line.
const RECEIVED: &str = "received";

/// A name, a space, twenty digits, and the end of the line.
const LINE_BYTES: usize = NAME_BYTES + 22;
const NAME_BYTES: usize = 20;

/// No more is read of a file than any of ours has.
const FILE_BYTES: u64 = 64 * LINE_BYTES as u64;

/// The open file.
#[derive(Debug)]
pub(crate) struct Books {
    file: File,
    received: Mutex<u64>,
    failed: AtomicBool,
}

/// The line of one sink.
#[derive(Debug)]
pub(crate) struct Page {
    books: Arc<Books>,
    line: u64,
}

impl Books {
    /// Opens the books of these sinks, and says how many datapoints each of them had not been done with when the last
    /// collector with this file ended.
    ///
    /// # Errors
    ///
    /// When the file cannot be read and written, or another process has it.
    pub(crate) fn open(path: &Path, sinks: &[&'static str]) -> io::Result<(Arc<Self>, Vec<u64>)> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            // It is overwritten: whoever may put a link there shall not choose what.
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)
            .map_err(|error| match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::LOOP) => io::Error::new(error.kind(), "it is a link, and these are not followed"),
                _ => error,
            })?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another process uses it"))?;
        let mut text = String::new();
        (&mut file).take(FILE_BYTES).read_to_string(&mut text)?;
        let lost = lost(&text, sinks);
        let fresh: String = [RECEIVED].iter().chain(sinks).map(|name| line(name, 0)).collect();
        file.write_all_at(fresh.as_bytes(), 0)?;
        file.set_len(fresh.len() as u64)?;
        file.flush()?;
        let books = Self {
            file,
            received: Mutex::default(),
            failed: AtomicBool::new(false),
        };
        Ok((Arc::new(books), lost))
    }

    /// Notes datapoints that are ours to account for from now on.
    pub(crate) fn received(&self, datapoints: u64) {
        if datapoints > 0 {
            // Held while writing, or an older sum could overwrite a newer one.
            let mut received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
            *received += datapoints;
            self.write(0, *received);
        }
    }

    /// The page of the sink with this place in the list they were opened with.
    pub(crate) fn page(self: &Arc<Self>, sink: usize) -> Page {
        Page {
            books: Arc::clone(self),
            line: 1 + sink as u64,
        }
    }

    fn write(&self, line: u64, total: u64) {
        let digits = format!("{total:020}");
        let place = line * LINE_BYTES as u64 + NAME_BYTES as u64 + 1;
        let written = self.file.write_all_at(digits.as_bytes(), place);
        if let Err(error) = written
            && !self.failed.swap(true, Relaxed)
        {
            warn!("--books: {error}; what a killed collector holds may not be counted");
        }
    }
}

impl Page {
    /// Notes how many datapoints the sink is done with, since the start.
    pub(crate) fn done(&self, total: u64) {
        self.books.write(self.line, total);
    }
}

fn line(name: &str, total: u64) -> String {
    format!("{name:<NAME_BYTES$} {total:020}\n")
}

/// What the collector that wrote `text` was not done with, for each of the sinks.
fn lost(text: &str, sinks: &[&str]) -> Vec<u64> {
    let total = |name: &str| -> Option<u64> {
        let mut lines = text.lines().map(str::split_whitespace);
        let mut fields = lines.find_map(|mut fields| (fields.next() == Some(name)).then_some(fields))?;
        fields.next()?.parse().ok()
    };
    let received = total(RECEIVED).unwrap_or(0);
    let missing = |name: &&str| total(name).map_or(0, |done| received.saturating_sub(done));
    sinks.iter().map(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_was_not_done_is_found_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books");
        let (books, lost) = Books::open(&path, &["stdout", "kafka"]).unwrap();
        assert_eq!(lost, [0, 0]);
        books.received(100);
        books.received(23);
        books.page(0).done(123);
        books.page(1).done(20);
        let second = Books::open(&path, &["kafka"]).unwrap_err();
        assert!(second.to_string().contains("another process"), "{second}");
        drop(books);
        // Other sinks, in another order; one is new.
        let (books, lost) = Books::open(&path, &["kafka", "file", "stdout"]).unwrap();
        assert_eq!(lost, [103, 0, 0]);
        drop(books);
        assert_eq!(Books::open(&path, &["kafka"]).unwrap().1, [0]);
    }

    #[test]
    fn only_its_owner_writes_it_and_no_link_leads_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books");
        drop(Books::open(&path, &["kafka"]).unwrap());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        // What the umask leaves of it: at least the owner's.
        assert_eq!((mode & 0o700, mode & 0o137), (0o600, 0), "{mode:o}");

        let other = directory.path().join("other");
        std::fs::write(&other, "precious").unwrap();
        for target in [&other, &directory.path().join("none")] {
            let link = directory.path().join("link");
            symlink(target, &link).unwrap();
            let error = Books::open(&link, &["kafka"]).unwrap_err();
            assert!(error.to_string().contains("it is a link"), "{error}");
            std::fs::remove_file(link).unwrap();
        }
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn a_file_that_is_something_else_costs_nothing_but_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("books");
        for content in [
            "",
            "received",
            "received x\nkafka 1",
            "kafka 5\nreceived 3",
            &"x".repeat(1 << 20),
        ] {
            std::fs::write(&path, content).unwrap();
            let (books, lost) = Books::open(&path, &["kafka"]).unwrap();
            assert_eq!(lost, [0], "{content:.20}");
            books.received(7);
            drop(books);
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text, line(RECEIVED, 7) + &line("kafka", 0));
        }
    }
}
