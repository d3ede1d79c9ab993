//! Flags as the old programs, written in Go, took them: one dash or two, and for every flag an environment variable
//! that replaces its default (`reference/metrics.md` 2.1). A file can replace defaults as well; the environment wins.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Id};
use std::collections::BTreeMap;
use std::ffi::OsString;

/// What is shown in place of a secret.
const HIDDEN: &str = "****";

/// Gives long flags that have only one dash their second one; everything else stays as it is.
///
/// Go ends the flags at the first argument that is none, and so does this at `--`.
pub fn two_dashes(command: &Command, arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let names: Vec<&str> = command
        .get_arguments()
        .flat_map(long_names)
        .chain(["help", "version"])
        .collect();
    let mut flags_ended = false;
    arguments
        .into_iter()
        .map(|argument| {
            flags_ended |= argument == "--";
            let name = argument
                .to_str()
                .and_then(|text| text.strip_prefix('-'))
                .map(flag_name);
            match name {
                Some(name) if !flags_ended && names.contains(&name) => {
                    let mut long = OsString::from("-");
                    long.push(argument);
                    long
                }
                _ => argument,
            }
        })
        .collect()
}

/// Reads `true` and `false` in all the ways Go does.
///
/// # Errors
///
/// What is allowed.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("must be true or false (or 1, t, T, TRUE, True, 0, f, F, FALSE, False)".to_owned()),
    }
}

/// Makes the entries of a TOML file the defaults of the flags they name; a flag that may be given several times takes
/// an array. `file` is the file's name, for messages.
///
/// # Errors
///
/// When the file is no TOML, names a flag that does not exist, or has a value that is not allowed.
pub fn with_file(command: Command, file: &str, text: &str) -> Result<Command, clap::Error> {
    let fail = |message: String| {
        command
            .clone()
            .error(ErrorKind::InvalidValue, format!("{file}: {message}"))
    };
    // The error of the parser shows the line, which may be the one with the password.
    let entries: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        fail(format!("line {line} is no TOML: {}", error.message()))
    })?;
    let mut defaults = Vec::new();
    for (key, value) in entries {
        let name = key.replace('_', "-");
        let Some(arg) = command
            .get_arguments()
            .find(|arg| long_names(arg).any(|long| long == name))
        else {
            let nearest = command
                .get_arguments()
                .flat_map(long_names)
                .map(|long| (strsim::damerau_levenshtein(long, &name), long))
                .min()
                .filter(|(distance, _)| *distance <= 3)
                .map_or(String::new(), |(_, long)| format!("; did you mean {long}?"));
            return Err(fail(format!("there is no option {key:?}{nearest}")));
        };
        let values = match value {
            toml::Value::Array(values) => values.into_iter().map(scalar).collect(),
            single => scalar(single).map(|text| vec![text]),
        };
        let Some(values) = values else {
            return Err(fail(format!(
                "{key} must be a text, a number, true or false, or an array of such"
            )));
        };
        for value in &values {
            check(&command, arg, |value| format!("{file}: {key} = {value}"), value)?;
        }
        defaults.push((arg.get_id().clone(), values));
    }
    Ok(set_defaults(command, defaults))
}

fn scalar(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Datetime(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

fn set_defaults(command: Command, defaults: Vec<(Id, Vec<String>)>) -> Command {
    defaults.into_iter().fold(command, |command, (id, values)| {
        command.mut_arg(id, |arg| arg.default_values(values))
    })
}

/// What differs from the defaults of `built_in`, as `NAME=value` under the names of environment variables and in their
/// order. What is secret, an argument with `hide_env_values`, is not shown.
#[must_use]
pub fn set_values(built_in: &Command, command: &Command, matches: &ArgMatches) -> BTreeMap<String, String> {
    let texts = |values: &[clap::builder::OsStr]| {
        values
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .collect()
    };
    let mut shown = BTreeMap::new();
    for arg in command
        .get_arguments()
        .filter(|arg| arg.get_action().takes_values())
    {
        let id = arg.get_id();
        let values: Vec<String> = match matches.value_source(id.as_str()) {
            Some(ValueSource::CommandLine) => matches
                .get_raw(id.as_str())
                .map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect())
                .unwrap_or_default(),
            _ => texts(arg.get_default_values()),
        };
        let default = built_in.get_arguments().find(|other| other.get_id() == id);
        if default.is_some_and(|default| texts(default.get_default_values()) == values) {
            continue;
        }
        let value = if arg.is_hide_env_values_set() {
            HIDDEN.to_owned()
        } else {
            values.join(",")
        };
        let name = arg.get_long().unwrap_or_default();
        shown.insert(name.to_uppercase().replace('-', "_"), value);
    }
    shown
}

/// Makes environment variables the defaults of all flags that take a value: the name of the flag or of one of its
/// aliases in capitals, with `_` for `-`. An empty variable counts as unset.
///
/// # Errors
///
/// When two variables of one flag have different values, or a value is not allowed.
pub fn with_environment(
    command: Command,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Command, clap::Error> {
    let mut defaults = Vec::new();
    for arg in command
        .get_arguments()
        .filter(|arg| arg.get_action().takes_values())
    {
        let mut found: Option<(String, String)> = None;
        for name in long_names(arg) {
            let name = name.to_uppercase().replace('-', "_");
            let Some(value) = variable(&name).filter(|value| !value.is_empty()) else {
                continue;
            };
            match &found {
                Some((first, other)) if *other != value => {
                    let message = format!(
                        "{first}={other:?} and {name}={value:?} in the environment are the same option, --{}, with two \
                         values; keep one",
                        arg.get_id().as_str().replace('_', "-"),
                    );
                    return Err(command.clone().error(ErrorKind::ArgumentConflict, message));
                }
                Some(_) => {}
                None => found = Some((name, value)),
            }
        }
        if let Some((name, value)) = found {
            check(
                &command,
                arg,
                |value| format!("{name}={value} in the environment"),
                &value,
            )?;
            defaults.push((arg.get_id().clone(), vec![value]));
        }
    }
    Ok(set_defaults(command, defaults))
}

/// Refuses a value as the flag would, but under the name that the user gave it, which `place` puts before a value that
/// can be shown. That of a secret cannot.
fn check(
    command: &Command,
    arg: &Arg,
    place: impl Fn(&str) -> String,
    value: &str,
) -> Result<(), clap::Error> {
    let flag = format!("--{}={value}", arg.get_long().unwrap_or_default());
    match command.clone().try_get_matches_from([command.get_name(), &flag]) {
        Err(error) if matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) => {
            let message = if arg.is_hide_env_values_set() {
                format!("{}: this value is not allowed", place(HIDDEN))
            } else {
                let reason = error.to_string();
                format!(
                    "{}: {}",
                    place(&format!("{value:?}")),
                    reason.trim_start_matches("error: ")
                )
            };
            Err(command.clone().error(error.kind(), message))
        }
        _ => Ok(()),
    }
}

fn flag_name(text: &str) -> &str {
    text.split_once('=').map_or(text, |(name, _)| name)
}

fn long_names(arg: &Arg) -> impl Iterator<Item = &str> {
    arg.get_long()
        .into_iter()
        .chain(arg.get_all_aliases().unwrap_or_default())
}

#[cfg(test)]
mod tests;
