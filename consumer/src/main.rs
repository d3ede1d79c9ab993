//! The program: options, signals, exit status.

use clap::{CommandFactory, FromArgMatches};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn main() -> ExitCode {
    let command = stats_consumer::empty_is_unset(stats_consumer::Options::command());
    let parsed = command
        .try_get_matches()
        .and_then(|matches| stats_consumer::Options::from_arg_matches(&matches));
    let options = match parsed {
        Ok(options) => options,
        Err(message) => {
            // There is nobody left to tell if it cannot be printed.
            let _printed = message.print();
            return if message.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(options.log_filter())).init();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        // The second one does not wait for a backend that does not answer.
        let registered = signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)));
        if let Err(error) = registered {
            log::error!("cannot handle signal {signal}: {error}");
            return ExitCode::FAILURE;
        }
    }
    match stats_consumer::run(&options, &stop) {
        Ok(_) => ExitCode::SUCCESS,
        Err(reason) => {
            log::error!("{reason}");
            ExitCode::FAILURE
        }
    }
}
