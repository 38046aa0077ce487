//! Planned faults.

use std::collections::BTreeMap;

/// What a planned fault makes fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading from a file.
    Read,
    /// Writing to a file, or changing its length.
    Write,
    /// Making a file durable.
    Sync,
}

#[derive(Clone, Copy)]
struct Plan {
    after: u64,
    times: u64,
}

/// What is going to fail.
#[derive(Default)]
pub(crate) struct Faults {
    plans: BTreeMap<Operation, Plan>,
    /// After how many changes everything fails.
    cut: Option<u64>,
    /// How many octets all files may have together.
    pub(crate) room: Option<u64>,
}

impl Faults {
    pub(crate) fn plan(&mut self, operation: Operation, after: u64, times: u64) {
        self.plans.insert(operation, Plan { after, times });
    }

    pub(crate) const fn cut_after(&mut self, changes: u64) {
        self.cut = Some(changes);
    }

    /// Counts an operation. Whether it fails.
    pub(crate) fn hit(&mut self, operation: Operation) -> bool {
        match self.plans.get_mut(&operation) {
            Some(Plan { after: after @ 1.., .. }) => {
                *after -= 1;
                false
            }
            Some(Plan { times: times @ 1.., .. }) => {
                *times -= 1;
                true
            }
            _ => false,
        }
    }

    /// Counts a change. Whether the power is cut before it.
    pub(crate) const fn is_cut(&mut self) -> bool {
        match &mut self.cut {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_that_fail_are_those_that_were_planned() {
        let mut faults = Faults::default();
        assert!(!faults.hit(Operation::Write));
        faults.plan(Operation::Write, 2, 3);
        let hits: Vec<bool> = (0..7).map(|_| faults.hit(Operation::Write)).collect();
        assert_eq!(hits, [false, false, true, true, true, false, false]);
        assert!(!faults.hit(Operation::Sync));
    }
}
