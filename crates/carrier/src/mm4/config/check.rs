//! Checks of an MM4 carrier's table beyond its types, and the certificates that it names.

use std::ops::RangeInclusive;

use model::media::MEDIA_BYTES_MAX;
use wire::mm4::Address;

use super::{Mm4Config, StartTls};
use crate::keys::{ConfigError, Mistake, NO_PREFIX, check_bounds, is_prefix};
use crate::tls::{self, TlsFiles};

/// A longer pause than an hour is a mistake in the unit.
const MS_MAX: u64 = 3_600_000;
/// Room for the text and the presentation beside the largest media.
const BYTES_MAX: u64 = 2 * MEDIA_BYTES_MAX as u64;

impl Mm4Config {
    /// Checks every key.
    ///
    /// # Errors
    /// [`ConfigError`] with all mistakes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        self.check_numbers(&mut mistakes);
        self.check_texts(&mut mistakes);
        if mistakes.is_empty() { Ok(()) } else { Err(self.mistaken(mistakes)) }
    }

    /// Reads the certificates and keys that it names, as a start does. Every mistake.
    pub fn check_files(&self) -> Vec<ConfigError> {
        let client = tls::client(&self.tls_files()).err();
        let server = self.listener_tls().err();
        [client, server].into_iter().flatten().map(|mistake| self.mistaken(vec![mistake])).collect()
    }

    fn check_numbers(&self, mistakes: &mut Vec<Mistake>) {
        let bounds: [(&str, u64, RangeInclusive<u64>); 12] = [
            ("max_bytes", self.max_bytes as u64, 1_000..=BYTES_MAX),
            ("window", self.window as u64, 1..=1_000),
            ("connect_timeout_secs", self.connect_timeout_secs, 1..=300),
            ("response_timeout_secs", self.response_timeout_secs, 1..=43_200),
            ("keep_alive_secs", self.keep_alive_secs, 0..=3_600),
            ("connection_messages_max", self.connection_messages_max.into(), 1..=1_000_000),
            ("reconnect_floor_ms", self.reconnect_floor_ms, 1..=MS_MAX),
            ("reconnect_ceiling_ms", self.reconnect_ceiling_ms, 1..=MS_MAX),
            ("listen_connections_max", self.listen_connections_max as u64, 1..=10_000),
            ("receipt_wait_hours", self.receipt_wait_hours, 0..=crate::RECEIPT_WAIT_HOURS_MAX),
            ("listen_bytes_max", self.listen_bytes_max as u64, 10_000..=20_000_000),
            ("listen_timeout_secs", self.listen_timeout_secs, 1..=3_600),
        ];
        check_bounds(bounds, mistakes);
        if self.reconnect_floor_ms > self.reconnect_ceiling_ms {
            let (floor, ceiling) = (self.reconnect_floor_ms, self.reconnect_ceiling_ms);
            mistakes.push(Mistake::new(
                "reconnect_floor_ms",
                format!("is {floor}, and above `reconnect_ceiling_ms`, which is {ceiling}"),
            ));
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
        check(!self.host.is_empty(), "host", "is missing");
        for (key, domain) in [("domain", &self.domain), ("peer_domain", &self.peer_domain)] {
            check(!domain.is_empty(), key, "is missing");
            check(
                domain.is_empty() || Address::number("+12025550101").and_then(|number| number.at(domain)).is_some(),
                key,
                "is no domain",
            );
        }
        check(
            self.originator_system.as_deref().is_none_or(is_mailbox),
            "originator_system",
            "is no address such as `system@mms.example.net`",
        );
        check(
            !self.version.is_empty() && self.version.bytes().all(|byte| byte.is_ascii_graphic()),
            "version",
            "is no version such as `6.10.0`",
        );
        check(
            !self.tls || self.starttls != StartTls::Required,
            "starttls",
            "cannot be required of a connection that is TLS from the start",
        );
        let has_tls_files = self.tls_ca.is_some() || self.tls_server_name.is_some() || self.tls_client_cert.is_some();
        check(
            self.tls_files().on || !has_tls_files,
            "tls",
            "is not set, nor `starttls`, so that the other keys of TLS would do nothing",
        );
        check(
            self.tls_client_cert.is_some() == self.tls_client_key.is_some(),
            "tls_client_cert",
            "is valid only together with `tls_client_key`",
        );
        check(
            self.listen_tls_cert.is_some() == self.listen_tls_key.is_some(),
            "listen_tls_cert",
            "is valid only together with `listen_tls_key`",
        );
    }

    pub(crate) fn tls_files(&self) -> TlsFiles<'_> {
        TlsFiles {
            on: self.tls || self.starttls != StartTls::Never,
            host: &self.host,
            server_name: self.tls_server_name.as_deref(),
            ca: self.tls_ca.as_deref(),
            client_cert: self.tls_client_cert.as_deref(),
            client_key: self.tls_client_key.as_deref(),
        }
    }

    /// What secures connections to the listener, where something does.
    pub(crate) fn listener_tls(&self) -> Result<Option<tokio_rustls::TlsAcceptor>, Mistake> {
        match (&self.listen_tls_cert, &self.listen_tls_key) {
            (Some(cert), Some(key)) => tls::server(("listen_tls_cert", cert), ("listen_tls_key", key)).map(Some),
            _ => Ok(None),
        }
    }

    /// The address of this system.
    pub(crate) fn system(&self) -> Option<Address> {
        match &self.originator_system {
            Some(address) => Address::parse(address),
            None => Address::parse(&format!("system@{}", self.domain)),
        }
    }

    pub(crate) fn mistaken(&self, mistakes: Vec<Mistake>) -> ConfigError {
        ConfigError { carrier: self.name.clone(), mistakes }
    }
}

fn is_mailbox(text: &str) -> bool {
    Address::parse(text).is_some_and(|address| address.domain().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Mm4Config {
        let text = |text: &str| text.to_owned();
        Mm4Config {
            name: text("mmsc"),
            host: text("mms.peer.example"),
            domain: text("mms.ours.example"),
            peer_domain: text("mms.peer.example"),
            ..Mm4Config::default()
        }
    }

    #[test]
    fn a_table_of_four_keys_is_enough() {
        assert_eq!(sound().validate(), Ok(()));
        assert_eq!(sound().system().map(|address| address.to_string()).as_deref(), Some("system@mms.ours.example"));
    }

    #[test]
    fn each_mistake_is_told_with_its_key() {
        let mistakes = |change: fn(&mut Mm4Config)| {
            let mut config = sound();
            change(&mut config);
            config
                .validate()
                .err()
                .map_or_else(Vec::new, |error| error.mistakes.into_iter().map(|mistake| mistake.key).collect())
        };
        for (change, key) in [
            ((|config| config.name.clear()) as fn(&mut Mm4Config), "name"),
            (|config| config.host.clear(), "host"),
            (|config| config.domain.clear(), "domain"),
            (|config| config.domain = "a b".to_owned(), "domain"),
            (|config| config.peer_domain = "x>y".to_owned(), "peer_domain"),
            (|config| config.originator_system = Some("system".to_owned()), "originator_system"),
            (|config| config.originator_system = Some("a\r\nb@c".to_owned()), "originator_system"),
            (|config| config.version.clear(), "version"),
            (|config| config.window = 0, "window"),
            (|config| config.max_bytes = 10, "max_bytes"),
            (|config| config.response_timeout_secs = 0, "response_timeout_secs"),
            (|config| config.reconnect_floor_ms = 70_000, "reconnect_floor_ms"),
            (|config| config.listen_connections_max = 0, "listen_connections_max"),
            (|config| config.tls_client_cert = Some("a".into()), "tls_client_cert"),
            (|config| config.listen_tls_key = Some("a".into()), "listen_tls_cert"),
            (|config| (config.tls, config.starttls) = (true, StartTls::Required), "starttls"),
        ] {
            assert_eq!(mistakes(change), [key]);
        }
    }

    #[test]
    fn certificates_that_are_not_there_are_told() {
        let file = || Some("/nowhere/at-all.pem".into());
        let config = Mm4Config { tls_ca: file(), listen_tls_cert: file(), listen_tls_key: file(), ..sound() };
        let keys: Vec<_> =
            config.check_files().into_iter().flat_map(|error| error.mistakes).map(|mistake| mistake.key).collect();
        assert_eq!(keys, ["tls_ca", "listen_tls_cert"]);
    }
}
