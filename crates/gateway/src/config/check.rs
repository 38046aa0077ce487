//! What a configuration must hold beyond its types.

use std::collections::HashSet;

use super::read::Mistake;
use super::{Config, RouteType};

/// Notes every mistake.
pub(super) fn check(config: &Config, mistakes: &mut Vec<Mistake>) {
    let mut note = |key: &str, what: String| mistakes.push(Mistake { key: key.to_owned(), line: None, what });
    if config.api.listen == config.admin.listen && config.api.listen.port() != 0 {
        note("admin.listen", "is the same as `api.listen`; the operator's door is never the clients'".to_owned());
    }
    if config.api.tls_cert.is_some() != config.api.tls_key.is_some() {
        note("api.tls_cert", "goes together with `api.tls_key`".to_owned());
    }
    for (key, value, least, most) in bounds(config) {
        if !(least..=most).contains(&value) {
            note(key, format!("is {value}, and not between {least} and {most}"));
        }
    }
    let (floor_ms, ceiling_ms) = (config.dispatch.retry_floor_ms, config.dispatch.retry_ceiling_ms);
    if floor_ms > ceiling_ms {
        note("dispatch.retry_floor_ms", format!("is {floor_ms}, and above `dispatch.retry_ceiling_ms`, which is {ceiling_ms}"));
    }
    if config.media.ports.is_empty() || config.media.ports.contains(&0) {
        note("media.ports", "names no port, or port 0".to_owned());
    }
    if let Err(mistake) = crate::screen::load(config.screening.directory.as_deref()) {
        note("screening.directory", mistake);
    }
    check_carriers(config, &mut note);
    check_routes(config, &mut note);
}

/// The longest wait that is no mistake of unit.
const DAY_MS: u64 = 86_400_000;

/// Keys whose numbers have bounds, with these.
fn bounds(config: &Config) -> Vec<(&'static str, u64, u64, u64)> {
    let (api, limits, dispatch) = (&config.api, &config.limits, &config.dispatch);
    let slowest = config.carrier.iter().map(carrier::CarrierConfig::response_timeout_secs).max().unwrap_or(0);
    vec![
        ("api.connections_max", api.connections_max as u64, 1, 1_000_000),
        ("api.head_timeout_secs", api.head_timeout_secs, 1, 3_600),
        ("api.body_timeout_secs", api.body_timeout_secs, 1, 3_600),
        ("api.body_bytes_max", api.body_bytes_max as u64, 1_024, 64 << 20),
        ("api.broadcast_body_bytes_max", api.broadcast_body_bytes_max as u64, 1_024, 64 << 20),
        // hyper reads heads into a buffer of at least this size.
        ("api.head_bytes_max", api.head_bytes_max as u64, 8_192, 1 << 20),
        ("limits.sms_characters_max", limits.sms_characters_max as u64, 1, 9_000),
        ("limits.mms_characters_max", limits.mms_characters_max as u64, 1, 9_000),
        ("limits.idempotency_hours", limits.idempotency_hours, 1, 168),
        ("limits.daily_quota", limits.daily_quota, 0, crate::admin::QUOTA_MAX),
        ("limits.max_recipients", limits.max_recipients as u64, 1, 1_000_000),
        ("media.keep_hours", config.media.keep_hours, 1, 8_760),
        ("media.timeout_seconds", config.media.timeout_seconds, 1, 300),
        ("media.fetches_per_account", config.media.fetches_per_account as u64, 1, config.media.fetches_max as u64),
        ("media.fetches_max", config.media.fetches_max as u64, 1, 10_000),
        ("screening.log_per_account_max", config.screening.log_per_account_max, 1, 10_000_000),
        ("screening.log_days", config.screening.log_days, 1, 3_650),
        ("dispatch.validity_secs", dispatch.validity_secs, 1, 30 * 86_400),
        ("dispatch.queue_max", dispatch.queue_max as u64, 1, 10_000_000),
        ("dispatch.queue_per_account_max", dispatch.queue_per_account_max as u64, 1, 10_000_000),
        ("dispatch.lease_secs", dispatch.lease_secs, slowest.saturating_mul(2).saturating_add(30), 86_400),
        ("dispatch.batch", dispatch.batch as u64, 1, 10_000),
        ("dispatch.poll_ms", dispatch.poll_ms, 10, 60_000),
        ("dispatch.retry_floor_ms", dispatch.retry_floor_ms, 1, DAY_MS),
        ("dispatch.retry_ceiling_ms", dispatch.retry_ceiling_ms, 1, DAY_MS),
        ("dispatch.attempts_per_carrier", u64::from(dispatch.attempts_per_carrier), 1, 1_000),
        ("dispatch.fallback_after_secs", dispatch.fallback_after_secs, 0, 86_400),
        ("dispatch.broadcast_lookahead_max", dispatch.broadcast_lookahead_max as u64, 16, 1_000_000),
        ("dispatch.broadcast_batch", dispatch.broadcast_batch as u64, 1, 10_000),
        ("receipts.parked_max", config.receipts.parked_max, 0, 1_000_000),
        ("receipts.parked_bytes_max", config.receipts.parked_bytes_max, 65_536, 1 << 30),
        ("receipts.parked_hours", config.receipts.parked_hours, 1, 720),
        ("dispatch.drain_secs", dispatch.drain_secs, 0, 3_600),
    ]
}

fn check_carriers(config: &Config, note: &mut impl FnMut(&str, String)) {
    let mut names = HashSet::new();
    let mut listeners = HashSet::from([config.api.listen, config.admin.listen]);
    for (index, carrier) in config.carrier.iter().enumerate() {
        for mistake in carrier.validate().err().into_iter().chain(carrier.check_files()).flat_map(|error| error.mistakes) {
            note(&format!("carrier[{index}].{}", mistake.key), mistake.what);
        }
        if !names.insert(carrier.name()) {
            note(&format!("carrier[{index}].name"), format!("`{}` is the name of another carrier", carrier.name()));
        }
        if carrier.listen().is_some_and(|at| at.port() != 0 && !listeners.insert(at)) {
            note(&format!("carrier[{index}].listen"), "is where something else of this file listens".to_owned());
        }
        if carrier.name() == pipeline::SANDBOX {
            note(&format!("carrier[{index}].name"), format!("`{}` is the name of the built-in carrier", carrier.name()));
        }
    }
}

fn check_routes(config: &Config, note: &mut impl FnMut(&str, String)) {
    for (index, route) in config.route.iter().enumerate() {
        let digits = route.prefix.strip_prefix('+');
        if !route.prefix.is_empty() && digits.is_none_or(|digits| !digits.bytes().all(|byte| byte.is_ascii_digit())) {
            note(&format!("route[{index}].prefix"), format!("`{}` is not `+` and digits", route.prefix));
        }
        if route.carriers.is_empty() {
            note(&format!("route[{index}].carriers"), "names no carrier".to_owned());
        }
        for name in &route.carriers {
            let key = format!("route[{index}].carriers");
            match (config.carrier.iter().find(|carrier| carrier.name() == name), route.kind.map(RouteType::message_type)) {
                (None, _) => note(&key, format!("there is no carrier `{name}`")),
                (Some(carrier), Some(kind)) if !carrier.carries(kind) => note(&key, format!("`{name}` does not carry {}", kind.as_str())),
                (Some(_), _) => {}
            }
        }
    }
}
