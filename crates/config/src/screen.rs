//! The compliance screen, with the data of the program or an operator's.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use screening::{BUILTIN, Data, Screen};

/// The files of such a directory, except the word lists.
const FILES: [&str; 5] = ["brands.txt", "domains.txt", "rules.txt", "weights.bin", "network.bin"];

/// The screen. Files in `directory` replace the built-in data: `brands.txt`, `domains.txt`, `rules.txt`, `weights.bin`,
/// `network.bin`, and all files of `lexicon/`.
///
/// # Errors
/// A sentence for the operator that names the file.
pub fn load(directory: Option<&Path>) -> Result<Screen, String> {
    let Some(directory) = directory else { return Ok(Screen::builtin()) };
    if !directory.is_dir() {
        return Err(format!("{} is no directory", directory.display()));
    }
    let [brands, domains, rules, weights, network] = FILES.map(|name| given(&directory.join(name)));
    let (brands, domains, rules, weights, network) = (brands?, domains?, rules?, weights?, network?);
    let lexicon = lexicon(&directory.join("lexicon"))?;
    let lexicon: Option<Vec<&[u8]>> = lexicon.as_ref().map(|files| files.iter().map(Vec::as_slice).collect());
    let data = Data {
        lexicon: lexicon.as_deref().unwrap_or(BUILTIN.lexicon),
        brands: brands.as_deref().unwrap_or(BUILTIN.brands),
        domains: domains.as_deref().unwrap_or(BUILTIN.domains),
        rules: rules.as_deref().unwrap_or(BUILTIN.rules),
        weights: weights.as_deref().or(BUILTIN.weights),
        network: network.as_deref().unwrap_or(BUILTIN.network),
    };
    Screen::load(&data).map_err(|error| format!("the screen's data in {} cannot be used: {error}", directory.display()))
}

/// The existing files of such a directory.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let named = FILES.map(|name| directory.join(name)).into_iter().filter(|file| file.exists());
    let lexicon =
        fs::read_dir(directory.join("lexicon")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = named.chain(lexicon).collect();
    files.sort();
    files
}

/// A file, if it exists.
fn given(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::read(path) {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// The files of a directory in the order of their names, if it exists.
fn lexicon(directory: &Path) -> Result<Option<Vec<Vec<u8>>>, String> {
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", directory.display());
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    paths.sort();
    let read =
        |path: &std::path::PathBuf| fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()));
    paths.iter().map(read).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "Cheap vodka delivered to your door tonight, order now";

    #[test]
    fn an_operator_replaces_what_is_to_be_replaced() {
        assert!(load(None).unwrap().screen(OFFER).is_violation());
        let directory = tempfile::tempdir().unwrap();
        assert!(load(Some(directory.path())).unwrap().screen(OFFER).is_violation(), "nothing is replaced");
        fs::write(directory.path().join("rules.txt"), "nonsense that is no rule\n").unwrap();
        let error = load(Some(directory.path())).err().unwrap();
        assert!(error.contains("rules") && error.contains('1'), "{error}");
        fs::write(directory.path().join("rules.txt"), "").unwrap();
        fs::write(directory.path().join("network.bin"), "no network").unwrap();
        let error = load(Some(directory.path())).err().unwrap();
        assert!(error.contains("network"), "{error}");
        assert!(files(directory.path()).contains(&directory.path().join("network.bin")));
        assert!(load(Some(&directory.path().join("missing"))).err().unwrap().ends_with("is no directory"));
    }
}
