//! Commits that are on the disk of the primary alone.
//!
//! A commit waits until the synchronous standby has it. Where that wait is cancelled, by `pg_cancel_backend` or a
//! `statement_timeout`, PostgreSQL warns that the standby may lack the transaction, and answers `COMMIT` as if it had
//! it. The warning is no part of the answer: only who drives the connection hears it, before the answer.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::{Connect, Pool};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::error::DbError;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};

use super::fault::described;

/// The function of PostgreSQL that waits for the standby. What it warns of is translated; its name is not.
const WAIT_FOR_STANDBY: &str = "SyncRepWaitForLSN";

/// How many commits have not waited for the standby, over all connections of a pool.
#[derive(Debug, Default)]
pub(super) struct Unreplicated(AtomicU64);

impl Unreplicated {
    /// How many there were until now. A commit during which this changes may be one of them.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn hear(&self, notice: &DbError) {
        if notice.routine() == Some(WAIT_FOR_STANDBY) {
            self.0.fetch_add(1, Ordering::Release);
        }
        tracing::warn!("PostgreSQL: {}: {}", notice.severity(), notice.message());
    }
}

/// Connections, made when they are needed, and what was heard on them.
pub(super) struct Connections {
    pub(super) pool: Pool,
    pub(super) unreplicated: Arc<Unreplicated>,
}

/// Makes connections whose warnings are heard.
pub(super) struct Listening<T> {
    pub(super) tls: T,
    pub(super) heard: Arc<Unreplicated>,
}

type Connecting<'c> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'c>>;

impl<T> Connect for Listening<T>
where
    T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
    T::Stream: Send + Sync,
    T::TlsConnect: Send + Sync,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    #[expect(clippy::disallowed_methods, reason = "the pool aborts tokio's own task with its connection")]
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let (config, tls, heard) = (config.clone(), self.tls.clone(), Arc::clone(&self.heard));
        Box::pin(async move {
            let (client, connection) = config.connect(tls).await?;
            Ok((client, tokio::spawn(drive(connection, heard))))
        })
    }
}

/// Drives a connection to its end.
async fn drive<S, T>(mut connection: Connection<S, T>, heard: Arc<Unreplicated>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => heard.hear(&notice),
            Ok(_) => {}
            Err(error) => return tracing::warn!("A connection to PostgreSQL ended: {}", described(&error)),
        }
    }
}
