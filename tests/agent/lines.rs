//! What a process writes, line by line, as it comes.

use crate::PATIENCE;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

/// All lines of a stream so far. Reading goes on in a thread until the stream ends.
pub(crate) struct Lines {
    of: &'static str,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    read: Mutex<ReadSoFar>,
    more: Condvar,
}

#[derive(Default)]
struct ReadSoFar {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    pub(crate) fn follow(of: &'static str, stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let writer = Arc::clone(&shared);
        thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).into_owned();
                writer.read.lock().unwrap().lines.push(line);
                writer.more.notify_all();
            }
            writer.read.lock().unwrap().ended = true;
            writer.more.notify_all();
        });
        Self { of, shared }
    }

    /// Waits until `find` finds something in the lines.
    pub(crate) fn wait_for<T>(&self, what: &str, mut find: impl FnMut(&[String]) -> Option<T>) -> T {
        let start = Instant::now();
        let mut read = self.lock();
        loop {
            if let Some(found) = find(&read.lines) {
                return found;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            if read.ended || left.is_zero() {
                let all = read.lines.join("\n");
                drop(read);
                panic!("{}: {what} is not in its lines:\n{all}", self.of);
            }
            read = self.shared.more.wait_timeout(read, left).unwrap().0;
        }
    }

    /// Waits for a line with this text.
    pub(crate) fn wait_for_text(&self, text: &str) -> String {
        self.wait_for(text, |lines| {
            lines.iter().find(|line| line.contains(text)).cloned()
        })
    }

    /// Waits for the end of the stream; all lines.
    pub(crate) fn wait_for_end(&self) -> Vec<String> {
        let read = self.lock();
        let (read, timeout) = self
            .shared
            .more
            .wait_timeout_while(read, PATIENCE, |read| !read.ended)
            .unwrap();
        assert!(!timeout.timed_out(), "{} goes on: {:?}", self.of, read.lines);
        read.lines.clone()
    }

    pub(crate) fn so_far(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    fn lock(&self) -> MutexGuard<'_, ReadSoFar> {
        self.shared.read.lock().unwrap()
    }
}
