//! Connections that only read. Each read is a snapshot of what was last committed; [`ledger::seats`] gives them their
//! order.

use std::sync::Arc;

use runtime::{Runtime, Slot};
use rusqlite::Connection;

use super::store_error;
use ledger::StoreError;
use ledger::seats::{Seat, Seats};
use ledger::turns::{Reader, Work};

/// How many reads run at once; more wait their turn. Pages take all but one of them.
const CONNECTIONS: usize = 4;

/// A pool of reading connections.
pub(super) struct Readers {
    runtime: Arc<dyn Runtime>,
    seats: Seats<Connection>,
}

impl Readers {
    /// A pool of connections that `connect` makes.
    pub(super) fn new(
        runtime: Arc<dyn Runtime>,
        connect: impl Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        let connections: Vec<Connection> = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_, _>>()?;
        Ok(Self { runtime, seats: Seats::new(connections) })
    }

    /// Runs a small read of the platform's own.
    pub(super) async fn read<T, F>(&self, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.read_for(Reader::Platform, Work::One, look).await
    }

    /// Runs `look` on a connection when it is the reader's turn, beside the tasks. A caller that goes away before is
    /// passed over.
    pub(super) async fn read_for<T, F>(&self, reader: Reader, work: Work, look: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (result, left) = Slot::pair();
        let look = move |connection: &Connection| {
            left.put(look(connection)?);
            Ok(())
        };
        self.run(reader, work, Box::new(look)).await?;
        result.take().ok_or_else(|| StoreError::Unavailable("a read has no result".to_owned()))
    }

    async fn run(&self, reader: Reader, work: Work, look: Look) -> Result<(), StoreError> {
        let seat = self.seats.take(reader, work).await?;
        let looked = self.runtime.run_blocking("store-read", move || look_from(&seat, look)).await;
        looked.unwrap_or_else(|ended| Err(StoreError::Unavailable(format!("a read {ended}"))))
    }

    /// Lets the reads that were begun end, lets no further one begin, and closes the connections. The writer's is then
    /// the last one: SQLite removes the log with it, which a connection that only reads leaves behind.
    pub(super) async fn close(&self) {
        self.seats.clear().await;
    }
}

/// A look at what is there, which leaves what it sees where its caller finds it.
type Look = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// Several statements of one look see the same state.
fn look_from(seat: &Seat<Connection>, look: Look) -> Result<(), StoreError> {
    let connection = seat.place()?;
    let snapshot = || look(&*connection.unchecked_transaction()?);
    snapshot().map_err(|error| store_error(&error))
}

#[cfg(test)]
mod tests;
