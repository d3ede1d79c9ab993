//! Batches over HTTP, and what to do about each answer.

use crate::backend::DeliveryError;
use crate::batch::Batch;
use crate::counters::{Counters, add};
use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::Duration;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// How long a request may take from the first to the last byte.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much of an answer is read; the rest is of no interest.
const ANSWER_BYTES: u64 = 16 << 10;

/// How much of an answer is logged.
const SHOWN_CHARS: usize = 300;

/// What the backend says to a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It took everything but this many datapoints, which it will never take, and says why.
    Taken { refused: usize, reason: String },
    /// Something in the request is wrong.
    Refused(String),
}

/// The authorities that may vouch for a backend over https: those in `file`, the value of --output-ca-file, or the system's.
///
/// # Errors
///
/// A file that cannot be read, or holds something else.
pub(crate) fn authorities(file: Option<&Path>) -> Result<RootCerts, String> {
    let Some(file) = file else {
        return Ok(RootCerts::PlatformVerifier);
    };
    let wrong = |reason: &dyn Display| format!("--output-ca-file={}: {reason}", file.display());
    let pem = fs::read(file).map_err(|error| wrong(&error))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(&error))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong(
            &"there is no certificate in it, which begins with -----BEGIN CERTIFICATE-----",
        ));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// Requests to one address.
#[derive(Debug)]
pub(crate) struct Requests {
    agent: ureq::Agent,
    url: String,
    headers: Vec<(&'static str, String)>,
}

impl Requests {
    /// POST requests to `url`, which one of `authorities` vouches for if it is https, with these headers, of which none is ever
    /// logged.
    pub(crate) fn new(url: String, headers: Vec<(&'static str, String)>, authorities: RootCerts) -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(authorities)
            .build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .tls_config(tls)
            .build();
        Self {
            agent: config.into(),
            url,
            headers,
        }
    }

    /// Sends one request, and gives the status and what can be shown of the answer.
    pub(crate) fn post(&self, body: &[u8]) -> Result<(u16, String), ureq::Error> {
        let mut request = self.agent.post(&self.url);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut response = request.send(body)?;
        // The connection can only be used again once the answer has been read.
        let answer = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .lossy_utf8(true)
            .read_to_string();
        let mut answer = answer.unwrap_or_else(|error| error.to_string());
        if let Some((end, _)) = answer.char_indices().nth(SHOWN_CHARS) {
            answer.truncate(end);
        }
        Ok((response.status().as_u16(), answer.trim().to_owned()))
    }

    /// Delivers `batch` in requests of at most `most` datapoints. What was taken, or will never be, leaves the batch.
    ///
    /// A request that is refused is halved until the datapoint that is wrong is alone. That one is dropped and counted.
    pub(crate) fn deliver(
        &self,
        batch: &mut Batch,
        most: usize,
        counters: &Counters,
        body: impl Fn(&Batch, usize, usize, &mut Vec<u8>),
        judge: impl Fn(u16, String) -> Result<Answer, String>,
    ) -> Result<(), DeliveryError> {
        let (mut first, mut size, mut request) = (0, most, Vec::new());
        let mut complained = false;
        let mut complain = |refused: usize, reason: &str| {
            // One complaint a batch says what is wrong; the counter says how often.
            if !std::mem::replace(&mut complained, true) {
                log::warn!("{} refuses {refused} datapoints: {reason}", self.url);
            }
            add(&counters.refused, refused);
        };
        while first < batch.len() {
            let end = (first + size).min(batch.len());
            request.clear();
            body(batch, first, end, &mut request);
            let answer = self
                .post(&request)
                .map_err(|error| error.to_string())
                .and_then(|(status, text)| judge(status, text));
            match answer {
                Ok(Answer::Taken { refused, reason }) => {
                    if refused > 0 {
                        complain(refused.min(end - first), &reason);
                    }
                    add(&counters.delivered, (end - first).saturating_sub(refused));
                    first = end;
                    // The wrong datapoint was in the other half.
                    size = size.saturating_mul(2).min(most);
                }
                Ok(Answer::Refused(reason)) if end - first == 1 => {
                    complain(1, &reason);
                    first = end;
                    size = size.saturating_mul(2).min(most);
                }
                Ok(Answer::Refused(_)) => size = (end - first) / 2,
                Err(reason) => {
                    batch.drop_before(first);
                    return Err(DeliveryError::unavailable("deliver to", &self.url, &reason));
                }
            }
        }
        batch.clear();
        Ok(())
    }
}

/// The status and text of an answer that promises nothing.
pub(crate) fn unexpected(status: u16, text: &str) -> String {
    match text {
        "" => format!("HTTP status {status}"),
        text => format!("HTTP status {status}: {text}"),
    }
}
