//! The consequences of the end of an attempt.

use std::sync::Arc;

use model::Timestamp;
use model::webhook::DisabledReason;
use store::contract::webhooks::{DeliveryAttempt, DeliveryRecord, DeliveryState};

use super::exceptions::Exception;
use super::{Action, Ended, Lane, Outcome, Sending, Source};
use crate::webhook::health::Verdict;
use crate::webhook::schedule::{TRIES_MAX, wait_after};

impl Lane {
    pub(super) fn ended(&mut self, seq: u64, ended: Ended, now: Timestamp) -> Vec<Action> {
        let Some(sending) = self.in_flight.remove(&seq) else { return Vec::new() };
        if !self.in_flight.values().any(|other| other.head.resource == sending.head.resource) {
            self.busy.remove(&sending.head.resource);
        }
        self.close(seq);
        let Ended { outcome, attempt, body, unit } = ended;
        let tries = sending.tries + 1;
        let mut actions = Vec::new();
        match outcome {
            Outcome::Delivered => {
                self.note(&sending, DeliveryState::Succeeded, tries, None, attempt, None);
                if self.health.succeeded(now) {
                    self.due_at_once(now);
                    actions.push(Action::Recovered);
                }
            }
            Outcome::Vanished => {
                if sending.source == Source::Exceptions {
                    self.note(&sending, DeliveryState::Failed, tries, None, attempt, None);
                }
            }
            Outcome::NotMade => self.try_again(&sending, sending.tries, now + wait_after(1, unit, None), attempt, body),
            Outcome::Gone => {
                self.try_again(&sending, tries, now, attempt, body);
                self.active = false;
                actions.push(Action::Disable(DisabledReason::Gone));
            }
            Outcome::Failed(asked) => {
                let verdict = self.health.failed(now, unit, asked, sending.probe);
                if tries >= TRIES_MAX && self.health.failing().is_none() {
                    self.note(&sending, DeliveryState::Failed, tries, None, attempt, None);
                } else {
                    self.try_again(&sending, tries, now + wait_after(tries, unit, asked), attempt, body);
                }
                match verdict {
                    Verdict::Same => {}
                    Verdict::Failing => actions.push(Action::Failing),
                    Verdict::Hopeless => {
                        self.active = false;
                        actions.push(Action::Disable(DisabledReason::Failing));
                    }
                }
            }
        }
        actions
    }

    fn try_again(
        &mut self,
        sending: &Sending,
        tries: u32,
        due: Timestamp,
        attempt: Option<DeliveryAttempt>,
        body: Option<Arc<str>>,
    ) {
        self.note(sending, DeliveryState::Pending, tries, Some(due), attempt, body);
        self.exceptions.insert(Exception { head: sending.head, tries, due });
    }

    pub(super) fn note(
        &mut self,
        sending: &Sending,
        state: DeliveryState,
        tries: u32,
        due_at: Option<Timestamp>,
        attempt: Option<DeliveryAttempt>,
        body: Option<Arc<str>>,
    ) {
        self.is_dirty = true;
        self.unrecorded.push(DeliveryRecord { head: sending.head, state, tries, due_at, attempt, body });
    }
}
