//! Records in files on disk: Avro object container files, as any Avro tool reads them.
//!
//! Each batch is one block, written in one call, so that a file is complete whenever nothing is being written. When the
//! process is killed in between, half a block is the last thing in the file, and readers get everything before it.

mod folder;

use super::Outcome;
use super::problem::Problem;
use crate::telemetry::{Output, Reason};
use crate::{Batch, Sink};
use clap::Args;
use folder::{Folder, Growing};
use log::error;
use stats_schema::{Layout, SYNC_MARKER, put_long, put_record};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where files go, and how many and how large they are.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "File output")]
pub struct FileOptions {
    /// Write all records to Avro files in this folder, which is made if there is none
    ///
    /// The files are called metrics-UTCSECOND-NUMBER.avro. The one being written ends with .part until it is
    /// finished, but can be read before. When the disk is full, records are dropped and counted until it is not; the
    /// collector and its other outputs go on.
    #[arg(long = "file", value_name = "DIR")]
    pub folder: Option<PathBuf>,

    /// A new file begins before one grows beyond this, unless a single batch is larger; 1 to 1073741824
    #[arg(long = "file-rotate-kbytes", value_name = "KBYTES", default_value = "65536",
          value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    pub rotate_kbytes: u64,

    /// A file is finished this long after it began; 1 to 31536000
    #[arg(long = "file-rotate-seconds", value_name = "SECONDS", default_value = "3600",
          value_parser = clap::value_parser!(u64).range(1..=365 * 24 * 3600))]
    pub rotate_seconds: u64,

    /// How many files there are at most, the oldest are removed; 2 to 100000
    ///
    /// The folder takes about this many times --file-rotate-kbytes: 1.5 GB unless either is set. Files of other names are
    /// neither counted nor removed.
    #[arg(long = "file-keep", value_name = "FILES", default_value = "24",
          value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub keep: u32,
}

/// Writes every batch as a block.
#[derive(Debug)]
pub struct Files {
    folder: Folder,
    rotate_bytes: u64,
    rotate_after: Duration,
    growing: Option<Growing>,
    records: Vec<u8>,
    block: Vec<u8>,
    problem: Problem,
}

const NAME: &str = "file";

/// Buffers that grew larger than this for one batch are given back.
const KEPT_BYTES: usize = 1 << 20;

impl Files {
    /// A sink for the folder in `options`; none if they name none. The first file begins with the first record.
    ///
    /// # Errors
    ///
    /// When the folder can't be made, read or written to.
    pub fn open(options: &FileOptions) -> io::Result<Option<Self>> {
        let Some(path) = &options.folder else {
            return Ok(None);
        };
        let folder = Folder::open(path, options.keep as usize).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!(
                    "--file={}: {error}; it must be a folder that can be written to",
                    path.display()
                ),
            )
        })?;
        Ok(Some(Self {
            folder,
            rotate_bytes: options.rotate_kbytes * 1024,
            rotate_after: Duration::from_secs(options.rotate_seconds),
            growing: None,
            records: Vec::new(),
            block: Vec::new(),
            problem: Problem::new(NAME),
        }))
    }

    /// Makes [`Self::block`] of the batch, which has records.
    #[expect(clippy::cast_possible_wrap, reason = "no batch has 2^63 bytes")]
    fn encode(&mut self, batch: &Batch) {
        for buffer in [&mut self.records, &mut self.block] {
            buffer.clear();
            buffer.shrink_to(KEPT_BYTES);
        }
        let records = &mut self.records;
        let Ok(()) = batch.try_for_each(|record| {
            let (tags, datapoints) = (record.tags.iter().copied(), record.datapoints.iter().copied());
            put_record(records, Layout::Typed, record.topic, tags, datapoints);
            Ok::<(), Infallible>(())
        });
        put_long(&mut self.block, batch.records() as i64);
        put_long(&mut self.block, records.len() as i64);
        self.block.extend_from_slice(records);
        self.block.extend_from_slice(&SYNC_MARKER);
    }

    fn append(&mut self) -> io::Result<()> {
        if let Some(growing) = &self.growing {
            let full = growing.bytes() + self.block.len() as u64 > self.rotate_bytes && growing.has_blocks();
            if growing.removed() {
                self.growing = None;
            } else if full || growing.torn() {
                self.finish();
            }
        }
        let growing = match &mut self.growing {
            Some(growing) => growing,
            None => self.growing.insert(self.folder.begin()?),
        };
        growing.append(&self.block)
    }

    fn finish(&mut self) {
        if let Some(growing) = self.growing.take()
            && let Err(error) = growing.finish()
        {
            error!(
                "{NAME}: cannot finish a file: {error}; it keeps its .part until the collector starts again"
            );
        }
    }
}

impl Sink for Files {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&mut self, batch: &Batch, output: &Output) -> io::Result<Outcome> {
        if batch.records() == 0 {
            // To some readers an empty block is the end.
            return Ok(Outcome::Written(0));
        }
        self.encode(batch);
        let result = self.append();
        let outcome = if result.is_ok() {
            Outcome::Written(self.block.len() as u64)
        } else {
            output
                .dropped(Reason::WriteFailed)
                .add(batch.records() as u64, batch.datapoints() as u64);
            Outcome::Counted
        };
        let problem = result.err().map(|error| format!("cannot write files: {error}"));
        self.problem.set(problem, output);
        Ok(outcome)
    }

    fn tick(&mut self, _output: &Output) -> Option<Duration> {
        let age = self.growing.as_ref()?.begun().elapsed();
        if age >= self.rotate_after {
            self.finish();
            return None;
        }
        Some(self.rotate_after - age)
    }

    fn end(&mut self, _output: &Output, _deadline: Instant) {
        self.finish();
    }
}

#[cfg(test)]
mod tests;
