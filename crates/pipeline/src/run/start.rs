//! Starting a pipeline: what its parts share, the parts themselves, and their tasks.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use carrier::Carrier;
use model::Entropy;
use model::mint::{LEAD_MAX, Mint};
use model::sampler::Sampler;
use runtime::{Runtime, Supervisor, Task, Work};
use screening::Screen;
use store::{Store, StoreError};
use tokio::sync::{Notify, mpsc, watch};

use super::releasing::follow;
use super::{Parts, Pipeline};
use crate::admit::{Admission, InForce, References};
use crate::cluster::{Keeper, Leaving};
use crate::counters::Counters;
use crate::dispatch::{DispatchSettings, Dispatcher, Dispatchers, Surroundings};
use crate::erase::{Eraser, Erasing};
use crate::expand::{Bell, BroadcastSettings, Expander};
use crate::feed::Feed;
use crate::hold::{Holding, once_released};
use crate::inbound::files::Files;
use crate::inbound::{InboundRulesInForce, Interpreting, Replies};
use crate::listing::Indexer;
use crate::live::Watches;
use crate::media::Shelf;
use crate::node::Node;
use crate::pace::SenderPaces;
use crate::receipt::Recorder;
use crate::rehash::Rehasher;
use crate::retention::RulesInForce;
use crate::route::{Routes, SANDBOX};
use crate::stops::Stops;
use crate::sweep::{Rerouter, Sweeper};
use crate::tenants::TenantBook;
use crate::watch::{BroadcastWaiters, MessageWaiters};
use crate::webhook::{self, WebhookParts, Webhooks};

/// The carriers of a configuration, and how many segments a second one originator may send with each.
type Carriers = Vec<(Arc<dyn Carrier>, u32)>;

impl Pipeline {
    /// Starts dispatching, with the messages that an earlier process left. The supervisor of the parts watches its
    /// tasks.
    ///
    /// # Errors
    /// The errors of the store.
    pub fn start(parts: Parts) -> Work<Result<Arc<Self>, StoreError>> {
        Box::pin(Self::started(parts))
    }

    async fn started(mut parts: Parts) -> Result<Arc<Self>, StoreError> {
        let mint = Arc::new(take_over(&parts).await?);
        let holding = Holding::of(&*parts.store).await?;
        let (stop, stopped) = watch::channel(false);
        let (give_up, given_up) = watch::channel(false);
        let (flush, flushes) = mpsc::channel(1);
        let (carriers, supervisor) = (std::mem::take(&mut parts.carriers), parts.supervisor.clone());
        let (shared, events, webhooks) = Shared::of(parts, &carriers, mint, holding);
        let around = shared.around(&stopped);
        let dispatchers = shared.dispatchers(carriers, &around);
        // Nothing is sent to a carrier that was stopped before this start, nor to any while the store is held.
        shared.stops.look(&*shared.store, &dispatchers).await?;
        let rerouter = shared.rerouter(&dispatchers);
        // It records until the carriers have nothing left to report, which is after the other tasks have ended.
        supervisor.start("recorder", shared.recorder(&dispatchers, given_up).run(events, flushes));
        let feed = shared.feed();
        let (following, follows) = (Arc::clone(&feed), Arc::clone(&shared.runtime));
        // It ends when the store is closed, after all that draining still records.
        supervisor.start("feed", async move { following.run(&follows).await });
        let admission = Arc::new(shared.admission(&dispatchers, stopped.clone()));
        let mut tasks = shared.start_tasks(&dispatchers, (&rerouter, &admission), &supervisor, &stopped);
        tasks.push(supervisor.start("uses of keys", uses_of_keys(&shared, stopped.clone())));
        let erasing = shared.erasing();
        let beside = webhook::Surroundings {
            store: Arc::clone(&shared.store),
            node: shared.node.epoch(),
            runtime: Arc::clone(&shared.runtime),
            entropy: Arc::clone(&shared.entropy),
            holding: Arc::clone(&shared.holding),
        };
        let (webhooks, delivering) = Webhooks::start(webhooks, beside, &supervisor, stopped.clone());
        tasks.push(delivering);
        if shared.tenants.has_previous_pepper() {
            let rehasher = shared.rehasher(&webhooks);
            tasks.push(supervisor.start("rehasher", until(stopped, rehasher.run())));
        }
        Ok(Arc::new(Self {
            admission,
            store: shared.store,
            node: shared.node,
            rerouter,
            dispatchers,
            stops: shared.stops,
            holding: shared.holding,
            around,
            bell: shared.bell,
            retention: shared.retention,
            inbound: shared.inbound,
            counters: shared.counters,
            feed,
            watches: Watches::default(),
            runtime: shared.runtime,
            supervisor,
            entropy: shared.entropy,
            erasing,
            webhooks,
            stop,
            flush,
            give_up,
            tasks: tokio::sync::Mutex::new(tasks),
        }))
    }
}

/// Writes when keys were used last, and once more at the end.
fn uses_of_keys(shared: &Shared, stopped: watch::Receiver<bool>) -> impl Future<Output = ()> + use<> {
    let (tenants, runtime) = (Arc::clone(&shared.tenants), Arc::clone(&shared.runtime));
    async move {
        until(stopped, tenants.keep_uses(&runtime)).await;
        tenants.save_uses().await;
    }
}

/// Takes over the messages of the process before this one. Returns what mints ids above all of its own.
async fn take_over(parts: &Parts) -> Result<Mint, StoreError> {
    // Media that cannot be read are tried again after the floor, and a carrier after the ceiling at most.
    let retry_within = parts.dispatch.retry.ceiling.max(parts.dispatch.retry.floor);
    let interrupted = parts.store.recover(parts.node.epoch(), parts.runtime.steady(), retry_within).await?;
    if interrupted > 0 {
        tracing::warn!("{interrupted} attempts were under way when the last process ended");
    }
    let mint = Mint::default();
    parts.store.show_newest(&mint, parts.runtime.now() + LEAD_MAX).await?;
    Ok(mint)
}

/// What the parts of a pipeline share.
struct Shared {
    store: Arc<dyn Store>,
    node: Arc<Node>,
    tenants: Arc<TenantBook>,
    routes: Arc<Routes>,
    stops: Arc<Stops>,
    holding: Arc<Holding>,
    shelf: Arc<Shelf>,
    /// The files of multimedia messages of handsets.
    files: Files,
    mint: Arc<Mint>,
    counters: Arc<Counters>,
    waiters: Arc<MessageWaiters>,
    broadcast_waiters: Arc<BroadcastWaiters>,
    bell: Arc<Bell>,
    /// Rung when a person is to be erased.
    erasure: Arc<Notify>,
    references: Arc<References>,
    screen: Arc<Screen>,
    runtime: Arc<dyn Runtime>,
    entropy: Arc<dyn Entropy>,
    limits: Arc<InForce>,
    dispatch: DispatchSettings,
    broadcasts: BroadcastSettings,
    media_kept: Duration,
    parked_kept: Duration,
    screening_log: Duration,
    audit_log: Duration,
    retention: Arc<RulesInForce>,
    inbound: Arc<InboundRulesInForce>,
    index_after: Duration,
}

impl Shared {
    /// What is shared, what the carriers report, and what webhooks are made of.
    fn of(
        parts: Parts,
        carriers: &Carriers,
        mint: Arc<Mint>,
        holding: Arc<Holding>,
    ) -> (Self, mpsc::UnboundedReceiver<carrier::CarrierEvent>, WebhookParts) {
        let Parts { store, node, fetcher, objects, runtime, entropy, events, webhooks, .. } = parts;
        let counters = Arc::new(Counters::new(carriers.iter().map(|(carrier, _)| carrier.name().into())));
        let shelf = Shelf::new(
            fetcher,
            Arc::clone(&objects),
            Arc::clone(&store),
            Arc::clone(&counters),
            Arc::clone(&runtime),
            Arc::clone(&entropy),
        );
        let files = Files { objects, runtime: Arc::clone(&runtime), entropy: Arc::clone(&entropy) };
        let shared = Self {
            store,
            node,
            tenants: parts.tenants,
            routes: Arc::new(parts.routes),
            stops: Arc::new(Stops::new(Arc::clone(&holding))),
            holding,
            shelf: Arc::new(shelf),
            files,
            mint,
            counters,
            waiters: Arc::default(),
            broadcast_waiters: Arc::default(),
            bell: Arc::default(),
            erasure: Arc::default(),
            references: Arc::new(References::new(&*entropy)),
            screen: parts.screen,
            runtime,
            entropy,
            limits: Arc::new(InForce::new(parts.limits)),
            dispatch: parts.dispatch,
            broadcasts: parts.broadcasts,
            media_kept: parts.media_kept,
            parked_kept: parts.parked_kept,
            screening_log: parts.screening_log,
            audit_log: parts.audit_log,
            retention: Arc::new(RulesInForce::new(parts.retention)),
            inbound: Arc::new(InboundRulesInForce::new(parts.inbound)),
            index_after: parts.index_after,
        };
        (shared, events, webhooks)
    }

    /// A dispatcher for each carrier. All keep the paces of sender numbers together, and the sandbox by itself: what
    /// test keys send uses up nothing of the time in which a number may send for live keys.
    fn dispatchers(&self, carriers: Carriers, around: &Surroundings) -> Dispatchers {
        let dispatcher = |(carrier, rate): (Arc<dyn Carrier>, u32)| {
            let senders =
                if carrier.name() == SANDBOX { sender_paces(&self.tenants, || 1) } else { Arc::clone(&around.senders) };
            Arc::new(Dispatcher::new(carrier, rate, Surroundings { senders, ..around.clone() }))
        };
        Dispatchers::new(carriers.into_iter().map(dispatcher).collect())
    }

    /// What a dispatcher of a real carrier has around it.
    fn around(&self, stopped: &watch::Receiver<bool>) -> Surroundings {
        Surroundings {
            store: Arc::clone(&self.store),
            tenants: Arc::clone(&self.tenants),
            routes: Arc::clone(&self.routes),
            settings: self.dispatch,
            senders: self.sender_paces(),
            made_room: Arc::clone(&self.bell.wake),
            counters: Arc::clone(&self.counters),
            shelf: Arc::clone(&self.shelf),
            runtime: Arc::clone(&self.runtime),
            node: Arc::clone(&self.node),
            stop: stopped.clone(),
        }
    }

    /// The paces of sender numbers, of which each node with carriers has its share.
    fn sender_paces(&self) -> Arc<SenderPaces> {
        let node = Arc::clone(&self.node);
        sender_paces(&self.tenants, move || node.sharing())
    }

    /// What has carriers come to this node, where there may be others.
    fn keeper(
        &self,
        dispatchers: &Dispatchers,
        supervisor: &Supervisor,
        stopped: &watch::Receiver<bool>,
    ) -> Option<Keeper> {
        self.store.is_shared().then(|| Keeper {
            store: Arc::clone(&self.store),
            node: Arc::clone(&self.node),
            routes: Arc::clone(&self.routes),
            dispatchers: dispatchers.clone(),
            stops: Arc::clone(&self.stops),
            leaving: Leaving::default(),
            supervisor: supervisor.clone(),
            stopped: stopped.clone(),
        })
    }

    /// Starts the tasks that end when draining begins.
    fn start_tasks(
        &self,
        dispatchers: &Dispatchers,
        (rerouter, admission): (&Arc<Rerouter>, &Arc<Admission>),
        supervisor: &Supervisor,
        stopped: &watch::Receiver<bool>,
    ) -> Vec<Task> {
        let holding = || Arc::clone(&self.holding);
        let dispatching =
            dispatchers.iter().map(|dispatcher| start_dispatcher(dispatcher, dispatchers, supervisor, &self.holding));
        let mut tasks: Vec<Task> = dispatching.collect();
        let sweeper = until(stopped.clone(), self.sweeper(dispatchers, rerouter, admission).run());
        let expander = until(stopped.clone(), self.expander(dispatchers).run());
        tasks.push(supervisor.start("indexer", until(stopped.clone(), self.indexer().run())));
        tasks.push(supervisor.start("sweeper", once_released(holding(), stopped.clone(), sweeper)));
        tasks.push(supervisor.start("eraser", until(stopped.clone(), self.eraser().run())));
        if let Some(keeper) = self.keeper(dispatchers, supervisor, stopped) {
            tasks.push(supervisor.start("keeper", once_released(holding(), stopped.clone(), keeper.run())));
        }
        tasks.push(supervisor.start("expander", once_released(holding(), stopped.clone(), expander)));
        if let Some(hold) = self.holding.get() {
            tracing::warn!(
                "The store was restored from a backup of {}, and is held: nothing is accepted and nothing leaves \
                 before `smsfactory hold release`",
                hold.backed_up_at
            );
            let (store, stops, runtime) = (Arc::clone(&self.store), Arc::clone(&self.stops), Arc::clone(&self.runtime));
            let follow = follow(holding(), store, stops, dispatchers.clone(), runtime);
            tasks.push(supervisor.watch("hold", until(stopped.clone(), follow)));
        }
        tasks
    }

    /// What follows the changes of messages and broadcasts.
    fn feed(&self) -> Arc<Feed> {
        let (waiters, broadcast_waiters) = (Arc::clone(&self.waiters), Arc::clone(&self.broadcast_waiters));
        Arc::new(Feed::new(
            Arc::clone(&self.store),
            waiters,
            broadcast_waiters,
            Arc::clone(&self.counters),
            Arc::clone(&self.tenants),
        ))
    }

    fn recorder(&self, dispatchers: &Dispatchers, give_up: watch::Receiver<bool>) -> Recorder {
        Recorder {
            store: Arc::clone(&self.store),
            node: self.node.epoch(),
            tenants: Arc::clone(&self.tenants),
            interpreter: self.interpreter(dispatchers),
            files: self.files.clone(),
            routes: Arc::clone(&self.routes),
            dispatchers: dispatchers.clone(),
            settings: self.dispatch,
            counters: Arc::clone(&self.counters),
            runtime: Arc::clone(&self.runtime),
            entropy: Arc::clone(&self.entropy),
            give_up,
        }
    }

    /// What the store asks about messages of handsets.
    fn interpreter(&self, dispatchers: &Dispatchers) -> Arc<Interpreting> {
        let replies = Replies {
            tenants: Arc::clone(&self.tenants),
            routes: Arc::clone(&self.routes),
            dispatchers: dispatchers.clone(),
            references: Arc::clone(&self.references),
            limits: Arc::clone(&self.limits),
            mint: Arc::clone(&self.mint),
            runtime: Arc::clone(&self.runtime),
            entropy: Arc::clone(&self.entropy),
        };
        Arc::new(Interpreting {
            tenants: Arc::clone(&self.tenants),
            replies,
            mint: Arc::clone(&self.mint),
            runtime: Arc::clone(&self.runtime),
            entropy: Arc::clone(&self.entropy),
        })
    }

    fn indexer(&self) -> Indexer {
        let (store, counters, runtime) =
            (Arc::clone(&self.store), Arc::clone(&self.counters), Arc::clone(&self.runtime));
        Indexer { store, after: self.index_after, counters, runtime }
    }

    fn rerouter(&self, dispatchers: &Dispatchers) -> Arc<Rerouter> {
        Arc::new(Rerouter {
            store: Arc::clone(&self.store),
            node: Arc::clone(&self.node),
            routes: Arc::clone(&self.routes),
            dispatchers: dispatchers.clone(),
            counters: Arc::clone(&self.counters),
            runtime: Arc::clone(&self.runtime),
        })
    }

    fn sweeper(&self, dispatchers: &Dispatchers, rerouter: &Arc<Rerouter>, admission: &Arc<Admission>) -> Sweeper {
        Sweeper {
            admission: Arc::clone(admission),
            screening_log: self.screening_log,
            audit_log: self.audit_log,
            shelf: Arc::clone(&self.shelf),
            media_kept: self.media_kept,
            retention: Arc::clone(&self.retention),
            inbound: Arc::clone(&self.inbound),
            interpreter: self.interpreter(dispatchers),
            parked_kept: self.parked_kept,
            store: Arc::clone(&self.store),
            rerouter: Arc::clone(rerouter),
            dispatchers: dispatchers.clone(),
            counters: Arc::clone(&self.counters),
            runtime: Arc::clone(&self.runtime),
            node: Arc::clone(&self.node),
        }
    }

    fn rehasher(&self, webhooks: &Webhooks) -> Rehasher {
        let (store, tenants, runtime) = (Arc::clone(&self.store), Arc::clone(&self.tenants), Arc::clone(&self.runtime));
        Rehasher { store, tenants, webhooks: webhooks.context(), runtime }
    }

    fn eraser(&self) -> Eraser {
        Eraser {
            store: Arc::clone(&self.store),
            shelf: Arc::clone(&self.shelf),
            runtime: Arc::clone(&self.runtime),
            bell: Arc::clone(&self.bell),
            wake: Arc::clone(&self.erasure),
        }
    }

    fn erasing(&self) -> Erasing {
        Erasing {
            store: Arc::clone(&self.store),
            tenants: Arc::clone(&self.tenants),
            runtime: Arc::clone(&self.runtime),
            entropy: Arc::clone(&self.entropy),
            wake: Arc::clone(&self.erasure),
        }
    }

    fn expander(&self, dispatchers: &Dispatchers) -> Expander {
        Expander {
            store: Arc::clone(&self.store),
            tenants: Arc::clone(&self.tenants),
            routes: Arc::clone(&self.routes),
            dispatchers: dispatchers.clone(),
            settings: self.broadcasts,
            bell: Arc::clone(&self.bell),
            references: Arc::clone(&self.references),
            counters: Arc::clone(&self.counters),
            node: Arc::clone(&self.node),
            runtime: Arc::clone(&self.runtime),
        }
    }

    fn admission(&self, dispatchers: &Dispatchers, stopped: watch::Receiver<bool>) -> Admission {
        Admission {
            store: Arc::clone(&self.store),
            node: Arc::clone(&self.node),
            tenants: Arc::clone(&self.tenants),
            routes: Arc::clone(&self.routes),
            dispatchers: dispatchers.clone(),
            limits: Arc::clone(&self.limits),
            runtime: Arc::clone(&self.runtime),
            entropy: Arc::clone(&self.entropy),
            references: Arc::clone(&self.references),
            screen: RwLock::new(Arc::clone(&self.screen)),
            shelf: Arc::clone(&self.shelf),
            mint: Arc::clone(&self.mint),
            waiters: Arc::clone(&self.waiters),
            broadcast_waiters: Arc::clone(&self.broadcast_waiters),
            counters: Arc::clone(&self.counters),
            unrecorded_lines: Sampler::new(1),
            stopped,
        }
    }
}

/// Starts the task of a dispatcher. It dispatches once the store is not held.
pub(super) fn start_dispatcher(
    dispatcher: &Arc<Dispatcher>,
    all: &Dispatchers,
    supervisor: &Supervisor,
    holding: &Arc<Holding>,
) -> Task {
    let (dispatcher, all, stopped) = (Arc::clone(dispatcher), all.clone(), dispatcher.stop_signal());
    let dispatching = async move { dispatcher.run(all).await };
    supervisor.start("dispatcher", once_released(Arc::clone(holding), stopped, dispatching))
}

/// The paces of sender numbers, as the tenants have them, divided among so many nodes.
fn sender_paces(tenants: &Arc<TenantBook>, sharing: impl Fn() -> u32 + Send + Sync + 'static) -> Arc<SenderPaces> {
    let tenants = Arc::clone(tenants);
    Arc::new(SenderPaces::new(move |number| tenants.pace_of(number)).among(sharing))
}

/// Work that may be left at any point once draining begins.
async fn until(mut stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        _ = stopped.wait_for(|stopped| *stopped) => {}
        () = work => {}
    }
}
