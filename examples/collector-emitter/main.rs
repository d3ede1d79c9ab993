//! Sends records about itself straight to a collector, as any process of a node may (`reference/metrics.md` 4.2).

#![forbid(unsafe_code)]

mod connection;
mod record;

use clap::Parser;
use connection::Connection;
use stats_examples::Stop;
use stats_schema::{Block, Layout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Sends a list of metrics about itself to a collector every period.
///
/// To see the bytes: `nc -l 8124 > data.avro`, and then any Avro tool.
#[derive(Debug, Parser)]
#[command(
    after_help = "Flags may have one dash or two.\n\nExample: ten lists a second, two in each block\n  \
                        collector-emitter --endpoint 127.0.0.1:8124 --period 0.1 --block-size 2"
)]
struct Options {
    /// The collector to send to
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8124")]
    endpoint: String,

    /// The topic of all lists
    #[arg(long, default_value = "collector-client")]
    topic: String,

    /// Print every list on stderr as JSON
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value_t = false,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    record_output_log: bool,

    /// Seconds between two lists, and before a new attempt to connect
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    period: Duration,

    /// Send a block when it holds this many lists; 1 to 100000
    #[arg(long, value_name = "LISTS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    block_size: u32,

    /// Send a block at the latest after this time; 1 to 3600000
    #[arg(long, value_name = "MS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    block_tick_ms: u32,

    /// Send the schema of 2016, without types
    #[arg(long)]
    old_schema: bool,
}

fn main() -> ExitCode {
    match run(&stats_examples::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Sends until told to stop. A collector that cannot be reached is waited for.
fn run(options: &Options) -> std::io::Result<()> {
    let mut stop = Stop::on_signals()?;
    let layout = if options.old_schema {
        Layout::Old
    } else {
        Layout::Typed
    };
    let mut connection = Connection::new(&options.endpoint, layout, options.period);
    let tick = Duration::from_millis(options.block_tick_ms.into());
    let start = Instant::now();
    let mut block = Block::new(layout);
    let (mut next_list, mut next_tick) = (start, start + tick);
    loop {
        let now = Instant::now();
        if now >= next_list {
            let list = record::about_this_process(&options.topic, start)?;
            if options.record_output_log {
                eprintln!("{}", serde_json::to_string(&list)?);
            }
            block.push(&list);
            next_list += options.period;
        }
        if now >= next_tick || block.records() >= options.block_size as usize {
            connection.send(&block);
            block.clear();
            next_tick = now + tick;
        }
        if stop.wait(next_list.min(next_tick).saturating_duration_since(Instant::now())) {
            connection.send(&block);
            return Ok(());
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "must be a number of seconds".to_owned())?;
    if (0.001..=86_400.0).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err("must be a number of seconds from 0.001 to 86400".to_owned())
}
