//! `/status.json`: what the page shows.

use super::answer::{Answer, render};
use super::health::{self, Health, SinkHealth};
use super::state::HttpState;
use super::store::{Origin, SAMPLE, SourceRate};
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Containers shown one by one, the busiest; the others are summed.
pub(super) const SHOWN: usize = 200;

/// What the node sends now and what becomes of it. Rates are datapoints per second.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    pub(super) version: &'static str,
    pub(super) status: Health,
    pub(super) time: String,
    pub(super) uptime_seconds: u64,
    pub(super) sample_seconds: u64,
    pub(super) connections_open: u64,
    pub(super) connections_refused: u64,
    pub(super) connections_failed: BTreeMap<&'static str, u64>,
    /// Beyond what connections may send.
    pub(super) datapoints_throttled: u64,
    pub(super) records_received: u64,
    pub(super) datapoints_received: u64,
    pub(super) datapoints_per_second: f32,
    /// Oldest first, as all histories.
    pub(super) history: Vec<f32>,
    pub(super) series: usize,
    pub(super) sinks: Vec<SinkStatus>,
    pub(super) senders: Vec<Sender>,
    /// How many containers are not among the senders, and their rate.
    pub(super) others: usize,
    pub(super) others_per_second: f32,
}

#[derive(Debug, Serialize)]
pub(super) struct SinkStatus {
    #[serde(flatten)]
    pub(super) health: SinkHealth,
    pub(super) written_per_second: f32,
}

/// The node or a container.
#[derive(Debug, Serialize)]
pub(super) struct Sender {
    /// What to call it: the name of the task, if it is known.
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) framework: Option<String>,
    pub(super) series: usize,
    pub(super) datapoints_per_second: f32,
    pub(super) history: Vec<f32>,
}

pub(super) async fn status(State(state): State<Arc<HttpState>>) -> Response {
    render(state, |state| Some(Answer::json(&Status::of(state)))).await
}

impl Status {
    pub(super) fn of(state: &HttpState) -> Self {
        let input = &state.counts.input;
        let sinks = health::sinks(state);
        let status = health::overall(&sinks);
        let (history, sinks) = {
            let rates = state.history();
            let sinks = sinks.into_iter().enumerate().map(|(index, health)| SinkStatus {
                health,
                written_per_second: rates.written(index),
            });
            (rates.received(), sinks.collect())
        };
        let mut rates = state.store.rates();
        let rest = rates.sources.split_off(SHOWN.min(rates.sources.len()));
        Self {
            version: env!("CARGO_PKG_VERSION"),
            status,
            time: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            uptime_seconds: state.started.elapsed().unwrap_or(Duration::ZERO).as_secs(),
            sample_seconds: SAMPLE.as_secs(),
            connections_open: input.connections_open(),
            connections_refused: input.connections_refused.get(),
            connections_failed: input.connections_failed(),
            datapoints_throttled: input.throttled.datapoints.get(),
            records_received: input.records.get(),
            datapoints_received: input.datapoints.get(),
            datapoints_per_second: history.last().copied().unwrap_or_default(),
            history,
            series: state.store.size().0,
            sinks,
            senders: rates.sources.into_iter().map(Sender::of).collect(),
            others: rest.len(),
            others_per_second: rest.iter().map(SourceRate::per_second).sum::<f32>()
                + rates.others.last().copied().unwrap_or_default(),
        }
    }
}

impl Sender {
    fn of(rate: SourceRate) -> Self {
        let name = match &rate.origin {
            Origin::Node => Some("This node".to_owned()),
            Origin::UnknownContainer => Some("Unknown containers".to_owned()),
            Origin::Container(_) => rate.task_name.clone(),
        };
        Self {
            name: name.unwrap_or_else(|| "Unnamed task".to_owned()),
            container_id: rate.origin.container_id().map(str::to_owned),
            datapoints_per_second: rate.per_second(),
            framework: rate.framework,
            series: rate.series,
            history: rate.history,
        }
    }
}
