//! Flags as the old programs, written in Go, took them: one dash or two, and for every flag an environment variable
//! that replaces its default (`reference/metrics.md` 2.1).

use clap::error::ErrorKind;
use clap::{Arg, Command};
use std::ffi::OsString;

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
            check(&command, arg, &name, &value)?;
            defaults.push((arg.get_id().clone(), value));
        }
    }
    Ok(defaults.into_iter().fold(command, |command, (id, value)| {
        command.mut_arg(id, |arg| arg.default_value(value))
    }))
}

/// Refuses a value as the flag would, but with the name that the user gave it under.
fn check(command: &Command, arg: &Arg, name: &str, value: &str) -> Result<(), clap::Error> {
    let flag = format!("--{}={value}", arg.get_long().unwrap_or_default());
    match command.clone().try_get_matches_from([command.get_name(), &flag]) {
        Err(error) if matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) => {
            let reason = error.to_string();
            let reason = reason.trim_start_matches("error: ");
            Err(command.clone().error(
                error.kind(),
                format!("{name}={value:?} in the environment: {reason}"),
            ))
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
mod tests {
    use super::*;
    use clap::{CommandFactory, FromArgMatches, Parser};

    #[derive(Debug, Parser)]
    struct Options {
        #[arg(short = 'l', long, alias = "listen-endpont", default_value = "built-in")]
        listen: String,
        #[arg(long, value_delimiter = ',', default_value = "stdout")]
        output: Vec<String>,
        #[arg(long)]
        flood: bool,
        rest: Vec<String>,
    }

    fn parse(arguments: &[&str], environment: &[(&str, &str)]) -> Result<Options, clap::Error> {
        let command = with_environment(Options::command(), |name| {
            environment
                .iter()
                .find_map(|(key, value)| (*key == name).then(|| (*value).to_owned()))
        })?;
        let arguments = ["program"].iter().chain(arguments).map(OsString::from);
        let arguments = two_dashes(&command, arguments);
        Options::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn one_dash_is_as_good_as_two() {
        for arguments in [
            ["-listen=x", "-flood"].as_slice(),
            &["--listen=x", "--flood"],
            &["-listen", "x", "-flood"],
            &["-listen-endpont=x", "-flood"],
            &["-l", "x", "--flood"],
        ] {
            let options = parse(arguments, &[]).unwrap();
            assert_eq!(
                (options.listen.as_str(), options.flood),
                ("x", true),
                "{arguments:?}"
            );
        }
        let options = parse(&["--", "-flood"], &[]).unwrap();
        assert_eq!((options.flood, options.rest), (false, vec!["-flood".to_owned()]));
    }

    #[test]
    fn environment_replaces_defaults_and_yields_to_flags() {
        for (arguments, environment, listen) in [
            ([].as_slice(), [].as_slice(), "built-in"),
            (&[], &[("LISTEN", "")], "built-in"),
            (&[], &[("LISTEN", "env")], "env"),
            (&[], &[("LISTEN_ENDPONT", "old")], "old"),
            (&[], &[("LISTEN", "same"), ("LISTEN_ENDPONT", "same")], "same"),
            (&["--listen=flag"], &[("LISTEN", "env")], "flag"),
            (&["-listen-endpont=flag"], &[("LISTEN", "env")], "flag"),
        ] {
            assert_eq!(
                parse(arguments, environment).unwrap().listen,
                listen,
                "{arguments:?} {environment:?}"
            );
        }
        assert_eq!(
            parse(&["--output=c"], &[("OUTPUT", "a,b")]).unwrap().output,
            ["c"]
        );
        assert_eq!(parse(&[], &[("OUTPUT", "a,b")]).unwrap().output, ["a", "b"]);
        assert!(!parse(&[], &[("FLOOD", "1")]).unwrap().flood);
    }

    #[test]
    fn a_bad_value_is_refused_under_the_name_it_was_given() {
        #[derive(Debug, Parser)]
        struct Numbers {
            #[arg(long)]
            _port: Option<u16>,
        }
        let variable = |name: &str| (name == "PORT").then(|| "http".to_owned());
        let error = with_environment(Numbers::command(), variable)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(r#"error: PORT="http" in the environment: invalid value 'http' for"#),
            "{error}"
        );
    }

    #[test]
    fn two_values_in_the_environment_are_an_error() {
        let error = parse(&[], &[("LISTEN", "a"), ("LISTEN_ENDPONT", "b")])
            .unwrap_err()
            .to_string();
        assert!(error.contains(r#"LISTEN="a" and LISTEN_ENDPONT="b""#), "{error}");
        assert!(error.contains("--listen"), "{error}");
    }
}
