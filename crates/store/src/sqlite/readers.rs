//! Connections that only read. Each look is a snapshot of what was last committed.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::store_error;
use crate::StoreError;

/// How many reads run at once; more wait their turn.
const CONNECTIONS: u32 = 3;

/// A pool of reading connections.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// A pool of connections that `connect` makes.
    pub(super) fn new(connect: impl Fn() -> rusqlite::Result<Connection>) -> rusqlite::Result<Self> {
        let connections: Vec<Connection> = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_, _>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(connections)), permits: Arc::new(Semaphore::new(CONNECTIONS as usize)) })
    }

    /// Runs `look` on a connection, off the runtime's threads.
    pub(super) async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let looking = tokio::task::spawn_blocking(move || {
            let connection = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(connection) = connection else { return Err(StoreError::Unavailable("the store is closed".to_owned())) };
            // Several statements of one look see the same state.
            let snapshot = |connection: &Connection| look(&*connection.unchecked_transaction()?);
            let found = snapshot(&connection).map_err(|error| store_error(&error));
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(permit);
            found
        });
        looking.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a read panicked".to_owned())))
    }

    /// Lets the reads that were begun end, lets no further one begin, and closes the connections. The writer's is then the last one:
    /// SQLite removes the log with it, which a connection that only reads leaves behind.
    pub(super) async fn close(&self) {
        // Fails when they are closed already.
        if self.permits.acquire_many(CONNECTIONS).await.is_ok() {
            self.permits.close();
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}
