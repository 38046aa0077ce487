//! Requests that are answered: those from this machine, and none from a page of another site.
//!
//! A browser sends what any page tells it to, to this machine too, and a page may give its own name the address of this
//! machine (DNS rebinding). So the name that a request is for has to be one of this machine, and what a browser says
//! about where a request comes from has to be this very address. A link from elsewhere may open a page, which the other
//! site cannot read. A form has to say where it comes from, as browsers always do, because a page of any site can send
//! one without asking first.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Uri};

use super::answer::Refusal;

/// Where a browser says that a request comes from (Fetch Metadata, 2.1).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// What a browser wants the answer for (2.2 and 2.3).
const SEC_FETCH_MODE: &str = "sec-fetch-mode";
const SEC_FETCH_DEST: &str = "sec-fetch-dest";

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A call of the API, or a part of a page.
    Data,
    /// To show a page.
    Page,
    /// To do what a form says.
    Form,
}

/// Refuses what does not come from this machine, or comes from a page of another site.
pub(super) fn check(headers: &HeaderMap, uri: &Uri, peer: SocketAddr, purpose: Purpose) -> Result<(), Refusal> {
    let refused = |word, sentence: &str| Err(Refusal::new(StatusCode::FORBIDDEN, word, sentence));
    if !peer.ip().to_canonical().is_loopback() {
        return refused("not_this_machine", "the telephones answer this machine alone");
    }
    let mut hosts = headers.get_all(HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok()).filter(|_| hosts.next().is_none());
    let is_ours = named.is_some_and(is_of_this_machine);
    let target = uri.authority().map(hyper::http::uri::Authority::as_str);
    if !is_ours || target.is_some_and(|target| !is_of_this_machine(target)) {
        return refused("wrong_host", "the `Host` is localhost or a loopback address such as 127.0.0.1");
    }
    if purpose == Purpose::Page && is_followed_link(headers) {
        return Ok(());
    }
    let sites = headers.get_all(SEC_FETCH_SITE);
    if sites.iter().any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) {
        return refused("cross_site", "a page of another site asks: `Sec-Fetch-Site` is neither same-origin nor none");
    }
    let own = named.unwrap_or_default();
    let is_own =
        |origin: &[u8]| origin.strip_prefix(b"http://").is_some_and(|host| host.eq_ignore_ascii_case(own.as_bytes()));
    if headers.get_all(ORIGIN).iter().any(|origin| !is_own(origin.as_bytes())) {
        return refused("cross_site", "a page of another site asks: its `Origin` is not this address");
    }
    if purpose == Purpose::Form && !headers.contains_key(ORIGIN) {
        return refused("no_origin", "a form comes with its `Origin`; programs use the API under /dev/phones");
    }
    Ok(())
}

/// Whether a person has followed a link, perhaps from another site, which reads nothing of the page.
fn is_followed_link(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|given| given.as_bytes() == value.as_bytes());
    is(SEC_FETCH_MODE, "navigate") && is(SEC_FETCH_DEST, "document")
}

/// Whether a host, with or without a port, can only be this machine.
fn is_of_this_machine(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address, port),
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    let is_name = name.eq_ignore_ascii_case("localhost");
    is_port && (is_name || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(peer: &str, lines: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        checked_for(Purpose::Data, peer, lines)
    }

    fn checked_for(purpose: Purpose, peer: &str, lines: &[(&'static str, &'static str)]) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        check(&headers, &Uri::from_static("/dev"), peer.parse().unwrap(), purpose).map_err(|refusal| refusal.word)
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, is_ours) in [
            ("127.0.0.1:8081", true),
            ("127.9.9.9", true),
            ("localhost:8081", true),
            ("LocalHost", true),
            ("[::1]:8081", true),
            ("[::1]", true),
            ("evil.example:8081", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("10.0.0.1:8081", false),
            ("127.0.0.1:8081@evil.example", false),
            ("", false),
        ] {
            let expected = if is_ours { Ok(()) } else { Err("wrong_host") };
            assert_eq!(checked("127.0.0.1:5", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(checked("127.0.0.1:5", &[]), Err("wrong_host"));
        assert_eq!(checked("127.0.0.1:5", &[("host", "localhost"), ("host", "localhost")]), Err("wrong_host"));
        assert_eq!(checked("10.0.0.1:5", &[("host", "localhost")]), Err("not_this_machine"));
        assert_eq!(checked("[::ffff:127.0.0.1]:5", &[("host", "localhost")]), Ok(()));
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:8081");
        for (line, passes) in [
            (("sec-fetch-site", "same-origin"), true),
            (("sec-fetch-site", "none"), true),
            (("sec-fetch-site", "same-site"), false),
            (("sec-fetch-site", "cross-site"), false),
            (("origin", "http://127.0.0.1:8081"), true),
            (("origin", "http://127.0.0.1:3000"), false),
            (("origin", "http://localhost:8081"), false),
            (("origin", "https://evil.example"), false),
            (("origin", "null"), false),
        ] {
            let expected = if passes { Ok(()) } else { Err("cross_site") };
            assert_eq!(checked("127.0.0.1:5", &[HOST, line]), expected, "{line:?}");
        }
    }

    #[test]
    fn a_link_from_elsewhere_opens_a_page_and_nothing_else() {
        const LINK: [(&str, &str); 4] = [
            ("host", "127.0.0.1:8081"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(checked_for(Purpose::Page, "127.0.0.1:5", &LINK), Ok(()));
        assert_eq!(checked_for(Purpose::Page, "127.0.0.1:5", &LINK[..3]), Err("cross_site"), "not within a frame");
        for purpose in [Purpose::Data, Purpose::Form] {
            assert_eq!(checked_for(purpose, "127.0.0.1:5", &LINK), Err("cross_site"), "{purpose:?}");
        }
    }

    #[test]
    fn a_form_says_where_it_comes_from() {
        const HOST: (&str, &str) = ("host", "localhost:8081");
        for (lines, expected) in [
            (&[HOST, ("origin", "http://localhost:8081")][..], Ok(())),
            (&[HOST], Err("no_origin")),
            (&[HOST, ("sec-fetch-site", "same-origin")], Err("no_origin")),
            (&[HOST, ("origin", "null")], Err("cross_site")),
            (&[HOST, ("origin", "http://localhost:3000"), ("sec-fetch-site", "same-site")], Err("cross_site")),
        ] {
            assert_eq!(checked_for(Purpose::Form, "127.0.0.1:5", lines), expected, "{lines:?}");
        }
    }
}
