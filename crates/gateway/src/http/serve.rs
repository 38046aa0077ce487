//! Connections: accepted up to a bound, each with its deadlines, and let finish when the process ends.

use std::net::SocketAddr;
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
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::Peer;
use super::canned::{MakeAnswer, Rewritten};

/// One listener and what is behind it.
pub struct Door {
    /// Where it listens.
    pub listener: TcpListener,
    /// Whether, and with what certificate, connections are TLS.
    pub tls: Option<TlsAcceptor>,
    /// Who answers.
    pub router: Router,
    /// How a request is answered whose head cannot be read, by the address that it came from.
    pub unreadable: Arc<dyn Fn(SocketAddr) -> MakeAnswer + Send + Sync>,
    /// Connections at once.
    pub connections_max: usize,
    /// How long a head may take, and how long a connection may idle.
    pub head_timeout: Duration,
    /// The largest head.
    pub head_bytes_max: usize,
}

/// How long the last requests may take once the process ends.
const FINISH: Duration = Duration::from_secs(5);

/// After a failure to accept (no file handles left), the wait before the next try.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves until `stopped` turns true, then lets the requests under way finish.
pub async fn serve(door: Door, mut stopped: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(door.connections_max));
    let door = Arc::new(door);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&door.listener, &places) => accepted,
            () = until(&mut stopped) => break,
        };
        match accepted {
            Ok((stream, peer, place)) => drop(tokio::spawn(connection(Arc::clone(&door), stream, peer, place, stopped.clone()))),
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    let all = u32::try_from(door.connections_max).unwrap_or(u32::MAX);
    // Connections that are still busy after that are cut.
    let _ = tokio::time::timeout(FINISH, places.acquire_many(all)).await;
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(door: Arc<Door>, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit, stopped: watch::Receiver<bool>) {
    // A connection on which this fails is gone already.
    let _ = stream.set_nodelay(true);
    match &door.tls {
        None => requests(&door, stream, peer, stopped).await,
        Some(tls) => match tokio::time::timeout(door.head_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(&door, stream, peer, stopped).await,
            Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        },
    }
    drop(place);
}

async fn requests(door: &Door, stream: impl AsyncRead + AsyncWrite + Unpin, peer: SocketAddr, mut stopped: watch::Receiver<bool>) {
    let stream = Rewritten::new(TokioIo::new(stream), (door.unreadable)(peer));
    let service = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        // A router is always ready.
        door.router.clone().call(request)
    });
    let mut builder = http1::Builder::new();
    // No `pipeline_flush`: with it hyper never writes its answer to a head that it cannot read, nor those before it.
    // A client that has said all and closes its half still waits for the answer.
    builder.half_close(true).timer(TokioTimer::new()).header_read_timeout(door.head_timeout).max_buf_size(door.head_bytes_max);
    let mut served = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = served.as_mut() => Some(ended),
        () = until(&mut stopped) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "Connection ended: {error}");
    }
}

/// Resolves when `stopped` turns true.
async fn until(stopped: &mut watch::Receiver<bool>) {
    // The sender is gone only when the process is.
    let _ = stopped.wait_for(|stop| *stop).await;
}
