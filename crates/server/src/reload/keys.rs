//! Every key of the configuration's sections, and whether a running server takes it over. `docs/operations.md` has the
//! same table for people.

use config::Config;

/// When another value of a key takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// With the reload.
    Live,
    /// With the next start.
    Restart,
}

/// A key of a section.
pub struct Key {
    /// Its path, such as `api.listen`.
    pub name: &'static str,
    /// When it takes effect.
    pub effect: Effect,
    differs: fn(&Config, &Config) -> bool,
    take: fn(&mut Config, &Config),
}

impl Key {
    /// Whether two configurations have different values.
    pub fn differs(&self, one: &Config, other: &Config) -> bool {
        (self.differs)(one, other)
    }

    /// Puts the value of `new` into `running`.
    pub fn take(&self, running: &mut Config, new: &Config) {
        (self.take)(running, new);
    }
}

macro_rules! keys {
    ($($effect:ident $section:ident { $($key:ident)* })*) => {
        &[$($(Key {
            name: concat!(stringify!($section), ".", stringify!($key)),
            effect: Effect::$effect,
            differs: |one, other| one.$section.$key != other.$section.$key,
            take: |running, new| running.$section.$key.clone_from(&new.$section.$key),
        },)*)*]
    };
}

/// The keys of all sections. Carriers and routes are compared as a whole.
pub const KEYS: &[Key] = keys! {
    Live api {
        tls_cert tls_key plain_http connections_max connections_per_address head_timeout_secs write_timeout_secs
        head_bytes_max sender_kinds
    }
    Restart api {
        listen docs_base_url public_url trusted_proxies body_timeout_secs body_bytes_max broadcast_body_bytes_max
        twilio
    }
    Live admin { plain_http token token_file connections_max }
    Restart admin { listen }
    Restart keys { pepper pepper_file previous_pepper previous_pepper_file }
    Restart store { url index_after_secs }
    Restart cluster { node redis }
    Live limits {
        message_per_minute broadcast_per_minute read_per_minute failed_auth_per_minute daily_quota max_recipients
        sms_characters_max mms_characters_max
        idempotency_hours
    }
    Restart media {
        directory url s3_endpoint s3_region s3_access_key s3_secret_key s3_secret_key_file
        keep_hours allow_networks deny_networks ports timeout_seconds user_agent fetches_per_account
        fetches_max
    }
    Restart webhooks { allow_http allow_networks timeout_secs requests_max keep_days }
    Restart console { url proxy_header }
    Restart audit { keep_days }
    Live screening { directory log_per_account_max }
    Restart screening { log_days }
    Live dispatch { validity_secs drain_secs }
    Restart dispatch {
        queue_max queue_per_account_max account_rate lease_secs batch poll_ms retry_floor_ms retry_ceiling_ms
        attempts_per_carrier fallback_after_secs
        broadcast_lookahead_max broadcast_batch
    }
    Live receipts { parked_max parked_bytes_max }
    Restart receipts { parked_hours }
    Live inbound { parts_wait_secs unrouted_keep_days }
    Live retention { texts_days messages_days receipt_keys_days }
    Live log { level requests }
    Restart log { format lines_per_second }
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use config::DEFAULTS;

    /// The keys that the embedded defaults name, those behind a `#` included.
    fn documented() -> BTreeSet<String> {
        let mut section = "";
        let mut keys = BTreeSet::new();
        for line in DEFAULTS.lines().take_while(|line| *line != "# [[carrier]]") {
            let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let is_name = |text: &str| !text.is_empty() && text.bytes().all(is_of_name);
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
            } else if let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ")
                && is_name(name)
            {
                keys.insert(format!("{section}.{name}"));
            }
        }
        keys
    }

    #[test]
    fn every_key_has_its_effect() {
        let known: BTreeSet<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        assert_eq!(known.len(), KEYS.len(), "no key stands twice");
        assert_eq!(known, documented());
    }

    #[test]
    fn the_operators_table_says_the_same() {
        let (_, table) =
            include_str!("../../../../docs/operations.md").split_once("\n| key | takes effect | notes |\n").unwrap();
        for key in KEYS {
            let name = format!("`{}`", key.name);
            let row = table
                .lines()
                .find(|line| line.starts_with("| `") && line.contains(&name))
                .unwrap_or_else(|| panic!("{name} is in no row"));
            let effect = match key.effect {
                Effect::Live => "| live |",
                Effect::Restart => "| restart |",
            };
            assert!(row.contains(effect), "{name} is {:?}: {row}", key.effect);
        }
    }
}
