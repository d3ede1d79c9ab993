//! `dcos-stats-standalone`: the module's core without Mesos, for trying it out and for tests.

use clap::Parser;
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use stats_slave::Core;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{Parameters, modules};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{fs, process};

const HELP: &str = "\
Reads the JSON that `mesos-agent --modules` reads, gives every container named here a StatsD endpoint, and prints one JSON
line for each with container_id, statsd_host and statsd_port. Send StatsD there, and it is tagged and forwarded as the
parameters say. SIGTERM or SIGINT sends what is left, prints the accounting as one more JSON line, and ends.

With a state directory that an earlier run left behind (even one that was killed), containers get the ports they had. If no
container is named, all those of the earlier run are taken up again.

Example:
  dcos-stats-standalone --modules mesos-agent-modules.json.example \\
      --container framework_id=marathon,executor_id=web.1,container_id=c1

The log goes to stderr; RUST_LOG=debug makes it tell more.";

/// Gives containers StatsD endpoints as the Mesos module does, without Mesos.
#[derive(Parser)]
#[command(name = "dcos-stats-standalone", version, after_help = HELP)]
struct Options {
    /// The modules file of the Mesos agent: JSON with the parameters of our modules.
    #[arg(long, value_name = "FILE")]
    modules: PathBuf,

    /// A container: framework_id=F,executor_id=E,container_id=C. May be repeated.
    #[arg(long = "container", value_name = "IDS", value_parser = container)]
    containers: Vec<Container>,
}

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dcos-stats-standalone: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let path = options.modules.display();
    let json =
        fs::read_to_string(&options.modules).map_err(|error| format!("{path} can't be read: {error}"))?;
    let list = modules(&json).map_err(|error| format!("{path}: {error}"))?;
    let parameters = Parameters::from_list(&list).map_err(|error| format!("{path}: {error}"))?;
    log::info!(
        "Initializing module with {} merged parameters",
        list.iter().count()
    );

    // Before the first endpoint is told to anybody, so that a signal sent in answer to it is not missed.
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    let core = Core::start(&parameters)?;
    let stored = core.stored();
    let alive: Vec<Container> = match options.containers.as_slice() {
        [] => stored,
        named => named
            .iter()
            .filter(|named| stored.iter().any(|known| known.id == named.id))
            .cloned()
            .collect(),
    };
    core.recover(&alive);
    for container in if options.containers.is_empty() {
        &alive
    } else {
        &options.containers
    } {
        let endpoint = core
            .register(container)
            .map_err(|error| format!("container {}: {error}", container.id))?;
        println!(
            "{}",
            json!({
                "container_id": container.id.leaf(),
                "statsd_host": endpoint.ip().to_string(),
                "statsd_port": endpoint.port(),
            })
        );
    }

    signals.forever().next();
    // A second signal means now.
    let handle = signals.handle();
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            process::exit(130);
        }
    });
    let accounting = core
        .shutdown()
        .ok_or("the event loop ended before it was told to")?;
    handle.close();
    for imbalance in accounting.imbalances() {
        log::error!("The books do not balance: {imbalance}");
    }
    println!("{}", serde_json::to_string(&accounting)?);
    Ok(())
}

fn container(text: &str) -> Result<Container, String> {
    let mut container = Container {
        id: ContainerId::new(""),
        framework_id: String::new(),
        executor_id: String::new(),
    };
    for pair in text.split(',') {
        match pair.split_once('=') {
            Some(("framework_id", id)) => container.framework_id = id.to_owned(),
            Some(("executor_id", id)) => container.executor_id = id.to_owned(),
            Some(("container_id", id)) if !id.is_empty() => container.id = ContainerId::new(id),
            _ => {
                return Err(format!(
                    "`{pair}` is not one of framework_id=F, executor_id=E and container_id=C, separated by commas"
                ));
            }
        }
    }
    if container.id.leaf().is_empty() {
        return Err("container_id=C is missing".to_owned());
    }
    Ok(container)
}
