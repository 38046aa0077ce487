//! Trying whether something could be written, and leaving everything as it was.

use std::fs;
use std::path::Path;

use ledger::StoreError;

/// Makes `directory` where there is none, tries what is to be tried in it, and removes the directories that it made.
///
/// # Errors
/// As the trial, or [`StoreError::Refused`] where the directory cannot be made.
pub(crate) fn in_directory(directory: &Path, trial: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
    let missing: Vec<&Path> =
        directory.ancestors().take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists()).collect();
    let made = fs::create_dir_all(directory)
        .map_err(|error| StoreError::Refused(format!("cannot make {}: {error}", directory.display())));
    let tried = made.and_then(|()| trial());
    for made in missing {
        // One that was not made, or that somebody has put something in meanwhile, is not ours to remove.
        let _ = fs::remove_dir(made);
    }
    tried
}
