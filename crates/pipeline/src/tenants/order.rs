//! The orders in which tenants are listed: names alone, sorted, so that a page costs a page however many there are.
//!
//! The records themselves stay in hash tables, where requests look them up; of what is here a client asks for the list
//! of its own numbers alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use model::key::{ApiKey, KeyId};
use model::number::BlockKind;
use model::{AccountId, Originator, Timestamp};

/// A block is named by its address, its kind and the account that it holds for.
pub type BlockName = (Originator, BlockKind, Option<AccountId>);

/// Where a key stands among those of its account: by its age, and then by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPlace {
    /// The time of its creation.
    pub created_at: Timestamp,
    /// Its id.
    pub id: KeyId,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Whether there are more after them.
    pub is_more: bool,
    /// How many names were looked at to make this part.
    pub looked_at: usize,
}

/// All orders.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) accounts: Sorted<AccountId>,
    pub(super) numbers: Sorted<Originator>,
    /// Those that belong to an account, by the account.
    numbers_of: BTreeMap<AccountId, Sorted<Originator>>,
    keys: BTreeMap<AccountId, Sorted<KeyPlace>>,
    /// Blocks of recipients and of senders, in order of their numbers.
    blocks: [Sorted<(Originator, Option<AccountId>)>; 2],
    /// Those of them that hold for one account, by the account.
    blocks_of: BTreeMap<AccountId, [Sorted<Originator>; 2]>,
}

/// Names in order.
#[derive(Debug)]
pub(super) struct Sorted<T>(BTreeSet<T>);

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord + Clone> Sorted<T> {
    pub(super) fn put(&mut self, name: T) {
        self.0.insert(name);
    }

    /// The names after `after`, `limit` at most.
    pub(super) fn after(&self, after: Option<&T>, limit: usize) -> Listed<T> {
        Listed::of(self.range(after), limit)
    }

    /// The same, of the names that are wanted. It looks at every name until the part is full.
    pub(super) fn wanted_after(&self, after: Option<&T>, limit: usize, is_wanted: impl Fn(&T) -> bool) -> Listed<T> {
        let mut looked_at = 0;
        let wanted = self.range(after).inspect(|_| looked_at += 1).filter(|name| is_wanted(name));
        let part = Listed::of(wanted, limit);
        Listed { looked_at, ..part }
    }

    fn range(&self, after: Option<&T>) -> impl Iterator<Item = T> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((from, Bound::Unbounded)).cloned()
    }
}

impl Order {
    pub(super) fn put_key(&mut self, key: &ApiKey) {
        self.keys.entry(key.account).or_default().put(KeyPlace { created_at: key.created_at, id: key.id.clone() });
    }

    pub(super) fn keys_after(&self, account: AccountId, after: Option<&KeyPlace>, limit: usize) -> Listed<KeyPlace> {
        self.keys.get(&account).map_or_else(Listed::default, |keys| keys.after(after, limit))
    }

    /// Puts a sender that belongs to `account` now, and belonged to `had` before.
    pub(super) fn put_number(&mut self, number: Originator, had: Option<AccountId>, account: Option<AccountId>) {
        self.numbers.put(number);
        if let Some(had) = had
            && let Some(numbers) = self.numbers_of.get_mut(&had)
        {
            numbers.0.remove(&number);
            if numbers.0.is_empty() {
                self.numbers_of.remove(&had);
            }
        }
        if let Some(account) = account {
            self.numbers_of.entry(account).or_default().put(number);
        }
    }

    pub(super) fn numbers_after(
        &self,
        account: AccountId,
        after: Option<&Originator>,
        limit: usize,
    ) -> Listed<Originator> {
        self.numbers_of.get(&account).map_or_else(Listed::default, |numbers| numbers.after(after, limit))
    }

    pub(super) fn put_block(&mut self, (number, kind, account): &BlockName) {
        self.blocks[place(*kind)].put((*number, *account));
        if let Some(account) = account {
            self.blocks_of.entry(*account).or_default()[place(*kind)].put(*number);
        }
    }

    pub(super) fn remove_block(&mut self, (number, kind, account): &BlockName) {
        self.blocks[place(*kind)].0.remove(&(*number, *account));
        if let Some(account) = account
            && let Some(blocks) = self.blocks_of.get_mut(account)
        {
            blocks[place(*kind)].0.remove(number);
            if blocks.iter().all(|blocks| blocks.0.is_empty()) {
                self.blocks_of.remove(account);
            }
        }
    }

    /// Names of blocks after `after`, in order of number, kind and account.
    pub(super) fn blocks_after(
        &self,
        kind: Option<BlockKind>,
        account: Option<AccountId>,
        after: Option<&BlockName>,
        limit: usize,
    ) -> Listed<BlockName> {
        let kinds = KINDS.into_iter().filter(|one| kind.is_none_or(|kind| *one == kind));
        let mut parts: Vec<Listed<BlockName>> =
            kinds.map(|kind| self.blocks_of_kind(kind, account, after, limit)).collect();
        match (parts.pop(), parts.pop()) {
            (Some(last), Some(first)) => Listed::merged(first, last, limit),
            (Some(only), None) => only,
            (None, _) => Listed::default(),
        }
    }

    /// Names of the blocks of a number, of recipients before senders.
    pub(super) fn blocks_of_number(&self, number: Originator) -> impl Iterator<Item = BlockName> {
        KINDS.into_iter().flat_map(move |kind| {
            let names = self.blocks[place(kind)].0.range((Bound::Included((number, None)), Bound::Unbounded));
            names.take_while(move |(of, _)| *of == number).map(move |(number, account)| (*number, kind, *account))
        })
    }

    fn blocks_of_kind(
        &self,
        kind: BlockKind,
        account: Option<AccountId>,
        after: Option<&BlockName>,
        limit: usize,
    ) -> Listed<BlockName> {
        let begins = |name: &BlockName| after.is_none_or(|after| order_of(name) > order_of(after));
        let number = after.map(|(number, ..)| *number);
        // From the first name with the number of `after` on, for its kind and its account may stand behind those of
        // `after`.
        match account {
            None => {
                let from = number.map_or(Bound::Unbounded, |number| Bound::Included((number, None)));
                let names = self.blocks[place(kind)]
                    .0
                    .range((from, Bound::Unbounded))
                    .map(|(number, account)| (*number, kind, *account));
                Listed::of(names.skip_while(|name| !begins(name)), limit)
            }
            Some(account) => {
                let Some(blocks) = self.blocks_of.get(&account) else { return Listed::default() };
                let from = number.map_or(Bound::Unbounded, Bound::Included);
                let names =
                    blocks[place(kind)].0.range((from, Bound::Unbounded)).map(|number| (*number, kind, Some(account)));
                Listed::of(names.skip_while(|name| !begins(name)), limit)
            }
        }
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: Vec::new(), is_more: false, looked_at: 0 }
    }
}

impl<T> Listed<T> {
    pub(super) fn of(names: impl Iterator<Item = T>, limit: usize) -> Self {
        let mut looked_at = 0;
        let mut items: Vec<T> = names.inspect(|_| looked_at += 1).take(limit.saturating_add(1)).collect();
        let is_more = items.len() > limit;
        items.truncate(limit);
        Self { items, is_more, looked_at }
    }

    /// The same part, of the records that bear these names.
    pub(super) fn look_up<'a, V: Clone + 'a>(self, find: impl Fn(&T) -> Option<&'a V>) -> Listed<V> {
        let items = self.items.iter().filter_map(|name| find(name).cloned()).collect();
        Listed { items, is_more: self.is_more, looked_at: self.looked_at }
    }
}

impl Listed<BlockName> {
    fn merged(first: Self, second: Self, limit: usize) -> Self {
        let (is_more, looked_at) = (first.is_more || second.is_more, first.looked_at + second.looked_at);
        let mut items: Vec<BlockName> = first.items.into_iter().chain(second.items).collect();
        items.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
        let is_more = is_more || items.len() > limit;
        items.truncate(limit);
        Self { items, is_more, looked_at }
    }
}

/// The kinds of blocks, in the order of their words.
const KINDS: [BlockKind; 2] = [BlockKind::Recipient, BlockKind::Sender];

const fn place(kind: BlockKind) -> usize {
    match kind {
        BlockKind::Recipient => 0,
        BlockKind::Sender => 1,
    }
}

fn order_of((number, kind, account): &BlockName) -> (Originator, &'static str, Option<AccountId>) {
    (*number, kind.as_str(), *account)
}

#[cfg(test)]
mod tests;
