//! StatsD and DogStatsD: lines over UDP, with the type each datapoint had when its task sent it.

use crate::backend::{Backend, DeliveryError};
use crate::batch::Batch;
use crate::counters::{Counters, add};
use crate::datagrams::{Datagrams, LINE_BYTES};
use crate::environment::boolean;
use clap::Args;
use stats_schema::{DatapointRef, MetricType, RecordRef, TagRef};
use std::io::Write;
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
    options: StatsdOptions,
    counters: Arc<Counters>,
    batch: Batch,
    datagrams: Datagrams,
    /// The current list's tags as they stand in each line.
    tags: Vec<u8>,
}

impl Statsd {
    pub(crate) fn new(options: &StatsdOptions, counters: Arc<Counters>) -> Self {
        Self {
            datagrams: Datagrams::new(&options.output_host, options.output_port),
            options: options.clone(),
            counters,
            batch: Batch::default(),
            tags: Vec::new(),
        }
    }
}

impl Backend for Statsd {
    fn append(&mut self, record: &RecordRef<'_>) -> usize {
        self.tags.clear();
        if self.options.enable_tags {
            put_tags(&mut self.tags, record.tags);
        }
        let mut taken = 0;
        for datapoint in record.datapoints {
            if self.full() {
                break;
            }
            taken += 1;
            let has_text = datapoint.metric_type == MetricType::Set && datapoint.text.is_some();
            if !has_text && !datapoint.value.is_finite() {
                add(&self.counters.not_finite, 1);
                continue;
            }
            let (prefix, tags) = (&self.options.key_prefix, &self.tags);
            if !self
                .batch
                .push(LINE_BYTES, |out| put_datapoint(out, prefix, datapoint, tags))
            {
                add(&self.counters.too_long, 1);
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

/// Appends `|#key:value,key:value`, or nothing if there are no tags.
fn put_tags(out: &mut Vec<u8>, tags: &[TagRef<'_>]) {
    let mut before: &[u8] = b"|#";
    for tag in tags {
        out.extend_from_slice(before);
        before = b",";
        put_legal(out, tag.key, b"|,");
        if !tag.value.is_empty() {
            out.push(b':');
            put_legal(out, tag.value, b"|,");
        }
    }
}

/// Appends the line or lines of one datapoint.
fn put_datapoint(out: &mut Vec<u8>, prefix: &str, datapoint: &DatapointRef<'_>, tags: &[u8]) {
    let value = datapoint.value;
    let gauge = matches!(datapoint.metric_type, MetricType::Gauge | MetricType::Unknown);
    if gauge && value.is_sign_negative() {
        // A sign makes a gauge's value a change, except for servers that know no changes: both get it right after a zero.
        put_line(out, prefix, datapoint, tags, b"0");
    }
    let mut text = Vec::new();
    match (datapoint.metric_type, datapoint.text) {
        (MetricType::Set, Some(member)) => put_legal(&mut text, member, b"|:"),
        (MetricType::GaugeDelta, _) => {
            // Writing to a vector does not fail.
            let _written = write!(text, "{value:+}");
        }
        _ => {
            let _written = write!(text, "{value}");
        }
    }
    put_line(out, prefix, datapoint, tags, &text);
}

fn put_line(out: &mut Vec<u8>, prefix: &str, datapoint: &DatapointRef<'_>, tags: &[u8], value: &[u8]) {
    if !prefix.is_empty() {
        put_legal(out, prefix.trim_end_matches('.'), b"|:@#");
        out.push(b'.');
    }
    put_legal(out, datapoint.name, b"|:@#");
    out.push(b':');
    out.extend_from_slice(value);
    out.extend_from_slice(match datapoint.metric_type {
        MetricType::Counter => b"|c",
        MetricType::Unknown | MetricType::Gauge | MetricType::GaugeDelta => b"|g",
        MetricType::Timer => b"|ms",
        MetricType::Histogram => b"|h",
        MetricType::Distribution => b"|d",
        MetricType::Set => b"|s",
    });
    let rate = datapoint.sample_rate;
    let weighted = matches!(
        datapoint.metric_type,
        MetricType::Timer | MetricType::Histogram | MetricType::Distribution
    );
    // A counter has been divided by its rate already.
    if weighted && rate > 0.0 && rate < 1.0 {
        let _written = write!(out, "|@{rate}");
    }
    out.extend_from_slice(tags);
    out.push(b'\n');
}

/// Appends `text` with `_` for control characters and `special` ones.
fn put_legal(out: &mut Vec<u8>, text: &str, special: &[u8]) {
    out.extend(text.bytes().map(|byte| {
        if byte.is_ascii_control() || special.contains(&byte) {
            b'_'
        } else {
            byte
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use MetricType::{Counter, Distribution, Gauge, GaugeDelta, Histogram, Set, Timer, Unknown};

    fn line(
        prefix: &str,
        name: &str,
        metric_type: MetricType,
        value: f64,
        rate: f64,
        text: Option<&str>,
    ) -> String {
        let datapoint = DatapointRef {
            name,
            time_ms: 0,
            value,
            metric_type,
            sample_rate: rate,
            text,
        };
        let mut tags = Vec::new();
        put_tags(
            &mut tags,
            &[
                TagRef {
                    key: "a",
                    value: "b:c|d",
                },
                TagRef { key: "e,", value: "" },
            ],
        );
        let mut out = Vec::new();
        put_datapoint(&mut out, prefix, &datapoint, &tags);
        String::from_utf8(out).unwrap().replace("|#a:b:c_d,e_\n", "$")
    }

    #[test]
    fn lines() {
        for (metric_type, value, rate, text, expected) in [
            (Counter, 30.0, 0.1, None, "n:30|c$"),
            (Counter, -2.5, 1.0, None, "n:-2.5|c$"),
            (Gauge, 3.25, 0.5, None, "n:3.25|g$"),
            (Gauge, -3.0, 1.0, None, "n:0|g$n:-3|g$"),
            (Unknown, 7.0, 1.0, None, "n:7|g$"),
            (Unknown, -7.0, 1.0, None, "n:0|g$n:-7|g$"),
            (GaugeDelta, 4.0, 1.0, None, "n:+4|g$"),
            (GaugeDelta, -4.5, 1.0, None, "n:-4.5|g$"),
            (Timer, 320.0, 0.1, None, "n:320|ms|@0.1$"),
            (Timer, 320.0, 1.0, None, "n:320|ms$"),
            (Timer, 320.0, f64::NAN, None, "n:320|ms$"),
            (Timer, 320.0, 0.0, None, "n:320|ms$"),
            (Histogram, 1e21, 0.5, None, "n:1000000000000000000000|h|@0.5$"),
            (Distribution, 0.001, 0.25, None, "n:0.001|d|@0.25$"),
            (Set, 0.0, 0.5, Some("a:b|c\n"), "n:a_b_c_|s$"),
            (Set, 5.0, 1.0, None, "n:5|s$"),
        ] {
            assert_eq!(line("", "n", metric_type, value, rate, text), expected);
        }
        assert_eq!(
            line("p.", "a:b|c@d#e\nf.g", Gauge, 1.0, 1.0, None),
            "p.a_b_c_d_e_f.g:1|g$"
        );
    }
}
