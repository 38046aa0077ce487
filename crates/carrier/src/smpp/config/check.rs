//! Checks of an SMPP carrier's table beyond its types, and the secrets and certificates that it names.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use wire::smpp::{CommandStatus, tag};

use super::SmppConfig;
use crate::connect::Connector;
use crate::keys::{ConfigError, Mistake, NO_PREFIX, Password, check_bounds, is_prefix};
use crate::tls::{self, TlsFiles};

/// A password's field in a bind has room for so many octets before its NUL, whatever the specification says of 8 (SMPP
/// 3.4, 4.1.1).
const PASSWORD_BYTES_MAX: usize = 16;

/// Parameters that a submission sets itself. Another value would send another text, or take the parts of a text apart.
const OWN_TLVS: [u16; 6] = [
    tag::MESSAGE_PAYLOAD,
    tag::SAR_MSG_REF_NUM,
    tag::SAR_TOTAL_SEGMENTS,
    tag::SAR_SEGMENT_SEQNUM,
    tag::RECEIPTED_MESSAGE_ID,
    tag::MESSAGE_STATE,
];

/// Longer waits than a day are mistakes of unit.
const SECS_MAX: u64 = 86_400;

/// A longer pause than an hour is a mistake in the unit.
const MS_MAX: u64 = 3_600_000;

impl SmppConfig {
    /// Checks every key.
    ///
    /// # Errors
    /// [`ConfigError`] with all mistakes.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut mistakes = Vec::new();
        if self.name.is_empty() {
            mistakes.push(Mistake::new("name", "is missing"));
        }
        self.check_numbers(&mut mistakes);
        self.check_texts(&mut mistakes);
        if mistakes.is_empty() { Ok(()) } else { Err(self.mistaken(mistakes)) }
    }

    fn check_numbers(&self, mistakes: &mut Vec<Mistake>) {
        let bounds: [(&str, u64, RangeInclusive<u64>); 21] = [
            ("sessions", self.sessions as u64, 1..=100),
            ("window", self.window as u64, 1..=10_000),
            ("segments_max", self.segments_max.into(), 1..=64),
            ("priority", self.priority.into(), 0..=3),
            ("connect_timeout_secs", self.connect_timeout_secs, 1..=300),
            ("bind_timeout_secs", self.bind_timeout_secs, 1..=300),
            ("response_timeout_secs", self.response_timeout_secs, 1..=43_200),
            ("enquire_link_secs", self.enquire_link_secs, 1..=SECS_MAX),
            ("enquire_link_timeout_secs", self.enquire_link_timeout_secs, 1..=3_600),
            ("unbind_timeout_secs", self.unbind_timeout_secs, 0..=300),
            ("write_timeout_secs", self.write_timeout_secs, 1..=3_600),
            ("refused_retry_secs", self.refused_retry_secs, 1..=SECS_MAX),
            ("reconnect_floor_ms", self.reconnect_floor_ms, 1..=MS_MAX),
            ("reconnect_ceiling_ms", self.reconnect_ceiling_ms, 1..=MS_MAX),
            ("throttle_floor_ms", self.throttle_floor_ms, 1..=MS_MAX),
            ("throttle_ceiling_ms", self.throttle_ceiling_ms, 1..=MS_MAX),
            ("queue_full_recipients", self.queue_full_recipients as u64, 0..=1_000),
            ("receipts_pending_max", self.receipts_pending_max as u64, 1..=1_000_000),
            ("inbound_pending_max", self.inbound_pending_max as u64, 1..=1_000_000),
            ("receipt_wait_hours", self.receipt_wait_hours, 0..=crate::RECEIPT_WAIT_HOURS_MAX),
            ("pdu_bytes_max", self.pdu_bytes_max as u64, 64..=1_000_000),
        ];
        check_bounds(bounds, mistakes);
        for (floor, floor_ms, ceiling, ceiling_ms) in [
            ("reconnect_floor_ms", self.reconnect_floor_ms, "reconnect_ceiling_ms", self.reconnect_ceiling_ms),
            ("throttle_floor_ms", self.throttle_floor_ms, "throttle_ceiling_ms", self.throttle_ceiling_ms),
        ] {
            if floor_ms > ceiling_ms {
                mistakes
                    .push(Mistake::new(floor, format!("is {floor_ms}, and above `{ceiling}`, which is {ceiling_ms}")));
            }
        }
    }

    fn check_texts(&self, mistakes: &mut Vec<Mistake>) {
        let mut check = |sound: bool, key: &str, what: &str| {
            if !sound {
                mistakes.push(Mistake::new(key, what));
            }
        };
        check(!self.host.is_empty(), "host", "is missing");
        check(!self.system_id.is_empty(), "system_id", "is missing");
        check(self.system_id.len() <= 15, "system_id", "has more than 15 characters");
        check(self.system_type.len() <= 12, "system_type", "has more than 12 characters");
        check(self.service_type.len() <= 5, "service_type", "has more than 5 characters");
        for (key, text) in
            [("system_id", &self.system_id), ("system_type", &self.system_type), ("service_type", &self.service_type)]
        {
            check(is_c_octet_string(text), key, "has characters other than printable ASCII");
        }
        let has_tls_files = self.tls_ca.is_some() || self.tls_server_name.is_some() || self.tls_client_cert.is_some();
        check(self.tls || !has_tls_files, "tls", "is not set, so that the other keys of TLS would do nothing");
        check(
            self.tls_client_cert.is_some() == self.tls_client_key.is_some(),
            "tls_client_cert",
            "is valid only together with `tls_client_key`",
        );
        check(self.national_prefix.as_deref().is_none_or(is_prefix), "national_prefix", NO_PREFIX);
        let statuses = self
            .errors
            .keys()
            .map(|name| ("errors", name))
            .chain(self.bind_errors.keys().map(|name| ("bind_errors", name)));
        for (key, name) in statuses.filter(|(_, name)| CommandStatus::parse(name).is_none()) {
            check(false, key, &format!("names the status `{name}`, which is neither a name nor a number"));
        }
        for (key, names) in
            [("errors", self.errors.keys().collect::<Vec<_>>()), ("bind_errors", self.bind_errors.keys().collect())]
        {
            let mut seen = HashSet::new();
            for (name, status) in names.into_iter().filter_map(|name| Some((name, CommandStatus::parse(name)?))) {
                check(status != CommandStatus::ROK, key, "names the status `ESME_ROK`, which is no error");
                check(seen.insert(status), key, &format!("names the status `{name}` a second time"));
            }
        }
        for (tag, _) in self.extra_tlvs().iter().filter(|(tag, _)| OWN_TLVS.contains(tag)) {
            check(false, "tlvs", &format!("has 0x{tag:04X}, which the program sets itself"));
        }
        for (tag, value) in self.tlvs.iter().filter(|(tag, value)| parse_tlv(tag, value).is_none()) {
            check(
                false,
                "tlvs",
                &format!("has `{tag} = {value}`, which is no tag (0x1400) with a text or octets (0x…)"),
            );
        }
    }

    /// The password, from wherever the configuration says that it is.
    ///
    /// # Errors
    /// [`ConfigError`] when it is not there, or longer than a bind can carry.
    pub fn read_password(&self) -> Result<String, ConfigError> {
        let (key, password) = self.secret().read().map_err(|mistake| self.mistaken(vec![mistake]))?;
        match password.len() {
            0..=PASSWORD_BYTES_MAX if is_c_octet_string(&password) => Ok(password),
            0..=PASSWORD_BYTES_MAX => {
                Err(self
                    .mistaken(vec![Mistake::new(key, "gives a password with characters other than printable ASCII")]))
            }
            length => {
                let what =
                    format!("gives a password of {length} octets, and a bind carries at most {PASSWORD_BYTES_MAX}");
                Err(self.mistaken(vec![Mistake::new(key, what)]))
            }
        }
    }

    /// Reads the certificates and the key that a TLS connection would use, as a start does.
    ///
    /// # Errors
    /// [`ConfigError`] where one cannot be used.
    pub fn check_tls(&self) -> Result<(), ConfigError> {
        self.connector().map(drop)
    }

    /// How to reach the SMSC.
    ///
    /// # Errors
    /// [`ConfigError`] where a certificate or a key cannot be used.
    pub(crate) fn connector(&self) -> Result<Connector, ConfigError> {
        let tls = tls::client(&self.tls_files()).map_err(|mistake| self.mistaken(vec![mistake]))?;
        let limit = Duration::from_secs(self.connect_timeout_secs);
        Ok(Connector { host: self.host.clone(), port: self.port, source_ip: self.source_ip, limit, tls })
    }

    fn secret(&self) -> Password<'_> {
        Password { given: &self.password, file: self.password_file.as_deref(), variable: self.password_env.as_deref() }
    }

    fn tls_files(&self) -> TlsFiles<'_> {
        TlsFiles {
            on: self.tls,
            host: &self.host,
            server_name: self.tls_server_name.as_deref(),
            ca: self.tls_ca.as_deref(),
            client_cert: self.tls_client_cert.as_deref(),
            client_key: self.tls_client_key.as_deref(),
        }
    }

    pub(crate) fn mistaken(&self, mistakes: Vec<Mistake>) -> ConfigError {
        ConfigError { carrier: self.name.clone(), mistakes }
    }
}

/// Whether a text can stand in a C-octet string of printable ASCII (SMPP 3.4, 3.1). A NUL would end it early.
fn is_c_octet_string(text: &str) -> bool {
    text.bytes().all(|octet| matches!(octet, b' '..=b'~'))
}

pub(super) fn parse_tlv(tag: &str, value: &str) -> Option<(u16, Vec<u8>)> {
    let tag = match tag.strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok()?,
        None => tag.parse().ok()?,
    };
    let Some(hex) = value.strip_prefix("0x") else { return Some((tag, value.as_bytes().to_vec())) };
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    (hex.len() % 2 == 0)
        .then(|| hex.as_bytes().chunks(2).map(octet).collect::<Option<_>>().map(|octets| (tag, octets)))?
}
