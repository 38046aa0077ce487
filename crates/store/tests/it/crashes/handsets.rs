//! What handsets send while the power is cut: no part that was recorded is lost, no message is there twice, and an
//! opt-out that was confirmed is in force, with the message that asked for it and its confirmation.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use model::{Entropy, KeywordKind, Msisdn, OptOut, OptOutName, OptOutSource, Owner, SeededEntropy};
use store::Store;
use store::contract::inbound::{Arrival, InboundOutcome};
use store::contract::messages::MessageFilter;
use store::contract::nodes::Epoch;

use super::Said;
use crate::office::{Office, address, arrival, at, part};
use crate::support::SOUTH;

/// The owner of what handsets write to.
pub(super) struct Handsets {
    office: Arc<Office>,
    /// Messages in parts, each with the parts that the store has for certain.
    long: Vec<Long>,
    /// Handsets that said STOP, and others that were opted out.
    stopped: Vec<Asked>,
    opted_out: Vec<Asked>,
}

struct Long {
    total: u8,
    certain: BTreeSet<u8>,
}

/// Something that was asked of the store, and whether it said that it is done.
struct Asked {
    number: Msisdn,
    is_certain: bool,
}

impl Handsets {
    pub(super) fn of(owner: Owner, seed: u64) -> Self {
        // What the story leases goes to another carrier.
        let office = Arc::new(Office { carrier: SOUTH, entropy: SeededEntropy::new(seed), ..Office::of(owner) });
        Self { office, long: Vec::new(), stopped: Vec::new(), opted_out: Vec::new() }
    }

    /// Sends some parts, a STOP, or makes an opt-out.
    pub(super) async fn work(&mut self, store: &Arc<dyn Store>, node: Epoch, chance: &SeededEntropy) -> Said<()> {
        match chance.next_u64() % 4 {
            0 => self.stop(store, node).await,
            1 => self.opt_out(store).await,
            _ => self.send_parts(store, node, chance).await,
        }
    }

    async fn send_parts(&mut self, store: &Arc<dyn Store>, node: Epoch, chance: &SeededEntropy) -> Said<()> {
        if self.long.iter().all(|long| long.certain.len() == usize::from(long.total)) {
            self.long.push(Long { total: 2 + (chance.next_u64() % 3) as u8, certain: BTreeSet::new() });
        }
        let which = self.long.len() - 1;
        let total = self.long[which].total;
        let numbers: BTreeSet<u8> = (0..2).map(|_| 1 + (chance.next_u64() % u64::from(total)) as u8).collect();
        let arrivals = numbers.iter().map(|number| part_of(which, *number, total)).collect();
        let recorded = store.record_inbound(node, arrivals, Arc::clone(&self.office) as _).await.map_err(drop)?;
        self.long[which].certain.extend(numbers);
        if chance.next_u64().is_multiple_of(2) {
            let answered = recorded.into_iter().map(|recorded| recorded.arrival).collect();
            store.answered(answered).await.map_err(drop)?;
        }
        Ok(())
    }

    async fn stop(&mut self, store: &Arc<dyn Store>, node: Epoch) -> Said<()> {
        let number = testkit::recipient(1_000 + self.stopped.len() as u32);
        self.stopped.push(Asked { number, is_certain: false });
        store.record_inbound(node, vec![stop_of(number)], Arc::clone(&self.office) as _).await.map_err(drop)?;
        self.stopped.iter_mut().for_each(|asked| asked.is_certain |= asked.number == number);
        Ok(())
    }

    async fn opt_out(&mut self, store: &Arc<dyn Store>) -> Said<()> {
        let number = testkit::recipient(2_000 + self.opted_out.len() as u32);
        self.opted_out.push(Asked { number, is_certain: false });
        let name = OptOutName { owner: self.office.owner, number, from: None };
        let (source, created_at) = (OptOutSource::Api, at(0));
        let opt_out = OptOut { name, source, keyword: None, message: None, reason: None, created_at };
        store.opt_out(vec![opt_out]).await.map_err(drop)?;
        self.opted_out.iter_mut().for_each(|asked| asked.is_certain |= asked.number == number);
        Ok(())
    }

    /// Compares the store with what it had answered. Then carriers send again what had no answer.
    pub(super) async fn compare(&mut self, store: &Arc<dyn Store>, node: Epoch) {
        let in_force = in_force(store).await;
        for asked in self.stopped.iter_mut().chain(&mut self.opted_out) {
            let is_out = in_force.contains(&asked.number);
            assert!(is_out || !asked.is_certain, "an opt-out that was confirmed is lost");
            asked.is_certain = is_out;
        }
        let replies = self.replies(store).await;
        let stops: BTreeSet<Msisdn> =
            self.stopped.iter().filter(|asked| asked.is_certain).map(|one| one.number).collect();
        assert_eq!(replies, stops, "an opt-out is there with its confirmation or not at all");
        for number in self.stopped.iter().filter(|asked| !asked.is_certain).map(|asked| asked.number) {
            store.record_inbound(node, vec![stop_of(number)], Arc::clone(&self.office) as _).await.unwrap();
        }
        self.stopped.iter_mut().for_each(|asked| asked.is_certain = true);
        self.opted_out.retain(|asked| asked.is_certain);
        for (which, long) in self.long.iter_mut().enumerate() {
            for number in 1..=long.total {
                let is_certain = long.certain.contains(&number);
                let again = vec![part_of(which, number, long.total)];
                let outcome =
                    store.record_inbound(node, again, Arc::clone(&self.office) as _).await.unwrap().remove(0).outcome;
                assert!(
                    outcome == InboundOutcome::Repeated || !is_certain,
                    "part {number} of {which} is lost: {outcome:?}"
                );
                long.certain.insert(number);
            }
        }
        let page = store.inbound_messages(Some(self.office.owner), Default::default(), None, 1_000).await.unwrap();
        let mut found: Vec<String> = page.messages.iter().map(|one| one.body.text().unwrap().to_owned()).collect();
        let whole = |(which, long): (usize, &Long)| (1..=long.total).map(|number| text_of(which, number)).collect();
        let mut wanted: Vec<String> = self.long.iter().enumerate().map(whole).collect();
        wanted.extend(self.stopped.iter().map(|_| "STOP".to_owned()));
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }

    /// The handsets that have a confirmation of a STOP.
    async fn replies(&self, store: &Arc<dyn Store>) -> BTreeSet<Msisdn> {
        let page = store.messages(Some(self.office.owner), MessageFilter::default(), None, 1_000).await.unwrap();
        let is_reply = |automatic| automatic == Some(KeywordKind::Stop);
        let replies = page.messages.iter().filter(|record| is_reply(record.message.automatic));
        replies.map(|record| record.message.recipient).collect()
    }
}

fn text_of(which: usize, number: u8) -> String {
    format!("{which}.{number};")
}

fn part_of(which: usize, number: u8, total: u8) -> Arrival {
    let mut arrival = part(number, total, &text_of(which, number), at(0));
    if let Some(part) = &mut arrival.part {
        part.reference = which as u16;
    }
    arrival
}

fn stop_of(number: Msisdn) -> Arrival {
    Arrival { from: address(&number.to_string()), ..arrival("STOP", at(0)) }
}

async fn in_force(store: &Arc<dyn Store>) -> BTreeSet<Msisdn> {
    let found: Arc<Mutex<BTreeSet<Msisdn>>> = Arc::default();
    let into = Arc::clone(&found);
    let each = move |batch: Vec<OptOut>| into.lock().unwrap().extend(batch.into_iter().map(|one| one.name.number));
    store.all_opt_outs(Box::new(each)).await.unwrap();
    Arc::try_unwrap(found).unwrap().into_inner().unwrap()
}
