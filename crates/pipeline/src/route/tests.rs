//! The choice of a carrier, as tables and as properties.

use proptest::prelude::*;

use super::*;

fn route(prefix: &str, kind: MessageType, carriers: &[&str]) -> Route {
    Route {
        prefix: prefix.to_owned(),
        kind,
        carriers: carriers.iter().map(|name| (*name).into()).collect(),
        on_unknown: OnUnknown::Resend,
    }
}

fn number(text: &str) -> Msisdn {
    Msisdn::parse(text).unwrap()
}

const fn live(recipient: &Msisdn) -> Subject<'_> {
    Subject { mode: Mode::Live, kind: MessageType::Sms, recipient }
}

const fn up(_: &CarrierName) -> Standing {
    Standing::Up
}

#[test]
fn the_first_rule_that_fits_decides() {
    let routes = Routes::new(vec![
        route("+1800", MessageType::Sms, &["tollfree"]),
        route("+1", MessageType::Sms, &["main", "backup"]),
        route("", MessageType::Mms, &["mmsc"]),
    ]);
    for (to, kind, first) in [
        ("+18005551234", MessageType::Sms, "tollfree".into()),
        ("+18005551234", MessageType::Mms, "mmsc".into()),
        ("+12125551234", MessageType::Sms, "main".into()),
        ("+442071234567", MessageType::Mms, "mmsc".into()),
        ("+442071234567", MessageType::Sms, Assignment::NoRoute),
    ] {
        let to = number(to);
        assert_eq!(routes.first(Subject { kind, ..live(&to) }, up), first, "{to} {kind:?}");
    }
}

#[test]
fn rules_that_were_replaced_decide_nothing_more() {
    let routes = Routes::new(vec![route("", MessageType::Sms, &["main"])]);
    let to = number("+18005551234");
    for (rules, expected) in [
        (vec![route("+1", MessageType::Sms, &["backup"])], "backup".into()),
        (Vec::new(), Assignment::NoRoute),
        (vec![route("", MessageType::Sms, &["main"])], "main".into()),
    ] {
        routes.replace(Routes::new(rules));
        assert_eq!(routes.first(live(&to), up), expected);
    }
}

/// The standing of `a`, `b` and `c` in this order.
fn standing(of: [Standing; 3]) -> impl Fn(&CarrierName) -> Standing {
    move |name| of[usize::from(name.as_bytes()[0] - b'a')]
}

#[test]
fn a_new_message_goes_to_the_first_carrier_that_is_usable_and_waits_for_the_first_where_none_is() {
    use Standing::{Absent, Down, Up, Wavering};
    let (routes, to) = (Routes::new(vec![route("", MessageType::Sms, &["a", "b", "c"])]), number("+18005551234"));
    for (carriers, first, anew) in [
        ([Up, Up, Up], "a", Some("a")),
        ([Wavering, Up, Up], "a", Some("a")),
        ([Down, Up, Up], "b", Some("b")),
        ([Down, Down, Wavering], "c", Some("c")),
        ([Down, Down, Down], "a", Some("a")),
        ([Absent, Down, Down], "b", Some("b")),
        ([Absent, Absent, Absent], "a", None),
    ] {
        assert_eq!(routes.first(live(&to), standing(carriers)), first.into(), "{carriers:?}");
        let expected = anew.map(CarrierName::from).into();
        assert_eq!(routes.anew(live(&to), &[], standing(carriers)), expected, "{carriers:?}");
    }
}

#[test]
fn the_next_carrier_follows_in_order_and_none_that_refused_the_message() {
    use Standing::{Absent, Down, Up};
    let (routes, to) = (Routes::new(vec![route("", MessageType::Sms, &["a", "b", "c"])]), number("+18005551234"));
    for (current, refused_by, carriers, next, instead) in [
        ("a", "", [Up, Up, Up], "b", "b"),
        ("b", "", [Up, Up, Up], "c", "a"),
        ("c", "", [Up, Up, Up], "a", "a"),
        ("c", "a", [Up, Up, Up], "b", "b"),
        ("b", "a", [Up, Up, Down], "c", ""),
        ("b", "ac", [Up, Up, Up], "", ""),
        ("a", "", [Up, Down, Up], "c", "c"),
        ("a", "", [Up, Down, Down], "b", ""),
        ("a", "", [Up, Absent, Down], "c", ""),
        ("removed", "", [Up, Up, Up], "a", "a"),
    ] {
        let refused: Vec<CarrierName> = refused_by.split("").filter(|name| !name.is_empty()).map(Into::into).collect();
        let named = |name: &str| (!name.is_empty()).then(|| CarrierName::from(name));
        let how = standing(carriers);
        assert_eq!(routes.next(live(&to), current, &refused, &how), named(next), "after {current}, {carriers:?}");
        let found = routes.instead_of(live(&to), current, &refused, |name| how(name) == Up);
        assert_eq!(found, named(instead), "instead of {current}, {carriers:?}");
    }
}

/// Carriers that a configuration may have.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

fn any_standing() -> impl Strategy<Value = Standing> {
    prop_oneof![Just(Standing::Up), Just(Standing::Wavering), Just(Standing::Down), Just(Standing::Absent)]
}

proptest! {
    #![proptest_config(trials::config(512))]

    #[test]
    fn a_choice_stays_in_the_route_and_prefers_what_is_usable(
        order in Just(NAMES.to_vec()).prop_shuffle(),
        (length, current) in (0..=NAMES.len(), 0..NAMES.len()),
        standings in prop::array::uniform5(any_standing()),
        refused in prop::collection::vec(prop::sample::select(NAMES.to_vec()), 0..3),
        is_test in any::<bool>(),
    ) {
        let carriers = &order[..length];
        let rules = if carriers.is_empty() { Vec::new() } else { vec![route("", MessageType::Sms, carriers)] };
        let (routes, to) = (Routes::new(rules), number("+18005551234"));
        let of = Subject { mode: if is_test { Mode::Test } else { Mode::Live }, ..live(&to) };
        let standing = |name: &str| standings[usize::from(name.as_bytes()[0] - b'a')];
        let how = |name: &CarrierName| standing(name);
        let refused: Vec<CarrierName> = refused.into_iter().map(Into::into).collect();
        let current = NAMES[current];
        let (first, anew) = (routes.first(of, how), routes.anew(of, &refused, how));
        let next = routes.next(of, current, &refused, how);
        let instead = routes.instead_of(of, current, &refused, |name| standing(name) == Standing::Up);
        if is_test {
            prop_assert_eq!((first.as_str(), anew.as_str(), next, instead), (SANDBOX, SANDBOX, None, None));
            return Ok(());
        }
        let place = |name: &str| carriers.iter().position(|carrier| *carrier == name);
        let usable = |name: &str| standing(name).is_usable();
        // Never outside the route.
        for chosen in [first.carrier(), anew.carrier(), next.as_ref(), instead.as_ref()].into_iter().flatten() {
            prop_assert!(place(chosen).is_some(), "{} is in {:?}", chosen, carriers);
        }
        // Never the carrier that is left, nor one that refused the message.
        for chosen in [&next, &instead].into_iter().flatten() {
            prop_assert!(*chosen != *current && !refused.contains(chosen));
        }
        prop_assert!(anew.carrier().is_none_or(|chosen| !refused.contains(chosen) && how(chosen) != Standing::Absent));
        prop_assert!(instead.as_ref().is_none_or(|chosen| how(chosen) == Standing::Up));
        // The first that is usable, in order; and one that is not only where none is.
        let in_order = |candidates: Vec<&str>| candidates.into_iter().find(|name| usable(name)).map(str::to_owned);
        let allowed = |name: &&str| !refused.iter().any(|refused| *refused == **name);
        let expected = in_order(carriers.to_vec());
        prop_assert_eq!(first.carrier().filter(|name| usable(name)).map(ToString::to_string), expected);
        prop_assert_eq!(first == Assignment::NoRoute, carriers.is_empty());
        let expected = in_order(carriers.iter().copied().filter(allowed).collect());
        prop_assert_eq!(anew.carrier().filter(|name| usable(name)).map(ToString::to_string), expected);
        let from = place(current).map_or(0, |at| at + 1);
        let round = carriers[from..].iter().chain(&carriers[..from]).copied();
        let expected = in_order(round.filter(|name| *name != current).filter(allowed).collect());
        prop_assert_eq!(next.filter(|name| usable(name)).map(|name| name.to_string()), expected);
    }
}
