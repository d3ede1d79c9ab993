//! What the operator says about the agent.

use super::Secret;
use crate::flags::boolean;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;
use ureq::http::Uri;

/// Options of the agent poller, for the collector's command line.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mesos agent")]
pub struct AgentOptions {
    /// Ask the Mesos agent of this node for tags and metrics
    ///
    /// Without it records keep the tags they come with, and there are no metrics of agent and containers. true may be
    /// written as 1, t, T, TRUE or True, false as 0, f, F, FALSE or False.
    #[arg(long, value_name = "BOOL", default_value = "true", default_missing_value = "true", num_args = 0..=1,
          require_equals = true, action = ArgAction::Set, value_parser = boolean)]
    pub agent_polling: bool,

    /// Where the agent is, http://10.0.0.1:5051 for example; replaces --agent-ip-command and --agent-port
    ///
    /// With https the agent's certificate is verified, and so is that it is for this host.
    #[arg(long, value_name = "URL", value_parser = url)]
    pub agent_url: Option<String>,

    /// Command that prints the address of the agent; without a shell, arguments after single spaces
    ///
    /// By default /opt/mesosphere/bin/detect_ip if there is one, else the address is 127.0.0.1. A command given here has to
    /// work: when it fails or prints no address, that is logged, and it is run again at the next poll.
    #[arg(long, value_name = "COMMAND", value_parser = NonEmptyStringValueParser::new())]
    pub agent_ip_command: Option<String>,

    /// Port of the agent
    #[arg(long, value_name = "PORT", default_value = "5051", value_parser = clap::value_parser!(u16).range(1..))]
    pub agent_port: u16,

    /// Interface to ask: rest (/state, /metrics/snapshot, /containers) or v1 (/api/v1), which alone tells of nested containers
    #[arg(long, value_name = "API", value_enum, default_value = "rest")]
    pub agent_api: AgentApi,

    /// Seconds from one poll to the next; 1 to 86400
    ///
    /// The first poll is at once. The later ones have a random phase, so that the nodes of a cluster do not poll in step.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub agent_poll_period: u32,

    /// Milliseconds until a question to the agent counts as failed, connecting and reading included; 1 to 600000
    #[arg(long, value_name = "MS", default_value = "5000", value_parser = clap::value_parser!(u32).range(1..=600_000))]
    pub agent_timeout_ms: u32,

    /// File with the certificates, in PEM, that may vouch for the agent, instead of those that the system trusts
    #[arg(long, value_name = "FILE")]
    pub agent_ca_file: Option<PathBuf>,

    /// Token that the agent demands, sent as Authorization: token=TOKEN
    ///
    /// Command lines are open to everybody on the node: AUTH_CREDENTIAL or --auth-credential-file are better.
    // The environment becomes the default, and a default would be shown by --help.
    #[arg(long, value_name = "TOKEN", hide_default_value = true, hide_env_values = true)]
    pub auth_credential: Option<Secret>,

    /// File with that token; read again when the agent refuses the one it had
    #[arg(long, value_name = "FILE", conflicts_with = "auth_credential")]
    pub auth_credential_file: Option<PathBuf>,

    /// Topic of the agent's own metrics
    #[arg(long, value_name = "TOPIC", default_value = "agent", value_parser = NonEmptyStringValueParser::new())]
    pub agent_metrics_topic: String,

    /// Labels of tasks that become tags, by name; may be given several times
    ///
    /// Values of more than 128 bytes are left out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub task_label: Vec<String>,

    /// Labels of tasks whose name begins with this become tags, without it; empty for none
    ///
    /// DCOS_METRICS_TEAM=search becomes the tag TEAM=search. At most 32 labels of a task become tags.
    #[arg(long, value_name = "PREFIX", default_value = "DCOS_METRICS_")]
    pub task_label_prefix: String,

    /// Read the state from this file instead of the agent
    #[arg(long, value_name = "FILE")]
    pub agent_test_state_file: Option<PathBuf>,

    /// Read the agent's own metrics from this file instead of the agent
    #[arg(long, value_name = "FILE")]
    pub agent_test_system_file: Option<PathBuf>,

    /// Read the metrics of containers from this file instead of the agent
    #[arg(long, value_name = "FILE")]
    pub agent_test_containers_file: Option<PathBuf>,
}

/// An interface of the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AgentApi {
    /// GET /state, /metrics/snapshot and /containers
    #[default]
    Rest,
    /// POST /api/v1
    V1,
}

fn url(text: &str) -> Result<String, String> {
    let allowed = || "must be http://HOST:PORT or https://HOST:PORT without a path".to_owned();
    let uri: Uri = text.parse().map_err(|_| allowed())?;
    let authority = uri.authority().ok_or_else(allowed)?;
    let scheme = uri
        .scheme_str()
        .filter(|scheme| matches!(*scheme, "http" | "https"));
    let plain = matches!(uri.path(), "" | "/") && uri.query().is_none() && !authority.as_str().contains('@');
    match scheme {
        Some(scheme) if plain && !authority.host().is_empty() => Ok(format!("{scheme}://{authority}")),
        _ => Err(allowed()),
    }
}

#[cfg(test)]
mod tests;
