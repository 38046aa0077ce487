//! The names of files. A creation or a deletion is durable after the next sync of the directory.

use std::collections::{BTreeMap, BTreeSet};

use crate::chance::Chance;

/// The number of a file, which it keeps whatever its name.
pub(crate) type FileId = u64;

#[derive(Default)]
pub(crate) struct Directory {
    names: BTreeMap<String, FileId>,
    durable: BTreeMap<String, FileId>,
    /// The changes since the last sync, in their order: which file a name has, or none.
    unsynced: Vec<(String, Option<FileId>)>,
}

impl Directory {
    pub(crate) fn find(&self, name: &str) -> Option<FileId> {
        self.names.get(name).copied()
    }

    pub(crate) fn create(&mut self, name: &str, file: FileId) {
        self.names.insert(name.to_owned(), file);
        self.unsynced.push((name.to_owned(), Some(file)));
    }

    /// Removes a name. Returns the file that had it.
    pub(crate) fn delete(&mut self, name: &str) -> Option<FileId> {
        let file = self.names.remove(name)?;
        self.unsynced.push((name.to_owned(), None));
        Some(file)
    }

    pub(crate) fn sync(&mut self) {
        self.durable.clone_from(&self.names);
        self.unsynced.clear();
    }

    /// The loss of power: of the changes of each name that were not synced, the first few have happened.
    pub(crate) fn crash(&mut self, chance: &Chance) {
        let changed: BTreeSet<String> = self.unsynced.iter().map(|(name, _)| name.clone()).collect();
        for name in changed {
            let changes: Vec<Option<FileId>> =
                self.unsynced.iter().filter(|(other, _)| *other == name).map(|(_, file)| *file).collect();
            match chance.below(changes.len() + 1).checked_sub(1).map(|last| changes[last]) {
                None => {}
                Some(Some(file)) => drop(self.durable.insert(name, file)),
                Some(None) => drop(self.durable.remove(&name)),
            }
        }
        self.unsynced.clear();
        self.names.clone_from(&self.durable);
    }

    /// Whether a file has a name, or may have one again after a crash.
    pub(crate) fn keeps(&self, file: FileId) -> bool {
        let unsynced = self.unsynced.iter().filter_map(|(_, file)| file.as_ref());
        self.names.values().chain(self.durable.values()).chain(unsynced).any(|kept| *kept == file)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, FileId)> {
        self.names.iter().map(|(name, file)| (name.as_str(), *file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_synced_may_or_may_not_have_happened() {
        let mut seen = BTreeSet::new();
        for seed in 0..100 {
            let mut directory = Directory::default();
            directory.create("old", 1);
            directory.sync();
            directory.delete("old");
            directory.create("new", 2);
            assert!(directory.keeps(1) && directory.keeps(2));
            directory.crash(&Chance::new(seed));
            seen.insert((directory.find("old"), directory.find("new")));
        }
        assert_eq!(seen.len(), 4, "{seen:?}");
    }

    #[test]
    fn what_was_synced_has_happened() {
        let mut directory = Directory::default();
        directory.create("a", 1);
        directory.create("b", 2);
        directory.delete("a");
        directory.sync();
        directory.crash(&Chance::new(1));
        assert_eq!((directory.find("a"), directory.find("b")), (None, Some(2)));
        assert!(!directory.keeps(1));
    }
}
