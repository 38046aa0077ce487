//! The locks of a file and of its shared memory, as SQLite's VFS for unix grants them.

/// How far a connection has locked a file (SQLite, "File Locking And Concurrency").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    #[default]
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

impl Level {
    /// The level that a connection with this one gets when it asks for `wanted` and others have `others`, and whether
    /// that is what it asked for.
    pub(crate) fn raised(self, wanted: Self, others: &[Self]) -> (Self, bool) {
        let highest = others.iter().copied().max().unwrap_or_default();
        if self >= wanted {
            return (self, true);
        }
        match wanted {
            Self::None | Self::Pending => (self, true),
            Self::Shared if highest >= Self::Pending => (self, false),
            Self::Reserved if highest >= Self::Reserved => (self, false),
            Self::Exclusive if highest >= Self::Reserved => (self, false),
            // New readers stay out while it waits for those that are there.
            Self::Exclusive if highest >= Self::Shared => (Self::Pending, false),
            _ => (wanted, true),
        }
    }
}

/// The slots of shared memory that a connection has locked, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) shared: u8,
    pub(crate) exclusive: u8,
}

impl Slots {
    /// Whether a connection may lock these slots while another has `self`.
    pub(crate) const fn allow(self, slots: u8, is_exclusive: bool) -> bool {
        self.exclusive & slots == 0 && (!is_exclusive || self.shared & slots == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Level::{Exclusive, None, Pending, Reserved, Shared};

    #[test]
    fn a_lock_is_granted_as_far_as_others_allow() {
        for (has, wants, others, gets) in [
            (None, Shared, &[][..], (Shared, true)),
            (None, Shared, &[Shared, Reserved], (Shared, true)),
            (None, Shared, &[Pending], (None, false)),
            (None, Shared, &[Exclusive], (None, false)),
            (Shared, Reserved, &[Shared], (Reserved, true)),
            (Shared, Reserved, &[Reserved], (Shared, false)),
            (Reserved, Exclusive, &[None], (Exclusive, true)),
            (Reserved, Exclusive, &[Shared], (Pending, false)),
            (Pending, Exclusive, &[], (Exclusive, true)),
            (Shared, Exclusive, &[Reserved], (Shared, false)),
            (Exclusive, Shared, &[], (Exclusive, true)),
        ] {
            assert_eq!(super::Level::raised(has, wants, others), gets, "{has:?} wants {wants:?} beside {others:?}");
        }
    }
}
