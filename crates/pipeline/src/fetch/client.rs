//! The guarded client: asks what a client of ours points to, and nothing else.
//!
//! Every step of a redirect is judged from scratch and gets a connection of its own. For media it gets; webhooks may post with it.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, HOST, HeaderMap, HeaderName, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connection::{self, Driver, Trust};
use super::guard::{Denial, Guard, Judged, Refused};
use super::resolve::Resolve;
use super::url::Target;

/// How long it may take to connect, TLS apart, and then TLS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server may be silent: before its response begins, and between two pieces of it.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// Who we say we are.
const AGENT: &str = concat!("smsfactory/", env!("CARGO_PKG_VERSION"));

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// Header fields beside those that the client sets itself: `Host`, `User-Agent`, `Accept-Encoding`, `Connection`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How many redirects are followed. With 0 a redirect is an answer like others; anything but a GET should have 0.
    pub redirects_max: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL, or a redirect, may not be asked for.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// It was tried.
    #[error("{0}")]
    Failed(String),
    /// The body is larger than it may be.
    #[error("the body has more than {0} bytes")]
    TooLarge(usize),
}

impl From<Refused> for ClientError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Denied(denial) => Self::Denied(denial),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    body: Incoming,
    /// Kept for the body, which stops coming when it is dropped.
    _driver: Driver,
}

/// The client. Its waits are bounded one by one; how long all of them may take is its caller's affair.
#[derive(Clone)]
pub struct GuardedClient {
    guard: Guard,
    tls: TlsConnector,
}

impl GuardedClient {
    /// A client that asks what `guard` lets it ask.
    ///
    /// # Errors
    /// TLS cannot be set up: a mistake in how this was built.
    pub fn new(guard: Guard, trust: Trust) -> Result<Self, rustls::Error> {
        Ok(Self { guard, tls: trust.connector()? })
    }

    /// By what it judges.
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Asks, follows redirects, and returns when the head of the answer is there.
    ///
    /// # Errors
    /// [`ClientError::Denied`] when a URL on the way breaks a rule, [`ClientError::Failed`] for everything else.
    pub async fn ask(&self, url: &str, ask: &Ask, resolver: &dyn Resolve) -> Result<Answer, ClientError> {
        let mut judged = self.guard.judge(url, None, resolver).await?;
        let mut followed = 0;
        loop {
            let (response, driver) = self.once(&judged, ask).await?;
            let Some(location) = location(&response).filter(|_| ask.redirects_max > 0) else {
                let (head, body) = response.into_parts();
                return Ok(Answer { status: head.status, headers: head.headers, body, _driver: driver });
            };
            if followed == ask.redirects_max {
                return Err(ClientError::Failed(format!("there are more than {followed} redirects")));
            }
            followed += 1;
            let location = std::str::from_utf8(location).map_err(|_| ClientError::Failed("`Location` is not text".to_owned()))?;
            judged = self.guard.judge(location, Some(&judged), resolver).await?;
        }
    }

    async fn once(&self, judged: &Judged, ask: &Ask) -> Result<(Response<Incoming>, Driver), ClientError> {
        let request = request(judged.target(), ask).map_err(|error| ClientError::Failed(error.to_string()))?;
        let connection = connection::open(judged, &self.tls, CONNECT_TIMEOUT).await.map_err(ClientError::Failed)?;
        match timeout(IDLE_TIMEOUT, connection.ask(request)).await {
            Ok(answered) => answered.map_err(ClientError::Failed),
            Err(_) => Err(ClientError::Failed("the response did not begin in time".to_owned())),
        }
    }
}

fn request(target: &Target, ask: &Ask) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request = Request::builder().method(ask.method.clone()).uri(target.path_and_query()).body(Full::new(ask.body.clone()))?;
    *request.headers_mut() = ask.headers.clone();
    let own: [(HeaderName, &str); 4] = [(HOST, &target.authority()), (USER_AGENT, AGENT), (ACCEPT_ENCODING, "identity"), (CONNECTION, "close")];
    for (name, value) in own {
        request.headers_mut().insert(name, value.parse()?);
    }
    Ok(request)
}

/// Where a redirect leads (RFC 9110, section 15.4). One that does not say so leads nowhere, and is an answer.
fn location(response: &Response<Incoming>) -> Option<&[u8]> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| redirects).map(hyper::header::HeaderValue::as_bytes)
}

impl Answer {
    /// Reads the body, counting: what `Content-Length` says may be a lie in either direction.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`] above `bytes_max`, [`ClientError::Failed`] when it does not come whole, in time, and as it is.
    pub async fn read(mut self, bytes_max: usize) -> Result<Bytes, ClientError> {
        // A few octets of a compressed body can mean any number of others.
        if self.headers.get_all(CONTENT_ENCODING).iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(ClientError::Failed("the body is encoded, which was not asked for".to_owned()));
        }
        if self.body.size_hint().lower() > bytes_max as u64 {
            return Err(ClientError::TooLarge(bytes_max));
        }
        let mut whole = Vec::new();
        loop {
            let Ok(frame) = timeout(IDLE_TIMEOUT, self.body.frame()).await else {
                return Err(ClientError::Failed(format!("the body stopped after {} bytes", whole.len())));
            };
            let Some(frame) = frame else {
                // It may be kept for long, and what grew may be twice as large as what is in it.
                whole.shrink_to_fit();
                return Ok(whole.into());
            };
            let frame = frame.map_err(|error| ClientError::Failed(format!("the body ended after {} bytes: {error}", whole.len())))?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > bytes_max - whole.len() {
                return Err(ClientError::TooLarge(bytes_max));
            }
            whole.extend_from_slice(&data);
        }
    }
}
