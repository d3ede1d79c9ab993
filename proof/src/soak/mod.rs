//! Hours of work in minutes: containers come and go, all outputs are on, and nothing may grow.

pub mod growth;
pub mod load;
pub mod outputs;
pub mod plot;
pub mod samples;
