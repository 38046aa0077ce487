//! Connections: accepted up to a bound, in all and for each address, each with its deadlines, and let finish when the
//! process ends.

use std::io::Write;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use model::ErrorCode;
use net::{Patient, Timer, send_off};
use runtime::{Runtime, Work};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::Service;

use super::Peer;
use super::canned::{Account, MakeAnswer, Rewritten};
use super::log::Lines;
use super::metrics::HttpMetrics;
use super::rooms::{Bounds, Place, Rooms};
use super::tls::Tls;

/// The answer to a request with an unreadable head, by the address of its client.
pub type Unreadable = Arc<dyn Fn(SocketAddr) -> MakeAnswer + Send + Sync>;

/// One listener and its service.
pub struct Door {
    /// Its name in the log and the metrics.
    pub name: &'static str,
    /// The address on which it listens.
    pub listener: TcpListener,
    /// Whether, and with what certificate, connections are TLS.
    pub tls: Option<Arc<Tls>>,
    /// The service that answers requests.
    pub router: Router,
    /// The answer to a request with an unreadable head, by the address of its client.
    pub unreadable: Unreadable,
    /// The limits of clients.
    pub rooms: Arc<Rooms>,
    /// The counters of lost connections.
    pub metrics: HttpMetrics,
    /// Their log lines.
    pub lines: Arc<Lines>,
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
}

/// The longest time in which clients read the last answers when the process ends.
const FINISH: Duration = Duration::from_secs(1);

/// How long a client may take to read that it is sent away.
const SEND_OFF: Duration = Duration::from_secs(1);

/// The phase of the process. Listeners follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Requests are served.
    Serving,
    /// The process is going to end. Connections are accepted and requests answered as before; a head that does not
    /// become whole has little time.
    Draining,
    /// The last answers are written.
    Over,
}

/// Serves until the phase is [`Phase::Over`]; the last answers then have one second to be read, and requests that are
/// still under way are answered with a refusal.
pub fn serve(door: Door, phase: watch::Receiver<Phase>) -> Work {
    Box::pin(accept(Arc::new(door), phase))
}

async fn accept(door: Arc<Door>, mut phase: watch::Receiver<Phase>) {
    loop {
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            () = reaches(&mut phase, Phase::Over) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                match door.rooms.take(peer.ip()) {
                    Ok(place) => drop(door.runtime.spawn(
                        "connection",
                        Box::pin(connection(Arc::clone(&door), stream, peer, place, phase.clone())),
                    )),
                    Err(why) => send_away(&door, stream, peer, why),
                }
            }
            Err(error) => {
                door.metrics.lost_connection(door.name, "not_accepted");
                door.lines.not_accepted(door.name, &error);
                if let Some(rest) = net::rest_after(&error) {
                    door.runtime.sleep(rest).await;
                }
            }
        }
    }
    // Connections that are still busy after that are cut.
    let _ = door.runtime.timeout(FINISH, door.rooms.emptied()).await;
}

/// Tells a client that there is no room for it. Over TLS that would cost more than it is worth.
fn send_away(door: &Door, stream: TcpStream, peer: SocketAddr, why: &'static str) {
    door.metrics.lost_connection(door.name, why);
    door.lines.connection(door.name, peer, why);
    if door.tls.is_some() {
        return;
    }
    let mut answer = (door.unreadable)(peer)(ErrorCode::ServiceUnavailable);
    match door.rooms.take_send_off() {
        Some(place) => {
            let runtime = Arc::clone(&door.runtime);
            let sent_off = async move {
                send_off(&runtime, stream, &answer.await, SEND_OFF).await;
                drop(place);
            };
            drop(door.runtime.spawn("send-off", Box::pin(sent_off)));
        }
        // In a crowd the answer goes out without waiting for anything, nor whether it arrives: a new connection has
        // room for it.
        None => {
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                drop(stream.into_std().and_then(|mut stream| stream.write(&answer)));
            }
        }
    }
}

async fn connection(
    door: Arc<Door>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    mut phase: watch::Receiver<Phase>,
) {
    // A connection on which this fails is gone already.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(Arc::clone(&door.runtime), stream, place.bounds.write);
    let lost = |why: &'static str, words: &str| {
        door.metrics.lost_connection(door.name, why);
        door.lines.connection(door.name, peer, words);
    };
    let Some(tls) = &door.tls else { return requests(&door, stream, peer, &place.bounds, phase).await };
    let shaken = tokio::select! {
        biased;
        shaken = door.runtime.timeout(place.bounds.head_timeout, tls.acceptor().accept(stream)) => shaken,
        () = too_late(&door, &mut phase) => return lost("tls", "the TLS handshake was not complete when the process \
            began to end"),
    };
    match shaken {
        Ok(Ok(stream)) => requests(&door, stream, peer, &place.bounds, phase).await,
        Ok(Err(error)) => lost("tls", &format!("the TLS handshake failed: {error}")),
        Err(_) => lost("tls", "the TLS handshake took too long"),
    }
}

/// Resolves when the process is going to end, and a client has had a second to finish what it had begun.
async fn too_late(door: &Door, phase: &mut watch::Receiver<Phase>) {
    reaches(phase, Phase::Draining).await;
    door.runtime.sleep(FINISH).await;
}

/// Resolves when the process is over, or a second after it began to end where a client has begun a head that is still
/// not whole: it would hear nothing until then.
async fn time_is_up(door: &Door, account: &Account, phase: &mut watch::Receiver<Phase>) {
    reaches(phase, Phase::Draining).await;
    loop {
        let head = account.head_under_way();
        tokio::select! {
            biased;
            () = reaches(phase, Phase::Over) => return,
            () = door.runtime.sleep(FINISH) => {}
        }
        if head.is_some() && account.head_under_way() == head {
            return;
        }
    }
}

async fn requests(
    door: &Door,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin,
    peer: SocketAddr,
    bounds: &Bounds,
    mut phase: watch::Receiver<Phase>,
) {
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
        // No `pipeline_flush`: with it hyper never writes its answer to a head that it cannot read, nor those before
        // it. A client that has said all and closes its half still waits for the answer.
        builder.half_close(true).timer(Timer::new(Arc::clone(&door.runtime))).header_read_timeout(bounds.head_timeout);
        // The buffer has room for one octet more than a head, so that the bound of the head is the one that counts.
        builder.max_header_size(bounds.head_bytes_max).max_buf_size(bounds.head_bytes_max + 1);
        let mut served =
            pin!(builder.serve_connection(Rewritten::new(&mut stream, &account, Arc::clone(&make_answer)), service));
        tokio::select! {
            outcome = served.as_mut() => outcome.map_err(Some),
            () = time_is_up(door, &account, &mut phase) => {
                served.as_mut().graceful_shutdown();
                match account.owes() || account.has_heard() {
                    // Its handler, or the rest of its head, would take longer than the process.
                    true => Err(None),
                    false => door.runtime.timeout(FINISH, served).await.map_or(Ok(()), |outcome| outcome.map_err(Some)),
                }
            }
        }
    };
    // A client that leaves, or idles for too long, between two requests is no matter.
    let Err(error) = outcome else { return };
    let answer = match last_answer(&account, error.as_ref()) {
        Some(code) => Some(make_answer(code).await),
        None => None,
    };
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

/// What a connection that ended with an error still owes its client, which hyper does not say. `None` for the error is
/// the end of the process.
fn last_answer(account: &Account, error: Option<&hyper::Error>) -> Option<ErrorCode> {
    match error {
        None => (account.owes() || account.has_heard()).then_some(ErrorCode::ServiceUnavailable),
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

/// Resolves when the process has come so far.
async fn reaches(phase: &mut watch::Receiver<Phase>, wanted: Phase) {
    // The sender is gone only when the process is.
    let _ = phase.wait_for(|phase| *phase >= wanted).await;
}
