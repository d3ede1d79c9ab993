//! `/metrics`: the collector's own counters, then what it forwards, as Prometheus reads them.

mod own;

pub(super) use own::names;

use super::answer::{Answer, render};
use super::state::HttpState;
use crate::sinks::prometheus::Format;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use std::sync::Arc;
use std::time::Instant;

pub(super) async fn metrics(State(state): State<Arc<HttpState>>, headers: HeaderMap) -> Response {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let format = accept.map(Format::from_accept).unwrap_or_default();
    render(state, move |state| {
        let mut page = String::new();
        own::render(state, format, &mut page);
        match &state.registry {
            // It ends the page.
            Some(registry) => registry.render(format, Instant::now(), &mut page),
            None if format == Format::OpenMetrics => page.push_str("# EOF\n"),
            None => {}
        }
        Some(Answer {
            content_type: format.content_type(),
            body: page.into_bytes(),
        })
    })
    .await
}
