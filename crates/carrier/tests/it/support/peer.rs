//! An SMSC that does exactly what a test tells it, for what the simulated one cannot get wrong.

use std::net::SocketAddr;
use std::task::Poll;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::smpp::{Address, Bind, BindKind, Body, CommandId, CommandStatus, Pdu, Sm, Tlvs, decode, encode, frame};

use super::within;

/// Where sessions come in.
pub(crate) struct Peer {
    listener: TcpListener,
}

impl Peer {
    /// Listens on a port of its own.
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap() }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Session {
        let (stream, _) = within("a connection", self.listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Session { stream, input: BytesMut::new() }
    }

    /// Whether a connection is waiting, once everybody else has had several turns.
    pub(crate) async fn has_connection(&self) -> bool {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        std::future::poll_fn(|context| Poll::Ready(self.listener.poll_accept(context).is_ready())).await
    }

    /// The next connection, whose bind it answers with `ESME_ROK`.
    pub(crate) async fn bound(&self) -> Session {
        let mut session = self.accept().await;
        let (kind, _, sequence) = session.bind().await;
        session.send(&Pdu::new(sequence, Body::BindResp(kind, b"peer".to_vec()))).await;
        session
    }
}

/// One connection.
pub(crate) struct Session {
    stream: TcpStream,
    input: BytesMut,
}

/// A `submit_sm` as it came.
#[derive(Clone, Debug)]
pub(crate) struct Submitted {
    pub(crate) sequence: u32,
    pub(crate) sm: Sm,
    pub(crate) tlvs: Tlvs,
}

impl Session {
    /// The next PDU; `None` when the carrier has closed the connection.
    pub(crate) async fn next_or_end(&mut self) -> Option<Pdu> {
        loop {
            if let Some(length) = frame::next(&self.input, 100_000).unwrap() {
                let octets = self.input.split_to(length);
                return Some(decode(&octets).unwrap());
            }
            if within("octets from the carrier", self.stream.read_buf(&mut self.input)).await.unwrap_or(0) == 0 {
                assert!(!self.input.has_remaining(), "the connection ended in the middle of a PDU");
                return None;
            }
        }
    }

    /// The next PDU.
    pub(crate) async fn next(&mut self) -> Pdu {
        self.next_or_end().await.expect("the carrier closed the connection")
    }

    /// The bind that a connection begins with.
    pub(crate) async fn bind(&mut self) -> (BindKind, Bind, u32) {
        let pdu = self.next().await;
        let Body::Bind(kind, bind) = pdu.body else { panic!("not a bind: {pdu:?}") };
        (kind, bind, pdu.sequence)
    }

    /// The next `submit_sm`.
    pub(crate) async fn submitted(&mut self) -> Submitted {
        let pdu = self.next().await;
        let Body::SubmitSm(sm) = pdu.body else { panic!("not a submit_sm: {pdu:?}") };
        Submitted { sequence: pdu.sequence, sm: *sm, tlvs: pdu.tlvs }
    }

    /// Reads until the carrier closes the connection, answering its unbind; returns the operations that came before.
    pub(crate) async fn end_answering_unbind(&mut self) -> Vec<CommandId> {
        let mut commands = Vec::new();
        while let Some(pdu) = self.next_or_end().await {
            commands.push(pdu.body.command());
            if pdu.body == Body::Unbind {
                self.send(&Pdu::new(pdu.sequence, Body::UnbindResp)).await;
            }
        }
        commands
    }

    /// Reads until the carrier closes the connection; returns the operations that came before.
    pub(crate) async fn end(&mut self) -> Vec<CommandId> {
        let mut commands = Vec::new();
        while let Some(pdu) = self.next_or_end().await {
            commands.push(pdu.body.command());
        }
        commands
    }

    /// Sends a PDU.
    pub(crate) async fn send(&mut self, pdu: &Pdu) {
        let mut octets = Vec::new();
        encode(pdu, &mut octets);
        self.send_octets(&octets).await;
    }

    /// Waits until something of the carrier can be read, and leaves it there: a connection that is closed over it is
    /// reset.
    pub(crate) async fn readable(&self) {
        within("octets from the carrier", self.stream.readable()).await.unwrap();
    }

    /// Ends its own side of the connection, and goes on reading.
    pub(crate) async fn half_close(&mut self) {
        within("the connection's end", self.stream.shutdown()).await.unwrap();
    }

    /// Sends octets as they are.
    pub(crate) async fn send_octets(&mut self, octets: &[u8]) {
        within("the carrier reads", self.stream.write_all(octets)).await.unwrap();
    }

    /// Answers a `submit_sm`.
    pub(crate) async fn answer(&mut self, sequence: u32, status: CommandStatus, id: &str) {
        self.send(&Pdu::answer(sequence, status, Body::SubmitSmResp(id.as_bytes().to_vec()))).await;
    }

    /// Asks whether the carrier is there and waits for its answer, which must come next: whatever was sent before has
    /// been taken, and made no answer.
    pub(crate) async fn sync(&mut self) {
        self.send(&Pdu::new(SYNC, Body::EnquireLink)).await;
        assert_eq!(self.next().await, Pdu::new(SYNC, Body::EnquireLinkResp));
    }

    /// The same, where other answers may come before.
    pub(crate) async fn sync_skipping_answers(&mut self) {
        self.send(&Pdu::new(SYNC, Body::EnquireLink)).await;
        while self.next().await != Pdu::new(SYNC, Body::EnquireLinkResp) {}
    }
}

/// The number of a question that only [`Session::sync`] asks.
const SYNC: u32 = 0x7000_0000;

/// A PDU of any operation and body.
pub(crate) fn raw(command: u32, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap();
    let header = [length, command, 0, sequence].into_iter().flat_map(u32::to_be_bytes);
    header.chain(body.iter().copied()).collect()
}

/// A receipt as text.
pub(crate) fn receipt(sequence: u32, text: &str) -> Pdu {
    let sm = Sm {
        source: Address::new(1, 1, "18005550001"),
        destination: Address::new(1, 1, "18005559876"),
        esm_class: 4,
        short_message: text.as_bytes().to_vec(),
        ..Sm::default()
    };
    Pdu::new(sequence, Body::DeliverSm(Box::new(sm)))
}
