//! How the list of opt-outs changes.

use model::{OptOut, OptOutScope, OptOutSource, Originator, Owner, Timestamp};

use crate::contract::changes::Resource;
use crate::contract::optouts::OptIn;

/// What becomes of an opt-out that is to be put on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is on the list now.
    New,
    /// It was there by another wish, and counts as the handset's own from now on.
    Theirs,
    /// It was there.
    Known,
}

impl Put {
    /// What becomes of an opt-out. `known` says where the one comes from that has its name.
    pub fn of(opt_out: &OptOut, known: Option<OptOutSource>) -> Self {
        match known {
            None => Self::New,
            Some(known) if opt_out.source == OptOutSource::Keyword && known != OptOutSource::Keyword => Self::Theirs,
            Some(_) => Self::Known,
        }
    }
}

/// Whether the end of an opt-out from `asked` ends one from `sender` as well.
pub fn ends(scope: OptOutScope, asked: Option<Originator>, sender: Option<Originator>) -> bool {
    scope == OptOutScope::Account || sender == asked
}

/// Whether an opt-out of this source ends only for a reason that was not given.
pub fn lacks_reason(known: OptOutSource, opt_in: &OptIn) -> bool {
    let has_reason = opt_in.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
    known == OptOutSource::Keyword && opt_in.source != OptOutSource::Keyword && !has_reason
}

/// What the history shows of the end of an opt-out.
pub fn line_of(opt_in: &OptIn) -> OptOut {
    OptOut {
        name: opt_in.name,
        source: opt_in.source,
        keyword: None,
        message: None,
        reason: opt_in.reason.clone(),
        created_at: opt_in.at,
    }
}

/// The change that a line of the history is, for those who follow its owner.
pub fn change(is_out: bool, line: OptOut) -> (Timestamp, Option<Owner>, Resource) {
    let (at, owner) = (line.created_at, line.name.owner);
    (at, Some(owner), if is_out { Resource::OptedOut(line) } else { Resource::OptedIn(line) })
}
