//! The listener for reports of an MMSC: an HTTP server for one path and few peers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use model::sampler::{Line, Sampler};
use model::unmatched::Reason;
use net::{Patience, Patient, Timer};
use runtime::Runtime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::config::{Login, Mm7Config};
use super::login;
use super::receive::receive;
use crate::ConfigError;
use crate::exchange::{Teller, Unconfirmed};
use crate::keys::Mistake;
use crate::rooms::{Place, Refused, Rooms};

/// The longest head of a report. It has a few lines.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// When an MMSC that could not be served should come back, in seconds.
const COME_BACK_SECS: &str = "30";

/// The answer to a connection for which there is no room. `Retry-After` has [`COME_BACK_SECS`].
const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 30\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// One listener, and who may come.
pub(crate) struct Door {
    runtime: Arc<dyn Runtime>,
    listener: TcpListener,
    path: String,
    login: Option<Login>,
    allow: Vec<IpNet>,
    rooms: Rooms,
    patience: Duration,
    bytes_max: usize,
    national_prefix: Option<String>,
    teller: Arc<Teller>,
    /// Log lines about peers that may not report.
    strangers: Sampler,
    /// Log lines about peers for which there is no room. Strangers cannot hide them.
    crowded: Sampler,
}

impl Door {
    /// What the configuration says of listening, at this socket.
    pub(crate) fn new(
        runtime: Arc<dyn Runtime>,
        config: &Mm7Config,
        listener: std::net::TcpListener,
        teller: Arc<Teller>,
    ) -> Result<Self, ConfigError> {
        let unusable = |error: std::io::Error| {
            config.mistaken(vec![Mistake::new("listen", format!("cannot be listened on: {error}"))])
        };
        listener.set_nonblocking(true).map_err(unusable)?;
        Ok(Self {
            listener: TcpListener::from_std(listener).map_err(unusable)?,
            path: config.listen_path.clone(),
            login: config.peer_login()?,
            allow: config.allow_peers.clone(),
            rooms: Rooms::new(Arc::clone(&runtime), config.listen_connections_max),
            runtime,
            patience: Duration::from_secs(config.listen_timeout_secs),
            bytes_max: config.listen_bytes_max,
            national_prefix: config.national_prefix.clone(),
            teller,
            strangers: Sampler::new(10),
            crowded: Sampler::new(1),
        })
    }

    /// A place for a connection from `peer`, unless it is refused.
    fn let_in(&self, peer: SocketAddr) -> Result<Place, Refused> {
        let address = peer.ip().to_canonical();
        if !self.allow.iter().any(|network| network.contains(&address)) {
            return Err(Refused::NotAllowed);
        }
        self.rooms.take(address)
    }

    /// Refuses a connection: one of a stranger is closed, and one for which there is no room is answered.
    fn refuse(&self, stream: TcpStream, peer: SocketAddr, why: Refused) {
        self.teller.refused_connection(why);
        let lines = if why == Refused::NotAllowed { &self.strangers } else { &self.crowded };
        if let Some(Line { left_out }) = lines.line(self.runtime.instant()) {
            let (name, why) = (self.teller.name(), why.why());
            tracing::warn!(carrier.name = name, %peer, left_out, "Carrier {name}: a connection from {} was refused: \
                {why}", peer.ip());
        }
        if why != Refused::NotAllowed {
            self.rooms.send_away(stream, NO_ROOM);
        }
    }
}

/// Serves until `stopped` turns true, then lets the requests under way finish.
pub(crate) async fn serve(door: Arc<Door>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = until(&mut stopped) => return,
        };
        match accepted {
            Ok((stream, peer)) => match door.let_in(peer) {
                Ok(place) => {
                    let served = connection(Arc::clone(&door), stream, place, stopped.clone());
                    door.runtime.spawn("connection to an MM7 listener", Box::pin(served));
                }
                Err(why) => door.refuse(stream, peer, why),
            },
            Err(error) => {
                if let Some(Line { left_out }) = door.strangers.line(door.runtime.instant()) {
                    tracing::warn!(carrier.name = door.teller.name(), %error, left_out, "Carrier {}: cannot accept a \
                        connection: {error}", door.teller.name());
                }
                if let Some(rest) = net::rest_after(&error) {
                    door.runtime.sleep(rest).await;
                }
            }
        }
    }
}

async fn connection(door: Arc<Door>, stream: TcpStream, place: Place, mut stopped: watch::Receiver<bool>) {
    let service = service_fn(|request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(answer(&door, request).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .half_close(true)
        .timer(Timer::new(Arc::clone(&door.runtime)))
        .header_read_timeout(door.patience)
        .max_header_size(HEAD_BYTES_MAX);
    let stream = Patient::new(Arc::clone(&door.runtime), stream, Patience::of(door.patience));
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = until(&mut stopped) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(carrier.name = door.teller.name(), "Connection ended: {error}");
    }
    drop(place);
}

type Answer = Response<Told>;

/// The body of an answer, and the confirmation to give when the connection has taken it.
#[derive(Default)]
struct Told {
    body: Full<Bytes>,
    unconfirmed: Option<(Unconfirmed, Arc<dyn Runtime>)>,
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Some((unconfirmed, runtime)) = self.unconfirmed.take_if(|_| frame.is_ready()) {
            unconfirmed.reached_peer(runtime.instant());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn answer(door: &Door, request: Request<Incoming>) -> Answer {
    if request.uri().path() != door.path {
        return plain(StatusCode::NOT_FOUND, None);
    }
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "POST")));
    }
    if door.login.as_ref().is_some_and(|login| !login::is_from(login, request.headers())) {
        if let Some(Line { left_out }) = door.strangers.line(door.runtime.instant()) {
            tracing::warn!(
                carrier.name = door.teller.name(),
                left_out,
                "Carrier {}: a report with wrong credentials or none was refused",
                door.teller.name()
            );
        }
        return plain(StatusCode::UNAUTHORIZED, Some((WWW_AUTHENTICATE, "Basic realm=\"mm7\"")));
    }
    let content_type =
        request.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = Limited::new(request.into_body(), door.bytes_max).collect();
    let body = match door.runtime.timeout(door.patience, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            door.teller.unusable(Reason::Inbound, "a request of more octets than `listen_bytes_max`", b"");
            return plain(StatusCode::PAYLOAD_TOO_LARGE, None);
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, None),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, None),
    };
    let prefix = door.national_prefix.as_deref();
    let reply = receive(&door.runtime, &door.teller, door.patience, prefix, content_type.as_deref(), &body).await;
    let unconfirmed = reply.unconfirmed.map(|unconfirmed| (unconfirmed, Arc::clone(&door.runtime)));
    let mut answer = Response::new(Told { body: Full::new(Bytes::from(reply.post.body)), unconfirmed });
    *answer.status_mut() = StatusCode::from_u16(reply.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(content_type) = HeaderValue::from_str(&reply.post.content_type) {
        answer.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(COME_BACK_SECS));
    }
    answer
}

/// An answer without a body.
fn plain(status: StatusCode, header: Option<(HeaderName, &'static str)>) -> Answer {
    let mut answer = Response::new(Told::default());
    *answer.status_mut() = status;
    answer.headers_mut().extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
    answer
}

/// Resolves when `stopped` turns true, or nobody is left who could say so.
async fn until(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
