//! Turns as sequences: who waits, and who is next.

use std::cell::Cell;
use std::rc::Rc;

use model::{AccountId, Mode};

use super::*;

/// A read with a name; it has gone when the cell says so.
#[derive(Clone)]
struct Named(u32, Rc<Cell<bool>>);

impl Waiter for Named {
    fn has_gone(&self) -> bool {
        self.1.get()
    }
}

fn named(name: u32) -> Named {
    Named(name, Rc::default())
}

fn owner(number: u8) -> Reader {
    Reader::Owner(Owner { account: AccountId::from_bytes([number; 16]), mode: Mode::Live })
}

/// The names of the reads that may run now, in order.
fn runs(turns: &mut Turns<Named>) -> Vec<u32> {
    std::iter::from_fn(|| turns.next()).map(|(_, _, named)| named.0).collect()
}

#[test]
fn a_page_of_another_owner_is_next_whatever_waits_before_it() {
    let mut turns = Turns::new(4);
    for name in 0..300 {
        turns.join(owner(1), Work::Page, named(name)).unwrap();
    }
    assert_eq!(runs(&mut turns), [0, 1], "one owner's pages leave a connection to the pages of others");
    turns.join(owner(2), Work::Page, named(1_000)).unwrap();
    turns.join(Reader::Operator, Work::Page, named(2_000)).unwrap();
    assert_eq!(runs(&mut turns), [1_000]);
    turns.end(owner(1), Work::Page);
    assert_eq!(runs(&mut turns), [2_000], "the first owner has a page under way");
    turns.end(owner(1), Work::Page);
    assert_eq!(runs(&mut turns), [2]);
}

#[test]
fn pages_of_three_owners_alternate() {
    let mut turns = Turns::new(2);
    for name in 0..3 {
        for number in 1..4 {
            turns.join(owner(number), Work::Page, named(u32::from(number) * 10 + name)).unwrap();
        }
    }
    let mut order = Vec::new();
    while let Some((reader, work, Named(name, _))) = turns.next() {
        order.push(name);
        assert!(turns.next().is_none(), "the other connection is not for pages");
        turns.end(reader, work);
    }
    assert_eq!(order, [10, 20, 30, 11, 21, 31, 12, 22, 32]);
}

#[test]
fn a_small_read_waits_for_no_page() {
    let mut turns = Turns::new(4);
    for number in 1..9 {
        turns.join(owner(number), Work::Page, named(u32::from(number))).unwrap();
    }
    assert_eq!(runs(&mut turns), [1, 2, 3]);
    turns.join(Reader::Platform, Work::One, named(100)).unwrap();
    assert_eq!(runs(&mut turns), [100]);
    turns.join(Reader::Platform, Work::One, named(101)).unwrap();
    turns.end(owner(1), Work::Page);
    assert_eq!(runs(&mut turns), [101], "it goes ahead of pages that have waited for longer");
}

#[test]
fn a_reader_has_a_bounded_number_of_reads_waiting_and_others_are_not_affected() {
    let mut turns = Turns::new(2);
    let first = named(0);
    turns.join(owner(1), Work::Page, first.clone()).unwrap();
    for name in 1..WAITING_PER_READER as u32 {
        turns.join(owner(1), Work::Page, named(name)).unwrap();
    }
    assert_eq!(turns.join(owner(1), Work::Page, named(9_999)), Err(Crowded));
    turns.join(owner(2), Work::Page, named(10_000)).unwrap();
    first.1.set(true);
    turns.join(owner(1), Work::Page, named(10_001)).unwrap();
    assert_eq!(
        turns.join(owner(1), Work::Page, named(9_999)),
        Err(Crowded),
        "the place of one that has gone is taken once"
    );
}

#[test]
fn all_readers_together_have_a_bounded_number_of_reads_waiting_and_the_platform_is_not_affected() {
    let mut turns = Turns::new(2);
    for name in 0..WAITING_MAX as u32 {
        turns.join(owner((name / 500) as u8), Work::Page, named(name)).unwrap();
    }
    assert_eq!(turns.join(owner(200), Work::Page, named(0)), Err(Crowded));
    assert_eq!(turns.join(owner(200), Work::One, named(0)), Err(Crowded));
    assert_eq!(turns.join(Reader::Platform, Work::One, named(1)), Ok(()));
}

#[test]
fn a_read_whose_caller_has_gone_is_passed_over() {
    let mut turns = Turns::new(3);
    let gone = named(1);
    turns.join(owner(1), Work::Page, gone.clone()).unwrap();
    turns.join(owner(1), Work::Page, named(2)).unwrap();
    gone.1.set(true);
    assert_eq!(runs(&mut turns), [2]);
    turns.end(owner(1), Work::Page);
    assert!(turns.is_idle() && runs(&mut turns).is_empty());
}
