use model::{Entropy, SeededEntropy};

use super::*;

/// A number that is set, added to and read.
struct Register;

#[derive(Clone, Debug, PartialEq)]
enum Call {
    Set(u8),
    /// Sets the second where the first is there; answers what was there.
    Swap(u8, u8),
    Get,
}

impl Model for Register {
    type State = u8;
    type Call = Call;
    type Answer = u8;

    fn step(state: &u8, call: &Call, answer: Option<&u8>) -> Option<u8> {
        let (found, after) = match call {
            Call::Set(value) => (0, *value),
            Call::Swap(from, to) => (*state, if state == from { *to } else { *state }),
            Call::Get => (*state, *state),
        };
        answer.is_none_or(|answer| *answer == found).then_some(after)
    }

    fn changes_nothing(call: &Call, answer: &u8) -> bool {
        match call {
            Call::Set(_) => false,
            Call::Swap(from, _) => answer != from,
            Call::Get => true,
        }
    }
}

fn ended(call: Call, began: u64, end: u64, answer: u8) -> Operation<Register> {
    Operation { call, began, ended: Some((end, answer)) }
}

fn open(call: Call, began: u64) -> Operation<Register> {
    Operation { call, began, ended: None }
}

fn is_linearizable(operations: &[Operation<Register>]) -> bool {
    check(operations).is_ok()
}

use Call::{Get, Set, Swap};

#[test]
fn what_ended_is_seen_by_what_begins() {
    assert!(is_linearizable(&[ended(Set(1), 1, 2, 0), ended(Get, 3, 4, 1)]));
    assert!(!is_linearizable(&[ended(Set(1), 1, 2, 0), ended(Get, 3, 4, 0)]), "a stale read");
    for seen in [0, 1] {
        assert!(is_linearizable(&[ended(Set(1), 1, 4, 0), ended(Get, 2, 3, seen)]));
    }
    assert!(!is_linearizable(&[ended(Set(1), 1, 4, 0), ended(Get, 2, 3, 2)]), "a value out of nowhere");
}

#[test]
fn what_was_seen_is_not_unseen() {
    let set = || ended(Set(1), 1, 9, 0);
    assert!(is_linearizable(&[set(), ended(Get, 2, 3, 0), ended(Get, 4, 5, 1)]));
    assert!(!is_linearizable(&[set(), ended(Get, 2, 3, 1), ended(Get, 4, 5, 0)]));
}

#[test]
fn of_two_that_swap_at_once_one_does() {
    let history = |second| [ended(Swap(0, 1), 1, 4, 0), ended(Swap(0, 2), 2, 3, second), ended(Get, 5, 6, 1)];
    assert!(is_linearizable(&history(1)));
    assert!(!is_linearizable(&history(0)), "a lost update");
}

#[test]
fn what_has_no_end_may_happen_late_or_never() {
    assert!(is_linearizable(&[open(Set(1), 1), ended(Get, 2, 3, 0), ended(Get, 4, 5, 0)]));
    assert!(is_linearizable(&[open(Set(1), 1), ended(Get, 2, 3, 0), ended(Get, 4, 5, 1)]));
    assert!(!is_linearizable(&[open(Set(1), 1), ended(Get, 2, 3, 1), ended(Get, 4, 5, 0)]), "it happens once");
    assert!(!is_linearizable(&[ended(Get, 1, 2, 1), open(Set(1), 3)]), "and not before it began");
}

/// Tries every order of every choice of those without an end.
fn by_force(operations: &[Operation<Register>], chosen: &mut Vec<usize>, state: u8) -> bool {
    let left: Vec<usize> = (0..operations.len()).filter(|at| !chosen.contains(at)).collect();
    if left.iter().all(|at| operations[*at].ended.is_none()) {
        return true;
    }
    for at in left.iter().copied() {
        let comes_too_early = left
            .iter()
            .any(|other| operations[*other].ended.as_ref().is_some_and(|(end, _)| *end <= operations[at].began));
        let answer = operations[at].ended.as_ref().map(|(_, answer)| answer);
        if let (false, Some(after)) = (comes_too_early, Register::step(&state, &operations[at].call, answer)) {
            chosen.push(at);
            if by_force(operations, chosen, after) {
                return true;
            }
            chosen.pop();
        }
    }
    false
}

#[test]
fn the_search_finds_what_trying_every_order_finds() {
    let entropy = SeededEntropy::new(trials::seed());
    let any = |below: u64| entropy.next_u64() % below;
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..4_000 {
        let mut operations = Vec::new();
        for at in 0..6 {
            let call = match any(3) {
                0 => Set(any(3) as u8),
                1 => Swap(any(3) as u8, any(3) as u8),
                _ => Get,
            };
            let (began, answer) = (at * 2 + any(4), if matches!(call, Set(_)) { 0 } else { any(3) as u8 });
            let operation = match any(6) {
                0 => open(call, began),
                _ => ended(call, began, began + 1 + any(6), answer),
            };
            operations.push(operation);
        }
        let expected = by_force(&operations, &mut Vec::new(), 0);
        assert_eq!(is_linearizable(&operations), expected, "{:?}", check(&operations));
        *if expected { &mut right } else { &mut wrong } += 1;
    }
    assert!(right > 200 && wrong > 200, "{right} and {wrong}");
}
