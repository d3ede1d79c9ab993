//! Environment variables as the consumers of 2016 read them (`reference/metrics.md` 3.1).

use clap::Command;
use clap::builder::Resettable;
use std::convert::Infallible;

/// Takes the environment variables that are set but empty away from the options of `command` and its subcommands: empty is
/// unset.
#[must_use]
pub fn empty_is_unset(command: Command) -> Command {
    command
        .mut_args(|arg| {
            let empty = arg
                .get_env()
                .and_then(std::env::var_os)
                .is_some_and(|value| value.is_empty());
            if empty { arg.env(Resettable::Reset) } else { arg }
        })
        .mut_subcommands(empty_is_unset)
}

/// A boolean: true if it begins with `t`, `T` or `1`.
#[expect(clippy::unnecessary_wraps, reason = "clap wants a Result")]
pub(crate) fn boolean(text: &str) -> Result<bool, Infallible> {
    Ok(text.starts_with(['t', 'T', '1']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, expected) in [
            ("true", true),
            ("T", true),
            ("1", true),
            ("tomorrow", true),
            ("false", false),
            ("yes", false),
            ("0", false),
            (" true", false),
        ] {
            assert_eq!(boolean(text), Ok(expected), "{text}");
        }
    }
}
