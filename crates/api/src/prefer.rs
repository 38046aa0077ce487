//! `Prefer: wait=N` and `Prefer: handling=strict` (RFC 7240, sections 4.3 and 4.4).

use std::time::Duration;

use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue, Response};

/// The request's header.
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The answer's header.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest wait.
const WAIT_MAX_SECS: u64 = 30;

/// How long the client would wait. The first `wait` counts; one that is no number is ignored, as all preferences are
/// that cannot be honoured.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let secs: u64 = value(headers, "wait")?.parse().ok()?;
    Some(Duration::from_secs(secs.min(WAIT_MAX_SECS)))
}

/// Whether the client would rather be refused than have a mistake passed over. The first `handling` counts.
pub(super) fn is_strict(headers: &HeaderMap) -> bool {
    value(headers, "handling").is_some_and(|value| value.eq_ignore_ascii_case("strict"))
}

/// The value of the first preference of this name that has one.
fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    let preferences =
        lines.flat_map(|line| line.split(',')).filter_map(|preference| preference.split(';').next()?.split_once('='));
    let (_, value) = preferences.into_iter().find(|(known, _)| known.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"'))
}

/// Says in the answer that the client's wish to wait was heeded.
pub(super) fn applied(response: &mut Response<Body>, wait: Option<Duration>) {
    if let Some(wait) = wait
        && let Ok(applied) = HeaderValue::try_from(format!("wait={}", wait.as_secs()))
    {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
}

/// Says in the answer that the client's wish for strictness was heeded.
pub(super) fn applied_strictly(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    let others = headers.get(PREFERENCE_APPLIED).and_then(|others| others.to_str().ok());
    let applied = others.map_or_else(|| STRICT.to_owned(), |others| format!("{STRICT}, {others}"));
    if let Ok(applied) = HeaderValue::try_from(applied) {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
}

/// What the answer to a strict request says.
const STRICT: &str = "handling=strict";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_found_and_bounded() {
        for (line, secs) in [
            ("wait=5", Some(5)),
            ("respond-async, wait=10", Some(10)),
            ("Wait = \"7\"; x=y", Some(7)),
            ("wait=31", Some(30)),
            ("wait=-1", None),
            ("wait", None),
            ("return=minimal", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(PREFER, line.parse().unwrap());
            assert_eq!(wait(&headers), secs.map(Duration::from_secs), "{line}");
        }
    }
    #[test]
    fn strictness_is_asked_for_by_name() {
        for (lines, expected) in [
            (&["handling=strict"][..], true),
            (&["wait=5, Handling = \"STRICT\"; x"], true),
            (&["respond-async", "handling=strict"], true),
            (&["handling=lenient, handling=strict"], false),
            (&["handling", "strict"], false),
            (&["wait=5"], false),
            (&[], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(PREFER, line.parse().unwrap());
            }
            assert_eq!(is_strict(&headers), expected, "{lines:?}");
        }
    }

    #[test]
    fn wishes_that_were_heeded_stand_in_one_header() {
        let mut response = Response::new(Body::empty());
        applied(&mut response, Some(Duration::from_secs(5)));
        applied_strictly(&mut response);
        assert_eq!(response.headers()[PREFERENCE_APPLIED], "handling=strict, wait=5");
    }
}
