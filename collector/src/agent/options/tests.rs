use super::*;
use crate::agent::settings::Place;
use crate::flags::{two_dashes, with_environment};
use clap::{CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::io::Write;
use std::time::Duration;

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    agent: AgentOptions,
}

fn read(arguments: &[&str], environment: &[(&str, &str)]) -> Result<AgentOptions, clap::Error> {
    let command = with_environment(Program::command(), |name| {
        environment
            .iter()
            .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
    })?;
    let arguments = ["program"].iter().chain(arguments).map(OsString::from);
    let arguments = two_dashes(&command, arguments);
    Ok(Program::from_arg_matches(&command.try_get_matches_from(arguments)?)?.agent)
}

#[test]
fn defaults_are_those_of_2016() {
    Program::command().debug_assert();
    let options = read(&[], &[]).unwrap();
    assert!(options.agent_polling);
    assert_eq!(options.agent_port, 5051);
    assert_eq!(options.agent_poll_period, 15);
    assert_eq!(options.agent_metrics_topic, "agent");
    let settings = options.settings().unwrap().unwrap();
    assert_eq!(
        settings.place,
        Place::Command {
            command: None,
            port: 5051
        }
    );
    assert_eq!(settings.labels.prefix, "DCOS_METRICS_");
    assert_eq!(settings.timeout, Duration::from_secs(5));
}

#[test]
fn switches_speak_go() {
    for (arguments, environment, expected) in [
        (["-agent-polling=false"].as_slice(), [].as_slice(), false),
        (&["--agent-polling=F"], &[], false),
        (&["-agent-polling"], &[("AGENT_POLLING", "0")], true),
        (&[], &[("AGENT_POLLING", "False")], false),
        (&[], &[("AGENT_POLLING", "t")], true),
        (&["-agent-polling=T"], &[("AGENT_POLLING", "FALSE")], true),
    ] {
        let options = read(arguments, environment).unwrap();
        assert_eq!(options.agent_polling, expected, "{arguments:?} {environment:?}");
        assert_eq!(options.settings().unwrap().is_some(), expected);
    }
    for wrong in ["maybe", "yes", "tRUE", "2", "on"] {
        let error = read(&[], &[("AGENT_POLLING", wrong)]).unwrap_err().to_string();
        assert!(
            error.contains("AGENT_POLLING") && error.contains("FALSE"),
            "{error}"
        );
    }
}

#[test]
fn errors_name_option_value_and_what_is_allowed() {
    for (argument, parts) in [
        ("--agent-polling=maybe", ["--agent-polling", "maybe", "True"]),
        (
            "--agent-url=ftp://h:1",
            ["--agent-url", "ftp://h:1", "http://HOST:PORT"],
        ),
        (
            "--agent-url=http://h:1/state",
            ["--agent-url", "/state", "without a path"],
        ),
        (
            "--agent-url=http://u:p@h:1",
            ["--agent-url", "", "without a path"],
        ),
        ("--agent-url=h:1", ["--agent-url", "h:1", "http://HOST:PORT"]),
        ("--agent-port=0", ["--agent-port", "'0'", "1..="]),
        (
            "--agent-poll-period=0",
            ["--agent-poll-period", "'0'", "1..=86400"],
        ),
        (
            "--agent-timeout-ms=0",
            ["--agent-timeout-ms", "'0'", "1..=600000"],
        ),
        ("--agent-api=v2", ["--agent-api", "v2", "rest, v1"]),
        ("--agent-metrics-topic=", ["--agent-metrics-topic", "", "value"]),
    ] {
        let error = read(&[argument], &[]).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

#[test]
fn the_credential_is_shown_nowhere() {
    let environment = [("AUTH_CREDENTIAL", "s3cret")];
    let options = read(&[], &environment).unwrap();
    assert_eq!(options.auth_credential.as_ref().unwrap().reveal(), "s3cret");
    let help = read(&["--help"], &environment).unwrap_err().to_string();
    assert!(help.contains("--auth-credential"), "{help}");
    let error = read(&["--nonsense"], &environment).unwrap_err().to_string();
    let settings = options.settings().unwrap().unwrap();
    let both = read(&["--auth-credential-file=f"], &environment)
        .unwrap()
        .settings()
        .unwrap_err();
    let clash = read(&["--auth-credential-file=f", "--auth-credential=s3cret"], &[]).unwrap_err();
    for text in [
        help,
        error,
        format!("{options:?} {settings:?}"),
        format!("{both} {both:?}"),
        clash.to_string(),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn addresses_labels_and_files() {
    let options = read(
        &[
            "-agent-url=https://h:1/",
            "--task-label=a,b",
            "--task-label",
            "c",
            "--task-label-prefix=",
        ],
        &[("AGENT_IP_COMMAND", "echo 1.2.3.4"), ("AGENT_API", "v1")],
    );
    let settings = options.unwrap().settings().unwrap().unwrap();
    assert_eq!(settings.place, Place::Url("https://h:1".to_owned()));
    assert_eq!(settings.labels.names, ["a", "b", "c"]);
    assert_eq!(settings.labels.prefix, "");
    assert_eq!(settings.api, AgentApi::V1);
}

#[test]
fn a_file_without_certificates_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"no certificate").unwrap();
    let path = file.path().to_str().unwrap();
    for path in [path, "/nonexistent"] {
        let options = read(&["--agent-ca-file", path], &[]).unwrap();
        let error = options.settings().unwrap_err().to_string();
        assert!(
            error.contains("--agent-ca-file") && error.contains(path),
            "{error}"
        );
    }
}
