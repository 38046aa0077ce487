//! Seats: places for reads, given out by [`crate::turns`]. A read has what its seat comes with, such as a connection,
//! until it ends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::StoreError;
use crate::turns::{Reader, Turns, Waiter, Work};

/// The seats for reads, and those who wait for one.
pub struct Seats<T>(Arc<Room<T>>);

struct Room<T> {
    state: Mutex<State<T>>,
    /// Notified when a read in a closed room has ended.
    ended: Notify,
}

struct State<T> {
    idle: Vec<T>,
    turns: Turns<oneshot::Sender<Seat<T>>>,
    is_closed: bool,
}

/// The right to read, which goes back when this is dropped.
pub struct Seat<T> {
    room: Arc<Room<T>>,
    reader: Reader,
    work: Work,
    place: Option<T>,
}

impl<T> Waiter for oneshot::Sender<Seat<T>> {
    fn has_gone(&self) -> bool {
        self.is_closed()
    }
}

impl<T> Seats<T> {
    /// As many seats as there are places; more than one.
    pub fn new(places: Vec<T>) -> Self {
        let state = State { turns: Turns::new(places.len()), idle: places, is_closed: false };
        Self(Arc::new(Room { state: Mutex::new(state), ended: Notify::new() }))
    }

    /// A place in the line, at whose end there is a seat. A caller that goes away before is passed over.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where too many wait, and once the room is closed.
    pub fn line_up(&self, reader: Reader, work: Work) -> Result<oneshot::Receiver<Seat<T>>, StoreError> {
        let (sender, seat) = oneshot::channel();
        let mut state = self.0.state();
        if state.is_closed {
            return Err(closed());
        }
        let joined = state.turns.join(reader, work, sender);
        joined.map_err(|_| StoreError::Unavailable("too many reads are waiting".to_owned()))?;
        self.0.advance(&mut state);
        Ok(seat)
    }

    /// A seat, when it is the reader's turn.
    ///
    /// # Errors
    /// As [`Self::line_up`].
    pub async fn take(&self, reader: Reader, work: Work) -> Result<Seat<T>, StoreError> {
        self.line_up(reader, work)?.await.map_err(|_| closed())
    }

    /// Sends away those who wait, and lets no further read begin.
    pub fn close(&self) {
        let mut state = self.0.state();
        state.is_closed = true;
        state.turns.clear();
    }

    /// The same, and lets the reads that were begun end. Then nothing is left of the places.
    pub async fn clear(&self) {
        loop {
            let ended = self.0.ended.notified();
            self.close();
            {
                let mut state = self.0.state();
                if state.turns.is_idle() {
                    state.idle.clear();
                    return;
                }
            }
            ended.await;
        }
    }
}

impl<T> Room<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives idle places to the next reads in turn.
    fn advance(self: &Arc<Self>, state: &mut State<T>) {
        while let Some((reader, work, waiter)) = state.turns.next() {
            let Some(place) = state.idle.pop() else {
                state.turns.end(reader, work);
                return;
            };
            let seat = Seat { room: Arc::clone(self), reader, work, place: Some(place) };
            if let Err(mut refused) = waiter.send(seat) {
                // Its caller has gone away just now. The place is taken out, because dropping the seat with it would
                // lock the room again.
                state.idle.extend(refused.place.take());
                state.turns.end(reader, work);
            }
        }
    }
}

impl<T> Seat<T> {
    /// What the seat comes with.
    pub fn place(&self) -> Result<&T, StoreError> {
        self.place.as_ref().ok_or_else(closed)
    }
}

impl<T> Drop for Seat<T> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else { return };
        let mut state = self.room.state();
        state.turns.end(self.reader, self.work);
        state.idle.push(place);
        if state.is_closed {
            self.room.ended.notify_waiters();
        } else {
            self.room.advance(&mut state);
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}
