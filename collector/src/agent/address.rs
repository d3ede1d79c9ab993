//! Finds out which address the agent has.

use super::counters::AgentCounters;
use super::error::QueryError;
use super::settings::Place;
use std::io::{ErrorKind, Read};
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What DC/OS installs on every node (`reference/metrics.md` 2.1).
const USUAL_COMMAND: &str = "/opt/mesosphere/bin/detect_ip";

/// Where the agent is without that.
const USUAL_ADDRESS: &str = "127.0.0.1";

/// More than any address has.
const MAX_OUTPUT: u64 = 4096;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Scheme, host and port of the agent.
pub(super) fn base_url(place: &Place, counters: &AgentCounters) -> Result<String, QueryError> {
    let (command, port) = match place {
        Place::Url(url) => return Ok(url.clone()),
        Place::Command { command, port } => (command.as_deref(), port),
    };
    counters.ip_lookups.add(1);
    let host = match output(command.unwrap_or(USUAL_COMMAND)) {
        Err(Problem::NotFound) if command.is_none() => Ok(USUAL_ADDRESS.to_owned()),
        Err(Problem::NotFound) => Err("is not there".to_owned()),
        Err(Problem::Other(problem)) => Err(problem),
        Ok(text) if text.is_empty() => {
            counters.ip_lookup_empties.add(1);
            Err("prints nothing".to_owned())
        }
        Ok(text) => {
            host(&text).ok_or_else(|| format!("prints {text:?}, which is neither an address nor a name"))
        }
    };
    match host {
        Ok(host) => Ok(format!("http://{host}:{port}")),
        Err(problem) => {
            counters.ip_lookup_failures.add(1);
            Err(QueryError::Address {
                command: command.unwrap_or(USUAL_COMMAND).to_owned(),
                problem,
            })
        }
    }
}

#[derive(Debug)]
enum Problem {
    NotFound,
    Other(String),
}

fn output(command: &str) -> Result<String, Problem> {
    let other = |problem: String| Problem::Other(problem);
    let mut words = command.split(' ');
    let mut child = Command::new(words.next().unwrap_or_default())
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Problem::NotFound,
            _ => other(format!("cannot be run: {error}")),
        })?;
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(5)),
            result => {
                // It may have ended just now.
                let _killed = child.kill();
                let _waited = child.wait();
                let problem = match result {
                    Err(error) => format!("cannot be waited for: {error}"),
                    Ok(_) => format!("takes longer than {} s, or prints too much", PATIENCE.as_secs()),
                };
                return Err(other(problem));
            }
        }
    };
    if !status.success() {
        return Err(other(format!("ends with {status}")));
    }
    let mut text = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(MAX_OUTPUT)
            .read_to_end(&mut text)
            .map_err(|error| other(format!("cannot be read from: {error}")))?;
    }
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

/// The host as it stands in an address.
fn host(text: &str) -> Option<String> {
    match text.parse() {
        Ok(IpAddr::V6(address)) => Some(format!("[{address}]")),
        Ok(IpAddr::V4(address)) => Some(address.to_string()),
        Err(_) => {
            let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            (text.len() <= 253 && text.bytes().all(of_name)).then(|| text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(command: &str) -> (Result<String, String>, [u64; 3]) {
        let counters = AgentCounters::default();
        let place = Place::Command {
            command: Some(command.to_owned()),
            port: 5051,
        };
        let result = base_url(&place, &counters).map_err(|error| error.to_string());
        let counts = [
            counters.ip_lookups.get(),
            counters.ip_lookup_failures.get(),
            counters.ip_lookup_empties.get(),
        ];
        (result, counts)
    }

    #[test]
    fn what_the_command_prints_is_the_host() {
        for (command, url) in [
            ("echo 10.0.0.1", "http://10.0.0.1:5051"),
            ("echo  10.0.0.1", "http://10.0.0.1:5051"),
            ("echo ::1", "http://[::1]:5051"),
            ("echo node-1.example", "http://node-1.example:5051"),
        ] {
            assert_eq!(find(command), (Ok(url.to_owned()), [1, 0, 0]), "{command}");
        }
    }

    #[test]
    fn a_given_command_has_to_work() {
        for (command, problem, empties) in [
            ("/nonexistent", "is not there", 0),
            ("false", "ends with exit status: 1", 0),
            ("true", "prints nothing", 1),
            ("echo a b", "prints \"a b\"", 0),
            ("echo h/../../", "prints \"h/../../\"", 0),
            ("/", "cannot be run", 0),
        ] {
            let (result, counts) = find(command);
            let error = result.unwrap_err();
            assert!(error.contains(command) && error.contains(problem), "{error}");
            assert_eq!(counts, [1, 1, empties], "{command}");
        }
    }

    #[test]
    fn without_the_usual_command_it_is_this_machine() {
        if std::path::Path::new(USUAL_COMMAND).exists() {
            return;
        }
        let place = Place::Command {
            command: None,
            port: 5051,
        };
        let url = base_url(&place, &AgentCounters::default()).unwrap();
        assert_eq!(url, "http://127.0.0.1:5051");
    }
}
