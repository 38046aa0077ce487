//! Which queued messages an opt-out ends.

use std::collections::BTreeMap;

use model::{KeywordKind, Msisdn, OptOutName, Originator, Owner, Status, Timestamp};

use crate::life::Life;
use crate::reasons::OPTED_OUT;

/// Opt-outs of one owner whose queued messages are to be ended.
#[derive(Clone, Debug)]
pub struct Stops {
    /// The owner of the opt-outs.
    pub owner: Owner,
    /// The handsets, each with the senders whose messages end; an empty list means every sender.
    pub handsets: BTreeMap<Msisdn, Vec<Originator>>,
    /// When they were made.
    pub(crate) at: Timestamp,
}

impl Stops {
    /// These opt-outs, as far as they are the owner's.
    pub fn of(owner: Owner, names: impl Iterator<Item = OptOutName>, at: Timestamp) -> Self {
        let mut handsets: BTreeMap<Msisdn, Vec<Originator>> = BTreeMap::new();
        let mut wide = Vec::new();
        for name in names.filter(|name| name.owner == owner) {
            match name.from {
                Some(from) => handsets.entry(name.number).or_default().push(from),
                None => wide.push(name.number),
            }
        }
        handsets.extend(wide.into_iter().map(|number| (number, Vec::new())));
        Self { owner, handsets, at }
    }

    /// Opt-outs that were made together, by owner.
    pub fn all(made: &[(OptOutName, Timestamp)]) -> Vec<Self> {
        let mut owners: Vec<(Owner, Timestamp)> = made.iter().map(|(name, at)| (name.owner, *at)).collect();
        owners.sort_unstable();
        owners.dedup_by_key(|(owner, _)| *owner);
        owners.into_iter().map(|(owner, at)| Self::of(owner, made.iter().map(|(name, _)| *name), at)).collect()
    }

    /// Whether they are about a message of their owner from `originator` to `recipient`.
    pub fn cover(&self, recipient: Msisdn, originator: Originator) -> bool {
        let senders = self.handsets.get(&recipient);
        senders.is_some_and(|senders| senders.is_empty() || senders.contains(&originator))
    }

    /// Ends a message that they are about, unless an attempt of it is under way. Says whether they did.
    pub fn end(&self, life: &mut Life) -> bool {
        // What is held back may have left, and only a receipt will tell.
        life.delivery.status == Status::Queued
            && !life.in_flight
            && !life.delivery.held
            && life.skip(self.at, OPTED_OUT)
    }
}

/// Whether an opt-out stops a message that is automatic so. It stops neither the confirmation of a STOP nor the answer
/// to a HELP.
pub const fn may_end(automatic: Option<KeywordKind>) -> bool {
    matches!(automatic, None | Some(KeywordKind::Start))
}
