//! What is the same for all requests: who may ask, and what a browser may do with an answer.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Nothing but our own files, so that markup that got past the escaping could do nothing.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Adds what keeps browsers from doing more with an answer than they should.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses requests for a host that is not this machine: a browser that was led here under a foreign name.
pub(super) async fn loopback_only(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(HOST)
        .map(|host| host.to_str().unwrap_or_default());
    // What is no browser may leave it out.
    if host.is_none_or(is_loopback) {
        return next.run(request).await;
    }
    let message = "The collector listens on a loopback address and answers requests for localhost, 127.0.0.1 or [::1] \
                   only; a proxy must set the header Host to one of these\n";
    (StatusCode::MISDIRECTED_REQUEST, message).into_response()
}

/// Whether the value of a header `Host` means this machine for sure.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (host, expected) in [
            ("localhost", true),
            ("LocalHost:9273", true),
            ("127.0.0.1:9273", true),
            ("127.9.9.9", true),
            ("[::1]:80", true),
            ("[::1]", true),
            ("", false),
            ("localhost.evil.example", false),
            ("evil.example:9273", false),
            ("127.0.0.1.evil.example", false),
            ("10.0.0.1:9273", false),
            ("localhost@evil.example", false),
            ("localhost:80:80", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
