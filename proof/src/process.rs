//! A program that was started here, with its log. None outlives the one that started it, unless that is killed.

use crate::Failure;
use crate::clock::{PATIENCE, until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How much of a program's log is shown when it fails.
const SHOWN_LINES: usize = 15;

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a program with its log kept, and a pipe for its input and, unless `command` says otherwise, its output.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                format!(
                    "cannot start {name}, {}: {error}",
                    command.get_program().display()
                )
            })?;
        let pid = Pid::from_child(&child);
        let log = Arc::<Mutex<Vec<String>>>::default();
        let reader = child.stderr.take().map(|stderr| {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
                lines.for_each(|line| lock(&log).push(String::from_utf8_lossy(&line).into_owned()));
            })
        });
        Ok(Self {
            name: name.to_owned(),
            child,
            pid,
            log,
            reader,
        })
    }

    /// The number the system knows it by.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Its standard input; there once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its standard output; there once, if it is a pipe.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// What follows `text` in the last line of its log so far that contains it.
    #[must_use]
    pub fn logged(&self, text: &str) -> Option<String> {
        lock(&self.log)
            .iter()
            .rev()
            .find_map(|line| line.split_once(text).map(|(_, rest)| rest.to_owned()))
    }

    /// Waits for a line of its log that contains `text` and returns what follows.
    ///
    /// # Errors
    ///
    /// When it ends before, or takes too long.
    pub fn wait_for_log(&mut self, text: &str) -> Result<String, Failure> {
        let mut found = None;
        let result = until(&format!("a log line with {text:?}"), PATIENCE, || {
            found = self.logged(text);
            if found.is_none() && self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return Err("ended too early".to_owned());
            }
            Ok(found.is_some())
        });
        match (result, found) {
            (Ok(()), Some(found)) => Ok(found),
            (result, _) => Err(self.failure(&result.err().unwrap_or_default())),
        }
    }

    /// Sends a signal. That it has ended already, the next call finds out.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Kills it as if the machine had.
    ///
    /// # Errors
    ///
    /// When it had ended by itself before.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.signal(Signal::KILL);
        match self.child.wait() {
            Ok(status) if status.code().is_some() => Err(self.failure(&format!("had ended, {status}"))),
            _ => Ok(()),
        }
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// When it ends with an error, or takes too long.
    pub fn wait(&mut self) -> Result<(), Failure> {
        let mut ended = None;
        let waited = until("the end", PATIENCE, || {
            ended = self.child.try_wait().ok().flatten();
            Ok(ended.is_some())
        });
        if let Some(reader) = self.reader.take_if(|_| ended.is_some()) {
            // It ends with the pipe, and does not panic.
            let _ = reader.join();
        }
        match ended {
            Some(status) if status.success() => waited,
            Some(status) => Err(self.failure(&format!("ended with {status}"))),
            None => Err(self.failure("did not end when told to")),
        }
    }

    /// Tells it to end, and waits until it has.
    ///
    /// # Errors
    ///
    /// When it ends with an error, or takes too long.
    pub fn end(&mut self) -> Result<(), Failure> {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// What happened, and the end of the program's log.
    #[must_use]
    pub fn failure(&self, what: &str) -> Failure {
        let log = lock(&self.log);
        let shown = log[log.len().saturating_sub(SHOWN_LINES)..].join("\n  ");
        format!("{}: {what}; the end of its log:\n  {shown}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended, or was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program of this name in the folder of the programs under test.
///
/// # Errors
///
/// When it has not been built.
pub fn program(name: &str) -> Result<Command, Failure> {
    let this = std::env::current_exe().map_err(|error| format!("where this program lies: {error}"))?;
    // Tests lie one folder deeper than the programs.
    let path: Option<PathBuf> = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    let path = path.ok_or_else(|| format!("{name} is not built; `make faults` builds it"))?;
    let mut command = Command::new(path);
    // What the caller has set for programs of these names is not meant for those under test.
    command.env_clear().env("RUST_LOG", "info");
    Ok(command)
}

fn lock(log: &Mutex<Vec<String>>) -> std::sync::MutexGuard<'_, Vec<String>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
