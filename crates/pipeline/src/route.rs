//! Which carriers may take a message, in order of preference.

use std::sync::OnceLock;

use model::Msisdn;
use model::message::MessageType;

/// What is done with a message whose outcome at a carrier nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// It is sent again, and may arrive twice.
    #[default]
    Resend,
    /// It is held until a receipt proves it delivered or its validity ends, and may never arrive.
    Hold,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The beginning of the recipients' numbers, with `+`; empty for all.
    pub prefix: String,
    /// The type of message.
    pub kind: MessageType,
    /// Names of carriers, preferred first.
    pub carriers: Vec<String>,
    /// What is done when an outcome stays unknown.
    pub on_unknown: OnUnknown,
}

/// The rules, first match first.
///
/// They may be replaced while they are in use, and are read without a lock: each set leads to the one that replaced it.
/// A process keeps the sets that it had, which are small and few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    rules: Vec<Route>,
    later: OnceLock<Box<Self>>,
}

impl Routes {
    /// These rules, in this order.
    pub fn new(routes: Vec<Route>) -> Self {
        Self { rules: routes, later: OnceLock::new() }
    }

    /// Puts other rules in the place of these, for whatever is decided from now on.
    pub fn replace(&self, routes: Self) {
        let mut routes = Box::new(routes);
        let mut last = self.newest();
        while let Err(refused) = last.later.set(routes) {
            (routes, last) = (refused, last.newest());
        }
    }

    /// The rules that hold.
    fn newest(&self) -> &Self {
        let mut newest = self;
        while let Some(later) = newest.later.get() {
            newest = later;
        }
        newest
    }

    /// The first rule for such a message.
    pub fn find(&self, recipient: &Msisdn, kind: MessageType) -> Option<&Route> {
        let number = recipient.text();
        self.newest().rules.iter().find(|route| number.starts_with(&route.prefix) && route.kind == kind)
    }

    /// The carrier that follows `current` for such a message; the first one when `current` is not in its route.
    pub fn next_after(&self, current: &str, recipient: &Msisdn, kind: MessageType) -> Option<&str> {
        let carriers = &self.find(recipient, kind)?.carriers;
        let next = carriers.iter().position(|name| name == current).map_or(0, |at| at + 1);
        carriers.get(next).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str, kind: MessageType, carriers: &[&str]) -> Route {
        Route {
            prefix: prefix.to_owned(),
            kind,
            carriers: carriers.iter().map(|name| (*name).to_owned()).collect(),
            on_unknown: OnUnknown::Resend,
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let routes = Routes::new(vec![
            route("+1800", MessageType::Sms, &["tollfree"]),
            route("+1", MessageType::Sms, &["main", "backup"]),
            route("", MessageType::Mms, &["mmsc"]),
        ]);
        for (to, kind, first) in [
            ("+18005551234", MessageType::Sms, Some("tollfree")),
            ("+18005551234", MessageType::Mms, Some("mmsc")),
            ("+12125551234", MessageType::Sms, Some("main")),
            ("+442071234567", MessageType::Mms, Some("mmsc")),
            ("+442071234567", MessageType::Sms, None),
        ] {
            let found = routes.find(&Msisdn::parse(to).unwrap(), kind).map(|route| route.carriers[0].as_str());
            assert_eq!(found, first, "{to} {kind:?}");
        }
    }

    #[test]
    fn rules_that_were_replaced_decide_nothing_more() {
        let routes = Routes::new(vec![route("", MessageType::Sms, &["main"])]);
        let to = Msisdn::parse("+18005551234").unwrap();
        let first = || routes.find(&to, MessageType::Sms).map(|route| route.carriers[0].as_str());
        for (rules, expected) in [
            (vec![route("+1", MessageType::Sms, &["backup"])], Some("backup")),
            (Vec::new(), None),
            (vec![route("", MessageType::Sms, &["main"])], Some("main")),
        ] {
            routes.replace(Routes::new(rules));
            assert_eq!(first(), expected);
        }
    }

    #[test]
    fn the_next_carrier_follows_in_order_and_ends() {
        let routes = Routes::new(vec![route("", MessageType::Sms, &["main", "backup"])]);
        let to = Msisdn::parse("+18005551234").unwrap();
        let after = |current| routes.next_after(current, &to, MessageType::Sms);
        assert_eq!((after("main"), after("backup"), after("removed")), (Some("backup"), None, Some("main")));
    }
}
