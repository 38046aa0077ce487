//! Transactions: work runs in one, again where PostgreSQL ended it for the sake of others, and its end is awaited no
//! longer than a request waits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::commit::commit;
use super::core::{Core, DEADLINE, no_answer};
use super::fault::Fault;
use super::unit::Unit;
use crate::StoreError;
use crate::turns::{self, Reader};

/// How often a transaction is tried that PostgreSQL ends for the sake of others.
const TRIES: usize = 20;

/// What a transaction does until its result is there.
pub(super) type Doing<'u, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'u>>;

/// Work on an input within a transaction. It may run several times.
pub(super) trait Work<A, T>: for<'u> Fn(&'u mut Unit, &'u A) -> Doing<'u, T> {}
impl<A, T, F: for<'u> Fn(&'u mut Unit, &'u A) -> Doing<'u, T>> Work<A, T> for F {}

/// A look at what is there.
pub(super) trait Look<A, T>: for<'u> Fn(&'u Unit, &'u A) -> Doing<'u, T> {}
impl<A, T, F: for<'u> Fn(&'u Unit, &'u A) -> Doing<'u, T>> Look<A, T> for F {}

impl Core {
    /// Runs `work` on `input` in a transaction and commits it; the changes that it noted are then given to those who
    /// follow. Where PostgreSQL ends the transaction for the sake of another one, `work` runs again from its beginning.
    pub(super) async fn write<A, T>(self: &Arc<Self>, input: A, work: impl Work<A, T>) -> Result<T, StoreError> {
        self.write_group(1, input, work).await.map_err(Fault::told)
    }

    /// As [`Self::write`], for so many calls that share the transaction. The fault says whether it is that of one of
    /// them.
    pub(super) async fn write_group<A, T>(
        self: &Arc<Self>,
        calls: usize,
        input: A,
        work: impl Work<A, T>,
    ) -> Result<T, Fault> {
        let _call = self.calls.begin()?;
        let began = self.runtime.instant();
        let done = self.runtime.timeout(DEADLINE, self.tried(&input, &work)).await;
        let done = done.unwrap_or_else(|_| Err(Fault::Told(no_answer())));
        if done.as_ref().is_err_and(Fault::is_of_a_full_disk) {
            self.is_full.store(true, Ordering::Relaxed);
        }
        let done = done?;
        self.committed(calls, self.runtime.instant().duration_since(began));
        Ok(done)
    }

    async fn tried<A, T>(self: &Arc<Self>, input: &A, work: &impl Work<A, T>) -> Result<T, Fault> {
        let (mut tries, mut has_made_room) = (0, false);
        loop {
            tries += 1;
            match self.transaction(input, work).await {
                Err(fault) if fault.is_conflict() && tries < TRIES => {
                    tracing::debug!("A transaction gives way to another one and is tried again");
                }
                // Another node has removed a week that this one remembers.
                Err(fault) if fault.lacks_room() && !has_made_room => {
                    has_made_room = true;
                    self.make_room_again().await?;
                }
                Err(Fault::NoRoom(id)) if tries < TRIES => self.make_room([id]).await?,
                ended => return ended,
            }
        }
    }

    async fn transaction<A, T>(self: &Arc<Self>, input: &A, work: &impl Work<A, T>) -> Result<T, Fault> {
        let mut unit = Unit::begin(Arc::clone(self), self.connection().await?);
        match work(&mut unit, input).await {
            Ok(done) => {
                commit(unit).await?;
                Ok(done)
            }
            Err(fault) if fault.is_of_a_standby() => {
                // Connections to what was the primary are of no use. The next ones are made anew, to where it is now.
                drop(unit);
                self.pool.retain(|_, _| false);
                Err(fault)
            }
            Err(fault) => {
                unit.roll_back().await;
                Err(fault)
            }
        }
    }

    /// Runs `look` in a transaction that only reads, all of whose statements see the same state.
    pub(super) async fn read<A, T>(self: &Arc<Self>, input: A, look: impl Look<A, T>) -> Result<T, StoreError> {
        self.read_group(input, look).await.map_err(Fault::told)
    }

    /// As [`Self::read`], for calls that share the transaction. The fault says whether it is that of one of them.
    pub(super) async fn read_group<A, T>(self: &Arc<Self>, input: A, look: impl Look<A, T>) -> Result<T, Fault> {
        let _call = self.calls.begin()?;
        let reading = async {
            let unit = Unit::begin_reading(Arc::clone(self), self.connection().await?);
            let seen = look(&unit, &input).await;
            // It has changed nothing, so no caller has to wait for its end.
            self.runtime.spawn("store-look-end", Box::pin(unit.roll_back()));
            seen
        };
        let seen = self.runtime.timeout(DEADLINE, reading).await;
        seen.unwrap_or_else(|_| Err(Fault::Told(no_answer())))
    }

    /// As [`Core::read`], when it is the reader's turn. A caller that goes away before is passed over.
    pub(super) async fn read_for<A: Sync, T>(
        self: &Arc<Self>,
        reader: Reader,
        work: turns::Work,
        input: A,
        look: impl Look<A, T>,
    ) -> Result<T, StoreError> {
        let reading = async {
            // Held until the end of the read.
            let _seat = self.readers.seat(reader, work).await?;
            self.read(input, look).await
        };
        self.runtime.timeout(DEADLINE, reading).await.unwrap_or_else(|_| Err(no_answer()))
    }
}
