//! What the collector counts of itself.

use crate::http::health::{self, Health};
use crate::http::state::HttpState;
use crate::sinks::Queue;
use crate::sinks::prometheus::Format;
use crate::telemetry::{Amount, Output, Reason};
use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What the names of all families begin with.
const PREFIX: &str = "dcos_metrics_collector_";

/// Whether a family's numbers only grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// The names of all families, in both formats.
pub(in crate::http) fn names(state: &HttpState) -> BTreeSet<String> {
    let mut text = String::new();
    render(state, Format::Text, &mut text);
    render(state, Format::OpenMetrics, &mut text);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}

/// Appends all families, not the end of the page that OpenMetrics wants.
pub(super) fn render(state: &HttpState, format: Format, text: &mut String) {
    let mut page = Page { text, format };
    let input = &state.counts.input;
    let started = state
        .started
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    page.gauge(
        "start_time_seconds",
        "When the collector started, since the Unix epoch.",
        started.as_secs_f64(),
    );
    page.gauge(
        "connections_open",
        "Connections over which records come.",
        input.connections_open(),
    );
    for (name, help, counter) in [
        (
            "connections_opened",
            "Connections accepted and served.",
            &input.connections_opened,
        ),
        (
            "connections_closed",
            "Connections closed, whatever the reason.",
            &input.connections_closed,
        ),
        (
            "connections_refused",
            "Connections closed at once because too many were open.",
            &input.connections_refused,
        ),
        (
            "accept_failures",
            "Times the system did not hand out a waiting connection.",
            &input.accept_failures,
        ),
        ("received_bytes", "Bytes read from connections.", &input.bytes),
        ("received_blocks", "Blocks decoded completely.", &input.blocks),
        ("received_records", "Records from all sources.", &input.records),
        (
            "received_topicless_records",
            "Records that have no topic of their own.",
            &input.records_without_topic,
        ),
        (
            "throttled_records",
            "Records that connections sent beyond their allowance; not among the received ones.",
            &input.throttled.records,
        ),
        (
            "throttled_datapoints",
            "Datapoints in those records.",
            &input.throttled.datapoints,
        ),
        (
            "replaced_tags",
            "Tags that a task made up and that were replaced by what the agent says.",
            &input.tags_replaced,
        ),
        (
            "received_datapoints",
            "Datapoints from all sources.",
            &input.datapoints,
        ),
    ] {
        page.head(name, Kind::Counter, help);
        page.sample(name, Kind::Counter, "", counter.get());
    }
    let name = "connections_failed";
    page.head(name, Kind::Counter, "Connections that ended by a fault.");
    for (reason, sum) in input.connections_failed() {
        page.sample(name, Kind::Counter, &format!("reason=\"{reason}\""), sum);
    }
    for sum in state.counts.sums() {
        let name = sum.name.replace('.', "_");
        page.head(&name, Kind::Counter, sum.help);
        page.sample(&name, Kind::Counter, "", sum.value);
    }
    let (series, bytes) = state.store.size();
    page.gauge("store_series", "Series kept for /v0 and the page.", series);
    page.gauge("store_size_bytes", "Memory that these series take.", bytes);
    sinks(state, &mut page);
}

fn sinks(state: &HttpState, page: &mut Page<'_>) {
    let queues = &state.counts.queues;
    page.each_sink(
        queues,
        ("sink_waiting_datapoints", Kind::Gauge),
        "Datapoints that are neither written nor dropped yet.",
        Output::datapoints_waiting,
    );
    page.each_sink(
        queues,
        ("sink_written_bytes", Kind::Counter),
        "Bytes written, as the sink renders records.",
        |output| output.bytes_written.get(),
    );
    page.each_sink(
        queues,
        ("sink_written_records", Kind::Counter),
        "Records taken by what is behind the sink.",
        |output| output.written.records.get(),
    );
    page.each_sink(
        queues,
        ("sink_written_datapoints", Kind::Counter),
        "Datapoints taken by what is behind the sink.",
        |output| output.written.datapoints.get(),
    );
    page.each_reason(
        queues,
        "sink_dropped_records",
        "Records that did not get where the sink leads.",
        |dropped| dropped.records.get(),
    );
    page.each_reason(
        queues,
        "sink_dropped_datapoints",
        "Datapoints that did not get where the sink leads.",
        |dropped| dropped.datapoints.get(),
    );
    page.each_sink(
        queues,
        ("sink_lost_before_datapoints", Kind::Counter),
        "Datapoints that a collector before this one held when it was killed, as its books say.",
        |output| output.lost_before.get(),
    );
    let name = "sink_degraded";
    page.head(name, Kind::Gauge, "1 if the sink makes no progress now, else 0.");
    for sink in health::sinks(state) {
        let degraded = u8::from(sink.status == Health::Degraded);
        page.sample(name, Kind::Gauge, &format!("sink=\"{}\"", sink.name), degraded);
    }
}

/// A page in the making. Names are without [`PREFIX`] and without the `_total` that counters get.
struct Page<'a> {
    text: &'a mut String,
    format: Format,
}

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, Kind::Gauge, help);
        self.sample(name, Kind::Gauge, "", value);
    }

    fn each_sink(
        &mut self,
        queues: &[Arc<Queue>],
        (name, kind): (&str, Kind),
        help: &str,
        sum: fn(&Output) -> u64,
    ) {
        self.head(name, kind, help);
        for queue in queues {
            self.sample(
                name,
                kind,
                &format!("sink=\"{}\"", queue.sink()),
                sum(queue.output()),
            );
        }
    }

    /// Reasons that did not occur are written too, or their first increment would be lost on whoever asks for rates.
    fn each_reason(&mut self, queues: &[Arc<Queue>], name: &str, help: &str, sum: fn(&Amount) -> u64) {
        self.head(name, Kind::Counter, help);
        for queue in queues {
            for reason in Reason::ALL {
                let labels = format!("sink=\"{}\",reason=\"{}\"", queue.sink(), reason.as_str());
                self.sample(name, Kind::Counter, &labels, sum(queue.output().dropped(reason)));
            }
        }
    }

    fn head(&mut self, name: &str, kind: Kind, help: &str) {
        // In OpenMetrics a family's name is without what its samples add.
        let total = match self.format {
            Format::OpenMetrics => "",
            Format::Text => total(kind),
        };
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.push(format_args!(
            "# HELP {PREFIX}{name}{total} {help}\n# TYPE {PREFIX}{name}{total} {kind}\n"
        ));
    }

    fn sample(&mut self, name: &str, kind: Kind, labels: &str, value: impl Display) {
        let total = total(kind);
        if labels.is_empty() {
            self.push(format_args!("{PREFIX}{name}{total} {value}\n"));
        } else {
            self.push(format_args!("{PREFIX}{name}{total}{{{labels}}} {value}\n"));
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.text.write_fmt(text);
    }
}

fn total(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "_total",
        Kind::Gauge => "",
    }
}
