//! Connections, and which answer is behind which path.

use super::state::HttpState;
use super::{api, guard, health, metrics, page, status};
use axum::Router;
use axum::http::header;
use axum::middleware::from_fn;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use log::{debug, error, warn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// Connections served at a time.
const CONNECTIONS: usize = 64;
/// How long a peer may take for the head of a request, and how large it may be, in bytes.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 16 * 1024;
/// After this time a connection gets no more requests; it has a little longer for the last answer.
const LIFETIME: Duration = Duration::from_secs(100);
const LAST_ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// Answers requests until `stop`; connections that are open then are closed. The names of the collector's own metrics are
/// reserved in the registry from now on.
pub async fn serve(listener: TcpListener, state: Arc<HttpState>, stop: impl Future) {
    if let Some(registry) = &state.registry {
        let names = metrics::names(&state);
        registry.reserve(names.iter().map(String::as_str));
    }
    let loopback = listener
        .local_addr()
        .is_ok_and(|address| address.ip().is_loopback());
    let service = TowerToHyperService::new(routes(Arc::clone(&state), loopback));
    let mut connections = JoinSet::new();
    let mut samples = interval(super::store::SAMPLE);
    samples.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is at once, when nothing has come yet.
    samples.tick().await;
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            _ = &mut stop => return,
            _ = samples.tick() => state.history().sample(&state.counts.input, &state.counts.queues),
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    error!("An HTTP connection was closed by a bug in the collector, please report it: {error}");
                }
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, service.clone()));
                }
                Err(error) => accept_failed(&error).await,
            },
        }
    }
}

async fn accept_failed(error: &io::Error) {
    warn!("A waiting HTTP connection could not be accepted: {error}");
    // The same error follows at once, until a descriptor is free.
    sleep(Duration::from_millis(100)).await;
}

async fn connection(stream: TcpStream, service: TowerToHyperService<Router>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = &mut connection => result,
        () = sleep(LIFETIME) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER_WITHIN, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = result {
        debug!("HTTP connection: {error}");
    }
}

fn routes(state: Arc<HttpState>, loopback: bool) -> Router {
    let router = Router::new()
        .route("/", get(page::page))
        .route("/page.css", get(|| asset("text/css; charset=utf-8", page::CSS)))
        .route(
            "/page.js",
            get(|| asset("text/javascript; charset=utf-8", page::JS)),
        )
        .route("/status.json", get(status::status))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/v0/ping", get(api::ping))
        .route("/v0/node", get(api::node))
        .route("/v0/debug", get(api::debug))
        .route("/v0/containers", get(api::containers))
        .route("/v0/containers/{id}", get(api::container))
        .route("/v0/containers/{id}/app", get(api::app))
        .route("/v0/containers/{id}/app/{metric}", get(api::app_metric))
        .with_state(state);
    let router = if loopback {
        router.layer(from_fn(guard::loopback_only))
    } else {
        router
    };
    router.layer(from_fn(guard::headers))
}

async fn asset(content_type: &'static str, text: &'static str) -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, content_type)], text)
}
