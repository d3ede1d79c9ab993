//! Where Rust and C++ meet: all that the adapter (`cpp/`) and the core know of each other.
//!
//! No call may end the agent. What panics here is caught and becomes an error, which C++ sees as an exception and logs; what C++
//! throws is caught by cxx and becomes an error here.
#![allow(
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    reason = "what cxx generates; it has its proofs in cxx"
)]

use crate::container::{Container, ContainerId};
use crate::module::{Module, Panicked, Statistic, glog, guard};
use std::net::SocketAddr;
use std::sync::LazyLock;

#[cxx::bridge(namespace = "stats")]
pub(crate) mod ffi {
    /// A pair of a module's parameters.
    struct Parameter {
        key: String,
        value: String,
    }

    /// A container and what runs in it. Ids that Mesos does not tell are empty.
    struct Container {
        /// The ids of the containers it is nested in, outermost first, and its own.
        path: Vec<String>,
        framework_id: String,
        executor_id: String,
    }

    /// A variable of a container's environment.
    struct Variable {
        name: String,
        value: String,
    }

    /// A number in a container's statistics: see `module::Statistic`.
    struct Statistic {
        path: String,
        value: f64,
    }

    /// Those of glog, by its numbers.
    #[repr(i32)]
    enum Severity {
        Info = 0,
        Warning = 1,
        Error = 2,
    }

    extern "Rust" {
        /// Takes the parameters of one more module, or says why the module can't be.
        fn create(parameters: Vec<Parameter>) -> Result<()>;

        /// Starts the core. A text says why the agent must not go on with these parameters.
        fn start() -> Result<String>;

        fn recover(alive: Vec<Container>) -> Result<()>;

        /// The variables for a container's environment; none if it gets no endpoint.
        fn prepare(container: Container) -> Result<Vec<Variable>>;

        fn cleanup(path: Vec<String>) -> Result<()>;

        fn prepare_docker(
            name: &str,
            sandbox: &str,
            framework_id: &str,
            executor_id: &str,
        ) -> Result<Vec<Variable>>;

        fn cleanup_docker(framework_id: &str, executor_id: &str) -> Result<()>;

        /// `timestamp` is in seconds since 1970.
        fn usage(container: Container, timestamp: f64, statistics: Vec<Statistic>) -> Result<()>;
    }

    // SAFETY: cxx checks the signatures against the header; the functions take their arguments by value or borrow them for the
    // call, keep nothing, may be called from any thread (glog locks), and what they throw cxx catches.
    unsafe extern "C++" {
        include!("stats/logging.hpp");

        fn write(severity: Severity, file: &str, line: u32, text: &str) -> Result<()>;

        /// The level of glog's VLOG.
        fn verbosity() -> Result<i32>;
    }
}

static MODULE: LazyLock<Module> = LazyLock::new(Module::default);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

fn create(parameters: Vec<ffi::Parameter>) -> Result<(), Refused> {
    guard(|| {
        glog::install();
        let pairs = parameters.into_iter().map(|pair| (pair.key, pair.value));
        MODULE.create(pairs).map_err(|refusal| refusal.to_string())
    })
    .unwrap_or_else(|panicked| Err(panicked.to_string()))
    .map_err(Refused)
}

fn start() -> Result<String, Panicked> {
    guard(|| match MODULE.start() {
        Ok(()) => String::new(),
        Err(refusal) => refusal.to_string(),
    })
}

fn recover(alive: Vec<ffi::Container>) -> Result<(), Panicked> {
    guard(|| {
        let alive: Vec<Container> = alive.into_iter().map(Container::from).collect();
        MODULE.recover(&alive);
    })
}

fn prepare(container: ffi::Container) -> Result<Vec<ffi::Variable>, Panicked> {
    guard(|| environment(MODULE.prepare(&container.into())))
}

fn cleanup(path: Vec<String>) -> Result<(), Panicked> {
    guard(|| MODULE.cleanup(&id(path)))
}

fn prepare_docker(
    name: &str,
    sandbox: &str,
    framework_id: &str,
    executor_id: &str,
) -> Result<Vec<ffi::Variable>, Panicked> {
    guard(|| environment(MODULE.prepare_docker(name, sandbox, framework_id, executor_id)))
}

fn cleanup_docker(framework_id: &str, executor_id: &str) -> Result<(), Panicked> {
    guard(|| MODULE.cleanup_docker(framework_id, executor_id))
}

fn usage(container: ffi::Container, timestamp: f64, statistics: Vec<ffi::Statistic>) -> Result<(), Panicked> {
    let statistic = |ffi::Statistic { path, value }| Statistic { path, value };
    guard(|| {
        MODULE.usage(
            &container.into(),
            timestamp,
            statistics.into_iter().map(statistic).collect(),
        );
    })
}

impl From<ffi::Container> for Container {
    fn from(container: ffi::Container) -> Self {
        Self {
            id: id(container.path),
            framework_id: container.framework_id,
            executor_id: container.executor_id,
        }
    }
}

fn id(mut path: Vec<String>) -> ContainerId {
    let leaf = path.pop().unwrap_or_default();
    ContainerId::nested(path, leaf)
}

/// The order is the old module's.
fn environment(endpoint: Option<SocketAddr>) -> Vec<ffi::Variable> {
    let variable = |name: &str, value: String| ffi::Variable {
        name: name.to_owned(),
        value,
    };
    endpoint.map_or_else(Vec::new, |endpoint| {
        vec![
            variable("STATSD_UDP_HOST", endpoint.ip().to_string()),
            variable("STATSD_UDP_PORT", endpoint.port().to_string()),
        ]
    })
}
