//! The ports of a range: which are free, in which order they are handed out, and who holds the others.

use crate::sync::Mutex;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// The ports of `listen_port_start` to `listen_port_end`, both included.
///
/// The old pool handed out the lowest free port (`reference/metrics.md` 1.11). This one hands out the port that has been free
/// the longest: what a finished container still had under way then reaches nobody, not the next container.
#[derive(Debug)]
pub(super) struct PortPool {
    first: u16,
    last: u16,
    /// Next to be handed out first.
    free: VecDeque<u16>,
    used: HashSet<u16>,
}

/// Why a certain port can't be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PortError {
    /// Below the range.
    #[error("port {port} is smaller than min value {first} of the port range")]
    Below {
        /// The port asked for.
        port: u16,
        /// The range's first port.
        first: u16,
    },
    /// Above the range.
    #[error("port {port} is larger than max value {last} of the port range")]
    Above {
        /// The port asked for.
        port: u16,
        /// The range's last port.
        last: u16,
    },
    /// Another container has it.
    #[error("port {port} is already used by another container's endpoint")]
    Used {
        /// The port asked for.
        port: u16,
    },
}

impl PortPool {
    pub(super) fn new(first: u16, last: u16) -> Self {
        Self {
            first,
            last,
            free: (first..=last).collect(),
            used: HashSet::new(),
        }
    }

    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    pub(super) fn used(&self) -> usize {
        self.used.len()
    }

    fn take(&mut self) -> Option<u16> {
        let port = self.free.pop_front()?;
        self.used.insert(port);
        Some(port)
    }

    fn claim(&mut self, port: u16) -> Result<(), PortError> {
        if port < self.first {
            return Err(PortError::Below {
                port,
                first: self.first,
            });
        }
        if port > self.last {
            return Err(PortError::Above {
                port,
                last: self.last,
            });
        }
        // Linear, but used once per container, and only when an agent comes back.
        let Some(place) = self.free.iter().position(|&free| free == port) else {
            return Err(PortError::Used { port });
        };
        self.free.remove(place);
        self.used.insert(port);
        Ok(())
    }

    /// Where the old pool ended the process, a port that nobody holds is only worth an error in the log.
    fn give_back(&mut self, port: u16) {
        if self.used.remove(&port) {
            self.free.push_back(port);
        } else {
            log::error!(
                "Port {port} was returned to the range {}-{} but isn't in use",
                self.first,
                self.last
            );
        }
    }
}

/// The right to one port of a range. Dropping it makes the port the last in line to be handed out again.
///
/// It must outlive the socket bound to the port, or the next container that gets the port finds it still in use.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    pool: Arc<Mutex<PortPool>>,
}

impl PortLease {
    /// The port that has been free the longest, if there is a free one.
    pub(super) fn take(pool: &Arc<Mutex<PortPool>>) -> Option<Self> {
        let port = pool.lock().take()?;
        Some(Self {
            port,
            pool: Arc::clone(pool),
        })
    }

    /// A certain port.
    pub(super) fn claim(pool: &Arc<Mutex<PortPool>>, port: u16) -> Result<Self, PortError> {
        pool.lock().claim(port)?;
        Ok(Self {
            port,
            pool: Arc::clone(pool),
        })
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        self.pool.lock().give_back(self.port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn taken(pool: &mut PortPool, count: usize) -> Vec<u16> {
        (0..count).map_while(|_| pool.take()).collect()
    }

    // The cases of `reference/metrics-vectors.md` 9. There, `take` gives the lowest free value; here the one that has been free
    // the longest. The cases whose results differ are marked.

    #[test]
    fn vectors_take() {
        let mut pool = PortPool::new(1, 5);
        assert_eq!(taken(&mut pool, 6), [1, 2, 3, 4, 5]);
        pool.give_back(5);
        assert_eq!(taken(&mut pool, 2), [5]);
        pool.give_back(4);
        pool.give_back(3);
        assert_eq!(taken(&mut pool, 3), [4, 3], "differs: 3, 4 there");
        for port in [1, 3, 5] {
            pool.give_back(port);
        }
        assert_eq!(pool.take(), Some(1));
        pool.give_back(4);
        assert_eq!(taken(&mut pool, 4), [3, 5, 4], "differs: 3, 4, 5 there");
    }

    #[test]
    fn vectors_claim() {
        let mut pool = PortPool::new(1, 5);
        for port in [2, 1] {
            assert_eq!(pool.claim(port), Ok(()));
        }
        assert_eq!(pool.claim(1), Err(PortError::Used { port: 1 }));
        for port in [4, 5, 3] {
            assert_eq!(pool.claim(port), Ok(()));
        }
        for port in 1..=5 {
            assert_eq!(pool.claim(port), Err(PortError::Used { port }));
            pool.give_back(port);
            assert_eq!(pool.claim(port), Ok(()));
        }
    }

    #[test]
    fn vectors_claim_and_take() {
        let mut pool = PortPool::new(1, 5);
        assert_eq!(pool.claim(1), Ok(()));
        assert_eq!(pool.claim(1), Err(PortError::Used { port: 1 }));
        assert_eq!(pool.take(), Some(2));
        pool.give_back(1);
        assert_eq!(pool.take(), Some(3), "differs: 1 there");
        assert_eq!(taken(&mut pool, 4), [4, 5, 1]);
        assert_eq!(pool.claim(1), Err(PortError::Used { port: 1 }));
    }

    #[test]
    fn vectors_outside() {
        let mut pool = PortPool::new(2, 5);
        for port in [0, 1] {
            let error = pool.claim(port).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("port {port} is smaller than min value 2 of the port range")
            );
        }
        for port in 2..=5 {
            assert_eq!(pool.claim(port), Ok(()));
        }
        for port in [6, 7] {
            let error = pool.claim(port).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("port {port} is larger than max value 5 of the port range")
            );
        }
    }

    /// Fatal there.
    #[test]
    fn vectors_misuse() {
        let mut pool = PortPool::new(2, 5);
        assert_eq!(pool.take(), Some(2));
        for port in [3, 1, 6, 2, 2] {
            pool.give_back(port);
        }
        assert_eq!((pool.free(), pool.used()), (4, 0));
        assert_eq!(taken(&mut pool, 5), [3, 4, 5, 2]);
    }

    #[test]
    fn the_widest_range() {
        let mut pool = PortPool::new(1, u16::MAX);
        assert_eq!(pool.free(), 65_535);
        assert_eq!(pool.claim(u16::MAX), Ok(()));
        assert_eq!(taken(&mut pool, 70_000).len(), 65_534);
    }

    #[test]
    fn a_lease_returns_its_port_on_whichever_thread_it_ends() {
        let pool = Arc::new(Mutex::new(PortPool::new(7, 8)));
        let leases = [
            PortLease::take(&pool).unwrap(),
            PortLease::claim(&pool, 8).unwrap(),
        ];
        assert_eq!(leases.each_ref().map(PortLease::port), [7, 8]);
        assert!(PortLease::take(&pool).is_none());
        std::thread::spawn(move || drop(leases)).join().unwrap();
        assert_eq!(pool.lock().free(), 2);
    }

    /// The naive twin: when each port became free, `None` for one in use. No queue, no set.
    struct Model {
        first: u16,
        freed: Vec<Option<u32>>,
        now: u32,
    }

    impl Model {
        fn new(first: u16, last: u16) -> Self {
            Self {
                first,
                freed: vec![Some(0); usize::from(last - first) + 1],
                now: 0,
            }
        }

        fn of(&mut self, port: u16) -> Option<&mut Option<u32>> {
            self.freed.get_mut(usize::from(port.checked_sub(self.first)?))
        }

        fn take(&mut self) -> Option<u16> {
            let (_, port) = (self.first..)
                .zip(&self.freed)
                .filter_map(|(port, freed)| Some(((*freed)?, port)))
                .min()?;
            *self.of(port)? = None;
            Some(port)
        }

        fn claim(&mut self, port: u16) -> bool {
            self.of(port).is_some_and(|freed| freed.take().is_some())
        }

        fn give_back(&mut self, port: u16) {
            self.now += 1;
            let now = self.now;
            if let Some(freed @ None) = self.of(port) {
                *freed = Some(now);
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Take,
        Claim(u16),
        GiveBack(u16),
    }

    proptest! {
        #[test]
        fn behaves_as_the_naive_twin(
            first in 1_u16..5,
            length in 0_u16..8,
            steps in prop::collection::vec(
                prop_oneof![
                    Just(Step::Take),
                    (0_u16..15).prop_map(Step::Claim),
                    (0_u16..15).prop_map(Step::GiveBack),
                ],
                0..60,
            ),
        ) {
            let mut pool = PortPool::new(first, first + length);
            let mut model = Model::new(first, first + length);
            for step in steps {
                match step {
                    Step::Take => prop_assert_eq!(pool.take(), model.take()),
                    Step::Claim(port) => prop_assert_eq!(pool.claim(port).is_ok(), model.claim(port)),
                    Step::GiveBack(port) => {
                        pool.give_back(port);
                        model.give_back(port);
                    }
                }
                let used = model.freed.iter().filter(|freed| freed.is_none()).count();
                prop_assert_eq!((pool.used(), pool.free()), (used, model.freed.len() - used));
            }
        }
    }
}
