//! The stream of changes: `change` for each, and `gap` where some were missed and everything has to be read again.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::Phones;
use super::answer::{Answered, Body, Refusal};
use super::stream::{Stream, gap};

/// The name of the header in which a browser that comes back says what it had.
const LAST_EVENT_ID: &str = "last-event-id";

/// Opens a stream.
pub(super) fn open(phones: &Phones, headers: &HeaderMap) -> Answered {
    let place = Arc::clone(&phones.streams).try_acquire_owned().map_err(|_| {
        let sentence = format!("{} streams of events are open already", super::STREAMS_MAX);
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", sentence)
    })?;
    let changes = phones.handsets.changes();
    let count = phones.handsets.count();
    let had = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let has_missed = had.is_some_and(|had| had != count);
    let open = || Bytes::from(format!("id: {count}\nevent: open\ndata: {{}}\n\n"));
    let first = if has_missed { gap(count) } else { open() };
    let stream = Stream::new(&phones.runtime, &phones.handsets, (first, changes), place);
    let mut answer = Response::new(Body::events(stream));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}
