//! What Mesos' threads and the event loop meet at: locks, channels, threads, and the loop's sleep.
//!
//! With `--cfg shuttle` they are those of the model checker shuttle, which runs all threads on one and decides after every step
//! which goes on. `tests/hand_off` then tries many thousand orders of the steps of [`Core`](crate::Core) and its loop; sockets,
//! files and the loop's waker stay the system's.

#[cfg(shuttle)]
pub(crate) use model::{Mutex, RwLock, mpsc, thread, wait};
#[cfg(not(shuttle))]
pub(crate) use system::{Mutex, RwLock, mpsc, thread, wait};

#[cfg(not(shuttle))]
mod system {
    use mio::{Events, Poll};
    pub(crate) use parking_lot::{Mutex, RwLock};
    use std::io;
    pub(crate) use std::sync::mpsc;
    pub(crate) use std::thread;
    use std::time::Duration;

    /// Sleeps until there are events, for `timeout` at most.
    pub(crate) fn wait(poll: &mut Poll, events: &mut Events, timeout: Duration) -> io::Result<()> {
        poll.poll(events, Some(timeout))
    }
}

#[cfg(shuttle)]
mod model {
    use mio::{Events, Poll};
    pub(crate) use shuttle::sync::mpsc;
    use shuttle::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use shuttle::thread;
    use std::io;
    use std::ops::{Deref, DerefMut};
    use std::sync::PoisonError;
    use std::time::Duration;

    /// Without a time limit: a command whose wake-up is lost stays undone, and shuttle says so.
    pub(crate) fn wait(poll: &mut Poll, events: &mut Events, timeout: Duration) -> io::Result<()> {
        loop {
            poll.poll(events, Some(Duration::ZERO))?;
            if !events.is_empty() || timeout.is_zero() {
                return Ok(());
            }
            thread::yield_now();
        }
    }

    /// With parking_lot's interface, as the other lock.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Locked<'_, T> {
            Locked(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
        }
    }

    /// Unlocking is a step too: others may go on before what is not shuttle's and follows it, like the closing of a socket.
    pub(crate) struct Locked<'a, T>(Option<MutexGuard<'a, T>>);

    impl<T> Deref for Locked<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_ref().expect("it is there until dropped")
        }
    }

    impl<T> DerefMut for Locked<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("it is there until dropped")
        }
    }

    impl<T> Drop for Locked<'_, T> {
        fn drop(&mut self) {
            self.0 = None;
            thread::yield_now();
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(shuttle::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
