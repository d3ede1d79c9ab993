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
