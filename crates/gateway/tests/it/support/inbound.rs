//! Messages of handsets, as the pipeline would record them, put into the store of a stage.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::media::Digest;
use model::message::MessageType;
use model::mint::LEAD_MAX;
use model::{
    InboundAddress, InboundBody, InboundEncoding, InboundMedia, InboundMessage, Keyword, KeywordKind, MediaId,
    MessageId, Mode, Msisdn, OptOut, OptOutName, OptOutScope, OptOutSource, Originator, Owner, Timestamp,
};
use runtime::Machine;
use store::contract::inbound::{
    Arrival, Assembled, Consequence, InboundOutcome, Interpreted, Interpreter, Opt, PartName, Recorded, ReferenceForm,
};
use store::objects::{Directory, Objects};

use super::{Stage, Tenant};

/// Says of every assembled message that it is this one.
struct Says(Interpreted);

impl Interpreter for Says {
    fn interpret(&self, _: &Assembled) -> Interpreted {
        self.0.clone()
    }
}

impl Tenant {
    /// This account, with a key of this mode.
    pub(crate) fn owner(&self, mode: Mode) -> Owner {
        Owner { account: self.account.parse().unwrap(), mode }
    }
}

impl Stage {
    /// What time it is on this stage.
    pub(crate) fn now(&self) -> Timestamp {
        self.runtime.now()
    }

    /// A text from this handset to the tenant's number, with what `change` makes of it, not recorded yet. It is newer
    /// than all messages of the stage, also than one of the same millisecond.
    pub(crate) async fn text(
        &self,
        tenant: &Tenant,
        from: &str,
        body: &str,
        change: impl FnOnce(&mut InboundMessage),
    ) -> InboundMessage {
        let now = self.now();
        self.app().pipeline().store().show_newest(&self.mint, now + LEAD_MAX).await.unwrap();
        let mut message = InboundMessage {
            id: MessageId::minted(&self.mint, now, &*self.entropy),
            account: tenant.account.parse().unwrap(),
            mode: Mode::Live,
            kind: MessageType::Sms,
            from: InboundAddress::of(from),
            to: InboundAddress::of(&tenant.number),
            additional_recipients: [].into(),
            body: InboundBody::Text(body.into()),
            encoding: InboundEncoding::Gsm7,
            segments: 1,
            missing_parts: [].into(),
            keyword: None,
            suspected_opt_out: false,
            media: [].into(),
            carrier: "main".into(),
            received_at: now,
            created_at: now,
            erased_at: None,
        };
        change(&mut message);
        message
    }

    /// Records a message of an account, and what follows from it.
    pub(crate) async fn record(&self, message: InboundMessage, consequence: Consequence) -> InboundMessage {
        let says = Interpreted::Owned(Box::new(message.clone()), consequence);
        let recorded = self.record_as(&message, says).await;
        assert!(matches!(recorded.outcome, InboundOutcome::Message(..)), "{recorded:?}");
        message
    }

    /// Records a message that belongs to no account.
    pub(crate) async fn record_unrouted(&self, message: InboundMessage) -> InboundMessage {
        let says = Interpreted::Unrouted(Box::new(message.clone()), Consequence::default());
        let recorded = self.record_as(&message, says).await;
        assert!(matches!(recorded.outcome, InboundOutcome::Unrouted(_)), "{recorded:?}");
        message
    }

    /// Records those parts of a message that have come, and ends the wait for the others.
    pub(crate) async fn record_parts(&self, message: InboundMessage) -> InboundMessage {
        let says: Arc<dyn Interpreter> =
            Arc::new(Says(Interpreted::Owned(Box::new(message.clone()), Consequence::default())));
        let total = u8::try_from(message.segments).unwrap();
        let came = (1..=total).filter(|number| !message.missing_parts.contains(number)).map(|number| Arrival {
            carrier: message.carrier.clone(),
            from: message.from.clone(),
            to: message.to.clone(),
            at: message.received_at,
            part: Some(PartName {
                form: ReferenceForm::Header8,
                reference: 7,
                total,
                number,
                other_elements: [].into(),
            }),
            content: vec![number].into(),
            media: [].into(),
        });
        let (store, node) = (self.app().pipeline().store(), self.app().pipeline().node().epoch());
        store.record_inbound(node, came.collect(), Arc::clone(&says)).await.unwrap();
        let wait = Duration::from_secs(600);
        let step = store.end_part_waits(message.received_at + wait, wait, 10, says).await.unwrap();
        assert_eq!(step.shown.len(), 1);
        message
    }

    async fn record_as(&self, message: &InboundMessage, says: Interpreted) -> Recorded {
        let arrival = Arrival {
            carrier: message.carrier.clone(),
            from: message.from.clone(),
            to: message.to.clone(),
            at: message.received_at,
            part: None,
            content: message.id.to_string().into_bytes().into(),
            media: Arc::clone(&message.media),
        };
        let (store, node) = (self.app().pipeline().store(), self.app().pipeline().node().epoch());
        let mut recorded = store.record_inbound(node, vec![arrival], Arc::new(Says(says))).await.unwrap();
        recorded.pop().unwrap()
    }

    /// A text from this handset that was recorded.
    pub(crate) async fn receive(&self, tenant: &Tenant, from: &str, body: &str) -> InboundMessage {
        let message = self.text(tenant, from, body, |_| {}).await;
        self.record(message, Consequence::default()).await
    }

    /// A STOP from this handset, in the world of this mode.
    pub(crate) async fn stop_from(&self, tenant: &Tenant, from: &str, mode: Mode) -> InboundMessage {
        let word: Arc<str> = "STOP".into();
        let message = self
            .text(tenant, from, "Stop.", |message| {
                message.mode = mode;
                message.keyword = Some(Keyword { kind: KeywordKind::Stop, word: word.clone() });
            })
            .await;
        let opt_out = OptOut {
            name: OptOutName { owner: tenant.owner(mode), number: Msisdn::parse(from).unwrap(), from: None },
            source: OptOutSource::Keyword,
            keyword: Some(word),
            message: Some(message.id),
            reason: None,
            created_at: message.created_at,
        };
        let consequence = Consequence { opt: Some(Opt::Out(opt_out)), reply: None };
        self.record(message, consequence).await
    }

    /// Puts a file into its place, and says what a message names it by.
    pub(crate) async fn file(&self, content_type: &str, octets: &[u8]) -> InboundMedia {
        let media = InboundMedia {
            id: MediaId::new(self.now(), &*self.entropy),
            content_type: content_type.into(),
            bytes: octets.len() as u64,
            sha256: Digest::of(octets).0,
        };
        let objects = Directory::open(&self.config.media.directory, Arc::new(Machine::new())).unwrap();
        objects.put(&media.name(), Bytes::copy_from_slice(octets)).await.unwrap();
        media
    }

    /// An MMS from this handset with these files.
    pub(crate) async fn picture_from(&self, tenant: &Tenant, from: &str, files: Vec<InboundMedia>) -> InboundMessage {
        let message = self
            .text(tenant, from, "Look", |message| {
                message.kind = MessageType::Mms;
                message.media = files.into();
            })
            .await;
        self.record(message, Consequence::default()).await
    }
}

/// Ends every opt-out of the account for the handset.
pub(crate) fn start(message: &InboundMessage) -> Opt {
    let Some(Originator::Number(number)) = message.from.known() else { panic!("not a handset") };
    let opt_in = OptOut {
        name: OptOutName { owner: message.owner(), number, from: None },
        source: OptOutSource::Keyword,
        keyword: Some("START".into()),
        message: Some(message.id),
        reason: None,
        created_at: message.created_at,
    };
    Opt::In(opt_in, OptOutScope::Account)
}
