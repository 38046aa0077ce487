//! What several nodes do to one another, as seen from outside.

use std::time::Duration;

use model::limits::{RequestKind, Standing};
use model::{MessageId, Owner, Timestamp};

use super::Facts;
use crate::executor::ProcessId;

/// A window in which requests are counted: the process that has the store open, the owner, the kind, and its end.
pub(crate) type WindowName = (ProcessId, Owner, &'static str, Timestamp);

/// How soon a process knows that it was taken over while it stood still.
const KNOWN_WITHIN: Duration = Duration::from_secs(3);

impl Facts {
    /// A request passed. No more do than the limit allows, at whichever nodes they come.
    pub(crate) fn passed(&mut self, machine: ProcessId, owner: Owner, kind: RequestKind, standing: Standing) {
        let kind = match kind {
            RequestKind::Message => "message",
            RequestKind::Broadcast => "broadcast",
            RequestKind::Read => "read",
        };
        let passed = self.windows.entry((machine, owner, kind, standing.resets_at)).or_default();
        *passed += 1;
        if *passed > standing.limit {
            let what = format!("{passed} requests of {owner:?} ({kind}) passed in a window of {}", standing.limit);
            self.violated(what);
        }
    }

    /// A process hands an attempt over. Each is on record before, so that a later one has a higher number: one that
    /// another process took a message from does not hand it over any more.
    pub(crate) fn hand_over(&mut self, id: MessageId, attempt: u32, process: ProcessId) {
        match self.handed.get(&id) {
            Some((last, other)) if *other != process && *last > attempt => {
                let what = format!(
                    "{id} is handed over by process {} (attempt {attempt}) although process {} has it (attempt {last})",
                    process.0, other.0
                );
                self.violated(what);
            }
            _ => {
                self.handed.insert(id, (attempt, process));
            }
        }
    }

    /// Whether a process may not know yet that another one took over from it.
    pub(crate) fn went_on_just_now(&self, process: ProcessId, now: Duration) -> bool {
        self.went_on.get(&process).is_some_and(|at| *at + KNOWN_WITHIN > now)
    }
}
