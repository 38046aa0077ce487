//! People, who write to the numbers of accounts, opt out and in, and the accounts, which opt them out and in through
//! the API.

mod keywords;
mod saying;
mod texts;

use std::sync::Arc;
use std::time::Duration;

use carrier::{Inbound, InboundContent};
use model::{AccountId, InboundAddress, KeywordKind, Msisdn, Originator};

use crate::chance::Chance;
use crate::ledger::{Brought, Text};
use crate::network::Network;
use crate::world::{World, recipient};

/// All people together.
pub(crate) struct Handsets {
    pub(crate) world: World,
    pub(crate) chance: Chance,
}

impl Handsets {
    /// Writes and asks, one thing after the other begins and many at the same time.
    pub(crate) async fn run(mut self) {
        let plan = self.world.plan.handsets;
        for mark in 1..=plan.texts {
            let rest = self.chance.millis(0..plan.rest_ms);
            self.world.runtime.sleep(rest).await;
            if !self.world.is_active() {
                return;
            }
            let person = Person::new(&self.world, self.chance.fork(), mark);
            self.world.ledger.lock().people.under_way += 1;
            self.world.runtime.spawn("person", Box::pin(person.act()));
        }
    }
}

/// Somebody who writes something to a number of an account.
struct Person {
    world: World,
    chance: Chance,
    mark: u64,
    place: Place,
    network: Arc<Network>,
}

/// A number that people can write to.
#[derive(Clone, Copy)]
struct Place {
    /// The account that has it.
    account: usize,
    number: Originator,
}

impl Person {
    fn new(world: &World, mut chance: Chance, mark: u64) -> Self {
        let numbers = |(account, plan): (usize, &crate::plan::AccountPlan)| {
            let numbers = [Some(plan.number), plan.second].into_iter().flatten();
            numbers.map(move |number| Place { account, number }).collect::<Vec<_>>()
        };
        let places = world.plan.accounts.iter().enumerate().flat_map(numbers);
        // Nobody can write to a name.
        let places: Vec<Place> = places.filter(|place| !matches!(place.number, Originator::Name(_))).collect();
        let place = *chance.pick(&places);
        let smscs: Vec<_> = world.networks.iter().filter(|network| !network.plan.is_mmsc).collect();
        let network = Arc::clone(smscs[chance.below(smscs.len())]);
        Self { world: world.clone(), chance, mark, place, network }
    }

    async fn act(mut self) {
        match self.chance.below(20) {
            0..=4 => self.write_one().await,
            5..=8 => self.write_long().await,
            9 => self.write_to_a_group().await,
            10 => self.write_to_a_stranger().await,
            11 | 12 => self.be_opted_out_or_in().await,
            13..=15 => self.send_keyword(KeywordKind::Stop).await,
            16..=18 => self.send_keyword(KeywordKind::Start).await,
            _ => self.send_keyword(KeywordKind::Help).await,
        }
        self.world.ledger.lock().people.under_way -= 1;
    }

    fn account(&self) -> AccountId {
        self.world.account(self.place.account)
    }

    /// Whether this person was erased, or is about to be: nothing is known any more of what they wrote.
    fn is_erased(&self, handset: Msisdn) -> bool {
        self.world.ledger.lock().erased.contains(&handset)
    }

    /// Has the carrier bring it to the number of this place.
    async fn bring(&self, from: Msisdn, content: InboundContent) -> Brought {
        let (from, to) = (Originator::from(from).into(), vec![self.place.number.into()]);
        self.network.bring(&Inbound { from, to, content }).await
    }

    /// The text as the store is to have it.
    fn text(&self, from: Msisdn, body: String, missing: &[u8], keyword: Option<KeywordKind>) -> Text {
        Text {
            account: Some(self.account()),
            carrier: self.network.plan.name.clone(),
            from,
            to: InboundAddress::from(self.place.number).to_string(),
            body,
            missing: missing.to_vec(),
            keyword,
        }
    }
}

/// So long a carrier takes nothing: longer than a confirmation may wait.
const NOTHING_LEAVES_FOR: Duration = Duration::from_secs(312);

/// A handset sends STOP while carriers take nothing. When they do again, it is too late for a confirmation.
pub(crate) async fn stop_while_nothing_leaves(world: &World) {
    while world.ledger.lock().people.under_way > 0 {
        world.runtime.sleep(Duration::from_secs(1)).await;
    }
    world.executor.note("carriers take nothing for five minutes");
    world.networks.iter().for_each(|network| network.rest(NOTHING_LEAVES_FOR));
    let mut person = Person::new(world, Chance::new(world.plan.seed, "too late"), 0);
    // One that nothing else is sent to.
    person.stop(recipient("+1", 199)).await;
    world.runtime.sleep(NOTHING_LEAVES_FOR).await;
}
