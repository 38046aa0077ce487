//! What requests are answered with: JSON, and one form for every refusal.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::stream::Stream;

/// The body of an answer: octets, or a stream of events.
pub struct Body(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Events(Box<Stream>),
}

impl Body {
    /// Nothing.
    pub(crate) const fn empty() -> Self {
        Self(Kind::Whole(None))
    }

    pub(super) fn events(stream: Stream) -> Self {
        Self(Kind::Events(Box::new(stream)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Kind::Whole(octets) => Poll::Ready(octets.take().map(|octets| Ok(Frame::data(octets)))),
            Kind::Events(stream) => stream.poll_octets(context).map(|octets| octets.map(|some| Ok(Frame::data(some)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(octets) => SizeHint::with_exact(octets.as_ref().map_or(0, |octets| octets.len() as u64)),
            Kind::Events(_) => SizeHint::default(),
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// For programs, such as `no_message`.
    pub(super) word: &'static str,
    /// For people.
    pub(super) sentence: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, word: &'static str, sentence: impl Into<String>) -> Self {
        Self { status, word, sentence: sentence.into() }
    }

    /// A 400 about a field of the body, of the address or of its query.
    pub(super) fn wrong(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "wrong_field", sentence)
    }

    pub(super) fn answer(&self) -> Response<Body> {
        let status = self.status.as_u16();
        json_answer(self.status, &json!({ "error": self.word, "message": self.sentence, "status": status }))
    }
}

/// What a request comes to.
pub(super) type Answered = Result<Response<Body>, Refusal>;

/// An answer in JSON.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    whole(status, HeaderValue::from_static("application/json"), value.to_string().into())
}

/// An answer with these octets. A browser takes them for nothing else, and keeps no copy.
pub(super) fn whole(status: StatusCode, content_type: HeaderValue, octets: Bytes) -> Response<Body> {
    let mut answer = Response::new(Body(Kind::Whole(Some(octets).filter(|octets| !octets.is_empty()))));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
