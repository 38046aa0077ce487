//! Whether a history is linearizable: whether its operations can be put into one order that a model of the object
//! allows, in which none comes before one that had ended when it began.
//!
//! This is the search of Wing and Gong with the memory of Lowe: which operations are in the order so far, and the state
//! they led to, is looked at once. An operation without an end may have happened at any time since it began, or never.

use std::collections::HashSet;
use std::fmt::{Debug, Write};
use std::hash::Hash;

/// What an object promises to those who use it one after the other.
pub(super) trait Model: 'static {
    /// How the object is.
    type State: Clone + Debug + Eq + Hash + Default;
    /// What is asked of it.
    type Call: Clone + Debug + Send;
    /// What it answers.
    type Answer: Clone + Debug + Send;

    /// The state after a call; `None` where the object would answer otherwise. A call without an answer changes what it
    /// would change with the answer that the object would give.
    fn step(state: &Self::State, call: &Self::Call, answer: Option<&Self::Answer>) -> Option<Self::State>;

    /// Whether a call with this answer changes nothing, whatever the state.
    fn changes_nothing(call: &Self::Call, answer: &Self::Answer) -> bool;
}

/// A call, and what became of it.
pub(super) struct Operation<M: Model> {
    pub(super) call: M::Call,
    pub(super) began: u64,
    /// When it was answered, and what. `None` where nobody knows whether it happened.
    pub(super) ended: Option<(u64, M::Answer)>,
}

/// How many states the search looks at before it gives up.
const STATES_MAX: usize = 3_000_000;

/// Which operations are in the order.
type Chosen = Box<[u64]>;

/// Looks for an order.
///
/// # Errors
/// A text that shows how far an order can go, where there is none; or that the search was given up.
pub(super) fn check<M: Model>(operations: &[Operation<M>]) -> Result<(), String> {
    let begin: (Chosen, M::State) = (vec![0; operations.len().div_ceil(64)].into(), M::State::default());
    let (mut seen, mut waiting) = (HashSet::from([begin.clone()]), vec![begin.clone()]);
    let (mut furthest, mut length) = (begin, 0);
    while let Some((chosen, state)) = waiting.pop() {
        if operations.iter().enumerate().all(|(at, operation)| operation.ended.is_none() || has(&chosen, at)) {
            return Ok(());
        }
        let count = chosen.iter().map(|word| word.count_ones()).sum();
        if count > length {
            (furthest, length) = ((chosen.clone(), state.clone()), count);
        }
        for at in next_of(operations, &chosen, &state) {
            let (operation, mut longer) = (&operations[at], chosen.clone());
            longer[at / 64] |= 1 << (at % 64);
            let answer = operation.ended.as_ref().map(|(_, answer)| answer);
            let Some(after) = M::step(&state, &operation.call, answer) else { continue };
            let next = (longer, after);
            if seen.insert(next.clone()) {
                waiting.push(next);
            }
        }
        if seen.len() > STATES_MAX {
            return Err(format!("given up after {STATES_MAX} states of {} operations", operations.len()));
        }
    }
    Err(shown(operations, &furthest.0, &furthest.1))
}

fn has(chosen: &Chosen, at: usize) -> bool {
    chosen[at / 64] & 1 << (at % 64) != 0
}

/// The operations that may come next, the most promising one last: those that began before the first of the others
/// ended.
fn may_come<M: Model>(operations: &[Operation<M>], chosen: &Chosen) -> Vec<usize> {
    let open = || operations.iter().enumerate().filter(|(at, _)| !has(chosen, *at));
    let end = |operation: &Operation<M>| operation.ended.as_ref().map_or(u64::MAX, |(end, _)| *end);
    let first_end = open().map(|(_, operation)| end(operation)).min().unwrap_or(u64::MAX);
    let mut next: Vec<usize> = open().filter(|(_, one)| one.began < first_end).map(|(at, _)| at).collect();
    next.sort_by_key(|at| std::cmp::Reverse(end(&operations[*at])));
    next
}

/// As [`may_come`]. One that changes nothing and is answered right is the only one: it is in nobody's way. One without
/// an answer that would change nothing now needs no place.
fn next_of<M: Model>(operations: &[Operation<M>], chosen: &Chosen, state: &M::State) -> Vec<usize> {
    let mut next = may_come(operations, chosen);
    let is_free = |at: &usize| {
        let Operation { call, ended, .. } = &operations[*at];
        let answer = ended.as_ref().map(|(_, answer)| answer);
        answer.is_some_and(|answer| M::changes_nothing(call, answer)) && M::step(state, call, answer).is_some()
    };
    if let Some(free) = next.iter().copied().find(is_free) {
        return vec![free];
    }
    let has_use = |at: &usize| {
        let Operation { call, ended, .. } = &operations[*at];
        ended.is_some() || M::step(state, call, None).is_some_and(|after| after != *state)
    };
    next.retain(has_use);
    next
}

/// How far an order goes, and what cannot come next.
fn shown<M: Model>(operations: &[Operation<M>], chosen: &Chosen, state: &M::State) -> String {
    let count: u32 = chosen.iter().map(|word| word.count_ones()).sum();
    let mut text = format!("no order: {count} of {} operations lead to {state:?}, then none of\n", operations.len());
    let mut show = |title: &str, at: usize| {
        let Operation { call, began, ended } = &operations[at];
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {title} {began}: {call:?} -> {ended:?}");
    };
    for at in may_come(operations, chosen) {
        show("not", at);
    }
    let mut before: Vec<usize> = (0..operations.len()).filter(|at| has(chosen, *at)).collect();
    before.sort_by_key(|at| std::cmp::Reverse(operations[*at].began));
    for at in before.into_iter().take(20) {
        show("before", at);
    }
    text
}

#[cfg(test)]
mod tests;
