//! Expansion: from a broadcast's packed recipients to messages, a batch at a time and no further ahead than its carriers can send.
//!
//! In come broadcasts that the store says are open; out go messages, on disk and in the dispatchers' memory with a lease that they were born with.
//! One transaction makes a batch and moves the broadcast's mark, so that a process may end at any moment. Accounts take turns, and so do the
//! broadcasts of one. How far one is ahead is bounded twice: by what waits in memory, and by what the store says is made and has not left.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::message::Direction;
use model::{Broadcast, BroadcastId, Message, Msisdn, Owner, Timestamp};
use runtime::Runtime;
use store::contract::broadcasts::{Expanded, Expansion, Upcoming};
use store::contract::dispatch::{Lease, Leased};
use store::{Store, StoreError};
use tokio::sync::Notify;

use crate::admit::{References, first_carrier};
use crate::dispatch::Dispatchers;
use crate::node::Node;
use crate::route::Routes;
use crate::tenants::TenantBook;

/// How broadcasts are expanded.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastSettings {
    /// Messages of one broadcast in the dispatchers' memory, at most; one that is paced has ten seconds' worth.
    pub lookahead: usize,
    /// Recipients who have their turn in one transaction.
    pub batch: usize,
}

/// How many open broadcasts are looked after at once, oldest first; the others wait in the store.
const OPEN_MAX: usize = 10_000;

/// How much of a paced sender's time is kept in memory.
const PACED_AHEAD_SECS: usize = 10;

/// However slow a sender is, so many messages are kept in memory.
const LOOKAHEAD_FLOOR: usize = 16;

/// How long a broadcast is left alone that has enough messages under way.
const QUIET: Duration = Duration::from_millis(100);

/// Between two looks while nothing can be done.
const REST: Duration = Duration::from_millis(5);

/// How often the store is asked for open broadcasts, at least.
const CENSUS: Duration = Duration::from_secs(5);

/// How long the expander rests after the store did not answer it.
const STORE_REST: Duration = Duration::from_millis(250);

/// How an expander hears of what concerns it.
#[derive(Default)]
pub(crate) struct Bell {
    /// Rung when a broadcast came, or messages of one have left a dispatcher's memory.
    pub(crate) wake: Arc<Notify>,
    /// There may be broadcasts in the store that it does not know.
    arrived: AtomicBool,
}

impl Bell {
    /// Tells of a broadcast that was accepted.
    pub(crate) fn arrived(&self) {
        self.arrived.store(true, Ordering::Release);
        self.wake.notify_one();
    }
}

/// Makes messages of broadcasts.
pub(crate) struct Expander {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tenants: Arc<TenantBook>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) dispatchers: Dispatchers,
    pub(crate) settings: BroadcastSettings,
    pub(crate) bell: Arc<Bell>,
    pub(crate) references: Arc<References>,
    pub(crate) node: Arc<Node>,
    pub(crate) runtime: Arc<dyn Runtime>,
}

/// The open broadcasts, by owner, both in the order of their turns.
#[derive(Default)]
pub(crate) struct Open {
    shares: VecDeque<(Owner, VecDeque<Pending>)>,
    known: HashSet<BroadcastId>,
}

struct Pending {
    broadcast: Arc<Broadcast>,
    /// In steady time.
    quiet_until: Timestamp,
}

/// What a look at a broadcast came to.
enum Turn {
    /// Some recipients had their turn.
    Made,
    /// It has enough under way.
    Enough,
    /// All have had their turn, or it was canceled.
    Over,
}

impl Expander {
    /// Expands until the future is dropped.
    pub(crate) async fn run(self) {
        let mut open = Open::default();
        self.bell.arrived();
        loop {
            match self.round(&mut open).await {
                Ok(true) => {}
                Ok(false) => {
                    // A bell that rings all the time, as it does while messages leave, is answered now and then.
                    self.runtime.sleep(REST).await;
                    if self.runtime.timeout(CENSUS, self.bell.wake.notified()).await.is_err() {
                        self.bell.arrived.store(true, Ordering::Release);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "Broadcasts are waiting for the store: {error}");
                    self.runtime.sleep(STORE_REST).await;
                }
            }
        }
    }

    /// Gives every owner one turn. Says whether anything was made.
    pub(crate) async fn round(&self, open: &mut Open) -> Result<bool, StoreError> {
        if self.bell.arrived.swap(false, Ordering::AcqRel)
            && let Err(error) = self.look(open).await
        {
            self.bell.arrived.store(true, Ordering::Release);
            return Err(error);
        }
        let mut made = false;
        for _ in 0..open.shares.len() {
            let Some((owner, mut broadcasts)) = open.shares.pop_front() else { break };
            let turn = self.turn_of_owner(&mut broadcasts, &mut open.known).await;
            if !broadcasts.is_empty() {
                open.shares.push_back((owner, broadcasts));
            }
            made |= turn?;
        }
        Ok(made)
    }

    /// Learns of broadcasts that came.
    async fn look(&self, open: &mut Open) -> Result<(), StoreError> {
        for broadcast in self.store.unexpanded(self.node.epoch(), None, OPEN_MAX).await? {
            if open.known.insert(broadcast.id) {
                let owner = broadcast.owner();
                let pending = Pending { broadcast, quiet_until: Timestamp::default() };
                match open.shares.iter_mut().find(|(known, _)| *known == owner) {
                    Some((_, broadcasts)) => broadcasts.push_back(pending),
                    None => open.shares.push_back((owner, VecDeque::from([pending]))),
                }
            }
        }
        Ok(())
    }

    /// A batch of the first broadcast of an owner that has not enough under way.
    async fn turn_of_owner(&self, broadcasts: &mut VecDeque<Pending>, known: &mut HashSet<BroadcastId>) -> Result<bool, StoreError> {
        for _ in 0..broadcasts.len() {
            let Some(mut pending) = broadcasts.pop_front() else { break };
            match self.turn_of_broadcast(&mut pending).await {
                Ok(Turn::Over) => drop(known.remove(&pending.broadcast.id)),
                Ok(Turn::Enough) => broadcasts.push_back(pending),
                Ok(Turn::Made) => {
                    broadcasts.push_back(pending);
                    return Ok(true);
                }
                Err(error) => {
                    broadcasts.push_back(pending);
                    return Err(error);
                }
            }
        }
        Ok(false)
    }

    async fn turn_of_broadcast(&self, pending: &mut Pending) -> Result<Turn, StoreError> {
        let (broadcast, now) = (&*pending.broadcast, self.runtime.steady());
        let held = self.dispatchers.held_of(broadcast.id);
        if now < pending.quiet_until || held > self.settings.lookahead / 2 {
            return Ok(Turn::Enough);
        }
        let Some(mut upcoming) = self.store.upcoming(broadcast.id, self.settings.batch).await? else { return Ok(Turn::Over) };
        let lookahead = self.lookahead(broadcast, &upcoming);
        let outstanding = usize::try_from(upcoming.outstanding).unwrap_or(usize::MAX);
        let room = lookahead.saturating_sub(held).min((2 * lookahead).saturating_sub(outstanding));
        if held > lookahead / 2 || room == 0 {
            pending.quiet_until = now + QUIET;
            return Ok(Turn::Enough);
        }
        upcoming.recipients.truncate(room);
        self.expand(broadcast, upcoming).await
    }

    /// How many messages of a broadcast may wait in memory: no more than its pace lets go before their leases end.
    fn lookahead(&self, broadcast: &Broadcast, upcoming: &Upcoming) -> usize {
        let first = upcoming.recipients.first().map(|recipient| self.carrier_of(broadcast, recipient));
        match first.and_then(|carrier| self.dispatchers.pace_of(carrier, &broadcast.originator)) {
            Some(rate) => {
                let messages = rate as usize * PACED_AHEAD_SECS / usize::from(broadcast.segments.max(1));
                messages.max(LOOKAHEAD_FLOOR).min(self.settings.lookahead)
            }
            None => self.settings.lookahead,
        }
    }

    async fn expand(&self, broadcast: &Broadcast, upcoming: Upcoming) -> Result<Turn, StoreError> {
        let expansion = self.expansion(broadcast, upcoming);
        let made = expansion.messages.clone();
        if !self.store.expand(expansion).await? {
            // Canceled in between: the next look finds nothing more.
            return Ok(Turn::Enough);
        }
        let (held, left): (Vec<_>, Vec<_>) = made.into_iter().partition(|made| made.lease.is_some());
        self.dispatchers.hold(held.into_iter().filter_map(leased).collect());
        left.iter().for_each(|made| self.dispatchers.look_at(&made.carrier));
        Ok(Turn::Made)
    }

    /// The turn of these recipients: a message for each who may be sent to.
    fn expansion(&self, broadcast: &Broadcast, upcoming: Upcoming) -> Expansion {
        let (Upcoming { from, recipients, .. }, now) = (upcoming, self.runtime.look());
        let turns = recipients.len() as u32;
        let sender_stopped = self.tenants.check_sender(broadcast.account, &broadcast.originator).is_err();
        let blocked = self.tenants.blocked_among(broadcast.account, &recipients);
        let wanted = (from..).zip(recipients).zip(blocked).filter(|(_, blocked)| !blocked && !sender_stopped);
        let mut places: HashMap<String, (usize, Lease)> = HashMap::new();
        let messages = wanted.map(|((index, recipient), _)| {
            let carrier = self.carrier_of(broadcast, &recipient).to_owned();
            if !places.contains_key(&carrier)
                && let Some(place) = self.dispatchers.room_for_broadcasts(&carrier)
            {
                places.insert(carrier.clone(), place);
            }
            let lease = places.get_mut(&carrier).filter(|(room, _)| *room > 0).map(|(room, lease)| {
                *room -= 1;
                *lease
            });
            Expanded { message: Arc::new(self.message(broadcast, index, recipient)), carrier, lease }
        });
        Expansion { node: self.node.epoch(), broadcast: broadcast.id, from, turns, messages: messages.collect(), due_at: now.steady, at: now.wall }
    }

    fn carrier_of(&self, broadcast: &Broadcast, recipient: &Msisdn) -> &str {
        first_carrier(&self.routes, &self.dispatchers, broadcast.mode, recipient, broadcast.kind)
    }

    fn message(&self, broadcast: &Broadcast, index: u32, recipient: Msisdn) -> Message {
        Message {
            id: broadcast.id.message(index),
            account: broadcast.account,
            broadcast: Some(broadcast.id),
            direction: Direction::Outbound,
            mode: broadcast.mode,
            kind: broadcast.kind,
            reference: self.references.next(&broadcast.originator, &recipient),
            originator: broadcast.originator.clone(),
            recipient,
            body: broadcast.body.clone(),
            media_url: broadcast.media_url.clone(),
            media: broadcast.media,
            encoding: broadcast.encoding,
            segments: broadcast.segments,
            created_at: broadcast.created_at,
            expires_at: broadcast.expires_at,
        }
    }
}

fn leased(made: Expanded) -> Option<Leased> {
    let Expanded { message, carrier, lease } = made;
    Some(Leased { message, lease: lease?, carrier, attempts: 0, accepted_segments: 0, interrupted: false })
}

#[cfg(test)]
mod tests;
