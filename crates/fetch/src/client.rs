//! The guarded client: sends one request to a URL that a client chose, if the guard allows it.
//!
//! It sends any method and body, and judges every redirect like a new URL, over a new connection.
//! [`media`](crate::media) sends a GET with it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT_ENCODING, CONNECTION, HOST, HeaderMap, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::connection::{self, Driver, Trust};
use crate::denial::Denial;
use crate::guard::{Guard, Judged, Refused};
use crate::resolve::Resolve;
use crate::url::Target;

/// Who we say we are where nobody says more.
const AGENT: &str = concat!("smsfactory/", env!("CARGO_PKG_VERSION"));

/// What `User-Agent` says (RFC 9110, section 10.1.5). Large hosts of pictures want a way to reach the operator in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(HeaderValue);

impl UserAgent {
    /// The most characters of one.
    pub const CHARACTERS_MAX: usize = 256;

    /// One in the operator's words: visible characters of ASCII and blanks between them, at most
    /// [`Self::CHARACTERS_MAX`]; `None` otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let is_text = (1..=Self::CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
            && text.trim() == text;
        HeaderValue::from_str(text).ok().filter(|_| is_text).map(Self)
    }

    /// The program, its version, and a page about it.
    pub fn with_contact(url: &str) -> Self {
        Self::parse(&format!("{AGENT} (+{url})")).unwrap_or_default()
    }
}

impl Default for UserAgent {
    fn default() -> Self {
        Self(HeaderValue::from_static(AGENT))
    }
}

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
    /// When it must be over, redirects and the reading of the body included. It is the only bound: a server may use all
    /// of the time for one step.
    pub deadline: Instant,
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
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header fields.
    pub headers: HeaderMap,
    body: Incoming,
    deadline: Instant,
    runtime: Arc<dyn Runtime>,
    /// Kept for the body, which stops coming when it is dropped.
    _driver: Driver,
}

/// The client.
#[derive(Clone)]
pub struct GuardedClient {
    guard: Guard,
    tls: TlsConnector,
    agent: UserAgent,
    runtime: Arc<dyn Runtime>,
}

impl GuardedClient {
    /// A client that asks what `guard` lets it ask, as `agent`.
    ///
    /// # Errors
    /// TLS cannot be set up: a mistake in how this was built.
    pub fn new(guard: Guard, trust: Trust, agent: UserAgent, runtime: Arc<dyn Runtime>) -> Result<Self, rustls::Error> {
        Ok(Self { guard, tls: trust.connector()?, agent, runtime })
    }

    /// By what it judges.
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Asks, follows redirects, and returns when the head of the answer is there.
    ///
    /// # Errors
    /// [`ClientError::Denied`] when a URL on the way breaks a rule, [`ClientError::Failed`] for everything else, such
    /// as a redirect that cannot be read.
    pub async fn ask(&self, url: &str, ask: &Ask, resolver: &dyn Resolve) -> Result<Answer, ClientError> {
        let mut judged = self.judged(url, None, ask, resolver).await?;
        let mut followed = 0;
        loop {
            let (response, driver) = self.once(&judged, ask).await?;
            let Some(location) = location(&response).filter(|_| ask.redirects_max > 0) else {
                let (head, body) = response.into_parts();
                let runtime = Arc::clone(&self.runtime);
                return Ok(Answer {
                    status: head.status,
                    headers: head.headers,
                    body,
                    deadline: ask.deadline,
                    runtime,
                    _driver: driver,
                });
            };
            if followed == ask.redirects_max {
                return Err(ClientError::Failed(format!("there are more than {followed} redirects")));
            }
            followed += 1;
            judged = match self.judged(&text(location), Some(&judged), ask, resolver).await {
                // Nobody but the server wrote it, so that its form is not the client's mistake.
                Err(ClientError::Denied(denial)) if denial.is_of_form() => {
                    return Err(ClientError::Failed(format!("a redirect cannot be followed: {denial}")));
                }
                judged => judged?,
            };
        }
    }

    async fn judged(
        &self,
        text: &str,
        from: Option<&Judged>,
        ask: &Ask,
        resolver: &dyn Resolve,
    ) -> Result<Judged, ClientError> {
        match self.runtime.timeout_at(ask.deadline, self.guard.judge(text, from, resolver)).await {
            Ok(judged) => Ok(judged?),
            Err(_) => Err(ClientError::Failed("the host was not resolved in time".to_owned())),
        }
    }

    async fn once(&self, judged: &Judged, ask: &Ask) -> Result<(Response<Incoming>, Driver), ClientError> {
        let request = request(judged.target(), ask, &self.agent, "close")
            .map_err(|error| ClientError::Failed(error.to_string()))?;
        let connection =
            connection::open(judged, &self.tls, ask.deadline, &self.runtime).await.map_err(ClientError::Failed)?;
        match self.runtime.timeout_at(ask.deadline, connection.ask(request)).await {
            Ok(answered) => answered.map_err(ClientError::Failed),
            Err(_) => Err(ClientError::Failed("the response did not begin in time".to_owned())),
        }
    }
}

pub(crate) fn request(
    target: &Target,
    ask: &Ask,
    agent: &UserAgent,
    connection: &'static str,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request =
        Request::builder().method(ask.method.clone()).uri(target.path_and_query()).body(Full::new(ask.body.clone()))?;
    *request.headers_mut() = ask.headers.clone();
    let own = [
        (HOST, target.authority().parse()?),
        (USER_AGENT, agent.0.clone()),
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (CONNECTION, HeaderValue::from_static(connection)),
    ];
    request.headers_mut().extend(own);
    Ok(request)
}

/// Where a redirect leads (RFC 9110, section 15.4). One that does not say so leads nowhere, and is an answer.
fn location(response: &Response<Incoming>) -> Option<&[u8]> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| redirects).map(HeaderValue::as_bytes)
}

/// The text of a `Location`. Octets that are no UTF-8 are written as browsers write them: each in its percent-encoded
/// form.
fn text(location: &[u8]) -> Cow<'_, str> {
    let encoded = |byte: &u8| if byte.is_ascii() { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    std::str::from_utf8(location).map_or_else(|_| location.iter().map(encoded).collect(), Cow::Borrowed)
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl Answer {
    /// Reads the body as it comes, encoded or not, counting: what `Content-Length` says may be a lie in either
    /// direction.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`] above `bytes_max`, [`ClientError::Failed`] when it does not come whole and in time.
    pub async fn read(mut self, bytes_max: usize) -> Result<Bytes, ClientError> {
        if self.body.size_hint().lower() > bytes_max as u64 {
            return Err(ClientError::TooLarge(bytes_max));
        }
        let mut whole = Vec::new();
        loop {
            let Ok(frame) = self.runtime.timeout_at(self.deadline, self.body.frame()).await else {
                return Err(ClientError::Failed(format!(
                    "the body did not come in time: there are {} bytes of it",
                    whole.len()
                )));
            };
            let Some(frame) = frame else {
                // It may be kept for long, and what grew may be twice as large as what is in it.
                whole.shrink_to_fit();
                return Ok(whole.into());
            };
            let frame = frame
                .map_err(|error| ClientError::Failed(format!("the body ended after {} bytes: {error}", whole.len())))?;
            let Ok(data) = frame.into_data() else { continue };
            if data.len() > bytes_max - whole.len() {
                return Err(ClientError::TooLarge(bytes_max));
            }
            whole.extend_from_slice(&data);
        }
    }
}
