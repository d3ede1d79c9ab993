//! The Marathon apps of `examples/marathon` against the options of the programs that they start.

#![allow(clippy::unwrap_used)]

use clap::{CommandFactory, Parser};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// One of the files, as far as it concerns us.
struct App {
    file: String,
    json: Value,
    /// The words of its command, without `exec`.
    command: Vec<String>,
    /// Secrets as a text, as Marathon puts them in.
    environment: BTreeMap<String, String>,
}

impl App {
    fn read(path: &Path) -> Self {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let json: Value = serde_json::from_str(&fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{file}: {error}"));
        let command = json["cmd"].as_str().unwrap().split(' ').map(str::to_owned);
        let variables = json["env"].as_object().into_iter().flatten();
        let environment = variables.map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                secret => {
                    let source = &json["secrets"][secret["secret"].as_str().unwrap()]["source"];
                    assert!(source.is_string(), "{file}: {name} has no secret");
                    "from the secret store".to_owned()
                }
            };
            (name.clone(), value)
        });
        Self {
            environment: environment.collect(),
            command: command.skip(1).collect(),
            file,
            json,
        }
    }

    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("marathon");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| Self::read(&path)).collect()
    }

    /// Those that run this program.
    fn running(program: &str) -> Vec<Self> {
        let program = format!("./{program}");
        let apps: Vec<_> = Self::all()
            .into_iter()
            .filter(|app| app.command[0] == program)
            .collect();
        assert!(!apps.is_empty());
        apps
    }

    /// Its variables but RUST_LOG and those that begin so.
    fn variables(&self, beginning: &str) -> impl Iterator<Item = (&String, &String)> {
        self.environment
            .iter()
            .filter(move |(name, _)| *name != "RUST_LOG" && !name.starts_with(beginning))
    }
}

#[test]
fn every_variable_of_a_collector_is_an_option_with_an_allowed_value() {
    use stats_collector::options::Options;
    let options = Options::command();
    let longs = options.get_arguments().flat_map(|arg| {
        arg.get_long()
            .into_iter()
            .chain(arg.get_all_aliases().unwrap_or_default())
    });
    let names: Vec<_> = longs.map(|long| long.to_uppercase().replace('-', "_")).collect();
    let apps = App::running("dcos-stats-collector");
    assert_eq!(apps.len(), 2);
    for app in apps {
        let override_ = "KAFKA_OVERRIDE_";
        for (name, _) in app.variables(override_) {
            assert!(names.contains(name), "{}: {name} is no option", app.file);
        }
        let read = Options::read([OsString::from("x")], |name| app.environment.get(name).cloned());
        assert!(read.is_ok(), "{}: {}", app.file, read.unwrap_err());
    }
}

#[test]
fn every_variable_of_a_consumer_is_an_option_with_an_allowed_value() {
    use stats_consumer::Options;
    let apps = App::running("dcos-stats-consumer");
    assert_eq!(apps.len(), Options::command().get_subcommands().count());
    for app in apps {
        let [_, backend] = app.command.as_slice() else {
            panic!("{}: {:?}", app.file, app.command)
        };
        assert_eq!(app.json["id"], format!("/dcos-stats/consumer-{backend}"));
        let command = Options::command();
        let backend_options = command.find_subcommand(backend).unwrap();
        let options: Vec<_> = command
            .get_arguments()
            .chain(backend_options.get_arguments())
            .collect();
        let mut arguments = vec!["x".to_owned(), backend.clone()];
        for (name, value) in app.variables("KAFKA_OVERRIDE_") {
            let option = options
                .iter()
                .find(|option| option.get_env().is_some_and(|variable| variable == name.as_str()))
                .unwrap_or_else(|| panic!("{}: {name} is no option of {backend}", app.file));
            // One that is set but empty counts as unset.
            if !value.is_empty() {
                arguments.push(format!("--{}={value}", option.get_long().unwrap()));
            }
        }
        let read = Options::try_parse_from(arguments);
        assert!(read.is_ok(), "{}: {}", app.file, read.unwrap_err());
    }
}

#[test]
fn apps_can_be_told_apart_and_fetch_what_they_run() {
    let mut ids = BTreeMap::new();
    for app in App::all() {
        if let Some(other) = ids.insert(app.json["id"].as_str().unwrap().to_owned(), app.file.clone()) {
            panic!("{} and {other} have the same id", app.file);
        }
        let fetched = app.json["fetch"].as_array();
        if let Some(program) = app.command[0].strip_prefix("./") {
            let uri = fetched.unwrap()[0]["uri"].as_str().unwrap();
            assert!(uri.ends_with(&format!("/{program}")), "{}: {uri}", app.file);
        }
    }
}

#[test]
fn a_collector_is_on_every_agent_and_its_health_is_asked_where_it_tells() {
    for app in App::running("dcos-stats-collector") {
        let (json, file) = (&app.json, &app.file);
        assert_eq!(
            json["constraints"],
            serde_json::json!([["hostname", "UNIQUE"]]),
            "{file}"
        );
        let role = if file.contains("public") {
            "slave_public"
        } else {
            "*"
        };
        assert_eq!(json["acceptedResourceRoles"], serde_json::json!([role]), "{file}");
        let health = &json["healthChecks"][0];
        let address = format!("127.0.0.1:{}", health["port"]);
        assert_eq!(
            (&health["path"], &app.environment["HTTP"]),
            (&"/health".into(), &address)
        );
        let ports = json["portDefinitions"].as_array().unwrap().iter();
        let ports: Vec<_> = ports.map(|port| port["port"].clone()).collect();
        assert_eq!(ports, [serde_json::json!(8124), health["port"].clone()], "{file}");
    }
}
