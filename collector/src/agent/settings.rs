//! What the options come to.

use super::options::{AgentApi, AgentOptions};
use super::{LabelChoice, Secret};
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};
use ureq::tls::{Certificate, PemItem, parse_pem};

/// Where the agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Scheme, host and port.
    Url(String),
    /// On this port of the address that the command prints; without one the usual command's.
    Command { command: Option<String>, port: u16 },
}

/// What proves who asks.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    None,
    Token(Secret),
    File(PathBuf),
}

/// Options that were checked, for a [`super::Poller`].
#[derive(Clone, Debug)]
pub struct AgentSettings {
    pub(super) place: Place,
    pub(super) api: AgentApi,
    pub(super) period: Duration,
    pub(super) timeout: Duration,
    /// None for those the system trusts.
    pub(super) authorities: Option<Vec<Certificate<'static>>>,
    pub(super) proof: Proof,
    pub(super) metrics_topic: String,
    pub(super) labels: LabelChoice,
    pub(super) state_file: Option<PathBuf>,
    pub(super) metrics_file: Option<PathBuf>,
    pub(super) containers_file: Option<PathBuf>,
}

/// Options that make no sense.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The certificates cannot be read.
    #[error("--agent-ca-file {}: {source}", path.display())]
    AuthorityFile {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// The credential is given in two ways.
    #[error(
        "--auth-credential and --auth-credential-file are both given, perhaps by AUTH_CREDENTIAL; keep one"
    )]
    TwoCredentials,
}

impl AgentOptions {
    /// Checks what clap cannot. None, if the agent is not to be polled.
    ///
    /// # Errors
    ///
    /// When the certificates cannot be read, or there are two credentials.
    pub fn settings(&self) -> Result<Option<AgentSettings>, SettingsError> {
        if !self.agent_polling {
            return Ok(None);
        }
        let authorities = match &self.agent_ca_file {
            None => None,
            Some(path) => Some(certificates(path).map_err(|source| SettingsError::AuthorityFile {
                path: path.clone(),
                source,
            })?),
        };
        let proof = match (&self.auth_credential, &self.auth_credential_file) {
            // The environment makes defaults, which conflict with nothing in clap's eyes.
            (Some(_), Some(_)) => return Err(SettingsError::TwoCredentials),
            (Some(token), None) => Proof::Token(token.clone()),
            (None, Some(path)) => Proof::File(path.clone()),
            (None, None) => Proof::None,
        };
        let place = match &self.agent_url {
            Some(url) => Place::Url(url.clone()),
            None => Place::Command {
                command: self.agent_ip_command.clone(),
                port: self.agent_port,
            },
        };
        Ok(Some(AgentSettings {
            place,
            api: self.agent_api,
            period: Duration::from_secs(self.agent_poll_period.into()),
            timeout: Duration::from_millis(self.agent_timeout_ms.into()),
            authorities,
            proof,
            metrics_topic: self.agent_metrics_topic.clone(),
            labels: LabelChoice {
                names: self.task_label.clone(),
                prefix: self.task_label_prefix.clone(),
            },
            state_file: self.agent_test_state_file.clone(),
            metrics_file: self.agent_test_system_file.clone(),
            containers_file: self.agent_test_containers_file.clone(),
        }))
    }
}

fn certificates(path: &PathBuf) -> io::Result<Vec<Certificate<'static>>> {
    let pem = fs::read(path)?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(io::Error::other)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(io::Error::other(
            "there is no certificate in it, which begins with -----BEGIN CERTIFICATE-----",
        ));
    }
    Ok(certificates)
}
