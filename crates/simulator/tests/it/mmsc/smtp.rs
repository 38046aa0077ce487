//! SMTP from both sides: a client that sends to the MMSC, and a listener that the MMSC sends to, each doing what a test
//! tells it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use simulator::mmsc::Mmsc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wire::mm4::{Address, Answer, DeliveryReportReq, ForwardReq, Mm4};

use super::support;
use crate::client::within;

/// A connection to the MMSC.
pub(super) struct Client(BufStream<TcpStream>);

impl Client {
    /// Connects, and takes the greeting.
    pub(super) async fn connect(mmsc: &Mmsc) -> Self {
        let mut client = Self::connect_silently(mmsc).await;
        assert_eq!(client.reply().await, Some(220));
        client
    }

    /// Connects, and reads nothing.
    pub(super) async fn connect_silently(mmsc: &Mmsc) -> Self {
        Self(BufStream::new(within("a connection", TcpStream::connect(mmsc.mm4_address())).await.unwrap()))
    }

    /// Writes octets as they are. The other side may have gone: what a test wants to know is what can be read.
    pub(super) async fn write(&mut self, octets: &[u8]) {
        let _ = self.0.write_all(octets).await;
        let _ = self.0.flush().await;
    }

    /// The next line; `None` at the end of the connection.
    pub(super) async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = within("a line", self.0.read_line(&mut line)).await.unwrap_or(0);
        (read > 0).then_some(line)
    }

    /// The code of the next reply; `None` at the end of the connection.
    pub(super) async fn reply(&mut self) -> Option<u16> {
        loop {
            let line = self.line().await?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.get(..3).and_then(|code| code.parse().ok());
            }
        }
    }

    pub(super) async fn say(&mut self, command: &str) -> Option<u16> {
        self.write(format!("{command}\r\n").as_bytes()).await;
        self.reply().await
    }

    /// Sends a mail; the code of the first refusal or the last reply, `None` when the connection ends.
    pub(super) async fn mail(&mut self, to: &str, content: &[u8]) -> Option<u16> {
        for (command, expected) in [
            ("MAIL FROM:<system@ours.example.net>".to_owned(), 250),
            (format!("RCPT TO:<{to}>"), 250),
            ("DATA".to_owned(), 354),
        ] {
            match self.say(&command).await {
                Some(code) if code == expected => {}
                other => return other,
            }
        }
        self.write(&stuffed(content)).await;
        self.reply().await
    }

    /// Sends a message to this number.
    pub(super) async fn forward(&mut self, recipient: &str, id: &str) -> Option<u16> {
        self.forward_req(&request(recipient, id)).await
    }

    pub(super) async fn forward_req(&mut self, request: &ForwardReq) -> Option<u16> {
        self.mail(&request.to[0].to_string(), &request.build()).await
    }
}

/// A message to this number that wants everything.
pub(super) fn request(recipient: &str, id: &str) -> ForwardReq {
    let to = Address::number(recipient).unwrap().at("mms.simulator.example").unwrap();
    let from = Address::number("+18005559876").unwrap();
    ForwardReq {
        originator_system: Address::parse("system@ours.example.net"),
        delivery_report: true,
        subject: Some("secret subject".to_owned()),
        ..ForwardReq::new(format!("t{id}"), id.to_owned(), from, vec![to], support::content())
    }
}

fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        out.extend(line.first().filter(|first| **first == b'.'));
        out.extend_from_slice(line);
    }
    out.extend_from_slice(if out.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" });
    out
}

/// What the listener does the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Greets a connection so.
    Greet(u16),
    /// Replies so to a recipient.
    Recipient(u16),
    /// Replies so to a mail.
    Mail(u16),
    /// Cuts the connection in place of a reply to a mail.
    Cut,
}

/// A mail as the listener got it.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) mm4: Mm4,
    /// Counted from 0.
    pub(super) connection: usize,
    /// What was replied to it.
    pub(super) reply: Option<u16>,
}

/// The platform's listener.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    mails: mpsc::UnboundedReceiver<Mail>,
}

impl Listener {
    /// Follows the script, and then takes everything.
    pub(super) async fn start(script: &[Script]) -> Self {
        Self::on(TcpListener::bind(support::anywhere()).await.unwrap(), script)
    }

    pub(super) fn on(listener: TcpListener, script: &[Script]) -> Self {
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(script.iter().copied().collect::<VecDeque<_>>()));
        let (sender, mails) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, connection, Arc::clone(&script), sender.clone()));
            }
        });
        Self { address, mails }
    }

    pub(super) fn reply_to(&self) -> String {
        self.address.to_string()
    }

    /// The next mail.
    pub(super) async fn mail(&mut self) -> Mail {
        within("a mail from the MMSC", self.mails.recv()).await.unwrap()
    }

    /// The next mail, which must be an answer.
    pub(super) async fn answer(&mut self) -> Answer {
        match self.mail().await.mm4 {
            Mm4::Answer(answer) => *answer,
            other => panic!("not an answer: {other:?}"),
        }
    }

    /// The next mail, which must be a report.
    pub(super) async fn report(&mut self) -> DeliveryReportReq {
        match self.mail().await.mm4 {
            Mm4::Report(report) => *report,
            other => panic!("not a report: {other:?}"),
        }
    }
}

type Scripts = Arc<Mutex<VecDeque<Script>>>;

/// Takes the next step of the script if it is of this kind.
fn next(scripts: &Scripts, step: impl Fn(Script) -> Option<Option<u16>>) -> Option<Option<u16>> {
    let mut scripts = scripts.lock().unwrap();
    let found = scripts.front().copied().and_then(step)?;
    scripts.pop_front();
    Some(found)
}

async fn serve(
    stream: TcpStream,
    connection: usize,
    scripts: Scripts,
    mails: mpsc::UnboundedSender<Mail>,
) -> Option<()> {
    let mut stream = BufStream::new(stream);
    let greeting = next(&scripts, |step| if let Script::Greet(code) = step { Some(Some(code)) } else { None });
    say(&mut stream, greeting.flatten().unwrap_or(220)).await?;
    let (mut from, mut to) = (String::new(), String::new());
    loop {
        let line = String::from_utf8(line(&mut stream).await?).unwrap();
        let path = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match line.get(..4).unwrap_or_default() {
            "EHLO" => {
                stream.write_all(b"250-ours.example.net\r\n").await.ok()?;
                say(&mut stream, 250).await?;
            }
            "MAIL" => {
                from = path;
                say(&mut stream, 250).await?;
            }
            "RCPT" => {
                to = path;
                let reply =
                    next(&scripts, |step| if let Script::Recipient(code) = step { Some(Some(code)) } else { None });
                say(&mut stream, reply.flatten().unwrap_or(250)).await?;
            }
            "DATA" => {
                say(&mut stream, 354).await?;
                let mut content = Vec::new();
                loop {
                    let line = self::line(&mut stream).await?;
                    match &line[..] {
                        b".\r\n" => break,
                        [b'.', rest @ ..] => content.extend_from_slice(rest),
                        line => content.extend_from_slice(line),
                    }
                }
                let reply = next(&scripts, |step| match step {
                    Script::Mail(code) => Some(Some(code)),
                    Script::Cut => Some(None),
                    _ => None,
                });
                let reply = reply.unwrap_or(Some(250));
                let mm4 = wire::mm4::parse(&content, 1_000_000).unwrap();
                mails.send(Mail { from: from.clone(), to: to.clone(), mm4, connection, reply }).ok()?;
                say(&mut stream, reply?).await?;
            }
            _ => return None,
        }
    }
}

async fn line(stream: &mut BufStream<TcpStream>) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await.ok().filter(|read| *read > 0)?;
    Some(line)
}

async fn say(stream: &mut BufStream<TcpStream>, code: u16) -> Option<()> {
    stream.write_all(format!("{code} so\r\n").as_bytes()).await.ok()?;
    stream.flush().await.ok()
}
