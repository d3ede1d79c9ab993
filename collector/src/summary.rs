//! One line a minute in the log: what came, and what became of it.

use crate::Counts;
use log::{Level, log};
use std::fmt::Write;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const PERIOD: Duration = Duration::from_secs(60);

/// What the last line has told already.
#[derive(Default)]
struct Told {
    bytes: u64,
    records: u64,
    datapoints: u64,
    /// Written and dropped datapoints for each sink.
    outputs: Vec<(u64, u64)>,
    /// Questions to the agent, and those that told nothing.
    queries: (u64, u64),
}

/// Logs for ever; a minute in which something was dropped is a warning, one in which nothing happened is left out.
pub(crate) async fn log_every_minute(counts: Counts) {
    let mut told = Told::default();
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if let Some((level, line)) = told.line(&counts) {
            log!(level, "{line}");
        }
    }
}

impl Told {
    fn line(&mut self, counts: &Counts) -> Option<(Level, String)> {
        let Counts {
            input, queues, agent, ..
        } = counts;
        let now = Self {
            bytes: input.bytes.get(),
            records: input.records.get(),
            datapoints: input.datapoints.get(),
            outputs: queues
                .iter()
                .map(|queue| {
                    (
                        queue.output().written.datapoints.get(),
                        queue.output().datapoints_dropped(),
                    )
                })
                .collect(),
            queries: (agent.queries.get(), agent.queries_in_vain()),
        };
        self.outputs.resize(queues.len(), (0, 0));
        let connections = input.connections_opened.get() - input.connections_closed.get();
        let mut line = format!(
            "INPUT SUMMARY: Received {} MetricLists of {} datapoints ({} KB) in the last {} s, {connections} \
             connections are open",
            now.records - self.records,
            now.datapoints - self.datapoints,
            (now.bytes - self.bytes) / 1024,
            PERIOD.as_secs(),
        );
        let (mut dropped_any, mut written_any) = (false, false);
        for (queue, (now, told)) in queues.iter().zip(now.outputs.iter().zip(&self.outputs)) {
            let (written, dropped) = (now.0 - told.0, now.1 - told.1);
            dropped_any |= dropped > 0;
            written_any |= written > 0;
            let _ = write!(
                line,
                "; {}: {written} datapoints written, {dropped} dropped",
                queue.sink()
            );
        }
        let (queries, in_vain) = (now.queries.0 - self.queries.0, now.queries.1 - self.queries.1);
        if queries > 0 {
            let _ = write!(line, "; agent: {queries} questions, {in_vain} in vain");
        }
        let idle = now.bytes == self.bytes && !dropped_any && !written_any && in_vain == 0;
        *self = now;
        let level = if dropped_any { Level::Warn } else { Level::Info };
        (!idle).then_some((level, line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;
    use crate::sinks::Queue;
    use std::sync::Arc;

    #[test]
    fn tells_what_is_new_and_warns_of_drops() {
        let counts = Counts {
            queues: vec![Arc::new(Queue::new("stdout", 0))],
            ..Counts::default()
        };
        let mut told = Told::default();
        assert_eq!(told.line(&counts), None);

        let input = &counts.input;
        input.connections_opened.add(2);
        input.connections_closed.add(1);
        input.bytes.add(4096);
        input.records.add(3);
        input.datapoints.add(5);
        let expected = "INPUT SUMMARY: Received 3 MetricLists of 5 datapoints (4 KB) in the last 60 s, 1 connections are \
                        open; stdout: 0 datapoints written, 0 dropped";
        assert_eq!(told.line(&counts), Some((Level::Info, expected.to_owned())));
        assert_eq!(told.line(&counts), None);

        let mut batch = Batch::default();
        let datapoint = stats_schema::DatapointRef {
            name: "n",
            time_ms: 0,
            value: 0.0,
            metric_type: stats_schema::MetricType::Gauge,
            sample_rate: 1.0,
            text: None,
        };
        batch.push(&stats_schema::RecordRef {
            topic: "t",
            tags: &[],
            datapoints: &[datapoint],
        });
        counts.queues[0].push(Arc::new(batch));
        let (level, line) = told.line(&counts).unwrap();
        assert_eq!(level, Level::Warn);
        assert!(
            line.ends_with("stdout: 0 datapoints written, 1 dropped"),
            "{line}"
        );

        counts.agent.queries.add(12);
        counts.agent.query_failures.add(1);
        counts.agent.query_bad_data.add(2);
        let (level, line) = told.line(&counts).unwrap();
        assert_eq!(level, Level::Info);
        assert!(line.ends_with("; agent: 12 questions, 3 in vain"), "{line}");
        counts.agent.queries.add(12);
        assert_eq!(told.line(&counts), None);
    }
}
