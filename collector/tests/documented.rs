//! The tables of `docs/collector.md` against the options.

#![allow(clippy::unwrap_used)]

use clap::{Arg, CommandFactory};
use stats_collector::options::Options;
use std::path::Path;

/// How a row of a table begins: the option with its value's name, and its default.
fn row(arg: &Arg) -> String {
    let value = match arg.get_value_names() {
        Some([name]) if arg.get_action().takes_values() => format!(" {name}"),
        _ => String::new(),
    };
    // A flag without a value is off, which needs no word.
    let default = match arg.get_default_values() {
        [default] if !default.is_empty() && arg.get_action().takes_values() => {
            format!("`{}`", default.to_str().unwrap())
        }
        _ => "-".to_owned(),
    };
    format!("| `--{}{value}` | {default} | ", arg.get_long().unwrap())
}

#[test]
fn every_option_stands_in_the_tables_with_its_default_and_no_other() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/collector.md");
    let text = std::fs::read_to_string(page).unwrap();
    let mut options = Options::command();
    options.build();
    let expected: Vec<_> = options
        .get_arguments()
        .filter(|arg| !matches!(arg.get_long(), Some("help" | "version")))
        .map(row)
        .collect();
    let missing: Vec<_> = expected
        .iter()
        .filter(|row| !text.lines().any(|line| line.starts_with(*row)))
        .collect();
    assert!(missing.is_empty(), "docs/collector.md lacks {missing:#?}");
    let rows = text.lines().filter(|line| line.starts_with("| `--"));
    let wrong: Vec<_> = rows
        .filter(|line| !expected.iter().any(|row| line.starts_with(row)))
        .collect();
    assert!(wrong.is_empty(), "docs/collector.md has {wrong:#?}");
}
