//! The core as its host sees it: containers come and go, endpoints are handed out, and counters can be asked for.
//!
//! Every call returns at once. Sockets are bound on the caller's thread and handed to the event loop; what happens to the
//! data is the loop's business alone.

use crate::accounting::Accounting;
use crate::container::{Container, ContainerId};
use crate::endpoint::assignment::{AssignError, Assigned, Assignment, assignment};
use crate::event_loop::{Command, EventLoop};
use crate::identities::Identities;
use crate::parameters::{Parameters, PortMode};
use crate::state::{StateCache, StoredEndpoint};
use crate::sync::Mutex;
use crate::sync::mpsc::{Sender, channel, sync_channel};
use crate::sync::thread::{self, JoinHandle};
use mio::Waker;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a copy of the counters is waited for: the loop answers within a turn.
const ACCOUNT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the core could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no address to listen on.
    #[error(transparent)]
    Listen(#[from] AssignError),
    /// The system refused a thread, an epoll instance or the like.
    #[error("the metrics core can't be started: {0}")]
    System(#[from] io::Error),
}

/// What became of the containers and state files of before a restart.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Recovery {
    /// Containers that have the same port as before.
    pub recovered: usize,
    /// Containers whose port could not be had again; nothing can be heard of them.
    pub lost: usize,
    /// Containers without a state file, which got a new endpoint that they will not learn of.
    pub blind: usize,
    /// State files of containers that are no more, which were removed.
    pub cleared: usize,
}

/// The running core. There is one in a process.
pub struct Core {
    endpoints: Mutex<Endpoints>,
    state: StateCache,
    is_shared: bool,
    commands: Sender<Command>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<Accounting>>,
}

struct Endpoints {
    assignment: Box<dyn Assignment>,
    of: HashMap<ContainerId, SocketAddr>,
    identities: Identities,
}

impl Core {
    /// Starts the event loop. No socket is bound before the first container.
    ///
    /// # Errors
    /// When the address to listen on does not exist, or the system refuses a thread.
    pub fn start(parameters: &Parameters) -> Result<Self, StartError> {
        let assignment = assignment(&parameters.listen)?;
        let (commands, received) = channel();
        let (event_loop, waker) = EventLoop::new(parameters, received)?;
        let thread = thread::Builder::new()
            .name("stats-io-service".to_owned())
            .spawn(|| event_loop.run())?;
        log::info!(
            "Starting io_service thread, state in path[{}]",
            parameters.state_dir.display()
        );
        Ok(Self {
            endpoints: Mutex::new(Endpoints {
                assignment,
                of: HashMap::new(),
                identities: Identities::default(),
            }),
            state: StateCache::new(&parameters.state_dir),
            is_shared: matches!(parameters.listen.ports, PortMode::Single(_)),
            commands,
            waker,
            thread: Some(thread),
        })
    }

    /// Gives a container its endpoint; a container that has one keeps it. A nested container of which nothing is told has the
    /// framework and executor of the one it is nested in.
    ///
    /// # Errors
    /// When no port can be had. The container can run all the same, unheard.
    pub fn register(&self, container: &Container) -> Result<SocketAddr, AssignError> {
        self.register_unlisted(container, "")
    }

    /// As [`register`](Self::register), for a container that the host will not list after a restart. It is brought back by
    /// [`recover_unlisted`](Self::recover_unlisted), for as long as the host finds it alive by its `sandbox`.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub fn register_unlisted(&self, container: &Container, sandbox: &str) -> Result<SocketAddr, AssignError> {
        let (container, endpoint) = {
            let mut endpoints = self.endpoints.lock();
            let container = endpoints.identities.complete(container.clone());
            if let Some(endpoint) = endpoints.of.get(&container.id) {
                return Ok(*endpoint);
            }
            let assigned = endpoints.assignment.assign()?;
            let endpoint = self.open(&mut endpoints, &container, assigned);
            (container, endpoint)
        };
        self.remember(container, endpoint, sandbox);
        Ok(endpoint)
    }

    /// Closes a container's endpoint after reading what it still holds, and forgets the container. Whether it was known:
    /// Mesos also cleans up containers that were never prepared.
    pub fn unregister(&self, container: &ContainerId) -> bool {
        let known = {
            let mut endpoints = self.endpoints.lock();
            endpoints.identities.forget(container);
            let known = endpoints.of.remove(container).is_some();
            if known {
                // Under the lock, as in `open`: the loop must hear of it before the container comes again.
                self.send(Command::Leave {
                    container: container.clone(),
                });
            }
            known
        };
        self.forget(container);
        known
    }

    /// Brings back the endpoints of the containers that are `alive`, on the ports their state files name, removes the files of
    /// those that are not, and only then gives ports to those without a file, lest they get one of the others'
    /// (`reference/metrics.md` 1.12).
    pub fn recover(&self, alive: &[Container]) -> Recovery {
        let mut stored = self.state.load();
        stored.retain(|file| file.sandbox.is_empty());
        log::info!(
            "Syncing {} recovered containers against {} state cache containers in path[{}]",
            alive.len(),
            stored.len(),
            self.state.path().display()
        );
        let mut recovery = Recovery::default();
        let mut blind = Vec::new();
        // Outer containers first: they tell the framework and executor of those inside.
        let mut outer_first: Vec<&Container> = alive.iter().collect();
        outer_first.sort_by_key(|container| container.id.parents().len());
        for container in outer_first {
            let Some(at) = find(&stored, container, alive) else {
                blind.push(self.endpoints.lock().identities.complete(container.clone()));
                continue;
            };
            let file = stored.swap_remove(at);
            let container = complete(container, &file.container);
            match self.reclaim(&container, file.port) {
                Ok(endpoint) => {
                    recovery.recovered += 1;
                    self.rewrite(&file.container, &container, endpoint);
                }
                Err(error) => {
                    recovery.lost += 1;
                    log::error!(
                        "Container {} goes unheard, its port {} is not to be had: {error}",
                        container.id,
                        file.port
                    );
                }
            }
        }
        for file in &stored {
            recovery.cleared += 1;
            self.forget(&file.container.id);
        }
        if recovery.cleared > 0 {
            log::info!(
                "Clearing {} no-longer-existent containers from state cache",
                recovery.cleared
            );
        }
        recovery.blind = blind.len();
        for container in &blind {
            log::warn!(
                "Blindly attempting to re-register container {}: no state file names its port",
                container.id
            );
            if let Err(error) = self.register(container) {
                log::error!("Container {} stays without endpoint: {error}", container.id);
            }
        }
        log::info!("Container recovery complete: {recovery:?}");
        recovery
    }

    /// Brings back the endpoints of the containers that were [registered as unlisted](Self::register_unlisted) and are still
    /// alive, and removes the state files of the others. The containers that are alive.
    pub fn recover_unlisted(&self, is_alive: impl Fn(&StoredEndpoint) -> bool) -> Vec<Container> {
        let mut stored = self.state.load();
        stored.retain(|file| !file.sandbox.is_empty());
        let (alive, gone): (Vec<_>, Vec<_>) = stored.into_iter().partition(is_alive);
        for file in &alive {
            if let Err(error) = self.reclaim(&file.container, file.port) {
                log::error!(
                    "Container {} goes unheard, its port {} is not to be had: {error}",
                    file.container.id,
                    file.port
                );
            }
        }
        for file in &gone {
            self.forget(&file.container.id);
        }
        alive.into_iter().map(|file| file.container).collect()
    }

    /// Passes on what the host measured of a container's resources: gauges, by name, measured `time_ms` milliseconds after
    /// 1970. They go the way of what the container sends itself.
    pub fn usage(&self, container: &Container, time_ms: i64, gauges: Vec<(String, f64)>) {
        self.send(Command::Usage {
            container: container.clone(),
            time_ms,
            gauges,
        });
    }

    /// The containers that state files tell of, for a host that has no other list of what is alive.
    #[must_use]
    pub fn stored(&self) -> Vec<Container> {
        self.state.load().into_iter().map(|file| file.container).collect()
    }

    /// A copy of the counters; `None` if the loop does not answer.
    #[must_use]
    pub fn accounting(&self) -> Option<Accounting> {
        let (reply, answer) = sync_channel(1);
        self.send(Command::Account { reply });
        answer.recv_timeout(ACCOUNT_TIMEOUT).ok()
    }

    /// Reads all endpoints to the end, sends what there is, waits a few seconds at most for the collector to take it, and ends
    /// the loop. State files stay, for containers outlive their agent. `None` if the loop ended in a way it must not.
    pub fn shutdown(mut self) -> Option<Accounting> {
        self.stop()
    }

    fn stop(&mut self) -> Option<Accounting> {
        let thread = self.thread.take()?;
        self.send(Command::Stop);
        thread.join().ok()
    }

    fn reclaim(&self, container: &Container, port: u16) -> Result<SocketAddr, AssignError> {
        let mut endpoints = self.endpoints.lock();
        let container = endpoints.identities.complete(container.clone());
        if let Some(endpoint) = endpoints.of.get(&container.id) {
            return Ok(*endpoint);
        }
        let assigned = endpoints.assignment.reclaim(port)?;
        Ok(self.open(&mut endpoints, &container, assigned))
    }

    /// Replaces a state file that knows less than the host does, as the old module's do.
    fn rewrite(&self, stored: &Container, container: &Container, endpoint: SocketAddr) {
        if stored == container {
            return;
        }
        if stored.id != container.id {
            self.forget(&stored.id);
        }
        self.remember(container.clone(), endpoint, "");
    }

    fn open(&self, endpoints: &mut Endpoints, container: &Container, assigned: Assigned) -> SocketAddr {
        let Assigned { endpoint, socket } = assigned;
        endpoints.of.insert(container.id.clone(), endpoint);
        let container = container.clone();
        self.send(match socket {
            Some(socket) => Command::Open {
                container,
                socket,
                is_shared: self.is_shared,
            },
            None => Command::Join { container },
        });
        endpoint
    }

    fn remember(&self, container: Container, endpoint: SocketAddr, sandbox: &str) {
        let stored = StoredEndpoint {
            container,
            host: endpoint.ip().to_string(),
            port: endpoint.port(),
            sandbox: sandbox.to_owned(),
        };
        if let Err(error) = self.state.add(&stored) {
            log::error!(
                "Container {} will lose its endpoint {endpoint} when the agent restarts: {error}",
                stored.container.id
            );
        }
    }

    fn forget(&self, container: &ContainerId) {
        if let Err(error) = self.state.remove(container) {
            log::error!("The state file of container {container} stays behind: {error}");
        }
    }

    fn send(&self, command: Command) {
        // Neither fails while the loop lives, and it ends only through `stop`.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The state file of a container. The old module stored of a nested container's id its leaf only.
fn find(stored: &[StoredEndpoint], container: &Container, alive: &[Container]) -> Option<usize> {
    let id = &container.id;
    stored
        .iter()
        .position(|file| file.container.id == *id)
        .or_else(|| {
            let is_only = alive.iter().filter(|other| other.id.leaf() == id.leaf()).count() == 1;
            let is_leaf = |file: &StoredEndpoint| {
                file.container.id.parents().is_empty() && file.container.id.leaf() == id.leaf()
            };
            stored.iter().position(is_leaf).filter(|_| is_only)
        })
}

/// What the host tells of a container, and where it tells nothing, what the state file does.
fn complete(told: &Container, stored: &Container) -> Container {
    let or = |told: &String, stored: &String| {
        if told.is_empty() {
            stored.clone()
        } else {
            told.clone()
        }
    };
    Container {
        id: told.id.clone(),
        framework_id: or(&told.framework_id, &stored.framework_id),
        executor_id: or(&told.executor_id, &stored.executor_id),
    }
}
