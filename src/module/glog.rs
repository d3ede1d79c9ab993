//! Log records of the core in the agent's log, which is glog's, with the file and line they were written at.
//!
//! `debug` and `trace` appear if the agent is as verbose: with `GLOG_v=1` and `GLOG_v=2`, or for as long as its HTTP endpoint
//! `/logging/toggle` says so.

use crate::bridge::ffi;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::panic;

struct Glog;

static GLOG: Glog = Glog;

/// Makes the agent's log that of this library, from the first call on.
pub(crate) fn install() {
    if log::set_logger(&GLOG).is_ok() {
        log::set_max_level(LevelFilter::Trace);
        // The agent's stderr may lead nowhere.
        panic::set_hook(Box::new(|panic| {
            log::error!("{}", panic.to_string().replace('\n', " "));
        }));
    }
}

impl Log for Glog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let verbosity = match metadata.level() {
            Level::Error | Level::Warn | Level::Info => return true,
            Level::Debug => 1,
            Level::Trace => 2,
        };
        ffi::verbosity().is_ok_and(|allowed| allowed >= verbosity)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let severity = match record.level() {
            Level::Error => ffi::Severity::Error,
            Level::Warn => ffi::Severity::Warning,
            Level::Info | Level::Debug | Level::Trace => ffi::Severity::Info,
        };
        let (file, line) = (
            record.file().unwrap_or_default(),
            record.line().unwrap_or_default(),
        );
        // There is nowhere to say that the log itself fails.
        let _ = ffi::write(severity, file, line, &record.args().to_string());
    }

    fn flush(&self) {}
}
