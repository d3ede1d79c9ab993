//! Where records come from.

mod acknowledge;
mod connection;
mod tcp;
mod throttle;
mod unfinished;

pub use tcp::Limits;
pub(crate) use tcp::TcpSource;
