//! Telephones for people and tests: handsets over HTTP, as pages and as JSON.
//!
//! For people, `/dev` and `/dev/{number}` (`page`); for tests, `GET /dev/phone/{number}/latest` and
//! `POST /dev/phone/{number}/send`; for both, everything under `/dev/phones`. They need no sign-in: requests from other
//! machines and from pages of other sites are refused (`guard`). The address is a developer's own; nothing that serves
//! real traffic has it.

mod answer;
mod events;
mod guard;
mod input;
mod page;
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

use guard::Purpose;
use page::Page;

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
    listens: Listens,
    /// For streams of events.
    streams: Arc<Semaphore>,
}

/// Where the simulators listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Listens {
    smpp: Option<SocketAddr>,
    mm4: Option<SocketAddr>,
    mm7: Option<SocketAddr>,
}

impl Phones {
    /// Telephones that show these handsets. Without a simulator behind them, they write nothing.
    pub fn new(handsets: Arc<Handsets>, runtime: Arc<dyn Runtime>) -> Self {
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        Self { handsets, runtime, keyboard: None, camera: None, listens: Listens::default(), streams }
    }

    /// The same, which write by SMPP.
    #[must_use]
    pub fn with_smsc(self, smsc: &Smsc) -> Self {
        let listens = Listens { smpp: Some(smsc.address()), ..self.listens };
        Self { keyboard: Some(smsc.keyboard()), listens, ..self }
    }

    /// The same, which send pictures.
    #[must_use]
    pub fn with_mmsc(self, mmsc: &Mmsc) -> Self {
        let listens = Listens { mm4: Some(mmsc.mm4_address()), mm7: Some(mmsc.mm7_address()), ..self.listens };
        Self { camera: Some(mmsc.camera()), listens, ..self }
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
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let page = Page::at(&path);
        let purpose = match (&page, is_read(&method)) {
            (None | Some(Page::Asset), _) => Purpose::Data,
            (Some(_), true) => Purpose::Page,
            (Some(_), false) => Purpose::Form,
        };
        let answered = match (guard::check(request.headers(), request.uri(), peer, purpose), &page) {
            (Ok(()), Some(page)) => page.answer(self, request).await,
            (Ok(()), None) => routes::route(self, request).await,
            (Err(refusal), _) => Err(refusal),
        };
        let answer = answered.unwrap_or_else(|refusal| {
            let (status, why) = (refusal.status.as_u16(), refusal.word);
            tracing::debug!(status, "A request to the telephones was refused: {why}");
            if page.is_some() { page::refused(&refusal) } else { refusal.answer() }
        });
        if method == hyper::Method::HEAD { answer.map(|_| Body::empty()) } else { answer }
    }
}

/// Whether a method changes nothing.
fn is_read(method: &hyper::Method) -> bool {
    matches!(*method, hyper::Method::GET | hyper::Method::HEAD)
}
