use model::{InboundAddress, KeywordKind, Msisdn};
use tokio::sync::mpsc::UnboundedReceiver;

use super::*;
use crate::{InboundContent, first_attempt, machine};

/// Hands over a message to the recipient whose number ends so.
fn sent(digits: &str, automatic: bool) -> (Sandbox, UnboundedReceiver<CarrierEvent>) {
    let (sender, events) = mpsc::unbounded_channel();
    let sandbox = Sandbox::new("sandbox", sender, machine());
    let recipient = Msisdn::parse(&format!("+1800555{digits}")).unwrap();
    let automatic = automatic.then_some(KeywordKind::Stop);
    sandbox.submit(first_attempt(model::Message { recipient, automatic, ..testkit::message(7) }, 7));
    (sandbox, events)
}

/// The next message of a handset.
async fn inbound(events: &mut UnboundedReceiver<CarrierEvent>) -> (Inbound, Ack) {
    loop {
        if let Event::Inbound(inbound, ack) = events.recv().await.unwrap().event {
            return (*inbound, ack);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn handsets_answer_after_their_message_has_arrived() {
    for (digits, parts) in [("0009", 1), ("0010", 1), ("0011", 2), ("0012", 1)] {
        let (_sandbox, mut events) = sent(digits, false);
        assert!(matches!(events.recv().await.unwrap().event, Event::Outcome(_)));
        assert!(matches!(events.recv().await.unwrap().event, Event::Receipt(..)));
        for _ in 0..parts {
            let (inbound, ack) = inbound(&mut events).await;
            assert_eq!(inbound.from, InboundAddress::of(&format!("+1800555{digits}")));
            assert_eq!(inbound.to, [InboundAddress::from(testkit::message(7).originator)]);
            assert_eq!(matches!(inbound.content, InboundContent::Mms(_)), digits == "0012");
            let id = ack.id();
            ack.accept();
            assert!(matches!(events.recv().await.unwrap().event, Event::Answered(told) if told == id));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_handset_answers_an_automatic_message_and_others_say_nothing() {
    for (digits, automatic) in [("0009", true), ("0008", false), ("9999", false)] {
        let (sandbox, mut events) = sent(digits, automatic);
        drop(sandbox);
        while let Some(event) = events.recv().await {
            assert!(!matches!(event.event, Event::Inbound(..)), "{digits}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_taken_comes_again_a_few_times() {
    let (sandbox, mut events) = sent("0009", false);
    let first = inbound(&mut events).await.0;
    for _ in 1..TRIES_MAX {
        assert_eq!(inbound(&mut events).await.0, first);
    }
    assert_eq!(sandbox.status().inbound, u64::from(TRIES_MAX));
    drop(sandbox);
    assert!(events.recv().await.is_none(), "and then no more");
}
