//! `log.level`: which log lines are written.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// The sources of log lines: our crates, the kinds of lines that have names of their own, and the libraries below us.
const TARGETS: [&str; 21] = [
    "api",
    "carrier",
    "cli",
    "console",
    "pipeline",
    "postgres",
    "runtime",
    "server",
    "simulator",
    "store",
    "connection",
    "failure",
    "request",
    "axum",
    "hyper",
    "hyper_util",
    "mio",
    "rustls",
    "tokio",
    "tokio_rustls",
    "tower",
];

/// Reads a level, or a list of one level and of `target=level`, such as `info,carrier=debug`.
///
/// The library takes every word that is no level for a target, so that `inof` would silence everything but that target.
///
/// # Errors
/// The mistake, as the rest of a sentence that begins with its key.
pub fn parse(filter: &str) -> Result<Targets, String> {
    let parts: Vec<&str> = filter.split(',').map(str::trim).collect();
    let mut levels = 0;
    for part in &parts {
        match part.split_once('=') {
            None => {
                level(part)?;
                levels += 1;
            }
            Some((target, of_target)) => {
                level(of_target)?;
                let root = target.split("::").next().unwrap_or_default();
                if !TARGETS.contains(&root) {
                    return Err(format!(
                        "names `{target}`, which writes no log lines; these targets do: {}",
                        TARGETS.join(", ")
                    ));
                }
            }
        }
    }
    if levels != 1 {
        return Err(format!(
            "is `{filter}`, and must have one level for everything that it does not name, such as `info,carrier=debug`"
        ));
    }
    parts.join(",").parse().map_err(|error| format!("is `{filter}`: {error}"))
}

fn level(text: &str) -> Result<(), String> {
    // The library reads numbers and an empty text as levels, too.
    let is_word = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let known = is_word.then(|| text.parse::<LevelFilter>().ok()).flatten();
    known.map(drop).ok_or_else(|| format!("has `{text}`, which is not a level: off, error, warn, info, debug or trace"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_and_targets_are_read() {
        for filter in [
            "off",
            "info",
            "WARN",
            "info,carrier=debug",
            "warn, request=off",
            "info,connection=off",
            "carrier::smpp=trace,info",
        ] {
            assert!(parse(filter).is_ok(), "{filter}");
        }
    }

    #[test]
    fn every_crate_of_the_program_that_writes_log_lines_is_a_target() {
        let crates = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
        let mut writers = Vec::new();
        for place in crates.map(|entry| entry.unwrap().path()) {
            let manifest = std::fs::read_to_string(place.join("Cargo.toml")).unwrap();
            if manifest.contains("\ntracing.workspace") {
                writers.push(place.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
        writers.retain(|writer| writer != "sim");
        assert!(writers.len() > 5, "{writers:?}");
        for writer in writers {
            assert!(parse(&format!("info,{writer}=debug")).is_ok(), "{writer}");
        }
    }

    #[test]
    fn a_word_that_would_silence_the_log_is_refused() {
        for filter in [
            "",
            "inof",
            "verbose",
            "info,carier=debug",
            "info,carrier=debgu",
            "carrier=debug",
            "info,debug",
            "3",
            "info,",
            "info,carrier=",
            "[span]=info",
        ] {
            assert!(parse(filter).is_err(), "{filter}");
        }
    }
}
