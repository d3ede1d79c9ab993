//! A program the demo has started. None outlives the demo, unless that is killed with SIGKILL.

use crate::Failure;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child as Process, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to start, or to end when told to.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much of a program's log is shown when it fails.
const LOG_LINES: usize = 15;

/// Those that run, for the signal that leaves no time to end them one after the other.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// Kills all programs that run.
pub(crate) fn kill_all() {
    for pid in RUNNING.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        // The only error is that it has just ended.
        let _ = kill_process(*pid, Signal::KILL);
    }
}

/// A running program; killed when dropped.
pub(crate) struct Child {
    name: String,
    process: Process,
    pid: Pid,
    log: Receiver<String>,
    logged: Vec<String>,
}

impl Child {
    /// Starts the program `binary`, which lies beside this one, with stdout captured and its log kept.
    pub(crate) fn start<S: AsRef<OsStr>>(
        name: &str,
        binary: &str,
        arguments: impl IntoIterator<Item = S>,
        environment: &[(&str, &str)],
    ) -> Result<(Self, ChildStdout), Failure> {
        let path = beside_this_program(binary)?;
        let mut process = Command::new(&path)
            .args(arguments)
            // What the caller has set for programs of these names is not meant for the demo's.
            .env_clear()
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
            // Ctrl-C is for the demo alone, which then ends the others in the right order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", path.display()))?;
        let pid = Pid::from_child(&process);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(pid);
        let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
        let (sender, log) = channel();
        let child = Self {
            name: name.into(),
            process,
            pid,
            log,
            logged: Vec::new(),
        };
        match (stdout, stderr) {
            (Some(stdout), Some(stderr)) => {
                thread::spawn(move || send_lines(stderr, &sender));
                Ok((child, stdout))
            }
            _ => Err(format!("{name} was started without pipes")),
        }
    }

    /// Waits for a line of its log that contains `text` and returns what follows.
    pub(crate) fn wait_for_log(&mut self, text: &str) -> Result<String, Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .log
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => {
                    let rest = line.split_once(text).map(|(_, rest)| rest.to_owned());
                    self.logged.push(line);
                    if let Some(rest) = rest {
                        return Ok(rest);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Err(self.failure(&format!("never logged {text:?}"))),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended_too_early()),
            }
        }
    }

    /// Fails if the program has ended.
    pub(crate) fn check(&mut self) -> Result<(), Failure> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(self.ended_too_early()),
            Err(error) => Err(self.failure(&format!("cannot be asked whether it runs: {error}"))),
        }
    }

    /// What happened to a program that ends, or has ended, without having been told to.
    pub(crate) fn ended_too_early(&mut self) -> Failure {
        match self.read_log_to_end().and_then(|()| self.process.wait().ok()) {
            Some(status) => self.failure(&format!("ended too early, {status}")),
            None => self.failure("closed its stdout too early"),
        }
    }

    /// Tells the program to end, without waiting for it.
    pub(crate) fn tell_to_end(&self) {
        // The only error is that it has ended already, which `wait` finds out.
        let _ = kill_process(self.pid, Signal::TERM);
    }

    /// Waits until the program has ended and returns its whole log.
    pub(crate) fn wait(mut self) -> Result<Vec<String>, Failure> {
        if self.read_log_to_end().is_none() {
            return Err(self.failure("did not end when told to"));
        }
        match self.process.wait() {
            Ok(status) if status.success() => Ok(std::mem::take(&mut self.logged)),
            Ok(status) => Err(self.failure(&format!("ended with {status}"))),
            Err(error) => Err(self.failure(&format!("cannot be waited for: {error}"))),
        }
    }

    /// A program's log ends when the program does; nothing if that takes too long.
    fn read_log_to_end(&mut self) -> Option<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self
                .log
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => self.logged.push(line),
                Err(RecvTimeoutError::Disconnected) => return Some(()),
                Err(RecvTimeoutError::Timeout) => return None,
            }
        }
    }

    /// What happened, and the end of the program's log.
    pub(crate) fn failure(&mut self, what: &str) -> Failure {
        self.logged.extend(self.log.try_iter());
        let from = self.logged.len().saturating_sub(LOG_LINES);
        let log: String = self.logged[from..]
            .iter()
            .map(|line| format!("\n  {line}"))
            .collect();
        format!("{} {what}; the end of its log:{log}", self.name)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        // Both fail only if it has ended, or was waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
        running.retain(|pid| *pid != self.pid);
    }
}

fn beside_this_program(binary: &str) -> Result<PathBuf, Failure> {
    let this =
        std::env::current_exe().map_err(|error| format!("cannot tell where this program lies: {error}"))?;
    let path = this.with_file_name(binary);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!("{} is not there; `make demo` builds it", path.display()))
}

fn send_lines(stream: impl Read, lines: &Sender<String>) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}
