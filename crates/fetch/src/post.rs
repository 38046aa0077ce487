//! Posts: requests with a body to one URL again and again, over connections that are kept.
//!
//! In go a [`Line`], which is all that is kept of a URL, and a request; out comes the start of the response, or why
//! there is none. The guard judges the URL for every request; a verdict holds for a few seconds, so that a busy URL
//! does not ask its name server each time. A connection is used again while the last verdict has its address, and never
//! for another URL.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, InvalidHeaderValue, RETRY_AFTER};
use hyper::{Method, Response};
use runtime::Runtime;
use tokio_rustls::TlsConnector;

use crate::client::{Ask, UserAgent, request};
use crate::connection::{self, Connection, Trust};
use crate::denial::Denial;
use crate::guard::{Guard, GuardSettings, Judged, Refused};
use crate::resolve::Resolve;

/// The most octets of a response's body that are read.
pub const READ_MAX: usize = 16 * 1_024;

/// The most octets of a response's body that are kept.
pub const KEPT_MAX: usize = 2 * 1_024;

/// How long a verdict about a URL holds.
const VERDICT_HOLDS: Duration = Duration::from_secs(10);

/// How long a URL that could not be judged is not judged again.
const FAILURE_HOLDS: Duration = Duration::from_secs(2);

/// How long resolving a name may take.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection is kept that nothing uses.
pub const IDLE_MAX: Duration = Duration::from_secs(20);

/// How requests are made.
#[derive(Clone, Debug)]
pub struct PostSettings {
    /// The URLs that may be fetched.
    pub guard: GuardSettings,
    /// The certificates that are trusted.
    pub trust: Trust,
    /// Who we say we are.
    pub user_agent: UserAgent,
    /// How long a request may take: name, connection, head and body together.
    pub timeout: Duration,
    /// Connections that are kept without a request, of all lines together.
    pub idle_max: usize,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// Its status.
    pub status: u16,
    /// What `Retry-After` says, as it stands.
    pub retry_after: Option<String>,
    /// The start of its body, [`KEPT_MAX`] octets at most.
    pub start: Bytes,
}

/// The reason why there is no whole response.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The URL may not be asked for.
    #[error("the URL is not allowed: {0}")]
    Denied(Denial),
    /// There was no whole response in time: what was waited for.
    #[error("{0}")]
    TimedOut(&'static str),
    /// It was tried.
    #[error("{0}")]
    Failed(String),
}

/// What is kept of one URL. Connections end with it.
#[derive(Default)]
pub struct Line {
    /// Held while the URL is judged, so that requests which come together are judged once.
    verdict: tokio::sync::Mutex<Option<Verdict>>,
    idle: Mutex<VecDeque<Idle>>,
}

struct Verdict {
    url: String,
    judged: Result<Judged, String>,
    until: Instant,
}

struct Idle {
    connection: Connection,
    since: Instant,
    /// Counts it among the idle ones of all lines.
    _place: Place,
}

/// A place among the idle connections of all lines.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Line {
    /// Ends connections that nothing has used for [`IDLE_MAX`].
    pub fn close_idle(&self, now: Instant) {
        self.idle().retain(|idle| now.saturating_duration_since(idle.since) < IDLE_MAX && idle.connection.is_ready());
    }

    /// A connection that is kept to one of these addresses, the last that was used.
    fn take(&self, judged: &Judged, now: Instant) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(found) = idle.pop_back() {
            let is_fresh = now.saturating_duration_since(found.since) < IDLE_MAX;
            if is_fresh && found.connection.is_ready() && judged.addresses().contains(&found.connection.address()) {
                return Some(found.connection);
            }
        }
        None
    }

    // No step under the lock can leave the list half changed.
    fn idle(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What makes requests: a [`Poster`], or the endpoints themselves where there are no sockets.
#[async_trait]
pub trait Post: Send + Sync {
    /// Judges a URL that is to be asked later.
    ///
    /// # Errors
    /// [`PostError::Denied`] when it breaks a rule; otherwise when it cannot be judged now.
    async fn judge(&self, url: &str) -> Result<(), PostError>;

    /// Posts a body to the URL of a line, with headers whose names are in lower case. Redirects are responses like
    /// others.
    ///
    /// # Errors
    /// The reason why there is no whole response.
    async fn post(
        &self,
        line: &Line,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Posted, PostError>;
}

#[async_trait]
impl Post for Poster {
    async fn judge(&self, url: &str) -> Result<(), PostError> {
        Self::judge(self, url).await
    }

    async fn post(
        &self,
        line: &Line,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Posted, PostError> {
        Self::post(self, line, url, headers, body).await
    }
}

/// Makes requests over sockets.
pub struct Poster {
    guard: Guard,
    tls: TlsConnector,
    agent: UserAgent,
    timeout: Duration,
    resolver: Arc<dyn Resolve>,
    runtime: Arc<dyn Runtime>,
    idle: Arc<AtomicUsize>,
    idle_max: usize,
}

impl Poster {
    /// One with these settings.
    ///
    /// # Errors
    /// TLS cannot be set up: a mistake in how this was built.
    pub fn new(
        settings: PostSettings,
        resolver: Arc<dyn Resolve>,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, rustls::Error> {
        let PostSettings { guard, trust, user_agent, timeout, idle_max } = settings;
        let (guard, tls, idle) = (Guard::new(&guard), trust.connector()?, Arc::default());
        Ok(Self { guard, tls, agent: user_agent, timeout, resolver, runtime, idle, idle_max })
    }

    /// Judges a URL that is to be asked later.
    ///
    /// # Errors
    /// [`PostError::Denied`] when it breaks a rule; otherwise when it cannot be judged now.
    pub async fn judge(&self, url: &str) -> Result<(), PostError> {
        let judging = self.guard.judge(url, None, &*self.resolver);
        match self.runtime.timeout(RESOLVE_TIMEOUT, judging).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Refused::Denied(denial))) => Err(PostError::Denied(denial)),
            Ok(Err(other)) => Err(PostError::Failed(other.to_string())),
            Err(_) => Err(PostError::TimedOut(UNRESOLVED)),
        }
    }

    /// Posts a body to the URL of a line, with headers whose names are in lower case. Redirects are responses like
    /// others.
    ///
    /// # Errors
    /// The reason why there is no whole response.
    pub async fn post(
        &self,
        line: &Line,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Posted, PostError> {
        let headers = header_map(headers).map_err(|error| PostError::Failed(error.to_string()))?;
        let deadline = self.runtime.instant() + self.timeout;
        let judged = self.judged(line, url, deadline).await?;
        let ask = Ask { method: Method::POST, headers, body, redirects_max: 0, deadline };
        if let Some(mut kept) = line.take(&judged, self.runtime.instant()) {
            // A server may end a connection just as the next request leaves. Such a request is made again.
            match self.ask(&mut kept, &judged, &ask).await {
                Err(PostError::Failed(_)) => {}
                answered => return self.read(line, kept, answered?, deadline).await,
            }
        }
        let opened = connection::open(&judged, &self.tls, deadline, &self.runtime).await;
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(_) if self.runtime.instant() >= deadline => return Err(PostError::TimedOut(UNCONNECTED)),
            Err(why) => return Err(PostError::Failed(why)),
        };
        let response = self.ask(&mut connection, &judged, &ask).await?;
        self.read(line, connection, response, deadline).await
    }

    /// The verdict about the URL, a kept one where it still holds.
    async fn judged(&self, line: &Line, url: &str, deadline: Instant) -> Result<Judged, PostError> {
        let judging = async {
            let mut verdict = line.verdict.lock().await;
            let now = self.runtime.instant();
            if let Some(known) = verdict.as_ref().filter(|known| known.url == url && now < known.until) {
                return known.judged.clone().map_err(PostError::Failed);
            }
            *verdict = None;
            let judging = self.guard.judge(url, None, &*self.resolver);
            let judged = match self.runtime.timeout(RESOLVE_TIMEOUT, judging).await {
                Ok(Ok(judged)) => Ok(judged),
                Ok(Err(Refused::Denied(denial))) => return Err(PostError::Denied(denial)),
                Ok(Err(other)) => Err(other.to_string()),
                Err(_) => Err(UNRESOLVED.to_owned()),
            };
            let holds = if judged.is_ok() { VERDICT_HOLDS } else { FAILURE_HOLDS };
            let until = self.runtime.instant() + holds;
            *verdict = Some(Verdict { url: url.to_owned(), judged: judged.clone(), until });
            judged.map_err(PostError::Failed)
        };
        self.runtime.timeout_at(deadline, judging).await.unwrap_or(Err(PostError::TimedOut(UNRESOLVED)))
    }

    async fn ask(
        &self,
        connection: &mut Connection,
        judged: &Judged,
        ask: &Ask,
    ) -> Result<Response<Incoming>, PostError> {
        let failed = |error: hyper::http::Error| PostError::Failed(error.to_string());
        let request = request(judged.target(), ask, &self.agent, "keep-alive").map_err(failed)?;
        match self.runtime.timeout_at(ask.deadline, connection.ask_next(request)).await {
            Ok(answered) => answered.map_err(PostError::Failed),
            Err(_) => Err(PostError::TimedOut("the response did not begin in time")),
        }
    }

    /// Reads the start of a body. What is longer than [`READ_MAX`] is cut off, with its connection.
    async fn read(
        &self,
        line: &Line,
        mut connection: Connection,
        response: Response<Incoming>,
        deadline: Instant,
    ) -> Result<Posted, PostError> {
        let (head, mut body) = response.into_parts();
        let (mut start, mut read) = (Vec::new(), 0);
        let is_whole = loop {
            let Ok(frame) = self.runtime.timeout_at(deadline, body.frame()).await else {
                return Err(PostError::TimedOut("the response was not complete in time"));
            };
            let Some(frame) = frame else { break true };
            let frame = frame.map_err(|error| PostError::Failed(format!("the response was cut off: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            read += data.len();
            start.extend_from_slice(&data[..data.len().min(KEPT_MAX - start.len())]);
            if read >= READ_MAX {
                break false;
            }
        };
        drop(body);
        if is_whole && self.runtime.timeout(Duration::from_millis(50), connection.ready()).await == Ok(true) {
            self.keep(line, connection);
        }
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Posted { status: head.status.as_u16(), retry_after, start: start.into() })
    }

    fn keep(&self, line: &Line, connection: Connection) {
        let place = Place(Arc::clone(&self.idle));
        if self.idle.fetch_add(1, Ordering::Relaxed) < self.idle_max {
            line.idle().push_back(Idle { connection, since: self.runtime.instant(), _place: place });
        }
    }
}

fn header_map(headers: &[(&'static str, String)]) -> Result<HeaderMap, InvalidHeaderValue> {
    let mut map = HeaderMap::with_capacity(headers.len() + 4);
    for (name, value) in headers {
        map.insert(*name, HeaderValue::try_from(value)?);
    }
    Ok(map)
}

const UNRESOLVED: &str = "the host was not resolved in time";
const UNCONNECTED: &str = "the connection was not made in time";
