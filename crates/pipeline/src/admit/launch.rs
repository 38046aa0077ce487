//! The end of a scheduled message's wait: whether it may still leave, and where to.
//!
//! Days may lie between the acceptance of a message and the time at which it leaves. So the launch repeats the checks
//! of admission: whether the account and the sender may send, whether the recipient is blocked or has opted out, and
//! whether the screen lets the text pass under the policy of today. The quota was used at the acceptance.

use model::{ErrorCode, Message, Moment};
use screening::Action;
use store::StoreError;
use store::contract::schedule::{Launch, Then};

use super::Admission;
use crate::route::{Carriers, Subject};
use crate::tenants::{Barred, Caller};

/// How many messages are launched in one step.
pub(crate) const LAUNCHES: usize = 100;

/// Why a scheduled message does not leave, as its client reads it.
const ACCOUNT_STOPPED: &str = "The account may not send any more";
const SENDER_STOPPED: &str = "The sender number may not send any more";
const RECIPIENT_BLOCKED: &str = "The recipient is blocked";
const RECIPIENT_OPTED_OUT: &str = "The recipient has opted out";
const NOT_COMPLIANT: &str = "The text violates messaging compliance rules";

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
        let mut launches = Vec::with_capacity(due.len());
        for message in &due {
            launches.push(Launch { id: message.id, then: self.then(message, now).await });
        }
        self.store.launch(self.node.epoch(), launches, now).await?;
        self.dispatchers.iter().for_each(|dispatcher| self.dispatchers.look_at(dispatcher.carrier.name()));
        Ok(due.len())
    }

    /// What follows for a message whose time has come.
    async fn then(&self, message: &Message, now: Moment) -> Then {
        let Some(caller) = self.tenants.on_behalf_of(message.owner()) else { return Then::Failed(ACCOUNT_STOPPED) };
        if self.tenants.check_sender(message.account, message.originator).is_err() {
            return Then::Failed(SENDER_STOPPED);
        }
        match self.tenants.check_recipient(message.owner(), message.originator, message.recipient) {
            Ok(()) => {}
            Err(Barred::Blocked) => return Then::Failed(RECIPIENT_BLOCKED),
            Err(Barred::OptedOut(_)) => return Then::Failed(RECIPIENT_OPTED_OUT),
        }
        if self.is_refused_now(&caller, message, now).await {
            return Then::Failed(NOT_COMPLIANT);
        }
        Then::Queued(self.routes.first(Subject::of(message), |name| self.dispatchers.standing(name)))
    }

    /// Whether the screen refuses a text that it let pass when it was accepted. Only a refusal is recorded and counted:
    /// what else was found in the text is on record since then.
    async fn is_refused_now(&self, caller: &Caller, message: &Message, now: Moment) -> bool {
        let Some(body) = &message.body else { return false };
        if self.screen_in_force().decide(body, &caller.screening).action != Action::Block {
            return false;
        }
        let screened = self.screen(caller, message.originator, Some(body), now.wall).await;
        screened.is_err_and(|refusal| refusal.code == ErrorCode::NonCompliantMessageContent)
    }
}
