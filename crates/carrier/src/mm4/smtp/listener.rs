//! The listener for the MMSC: known peers only, and a limited number of connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use model::sampler::{Line, Sampler};
use runtime::{Runtime, Supervisor};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::session::{Inbox, Rules, Session};
use crate::exchange::Teller;
use crate::rooms::{Refused, Rooms};

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
    pub(crate) fn start(
        at: SocketAddr,
        peers: Vec<IpNet>,
        connections_max: usize,
        rules: Rules,
        inbox: Arc<dyn Inbox>,
        teller: Arc<Teller>,
        supervisor: &Supervisor,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let (closing, is_closing) = watch::channel(false);
        let runtime = Arc::clone(supervisor.runtime());
        let doors = Doors {
            rooms: Rooms::new(Arc::clone(&runtime), connections_max),
            runtime,
            peers,
            rules: Arc::new(rules),
            inbox,
            teller,
            closing: is_closing,
            refused: Sampler::new(10),
        };
        supervisor.watch("listener of an MM4 carrier", doors.serve(listener));
        Ok(Self { address, closing })
    }

    /// The address on which it listens.
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
    runtime: Arc<dyn Runtime>,
    peers: Vec<IpNet>,
    rooms: Rooms,
    rules: Arc<Rules>,
    inbox: Arc<dyn Inbox>,
    teller: Arc<Teller>,
    closing: watch::Receiver<bool>,
    /// Log lines about refused connections.
    refused: Sampler,
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
                    if let Some(Line { left_out }) = self.refused.line(self.runtime.instant()) {
                        tracing::warn!(left_out, "A connection to the MM4 listener could not be accepted: {error}");
                    }
                    if let Some(rest) = net::rest_after(&error) {
                        self.runtime.sleep(rest).await;
                    }
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: IpAddr) {
        if !self.peers.iter().any(|network| network.contains(&peer)) {
            return self.send_away(stream, peer, Refused::NotAllowed, b"554 5.7.1 You are not known here\r\n");
        }
        let place = match self.rooms.take(peer) {
            Ok(place) => place,
            Err(why) => return self.send_away(stream, peer, why, b"421 4.3.2 Too many connections\r\n"),
        };
        let (runtime, rules, inbox, closing) =
            (Arc::clone(&self.runtime), Arc::clone(&self.rules), Arc::clone(&self.inbox), self.closing.clone());
        let served = async move {
            let _place = place;
            // Replies are short and waited for.
            let _ = stream.set_nodelay(true);
            if let Err(error) = Session::new(&runtime, &rules, &*inbox).serve(Box::new(stream), closing).await {
                tracing::debug!(peer.address = %peer, "The MM4 connection of {peer} ended: {error}");
            }
        };
        self.runtime.spawn("connection to an MM4 listener", Box::pin(served));
    }

    fn send_away(&self, stream: TcpStream, peer: IpAddr, why: Refused, reply: &'static [u8]) {
        self.teller.refused_connection(why);
        if let Some(Line { left_out }) = self.refused.line(self.runtime.instant()) {
            let (name, why) = (self.teller.name(), why.why());
            tracing::warn!(carrier.name = name, peer.address = %peer, left_out, "Carrier {name}: a connection from \
                {peer} was refused: {why}");
        }
        self.rooms.send_away(stream, reply);
    }
}
