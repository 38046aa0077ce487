//! Answers to `submit_sm`, right and wrong, and the same again for the same seed.

use simulator::smsc::{DelayMs, IdFormat, Options, Rejection, RejectionTo};
use wire::smpp::constants::interface_version;
use wire::smpp::{Bind, BindKind, Body, CommandStatus, decode, tag};

use crate::client::{Client, id, message, smsc, within};

#[tokio::test]
async fn ids_count_up_in_the_form_that_is_asked_for() {
    for (id_format, ids) in [
        (IdFormat::Decimal, ["254", "255"]),
        (IdFormat::PaddedDecimal, ["00000000000000000254", "00000000000000000255"]),
        (IdFormat::Hex, ["fe", "ff"]),
        (IdFormat::PaddedHex, ["00000000000000FE", "00000000000000FF"]),
    ] {
        let smsc = smsc(Options { id_format, first_id: 254, ..Options::default() }).await;
        let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
        for expected in ids {
            assert_eq!(id(&client.ask(message(0, b"Hello")).await), expected);
        }
    }
}

/// What a session gets for 200 messages in a row.
async fn statuses(options: Options) -> Vec<u32> {
    let smsc = smsc(options).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    let mut statuses = Vec::new();
    for _ in 0..200 {
        statuses.push(client.ask(message(0, b"Hello")).await.status.0);
    }
    statuses
}

#[tokio::test]
async fn a_seed_tells_the_whole_story() {
    let reject = vec![
        Rejection { probability: 0.2, status: CommandStatus::RINVDSTADR },
        Rejection { probability: 0.2, status: CommandStatus::RSYSERR },
    ];
    let options = |seed| Options { reject: reject.clone(), seed, ..Options::default() };
    let story = statuses(options(1)).await;
    assert_eq!(statuses(options(1)).await, story);
    assert_ne!(statuses(options(2)).await, story);
    let count = |status: CommandStatus| story.iter().filter(|number| **number == status.0).count();
    assert!((20..=60).contains(&count(CommandStatus::RINVDSTADR)), "{}", count(CommandStatus::RINVDSTADR));
    assert!((15..=55).contains(&count(CommandStatus::RSYSERR)), "{}", count(CommandStatus::RSYSERR));
}

#[tokio::test]
async fn a_certain_rejection_befalls_all_and_an_impossible_one_none() {
    for (probability, status) in [(1.0, CommandStatus::RMSGQFUL), (0.0, CommandStatus::ROK)] {
        let reject = vec![Rejection { probability, status: CommandStatus::RMSGQFUL }];
        assert!(statuses(Options { reject, ..Options::default() }).await.iter().all(|number| *number == status.0));
    }
}

#[tokio::test]
async fn a_session_that_is_too_fast_is_throttled() {
    let smsc = smsc(Options { throttle_above: 50, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    client.send_at_once((0..60).map(|_| message(0, b"Hello")).collect()).await;
    for place in 0..60 {
        let expected = if place < 50 { CommandStatus::ROK } else { CommandStatus::RTHROTTLED };
        assert_eq!(client.next().await.status, expected, "{place}");
    }
}

#[tokio::test]
async fn more_than_the_window_is_throttled() {
    let smsc = smsc(Options { window: 2, response_delay_ms: DelayMs(20, 20), ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    let first = client.send_at_once((0..3).map(|_| message(0, b"Hello")).collect()).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = client.next().await;
        answers.push((answer.sequence - first, answer.status));
    }
    answers.sort_by_key(|(place, _)| *place);
    assert_eq!(answers, [(0, CommandStatus::ROK), (1, CommandStatus::ROK), (2, CommandStatus::RTHROTTLED)]);
    assert_eq!(client.ask(message(0, b"Hello")).await.status, CommandStatus::ROK);
}

#[tokio::test]
async fn congestion_is_told_to_an_esme_of_version_5_and_to_no_other() {
    let smsc = smsc(Options { congestion: Some(90), ..Options::default() }).await;
    for (version, expected) in [(interface_version::V5_0, Some(90)), (interface_version::V3_4, None)] {
        let mut client = Client::connect(&smsc).await;
        let bind = Bind { system_id: b"me".to_vec(), interface_version: version, ..Bind::default() };
        assert_eq!(client.ask(Body::Bind(BindKind::Transceiver, bind)).await.status, CommandStatus::ROK);
        assert_eq!(client.ask(message(0, b"Hello")).await.tlvs.number(tag::CONGESTION_STATE), expected, "{version:#x}");
    }
}

#[tokio::test]
async fn an_answer_may_be_lost() {
    let smsc = smsc(Options { lose_response: 1.0, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    client.send(message(0, b"Hello")).await;
    client.sync().await;
    let seen = smsc.summary();
    assert_eq!((seen.submitted, seen.lost_responses, seen.answered.len()), (1, 1, 0));
}

#[tokio::test]
async fn a_late_answer_is_overtaken() {
    let smsc = smsc(Options { late_response: 0.5, late_ms: 200, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    client.send_at_once((0..20).map(|_| message(0, b"Hello")).collect()).await;
    let mut sequences = Vec::new();
    for _ in 0..20 {
        sequences.push(client.next().await.sequence);
    }
    assert!(!sequences.is_sorted(), "{sequences:?}");
    sequences.sort_unstable();
    assert_eq!(sequences, (2..=21).collect::<Vec<u32>>(), "each has one answer");
}

#[tokio::test]
async fn a_connection_may_be_cut_or_unbound_or_fouled() {
    let cut = smsc(Options { disconnect: 1.0, ..Options::default() }).await;
    let mut client = Client::bound(&cut, BindKind::Transmitter).await;
    client.ask(message(0, b"Hello")).await;
    assert_eq!(client.next_octets().await, None);

    let unbound = smsc(Options { unbind: 1.0, ..Options::default() }).await;
    let mut client = Client::bound(&unbound, BindKind::Transmitter).await;
    client.ask(message(0, b"Hello")).await;
    let unbind = client.next().await;
    assert_eq!(unbind.body, Body::Unbind);
    client.send_pdu(&wire::smpp::Pdu::new(unbind.sequence, Body::UnbindResp)).await;
    assert_eq!(client.next_octets().await, None);

    let fouled = smsc(Options { garbage: 1.0, ..Options::default() }).await;
    let mut client = Client::bound(&fouled, BindKind::Transmitter).await;
    client.send(message(0, b"Hello")).await;
    let garbage = client.next_octets().await.unwrap();
    assert_eq!(decode(&garbage).unwrap_err().status, CommandStatus::RINVMSGLEN);
    assert_eq!(client.next().await.status, CommandStatus::ROK);
}

#[tokio::test]
async fn an_smsc_that_unbinds_sends_the_answers_that_are_due_before_it_goes() {
    let smsc = smsc(Options { unbind: 1.0, response_delay_ms: DelayMs(100, 100), ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    client.send(message(0, b"Hello")).await;
    let unbind = client.next().await;
    assert_eq!(unbind.body, Body::Unbind);
    client.send_pdu(&wire::smpp::Pdu::new(unbind.sequence, Body::UnbindResp)).await;
    assert_eq!(client.next().await.status, CommandStatus::ROK);
    assert_eq!(client.next_octets().await, None);
}

#[tokio::test]
async fn recipients_are_refused_by_how_their_numbers_end() {
    let rules = ["0001=ESME_RINVDSTADR", "1=ESME_RMSGQFUL"].map(|rule| rule.parse::<RejectionTo>().unwrap());
    let smsc = smsc(Options { reject_to: rules.into(), ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    for (recipient, status) in [
        ("18005550001", CommandStatus::RINVDSTADR),
        ("18005550011", CommandStatus::RMSGQFUL),
        ("18005550012", CommandStatus::ROK),
    ] {
        let Body::SubmitSm(sm) = message(0, b"Hello") else { panic!("a submit_sm") };
        let sm = wire::smpp::Sm { destination: wire::smpp::Address::new(1, 1, recipient), ..*sm };
        assert_eq!(client.ask(Body::SubmitSm(Box::new(sm))).await.status, status, "{recipient}");
    }
}

#[tokio::test]
async fn one_octet_at_a_time_says_the_same() {
    let smsc = smsc(Options { one_octet_writes: true, ..Options::default() }).await;
    let mut client = Client::bound(&smsc, BindKind::Transmitter).await;
    for _ in 0..10 {
        assert_eq!(client.ask(message(0, b"Hello")).await.status, CommandStatus::ROK);
    }
    within("all is seen", smsc.wait_for(|seen| seen.answered.get("ESME_ROK") == Some(&10))).await;
}
