//! StatsD and DogStatsD: lines over UDP, with the type each datapoint had when its task sent it.

use crate::backend::{Backend, DeliveryError};
use crate::batch::Batch;
use crate::counters::{Counters, add};
use crate::datagrams::{Datagrams, LINE_BYTES};
use crate::environment::boolean;
use clap::Args;
use stats_schema::RecordRef;
use stats_schema::statsd::{Inexpressible, put_datapoint, put_tags};
use std::sync::Arc;

/// A batch is full with this many bytes, which is what a receiver's socket buffer holds by default at the least.
const BATCH_BYTES: usize = 64 << 10;

/// Options of the subcommand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "StatsD")]
pub(crate) struct StatsdOptions {
    /// The StatsD server's host
    #[arg(long, env, value_name = "HOST")]
    output_host: String,

    /// The StatsD server's UDP port
    #[arg(long, env, value_name = "PORT", default_value_t = 8125)]
    output_port: u16,

    /// Begins all names, with a dot after it
    #[arg(long, env, value_name = "NAME", default_value = "")]
    key_prefix: String,

    /// Whether to add the tags, as DogStatsD understands them
    #[arg(long, env, value_name = "BOOL", default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_parser = boolean)]
    enable_tags: bool,
}

/// A batch for a StatsD server. StatsD knows no times: values count when they arrive.
pub(crate) struct Statsd {
    /// What stands before every name.
    prefix: String,
    enable_tags: bool,
    counters: Arc<Counters>,
    batch: Batch,
    datagrams: Datagrams,
    /// The current list's tags as they stand in each line.
    tags: Vec<u8>,
    /// The current datapoint's line, or two.
    line: Vec<u8>,
}

impl Statsd {
    pub(crate) fn new(options: &StatsdOptions, counters: Arc<Counters>) -> Self {
        let prefix = options.key_prefix.trim_end_matches('.');
        Self {
            datagrams: Datagrams::new(&options.output_host, options.output_port),
            prefix: match prefix {
                "" => String::new(),
                prefix => format!("{prefix}."),
            },
            enable_tags: options.enable_tags,
            counters,
            batch: Batch::default(),
            tags: Vec::new(),
            line: Vec::new(),
        }
    }
}

impl Backend for Statsd {
    fn append(&mut self, record: &RecordRef<'_>) -> usize {
        self.tags.clear();
        if self.enable_tags {
            put_tags(&mut self.tags, record.tags);
        }
        let mut taken = 0;
        for datapoint in record.datapoints {
            if self.full() {
                break;
            }
            taken += 1;
            self.line.clear();
            match put_datapoint(&mut self.line, &self.prefix, datapoint, &self.tags) {
                Ok(()) => {
                    self.line.push(b'\n');
                    let line = &self.line;
                    if !self.batch.push(LINE_BYTES, |out| out.extend_from_slice(line)) {
                        add(&self.counters.too_long, 1);
                    }
                }
                Err(Inexpressible::NotFinite) => add(&self.counters.not_finite, 1),
                Err(Inexpressible::Empty) => add(&self.counters.empty, 1),
            }
        }
        taken
    }

    fn full(&self) -> bool {
        self.batch.bytes() >= BATCH_BYTES
    }

    fn deliver(&mut self) -> Result<(), DeliveryError> {
        self.datagrams.send(&mut self.batch, &self.counters)
    }
}
