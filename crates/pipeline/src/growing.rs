//! A table by the name of a carrier that only grows, and is read without a lock.

use std::collections::BTreeMap;
use std::iter::successors;
use std::sync::OnceLock;

use model::CarrierName;

/// Values by name: those of the start, and each that was added later.
#[derive(Debug)]
pub(crate) struct Growing<V> {
    values: BTreeMap<CarrierName, V>,
    later: OnceLock<Box<Self>>,
}

impl<V> Growing<V> {
    /// The value of this name; if two have it, the first.
    pub(crate) fn get(&self, name: &str) -> Option<&V> {
        self.tables().find_map(|table| table.values.get(name))
    }

    /// Adds a value. One that has this name already stays.
    pub(crate) fn add(&self, name: CarrierName, value: V) {
        let mut added = Box::new(Self { values: BTreeMap::from([(name, value)]), later: OnceLock::new() });
        let mut last = self;
        loop {
            match last.later.set(added) {
                Ok(()) => return,
                Err(refused) => added = refused,
            }
            // It was refused because there is one.
            last = last.later.get().map_or(last, |later| &**later);
        }
    }

    /// All values: those of the start by name, and then the others in the order in which they came.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.tables().flat_map(|table| table.values.values())
    }

    fn tables(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |table| table.later.get().map(|later| &**later))
    }
}

impl<V> Default for Growing<V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), later: OnceLock::new() }
    }
}

impl<V> FromIterator<(CarrierName, V)> for Growing<V> {
    fn from_iter<I: IntoIterator<Item = (CarrierName, V)>>(values: I) -> Self {
        Self { values: values.into_iter().collect(), later: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_later_is_found_and_the_first_of_a_name_stays() {
        let table: Growing<u32> = [("b".into(), 2), ("a".into(), 1)].into_iter().collect();
        table.add("z".into(), 26);
        table.add("c".into(), 3);
        table.add("a".into(), 100);
        assert_eq!(
            ["a", "b", "c", "z", "d"].map(|name| table.get(name).copied()),
            [Some(1), Some(2), Some(3), Some(26), None]
        );
        assert_eq!(table.values().copied().take(4).collect::<Vec<_>>(), [1, 2, 26, 3]);
    }
}
