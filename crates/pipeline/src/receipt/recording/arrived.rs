//! Messages of handsets in the recording: offered to the store once, as receipts are, and accepted when they are on
//! disk; and what their carriers know of that.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use carrier::{Ack, AckId, Inbound, InboundContent};
use model::{CarrierName, InboundMedia, Moment, Timestamp};
use store::contract::inbound::{Arrival, ArrivalId, InboundOutcome, Recorded};

use super::{Action, Kept, Report};
use crate::heard::Heard;
use crate::inbound::arrivals_of;

/// A message of a handset whose files are in their place.
#[derive(Debug)]
pub(in crate::receipt) struct Placed {
    pub(in crate::receipt) carrier: CarrierName,
    /// The message without its files.
    pub(in crate::receipt) inbound: Box<Inbound>,
    pub(in crate::receipt) media: Vec<InboundMedia>,
    pub(in crate::receipt) ack: Ack,
}

/// How long a carrier may take to say that it had an answer. It does so within ten seconds, or never.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// The most messages of which it is remembered that their carriers have not said so: half a minute of ten thousand a
/// second.
const UNANSWERED_MAX: usize = 300_000;

/// Says which addresses are numbers of ours.
pub(in crate::receipt) type IsOurs = Box<dyn Fn(&model::InboundAddress) -> bool + Send + Sync>;

/// A message of a handset that is being written.
struct Pending {
    ack: Ack,
    /// How many arrivals it is.
    arrivals: usize,
    media: Vec<InboundMedia>,
    heard: Vec<Heard>,
}

/// The messages of handsets that are being written, and those whose carriers have not said that they had the answer.
#[derive(Default)]
pub(super) struct Arrived {
    pending: Vec<Pending>,
    unanswered: HashMap<AckId, Vec<ArrivalId>>,
    /// The same by age, in steady time: those that are answered stay here until their time is over.
    by_age: VecDeque<(Timestamp, AckId)>,
    /// Answered since the last write.
    answered: Vec<ArrivalId>,
    /// When a message came last, in steady time. What carriers said until then was heard.
    heard_until: Timestamp,
}

impl Arrived {
    /// Takes a message, as what is to be written. One that has files goes to its place first.
    pub(super) fn take(
        &mut self,
        Placed { carrier, inbound, media, ack }: Placed,
        is_ours: &IsOurs,
        now: Moment,
        writes: &mut Vec<Arrival>,
    ) {
        self.heard_until = now.steady;
        let arrivals = arrivals_of(&carrier, *inbound, media.clone(), now.wall, is_ours);
        let heard = arrivals.iter().map(Heard::of).collect();
        self.pending.push(Pending { ack, arrivals: arrivals.len(), media, heard });
        writes.extend(arrivals);
    }

    /// The carrier had the answer in time.
    pub(super) fn answered(&mut self, ack: AckId) {
        self.answered.extend(self.unanswered.remove(&ack).into_iter().flatten());
    }

    /// Those of which that is to be noted.
    pub(super) fn take_answered(&mut self) -> Vec<ArrivalId> {
        std::mem::take(&mut self.answered)
    }

    /// What follows once they were offered to the store. Where it did not take them, their carriers send them again.
    pub(super) fn written(&mut self, kept: Kept, now: Moment) -> Vec<Action> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Vec::new();
        }
        let results = match kept {
            Kept::Yes(results) => results,
            Kept::No => {
                let media: Vec<InboundMedia> = pending.into_iter().flat_map(|pending| pending.media).collect();
                return if media.is_empty() { Vec::new() } else { vec![Action::Discard(media)] };
            }
            // A message that is on disk may need its files.
            Kept::Unknown => return Vec::new(),
        };
        // Not those older than the present: a write that took long kept what carriers say waiting.
        self.forget_old(self.heard_until);
        let (mut acks, mut reports, mut discarded, mut due) = (Vec::new(), Vec::new(), Vec::new(), BTreeSet::new());
        let mut results = results.into_iter();
        for Pending { ack, arrivals, media, heard } in pending {
            let results: Vec<Recorded> = results.by_ref().take(arrivals).collect();
            // The files of a repeat belong to the message that was recorded before.
            if results.iter().all(|recorded| recorded.outcome == InboundOutcome::Repeated) {
                discarded.extend(media);
            }
            self.unanswered.insert(ack.id(), results.iter().map(|recorded| recorded.arrival).collect());
            self.by_age.push_back((now.steady, ack.id()));
            acks.push(ack);
            for (heard, Recorded { outcome, .. }) in heard.into_iter().zip(results) {
                due.extend(outcome.followed().and_then(|followed| followed.replied.as_ref()?.carrier().cloned()));
                reports.push(Action::Report(Report::Arrived(heard, outcome)));
            }
        }
        let mut actions = vec![Action::Accept(acks)];
        actions.extend(reports);
        if !discarded.is_empty() {
            actions.push(Action::Discard(discarded));
        }
        if !due.is_empty() {
            actions.push(Action::LookAt(due));
        }
        actions
    }

    /// Nothing more is recorded: what is pending is not accepted. It may be on disk, so that its files stay, and are
    /// found as orphans where it is not.
    pub(super) fn give_up(&mut self) {
        self.pending.clear();
    }

    fn forget_old(&mut self, now: Timestamp) {
        while let Some((at, ack)) = self.by_age.front()
            && (*at + ANSWERED_WITHIN < now || self.by_age.len() > UNANSWERED_MAX)
        {
            self.unanswered.remove(ack);
            self.by_age.pop_front();
        }
    }
}

/// Whether a message has files that are to be put into their place before it is recorded.
pub(super) const fn has_files(inbound: &Inbound) -> bool {
    match &inbound.content {
        InboundContent::Mms(mms) => !mms.files.is_empty(),
        InboundContent::Sms(..) => false,
    }
}
