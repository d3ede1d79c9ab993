//! Graphite: Carbon's plain lines over TCP or UDP, and its pickles.
//!
//! Carbon acknowledges nothing. But it closes its side of a connection once it has read ours to the end, whereas the kernel
//! resets a connection whose process dies with something unread. So each batch has a connection of its own, which is closed
//! for writing after the batch; the end of the connection from the other side is the acknowledgement.

mod name;
mod pickle;

use crate::backend::{Backend, DeliveryError};
use crate::batch::Batch;
use crate::counters::{Counters, add};
use crate::datagrams::{Datagrams, LINE_BYTES};
use crate::environment::boolean;
use crate::numbers::{name_suffix, number};
use clap::{Args, ValueEnum};
use stats_schema::RecordRef;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// A batch is full with this many bytes.
const BATCH_BYTES: usize = 256 << 10;

/// The longest name: what fits a path on Linux beside Carbon's directory.
const NAME_BYTES: usize = 2048;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long Carbon may take between two pieces of a batch, or to close the connection. Its flow control makes it stop reading.
const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

/// How Carbon is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// Lines over TCP
    Tcp,
    /// Lines over UDP: what is lost on the way is lost
    Udp,
    /// Pickles over TCP, usually to port 2004
    Pickle,
    /// Not supported, see RABBITMQ in the error
    #[value(hide = true)]
    Rabbitmq,
}

/// Options of the subcommand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Graphite")]
pub(crate) struct GraphiteOptions {
    /// Carbon's host
    #[arg(long, env, value_name = "HOST")]
    pub(crate) output_host: String,

    /// Carbon's port
    #[arg(long, env, value_name = "PORT", default_value_t = 2003)]
    pub(crate) output_port: u16,

    /// How Carbon is spoken to
    #[arg(long, env, value_name = "PROTOCOL", default_value = "tcp", ignore_case = true)]
    pub(crate) graphite_protocol: Protocol,

    /// Begins all names, with a dot after it
    #[arg(long, env, value_name = "NAME", default_value = "")]
    pub(crate) graphite_prefix: String,

    /// Whether framework, executor and container id stand before the name
    #[arg(long, env, value_name = "BOOL", default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_parser = boolean)]
    pub(crate) graphite_prefix_ids: bool,
}

/// A batch for Carbon.
pub(crate) struct Graphite {
    options: GraphiteOptions,
    counters: Arc<Counters>,
    batch: Batch,
    datagrams: Datagrams,
    /// What stands before the names of the current list, and the name after it.
    name: Vec<u8>,
}

impl Graphite {
    /// # Errors
    ///
    /// For a protocol of 2016 that is not supported.
    pub(crate) fn new(options: &GraphiteOptions, counters: Arc<Counters>) -> Result<Self, String> {
        if options.graphite_protocol == Protocol::Rabbitmq {
            return Err(
                "GRAPHITE_PROTOCOL is RABBITMQ, which is not supported: allowed are TCP, UDP and PICKLE"
                    .to_owned(),
            );
        }
        Ok(Self {
            datagrams: Datagrams::new(&options.output_host, options.output_port),
            options: options.clone(),
            counters,
            batch: Batch::default(),
            name: Vec::new(),
        })
    }

    /// Sends the batch and waits until Carbon has read it.
    fn send(&self) -> io::Result<()> {
        let mut stream = connect(&self.options.output_host, self.options.output_port)?;
        stream.set_write_timeout(Some(PROGRESS_TIMEOUT))?;
        stream.set_read_timeout(Some(PROGRESS_TIMEOUT))?;
        if self.options.graphite_protocol == Protocol::Pickle {
            let (mut first, mut frame) = (0, Vec::new());
            while first < self.batch.len() {
                let end = self.batch.fitting(first, pickle::FRAME_BYTES);
                frame.clear();
                pickle::put_frame(&mut frame, self.batch.range(first, end));
                stream.write_all(&frame)?;
                first = end;
            }
        } else {
            stream.write_all(self.batch.range(0, self.batch.len()))?;
        }
        stream.shutdown(Shutdown::Write)?;
        // Carbon says nothing; whatever else says something is not Carbon, and its words don't matter either.
        let mut ignored = [0; 512];
        while stream.read(&mut ignored)? > 0 {}
        Ok(())
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

impl Backend for Graphite {
    fn append(&mut self, record: &RecordRef<'_>) -> usize {
        self.name.clear();
        name::put_prefix(&mut self.name, &self.options, record.tags);
        let prefix = self.name.len();
        let mut taken = 0;
        for datapoint in record.datapoints {
            if self.full() {
                break;
            }
            taken += 1;
            let Some(value) = number(datapoint, &self.counters) else {
                continue;
            };
            self.name.truncate(prefix);
            name::put_name(&mut self.name, datapoint.name, name_suffix(datapoint));
            if self.name.len() > NAME_BYTES {
                add(&self.counters.too_long, 1);
                continue;
            }
            // A negative time would mean now.
            let seconds = datapoint.time_ms.max(0) / 1000;
            let name = &self.name;
            self.batch.push(LINE_BYTES, |out| {
                if self.options.graphite_protocol == Protocol::Pickle {
                    pickle::put_datapoint(out, name, seconds, value);
                } else {
                    out.extend_from_slice(name);
                    // Writing to a vector does not fail.
                    let _written = writeln!(out, " {value:?} {seconds}");
                }
            });
        }
        taken
    }

    fn full(&self) -> bool {
        self.batch.bytes() >= BATCH_BYTES
    }

    fn deliver(&mut self) -> Result<(), DeliveryError> {
        if self.batch.len() == 0 {
            return Ok(());
        }
        if self.options.graphite_protocol == Protocol::Udp {
            return self.datagrams.send(&mut self.batch, &self.counters);
        }
        self.send().map_err(|error| {
            let to = format!("{}:{}", self.options.output_host, self.options.output_port);
            DeliveryError::unavailable("deliver to Carbon at", &to, &error)
        })?;
        add(&self.counters.delivered, self.batch.len());
        self.batch.clear();
        Ok(())
    }
}
