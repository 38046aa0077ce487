//! The end of a scheduled message's wait: whether it may still leave, and where to.
//!
//! Days may lie between the acceptance of a message and the time at which it leaves. So the launch repeats the checks
//! of admission: whether the account and the sender may send, whether the recipient is blocked or has opted out, and
//! whether the screen lets the text pass under the policy of today. The quota was used at the acceptance.

use model::{Message, Moment, Screened, ScreeningOutcome};
use store::StoreError;
use store::contract::schedule::{Launch, LaunchDecision, Launched};
use store::reasons::{ACCOUNT_STOPPED, NOT_COMPLIANT, OPTED_OUT, RECIPIENT_BLOCKED, SENDER_STOPPED};

use super::Admission;
use super::screen::{Examined, Finding};
use crate::route::{Carriers, Subject};
use crate::tenants::{Barred, Caller};

/// How many messages are launched in one step.
pub(crate) const LAUNCHES: usize = 100;

impl Admission {
    /// Queues scheduled messages whose time has come, [`LAUNCHES`] at most, and has those fail that may not leave any
    /// more. Returns how many were looked at.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn launch(&self) -> Result<usize, StoreError> {
        let now = self.runtime.look();
        let due = self.store.scheduled_until(now.wall, LAUNCHES).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (mut launches, mut findings) = (Vec::with_capacity(due.len()), Vec::new());
        for message in &due {
            let (decision, finding) = self.decide_launch(message, now);
            let found = finding.as_ref().map(|finding| finding.record.clone());
            launches.push(Launch { id: message.id, decision, found });
            findings.extend(finding.map(|finding| (message.id, finding)));
        }
        let launched = self.store.launch(self.node.epoch(), launches, now).await?;
        // Another node may have found the same, and was quicker.
        for Launched { id, .. } in launched.iter().filter(|launched| launched.has_recorded) {
            let of_it = findings.iter().filter(|(about, _)| about == id);
            of_it.for_each(|(_, finding)| self.count_finding(finding));
        }
        self.dispatchers.iter().for_each(|dispatcher| self.dispatchers.look_at(dispatcher.carrier.name()));
        Ok(due.len())
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
