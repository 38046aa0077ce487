//! This process among the nodes of its store: the name under which it joins, and the sessions with carriers that it
//! holds.

use carrier::CarrierConfig;
use pipeline::Node;
use store::{Store, StoreError};

/// The name of this node: that of the machine.
pub(crate) fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The version of this program, as other nodes see it.
pub(crate) const BUILD: &str = env!("CARGO_PKG_VERSION");

/// The configuration of a carrier with the sessions that this node may bind: it claims as many as are configured, and a
/// store that several nodes share gives each of them some. Sessions that other nodes hold are not bound here, so that
/// the carrier never sees more than are configured.
///
/// # Errors
/// As the store.
pub(crate) async fn claim(store: &dyn Store, node: &Node, carrier: CarrierConfig) -> Result<CarrierConfig, StoreError> {
    let CarrierConfig::Smpp(mut config) = carrier else { return Ok(carrier) };
    let wanted = u32::try_from(config.sessions).unwrap_or(u32::MAX);
    let held = store.claim_slots(node.epoch(), config.name.clone(), wanted, wanted).await?.len();
    if held < config.sessions {
        tracing::warn!(
            carrier.name = config.name,
            "Of {} sessions with {} this node holds {held}; other nodes hold the rest",
            config.sessions,
            config.name
        );
    }
    config.sessions = held;
    Ok(CarrierConfig::Smpp(config))
}
