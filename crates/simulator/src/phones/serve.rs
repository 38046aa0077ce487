//! The telephones on an address of their own: for a simulator that runs alone.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use net::{Patience, Patient, Timer};
use runtime::Work;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Phones;

/// Connections at once.
const CONNECTIONS_MAX: usize = 256;

/// How long a head may take, and a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a client may read nothing.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves the telephones on this address for as long as the runtime lives. Returns where.
///
/// # Errors
/// When the address is not of this machine alone, or it cannot be listened on.
pub fn serve(phones: Phones, address: SocketAddr) -> Work<io::Result<SocketAddr>> {
    Box::pin(served(phones, address))
}

async fn served(phones: Phones, address: SocketAddr) -> io::Result<SocketAddr> {
    if !address.ip().to_canonical().is_loopback() {
        let why = format!("{address} is not of this machine alone: the telephones need an address such as 127.0.0.1");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let runtime = Arc::clone(&phones.runtime);
    runtime.spawn("telephones", Box::pin(accept(phones, listener)));
    Ok(address)
}

async fn accept(phones: Phones, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // A connection that fails at once is the peer's affair.
                let _ = stream.set_nodelay(true);
                let runtime = Arc::clone(&phones.runtime);
                let stream = Patient::new(Arc::clone(&runtime), stream, Patience::of(WRITE_TIMEOUT));
                let phones = phones.clone();
                let connection = async move {
                    let _place = place;
                    let service =
                        service_fn(|request| async { Ok::<_, Infallible>(phones.answer(request, peer).await) });
                    let mut builder = http1::Builder::new();
                    builder.timer(Timer::new(Arc::clone(&phones.runtime))).header_read_timeout(HEAD_TIMEOUT);
                    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                        tracing::debug!(%error, "A connection to the telephones ended: {error}");
                    }
                };
                runtime.spawn("connection to the telephones", Box::pin(connection));
            }
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection to the phones: {error}");
                if let Some(rest) = net::rest_after(&error) {
                    phones.runtime.sleep(rest).await;
                }
            }
        }
    }
}
