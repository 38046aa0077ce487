//! Who may send: the rules that every backend changes tenants by, without the rows.

use model::account::Account;
use model::number::Number;
use model::{Originator, Owner};

use crate::contract::changes::Resource;
use crate::contract::tenants::{AccountChange, NumberChange};

/// An account as a change leaves it.
pub fn changed_account(mut account: Account, change: AccountChange) -> Account {
    account.state = change.state.unwrap_or(account.state);
    account.limits = account.limits.with(change.limits);
    account.retention = change.retention.unwrap_or(account.retention);
    account
}

/// A number as a change leaves it.
pub fn changed_number(mut number: Number, change: NumberChange) -> Number {
    number.account = change.account.unwrap_or(number.account);
    number.state = change.state.unwrap_or(number.state);
    number.segments_per_second = change.segments_per_second.unwrap_or(number.segments_per_second);
    number
}

/// A name as it is compared with others; nothing for numbers and short codes.
pub fn folded(originator: Originator) -> Option<String> {
    match originator {
        Originator::Name(name) => Some(name.folded()),
        Originator::Number(_) | Originator::ShortCode(_) => None,
    }
}

/// Whose change it is that a tenant changed: a key has the world that it opens, all else belongs to both.
pub const fn owner(resource: &Resource) -> Option<Owner> {
    match resource {
        Resource::Key(key) => Some(Owner { account: key.account, mode: key.mode }),
        _ => None,
    }
}
