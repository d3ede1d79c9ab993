//! The books: what was sent has arrived, or was dropped for a reason that is known.

mod checks;

#[cfg(test)]
mod tests;

use crate::reports::{Arrived, Emitter, Reasons, Reports};
use checks::{Check, checks, datagrams_sent, lines_sent};
use std::fmt::Write;

/// The balance as text, and whether the books balance.
pub(crate) fn draw(reports: &Reports) -> (String, bool) {
    let mut text = String::from("Balance\n\n");
    draw_containers(&mut text, reports);
    draw_fates(&mut text, reports);
    let checks = checks(reports);
    let balanced = checks.iter().all(Check::holds);
    text.push_str("\nThe sums\n");
    for check in &checks {
        let Check {
            what, left, right, ..
        } = check;
        let verdict = if check.holds() { "ok   " } else { "WRONG" };
        let _ = writeln!(text, "  {verdict} {what}: {left} = {right}");
    }
    let verdict = if balanced {
        "The books balance."
    } else {
        "THE BOOKS DO NOT BALANCE; see the lines marked WRONG."
    };
    let _ = writeln!(text, "\n{verdict}");
    (text, balanced)
}

fn draw_containers(text: &mut String, reports: &Reports) {
    let columns = ["lines sent", "datagrams", "bytes", "StatsD out", "collector"];
    row(text, "container", columns.map(str::to_owned));
    for (index, container) in reports.containers.iter().enumerate() {
        let of = |arrived: &Arrived| arrived.tasks.get(index).copied().unwrap_or_default();
        let Emitter {
            lines,
            datagrams,
            bytes,
            ..
        } = reports.emitters.get(index).cloned().unwrap_or_default();
        let numbers = [
            lines,
            datagrams,
            bytes,
            of(&reports.at_statsd),
            of(&reports.at_collector),
        ];
        row(text, container, numbers.map(|number| number.to_string()));
    }
    let (statsd, collector) = (
        reports.at_statsd.module.to_string(),
        reports.at_collector.module.to_string(),
    );
    row(
        text,
        "(the module)",
        [String::new(), String::new(), String::new(), statsd, collector],
    );
}

fn row(text: &mut String, name: &str, columns: [String; 5]) {
    let [lines, datagrams, bytes, statsd, collector] = columns;
    let _ = writeln!(
        text,
        "  {name:<12} {lines:>11} {datagrams:>11} {bytes:>11} {statsd:>11} {collector:>11}"
    );
}

fn draw_fates(text: &mut String, reports: &Reports) {
    let Reports {
        module, collector, ..
    } = reports;
    let (statsd_output, collector_output) = (&module.statsd_output, &module.collector_output);
    let unread = lines_sent(reports).saturating_sub(module.lines_received);
    let _ = writeln!(
        text,
        "\nThe module received {} datagrams of {} bytes with {} lines, and made {} lines itself.",
        module.datagrams_received, module.bytes_received, module.lines_received, module.lines_generated
    );
    let refused = reports
        .emitters
        .iter()
        .map(|emitter| emitter.failed_datagrams)
        .sum();
    fate(
        text,
        "Emitters: sent",
        datagrams_sent(reports),
        "datagrams",
        [("refused by the kernel", refused)],
    );
    let unread = [
        ("datagrams throttled", module.datagrams_throttled),
        ("datagrams without room in the kernel", module.kernel_drops),
        ("datagrams the core panicked over", module.datagrams_panicked),
        ("lines in all of these", unread),
    ];
    fate(
        text,
        "Endpoints: read",
        module.datagrams_read,
        "datagrams",
        unread,
    );
    fate(
        text,
        "StatsD output: forwarded",
        statsd_output.lines_forwarded,
        "lines",
        named(&statsd_output.lines_dropped),
    );
    let no_metrics = [
        ("events", collector_output.events),
        ("service checks", collector_output.service_checks),
        ("values that are no numbers", collector_output.values_non_finite),
    ];
    let dropped = named(&collector_output.datapoints_dropped).chain(no_metrics);
    fate(
        text,
        "Collector output: forwarded",
        collector_output.datapoints_forwarded,
        "datapoints",
        dropped,
    );
    let stdout = &collector.sinks.stdout;
    fate(
        text,
        "Collector: printed",
        stdout.datapoints_written,
        "datapoints",
        named(&stdout.datapoints_dropped),
    );
    for (reason, connections) in &collector.connections_failed {
        let _ = writeln!(text, "Collector: {connections} connections failed: {reason}.");
    }
    let without_room = [("without room in the kernel", reports.statsd_kernel_drops)];
    fate(
        text,
        "The demo: received",
        reports.at_statsd.datagrams,
        "StatsD datagrams",
        without_room,
    );
}

/// One line: what went on, and what did not for which reason, where there was any.
fn fate<'a>(
    text: &mut String,
    what: &str,
    count: u64,
    unit: &str,
    dropped: impl IntoIterator<Item = (&'a str, u64)>,
) {
    let dropped = dropped.into_iter().filter(|(_, count)| *count > 0);
    let dropped: Vec<_> = dropped
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let dropped = if dropped.is_empty() {
        "none".to_owned()
    } else {
        dropped.join(", ")
    };
    let _ = writeln!(text, "{what} {count} {unit}; dropped: {dropped}.");
}

fn named(reasons: &Reasons) -> impl Iterator<Item = (&str, u64)> {
    reasons.iter().map(|(reason, count)| (reason.as_str(), *count))
}
