//! Datapoints to a StatsD or DogStatsD server.

use super::Outcome;
use super::problem::Problem;
use crate::datagrams::{Datagram, Destination, datagram_bytes, host_and_port};
use crate::flags::boolean;
use crate::telemetry::{Output, Reason};
use crate::{Batch, Sink};
use clap::Args;
use stats_schema::RecordRef;
use stats_schema::statsd::{Inexpressible, put_datapoint, put_tags};
use std::convert::Infallible;
use std::io;
use std::time::{Duration, Instant};

/// Where and how to send StatsD lines.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "StatsD output")]
pub struct StatsdOptions {
    /// Send every datapoint to this StatsD or DogStatsD server, over UDP
    ///
    /// Counters, gauges, timers, histograms, distributions and sets arrive as what they were when the task sent them;
    /// what has no type, records of the old schema among them, arrives as a gauge. A counter arrives without a sample
    /// rate and with the number it stands for. StatsD knows no times: values count when they arrive. A name is looked up
    /// again every minute, and the last address that was found stays in use while that fails.
    #[arg(long = "statsd-output", value_name = "HOST:PORT", value_parser = host_and_port)]
    pub server: Option<(String, u16)>,

    /// Whether lines end with the tags, |#key:value,..., as DogStatsD, Telegraf and statsd from 0.9 on understand them
    ///
    /// Without tags, the series of equal names of all containers are one.
    #[arg(long = "statsd-output-tags", value_name = "BOOL", default_value = "true", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_parser = boolean)]
    pub tags: bool,

    /// The largest datagram; 64 to 65507
    ///
    /// 1432 fits an Ethernet frame even through the usual tunnels. On the same host, 8192 means fewer datagrams. A
    /// datapoint whose line is longer is dropped and counted as too_large.
    #[arg(long = "statsd-output-max-bytes", value_name = "BYTES", default_value = "1432", value_parser = datagram_bytes())]
    pub max_bytes: usize,
}

/// Sends the lines of every batch in as few datagrams as possible; no line waits for the next batch.
#[derive(Debug)]
pub struct Statsd {
    destination: Destination,
    with_tags: bool,
    datagram: Datagram,
    tags: Vec<u8>,
    line: Vec<u8>,
    server: String,
    problem: Problem,
    failed_at: Option<Instant>,
    quiet: Duration,
}

const NAME: &str = "statsd";

/// No failure for so long is the end of a problem. A host without a server says so only now and then, and what is sent
/// in between seems to arrive.
const QUIET: Duration = Duration::from_secs(10);

impl Statsd {
    /// A sink for the server in `options`; none if they name none.
    ///
    /// # Errors
    ///
    /// When the system refuses a socket or a thread.
    pub fn open(options: &StatsdOptions) -> io::Result<Option<Self>> {
        let Some((host, port)) = &options.server else {
            return Ok(None);
        };
        Ok(Some(Self {
            destination: Destination::new(host, *port)?,
            with_tags: options.tags,
            datagram: Datagram::new(options.max_bytes),
            tags: Vec::new(),
            line: Vec::new(),
            server: format!("{host}:{port}"),
            problem: Problem::new(NAME),
            failed_at: None,
            quiet: QUIET,
        }))
    }

    /// Adds the lines of `record`. It counts as written if one of its datapoints is, and otherwise as dropped for the
    /// reason its last datapoint was.
    fn add(&mut self, record: &RecordRef<'_>, output: &Output) {
        self.tags.clear();
        if self.with_tags {
            put_tags(&mut self.tags, record.tags);
        }
        let mut added = false;
        let mut dropped = None;
        for datapoint in record.datapoints {
            self.line.clear();
            let result = match put_datapoint(&mut self.line, "", datapoint, &self.tags) {
                Ok(()) if self.datagram.never_fits(&self.line) => Err(Reason::TooLarge),
                Ok(()) => Ok(()),
                Err(Inexpressible::NotFinite) => Err(Reason::NoNumber),
                Err(Inexpressible::Empty) => Err(Reason::Refused),
            };
            if let Err(reason) = result {
                output.dropped(reason).add(0, 1);
                dropped = Some(reason);
                continue;
            }
            if !self.datagram.fits(&self.line) {
                self.send(output);
            }
            self.datagram.push(&self.line);
            self.datagram.datapoints += 1;
            added = true;
        }
        match dropped {
            // Its fate is that of its last line, which is in this datagram.
            _ if added => self.datagram.records += 1,
            Some(reason) => output.dropped(reason).add(1, 0),
            None => output.written.add(1, 0),
        }
    }

    fn send(&mut self, output: &Output) {
        if self.datagram.is_empty() {
            return;
        }
        let result = self.destination.send(self.datagram.bytes());
        let amount = match &result {
            Ok(()) => {
                output.bytes_written.add(self.datagram.bytes().len() as u64);
                &output.written
            }
            Err(_) => output.dropped(Reason::WriteFailed),
        };
        amount.add(self.datagram.records, self.datagram.datapoints);
        self.datagram.clear();
        if let Err(error) = result {
            self.failed_at = Some(Instant::now());
            let problem = format!("cannot send datagrams to {}: {error}", self.server);
            self.problem.set(Some(problem), output);
        } else if self
            .failed_at
            .is_some_and(|failed| failed.elapsed() >= self.quiet)
        {
            self.failed_at = None;
            self.problem.set(None, output);
        }
    }
}

impl Sink for Statsd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome> {
        let Ok(()) = batch.try_for_each(|record| {
            self.add(&record, output);
            Ok::<(), Infallible>(())
        });
        self.send(output);
        Ok(Outcome::Counted)
    }
}

#[cfg(test)]
mod tests;
