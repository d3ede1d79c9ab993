//! Answers that take time and memory: rendered on another thread, few at a time.

use super::state::HttpState;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use log::error;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long a request waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(5);

/// The content type of JSON in 6.2.
pub(super) const JSON: &str = "application/json; charset=UTF-8";

/// What a request gets.
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// Anything as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        Self {
            content_type: JSON,
            // Only maps with keys other than texts cannot be written, and there are none.
            body: serde_json::to_vec(value).unwrap_or_default(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, self.content_type)], self.body).into_response()
    }
}

/// Bytes that count as held until they are sent.
struct Held {
    bytes: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Renders an answer when it is its turn; 204 without a body if there is none.
pub(super) async fn render(
    state: Arc<HttpState>,
    render: impl FnOnce(&HttpState) -> Option<Answer> + Send + 'static,
) -> Response {
    let turn = timeout(TURN_WITHIN, async {
        Some((permit(&state.answers).await?, permit(&state.renderers).await?))
    });
    let Ok(Some((held, renderer))) = turn.await else {
        let message = "Too many large answers are on their way; try again later\n";
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, "10")],
            message,
        )
            .into_response();
    };
    let rendered = spawn_blocking(move || {
        let answer = render(&state);
        drop(renderer);
        answer
    });
    match rendered.await {
        Ok(Some(Answer { content_type, body })) => {
            let body = Bytes::from_owner(Held {
                bytes: body,
                _permit: held,
            });
            ([(header::CONTENT_TYPE, content_type)], Body::from(body)).into_response()
        }
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            error!(
                "An HTTP answer could not be rendered, which is a bug in the collector; please report it: {error}"
            );
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    // It is never closed.
    Arc::clone(semaphore).acquire_owned().await.ok()
}
