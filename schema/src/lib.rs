//! The metric schema of dcos-stats: its record types, an encoder that appends to reused buffers, and an
//! incremental decoder for streams of untrusted peers.
//!
//! A stream is an Avro object container file that never ends: one header ([`Layout::header`]), then a block for
//! every flush ([`write_block`]). [`StreamDecoder`] reads it back in whatever pieces TCP delivers.
//!
//! ```
//! use stats_schema::{CustomTags, DatapointRef, Identity, Layout, MetricType, Part, write_block};
//!
//! let identity = Identity::new("f1", &[("framework_id", "f1"), ("executor_id", "e1"), ("container_id", "c1")]);
//! let mut tags = CustomTags::default();
//! tags.push("path", "/");
//! let hits = DatapointRef {
//!     name: "hits",
//!     time_ms: 1_472_688_000_123,
//!     value: 3.0,
//!     metric_type: MetricType::Counter,
//!     sample_rate: 1.0,
//!     text: None,
//! };
//! let mut part = Part::default();
//! part.push(Layout::Typed, &identity, &tags, &hits);
//!
//! let mut stream = Layout::Typed.header().to_vec();
//! write_block(&mut stream, [(&identity, &part)].into_iter());
//! # #[cfg(feature = "decode")] {
//! let mut decoder = stats_schema::StreamDecoder::new(stats_schema::Limits::default());
//! decoder.feed(&stream, |record| assert_eq!(record.datapoints[0], hits))?;
//! assert_eq!(decoder.records(), 1);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Feature `decode` (on by default) holds everything that reads. The module only writes and goes without.

#![forbid(unsafe_code)]

#[cfg(feature = "decode")]
mod decode;
mod encode;
mod record;
mod schema;
pub mod statsd;

#[cfg(feature = "decode")]
pub use decode::{Fault, Limits, StreamDecoder, StreamError, UNKNOWN_TOPICS};
pub use encode::{Block, CustomTags, Identity, Part, put_long, put_record, put_string, write_block};
pub use record::{Datapoint, DatapointRef, MetricList, MetricType, RecordRef, Tag, TagRef};
pub use schema::{Layout, SYNC_MARKER};
