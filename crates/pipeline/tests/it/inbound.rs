//! Messages of handsets on the whole path: recorded, answered within bounds, and heeded at once.

use carrier::ack::Answer;
use carrier::{Ack, AckId, CarrierEvent, Event, Inbound, InboundContent, InboundFile, InboundMms};
use model::error::{AdditionalInfo, ErrorCode};
use model::{InboundAddress, Message};
use std::sync::Arc;
use store::contract::inbound::InboundFilter;
use store::contract::messages::MessageFilter;
use store::contract::tenants::KeywordsOf;
use tokio::sync::mpsc;
use wire::inbound::{Coding, UserData};

use crate::world::{LONG, World};

const HANDSET: &str = "+12025550143";
const NUMBER: &str = "+18005550001";

/// What handsets send to a pipeline, and what its carrier is answered.
struct Handsets<'w> {
    world: &'w World,
    answers: mpsc::UnboundedSender<(u32, Answer)>,
    answered: mpsc::UnboundedReceiver<(u32, Answer)>,
}

impl<'w> Handsets<'w> {
    fn of(world: &'w World) -> Self {
        let (answers, answered) = mpsc::unbounded_channel();
        Self { world, answers, answered }
    }

    /// Sends these at once, waits for their answers, and lets the carrier say that it had them.
    async fn send(&mut self, from: &str, to: &[&str], contents: Vec<InboundContent>) -> Vec<Answer> {
        let count = contents.len();
        let acks: Vec<AckId> = contents.into_iter().map(|content| self.bring(from, to, content)).collect();
        let mut answers = Vec::new();
        for _ in 0..count {
            let answer = self.world.runtime.timeout(LONG, self.answered.recv()).await.expect("it is answered");
            answers.push(answer.unwrap().1);
        }
        for ack in acks {
            self.world.bring(CarrierEvent { carrier: "main".into(), event: Event::Answered(ack) });
        }
        answers
    }

    fn bring(&self, from: &str, to: &[&str], content: InboundContent) -> AckId {
        let to = to.iter().map(|to| InboundAddress::of(to)).collect();
        let ack = Ack::new(0, self.answers.clone());
        let id = ack.id();
        let inbound = Inbound { from: InboundAddress::of(from), to, content };
        self.world.bring(CarrierEvent { carrier: "main".into(), event: Event::Inbound(Box::new(inbound), ack) });
        id
    }

    async fn text(&mut self, from: &str, to: &str, text: &str) {
        assert_eq!(self.send(from, &[to], vec![sms(text)]).await, [Answer::Taken]);
    }
}

fn sms(text: &str) -> InboundContent {
    InboundContent::Sms(UserData::new(Coding::Gsm7, text.bytes().collect()), None)
}

/// Automatic messages to a handset that are on record.
async fn automatic(world: &World, handset: &str) -> Vec<Arc<Message>> {
    let filter = MessageFilter { recipient: Some(testkit::number(handset)), ..MessageFilter::default() };
    let page = world.pipeline.store().messages(None, filter, None, 100).await.unwrap();
    page.messages.into_iter().map(|record| record.message).filter(|message| message.automatic.is_some()).collect()
}

#[tokio::test]
async fn a_stop_is_confirmed_and_heeded_before_its_carrier_is_answered() {
    let world = World::new().await;
    let mut handsets = Handsets::of(&world);
    assert_eq!(world.send().await, "Sent");
    handsets.text(HANDSET, NUMBER, "Stop.").await;
    let refused = world.refusal().await;
    assert_eq!(refused.code, ErrorCode::RecipientBlocked);
    assert!(matches!(refused.info, Some(AdditionalInfo::OptedOut { .. })), "{refused:?}");
    let confirmation = world.sent(2).await;
    assert_eq!(
        (confirmation.automatic.map(|kind| kind.as_str()), &*confirmation.originator.to_string()),
        (Some("stop"), NUMBER)
    );
    handsets.text(HANDSET, NUMBER, "START").await;
    assert_eq!(world.sent(3).await.automatic.map(|kind| kind.as_str()), Some("start"));
    assert_eq!(world.send().await, "Sent", "it wants messages again");
}

#[tokio::test]
async fn a_broadcast_skips_those_who_opted_out() {
    let world = World::new().await;
    let mut handsets = Handsets::of(&world);
    handsets.text(HANDSET, NUMBER, "quit").await;
    let id = world.broadcast(&[HANDSET, "+12025550144"]).await;
    let record = world.pipeline.store().broadcast(None, id).await.unwrap().unwrap();
    assert_eq!((record.counts.total, record.counts.skipped), (2, 1));
    assert_eq!(&*world.sent(2).await.recipient.text(), "+12025550144");
}

#[tokio::test]
async fn a_thousand_stops_of_a_handset_get_one_answer() {
    let world = World::new().await;
    let mut handsets = Handsets::of(&world);
    for _ in 0..20 {
        // Each is another text, and a keyword all the same.
        let texts = (0..50).map(|more| sms(&format!("STOP{}", "!".repeat(more)))).collect();
        assert!(handsets.send(HANDSET, &[NUMBER], texts).await.iter().all(|answer| *answer == Answer::Taken));
    }
    assert_eq!(automatic(&world, HANDSET).await.len(), 1);
    world.sent(1).await;
    let counters = &world.pipeline.counters().inbound;
    let suppressed: Vec<u64> = counters.suppressed().map(|(_, count)| count).collect();
    assert_eq!((suppressed, counters.opt_changes.get()), (vec![999, 0, 0, 0], 1));
}

#[tokio::test]
async fn two_installations_that_answer_each_other_stop_after_three_texts_each() {
    let (ours, theirs) = (World::with_number("+18005550001").await, World::with_number("+18005550002").await);
    // Each takes the other's answers for keywords.
    for (world, stop, start) in [(&ours, "Stop!", "Start!"), (&theirs, "start", "stop")] {
        let settings = serde_json::from_value(serde_json::json!({ "stopText": stop, "startText": start })).unwrap();
        world.pipeline.tenants().set_keywords(KeywordsOf::Account(world.account()), &settings).await.unwrap();
    }
    let mut sides = [(Handsets::of(&ours), "+18005550001", 0), (Handsets::of(&theirs), "+18005550002", 0)];
    let mut text = "STOP".to_owned();
    for turn in 0..20 {
        let (to, from) = (turn % 2, (turn + 1) % 2);
        let (number, peer) = (sides[to].1, sides[from].1);
        let (handsets, _, sent) = &mut sides[to];
        handsets.text(peer, number, &text).await;
        let answers = automatic(handsets.world, peer).await.len();
        if answers == *sent {
            break;
        }
        *sent = answers;
        text = handsets.world.sent(answers).await.body.as_deref().unwrap_or_default().to_owned();
    }
    assert_eq!([sides[0].2, sides[1].2], [3, 3]);
}

#[tokio::test]
async fn a_picture_is_in_its_place_before_its_message_and_a_group_has_one_message_for_each_number() {
    let world = World::new().await;
    let mut handsets = Handsets::of(&world);
    let picture = || {
        let files = vec![InboundFile { content_type: "image/heic".to_owned(), bytes: b"not really".to_vec() }];
        InboundContent::Mms(InboundMms { subject: None, text: "look".to_owned(), files })
    };
    let group = &[NUMBER, "+12025550199"];
    assert_eq!(handsets.send(HANDSET, group, vec![picture()]).await, [Answer::Taken]);
    let page = world.pipeline.store().inbound_messages(None, InboundFilter::default(), None, 10).await.unwrap();
    let [message] = &*page.messages else { panic!("{page:?}") };
    assert_eq!((message.body.text(), message.additional_recipients.len()), (Some("look"), 1));
    let [media] = &*message.media else { panic!() };
    assert_eq!((&*media.content_type, world.object(&media.name()).await), ("image/heic", b"not really".to_vec()));
    assert!(automatic(&world, HANDSET).await.is_empty());
}

#[tokio::test]
async fn a_number_of_nobody_is_kept_for_the_operator_who_gives_it_to_an_account() {
    let world = World::new().await;
    let mut handsets = Handsets::of(&world);
    handsets.text(HANDSET, "+18005559999", "STOP").await;
    let store = world.pipeline.store();
    assert_eq!(store.inbound_messages(None, InboundFilter::default(), None, 10).await.unwrap().messages.len(), 0);
    let unrouted = store.unrouted(None, 10).await.unwrap().messages;
    let [unrouted] = &*unrouted else { panic!() };
    let owner = world.owner();
    let assigned = world.pipeline.assign_unrouted(unrouted.message.id, owner).await.unwrap();
    assert_eq!((assigned.account, assigned.body.text()), (owner.account, Some("STOP")));
    assert_eq!(world.refusal().await.code, ErrorCode::RecipientBlocked, "its STOP counts from now on");
    assert!(automatic(&world, HANDSET).await.is_empty(), "and is not answered");
    assert!(world.pipeline.assign_unrouted(unrouted.message.id, owner).await.is_err(), "once");
}
