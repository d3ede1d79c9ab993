//! Time that passes until somebody presses Ctrl-C.

use crate::Failure;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a program may take to start, to end when told to, or to hand on what it holds, on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

const STEP: Duration = Duration::from_millis(20);

static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Makes SIGINT and SIGTERM end every [`pause`] and [`until`] with an error, so that all that was started is ended.
///
/// # Errors
///
/// When the system does not allow it.
pub fn end_on_signals() -> Result<(), Failure> {
    let flag = INTERRUPTED.get_or_init(Arc::default);
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(flag))
            .map_err(|error| format!("cannot catch signal {signal}: {error}"))?;
    }
    Ok(())
}

/// Lets time pass.
///
/// # Errors
///
/// When somebody does not want to wait.
pub fn pause(time: Duration) -> Result<(), Failure> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        check()?;
        std::thread::sleep(STEP.min(end.saturating_duration_since(Instant::now())));
    }
    check()
}

/// Waits until something is so.
///
/// # Errors
///
/// When it takes longer than `patience`, when finding out fails, or when somebody does not want to wait.
pub fn until(
    what: &str,
    patience: Duration,
    mut is_so: impl FnMut() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let deadline = Instant::now() + patience;
    while !is_so()? {
        check()?;
        if Instant::now() > deadline {
            return Err(format!("{what}: not within {} s", patience.as_secs()));
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}

fn check() -> Result<(), Failure> {
    match INTERRUPTED.get() {
        Some(flag) if flag.load(Ordering::Relaxed) => Err("interrupted".to_owned()),
        _ => Ok(()),
    }
}
