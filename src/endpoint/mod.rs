//! StatsD endpoints: the addresses that containers send to, and the sockets behind them.
//!
//! [`assignment`] decides which port a container gets, [`socket`] opens it, [`address`] finds the IP address once, at the
//! start.

pub mod address;
pub mod assignment;
mod ports;
pub mod socket;

pub use ports::PortLease;
