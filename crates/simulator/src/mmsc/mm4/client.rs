//! Mails to the other side: its own connections, kept open for the next mail.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use wire::mm4::Address;

use super::{command, content};
use crate::mmsc::Shared;
use crate::mmsc::notice::{AT_ONCE_MAX, Heard, Parcel, Verdict, known};

/// How long the other side may take for one mail.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);

/// A mail and its envelope.
pub(crate) struct Mail {
    pub(crate) from: Address,
    pub(crate) to: Vec<Address>,
    pub(crate) content: Vec<u8>,
}

/// Open connections without a mail.
#[derive(Default)]
pub(crate) struct Peers(Mutex<Vec<Connection>>);

impl Peers {
    /// One to this address; others are of no more use.
    fn take(&self, address: &str) -> Option<Connection> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| connection.address == address);
        idle.pop()
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < AT_ONCE_MAX {
            idle.push(connection);
        }
    }
}

impl Parcel for Mail {
    async fn send(&self, shared: &Shared) -> Heard {
        let again = |reply: &str| Heard { verdict: Verdict::TryAgain, reply: reply.to_owned() };
        let Some(address) = shared.reply_to.borrow().clone() else { return again("no address") };
        match shared.runtime.timeout(MAIL_TIMEOUT, transaction(shared, &address, self)).await {
            Ok(Ok(code)) => {
                let verdict = match code {
                    200..=299 => Verdict::Taken,
                    500..=599 => Verdict::GiveUp,
                    _ => Verdict::TryAgain,
                };
                Heard { verdict, reply: code.to_string() }
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "Cannot send to {address}: {error}");
                again(if error.kind() == io::ErrorKind::ConnectionRefused { "unreachable" } else { "broken" })
            }
            Err(_) => again("silence"),
        }
    }

    async fn addressed(&self, shared: &Shared) {
        known(&shared.reply_to).await;
    }
}

/// One mail, over an idle connection if there is one that the other side has not closed meanwhile.
async fn transaction(shared: &Shared, address: &str, mail: &Mail) -> io::Result<u16> {
    if let Some(mut idle) = shared.peers.take(address) {
        match idle.mail(mail).await {
            Ok(250) => {
                shared.peers.give_back(idle);
                return Ok(250);
            }
            // RFC 5321, 3.8: it closes, whatever was asked.
            Ok(421) | Err(_) => {}
            Ok(code) => return Ok(code),
        }
    }
    let mut connection = Connection::open(address).await?;
    let mut code = connection.greeting(&shared.options.domain).await?;
    if code == 250 {
        code = connection.mail(mail).await?;
    }
    // After a refusal the next mail begins anew.
    if code == 250 {
        shared.peers.give_back(connection);
    }
    Ok(code)
}

/// A connection to the other side.
struct Connection {
    address: String,
    stream: BufStream<TcpStream>,
}

impl Connection {
    async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { address: address.to_owned(), stream: BufStream::new(stream) })
    }

    /// The code of the greeting, or of the answer to ours.
    async fn greeting(&mut self, domain: &str) -> io::Result<u16> {
        match self.reply().await? {
            220 => self.say(&format!("EHLO {domain}\r\n")).await,
            code => Ok(code),
        }
    }

    /// Sends a mail; the code of the first refusal, or of the last reply.
    async fn mail(&mut self, mail: &Mail) -> io::Result<u16> {
        let from = std::iter::once((format!("MAIL FROM:<{}>\r\n", mail.from), 250));
        let to = mail.to.iter().map(|to| (format!("RCPT TO:<{to}>\r\n"), 250));
        for (command, expected) in from.chain(to).chain([("DATA\r\n".to_owned(), 354)]) {
            let code = self.say(&command).await?;
            if code != expected {
                // A success in the wrong place is none.
                return if code < 400 { Err(io::ErrorKind::InvalidData.into()) } else { Ok(code) };
            }
        }
        self.stream.write_all(&content::stuffed(&mail.content)).await?;
        self.stream.flush().await?;
        self.reply().await
    }

    async fn say(&mut self, command: &str) -> io::Result<u16> {
        self.stream.write_all(command.as_bytes()).await?;
        self.stream.flush().await?;
        self.reply().await
    }

    /// The code of the next reply, of however many lines (RFC 5321, 4.2.1).
    async fn reply(&mut self) -> io::Result<u16> {
        loop {
            let line = command::line(&mut self.stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let code = line.get(..3).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(code);
            }
        }
    }
}
