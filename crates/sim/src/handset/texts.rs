//! Texts that ask for nothing: short and long ones, for one and for many, for numbers of accounts and of nobody.

use std::sync::Arc;
use std::time::Duration;

use carrier::{Inbound, InboundContent, InboundMms, PartForm};
use model::{InboundAddress, Mode, Msisdn, Originator, Owner};
use store::contract::inbound::InboundFilter;

use super::Person;
use super::saying::{Cut, NO_KEYWORDS, Saying, coding_of};
use crate::ledger::{Name, Text};
use crate::world::recipient;

/// How long it may take until a message is shown whose parts did not all come: the wait, and what processes and disks
/// take that are in trouble.
const SHOWN_WITHIN: Duration = Duration::from_secs(400);

/// A number that no account has.
const STRANGE: &str = "+18005559999";

impl Person {
    /// A short text, sometimes twice.
    pub(super) async fn write_one(&mut self) {
        let handset = recipient("+1", self.chance.within(0..60));
        let is_ordinary = self.chance.permille(800);
        let saying = if is_ordinary {
            Saying::ordinary(&mut self.chance, self.mark, 1, Cut::BetweenCharacters)
        } else {
            let text = *self.chance.pick(&NO_KEYWORDS);
            let coding = coding_of(&mut self.chance, text);
            Saying::short(text, coding, 1)
        };
        // Others may write what is not ordinary, and only one after the other is told apart from what comes again.
        let handset = if is_ordinary { handset } else { recipient("+1", 100 + self.mark) };
        for _ in 0..1 + usize::from(self.chance.permille(300)) {
            let brought = self.bring(handset, saying.single()).await;
            let text = self.text(handset, saying.without(&[]), &[], None);
            self.world.ledger.lock().people.told(text, brought);
            let rest = self.chance.within(0..2_000);
            // As soon as it can be, sometimes.
            let rest = Duration::from_millis(if rest < 1_000 { 0 } else { rest });
            self.world.runtime.sleep(rest).await;
        }
    }

    /// A text in several parts, which come in any order. Sometimes one of them is late, or never comes.
    pub(super) async fn write_long(&mut self) {
        let handset = recipient("+1", self.chance.within(0..60));
        let pieces = 2 + self.chance.below(3);
        let is_whole = self.chance.permille(700);
        let cut = if is_whole && self.chance.permille(700) { Cut::WithinThem } else { Cut::BetweenCharacters };
        let saying = Saying::ordinary(&mut self.chance, self.mark, pieces, cut);
        let (form, reference, name) = self.name(handset, pieces);
        let mut numbers: Vec<u8> = (1..=pieces).filter_map(|number| u8::try_from(number).ok()).collect();
        for at in (1..numbers.len()).rev() {
            numbers.swap(at, self.chance.below(at + 1));
        }
        let late = if is_whole { None } else { numbers.pop() };
        let part = |number: u8| saying.part(form, reference, number);
        if self.chance.permille(500) {
            self.bring_together(handset, numbers.into_iter().map(part).collect()).await;
        } else {
            for number in numbers {
                self.bring(handset, part(number)).await;
                let rest = self.chance.millis(0..500);
                self.world.runtime.sleep(rest).await;
            }
        }
        let mut missing: Vec<u8> = late.into_iter().collect();
        if let Some(late) = late {
            self.is_shown_without(handset, late).await;
            if self.chance.permille(500) {
                self.bring(handset, part(late)).await;
                missing.clear();
            }
        }
        let text = self.text(handset, saying.without(&missing), &missing, None);
        let mut facts = self.world.ledger.lock();
        facts.people.told_in_parts(text);
        // A message that is not whole would take the parts of another one with its name.
        if missing.is_empty() {
            facts.people.names.remove(&name);
        }
    }

    /// A name for a long message, which has been that of others before, but is of none that is not whole.
    fn name(&mut self, handset: Msisdn, pieces: usize) -> (PartForm, u16, Name) {
        let form = *self.chance.pick(&[PartForm::Header8, PartForm::Header16, PartForm::Parameters]);
        let (carrier, to) = (self.network.plan.name.clone(), self.place.number.to_string());
        let total = u8::try_from(pieces).unwrap_or(u8::MAX);
        let reference = self.chance.within(0..3) as u16;
        // References of 16 bits that no message had.
        let spare = (PartForm::Header16, 1_000 + self.mark as u16);
        for (form, reference) in [(form, reference), spare] {
            let name = (carrier.clone(), handset, to.clone(), form as u8, reference, total);
            if self.world.ledger.lock().people.names.insert(name.clone()) {
                return (form, reference, name);
            }
        }
        unreachable!("each text has a mark of its own")
    }

    /// All at the same time.
    async fn bring_together(&self, handset: Msisdn, contents: Vec<InboundContent>) {
        let mut tasks = Vec::new();
        for content in contents {
            let (network, from, to) =
                (Arc::clone(&self.network), Originator::from(handset).into(), self.place.number.into());
            let inbound = Inbound { from, to: vec![to], content };
            let bring = async move {
                network.bring(&inbound).await;
            };
            tasks.push(self.world.runtime.spawn("part", Box::pin(bring)));
        }
        for task in tasks {
            // One that panicked is reported with the other panics.
            let _ = task.ended().await;
        }
    }

    /// Waits until the message is shown without this part.
    async fn is_shown_without(&self, handset: Msisdn, late: u8) {
        let began = self.world.executor.now();
        let owner = Owner { account: self.account(), mode: Mode::Live };
        let filter = InboundFilter { from: Some(Originator::from(handset).into()), ..InboundFilter::default() };
        while !self.is_erased(handset) {
            self.world.runtime.sleep(Duration::from_secs(1)).await;
            let process = self.world.site.up().await;
            let (store, filter) = (Arc::clone(&process.store), filter.clone());
            let look = async move { store.inbound_messages(Some(owner), filter, None, 100).await };
            let listed = self.world.within(&process, look).await;
            let mark = format!("in {}.", self.mark);
            if let Some(Ok(page)) = listed
                && page.messages.iter().any(|message| {
                    *message.missing_parts == [late] && message.body.text().is_none_or(|text| text.contains(&mark))
                })
            {
                return;
            }
            if self.world.executor.now().saturating_sub(began) > SHOWN_WITHIN {
                self.world.ledger.violated(format!("what {handset} wrote as `{mark}` is not shown without {late}"));
                return;
            }
        }
    }

    /// A multimedia message to the number, to one of another account, and to somebody else.
    pub(super) async fn write_to_a_group(&mut self) {
        let handset = recipient("+1", self.chance.within(0..60));
        let other = self.world.plan.accounts.len() - 1;
        let also = self.world.plan.accounts[other].number;
        let text = format!("in {}.1", self.mark);
        let Some(network) = self.world.networks.iter().find(|network| network.plan.is_mmsc) else { return };
        let stranger = InboundAddress::from(Originator::from(recipient("+1", 77)));
        let mut to = vec![self.place.number.into(), stranger];
        let mut ours = vec![(self.place.account, self.place.number)];
        if other != self.place.account && !matches!(also, Originator::Name(_)) {
            to.push(also.into());
            ours.push((other, also));
        }
        let mms = InboundMms { subject: None, text: text.clone(), files: Vec::new() };
        let inbound = Inbound { from: Originator::from(handset).into(), to, content: InboundContent::Mms(mms) };
        let brought = network.bring(&inbound).await;
        for (account, number) in ours {
            let text = Text {
                account: Some(self.world.account(account)),
                carrier: network.plan.name.clone(),
                to: number.to_string(),
                ..self.text(handset, text.clone(), &[], None)
            };
            self.world.ledger.lock().people.told(text, brought);
        }
    }

    /// A text to a number that no account has.
    pub(super) async fn write_to_a_stranger(&mut self) {
        let handset = recipient("+1", self.chance.within(0..60));
        let saying = Saying::ordinary(&mut self.chance, self.mark, 1, Cut::BetweenCharacters);
        let (from, to) = (Originator::from(handset).into(), InboundAddress::of(STRANGE));
        let text = Text { account: None, to: to.to_string(), ..self.text(handset, saying.without(&[]), &[], None) };
        let brought = self.network.bring(&Inbound { from, to: vec![to], content: saying.single() }).await;
        self.world.ledger.lock().people.told(text, brought);
    }
}
