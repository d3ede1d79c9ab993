//! Speed and memory of the core on loopback, each figure beside that of a bare program in the same run.
//!
//! `cargo bench -p dcos-stats -- [CASE]... [--millis N] [--rounds N]`
//!
//! 1. Three processes: this one gives orders, one is measured and has the first CPU for all its threads, and one has the
//!    second CPU, sends what tasks would, and receives what the outputs send.
//! 2. What is measured is the CPU time of the whole process for each line, since wall-clock time says more about what else
//!    the machine does. Programs are measured in turns and the median of their rounds counts.
//! 3. The bare program ([`bare`]) waits for datagrams exactly as the core does, so that the ratio is the price of what the
//!    core does with them. Being woken for each burst instead is the second baseline.

mod bare;
mod cases;
mod companion;
mod load;
mod measured;
mod peer;
mod sys;
mod traffic;

use cases::CASES;
use load::Length;
use std::env;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some(peer::NAME) => peer::run(),
        Some(measured::NAME) => measured::run(&arguments[1..]),
        _ => measure(&arguments),
    };
    match result {
        // A figure that misses its aim is for people to judge.
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The benchmark can't be run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> io::Result<()> {
    let mut length = Length {
        round: Duration::from_millis(800),
        rounds: 5,
    };
    let mut wanted = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || -> io::Result<u64> {
            let value = rest.next().map_or("", String::as_str);
            let allowed =
                || io::Error::other(format!("{argument} {value:?}: allowed is a number of 1 or more"));
            value
                .parse()
                .ok()
                .filter(|&number| number > 0)
                .ok_or_else(allowed)
        };
        match argument.as_str() {
            "--millis" => length.round = Duration::from_millis(number()?),
            "--rounds" => length.rounds = usize::try_from(number()?).map_err(io::Error::other)?,
            // Cargo's own.
            "--bench" => {}
            case if CASES.iter().any(|known| known.name.contains(case)) => wanted.push(case),
            other => {
                let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
                return Err(io::Error::other(format!(
                    "{other:?} is neither --millis, --rounds nor part of a case's name: {}",
                    names.join(", ")
                )));
            }
        }
    }
    let mut table = Vec::new();
    for case in CASES {
        if wanted.is_empty() || wanted.iter().any(|part| case.name.contains(part)) {
            eprintln!("{} ...", case.name);
            table.push((case.name, case.run(length)?));
        }
    }
    for (name, result) in table {
        println!("{name:<24} {result}");
    }
    Ok(())
}
