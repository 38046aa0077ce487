//! Which node dispatches to which carrier: a pure function of what every node knows.
//!
//! One node at a time dispatches to a carrier, and has all of its sessions: so the rate of the carrier, the paces of
//! senders, the order of their messages and the turns of accounts are the business of one process, as they are on one
//! machine. Carriers that a route names together belong to one group and to one node. Each group goes to the node whose
//! name comes out highest in a draw that all nodes make alike (rendezvous hashing), so that a node that comes or goes
//! moves its own groups and no others.

use std::collections::BTreeSet;

use model::CarrierName;
use sha2::{Digest, Sha256};
use store::contract::nodes::Epoch;

use crate::members::{Member, View};

/// What a node is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Carriers that are to be this node's and that nobody has, or that it has without dispatching to them.
    pub(crate) take: Vec<CarrierName>,
    /// Carriers that this node has and another one should have.
    pub(crate) give: Vec<CarrierName>,
}

/// The groups of carriers: those that a route names together, and those that are in no route by themselves.
pub(crate) fn groups<'r>(
    routes: impl IntoIterator<Item = &'r [CarrierName]>,
    carriers: impl IntoIterator<Item = CarrierName>,
) -> Vec<BTreeSet<CarrierName>> {
    let alone = carriers.into_iter().map(|name| BTreeSet::from([name]));
    let together = routes.into_iter().map(|names| names.iter().cloned().collect());
    let mut groups: Vec<BTreeSet<CarrierName>> = Vec::new();
    for mut group in alone.chain(together) {
        let (touching, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(|other| !other.is_disjoint(&group));
        group.extend(touching.into_iter().flatten());
        groups = rest;
        groups.push(group);
    }
    groups
}

/// What `own` is to do about its carriers. `is_here` says to which of them it dispatches: where a claim was made whose
/// answer was lost, or a carrier was removed and put back, it holds the place of one to which it does not.
pub(crate) fn plan(
    own: Epoch,
    view: &View,
    groups: &[BTreeSet<CarrierName>],
    is_here: impl Fn(&CarrierName) -> bool,
) -> Plan {
    let mut plan = Plan::default();
    let known = |member: &Member, name: &CarrierName| member.report.carriers.contains_key(name);
    let Some(me) = view.members.iter().find(|member| member.epoch == own) else { return plan };
    for group in groups {
        for name in group.iter().filter(|name| known(me, name)) {
            let candidates = view.members.iter().filter(|member| known(member, name) && !member.is_draining);
            let chosen = candidates.max_by_key(|member| draw(group, &member.name)).map(|member| member.epoch);
            match view.holders.get(name) {
                Some(holder) if *holder == own && chosen.is_some_and(|chosen| chosen != own) => {
                    plan.give.push(name.clone());
                }
                None if chosen == Some(own) => plan.take.push(name.clone()),
                Some(holder) if *holder == own && !is_here(name) => plan.take.push(name.clone()),
                _ => {}
            }
        }
    }
    plan
}

/// How a node comes out in the draw for a group.
fn draw(group: &BTreeSet<CarrierName>, node: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for name in group {
        hash.update(name.as_str());
        hash.update([0]);
    }
    hash.update(node);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::members::Report;

    fn epoch(number: u32) -> Epoch {
        Epoch::new(number).unwrap()
    }

    fn member(number: u32, name: &str, carriers: &[&str]) -> Member {
        let carriers = carriers.iter().map(|name| ((*name).into(), None)).collect();
        Member { epoch: epoch(number), name: name.to_owned(), is_draining: false, report: Report { carriers } }
    }

    fn names(names: &[&str]) -> BTreeSet<CarrierName> {
        names.iter().map(|name| (*name).into()).collect()
    }

    const ALL: [&str; 16] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

    fn singles() -> Vec<BTreeSet<CarrierName>> {
        groups([], ALL.map(CarrierName::from))
    }

    /// Everything that the nodes take and give, until nothing moves.
    fn settled(mut view: View, groups: &[BTreeSet<CarrierName>]) -> BTreeMap<CarrierName, Epoch> {
        for _ in 0..10 {
            for own in view.members.iter().map(|member| member.epoch).collect::<Vec<_>>() {
                let Plan { take, give } = plan(own, &view, groups, |name| view.holders.get(name) == Some(&own));
                view.holders.retain(|name, _| !give.contains(name));
                view.holders.extend(take.into_iter().map(|name| (name, own)));
            }
        }
        view.holders
    }

    #[test]
    fn carriers_of_one_route_are_one_group() {
        let routes: [&[CarrierName]; 3] =
            [&["a".into(), "b".into()], &["c".into()], &["d".into(), "b".into(), "e".into()]];
        let mut found = groups(routes, ["a", "b", "c", "d", "e", "f"].map(CarrierName::from));
        found.sort();
        assert_eq!(found, [names(&["a", "b", "d", "e"]), names(&["c"]), names(&["f"])]);
    }

    #[test]
    fn every_carrier_has_one_node_and_every_node_some() {
        let members = vec![member(1, "one", &ALL), member(2, "two", &ALL), member(3, "three", &ALL)];
        let held = settled(View { members, holders: BTreeMap::new() }, &singles());
        assert_eq!(held.len(), ALL.len());
        assert_eq!(held.values().collect::<BTreeSet<_>>().len(), 3, "{held:?}");
    }

    #[test]
    fn a_node_that_goes_moves_its_own_carriers_alone_and_one_that_comes_back_gets_them_again() {
        let members = vec![member(1, "one", &ALL), member(2, "two", &ALL), member(3, "three", &ALL)];
        let before = settled(View { members: members.clone(), holders: BTreeMap::new() }, &singles());
        let of_the_others: BTreeMap<_, _> = before
            .iter()
            .filter(|(_, holder)| **holder != epoch(2))
            .map(|(name, holder)| (name.clone(), *holder))
            .collect();
        let left = vec![members[0].clone(), members[2].clone()];
        let without = settled(View { members: left, holders: of_the_others.clone() }, &singles());
        assert_eq!(without.len(), ALL.len());
        assert!(of_the_others.iter().all(|(name, holder)| without[name] == *holder), "{without:?}");
        let back = vec![members[0].clone(), member(4, "two", &ALL), members[2].clone()];
        let after = settled(View { members: back, holders: without }, &singles());
        let renamed = |holder: &Epoch| if *holder == epoch(2) { epoch(4) } else { *holder };
        assert_eq!(after, before.iter().map(|(name, holder)| (name.clone(), renamed(holder))).collect());
    }

    #[test]
    fn a_node_takes_a_carrier_whose_place_it_holds_without_dispatching_to_it() {
        let holders = BTreeMap::from([("a".into(), epoch(1)), ("b".into(), epoch(1)), ("c".into(), epoch(2))]);
        let view = View { members: vec![member(1, "one", &ALL[..3])], holders };
        let done = plan(epoch(1), &view, &singles(), |name| name.as_str() == "a");
        assert_eq!(done, Plan { take: vec!["b".into()], give: Vec::new() });
    }

    #[test]
    fn a_node_takes_no_carrier_that_it_does_not_know_and_a_draining_one_gives_all_away() {
        let mut draining = member(1, "one", &ALL);
        draining.is_draining = true;
        let holders: BTreeMap<CarrierName, Epoch> = ALL.map(|name| (name.into(), epoch(1))).into();
        let members = vec![draining.clone(), member(2, "two", &["a", "b"])];
        let held = settled(View { members, holders: holders.clone() }, &singles());
        assert_eq!((held[&CarrierName::from("a")], held[&CarrierName::from("b")]), (epoch(2), epoch(2)));
        assert_eq!(held[&CarrierName::from("c")], epoch(1), "nobody else knows it");
        let alone = settled(View { members: vec![draining], holders: holders.clone() }, &singles());
        assert_eq!(alone, holders, "nobody else is there");
    }
}
