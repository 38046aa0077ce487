//! An ESME that does what a test tells it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use runtime::Runtime;
use simulator::smsc::{Options, Smsc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::smpp::constants::interface_version;
use wire::smpp::{Address, Bind, BindKind, Body, CommandStatus, Pdu, Sm, decode, encode, frame};

use crate::machine;

/// Waits for `what`, and fails the test when it does not come.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(30), future).await {
        Ok(value) => value,
        Err(_) => panic!("this did not happen in time: {what}"),
    }
}

/// A simulated SMSC on a port of its own.
pub(crate) async fn smsc(options: Options) -> Smsc {
    smsc_on(options, machine()).await
}

/// The same, on this machine.
pub(crate) async fn smsc_on(options: Options, runtime: Arc<dyn Runtime>) -> Smsc {
    simulator::smsc::start(Options { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..options }, runtime).await.unwrap()
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    input: BytesMut,
    sequence: u32,
}

impl Client {
    /// Connects without a bind.
    pub(crate) async fn connect(smsc: &Smsc) -> Self {
        let stream = within("a connection", TcpStream::connect(smsc.address())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, input: BytesMut::new(), sequence: 0 }
    }

    /// Connects and binds.
    pub(crate) async fn bound(smsc: &Smsc, kind: BindKind) -> Self {
        let mut client = Self::connect(smsc).await;
        let answer = client.bind(kind, "me", "secret").await;
        assert_eq!(answer.status, CommandStatus::ROK);
        client
    }

    /// Binds, and returns the answer.
    pub(crate) async fn bind(&mut self, kind: BindKind, system_id: &str, password: &str) -> Pdu {
        let (system_id, password) = (system_id.as_bytes().to_vec(), password.as_bytes().to_vec());
        self.ask(Body::Bind(
            kind,
            Bind { system_id, password, interface_version: interface_version::V3_4, ..Bind::default() },
        ))
        .await
    }

    /// Sends a request, and returns its number.
    pub(crate) async fn send(&mut self, body: Body) -> u32 {
        self.sequence += 1;
        self.send_pdu(&Pdu::new(self.sequence, body)).await;
        self.sequence
    }

    /// Sends requests in one piece, so that the SMSC takes them at one moment; returns the first one's number.
    pub(crate) async fn send_at_once(&mut self, bodies: Vec<Body>) -> u32 {
        let first = self.sequence + 1;
        let mut octets = Vec::new();
        for body in bodies {
            self.sequence += 1;
            encode(&Pdu::new(self.sequence, body), &mut octets);
        }
        self.send_octets(&octets).await;
        first
    }

    /// Sends a PDU as it is.
    pub(crate) async fn send_pdu(&mut self, pdu: &Pdu) {
        let mut octets = Vec::new();
        encode(pdu, &mut octets);
        self.send_octets(&octets).await;
    }

    /// Sends octets as they are.
    pub(crate) async fn send_octets(&mut self, octets: &[u8]) {
        within("the SMSC reads", self.stream.write_all(octets)).await.unwrap();
    }

    /// Sends a request and returns the next PDU, which must be its answer.
    pub(crate) async fn ask(&mut self, body: Body) -> Pdu {
        let command = body.command();
        let sequence = self.send(body).await;
        let answer = self.next().await;
        assert_eq!(answer.sequence, sequence, "the answer to {command}: {answer:?}");
        answer
    }

    /// The octets of the next PDU; `None` at the end of the connection.
    pub(crate) async fn next_octets(&mut self) -> Option<BytesMut> {
        loop {
            if let Some(length) = frame::next(&self.input, 100_000).unwrap() {
                return Some(self.input.split_to(length));
            }
            if within("octets from the SMSC", self.stream.read_buf(&mut self.input)).await.unwrap_or(0) == 0 {
                assert!(self.input.is_empty(), "the connection ended in the middle of a PDU");
                return None;
            }
        }
    }

    /// The next PDU.
    pub(crate) async fn next(&mut self) -> Pdu {
        decode(&self.next_octets().await.expect("the SMSC closed the connection")).unwrap()
    }

    /// The next PDU, which must be a report.
    pub(crate) async fn report(&mut self) -> Pdu {
        let pdu = self.next().await;
        assert!(matches!(pdu.body, Body::DeliverSm(_)), "{pdu:?}");
        pdu
    }

    /// Answers a report.
    pub(crate) async fn answer(&mut self, report: &Pdu, status: CommandStatus) {
        self.send_pdu(&Pdu::answer(report.sequence, status, Body::DeliverSmResp(Vec::new()))).await;
    }

    /// Asks whether the SMSC is there. Its answer must come next: whatever was sent before made no other.
    pub(crate) async fn sync(&mut self) {
        assert_eq!(self.ask(Body::EnquireLink).await.body, Body::EnquireLinkResp);
    }
}

/// A message that wants these reports.
pub(crate) fn message(registered_delivery: u8, text: &[u8]) -> Body {
    Body::SubmitSm(Box::new(Sm {
        source: Address::new(1, 1, "18005559876"),
        destination: Address::new(1, 1, "18005551234"),
        registered_delivery,
        short_message: text.to_vec(),
        ..Sm::default()
    }))
}

/// The id in an answer.
pub(crate) fn id(answer: &Pdu) -> String {
    let Body::SubmitSmResp(id) = &answer.body else { panic!("not an answer to submit_sm: {answer:?}") };
    String::from_utf8(id.clone()).unwrap()
}

/// The text of a report.
pub(crate) fn text(report: &Pdu) -> String {
    let Body::DeliverSm(sm) = &report.body else { panic!("not a report: {report:?}") };
    String::from_utf8(sm.short_message.clone()).unwrap()
}
