//! One run: a world is made, lives, is healed, and is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use model::account::Limits;
use model::message::MessageRecord;
use model::number::NumberState;
use model::quota::UtcDay;
use model::{MessageId, Mode, Owner, Status, Timestamp};
use pipeline::keywords::{KeywordSettings, Scope};
use runtime::{Runtime, Task};
use screening::Screen;
use store::StoreError;
use store::contract::broadcasts::BroadcastFilter;
use store::contract::inbound::InboundFilter;
use store::contract::messages::MessageFilter;
use store::contract::optouts::OptOutFilter;
use store::contract::tenants::KeywordsOf;
use tokio::sync::watch;

use crate::chance::Chance;
use crate::check::{self, Everything, Found};
use crate::client::{Client, MARKS_PER_REQUEST};
use crate::counts::Counts;
use crate::executor::{Executor, ProcessId};
use crate::handset::{self, Handsets};
use crate::hooks;
use crate::ledger::Ledger;
use crate::nemesis::nodes::Unrest;
use crate::nemesis::{Nemesis, USUAL};
use crate::network::Network;
use crate::operator::Operator;
use crate::plan::{CarrierPlan, Mood, Plan};
use crate::servers::Servers;
use crate::site::{Credentials, Death, Process, Site, VALID};
use crate::world::{Key, Tenant, World};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What must not happen and did.
    pub violations: Vec<String>,
    /// A number for all that happened.
    pub digest: u64,
    /// How many steps there were.
    pub steps: u64,
    /// What happened, counted.
    pub counts: Counts,
}

/// More steps than any scenario needs.
const STEPS_MAX: u64 = 6_000_000;

/// Monday, noon.
const START: Timestamp = Timestamp::from_millis(1_773_576_000_000);

/// Runs the scenario of a seed. With `is_traced` everything that happens is logged.
pub fn run(seed: u64, is_traced: bool) -> Report {
    let plan = Plan::of(seed);
    // Near midnight days change, and with them quotas.
    let start = if seed.is_multiple_of(5) { START + Duration::from_secs(12 * 3_600 - 20) } else { START };
    let executor = Executor::new(Chance::new(seed, "order"), start, is_traced);
    if is_traced {
        executor.note(&format!("{plan:#?}"));
    }
    let runtime: Arc<dyn Runtime> = executor.process(ProcessId::WORLD);
    let ledger = Arc::new(Ledger::default());
    let networks: Vec<Arc<Network>> = plan
        .carriers
        .iter()
        .map(|carrier| {
            Network::new(
                carrier.clone(),
                plan.mood,
                executor.clone(),
                Arc::clone(&runtime),
                Arc::clone(&ledger),
                Chance::new(seed, &carrier.name),
            )
        })
        .collect();
    let servers =
        Servers::new(executor.clone(), Arc::clone(&runtime), Arc::clone(&ledger), Chance::new(seed, "servers"));
    let site = Site::new(
        plan.clone(),
        executor.clone(),
        Arc::clone(&runtime),
        networks.clone(),
        Arc::clone(&servers),
        screen(),
        Arc::clone(&ledger),
    );
    let (active, is_active) = watch::channel(true);
    let tenants = Arc::new(Mutex::new(Vec::new()));
    let world = World {
        plan: Arc::new(plan),
        executor: executor.clone(),
        runtime: Arc::clone(&runtime),
        site,
        networks,
        servers,
        ledger,
        tenants,
        is_active,
    };
    let counts = Arc::new(Mutex::new(Counts::default()));
    let (lives, counted) = (world.clone(), Arc::clone(&counts));
    let work = async move {
        let made = live(lives, active).await;
        *counted.lock().unwrap_or_else(PoisonError::into_inner) = made;
    };
    let mut main = runtime.spawn("main", Box::pin(work));
    match executor.run(&mut main, STEPS_MAX) {
        Ok(Ok(())) => {}
        Ok(Err(ended)) => world.ledger.violated(format!("the simulation itself {ended}")),
        Err(stuck) => world.ledger.violated(format!("nothing goes on: {stuck:?}")),
    }
    let (digest, steps) = (executor.digest(), executor.steps());
    // What tasks hold, they hold in circles.
    world.networks.iter().for_each(|network| network.disconnect());
    world.site.with_disk(|disk| disk.cut_after(0));
    executor.kill_all();
    world.site.forget();
    executor.take_panics().into_iter().for_each(|panic| world.ledger.violated(panic));
    let violations = std::mem::take(&mut world.ledger.lock().violations);
    let counts = *counts.lock().unwrap_or_else(PoisonError::into_inner);
    Report { seed, violations, digest, steps, counts }
}

/// The screen, which is large and the same for all.
fn screen() -> Arc<Screen> {
    static SCREEN: OnceLock<Arc<Screen>> = OnceLock::new();
    Arc::clone(SCREEN.get_or_init(|| Arc::new(Screen::builtin())))
}

async fn live(world: World, active: watch::Sender<bool>) -> Counts {
    let keeper = world.runtime.spawn("keeper", Box::pin(Arc::clone(&world.site).keep()));
    let process = world.site.up().await;
    if let Err(error) = settle_in(&world, &process).await {
        world.ledger.violated(format!("a new store takes no accounts: {error}"));
        return Counts::default();
    }
    drop(process);
    let mut clients = clients(&world);
    let seed = world.plan.seed;
    let operator = Operator { world: world.clone(), chance: Chance::new(seed, "operator") };
    clients.push(world.runtime.spawn("operator", Box::pin(operator.run())));
    let handsets = Handsets { world: world.clone(), chance: Chance::new(seed, "people") };
    clients.push(world.runtime.spawn("handsets", Box::pin(handsets.run())));
    for network in &world.networks {
        world.runtime.spawn("network", Box::pin(Arc::clone(network).live()));
    }
    if world.plan.mood == Mood::Rough {
        let nemesis = Nemesis { world: world.clone(), chance: Chance::new(seed, "nemesis") };
        clients.push(world.runtime.spawn("nemesis", Box::pin(nemesis.run())));
    }
    if !world.site.is_alone() {
        world.runtime.spawn("take-over", Box::pin(check::takeover::carriers_have_nodes(world.clone())));
    }
    if !world.site.is_alone() && world.plan.mood != Mood::Calm {
        let unrest = Unrest { world: world.clone(), chance: Chance::new(seed, "unrest") };
        clients.push(world.runtime.spawn("unrest", Box::pin(unrest.run())));
    }
    world.runtime.sleep(world.plan.active).await;
    active.send_replace(false);
    heal(&world);
    for client in clients {
        // One that panicked is reported with the other panics.
        let _ = client.ended().await;
    }
    // Again, for a fault that was still under way.
    heal(&world);
    come_to_time(&world);
    if world.plan.handsets.confirms_too_late {
        handset::stop_while_nothing_leaves(&world).await;
    }
    let found = rest(&world).await;
    check::at_rest(&world, &found);
    let delivered = hooks::rest(&world).await;
    let found = read_now(&world, Events::LeftOut).await;
    check::hooks::endpoints_have_everything(&world, &delivered, &found);
    let counts = check::count(&world, &found);
    after_a_power_cut(&world, &found).await;
    grow_old(&world).await;
    world.site.close();
    let _ = keeper.ended().await;
    counts
}

/// Accounts, keys and numbers.
async fn settle_in(world: &World, process: &Arc<Process>) -> Result<(), StoreError> {
    for plan in &world.plan.accounts {
        let limits = Limits {
            message_per_minute: plan.per_minute,
            broadcast_per_minute: plan.per_minute,
            read_per_minute: 600,
            daily_quota: plan.quota,
        };
        let account = process.tenants.create_account_keeping("account".to_owned(), limits, plan.texts).await?.id;
        let mut keys = Vec::new();
        for mode in [Mode::Live, Mode::Test] {
            let (key, secret) = process.tenants.create_key(account, mode, None, None).await?;
            keys.push(Key {
                credentials: Credentials { id: key.id, secret: secret.reveal().to_owned() },
                revoked: None,
            });
        }
        let pace = plan.pace.and_then(std::num::NonZeroU32::new);
        process.tenants.create_number(plan.number, Some(account), NumberState::Active, pace).await?;
        if let Some(second) = plan.second {
            process.tenants.create_number(second, Some(account), NumberState::Active, None).await?;
        }
        if plan.scope != Scope::Account {
            let settings = KeywordSettings { opt_out_scope: Some(plan.scope), ..KeywordSettings::default() };
            process.tenants.set_keywords(KeywordsOf::Account(account), &settings).await?;
        }
        let (Some(test), Some(live)) = (keys.pop(), keys.pop()) else { continue };
        world.tenants().push(Tenant { account, live, test });
    }
    hooks::settle_in(world, process).await
}

fn clients(world: &World) -> Vec<Task> {
    let mut chance = Chance::new(world.plan.seed, "clients");
    let mut mark = 1;
    let mut tasks = Vec::new();
    for (account, plan) in world.plan.accounts.iter().enumerate() {
        for _ in 0..plan.clients {
            let requests = plan.requests / plan.clients;
            let client = Client { world: world.clone(), account, requests, mark, chance: chance.fork() };
            mark += (requests as u64 + 1) * MARKS_PER_REQUEST;
            tasks.push(world.runtime.spawn("client", Box::pin(client.run())));
        }
    }
    tasks
}

/// Nothing goes wrong any more.
fn heal(world: &World) {
    world.executor.note("everything is well from now on");
    world.site.with_disk(|disk| disk.set_room(None));
    // A cut that is planned is a kill that has not happened yet.
    if !world.site.is_dying() {
        world.site.with_disk(disk::Disk::heal);
    }
    world.executor.set_slowness(USUAL);
    world.site.all_go_on();
    world.networks.iter().for_each(|network| network.heal());
}

/// A clock that was set back is set to the time at which the last message is to leave.
fn come_to_time(world: &World) {
    let mut facts = world.ledger.lock();
    let Some(late) = facts.leave_by.map(|at| at.since(world.executor.wall())).filter(|late| *late > SOON) else {
        return;
    };
    let ms = i64::try_from(late.as_millis()).unwrap_or(0);
    world.executor.note(&format!("clock: set by {ms} ms, for messages that leave later"));
    world.executor.set_wall_by(ms);
    facts.clock_was_set(ms);
}

/// Waits until nothing is on its way any more, and returns what the store has then.
async fn rest(world: &World) -> Everything {
    let began = world.executor.now();
    let limit = patience(world);
    loop {
        let process = world.site.up().await;
        let runtime: Arc<dyn Runtime> = process.runtime.clone();
        let reading = Arc::clone(&process);
        // Asked before the messages are read, which may not show a receipt that is taken meanwhile.
        let reports: usize = world.networks.iter().map(|network| network.pending()).sum();
        let texts = world.ledger.lock().people.under_way;
        let found = world
            .runtime
            .timeout(Duration::from_secs(60), runtime.run("read", async move { unfinished(&reading).await }))
            .await;
        drop(process);
        let waited = world.executor.now().saturating_sub(began);
        if let Ok(Ok(Ok(Unfinished { messages, broadcasts }))) = found {
            if messages.is_empty() && reports == 0 && broadcasts == 0 && texts == 0 {
                return read_now(world, Events::Read).await;
            }
            if waited > limit {
                let which: Vec<String> = messages.iter().take(5).map(ToString::to_string).collect();
                let count = messages.len();
                world.ledger.violated(format!(
                    "no progress: {waited:?} after faults ended {count} messages are queued ({which:?}), {broadcasts} \
                     broadcasts open, {reports} reports and {texts} texts of handsets not taken"
                ));
                return read_now(world, Events::Read).await;
            }
        } else if waited > limit {
            world.ledger.violated(format!(
                "no progress: {waited:?} after faults ended the store cannot be read: {:?}",
                found.map(|read| read.map(|read| read.map(drop)))
            ));
            return Everything::default();
        }
        world.runtime.sleep(Duration::from_secs(3)).await;
    }
}

/// How long it may take until all that waits has left: what retries and leases need, and what paces need for all
/// segments.
fn patience(world: &World) -> Duration {
    let plan = &world.plan;
    let facts = world.ledger.lock();
    let answers = facts.people.asked.values().map(|asked| asked.stops + asked.starts_of_effect + asked.helps);
    let recipients: usize = facts.requests.values().map(|request| request.recipients.len()).chain(answers).sum();
    let slowest = plan.accounts.iter().filter_map(|account| account.pace.map(u64::from));
    let slowest =
        slowest.chain(plan.carriers.iter().flat_map(|carrier| [carrier.rate, u64::from(carrier.originator_rate)]));
    let slowest = slowest.chain([u64::from(plan.dispatch.queue.account_rate)]).filter(|rate| *rate > 0).min();
    let paced = slowest.map_or(0, |rate| 3 * recipients as u64 / rate);
    let windows: usize = plan.carriers.iter().map(|carrier| carrier.window).min().unwrap_or(1);
    // A window of one that is answered within 60 ms.
    let carried = 3 * recipients as u64 / windows as u64 / 10;
    match plan.mood {
        // Messages of broadcasts that find no room in memory wait for looks round, at which as many come as there is
        // room.
        Mood::Calm => Duration::from_secs(
            60 + paced + carried + 10 * recipients as u64 / (plan.dispatch.queue.total as u64 / 4).clamp(1, 16),
        ),
        Mood::Carriers | Mood::Rough => {
            let answers = plan.carriers.iter().map(CarrierPlan::answers_within).max().unwrap_or_default();
            // What a node that died had leased, others take over.
            let lease = if plan.nodes > 1 { Duration::ZERO } else { plan.dispatch.lease };
            3 * (lease + pipeline::lease::shortest(answers) + plan.dispatch.retry.ceiling)
                + Duration::from_secs(180 + paced + carried)
        }
    }
}

/// What has not ended.
#[derive(Default)]
struct Unfinished {
    /// Messages that are scheduled, or queued and not held.
    messages: Vec<MessageId>,
    /// How many broadcasts are open although none of their messages is held.
    broadcasts: usize,
}

async fn unfinished(process: &Process) -> Result<Unfinished, StoreError> {
    let (store, mut found, mut held) = (&process.store, Unfinished::default(), BTreeSet::new());
    // In this order, for one that is queued meanwhile.
    for status in [Status::Scheduled, Status::Queued] {
        let waiting = MessageFilter { status: Some(status), ..MessageFilter::default() };
        let mut after = None;
        loop {
            let page = store.messages(None, waiting.clone(), after, 100).await?;
            for record in page.messages {
                if record.delivery.held {
                    held.extend(record.message.broadcast);
                } else {
                    found.messages.push(record.message.id);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    let mut after = None;
    loop {
        let page = store.broadcasts(None, BroadcastFilter::default(), after, 100).await?;
        found.broadcasts += page
            .broadcasts
            .iter()
            .filter(|record| record.status.is_open() && !held.contains(&record.broadcast.id))
            .count();
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// For messages that leave so soon no clock is set.
const SOON: Duration = Duration::from_secs(30);

/// Whether what happened to each message is read too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Events {
    Read,
    LeftOut,
}

/// More processes than ever end while they read, one after the other.
const READERS_MAX: usize = 10;

/// Every message of the store, with what happened to it.
async fn read(process: &Process, events: Events) -> Result<Everything, StoreError> {
    let (store, mut found, mut after) = (&process.store, Everything::default(), None);
    loop {
        let page = store.messages(None, MessageFilter::default(), after, 100).await?;
        for record in page.messages {
            let id = record.message.id;
            let events = if events == Events::Read { store.events(id).await? } else { Vec::new() };
            found.messages.insert(id, Found { record, events });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    read_of_handsets(process, &mut found).await?;
    let mut after = None;
    loop {
        let page = store.broadcasts(None, BroadcastFilter::default(), after, 100).await?;
        found.broadcasts.extend(page.broadcasts);
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Every message of a handset, every opt-out, and every count by day.
async fn read_of_handsets(process: &Process, found: &mut Everything) -> Result<(), StoreError> {
    let (store, mut after) = (&process.store, None);
    loop {
        let page = store.inbound_messages(None, InboundFilter::default(), after, 100).await?;
        found.inbound.extend(page.messages);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.unrouted = store.unrouted(None, 1_000).await?.messages.into_iter().map(|unrouted| unrouted.message).collect();
    for account in process.tenants.accounts(None, None, 100).items {
        let owner = Owner { account: account.id, mode: Mode::Live };
        let page = store.opt_outs(owner, OptOutFilter::default(), None, 1_000).await?;
        found.opt_outs.extend(page.opt_outs.iter().map(|out| (owner.account, out.name.number, out.name.from)));
        for mode in [Mode::Live, Mode::Test] {
            let owner = Owner { mode, ..owner };
            let counts = store.usage(owner, UtcDay(0), UtcDay(1_000_000)).await?;
            found.usage.extend(counts.into_iter().map(|count| (owner, count)));
        }
    }
    Ok(())
}

/// What was at rest is still so after a loss of power; and much later everything has its end.
async fn after_a_power_cut(world: &World, before: &Everything) {
    world.site.end(Death::PowerCut);
    world.runtime.sleep(Duration::from_millis(2)).await;
    // A receipt that nothing claimed for long settles one that was held, at any time.
    let was_held = |id: &MessageId| before.messages.get(id).is_some_and(|found| found.record.delivery.held);
    let statuses = |found: &Everything| -> BTreeMap<MessageId, MessageRecord> {
        let all = found.messages.iter().map(|(id, found)| (*id, found.record.clone()));
        all.filter(|(id, _)| !was_held(id)).collect()
    };
    let after = read_now(world, Events::LeftOut).await;
    if statuses(&after) != statuses(before) {
        let (before, after) = (statuses(before), statuses(&after));
        let differs = before
            .iter()
            .find(|(id, record)| after.get(id) != Some(record))
            .map(|(id, record)| format!("{id}: {record:?}, then {:?}", after.get(id)));
        world.ledger.violated(format!(
            "what was at rest changed by a loss of power: {} messages, then {}; {differs:?}",
            before.len(),
            after.len()
        ));
    }
    if after.inbound != before.inbound || after.opt_outs != before.opt_outs {
        world.ledger.violated("messages of handsets or opt-outs changed by a loss of power".to_owned());
    }
    world.executor.set_wall_by(i64::try_from((VALID + Duration::from_secs(86_400)).as_millis()).unwrap_or(0));
    world.runtime.sleep(Duration::from_secs(70)).await;
    let ended = read_now(world, Events::LeftOut).await;
    for (id, found) in ended.messages {
        if found.record.delivery.status.is_waiting() {
            world.ledger.violated(format!("{id} waits after the end of its validity: {:?}", found.record.delivery));
        }
    }
}

/// Days later texts are too old, and more days later messages: they go step by step, although processes end meanwhile.
async fn grow_old(world: &World) {
    let mut chance = Chance::new(world.plan.seed, "age");
    let mut before = read_now(world, Events::LeftOut).await;
    for days in [3, 4] {
        world.executor.set_wall_by(days * 86_400_000);
        if world.plan.mood == Mood::Rough {
            // The first round begins with a process; the one that is ended is in the midst of its own.
            world.runtime.sleep(chance.millis(1..90_000)).await;
            world.site.end(if chance.permille(500) { Death::PowerCut } else { Death::Killed });
        }
        // A process is up within seconds, and its rounds begin with each minute. What waits for a receipt ends first,
        // and goes with the round after that.
        world.runtime.sleep(Duration::from_secs(200)).await;
        let left = read_now(world, Events::LeftOut).await;
        check::retention::old_things_are_gone(world, &before, &left, world.runtime.now());
        before = left;
    }
    let of_handsets = before.inbound.len() + before.unrouted.len();
    if !before.messages.is_empty() || !before.broadcasts.is_empty() || of_handsets > 0 {
        let (messages, broadcasts) = (before.messages.len(), before.broadcasts.len());
        world.ledger.violated(format!(
            "{messages} messages, {broadcasts} broadcasts and {of_handsets} messages of handsets outlive every rule"
        ));
    }
}

/// What the store has now, as any process reads it. One that stood still may end meanwhile, because others have taken
/// over from it.
async fn read_now(world: &World, events: Events) -> Everything {
    for _ in 0..READERS_MAX {
        let process = world.site.up().await;
        let runtime: Arc<dyn Runtime> = process.runtime.clone();
        let read = async move { read(&process, events).await };
        match runtime.run("read", read).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => {
                world.ledger.violated(format!("the store cannot be read: {error}"));
                return Everything::default();
            }
            Err(ended) => world.executor.note(&format!("the process that read {ended}")),
        }
    }
    world.ledger.violated(format!("{READERS_MAX} processes ended while they read"));
    Everything::default()
}
