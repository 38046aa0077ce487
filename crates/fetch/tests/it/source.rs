//! What the source says of itself.

use std::path::{Path, PathBuf};

/// Every source file below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let of_entry = |path: PathBuf| if path.is_dir() { sources(&path) } else { vec![path] };
    entries.flat_map(of_entry).filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn one_line_opens_a_socket_and_one_asks_the_resolver() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let root = crates.join("fetch/src");
    // The pipeline is looked at too: what a client points to is asked for by this crate alone.
    let paths = [sources(&root), sources(&crates.join("pipeline/src"))].concat();
    let texts: Vec<(PathBuf, String)> =
        paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect();
    for (words, file) in [
        (&["TcpStream::connect", "TcpSocket", "UdpSocket"][..], "connection.rs"),
        (&["lookup_host", "ToSocketAddrs", "to_socket_addrs"], "resolve.rs"),
    ] {
        let lines = |text: &str| text.lines().filter(|line| words.iter().any(|word| line.contains(word))).count();
        let found: Vec<(&Path, usize)> =
            texts.iter().map(|(path, text)| (path.as_path(), lines(text))).filter(|(_, lines)| *lines > 0).collect();
        assert_eq!(found, [(root.join(file).as_path(), 1)], "{words:?}");
    }
}
