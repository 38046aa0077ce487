//! The meaning of an operator's rules: the routes that they make of the existing carriers.

use carrier::CarrierConfig;
use model::message::MessageType;

use crate::route::{OnUnknown, Route, Routes};

/// One rule, for messages of one type or of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The beginning of the recipients' numbers, with `+`; empty for all.
    pub prefix: String,
    /// The type of message; both without it.
    pub kind: Option<MessageType>,
    /// Names of carriers, preferred first.
    pub carriers: Vec<String>,
    /// The action when an outcome stays unknown.
    pub on_unknown: OnUnknown,
}

/// The rules in their order, and the carriers that they may name.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    rules: &'a [Rule],
    carriers: &'a [CarrierConfig],
}

impl<'a> Rules<'a> {
    /// These rules over these carriers.
    pub const fn new(rules: &'a [Rule], carriers: &'a [CarrierConfig]) -> Self {
        Self { rules, carriers }
    }

    /// The routes: each for one type of message, and with those of its carriers that carry this type. Where there is
    /// no rule, every message goes to the first carrier of its type.
    pub fn routes(&self) -> Routes {
        let types = || MessageType::ALL.into_iter();
        Routes::new(match self.rules {
            [] => types().filter_map(|kind| self.default_route(kind)).collect(),
            rules => rules.iter().flat_map(|rule| types().filter_map(|kind| self.route(rule, kind))).collect(),
        })
    }

    /// The rule that takes every message which rule `index` fits, so that rule `index` never decides.
    pub fn decided_by(&self, index: usize) -> Option<usize> {
        let later = &self.rules[index];
        let mut kinds = MessageType::ALL.into_iter().filter(|kind| self.takes(later, *kind)).peekable();
        kinds.peek()?;
        let kinds: Vec<MessageType> = kinds.collect();
        self.rules[..index].iter().position(|earlier| {
            later.prefix.starts_with(&earlier.prefix) && kinds.iter().all(|kind| self.takes(earlier, *kind))
        })
    }

    fn default_route(&self, kind: MessageType) -> Option<Route> {
        let first = self.carriers.iter().find(|carrier| carrier.carries(kind))?;
        let carriers = vec![first.name().into()];
        Some(Route { prefix: String::new(), kind, carriers, on_unknown: OnUnknown::default() })
    }

    fn route(&self, rule: &Rule, kind: MessageType) -> Option<Route> {
        let carriers = rule.carriers.iter().filter(|name| self.carries(name, kind)).map(|name| name.as_str().into());
        let carriers = carriers.collect();
        let route = Route { prefix: rule.prefix.clone(), kind, carriers, on_unknown: rule.on_unknown };
        self.takes(rule, kind).then_some(route)
    }

    /// Whether a rule decides for messages of a type.
    fn takes(&self, rule: &Rule, kind: MessageType) -> bool {
        rule.kind.is_none_or(|only| only == kind) && rule.carriers.iter().any(|name| self.carries(name, kind))
    }

    fn carries(&self, name: &str, kind: MessageType) -> bool {
        self.carriers.iter().any(|carrier| carrier.name() == name && carrier.carries(kind))
    }
}

#[cfg(test)]
mod tests {
    use carrier::mm4::config::Mm4Config;
    use carrier::smpp::config::SmppConfig;

    use super::*;

    fn carriers() -> Vec<CarrierConfig> {
        let smpp = |name: &str| SmppConfig { name: name.to_owned(), ..SmppConfig::default() }.into();
        let mm4 = |name: &str| Mm4Config { name: name.to_owned(), ..Mm4Config::default() }.into();
        vec![mm4("mmsc"), smpp("main"), smpp("backup")]
    }

    fn rule(prefix: &str, kind: Option<MessageType>, carriers: &[&str]) -> Rule {
        let carriers = carriers.iter().map(|name| (*name).to_owned()).collect();
        Rule { prefix: prefix.to_owned(), kind, carriers, on_unknown: OnUnknown::Hold }
    }

    fn route(prefix: &str, kind: MessageType, carriers: &[&str], on_unknown: OnUnknown) -> Route {
        let carriers = carriers.iter().map(|name| (*name).into()).collect();
        Route { kind, on_unknown, prefix: prefix.to_owned(), carriers }
    }

    #[test]
    fn a_rule_has_a_route_for_each_type_that_its_carriers_carry() {
        let (sms, mms, hold) = (MessageType::Sms, MessageType::Mms, OnUnknown::Hold);
        for (what, rules, routes) in [
            (
                "no rule",
                vec![],
                vec![route("", sms, &["main"], OnUnknown::Resend), route("", mms, &["mmsc"], OnUnknown::Resend)],
            ),
            (
                "both types",
                vec![rule("+1", None, &["backup", "mmsc", "main"])],
                vec![route("+1", sms, &["backup", "main"], hold), route("+1", mms, &["mmsc"], hold)],
            ),
            ("one type", vec![rule("", Some(sms), &["mmsc", "main"])], vec![route("", sms, &["main"], hold)]),
            ("no carrier of the type", vec![rule("", Some(mms), &["main"])], vec![]),
        ] {
            let made = Rules::new(&rules, &carriers()).routes();
            assert_eq!(made, Routes::new(routes), "{what}");
        }
    }

    #[test]
    fn a_rule_behind_one_that_takes_all_of_its_messages_never_decides() {
        let all = ["main", "mmsc"];
        for (earlier, later, decides) in [
            (rule("", None, &all), rule("+1", None, &all), false),
            (rule("+1", None, &all), rule("+1", None, &all), false),
            (rule("+1", None, &all), rule("", None, &all), true),
            (rule("", None, &["main"]), rule("", None, &all), true),
            (rule("", None, &["main"]), rule("", None, &["backup"]), false),
            (rule("", Some(MessageType::Mms), &all), rule("", Some(MessageType::Sms), &all), true),
            (rule("", None, &all), rule("", Some(MessageType::Mms), &["main"]), true),
        ] {
            let rules = [earlier, later];
            assert_eq!(Rules::new(&rules, &carriers()).decided_by(1).is_none(), decides, "{rules:?}");
        }
    }
}
