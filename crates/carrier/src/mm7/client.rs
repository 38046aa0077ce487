//! Requests to the MMSC: HTTP/1.1 over connections that are kept for a while.
//!
//! In comes what to post, out goes what came back, or how far it got. No proxy, no redirect: it goes to the MMSC or
//! nowhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use runtime::{Runtime, Task};
use wire::mm7::post::Post;

use super::config::{Mm7Config, Place};
use super::login;
use super::stream::Pieces;
use crate::ConfigError;
use crate::connect::Connector;
use crate::keys::Mistake;

/// Answers are small; what is longer is none.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// `SOAPAction` (SOAP 1.1, section 6.1.1). MM7 has none, which an empty one says (3GPP TS 23.140, 8.7.8.1).
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// How far a request got.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Nothing of it left: why, for the operator.
    Not(String),
    /// The MMSC cannot have the whole of it: what happened, for the event, and more of it for the operator.
    InPart(&'static str, String),
    /// It may have it, and its answer did not come: what happened, for the event, and more of it for the operator.
    Unanswered(&'static str, String),
    /// It answered.
    Answered(Answer),
}

/// An answer of HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

/// Where requests go, and the connections there that wait for another one.
pub(crate) struct Client {
    runtime: Arc<dyn Runtime>,
    connector: Connector,
    place: Place,
    authorization: Option<HeaderValue>,
    response_timeout: Duration,
    keep_alive: Duration,
    idle: Mutex<Vec<Idle>>,
    closed: AtomicBool,
}

/// A connection that nothing is under way on, and since when.
struct Idle {
    connection: Connection,
    since: Instant,
}

/// A connection and the task that moves its octets. Dropped, it ends at once.
struct Connection {
    sender: SendRequest<Pieces>,
    task: Task,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Client {
    pub(crate) fn new(runtime: &Arc<dyn Runtime>, config: &Mm7Config) -> Result<Self, ConfigError> {
        let cannot = || config.mistaken(vec![Mistake::new("username", "cannot be said in a header")]);
        let authorization = config.login()?.map(|login| login::authorization(&login).ok_or_else(cannot)).transpose()?;
        Ok(Self {
            runtime: Arc::clone(runtime),
            connector: config.connector()?,
            place: config.place()?,
            authorization,
            response_timeout: Duration::from_secs(config.response_timeout_secs),
            keep_alive: Duration::from_secs(config.keep_alive_secs),
            idle: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        })
    }

    /// Posts, and waits for the whole answer.
    pub(crate) async fn send(&self, post: Post) -> Sent {
        let (body, all_gone) = Pieces::new(post.body);
        let mut request = match self.request(&post.content_type, body) {
            Ok(request) => request,
            Err(error) => return Sent::Not(format!("the request cannot be written: {error}")),
        };
        // The MMSC ends connections that it has kept for long enough, perhaps while they are taken up again here: what
        // then comes back unsent goes on a new one.
        while let Some(connection) = self.take_idle() {
            match self.exchange(connection, request, &all_gone).await {
                Err(unsent) => request = unsent,
                Ok(sent) => return sent,
            }
        }
        match self.connect().await {
            Ok(connection) => self
                .exchange(connection, request, &all_gone)
                .await
                .unwrap_or_else(|_| Sent::Not("the connection ended at once".to_owned())),
            Err(error) => Sent::Not(format!("no connection to {}: {error}", self.place.authority)),
        }
    }

    /// Lets go of the connections that are kept, and keeps no more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle().clear();
    }

    fn request(&self, content_type: &str, body: Pieces) -> hyper::http::Result<Request<Pieces>> {
        let mut request = Request::post(&self.place.target)
            .header(HOST, &self.place.authority)
            .header(CONTENT_TYPE, content_type)
            .header(SOAP_ACTION, "\"\"");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(body)
    }

    async fn connect(&self) -> std::io::Result<Connection> {
        let stream = self.connector.connect(&self.runtime).await?;
        // Not every MMSC knows that the names of header fields have no case.
        let (sender, moving) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(std::io::Error::other)?;
        // How a connection ends is told to whoever has a request on it.
        let task = self.runtime.spawn("connection to an MMSC", Box::pin(async move { drop(moving.await) }));
        Ok(Connection { sender, task })
    }

    /// One request and its answer. Gives the request back where the connection had ended before it.
    async fn exchange(
        &self,
        mut connection: Connection,
        request: Request<Pieces>,
        all_gone: &AtomicBool,
    ) -> Result<Sent, Request<Pieces>> {
        let answer = async {
            // One that was used before has to say that it is through with that.
            if connection.sender.ready().await.is_err() {
                return Err((Some(request), None));
            }
            match connection.sender.try_send_request(request).await {
                Ok(response) => Ok(read(response).await),
                Err(mut error) => Err((error.take_message(), Some(error.into_error()))),
            }
        };
        let ended = self.runtime.timeout(self.response_timeout, answer).await;
        let (short, long) = match ended {
            Ok(Ok(Ok(answer))) => {
                // An MMSC that answers before it has heard all may not care for the rest.
                if all_gone.load(Ordering::Acquire) {
                    self.keep(connection);
                }
                return Ok(Sent::Answered(answer));
            }
            Ok(Err((Some(request), _))) => return Err(request),
            Ok(Err((None, error))) => {
                let why = error.map(|error| format!(": {error}")).unwrap_or_default();
                ("the connection ended before the answer", format!("the connection ended before the answer{why}"))
            }
            Ok(Ok(Err(error))) => {
                ("the answer broke off or was too long", format!("the answer broke off or was too long: {error}"))
            }
            Err(_) => ("no answer in time", format!("no answer in {} s", self.response_timeout.as_secs())),
        };
        // Nothing more of the request leaves from here on.
        connection.task.abort();
        let _ = connection.task.wait().await;
        Ok(if all_gone.load(Ordering::Acquire) { Sent::Unanswered(short, long) } else { Sent::InPart(short, long) })
    }

    fn take_idle(&self) -> Option<Connection> {
        let now = self.runtime.instant();
        let mut idle = self.idle();
        idle.retain(|idle| {
            now.saturating_duration_since(idle.since) < self.keep_alive && !idle.connection.sender.is_closed()
        });
        idle.pop().map(|idle| idle.connection)
    }

    fn keep(&self, connection: Connection) {
        if !self.keep_alive.is_zero() && !self.closed.load(Ordering::Acquire) {
            self.idle().push(Idle { connection, since: self.runtime.instant() });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let content_type =
        response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await?.to_bytes();
    Ok(Answer { status, content_type, body })
}
