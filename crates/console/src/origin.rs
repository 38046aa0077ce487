//! Whether a request is this console's own: which host it names, and which page has sent it.
//!
//! Any page on the web can make a browser send requests to a console on loopback, and can give loopback a name of its
//! own (DNS rebinding). The session's cookie does not come along across sites; these checks hold without it.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method};

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It names a host that this console does not have.
    Host,
    /// Another page has sent it.
    Page,
}

impl Foreign {
    /// In words for the person in front of the browser.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Host => "The console does not answer under this host name. Open it as localhost, 127.0.0.1 or [::1]",
            Self::Page => "Another website has sent this request. Nothing was done",
        }
    }
}

/// Judges the head of a request. `hosts` are names without ports beside those of loopback.
pub(crate) fn judge(method: &Method, headers: &HeaderMap, hosts: &[String]) -> Result<(), Foreign> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authority = text(HOST.as_str()).unwrap_or_default();
    let host = name_of(authority);
    if !LOOPBACK.contains(&host) && !hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) {
        return Err(Foreign::Host);
    }
    let site = text("sec-fetch-site");
    let is_read = *method == Method::GET || *method == Method::HEAD;
    if is_read {
        // A link from elsewhere may lead here; a script or a frame from elsewhere may read nothing.
        let is_link = text("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
        let is_own = site.is_none_or(|site| site == "same-origin" || site == "none");
        return if is_own || is_link { Ok(()) } else { Err(Foreign::Page) };
    }
    let origin = text(ORIGIN.as_str()).and_then(|origin| origin.split_once("://"));
    let is_own = origin.is_some_and(|(scheme, of)| (scheme == "http" || scheme == "https") && of == authority);
    if is_own && site.is_none_or(|site| site == "same-origin") { Ok(()) } else { Err(Foreign::Page) }
}

/// Names of this machine that no name server is asked for.
const LOOPBACK: &[&str] = &["localhost", "127.0.0.1", "[::1]"];

/// An authority without its port.
fn name_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn judged(method: &Method, lines: &[(&'static str, &'static str)]) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        judge(method, &headers, &["console.example".to_owned()])
    }

    #[test]
    fn a_host_is_one_of_loopback_or_of_the_configuration() {
        for (host, passes) in [
            ("localhost:8081", true),
            ("127.0.0.1:8081", true),
            ("[::1]:8081", true),
            ("[::1]", true),
            ("Console.Example", true),
            ("console.example:443", true),
            ("rebound.example:8081", false),
            ("localhost.example:8081", false),
            ("127.0.0.1.example", false),
            ("", false),
        ] {
            assert_eq!(judged(&Method::GET, &[("host", host)]).is_ok(), passes, "{host}");
        }
    }

    #[test]
    fn a_write_comes_from_a_page_of_the_console() {
        let own = ("host", "localhost:8081");
        for (lines, passes) in [
            (&[own, ("origin", "http://localhost:8081")][..], true),
            (&[own, ("origin", "http://localhost:8081"), ("sec-fetch-site", "same-origin")], true),
            (&[own, ("origin", "http://localhost:8081"), ("sec-fetch-site", "same-site")], false),
            (&[own, ("origin", "http://localhost:9")], false),
            (&[own, ("origin", "http://evil.example")], false),
            (&[own, ("origin", "null")], false),
            (&[own], false),
            (&[own, ("sec-fetch-site", "same-origin")], false),
        ] {
            assert_eq!(judged(&Method::POST, lines).is_ok(), passes, "{lines:?}");
        }
    }

    #[test]
    fn a_link_from_elsewhere_may_lead_here_and_a_script_may_not_read() {
        let own = ("host", "localhost:8081");
        let cross = ("sec-fetch-site", "cross-site");
        assert!(judged(&Method::GET, &[own, cross, ("sec-fetch-mode", "navigate")]).is_ok());
        assert_eq!(judged(&Method::GET, &[own, cross, ("sec-fetch-mode", "no-cors")]), Err(Foreign::Page));
    }
}
