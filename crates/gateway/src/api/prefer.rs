//! `Prefer: wait=N` (RFC 7240, section 4.3).

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
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    let preferences =
        lines.flat_map(|line| line.split(',')).filter_map(|preference| preference.split(';').next()?.split_once('='));
    let (_, value) = preferences.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let secs: u64 = value.trim().trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(secs.min(WAIT_MAX_SECS)))
}

/// Says in the answer that the client's wish was heeded.
pub(super) fn applied(response: &mut Response<Body>, wait: Option<Duration>) {
    if let Some(wait) = wait
        && let Ok(applied) = HeaderValue::try_from(format!("wait={}", wait.as_secs()))
    {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
}

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
}
