//! `proof-node`: the module's core as an agent would run it, told what to do on standard input. See [`stats_proof::node`].

#![forbid(unsafe_code)]

use serde_json::json;
use stats_slave::Core;
use stats_slave::container::{Container, ContainerId};
use stats_slave::parameters::{Parameters, modules};
use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("proof-node: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let file = std::env::args()
        .nth(1)
        .ok_or("the file with the parameters is missing")?;
    let parameters = Parameters::from_list(&modules(&std::fs::read_to_string(file)?)?)?;
    let core = Core::start(&parameters)?;
    // All containers outlive the node, as they do a real agent.
    core.recover(&core.stored());
    answer("ready")?;
    // Its end is the order to end, so that no node outlives the program that started it.
    for line in stdin().lock().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((line.as_str(), "")) {
            ("register", id) => match core.register(&container(id)) {
                Ok(endpoint) => answer(endpoint)?,
                Err(error) => return Err(format!("container {id}: {error}").into()),
            },
            ("unregister", id) => answer(core.unregister(&ContainerId::new(id)))?,
            ("accounting", _) => answer(json!(core.accounting()))?,
            ("end", _) => break,
            (other, _) => return Err(format!("the order {other:?} is not known").into()),
        }
    }
    let accounting = core
        .shutdown()
        .ok_or("the event loop ended before it was told to")?;
    if let Some(imbalance) = accounting.imbalances().first() {
        return Err(format!("the books do not balance: {imbalance}").into());
    }
    Ok(answer(json!(accounting))?)
}

/// One line on stdout.
fn answer(text: impl std::fmt::Display) -> std::io::Result<()> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

fn container(id: &str) -> Container {
    Container {
        id: ContainerId::new(id),
        framework_id: "proof".to_owned(),
        executor_id: format!("e-{id}"),
    }
}
