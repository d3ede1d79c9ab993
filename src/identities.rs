//! Whose containers are whose: the framework and executor of each, as far as Mesos tells.
//!
//! Mesos may launch a nested container without saying which executor it belongs to. It is that of the container it is nested
//! in, about which Mesos said more (`reference/metrics.md` 1.24: the old module sent empty ids then, to a topic without name).

use crate::container::{Container, ContainerId};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Identities {
    of: HashMap<ContainerId, Identity>,
}

#[derive(Clone)]
struct Identity {
    framework_id: String,
    executor_id: String,
}

impl Identities {
    /// Remembers what is told of a container, and fills in what is not from the nearest container around it.
    pub(crate) fn complete(&mut self, mut container: Container) -> Container {
        if container.framework_id.is_empty() && container.executor_id.is_empty() {
            if let Some(identity) = self.around(&container.id) {
                container.framework_id.clone_from(&identity.framework_id);
                container.executor_id.clone_from(&identity.executor_id);
            }
        } else {
            let identity = Identity {
                framework_id: container.framework_id.clone(),
                executor_id: container.executor_id.clone(),
            };
            self.of.insert(container.id.clone(), identity);
        }
        container
    }

    /// Forgets a container that is gone.
    pub(crate) fn forget(&mut self, container: &ContainerId) {
        self.of.remove(container);
    }

    fn around(&self, container: &ContainerId) -> Option<&Identity> {
        let mut parents = container.parents();
        while let Some((parent, around)) = parents.split_last() {
            let id = ContainerId::nested(around.to_vec(), parent.clone());
            if let Some(identity) = self.of.get(&id) {
                return Some(identity);
            }
            parents = around;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(path: &[&str], framework_id: &str, executor_id: &str) -> Container {
        let mut parents: Vec<String> = path.iter().map(|&id| id.to_owned()).collect();
        let leaf = parents.pop().unwrap();
        Container {
            id: ContainerId::nested(parents, leaf),
            framework_id: framework_id.to_owned(),
            executor_id: executor_id.to_owned(),
        }
    }

    #[test]
    fn the_nearest_container_around_tells_what_mesos_does_not() {
        let mut identities = Identities::default();
        let complete = |identities: &mut Identities, path: &[&str], framework, executor| {
            let container = identities.complete(container(path, framework, executor));
            (container.framework_id, container.executor_id)
        };
        let told = |framework: &str, executor: &str| (framework.to_owned(), executor.to_owned());
        assert_eq!(complete(&mut identities, &["a"], "f", "e"), told("f", "e"));
        assert_eq!(complete(&mut identities, &["a", "b"], "", ""), told("f", "e"));
        assert_eq!(
            complete(&mut identities, &["a", "b", "c"], "", ""),
            told("f", "e")
        );
        assert_eq!(
            complete(&mut identities, &["a", "x"], "f2", "e2"),
            told("f2", "e2")
        );
        assert_eq!(
            complete(&mut identities, &["a", "x", "y"], "", ""),
            told("f2", "e2")
        );
        // Ids are unique among siblings only, and half an identity is one.
        assert_eq!(complete(&mut identities, &["x", "y"], "", ""), told("", ""));
        assert_eq!(complete(&mut identities, &["a", "z"], "", "e3"), told("", "e3"));
        identities.forget(&container(&["a"], "", "").id);
        assert_eq!(complete(&mut identities, &["a", "b"], "", ""), told("", ""));
    }
}
