//! What the console is made of, and what a request of an operator comes with.

use std::sync::Arc;

use axum::Router;
use model::{Entropy, Timestamp};
use runtime::Runtime;

use crate::api::Api;
use crate::assets::Assets;
use crate::door::{Actor, Door, Role};
use crate::token::FormToken;

/// What the operator of the machine decides about the console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Host names under which it answers, without ports, beside those of loopback.
    pub hosts: Vec<String>,
    /// Whether browsers come over TLS, which a proxy ends.
    pub is_secure: bool,
    /// Whether the phones of a simulator are on the same listener, under `/dev`.
    pub has_phones: bool,
}

/// What the console needs.
pub struct Console {
    /// The admin API: a request with an [`Actor`] in its extensions is one of that operator.
    pub api: Router,
    /// The operator who has signed in.
    pub door: Arc<dyn Door>,
    /// What is configured.
    pub settings: Settings,
    /// Time and tasks.
    pub runtime: Arc<dyn Runtime>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
}

pub(crate) struct Shared {
    pub(crate) console: Console,
    pub(crate) assets: Assets,
}

impl Shared {
    pub(crate) fn is_secure(&self) -> bool {
        self.console.settings.is_secure
    }
}

/// How an act came out, for the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flash(pub(crate) String);

/// A request of an operator who is signed in.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) shared: Arc<Shared>,
    pub(crate) api: Api,
    pub(crate) token: FormToken,
    pub(crate) flash: Option<Flash>,
    pub(crate) now: Timestamp,
}

impl Visit {
    pub(crate) fn actor(&self) -> &Actor {
        &self.api.actor
    }

    pub(crate) fn may(&self, least: Role) -> bool {
        self.actor().role >= least
    }
}
