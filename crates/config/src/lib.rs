//! The configuration: one TOML file over the embedded defaults, and the environment over both.
//!
//! [`read`](read::read) makes a [`Config`] of it or names every mistake with its line; `check` has the rules that types
//! cannot express.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod check;
pub mod console_url;
mod credentials;
mod listeners;
pub mod log_filter;
mod mistake;
pub mod read;
pub mod screen;
pub mod secrets;
mod sections;

pub use mistake::{ConfigErrors, Mistake};
pub use read::{line_of_key, read};
pub use sections::{
    Admin, Api, AuditConfig, Cluster, Console, Dispatch, InboundConfig, Keys, Limits, Log, LogFormat, Media, OnUnknown,
    Receipts, RetentionConfig, RouteConfig, RouteType, Screening, SenderKind, StoreConfig, WebhooksConfig,
};

use carrier::CarrierConfig;
use pipeline::route::Routes;
use pipeline::rules::{Rule, Rules};
use serde::Deserialize;
use store::contract::bounds::Bounds;

/// The embedded defaults, with every key and its meaning.
pub const DEFAULTS: &str = include_str!("../../../config.default.toml");

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public API.
    pub api: Api,
    /// The admin listener.
    pub admin: Admin,
    /// The peppers for hashing secrets.
    pub keys: Keys,
    /// The place of messages.
    pub store: StoreConfig,
    /// This process among those that share the store.
    pub cluster: Cluster,
    /// The limits of accounts.
    pub limits: Limits,
    /// The place of media.
    pub media: Media,
    /// The settings of webhooks.
    pub webhooks: WebhooksConfig,
    /// The sign-in of operators to the web console.
    pub console: Console,
    /// How long the audit log is kept.
    pub audit: AuditConfig,
    /// The settings of the screen.
    pub screening: Screening,
    /// The settings of dispatch.
    pub dispatch: Dispatch,
    /// Receipts that match nothing.
    pub receipts: Receipts,
    /// Inbound messages.
    pub inbound: InboundConfig,
    /// How long data are kept.
    pub retention: RetentionConfig,
    /// The settings of the log.
    pub log: Log,
    /// The carriers. Read apart, because each kind has keys of its own.
    #[serde(skip)]
    pub carrier: Vec<CarrierConfig>,
    /// The routes, first match first.
    #[serde(default)]
    pub route: Vec<RouteConfig>,
}

impl Config {
    /// The limits for data that strangers and carriers can make the store keep.
    pub const fn store_bounds(&self) -> Bounds {
        let (receipts, screened_max) = (&self.receipts, self.screening.log_per_account_max);
        Bounds { parked_max: receipts.parked_max, parked_bytes_max: receipts.parked_bytes_max, screened_max }
    }

    /// The operator's rules, in their order.
    pub fn rules(&self) -> Vec<Rule> {
        self.route.iter().map(RouteConfig::rule).collect()
    }

    /// The routes of these rules and carriers.
    pub fn routes(&self) -> Routes {
        Rules::new(&self.rules(), &self.carrier).routes()
    }
}
