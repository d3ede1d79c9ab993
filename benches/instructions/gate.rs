//! Counts the instructions of hot functions and compares them with what is expected. They are the same on every run, however
//! busy the machine is, so a few percent more are a fact. Time is another matter: see `docs/performance.md`.
//!
//! A case runs in a process of its own under valgrind, for a few rounds and for many; the difference is what the rounds
//! cost, without start-up and first allocations. Counts hold for one compiler only: with another one they are printed,
//! and nothing fails. The C library chooses its copying functions by the CPU, and hash functions are seeded at random;
//! both stay within the tolerance.

use std::fmt::Write;
use std::process::{Command, ExitCode};

/// What may be more than expected, as a share.
const TOLERANCE: f64 = 0.05;

/// Rounds before what is counted, and rounds counted.
const FIRST: u64 = 20;
const COUNTED: u64 = 200;

/// Something whose instructions are counted.
pub(crate) struct Case {
    /// One word, for the file.
    pub(crate) name: &'static str,
    /// What the count is for: so many of these a round.
    pub(crate) items: usize,
    /// Does it so many times.
    pub(crate) run: fn(rounds: u64),
}

/// Counts all `cases` and compares them with the file at `expected`, or writes it if the environment has UPDATE=1.
pub(crate) fn main(cases: &[Case], expected: &str) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [count, name, rounds] = arguments.as_slice()
        && count == "count"
    {
        let case = cases.iter().find(|case| case.name == name).expect("a case");
        (case.run)(rounds.parse().expect("a number of rounds"));
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed");
        return ExitCode::SUCCESS;
    }
    let counts: Vec<(&str, f64)> = cases.iter().map(|case| (case.name, instructions(case))).collect();
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        std::fs::write(expected, text(&counts)).expect("the file of expected counts");
        println!("written to {expected}");
        return ExitCode::SUCCESS;
    }
    let expected = std::fs::read_to_string(expected).expect("the file of expected counts");
    compare(&counts, &expected)
}

/// What an item of the case costs.
fn instructions(case: &Case) -> f64 {
    let counted = collected(case, FIRST + COUNTED) - collected(case, FIRST);
    counted as f64 / COUNTED as f64 / case.items as f64
}

/// What callgrind counted in all.
fn collected(case: &Case, rounds: u64) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["count", case.name, &rounds.to_string()])
        .output()
        .expect("valgrind");
    let log = String::from_utf8_lossy(&output.stderr);
    let count = log.lines().find_map(|line| line.split_once("Collected : "));
    match count {
        Some((_, count)) if output.status.success() => count.trim().parse().expect("a count"),
        _ => panic!("valgrind failed: {log}"),
    }
}

fn compiler() -> String {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc).arg("--version").output().expect("rustc");
    let version = String::from_utf8_lossy(&output.stdout);
    format!("{} {}", version.trim(), std::env::consts::ARCH)
}

fn text(counts: &[(&str, f64)]) -> String {
    let mut text = format!("{}\n", compiler());
    for (name, count) in counts {
        let _ = writeln!(text, "{name} {count:.0}");
    }
    text
}

fn compare(counts: &[(&str, f64)], expected: &str) -> ExitCode {
    let (of, expected) = expected.split_once('\n').expect("the compiler's version");
    let comparable = of == compiler();
    if !comparable {
        println!(
            "not compared: expected counts are of {of}, this is {}",
            compiler()
        );
    }
    println!(
        "{:<44} {:>10} {:>10} {:>8}",
        "instructions", "counted", "expected", ""
    );
    let mut grown = false;
    for (name, count) in counts {
        let before = expected
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        let Some(before) = before else {
            println!("{name:<44} {count:>10.0} {:>10}", "missing");
            grown = true;
            continue;
        };
        let change = count / before - 1.0;
        let verdict = match change {
            more if more > TOLERANCE => "grown",
            less if less < -TOLERANCE => "shrunk: make instructions UPDATE=1 keeps it",
            _ => "",
        };
        println!(
            "{name:<44} {count:>10.0} {before:>10.0} {:>+7.1}% {verdict}",
            change * 100.0
        );
        grown |= change > TOLERANCE;
    }
    if grown && comparable {
        println!(
            "More than {:.0} % over what is expected, or not expected at all. If there is a good reason for it: make \
             instructions UPDATE=1, and say the reason in the commit.",
            TOLERANCE * 100.0
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
