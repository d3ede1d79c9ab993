//! The three questions of a poll, and where each of them finds its answer.

use super::address::base_url;
use super::client::{Client, request_name};
use super::counters::AgentCounters;
use super::error::{BadData, QueryError};
use super::metrics::snapshot;
use super::options::AgentApi;
use super::settings::AgentSettings;
use super::statistics::containers;
use super::{AgentState, Measured, Skipped};
use crate::now_ms;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The longest file that is read in place of an answer.
const MAX_FILE_BYTES: u64 = 64 << 20;

const GET_AGENT: Question = Question {
    path: "",
    call: r#"{"type":"GET_AGENT"}"#,
    option: "",
};
const STATE: Question = Question {
    path: "/state",
    call: r#"{"type":"GET_STATE"}"#,
    option: "--agent-test-state-file",
};
const METRICS: Question = Question {
    path: "/metrics/snapshot",
    call: r#"{"type":"GET_METRICS","get_metrics":{}}"#,
    option: "--agent-test-system-file",
};
const CONTAINERS: Question = Question {
    path: "/containers",
    call: r#"{"type":"GET_CONTAINERS","get_containers":{"show_nested":true,"show_standalone":true}}"#,
    option: "--agent-test-containers-file",
};

/// One question in both interfaces.
#[derive(Clone, Copy)]
struct Question {
    path: &'static str,
    call: &'static str,
    /// The option that names a file with the answer.
    option: &'static str,
}

/// Asks the agent, or the files that stand for it, and counts.
pub(super) struct Questions {
    settings: AgentSettings,
    client: Client,
    counters: Arc<AgentCounters>,
    /// Scheme, host and port; None until they are known.
    base_url: Option<String>,
}

impl Questions {
    pub(super) fn new(settings: AgentSettings, counters: Arc<AgentCounters>) -> Self {
        Self {
            client: Client::new(&settings),
            settings,
            counters,
            base_url: None,
        }
    }

    pub(super) fn begin_poll(&mut self) {
        self.client.begin_poll();
    }

    /// Who runs on the node.
    pub(super) fn state(&mut self) -> Result<(AgentState, Skipped), QueryError> {
        let file = self.settings.state_file.clone();
        let agent = match self.settings.api {
            // Older agents do not know this call; then the tasks have to say where they run.
            AgentApi::V1 if file.is_none() => self.answer(GET_AGENT, None).ok(),
            _ => None,
        };
        let (request, answer) = self.answer(STATE, file)?;
        let agent = agent.as_ref().map(|(_, answer)| answer.as_str());
        let result = AgentState::parse(self.settings.api, &answer, agent, &self.settings.labels);
        let (state, skipped) = result.map_err(|reason| self.bad_data(request, reason))?;
        self.counters.entries_skipped.add(skipped.count);
        Ok((state, skipped))
    }

    /// How the agent is doing.
    pub(super) fn metrics(&mut self) -> Result<Measured, QueryError> {
        let (request, answer) = self.answer(METRICS, self.settings.metrics_file.clone())?;
        let result = snapshot(self.settings.api, &answer, &self.settings.metrics_topic, now_ms());
        self.measured(request, result)
    }

    /// What the containers use.
    pub(super) fn containers(&mut self, state: Option<&AgentState>) -> Result<Measured, QueryError> {
        let (request, answer) = self.answer(CONTAINERS, self.settings.containers_file.clone())?;
        let result = containers(self.settings.api, &answer, state);
        self.measured(request, result)
    }

    fn measured(&self, request: String, result: Result<Measured, BadData>) -> Result<Measured, QueryError> {
        let measured = result.map_err(|reason| self.bad_data(request, reason))?;
        self.counters.metrics_values.add(measured.values);
        self.counters.metrics_values_unsupported.add(measured.unsupported);
        self.counters.entries_skipped.add(measured.skipped.count);
        Ok(measured)
    }

    fn bad_data(&self, request: String, reason: BadData) -> QueryError {
        self.counters.query_bad_data.add(1);
        QueryError::BadData { request, reason }
    }

    /// The name of the request or file, and what it gave.
    fn answer(&mut self, question: Question, file: Option<PathBuf>) -> Result<(String, String), QueryError> {
        self.counters.queries.add(1);
        let result = match file {
            Some(path) => match read(&path) {
                Ok(answer) => Ok((format!("{} {}", question.option, path.display()), answer)),
                Err(source) => Err(QueryError::File {
                    option: question.option,
                    path,
                    source,
                }),
            },
            None => self.ask(question),
        };
        if result.is_err() {
            self.counters.query_failures.add(1);
        }
        result
    }

    fn ask(&mut self, question: Question) -> Result<(String, String), QueryError> {
        let base_url = match &self.base_url {
            Some(url) => url,
            None => self
                .base_url
                .insert(base_url(&self.settings.place, &self.counters)?),
        };
        match self.settings.api {
            AgentApi::Rest => {
                let url = format!("{base_url}{}", question.path);
                let answer = self.client.get(&url)?;
                Ok((request_name(&url, None), answer))
            }
            AgentApi::V1 => {
                let url = format!("{base_url}/api/v1");
                let answer = self.client.post(&url, question.call)?;
                Ok((request_name(&url, Some(question.call)), answer))
            }
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!(
            "it has more than {MAX_FILE_BYTES} bytes"
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
