//! The carrier of a message: the routes, and every question about them.
//!
//! A route names carriers, preferred first. The choice depends on their state (`Standing`), on the history of the
//! message, and on its mode: a test key reaches the sandbox and no other carrier.

use std::sync::OnceLock;

use model::message::MessageType;
use model::{Assignment, CarrierName, Message, MessageId, Mode, Msisdn};

/// The name of the carrier for test keys, which is in no route.
pub const SANDBOX: &str = "sandbox";

/// The action for a message of unknown outcome at a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// Send it again; it may arrive twice.
    #[default]
    Resend,
    /// Hold it until a receipt proves its delivery or its validity ends; it may never arrive.
    Hold,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The beginning of the recipients' numbers, with `+`; empty for all.
    pub prefix: String,
    /// The type of message.
    pub kind: MessageType,
    /// The carriers, preferred first.
    pub carriers: Vec<CarrierName>,
    /// The action when an outcome stays unknown.
    pub on_unknown: OnUnknown,
}

/// The state of a carrier, for the choice between carriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Messages can leave, here or at the node that dispatches to it.
    Up,
    /// It has been down for a shorter time than messages wait for it.
    Wavering,
    /// It has been down for so long that messages go to other carriers.
    Down,
    /// It is not in the configuration, or was removed from it.
    Absent,
}

impl Standing {
    /// Whether messages go to the carrier, although they may wait there for a moment.
    pub(crate) const fn is_usable(self) -> bool {
        matches!(self, Self::Up | Self::Wavering)
    }
}

/// The questions of a choice about carriers and about their refusals of a message.
pub(crate) trait Carriers: Send + Sync {
    /// The state of this carrier.
    fn standing(&self, name: &CarrierName) -> Standing;

    /// The carriers that refused a message whose attempt with `current` is under way.
    fn refused_by(&self, current: &CarrierName, message: MessageId) -> Vec<CarrierName>;
}

/// The properties of a message that determine its route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The mode of the key that sent it.
    pub(crate) mode: Mode,
    /// SMS or MMS.
    pub(crate) kind: MessageType,
    /// The recipient.
    pub(crate) recipient: &'a Msisdn,
}

impl<'a> Subject<'a> {
    /// Of this message.
    pub(crate) const fn of(message: &'a Message) -> Self {
        Self { mode: message.mode, kind: message.kind, recipient: &message.recipient }
    }
}

/// The rules, first match first.
///
/// They may be replaced while they are in use, and are read without a lock: each set points to the one that replaced
/// it. A process keeps its earlier sets, which are small and few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    rules: Vec<Route>,
    later: OnceLock<Box<Self>>,
}

impl Routes {
    /// These rules, in this order.
    pub fn new(routes: Vec<Route>) -> Self {
        Self { rules: routes, later: OnceLock::new() }
    }

    /// Replaces the rules for all later decisions.
    pub fn replace(&self, routes: Self) {
        let mut routes = Box::new(routes);
        let mut last = self.newest();
        while let Err(refused) = last.later.set(routes) {
            (routes, last) = (refused, last.newest());
        }
    }

    /// The carrier of a new message: the first usable one of its route. If there is none, the message waits for the
    /// first.
    pub(crate) fn first(&self, of: Subject<'_>, standing: impl Fn(&CarrierName) -> Standing) -> Assignment {
        match of.mode {
            Mode::Test => SANDBOX.into(),
            Mode::Live => {
                let carriers = self.carriers(of);
                best(carriers.iter(), standing).or(carriers.first()).cloned().into()
            }
        }
    }

    /// The carrier after `current`, which refused or deferred the message: the next usable one of the route, starting
    /// again at its beginning. A carrier in `refused_by` does not get the message again. If none is usable, one for
    /// which the message may wait.
    pub(crate) fn next(
        &self,
        of: Subject<'_>,
        current: &str,
        refused_by: &[CarrierName],
        standing: impl Fn(&CarrierName) -> Standing,
    ) -> Option<CarrierName> {
        let carriers = self.others(of);
        let after = carriers.iter().position(|name| *name == *current).map_or(0, |at| at + 1);
        let (before, after) = carriers.split_at(after);
        let others = after.iter().chain(before).filter(|name| ***name != *current && !refused_by.contains(name));
        best(others, standing).cloned()
    }

    /// The carrier for the messages of `down` while that one is down: the first of the route that is up and did not
    /// refuse the message. `None` if the message waits.
    pub(crate) fn instead_of(
        &self,
        of: Subject<'_>,
        down: &str,
        refused_by: &[CarrierName],
        is_up: impl Fn(&CarrierName) -> bool,
    ) -> Option<CarrierName> {
        let others = self.others(of).iter().filter(|name| ***name != *down && !refused_by.contains(name));
        others.into_iter().find(|name| is_up(name)).cloned()
    }

    /// The carrier of a message that had no route, or whose carrier left the configuration: as for a new message, but
    /// none that is absent or refused the message.
    pub(crate) fn anew(
        &self,
        of: Subject<'_>,
        refused_by: &[CarrierName],
        standing: impl Fn(&CarrierName) -> Standing,
    ) -> Assignment {
        match of.mode {
            Mode::Test => SANDBOX.into(),
            Mode::Live => {
                let known = self.carriers(of).iter().filter(|name| !refused_by.contains(name));
                best(known, standing).cloned().into()
            }
        }
    }

    /// The action on a message with an unknown outcome.
    pub(crate) fn on_unknown(&self, of: Subject<'_>) -> OnUnknown {
        match of.mode {
            Mode::Test => OnUnknown::Resend,
            Mode::Live => self.find(of).map(|route| route.on_unknown).unwrap_or_default(),
        }
    }

    /// The carriers among which a message may change: none for one that a test key sent.
    fn others(&self, of: Subject<'_>) -> &[CarrierName] {
        match of.mode {
            Mode::Live => self.carriers(of),
            Mode::Test => &[],
        }
    }

    /// Hands over the carriers of each rule.
    pub(crate) fn with_carriers<T>(&self, look: impl FnOnce(Vec<&[CarrierName]>) -> T) -> T {
        look(self.newest().rules.iter().map(|route| &*route.carriers).collect())
    }

    /// The carriers of a live message's route, none where it has no route.
    fn carriers(&self, of: Subject<'_>) -> &[CarrierName] {
        self.find(of).map_or(&[], |route| &route.carriers)
    }

    /// The first rule for such a message.
    fn find(&self, of: Subject<'_>) -> Option<&Route> {
        let recipient = of.recipient.text();
        self.newest().rules.iter().find(|route| recipient.starts_with(&route.prefix) && route.kind == of.kind)
    }

    /// The rules that hold.
    fn newest(&self) -> &Self {
        let mut newest = self;
        while let Some(later) = newest.later.get() {
            newest = later;
        }
        newest
    }
}

/// The first of these carriers that is usable, or else the first that is in the configuration.
fn best<'a>(
    mut carriers: impl Iterator<Item = &'a CarrierName> + Clone,
    standing: impl Fn(&CarrierName) -> Standing,
) -> Option<&'a CarrierName> {
    let usable = carriers.clone().find(|name| standing(name).is_usable());
    usable.or_else(|| carriers.find(|name| standing(name) != Standing::Absent))
}

#[cfg(test)]
mod tests;
