//! The first half of a reload, which may fail and changes nothing: the files that a configuration names.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use screening::Screen;
use tokio_rustls::TlsAcceptor;

use super::Entry;
use api::http::tls;
use config::{Config, ConfigErrors};

/// A configuration and what it names, read and sound.
pub(super) struct Prepared {
    pub(super) config: Config,
    pub(super) seen: Seen,
    pub(super) token: Option<String>,
    pub(super) tls: Option<TlsAcceptor>,
    /// The screen, where its data have changed.
    pub(super) screen: Option<Screen>,
}

/// Digests of the files that a configuration names, to see whether they have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) tls: u64,
    pub(super) token: u64,
    pub(super) pepper: u64,
    pub(super) screen: u64,
    pub(super) carriers: BTreeMap<String, u64>,
}

impl Seen {
    /// The files as they are now. One that cannot be read differs from one that can.
    pub(super) fn of(config: &Config) -> Self {
        let screening = config.screening.directory.as_deref();
        let data = screening.map(config::screen::files).unwrap_or_default();
        Self {
            tls: digest([&config.api.tls_cert, &config.api.tls_key].into_iter().filter_map(Option::as_deref)),
            token: hash(&config.admin.read_token().ok()),
            pepper: digest(
                [&config.keys.pepper_file, &config.keys.previous_pepper_file].into_iter().filter_map(Option::as_deref),
            ),
            screen: digest(screening.into_iter().chain(data.iter().map(|file| &**file))),
            carriers: config
                .carrier
                .iter()
                .map(|carrier| (carrier.name().to_owned(), digest(carrier.files())))
                .collect(),
        }
    }

    /// Those of a carrier.
    pub(super) fn carrier(&self, name: &str) -> Option<u64> {
        self.carriers.get(name).copied()
    }
}

/// Reads what the configuration names.
///
/// # Errors
/// Every mistake, with its key.
pub(super) fn prepare(config: Config, running: &Seen) -> Result<Prepared, Vec<Entry>> {
    let mut mistakes = Vec::new();
    let seen = Seen::of(&config);
    if let Err(what) = config.keys.read() {
        mistakes.push(Entry::new("keys.pepper", what));
    }
    let token = config.admin.read_token().unwrap_or_else(|what| {
        mistakes.push(Entry::new("admin.token", what));
        None
    });
    let tls = match (&config.api.tls_cert, &config.api.tls_key) {
        (Some(certificate), Some(key)) => {
            tls::acceptor(certificate, key).map_err(|what| mistakes.push(Entry::new("api.tls_cert", what))).ok()
        }
        _ => None,
    };
    let screen = (seen.screen != running.screen)
        .then(|| config::screen::load(config.screening.directory.as_deref()))
        .transpose();
    let screen = screen.unwrap_or_else(|what| {
        mistakes.push(Entry::new("screening.directory", what));
        None
    });
    if mistakes.is_empty() { Ok(Prepared { config, seen, token, tls, screen }) } else { Err(mistakes) }
}

/// The mistakes of a file.
pub(super) fn mistakes(errors: &ConfigErrors) -> Vec<Entry> {
    let place = |line: Option<usize>| line.map(|line| format!(":{line}")).unwrap_or_default();
    errors
        .mistakes
        .iter()
        .map(|mistake| Entry::new(&*mistake.key, format!("{} ({}{})", mistake.what, errors.file, place(mistake.line))))
        .collect()
}

/// A number that changes with the names or the contents of these files.
fn digest<'a>(files: impl IntoIterator<Item = &'a Path>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        std::fs::read(file).map_err(|error| error.kind()).hash(&mut hasher);
    }
    hasher.finish()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
