//! Checks of an MM7 carrier's table beyond its types, and the secrets and certificates that it names.

use std::ops::RangeInclusive;
use std::time::Duration;

use wire::mm7::StatusCode;

use super::Mm7Config;
use super::place::Place;
use crate::connect::Connector;
use crate::keys::{ConfigError, Mistake, NO_PREFIX, Password, check_bounds, is_prefix};
use crate::tls::{self, TlsFiles};

/// A longer pause than an hour is a mistake in the unit.
const MS_MAX: u64 = 3_600_000;

/// More octets than this are no message: the platform's media have at most 1,048,576.
const BYTES_MAX: u64 = 10_485_760;

/// A name and its password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Mm7Config {
    /// Checks every key.
    ///
    /// # Errors
    /// [`ConfigError`] with all mistakes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        self.check_numbers(&mut mistakes);
        self.check_texts(&mut mistakes);
        self.check_listener(&mut mistakes);
        if mistakes.is_empty() { Ok(()) } else { Err(self.mistaken(mistakes)) }
    }

    /// Reads the secrets, certificates and keys that it names, as a start does. Every mistake.
    pub fn check_files(&self) -> Vec<ConfigError> {
        [self.login().err(), self.peer_login().err(), self.connector().err()].into_iter().flatten().collect()
    }

    fn check_numbers(&self, mistakes: &mut Vec<Mistake>) {
        let bounds: [(&str, u64, RangeInclusive<u64>); 11] = [
            ("max_bytes", self.max_bytes as u64, 1_024..=BYTES_MAX),
            ("window", self.window as u64, 1..=1_000),
            ("connect_timeout_secs", self.connect_timeout_secs, 1..=300),
            ("response_timeout_secs", self.response_timeout_secs, 1..=43_200),
            ("keep_alive_secs", self.keep_alive_secs, 0..=3_600),
            ("reconnect_floor_ms", self.reconnect_floor_ms, 1..=MS_MAX),
            ("reconnect_ceiling_ms", self.reconnect_ceiling_ms, 1..=MS_MAX),
            ("listen_connections_max", self.listen_connections_max as u64, 1..=10_000),
            ("listen_timeout_secs", self.listen_timeout_secs, 1..=300),
            ("receipt_wait_hours", self.receipt_wait_hours, 0..=crate::RECEIPT_WAIT_HOURS_MAX),
            ("listen_bytes_max", self.listen_bytes_max as u64, 1_024..=BYTES_MAX),
        ];
        check_bounds(bounds, mistakes);
        if self.reconnect_floor_ms > self.reconnect_ceiling_ms {
            let what = format!(
                "is {}, and above `reconnect_ceiling_ms`, which is {}",
                self.reconnect_floor_ms, self.reconnect_ceiling_ms
            );
            mistakes.push(Mistake::new("reconnect_floor_ms", what));
        }
    }

    fn check_texts(&self, mistakes: &mut Vec<Mistake>) {
        let mut check = |sound: bool, key: &str, what: &str| {
            if !sound {
                mistakes.push(Mistake::new(key, what));
            }
        };
        check(!self.name.is_empty(), "name", "is missing");
        check(self.national_prefix.as_deref().is_none_or(is_prefix), "national_prefix", NO_PREFIX);
        match Place::parse(&self.url) {
            _ if self.url.is_empty() => check(false, "url", "is missing"),
            Ok(_) => {}
            Err(what) => check(false, "url", what),
        }
        check(
            self.tls_client_cert.is_some() == self.tls_client_key.is_some(),
            "tls_client_cert",
            "is valid only together with `tls_client_key`",
        );
        check(!self.namespace.is_empty(), "namespace", "is missing");
        check(!self.mm7_version.is_empty(), "mm7_version", "is missing");
        check(!self.username.contains(':'), "username", "has a colon in it, which Basic authentication cannot carry");
        for (key, value, words) in [
            ("message_class", &self.message_class, &["Personal", "Advertisement", "Informational", "Auto"][..]),
            ("priority", &self.priority, &["Low", "Normal", "High"]),
            ("charged_party", &self.charged_party, &["Sender", "Recipient", "Both", "Neither", "ThirdParty"]),
        ] {
            let is_known = value.as_deref().is_none_or(|value| words.contains(&value));
            check(is_known, key, &format!("is none of {}", words.join(", ")));
        }
        for code in self.errors.keys().filter(|code| parse_code(code).is_none()) {
            check(false, "errors", &format!("names the status `{code}`, which is no number of four digits"));
        }
    }

    fn check_listener(&self, mistakes: &mut Vec<Mistake>) {
        let mut check = |sound: bool, key: &str, what: &str| {
            if !sound {
                mistakes.push(Mistake::new(key, what));
            }
        };
        check(
            self.listen_path.starts_with('/') && !self.listen_path.contains(['?', '#', ' ']),
            "listen_path",
            "is no path, which begins with `/`",
        );
        check(
            !self.listen_username.contains(':'),
            "listen_username",
            "has a colon in it, which Basic authentication cannot carry",
        );
        check(
            self.listen.is_none() || !self.allow_peers.is_empty(),
            "allow_peers",
            "allows no peer, although `listen` is set",
        );
    }

    /// Who we are to the MMSC; `None` where nobody asks.
    pub(crate) fn login(&self) -> Result<Option<Login>, ConfigError> {
        let secret = Password {
            given: &self.password,
            file: self.password_file.as_deref(),
            variable: self.password_env.as_deref(),
        };
        self.read(&self.username, &secret, "")
    }

    /// Who the MMSC is to us; `None` where we do not ask.
    pub(crate) fn peer_login(&self) -> Result<Option<Login>, ConfigError> {
        let (file, variable) = (self.listen_password_file.as_deref(), self.listen_password_env.as_deref());
        self.read(&self.listen_username, &Password { given: &self.listen_password, file, variable }, "listen_")
    }

    fn read(&self, username: &str, secret: &Password<'_>, prefix: &str) -> Result<Option<Login>, ConfigError> {
        let (key, password) = secret
            .read()
            .map_err(|mistake| self.mistaken(vec![Mistake::new(format!("{prefix}{}", mistake.key), mistake.what)]))?;
        match (username.is_empty(), password.is_empty()) {
            (true, true) => Ok(None),
            (true, false) => Err(self
                .mistaken(vec![Mistake::new(format!("{prefix}{key}"), format!("needs `{prefix}username` as well"))])),
            (false, _) => Ok(Some(Login { username: username.to_owned(), password })),
        }
    }

    /// Where the MMSC takes messages.
    pub(crate) fn place(&self) -> Result<Place, ConfigError> {
        Place::parse(&self.url).map_err(|what| self.mistaken(vec![Mistake::new("url", what)]))
    }

    /// How to reach the MMSC.
    pub(crate) fn connector(&self) -> Result<Connector, ConfigError> {
        let Place { secure, host, port, .. } = self.place()?;
        let files = TlsFiles {
            on: secure,
            host: &host,
            server_name: self.tls_server_name.as_deref(),
            ca: self.tls_ca.as_deref(),
            client_cert: self.tls_client_cert.as_deref(),
            client_key: self.tls_client_key.as_deref(),
        };
        let tls = tls::client(&files).map_err(|mistake| self.mistaken(vec![mistake]))?;
        Ok(Connector {
            host,
            port,
            source_ip: self.source_ip,
            limit: Duration::from_secs(self.connect_timeout_secs),
            tls,
        })
    }

    pub(crate) fn mistaken(&self, mistakes: Vec<Mistake>) -> ConfigError {
        ConfigError { carrier: self.name.clone(), mistakes }
    }
}

/// A status as the table names it.
pub(crate) fn parse_code(text: &str) -> Option<StatusCode> {
    (text.len() == 4).then(|| text.parse().ok().map(StatusCode))?
}
