//! Telephones for people and tests: handsets over HTTP, as JSON.
//!
//! For tests, `GET /dev/phone/{number}/latest` and `POST /dev/phone/{number}/send`; for the page, everything under
//! `/dev/phones`. They need no sign-in: requests from other machines and from pages of other sites are refused
//! (`guard`). The address is a developer's own; nothing that serves real traffic has it.

mod answer;
mod events;
mod guard;
mod input;
mod pictures;
mod reply;
mod routes;
mod serve;
mod stream;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body as HttpBody;
use hyper::{Request, Response};
use runtime::Runtime;
use tokio::sync::Semaphore;

pub use answer::Body;
pub use serve::serve;

use crate::handsets::Handsets;
use crate::mmsc::{Camera, Mmsc};
use crate::smsc::{Keyboard, Smsc};

/// A picture to send, for those who have none at hand: a small JPEG.
pub const PICTURE: &[u8] = include_bytes!("sample.jpg");

/// A request.
type Asked = Request<UnsyncBoxBody<Bytes, io::Error>>;

/// Streams of events at once.
const STREAMS_MAX: usize = 32;

/// The telephones of one simulated network.
#[derive(Clone)]
pub struct Phones {
    handsets: Arc<Handsets>,
    runtime: Arc<dyn Runtime>,
    keyboard: Option<Keyboard>,
    camera: Option<Camera>,
    /// For streams of events.
    streams: Arc<Semaphore>,
}

impl Phones {
    /// Telephones that show these handsets. Without a simulator behind them, they write nothing.
    pub fn new(handsets: Arc<Handsets>, runtime: Arc<dyn Runtime>) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        Self { handsets, runtime, keyboard: None, camera: None, streams }
    }

    /// The same, which write by SMPP.
    #[must_use]
    pub fn with_smsc(self, smsc: &Smsc) -> Self {
        Self { keyboard: Some(smsc.keyboard()), ..self }
    }

    /// The same, which send pictures.
    #[must_use]
    pub fn with_mmsc(self, mmsc: &Mmsc) -> Self {
        Self { camera: Some(mmsc.camera()), ..self }
    }

    /// The handsets.
    pub const fn handsets(&self) -> &Arc<Handsets> {
        &self.handsets
    }

    /// Answers a request that came from `peer`.
    pub async fn answer<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Body>
    where
        B: HttpBody<Data = Bytes, Error: Error + Send + Sync> + Send + 'static,
    {
        let request = request.map(|body| body.map_err(io::Error::other).boxed_unsync());
        let method = request.method().clone();
        let answered = match guard::check(request.headers(), request.uri(), peer) {
            Ok(()) => routes::route(self, request).await,
            Err(refusal) => Err(refusal),
        };
        let answer = answered.unwrap_or_else(|refusal| {
            let (status, why) = (refusal.status.as_u16(), refusal.word);
            tracing::debug!(status, "A request to the telephones was refused: {why}");
            refusal.answer()
        });
        if method == hyper::Method::HEAD { answer.map(|_| Body::empty()) } else { answer }
    }
}
