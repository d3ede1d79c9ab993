//! What the real binary answers over HTTP.

#![allow(clippy::unwrap_used)]

mod browser;
mod client;
mod limits;
mod metrics;
mod page;
mod prometheus;
#[path = "../running/mod.rs"]
mod running;
mod v0;
