//! Pages of many tenants: they show what a sorted list would, and look at no more names than they show.

use model::key::SecretDigest;
use model::{Mode, SeededEntropy};

use super::*;

fn account(number: u32) -> AccountId {
    AccountId::from_bytes(u128::from(number).to_be_bytes())
}

fn number(index: u32) -> Originator {
    Originator::parse(&format!("+1202{index:07}")).unwrap()
}

/// Walks all pages, and returns their items and the most names that one of them looked at.
fn walk<T: Clone>(limit: usize, page: impl Fn(Option<&T>) -> Listed<T>) -> (Vec<T>, usize) {
    let (mut seen, mut most): (Vec<T>, usize) = (Vec::new(), 0);
    loop {
        let listed = page(seen.last());
        assert!(listed.items.len() <= limit);
        most = most.max(listed.looked_at);
        seen.extend(listed.items);
        if !listed.is_more {
            return (seen, most);
        }
    }
}

/// Blocks of every kind and scope, of which a third hold for all accounts and many share a number.
fn names(count: u32) -> Vec<BlockName> {
    let kind = |index| if index % 7 == 0 { BlockKind::Sender } else { BlockKind::Recipient };
    let scope = |index: u32| (!index.is_multiple_of(3)).then(|| account(index % 5));
    let mut names: Vec<BlockName> = (0..count).map(|index| (number(index / 2), kind(index), scope(index))).collect();
    names.sort_by(|a, b| order_of(a).cmp(&order_of(b)));
    names.dedup();
    names
}

#[test]
fn a_page_of_fifty_among_two_hundred_thousand_blocks_looks_at_fifty() {
    let (names, mut order) = (names(200_000), Order::default());
    names.iter().for_each(|name| order.put_block(name));
    for after in [None, Some(&names[100_000]), Some(&names[names.len() - 60])] {
        for kind in [None, Some(BlockKind::Recipient), Some(BlockKind::Sender)] {
            for whose in [None, Some(account(4)), Some(account(77))] {
                let listed = order.blocks_after(kind, whose, after, 50);
                let wanted = |name: &&BlockName| {
                    kind.is_none_or(|kind| name.1 == kind) && whose.is_none_or(|id| name.2 == Some(id))
                };
                let rest: Vec<_> = names
                    .iter()
                    .filter(|name| after.is_none_or(|after| order_of(name) > order_of(after)))
                    .filter(wanted)
                    .copied()
                    .collect();
                assert_eq!((&listed.items[..], listed.is_more), (&rest[..rest.len().min(50)], rest.len() > 50));
                assert!(listed.looked_at <= 2 * 51, "{} for {kind:?} of {whose:?}", listed.looked_at);
            }
        }
    }
}

#[test]
fn pages_of_blocks_show_each_once_in_order_whatever_was_lifted_between_them() {
    let (mut names, mut order) = (names(300), Order::default());
    names.iter().for_each(|name| order.put_block(name));
    for lifted in [5, 17, 100] {
        order.remove_block(&names.remove(lifted));
    }
    for limit in [1, 2, 7, 299, 1_000] {
        let (seen, _) = walk(limit, |after: Option<&BlockName>| order.blocks_after(None, None, after, limit));
        assert_eq!(seen, names, "{limit} to a page");
    }
    names.iter().for_each(|name| order.remove_block(name));
    assert!(
        order.blocks_of.is_empty() && order.blocks_after(None, None, None, 10) == Listed::default(),
        "nothing is left of lifted blocks"
    );
}

#[test]
fn a_page_of_numbers_and_of_accounts_looks_at_one_more_than_it_shows() {
    let mut order = Order::default();
    for index in (0..200_000).rev() {
        order.numbers.put(number(index));
        order.accounts.put(account(index));
    }
    let listed = order.numbers.after(Some(&number(150_000)), 50);
    assert_eq!((listed.items, listed.is_more, listed.looked_at), ((150_001..150_051).map(number).collect(), true, 51));
    let listed = order.accounts.after(None, 50);
    assert_eq!((listed.items, listed.is_more, listed.looked_at), ((0..50).map(account).collect(), true, 51));
}

#[test]
fn a_page_of_an_accounts_numbers_has_those_that_it_has_now() {
    let mut order = Order::default();
    for index in (0..20_000).rev() {
        order.put_number(number(index), None, Some(account(index % 1_000)));
    }
    let listed = order.numbers_after(account(7), Some(&number(10_007)), 5);
    let expected = [11_007, 12_007, 13_007, 14_007, 15_007].map(number);
    assert_eq!((&listed.items[..], listed.is_more, listed.looked_at), (&expected[..], true, 6));
    order.put_number(number(7), Some(account(7)), Some(account(5_000)));
    order.put_number(number(1_007), Some(account(7)), None);
    let (seen, _) = walk(3, |after: Option<&Originator>| order.numbers_after(account(7), after, 3));
    assert_eq!(seen, (2..20).map(|index| number(index * 1_000 + 7)).collect::<Vec<_>>());
    assert_eq!(order.numbers_after(account(5_000), None, 5).items, [number(7)]);
    order.put_number(number(7), Some(account(5_000)), Some(account(5_000)));
    assert_eq!(order.numbers_after(account(5_000), None, 5).items, [number(7)], "it changed hands with nobody");
    order.put_number(number(7), Some(account(5_000)), None);
    assert_eq!(order.numbers_after(account(5_000), None, 5), Listed::default());
    assert_eq!(order.numbers.after(None, 20_000).items.len(), 20_000);
}

#[test]
fn a_page_of_an_accounts_keys_looks_at_no_other_accounts() {
    let (mut order, entropy) = (Order::default(), SeededEntropy::new(1));
    for index in 0..20_000u32 {
        let (id, account) = (KeyId::new(&entropy), account(index % 1_000));
        let (digest, created_at) =
            (SecretDigest::from_bytes([0; 32]), Timestamp::from_millis(i64::from(index / 2_000)));
        order.put_key(&ApiKey {
            id,
            account,
            mode: Mode::Live,
            name: None,
            digest,
            created_at,
            expires_at: None,
            revoked_at: None,
        });
    }
    let (seen, most) = walk(7, |after: Option<&KeyPlace>| order.keys_after(account(3), after, 7));
    assert!(seen.len() == 20 && seen.is_sorted() && most <= 8, "{most}");
    assert_eq!(order.keys_after(account(5_000), None, 7), Listed::default());
}
