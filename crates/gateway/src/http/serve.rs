//! Connections: accepted up to a bound, in all and for each address, each with its deadlines, and let finish when the process ends.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use model::ErrorCode;
use net::{Patience, Patient, Share, Shares, send_off};
use runtime::Runtime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::Peer;
use super::canned::{Account, MakeAnswer, Rewritten};
use super::log::Lines;
use super::metrics::HttpMetrics;

/// One listener and what is behind it.
pub struct Door {
    /// What its connections wait with.
    pub runtime: Arc<dyn Runtime>,
    /// What the log and the metrics call it.
    pub name: &'static str,
    /// Where it listens.
    pub listener: TcpListener,
    /// Whether, and with what certificate, connections are TLS.
    pub tls: Option<TlsAcceptor>,
    /// What answers requests.
    pub router: Router,
    /// How a request is answered whose head cannot be read, by the address that it came from.
    pub unreadable: Arc<dyn Fn(SocketAddr) -> MakeAnswer + Send + Sync>,
    /// What a client may take.
    pub bounds: Bounds,
    /// Where connections that come to nothing are counted.
    pub metrics: HttpMetrics,
    /// Where they are logged.
    pub lines: Arc<Lines>,
}

/// What clients may take of a door.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Connections at once.
    pub connections_max: usize,
    /// Those of one address.
    pub connections_per_address: usize,
    /// Networks whose addresses speak for many clients, and have no bound of their own.
    pub proxies: Vec<IpNet>,
    /// How long a head may take, and how long a connection may idle.
    pub head_timeout: Duration,
    /// The largest head.
    pub head_bytes_max: usize,
    /// How long a client may leave an answer unread.
    pub write: Patience,
}

/// How long the last answers may take to be read once the process ends.
const FINISH: Duration = Duration::from_secs(1);

/// How long a client may take to read that it is sent away.
const SEND_OFF: Duration = Duration::from_secs(1);

/// So many clients are seen off in order at the same time; others are sent their answer and cut. File handles are kept free for them.
pub const SEND_OFFS_MAX: usize = 32;

/// Serves until `ended` turns true; the last answers then have one second to be read, and requests that are still under way are answered with a refusal.
pub async fn serve(door: Door, mut ended: watch::Receiver<bool>) {
    let rooms = Rooms::new(&door.bounds);
    let door = Arc::new(door);
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = until(&mut ended) => break,
        };
        match accepted {
            Ok((stream, peer)) => match rooms.take(&door.bounds, peer.ip()) {
                Ok(place) => drop(tokio::spawn(connection(Arc::clone(&door), stream, peer, place, ended.clone()))),
                Err(why) => send_away(&door, &rooms, stream, peer, why),
            },
            Err(error) => {
                door.metrics.lost_connection(door.name, "not_accepted");
                door.lines.not_accepted(door.name, &error);
                if let Some(rest) = net::rest_after(&error) {
                    tokio::time::sleep(rest).await;
                }
            }
        }
    }
    let all = u32::try_from(door.bounds.connections_max).unwrap_or(u32::MAX);
    // Connections that are still busy after that are cut.
    let _ = tokio::time::timeout(FINISH, rooms.places.acquire_many(all)).await;
}

/// The room that there is for connections.
struct Rooms {
    places: Arc<Semaphore>,
    shares: Shares,
    send_offs: Arc<Semaphore>,
}

/// What a connection takes of it.
type Place = (OwnedSemaphorePermit, Option<Share>);

impl Rooms {
    fn new(bounds: &Bounds) -> Self {
        Self {
            places: Arc::new(Semaphore::new(bounds.connections_max)),
            shares: Shares::new(bounds.connections_per_address),
            send_offs: Arc::new(Semaphore::new(SEND_OFFS_MAX)),
        }
    }

    fn take(&self, bounds: &Bounds, address: IpAddr) -> Result<Place, &'static str> {
        let address = address.to_canonical();
        let is_proxy = bounds.proxies.iter().any(|network| network.contains(&address));
        let share = if is_proxy { None } else { Some(self.shares.take(address).ok_or("address_full")?) };
        Ok((Arc::clone(&self.places).try_acquire_owned().map_err(|_| "full")?, share))
    }
}

/// Tells a client that there is no room for it. Over TLS that would cost more than it is worth.
fn send_away(door: &Door, rooms: &Rooms, stream: TcpStream, peer: SocketAddr, why: &'static str) {
    door.metrics.lost_connection(door.name, why);
    door.lines.connection(door.name, peer, why);
    if door.tls.is_some() {
        return;
    }
    let answer = (door.unreadable)(peer)(ErrorCode::ServiceUnavailable);
    match Arc::clone(&rooms.send_offs).try_acquire_owned() {
        Ok(place) => {
            let runtime = Arc::clone(&door.runtime);
            drop(tokio::spawn(async move {
                send_off(&runtime, stream, &answer, SEND_OFF).await;
                drop(place);
            }));
        }
        // In a crowd the answer goes out without waiting whether it arrives: a new connection has room for it.
        Err(_) => drop(stream.into_std().and_then(|mut stream| stream.write(&answer))),
    }
}

async fn connection(door: Arc<Door>, stream: TcpStream, peer: SocketAddr, place: Place, ended: watch::Receiver<bool>) {
    // A connection on which this fails is gone already.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(Arc::clone(&door.runtime), stream, door.bounds.write);
    let lost = |why: &'static str, words: &str| {
        door.metrics.lost_connection(door.name, why);
        door.lines.connection(door.name, peer, words);
    };
    match &door.tls {
        None => requests(&door, stream, peer, ended).await,
        Some(tls) => match tokio::time::timeout(door.bounds.head_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(&door, stream, peer, ended).await,
            Ok(Err(error)) => lost("tls", &format!("the TLS handshake failed: {error}")),
            Err(_) => lost("tls", "the TLS handshake took too long"),
        },
    }
    drop(place);
}

async fn requests(door: &Door, stream: impl AsyncRead + AsyncWrite + Send + Unpin, peer: SocketAddr, mut ended: watch::Receiver<bool>) {
    let account = Account::default();
    let make_answer = (door.unreadable)(peer);
    let mut stream = TokioIo::new(stream);
    let outcome = {
        let service = service_fn(|request: Request<Incoming>| {
            account.owe();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            // A router is always ready.
            door.router.clone().call(request)
        });
        let mut builder = http1::Builder::new();
        // No `pipeline_flush`: with it hyper never writes its answer to a head that it cannot read, nor those before it.
        // A client that has said all and closes its half still waits for the answer.
        builder.half_close(true).timer(TokioTimer::new()).header_read_timeout(door.bounds.head_timeout);
        // The buffer has room for one octet more than a head, so that the bound of the head is the one that counts.
        builder.max_header_size(door.bounds.head_bytes_max).max_buf_size(door.bounds.head_bytes_max + 1);
        let mut served = pin!(builder.serve_connection(Rewritten::new(&mut stream, &account, Arc::clone(&make_answer)), service));
        tokio::select! {
            outcome = served.as_mut() => outcome.map_err(Some),
            () = until(&mut ended) => {
                served.as_mut().graceful_shutdown();
                match account.owes() {
                    // Its handler would go on for longer than the process.
                    true => Err(None),
                    false => tokio::time::timeout(FINISH, served).await.map_or(Ok(()), |outcome| outcome.map_err(Some)),
                }
            }
        }
    };
    // A client that leaves, or idles for too long, between two requests is no matter.
    let Err(error) = outcome else { return };
    let answer = last_answer(&account, error.as_ref()).map(|code| make_answer(code));
    if answer.is_some() || account.is_refused() {
        send_off(&door.runtime, stream.into_inner(), &answer.unwrap_or_default(), SEND_OFF).await;
    }
    if let Some(error) = error.filter(|error| is_unread(error) || account.owes() || account.has_heard()) {
        let why = if is_unread(&error) {
            "unread"
        } else if error.is_timeout() {
            "slow_head"
        } else {
            "broken"
        };
        door.metrics.lost_connection(door.name, why);
        door.lines.connection(door.name, peer, &format!("{why}: {error}"));
    }
}

/// What a connection that ended with an error still owes its client, which hyper does not say. `None` for the error is the end of the process.
fn last_answer(account: &Account, error: Option<&hyper::Error>) -> Option<ErrorCode> {
    match error {
        None => account.owes().then_some(ErrorCode::ServiceUnavailable),
        // A head that was begun: it took too long, it broke off, or it is the preface of HTTP/2.
        Some(_) if account.owes() || account.is_refused() || !account.has_heard() => None,
        Some(error) if error.is_timeout() => Some(ErrorCode::ServiceUnavailable),
        Some(error) if error.is_parse() || error.is_incomplete_message() => Some(ErrorCode::MalformedRequest),
        Some(_) => None,
    }
}

/// Whether a connection ended because its client did not read an answer.
fn is_unread(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|source| source.kind() == std::io::ErrorKind::TimedOut)
}

/// Resolves when `ended` turns true.
async fn until(ended: &mut watch::Receiver<bool>) {
    // The sender is gone only when the process is.
    let _ = ended.wait_for(|ended| *ended).await;
}
