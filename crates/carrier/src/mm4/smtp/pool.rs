//! Connections to the MMSC: opened when there is none, kept for the next mail for a while.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use runtime::Runtime;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::client::{Connection, Envelope, Failure, Security, Step};
use crate::connect::Connector;
use crate::keys::ConfigError;
use crate::mm4::config::{Mm4Config, StartTls};
use crate::tls;

/// How long a server is given to say good-bye.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// The reply of a server that closes the connection (RFC 5321, 4.2.3).
const CLOSING: u16 = 421;

/// The connections of one carrier.
pub(crate) struct Pool {
    runtime: Arc<dyn Runtime>,
    config: Arc<Mm4Config>,
    connector: Connector,
    /// What secures connections that begin in the clear, where something may.
    starttls: Option<(TlsConnector, ServerName<'static>)>,
    /// Those that wait for a mail, the one used last at the end; `None` when no more are kept.
    idle: Mutex<Option<VecDeque<Idle>>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
    messages: u32,
}

impl Idle {
    /// Says good-bye, beside everything else. Where the runtime has ended, the connection just ends too.
    fn quit(mut self, runtime: &Arc<dyn Runtime>) {
        let deadline = runtime.instant() + QUIT_TIMEOUT;
        runtime.spawn("good-bye to an MMSC", Box::pin(async move { self.connection.quit(deadline).await }));
    }
}

impl Pool {
    /// Reads certificates and keys.
    ///
    /// # Errors
    /// [`ConfigError`] where one cannot be used.
    pub(crate) fn new(runtime: Arc<dyn Runtime>, config: Arc<Mm4Config>) -> Result<Self, ConfigError> {
        let secured = tls::client(&config.tls_files()).map_err(|mistake| config.mistaken(vec![mistake]))?;
        let (tls, starttls) = if config.tls { (secured, None) } else { (None, secured) };
        let limit = Duration::from_secs(config.connect_timeout_secs);
        let connector =
            Connector { host: config.host.clone(), port: config.port, source_ip: config.source_ip, limit, tls };
        Ok(Self { runtime, config, connector, starttls, idle: Mutex::new(Some(VecDeque::new())) })
    }

    /// Hands a mail over, by then or not at all.
    pub(crate) async fn send(&self, envelope: &Envelope, deadline: Instant) -> Result<(), Failure> {
        while let Some(mut kept) = self.kept() {
            match kept.connection.send(envelope, deadline).await {
                // The server had closed it while nobody looked, which is no failure of this mail: nothing of it was
                // handed over.
                Err(Failure::NotSent(_)) => {}
                Err(Failure::Refused(Step::Sender, reply)) if reply.code == CLOSING => {}
                sent => return self.settled(kept, sent).await,
            }
        }
        let connection = self.open(deadline).await?;
        let mut fresh = Idle { connection, since: self.runtime.instant(), messages: 0 };
        let sent = fresh.connection.send(envelope, deadline).await;
        self.settled(fresh, sent).await
    }

    /// Closes those that wait, and keeps none any more.
    pub(crate) fn close(&self) {
        self.idle().take().into_iter().flatten().for_each(|idle| idle.quit(&self.runtime));
    }

    /// Says hello and good-bye: whether the MMSC would talk to us.
    pub(crate) async fn hello(&self) -> Result<(), Failure> {
        let mut connection = self.open(self.runtime.instant() + self.connector.limit).await?;
        connection.quit(self.runtime.instant() + QUIT_TIMEOUT).await;
        Ok(())
    }

    /// A connection that is still good, as far as can be seen. Those that waited too long are closed.
    fn kept(&self) -> Option<Idle> {
        let mut idle = self.idle();
        let kept = idle.as_mut()?;
        let limit = Duration::from_secs(self.config.keep_alive_secs);
        let now = self.runtime.instant();
        kept.retain(|connection| now.saturating_duration_since(connection.since) < limit);
        kept.pop_back()
    }

    /// Keeps a connection that can be used again.
    async fn settled(&self, mut used: Idle, sent: Result<(), Failure>) -> Result<(), Failure> {
        let is_good = match &sent {
            Ok(()) | Err(Failure::TooLong) => true,
            Err(Failure::Refused(_, reply)) => reply.code != CLOSING && used.connection.reset().await,
            Err(Failure::NotSent(_) | Failure::InPart(_) | Failure::Unknown(_)) => false,
        };
        used.messages += 1;
        used.since = self.runtime.instant();
        let may_stay = is_good && used.messages < self.config.connection_messages_max;
        if let Some(kept) = self.idle().as_mut()
            && may_stay
        {
            kept.push_back(used);
        } else if is_good {
            used.quit(&self.runtime);
        }
        sent
    }

    async fn open(&self, deadline: Instant) -> Result<Connection, Failure> {
        let deadline = deadline.min(self.runtime.instant() + self.connector.limit);
        let stream = self
            .runtime
            .timeout_at(deadline, self.connector.connect(&self.runtime))
            .await
            .map_err(|_| Failure::NotSent("no connection in time".to_owned()))?;
        let stream = stream.map_err(|error| Failure::not_sent(&error))?;
        let is_required = self.config.starttls == StartTls::Required;
        let security = Security { starttls: self.starttls.as_ref(), is_required };
        Connection::open(&self.runtime, stream, &self.config.domain, security, deadline).await
    }

    /// What it waits with.
    pub(crate) const fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    fn idle(&self) -> MutexGuard<'_, Option<VecDeque<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
