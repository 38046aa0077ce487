//! Sequence numbers: one counter a connection, from 1 to 0x7FFFFFFF and round again (SMPP 3.4, 5.1.4).

/// The counter of one connection. What the other side numbers is its own affair: any number is taken.
#[derive(Clone, Debug)]
pub struct Sequence(u32);

impl Sequence {
    /// The highest number that we give.
    pub const MAX: u32 = 0x7FFF_FFFF;

    /// A counter whose first number is 1.
    pub const fn new() -> Self {
        Self(0)
    }

    /// A counter whose next number follows `last`.
    pub const fn after(last: u32) -> Self {
        Self(last)
    }

    /// The next number.
    pub fn next_number(&mut self) -> u32 {
        self.0 = if self.0 >= Self::MAX { 1 } else { self.0 + 1 };
        self.0
    }
}

impl Default for Sequence {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_at_one_and_wrap_to_one() {
        let mut sequence = Sequence::new();
        assert_eq!([sequence.next_number(), sequence.next_number()], [1, 2]);
        let mut sequence = Sequence::after(Sequence::MAX - 1);
        assert_eq!([sequence.next_number(), sequence.next_number()], [Sequence::MAX, 1]);
    }
}
