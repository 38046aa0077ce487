//! Where the MMSC connects to us: known peers only, and not too many at once.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::session::{Inbox, Rules, Session};

/// How long a connection that is sent away may take to hear it.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);
/// The rest after connections could not be accepted, as when there are no more files to be had.
const ACCEPT_REST: Duration = Duration::from_millis(100);

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
        let doors = Doors { peers, room: Arc::new(Semaphore::new(connections_max)), rules: Arc::new(rules), inbox, closing: is_closing };
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
                    tracing::warn!("A connection to the MM4 listener could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr) {
        if !self.peers.iter().any(|network| network.contains(&peer)) {
            tracing::warn!(peer.address = %peer, "{peer} is no MM4 peer and was sent away");
            tokio::spawn(send_away(stream, "554 5.7.1 You are not known here\r\n"));
            return;
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!(peer.address = %peer, "{peer} was sent away: too many MM4 connections");
            tokio::spawn(send_away(stream, "421 4.3.2 Too many connections\r\n"));
            return;
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
}

async fn send_away(mut stream: TcpStream, reply: &str) {
    let told = async {
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(REFUSAL_TIMEOUT, told).await;
}
