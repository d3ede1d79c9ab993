//! The StatsD text that tasks send: its lines, where their tags go, and the numbers in them.

pub mod lines;
pub mod metric;
pub mod number;
pub mod tag;
