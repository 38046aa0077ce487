//! Who may be sent to: opt-outs in memory, and the ways in which the account and the operator change them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::number::BlockKind;
use model::{AccountId, Msisdn, OptOut, OptOutName, OptOutSource, Originator, Owner, Timestamp};
use store::contract::optouts::{OptIn, OptedIn};
use store::{Store, StoreError};

use super::{Tables, TenantBook};

/// How many opt-outs of an import are written together.
const TOGETHER: usize = 1_000;

/// Why nothing may be sent to a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barred {
    /// The operator blocked them.
    Blocked,
    /// They opted out, at this moment.
    OptedOut(Timestamp),
}

impl From<Barred> for Refusal {
    fn from(barred: Barred) -> Self {
        let info = match barred {
            Barred::Blocked => AdditionalInfo::Blocked,
            Barred::OptedOut(since) => AdditionalInfo::OptedOut { since },
        };
        Self::new(ErrorCode::RecipientBlocked).with_info(info)
    }
}

/// An opt-out that an account or the operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOptOut {
    /// Whose messages, to which handset, from which sender.
    pub name: OptOutName,
    /// Why, in the words of those who ask.
    pub reason: Option<Arc<str>>,
    /// When the handset opted out, where that was before now: an import says so.
    pub since: Option<Timestamp>,
}

/// Opt-outs in force: sixteen octets each, a million of them in a few tens of megabytes.
#[derive(Debug, Default)]
pub(super) struct OptOutTable(HashMap<Owner, OfOwner>);

/// The opt-outs of an owner.
#[derive(Debug, Default)]
struct OfOwner {
    /// Of every message, by handset: since when.
    everything: HashMap<Msisdn, Timestamp>,
    /// Of messages from one sender.
    senders: HashMap<Originator, HashMap<Msisdn, Timestamp>>,
}

impl OptOutTable {
    /// Reads all from the store. What changes meanwhile follows from its change feed.
    pub(super) async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let table = Arc::new(Mutex::new(Self::default()));
        let filling = Arc::clone(&table);
        store
            .all_opt_outs(Box::new(move |opt_outs| {
                let mut table = filling.lock().unwrap_or_else(PoisonError::into_inner);
                opt_outs.iter().for_each(|opt_out| table.put(&opt_out.name, opt_out.created_at));
            }))
            .await?;
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *table))
    }

    pub(super) fn put(&mut self, name: &OptOutName, since: Timestamp) {
        let of_owner = self.0.entry(name.owner).or_default();
        let list = match name.from {
            None => &mut of_owner.everything,
            Some(from) => of_owner.senders.entry(from).or_default(),
        };
        list.insert(name.number, since);
    }

    pub(super) fn remove(&mut self, name: &OptOutName) {
        let Some(of_owner) = self.0.get_mut(&name.owner) else { return };
        match name.from {
            None => drop(of_owner.everything.remove(&name.number)),
            Some(from) => {
                if let Some(list) = of_owner.senders.get_mut(&from) {
                    list.remove(&name.number);
                    if list.is_empty() {
                        of_owner.senders.remove(&from);
                    }
                }
            }
        }
        if of_owner.everything.is_empty() && of_owner.senders.is_empty() {
            self.0.remove(&name.owner);
        }
    }

    /// Since when `number` wants no messages of `owner` from `from`.
    pub(super) fn since(&self, owner: Owner, from: Originator, number: Msisdn) -> Option<Timestamp> {
        let of_owner = self.0.get(&owner)?;
        let of_sender = || of_owner.senders.get(&from).and_then(|list| list.get(&number));
        of_owner.everything.get(&number).or_else(of_sender).copied()
    }

    fn is_out_of_everything(&self, owner: Owner, number: Msisdn) -> bool {
        self.0.get(&owner).is_some_and(|of_owner| of_owner.everything.contains_key(&number))
    }
}

impl Tables {
    /// Why nothing of `owner` from `from` may be sent to `recipient`.
    pub(super) fn bar(&self, owner: Owner, from: Originator, recipient: Msisdn) -> Option<Barred> {
        if self.is_blocked(recipient.into(), BlockKind::Recipient, owner.account) {
            return Some(Barred::Blocked);
        }
        self.opt_outs.since(owner, from, recipient).map(Barred::OptedOut)
    }
}

impl TenantBook {
    /// Whether `owner` may send to `recipient` from `from`.
    pub(crate) fn check_recipient(&self, owner: Owner, from: Originator, recipient: Msisdn) -> Result<(), Barred> {
        self.read().bar(owner, from, recipient).map_or(Ok(()), Err)
    }

    /// Which of these recipients `owner` may not send to from `from`, in their order.
    pub(crate) fn barred_among(&self, owner: Owner, from: Originator, recipients: &[Msisdn]) -> Vec<bool> {
        let tables = self.read();
        recipients.iter().map(|recipient| tables.bar(owner, from, *recipient).is_some()).collect()
    }

    /// Whether the operator lets nothing of `account` go to `recipient`.
    pub(crate) fn is_blocked_recipient(&self, account: AccountId, recipient: Msisdn) -> bool {
        self.read().is_blocked(recipient.into(), BlockKind::Recipient, account)
    }

    /// Whether `number` wants no messages of `owner` at all.
    pub(crate) fn is_opted_out_of_all(&self, owner: Owner, number: Msisdn) -> bool {
        self.read().opt_outs.is_out_of_everything(owner, number)
    }

    /// Opts handsets out: one result each, in order, `true` where it was not opted out under that name. At most
    /// a thousand are written together; where the store fails between, those before are in force, and a repeat
    /// changes nothing about them.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn opt_out(&self, new: Vec<NewOptOut>, source: OptOutSource) -> Result<Vec<bool>, StoreError> {
        let now = self.clock.now();
        let mut results = Vec::with_capacity(new.len());
        for some in new.chunks(TOGETHER) {
            let opt_outs = some.iter().map(|new| OptOut {
                name: new.name,
                source,
                keyword: None,
                message: None,
                reason: new.reason.clone(),
                created_at: new.since.map_or(now, |since| since.min(now)),
            });
            results.extend(self.store.opt_out(opt_outs.collect()).await?);
            self.follow().await?;
        }
        Ok(results)
    }

    /// Ends an opt-out.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn opt_in(
        &self,
        name: OptOutName,
        source: OptOutSource,
        reason: Option<Arc<str>>,
    ) -> Result<OptedIn, StoreError> {
        let opted_in = self.store.opt_in(OptIn { name, source, reason, at: self.clock.now() }).await?;
        self.follow().await?;
        Ok(opted_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Mode;

    fn name(mode: Mode, from: Option<&str>, last: u64) -> OptOutName {
        OptOutName {
            owner: Owner { account: AccountId::from_bytes([1; 16]), mode },
            number: Msisdn::from_u64(12_025_550_000 + last).unwrap(),
            from: from.map(|from| Originator::parse(from).unwrap()),
        }
    }

    #[test]
    fn an_opt_out_holds_in_its_world_and_its_scope_until_it_ends() {
        let (one, other) = ("+18005550001", "+18005550002");
        let mut table = OptOutTable::default();
        let everything = name(Mode::Live, None, 1);
        let of_one = name(Mode::Live, Some(one), 2);
        table.put(&everything, Timestamp::from_millis(5));
        table.put(&of_one, Timestamp::from_millis(6));
        let since = |table: &OptOutTable, mode, from, last| {
            let name = name(mode, Some(from), last);
            table.since(name.owner, name.from.unwrap(), name.number).map(Timestamp::as_millis)
        };
        for (mode, from, last, wanted) in [
            (Mode::Live, one, 1, Some(5)),
            (Mode::Live, other, 1, Some(5)),
            (Mode::Live, one, 2, Some(6)),
            (Mode::Live, other, 2, None),
            (Mode::Live, one, 3, None),
            (Mode::Test, one, 1, None),
            (Mode::Test, one, 2, None),
        ] {
            assert_eq!(since(&table, mode, from, last), wanted, "{mode:?} {from} {last}");
        }
        table.put(&name(Mode::Live, Some(one), 1), Timestamp::from_millis(7));
        table.remove(&everything);
        assert_eq!(since(&table, Mode::Live, one, 1), Some(7), "the one from that sender holds by itself");
        table.remove(&of_one);
        table.remove(&of_one);
        table.remove(&name(Mode::Live, Some(one), 1));
        assert!(table.0.is_empty(), "nothing is left of what has ended");
    }

    #[test]
    fn an_opt_out_takes_sixteen_octets() {
        assert_eq!(size_of::<(Msisdn, Timestamp)>(), 16);
    }
}
