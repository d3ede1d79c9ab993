//! The module as an agent uses it.
//!
//! An agent creates the modules of our library one by one, each with a parameter list of its own, and only then uses any of
//! them. There is one [`Module`] behind them all: it merges the lists, refuses what no further list could put right, and
//! starts the core when it is first needed. Nothing here knows Mesos' types; `bridge.rs` does the translation.

mod docker;
#[cfg(mesos)]
pub(crate) mod glog;
mod usage;

pub(crate) use usage::Statistic;

use crate::container::{Container, ContainerId};
use crate::core::{Core, StartError};
use crate::parameters::{ParameterError, ParameterList, Parameters};
use crate::sys::libraries;
use docker::DockerContainers;
use parking_lot::Mutex;
use std::ffi::CStr;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

/// The names of our manifests, as the dynamic linker knows them; those of [`crate::parameters::MODULE_NAMES`].
const MANIFESTS: [&CStr; 5] = [
    c"com_mesosphere_StatsIsolatorModule",
    c"com_mesosphere_StatsResourceEstimatorModule",
    c"com_mesosphere_StatsEnvHook",
    c"com_mesosphere_MetricsIsolatorModule",
    c"com_mesosphere_MetricsResourceEstimatorModule",
];

/// Why a module can't be created, or the core not be started. The agent ends with it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    #[error(
        "{} has {} too: two libraries can't both give containers their endpoints; remove one of them from --modules",
        file.display(),
        symbol.to_string_lossy()
    )]
    OtherLibrary { file: PathBuf, symbol: &'static CStr },
    #[error("the agent created this module after it began to use others of the library; restart the agent")]
    Late,
    #[error("there is no address to listen on: {0}")]
    Listen(StartError),
}

/// See the module's text. There is one in a process.
#[derive(Default)]
pub(crate) struct Module {
    state: Mutex<State>,
    docker: Mutex<DockerContainers>,
}

#[derive(Default)]
struct State {
    parameters: ParameterList,
    core: Option<Arc<Core>>,
}

impl Module {
    /// Takes the parameters of one more module.
    ///
    /// # Errors
    /// What is wrong with them, and would still be if other modules brought more.
    pub(crate) fn create(
        &self,
        parameters: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(), Refusal> {
        if let Some((file, symbol)) = libraries::other_with(Module::create_address(), &MANIFESTS) {
            return Err(Refusal::OtherLibrary { file, symbol });
        }
        let list = ParameterList::from_pairs(parameters)?;
        let mut state = self.state.lock();
        let mut merged = state.parameters.clone();
        merged.merge(&list)?;
        if state.core.is_some() && merged != state.parameters {
            return Err(Refusal::Late);
        }
        match Parameters::check(&merged) {
            Err(error) if error.is_incomplete() => {
                log::info!("Waiting for parameters of further modules, because so far: {error}");
            }
            result => result?,
        }
        state.parameters = merged;
        Ok(())
    }

    /// Starts the core, if it does not run yet.
    ///
    /// # Errors
    /// What is wrong with the parameters of all modules together. If the system refuses what the core needs, that is logged,
    /// and tried again for the next container.
    pub(crate) fn start(&self) -> Result<(), Refusal> {
        match self.core() {
            Ok(_) => Ok(()),
            Err(StartFailure::Refused(refusal)) => Err(refusal),
            Err(StartFailure::System(error)) => {
                log::error!("{error}");
                Ok(())
            }
        }
    }

    /// Brings back the endpoints of the containers that outlived the last agent, and forgets those of the others.
    pub(crate) fn recover(&self, alive: &[Container]) {
        self.with_core("Containers are not recovered", |core| {
            core.recover(alive);
        });
    }

    /// The endpoint for a container that is about to be launched. Without one it is launched all the same.
    pub(crate) fn prepare(&self, container: &Container) -> Option<SocketAddr> {
        self.register(container, "")
    }

    /// Takes back the endpoint of a container, which may have none.
    pub(crate) fn cleanup(&self, container: &ContainerId) {
        let core = self.state.lock().core.clone();
        if let Some(core) = core {
            let known = core.unregister(container);
            log::debug!("Container cleanup: container_id[{container}], known: {known}");
        }
    }

    /// The endpoint for a container that Docker is about to run under `name`, with the sandbox in the directory `sandbox`.
    pub(crate) fn prepare_docker(
        &self,
        name: &str,
        sandbox: &str,
        framework_id: &str,
        executor_id: &str,
    ) -> Option<SocketAddr> {
        let container = Container {
            id: ContainerId::new(docker::container_id(name)),
            framework_id: framework_id.to_owned(),
            executor_id: executor_id.to_owned(),
        };
        let endpoint = self.register(&container, &docker::real_path(sandbox))?;
        let before = self.docker.lock().insert(&container);
        if let Some(before) = before {
            self.cleanup(&before);
        }
        Some(endpoint)
    }

    /// Takes back the endpoint of an executor's Docker container. Executors of other containerizers have none.
    pub(crate) fn cleanup_docker(&self, framework_id: &str, executor_id: &str) {
        let container = self.docker.lock().remove(framework_id, executor_id);
        if let Some(container) = container {
            self.cleanup(&container);
        }
    }

    /// Passes on what the agent measured of a container, at `timestamp` seconds after 1970.
    pub(crate) fn usage(&self, container: &Container, timestamp: f64, statistics: Vec<Statistic>) {
        let gauges = usage::gauges(statistics);
        if !gauges.is_empty() {
            self.with_core("Resource usage is not passed on", |core| {
                core.usage(container, usage::time_ms(timestamp), gauges);
            });
        }
    }

    fn register(&self, container: &Container, sandbox: &str) -> Option<SocketAddr> {
        let id = &container.id;
        log::info!(
            "Container prepare: Registering and retrieving endpoint for container_id[{id}] executor_id[{}] framework_id[{}]",
            container.executor_id,
            container.framework_id
        );
        let registered = match self.core() {
            Ok(core) => core
                .register_unlisted(container, sandbox)
                .map_err(|error| error.to_string()),
            Err(failure) => Err(failure.to_string()),
        };
        registered
            .inspect_err(|error| {
                log::error!(
                    "Failed to register container, no statsd endpoint to inject: container_id[{id}]: {error}"
                );
            })
            .ok()
    }

    fn with_core(&self, otherwise: &str, act: impl FnOnce(&Core)) {
        match self.core() {
            Ok(core) => act(&core),
            Err(failure) => log::error!("{otherwise}: {failure}"),
        }
    }

    fn core(&self) -> Result<Arc<Core>, StartFailure> {
        let mut state = self.state.lock();
        if let Some(core) = &state.core {
            return Ok(Arc::clone(core));
        }
        let list: Vec<String> = state
            .parameters
            .iter()
            .map(|(key, value)| format!("{key}={value:?}"))
            .collect();
        log::info!(
            "Creating new stats InputAssigner with parameters: {}",
            list.join(" ")
        );
        let parameters = Parameters::from_list(&state.parameters).map_err(Refusal::from)?;
        log::info!("Initializing module with {} merged parameters", list.len());
        let core = Core::start(&parameters).map_err(|error| match error {
            StartError::Listen(_) => StartFailure::Refused(Refusal::Listen(error)),
            StartError::System(error) => StartFailure::System(error),
        })?;
        let alive = core.recover_unlisted(|file| docker::is_alive(&file.sandbox));
        let mut docker = self.docker.lock();
        for container in &alive {
            docker.insert(container);
        }
        Ok(Arc::clone(state.core.insert(Arc::new(core))))
    }

    /// An address in the library of this code.
    fn create_address() -> *const () {
        Module::start as *const ()
    }
}

/// A fault of this program, which must not become one of the agent's.
#[derive(Debug, thiserror::Error)]
#[error("the metrics core panicked; please report it with the line before this one")]
pub(crate) struct Panicked;

/// What a call returns, unless it panics.
pub(crate) fn guard<T>(call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| Panicked)
}

#[derive(Debug, thiserror::Error)]
enum StartFailure {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the metrics core can't be started: {0}")]
    System(io::Error),
}

#[cfg(test)]
mod tests;
