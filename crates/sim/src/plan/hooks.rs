//! Which endpoints accounts have, and what goes wrong with them.

use model::Mode;
use model::webhook::Ordering;

use super::Mood;
use crate::chance::Chance;

/// An endpoint of an account.
#[derive(Clone, Copy, Debug)]
pub struct HookPlan {
    /// The account, by its place in the plan.
    pub account: usize,
    /// In which of its worlds.
    pub mode: Mode,
    /// In which order it wants events.
    pub ordering: Ordering,
    /// Whether it wants those of messages of broadcasts.
    pub broadcast_messages: bool,
    /// Whether it wants to know of acceptances.
    pub wants_queued: bool,
    /// What goes wrong with it.
    pub weather: HookWeather,
}

/// How often each fault happens: times in a thousand, per request.
#[derive(Clone, Copy, Debug, Default)]
pub struct HookWeather {
    /// No connection is made.
    pub refused: u64,
    /// It has the event, and no answer comes.
    pub silent: u64,
    /// It has the event, and answers with 500 or 302.
    pub errors: u64,
    /// It asks for time, with 429 or 503.
    pub busy: u64,
    /// It takes seconds.
    pub slow: u64,
    /// It is gone from then on: 410.
    pub gone: u64,
}

/// How endpoints come to have everything at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// By the schedule, which takes hours.
    Wait,
    /// Their accounts pause them and have them go on.
    Resume,
}

impl HookWeather {
    fn of(chance: &mut Chance, mood: Mood) -> Self {
        if mood == Mood::Calm {
            return Self::default();
        }
        let mut often = |most: u64| if chance.permille(500) { chance.within(0..most) } else { 0 };
        let mut weather = Self {
            refused: often(150),
            silent: often(80),
            errors: often(200),
            busy: often(150),
            slow: often(200),
            gone: 0,
        };
        match chance.below(8) {
            // It is away until the end.
            0 => weather.refused = 1_000,
            1 => weather.gone = 40,
            _ => {}
        }
        weather
    }
}

/// The endpoints of so many accounts, and how they end.
pub(crate) fn hooks(chance: &mut Chance, mood: Mood, accounts: usize) -> (Vec<HookPlan>, HookEnd) {
    let mut hooks = Vec::new();
    for account in 0..accounts {
        for _ in 0..[0, 0, 1, 1, 2][chance.below(5)] {
            hooks.push(HookPlan {
                account,
                mode: if chance.permille(200) { Mode::Test } else { Mode::Live },
                ordering: *chance.pick(&Ordering::ALL),
                broadcast_messages: chance.permille(500),
                wants_queued: chance.permille(300),
                weather: HookWeather::of(chance, mood),
            });
        }
    }
    let end = if chance.permille(150) { HookEnd::Wait } else { HookEnd::Resume };
    (hooks, end)
}
