//! The idempotency key of a request: from the body, or from the header `Idempotency-Key`, there as it stands or as a
//! string in double quotes (RFC 8941, section 3.3.3), as draft-ietf-httpapi-idempotency-key-header has it. What a key
//! may be is judged later, with the other rules of the request.

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::http::header::HeaderName;
use model::error::Refusal;

use super::fields;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The idempotency key from the header or the body; if it occurs more than once, all must be equal.
pub(super) fn one_key(headers: &HeaderMap, in_body: Option<String>) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter().map(|value| unquoted(value.as_bytes()));
    let Some(in_header) = values.next() else { return Ok(in_body) };
    let disagrees = in_body.is_some_and(|in_body| in_body != in_header) || values.any(|other| other != in_header);
    if disagrees {
        Err(fields::wrong_type("idempotencyKey", "the value of the Idempotency-Key header"))
    } else {
        Ok(Some(in_header.into_owned()))
    }
}

/// The key in a header's value. What is not a whole string in quotes, parameters behind it included, stays as it
/// stands: no key has quotes.
fn unquoted(value: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(value);
    match text.strip_prefix('"').and_then(string) {
        Some(key) => key.into(),
        None => text,
    }
}

/// The rest of a string, whose first quote is taken, up to a quote that ends the value.
fn string(rest: &str) -> Option<String> {
    let (mut key, mut characters) = (String::new(), rest.chars());
    loop {
        match characters.next()? {
            '"' => return characters.next().is_none().then_some(key),
            '\\' => key.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            character => key.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_a_key_are_not_part_of_it() {
        for (value, key) in [
            ("order-1", "order-1"),
            (r#""order-1""#, "order-1"),
            (r#""""#, ""),
            ("", ""),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            (r#""a\b""#, r#""a\b""#),
            (r#""a"#, r#""a"#),
            (r#"""#, r#"""#),
            (r#""a\"#, r#""a\"#),
            (r#""a"b"#, r#""a"b"#),
            (r#""a";b=1"#, r#""a";b=1"#),
            (r#""a", "a""#, r#""a", "a""#),
        ] {
            assert_eq!(unquoted(value.as_bytes()), key, "{value}");
        }
    }
}
