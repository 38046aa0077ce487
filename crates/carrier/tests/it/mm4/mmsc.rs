//! An MMSC that does exactly what a test tells it: a server for our mail, and a client for its own.

use std::net::SocketAddr;
use std::task::Poll;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use wire::mm4::{Answer, DeliveryReportReq, ForwardReq, Mm4, MmStatus, RequestStatus};

use crate::support::within;

/// Where mail comes in.
pub(super) struct Mmsc {
    listener: TcpListener,
}

impl Mmsc {
    pub(super) async fn start() -> Self {
        Self { listener: TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap() }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> Talk {
        let (stream, _) = within("a connection", self.listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Talk { stream, input: Vec::new() }
    }

    /// Whether a connection is waiting.
    pub(super) async fn has_connection(&self) -> bool {
        std::future::poll_fn(|context| Poll::Ready(self.listener.poll_accept(context).is_ready())).await
    }

    /// The next connection, greeted and said hello to.
    pub(super) async fn greeted(&self) -> Talk {
        let mut talk = self.accept().await;
        talk.say("220 mms.peer.example ESMTP").await;
        talk.hear("EHLO mms.ours.example").await;
        talk.say("250-mms.peer.example\r\n250-8BITMIME\r\n250 SIZE 10000000").await;
        talk
    }
}

/// One connection, to whichever side.
pub(super) struct Talk {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Talk {
    pub(super) async fn say(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// Says exactly these octets.
    pub(super) async fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// Says nothing more.
    pub(super) async fn close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Hears a mail to its last line.
    pub(super) async fn hear_mail(&mut self) {
        self.through(b"\r\n.\r\n").await.expect("a mail");
    }

    /// Reads through `end`; `None` when the connection ends first.
    async fn through(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.input.windows(end.len()).position(|found| found == end) {
                return Some(self.input.drain(..at + end.len()).collect());
            }
            if within("octets", self.stream.read_buf(&mut self.input)).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next line, which must begin so.
    pub(super) async fn hear(&mut self, beginning: &str) -> String {
        let line = String::from_utf8(self.through(b"\r\n").await.expect("a line")).unwrap();
        assert!(line.starts_with(beginning), "{beginning} and not {line}");
        line.trim_end().to_owned()
    }

    /// Whether the other side has said nothing yet.
    pub(super) fn is_silent(&self) -> bool {
        let nothing = self.stream.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        nothing && self.input.is_empty()
    }

    /// Whether the other side hangs up, and says nothing more.
    pub(super) async fn ends(&mut self) -> bool {
        self.through(b"\r\n").await.is_none()
    }

    /// A whole mail up to its last line, which is not answered.
    pub(super) async fn mail(&mut self) -> Vec<u8> {
        for (command, reply) in [("MAIL FROM:<", "250 2.1.0 ok"), ("RCPT TO:<", "250 2.1.5 ok"), ("DATA", "354 go on")]
        {
            self.hear(command).await;
            self.say(reply).await;
        }
        let stuffed = String::from_utf8(self.through(b"\r\n.\r\n").await.expect("a mail")).unwrap();
        stuffed.replace("\r\n.", "\r\n").trim_end_matches("\r\n").as_bytes().to_vec()
    }

    /// A message that is forwarded to this MMSC, taken as a mail.
    pub(super) async fn forwarded(&mut self) -> ForwardReq {
        let forward = self.unanswered().await;
        self.say("250 2.0.0 taken").await;
        forward
    }

    /// The same, before the mail is answered.
    pub(super) async fn unanswered(&mut self) -> ForwardReq {
        match wire::mm4::parse(&self.mail().await, 10_000_000).unwrap() {
            Mm4::Forward(forward) => *forward,
            other => panic!("no forward.REQ: {other:?}"),
        }
    }

    /// An answer to a request of this MMSC.
    pub(super) async fn answered(&mut self) -> Answer {
        let mail = self.mail().await;
        self.say("250 2.0.0 taken").await;
        match wire::mm4::parse(&mail, 10_000_000).unwrap() {
            Mm4::Answer(answer) => *answer,
            other => panic!("no answer: {other:?}"),
        }
    }
}

/// Opens a connection to our listener. The greeting is not heard yet.
pub(super) async fn call(listener: SocketAddr) -> Talk {
    Talk { stream: within("a connection", TcpStream::connect(listener)).await.unwrap(), input: Vec::new() }
}

/// The same from an address of this machine.
pub(super) async fn call_from(address: SocketAddr, listener: SocketAddr) -> Talk {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    Talk { stream: within("a connection", socket.connect(listener)).await.unwrap(), input: Vec::new() }
}

/// Begins to bring a mail to our listener, to its last line.
pub(super) async fn begin_to_bring(listener: SocketAddr, mail: &[u8]) -> Talk {
    let mut talk = call(listener).await;
    talk.hear("220 ").await;
    for command in ["HELO mms.peer.example", "MAIL FROM:<system@mms.peer.example>", "RCPT TO:<system@mms.ours.example>"]
    {
        talk.say(command).await;
        talk.hear("250").await;
    }
    talk.say("DATA").await;
    talk.hear("354").await;
    talk.stream.write_all(mail).await.unwrap();
    talk.stream.write_all(b"\r\n.\r\n").await.unwrap();
    talk
}

/// Brings a mail to our listener: the code that it is answered with.
pub(super) async fn bring(listener: SocketAddr, mail: &[u8]) -> u16 {
    let answer = begin_to_bring(listener, mail).await.hear("").await;
    answer[..3].parse().unwrap()
}

/// The answer to a message with this status.
pub(super) fn res(forward: &ForwardReq, status: RequestStatus) -> Vec<u8> {
    forward.answer(status).build()
}

/// A report on a message.
pub(super) fn report(message_id: &str, status: MmStatus) -> DeliveryReportReq {
    let address = |text: &str| Some(wire::mm4::Address::parse(text).unwrap());
    DeliveryReportReq {
        from: address("+18005550001/TYPE=PLMN@mms.peer.example"),
        to: address("+18005559876/TYPE=PLMN@mms.ours.example"),
        sender: address("reports@mms.peer.example"),
        ..DeliveryReportReq::new("r-1".to_owned(), message_id.to_owned(), status)
    }
}
