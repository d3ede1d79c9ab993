//! Questions over HTTP and HTTPS.

use super::error::QueryError;
use super::secret::Secret;
use super::settings::{AgentSettings, Proof};
use std::path::Path;
use std::time::Duration;
use std::{fs, io};
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use ureq::http::{Response, StatusCode};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body};

/// The longest answer that is taken: room for thousands of tasks.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// How much of the answer that comes with an error is read, and how much of that is shown.
const ERROR_BYTES: u64 = 4096;
const ERROR_CHARS: usize = 200;

/// The longest credential; a longer file is none.
const MAX_CREDENTIAL_BYTES: u64 = 64 << 10;

/// Longer than the time between two polls, usually, so that a connection serves many.
const IDLE: Duration = Duration::from_secs(60);

/// Asks one agent. Redirects are not followed and no proxy is used: the credential is for the agent of this node.
pub(super) struct Client {
    agent: Agent,
    timeout: Duration,
    proof: Proof,
    /// None until it is needed.
    token: Option<Secret>,
    may_read_again: bool,
}

impl Client {
    pub(super) fn new(settings: &AgentSettings) -> Self {
        let roots = match &settings.authorities {
            Some(certificates) => RootCerts::new_with_certs(certificates),
            None => RootCerts::PlatformVerifier,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(roots)
            .build();
        let config = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("dcos-stats-collector/", env!("CARGO_PKG_VERSION")))
            .max_idle_age(IDLE)
            .tls_config(tls)
            .build();
        Self {
            agent: config.into(),
            timeout: settings.timeout,
            proof: settings.proof.clone(),
            token: None,
            may_read_again: true,
        }
    }

    /// From now on the credential's file may be read again, once.
    pub(super) fn begin_poll(&mut self) {
        self.may_read_again = true;
    }

    /// The answer to `GET url`.
    pub(super) fn get(&mut self, url: &str) -> Result<String, QueryError> {
        self.ask(url, None)
    }

    /// The answer to `POST url` with this JSON.
    pub(super) fn post(&mut self, url: &str, json: &str) -> Result<String, QueryError> {
        self.ask(url, Some(json))
    }

    fn ask(&mut self, url: &str, json: Option<&str>) -> Result<String, QueryError> {
        let request = request_name(url, json);
        let mut response = self.send(url, json, &request)?;
        if self.should_read_again(response.status()) {
            self.token = None;
            response = self.send(url, json, &request)?;
        }
        if !response.status().is_success() {
            return Err(QueryError::Status {
                request,
                status: response.status().as_u16(),
                text: beginning(&mut response),
            });
        }
        let too_large = || QueryError::TooLarge {
            request: request.clone(),
            limit: MAX_ANSWER_BYTES,
        };
        let body = response.body_mut();
        if body
            .content_length()
            .is_some_and(|length| length > MAX_ANSWER_BYTES)
        {
            return Err(too_large());
        }
        match body.with_config().limit(MAX_ANSWER_BYTES).read_to_vec() {
            Ok(bytes) => Ok(String::from_utf8(bytes)
                // What a task calls itself shall not cost the whole answer.
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(too_large()),
            Err(error) => Err(self.unreachable(request, error)),
        }
    }

    fn send(&mut self, url: &str, json: Option<&str>, request: &str) -> Result<Response<Body>, QueryError> {
        let authorization = self.authorization()?;
        let result = match json {
            None => {
                let mut get = self.agent.get(url).header(ACCEPT, "application/json");
                if let Some(value) = authorization {
                    get = get.header(AUTHORIZATION, value);
                }
                get.call()
            }
            Some(json) => {
                let mut post = self.agent.post(url).header(ACCEPT, "application/json");
                if let Some(value) = authorization {
                    post = post.header(AUTHORIZATION, value);
                }
                post.header(CONTENT_TYPE, "application/json").send(json)
            }
        };
        result.map_err(|error| self.unreachable(request.to_owned(), error))
    }

    fn authorization(&mut self) -> Result<Option<HeaderValue>, QueryError> {
        let token = match (&self.proof, &self.token) {
            (Proof::None, _) => return Ok(None),
            (Proof::Token(token), _) | (Proof::File(_), Some(token)) => token.clone(),
            (Proof::File(path), None) => read_token(path).map_err(|source| QueryError::File {
                option: "--auth-credential-file",
                path: path.clone(),
                source,
            })?,
        };
        let value = HeaderValue::try_from(format!("token={}", token.reveal()));
        let mut value = value.map_err(|_| QueryError::Credential)?;
        value.set_sensitive(true);
        self.token = Some(token);
        Ok(Some(value))
    }

    /// Whether another credential could help, of which there may be one in the file by now.
    fn should_read_again(&mut self, status: StatusCode) -> bool {
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        refused && matches!(self.proof, Proof::File(_)) && std::mem::take(&mut self.may_read_again)
    }

    fn unreachable(&self, request: String, error: ureq::Error) -> QueryError {
        match error {
            ureq::Error::Timeout(_) => QueryError::Timeout {
                request,
                timeout: self.timeout,
            },
            source => QueryError::Unreachable {
                request,
                source: Box::new(source),
            },
        }
    }
}

/// `GET http://127.0.0.1:5051/state`; of a POST what is posted too, because all go to one address.
pub(super) fn request_name(url: &str, json: Option<&str>) -> String {
    match json {
        None => format!("GET {url}"),
        Some(json) => format!("POST {url} {json}"),
    }
}

fn read_token(path: &Path) -> io::Result<Secret> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    io::Read::read_to_string(&mut io::Read::take(file, MAX_CREDENTIAL_BYTES), &mut text)?;
    let token = Secret::new(&text);
    if token.reveal().is_empty() {
        return Err(io::Error::other("the file is empty"));
    }
    Ok(token)
}

/// The first line or so of an answer, after a colon.
fn beginning(response: &mut Response<Body>) -> String {
    let body = response
        .body_mut()
        .with_config()
        .limit(ERROR_BYTES)
        .lossy_utf8(true);
    // An answer that is too long or breaks off says nothing that the status does not.
    let text = body.read_to_string().unwrap_or_default();
    let text: String = text.trim().chars().take(ERROR_CHARS).collect();
    if text.is_empty() {
        text
    } else {
        format!(": {}", text.escape_debug())
    }
}
