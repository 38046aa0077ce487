//! Every decoder of what strangers send, as a function of octets that must not panic, hang, or break the promise that
//! stands beside it.
//!
//! The program `fuzz` changes the seeds in `corpus` at random and needs nothing but stable Rust; `guided` gives the
//! same functions to libFuzzer, which looks for new paths. `scripts/fuzz` runs both.
#![allow(
    clippy::disallowed_methods,
    reason = "a fuzzer measures how long an input takes, and needs an instant to begin with"
)]

pub mod mutate;
pub mod targets;

use std::io;
use std::path::{Path, PathBuf};

/// A decoder and its name.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, and that of its directory in `corpus`.
    pub name: &'static str,
    /// Reads octets. Panics where a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 19] = [
    Target { name: "smpp_pdu", run: targets::smpp_pdu },
    Target { name: "smpp_session", run: targets::smpp_session },
    Target { name: "receipt", run: targets::receipt },
    Target { name: "inbound", run: targets::inbound },
    Target { name: "mms", run: targets::mms },
    Target { name: "mm4", run: targets::mm4 },
    Target { name: "mm7", run: targets::mm7 },
    Target { name: "message", run: targets::message },
    Target { name: "broadcast", run: targets::broadcast },
    Target { name: "two_way", run: targets::two_way },
    Target { name: "form", run: targets::form },
    Target { name: "import", run: targets::import },
    Target { name: "url", run: targets::url },
    Target { name: "media", run: targets::media },
    Target { name: "smtp_client", run: targets::smtp_client },
    Target { name: "smtp_server", run: targets::smtp_server },
    Target { name: "network", run: targets::network },
    Target { name: "screen", run: targets::screen },
    Target { name: "template", run: targets::template },
];

/// The seeds of a target, in the order of their names.
///
/// # Errors
/// When its directory cannot be read.
pub fn seeds(target: &Target) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut paths =
        std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(&path).map(|octets| (path, octets))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_decoder_has_seeds_and_reads_them() {
        for target in TARGETS {
            let seeds = seeds(&target).unwrap();
            assert!(seeds.len() >= 5, "{}", target.name);
            for (path, octets) in seeds {
                println!("{}", path.display());
                (target.run)(&octets);
            }
        }
    }

    #[test]
    fn one_seed_makes_the_same_inputs_again() {
        let inputs = |seed| {
            let mut mutator = mutate::Mutator::new(seed, vec![b"id:1 stat:DELIVRD".to_vec(), b"{}".to_vec()]);
            (0..100).map(|_| mutator.next_input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(3), inputs(3));
        assert_ne!(inputs(3), inputs(4));
    }
}
