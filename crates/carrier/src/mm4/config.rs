//! Every knob of an MM4 carrier: one `[[carrier]]` table of the configuration file.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use crate::keys::ValidityForm;

mod check;

/// Whether a connection that begins in the clear goes over to TLS (RFC 3207).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartTls {
    /// Not.
    Never,
    /// When the MMSC offers it.
    IfOffered,
    /// Always: an MMSC that does not offer it gets nothing.
    Required,
}

/// One MM4 carrier. Every key but `name`, `host`, `domain` and `peer_domain` has a default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mm4Config {
    /// Its name in routes.
    pub name: String,

    /// Where the MMSC listens.
    pub host: String,
    /// On which port.
    pub port: u16,
    /// The address to connect from.
    pub source_ip: Option<IpAddr>,
    /// Whether the connection is TLS from its first octet.
    pub tls: bool,
    /// Whether a connection that begins in the clear goes over to TLS.
    pub starttls: StartTls,
    /// Certificates to trust, in PEM, instead of the machine's.
    pub tls_ca: Option<PathBuf>,
    /// The name that the MMSC's certificate must have; `host` by default.
    pub tls_server_name: Option<String>,
    /// Our certificate, in PEM.
    pub tls_client_cert: Option<PathBuf>,
    /// The key of our certificate, in PEM.
    pub tls_client_key: Option<PathBuf>,

    /// Our domain: what we say hello with, and where our addresses are.
    pub domain: String,
    /// The MMSC's domain: where its recipients are.
    pub peer_domain: String,
    /// The address of this system, where answers go; `system@` our domain by default.
    pub originator_system: Option<String>,
    /// The version of the specification that is named.
    pub version: String,
    /// The most octets that the parts of a message may have together; larger ones are refused.
    pub max_bytes: usize,
    /// How the end of the validity period is told.
    pub validity: ValidityForm,

    /// Messages under way at once, each on a connection of its own.
    pub window: usize,
    /// Messages a second; 0 for no limit.
    pub rate: u32,
    /// Messages a second of each originator; 0 for no bound.
    pub sender_rate: u32,
    /// How long a connection may take to open, its greeting and TLS included.
    pub connect_timeout_secs: u64,
    /// How long handing a message over may take, the wait for its `MM4_forward.RES` included.
    pub response_timeout_secs: u64,
    /// How long a connection is kept for the next message.
    pub keep_alive_secs: u64,
    /// How many messages go over one connection.
    pub connection_messages_max: u32,
    /// The pause after a first failure; it doubles with each further failure.
    pub reconnect_floor_ms: u64,
    /// The longest such pause.
    pub reconnect_ceiling_ms: u64,

    /// Whether a message counts as taken only when its `MM4_forward.RES` says so, or none came in time.
    pub wait_for_response: bool,
    /// Whether reports of what handsets do are asked for.
    pub delivery_reports: bool,
    /// How long a message waits for its report, in hours; 0 for no end.
    pub receipt_wait_hours: u64,
    /// National numbers in messages of handsets get it, such as `+1`.
    pub national_prefix: Option<String>,
    /// Where we listen for the MMSC's mail: answers and reports. Without it neither is asked for.
    pub listen: Option<SocketAddr>,
    /// Who may connect there.
    pub allow_peers: Vec<IpNet>,
    /// The certificate of the listener, in PEM; with it STARTTLS is offered.
    pub listen_tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM.
    pub listen_tls_key: Option<PathBuf>,
    /// Connections to the listener at once.
    pub listen_connections_max: usize,
    /// The longest mail that the listener takes.
    pub listen_bytes_max: usize,
    /// How long a peer may say nothing.
    pub listen_timeout_secs: u64,
}

impl Mm4Config {
    /// The longest time from a submission to its outcome: one deadline for its place in a session, its mail and, where
    /// that is waited for, the answer to it.
    pub(crate) const fn answers_within(&self) -> Duration {
        Duration::from_secs(self.response_timeout_secs)
    }
}

impl Default for Mm4Config {
    fn default() -> Self {
        let loopback =
            vec![IpNet::new_assert([127, 0, 0, 0].into(), 8), IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128)];
        Self {
            name: String::new(),
            host: String::new(),
            port: 25,
            source_ip: None,
            tls: false,
            starttls: StartTls::IfOffered,
            tls_ca: None,
            tls_server_name: None,
            tls_client_cert: None,
            tls_client_key: None,
            domain: String::new(),
            peer_domain: String::new(),
            originator_system: None,
            version: wire::mm4::VERSION.to_owned(),
            max_bytes: 614_400,
            validity: ValidityForm::Relative,
            window: 10,
            rate: 50,
            sender_rate: 0,
            connect_timeout_secs: 10,
            response_timeout_secs: 60,
            keep_alive_secs: 30,
            connection_messages_max: 100,
            reconnect_floor_ms: 1_000,
            reconnect_ceiling_ms: 60_000,
            wait_for_response: true,
            delivery_reports: true,
            receipt_wait_hours: crate::RECEIPT_WAIT_HOURS,
            national_prefix: None,
            listen: None,
            allow_peers: loopback,
            listen_tls_cert: None,
            listen_tls_key: None,
            listen_connections_max: 32,
            listen_bytes_max: 8_388_608,
            listen_timeout_secs: 300,
        }
    }
}
