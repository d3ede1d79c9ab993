//! What the collector answers over HTTP, on the loopback interface unless told otherwise.
//!
//! | path | answer |
//! |---|---|
//! | `/` | a page for people: what the node sends now, what becomes of it |
//! | `/status.json` | the same for programs |
//! | `/health` | JSON: how each sink is; status 200 as long as the collector works at all |
//! | `/metrics` | the collector's own counters and the forwarded metrics, for Prometheus |
//! | `/v0/...` | the JSON of DC/OS 1.9 to 1.11 (`reference/metrics.md` 6.2), see [`Store`] |
//!
//! `/health` stays at 200 when a sink has a problem, and says `degraded`: a supervisor that restarted the collector because
//! Kafka is away would throw away what waits for Kafka. When every sink has failed, the collector ends by itself.
//!
//! **Bounds.** At most `CONNECTIONS` connections are served, others wait to be accepted. A request's head has
//! 10 seconds and 16 KiB, a connection two minutes. What may be large is rendered on a thread of its own, two answers at
//! a time, and no more than `HELD` of them are in memory.
//!
//! **Who may ask.** There is nothing to change, so only GET and HEAD are allowed. Whoever reaches the address may read; a
//! page of another origin in a browser may not: no answer allows it (no CORS), and on a loopback address requests must be
//! for a loopback host, else a foreign name could be pointed at it (DNS rebinding). A proxy in front must therefore send
//! `Host: localhost`. On any other address the names are the operator's business and are not checked.

mod answer;
mod api;
mod guard;
mod health;
mod history;
mod metrics;
mod options;
mod page;
mod server;
mod sparkline;
mod state;
mod status;
pub mod store;

pub use options::HttpOptions;
pub use server::serve;
pub use state::HttpState;
pub use store::{Store, StoreSink};
