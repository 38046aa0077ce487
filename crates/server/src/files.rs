//! File handles: the limit of this process, and the share for connections of clients.
//!
//! Every connection takes one. If clients took them all, carriers could not reconnect and the store could not open its
//! files, so some are reserved.

use carrier::CarrierConfig;
use fetch::media::FILES_MAX;
use pipeline::READS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use api::http::rooms::SEND_OFFS_MAX;
use config::Config;

/// The store's connections and its log, the listeners, standard streams, the runtime, directories, and a reserve.
const OWN: usize = 96;

/// The least number for clients.
const CLIENTS_MIN: usize = 16;

/// Raises the soft limit of open files to the hard one, and returns the new limit; `None` for no limit.
///
/// # Errors
/// A sentence for the operator if the system refuses; the limit then stays the same.
pub fn raise() -> Result<Option<u64>, String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return Ok(limit.current);
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    raised
        .map_err(|error| format!("the limit of open files stays at {}: {error}", limit.current.unwrap_or(u64::MAX)))?;
    Ok(limit.maximum)
}

/// The present limit of open files; `None` for no limit.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// The distribution of the handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Connections of clients to the public API.
    pub clients: usize,
    /// Reserved for everything else.
    pub reserve: usize,
}

impl Budget {
    /// Distributes this many handles (`None` for no limit) under this configuration.
    pub fn of(config: &Config, limit: Option<u64>) -> Self {
        let carriers: usize = config.carrier.iter().map(of_carrier).sum();
        // Each carrier has a dispatcher that reads media, and so has the sandbox.
        let media = FILES_MAX * config.media.fetches_max + READS_MAX * (config.carrier.len() + 1);
        // A connection for each request, and as many that are kept.
        let webhooks = 2 * config.webhooks.requests_max;
        let reserve = OWN + webhooks + 2 * SEND_OFFS_MAX + config.admin.connections_max + media + carriers;
        let wanted = config.api.connections_max;
        let left = limit.map_or(wanted, |limit| usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(reserve));
        Self { clients: wanted.min(left.max(CLIENTS_MIN)), reserve }
    }

    /// A warning for the operator if clients get fewer connections than configured.
    pub fn warning(&self, config: &Config, limit: Option<u64>) -> Option<String> {
        let wanted = config.api.connections_max;
        let needed = wanted + self.reserve;
        (self.clients < wanted).then(|| {
            format!(
                "`api.connections_max` is {wanted}, and only {} connections fit: this process may have {} files open, \
                 {} of which are kept for carriers, store, media and the operator. Raise the hard limit to {needed} \
                 (`LimitNOFILE=` of systemd, `ulimit -Hn`), or lower the key",
                self.clients,
                limit.unwrap_or(u64::MAX),
                self.reserve
            )
        })
    }
}

/// The connections of a carrier, in both directions, and half as many again for those that are being replaced; and
/// those that its listener refuses.
fn of_carrier(carrier: &CarrierConfig) -> usize {
    let (connections, sent_away) = match carrier {
        CarrierConfig::Smpp(carrier) => (2 * carrier.sessions, 0),
        CarrierConfig::Mm4(carrier) => (carrier.window + carrier.listen_connections_max, carrier::SEND_OFFS_MAX),
        CarrierConfig::Mm7(carrier) => (carrier.window + carrier.listen_connections_max, carrier::SEND_OFFS_MAX),
        CarrierConfig::Sandbox(_) => (0, 0),
    };
    connections + connections.div_ceil(2) + sent_away
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::read::parse;

    #[test]
    fn clients_get_what_the_others_do_not_need() {
        let mut config = parse("", std::iter::empty()).unwrap();
        let reserve = Budget::of(&config, None).reserve;
        assert_eq!(Budget::of(&config, None).clients, 10_000);
        for (limit, clients) in
            [(65_536, 10_000), (10_000 + reserve as u64, 10_000), (4_096, 4_096 - reserve), (100, CLIENTS_MIN)]
        {
            let budget = Budget::of(&config, Some(limit));
            assert_eq!(budget, Budget { clients, reserve }, "{limit}");
            assert_eq!(budget.warning(&config, Some(limit)).is_some(), clients < 10_000, "{limit}");
        }
        config.carrier = vec![carrier::smpp::config::SmppConfig { sessions: 10, ..Default::default() }.into()];
        assert_eq!(Budget::of(&config, None).reserve, reserve + 30 + READS_MAX);
    }

    #[test]
    fn media_have_a_file_for_each_attempt_to_connect_and_for_each_read_before_they_leave() {
        let mut config = parse("", std::iter::empty()).unwrap();
        let reserve = Budget::of(&config, None).reserve;
        config.media.fetches_max += 1;
        // Four attempts, a name server and the file.
        assert_eq!(Budget::of(&config, None).reserve, reserve + 6);
        let mm4 =
            Box::new(carrier::mm4::config::Mm4Config { window: 10, listen_connections_max: 10, ..Default::default() });
        config.carrier = vec![CarrierConfig::Mm4(mm4)];
        // Sixteen reads, and sixteen connections that are sent away.
        assert_eq!(Budget::of(&config, None).reserve, reserve + 6 + 30 + 16 + 16);
    }

    #[test]
    fn the_limit_is_as_high_as_it_may_be() {
        assert_eq!(raise(), Ok(getrlimit(Resource::Nofile).maximum));
        assert_eq!(limit(), getrlimit(Resource::Nofile).maximum);
    }
}
