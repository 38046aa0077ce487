//! An SMSC that does exactly what a test has it do: it takes a bind, and then sends and answers as it is told.

use std::net::SocketAddr;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wire::smpp::{Address, Body, CommandStatus, Pdu, Sm, decode, encode, frame};

use super::{ANY_PORT, DEADLINE};

/// Where sessions come in.
pub(crate) struct Scripted(TcpListener);

impl Scripted {
    pub(crate) async fn start() -> Self {
        Self(TcpListener::bind(ANY_PORT).await.unwrap())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next session, bound.
    pub(crate) async fn bound(&self) -> Session {
        let (stream, _) = tokio::time::timeout(DEADLINE, self.0.accept()).await.unwrap().unwrap();
        let mut session = Session { stream, input: BytesMut::new(), sequence: 0 };
        let bind = session.next().await;
        let Body::Bind(kind, _) = bind.body else { panic!("not a bind: {bind:?}") };
        session.send(&Pdu::new(bind.sequence, Body::BindResp(kind, b"scripted".to_vec()))).await;
        session
    }
}

/// One session.
pub(crate) struct Session {
    stream: TcpStream,
    input: BytesMut,
    sequence: u32,
}

impl Session {
    /// The next PDU; whether the SMSC is there is answered on the way.
    async fn next(&mut self) -> Pdu {
        loop {
            while let Some(length) = frame::next(&self.input, 100_000).unwrap() {
                let pdu = decode(&self.input[..length]).unwrap();
                self.input.advance(length);
                match pdu.body {
                    Body::EnquireLink => self.send(&Pdu::new(pdu.sequence, Body::EnquireLinkResp)).await,
                    _ => return pdu,
                }
            }
            let read = tokio::time::timeout(DEADLINE, self.stream.read_buf(&mut self.input)).await.unwrap().unwrap();
            assert!(read > 0, "the platform closed the connection");
        }
    }

    async fn send(&mut self, pdu: &Pdu) {
        let mut octets = Vec::new();
        encode(pdu, &mut octets);
        self.stream.write_all(&octets).await.unwrap();
    }

    /// Takes the next `submit_sm` under this id.
    pub(crate) async fn take(&mut self, id: &str) {
        let submit = self.next().await;
        assert!(matches!(submit.body, Body::SubmitSm(_)), "{submit:?}");
        self.send(&Pdu::new(submit.sequence, Body::SubmitSmResp(id.as_bytes().to_vec()))).await;
    }

    /// Delivers a text of this class from `from`; returns the status of the answer.
    pub(crate) async fn deliver(&mut self, esm_class: u8, from: &str, text: &[u8]) -> CommandStatus {
        self.sequence += 1;
        let (source, destination) = (Address::new(1, 1, from), Address::new(1, 1, "18005551000"));
        let sm = Sm { source, destination, esm_class, short_message: text.to_vec(), ..Sm::default() };
        self.send(&Pdu::new(self.sequence, Body::DeliverSm(Box::new(sm)))).await;
        let answer = self.next().await;
        assert!(matches!(answer.body, Body::DeliverSmResp(_)), "{answer:?}");
        answer.status
    }
}
