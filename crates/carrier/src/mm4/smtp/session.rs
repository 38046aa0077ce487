//! One connection to the listener: the commands of a known peer, and the mails that it brings.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use runtime::Runtime;
use smtp_proto::{Error, Request};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::data;
use super::lines::Lines;
use crate::connect::Stream;
use crate::exchange::Unconfirmed;

/// The longest command. RFC 5321, 4.5.3.1.4 says 512, and that extensions may need more.
const COMMAND_BYTES_MAX: usize = 2_048;
/// The most recipients of a mail (RFC 5321, 4.5.3.1.8 asks for so many at least).
const RECIPIENTS_MAX: usize = 100;
/// Commands that were not understood or not in order, after which a peer is sent away.
const MISTAKES_MAX: u32 = 20;
/// How long a mail may take from its first line to its last (RFC 5321, 4.5.3.2.6 has the sender wait so long for the
/// answer).
const DATA_TIMEOUT: Duration = Duration::from_secs(600);

/// The reply to a mail of more octets than are taken.
const TOO_LONG: &str = "552 5.3.4 The mail is too long";

/// Who reads the mails.
#[async_trait]
pub(crate) trait Inbox: Send + Sync + 'static {
    /// A whole mail, and what its envelope says. What is answered is kept.
    async fn take(&self, envelope: &Envelope, mail: &[u8]) -> Taken;

    /// A mail that was refused because it is too long.
    fn too_long(&self);
}

/// What becomes of a mail, and who is told once the peer has the reply.
pub(crate) struct Taken {
    pub(crate) verdict: Verdict,
    pub(crate) unconfirmed: Option<Unconfirmed>,
}

impl From<Verdict> for Taken {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, unconfirmed: None }
    }
}

/// What becomes of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is taken: the peer may forget it.
    Taken,
    /// Not now.
    TryLater,
    /// Never: it is not one that this system understands.
    NotUnderstood,
    /// Never: what it carries has more octets than are taken.
    TooLarge,
}

impl Verdict {
    const fn reply(self) -> &'static str {
        match self {
            Self::Taken => "250 2.0.0 Taken",
            Self::TryLater => "451 4.3.0 Not now, please send it again later",
            Self::NotUnderstood => "554 5.6.0 This is no message that is understood here",
            Self::TooLarge => TOO_LONG,
        }
    }
}

/// What a session goes by.
pub(crate) struct Rules {
    /// Who we are.
    pub(crate) domain: String,
    /// The longest mail.
    pub(crate) bytes_max: usize,
    /// How long a peer may say nothing.
    pub(crate) idle: Duration,
    /// What secures a connection, where something does.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Who sends the mail that a peer is about to bring, and whom it is for.
#[derive(Default)]
pub(crate) struct Envelope {
    from: Option<String>,
    recipients: Vec<String>,
}

impl Envelope {
    /// Who it is from; empty where that is nobody.
    pub(crate) fn from(&self) -> &str {
        self.from.as_deref().unwrap_or_default()
    }

    /// Whom it is for.
    pub(crate) fn recipients(&self) -> &[String] {
        &self.recipients
    }
}

/// What follows from a command.
enum Next {
    /// The answer, and more commands.
    Reply(String),
    /// A mail.
    Data,
    /// TLS.
    Secure,
    /// The end.
    Quit,
}

/// A connection and where it stands.
pub(crate) struct Session<'a> {
    runtime: &'a Arc<dyn Runtime>,
    rules: &'a Rules,
    inbox: &'a dyn Inbox,
    said_hello: bool,
    is_secured: bool,
    envelope: Envelope,
    mistakes: u32,
}

impl<'a> Session<'a> {
    pub(crate) fn new(runtime: &'a Arc<dyn Runtime>, rules: &'a Rules, inbox: &'a dyn Inbox) -> Self {
        Self { runtime, rules, inbox, said_hello: false, is_secured: false, envelope: Envelope::default(), mistakes: 0 }
    }

    /// Serves a peer until it leaves, says nothing for too long, or `closing` becomes true.
    pub(crate) async fn serve(mut self, stream: Box<dyn Stream>, mut closing: watch::Receiver<bool>) -> io::Result<()> {
        let mut lines = Lines::new(Arc::clone(self.runtime), stream, self.idle());
        lines.write(format!("220 {} ESMTP MM4\r\n", self.rules.domain).as_bytes()).await?;
        loop {
            lines.must_end_by(self.idle());
            let line = tokio::select! {
                line = lines.command(COMMAND_BYTES_MAX) => line,
                () = closed(&mut closing) => return lines.write(b"421 4.3.2 Closing\r\n").await,
            };
            // The answer has time of its own, however late the line came.
            lines.must_end_by(self.idle());
            let next = match line {
                Ok(line) => self.command(&line),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return lines.write(b"500 5.5.2 The line is too long\r\n").await;
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    return lines.write(b"500 5.5.2 A line ends with CR LF\r\n").await;
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return lines.write(b"421 4.4.2 Nothing was said for too long\r\n").await;
                }
                Err(error) => return Err(error),
            };
            match next {
                Next::Reply(reply) => lines.write(format!("{reply}\r\n").as_bytes()).await?,
                Next::Data => self.mail(&mut lines).await?,
                Next::Secure => lines = self.secure(lines).await?,
                Next::Quit => return lines.write(b"221 2.0.0 Bye\r\n").await,
            }
            if self.mistakes > MISTAKES_MAX {
                return lines.write(b"421 4.7.0 Too many mistakes\r\n").await;
            }
        }
    }

    fn command(&mut self, line: &[u8]) -> Next {
        // The parser takes a line feed alone for an end; here it is none.
        if line.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            return self.mistake("500 5.5.2 A command is one line");
        }
        match Request::parse(&mut [line, b"\r\n"].concat().iter()) {
            Ok(Request::Ehlo { .. }) => self.hello(true),
            Ok(Request::Helo { .. }) => self.hello(false),
            Ok(Request::StartTls) if self.rules.tls.is_some() && !self.is_secured => Next::Secure,
            Ok(Request::Mail { from }) => self.sender(from.address.into_owned(), from.size),
            Ok(Request::Rcpt { to }) => self.recipient(to.address.into_owned()),
            Ok(Request::Data) if !self.envelope.recipients.is_empty() => Next::Data,
            Ok(Request::Data) => self.mistake("503 5.5.1 Name a recipient first"),
            Ok(Request::Rset) => {
                self.envelope = Envelope::default();
                Next::Reply("250 2.0.0 Forgotten".to_owned())
            }
            Ok(Request::Noop { .. }) => Next::Reply("250 2.0.0 Yes".to_owned()),
            Ok(Request::Vrfy { .. }) => Next::Reply("252 2.5.0 Send it and see".to_owned()),
            Ok(Request::Quit) => Next::Quit,
            Ok(_) | Err(Error::UnknownCommand) => self.mistake("502 5.5.1 There is no such command here"),
            Err(Error::InvalidSenderAddress | Error::InvalidRecipientAddress) => {
                self.mistake("501 5.1.3 This is no address")
            }
            Err(_) => self.mistake("501 5.5.4 This is not understood"),
        }
    }

    fn hello(&mut self, is_extended: bool) -> Next {
        (self.said_hello, self.envelope) = (true, Envelope::default());
        let domain = &self.rules.domain;
        if !is_extended {
            return Next::Reply(format!("250 {domain}"));
        }
        let starttls = if self.rules.tls.is_some() && !self.is_secured { "\r\n250-STARTTLS" } else { "" };
        Next::Reply(format!(
            "250-{domain}\r\n250-PIPELINING\r\n250-8BITMIME{starttls}\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE {}",
            self.rules.bytes_max
        ))
    }

    fn sender(&mut self, address: String, size: usize) -> Next {
        if !self.said_hello {
            return self.mistake("503 5.5.1 Say hello first");
        }
        if self.envelope.from.is_some() {
            return self.mistake("503 5.5.1 There is a sender already");
        }
        if size > self.rules.bytes_max {
            self.inbox.too_long();
            return Next::Reply(TOO_LONG.to_owned());
        }
        self.envelope.from = Some(address);
        Next::Reply("250 2.1.0 Yes".to_owned())
    }

    /// Nothing is relayed: whoever a mail is for, it is read here.
    fn recipient(&mut self, address: String) -> Next {
        if self.envelope.from.is_none() {
            return self.mistake("503 5.5.1 Name a sender first");
        }
        if self.envelope.recipients.len() == RECIPIENTS_MAX {
            return Next::Reply("452 4.5.3 Too many recipients".to_owned());
        }
        self.envelope.recipients.push(address);
        Next::Reply("250 2.1.5 Yes".to_owned())
    }

    async fn mail(&mut self, lines: &mut Lines<Box<dyn Stream>>) -> io::Result<()> {
        lines.write(b"354 Go on, end with a dot on a line of its own\r\n").await?;
        lines.must_end_by(self.runtime.instant() + DATA_TIMEOUT);
        let envelope = std::mem::take(&mut self.envelope);
        let taken = match data::read(lines, self.rules.bytes_max).await? {
            Some(mail) => self.inbox.take(&envelope, &mail).await,
            None => {
                self.inbox.too_long();
                Verdict::TooLarge.into()
            }
        };
        lines.must_end_by(self.idle());
        lines.write(format!("{}\r\n", taken.verdict.reply()).as_bytes()).await?;
        if let Some(unconfirmed) = taken.unconfirmed {
            unconfirmed.is_with_peer(self.runtime.instant());
        }
        Ok(())
    }

    /// Goes over to TLS, as if the connection had just begun (RFC 3207, 4.2).
    async fn secure(&mut self, mut lines: Lines<Box<dyn Stream>>) -> io::Result<Lines<Box<dyn Stream>>> {
        let Some(acceptor) = &self.rules.tls else {
            return Ok(lines);
        };
        if lines.has_input() {
            // It was written by somebody in between, to be taken for what is secured.
            return Err(io::ErrorKind::InvalidData.into());
        }
        lines.write(b"220 2.0.0 Begin\r\n").await?;
        let stream = self.runtime.timeout(self.rules.idle, acceptor.accept(lines.into_stream())).await??;
        (self.said_hello, self.is_secured, self.envelope) = (false, true, Envelope::default());
        Ok(Lines::new(Arc::clone(self.runtime), Box::new(stream), self.idle()))
    }

    /// Until when a peer may say nothing from now on.
    fn idle(&self) -> Instant {
        self.runtime.instant() + self.rules.idle
    }

    fn mistake(&mut self, reply: &str) -> Next {
        self.mistakes += 1;
        Next::Reply(reply.to_owned())
    }
}

/// Resolves when the listener closes.
async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

#[cfg(test)]
mod tests;
