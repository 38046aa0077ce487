//! Where the service listens: no two listeners on one port, and nothing beyond loopback without TLS unless the operator
//! says so.

use std::net::SocketAddr;

use super::Config;

/// Notes every mistake about listeners.
pub(super) fn check(config: &Config, note: &mut impl FnMut(&str, String)) {
    let listeners = config.listeners();
    for (index, (key, at)) in listeners.iter().enumerate() {
        if at.port() == 0 {
            note(key, "has port 0, for which the system chooses another port at each start".to_owned());
        } else if let Some((other, _)) = listeners[..index].iter().find(|(_, other)| collide(*at, *other)) {
            note(key, format!("is {at}, the address of `{other}`"));
        }
    }
    let tls = config.api.tls_cert.is_some() && config.api.tls_key.is_some();
    if !config.api.listen.ip().is_loopback() && !tls && !config.api.plain_http {
        let way = "give `api.tls_cert` and `api.tls_key`, or set `api.plain_http = true` if a proxy in front does TLS";
        note("api.listen", format!("is beyond loopback without TLS, and keys would be sent in clear text: {way}"));
    }
    if !config.admin.listen.ip().is_loopback() && !config.admin.plain_http {
        let way = "listen on loopback, or set `admin.plain_http = true` if a tunnel or a proxy protects the connection";
        note(
            "admin.listen",
            format!("is beyond loopback without TLS, and the token would be sent in clear text: {way}"),
        );
    }
}

impl Config {
    /// Every listener, by its key.
    pub fn listeners(&self) -> Vec<(String, SocketAddr)> {
        let own = [("api.listen".to_owned(), self.api.listen), ("admin.listen".to_owned(), self.admin.listen)];
        let carriers = self
            .carrier
            .iter()
            .enumerate()
            .filter_map(|(index, carrier)| Some((format!("carrier[{index}].listen"), carrier.listen()?)));
        own.into_iter().chain(carriers).collect()
    }
}

/// Whether the second of two listeners would find its port taken. Who listens on all addresses takes the port on each
/// of them, and on Linux `[::]` takes it for IPv4 too.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = |at: SocketAddr, beside: SocketAddr| {
        at.ip().is_unspecified() && (at.is_ipv6() || beside.is_ipv4() || beside.ip().is_unspecified())
    };
    one.port() == other.port() && (one.ip() == other.ip() || everywhere(one, other) || everywhere(other, one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_on_all_addresses_is_taken_on_each() {
        for (one, other, collides) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "[::1]:80", true),
            ("0.0.0.0:80", "[::]:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
        ] {
            let (one, other): (SocketAddr, SocketAddr) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((collide(one, other), collide(other, one)), (collides, collides), "{one} {other}");
        }
    }
}
