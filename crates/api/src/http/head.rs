//! Checks of a request's head beyond those of hyper.

use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Request, Version};
use model::error::{AdditionalInfo, ErrorCode, Refusal};

/// One `Host`, and one that can be a host (RFC 9112, section 3.2). HTTP/1.0 may do without.
///
/// # Errors
/// [`ErrorCode::MalformedRequest`], which is a 400.
pub fn check_host<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() < Version::HTTP_11 => Ok(()),
        (None, _) => Err(malformed("no Host")),
        (Some(_), Some(_)) => Err(malformed("two Hosts")),
        (Some(host), None) if is_host(host.as_bytes()) => Ok(()),
        (Some(_), None) => Err(malformed("a Host that is none")),
    }
}

/// A host with or without a port; nothing where the target has no authority. User information is no part of it (RFC
/// 3986, section 3.2.2). A comma would be allowed there, and is in no host that exists: two hosts in one field are not
/// one.
fn is_host(octets: &[u8]) -> bool {
    let (host, port, is_of) = match octets.strip_prefix(b"[") {
        Some(rest) => match rest.iter().position(|octet| *octet == b']') {
            Some(end) => (&rest[..end], &rest[end + 1..], of_address as fn(&u8) -> bool),
            None => return false,
        },
        None => match octets.iter().position(|octet| *octet == b':') {
            Some(end) => (&octets[..end], &octets[end..], of_name as fn(&u8) -> bool),
            None => (octets, &b""[..], of_name as fn(&u8) -> bool),
        },
    };
    let is_port =
        port.is_empty() || port.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    octets.is_empty() || (!host.is_empty() && host.iter().all(is_of) && is_port)
}

fn of_name(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(octet)
}

/// An address of IPv6, with a zone perhaps.
fn of_address(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric() || b":.%-_~".contains(octet)
}

fn malformed(cause: &str) -> Refusal {
    let info = AdditionalInfo::WrongType {
        field: "Host".into(),
        expected: "one header with a host and perhaps a port".into(),
    };
    Refusal::new(ErrorCode::MalformedRequest).with_info(info).caused_by(cause)
}

/// The body is JSON in UTF-8, without an encoding.
///
/// # Errors
/// [`ErrorCode::UnsupportedContentType`] for another type or none, for two, for another character set, and for a
/// compressed body: nothing is decompressed here, so 5 KB cannot become 5 MB.
pub fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    require_type(headers, &["application/json"]).map(drop)
}

/// The body has one of these types, in UTF-8 and without an encoding. Returns the type.
///
/// # Errors
/// As [`require_json`].
pub fn require_type(headers: &HeaderMap, known: &[&'static str]) -> Result<&'static str, Refusal> {
    let refused = |cause: String| Err(Refusal::new(ErrorCode::UnsupportedContentType).caused_by(cause));
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (named, None) = (types.next().and_then(|value| value.to_str().ok()).unwrap_or_default(), types.next()) else {
        return refused("two Content-Types".to_owned());
    };
    let mut parts = parameters(named);
    let essence = parts.next().unwrap_or_default();
    let Some(essence) = known.iter().find(|known| known.eq_ignore_ascii_case(essence)) else {
        return refused(format!("the Content-Type is `{}`", named.escape_debug()));
    };
    if let Some(charset) =
        parts.filter_map(charset).find(|charset| !UTF_8.iter().any(|name| charset.eq_ignore_ascii_case(name)))
    {
        return refused(format!("the charset is `{}`", charset.escape_debug()));
    }
    // hyper has seen to it that `chunked` is the last one; a body within it that is compressed is no JSON either.
    if let Some(coding) =
        headers.get_all(TRANSFER_ENCODING).iter().find(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return refused(format!("the Transfer-Encoding is `{}`", coding.as_bytes().escape_ascii()));
    }
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    let codings = codings.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    match codings.into_iter().find(|coding| !NO_CODINGS.iter().any(|name| coding.eq_ignore_ascii_case(name.as_bytes())))
    {
        Some(coding) => refused(format!("the Content-Encoding is `{}`", coding.escape_ascii())),
        None => Ok(essence),
    }
}

/// Names of UTF-8.
const UTF_8: [&str; 2] = ["utf-8", "utf8"];

/// The values of `Content-Encoding` for a body without an encoding: `identity`, nothing, and values of other headers
/// that clients put there by mistake.
const NO_CODINGS: [&str; 9] = ["", "identity", "utf-8", "utf8", "us-ascii", "ascii", "7bit", "8bit", "binary"];

/// A type and its parameters. A semicolon in quotes is a part of a value (RFC 9110, section 5.6.4).
fn parameters(named: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(named);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            let is_end = byte == b';' && !is_quoted;
            is_quoted ^= byte == b'"' && !is_escaped;
            is_escaped = is_quoted && byte == b'\\' && !is_escaped;
            is_end
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim())
    })
}

/// The value of a `charset` parameter, with or without quotes, and without the signs that escape others within them.
fn charset(parameter: &str) -> Option<String> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').replace('\\', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_host_and_perhaps_a_port() {
        for (host, is_one) in [
            ("example.com", true),
            ("example.com:8080", true),
            ("127.0.0.1:1", true),
            ("[2001:db8::1]:443", true),
            ("", true),
            ("a b", false),
            ("a/b", false),
            ("me@example.com", false),
            ("example.com, example.org", false),
            ("http://example.com", false),
            (":80", false),
            ("example.com:", true),
            ("example.com:80a", false),
            ("example.com:80:80", false),
            ("[::1", false),
            ("[::1]x", false),
            ("[]", false),
            ("my_host.internal", true),
            ("a,b", false),
        ] {
            assert_eq!(is_host(host.as_bytes()), is_one, "{host}");
        }
    }

    #[test]
    fn http_1_0_may_do_without_a_host() {
        for (version, passes) in [(Version::HTTP_10, true), (Version::HTTP_11, false)] {
            let request = Request::builder().version(version).body(()).unwrap();
            assert_eq!(check_host(&request).is_ok(), passes, "{version:?}");
        }
    }

    #[test]
    fn json_is_utf_8_and_as_it_stands() {
        for (types, codings, passes) in [
            (&["application/json"][..], &[][..], true),
            (&["Application/JSON; charset=utf-8"], &["identity"], true),
            (&["application/json;charset=\"UTF-8\""], &["UTF-8"], true),
            (&["application/json; charset"], &["identity, identity"], true),
            (&["application/json;"], &[""], true),
            (&["application/json; version=1; charset=utf8"], &[], true),
            (&["application/json; title=\"a; charset=utf-16\""], &[], true),
            (&["application/json; title=\"a \\\"; charset=utf-16\"; charset=utf-8"], &[], true),
            (&["application/json; charset=\"utf\\-8\""], &[], true),
            (&["application/json; title=\"a;b\"; charset=utf-16"], &[], false),
            (&["application/json; title=\"a\\\\\"; charset=utf-16"], &[], false),
            (&[], &[], false),
            (&["application/json", "application/json"], &[], false),
            (&["application/json, text/plain"], &[], false),
            (&["application/json; charset=iso-8859-1"], &[], false),
            (&["application/json; charset=utf-8; charset=utf-16"], &[], false),
            (&["application/json; CHARSET = \"utf-16le\""], &[], false),
            (&["application/json"], &["gzip"], false),
            (&["application/json"], &["identity", "br"], false),
            (&["application/json"], &["identity, deflate"], false),
            (&["application/json"], &["x-unknown"], false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in types
                .iter()
                .map(|value| (CONTENT_TYPE, value))
                .chain(codings.iter().map(|value| (CONTENT_ENCODING, value)))
            {
                headers.append(name, value.parse().unwrap());
            }
            assert_eq!(require_json(&headers).is_ok(), passes, "{types:?} {codings:?}");
        }
    }
}
