//! The command line.

use clap::Parser;
use stats_collector::flags::two_dashes;

/// Reads the program's arguments, whose flags may have one dash as in the old programs, or two. Ends the program with
/// an explanation where they are wrong.
#[must_use]
pub fn parse<T: Parser>() -> T {
    T::parse_from(two_dashes(&T::command(), std::env::args_os()))
}
