//! Connections that are accepted, numbered, and cut when somebody says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use net::{Patience, Patient};
use runtime::Runtime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A connection, whose peer has to read what is written to it.
pub(crate) type Stream = Patient<TcpStream>;

/// How long a peer may read nothing.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// What sessions are told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Go on.
    No,
    /// Every session of a number up to this one ends, as if the network had failed.
    Sessions(u64),
    /// Everything ends.
    All,
}

/// The sessions of a simulator.
pub(crate) struct Sessions {
    next: AtomicU64,
    stop: watch::Sender<Stop>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { next: AtomicU64::new(1), stop: watch::Sender::new(Stop::No) }
    }
}

impl Sessions {
    /// What tells when to stop.
    pub(crate) fn stopped(&self) -> watch::Receiver<Stop> {
        self.stop.subscribe()
    }

    /// Cuts all that there are.
    pub(crate) fn cut(&self) {
        let last = self.next.load(Ordering::SeqCst).saturating_sub(1);
        self.stop.send_replace(Stop::Sessions(last));
    }

    /// Ends everything.
    pub(crate) fn end(&self) {
        self.stop.send_replace(Stop::All);
    }
}

/// Gives every connection to `serve`, with a number of its own, until everything ends.
pub(crate) async fn accept(
    runtime: Arc<dyn Runtime>,
    listener: TcpListener,
    sessions: Arc<Sessions>,
    serve: impl Fn(Stream, u64),
) {
    let mut stopped = sessions.stopped();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ended(&mut stopped) => return,
        };
        match accepted {
            Ok((stream, _)) => {
                // A connection that fails at once is the peer's affair.
                let _ = stream.set_nodelay(true);
                serve(
                    Patient::new(Arc::clone(&runtime), stream, Patience::of(WRITE_TIMEOUT)),
                    sessions.next.fetch_add(1, Ordering::SeqCst),
                );
            }
            Err(error) => {
                tracing::warn!(%error, "Cannot accept a connection: {error}");
                if let Some(rest) = net::rest_after(&error) {
                    runtime.sleep(rest).await;
                }
            }
        }
    }
}

/// Resolves when everything ends.
async fn ended(stopped: &mut watch::Receiver<Stop>) {
    // Without a sender there is nothing left to serve.
    let _ = stopped.wait_for(|stop| *stop == Stop::All).await;
}

/// Resolves when the session of this number is to end.
pub(crate) async fn told_to_end(stopped: &mut watch::Receiver<Stop>, number: u64) {
    // Without a sender nobody is left who could wait for it.
    let _ = stopped
        .wait_for(|stop| matches!(stop, Stop::All) || matches!(stop, Stop::Sessions(last) if *last >= number))
        .await;
}
