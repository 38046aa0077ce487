//! Every knob of an MM7 carrier: one `[[carrier]]` table of the configuration file.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use wire::mm7::{DEFAULT_VERSION, Dialect, NAMESPACE_ROOT};

use crate::action::Action;
use crate::keys::Secret;
use crate::keys::ValidityForm;

mod check;
mod place;

pub(crate) use check::{Login, parse_code};
pub(crate) use place::Place;

/// One MM7 carrier. Every key but `name` and `url` has a default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mm7Config {
    /// Its name in routes.
    pub name: String,

    /// Where the MMSC takes messages: `http://` or `https://`, host, port and path.
    pub url: String,
    /// The address to connect from.
    pub source_ip: Option<IpAddr>,
    /// Certificates to trust, in PEM, instead of the machine's.
    pub tls_ca: Option<PathBuf>,
    /// The name that the MMSC's certificate must have; the host of `url` by default.
    pub tls_server_name: Option<String>,
    /// Our certificate, in PEM.
    pub tls_client_cert: Option<PathBuf>,
    /// The key of our certificate, in PEM.
    pub tls_client_key: Option<PathBuf>,
    /// Who we are to the MMSC, by Basic authentication; nobody when empty.
    pub username: String,
    /// The password. Better in a file or the environment.
    pub password: Secret,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
    /// An environment variable that holds the password.
    pub password_env: Option<String>,

    /// `VASPID`: who provides the service, as the MMSC knows it.
    pub vasp_id: Option<String>,
    /// `VASID`: which service it is.
    pub vas_id: Option<String>,
    /// `ServiceCode`: what the MMSC charges by.
    pub service_code: Option<String>,
    /// `MessageClass`: `Personal`, `Advertisement`, `Informational` or `Auto`.
    pub message_class: Option<String>,
    /// `Priority`: `Low`, `Normal` or `High`.
    pub priority: Option<String>,
    /// `ChargedParty`: `Sender`, `Recipient`, `Both`, `Neither` or `ThirdParty`.
    pub charged_party: Option<String>,
    /// `DistributionIndicator`: whether handsets may pass the content on.
    pub distribution_indicator: Option<bool>,
    /// `allowAdaptations`: whether the MMSC may fit the content to the handset.
    pub allow_adaptations: Option<bool>,
    /// Whether delivery reports are asked for.
    pub delivery_reports: bool,
    /// How long a message waits for its report, in hours; 0 for no end.
    pub receipt_wait_hours: u64,
    /// How `ExpiryDate` is told.
    pub validity: ValidityForm,
    /// Whether numbers keep their `+`.
    pub keep_plus: bool,
    /// The namespace of the release that the MMSC speaks, or the release's name alone.
    pub namespace: String,
    /// `MM7Version`.
    pub mm7_version: String,
    /// Whether elements have the prefix `mm7:`.
    pub prefix: bool,
    /// The most octets that a message's parts may have; a larger message is refused.
    pub max_bytes: usize,

    /// What follows from a status, by its number, where it is not the usual.
    pub errors: BTreeMap<String, Action>,

    /// Messages under way at once, each on a connection of its own.
    pub window: usize,
    /// Messages a second; 0 for no limit.
    pub rate: u32,
    /// Messages a second of each originator; 0 for no bound.
    pub sender_rate: u32,
    /// How long a connection may take to open.
    pub connect_timeout_secs: u64,
    /// How long an answer may take, in seconds.
    pub response_timeout_secs: u64,
    /// How long a connection is kept for the next message; 0 for one message each. Less than the MMSC keeps it, or else
    /// messages meet connections that have just ended, and nobody knows what became of them.
    pub keep_alive_secs: u64,
    /// The pause after a first failure; it doubles with each further failure.
    pub reconnect_floor_ms: u64,
    /// The longest such pause.
    pub reconnect_ceiling_ms: u64,

    /// National numbers in messages of handsets get it, such as `+1`.
    pub national_prefix: Option<String>,
    /// Where we listen for the MMSC's reports, over HTTP; nowhere by default.
    pub listen: Option<SocketAddr>,
    /// Under which path.
    pub listen_path: String,
    /// Who the MMSC is to us, by Basic authentication; anybody of `allow_peers` when empty.
    pub listen_username: String,
    /// Its password. Better in a file or the environment.
    pub listen_password: Secret,
    /// A file that holds its password.
    pub listen_password_file: Option<PathBuf>,
    /// An environment variable that holds its password.
    pub listen_password_env: Option<String>,
    /// From which networks the MMSC may connect.
    pub allow_peers: Vec<IpNet>,
    /// Connections of the MMSC at once.
    pub listen_connections_max: usize,
    /// How long a request's head, its body, and then its answer may take.
    pub listen_timeout_secs: u64,
    /// The largest request.
    pub listen_bytes_max: usize,
}

impl Default for Mm7Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            source_ip: None,
            tls_ca: None,
            tls_server_name: None,
            tls_client_cert: None,
            tls_client_key: None,
            username: String::new(),
            password: Secret::default(),
            password_file: None,
            password_env: None,
            vasp_id: None,
            vas_id: None,
            service_code: None,
            message_class: None,
            priority: None,
            charged_party: None,
            distribution_indicator: None,
            allow_adaptations: None,
            delivery_reports: true,
            receipt_wait_hours: crate::RECEIPT_WAIT_HOURS,
            validity: ValidityForm::Relative,
            keep_plus: true,
            namespace: Dialect::default().namespace,
            mm7_version: DEFAULT_VERSION.to_owned(),
            prefix: false,
            max_bytes: 614_400,
            errors: BTreeMap::new(),
            window: 10,
            rate: 50,
            sender_rate: 0,
            connect_timeout_secs: 10,
            response_timeout_secs: 60,
            keep_alive_secs: 4,
            reconnect_floor_ms: 1_000,
            reconnect_ceiling_ms: 60_000,
            national_prefix: None,
            listen: None,
            listen_path: "/mm7".to_owned(),
            listen_username: String::new(),
            listen_password: Secret::default(),
            listen_password_file: None,
            listen_password_env: None,
            allow_peers: vec![
                IpNet::new_assert([127, 0, 0, 0].into(), 8),
                IpNet::new_assert(std::net::Ipv6Addr::LOCALHOST.into(), 128),
            ],
            listen_connections_max: 50,
            listen_timeout_secs: 30,
            listen_bytes_max: 8_388_608,
        }
    }
}

impl Mm7Config {
    /// The longest time from a submission to its outcome: a message may need a connection of its own, and then its
    /// answer.
    pub(crate) const fn answers_within(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_secs.saturating_add(self.response_timeout_secs))
    }

    /// How envelopes are written.
    pub(crate) fn dialect(&self) -> Dialect {
        let is_release = self.namespace.starts_with("REL-");
        let namespace = if is_release { format!("{NAMESPACE_ROOT}{}", self.namespace) } else { self.namespace.clone() };
        Dialect { namespace, version: self.mm7_version.clone(), prefixed: self.prefix }
    }
}

#[cfg(test)]
mod tests;
