//! `GET /live`: messages as they happen, as server-sent events
//! ([WHATWG HTML, 9.2](https://html.spec.whatwg.org/multipage/server-sent-events.html)).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, Uri};
use bytes::Bytes;
use hyper::body::Frame;
use model::Status;
use model::error::{ErrorCode, Refusal};
use pipeline::live::{Seen, Told, Watch, WatchFilter};
use serde_json::{Value, json as object};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::input::{account_of, address, meaning};
use super::masking::Masks;
use super::{Admin, Answered, Shared};
use api::http::query::Parameters;

/// Events that wait for a reader. Those beyond are counted and told as a gap.
const WAITING_MAX: usize = 256;

/// So many seconds without an event, and a comment says that the stream is there. It also finds out that the reader has
/// gone: a connection whose client sends no more is kept open for its answer.
const QUIET_SECS: u32 = 5;

/// What a status should have been.
const STATUSES: &str = "scheduled, queued, sent, delivered, undelivered, failed or canceled";

/// When one may come back for whom there was no place.
const AGAIN: Duration = Duration::from_secs(5);

pub(super) async fn stream(State(admin): Shared, masks: Masks, uri: Uri) -> Response<Body> {
    let streamed = streamed(&admin, masks, &Parameters::parse(uri.query()));
    admin.answer(streamed)
}

fn streamed(admin: &Arc<Admin>, masks: Masks, given: &Parameters) -> Answered {
    let filter = WatchFilter {
        account: given
            .get("accountId")
            .map(|text| meaning(text, "accountId", "one that exists", account_of))
            .transpose()?,
        number: given.get("number").map(|text| address(text, "number")).transpose()?,
        carrier: given.get("carrier").map(str::to_owned),
        status: given.get("status").map(|text| meaning(text, "status", STATUSES, Status::parse)).transpose()?,
    };
    let crowded = || Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(AGAIN).caused_by("too many watch");
    let watch = admin.pipeline.watch(filter).ok_or_else(crowded)?;
    let (events, waiting) = mpsc::channel(WAITING_MAX);
    let (admin, runtime) = (Arc::clone(admin), Arc::clone(&admin.runtime));
    let telling = async move {
        tokio::select! {
            biased;
            () = admin.pipeline.draining() => {}
            // The reader has gone.
            () = events.closed() => {}
            () = tell(watch, &events, masks, admin.pipeline.node().name()) => {}
        }
    };
    drop(runtime.spawn("live", Box::pin(telling)));
    let mut response = Response::new(Body::new(Events(waiting)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Tells what happens until the store is closed. The first event names the node, whose messages these are.
async fn tell(mut watch: Watch, events: &mpsc::Sender<Bytes>, masks: Masks, node: &str) {
    let hello = format!("retry: 2000\nevent: node\ndata: {}\n\n", object!({ "name": node }));
    // Nothing waits yet.
    let _ = events.try_send(hello.into());
    let (mut number, mut quiet) = (0_u64, 0);
    loop {
        let told = watch.next().await;
        quiet = if told == Told::Nothing { quiet + 1 } else { 0 };
        let (text, lost) = match told {
            Told::Seen(seen) => {
                number += 1;
                (format!("id: {number}\nevent: message\ndata: {}\n\n", masks.of(line(&seen, number))), 1)
            }
            Told::Gap(count) => (format!("event: gap\ndata: {}\n\n", object!({ "leftOut": count })), count),
            Told::Nothing if quiet < QUIET_SECS => continue,
            Told::Nothing => {
                quiet = 0;
                (": nothing new\n\n".to_owned(), 0)
            }
            Told::Closed => return,
        };
        match events.try_send(text.into()) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => watch.leave_out(lost),
            Err(TrySendError::Closed(_)) => return,
        }
    }
}

/// A change as a line of JSON. The text stays out of it.
fn line(Seen { at, record, previous }: &Seen, number: u64) -> Value {
    let message = &record.message;
    object!({
        "id": number,
        "messageId": message.id.to_string(),
        "at": at.to_string(),
        "accountId": message.account.to_string(),
        "mode": message.mode.as_str(),
        "from": message.originator.to_string(),
        "to": message.recipient.to_string(),
        "status": record.delivery.status.as_str(),
        "previousStatus": previous.map(Status::as_str),
        "carrier": record.delivery.carrier.carrier().map(|name| name.as_str()),
        "type": message.kind.as_str(),
        "segments": message.segments,
        "errorType": record.delivery.error_type.map(model::ErrorType::as_str),
    })
}

/// A body that goes on until its sender is gone.
struct Events(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|event| event.map(|octets| Ok(Frame::data(octets))))
    }
}
