//! What must not grow: allocations with traffic, memory, descriptors and threads with containers that come and go.
#![expect(clippy::unwrap_used, reason = "a test")]

mod allocations;
mod churn;
mod flow;
mod idle;
mod node;
mod resident;
