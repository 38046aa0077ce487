//! Whose number something is, and what is set about keywords for it.

use std::collections::HashMap;
use std::sync::Arc;

use model::account::AccountState;
use model::number::{BlockKind, Number, NumberState, may_send};
use model::{AccountId, KeywordKind, Msisdn, Originator, Owner};
use store::StoreError;
use store::contract::tenants::KeywordsOf;

use super::{Tables, TenantBook};
use crate::keywords::{KeywordSettings, Keywords};

/// To whom what is sent to a number belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    /// To this account.
    By(AccountId),
    /// To nobody any more; this account had it last.
    Once(AccountId),
    /// To nobody that is known.
    Unknown,
}

impl Owned {
    /// The account for which a STOP counts.
    pub(crate) const fn account(self) -> Option<AccountId> {
        match self {
            Self::By(account) | Self::Once(account) => Some(account),
            Self::Unknown => None,
        }
    }
}

/// Settings of keywords, of accounts and numbers that have some.
#[derive(Debug, Default)]
pub(super) struct Settings {
    accounts: HashMap<AccountId, Arc<KeywordSettings>>,
    numbers: HashMap<Originator, Arc<KeywordSettings>>,
}

impl Settings {
    /// Those that cannot be read count as none.
    pub(super) fn set(&mut self, of: KeywordsOf, text: &str) {
        let read = serde_json::from_str::<KeywordSettings>(text).inspect_err(
            |error| tracing::error!(?of, %error, "Keyword settings cannot be read; the defaults apply: {error}"),
        );
        let settings = read.ok().filter(|settings| *settings != KeywordSettings::default()).map(Arc::new);
        match (of, settings) {
            (KeywordsOf::Account(account), Some(settings)) => drop(self.accounts.insert(account, settings)),
            (KeywordsOf::Account(account), None) => drop(self.accounts.remove(&account)),
            (KeywordsOf::Number(number), Some(settings)) => drop(self.numbers.insert(number, settings)),
            (KeywordsOf::Number(number), None) => drop(self.numbers.remove(&number)),
        }
    }

    pub(super) fn forget_number(&mut self, number: Originator) {
        self.numbers.remove(&number);
    }
}

impl Tables {
    fn owner_of(&self, number: Originator) -> Owned {
        let Some(number @ Number { account, state, .. }) = self.numbers.get(&number) else { return Owned::Unknown };
        match (account, state) {
            (Some(account), NumberState::Released | NumberState::Unavailable) => Owned::Once(*account),
            (Some(account), _) => Owned::By(*account),
            (None, _) => self.former_owners.get(&number.number).map_or(Owned::Unknown, |had| Owned::Once(*had)),
        }
    }
}

impl TenantBook {
    /// To whom what is sent to `number` belongs.
    pub(crate) fn owner_of(&self, number: Originator) -> Owned {
        self.read().owner_of(number)
    }

    /// Whether the platform has a number.
    pub(crate) fn is_ours(&self, number: Originator) -> bool {
        self.read().numbers.contains_key(&number)
    }

    /// What is made of the keywords that hold for a number of an account.
    pub(crate) fn with_keywords<T>(
        &self,
        account: Option<AccountId>,
        number: Option<Originator>,
        make: impl FnOnce(Keywords<'_>) -> T,
    ) -> T {
        let tables = self.read();
        let of_account =
            account.and_then(|account| tables.keywords.accounts.get(&account).cloned()).unwrap_or_default();
        let of_number = number.and_then(|number| tables.keywords.numbers.get(&number).cloned()).unwrap_or_default();
        // A long text is not read while others wait for the lock.
        drop(tables);
        make(Keywords::new(&of_account, &of_number))
    }

    /// The text that answers a keyword which `handset` sent to `number`; `None` where it is not answered: the account
    /// does not want that or does not send at present, the number may not send, the operator blocked the handset, or it
    /// is a number of ours.
    pub(crate) fn automatic_text(
        &self,
        kind: KeywordKind,
        owner: Owner,
        number: Originator,
        handset: Msisdn,
    ) -> Option<String> {
        let name = {
            let tables = self.read();
            let account =
                tables.accounts.get(&owner.account).filter(|account| account.state == AccountState::Active)?;
            may_send(owner.account, tables.numbers.get(&number)).ok()?;
            let is_barred = tables.is_blocked(number, BlockKind::Sender, owner.account)
                || tables.is_blocked(handset.into(), BlockKind::Recipient, owner.account)
                || tables.numbers.contains_key(&handset.into());
            if is_barred {
                return None;
            }
            account.name.clone()
        };
        self.with_keywords(Some(owner.account), Some(number), |keywords| {
            keywords.are_answered().then(|| keywords.reply(kind, &name))
        })
    }

    /// What an account sets about keywords.
    pub fn keywords_of_account(&self, account: AccountId) -> Arc<KeywordSettings> {
        self.read().keywords.accounts.get(&account).cloned().unwrap_or_default()
    }

    /// What a number sets about keywords.
    pub fn keywords_of_number(&self, number: Originator) -> Arc<KeywordSettings> {
        self.read().keywords.numbers.get(&number).cloned().unwrap_or_default()
    }

    /// Changes what an account or a number sets about keywords. Mistakes are not looked for.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown account or number.
    pub async fn set_keywords(&self, of: KeywordsOf, settings: &KeywordSettings) -> Result<(), StoreError> {
        let text = serde_json::to_string(settings).map_err(|error| StoreError::Refused(error.to_string()))?;
        self.store.set_keywords(of, text.into(), self.clock.now()).await?;
        self.follow().await
    }
}
