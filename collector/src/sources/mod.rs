//! Where records come from.

mod acknowledge;
mod connection;
mod host;
mod inlet;
mod tcp;
mod throttle;
mod unfinished;

pub use host::{HostMetrics, HostOptions, hostname};
pub use inlet::Inlet;
pub use tcp::Limits;
pub(crate) use tcp::TcpSource;
