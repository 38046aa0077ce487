//! Connections that only read. Each read is a snapshot of what was last committed; [`crate::turns`] gives them their
//! order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::Runtime;
use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use super::store_error;
use crate::turns::{Reader, Turns, Waiter, Work};
use crate::StoreError;

/// How many reads run at once; more wait their turn. Pages take all but one of them.
const CONNECTIONS: usize = 4;

/// A pool of reading connections.
pub(super) struct Readers(Arc<Pool>);

struct Pool {
    runtime: Arc<dyn Runtime>,
    state: Mutex<State>,
    /// Notified when a read of a closed pool has ended.
    ended: Notify,
}

struct State {
    idle: Vec<Connection>,
    turns: Turns<oneshot::Sender<Seat>>,
    is_closed: bool,
}

/// The right to use a connection, which goes back when this is dropped.
struct Seat {
    pool: Arc<Pool>,
    reader: Reader,
    work: Work,
    connection: Option<Connection>,
}

impl Waiter for oneshot::Sender<Seat> {
    fn has_gone(&self) -> bool {
        self.is_closed()
    }
}

impl Readers {
    /// A pool of connections that `connect` makes.
    pub(super) fn new(
        runtime: Arc<dyn Runtime>,
        connect: impl Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        let idle: Vec<Connection> = (0..CONNECTIONS).map(|_| connect()).collect::<Result<_, _>>()?;
        let state = State { idle, turns: Turns::new(CONNECTIONS), is_closed: false };
        Ok(Self(Arc::new(Pool { runtime, state: Mutex::new(state), ended: Notify::new() })))
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
        let seat = self.0.seat(reader, work)?.await.map_err(|_| closed())?;
        let looked = self.0.runtime.run_blocking("store-read", move || seat.look(look)).await;
        looked.unwrap_or_else(|ended| Err(StoreError::Unavailable(format!("a read {ended}"))))
    }

    /// Lets the reads that were begun end, lets no further one begin, and closes the connections. The writer's is then
    /// the last one: SQLite removes the log with it, which a connection that only reads leaves behind.
    pub(super) async fn close(&self) {
        loop {
            let ended = self.0.ended.notified();
            {
                let mut state = self.0.state();
                state.is_closed = true;
                state.turns.clear();
                if state.turns.is_idle() {
                    state.idle.clear();
                    return;
                }
            }
            ended.await;
        }
    }
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in the line, at whose end there is a seat.
    fn seat(self: &Arc<Self>, reader: Reader, work: Work) -> Result<oneshot::Receiver<Seat>, StoreError> {
        let (sender, seat) = oneshot::channel();
        let mut state = self.state();
        if state.is_closed {
            return Err(closed());
        }
        let joined = state.turns.join(reader, work, sender);
        joined.map_err(|_| StoreError::Unavailable("too many reads are waiting".to_owned()))?;
        self.advance(&mut state);
        Ok(seat)
    }

    /// Gives idle connections to the next reads in turn.
    fn advance(self: &Arc<Self>, state: &mut State) {
        while let Some((reader, work, waiter)) = state.turns.next() {
            let Some(connection) = state.idle.pop() else {
                state.turns.end(reader, work);
                return;
            };
            let seat = Seat { pool: Arc::clone(self), reader, work, connection: Some(connection) };
            if let Err(mut refused) = waiter.send(seat) {
                // Its caller has gone away just now. The connection is taken out, because dropping the seat with it
                // would lock the pool again.
                state.idle.extend(refused.connection.take());
                state.turns.end(reader, work);
            }
        }
    }
}

impl Seat {
    fn look<T>(self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let Some(connection) = &self.connection else { return Err(closed()) };
        // Several statements of one look see the same state.
        let snapshot = |connection: &Connection| look(&*connection.unchecked_transaction()?);
        snapshot(connection).map_err(|error| store_error(&error))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut state = self.pool.state();
        state.turns.end(self.reader, self.work);
        state.idle.push(connection);
        if state.is_closed {
            self.pool.ended.notify_waiters();
        } else {
            self.pool.advance(&mut state);
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

#[cfg(test)]
mod tests;
