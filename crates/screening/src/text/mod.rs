//! From what a sender typed to the words that a reader sees: fold, split into tokens, take disguises off.

pub(crate) mod fold;
pub(crate) mod links;
pub(crate) mod token;
pub(crate) mod unmask;
pub(crate) mod words;

/// A stable 64-bit hash (FNV-1a with a final mix): features are stored by it, so it must never change between builds.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    hash_of(bytes.iter().copied())
}

/// The hash of octets that do not stand together.
pub(crate) fn hash_of(bytes: impl Iterator<Item = u8>) -> u64 {
    let mut state = Hash::default();
    bytes.for_each(|byte| state.push(byte));
    state.finish()
}

/// A hash that grows: the hashes of all beginnings of a word cost as much as the hash of the word.
#[derive(Clone, Copy)]
pub(crate) struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    pub(crate) fn push(&mut self, byte: u8) {
        #[cfg(test)]
        tests::WORK.with(|work| work.set(work.get() + 1));
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    pub(crate) fn finish(self) -> u64 {
        #[cfg(test)]
        tests::WORK.with(|work| work.set(work.get() + 1));
        mix(self.0)
    }
}

/// Combines two hashes; the order matters.
pub(crate) const fn join(left: u64, right: u64) -> u64 {
    mix(left.rotate_left(23) ^ right.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 29)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// Octets hashed by this thread: what every step of the screen does for each candidate that it tries.
        pub(crate) static WORK: Cell<usize> = const { Cell::new(0) };
    }
}
