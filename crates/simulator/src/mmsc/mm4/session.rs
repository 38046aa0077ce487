//! One session of SMTP as its server: takes mails, replies to them as the options say.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::sync::oneshot;
use wire::mm4::{Address, AddressKind, Answer, ForwardReq, MessageType, Mm4, Request};

use super::command::{self, Command};
use super::{answers, content};
use crate::mmsc::fate::{self, Fate};
use crate::mmsc::rule::Subject;
use crate::mmsc::{Content, Mm4Reply, Protocol, Shared, Taken};
use crate::sessions::Stream;

/// How long a client may say nothing (RFC 5321, 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(300);

/// How long a mail may take from its first line to its last.
const MAIL_TIMEOUT: Duration = Duration::from_secs(600);

/// Recipients of one mail (RFC 5321, 4.5.3.1.8).
const RECIPIENTS_MAX: usize = 100;

/// One session.
pub(super) struct Session {
    shared: Arc<Shared>,
    number: u64,
    stream: BufStream<Stream>,
    envelope: Option<Envelope>,
}

/// Who sends a mail, and whom it is for.
struct Envelope {
    from: String,
    to: Vec<String>,
    /// The number of the message, as soon as it has a handset for a recipient.
    message: Option<u64>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, number: u64, stream: Stream) -> Self {
        Self { shared, number, stream: BufStream::new(stream), envelope: None }
    }

    /// Serves the connection until it ends.
    pub(super) async fn run(mut self) -> io::Result<()> {
        if self.shared.options.silent {
            return self.say_nothing().await;
        }
        let domain = self.shared.options.domain.clone();
        self.say(220, &format!("{domain} ESMTP")).await?;
        let runtime = Arc::clone(&self.shared.runtime);
        while let Some(line) = runtime.timeout(IDLE, command::line(&mut self.stream)).await?? {
            match Command::parse(&line) {
                Command::Ehlo => self.hello(&domain).await?,
                Command::Helo => self.say(250, &domain).await?,
                Command::Mail { path, size_bytes } => self.mail(path, size_bytes).await?,
                Command::Rcpt { path } => self.recipient(path).await?,
                Command::Data => match self.envelope.take() {
                    Some(envelope) if !envelope.to.is_empty() => {
                        if !self.data(&envelope).await? {
                            return Ok(());
                        }
                    }
                    _ => self.say(503, "no recipient").await?,
                },
                Command::Rset => {
                    self.envelope = None;
                    self.say(250, "forgotten").await?;
                }
                Command::Noop => self.say(250, "here").await?,
                Command::Quit => return self.say(221, "bye").await,
                Command::Malformed => self.say(501, "malformed").await?,
                Command::Unknown => self.say(500, "unknown").await?,
            }
        }
        Ok(())
    }

    /// Writes a reply.
    pub(super) async fn say(&mut self, code: u16, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{code} {text}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    async fn hello(&mut self, domain: &str) -> io::Result<()> {
        self.envelope = None;
        let size = self.shared.options.message_bytes_max;
        self.stream
            .write_all(format!("250-{domain}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE {size}\r\n").as_bytes())
            .await?;
        self.stream.flush().await
    }

    async fn mail(&mut self, from: String, size_bytes: Option<usize>) -> io::Result<()> {
        if size_bytes.is_some_and(|size| size > self.shared.options.message_bytes_max) {
            self.shared.refuse(Protocol::Mm4, self.number, None, "552");
            return self.say(552, "too large").await;
        }
        if self.envelope.is_some() {
            return self.say(503, "one at a time").await;
        }
        self.envelope = Some(Envelope { from, to: Vec::new(), message: None });
        self.say(250, "ok").await
    }

    async fn recipient(&mut self, path: String) -> io::Result<()> {
        let Some(envelope) = &mut self.envelope else { return self.say(503, "who sends?").await };
        if envelope.to.len() == RECIPIENTS_MAX {
            return self.say(452, "too many recipients").await;
        }
        // A message has a handset for a recipient; answers go to a system.
        if let Some(digits) = digits(&path) {
            let number = *envelope.message.get_or_insert_with(|| self.shared.mm4_number.fetch_add(1, Ordering::SeqCst));
            let options = &self.shared.options;
            let refusal = fate::recipient(
                options,
                &options.mm4_recipient,
                Subject { number, recipient: &digits },
                envelope.to.len(),
            );
            if let Some(Mm4Reply::Refuse(code)) = refusal {
                self.shared.refuse(Protocol::Mm4, self.number, None, &code.to_string());
                return self.say(code, "not this one").await;
            }
        }
        envelope.to.push(path);
        self.say(250, "ok").await
    }

    /// Takes a mail; says whether the session goes on.
    async fn data(&mut self, envelope: &Envelope) -> io::Result<bool> {
        let shared = Arc::clone(&self.shared);
        let recipient = envelope.to.iter().find_map(|path| digits(path)).unwrap_or_default();
        let fate = envelope.message.map(|number| {
            (
                number,
                fate::decide(&shared.options, &shared.options.mm4_reply, Subject { number, recipient: &recipient }),
            )
        });
        self.say(354, "go on").await?;
        if let Some((_, Fate { reply: Some(Mm4Reply::CloseBefore), .. })) = &fate {
            // Some of it has come, so that the client is in the midst of it.
            self.stream.fill_buf().await?;
            shared.refuse(Protocol::Mm4, self.number, None, &Mm4Reply::CloseBefore.name());
            return Ok(false);
        }
        let mail =
            shared.runtime.timeout(MAIL_TIMEOUT, content::read(&mut self.stream, shared.options.message_bytes_max));
        let Some(mail) = mail.await?? else {
            shared.refuse(Protocol::Mm4, self.number, None, "552");
            self.say(552, "too large").await?;
            return Ok(true);
        };
        match (wire::mm4::parse(&mail, shared.options.message_bytes_max), fate) {
            (Ok(Mm4::Forward(request)), Some((number, fate))) => {
                self.forward(*request, envelope, (number, fate), &mail).await
            }
            (Ok(Mm4::Forward(request)), None) => {
                shared.refuse(Protocol::Mm4, self.number, Some(&request.message_id), "550");
                self.say(550, "for no handset").await?;
                Ok(true)
            }
            (Ok(Mm4::Answer(answer)), _) => {
                self.answered(&answer);
                self.say(250, "ok").await?;
                Ok(true)
            }
            (Ok(Mm4::Report(_) | Mm4::ReadReply), _) => {
                self.say(250, "ok").await?;
                Ok(true)
            }
            (Err(error), _) => {
                shared.journal.count(|summary| summary.malformed += 1);
                shared.refuse(Protocol::Mm4, self.number, None, "554");
                self.say(554, &error.to_string()).await?;
                Ok(true)
            }
        }
    }

    async fn forward(
        &mut self,
        request: ForwardReq,
        envelope: &Envelope,
        (number, fate): (u64, Fate<Mm4Reply>),
        mail: &[u8],
    ) -> io::Result<bool> {
        let shared = Arc::clone(&self.shared);
        // Whoever goes before the reply is written gets what follows all the same: the message is kept.
        let (replied, is_replied) = oneshot::channel();
        match fate.reply {
            Some(reply) if !reply.keeps() => {
                shared.refuse(Protocol::Mm4, self.number, Some(&request.message_id), &reply.name());
            }
            _ => {
                self.keep(&request, number, fate.reply).await;
                let screens = shared.show_mail(&request, number, mail);
                answers::follow_up(&shared, (request, screens), &envelope.from, (number, &fate), is_replied);
            }
        }
        shared.runtime.sleep(fate.reply_in).await;
        match fate.reply {
            None => self.say(250, "taken").await?,
            Some(Mm4Reply::Refuse(code)) => self.say(code, "refused").await?,
            Some(Mm4Reply::CloseBefore | Mm4Reply::CloseAfter) => return Ok(false),
            Some(Mm4Reply::Silence) => {
                drop(replied);
                self.say_nothing().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn keep(&mut self, request: &ForwardReq, number: u64, reply: Option<Mm4Reply>) {
        let (content, media) = Content::of(&request.parts);
        let taken = Taken {
            protocol: Protocol::Mm4,
            session: self.number,
            number,
            transaction_id: request.transaction_id.clone(),
            message_id: request.message_id.clone(),
            from: request.from.as_ref().map(plain),
            to: request.to.iter().map(plain).collect(),
            subject: request.subject.clone(),
            wants_report: request.delivery_report,
            content,
        };
        self.shared.take(taken, &media, &reply.map_or_else(|| "250".to_owned(), Mm4Reply::name)).await;
    }

    fn answered(&self, answer: &Answer) {
        let kind = MessageType { request: answer.request, is_answer: true };
        self.shared.log(serde_json::json!({
            "event": "answered", "type": kind.name(), "session": self.number, "transaction_id": answer.transaction_id,
            "message_id": answer.message_id, "status": answer.code,
        }));
        self.shared.journal.count(|summary| {
            let answers = match answer.request {
                Request::Forward => &mut summary.inbound_answers,
                Request::DeliveryReport | Request::ReadReply => &mut summary.report_answers,
            };
            *answers.entry(answer.code.clone()).or_default() += 1;
        });
    }

    /// Reads on, and answers nothing, until the client goes.
    async fn say_nothing(&mut self) -> io::Result<()> {
        let mut octets = [0; 4_096];
        while self.stream.read(&mut octets).await? > 0 {}
        Ok(())
    }
}

/// The digits of a handset in a path.
fn digits(path: &str) -> Option<String> {
    Address::parse(path).and_then(|address| address.digits().map(str::to_owned))
}

/// An address for the log.
fn plain(address: &Address) -> String {
    if address.kind() == AddressKind::Plmn {
        address.digits().unwrap_or_default().to_owned()
    } else {
        address.to_string()
    }
}
