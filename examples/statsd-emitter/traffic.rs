//! The lines, one after the other for ever.

use crate::sender::Totals;
use clap::ValueEnum;
use stats_examples::Memory;
use std::fmt::{self, Write};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What kind of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pattern {
    /// Gauges, counters and timers about this process (`reference/metrics.md` 4.1)
    Process,
    /// Every type there is, with tags of its own, several, or none, and with sample rates
    Mixed,
}

/// A source of lines.
#[derive(Debug)]
pub(crate) struct Traffic {
    pattern: Pattern,
    start: Instant,
    memory: Memory,
    memory_read: Instant,
    /// From 1, as `sent.loop_gauge` says.
    loop_number: u64,
    /// Which line of the loop is next.
    step: usize,
    /// Sent before this loop began.
    before: Totals,
    line: String,
}

impl Traffic {
    pub(crate) fn new(pattern: Pattern) -> io::Result<Self> {
        let start = Instant::now();
        Ok(Self {
            pattern,
            start,
            memory: Memory::now()?,
            memory_read: start,
            loop_number: 1,
            step: 0,
            before: Totals::default(),
            line: String::new(),
        })
    }

    /// Whether the line before was the last of its loop.
    pub(crate) fn loop_ended(&self) -> bool {
        self.step == 0
    }

    /// The next line; `totals` are what was sent so far, which some lines speak of.
    pub(crate) fn next_line(&mut self, totals: &Totals) -> io::Result<&str> {
        // A flood needs no newer figures, and reading them takes longer than sending a line.
        if self.memory_read.elapsed() >= Duration::from_secs(1) {
            self.memory = Memory::now()?;
            self.memory_read = Instant::now();
        }
        if self.step == 0 {
            self.before = *totals;
        }
        self.line.clear();
        let steps = match self.pattern {
            Pattern::Process => self.write_process(totals),
            Pattern::Mixed => self.write_mixed(),
        }
        .map_err(io::Error::other)?;
        self.step += 1;
        if self.step == steps {
            self.step = 0;
            self.loop_number += 1;
        }
        Ok(&self.line)
    }

    /// Writes the line of this step and returns how many steps this loop has.
    fn write_process(&mut self, totals: &Totals) -> Result<usize, fmt::Error> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let uptime = self.start.elapsed().as_millis();
        let Memory {
            alloc,
            total_alloc,
            sys,
            lookups,
            mallocs,
            frees,
        } = self.memory;
        let line = &mut self.line;
        // The first loop begins with a line of its own.
        let first = usize::from(self.loop_number == 1);
        match (self.step + 1).checked_sub(first) {
            Some(0) => sampled(line, "proc.instance_counter", 1, "c"),
            Some(1) => sampled(line, "time.unix", unix.as_secs(), "g"),
            Some(2) => sampled(line, "time.unix_nano", unix.as_nanos(), "g"),
            Some(3) => sampled(line, "time.unix_float", unix.as_secs_f64(), "g"),
            Some(4) => sampled(line, "time.uptime_gauge_ms", uptime, "g"),
            Some(5) => sampled(line, "time.uptime_timer_ms", uptime, "ms"),
            Some(6) => sampled(line, "proc.pid", std::process::id(), "g"),
            Some(7) => sampled(line, "mem.alloc", alloc, "g"),
            Some(8) => sampled(line, "mem.total_alloc", total_alloc, "g"),
            Some(9) => sampled(line, "mem.sys", sys, "g"),
            Some(10) => sampled(line, "mem.lookups", lookups, "g"),
            Some(11) => sampled(line, "mem.mallocs", mallocs, "g"),
            Some(12) => sampled(line, "mem.frees", frees, "g"),
            Some(13) => sampled(line, "sent.loop_counter", 1, "c"),
            Some(14) => sampled(line, "sent.loop_gauge", self.loop_number, "g"),
            Some(15) => sampled(line, "sent.bytes_success", totals.bytes - self.before.bytes, "g"),
            _ => sampled(
                line,
                "sent.bytes_failed",
                totals.failed_bytes - self.before.failed_bytes,
                "g",
            ),
        }?;
        Ok(16 + first)
    }

    /// As [`Self::write_process`].
    fn write_mixed(&mut self) -> Result<usize, fmt::Error> {
        let line = &mut self.line;
        let number = self.loop_number;
        let path = ["/", "/cart", "/login"][usize::try_from(number % 3).unwrap_or_default()];
        line.push_str("statsd_emitter.mixed.");
        match self.step {
            0 => write!(line, "requests:1|c|#path:{path},code:200"),
            1 => write!(line, "cache_hits:2|c|@0.5"),
            2 => write!(line, "latency:{}.5|ms|#path:{path}", number % 90),
            3 => write!(line, "response_bytes:{}|h|@0.1|#path:{path}", 100 + number % 4000),
            4 => write!(line, "queue_time:0.{}|d", number % 100),
            5 => write!(line, "users:u{}|s", number % 1000),
            6 => write!(line, "logins:+1|g"),
            7 => write!(line, "logins:-1|g"),
            _ => write!(line, "load:{}|g|#zone:a,canary", number % 8),
        }?;
        Ok(9)
    }
}

fn sampled(line: &mut String, key: &str, value: impl fmt::Display, metric_type: &str) -> fmt::Result {
    write!(
        line,
        "statsd_emitter.{key}:{value}|{metric_type}|#sample_tag:sample_val"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_loop(traffic: &mut Traffic, totals: &Totals) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            lines.push(traffic.next_line(totals).unwrap().to_owned());
            if traffic.loop_ended() {
                return lines;
            }
        }
    }

    /// `reference/metrics.md` 4.1.
    #[test]
    fn process_lines_are_those_of_the_old_emitter() {
        let each_loop = [
            ("time.unix", "g"),
            ("time.unix_nano", "g"),
            ("time.unix_float", "g"),
            ("time.uptime_gauge_ms", "g"),
            ("time.uptime_timer_ms", "ms"),
            ("proc.pid", "g"),
            ("mem.alloc", "g"),
            ("mem.total_alloc", "g"),
            ("mem.sys", "g"),
            ("mem.lookups", "g"),
            ("mem.mallocs", "g"),
            ("mem.frees", "g"),
            ("sent.loop_counter", "c"),
            ("sent.loop_gauge", "g"),
            ("sent.bytes_success", "g"),
            ("sent.bytes_failed", "g"),
        ];
        let mut traffic = Traffic::new(Pattern::Process).unwrap();
        let mut totals = Totals {
            bytes: 10,
            failed_bytes: 1,
            ..Totals::default()
        };
        let first = a_loop(&mut traffic, &totals);
        assert_eq!(
            first[0],
            "statsd_emitter.proc.instance_counter:1|c|#sample_tag:sample_val"
        );
        totals.bytes += 5;
        let second = a_loop(&mut traffic, &totals);
        for lines in [&first[1..], &second] {
            assert_eq!(lines.len(), each_loop.len());
            for (line, (key, metric_type)) in lines.iter().zip(each_loop) {
                let rest = line
                    .strip_prefix("statsd_emitter.")
                    .unwrap()
                    .strip_prefix(key)
                    .unwrap();
                let value = rest.strip_prefix(':').unwrap();
                let value = value
                    .strip_suffix(&format!("|{metric_type}|#sample_tag:sample_val"))
                    .unwrap();
                let digits = value.trim_start_matches(|c: char| c.is_ascii_digit());
                assert!(
                    value.parse::<f64>().is_ok() && (digits.is_empty() || key == "time.unix_float"),
                    "{line}"
                );
            }
        }
        assert!(first[14].contains("loop_gauge:1|") && second[13].contains("loop_gauge:2|"));
        assert!(second[14].contains("bytes_success:0|"), "{}", second[14]);
    }

    #[test]
    fn bytes_are_those_of_the_loop() {
        let mut traffic = Traffic::new(Pattern::Process).unwrap();
        let mut totals = Totals {
            bytes: 10,
            failed_bytes: 1,
            ..Totals::default()
        };
        traffic.next_line(&totals).unwrap();
        totals.bytes = 25;
        totals.failed_bytes = 4;
        let rest = a_loop(&mut traffic, &totals);
        assert!(rest[14].contains("bytes_success:15|"), "{}", rest[14]);
        assert!(rest[15].contains("bytes_failed:3|"), "{}", rest[15]);
    }

    #[test]
    fn mixed_lines_have_every_type() {
        let lines = a_loop(&mut Traffic::new(Pattern::Mixed).unwrap(), &Totals::default());
        for metric_type in ["c", "g", "ms", "h", "d", "s"] {
            let section = format!("|{metric_type}");
            assert!(
                lines
                    .iter()
                    .any(|line| line.ends_with(&section) || line.contains(&(section.clone() + "|")))
            );
        }
        assert!(
            lines.iter().any(|line| line.contains(",canary")) && lines.iter().any(|line| !line.contains('#'))
        );
    }
}
