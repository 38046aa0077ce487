//! Every knob of an MM7 carrier: one `[[carrier]]` table of the configuration file.

use serde::Deserialize;

use crate::config::{ConfigError, Mistake};

/// One MM7 carrier.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mm7Config {
    /// What routes call it.
    pub name: String,
    /// Messages a second of each originator; 0 for no bound.
    pub sender_rate: u32,
    /// How long an answer may take, in seconds.
    pub response_timeout_secs: u64,
}

impl Default for Mm7Config {
    fn default() -> Self {
        Self { name: String::new(), sender_rate: 0, response_timeout_secs: 60 }
    }
}

impl Mm7Config {
    /// Checks every key.
    ///
    /// # Errors
    /// [`ConfigError`] with all mistakes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.name.is_empty() { Err(ConfigError { carrier: String::new(), mistakes: vec![Mistake::new("name", "is missing")] }) } else { Ok(()) }
    }

    /// Reads the secrets, certificates and keys that it names, as a start does. Every mistake.
    pub fn check_files(&self) -> Vec<ConfigError> {
        Vec::new()
    }
}
