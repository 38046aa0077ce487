//! The memory that the connections to one file share: SQLite keeps the index of its log there.

use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// Regions that begin as zeros, stay where they are, and live as long as this.
#[derive(Default)]
pub(crate) struct SharedMemory(Mutex<Vec<Region>>);

struct Region {
    begin: NonNull<u64>,
    words: usize,
}

// SAFETY: the memory belongs to the region alone until it is dropped. What SQLite's connections do in it, they order
// among themselves by locks and barriers.
unsafe impl Send for Region {}

impl Region {
    /// Memory for so many octets, aligned as SQLite's index needs it.
    fn new(octets: usize) -> Self {
        let memory = Box::leak(vec![0_u64; octets.div_ceil(8)].into_boxed_slice());
        Self { words: memory.len(), begin: NonNull::from(memory).cast() }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let memory = NonNull::slice_from_raw_parts(self.begin, self.words);
        // SAFETY: `new` leaked exactly this box, and no connection has it mapped any more: each that had kept the
        // `SharedMemory` alive.
        drop(unsafe { Box::from_raw(memory.as_ptr()) });
    }
}

impl SharedMemory {
    /// The region with this number of `octets` octets; makes it and those before it if `make` says so and they are not
    /// there.
    pub(crate) fn region(&self, number: usize, octets: usize, make: bool) -> Option<NonNull<u64>> {
        let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while make && regions.len() <= number {
            regions.push(Region::new(octets));
        }
        regions.get(number).map(|region| region.begin)
    }
}
