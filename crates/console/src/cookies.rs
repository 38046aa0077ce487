//! The console's cookies.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// A cookie of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// The operator who has signed in.
    Session,
    /// What forms of this browser are signed with.
    Form,
    /// What the next page says about the last act.
    Flash,
}

impl Cookie {
    /// Its name. Under TLS a browser takes it from this very host alone, and over TLS alone.
    fn name(self, is_secure: bool) -> String {
        let name = match self {
            Self::Session => "session",
            Self::Form => "form",
            Self::Flash => "flash",
        };
        format!("{}smsfactory-{name}", if is_secure { "__Host-" } else { "" })
    }

    /// Its value in a request; the first where there are several.
    pub(crate) fn read(self, headers: &HeaderMap, is_secure: bool) -> Option<String> {
        let name = self.name(is_secure);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(given, value)| *given == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }

    /// The header that sets it for as long as the browser runs. An empty value takes it away.
    pub(crate) fn set(self, value: &str, is_secure: bool) -> HeaderValue {
        let age = if value.is_empty() { "; Max-Age=0" } else { "" };
        let secure = if is_secure { "; Secure" } else { "" };
        let line = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.name(is_secure));
        // Values are letters and digits: they are made here and by the door.
        HeaderValue::try_from(line).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_under_tls_is_of_the_host_alone() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("a=1; smsfactory-session=x; __Host-smsfactory-session=y"));
        assert_eq!(Cookie::Session.read(&headers, true).as_deref(), Some("y"));
        assert_eq!(Cookie::Session.read(&headers, false).as_deref(), Some("x"));
        assert_eq!(Cookie::Form.read(&headers, true), None);
        let set = Cookie::Session.set("v", true);
        assert_eq!(set, "__Host-smsfactory-session=v; Path=/; HttpOnly; SameSite=Strict; Secure");
    }
}
