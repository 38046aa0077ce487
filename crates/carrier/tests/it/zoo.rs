//! A zoo of SMSCs, each with its own way of being wrong: every attempt has exactly one outcome, and every receipt
//! arrives.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use carrier::smpp::config::SmppConfig;
use carrier::smpp::config::{BindMode, MessageIdMode, SplitMethod, Version};
use carrier::{Event, Receipt, SegmentOutcome, Submission, SubmissionOutcome};
use model::unmatched::Reason;
use simulator::smsc::{DelayMs, IdFormat, Options, ReceiptFormat, Rejection, Smsc};
use tokio::task::JoinSet;
use wire::receipt::id::canonical;
use wire::smpp::CommandStatus;

use crate::support::{Bench, config, first_attempt, id_of, message, smsc, within};

/// One animal: its name, what the SMSC does, and how the carrier is told to meet it.
type Animal = (&'static str, fn(&mut Options), fn(&mut SmppConfig));

/// A dispatcher's view of one run.
#[derive(Default)]
struct Visit {
    waiting: VecDeque<Submission>,
    /// What each attempt ended as, by message and attempt.
    outcomes: HashMap<(u64, u32), SubmissionOutcome>,
    /// Messages with nothing left to do.
    ended: HashSet<u64>,
    /// The carrier's ids of all segments that it took.
    ids: HashSet<String>,
    receipts: Vec<Receipt>,
}

impl Visit {
    fn take(&mut self, event: Event) {
        match event {
            Event::Receipt(receipt, ack) => {
                self.receipts.push(receipt);
                ack.accept();
            }
            Event::Outcome(outcome) => self.outcome(outcome),
            Event::Inbound(..) | Event::Answered(_) => panic!("no SMSC of the zoo has subscribers"),
            // The garbage that some of these SMSCs send.
            Event::Unusable(unusable) => assert_eq!(unusable.reason, Reason::Unreadable),
        }
    }

    fn outcome(&mut self, outcome: SubmissionOutcome) {
        self.ids.extend(outcome.segments.iter().filter_map(|(_, segment)| id_of(segment)).map(str::to_owned));
        let attempt = (outcome.token, outcome.attempt);
        if let Some(before) = self.outcomes.get(&attempt) {
            // The only second outcome that there may be: an answer to a segment that was given up.
            let [(number, SegmentOutcome::Accepted { .. })] = &outcome.segments[..] else {
                panic!("a second outcome: {outcome:?} after {before:?}")
            };
            let given_up = before
                .segments
                .iter()
                .any(|(segment, outcome)| segment == number && matches!(outcome, SegmentOutcome::Unknown { .. }));
            assert!(given_up, "a late outcome for {before:?}");
            return;
        }
        let taken = outcome.segments.iter().filter(|(_, segment)| matches!(segment, SegmentOutcome::Accepted { .. }));
        let accepted = taken.fold(outcome.accepted_before, |mask, (number, _)| mask | 1 << (number - 1));
        let is_final = |segment: &SegmentOutcome| {
            matches!(segment, SegmentOutcome::Refused { .. } | SegmentOutcome::Unknown { .. })
        };
        if accepted.count_ones() == u32::from(outcome.message.segments)
            || outcome.segments.iter().any(|(_, segment)| is_final(segment))
        {
            assert!(self.ended.insert(outcome.token), "ended twice: {outcome:?}");
        } else {
            self.waiting.push_back(Submission {
                message: outcome.message.clone(),
                media: None,
                attempt: outcome.attempt + 1,
                token: outcome.token,
                accepted_segments: accepted,
                valid_for: Duration::from_secs(60),
            });
        }
        self.outcomes.insert(attempt, outcome);
    }

    fn is_reported(&self, id: &str) -> bool {
        let key = canonical(id);
        self.receipts.iter().any(|receipt| receipt.keys.contains(&key))
    }
}

/// Sends `count` messages, every fifth of three segments, through a carrier to an SMSC, and judges what comes of it.
async fn visit((name, wrong, meet): Animal, count: u32) {
    let mut options = Options { first_id: 0xBEEF_0001, ..Options::default() };
    wrong(&mut options);
    let smsc = smsc(options).await;
    let mut config = config(smsc.address());
    meet(&mut config);
    let mut bench = Bench::start(config);
    let mut visit = Visit::default();
    for number in 1..=count {
        let text = if number % 5 == 0 { "three segments ".repeat(25) } else { format!("message {number}") };
        visit.waiting.push_back(first_attempt(number, &text));
    }
    within(name, send(&mut bench, &mut visit, count as usize)).await;
    within(name, reports(&mut bench, &mut visit)).await;
    within(name, bench.carrier.drain(Duration::from_secs(5))).await;
    while let Some(event) = bench.event_now() {
        visit.take(event);
    }
    assert_eq!(visit.ended.len(), count as usize, "{name}");
    assert_eq!(bench.carrier.status().window_in_use, 0, "{name}");
    judge(name, &smsc);
}

/// Acts as a dispatcher until every message has ended.
async fn send(bench: &mut Bench, visit: &mut Visit, count: usize) {
    let carrier = bench.carrier.clone();
    while visit.ended.len() < count {
        tokio::select! {
            room = carrier.ready(), if !visit.waiting.is_empty() => {
                let next = visit.waiting.len().min(room);
                visit.waiting.drain(..next).for_each(|submission| carrier.submit(submission));
            }
            event = bench.event_without_deadline() => visit.take(event),
        }
    }
}

/// Takes receipts until every segment that was taken has one.
async fn reports(bench: &mut Bench, visit: &mut Visit) {
    while !visit.ids.iter().all(|id| visit.is_reported(id)) {
        let event = bench.event_without_deadline().await;
        visit.take(event);
    }
}

fn judge(name: &str, smsc: &Smsc) {
    let seen = smsc.summary();
    assert_eq!(seen.malformed, 0, "{name}: the SMSC could not read us");
    assert!(seen.receipts_refused.is_empty(), "{name}: {:?}", seen.receipts_refused);
}

/// Visits every animal, all at once.
async fn visit_all(animals: &[Animal], count: u32) {
    let mut visits = JoinSet::new();
    for animal in animals {
        visits.spawn(visit(*animal, count));
    }
    while let Some(visited) = visits.join_next().await {
        visited.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_bind_carries_messages_and_receipts() {
    let animals: &[Animal] = &[
        ("a transceiver", |_| {}, |_| {}),
        ("a pair", |_| {}, |config| config.bind = BindMode::TxRx),
        ("two transceivers", |_| {}, |config| config.sessions = 2),
        ("two pairs", |_| {}, |config| (config.bind, config.sessions) = (BindMode::TxRx, 2)),
        ("version 3.3", |_| {}, |config| config.interface_version = Version::V3_3),
        ("version 3.4", |_| {}, |config| config.interface_version = Version::V3_4),
        ("version 5.0", |_| {}, |config| config.interface_version = Version::V5_0),
        ("a window of 1", |_| {}, |config| config.window = 1),
        ("a window of 200", |options| options.response_delay_ms = DelayMs(0, 20), |config| config.window = 200),
        ("answers out of order", |options| options.response_delay_ms = DelayMs(0, 30), |_| {}),
        ("one octet at a time", |options| options.one_octet_writes = true, |_| {}),
        ("16-bit references", |_| {}, |config| config.split = SplitMethod::Udh16),
        ("sar parameters", |_| {}, |config| config.split = SplitMethod::Sar),
        ("a bound on the rate", |_| {}, |config| config.rate = 400),
        ("a bound on each session's rate", |_| {}, |config| (config.session_rate, config.sessions) = (200, 2)),
    ];
    visit_all(animals, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faulty_smscs_lose_no_outcome_and_no_receipt() {
    let animals: &[Animal] = &[
        ("garbage", |options| options.garbage = 0.2, |_| {}),
        ("lost answers", |options| options.lose_response = 0.1, |config| config.response_timeout_secs = 1),
        ("late answers", |options| (options.late_response, options.late_ms) = (0.1, 300), |_| {}),
        (
            "answers too late",
            |options| (options.late_response, options.late_ms) = (0.1, 1_500),
            |config| config.response_timeout_secs = 1,
        ),
        ("disconnects", |options| options.disconnect = 0.05, |_| {}),
        ("disconnects of a pair", |options| options.disconnect = 0.05, |config| config.bind = BindMode::TxRx),
        ("unbinds", |options| options.unbind = 0.05, |_| {}),
        ("unbinds of one of two", |options| options.unbind = 0.05, |config| config.sessions = 2),
        (
            "rejections",
            |options| options.reject = vec![Rejection { probability: 0.2, status: CommandStatus::RINVDSTADR }],
            |_| {},
        ),
        (
            "temporary errors",
            |options| options.reject = vec![Rejection { probability: 0.2, status: CommandStatus::RSYSERR }],
            |_| {},
        ),
        (
            "full queues",
            |options| options.reject = vec![Rejection { probability: 0.1, status: CommandStatus::RMSGQFUL }],
            |_| {},
        ),
        ("a narrow window", |options| (options.window, options.response_delay_ms) = (5, DelayMs(5, 5)), |_| {}),
        ("a bound on the rate", |options| options.throttle_above = 60, |_| {}),
        (
            "everything at once",
            |options| {
                (options.garbage, options.lose_response, options.disconnect, options.unbind) = (0.05, 0.05, 0.02, 0.02);
                (options.receipt_first, options.duplicate_receipt, options.response_delay_ms) =
                    (0.3, 0.3, DelayMs(0, 20));
            },
            |config| (config.response_timeout_secs, config.sessions) = (1, 2),
        ),
    ];
    visit_all(animals, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_come_at_any_time_and_in_any_number() {
    let animals: &[Animal] = &[
        ("before the answer", |options| options.receipt_first = 1.0, |_| {}),
        ("before the answer, on a pair", |options| options.receipt_first = 1.0, |config| config.bind = BindMode::TxRx),
        (
            "long before the answer",
            |options| (options.receipt_first, options.response_delay_ms) = (1.0, DelayMs(50, 50)),
            |_| {},
        ),
        ("twice", |options| options.duplicate_receipt = 1.0, |_| {}),
        (
            "twice, the first before the answer",
            |options| (options.receipt_first, options.duplicate_receipt) = (1.0, 1.0),
            |_| {},
        ),
        ("later", |options| options.receipt_delay_ms = DelayMs(1, 300), |_| {}),
        (
            "later, and the connection is cut",
            |options| (options.receipt_delay_ms, options.disconnect) = (DelayMs(1, 300), 0.03),
            |_| {},
        ),
    ];
    visit_all(animals, 100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_meet_however_both_sides_write_them() {
    let animals: &[Animal] = &[
        (
            "hexadecimal, then decimal",
            |options| (options.id_format, options.receipt_id_format) = (IdFormat::Hex, Some(IdFormat::Decimal)),
            |config| config.message_id_mode = MessageIdMode::HexToDecimal,
        ),
        (
            "decimal, then hexadecimal",
            |options| (options.id_format, options.receipt_id_format) = (IdFormat::Decimal, Some(IdFormat::Hex)),
            |config| config.message_id_mode = MessageIdMode::DecimalToHex,
        ),
        (
            "hexadecimal with zeros, then decimal",
            |options| (options.id_format, options.receipt_id_format) = (IdFormat::PaddedHex, Some(IdFormat::Decimal)),
            |_| {},
        ),
        (
            "decimal, then hexadecimal with zeros",
            |options| (options.id_format, options.receipt_id_format) = (IdFormat::Decimal, Some(IdFormat::PaddedHex)),
            |_| {},
        ),
        (
            "zeros on one side",
            |options| {
                (options.id_format, options.receipt_id_format) = (IdFormat::PaddedDecimal, Some(IdFormat::Decimal));
            },
            |_| {},
        ),
        (
            "case and zeros on one side",
            |options| (options.id_format, options.receipt_id_format) = (IdFormat::PaddedHex, Some(IdFormat::Hex)),
            |config| config.message_id_mode = MessageIdMode::Exact,
        ),
        (
            "UUIDs in both cases",
            |options| (options.id_format, options.receipt_id_format) = (IdFormat::Uuid, Some(IdFormat::UpperUuid)),
            |config| config.message_id_mode = MessageIdMode::Exact,
        ),
    ];
    visit_all(animals, 20).await;
}

/// Every way of writing a receipt, with every class, every length of its dates and every form of its ids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_every_form_are_understood() {
    use ReceiptFormat::{Both, DataSm, Payload, Text, Tlv};
    let ids = [
        IdFormat::Decimal,
        IdFormat::PaddedDecimal,
        IdFormat::Hex,
        IdFormat::PaddedHex,
        IdFormat::Uuid,
        IdFormat::UpperUuid,
    ];
    for receipt_format in [Text, Tlv, Both, Payload, DataSm] {
        let mut visits = JoinSet::new();
        for receipt_esm_class in [0, 4, 68] {
            for receipt_date_digits in [10, 12, 14] {
                for id_format in ids {
                    visits.spawn(one_receipt(Options {
                        receipt_format,
                        receipt_esm_class,
                        receipt_date_digits,
                        id_format,
                        ..Options::default()
                    }));
                }
            }
        }
        while let Some(visited) = visits.join_next().await {
            visited.unwrap();
        }
    }
}

async fn one_receipt(options: Options) {
    let form = format!(
        "{:?}, class {}, {} digits, {:?}",
        options.receipt_format, options.receipt_esm_class, options.receipt_date_digits, options.id_format
    );
    let smsc = smsc(options).await;
    let mut bench = Bench::at(&smsc);
    bench.submit(first_attempt(1, "Hello")).await;
    let id = bench.segments().await.first().and_then(id_of).map(canonical).unwrap();
    let Event::Receipt(receipt, ack) = within(&form, bench.event_without_deadline()).await else {
        panic!("{form}: a second outcome")
    };
    ack.accept();
    assert_eq!(receipt.state, wire::receipt::ReceiptState::Delivered, "{form}");
    assert!(receipt.keys.contains(&id), "{form}: {id} in {:?}", receipt.keys);
    assert!(
        receipt.addresses.contains(&message(1, "").recipient.digits().to_string()),
        "{form}: {:?}",
        receipt.addresses
    );
}
