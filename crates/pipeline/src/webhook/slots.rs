//! The slots of all endpoints together: the requests under way, and the endpoints that may have one more.

/// The slots.
#[derive(Debug)]
pub(crate) struct Slots {
    total: usize,
    used: usize,
    used_by_slow: usize,
}

/// The right to one request.
#[derive(Debug)]
pub(crate) struct Slot {
    is_slow: bool,
}

impl Slots {
    /// So many.
    pub(crate) const fn new(total: usize) -> Self {
        Self { total, used: 0, used_by_slow: 0 }
    }

    /// The most that one endpoint may have: an eighth.
    pub(crate) const fn per_endpoint(&self) -> usize {
        if self.total < 16 { 1 } else { self.total / 8 }
    }

    /// A slot for an endpoint, if there is one. A quarter is kept for endpoints that answer quickly.
    pub(crate) const fn take(&mut self, is_slow: bool) -> Option<Slot> {
        let for_slow = self.total - self.total / 4;
        if self.used >= self.total || is_slow && self.used_by_slow >= for_slow {
            return None;
        }
        self.used += 1;
        if is_slow {
            self.used_by_slow += 1;
        }
        Some(Slot { is_slow })
    }

    /// Takes a slot back.
    #[expect(clippy::needless_pass_by_value, reason = "a slot is given back once")]
    pub(crate) const fn give_back(&mut self, slot: Slot) {
        self.used -= 1;
        if slot.is_slow {
            self.used_by_slow -= 1;
        }
    }

    /// How many are in use.
    pub(crate) const fn used(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_endpoints_never_have_all_slots() {
        let mut slots = Slots::new(64);
        assert_eq!(slots.per_endpoint(), 8);
        let slow: Vec<Slot> = std::iter::from_fn(|| slots.take(true)).collect();
        assert_eq!(slow.len(), 48);
        let quick: Vec<Slot> = std::iter::from_fn(|| slots.take(false)).collect();
        assert_eq!((quick.len(), slots.used()), (16, 64));
        slow.into_iter().chain(quick).for_each(|slot| slots.give_back(slot));
        assert_eq!(slots.used(), 0);
        assert_eq!(std::iter::from_fn(|| slots.take(false)).count(), 64, "quick ones may have them all");
    }
}
