//! The settings of the parts, made from the configuration at a start and again by a reload.

use std::time::Duration;

use model::backoff::Backoff;
use net::Patience;
use pipeline::{AdmissionLimits, DispatchSettings, QueueLimits};

use api::http::rooms::Bounds;
use config::Config;

/// The limits of admission.
pub(crate) fn admission_limits(config: &Config) -> AdmissionLimits {
    AdmissionLimits {
        sms_characters_max: config.limits.sms_characters_max,
        mms_characters_max: config.limits.mms_characters_max,
        recipients_max: config.limits.max_recipients,
        validity: Duration::from_secs(config.dispatch.validity_secs),
        idempotency: config.limits.idempotency(),
        sender_kinds: config.api.sender_kinds.iter().map(|kind| kind.sender_kind()).collect(),
    }
}

/// The settings of dispatchers.
pub(crate) fn dispatch_settings(config: &Config) -> DispatchSettings {
    let dispatch = &config.dispatch;
    DispatchSettings {
        queue: QueueLimits {
            total: dispatch.queue_max,
            per_account: dispatch.queue_per_account_max,
            originator_rate: 0,
            account_rate: dispatch.account_rate,
        },
        lease: Duration::from_secs(dispatch.lease_secs),
        batch: dispatch.batch,
        poll: Duration::from_millis(dispatch.poll_ms),
        retry: Backoff {
            floor: Duration::from_millis(dispatch.retry_floor_ms),
            ceiling: Duration::from_millis(dispatch.retry_ceiling_ms),
        },
        attempts_per_carrier: dispatch.attempts_per_carrier,
        fallback_after: Duration::from_secs(dispatch.fallback_after_secs),
    }
}

/// The limits of the public API in a process that has files for so many connections.
pub(crate) fn bounds_of_clients(config: &Config, connections: usize) -> Bounds {
    bounds(config, connections, config.api.connections_per_address)
}

/// The limits of the admin listener.
pub(crate) fn bounds_of_operators(config: &Config) -> Bounds {
    bounds(config, config.admin.connections_max, config.admin.connections_max / 2)
}

fn bounds(config: &Config, connections_max: usize, connections_per_address: usize) -> Bounds {
    Bounds {
        connections_max,
        // One address never has all places, however few there are.
        connections_per_address: connections_per_address.min((connections_max - connections_max / 4).max(1)),
        proxies: config.api.trusted_proxies.clone(),
        head_timeout: Duration::from_secs(config.api.head_timeout_secs),
        head_bytes_max: config.api.head_bytes_max,
        write: Patience::of(Duration::from_secs(config.api.write_timeout_secs)),
    }
}
