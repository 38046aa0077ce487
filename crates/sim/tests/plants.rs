//! The planted bugs of `scripts/plant` still fit the tree. Whether the simulation finds them takes longer than a test
//! may, and is what the script shows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The name and the text of every patch.
fn plants() -> Vec<(String, String)> {
    let files = fs::read_dir(root().join("crates/sim/plants")).unwrap().map(|entry| entry.unwrap().path());
    let mut plants: Vec<_> = files
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    plants.sort();
    plants
}

/// The files that a patch changes, each with the passages that the patch expects to find there.
fn expected(patch: &str) -> Vec<(&str, Vec<String>)> {
    let mut files: Vec<(&str, Vec<String>)> = Vec::new();
    let mut is_in_passage = false;
    for line in patch.lines() {
        if let Some(file) = line.strip_prefix("+++ b/") {
            files.push((file, Vec::new()));
            is_in_passage = false;
        } else if line.starts_with("@@ ") {
            files.last_mut().unwrap().1.push(String::new());
            is_in_passage = true;
        } else if line.starts_with("diff ") {
            is_in_passage = false;
        } else if is_in_passage && let Some(context) = line.strip_prefix([' ', '-']) {
            let passage = files.last_mut().unwrap().1.last_mut().unwrap();
            passage.push_str(context);
            passage.push('\n');
        }
    }
    files
}

#[test]
fn every_plant_fits_the_tree() {
    let plants = plants();
    assert!(plants.len() >= 28);
    for (name, patch) in plants {
        let files = expected(&patch);
        assert!(!files.is_empty(), "{name} changes nothing");
        for (file, passages) in files {
            let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
            for passage in passages {
                assert!(
                    text.contains(&passage),
                    "{name} does not fit {file} any more, which no longer has this passage:\n{passage}"
                );
            }
        }
    }
}

#[test]
fn the_documentation_names_every_plant() {
    let page = fs::read_to_string(root().join("docs/simulation.md")).unwrap();
    for (name, _) in plants() {
        assert!(page.contains(&format!("| `{name}` |")), "docs/simulation.md has no row for {name}");
    }
}
