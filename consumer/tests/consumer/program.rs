//! The real program as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy compiling.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// A running consumer. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
}

/// The program with what every test gives it.
pub(crate) fn command(broker: &str, topic: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcos-stats-consumer"));
    command
        .env("KAFKA_OVERRIDE_BOOTSTRAP_SERVERS", broker)
        .env("KAFKA_OVERRIDE_GROUP_ID", format!("group-{topic}"))
        // Who comes after a member that was killed takes its place at once.
        .env("KAFKA_OVERRIDE_GROUP_INSTANCE_ID", "only")
        .env("KAFKA_TOPICS", topic)
        // Empty is unset.
        .env("CONSUMER_THREADS", "")
        .env("POLL_TIMEOUT_MS", "100")
        .env("STATS_PRINT_PERIOD_MS", "500");
    command
}

impl Program {
    /// Starts it; its output and log become lines.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let errors = sender.clone();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            BufReader::new(out)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        std::thread::spawn(move || {
            BufReader::new(err)
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| errors.send(line))
        });
        Self { child, lines }
    }

    /// Waits for the next line that `wanted` accepts.
    pub(crate) fn wait_for(&self, what: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            match self
                .lines
                .recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no {what} after:\n{}", seen.join("\n")),
            }
        }
    }

    /// Waits until the totals say that this many of `counter` were counted.
    pub(crate) fn wait_for_total(&self, counter: &str, count: u64) {
        let count = format!(" {counter}={count} ");
        self.wait_for(&count, |line| {
            line.contains("STATS TOTAL") && line.contains(&count)
        });
    }

    /// Asks it to end.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let status = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(status.success());
        self.child.wait().unwrap()
    }

    /// Gives it no time to do anything more.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}
