//! Expansion, without its store: which broadcast has its next turn, how far ahead it may be, and which messages follow
//! from its recipients.
//!
//! The driver begins a [round](Input::Round), performs what is answered, and reports each result; when there is nothing
//! left to do the round is over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use model::message::{Direction, MessageType};
use model::variables::Template;
use model::{Assignment, Broadcast, BroadcastId, CarrierName, Message, Moment, Msisdn, Owner, Timestamp};
use store::contract::broadcasts::{Expanded, Expansion, Upcoming};
use store::contract::dispatch::{Lease, Leased};
use store::contract::nodes::Epoch;

use super::BroadcastSettings;
use crate::admit::References;
use crate::dispatch::Dispatchers;
use crate::route::{Carriers, Routes, Subject};

/// How much of a paced sender's time is kept in memory.
const PACED_AHEAD_SECS: usize = 10;

/// However slow a sender is, so many messages are kept in memory.
const LOOKAHEAD_FLOOR: usize = 16;

/// How long a broadcast is left alone that has enough messages under way.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// The event.
#[derive(Debug)]
pub(super) enum Input {
    /// The driver begins a round. Nothing that it was to do is left undone.
    Round {
        /// There may be broadcasts in the store that are not known yet.
        arrived: bool,
    },
    /// The broadcasts that are open, oldest first.
    Open(Vec<Arc<Broadcast>>),
    /// Whose turn is next; `None` where all have had theirs, or the broadcast was canceled.
    Upcoming(Option<Upcoming>),
    /// The messages are on disk, unless the broadcast was canceled in between.
    Made(bool),
    /// The store refused or failed.
    Unavailable,
}

/// What is to be done. Those that have an answer are the last of their list.
#[derive(Debug)]
pub(super) enum Action {
    /// Look which broadcasts are open: [`Input::Open`].
    Look,
    /// Ask whose turn is next in this broadcast: [`Input::Upcoming`].
    Ask(BroadcastId),
    /// Write these messages: [`Input::Made`].
    Make(Expansion),
    /// Take these messages into memory.
    Hold(Vec<Leased>),
    /// Something is due in the store for these carriers.
    LookAt(BTreeSet<CarrierName>),
    /// Rest before the next round.
    Rest(Rest),
}

/// Why there is a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// No broadcast may go on.
    Idle,
    /// The store does not answer.
    Store,
}

/// Says which recipients of a broadcast are not sent to.
pub(super) type Skips = Box<dyn Fn(&Broadcast, &[Msisdn]) -> Vec<bool> + Send + Sync>;

/// What the machine looks up, beside its own memory.
pub(super) struct Books {
    pub(super) routes: Arc<Routes>,
    pub(super) dispatchers: Dispatchers,
    pub(super) references: Arc<References>,
    /// This process, which owns the messages that it makes.
    pub(super) node: Epoch,
    /// Which recipients of a broadcast are not sent to, as the tenants have it now.
    pub(super) skips: Skips,
}

struct Pending {
    broadcast: Arc<Broadcast>,
    /// In steady time.
    quiet_until: Timestamp,
}

/// The turn of an owner.
struct Turn {
    owner: Owner,
    broadcasts: VecDeque<Pending>,
    /// How many of the broadcasts were not looked at yet.
    left: usize,
}

enum Phase {
    Idle,
    Looking,
    Asking(Turn, Pending),
    Making(Turn, Pending, Vec<Expanded>),
}

/// The expansion of all open broadcasts.
pub(super) struct Expanding {
    settings: BroadcastSettings,
    books: Books,
    /// The open broadcasts, by owner, both in the order of their turns.
    shares: VecDeque<(Owner, VecDeque<Pending>)>,
    known: BTreeSet<BroadcastId>,
    /// There may be others in the store.
    arrived: bool,
    /// Owners who have not had their turn in this round.
    left: usize,
    /// Whether an account had a turn in this round.
    made: bool,
    phase: Phase,
}

impl Expanding {
    pub(super) fn new(settings: BroadcastSettings, books: Books) -> Self {
        let (shares, known) = (VecDeque::new(), BTreeSet::new());
        Self { settings, books, shares, known, arrived: true, left: 0, made: false, phase: Phase::Idle }
    }

    /// What follows from `input` at `now`.
    pub(super) fn on(&mut self, input: Input, now: Moment) -> Vec<Action> {
        match (std::mem::replace(&mut self.phase, Phase::Idle), input) {
            (Phase::Idle, Input::Round { arrived }) => {
                self.made = false;
                if self.arrived || arrived {
                    self.arrived = true;
                    self.phase = Phase::Looking;
                    return vec![Action::Look];
                }
                self.first_owner(now)
            }
            (Phase::Looking, Input::Open(broadcasts)) => {
                self.arrived = false;
                self.learn(broadcasts);
                self.first_owner(now)
            }
            (Phase::Asking(turn, pending), Input::Upcoming(upcoming)) => self.upcoming(turn, pending, upcoming, now),
            (Phase::Making(mut turn, pending, made), Input::Made(is_made)) => {
                turn.broadcasts.push_back(pending);
                if !is_made {
                    // Canceled in between: the next look finds nothing more.
                    return self.next_broadcast(turn, now);
                }
                let mut actions = published(made);
                self.made = true;
                self.end_turn(turn);
                actions.extend(self.next_owner(now));
                actions
            }
            (phase, Input::Unavailable) => {
                self.put_back(phase);
                vec![Action::Rest(Rest::Store)]
            }
            (phase, _) => {
                self.phase = phase;
                Vec::new()
            }
        }
    }

    /// Learns of broadcasts that came.
    fn learn(&mut self, broadcasts: Vec<Arc<Broadcast>>) {
        for broadcast in broadcasts {
            if self.known.insert(broadcast.id) {
                let owner = broadcast.owner();
                let pending = Pending { broadcast, quiet_until: Timestamp::default() };
                match self.shares.iter_mut().find(|(known, _)| *known == owner) {
                    Some((_, broadcasts)) => broadcasts.push_back(pending),
                    None => self.shares.push_back((owner, VecDeque::from([pending]))),
                }
            }
        }
    }

    fn first_owner(&mut self, now: Moment) -> Vec<Action> {
        self.left = self.shares.len();
        self.next_owner(now)
    }

    /// Gives every owner one turn.
    fn next_owner(&mut self, now: Moment) -> Vec<Action> {
        while self.left > 0 {
            self.left -= 1;
            let Some((owner, broadcasts)) = self.shares.pop_front() else { break };
            let left = broadcasts.len();
            let actions = self.look_at(Turn { owner, broadcasts, left }, now);
            if !actions.is_empty() {
                return actions;
            }
        }
        if self.made { Vec::new() } else { vec![Action::Rest(Rest::Idle)] }
    }

    fn next_broadcast(&mut self, turn: Turn, now: Moment) -> Vec<Action> {
        let actions = self.look_at(turn, now);
        if actions.is_empty() { self.next_owner(now) } else { actions }
    }

    /// Asks after the first broadcast of an owner that may have too little under way. Nothing where the owner has none.
    fn look_at(&mut self, mut turn: Turn, now: Moment) -> Vec<Action> {
        while turn.left > 0 {
            turn.left -= 1;
            let Some(pending) = turn.broadcasts.pop_front() else { break };
            let id = pending.broadcast.id;
            if now.steady < pending.quiet_until || self.books.dispatchers.held_of(id) > self.settings.lookahead / 2 {
                turn.broadcasts.push_back(pending);
                continue;
            }
            self.phase = Phase::Asking(turn, pending);
            return vec![Action::Ask(id)];
        }
        self.end_turn(turn);
        Vec::new()
    }

    fn end_turn(&mut self, turn: Turn) {
        if !turn.broadcasts.is_empty() {
            self.shares.push_back((turn.owner, turn.broadcasts));
        }
    }

    fn upcoming(
        &mut self,
        mut turn: Turn,
        mut pending: Pending,
        upcoming: Option<Upcoming>,
        now: Moment,
    ) -> Vec<Action> {
        let Some(mut upcoming) = upcoming else {
            self.known.remove(&pending.broadcast.id);
            return self.next_broadcast(turn, now);
        };
        let held = self.books.dispatchers.held_of(pending.broadcast.id);
        let lookahead = self.lookahead(&pending.broadcast, &upcoming);
        let outstanding = usize::try_from(upcoming.outstanding).unwrap_or(usize::MAX);
        let room = lookahead.saturating_sub(held).min((2 * lookahead).saturating_sub(outstanding));
        if held > lookahead / 2 || room == 0 {
            pending.quiet_until = now.steady + QUIET;
            turn.broadcasts.push_back(pending);
            return self.next_broadcast(turn, now);
        }
        upcoming.recipients.truncate(room);
        let expansion = self.expansion(&pending.broadcast, upcoming, now);
        self.phase = Phase::Making(turn, pending, expansion.messages.clone());
        vec![Action::Make(expansion)]
    }

    fn put_back(&mut self, phase: Phase) {
        match phase {
            Phase::Asking(mut turn, pending) | Phase::Making(mut turn, pending, ..) => {
                turn.broadcasts.push_back(pending);
                self.end_turn(turn);
            }
            // `arrived` is still set.
            Phase::Looking | Phase::Idle => {}
        }
    }

    /// How many messages of a broadcast may wait in memory: no more than its pace lets go before their leases end.
    fn lookahead(&self, broadcast: &Broadcast, upcoming: &Upcoming) -> usize {
        let first = upcoming.recipients.first().map(|recipient| self.carrier_of(broadcast, recipient));
        let first = first.as_ref().and_then(Assignment::carrier);
        match first.and_then(|carrier| self.books.dispatchers.pace_of(carrier, broadcast.originator)) {
            Some(rate) => {
                let messages = rate as usize * PACED_AHEAD_SECS / usize::from(broadcast.segments.max(1));
                messages.max(LOOKAHEAD_FLOOR).min(self.settings.lookahead)
            }
            None => self.settings.lookahead,
        }
    }

    /// The turn of these recipients: a message for each who may be sent to.
    fn expansion(&self, broadcast: &Broadcast, upcoming: Upcoming, now: Moment) -> Expansion {
        let Upcoming { from, recipients, values, .. } = upcoming;
        let turns = recipients.len() as u32;
        let template = broadcast.body.as_deref().filter(|_| !values.is_empty()).map(Template::parse);
        let template = template.and_then(Result::ok);
        let skipped = (self.books.skips)(broadcast, &recipients);
        let wanted = (from..).zip(recipients).zip(skipped).filter(|(_, skipped)| !skipped);
        let mut places: BTreeMap<CarrierName, (usize, Lease)> = BTreeMap::new();
        let messages = wanted.map(|((index, recipient), _)| {
            let carrier = self.carrier_of(broadcast, &recipient);
            let lease = carrier.carrier().and_then(|name| self.place(&mut places, name));
            let mut message = self.message(broadcast, index, recipient);
            if let (Some(template), Some(values)) = (&template, values.get((index - from) as usize)) {
                give_text(&mut message, template.render(values));
            }
            Expanded { message: Arc::new(message), carrier, lease }
        });
        Expansion {
            node: self.books.node,
            broadcast: broadcast.id,
            from,
            turns,
            messages: messages.collect(),
            due_at: now.steady,
            at: now.wall,
        }
    }

    /// A place for one message more in the memory of a carrier's dispatcher, as the lease that it is made with. `None`
    /// where there is no room. `places` has what this turn has found of each carrier.
    fn place(&self, places: &mut BTreeMap<CarrierName, (usize, Lease)>, carrier: &CarrierName) -> Option<Lease> {
        if !places.contains_key(carrier) {
            places.insert(carrier.clone(), self.books.dispatchers.room_for_broadcasts(carrier)?);
        }
        let (room, lease) = places.get_mut(carrier).filter(|(room, _)| *room > 0)?;
        *room -= 1;
        Some(*lease)
    }

    fn carrier_of(&self, broadcast: &Broadcast, recipient: &Msisdn) -> Assignment {
        let of = Subject { mode: broadcast.mode, kind: broadcast.kind, recipient };
        self.books.routes.first(of, |name| self.books.dispatchers.standing(name))
    }

    fn message(&self, broadcast: &Broadcast, index: u32, recipient: Msisdn) -> Message {
        Message {
            id: broadcast.id.message(index),
            account: broadcast.account,
            broadcast: Some(broadcast.id),
            direction: Direction::Outbound,
            mode: broadcast.mode,
            kind: broadcast.kind,
            reference: self.books.references.next(broadcast.originator, recipient),
            client_reference: None,
            automatic: None,
            status_callback: None,
            originator: broadcast.originator,
            recipient,
            body: broadcast.body.clone(),
            media_url: broadcast.media_url.clone(),
            media: broadcast.media,
            encoding: broadcast.encoding,
            segments: broadcast.segments,
            created_at: broadcast.created_at,
            send_at: None,
            expires_at: broadcast.expires_at,
        }
    }
}

/// Gives a message a text of its own.
fn give_text(message: &mut Message, text: String) {
    let measure = wire::gsm::measure(&text);
    message.encoding = measure.encoding;
    if message.kind == MessageType::Sms {
        message.segments = u16::try_from(measure.segments).unwrap_or(u16::MAX);
    }
    message.body = Some(text.into());
}

/// What follows from messages that are on disk.
fn published(made: Vec<Expanded>) -> Vec<Action> {
    let (mut held, mut due) = (Vec::with_capacity(made.len()), BTreeSet::new());
    for Expanded { message, carrier, lease } in made {
        match (lease, carrier) {
            (Some(lease), Assignment::Carrier(carrier)) => held.push(Leased::fresh(message, lease, carrier)),
            (_, Assignment::Carrier(carrier)) => drop(due.insert(carrier)),
            // The sweep finds it in the store.
            (_, Assignment::NoRoute) => {}
        }
    }
    vec![Action::Hold(held), Action::LookAt(due)]
}

#[cfg(test)]
mod tests;
