//! What takes too many messages to try over a socket.

use super::*;
use crate::smpp::submit;
use model::message::{Direction, Encoding, MessageType};
use model::{AccountId, Message, MessageId, Mode, Msisdn, Timestamp};
use wire::smpp::frame;

fn outgoing(number: u8) -> Outgoing {
    let message = Message {
        id: MessageId::from_bytes([number; 16]),
        account: AccountId::from_bytes([2; 16]),
        broadcast: None,
        direction: Direction::Outbound,
        mode: Mode::Live,
        kind: MessageType::Sms,
        originator: Msisdn::parse("+18005559876").unwrap(),
        recipient: Msisdn::parse("+18005551234").unwrap(),
        body: Some("Hello".into()),
        media_url: None,
        media: None,
        encoding: Encoding::Gsm7,
        segments: 1,
        reference: 0,
        created_at: Timestamp::from_millis(0),
        expires_at: Timestamp::from_millis(1_000),
    };
    let submission =
        Submission { message: Arc::new(message), media: None, attempt: 1, token: u64::from(number), accepted_segments: 0, valid_for: Duration::from_secs(1) };
    submit::build(&SmppConfig::default(), submission).unwrap()
}

/// A session whose bind was taken.
fn bound(now: Instant) -> Session {
    let config = Arc::new(SmppConfig::default());
    let errors = Arc::new(ErrorTable::new(&config));
    let mut out = Vec::new();
    let mut session = Session::new(config, errors, BindKind::Transceiver, "", now, &mut out);
    receive(&mut session, &Pdu::new(1, Body::BindResp(BindKind::Transceiver, Vec::new())), now);
    session.effects();
    session
}

fn receive(session: &mut Session, pdu: &Pdu, now: Instant) {
    let mut octets = Vec::new();
    encode(pdu, &mut octets);
    session.receive(&octets, now, &mut Vec::new());
}

fn numbers(mut octets: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Ok(Some(length)) = frame::next(octets, 1_000) {
        numbers.push(decode(&octets[..length]).unwrap().sequence);
        octets = &octets[length..];
    }
    numbers
}

/// SMPP 3.4, 5.1.4: numbers go up to 0x7FFFFFFF and begin anew at 1; all requests of a session share them.
#[test]
fn numbers_wrap_and_answers_still_find_their_requests() {
    let now = Instant::now();
    let mut session = bound(now);
    session.sequence = Sequence::after(Sequence::MAX - 2);
    let mut out = Vec::new();
    (1..=3).for_each(|number| session.submit(outgoing(number), now));
    session.fill(now, 10_000, 0, &mut out);
    let later = now + Duration::from_secs(31);
    session.tick(later, &mut out);
    assert_eq!(numbers(&out), [Sequence::MAX - 1, Sequence::MAX, 1, 2]);
    for (sequence, token) in [(1, 3), (Sequence::MAX - 1, 1), (Sequence::MAX, 2)] {
        receive(&mut session, &Pdu::new(sequence, Body::SubmitSmResp(b"id".to_vec())), later);
        let outcome = session.effects().into_iter().find_map(|effect| if let Effect::Outcome(outcome, 1) = effect { Some(outcome) } else { None });
        assert_eq!(outcome.map(|outcome| outcome.token), Some(token));
    }
    assert!(session.sent.is_empty() && session.pending.is_empty() && !session.flights.has_queued());
}

#[test]
fn after_a_wrap_the_oldest_unanswered_request_is_still_the_first_to_be_given_up() {
    let now = Instant::now();
    let mut session = bound(now);
    session.sequence = Sequence::after(Sequence::MAX - 1);
    for (number, secs) in [(1, 0), (2, 1)] {
        let at = now + Duration::from_secs(secs);
        session.submit(outgoing(number), at);
        session.fill(at, 10_000, 0, &mut Vec::new());
    }
    session.effects();
    session.tick(now + Duration::from_secs(60), &mut Vec::new());
    let ended: Vec<_> =
        session.effects().into_iter().filter_map(|effect| if let Effect::Outcome(outcome, _) = effect { Some(outcome.token) } else { None }).collect();
    assert_eq!(ended, [1]);
}
