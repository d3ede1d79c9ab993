//! Runs the whole path on loopback, shows what passes, and draws the balance at the end.
//!
//! ```text
//! statsd-emitter x3 --UDP--> dcos-stats-standalone --Avro/TCP--> dcos-stats-collector --JSON lines--> here
//!                                                  --StatsD/UDP-------------------------------------> here
//! ```

#![forbid(unsafe_code)]

mod arrivals;
mod balance;
mod child;
mod live;
mod reports;
mod route;
mod statsd_receiver;

use live::View;
use route::Route;
use stats_examples::Stop;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What is shown to the user when the demo cannot go on.
type Failure = String;

const USAGE: &str = "\
Runs three containers' emitters, the module and the collector on loopback, shows lines per second, and draws a balance.

DEMO_SECONDS in the environment says for how long (1 to 86400, default 15); Ctrl-C ends it earlier, with the balance so far.
The programs have to lie beside this one: `make demo` builds them and starts it.";

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match seconds(std::env::var("DEMO_SECONDS").ok()).and_then(run) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("demo: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn seconds(variable: Option<String>) -> Result<u64, Failure> {
    let Some(text) = variable.filter(|text| !text.is_empty()) else {
        return Ok(15);
    };
    text.parse()
        .ok()
        .filter(|seconds| (1..=86_400).contains(seconds))
        .ok_or_else(|| format!("DEMO_SECONDS={text:?}: must be a whole number of seconds from 1 to 86400"))
}

/// Runs the demo; whether the books balance.
fn run(seconds: u64) -> Result<bool, Failure> {
    let mut stop =
        Stop::with_last_act(child::kill_all).map_err(|e| format!("cannot wait for signals: {e}"))?;
    let mut route = Route::start()?;
    let mut view = View::new(route.arrivals(), seconds);
    let start = Instant::now();
    for second in 1..=seconds {
        let next = start + Duration::from_secs(second);
        if stop.wait(next.saturating_duration_since(Instant::now())) {
            break;
        }
        view.show(second);
        route.check()?;
    }
    println!("\nStopping the emitters, then the module, then the collector ...\n");
    let reports = route.finish()?;
    let (text, balanced) = balance::draw(&reports);
    print!("{text}");
    Ok(balanced)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn seconds_of_the_environment() {
        assert_eq!(seconds(None), Ok(15));
        assert_eq!(seconds(Some(String::new())), Ok(15));
        assert_eq!(seconds(Some("3".into())), Ok(3));
        for text in ["0", "86401", "-1", "1.5", "long"] {
            assert!(seconds(Some(text.into())).unwrap_err().contains(text));
        }
    }
}
