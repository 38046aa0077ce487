//! The operator, who blocks numbers, revokes keys and restarts the process, and reads messages meanwhile.

use std::sync::Arc;
use std::time::Duration;

use model::number::{BlockKind, NumberState};
use model::{BroadcastId, Clock, MessageId, Mode, Msisdn, Originator, Status};
use runtime::Runtime;
use store::contract::messages::MessageFilter;
use store::contract::tenants::NumberChange;

use crate::chance::Chance;
use crate::ledger::Named;
use crate::plan::Mood;
use crate::site::{Credentials, Death, Process};
use crate::world::{Key, World};

/// The operator.
pub(crate) struct Operator {
    pub(crate) world: World,
    pub(crate) chance: Chance,
}

impl Operator {
    pub(crate) async fn run(mut self) {
        while self.world.is_active() {
            let rest = self.chance.millis(100..4_000);
            self.world.runtime.sleep(rest).await;
            let Some(process) = self.world.site.process() else { continue };
            match self.chance.below(15) {
                0..=2 => self.block(&process).await,
                3 => self.unblock(&process).await,
                4 => self.cancel(&process).await,
                5 if self.world.plan.mood == Mood::Rough => self.restart(&process).await,
                6 => self.revoke(&process).await,
                7 if self.world.plan.mood != Mood::Calm => self.stop_number(&process).await,
                14 => self.erase(&process).await,
                8 | 9 => self.look_at_broadcast(&process).await,
                13 => self.take_back(&process).await,
                _ => self.look(&process).await,
            }
        }
    }

    async fn block(&mut self, process: &Arc<Process>) {
        let number = self.world.likely_recipient(&mut self.chance);
        self.world.ledger.lock().blocks.entry(number).or_default().ever = true;
        let (tenants, blocked) = (Arc::clone(&process.tenants), number);
        let done = self
            .world
            .within(process, async move { tenants.put_block(blocked.into(), BlockKind::Recipient, None, None).await })
            .await;
        if let Some(Ok(_)) = done {
            let now = self.world.executor.now();
            self.world.ledger.lock().blocks.entry(number).or_default().since.get_or_insert(now);
            self.world.executor.note(&format!("operator: {number} is blocked"));
        }
    }

    /// Erases a person. Messages that were accepted before it began are blank once it has ended, and leave no more.
    async fn erase(&mut self, process: &Arc<Process>) {
        let number = self.world.likely_recipient(&mut self.chance);
        self.world.ledger.lock().erased.insert(number);
        self.world.executor.note(&format!("operator: {number} is to be erased"));
        let pipeline = Arc::clone(&process.pipeline);
        let begin = async move { pipeline.erase(number, "operator".to_owned(), None).await };
        let Some(Ok(Some(begun))) = self.world.within(process, begin).await else { return };
        for _ in 0..120 {
            self.world.runtime.sleep(Duration::from_millis(500)).await;
            let Some(process) = self.world.site.process() else { continue };
            let store = Arc::clone(&process.store);
            let look = async move { store.erasure(begun.id).await };
            let Some(Ok(found)) = self.world.within(&process, look).await else { continue };
            match found {
                Some(found) if found.ended_at.is_none() => {}
                Some(_) => return self.forgotten(&process).await,
                None => return self.world.ledger.violated(format!("{} was begun and is not there", begun.id)),
            }
        }
    }

    /// Notes which messages are blank as of now.
    async fn forgotten(&self, process: &Arc<Process>) {
        let now = self.world.executor.now();
        let (store, recipient) = (Arc::clone(&process.store), Some(Msisdn::nobody()));
        let filter = MessageFilter { recipient, ..MessageFilter::default() };
        let listed = self.world.within(process, async move { store.messages(None, filter, None, 10_000).await }).await;
        let Some(Ok(page)) = listed else { return };
        let mut facts = self.world.ledger.lock();
        for record in page.messages.iter().filter(|record| record.delivery.erased_at.is_some()) {
            facts.forgotten.entry(record.message.id).or_insert(now);
        }
    }

    async fn unblock(&mut self, process: &Arc<Process>) {
        let number = {
            let mut facts = self.world.ledger.lock();
            let blocked: Vec<_> =
                facts.blocks.iter().filter(|(_, blocked)| blocked.since.is_some()).map(|(number, _)| *number).collect();
            if blocked.is_empty() {
                return;
            }
            let number = *self.chance.pick(&blocked);
            facts.blocks.entry(number).or_default().since = None;
            number
        };
        let tenants = Arc::clone(&process.tenants);
        self.world
            .within(process, async move { tenants.delete_block(number.into(), BlockKind::Recipient, None).await })
            .await;
    }

    /// A broadcast that was promised.
    fn any_broadcast(&mut self) -> Option<BroadcastId> {
        let facts = self.world.ledger.lock();
        let promised = facts.requests.values().filter_map(|request| request.promised.as_ref());
        let broadcasts: Vec<_> = promised
            .filter_map(|promise| if let Named::Broadcast(id) = promise.id { Some(id) } else { None })
            .collect();
        if broadcasts.is_empty() { None } else { Some(*self.chance.pick(&broadcasts)) }
    }

    async fn cancel(&mut self, process: &Arc<Process>) {
        let Some(id) = self.any_broadcast() else { return };
        self.world.ledger.lock().canceled.insert(id);
        self.world.executor.note(&format!("operator: cancels {id}"));
        let pipeline = Arc::clone(&process.pipeline);
        self.world.within(process, async move { pipeline.cancel_broadcast(None, id).await }).await;
    }

    /// Ends the process in order, and starts another one.
    async fn restart(&mut self, process: &Arc<Process>) {
        let limit = self.chance.millis(200..8_000);
        let (pipeline, runtime): (_, Arc<dyn Runtime>) = (Arc::clone(&process.pipeline), process.runtime.clone());
        self.world.executor.note(&format!("operator: process {} drains in {limit:?}", process.id.0));
        let began = self.world.executor.now();
        let (is_alone, leaving) = (self.world.site.is_alone(), Arc::clone(process));
        let drain = async move {
            if is_alone {
                return pipeline.drain(limit).await;
            }
            // As draining does, but that the others go on with the store.
            pipeline.settle(limit).await;
            let left = leaving.store.leave(pipeline.node().epoch(), leaving.runtime.steady()).await;
            if let Err(error) = left {
                tracing::warn!(%error, "The node could not leave: {error}");
            }
        };
        let drained = self.world.runtime.timeout(Duration::from_secs(600), runtime.run("drain", drain)).await;
        let took = self.world.executor.now().saturating_sub(began);
        // Each step of its own work may take as long as the disk does.
        let at_most = limit.max(pipeline::Pipeline::AT_LEAST) + pipeline::Pipeline::BEYOND + Duration::from_secs(1);
        let stood_still = self.world.ledger.lock().cuts.iter().any(|(at, _)| *at >= began);
        if matches!(drained, Ok(Ok(()))) && took > at_most && !stood_still {
            self.world.ledger.violated(format!("draining in {limit:?} took {took:?}"));
        }
        self.world.site.end_if(process.id, Death::Killed);
    }

    /// Revokes a key and hands out another one.
    async fn revoke(&mut self, process: &Arc<Process>) {
        let account = self.chance.below(self.world.plan.accounts.len());
        let old = self.world.key(account, Mode::Live);
        let (id, tenants) = (self.world.tenants()[account].account, Arc::clone(&process.tenants));
        let made =
            self.world.within(process, async move { tenants.create_key(id, Mode::Live, None, None).await }).await;
        let Some(Ok((key, secret))) = made else { return };
        let (tenants, revoked) = (Arc::clone(&process.tenants), old.credentials.id.clone());
        let done = self.world.within(process, async move { tenants.revoke_key(&revoked).await }).await;
        if let Some(Ok(())) = done {
            let now = self.world.executor.now();
            self.world.tenants()[account].live.revoked = Some((now, process.id));
        }
        let live = Key { credentials: Credentials { id: key.id, secret: secret.reveal().to_owned() }, revoked: None };
        // Clients go on with the old one for a while.
        let rest = self.chance.millis(0..2_000);
        self.world.runtime.sleep(rest).await;
        self.world.tenants()[account].live = live;
    }

    /// Suspends a sender for a while.
    async fn stop_number(&mut self, process: &Arc<Process>) {
        let account = self.chance.below(self.world.plan.accounts.len() - 1);
        let number = self.world.plan.accounts[account].number;
        self.world.ledger.lock().stopped.insert(number);
        self.set_state(process, number, NumberState::Suspended).await;
        let rest = self.chance.millis(0..3_000);
        self.world.runtime.sleep(rest).await;
        loop {
            let process = self.world.site.up().await;
            if self.set_state(&process, number, NumberState::Active).await {
                return;
            }
            self.world.runtime.sleep(Duration::from_secs(1)).await;
        }
    }

    async fn set_state(&self, process: &Arc<Process>, number: Originator, state: NumberState) -> bool {
        let tenants = Arc::clone(&process.tenants);
        let change = NumberChange { state: Some(state), ..NumberChange::default() };
        matches!(
            self.world.within(process, async move { tenants.change_number(number, change).await }).await,
            Some(Ok(_))
        )
    }

    /// Looks at a broadcast that was promised: it is there, and every recipient counts once.
    async fn look_at_broadcast(&mut self, process: &Arc<Process>) {
        let Some(id) = self.any_broadcast() else { return };
        let store = Arc::clone(&process.store);
        match self.world.within(process, async move { store.broadcast(None, id).await }).await {
            Some(Ok(Some(record))) => {
                let counts = record.counts;
                let sum = counts.skipped
                    + counts.queued
                    + counts.sent
                    + counts.delivered
                    + counts.undelivered
                    + counts.failed;
                if sum != counts.total {
                    self.world.ledger.violated(format!("{id} counts {counts:?}"));
                }
            }
            Some(Ok(None)) => self.world.ledger.violated(format!("{id} was promised and is not there")),
            Some(Err(_)) | None => {}
        }
    }

    /// A message that was promised.
    fn any_message(&mut self) -> Option<MessageId> {
        let facts = self.world.ledger.lock();
        let promised = facts.requests.values().filter_map(|request| request.promised.as_ref());
        let messages: Vec<_> =
            promised.filter_map(|promise| if let Named::Message(id) = promise.id { Some(id) } else { None }).collect();
        if messages.is_empty() { None } else { Some(*self.chance.pick(&messages)) }
    }

    /// Takes a message back. Whether it may leave is seen from what carriers have.
    async fn take_back(&mut self, process: &Arc<Process>) {
        let Some(id) = self.any_message() else { return };
        let pipeline = Arc::clone(&process.pipeline);
        let canceled = self.world.within(process, async move { pipeline.cancel_message(None, id).await }).await;
        if let Some(Ok(record)) = canceled {
            self.world.executor.note(&format!("operator: {id} is taken back"));
            self.world.ledger.lock().saw(id, record.delivery.status);
        }
    }

    /// Looks at a message that was promised: it is there, and where it stands follows from where it stood.
    async fn look(&mut self, process: &Arc<Process>) {
        let Some(id) = self.any_message() else { return };
        let store = Arc::clone(&process.store);
        match self.world.within(process, async move { store.message_of_any_account(id).await }).await {
            Some(Ok(Some(record))) => self.world.ledger.lock().saw(id, record.delivery.status),
            Some(Ok(None)) => self.world.ledger.violated(format!("{id} was promised and is not there")),
            Some(Err(_)) | None => {}
        }
    }
}

impl crate::ledger::Facts {
    /// A reader saw the status of a message.
    pub(crate) fn saw(&mut self, id: MessageId, status: Status) {
        if status == Status::Sent {
            self.was_sent.insert(id);
        }
        match self.seen.insert(id, status) {
            Some(before) if before != status && !leads_to(before, status) => {
                self.violations.push(format!("{id} went from {} to {}", before.as_str(), status.as_str()));
            }
            _ => {}
        }
    }
}

/// Whether a message may stand at `to` some time after it stood at `from`.
fn leads_to(from: Status, to: Status) -> bool {
    from.may_become(to) || Status::ALL.into_iter().any(|between| from.may_become(between) && between.may_become(to))
}
