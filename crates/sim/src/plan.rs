//! The scenario of a seed: its clients, carriers and settings, and what goes wrong.

pub(crate) mod hooks;

use std::time::Duration;

use model::Originator;
use model::TextRetention;
use model::backoff::Backoff;
use pipeline::keywords::Scope;
use pipeline::route::{OnUnknown, Route};
use pipeline::{DispatchSettings, QueueLimits};

use crate::chance::Chance;
use crate::weather::Weather;
use hooks::{HookEnd, HookPlan, hooks};

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Nothing: what takes long now does so by our own fault.
    Calm,
    /// Carriers have their faults; the process and its disk have none.
    Carriers,
    /// Everything.
    Rough,
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How much goes wrong.
    pub mood: Mood,
    /// How many nodes share the store.
    pub nodes: usize,
    /// Whether clients send more than the carriers take, so that messages wait in memory.
    pub crowded: bool,
    /// How long clients send and things go wrong.
    pub active: Duration,
    /// The dispatchers' settings.
    pub dispatch: DispatchSettings,
    /// Messages of a broadcast in memory, and in one transaction.
    pub lookahead: usize,
    /// Recipients in one transaction.
    pub expansion: usize,
    /// The carriers.
    pub carriers: Vec<CarrierPlan>,
    /// The routes.
    pub routes: Vec<Route>,
    /// The accounts. The last one sends little.
    pub accounts: Vec<AccountPlan>,
    /// What people write.
    pub handsets: HandsetPlan,
    /// The endpoints of the accounts.
    pub hooks: Vec<HookPlan>,
    /// How they come to have everything.
    pub hook_end: HookEnd,
}

/// What people write.
#[derive(Clone, Copy, Debug)]
pub struct HandsetPlan {
    /// How many texts and changes of opt-outs there are.
    pub texts: u64,
    /// How long they rest between two of them, at most.
    pub rest_ms: u64,
    /// How long a message waits for its parts.
    pub parts_wait: Duration,
    /// Whether carriers take nothing for so long after a STOP that its confirmation may not leave any more.
    pub confirms_too_late: bool,
}

/// A carrier.
#[derive(Clone, Debug)]
pub struct CarrierPlan {
    /// Its name.
    pub name: String,
    /// Unanswered segments.
    pub window: usize,
    /// Segments a second; 0 for no bound.
    pub rate: u64,
    /// Segments a second of one originator; 0 for no bound.
    pub originator_rate: u32,
    /// After how long an answer does not count as one.
    pub answer_within: Duration,
    /// How many characters its ids have.
    pub id_length: usize,
    /// Whether its receipts name the recipient.
    pub names_recipient: bool,
    /// Whether it lets nobody else connect while a process has a session, or seems to have one.
    pub has_one_session: bool,
    /// Whether it is an MMSC, whose messages are one request and one report each.
    pub is_mmsc: bool,
    /// What goes wrong with it.
    pub weather: Weather,
}

impl CarrierPlan {
    /// The longest time from a submission to its outcome: it may wait for its session as long as for its answer.
    pub fn answers_within(&self) -> Duration {
        2 * self.answer_within
    }
}

/// An account and its clients.
#[derive(Clone, Debug)]
pub struct AccountPlan {
    /// Recipients a day, for live keys and for test keys each.
    pub quota: u64,
    /// Requests in a minute.
    pub per_minute: u32,
    /// Segments a second of its number.
    pub pace: Option<u32>,
    /// How long its texts are kept, where it has a rule of its own.
    pub texts: Option<TextRetention>,
    /// Its number.
    pub number: Originator,
    /// Another number of the account, from which some of its messages leave.
    pub second: Option<Originator>,
    /// How far an opt-out by keyword reaches.
    pub scope: Scope,
    /// How many requests its clients make.
    pub requests: usize,
    /// How many of a thousand of them are broadcasts.
    pub broadcasts_permille: u64,
    /// How many clients share them.
    pub clients: usize,
    /// How long a client rests between two requests, at most.
    pub rest_ms: u64,
}

impl Plan {
    /// The scenario of a seed.
    pub fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "plan");
        let mood = match chance.below(10) {
            0 | 1 => Mood::Calm,
            2..=4 => Mood::Carriers,
            _ => Mood::Rough,
        };
        let calm = mood == Mood::Calm;
        let crowded = chance.permille(300);
        let answer_within = Duration::from_secs(chance.within(3..12));
        let mut carriers = carriers(&mut chance, mood, answer_within);
        let mut accounts = accounts(&mut chance, calm);
        let handsets = handsets(&mut Chance::new(seed, "handsets"), mood, &mut accounts);
        let mut dispatch = dispatch(&mut chance, calm);
        if crowded {
            crowd(&mut chance, calm, &mut carriers, &mut accounts, &mut dispatch);
        }
        let first = || carriers[0].name.clone();
        let both = carriers.iter().filter(|carrier| !carrier.is_mmsc).map(|carrier| carrier.name.clone()).collect();
        let route = |prefix: &str, kind, carriers: Vec<String>, on_unknown| Route {
            prefix: prefix.to_owned(),
            kind,
            carriers: carriers.into_iter().map(Into::into).collect(),
            on_unknown,
        };
        use model::message::MessageType::{Mms, Sms};
        let routes = vec![
            route(HELD, Sms, vec![first()], OnUnknown::Hold),
            route("+1", Sms, both, OnUnknown::Resend),
            route("+1", Mms, vec![MMSC.to_owned()], OnUnknown::Resend),
        ];
        let mut active = Duration::from_secs(chance.within(8..30));
        let (hooks, hook_end) = hooks(&mut Chance::new(seed, "webhooks"), mood, accounts.len());
        let (lookahead, expansion) = (chance.within(16..200) as usize, chance.within(3..60) as usize);
        let nodes = nodes(seed, mood, &mut carriers, &mut dispatch, &mut active);
        Self {
            seed,
            mood,
            nodes,
            crowded,
            active,
            dispatch,
            lookahead,
            expansion,
            carriers,
            routes,
            accounts,
            handsets,
            hooks,
            hook_end,
        }
    }
}

/// Seeds from here on have two or three nodes on one store.
pub const SEVERAL_NODES: u64 = 1 << 62;

/// How many nodes there are, and what several of them need: the time to take over from each other. In half of the
/// seeds leases end later than that, so that what a dead node had leased is sent in time by a take-over alone; in the
/// other half they end while a carrier moves between living nodes.
fn nodes(
    seed: u64,
    mood: Mood,
    carriers: &mut [CarrierPlan],
    dispatch: &mut DispatchSettings,
    active: &mut Duration,
) -> usize {
    if seed < SEVERAL_NODES {
        return 1;
    }
    let chance = &mut Chance::new(seed, "nodes");
    carriers.iter_mut().for_each(|carrier| carrier.has_one_session = chance.permille(300));
    if mood != Mood::Calm {
        *active += Duration::from_secs(chance.within(5..20));
        if chance.permille(500) {
            dispatch.lease = Duration::from_secs(3_600);
        }
    }
    2 + chance.below(2)
}

/// Recipients on a route that holds messages of unknown outcome.
pub const HELD: &str = "+44";

/// Recipients to whom no route leads.
pub const NOWHERE: &str = "+999";

/// The MMSC.
pub const MMSC: &str = "mmsc";

fn carriers(chance: &mut Chance, mood: Mood, answer_within: Duration) -> Vec<CarrierPlan> {
    let count = 1 + chance.below(2);
    let mut carriers: Vec<CarrierPlan> =
        (0..count).map(|n| carrier(chance, mood, answer_within, format!("smsc{n}"), false)).collect();
    carriers.push(carrier(chance, mood, answer_within, MMSC.to_owned(), true));
    carriers
}

fn carrier(chance: &mut Chance, mood: Mood, answer_within: Duration, name: String, is_mmsc: bool) -> CarrierPlan {
    CarrierPlan {
        name,
        window: chance.within(1..20) as usize,
        rate: if chance.permille(400) { chance.within(5..60) } else { 0 },
        originator_rate: if chance.permille(250) { chance.within(2..20) as u32 } else { 0 },
        answer_within,
        id_length: *chance.pick(&[8, 10, 16, 32]),
        names_recipient: chance.permille(700),
        has_one_session: false,
        is_mmsc,
        weather: if mood == Mood::Calm { Weather::fair() } else { Weather::bad(chance) },
    }
}

/// The senders of the accounts, of each kind: the kind decides nothing.
const SENDERS: [&str; 4] = ["+18005550000", "72345", "Sim & Co.", "+18005550003"];

fn accounts(chance: &mut Chance, calm: bool) -> Vec<AccountPlan> {
    let count = 2 + chance.below(2);
    let number = |n: usize| Originator::parse(SENDERS[n]).unwrap_or_else(|_| unreachable!("it is sound"));
    let mut accounts: Vec<AccountPlan> = (0..count)
        .map(|n| AccountPlan {
            quota: if !calm && chance.permille(300) { chance.within(3..60) } else { 1_000_000 },
            per_minute: if !calm && chance.permille(200) { chance.within(3..30) as u32 } else { 100_000 },
            pace: if chance.permille(350) { Some(chance.within(2..40) as u32) } else { None },
            texts: None,
            number: number(n),
            second: None,
            scope: Scope::Account,
            requests: chance.within(5..50) as usize,
            broadcasts_permille: chance.within(0..120),
            clients: 1 + chance.below(4),
            rest_ms: *chance.pick(&[1, 50, 500, 2_000]),
        })
        .collect();
    let light = AccountPlan {
        quota: 1_000_000,
        per_minute: 100_000,
        pace: None,
        texts: None,
        number: number(count),
        second: None,
        scope: Scope::Account,
        requests: chance.within(1..5) as usize,
        broadcasts_permille: 0,
        clients: 1,
        rest_ms: 4_000,
    };
    accounts.push(light);
    // An account that discards its texts, whose requests can be told apart by their answers alone, and one with days.
    accounts[0].texts = *chance.pick(&[None, None, Some(TextRetention::Discard), TextRetention::of_days(4)]);
    accounts
}

/// Second numbers, of all accounts but the last.
const SECONDS: [&str; 3] = ["+18005550010", "+18005550011", "+18005550012"];

/// What people write, and what the accounts set about it.
fn handsets(chance: &mut Chance, mood: Mood, accounts: &mut [AccountPlan]) -> HandsetPlan {
    let Some((_, heavy)) = accounts.split_last_mut() else { unreachable!("there are accounts") };
    for (account, number) in heavy.iter_mut().zip(SECONDS) {
        account.second = Originator::parse(number).ok().filter(|_| chance.permille(500));
        account.scope = *chance.pick(&[Scope::Account, Scope::Number]);
    }
    HandsetPlan {
        texts: chance.within(3..15),
        rest_ms: *chance.pick(&[50, 500, 2_000]),
        parts_wait: Duration::from_secs(chance.within(2..7)),
        // Where nothing goes wrong, a message that waits for so long is late.
        confirms_too_late: mood != Mood::Calm && chance.permille(60),
    }
}

/// Narrow carriers, busy clients, and leases that end while messages still wait.
fn crowd(
    chance: &mut Chance,
    calm: bool,
    carriers: &mut [CarrierPlan],
    accounts: &mut [AccountPlan],
    dispatch: &mut DispatchSettings,
) {
    for carrier in carriers {
        carrier.window = chance.within(1..4) as usize;
        if !calm {
            carrier.weather.slow = chance.within(50..500);
        }
    }
    dispatch.batch = chance.within(1..8) as usize;
    if !calm {
        dispatch.lease = Duration::from_secs(chance.within(2..8));
    }
    let Some((light, heavy)) = accounts.split_last_mut() else { return };
    for account in heavy {
        (account.requests, account.rest_ms) = (chance.within(15..50) as usize, *chance.pick(&[1, 50]));
        account.broadcasts_permille = chance.within(0..150);
    }
    (light.requests, light.rest_ms) = (chance.within(3..10) as usize, 1_500);
}

fn dispatch(chance: &mut Chance, calm: bool) -> DispatchSettings {
    let total = chance.within(10..400) as usize;
    let seconds = |chance: &mut Chance, range| Duration::from_secs(chance.within(range));
    DispatchSettings {
        queue: QueueLimits {
            total,
            per_account: (total / (1 + chance.below(4))).max(1),
            originator_rate: 0,
            account_rate: if chance.permille(200) { chance.within(5..50) as u32 } else { 0 },
        },
        lease: if calm { Duration::from_secs(3_600) } else { seconds(chance, 5..40) },
        batch: chance.within(1..60) as usize,
        // Where nothing goes wrong no single message waits for a look round, and so it comes late.
        poll: if calm { Duration::from_secs(10) } else { chance.millis(250..3_000) },
        retry: Backoff { floor: chance.millis(500..3_000), ceiling: seconds(chance, 4..20) },
        attempts_per_carrier: chance.within(1..5) as u32,
        fallback_after: seconds(chance, 1..10),
    }
}
