//! The role that a request to the admin API needs, and the resource that the audit log shows before and after it.

use axum::http::Method;
use model::Role;

/// Special properties of the requests of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    /// Nothing.
    None,
    /// The body is a file: the audit log has its size alone.
    File,
    /// The request names a person to erase: the audit log has it masked.
    Person,
    /// The answer shows data that are masked elsewhere, and the audit log has none of them.
    Reveals,
}

/// A method of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    method: &'static str,
    /// The route below `/admin/v1`.
    pub(super) route: &'static str,
    /// The least role that may use it.
    pub(super) least: Role,
    /// The route whose GET shows the resource that it changes. Its query has fields of the request in braces.
    pub(super) look: Option<&'static str>,
    pub(super) special: Special,
}

const fn reads(least: Role, route: &'static str) -> Access {
    Access { method: "GET", route, least, look: None, special: Special::None }
}

const fn changes(least: Role, method: &'static str, route: &'static str) -> Access {
    Access { method, route, least, look: None, special: Special::None }
}

impl Access {
    const fn seen_at(self, look: &'static str) -> Self {
        Self { look: Some(look), ..self }
    }

    const fn special(self, special: Special) -> Self {
        Self { special, ..self }
    }
}

use Role::{Admin, Operator, Viewer};

/// The opt-outs of a handset.
const OPT_OUTS: &str = "/optouts?number={number}&accountId={accountId}&mode={mode}";

/// Every method of every route; a test keeps it complete.
const ACCESS: &[Access] = &[
    reads(Viewer, "/overview"),
    reads(Viewer, "/live"),
    reads(Viewer, "/accounts"),
    changes(Admin, "POST", "/accounts"),
    reads(Viewer, "/accounts/{id}"),
    changes(Admin, "PATCH", "/accounts/{id}").seen_at("/accounts/{id}"),
    reads(Viewer, "/accounts/{id}/keys"),
    changes(Admin, "POST", "/accounts/{id}/keys"),
    reads(Viewer, "/accounts/{id}/usage"),
    reads(Viewer, "/accounts/{id}/screening"),
    changes(Admin, "PUT", "/accounts/{id}/screening").seen_at("/accounts/{id}/screening"),
    reads(Viewer, "/accounts/{id}/keywords"),
    changes(Admin, "PUT", "/accounts/{id}/keywords").seen_at("/accounts/{id}/keywords"),
    reads(Viewer, "/accounts/{id}/screening/templates"),
    changes(Operator, "PUT", "/accounts/{id}/screening/templates"),
    reads(Viewer, "/accounts/{id}/screening/templates/{template}"),
    changes(Operator, "DELETE", "/accounts/{id}/screening/templates/{template}")
        .seen_at("/accounts/{id}/screening/templates/{template}"),
    changes(Admin, "POST", "/accounts/{id}/screening/allow").seen_at("/accounts/{id}/screening"),
    reads(Viewer, "/screening"),
    reads(Viewer, "/screening/{id}"),
    reads(Viewer, "/screening/groups"),
    changes(Operator, "POST", "/screening/{id}/review").seen_at("/screening/{id}"),
    reads(Viewer, "/keys/{id}"),
    changes(Admin, "DELETE", "/keys/{id}").seen_at("/keys/{id}"),
    reads(Viewer, "/numbers"),
    changes(Admin, "POST", "/numbers"),
    reads(Viewer, "/numbers/{number}"),
    changes(Admin, "PATCH", "/numbers/{number}").seen_at("/numbers/{number}"),
    reads(Viewer, "/numbers/{number}/keywords"),
    changes(Admin, "PUT", "/numbers/{number}/keywords").seen_at("/numbers/{number}/keywords"),
    reads(Viewer, "/blocks"),
    reads(Viewer, "/blocks/{number}"),
    changes(Operator, "PUT", "/blocks/{number}").seen_at("/blocks/{number}"),
    changes(Operator, "DELETE", "/blocks/{number}").seen_at("/blocks/{number}"),
    reads(Viewer, "/carriers"),
    reads(Viewer, "/carriers/{name}"),
    changes(Operator, "POST", "/carriers/{name}/stop").seen_at("/carriers/{name}"),
    changes(Operator, "POST", "/carriers/{name}/start").seen_at("/carriers/{name}"),
    changes(Operator, "POST", "/carriers/{name}/test"),
    reads(Viewer, "/carriers/{name}/codes"),
    reads(Operator, "/carriers/{name}/trace"),
    changes(Operator, "POST", "/carriers/{name}/trace"),
    changes(Operator, "DELETE", "/carriers/{name}/trace"),
    changes(Operator, "POST", "/carriers/{name}/abandon").seen_at("/carriers/{name}"),
    reads(Viewer, "/carriers/{name}/unmatched"),
    reads(Viewer, "/broadcasts"),
    reads(Viewer, "/broadcasts/{id}"),
    changes(Operator, "POST", "/broadcasts/{id}/cancel").seen_at("/broadcasts/{id}"),
    reads(Viewer, "/erasures"),
    changes(Admin, "POST", "/erasures").special(Special::Person),
    reads(Viewer, "/erasures/{id}"),
    reads(Viewer, "/inbound"),
    reads(Viewer, "/inbound/unrouted"),
    changes(Operator, "POST", "/inbound/unrouted/{id}/assign"),
    reads(Viewer, "/optouts"),
    changes(Operator, "POST", "/optouts/import").special(Special::File),
    changes(Operator, "PUT", "/optouts/{number}").seen_at(OPT_OUTS),
    changes(Operator, "DELETE", "/optouts/{number}").seen_at(OPT_OUTS),
    reads(Viewer, "/optouts/{number}/history"),
    reads(Viewer, "/messages"),
    changes(Operator, "POST", "/messages"),
    reads(Viewer, "/messages/{id}"),
    changes(Operator, "POST", "/messages/{id}/again"),
    changes(Operator, "POST", "/messages/{id}/cancel").seen_at("/messages/{id}"),
    changes(Viewer, "POST", "/messages/{id}/reveal").special(Special::Reveals),
    reads(Viewer, "/webhooks"),
    reads(Viewer, "/webhooks/{id}"),
    reads(Viewer, "/webhooks/{id}/deliveries"),
    changes(Operator, "POST", "/webhooks/{id}/replay"),
    reads(Viewer, "/nodes"),
    changes(Admin, "POST", "/nodes/{name}/drain").seen_at("/nodes"),
    changes(Admin, "POST", "/nodes/{name}/resume").seen_at("/nodes"),
    reads(Viewer, "/hold"),
    changes(Admin, "POST", "/hold/end").seen_at("/hold"),
    changes(Admin, "POST", "/hold/release").seen_at("/hold"),
    changes(Admin, "POST", "/reload"),
    reads(Admin, "/operators"),
    changes(Admin, "POST", "/operators"),
    reads(Admin, "/operators/{name}"),
    changes(Admin, "PATCH", "/operators/{name}").seen_at("/operators/{name}"),
    changes(Admin, "DELETE", "/operators/{name}").seen_at("/operators/{name}"),
    changes(Admin, "POST", "/operators/{name}/link"),
    reads(Operator, "/audit"),
];

/// Every method and route, with the name of the least role that may use it.
#[cfg(test)]
pub(super) fn roles() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ACCESS.iter().map(|access| (access.method, access.route, access.least.as_str()))
}

/// Whether a method only reads.
pub(super) fn only_reads(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// The row of a method of a route.
pub(super) fn of(method: &Method, route: &str) -> Option<&'static Access> {
    let method = if only_reads(method) { "GET" } else { method.as_str() };
    ACCESS.iter().find(|access| access.method == method && access.route == route)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::admin::routes;

    #[test]
    fn every_method_of_every_route_has_its_row() {
        let known: BTreeSet<(&str, &str)> = ACCESS.iter().map(|access| (access.route, access.method)).collect();
        assert_eq!(known.len(), ACCESS.len(), "no row stands twice");
        let routed: BTreeSet<(&str, &str)> = routes()
            .known
            .into_iter()
            .flat_map(|(route, methods)| methods.split(", ").map(move |method| (route, method)))
            .filter(|(_, method)| *method != "HEAD")
            .collect();
        assert_eq!(known, routed);
    }

    #[test]
    fn a_viewer_changes_nothing() {
        for access in ACCESS.iter().filter(|access| access.method != "GET") {
            assert!(access.least > Viewer || access.special == Special::Reveals, "{access:?}");
        }
    }

    #[test]
    fn a_resource_is_seen_at_a_route_that_can_be_read() {
        for look in ACCESS.iter().filter_map(|access| access.look) {
            let (route, _) = look.split_once('?').unwrap_or((look, ""));
            assert!(of(&Method::GET, route).is_some(), "{look}");
        }
    }
}
