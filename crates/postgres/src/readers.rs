//! Reads for clients and the operator, which take turns: [`ledger::turns`] says how.

use ledger::StoreError;
use ledger::seats::{Seat, Seats};
use ledger::turns::{Reader, Work};

/// How many of these reads run at once; more wait their turn. Pages take all but one of them.
const READS: usize = 8;

/// The reads that run, and those that wait.
pub(super) struct Readers(Seats<()>);

impl Default for Readers {
    fn default() -> Self {
        Self(Seats::new(vec![(); READS]))
    }
}

impl Readers {
    /// A seat, when it is the reader's turn. The read goes on for as long as it is held.
    pub(super) async fn seat(&self, reader: Reader, work: Work) -> Result<Seat<()>, StoreError> {
        self.0.take(reader, work).await
    }

    /// Sends away those who wait, and lets no further read begin.
    pub(super) fn close(&self) {
        self.0.close();
    }
}
