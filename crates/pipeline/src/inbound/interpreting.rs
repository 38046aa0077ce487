//! What a message of a handset is, and what follows from it. A pure function of what the platform has in memory: the
//! store calls it inside the transaction that completes the message.

use std::sync::Arc;

use model::{
    AccountId, Entropy, InboundMessage, Keyword, KeywordKind, MessageId, Mint, Mode, Msisdn, OptOut, OptOutName,
    OptOutScope, OptOutSource, Originator, Owner, Timestamp,
};
use runtime::Runtime;
use store::contract::inbound::{Assembled, Consequence, Interpreted, Interpreter, Opt};

use super::reading::{Reading, read};
use super::replies::{Occasion, Replies};
use crate::keywords::{Meaning, Suspected};
use crate::route::SANDBOX;
use crate::tenants::{Owned, TenantBook};

/// What the interpretation looks up.
pub(crate) struct Interpreting {
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) replies: Replies,
    pub(crate) mint: Arc<Mint>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Interpreter for Interpreting {
    fn interpret(&self, assembled: &Assembled) -> Interpreted {
        let now = self.runtime.now();
        let reading = read(assembled);
        let to = assembled.to.known();
        let owned = to.map_or(Owned::Unknown, |to| self.tenants.owner_of(to));
        // What the sandbox brings belongs to test keys, and to them alone.
        let mode = if *assembled.carrier == *SANDBOX { Mode::Test } else { Mode::Live };
        let account = owned.account();
        let meaning = self.meaning(assembled, &reading, account, to);
        let message = self.message(assembled, reading, account.unwrap_or(NO_ACCOUNT), mode, &meaning, now);
        let consequence = match (account, to, message.from.known()) {
            (Some(account), Some(to), Some(Originator::Number(handset))) => {
                self.consequence(&message, Owner { account, mode }, to, handset, &meaning)
            }
            _ => Consequence::default(),
        };
        match owned {
            Owned::By(_) => Interpreted::Owned(Box::new(message), consequence),
            // A former owner hears nothing, and neither does the handset.
            Owned::Once(_) | Owned::Unknown => {
                Interpreted::Unrouted(Box::new(message), Consequence { reply: None, ..consequence })
            }
        }
    }
}

/// In place of the account of a message that belongs to none.
const NO_ACCOUNT: AccountId = AccountId::from_bytes([0; 16]);

impl Interpreting {
    /// What the text means. Nothing is read from a part of it.
    fn meaning(
        &self,
        assembled: &Assembled,
        reading: &Reading,
        account: Option<AccountId>,
        to: Option<Originator>,
    ) -> Meaning {
        match reading.body.text() {
            Some(text) if assembled.missing().is_empty() => {
                self.tenants.with_keywords(account, to, |keywords| keywords.meaning(text))
            }
            _ => Meaning::Other,
        }
    }

    fn message(
        &self,
        assembled: &Assembled,
        Reading { kind, body, encoding, others }: Reading,
        account: AccountId,
        mode: Mode,
        meaning: &Meaning,
        now: Timestamp,
    ) -> InboundMessage {
        let id = assembled.earlier.unwrap_or_else(|| MessageId::minted(&self.mint, now, &*self.entropy));
        InboundMessage {
            id,
            account,
            mode,
            kind,
            from: assembled.from.clone(),
            to: assembled.to.clone(),
            additional_recipients: others.into(),
            body,
            encoding,
            segments: u16::from(assembled.total.max(1)),
            missing_parts: assembled.missing().into(),
            keyword: match meaning {
                Meaning::Keyword(keyword) => Some(keyword.clone()),
                Meaning::Suspected(_) | Meaning::Other => None,
            },
            suspected_opt_out: matches!(meaning, Meaning::Suspected(_)),
            media: Arc::clone(&assembled.media),
            carrier: assembled.carrier.clone(),
            received_at: assembled.received_at,
            // One that a late part completes keeps the moment of its first recording, which its id has.
            created_at: assembled.earlier.map_or(now, MessageId::made_at),
            erased_at: None,
        }
    }

    fn consequence(
        &self,
        message: &InboundMessage,
        owner: Owner,
        to: Originator,
        handset: Msisdn,
        meaning: &Meaning,
    ) -> Consequence {
        let (kind, word) = match meaning {
            Meaning::Keyword(Keyword { kind, word }) => (*kind, Some(Arc::clone(word))),
            Meaning::Suspected(Suspected::OptOut) => (KeywordKind::Stop, None),
            Meaning::Suspected(Suspected::Flag | Suspected::Ignore) | Meaning::Other => return Consequence::default(),
        };
        // In a group, an answer could reach people who did not ask.
        let reply = message.additional_recipients.is_empty().then(|| {
            self.replies.reply(Occasion { kind, owner, number: to, handset, received_at: message.received_at })
        });
        let scope = self.tenants.with_keywords(Some(owner.account), Some(to), |keywords| keywords.opt_out_scope());
        let opt = self.opt(
            kind,
            scope,
            |from| OptOut {
                name: OptOutName { owner, number: handset, from },
                source: OptOutSource::Keyword,
                keyword: word,
                message: Some(message.id),
                reason: None,
                created_at: self.runtime.now(),
            },
            to,
        );
        Consequence { opt, reply: reply.flatten() }
    }

    /// How the opt-out list changes.
    fn opt(
        &self,
        kind: KeywordKind,
        scope: OptOutScope,
        change: impl FnOnce(Option<Originator>) -> OptOut,
        to: Originator,
    ) -> Option<Opt> {
        let from = match scope {
            OptOutScope::Account => None,
            OptOutScope::Number => Some(to),
        };
        match kind {
            KeywordKind::Stop => Some(Opt::Out(change(from))),
            KeywordKind::Start => {
                let change = change(from);
                let OptOutName { owner, number, .. } = change.name;
                // One that the scope of today would not reach, because it was made under another, ends as well.
                if self.tenants.is_opted_out_of_all(owner, number) {
                    let everywhere = OptOutName { from: None, ..change.name };
                    return Some(Opt::In(OptOut { name: everywhere, ..change }, OptOutScope::Account));
                }
                Some(Opt::In(change, scope))
            }
            KeywordKind::Help => None,
        }
    }
}
