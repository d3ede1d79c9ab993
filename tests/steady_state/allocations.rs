//! Counts how often the event loop's thread allocates, and what all threads together hold.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The kernel's copy of a thread's name has 15 bytes and a zero.
const EVENT_LOOP: &[u8; 16] = b"stats-io-servic\0";

static COUNT: AtomicU64 = AtomicU64::new(0);
static HELD_BYTES: AtomicUsize = AtomicUsize::new(0);

/// How often the event loops of this process asked for memory so far, be it new or more.
pub(crate) fn of_event_loop() -> u64 {
    COUNT.load(Ordering::SeqCst)
}

/// Bytes allocated and not freed, by the whole process.
pub(crate) fn held_bytes() -> usize {
    HELD_BYTES.load(Ordering::SeqCst)
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

/// Counts an allocation, among those of event loops if the calling thread is one. It must not allocate itself.
fn count(bytes: usize) {
    HELD_BYTES.fetch_add(bytes, Ordering::SeqCst);
    let mut name = [0_u8; 16];
    // SAFETY: PR_GET_NAME writes at most 16 bytes, a terminating zero included, to `name`, which has just that many.
    let result = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    if result == 0 && name == *EVENT_LOOP {
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: every call goes on to the system's allocator with the same arguments, so that what `System` promises is what
// this promises; counting neither allocates nor touches the memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps `alloc_zeroed`'s contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD_BYTES.fetch_sub(layout.size(), Ordering::SeqCst);
        count(size);
        // SAFETY: the caller keeps `realloc`'s contract, and `memory` came from `System`, as all memory does here.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD_BYTES.fetch_sub(layout.size(), Ordering::SeqCst);
        // SAFETY: the caller keeps `dealloc`'s contract, and `memory` came from `System`, as all memory does here.
        unsafe { System.dealloc(memory, layout) }
    }
}
