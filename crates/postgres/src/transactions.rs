//! Transactions: work runs in one, again where PostgreSQL ended it for the sake of others, and its end is awaited no
//! longer than a request waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::commit::commit;
use super::core::{Core, DEADLINE, no_answer};
use super::fault::Fault;
use super::unit::{Doing, Unit};
use ledger::StoreError;
use ledger::turns::{self, Reader};

/// How often a transaction is tried that PostgreSQL ends for the sake of others.
const TRIES: usize = 20;

/// Work on an input within a transaction. It may run several times.
pub(super) trait Work<A, T>: for<'u> Fn(&'u mut Unit, &'u A) -> Doing<'u, T> + Send + Sync {}
impl<A, T, F: for<'u> Fn(&'u mut Unit, &'u A) -> Doing<'u, T> + Send + Sync> Work<A, T> for F {}

/// A look at what is there.
pub(super) trait Look<A, T>: for<'u> Fn(&'u Unit, &'u A) -> Doing<'u, T> + Send + Sync {}
impl<A, T, F: for<'u> Fn(&'u Unit, &'u A) -> Doing<'u, T> + Send + Sync> Look<A, T> for F {}

/// The inside of a transaction, which keeps its result. The code around it takes it as a trait object, so that the
/// compiler makes that code once, and not for each of some hundred transactions.
trait Inside: Send {
    /// Runs, perhaps once more.
    fn run<'u>(&'u mut self, unit: &'u mut Unit) -> Doing<'u, ()>;
}

struct Working<'c, A, W, T> {
    input: &'c A,
    work: &'c W,
    done: Option<T>,
}

impl<A: Sync, W: Work<A, T>, T: Send> Inside for Working<'_, A, W, T> {
    fn run<'u>(&'u mut self, unit: &'u mut Unit) -> Doing<'u, ()> {
        let doing = (self.work)(unit, self.input);
        Box::pin(async {
            self.done = Some(doing.await?);
            Ok(())
        })
    }
}

struct Looking<'c, A, L, T> {
    input: &'c A,
    look: &'c L,
    seen: Option<T>,
}

impl<A: Sync, L: Look<A, T>, T: Send> Inside for Looking<'_, A, L, T> {
    fn run<'u>(&'u mut self, unit: &'u mut Unit) -> Doing<'u, ()> {
        let looking = (self.look)(unit, self.input);
        Box::pin(async {
            self.seen = Some(looking.await?);
            Ok(())
        })
    }
}

impl Core {
    /// Runs `work` on `input` in a transaction and commits it; the changes that it noted are then given to those who
    /// follow. Where PostgreSQL ends the transaction for the sake of another one, `work` runs again from its beginning.
    pub(super) async fn write<A: Sync, T: Send>(
        self: &Arc<Self>,
        input: A,
        work: impl Work<A, T>,
    ) -> Result<T, StoreError> {
        self.write_group(1, input, work).await.map_err(Fault::told)
    }

    /// As [`Self::write`], for so many calls that share the transaction. The fault says whether it is that of one of
    /// them.
    pub(super) async fn write_group<A: Sync, T: Send>(
        self: &Arc<Self>,
        calls: usize,
        input: A,
        work: impl Work<A, T>,
    ) -> Result<T, Fault> {
        let mut working = Working { input: &input, work: &work, done: None };
        self.run(calls, &mut working).await?;
        working.done.ok_or_else(|| Fault::Told(no_answer()))
    }

    fn run<'c>(self: &'c Arc<Self>, calls: usize, inside: &'c mut dyn Inside) -> Doing<'c, ()> {
        Box::pin(async move {
            let _call = self.calls.begin()?;
            let began = self.runtime.instant();
            let ended = self.runtime.timeout(DEADLINE, self.tried(inside)).await;
            let ended = ended.unwrap_or_else(|_| Err(Fault::Told(no_answer())));
            if ended.as_ref().is_err_and(Fault::is_of_a_full_disk) {
                self.is_full.store(true, Ordering::Relaxed);
            }
            ended?;
            self.committed(calls, self.runtime.instant().duration_since(began));
            Ok(())
        })
    }

    async fn tried(self: &Arc<Self>, inside: &mut dyn Inside) -> Result<(), Fault> {
        let (mut tries, mut has_made_room) = (0, false);
        loop {
            tries += 1;
            match self.transaction(inside).await {
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

    async fn transaction(self: &Arc<Self>, inside: &mut dyn Inside) -> Result<(), Fault> {
        let mut unit = Unit::begin(Arc::clone(self), self.connection().await?);
        match inside.run(&mut unit).await {
            Ok(()) => commit(unit).await,
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
    pub(super) async fn read<A: Sync, T: Send>(
        self: &Arc<Self>,
        input: A,
        look: impl Look<A, T>,
    ) -> Result<T, StoreError> {
        self.read_group(input, look).await.map_err(Fault::told)
    }

    /// As [`Self::read`], for calls that share the transaction. The fault says whether it is that of one of them.
    pub(super) async fn read_group<A: Sync, T: Send>(
        self: &Arc<Self>,
        input: A,
        look: impl Look<A, T>,
    ) -> Result<T, Fault> {
        let mut looking = Looking { input: &input, look: &look, seen: None };
        self.look(&mut looking).await?;
        looking.seen.ok_or_else(|| Fault::Told(no_answer()))
    }

    /// As [`Core::read`], when it is the reader's turn. A caller that goes away before is passed over.
    pub(super) async fn read_for<A: Sync, T: Send>(
        self: &Arc<Self>,
        reader: Reader,
        work: turns::Work,
        input: A,
        look: impl Look<A, T>,
    ) -> Result<T, StoreError> {
        let mut looking = Looking { input: &input, look: &look, seen: None };
        self.look_in_turn(reader, work, &mut looking).await?;
        looking.seen.ok_or_else(no_answer)
    }

    fn look<'c>(self: &'c Arc<Self>, inside: &'c mut dyn Inside) -> Doing<'c, ()> {
        Box::pin(async move {
            let _call = self.calls.begin()?;
            let looking = async {
                let mut unit = Unit::begin_reading(Arc::clone(self), self.connection().await?);
                let seen = inside.run(&mut unit).await;
                // It has changed nothing, so no caller has to wait for its end.
                self.runtime.spawn("store-look-end", Box::pin(unit.roll_back()));
                seen
            };
            self.runtime.timeout(DEADLINE, looking).await.unwrap_or_else(|_| Err(Fault::Told(no_answer())))
        })
    }

    async fn look_in_turn(
        self: &Arc<Self>,
        reader: Reader,
        work: turns::Work,
        inside: &mut dyn Inside,
    ) -> Result<(), StoreError> {
        let looking = async {
            // Held until the end of the read.
            let _seat = self.readers.seat(reader, work).await?;
            self.look(inside).await.map_err(Fault::told)
        };
        self.runtime.timeout(DEADLINE, looking).await.unwrap_or_else(|_| Err(no_answer()))
    }
}
