//! The part of a host under which names are registered, by the public suffix list.
//!
//! The list is code: a `match` with an arm for each of some ten thousand names. One function asks it, because the
//! compiler makes all of it again for each function that does. A release does not optimise this crate: that would take
//! nine seconds, and a lookup takes 150 ns.

use psl::Suffix;

#[inline(never)]
fn suffix(host: &str) -> Option<Suffix<'_>> {
    psl::suffix(host.as_bytes())
}

/// Whether the list has the end of `host`.
pub fn is_listed(host: &str) -> bool {
    suffix(host).is_some_and(|suffix| suffix.is_known())
}

/// The labels of `host` in front of its suffix: `shop.example` of `shop.example.co.uk`.
pub fn labels(host: &str) -> &str {
    let suffix = suffix(host).map_or(0, |suffix| suffix.trim().as_bytes().len() + 1);
    &host[..host.len().saturating_sub(suffix)]
}

/// The registered name: `example.co.uk` of `shop.example.co.uk`. A host that is a suffix, or has none, is returned as
/// it is.
pub fn registrable(host: &str) -> &str {
    let Some(suffix) = suffix(host) else { return host };
    let name = host.strip_suffix('.').filter(|_| suffix.is_fqdn()).unwrap_or(host);
    let before = name.len() - suffix.trim().as_bytes().len();
    match name[..before].strip_suffix('.') {
        Some(labels) => &name[labels.rfind('.').map_or(0, |dot| dot + 1)..],
        None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_registered_name_and_labels_before_its_suffix() {
        for (host, name, before) in [
            ("shop.example.co.uk", "example.co.uk", "shop.example"),
            ("example.com", "example.com", "example"),
            ("www.example.com", "example.com", "www.example"),
            ("me.github.io", "me.github.io", "me"),
            ("a.b.nowhere", "b.nowhere", "a.b"),
            ("co.uk", "co.uk", ""),
            ("localhost", "localhost", ""),
            ("", "", ""),
            (".com", ".com", ""),
            ("www.example.com.", "example.com", "www.example."),
            ("com.", "com.", ""),
            ("bücher.example.com", "example.com", "bücher.example"),
        ] {
            assert_eq!(registrable(host), name, "{host}");
            assert_eq!(labels(host), before, "{host}");
        }
    }

    #[test]
    fn a_host_is_listed_by_its_end() {
        for (host, listed) in [("example.co.uk", true), ("example.nowhere", false), ("co.uk", true), ("", false)] {
            assert_eq!(is_listed(host), listed, "{host}");
        }
    }
}
