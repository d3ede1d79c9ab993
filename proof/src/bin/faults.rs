//! `faults`: injects faults into the whole path, one scenario after the other, and adds up.

#![forbid(unsafe_code)]

use clap::Parser;
use clap::builder::PossibleValuesParser;
use stats_proof::clock::end_on_signals;
use stats_proof::scenarios::{Outcome, SCENARIOS, Scale};
use std::process::ExitCode;
use std::time::Instant;

/// Sends numbered lines through module, collector, Kafka and consumer while something fails, and adds up: every number
/// has arrived or is in exactly one drop counter.
#[derive(Parser)]
#[command(name = "faults")]
struct Options {
    /// What fails; everything, one after the other, if nothing is named
    #[arg(value_parser = PossibleValuesParser::new(SCENARIOS.iter().map(|scenario| scenario.name)))]
    scenarios: Vec<String>,

    /// Some seconds for each, as in the tests
    #[arg(long)]
    short: bool,

    /// Say what there is
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list {
        for scenario in SCENARIOS {
            println!("{:<18} {}", scenario.name, scenario.about);
        }
        return ExitCode::SUCCESS;
    }
    if let Err(error) = end_on_signals() {
        eprintln!("faults: {error}");
        return ExitCode::FAILURE;
    }
    let scale = if options.short { Scale::Short } else { Scale::Long };
    let mut failed = 0;
    for scenario in SCENARIOS {
        if !options.scenarios.is_empty() && !options.scenarios.iter().any(|name| name == scenario.name) {
            continue;
        }
        println!("{}: {}", scenario.name, scenario.about);
        let start = Instant::now();
        match scenario.run(scale) {
            Ok(Outcome::Held(identity)) => print!("{identity}"),
            Ok(Outcome::Skipped(why)) => println!("  skipped: {why}"),
            Err(error) => {
                failed += 1;
                println!("  FAILED: {error}");
                if error.ends_with("interrupted") {
                    break;
                }
            }
        }
        println!("  {} s\n", start.elapsed().as_secs());
    }
    if failed > 0 {
        println!("{failed} scenarios failed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
