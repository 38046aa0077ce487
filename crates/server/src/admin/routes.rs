//! Routes, each with its methods, so that others can go through them all.

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;

use super::Admin;

/// The methods of an address: what serves them, and their names as a 405 has them.
pub(super) struct Methods {
    pub(super) served: MethodRouter<Arc<Admin>>,
    pub(super) names: &'static str,
}

/// Routes that are put together.
#[derive(Default)]
pub(super) struct Routes {
    pub(super) router: Router<Arc<Admin>>,
    /// Every address with its methods.
    pub(super) known: Vec<(&'static str, &'static str)>,
}

impl Routes {
    /// Adds an address.
    pub(super) fn route(mut self, path: &'static str, methods: Methods) -> Self {
        self.known.push((path, methods.names));
        Self { router: self.router.route(path, methods.served), known: self.known }
    }
    /// Adds the addresses of other routes.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.known.extend(other.known);
        Self { router: self.router.merge(other.router), known: self.known }
    }
}
