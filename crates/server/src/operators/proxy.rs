//! Operators whom a proxy has signed in: it names them in a header, which is believed from trusted networks alone.

use std::net::IpAddr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The operator whom a trusted proxy names. `None` where `header` is empty, where the connection is not from a trusted
/// network, and where the header stands twice: nobody knows then which of the two the proxy wrote.
pub(crate) fn named<'h>(header: &str, peer: IpAddr, headers: &'h HeaderMap, trusted: &[IpNet]) -> Option<&'h str> {
    let peer = peer.to_canonical();
    if header.is_empty() || !trusted.iter().any(|network| network.contains(&peer)) {
        return None;
    }
    let mut lines = headers.get_all(header).iter();
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    line.to_str().ok().map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_believed_once_and_from_a_trusted_network() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-user", " ada ".parse().unwrap());
        let name = |header, peer: &str, headers: &HeaderMap| {
            named(header, peer.parse().unwrap(), headers, &trusted).map(str::to_owned)
        };
        assert_eq!(name("X-Forwarded-User", "10.0.0.1", &headers).as_deref(), Some("ada"));
        assert_eq!(name("X-Forwarded-User", "::ffff:10.0.0.1", &headers).as_deref(), Some("ada"));
        assert_eq!(name("X-Forwarded-User", "192.0.2.1", &headers), None);
        assert_eq!(name("", "10.0.0.1", &headers), None);
        assert_eq!(name("X-Other", "10.0.0.1", &headers), None);
        headers.append("x-forwarded-user", "eve".parse().unwrap());
        assert_eq!(name("X-Forwarded-User", "10.0.0.1", &headers), None, "twice");
    }
}
