//! The `/v0` answers (`reference/metrics.md` 6.2).
//!
//! Where they differ from those of DC/OS: ids are compared as a whole, not by their beginnings; the order is always the
//! same; a datapoint has the time at which it was measured, not that of its arrival; infinite values are `"NaN"` as well,
//! for JSON has no numbers for them; `/v0/debug` keeps the dimensions that all its datapoints share, and says the
//! container of each in its tags.

mod message;
mod unit;

use super::answer::{Answer, render};
use super::state::HttpState;
use super::store::Kind;
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use message::Message;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

type Shared = State<Arc<HttpState>>;

pub(super) async fn ping() -> Answer {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Answer::json(&json!({"ok": true, "timestamp": now}))
}

pub(super) async fn node(State(state): Shared) -> Response {
    render(state, |state| {
        let shown = state.store.node(Instant::now())?;
        Some(Answer::json(&Message::of(&shown)))
    })
    .await
}

pub(super) async fn debug(State(state): Shared) -> Response {
    render(state, |state| {
        let all = state.store.all(Instant::now());
        Some(Answer::json(&Message::merged(&all)?))
    })
    .await
}

pub(super) async fn containers(State(state): Shared) -> Response {
    render(state, |state| Some(Answer::json(&state.store.containers()))).await
}

pub(super) async fn container(State(state): Shared, Path(id): Path<String>) -> Response {
    of_container(state, id, Kind::Container, String::new()).await
}

pub(super) async fn app(State(state): Shared, Path(id): Path<String>) -> Response {
    of_container(state, id, Kind::App, String::new()).await
}

pub(super) async fn app_metric(State(state): Shared, Path((id, metric)): Path<(String, String)>) -> Response {
    of_container(state, id, Kind::App, metric).await
}

async fn of_container(state: Arc<HttpState>, id: String, kind: Kind, prefix: String) -> Response {
    render(state, move |state| {
        let shown = state.store.container(&id, kind, &prefix, Instant::now())?;
        Some(Answer::json(&Message::of(&shown)))
    })
    .await
}
