//! MM4: messages and what is said about them, as mail. The SMTP of both directions is RFC 5321's, without TLS.

mod answers;
mod client;
mod command;
mod content;
mod session;

use std::sync::Arc;

pub(crate) use client::{Mail, Peers};

use super::{Protocol, Shared};
use crate::sessions::Stream;
use session::Session;

/// Serves a connection until it ends.
pub(super) async fn serve(stream: Stream, shared: Arc<Shared>, number: u64) {
    let mut stopped = shared.sessions.stopped();
    let mut open = 0;
    shared.journal.count(|summary| {
        summary.mm4_sessions += 1;
        summary.mm4_open += 1;
        open = summary.mm4_open;
    });
    let is_one_too_many = open > shared.options.mm4_sessions_max;
    let refusal = shared.options.mm4_refuse.or(is_one_too_many.then_some(421));
    let serve = async {
        let mut session = Session::new(Arc::clone(&shared), number, stream);
        match refusal {
            Some(code) => {
                shared.refuse(Protocol::Mm4, number, None, &code.to_string());
                session.say(code, "not now").await
            }
            None => session.run().await,
        }
    };
    let ended = tokio::select! {
        ended = serve => ended,
        () = crate::sessions::told_to_end(&mut stopped, number) => Ok(()),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "MM4 session {number} ended: {error}");
    }
    shared.journal.count(|summary| summary.mm4_open -= 1);
}
