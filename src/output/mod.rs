//! Where lines go: tagged StatsD over UDP, and Avro over TCP to the collector.

pub(crate) mod collector;
pub(crate) mod statsd;
