//! What people wrote and asked for, as seen from outside the program.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{AccountId, KeywordKind, Mode, Msisdn, Originator};

use crate::executor::ProcessId;

/// Everything that people wrote, and what is to follow from it.
#[derive(Default)]
pub(crate) struct People {
    /// Texts and changes of opt-outs that are not through yet.
    pub(crate) under_way: usize,
    /// Every text that carriers have our answer to, and how often the store has it.
    pub(crate) texts: BTreeMap<Text, Times>,
    /// Names of long messages of which parts may still come.
    pub(crate) names: BTreeSet<Name>,
    wishes: BTreeMap<(AccountId, Msisdn), Wishes>,
    /// Keywords, by handset and the number that it wrote to.
    pub(crate) asked: BTreeMap<(AccountId, Msisdn, Originator), Asked>,
    /// Whether the wall clock was set: what comes again may come too late to be recognised.
    pub(crate) clock_was_set: bool,
    /// Whether the disk had faults: that a carrier has our answer may not be on it.
    pub(crate) disk_had_faults: bool,
}

/// How a carrier brought something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brought {
    /// How often.
    pub(crate) copies: usize,
    /// The process to which the first copy went.
    pub(crate) first_to: ProcessId,
    /// The process that answered.
    pub(crate) last_to: ProcessId,
    /// Whether that process knows that the carrier has the answer.
    pub(crate) is_answered: bool,
}

/// A text as the store is to have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text {
    /// The account that it belongs to; `None` where it belongs to none.
    pub(crate) account: Option<AccountId>,
    pub(crate) carrier: String,
    pub(crate) from: Msisdn,
    pub(crate) to: String,
    pub(crate) body: String,
    /// The parts that are missing.
    pub(crate) missing: Vec<u8>,
    pub(crate) keyword: Option<KeywordKind>,
}

/// How often the store has a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    pub(crate) least: usize,
    pub(crate) most: usize,
    /// How those of a single part were brought.
    earlier: Vec<Brought>,
}

/// The name of a long message: its carrier, both addresses, form, reference and number of parts.
pub(crate) type Name = (String, Msisdn, String, u8, u16, u8);

/// Whether a handset wants messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does.
    In,
    /// A change is under way.
    Unsettled,
    /// It does not, since this moment at the latest.
    Out(Duration),
}

/// What a handset wants of an account.
#[derive(Default)]
struct Wishes {
    /// Whether something about it is under way: one change comes after the other.
    is_busy: bool,
    /// How often it changed.
    generation: u64,
    /// For messages of all senders (`None`), and of single ones.
    standings: BTreeMap<Option<Originator>, Standing>,
}

/// A change of the opt-outs of a handset.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// It opts out under this name.
    Out(Option<Originator>),
    /// Those of these names end.
    In(Vec<Option<Originator>>),
}

/// The keywords that a handset sent to a number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) stops: usize,
    /// Those of them that changed something.
    pub(crate) stops_of_effect: usize,
    pub(crate) starts_of_effect: usize,
    pub(crate) helps: usize,
    /// Whether one of them may have been taken for an earlier one that came again.
    pub(crate) is_unsure: bool,
    /// When the last STOP came, at the latest.
    pub(crate) last_stop: Duration,
}

impl People {
    /// A text of one part is through. It is one more message, unless the program may take it for an earlier one that
    /// comes again: it is not sure that the carrier has the answer to that one. Says whether it certainly is.
    pub(crate) fn told(&mut self, text: Text, brought: Brought) -> bool {
        let (was_set, had_faults) = (self.clock_was_set, self.disk_had_faults);
        let times = self.texts.entry(text).or_default();
        let is_sure = times.earlier.iter().all(|earlier| {
            let in_one_process = earlier.last_to == brought.first_to && earlier.last_to == brought.last_to;
            earlier.is_answered && in_one_process && !had_faults
        });
        times.least += usize::from(is_sure);
        times.most += if was_set { brought.copies } else { 1 };
        times.earlier.push(brought);
        is_sure
    }

    /// A text of several parts is through. Each has a name that no other text has at the time.
    pub(crate) fn told_in_parts(&mut self, text: Text) {
        let times = self.texts.entry(text).or_default();
        (times.least, times.most) = (times.least + 1, times.most + 1);
    }

    /// Begins something about the opt-outs of a handset, unless something is under way.
    pub(crate) fn try_begin(&mut self, account: AccountId, handset: Msisdn) -> bool {
        !std::mem::replace(&mut self.wishes.entry((account, handset)).or_default().is_busy, true)
    }

    /// It is through.
    pub(crate) fn end(&mut self, account: AccountId, handset: Msisdn) {
        self.wishes.entry((account, handset)).or_default().is_busy = false;
    }

    /// Whether it is not known where an opt-out of a handset stands although nothing is under way.
    pub(crate) fn is_open(&self, account: AccountId, handset: Msisdn) -> bool {
        let standings = self.wishes.get(&(account, handset)).map(|wishes| wishes.standings.values());
        standings.into_iter().flatten().any(|standing| *standing == Standing::Unsettled)
    }

    /// What a START to `number` ends.
    pub(crate) fn ended_by_start(
        &mut self,
        account: AccountId,
        handset: Msisdn,
        number: Originator,
        is_of_account: bool,
    ) -> Change {
        let wishes = self.wishes.entry((account, handset)).or_default();
        let is_out_of_all = matches!(wishes.standings.get(&None), Some(Standing::Out(_)));
        if is_of_account || is_out_of_all {
            Change::In(wishes.standings.keys().copied().collect())
        } else {
            Change::In(vec![Some(number)])
        }
    }

    /// A change is about to be asked for. Says whether it has an effect.
    pub(crate) fn begin_change(&mut self, account: AccountId, handset: Msisdn, change: &Change) -> bool {
        let wishes = self.wishes.entry((account, handset)).or_default();
        wishes.generation += 1;
        let mut has_effect = false;
        match change {
            Change::Out(name) => {
                let standing = wishes.standings.entry(*name).or_insert(Standing::In);
                if *standing == Standing::In {
                    (*standing, has_effect) = (Standing::Unsettled, true);
                }
            }
            Change::In(names) => {
                for name in names {
                    let standing = wishes.standings.entry(*name).or_insert(Standing::In);
                    if *standing != Standing::In {
                        (*standing, has_effect) = (Standing::Unsettled, true);
                    }
                }
            }
        }
        has_effect
    }

    /// A START was answered and may have been taken for an earlier one that came again: what it ends may have ended.
    pub(crate) fn leave_open(&mut self, account: AccountId, handset: Msisdn, change: &Change) {
        let wishes = self.wishes.entry((account, handset)).or_default();
        wishes.generation += 1;
        if let Change::In(names) = change {
            let open = names.iter().filter(|name| wishes.standings.get(name) != Some(&Standing::In));
            let open: Vec<_> = open.map(|name| (*name, Standing::Unsettled)).collect();
            wishes.standings.extend(open);
        }
    }

    /// The change was answered at `now`.
    pub(crate) fn end_change(&mut self, account: AccountId, handset: Msisdn, change: &Change, now: Duration) {
        let wishes = self.wishes.entry((account, handset)).or_default();
        wishes.generation += 1;
        match change {
            Change::Out(name) => {
                let standing = wishes.standings.entry(*name).or_insert(Standing::In);
                if !matches!(standing, Standing::Out(_)) {
                    *standing = Standing::Out(now);
                }
            }
            Change::In(names) => wishes.standings.extend(names.iter().map(|name| (*name, Standing::In))),
        }
    }

    /// Whether a handset wants messages of an account from this sender, and how often that may have changed.
    pub(crate) fn standing(
        &self,
        account: AccountId,
        mode: Mode,
        handset: Msisdn,
        from: Originator,
    ) -> (Standing, u64) {
        if mode == Mode::Test {
            let standing = if answers_in_the_sandbox(handset) { Standing::Unsettled } else { Standing::In };
            return (standing, 0);
        }
        let Some(wishes) = self.wishes.get(&(account, handset)) else { return (Standing::In, 0) };
        let of = |name: Option<Originator>| wishes.standings.get(&name).copied().unwrap_or(Standing::In);
        let standing = match (of(None), of(Some(from))) {
            (Standing::Out(one), Standing::Out(other)) => Standing::Out(one.min(other)),
            (Standing::Out(since), _) | (_, Standing::Out(since)) => Standing::Out(since),
            (Standing::Unsettled, _) | (_, Standing::Unsettled) => Standing::Unsettled,
            (Standing::In, Standing::In) => Standing::In,
        };
        (standing, wishes.generation)
    }

    /// Whether a handset may ever have opted out of messages of an account.
    pub(crate) fn may_have_opted_out(&self, account: AccountId, mode: Mode, handset: Msisdn) -> bool {
        match mode {
            Mode::Test => answers_in_the_sandbox(handset),
            Mode::Live => self.wishes.get(&(account, handset)).is_some_and(|wishes| !wishes.standings.is_empty()),
        }
    }

    /// Every name and where it stands.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (AccountId, Msisdn, Option<Originator>, Standing)> {
        self.wishes.iter().flat_map(|((account, handset), wishes)| {
            wishes.standings.iter().map(move |(name, standing)| (*account, *handset, *name, *standing))
        })
    }

    /// Handsets that have opted out of something of an account at some time, and about which nothing is under way.
    pub(crate) fn known(&self, account: AccountId) -> Vec<Msisdn> {
        let known = self.wishes.iter().filter(|((of, _), wishes)| *of == account && !wishes.is_busy);
        known.map(|((_, handset), _)| *handset).collect()
    }

    /// Handsets that have opted out of something of an account, and about which nothing is under way.
    pub(crate) fn out(&self, account: AccountId) -> Vec<Msisdn> {
        let is_out = |wishes: &Wishes| wishes.standings.values().any(|standing| matches!(standing, Standing::Out(_)));
        self.wishes
            .iter()
            .filter(|((of, _), wishes)| *of == account && !wishes.is_busy && is_out(wishes))
            .map(|((_, handset), _)| *handset)
            .collect()
    }
}

/// Whether the sandbox answers for a handset with a keyword.
fn answers_in_the_sandbox(handset: Msisdn) -> bool {
    let text = handset.to_string();
    ["0009", "0010"].iter().any(|end| text.ends_with(end))
}
