//! Keywords, and opt-outs through the API.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use carrier::PartForm;
use model::{KeywordKind, MessageId, Mode, Msisdn, OptOutName, OptOutSource, Originator, Owner, Status};
use pipeline::keywords::Scope;
use pipeline::tenants::NewOptOut;
use store::contract::messages::MessageFilter;

use super::Person;
use super::saying::{Saying, coding_of, keyword};
use crate::ledger::{Brought, Change, Named};
use crate::plan::Mood;

impl Person {
    /// A keyword, of a handset about which nothing is under way.
    pub(super) async fn send_keyword(&mut self, kind: KeywordKind) {
        let account = self.account();
        let (out, known) = {
            let people = &self.world.ledger.lock().people;
            (people.out(account), people.known(account))
        };
        // Mostly of those for whom it changes something, and who may have sent the same before.
        let handset = if kind == KeywordKind::Start && !out.is_empty() {
            *self.chance.pick(&out)
        } else if kind == KeywordKind::Stop && !known.is_empty() && self.chance.permille(400) {
            *self.chance.pick(&known)
        } else {
            self.world.likely_recipient(&mut self.chance)
        };
        if self.world.ledger.lock().people.try_begin(account, handset) {
            self.ask(handset, kind).await;
            self.world.ledger.lock().people.end(account, handset);
        }
    }

    /// STOP, of a handset about which nothing is under way.
    pub(super) async fn stop(&mut self, handset: Msisdn) {
        let account = self.account();
        if self.world.ledger.lock().people.try_begin(account, handset) {
            self.ask(handset, KeywordKind::Stop).await;
            self.world.ledger.lock().people.end(account, handset);
        }
    }

    async fn ask(&mut self, handset: Msisdn, kind: KeywordKind) {
        let (account, number, began) = (self.account(), self.place.number, self.world.executor.now());
        let is_of_account = self.world.plan.accounts[self.place.account].scope == Scope::Account;
        let (change, is_open) = {
            let people = &mut self.world.ledger.lock().people;
            let is_open = people.is_open(account, handset);
            // Where it is not known what is in force, it is not known either how far a START reaches.
            let is_of_account = is_of_account || is_open && kind == KeywordKind::Start;
            let change = match kind {
                KeywordKind::Stop => Some(Change::Out(Some(number).filter(|_| !is_of_account))),
                KeywordKind::Start => Some(people.ended_by_start(account, handset, number, is_of_account)),
                KeywordKind::Help => None,
            };
            let has_effect = change.as_ref().is_some_and(|change| people.begin_change(account, handset, change));
            let asked = people.asked.entry((account, handset, number)).or_default();
            asked.is_unsure |= is_open;
            match kind {
                KeywordKind::Stop => {
                    asked.stops += 1;
                    asked.stops_of_effect += usize::from(has_effect);
                    asked.last_stop = began;
                }
                KeywordKind::Start => asked.starts_of_effect += usize::from(has_effect),
                KeywordKind::Help => asked.helps += 1,
            }
            (change, is_open)
        };
        let text = keyword(&mut self.chance, kind);
        let coding = coding_of(&mut self.chance, text);
        let pieces = 1 + usize::from(text.is_ascii() && self.chance.permille(100));
        let brought = self.bring_in_pieces(handset, &Saying::short(text, coding, pieces)).await;
        let (text, now) = (self.text(handset, text.to_owned(), &[], Some(kind)), self.world.executor.now());
        self.world.executor.note(&format!("{handset} has sent {kind:?} to {number}"));
        {
            let people = &mut self.world.ledger.lock().people;
            let is_sure = match brought {
                Some(brought) => people.told(text, brought),
                None => {
                    people.told_in_parts(text);
                    true
                }
            };
            match &change {
                Some(change @ Change::In(_)) if is_open || !is_sure => people.leave_open(account, handset, change),
                Some(change) => people.end_change(account, handset, change, now),
                None => {}
            }
            people.asked.entry((account, handset, number)).or_default().is_unsure |= !is_sure;
            if kind == KeywordKind::Stop
                && let Some(asked) = people.asked.get_mut(&(account, handset, number))
            {
                asked.last_stop = now;
            }
        }
        if let Some(Change::Out(name)) = change {
            self.queued_have_failed(handset, name, began).await;
        }
    }

    /// Brings a text in one or more parts; `None` for more.
    async fn bring_in_pieces(&mut self, handset: Msisdn, saying: &Saying) -> Option<Brought> {
        if saying.texts.len() == 1 {
            return Some(self.bring(handset, saying.single()).await);
        }
        // The same parts under the same name would be taken for what came before.
        let reference = 2_000 + self.mark as u16;
        for number in [2, 1] {
            self.bring(handset, saying.part(PartForm::Header16, reference, number)).await;
        }
        None
    }

    /// Once an opt-out is answered, what was promised before `began`, when it was asked for, has failed, unless an
    /// attempt of it is on record.
    async fn queued_have_failed(&self, handset: Msisdn, name: Option<Originator>, began: Duration) {
        // On a faulty disk they fail when they are due.
        if self.world.plan.mood == Mood::Rough {
            return;
        }
        let Some(process) = self.world.site.process() else { return };
        let (store, recipient) = (Arc::clone(&process.store), Some(handset));
        let (account, status) = (Some(self.account()), Some(Status::Queued));
        let filter = MessageFilter { account, mode: Some(Mode::Live), status, recipient, ..MessageFilter::default() };
        let listed = self.world.within(&process, async move { store.messages(None, filter, None, 1_000).await }).await;
        let Some(Ok(page)) = listed else { return };
        let mut facts = self.world.ledger.lock();
        let requests = facts.requests.values().filter_map(|request| request.promised.as_ref());
        let promised: BTreeSet<MessageId> = requests
            .filter(|promise| promise.at < began)
            .filter_map(|promise| if let Named::Message(id) = promise.id { Some(id) } else { None })
            .collect();
        let waiting = page.messages.iter().find(|record| {
            let (message, delivery) = (&record.message, &record.delivery);
            let is_meant = name.is_none_or(|name| name == message.originator);
            is_meant && delivery.attempts == 0 && !delivery.held && promised.contains(&message.id)
        });
        if let Some(record) = waiting {
            let what = format!("{} waits for a handset that has opted out", record.message.id);
            facts.violated(what);
        }
    }

    /// The account opts a handset out, or in again, through the API.
    pub(super) async fn be_opted_out_or_in(&mut self) {
        let account = self.account();
        let name = Some(self.place.number).filter(|_| self.chance.permille(400));
        let out = self.world.ledger.lock().people.out(account);
        let is_out = out.is_empty() || self.chance.permille(500);
        let handset = if is_out { self.world.likely_recipient(&mut self.chance) } else { *self.chance.pick(&out) };
        let change = if is_out { Change::Out(name) } else { Change::In(vec![name]) };
        {
            let people = &mut self.world.ledger.lock().people;
            if !people.try_begin(account, handset) {
                return;
            }
            people.begin_change(account, handset, &change);
        }
        let began = self.world.executor.now();
        let of = OptOutName { owner: Owner { account, mode: Mode::Live }, number: handset, from: name };
        while !self.change(of, is_out).await {
            let rest = self.chance.millis(100..2_000);
            self.world.runtime.sleep(rest).await;
        }
        let now = self.world.executor.now();
        self.world.executor.note(&format!("{handset} is opted out: {is_out}, of {name:?}"));
        self.world.ledger.lock().people.end_change(account, handset, &change, now);
        if is_out {
            self.queued_have_failed(handset, name, began).await;
        }
        self.world.ledger.lock().people.end(account, handset);
    }

    /// Asks once. Says whether it was answered.
    async fn change(&self, name: OptOutName, is_out: bool) -> bool {
        let process = self.world.site.up().await;
        let tenants = Arc::clone(&process.tenants);
        let asked = async move {
            let reason = Some("asked by telephone".into());
            if is_out {
                let new = NewOptOut { name, reason, since: None };
                return tenants.opt_out(vec![new], OptOutSource::Api).await.is_ok();
            }
            tenants.opt_in(name, OptOutSource::Api, reason).await.is_ok()
        };
        self.world.within(&process, asked).await.unwrap_or(false)
    }
}
