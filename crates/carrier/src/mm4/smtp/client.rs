//! One connection to the MMSC. What matters is how far it got: before the line that ends a mail nothing was handed
//! over, after it nobody knows until an answer comes. A library that tells the two apart was not found, which is why
//! there is a client here.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use runtime::Runtime;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::data;
use super::lines::Lines;
use super::reply::Reply;
use crate::connect::Stream;

/// A mail and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Who sends, without angle brackets.
    pub(crate) from: String,
    /// For whom.
    pub(crate) to: String,
    /// The mail itself.
    pub(crate) mail: Vec<u8>,
}

/// What was asked when a server said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Whether it serves us at all: its greeting, `EHLO`, `STARTTLS`.
    Hello,
    /// Whether it takes mail from us.
    Sender,
    /// Whether it takes mail for this recipient.
    Recipient,
    /// Whether it takes a mail.
    Data,
    /// Whether it takes this mail.
    End,
}

/// Why a mail was not handed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It never left: why, for the operator.
    NotSent(String),
    /// It left in part, and the server cannot have the whole of it: why, for the operator.
    InPart(String),
    /// The server said no.
    Refused(Step, Reply),
    /// The server said beforehand that it takes no mail so long.
    TooLong,
    /// It left whole, and no answer came.
    Unknown(&'static str),
}

impl Failure {
    pub(super) fn not_sent(error: &io::Error) -> Self {
        Self::NotSent(why(error))
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
        io::ErrorKind::TimedOut => "it did not answer in time".to_owned(),
        _ => error.to_string(),
    }
}

/// How a connection is secured.
pub(crate) struct Security<'a> {
    /// What secures one that begins in the clear, where `STARTTLS` is offered.
    pub(crate) starttls: Option<&'a (TlsConnector, ServerName<'static>)>,
    /// Whether nothing goes in the clear.
    pub(crate) is_required: bool,
}

/// A connection that has said hello.
pub(crate) struct Connection {
    lines: Lines<Box<dyn Stream>>,
    /// The longest mail, where the server says.
    size_max: Option<usize>,
    takes_size: bool,
}

impl Connection {
    /// Says hello on a new connection.
    pub(crate) async fn open(
        runtime: &Arc<dyn Runtime>,
        stream: Box<dyn Stream>,
        domain: &str,
        security: Security<'_>,
        deadline: Instant,
    ) -> Result<Self, Failure> {
        let mut lines = Lines::of_replies(Arc::clone(runtime), stream, deadline);
        let greeting = Reply::read(&mut lines).await.map_err(|error| Failure::not_sent(&error))?;
        if !greeting.is_done() {
            return Err(Failure::Refused(Step::Hello, greeting));
        }
        let mut connection = Self { lines, size_max: None, takes_size: false };
        let offered = connection.hello(domain).await?;
        let is_offered = offered.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS"));
        let Some((connector, name)) = security.starttls.filter(|_| is_offered) else {
            return if security.is_required {
                Err(Failure::NotSent("it does not offer STARTTLS".to_owned()))
            } else {
                Ok(connection)
            };
        };
        connection.done(Step::Hello, "STARTTLS").await?;
        if connection.lines.has_input() {
            // It was written by somebody in between, to be taken for what is secured.
            return Err(Failure::NotSent("it talks before TLS has begun".to_owned()));
        }
        let stream =
            runtime.timeout_at(deadline, connector.connect(name.clone(), connection.lines.into_stream())).await;
        let stream = stream.map_err(|_| Failure::NotSent("TLS did not begin in time".to_owned()))?;
        let stream = stream.map_err(|error| Failure::NotSent(format!("TLS failed: {error}")))?;
        let mut connection = Self {
            lines: Lines::of_replies(Arc::clone(runtime), Box::new(stream), deadline),
            size_max: None,
            takes_size: false,
        };
        connection.hello(domain).await?;
        Ok(connection)
    }

    /// `EHLO`, or `HELO` to a server that does not know it. What the server offers.
    async fn hello(&mut self, domain: &str) -> Result<Vec<String>, Failure> {
        let reply = self.ask(&format!("EHLO {domain}")).await?;
        if reply.code / 100 == 5 {
            self.done(Step::Hello, &format!("HELO {domain}")).await?;
            return Ok(Vec::new());
        }
        if !reply.is_done() {
            return Err(Failure::Refused(Step::Hello, reply));
        }
        let size = reply
            .lines
            .iter()
            .find_map(|line| line.get(..4).filter(|head| head.eq_ignore_ascii_case("SIZE")).and(line.get(4..)));
        self.takes_size = size.is_some();
        // Zero says that there is no bound (RFC 1870, 3).
        self.size_max = size.and_then(|size| size.trim().parse().ok()).filter(|size| *size > 0);
        Ok(reply.lines)
    }

    /// Hands a mail over.
    pub(crate) async fn send(&mut self, envelope: &Envelope, deadline: Instant) -> Result<(), Failure> {
        self.lines.must_end_by(deadline);
        let mail = data::stuffed(&envelope.mail);
        if self.size_max.is_some_and(|size_max| mail.len() > size_max) {
            return Err(Failure::TooLong);
        }
        let size = if self.takes_size { format!(" SIZE={}", mail.len()) } else { String::new() };
        self.done(Step::Sender, &format!("MAIL FROM:<{}>{size}", envelope.from)).await?;
        self.done(Step::Recipient, &format!("RCPT TO:<{}>", envelope.to)).await?;
        let go_on = self.ask("DATA").await?;
        if go_on.code / 100 != 3 {
            return Err(Failure::Refused(Step::Data, go_on));
        }
        let in_part = |error: io::Error| Failure::InPart(format!("it broke off a mail: {}", why(&error)));
        self.lines.write(&mail).await.map_err(in_part)?;
        // Where the last line could not be written whole, the server has not seen the end.
        self.lines.write(b".\r\n").await.map_err(in_part)?;
        let reply = Reply::read(&mut self.lines).await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => Failure::Unknown("no answer to the mail in time"),
            io::ErrorKind::InvalidData => Failure::Unknown("the reply is not an answer to the mail"),
            _ => Failure::Unknown("the connection broke before the answer to the mail"),
        })?;
        match reply.code / 100 {
            2 => Ok(()),
            4 | 5 => Err(Failure::Refused(Step::End, reply)),
            _ => Err(Failure::Unknown("the reply is not an answer to the mail")),
        }
    }

    /// Forgets a mail that was refused, so that the next can be sent. Whether the server agrees.
    pub(super) async fn reset(&mut self) -> bool {
        self.done(Step::Sender, "RSET").await.is_ok()
    }

    /// Says good-bye. The answer matters to nobody.
    pub(super) async fn quit(&mut self, deadline: Instant) {
        self.lines.must_end_by(deadline);
        let _ = self.ask("QUIT").await;
    }

    /// Asks for something that must be done.
    async fn done(&mut self, step: Step, command: &str) -> Result<(), Failure> {
        let reply = self.ask(command).await?;
        if reply.is_done() { Ok(()) } else { Err(Failure::Refused(step, reply)) }
    }

    async fn ask(&mut self, command: &str) -> Result<Reply, Failure> {
        let asked = async {
            self.lines.write(format!("{command}\r\n").as_bytes()).await?;
            Reply::read(&mut self.lines).await
        };
        asked.await.map_err(|error| Failure::not_sent(&error))
    }
}

#[cfg(test)]
mod tests;
