//! The end of a scheduled message's wait: whether it may still leave, and where to.
//!
//! Days may lie between the acceptance of a message and the time at which it leaves. So the launch repeats the checks
//! of admission: whether the account and the sender may send, whether the recipient is blocked or has opted out, and
//! whether the screen lets the text pass under the policy of today. The quota was used at the acceptance.

use std::fmt::Display;
use std::time::Duration;

use model::sampler::Line;
use model::{Message, MessageId, Moment, Screened, ScreeningOutcome};
use store::StoreError;
use store::contract::schedule::{DueMessage, Launch, LaunchDecision, Launched};
use store::reasons::{ACCOUNT_STOPPED, NOT_COMPLIANT, OPTED_OUT, RECIPIENT_BLOCKED, SENDER_STOPPED};

use super::Admission;
use super::screen::{Examined, Finding};
use crate::route::{Carriers, Subject};
use crate::tenants::{Barred, Caller};

/// How many messages are launched in one transaction.
const LAUNCHES: usize = 100;

impl Admission {
    /// Queues the scheduled messages whose time has come, and has those fail that may not leave any more. A message
    /// that cannot be launched holds up no other: it waits for the next call.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn launch(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let now = self.runtime.look();
            let due = self.store.scheduled_until(now.wall, after, LAUNCHES).await?;
            if after.is_none() {
                let overdue = due.first().map_or(Duration::ZERO, |first| now.wall.since(first.send_at));
                self.counters.launches.overdue(overdue);
            }
            let Some(last) = due.last() else { return Ok(()) };
            after = Some((last.send_at, last.id));
            self.launch_page(&due, now).await?;
            self.dispatchers.iter().for_each(|dispatcher| self.dispatchers.look_at(dispatcher.carrier.name()));
            if due.len() < LAUNCHES {
                return Ok(());
            }
        }
    }

    /// Launches some messages.
    async fn launch_page(&self, due: &[DueMessage], now: Moment) -> Result<(), StoreError> {
        let (mut launches, mut findings) = (Vec::with_capacity(due.len()), Vec::new());
        for due in due {
            let Some(message) = &due.message else {
                self.not_launched(due.id, &"its row in the store cannot be read");
                continue;
            };
            let (decision, finding) = self.decide_launch(message, now);
            let found = finding.as_ref().map(|finding| finding.record.clone());
            launches.push(Launch { id: message.id, decision, found });
            findings.extend(finding.map(|finding| (message.id, finding)));
        }
        for Launched { id, has_recorded } in self.launch_all_or_each(launches, now).await? {
            if let Some(due) = due.iter().find(|due| due.id == id) {
                self.counters.launches.late.observe(now.wall.since(due.send_at));
            }
            // Another node may have found the same, and was quicker.
            let of_it = findings.iter().filter(|(about, _)| has_recorded && *about == id);
            of_it.for_each(|(_, finding)| self.count_finding(finding));
        }
        Ok(())
    }

    /// Launches messages in one transaction; where that fails, each in one of its own, since one of them may be why.
    async fn launch_all_or_each(&self, launches: Vec<Launch>, now: Moment) -> Result<Vec<Launched>, StoreError> {
        let node = self.node.epoch();
        if launches.len() > 1 {
            match self.store.launch(node, launches.clone(), now).await {
                Err(StoreError::Unavailable(_)) => {}
                all => return all,
            }
        }
        let mut launched = Vec::new();
        for launch in launches {
            let id = launch.id;
            match self.store.launch(node, vec![launch], now).await {
                Ok(one) => launched.extend(one),
                Err(StoreError::Unavailable(why)) => self.not_launched(id, &why),
                Err(error) => return Err(error),
            }
        }
        Ok(launched)
    }

    /// Counts and tells that a message could not be launched. It is tried again with each round.
    fn not_launched(&self, id: MessageId, why: &dyn Display) {
        if let Some(Line { left_out }) = self.counters.launches.failed(self.runtime.instant()) {
            tracing::warn!(message.id = %id, left_out, "The scheduled message {id} leaves later: {why}");
        }
    }

    /// Whether a message may leave whose time has come, and what the screen finds in its text now.
    fn decide_launch(&self, message: &Message, now: Moment) -> (LaunchDecision, Option<Box<Finding>>) {
        let refuse = |why| (LaunchDecision::Refuse(why), None);
        let Some(caller) = self.tenants.on_behalf_of(message.owner()) else { return refuse(ACCOUNT_STOPPED) };
        if self.tenants.check_sender(message.account, message.originator).is_err() {
            return refuse(SENDER_STOPPED);
        }
        match self.tenants.check_recipient(message.owner(), message.originator, message.recipient) {
            Ok(()) => {}
            Err(Barred::Blocked) => return refuse(RECIPIENT_BLOCKED),
            Err(Barred::OptedOut(_)) => return refuse(OPTED_OUT),
        }
        let finding = self.finding_now(&caller, message, now);
        let is_blocked = finding.as_ref().is_some_and(|found| found.record.outcome == ScreeningOutcome::Blocked);
        let decision = if is_blocked {
            LaunchDecision::Refuse(NOT_COMPLIANT)
        } else {
            LaunchDecision::Queue(self.routes.first(Subject::of(message), |name| self.dispatchers.standing(name)))
        };
        (decision, finding)
    }

    /// What the screen finds in the text of a message under the policy of now.
    fn finding_now(&self, caller: &Caller, message: &Message, now: Moment) -> Option<Box<Finding>> {
        let body = message.body.as_ref()?;
        let Examined::Found(mut finding) = self.examine(caller, message.originator, body, now.wall) else {
            return None;
        };
        finding.record.about = Some(Screened::Message(message.id));
        Some(finding)
    }
}
