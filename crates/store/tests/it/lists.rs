//! Lists against what is there: whatever happened, and however much of it the index has, a list shows every message
//! that its filter lets pass, once, newest first.
//!
//! In come random sequences of steps that make messages, change their status and index them, with lists in between. The
//! truth is the records of the messages, each looked up by its id.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::message::{Direction, Message};
use model::status::SegmentFate;
use model::{
    AccountId, Broadcast, BroadcastId, ClientReference, ErrorType, MessageId, MessageRecord, Mode, Moment, Msisdn,
    Originator, Owner, Status, Timestamp,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use store::contract::broadcasts::{Expanded, Expansion};
use store::contract::dispatch::{Outcome, Verdict};
use store::contract::messages::MessageFilter;

use crate::support::{Backend, Desk, NODE, NORTH, NOW, VALID_SECS, acks, after, number, receipt};

/// Something that happens. Accounts, numbers, messages and broadcasts are named by small numbers, so that they meet.
#[derive(Clone, Debug)]
enum Step {
    /// A message is accepted; `back` seconds before the present where a clock was set back.
    Accept { owner: u8, to: u8, from: u8, inbound: bool, reference: Option<u8>, back: u64 },
    /// A broadcast is accepted.
    Broadcast { owner: u8, from: u8, total: u32 },
    /// The next recipients of a broadcast become messages.
    Expand { broadcast: usize, count: usize, skipped: u32 },
    /// A broadcast is stopped.
    Cancel { broadcast: usize },
    /// A carrier takes a message.
    Take { message: usize },
    /// A receipt comes for it.
    Report { message: usize, delivered: bool },
    /// No carrier takes one of the messages that wait.
    Fail,
    /// Messages that are too old end.
    Expire,
    /// The index goes on: what was accepted so many seconds ago, so many messages.
    Index { lag: u64, limit: usize },
    /// The process ends and begins again.
    Reopen,
    /// Time passes.
    Wait { secs: u64 },
    /// A list is read.
    List(Asked),
}

/// The owner, the filter and the length of a list.
#[derive(Clone, Debug)]
struct Asked {
    owner: Option<u8>,
    account: Option<u8>,
    mode: Option<bool>,
    status: Option<usize>,
    inbound: Option<bool>,
    to: Option<u8>,
    from: Option<u8>,
    either: Option<u8>,
    reference: Option<u8>,
    broadcast: Option<usize>,
    times: (Option<u64>, Option<u64>),
    limit: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let who =
        (prop::option::of(0..4u8), prop::option::weighted(0.2, 0..2u8), prop::option::weighted(0.3, any::<bool>()));
    let what = (
        prop::option::of(0..5usize),
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::of(0..3u8),
        prop::option::weighted(0.3, 0..4u8),
        prop::option::weighted(0.2, 0..2u8),
    );
    let time = || prop::option::weighted(0.2, 0..200u64);
    let either = prop::option::weighted(0.2, 0..4u8);
    (who, what, either, prop::option::weighted(0.15, 0..4usize), (time(), time()), 1..6usize).prop_map(
        |((owner, account, mode), (status, inbound, to, from, reference), either, broadcast, times, limit)| Asked {
            owner,
            account,
            mode,
            status,
            inbound,
            to,
            from,
            either,
            reference,
            broadcast,
            times,
            limit,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let message = || 0..40usize;
    let back = prop_oneof![6 => Just(0u64), 1 => 1..60u64];
    let step = prop_oneof![
        8 => (0..4u8, 0..3u8, 0..4u8, prop::bool::weighted(0.1), prop::option::weighted(0.3, 0..2u8), back).prop_map(
            |(owner, to, from, inbound, reference, back)| Step::Accept { owner, to, from, inbound, reference, back }
        ),
        1 => (0..4u8, 0..4u8, 1..12u32).prop_map(|(owner, from, total)| Step::Broadcast { owner, from, total }),
        3 => (0..4usize, 1..5usize, 0..3u32)
            .prop_map(|(broadcast, count, skipped)| Step::Expand { broadcast, count, skipped }),
        1 => (0..4usize).prop_map(|broadcast| Step::Cancel { broadcast }),
        4 => message().prop_map(|message| Step::Take { message }),
        3 => (message(), any::<bool>()).prop_map(|(message, delivered)| Step::Report { message, delivered }),
        2 => Just(Step::Fail),
        1 => Just(Step::Expire),
        5 => (prop_oneof![Just(0), Just(5), Just(30)], 1..6usize).prop_map(|(lag, limit)| Step::Index { lag, limit }),
        1 => Just(Step::Reopen),
        4 => prop_oneof![8 => 1..10u64, 1 => Just(VALID_SECS)].prop_map(|secs| Step::Wait { secs }),
        6 => asked().prop_map(Step::List),
    ];
    (prop::collection::vec(step, 1..70), prop::collection::vec(asked(), 40)).prop_map(|(mut steps, asked)| {
        // At the end the whole list is looked at in many ways, with the index as it is then and once more when it has
        // everything.
        let end: Vec<Step> = asked.into_iter().map(Step::List).collect();
        steps.extend(end.clone());
        steps.push(Step::Wait { secs: 100 });
        steps.extend((0..60).map(|_| Step::Index { lag: 0, limit: 1_000 }));
        steps.extend(end);
        steps
    })
}

/// Runs random sequences, each on a fresh store. Fails on the first list that differs from the records.
pub(crate) fn any_list_shows_what_is_there<B: Backend>(fresh: impl Fn() -> B) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { failure_persistence: None, ..trials::config(96) };
    let check = |steps: Vec<Step>| {
        runtime.block_on(run(&fresh(), steps));
        Ok(())
    };
    TestRunner::new(config).run(&steps(), check).unwrap();
}

struct World {
    desk: Desk,
    accounts: [AccountId; 2],
    now: Timestamp,
    messages: Vec<Message>,
    /// The status of each as its record tells it.
    there: BTreeMap<MessageId, MessageRecord>,
    broadcasts: Vec<Broadcast>,
}

async fn run(backend: &impl Backend, steps: Vec<Step>) {
    let desk = Desk::open(backend).await;
    let accounts = [desk.account(), desk.account()];
    let mut world =
        World { desk, accounts, now: NOW, messages: Vec::new(), there: BTreeMap::new(), broadcasts: Vec::new() };
    for step in steps {
        match step {
            Step::Reopen => world.desk.reopen(backend).await,
            Step::List(asked) => world.list(&asked).await,
            step => world.make(step).await,
        }
    }
}

fn to_of(to: u8) -> Msisdn {
    number(&format!("+1202000000{to}"))
}

/// A sender of each kind, and two names that differ in case alone.
fn from_of(from: u8) -> Originator {
    Originator::parse(["+18005550000", "18005", "ACME", "Acme"][usize::from(from)]).unwrap()
}

fn reference_of(number: u8) -> Option<ClientReference> {
    ClientReference::parse(&format!("order {number}"))
}

fn key_of(message: &Message) -> String {
    format!("{:?}", message.id)
}

impl World {
    fn owner(&self, owner: u8) -> Owner {
        Owner { account: self.accounts[usize::from(owner) % 2], mode: if owner < 2 { Mode::Live } else { Mode::Test } }
    }

    async fn make(&mut self, step: Step) {
        match step {
            Step::Accept { owner, to, from, inbound, reference, back } => {
                let Owner { account, mode } = self.owner(owner);
                let at = self.now - Duration::from_secs(back);
                let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
                let message = Message {
                    mode,
                    direction,
                    recipient: to_of(to),
                    originator: from_of(from),
                    client_reference: reference.and_then(reference_of),
                    ..self.desk.message_at(account, at)
                };
                self.desk.admit(message.clone()).await;
                self.messages.push(message);
            }
            Step::Broadcast { owner, from, total } => {
                let Owner { account, mode } = self.owner(owner);
                let (id, expires_at) = (self.desk.broadcast_id(self.now), self.now + Duration::from_secs(VALID_SECS));
                let plain = crate::broadcasts::broadcast(&self.desk, account, total, 0);
                let broadcast =
                    Broadcast { id, mode, originator: from_of(from), created_at: self.now, expires_at, ..plain };
                self.desk.store.admit_broadcast(crate::broadcasts::admission(broadcast.clone())).await.unwrap();
                self.broadcasts.push(broadcast);
            }
            Step::Expand { broadcast, count, skipped } => self.expand(broadcast, count, skipped).await,
            Step::Cancel { broadcast } => {
                if let Some(broadcast) = self.broadcasts.get(broadcast) {
                    self.desk.store.cancel_broadcast(None, broadcast.id, self.now).await.unwrap();
                }
            }
            Step::Take { message } => {
                if let Some(message) = self.messages.get(message) {
                    self.desk.record(&self.outcome(message, 0, Verdict::Sent)).await;
                }
            }
            Step::Report { message, delivered } => {
                if let Some(message) = self.messages.get(message) {
                    let fate = if delivered {
                        SegmentFate::Delivered
                    } else {
                        SegmentFate::Undelivered(ErrorType::Unreachable)
                    };
                    self.desk.hear(receipt([&*key_of(message)], fate)).await;
                }
            }
            Step::Fail => self.fail_one().await,
            Step::Expire => drop(self.desk.store.expire(NODE, Moment::of(self.now), HashSet::new(), 5).await.unwrap()),
            Step::Index { lag, limit } => {
                let indexed = self.desk.store.index_lists(self.now, Duration::from_secs(lag), limit).await.unwrap();
                assert!(indexed.filed <= limit, "{indexed:?}");
            }
            Step::Wait { secs } => self.now = self.now + Duration::from_secs(secs),
            Step::Reopen | Step::List(_) => {}
        }
        for message in &self.messages {
            let record = self.desk.store.message_of_any_account(message.id).await.unwrap().unwrap();
            self.there.insert(message.id, record);
        }
    }

    /// Leases what is due: the carrier refuses the first for good, and the others are given back.
    async fn fail_one(&mut self) {
        let token = self.desk.token();
        let leased = self.desk.lease(token, self.now).await;
        if let Some(first) = leased.first() {
            let verdict = Verdict::Failed { error_type: ErrorType::CarrierRejected, message: "no".to_owned() };
            self.desk.record(&self.outcome(&first.message, token, verdict)).await;
        }
        self.desk
            .store
            .release(leased.iter().skip(1).map(|leased| (leased.message.id, token)).collect(), self.now)
            .await
            .unwrap();
    }

    fn outcome(&self, message: &Message, token: u64, verdict: Verdict) -> Outcome {
        let accepted = if verdict == Verdict::Sent { acks([&*key_of(message)]) } else { Vec::new() };
        let (id, recipient, carrier) = (message.id, message.recipient, NORTH.into());
        Outcome {
            id,
            recipient,
            token,
            total: 1,
            attempt: 1,
            carrier,
            at: self.now,
            accepted,
            verdict,
            detail: String::new(),
            receipt_by: None,
        }
    }

    async fn expand(&mut self, broadcast: usize, count: usize, skipped: u32) {
        let Some(broadcast) = self.broadcasts.get(broadcast) else { return };
        let Some(upcoming) = self.desk.store.upcoming(broadcast.id, count).await.unwrap() else { return };
        let turns = upcoming.recipients.len() as u32;
        let made = (upcoming.from..).filter(|index| index % 4 != skipped + 1).take(count);
        let made: Vec<Message> = made
            .take_while(|index| *index < upcoming.from + turns)
            .map(|index| self.message_of(broadcast, index))
            .collect();
        let messages = made
            .iter()
            .map(|message| Expanded { message: Arc::new(message.clone()), carrier: NORTH.into(), lease: None })
            .collect();
        assert!(
            self.desk
                .store
                .expand(Expansion {
                    node: NODE,
                    broadcast: broadcast.id,
                    from: upcoming.from,
                    turns,
                    messages,
                    due_at: self.now,
                    at: self.now
                })
                .await
                .unwrap()
        );
        self.messages.extend(made);
    }

    fn message_of(&self, broadcast: &Broadcast, index: u32) -> Message {
        let (created_at, expires_at) = (broadcast.created_at, broadcast.expires_at);
        let plain = Message {
            id: broadcast.id.message(index),
            broadcast: Some(broadcast.id),
            ..self.desk.message_at(broadcast.account, created_at)
        };
        Message {
            mode: broadcast.mode,
            originator: broadcast.originator,
            recipient: to_of((index % 3) as u8),
            expires_at,
            ..plain
        }
    }

    /// Walks a list and compares it.
    async fn list(&self, asked: &Asked) {
        let owner = asked.owner.map(|owner| self.owner(owner));
        let filter = MessageFilter {
            account: asked.account.map(|account| self.accounts[usize::from(account)]),
            mode: asked.mode.map(|test| if test { Mode::Test } else { Mode::Live }),
            status: asked.status.map(|status| Status::ALL[status]),
            direction: asked.inbound.map(|inbound| if inbound { Direction::Inbound } else { Direction::Outbound }),
            recipient: asked.to.map(to_of),
            originator: asked.from.map(from_of),
            either: asked.either.map(from_of),
            reference: asked.reference.and_then(reference_of),
            broadcast: asked
                .broadcast
                .map(|at| self.broadcasts.get(at).map_or(BroadcastId::from_bytes([7; 16]), |broadcast| broadcast.id)),
            from: asked.times.0.map(after),
            before: asked.times.1.map(after),
        };
        let wanted: Vec<_> = self.there.iter().rev().filter(|(_, record)| passes(owner, &filter, record)).collect();
        let (mut shown, mut next, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = self.desk.store.messages(owner, filter.clone(), next, asked.limit).await.unwrap();
            assert!(
                page.messages.len() <= asked.limit && (page.next.is_none() || page.next != next),
                "a page goes on: {page:?}"
            );
            shown.extend(page.messages);
            pages += 1;
            assert!(pages <= 4 * self.messages.len() + 4, "{pages} pages, {owner:?} {filter:?}");
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let ids = |record: &MessageRecord| (record.message.id, record.delivery.status);
        let wanted: Vec<_> = wanted.into_iter().map(|(_, record)| ids(record)).collect();
        assert_eq!(
            shown.iter().map(ids).collect::<Vec<_>>(),
            wanted,
            "{owner:?} {filter:?}, {} to a page",
            asked.limit
        );
    }
}

fn passes(owner: Option<Owner>, filter: &MessageFilter, record: &MessageRecord) -> bool {
    let message = &*record.message;
    owner.is_none_or(|owner| message.owner() == owner)
        && filter.account.is_none_or(|account| message.account == account)
        && filter.mode.is_none_or(|mode| message.mode == mode)
        && filter.status.is_none_or(|status| record.delivery.status == status)
        && filter.direction.is_none_or(|direction| message.direction == direction)
        && filter.recipient.as_ref().is_none_or(|recipient| message.recipient == *recipient)
        && filter.originator.as_ref().is_none_or(|originator| message.originator == *originator)
        && filter
            .either
            .is_none_or(|number| message.originator == number || Originator::Number(message.recipient) == number)
        && filter.reference.as_ref().is_none_or(|wanted| message.client_reference.as_ref() == Some(wanted))
        && filter.broadcast.is_none_or(|broadcast| message.broadcast == Some(broadcast))
        && filter.from.is_none_or(|from| message.created_at >= from)
        && filter.before.is_none_or(|before| message.created_at < before)
}
