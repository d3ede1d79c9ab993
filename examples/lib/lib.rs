//! What the example programs share.

#![forbid(unsafe_code)]

mod memory;
mod options;
mod stop;

pub use memory::Memory;
pub use options::parse;
pub use stop::Stop;
