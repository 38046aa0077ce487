//! The parts that read what a carrier sends, without their sockets and tasks: for the fuzzer. No part of the contract
//! with the dispatcher.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use runtime::{Machine, Runtime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use wire::smpp::{BindKind, Body, Pdu, encode, frame};

use crate::Submission;
use crate::ack::Answer;
use crate::mm4::smtp::{
    Connection, Envelope, Failure, Inbox, Rules, Security, ServerEnvelope, Session as Server, Taken, Verdict,
};
use crate::smpp::config::SmppConfig;
use crate::smpp::effect::Effect;
use crate::smpp::session::Session;
use crate::smpp::shared::Shared;
use crate::smpp::submit;

/// A bound SMPP session with these submissions under way reads these octets, and then loses its connection. How many
/// outcomes each submission had, by its token.
pub fn smpp_session(
    config: SmppConfig,
    submissions: Vec<Submission>,
    octets: &[u8],
    now: Instant,
) -> BTreeMap<u64, usize> {
    let config = Arc::new(config);
    let (mut out, mut seen) = (Vec::new(), BTreeMap::new());
    let (events, _) = mpsc::unbounded_channel();
    let (runtime, kinds) = (Arc::new(Machine::new()), [BindKind::Transceiver]);
    let shared = Shared::new(runtime, Arc::clone(&config), &kinds, events, Arc::default());
    let mut session = Session::new(&shared, BindKind::Transceiver, "", now, &mut out);
    let mut bound = Vec::new();
    encode(&Pdu::new(1, Body::BindResp(BindKind::Transceiver, Vec::new())), &mut bound);
    session.receive(&bound, now, &mut out);
    for submission in submissions {
        match submit::build(&config, submission) {
            Ok(outgoing) => session.submit(outgoing, now),
            Err(refused) => *seen.entry(refused.token).or_default() += 1,
        }
    }
    let (mut rest, mut now) = (octets, now);
    loop {
        session.fill(now, usize::MAX, 0, &mut out);
        session.finish(now, &mut out);
        for effect in session.effects() {
            match effect {
                Effect::Outcome(outcome, _) => *seen.entry(outcome.token).or_default() += 1,
                Effect::Receipt(_, number) | Effect::Inbound(_, _, number) => {
                    session.answer(number, Answer::Taken, 0, &mut out);
                }
                _ => {}
            }
        }
        match frame::next(rest, config.pdu_bytes_max) {
            Ok(Some(length)) => {
                session.receive(&rest[..length], now, &mut out);
                rest = &rest[length..];
            }
            Ok(None) => break,
            Err(lost) => {
                session.lost_step(lost.header.sequence, &mut out);
                break;
            }
        }
        session.has_written(out.len() as u64, now);
        now += Duration::from_millis(200);
        session.tick(now, &mut out);
    }
    session.abort(0);
    for effect in session.effects() {
        if let Effect::Outcome(outcome, _) = effect {
            *seen.entry(outcome.token).or_default() += 1;
        }
    }
    seen
}

/// A connection on which a peer says these octets, and no more.
///
/// It takes what is written to it, and keeps none of it.
struct Said(io::Cursor<Vec<u8>>);

impl Said {
    fn new(octets: &[u8]) -> Self {
        Self(io::Cursor::new(octets.to_owned()))
    }
}

impl AsyncRead for Said {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Said {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How long a peer has. Its octets are all there.
const TIME: Duration = Duration::from_secs(60);

/// A mail goes to a server that says these octets. Whether the server took it, and the code of a refusal.
///
/// # Errors
/// It did not: the code of its refusal, where that was the reason.
pub async fn smtp_client(runtime: &Arc<dyn Runtime>, octets: &[u8]) -> Result<(), Option<u16>> {
    let envelope = Envelope {
        from: "us@a.example".to_owned(),
        to: "them@b.example".to_owned(),
        mail: b"Subject: x\r\n\r\n.dot\r\n".to_vec(),
    };
    let (stream, deadline) = (Box::new(Said::new(octets)), runtime.instant() + TIME);
    let sent = async {
        let mut connection =
            Connection::open(runtime, stream, "a.example", Security { starttls: None, is_required: false }, deadline)
                .await?;
        connection.send(&envelope, deadline).await
    };
    sent.await.map_err(|failure| match failure {
        Failure::Refused(_, reply) => Some(reply.code),
        _ => None,
    })
}

/// A peer says these octets to the listener for mails. The mails that it took.
pub async fn smtp_server(runtime: &Arc<dyn Runtime>, octets: &[u8], bytes_max: usize) -> Vec<Vec<u8>> {
    let inbox = Kept::default();
    let rules = Rules { domain: "a.example".to_owned(), bytes_max, idle: TIME, tls: None };
    let (_open, closing) = watch::channel(false);
    // How it ends is the peer's affair.
    let _ = Server::new(runtime, &rules, &inbox).serve(Box::new(Said::new(octets)), closing).await;
    inbox.0.into_inner().unwrap_or_default()
}

/// Takes every mail.
#[derive(Default)]
struct Kept(std::sync::Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Inbox for Kept {
    async fn take(&self, _envelope: &ServerEnvelope, mail: &[u8]) -> Taken {
        if let Ok(mut mails) = self.0.lock() {
            mails.push(mail.to_owned());
        }
        Verdict::Taken.into()
    }

    fn too_long(&self) {}
}
