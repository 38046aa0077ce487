//! Automatic messages: whether a keyword is answered, with which text, and how often.

use std::sync::Arc;
use std::time::Duration;

use model::message::{Direction, MessageType};
use model::{Entropy, KeywordKind, Message, MessageId, Mint, Msisdn, Originator, Owner, Timestamp};
use runtime::Runtime;
use store::contract::inbound::{Reply, ReplyBound};

use crate::admit::{InForce, References};
use crate::dispatch::Dispatchers;
use crate::route::{Carriers, Routes, Subject};
use crate::tenants::TenantBook;

/// How long after a STOP its confirmation may leave. Within that time a confirmation is presumed to be lawful in the
/// United States (47 CFR 64.1200(a)(12)).
pub(crate) const CONFIRMED_WITHIN: Duration = Duration::from_secs(300);

/// How often a HELP is answered, for a handset and a number.
const HELPED_EVERY: Duration = Duration::from_secs(3_600);

/// How often a STOP to a short code is answered that changes nothing, for a handset and a number: networks in the
/// United States ask for an answer also then.
const CONFIRMED_AGAIN_EVERY: Duration = Duration::from_secs(86_400);

/// The longest automatic message, in characters: the name of an account may be long.
const CHARACTERS_MAX: usize = 1_000;

/// What asks for an automatic message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occasion {
    pub(super) kind: KeywordKind,
    pub(super) owner: Owner,
    /// The number that the handset wrote to.
    pub(super) number: Originator,
    pub(super) handset: Msisdn,
    /// When the message came.
    pub(super) received_at: Timestamp,
}

/// What writes automatic messages.
pub(crate) struct Replies {
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) references: Arc<References>,
    pub(crate) limits: Arc<InForce>,
    pub(crate) mint: Arc<Mint>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Replies {
    /// The automatic message for this occasion; `None` where there is to be none, however seldom.
    pub(super) fn reply(&self, occasion: Occasion) -> Option<Reply> {
        let Occasion { kind, owner, number, handset, .. } = occasion;
        let text = self.tenants.automatic_text(kind, owner, number, handset)?;
        let text: String = text.chars().take(CHARACTERS_MAX).collect();
        let message = Arc::new(self.message(occasion, &text));
        let carrier = self.routes.first(Subject::of(&message), |name| self.dispatchers.standing(name));
        Some(Reply { message, carrier, due_at: self.runtime.steady(), bound: bound(kind, number) })
    }

    fn message(&self, Occasion { kind, owner, number, handset, received_at }: Occasion, text: &str) -> Message {
        let now = self.runtime.now();
        let measure = wire::gsm::measure(text);
        Message {
            id: MessageId::minted(&self.mint, now, &*self.entropy),
            account: owner.account,
            broadcast: None,
            direction: Direction::Outbound,
            mode: owner.mode,
            kind: MessageType::Sms,
            reference: self.references.next(number, handset),
            client_reference: None,
            status_callback: None,
            automatic: Some(kind),
            originator: number,
            recipient: handset,
            body: Some(text.into()),
            media_url: None,
            media: None,
            encoding: measure.encoding,
            segments: u16::try_from(measure.segments).unwrap_or(u16::MAX),
            created_at: now,
            send_at: None,
            expires_at: match kind {
                KeywordKind::Stop => received_at + CONFIRMED_WITHIN,
                KeywordKind::Start | KeywordKind::Help => now + self.limits.get().validity,
            },
        }
    }
}

/// How often an automatic message is written.
const fn bound(kind: KeywordKind, number: Originator) -> ReplyBound {
    match (kind, number) {
        (KeywordKind::Stop, Originator::ShortCode(_)) => ReplyBound::OnChangeOrAfter(CONFIRMED_AGAIN_EVERY),
        (KeywordKind::Stop | KeywordKind::Start, _) => ReplyBound::OnChange,
        (KeywordKind::Help, _) => ReplyBound::After(HELPED_EVERY),
    }
}
