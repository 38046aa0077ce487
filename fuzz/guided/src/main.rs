//! One decoder, chosen by the variable `FUZZ_TARGET`, under libFuzzer.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static RUN: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(|octets: &[u8]| {
    let run = RUN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        fuzz::TARGETS
            .into_iter()
            .find(|target| target.name == name)
            .unwrap_or_else(|| panic!("FUZZ_TARGET is `{name}`, and no target"))
            .run
    });
    run(octets);
});
