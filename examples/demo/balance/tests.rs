//! Books with every kind of fault.

use super::draw;
use crate::reports::{
    Arrived, Collector, CollectorOutput, Emitter, Module, Reports, Sink, Sinks, StatsdOutput,
};
use crate::route::FLOOD;

/// 100 lines in 10 datagrams that all arrive, and the flood's 100 in 5, of which 2 are throttled; 1 line of the
/// module's own.
fn reports() -> Reports {
    let emitter = |lines, datagrams| Emitter {
        lines,
        datagrams,
        bytes: 1000,
        ..Emitter::default()
    };
    let arrived = |datagrams| Arrived {
        tasks: vec![100, 60],
        module: 1,
        stray: 0,
        datagrams,
    };
    Reports {
        containers: vec!["slow", FLOOD],
        emitters: vec![emitter(100, 10), emitter(100, 5)],
        module: Module {
            datagrams_received: 15,
            bytes_received: 2000,
            datagrams_read: 13,
            datagrams_throttled: 2,
            lines_received: 160,
            lines_generated: 1,
            statsd_output: StatsdOutput {
                lines: 161,
                lines_forwarded: 161,
                datagrams_forwarded: 7,
                ..StatsdOutput::default()
            },
            collector_output: CollectorOutput {
                lines: 161,
                datapoints: 161,
                datapoints_forwarded: 161,
                ..CollectorOutput::default()
            },
            ..Module::default()
        },
        collector: Collector {
            datapoints_received: 161,
            sinks: Sinks {
                stdout: Sink {
                    datapoints_written: 161,
                    ..Sink::default()
                },
            },
            ..Collector::default()
        },
        at_statsd: arrived(7),
        statsd_kernel_drops: 0,
        at_collector: arrived(0),
    }
}

fn wrong(reports: &Reports) -> Vec<String> {
    let (text, balanced) = draw(reports);
    let wrong: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("  WRONG"))
        .map(str::to_owned)
        .collect();
    assert_eq!(balanced, wrong.is_empty(), "{text}");
    wrong
}

#[test]
fn everything_arrived_or_was_dropped_for_a_reason() {
    assert_eq!(wrong(&reports()), [""; 0]);
    let (text, _) = draw(&reports());
    assert!(
        text.contains(
            "Endpoints: read 13 datagrams; dropped: datagrams throttled 2, lines in all of these 40."
        )
    );

    let mut dropped = reports();
    dropped.module.statsd_output.lines_forwarded = 150;
    dropped
        .module
        .statsd_output
        .lines_dropped
        .insert("send_buffer_full".into(), 11);
    dropped.at_statsd.tasks = vec![99, 50];
    dropped.collector.sinks.stdout.datapoints_written = 1;
    dropped
        .collector
        .sinks
        .stdout
        .datapoints_dropped
        .insert("queue_full".into(), 160);
    dropped.at_collector.tasks = vec![0, 0];
    assert_eq!(wrong(&dropped), [""; 0]);
}

#[test]
fn whatever_is_missing_is_named() {
    type Fault = fn(&mut Reports);
    let faults: [(Fault, &str); 9] = [
        (|r| r.emitters[0].datagrams += 1, "datagrams sent"),
        (|r| r.emitters[0].bytes += 1, "bytes sent"),
        (|r| r.emitters[0].lines += 1, "lines in throttled"),
        (
            |r| r.module.statsd_output.lines_forwarded -= 1,
            "StatsD output: lines",
        ),
        (
            |r| r.module.collector_output.datapoints -= 1,
            "collector output: lines",
        ),
        (
            |r| r.at_statsd.tasks[0] -= 1,
            "container slow: lines sent, less those throttled, = at the StatsD end: 100 = 99",
        ),
        (
            |r| r.collector.datapoints_received -= 1,
            "datapoints forwarded = received by the collector: 161 = 160",
        ),
        (|r| r.at_collector.tasks.swap(0, 1), "container flood"),
        (|r| r.at_collector.stray += 1, "no known container: 1 = 0"),
    ];
    for (fault, named) in faults {
        let mut reports = reports();
        fault(&mut reports);
        let wrong = wrong(&reports);
        assert!(
            wrong.iter().any(|line| line.contains(named)),
            "{named}: {wrong:#?}"
        );
    }
}
