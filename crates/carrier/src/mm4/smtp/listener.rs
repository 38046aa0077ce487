//! Where the MMSC connects to us: known peers only, and not too many at once.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use model::sampler::{Line, Sampler};
use net::send_off;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::session::{Inbox, Rules, Session};

/// How long a connection that is sent away may take to hear it.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);
/// So many are sent away with words at the same time; more are cut. Strangers do not get to hold our file handles.
const REFUSALS_MAX: usize = 16;

/// Lines that those can cause who are sent away.
static STRANGERS: Sampler = Sampler::new(10);

/// An open port. It closes when this is dropped.
pub(crate) struct Listener {
    address: SocketAddr,
    closing: watch::Sender<bool>,
}

impl Listener {
    /// Opens a port and serves who comes.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub(crate) fn start(at: SocketAddr, peers: Vec<IpNet>, connections_max: usize, rules: Rules, inbox: Arc<dyn Inbox>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (closing, is_closing) = watch::channel(false);
        let (room, refusals) = (Arc::new(Semaphore::new(connections_max)), Arc::new(Semaphore::new(REFUSALS_MAX)));
        let doors = Doors { peers, room, refusals, rules: Arc::new(rules), inbox, closing: is_closing };
        tokio::spawn(doors.serve(listener));
        Ok(Self { address, closing })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections and no more mails; one that is being answered still is.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

/// Who is let in, and to what.
struct Doors {
    peers: Vec<IpNet>,
    room: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    rules: Arc<Rules>,
    inbox: Arc<dyn Inbox>,
    closing: watch::Receiver<bool>,
}

impl Doors {
    async fn serve(mut self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = self.closing.wait_for(|closing| *closing) => return,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer.ip().to_canonical()),
                Err(error) => {
                    if let Some(Line { left_out }) = STRANGERS.line(Instant::now()) {
                        tracing::warn!(left_out, "A connection to the MM4 listener could not be accepted: {error}");
                    }
                    if let Some(rest) = net::rest_after(&error) {
                        tokio::time::sleep(rest).await;
                    }
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr) {
        if !self.peers.iter().any(|network| network.contains(&peer)) {
            return self.send_away(stream, peer, "it is no MM4 peer", b"554 5.7.1 You are not known here\r\n");
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.send_away(stream, peer, "there are too many MM4 connections", b"421 4.3.2 Too many connections\r\n");
        };
        let (rules, inbox, closing) = (Arc::clone(&self.rules), Arc::clone(&self.inbox), self.closing.clone());
        tokio::spawn(async move {
            let _room = room;
            // Replies are short and waited for.
            let _ = stream.set_nodelay(true);
            if let Err(error) = Session::new(&rules, &*inbox).serve(Box::new(stream), closing).await {
                tracing::debug!(peer.address = %peer, "The MM4 connection of {peer} ended: {error}");
            }
        });
    }

    fn send_away(&self, stream: TcpStream, peer: IpAddr, why: &str, reply: &'static [u8]) {
        if let Some(Line { left_out }) = STRANGERS.line(Instant::now()) {
            tracing::warn!(peer.address = %peer, left_out, "{peer} was sent away: {why}");
        }
        if let Ok(refusal) = Arc::clone(&self.refusals).try_acquire_owned() {
            tokio::spawn(async move {
                send_off(stream, reply, REFUSAL_TIMEOUT).await;
                drop(refusal);
            });
        }
    }
}
