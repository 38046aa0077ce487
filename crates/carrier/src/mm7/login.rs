//! Basic authentication (RFC 7617), from both sides.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};
use subtle::ConstantTimeEq;

use super::config::Login;

/// The header field's value that says who we are.
pub(crate) fn authorization(login: &Login) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Basic {}", token(login))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a request says, once, that it is from the peer that we expect.
pub(crate) fn is_from(expected: &Login, headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return false };
    let said = line.to_str().ok().and_then(|value| value.split_once(' '));
    let said = said
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .map(|(_, token)| token.trim())
        .unwrap_or_default();
    said.as_bytes().ct_eq(token(expected).as_bytes()).into()
}

fn token(login: &Login) -> String {
    BASE64_STANDARD.encode(format!("{}:{}", login.username, login.password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_with_its_password_is_let_in() {
        let login =
            |username: &str, password: &str| Login { username: username.to_owned(), password: password.to_owned() };
        let expected = login("mmsc", "secret");
        let headers = |value: HeaderValue| HeaderMap::from_iter([(AUTHORIZATION, value)]);
        assert!(is_from(&expected, &headers(authorization(&expected).unwrap())));
        assert!(is_from(&expected, &headers(HeaderValue::from_static("basic  bW1zYzpzZWNyZXQ="))));
        assert!(!is_from(&expected, &HeaderMap::new()));
        let mut twice = headers(authorization(&expected).unwrap());
        twice.append(AUTHORIZATION, authorization(&expected).unwrap());
        assert!(!is_from(&expected, &twice));
        for wrong in [login("mmsc", "secret2"), login("mms", "csecret"), login("", "")] {
            assert!(!is_from(&expected, &headers(authorization(&wrong).unwrap())));
        }
        for wrong in ["Bearer bW1zYzpzZWNyZXQ=", "Basic", "Basic !!!", ""] {
            assert!(!is_from(&expected, &headers(HeaderValue::from_static(wrong))), "{wrong}");
        }
    }
}
