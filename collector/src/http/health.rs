//! `/health`: whether everything gets where it should.

use super::answer::Answer;
use super::state::HttpState;
use crate::sinks::Queue;
use crate::telemetry::Reason;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the collector, or one of its sinks, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Health {
    /// Everything works.
    Ok,
    /// A sink makes no progress now, or none ever again.
    Degraded,
}

/// A sink and its sums.
#[derive(Debug, Serialize)]
pub(super) struct SinkHealth {
    pub(super) name: &'static str,
    pub(super) status: Health,
    /// Why, if it is degraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
    pub(super) datapoints_waiting: u64,
    pub(super) datapoints_written: u64,
    /// For each reason that occurred.
    pub(super) datapoints_dropped: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Body {
    status: Health,
    sinks: Vec<SinkHealth>,
    connections_open: u64,
    connections_refused: u64,
    records_received: u64,
    datapoints_received: u64,
}

pub(super) async fn health(State(state): State<Arc<HttpState>>) -> Answer {
    let sinks = sinks(&state);
    let input = &state.counts.input;
    Answer::json(&Body {
        status: overall(&sinks),
        sinks,
        connections_open: input.connections_open(),
        connections_refused: input.connections_refused.get(),
        records_received: input.records.get(),
        datapoints_received: input.datapoints.get(),
    })
}

pub(super) fn sinks(state: &HttpState) -> Vec<SinkHealth> {
    state
        .counts
        .queues
        .iter()
        .map(|queue| SinkHealth::of(queue))
        .collect()
}

pub(super) fn overall(sinks: &[SinkHealth]) -> Health {
    if sinks.iter().all(|sink| sink.status == Health::Ok) {
        Health::Ok
    } else {
        Health::Degraded
    }
}

impl SinkHealth {
    fn of(queue: &Queue) -> Self {
        let output = queue.output();
        let problem = if queue.failed() {
            Some("it cannot write any more; the log says why".to_owned())
        } else {
            output.problem()
        };
        let dropped = |reason: Reason| (reason.as_str(), output.dropped(reason).datapoints.get());
        Self {
            name: queue.sink(),
            status: if problem.is_none() {
                Health::Ok
            } else {
                Health::Degraded
            },
            problem,
            datapoints_waiting: output.datapoints_waiting(),
            datapoints_written: output.written.datapoints.get(),
            datapoints_dropped: Reason::ALL
                .map(dropped)
                .into_iter()
                .filter(|(_, sum)| *sum > 0)
                .collect(),
        }
    }
}
