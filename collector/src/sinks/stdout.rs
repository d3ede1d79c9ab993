//! Records as JSON lines on stdout.

use super::Outcome;
use crate::telemetry::Output;
use crate::{Batch, Sink};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

/// Writes one line of JSON for every record, in one call for every batch.
#[derive(Debug)]
pub struct Stdout {
    file: File,
    lines: Vec<u8>,
}

/// A buffer that grew larger than this for one batch is given back.
const KEPT_BYTES: usize = 1 << 20;

impl Stdout {
    /// Writes to this process's stdout, past the standard library's buffer: whole batches need none.
    ///
    /// # Errors
    ///
    /// When stdout is closed.
    pub fn open() -> io::Result<Self> {
        let file = io::stdout().as_fd().try_clone_to_owned()?.into();
        Ok(Self {
            file,
            lines: Vec::new(),
        })
    }
}

impl Sink for Stdout {
    fn name(&self) -> &'static str {
        "stdout"
    }

    fn write(&mut self, batch: &Batch, _output: &Output) -> io::Result<Outcome> {
        self.lines.clear();
        self.lines.shrink_to(KEPT_BYTES);
        batch.try_for_each(|record| {
            serde_json::to_writer(&mut self.lines, &record)?;
            self.lines.push(b'\n');
            Ok::<(), io::Error>(())
        })?;
        self.file.write_all(&self.lines)?;
        Ok(Outcome::Written(self.lines.len() as u64))
    }
}
