//! Reads for clients and the operator, which take turns: [`crate::turns`] says how.

use std::sync::Arc;

use super::core::{Core, DEADLINE, Look, no_answer};
use crate::StoreError;
use crate::seats::Seats;
use crate::turns::{Reader, Work};

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
    /// Sends away those who wait, and lets no further read begin.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

impl Core {
    /// As [`Core::read`], when it is the reader's turn. A caller that goes away before is passed over.
    pub(super) async fn read_for<A: Sync, T>(
        self: &Arc<Self>,
        reader: Reader,
        work: Work,
        input: A,
        look: impl Look<A, T>,
    ) -> Result<T, StoreError> {
        let reading = async {
            // Held until the end of the read.
            let _seat = self.readers.0.take(reader, work).await?;
            self.read(input, look).await
        };
        self.runtime.timeout(DEADLINE, reading).await.unwrap_or_else(|_| Err(no_answer()))
    }
}
