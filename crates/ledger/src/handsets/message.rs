//! What assembled parts are, and what follows.

use std::sync::Arc;

use model::{InboundMessage, OptOutName, Owner, Timestamp};

use crate::contract::changes::Resource;
use crate::contract::inbound::{
    Arrival, Assembled, Consequence, Followed, InboundOutcome, Interpreted, Interpreter, Opt,
};
use crate::daily::{Added, DailyTally};

/// A message, whether it belongs to an account, and what follows from it.
pub struct Meaning {
    /// The message.
    pub message: InboundMessage,
    /// Whether it belongs to an account.
    pub is_routed: bool,
    /// The consequence: an opt-out or its end, and a reply.
    pub consequence: Consequence,
    /// What it adds to the counts of its owner.
    added: Added,
}

impl Meaning {
    /// What assembled parts are. Where some of them were a message before, `earlier` is that message, and whether it
    /// belongs to an account.
    pub fn of(assembled: &Assembled, interpreter: &dyn Interpreter, earlier: Option<(InboundMessage, bool)>) -> Self {
        let (message, consequence, mut is_routed) = match interpreter.interpret(assembled) {
            Interpreted::Owned(message, consequence) => (*message, consequence, true),
            Interpreted::Unrouted(message, consequence) => (*message, consequence, false),
        };
        let mut message = InboundMessage { missing_parts: assembled.missing().into(), ..message };
        if let Some(id) = assembled.earlier {
            message.id = id;
        }
        let known_segments = earlier.as_ref().map(|(known, _)| known.segments);
        let added = Added {
            messages: assembled.earlier.is_none().into(),
            segments: match (assembled.earlier, known_segments) {
                (None, _) => message.segments.into(),
                (Some(_), Some(known)) => i64::from(message.segments) - i64::from(known),
                // It was counted, and is old enough to be gone.
                (Some(_), None) => 0,
            },
        };
        if let Some((known, was_routed)) = earlier {
            // Its number may belong to another account by now, which is not to see what an earlier one has seen.
            is_routed = was_routed;
            (message.account, message.mode, message.created_at) = (known.account, known.mode, known.created_at);
        }
        // What is meant is only known of the whole.
        let consequence = if message.is_partial() { Consequence::default() } else { consequence };
        Self { message, is_routed, consequence, added }
    }

    /// A message that belonged to no account, as one that comes to this owner now.
    pub fn assigned(message: InboundMessage, owner: Owner, opt: Option<Opt>, now: Timestamp) -> Self {
        let message = InboundMessage { account: owner.account, mode: owner.mode, created_at: now, ..message };
        let opt = opt.filter(|_| !message.is_partial());
        let added = Added { messages: 1, segments: message.segments.into() };
        Self { message, is_routed: true, consequence: Consequence { opt, reply: None }, added }
    }

    /// Counts it for its owner, where it has one.
    pub fn count_in(&self, daily: &mut DailyTally) {
        if self.is_routed {
            daily.received(self.message.owner(), self.message.id, self.message.kind, self.added);
        }
    }

    /// The change that it is for those who follow its owner.
    pub fn change(&self) -> Option<(Owner, Resource)> {
        let resource = Resource::Inbound { id: self.message.id, is_partial: self.message.is_partial() };
        self.is_routed.then(|| (self.message.owner(), resource))
    }

    /// What is told of it.
    pub fn outcome(self, followed: Followed) -> InboundOutcome {
        if self.is_routed {
            InboundOutcome::Message(Arc::new(self.message), followed)
        } else {
            InboundOutcome::Unrouted(followed)
        }
    }
}

/// A whole message as the interpreter reads it.
pub fn whole(arrival: &Arrival) -> Assembled {
    Assembled {
        carrier: arrival.carrier.clone(),
        from: arrival.from.clone(),
        to: arrival.to.clone(),
        received_at: arrival.at,
        total: 1,
        parts: vec![(1, Arc::clone(&arrival.content))],
        media: Arc::clone(&arrival.media),
        earlier: None,
    }
}

/// The opt-out that a whole message asks for. Where it is not in force, the message is no repeat even if it seems to
/// come again: the handset opted in meanwhile. If the carrier had the answer to the first one after all, the handset
/// has sent STOP a second time, and a text that is shown twice does less harm than a STOP that is lost.
pub fn asked_opt_out(arrival: &Arrival, interpreter: &dyn Interpreter) -> Option<OptOutName> {
    if arrival.part.is_some() {
        return None;
    }
    let (Interpreted::Owned(_, consequence) | Interpreted::Unrouted(_, consequence)) =
        interpreter.interpret(&whole(arrival));
    match consequence.opt {
        Some(Opt::Out(opt_out)) => Some(opt_out.name),
        Some(Opt::In(..)) | None => None,
    }
}

impl InboundOutcome {
    /// What followed, where something may have, to be added to.
    pub const fn followed_mut(&mut self) -> Option<&mut Followed> {
        match self {
            Self::Message(_, followed) | Self::Unrouted(followed) => Some(followed),
            Self::Part | Self::Repeated => None,
        }
    }
}
