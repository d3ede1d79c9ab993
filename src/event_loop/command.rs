//! What other threads ask of the loop.

use crate::accounting::Accounting;
use crate::container::{Container, ContainerId};
use crate::endpoint::socket::BoundSocket;
use crate::sync::mpsc::SyncSender;

/// Commands are carried out in the order they were given.
pub(crate) enum Command {
    /// Reads a socket for a container. A shared one stays open when the container leaves.
    Open {
        container: Container,
        socket: BoundSocket,
        is_shared: bool,
    },
    /// Adds a container to those of the socket that all share.
    Join { container: Container },
    /// The container is gone: its socket is read to the end and closed, unless others share it.
    Leave { container: ContainerId },
    /// Passes on the host's measurements of a container: gauges by name, measured at one time, in milliseconds since 1970.
    Usage {
        container: Container,
        time_ms: i64,
        gauges: Vec<(String, f64)>,
    },
    /// Copies the counters.
    Account { reply: SyncSender<Accounting> },
    /// Reads all sockets to the end, sends what there is, and ends the loop.
    Stop,
}
