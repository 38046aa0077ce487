//! What the tests of inbound messages share: an interpreter that reads keywords, and arrivals.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::message::MessageType;
use model::{
    InboundAddress, InboundBody, InboundEncoding, InboundMessage, Keyword, KeywordKind, Message, MessageId, Mint, Mode,
    Msisdn, OptOut, OptOutName, OptOutScope, OptOutSource, Originator, Owner, SeededEntropy, Timestamp,
};
use store::contract::changes::{Change, Kind, Kinds, Tail};
use store::contract::inbound::{
    Arrival, Assembled, Consequence, Followed, InboundOutcome, Interpreted, Interpreter, Opt, PartName, Recorded,
    ReferenceForm, Reply, ReplyBound,
};

use crate::changes::taken;
use crate::support::{Desk, NODE, NORTH, NOW, live};

/// The number of ours that handsets write to.
pub(crate) const OURS: &str = "+18005559876";

/// A handset.
pub(crate) const HANDSET: &str = "+12025550143";

/// Another handset.
pub(crate) const OTHER: &str = "+12025550144";

/// What the automatic messages say.
pub(crate) const REPLY: &str = "You are unsubscribed.";

/// An address as it comes.
pub(crate) fn address(text: &str) -> InboundAddress {
    InboundAddress::of(text)
}

/// A whole message from [`HANDSET`] to [`OURS`] that came at `at`.
pub(crate) fn arrival(text: &str, at: Timestamp) -> Arrival {
    Arrival {
        carrier: NORTH.into(),
        from: address(HANDSET),
        to: address(OURS),
        at,
        part: None,
        content: text.as_bytes().into(),
        media: Arc::from([]),
    }
}

/// Part `number` of `total` of the message with the reference 5.
pub(crate) fn part(number: u8, total: u8, text: &str, at: Timestamp) -> Arrival {
    let part = PartName { form: ReferenceForm::Header8, reference: 5, total, number, other_elements: Arc::from([]) };
    Arrival { part: Some(part), ..arrival(text, at) }
}

/// How many offices there were. Each mints ids of its own.
static OFFICES: AtomicU64 = AtomicU64::new(0);

/// Reads what arrives as UTF-8. `STOP`, `START` and `HELP` are keywords.
pub(crate) struct Office {
    pub(crate) owner: Owner,
    pub(crate) scope: OptOutScope,
    /// How often a HELP is answered, and a STOP that changes nothing.
    pub(crate) help: ReplyBound,
    pub(crate) stop: ReplyBound,
    /// To which carrier automatic messages go.
    pub(crate) carrier: &'static str,
    /// Whether the number belongs to the owner at present.
    pub(crate) is_routed: AtomicBool,
    /// Whose the number is at present, where that changed.
    pub(crate) now_of: Mutex<Option<Owner>>,
    pub(crate) mint: Mint,
    pub(crate) entropy: SeededEntropy,
}

impl Office {
    pub(crate) fn of(owner: Owner) -> Self {
        Self {
            owner,
            scope: OptOutScope::Account,
            help: ReplyBound::After(Duration::from_secs(3_600)),
            stop: ReplyBound::OnChange,
            carrier: NORTH,
            is_routed: AtomicBool::new(true),
            now_of: Mutex::default(),
            mint: Mint::default(),
            entropy: SeededEntropy::new(OFFICES.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn owner_now(&self) -> Owner {
        self.now_of.lock().unwrap().unwrap_or(self.owner)
    }

    pub(crate) fn id(&self, at: Timestamp) -> MessageId {
        MessageId::minted(&self.mint, at, &self.entropy)
    }

    /// What the parts are, without what follows.
    pub(crate) fn message(&self, assembled: &Assembled) -> InboundMessage {
        let octets: Vec<u8> = assembled.parts.iter().flat_map(|(_, content)| content.iter().copied()).collect();
        let text = String::from_utf8(octets).unwrap();
        let kind = match text.as_str() {
            "STOP" => Some(KeywordKind::Stop),
            "START" => Some(KeywordKind::Start),
            "HELP" => Some(KeywordKind::Help),
            _ => None,
        };
        let Owner { account, mode } = self.owner_now();
        InboundMessage {
            id: self.id(assembled.received_at),
            account,
            mode,
            kind: if assembled.media.is_empty() { MessageType::Sms } else { MessageType::Mms },
            from: assembled.from.clone(),
            to: assembled.to.clone(),
            additional_recipients: Arc::from([]),
            keyword: kind.map(|kind| Keyword { kind, word: text.as_str().into() }),
            body: InboundBody::Text(text.into()),
            encoding: InboundEncoding::Gsm7,
            segments: u16::from(assembled.total),
            missing_parts: Arc::from([]),
            suspected_opt_out: false,
            media: Arc::clone(&assembled.media),
            carrier: assembled.carrier.clone(),
            received_at: assembled.received_at,
            created_at: assembled.received_at,
            erased_at: None,
        }
    }

    fn consequence(&self, message: &InboundMessage) -> Consequence {
        let (Some(keyword), Some(Originator::Number(handset)), Some(ours)) =
            (&message.keyword, message.from.known(), message.to.known())
        else {
            return Consequence::default();
        };
        let asked = OptOut {
            name: OptOutName {
                owner: message.owner(),
                number: handset,
                from: (self.scope == OptOutScope::Number).then_some(ours),
            },
            source: OptOutSource::Keyword,
            keyword: Some(Arc::clone(&keyword.word)),
            message: Some(message.id),
            reason: None,
            created_at: message.received_at,
        };
        let (opt, bound) = match keyword.kind {
            KeywordKind::Stop => (Some(Opt::Out(asked)), self.stop),
            KeywordKind::Start => (Some(Opt::In(asked, self.scope)), ReplyBound::OnChange),
            KeywordKind::Help => (None, self.help),
        };
        let reply = Message {
            id: self.id(message.received_at),
            account: message.account,
            mode: message.mode,
            originator: ours,
            recipient: handset,
            body: Some(REPLY.into()),
            automatic: Some(keyword.kind),
            created_at: message.received_at,
            ..testkit::message(0)
        };
        let reply =
            Reply { message: Arc::new(reply), carrier: self.carrier.into(), due_at: message.received_at, bound };
        Consequence { opt, reply: Some(reply) }
    }
}

impl Interpreter for Office {
    fn interpret(&self, assembled: &Assembled) -> Interpreted {
        let message = self.message(assembled);
        let consequence = self.consequence(&message);
        let message = Box::new(message);
        if self.is_routed.load(Ordering::Relaxed) {
            Interpreted::Owned(message, consequence)
        } else {
            Interpreted::Unrouted(message, consequence)
        }
    }
}

/// A desk with an office: whatever arrives is recorded.
pub(crate) struct Counter {
    pub(crate) desk: Desk,
    pub(crate) office: Arc<Office>,
    pub(crate) owner: Owner,
    tail: Tail,
}

impl Counter {
    pub(crate) fn at(desk: Desk) -> Self {
        let owner = live(desk.account());
        Self::with(desk, Office::of(owner))
    }

    pub(crate) fn with(desk: Desk, office: Office) -> Self {
        let tail = desk.store.subscribe(Kinds::of(&[Kind::Inbound, Kind::OptOut, Kind::Accepted, Kind::Message]));
        Self { desk, owner: office.owner, office: Arc::new(office), tail }
    }

    /// All that changed since this was asked last.
    pub(crate) fn noted(&self) -> Vec<Change> {
        taken(&self.tail)
    }

    /// Records one arrival.
    pub(crate) async fn hear(&self, arrival: Arrival) -> Recorded {
        self.hear_all(vec![arrival]).await.remove(0)
    }

    /// Records arrivals.
    pub(crate) async fn hear_all(&self, arrivals: Vec<Arrival>) -> Vec<Recorded> {
        self.desk.store.record_inbound(NODE, arrivals, Arc::clone(&self.office) as _).await.unwrap()
    }

    /// Records one arrival whose answer reaches the carrier in time.
    pub(crate) async fn answer(&self, arrival: Arrival) -> InboundOutcome {
        let recorded = self.hear(arrival).await;
        self.desk.store.answered(vec![recorded.arrival]).await.unwrap();
        recorded.outcome
    }

    /// The texts of the owner's messages, the oldest first.
    pub(crate) async fn texts(&self) -> Vec<String> {
        let page = self.desk.store.inbound_messages(Some(self.owner), Default::default(), None, 1_000).await.unwrap();
        let text = |message: &Arc<InboundMessage>| message.body.text().unwrap().to_owned();
        page.messages.iter().rev().map(text).collect()
    }

    /// The automatic messages that were written to [`HANDSET`].
    pub(crate) async fn replies(&self) -> Vec<KeywordKind> {
        let page = self.desk.store.messages(Some(self.owner), Default::default(), None, 1_000).await.unwrap();
        page.messages.iter().rev().filter_map(|record| record.message.automatic).collect()
    }
}

/// The message that an outcome has, and what followed.
pub(crate) fn message(outcome: InboundOutcome) -> (Arc<InboundMessage>, Followed) {
    match outcome {
        InboundOutcome::Message(message, followed) => (message, followed),
        other => panic!("{other:?}"),
    }
}

/// The name of the opt-out of [`HANDSET`] from everything of an owner.
pub(crate) fn wide(owner: Owner) -> OptOutName {
    OptOutName { owner, number: handset(), from: None }
}

pub(crate) fn handset() -> Msisdn {
    testkit::number(HANDSET)
}

/// The test world of an owner's account.
pub(crate) const fn test_of(owner: Owner) -> Owner {
    Owner { account: owner.account, mode: Mode::Test }
}

/// The moment `secs` after the beginning of tests.
pub(crate) fn at(secs: u64) -> Timestamp {
    NOW + Duration::from_secs(secs)
}
