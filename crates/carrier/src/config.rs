//! The keys of a `[[carrier]]` table: those of each kind of carrier, and those of every kind.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use model::message::MessageType;
use serde::Deserialize;

use crate::keys::{ConfigError, Mistake};
use crate::mm4::config::Mm4Config;
use crate::mm7::config::Mm7Config;
use crate::smpp::config::SmppConfig;

/// What kind of carrier it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CarrierKind {
    /// An SMSC, reached over SMPP.
    #[default]
    Smpp,
    /// An MMSC, reached over MM4.
    Mm4,
    /// An MMSC, reached over MM7.
    Mm7,
    /// The built-in carrier that reaches nobody.
    Sandbox,
}

/// One carrier.
#[derive(Clone, Debug, PartialEq)]
pub enum CarrierConfig {
    /// An SMSC, reached over SMPP.
    Smpp(Box<SmppConfig>),
    /// An MMSC, reached over MM4.
    Mm4(Box<Mm4Config>),
    /// An MMSC, reached over MM7.
    Mm7(Box<Mm7Config>),
    /// The built-in carrier that reaches nobody.
    Sandbox(SandboxConfig),
}

/// The built-in carrier that reaches nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// Its name in routes.
    pub name: String,
}

impl CarrierConfig {
    /// What kind it is.
    pub const fn kind(&self) -> CarrierKind {
        match self {
            Self::Smpp(_) => CarrierKind::Smpp,
            Self::Mm4(_) => CarrierKind::Mm4,
            Self::Mm7(_) => CarrierKind::Mm7,
            Self::Sandbox(_) => CarrierKind::Sandbox,
        }
    }

    /// Its name in routes.
    pub fn name(&self) -> &str {
        match self {
            Self::Smpp(config) => &config.name,
            Self::Mm4(config) => &config.name,
            Self::Mm7(config) => &config.name,
            Self::Sandbox(config) => &config.name,
        }
    }

    /// Whether it takes messages of this type.
    pub const fn carries(&self, kind: MessageType) -> bool {
        matches!(
            (self, kind),
            (Self::Smpp(_), MessageType::Sms) | (Self::Mm4(_) | Self::Mm7(_), MessageType::Mms) | (Self::Sandbox(_), _)
        )
    }

    /// Where it listens for what the carrier says unasked, where that is a port of our own.
    pub const fn listen(&self) -> Option<SocketAddr> {
        match self {
            Self::Mm4(config) => config.listen,
            Self::Mm7(config) => config.listen,
            Self::Smpp(_) | Self::Sandbox(_) => None,
        }
    }

    /// Where it is reached: the host and port of its own keys. `None` where it is reached by a URL, or not at all.
    pub fn peer(&self) -> Option<(&str, u16)> {
        match self {
            Self::Smpp(config) => Some((&config.host, config.port)),
            Self::Mm4(config) => Some((&config.host, config.port)),
            Self::Mm7(_) | Self::Sandbox(_) => None,
        }
    }

    /// Files that hold its secrets, each with the key that names it.
    pub fn secret_files(&self) -> Vec<(&'static str, &Path)> {
        let files = match self {
            Self::Smpp(config) => {
                vec![("password_file", &config.password_file), ("tls_client_key", &config.tls_client_key)]
            }
            Self::Mm4(config) => {
                vec![("tls_client_key", &config.tls_client_key), ("listen_tls_key", &config.listen_tls_key)]
            }
            Self::Mm7(config) => {
                let listener = ("listen_password_file", &config.listen_password_file);
                vec![("password_file", &config.password_file), listener, ("tls_client_key", &config.tls_client_key)]
            }
            Self::Sandbox(_) => Vec::new(),
        };
        files.into_iter().filter_map(|(key, file)| Some((key, file.as_deref()?))).collect()
    }

    /// Files that it reads at its start: certificates, keys and passwords.
    pub fn files(&self) -> Vec<&Path> {
        let files = match self {
            Self::Smpp(config) => {
                vec![&config.tls_ca, &config.tls_client_cert, &config.tls_client_key, &config.password_file]
            }
            Self::Mm4(config) => vec![
                &config.tls_ca,
                &config.tls_client_cert,
                &config.tls_client_key,
                &config.listen_tls_cert,
                &config.listen_tls_key,
            ],
            Self::Mm7(config) => {
                vec![
                    &config.tls_ca,
                    &config.tls_client_cert,
                    &config.tls_client_key,
                    &config.password_file,
                    &config.listen_password_file,
                ]
            }
            Self::Sandbox(_) => Vec::new(),
        };
        files.into_iter().filter_map(Option::as_deref).collect()
    }

    /// Segments a second of each originator; 0 for no bound.
    pub const fn sender_rate(&self) -> u32 {
        match self {
            Self::Smpp(config) => config.sender_rate,
            Self::Mm4(config) => config.sender_rate,
            Self::Mm7(config) => config.sender_rate,
            Self::Sandbox(_) => 0,
        }
    }

    /// The longest time from a submission to its outcome with this configuration
    /// ([`Carrier::answers_within`](crate::Carrier::answers_within)).
    pub const fn answers_within(&self) -> Duration {
        match self {
            Self::Smpp(config) => config.answers_within(),
            Self::Mm4(config) => config.answers_within(),
            Self::Mm7(config) => config.answers_within(),
            Self::Sandbox(_) => Duration::ZERO,
        }
    }

    /// Checks every key.
    ///
    /// # Errors
    /// [`ConfigError`] with all mistakes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match self {
            Self::Smpp(config) => config.validate(),
            Self::Mm4(config) => config.validate(),
            Self::Mm7(config) => config.validate(),
            Self::Sandbox(config) if config.name.is_empty() => {
                Err(ConfigError { carrier: String::new(), mistakes: vec![Mistake::new("name", "is missing")] })
            }
            Self::Sandbox(_) => Ok(()),
        }
    }

    /// Reads the secrets, certificates and keys that it names, as a start does. Every mistake.
    pub fn check_files(&self) -> Vec<ConfigError> {
        match self {
            Self::Smpp(config) => {
                [config.read_password().err(), config.check_tls().err()].into_iter().flatten().collect()
            }
            Self::Mm4(config) => config.check_files(),
            Self::Mm7(config) => config.check_files(),
            Self::Sandbox(_) => Vec::new(),
        }
    }
}

impl From<SmppConfig> for CarrierConfig {
    fn from(config: SmppConfig) -> Self {
        Self::Smpp(Box::new(config))
    }
}

impl From<Mm4Config> for CarrierConfig {
    fn from(config: Mm4Config) -> Self {
        Self::Mm4(Box::new(config))
    }
}

impl From<Mm7Config> for CarrierConfig {
    fn from(config: Mm7Config) -> Self {
        Self::Mm7(Box::new(config))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_comes_within_everything_that_may_take_its_time() {
        let smpp = SmppConfig { response_timeout_secs: 7, ..SmppConfig::default() };
        let mm4 = Mm4Config { response_timeout_secs: 7, ..Mm4Config::default() };
        let mm7 = Mm7Config { connect_timeout_secs: 300, response_timeout_secs: 1, ..Mm7Config::default() };
        let sandbox = CarrierConfig::Sandbox(SandboxConfig { name: "sandbox".to_owned() });
        for (what, config, secs) in [
            ("a wait for the session, and one for the answer", CarrierConfig::from(smpp), 14),
            ("one deadline for all of it", mm4.into(), 7),
            ("a connection, and the answer", mm7.into(), 301),
            ("an answer at once", sandbox, 0),
        ] {
            assert_eq!(config.answers_within(), Duration::from_secs(secs), "{what}");
        }
    }
}
