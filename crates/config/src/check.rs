//! Checks of a configuration beyond its types.

use std::collections::HashSet;
use std::net::Ipv6Addr;
use std::path::{Component, Path};

use fetch::UserAgent;
use http::Uri;
use ipnet::IpNet;
use model::TextRetention;
use pipeline::lease;
use pipeline::rules::Rules;

use super::console_url::ConsoleUrl;
use super::mistake::Mistake;
use super::{Config, RouteType, listeners, log_filter};

/// Notes every mistake.
pub(super) fn check(config: &Config, mistakes: &mut Vec<Mistake>) {
    let mut note = |key: &str, what: String| mistakes.push(Mistake { key: key.to_owned(), line: None, what });
    listeners::check(config, &mut note);
    check_texts(config, &mut note);
    check_networks(config, &mut note);
    if config.api.tls_cert.is_some() != config.api.tls_key.is_some() {
        note("api.tls_cert", "is valid only together with `api.tls_key`".to_owned());
    }
    if !config.cluster.node.is_empty() && !is_name(&config.cluster.node) {
        note(
            "cluster.node",
            format!("has other characters than letters, digits, `.`, `_` and `-`, or more than {NAME_MAX}"),
        );
    }
    for (key, value, least, most) in bounds(config) {
        if !(least..=most).contains(&value) {
            note(key, format!("is {value}, and not between {least} and {most}"));
        }
    }
    let (floor_ms, ceiling_ms) = (config.dispatch.retry_floor_ms, config.dispatch.retry_ceiling_ms);
    if floor_ms > ceiling_ms {
        note(
            "dispatch.retry_floor_ms",
            format!("is {floor_ms}, and above `dispatch.retry_ceiling_ms`, which is {ceiling_ms}"),
        );
    }
    if config.api.sender_kinds.is_empty() {
        note("api.sender_kinds", "names no kind of sender: nothing could be sent".to_owned());
    }
    if config.media.ports.is_empty() || config.media.ports.contains(&0) {
        note("media.ports", "names no port, or port 0".to_owned());
    }
    if !is_own_directory(&config.media.directory) {
        note("media.directory", "is empty or the root of the file system: name a directory for media alone".to_owned());
    }
    check_secrets(config, &mut note);
    if !config.media.user_agent.is_empty() && UserAgent::parse(&config.media.user_agent).is_none() {
        note(
            "media.user_agent",
            format!("is not 1 to {} visible ASCII characters or spaces between them", UserAgent::CHARACTERS_MAX),
        );
    }
    check_console(config, &mut note);
    // The program's own data is sound, and a start loads it later.
    if let Some(directory) = &config.screening.directory
        && let Err(mistake) = crate::screen::load(Some(directory))
    {
        note("screening.directory", mistake);
    }
    if (1..MESSAGES_DAYS_MIN).contains(&config.retention.messages_days) {
        note(
            "retention.messages_days",
            format!(
                "is {}, and must be 0 or at least {MESSAGES_DAYS_MIN}, since idempotency keys are remembered for up to \
                 a week and need their messages",
                config.retention.messages_days
            ),
        );
    }
    check_carriers(config, &mut note);
    check_routes(config, &mut note);
}

/// Whether a path names a directory other than the root. In an empty one, files would lie wherever the process was
/// started.
fn is_own_directory(path: &Path) -> bool {
    let leads_to_root = path.has_root()
        && path.components().all(|part| matches!(part, Component::RootDir | Component::CurDir | Component::ParentDir));
    !path.as_os_str().is_empty() && !leads_to_root
}

/// The longest wait that is no mistake of unit.
const DAY_MS: u64 = 86_400_000;

/// The longest rule of `[retention]`, in days.
const DAYS_MAX: u64 = TextRetention::DAYS_MAX as u64;

/// A message is kept for longer than the longest time for which an idempotency key is remembered, in days.
const MESSAGES_DAYS_MIN: u16 = 8;

/// The keys with a range, and their ranges.
fn bounds(config: &Config) -> Vec<(&'static str, u64, u64, u64)> {
    let (api, limits, dispatch, retention) = (&config.api, &config.limits, &config.dispatch, &config.retention);
    let slowest = config.carrier.iter().map(carrier::CarrierConfig::answers_within).max().unwrap_or_default();
    vec![
        ("api.connections_max", api.connections_max as u64, 1, 1_000_000),
        ("api.connections_per_address", api.connections_per_address as u64, 1, 1_000_000),
        ("api.write_timeout_secs", api.write_timeout_secs, 1, 3_600),
        ("admin.connections_max", config.admin.connections_max as u64, 2, 10_000),
        ("log.lines_per_second", u64::from(config.log.lines_per_second), 1, 100_000),
        ("api.head_timeout_secs", api.head_timeout_secs, 1, 3_600),
        ("api.body_timeout_secs", api.body_timeout_secs, 1, 3_600),
        ("api.body_bytes_max", api.body_bytes_max as u64, 1_024, 64 << 20),
        ("api.broadcast_body_bytes_max", api.broadcast_body_bytes_max as u64, 1_024, 64 << 20),
        ("webhooks.timeout_secs", config.webhooks.timeout_secs, 1, 60),
        ("webhooks.requests_max", config.webhooks.requests_max as u64, 8, 4_096),
        ("webhooks.keep_days", config.webhooks.keep_days, 1, 30),
        // hyper reads heads into a buffer of at least this size.
        ("api.head_bytes_max", api.head_bytes_max as u64, 8_192, 1 << 20),
        ("limits.message_per_minute", limits.message_per_minute.into(), 1, u32::MAX.into()),
        ("limits.broadcast_per_minute", limits.broadcast_per_minute.into(), 1, u32::MAX.into()),
        ("limits.read_per_minute", limits.read_per_minute.into(), 1, u32::MAX.into()),
        ("limits.failed_auth_per_minute", limits.failed_auth_per_minute.into(), 1, u32::MAX.into()),
        // Ten years: never.
        ("store.index_after_secs", config.store.index_after_secs, 0, 315_360_000),
        ("limits.sms_characters_max", limits.sms_characters_max as u64, 1, 9_000),
        ("limits.mms_characters_max", limits.mms_characters_max as u64, 1, 9_000),
        ("limits.idempotency_hours", limits.idempotency_hours, 1, 168),
        ("limits.daily_quota", limits.daily_quota, 0, model::quota::QUOTA_MAX),
        ("limits.max_recipients", limits.max_recipients as u64, 1, 1_000_000),
        ("media.keep_hours", config.media.keep_hours, 1, 8_760),
        ("media.timeout_seconds", config.media.timeout_seconds, 1, 300),
        ("media.fetches_per_account", config.media.fetches_per_account as u64, 1, config.media.fetches_max as u64),
        ("media.fetches_max", config.media.fetches_max as u64, 1, 10_000),
        ("screening.log_per_account_max", config.screening.log_per_account_max, 1, 10_000_000),
        ("audit.keep_days", config.audit.keep_days, 1, 36_500),
        ("screening.log_days", config.screening.log_days, 1, 3_650),
        ("dispatch.validity_secs", dispatch.validity_secs, 1, 30 * 86_400),
        ("dispatch.queue_max", dispatch.queue_max as u64, 1, 10_000_000),
        ("dispatch.queue_per_account_max", dispatch.queue_per_account_max as u64, 1, 10_000_000),
        ("dispatch.lease_secs", dispatch.lease_secs, lease::shortest(slowest).as_secs(), 86_400),
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
        ("inbound.parts_wait_secs", config.inbound.parts_wait_secs, 10, 86_400),
        ("inbound.unrouted_keep_days", config.inbound.unrouted_keep_days, 1, 365),
        ("dispatch.drain_secs", dispatch.drain_secs, 0, 3_600),
        ("retention.texts_days", retention.texts_days.into(), 0, DAYS_MAX),
        ("retention.messages_days", retention.messages_days.into(), 0, DAYS_MAX),
        ("retention.receipt_keys_days", retention.receipt_keys_days.into(), 0, DAYS_MAX),
    ]
}

/// Each secret is given once: by itself, or by a file that holds it.
fn check_secrets(config: &Config, note: &mut impl FnMut(&str, String)) {
    for (key, both) in [
        ("keys.pepper", config.keys.pepper.is_some() && config.keys.pepper_file.is_some()),
        ("keys.previous_pepper", config.keys.previous_pepper.is_some() && config.keys.previous_pepper_file.is_some()),
        ("admin.token", config.admin.token.is_some() && config.admin.token_file.is_some()),
        ("media.s3_secret_key", config.media.s3_secret_key.is_some() && config.media.s3_secret_key_file.is_some()),
    ] {
        if both {
            note(key, format!("is given, and so is `{key}_file`: give one of them"));
        }
    }
}

/// The address of the console for browsers, and the header that names operators.
fn check_console(config: &Config, note: &mut impl FnMut(&str, String)) {
    if ConsoleUrl::parse(&config.console.url).is_none() {
        note("console.url", "is not an address such as https://sms.example.com, without a path".to_owned());
    }
    let header = &config.console.proxy_header;
    if !header.is_empty() && http::HeaderName::from_bytes(header.as_bytes()).is_err() {
        note("console.proxy_header", "is not the name of a header".to_owned());
    }
    if !header.is_empty() && config.api.trusted_proxies.is_empty() {
        let way = "name the networks of the proxy in `api.trusted_proxies`";
        note("console.proxy_header", format!("has no effect: {way}"));
    }
}

/// Checks of texts that the types do not check.
fn check_texts(config: &Config, note: &mut impl FnMut(&str, String)) {
    if let Err(what) = log_filter::parse(&config.log.level) {
        note("log.level", what);
    }
    if let Err(error) = store::path_of(&config.store.url) {
        note("store.url", error.to_string());
    }
    check_valkey(config, note);
    check_base("api.docs_base_url", &config.api.docs_base_url, note);
    if !config.api.public_url.is_empty() {
        check_base("api.public_url", &config.api.public_url, note);
    }
}

/// A Valkey, which only a store that nodes share has a use for.
fn check_valkey(config: &Config, note: &mut impl FnMut(&str, String)) {
    let url = &config.cluster.redis;
    if url.is_empty() {
        return;
    }
    if let Err(error) = store::postgres::valkey::understand(url) {
        note("cluster.redis", error.to_string());
    } else if store::path_of(&config.store.url).is_ok_and(|path| path.is_some()) {
        let what = "needs a `store.url` of PostgreSQL: SQLite is used by one node, which counts in memory";
        note("cluster.redis", what.to_owned());
    }
}

/// An address that others are put behind.
fn check_base(key: &str, base: &str, note: &mut impl FnMut(&str, String)) {
    let is_base = base.parse::<Uri>().is_ok_and(|url| {
        let has_host = url.host().is_some_and(|host| !host.is_empty())
            && url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        matches!(url.scheme_str(), Some("http" | "https")) && has_host && url.query().is_none()
    });
    if !is_base || base.ends_with('/') || base.contains(['#', '"', '<', '>', '\'']) {
        let what = "must be `http://` or `https://`, a host and perhaps a path, without a slash at its end";
        note(key, what.to_owned());
    }
}

/// Networks that would take a protection away as a whole.
fn check_networks(config: &Config, note: &mut impl FnMut(&str, String)) {
    // The widest private networks are fc00::/7 and 10.0.0.0/8.
    const NARROWEST_TOO_WIDE: u8 = 6;
    let too_wide =
        |networks: &[IpNet]| networks.iter().find(|network| own_prefix_len(**network) <= NARROWEST_TOO_WIDE).copied();
    if let Some(network) = too_wide(&config.media.allow_networks) {
        note(
            "media.allow_networks",
            format!(
                "has {network}, which would let media URLs reach every host inside: name the networks that you mean"
            ),
        );
    }
    if let Some(network) = too_wide(&config.webhooks.allow_networks) {
        note(
            "webhooks.allow_networks",
            format!("has {network}, which would let webhooks reach every host inside: name the networks that you mean"),
        );
    }
    if let Some(network) = too_wide(&config.api.trusted_proxies) {
        note(
            "api.trusted_proxies",
            format!("has {network}, so that every client could choose its address: name your proxies"),
        );
    }
}

/// How long a network's prefix is. Where IPv6 stands for IPv4 (RFC 4291, section 2.5.5.2, and RFC 6052), that of the
/// network of IPv4.
fn own_prefix_len(network: IpNet) -> u8 {
    const STAND_FOR_IPV4: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0, 0, 0, 0, 0, 0xFFFF, 0, 0), Ipv6Addr::new(0x64, 0xFF9B, 0, 0, 0, 0, 0, 0)];
    match network {
        IpNet::V6(network) if STAND_FOR_IPV4.iter().any(|mapped| network.contains(mapped)) => {
            network.prefix_len().saturating_sub(96)
        }
        network => network.prefix_len(),
    }
}

fn check_carriers(config: &Config, note: &mut impl FnMut(&str, String)) {
    let mut names = HashSet::new();
    for (index, carrier) in config.carrier.iter().enumerate() {
        for mistake in
            carrier.validate().err().into_iter().chain(carrier.check_files()).flat_map(|error| error.mistakes)
        {
            note(&format!("carrier[{index}].{}", mistake.key), mistake.what);
        }
        if !names.insert(carrier.name()) {
            note(&format!("carrier[{index}].name"), format!("`{}` is the name of another carrier", carrier.name()));
        }
        // It stands in paths, in labels of metrics and in tables.
        if !carrier.name().is_empty() && !is_name(carrier.name()) {
            note(
                &format!("carrier[{index}].name"),
                format!("has more than {NAME_MAX} characters, or others than letters, digits, `.`, `_` and `-`"),
            );
        }
        if let Some((host, port)) = carrier.peer() {
            if port == 0 {
                note(&format!("carrier[{index}].port"), "is 0, which is not a port for connections".to_owned());
            }
            if !is_host(host) {
                note(
                    &format!("carrier[{index}].host"),
                    "is neither a name nor an address; the port belongs in its own key".to_owned(),
                );
            }
        }
        if carrier.name() == pipeline::SANDBOX {
            note(
                &format!("carrier[{index}].name"),
                format!("`{}` is the name of the built-in carrier", carrier.name()),
            );
        }
    }
}

/// The longest name of a carrier, in characters.
const NAME_MAX: usize = 64;

fn is_name(text: &str) -> bool {
    text.len() <= NAME_MAX && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether a text can be a host's name or address. An empty one is missing, which is another mistake.
fn is_host(text: &str) -> bool {
    let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte) || !byte.is_ascii());
    text.is_empty() || is_name || text.parse::<std::net::IpAddr>().is_ok()
}

fn check_routes(config: &Config, note: &mut impl FnMut(&str, String)) {
    let rules = config.rules();
    for (index, route) in config.route.iter().enumerate() {
        let digits = route.prefix.strip_prefix('+');
        if !route.prefix.is_empty() && digits.is_none_or(|digits| !digits.bytes().all(|byte| byte.is_ascii_digit())) {
            note(&format!("route[{index}].prefix"), format!("`{}` is not `+` and digits", route.prefix));
        }
        if let Some(earlier) = Rules::new(&rules, &config.carrier).decided_by(index) {
            note(
                &format!("route[{index}].prefix"),
                format!("never decides, because route {} before it takes all of its messages", earlier + 1),
            );
        }
        if let Some(twice) = route.carriers.iter().enumerate().find(|(at, name)| route.carriers[..*at].contains(name)) {
            note(&format!("route[{index}].carriers"), format!("names `{}` twice", twice.1));
        }
        if route.carriers.is_empty() {
            note(&format!("route[{index}].carriers"), "names no carrier".to_owned());
        }
        for name in &route.carriers {
            let key = format!("route[{index}].carriers");
            match (
                config.carrier.iter().find(|carrier| carrier.name() == name),
                route.kind.map(RouteType::message_type),
            ) {
                (None, _) => note(&key, format!("there is no carrier `{name}`")),
                (Some(carrier), Some(kind)) if !carrier.carries(kind) => {
                    note(&key, format!("`{name}` does not carry {}", kind.as_str()));
                }
                (Some(_), _) => {}
            }
        }
    }
}
