//! The facts of a change as octets, as the log keeps them: small, the same on every backend, and readable for as long
//! as a log is kept.
//!
//! Numbers have seven bits an octet, lowest first; texts have their length before them; what may be missing has an
//! octet that says whether it is there. Words are those of the API. The first octet is the format's, so that a later
//! one can be told from this.

mod settings;

use std::num::NonZeroU32;
use std::sync::Arc;

use model::account::{Account, AccountState, Limits, TextRetention};
use model::key::{ApiKey, KeyId, Mode, SecretDigest};
use model::number::{Block, BlockKind, Number, NumberState};
use model::{
    AccountId, Assignment, BroadcastCounts, BroadcastId, BroadcastStatus, Delivery, ErrorType, MessageId, Msisdn,
    OptOut, OptOutName, OptOutSource, Originator, Owner, Status, Timestamp,
};

use crate::contract::changes::Resource;

/// The format of this file.
const FORMAT: u8 = 1;

/// Which resource the facts are of. The kind alone does not say whether a block was set or lifted.
mod form {
    pub(super) const MESSAGE: u8 = 1;
    pub(super) const BROADCAST: u8 = 2;
    pub(super) const ACCOUNT: u8 = 3;
    pub(super) const KEY: u8 = 4;
    pub(super) const NUMBER: u8 = 5;
    pub(super) const BLOCKED: u8 = 6;
    pub(super) const UNBLOCKED: u8 = 7;
    pub(super) const POLICY: u8 = 8;
    pub(super) const INBOUND: u8 = 10;
    pub(super) const OPTED_OUT: u8 = 11;
    pub(super) const OPTED_IN: u8 = 12;
    pub(super) const KEYWORDS_OF_ACCOUNT: u8 = 20;
    pub(super) const KEYWORDS_OF_NUMBER: u8 = 21;
    pub(super) const TEMPLATE_APPROVED: u8 = 30;
    pub(super) const TEMPLATE_REMOVED: u8 = 31;
    /// An account that has a rule for its texts. The rule follows what an account without one has.
    pub(super) const ACCOUNT_WITH_RULE: u8 = 9;
    /// A key that has a name. The name follows what a key without one has.
    pub(super) const KEY_WITH_NAME: u8 = 13;
    /// A message that was queued later than it was accepted. That time follows what other messages have.
    pub(super) const LATER_MESSAGE: u8 = 14;
}

/// Writes the facts of a change at the end of `octets`.
pub fn encode(resource: &Resource, octets: &mut Vec<u8>) {
    let mut out = Encoder(octets);
    out.octet(FORMAT);
    match resource {
        Resource::Message { id, broadcast, delivery } => {
            out.octet(if delivery.queued_at.is_some() { form::LATER_MESSAGE } else { form::MESSAGE });
            out.octets(&id.to_bytes());
            out.maybe(*broadcast, |out, id| out.octets(&id.to_bytes()));
            out.delivery(delivery);
            delivery.queued_at.into_iter().for_each(|at| out.time(at));
        }
        Resource::Broadcast { id, status, counts } => {
            out.octet(form::BROADCAST);
            out.octets(&id.to_bytes());
            out.text(status.as_str());
            let BroadcastCounts { total, skipped, queued, sent, delivered, undelivered, failed } = *counts;
            [total, skipped, queued, sent, delivered, undelivered, failed]
                .into_iter()
                .for_each(|count| out.number(count));
        }
        Resource::Account(account) => {
            out.octet(if account.retention.is_some() { form::ACCOUNT_WITH_RULE } else { form::ACCOUNT });
            out.account(account);
            account.retention.into_iter().for_each(|rule| out.text(&rule.to_string()));
        }
        Resource::Key(key) => {
            out.octet(if key.name.is_some() { form::KEY_WITH_NAME } else { form::KEY });
            out.key(key);
            key.name.iter().for_each(|name| out.text(name));
        }
        Resource::Number(number) => {
            out.octet(form::NUMBER);
            out.sender(number);
        }
        Resource::Blocked(block) => {
            out.octet(form::BLOCKED);
            out.block_name(block.number, block.kind, block.account);
            out.maybe(block.reason.as_deref(), Encoder::text);
            out.time(block.created_at);
        }
        Resource::Unblocked { number, kind, account } => {
            out.octet(form::UNBLOCKED);
            out.block_name(*number, *kind, *account);
        }
        Resource::Inbound { id, is_partial } => {
            out.octet(form::INBOUND);
            out.octets(&id.to_bytes());
            out.octet(u8::from(*is_partial));
        }
        Resource::OptedOut(opt_out) => {
            out.octet(form::OPTED_OUT);
            out.opt_out(opt_out);
        }
        Resource::OptedIn(opt_out) => {
            out.octet(form::OPTED_IN);
            out.opt_out(opt_out);
        }
        Resource::Keywords { .. }
        | Resource::Policy { .. }
        | Resource::TemplateApproved(_)
        | Resource::TemplateRemoved { .. } => out.setting(resource),
    }
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub fn decode(octets: &[u8]) -> Option<Resource> {
    let mut facts = Decoder(octets);
    if facts.octet()? != FORMAT {
        return None;
    }
    let resource = match facts.octet()? {
        form::MESSAGE => facts.message(|_| Some(None))?,
        form::LATER_MESSAGE => facts.message(|facts| facts.time().map(Some))?,
        form::BROADCAST => {
            let (id, status) = (BroadcastId::from_bytes(facts.octets()?), facts.word(BroadcastStatus::parse)?);
            let mut count = || facts.number();
            let (total, skipped, queued, sent) = (count()?, count()?, count()?, count()?);
            let (delivered, undelivered, failed) = (count()?, count()?, count()?);
            Resource::Broadcast {
                id,
                status,
                counts: BroadcastCounts { total, skipped, queued, sent, delivered, undelivered, failed },
            }
        }
        form::ACCOUNT => Resource::Account(facts.account()?),
        form::ACCOUNT_WITH_RULE => {
            let account = facts.account()?;
            Resource::Account(Account { retention: Some(facts.word(TextRetention::parse)?), ..account })
        }
        form::KEY => Resource::Key(facts.key()?),
        form::KEY_WITH_NAME => {
            let key = facts.key()?;
            Resource::Key(ApiKey { name: Some(facts.text()?.to_owned()), ..key })
        }
        form::NUMBER => Resource::Number(Number {
            number: facts.originator()?,
            account: facts.maybe(Decoder::account_id)?,
            state: facts.word(NumberState::parse)?,
            segments_per_second: facts.maybe(|facts| facts.small().and_then(NonZeroU32::new))?,
            created_at: facts.time()?,
        }),
        form::BLOCKED => {
            let (number, kind, account) = facts.block_name()?;
            let reason = facts.maybe(|facts| facts.text().map(str::to_owned))?;
            Resource::Blocked(Block { number, kind, account, reason, created_at: facts.time()? })
        }
        form::UNBLOCKED => {
            let (number, kind, account) = facts.block_name()?;
            Resource::Unblocked { number, kind, account }
        }
        form::INBOUND => Resource::Inbound { id: MessageId::from_bytes(facts.octets()?), is_partial: facts.flag()? },
        form::OPTED_OUT => Resource::OptedOut(facts.opt_out()?),
        form::OPTED_IN => Resource::OptedIn(facts.opt_out()?),
        form => facts.setting(form)?,
    };
    facts.0.is_empty().then_some(resource)
}

struct Encoder<'o>(&'o mut Vec<u8>);

impl Encoder<'_> {
    fn octet(&mut self, octet: u8) {
        self.0.push(octet);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.0.extend_from_slice(octets);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.octets(text.as_bytes());
    }

    fn time(&mut self, at: Timestamp) {
        self.number(at.as_millis().cast_unsigned());
    }

    fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.octet(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn delivery(&mut self, delivery: &Delivery) {
        self.text(delivery.status.as_str());
        self.text(delivery.carrier.as_str());
        self.number(u64::from(delivery.attempts));
        self.number(u64::from(delivery.unknown_outcomes));
        self.octet(u8::from(delivery.held));
        [delivery.sent_at, delivery.delivered_at, delivery.failed_at]
            .into_iter()
            .for_each(|at| self.maybe(at, Self::time));
        self.maybe(delivery.error_type.map(ErrorType::as_str), Self::text);
        self.maybe(delivery.error_message.as_deref(), Self::text);
        self.octet(u8::from(delivery.receipt_missing));
    }

    fn key(&mut self, key: &ApiKey) {
        self.text(key.id.as_str());
        self.octets(&key.account.to_bytes());
        self.text(key.mode.as_str());
        self.octets(&key.digest.to_bytes());
        self.time(key.created_at);
        self.maybe(key.expires_at, Self::time);
        self.maybe(key.revoked_at, Self::time);
    }

    fn sender(&mut self, number: &Number) {
        self.text(&number.number.text());
        self.maybe(number.account, |out, id| out.octets(&id.to_bytes()));
        self.text(number.state.as_str());
        self.maybe(number.segments_per_second, |out, pace| out.number(u64::from(pace.get())));
        self.time(number.created_at);
    }

    fn account(&mut self, account: &Account) {
        self.octets(&account.id.to_bytes());
        self.text(&account.name);
        self.text(account.state.as_str());
        let Limits { message_per_minute, broadcast_per_minute, read_per_minute, daily_quota } = account.limits;
        [message_per_minute, broadcast_per_minute, read_per_minute]
            .into_iter()
            .for_each(|limit| self.number(u64::from(limit)));
        self.number(daily_quota);
        self.maybe(account.screening.as_deref(), Self::text);
        self.time(account.created_at);
    }

    fn opt_out(&mut self, opt_out: &OptOut) {
        let OptOutName { owner, number, from } = opt_out.name;
        self.octets(&owner.account.to_bytes());
        self.text(owner.mode.as_str());
        self.text(&number.text());
        self.maybe(from, |out, from| out.text(&from.text()));
        self.text(opt_out.source.as_str());
        self.maybe(opt_out.keyword.as_deref(), Self::text);
        self.maybe(opt_out.message, |out, id| out.octets(&id.to_bytes()));
        self.maybe(opt_out.reason.as_deref(), Self::text);
        self.time(opt_out.created_at);
    }

    fn block_name(&mut self, number: Originator, kind: BlockKind, account: Option<AccountId>) {
        self.text(&number.text());
        self.text(kind.as_str());
        self.maybe(account, |out, id| out.octets(&id.to_bytes()));
    }
}

struct Decoder<'o>(&'o [u8]);

impl<'o> Decoder<'o> {
    fn octet(&mut self) -> Option<u8> {
        self.octets::<1>().map(|[octet]| octet)
    }

    fn octets<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*octets)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in (0..64).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7F);
            if place == 63 && bits > 1 {
                return None;
            }
            number |= bits << place;
            if octet < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn small(&mut self) -> Option<u32> {
        self.number().and_then(|number| u32::try_from(number).ok())
    }

    fn flag(&mut self) -> Option<bool> {
        match self.octet()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'o str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.text().and_then(parse)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.number().map(|millis| Timestamp::from_millis(millis.cast_signed()))
    }

    /// The outer `None` says that the octets cannot be read.
    fn maybe<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    fn account_id(&mut self) -> Option<AccountId> {
        self.octets().map(AccountId::from_bytes)
    }

    fn originator(&mut self) -> Option<Originator> {
        self.word(|text| Originator::parse(text).ok())
    }

    fn opt_out(&mut self) -> Option<OptOut> {
        let owner = Owner { account: self.account_id()?, mode: self.word(Mode::parse)? };
        let number = self.word(|text| Msisdn::parse(text).ok())?;
        let from = self.maybe(Self::originator)?;
        Some(OptOut {
            name: OptOutName { owner, number, from },
            source: self.word(OptOutSource::parse)?,
            keyword: self.maybe(|facts| facts.text().map(Arc::from))?,
            message: self.maybe(|facts| facts.octets().map(MessageId::from_bytes))?,
            reason: self.maybe(|facts| facts.text().map(Arc::from))?,
            created_at: self.time()?,
        })
    }

    /// A message, after which `queued_at` reads when it was queued.
    fn message(&mut self, queued_at: impl FnOnce(&mut Self) -> Option<Option<Timestamp>>) -> Option<Resource> {
        let id = MessageId::from_bytes(self.octets()?);
        let broadcast = self.maybe(|facts| facts.octets().map(BroadcastId::from_bytes))?;
        let delivery = self.delivery()?;
        let delivery = Delivery { queued_at: queued_at(self)?, ..delivery };
        Some(Resource::Message { id, broadcast, delivery })
    }

    fn delivery(&mut self) -> Option<Delivery> {
        Some(Delivery {
            status: self.word(Status::parse)?,
            carrier: self.text().map(Assignment::parse)?,
            attempts: self.small()?,
            unknown_outcomes: self.small()?,
            held: self.flag()?,
            queued_at: None,
            sent_at: self.maybe(Self::time)?,
            delivered_at: self.maybe(Self::time)?,
            failed_at: self.maybe(Self::time)?,
            error_type: self.maybe(|facts| facts.word(ErrorType::parse))?,
            error_message: self.maybe(|facts| facts.text().map(str::to_owned))?,
            receipt_missing: self.flag()?,
            // Of use to no consumer: an erasure changes no status.
            erased_at: None,
        })
    }

    fn key(&mut self) -> Option<ApiKey> {
        Some(ApiKey {
            id: KeyId::from_text(self.text()?),
            account: self.account_id()?,
            mode: self.word(Mode::parse)?,
            name: None,
            digest: SecretDigest::from_bytes(self.octets()?),
            created_at: self.time()?,
            expires_at: self.maybe(Self::time)?,
            revoked_at: self.maybe(Self::time)?,
        })
    }

    fn account(&mut self) -> Option<Account> {
        Some(Account {
            id: self.account_id()?,
            name: self.text()?.to_owned(),
            state: self.word(AccountState::parse)?,
            limits: Limits {
                message_per_minute: self.small()?,
                broadcast_per_minute: self.small()?,
                read_per_minute: self.small()?,
                daily_quota: self.number()?,
            },
            screening: self.maybe(|facts| facts.text().map(Arc::from))?,
            retention: None,
            created_at: self.time()?,
        })
    }

    fn block_name(&mut self) -> Option<(Originator, BlockKind, Option<AccountId>)> {
        Some((self.originator()?, self.word(BlockKind::parse)?, self.maybe(Self::account_id)?))
    }
}

#[cfg(test)]
mod tests {
    use model::{ScreeningTemplate, TemplateId};
    use proptest::prelude::*;

    use super::*;
    use crate::contract::tenants::KeywordsOf;

    fn samples() -> Vec<Resource> {
        let (account, at) = (AccountId::from_bytes([3; 16]), Timestamp::from_millis(1_773_585_000_000));
        let (number, broadcast) = (Originator::parse("+12025550143").unwrap(), BroadcastId::from_bytes([5; 16]));
        let limits =
            Limits { message_per_minute: 0, broadcast_per_minute: 127, read_per_minute: 128, daily_quota: u64::MAX };
        let made = Account {
            id: account,
            name: "Söhne".into(),
            state: AccountState::Suspended,
            limits,
            screening: None,
            retention: None,
            created_at: at,
        };
        let key = ApiKey {
            id: KeyId::from_text("uk_1"),
            account,
            mode: Mode::Test,
            name: None,
            digest: SecretDigest::from_bytes([9; 32]),
            created_at: at,
            expires_at: Some(at),
            revoked_at: None,
        };
        let sender = Number {
            number,
            account: Some(account),
            state: NumberState::Pending,
            segments_per_second: NonZeroU32::new(7),
            created_at: at,
        };
        let block =
            Block { number, kind: BlockKind::Sender, account: None, reason: Some("asked".into()), created_at: at };
        vec![
            Resource::Broadcast { id: broadcast, status: BroadcastStatus::Sending, counts: counts() },
            Resource::Account(made.clone()),
            Resource::Account(Account { screening: Some("{}".into()), ..made.clone() }),
            Resource::Account(Account { retention: Some(TextRetention::Discard), ..made.clone() }),
            Resource::Account(Account { retention: TextRetention::of_days(7), ..made }),
            Resource::Key(key.clone()),
            Resource::Key(ApiKey { name: Some("Söhne".into()), ..key }),
            Resource::Number(sender.clone()),
            Resource::Number(Number { number: Originator::parse("00123").unwrap(), ..sender.clone() }),
            Resource::Number(Number { number: Originator::parse("Åse & Co").unwrap(), ..sender.clone() }),
            Resource::Number(Number { account: None, segments_per_second: None, ..sender }),
            Resource::Blocked(block.clone()),
            Resource::Blocked(Block { account: Some(account), reason: None, ..block }),
            Resource::Unblocked { number, kind: BlockKind::Recipient, account: Some(account) },
        ]
        .into_iter()
        .chain(of_messages(broadcast, at))
        .chain(of_handsets())
        .chain(of_settings(account, number))
        .collect()
    }

    fn of_messages(broadcast: BroadcastId, at: Timestamp) -> [Resource; 3] {
        let delivery = Delivery {
            attempts: u32::MAX,
            held: true,
            failed_at: Some(Timestamp::from_millis(-1)),
            error_type: Some(ErrorType::NoRoute),
            error_message: Some(String::new()),
            ..Delivery::queued("north")
        };
        [
            Resource::Message {
                id: MessageId::from_bytes([1; 16]),
                broadcast: Some(broadcast),
                delivery: delivery.clone(),
            },
            Resource::Message {
                id: MessageId::from_bytes([2; 16]),
                broadcast: None,
                delivery: Delivery { receipt_missing: true, ..delivery.clone() },
            },
            Resource::Message {
                id: MessageId::from_bytes([2; 16]),
                broadcast: None,
                delivery: Delivery { queued_at: Some(at), ..delivery },
            },
        ]
    }

    fn counts() -> BroadcastCounts {
        BroadcastCounts { total: 300, skipped: 1, queued: 2, sent: 3, delivered: 4, undelivered: 5, failed: 285 }
    }

    fn of_settings(account: AccountId, number: Originator) -> [Resource; 5] {
        [
            Resource::Policy { account, policy: "{}".into() },
            Resource::TemplateApproved(ScreeningTemplate {
                id: TemplateId::from_bytes([9; 16]),
                account,
                text: "Hi {name}".into(),
                note: Some("why".to_owned()),
                created_at: Timestamp::from_millis(8),
            }),
            Resource::TemplateRemoved { account, id: TemplateId::from_bytes([9; 16]) },
            Resource::Keywords { of: KeywordsOf::Account(account), settings: "{}".into() },
            Resource::Keywords { of: KeywordsOf::Number(number), settings: r#"{"yes":true}"#.into() },
        ]
    }

    fn of_handsets() -> [Resource; 3] {
        let (account, at) = (AccountId::from_bytes([3; 16]), Timestamp::from_millis(1_773_585_000_000));
        let opt_out = OptOut {
            name: OptOutName {
                owner: Owner { account, mode: Mode::Test },
                number: Msisdn::parse("+12025550144").unwrap(),
                from: Some(Originator::parse("ACME").unwrap()),
            },
            source: OptOutSource::Keyword,
            keyword: Some("STOP".into()),
            message: Some(MessageId::from_bytes([4; 16])),
            reason: Some(String::new().into()),
            created_at: at,
        };
        [
            Resource::Inbound { id: MessageId::from_bytes([1; 16]), is_partial: true },
            Resource::OptedOut(opt_out.clone()),
            Resource::OptedIn(OptOut { keyword: None, message: None, reason: None, ..opt_out }),
        ]
    }

    fn encoded(resource: &Resource) -> Vec<u8> {
        let mut octets = Vec::new();
        encode(resource, &mut octets);
        octets
    }

    #[test]
    fn facts_read_back_whole_and_no_part_of_them_does() {
        for resource in samples() {
            let mut octets = encoded(&resource);
            assert_eq!(decode(&octets), Some(resource.clone()));
            for end in 0..octets.len() {
                assert_eq!(decode(&octets[..end]), None, "{end} octets of {resource:?}");
            }
            octets.push(0);
            assert_eq!(decode(&octets), None, "more than {resource:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..200), form in 0..32u8) {
            let _ = decode(&octets);
            let _ = decode(&[&[FORMAT, form], &octets[..]].concat());
        }

        #[test]
        fn facts_with_an_octet_changed_are_read_or_refused(
            which in 0..samples().len(),
            place in any::<prop::sample::Index>(),
            octet in any::<u8>(),
        ) {
            let mut octets = encoded(&samples()[which]);
            let place = place.index(octets.len());
            octets[place] = octet;
            let _ = decode(&octets);
        }
    }
}
