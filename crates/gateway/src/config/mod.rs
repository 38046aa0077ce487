//! The configuration: one TOML file over the embedded defaults, and the environment over both.
//!
//! [`read`](read::read) makes a [`Config`] of it or names every mistake with its line; `check` is what a file cannot
//! say by its types.

mod check;
mod listeners;
pub(crate) mod log_filter;
mod mistake;
pub mod read;
pub(crate) mod secrets;
mod sections;

pub use mistake::{ConfigErrors, Mistake};
pub use read::{line_of_key, read};
pub use sections::{
    Admin, Api, Dispatch, Keys, Limits, Log, LogFormat, Media, OnUnknown, Receipts, RetentionConfig, RouteConfig,
    RouteType, Screening, StoreConfig,
};

use carrier::CarrierConfig;
use model::message::MessageType;
use pipeline::route::{self, Route, Routes};
use serde::Deserialize;
use store::contract::bounds::Bounds;

/// The embedded defaults, with every key and what it means.
pub const DEFAULTS: &str = include_str!("../../../../config.default.toml");

/// Everything that can be configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public API.
    pub api: Api,
    /// The operator's door.
    pub admin: Admin,
    /// What secrets are hashed with.
    pub keys: Keys,
    /// Where messages are kept.
    pub store: StoreConfig,
    /// How much may be asked.
    pub limits: Limits,
    /// Where media are kept.
    pub media: Media,
    /// How texts are screened.
    pub screening: Screening,
    /// How messages are dispatched.
    pub dispatch: Dispatch,
    /// Receipts that match nothing.
    pub receipts: Receipts,
    /// How long things are kept.
    pub retention: RetentionConfig,
    /// What is logged.
    pub log: Log,
    /// The carriers. Read apart, because each kind has keys of its own.
    #[serde(skip)]
    pub carrier: Vec<CarrierConfig>,
    /// The routes, first match first.
    #[serde(default)]
    pub route: Vec<RouteConfig>,
}

impl Config {
    /// How much the store keeps of what strangers and carriers can make it keep.
    pub const fn store_bounds(&self) -> Bounds {
        let (receipts, screened_max) = (&self.receipts, self.screening.log_per_account_max);
        Bounds { parked_max: receipts.parked_max, parked_bytes_max: receipts.parked_bytes_max, screened_max }
    }

    /// The longest time that an answer of a carrier may take while leases are as long as they are, in seconds. No
    /// carrier of a sound configuration has more.
    pub const fn answer_secs_max(&self) -> u64 {
        self.dispatch.lease_secs.saturating_sub(30) / 2
    }

    /// The routes as the pipeline knows them: each for one type of message, and with those of its carriers that take
    /// this type. Without any, every message goes to the first carrier of its type.
    pub fn routes(&self) -> Routes {
        if self.route.is_empty() {
            let first = |kind| {
                self.carrier.iter().find(|carrier| carrier.carries(kind)).map(|carrier| vec![carrier.name().to_owned()])
            };
            let route = |kind| {
                Some(Route {
                    prefix: String::new(),
                    kind,
                    carriers: first(kind)?,
                    on_unknown: route::OnUnknown::Resend,
                })
            };
            return Routes::new(MessageType::ALL.into_iter().filter_map(route).collect());
        }
        Routes::new(
            self.route
                .iter()
                .flat_map(|route| MessageType::ALL.into_iter().filter_map(|kind| self.route(route, kind)))
                .collect(),
        )
    }

    /// What a rule says of messages of this type, if anything.
    fn route(&self, route: &RouteConfig, kind: MessageType) -> Option<Route> {
        let is_meant = route.kind.is_none_or(|only| only.message_type() == kind);
        let takes = |name: &String| self.carrier.iter().any(|carrier| carrier.name() == name && carrier.carries(kind));
        let carriers: Vec<String> = route.carriers.iter().filter(|name| takes(name)).cloned().collect();
        let on_unknown = match route.on_unknown {
            OnUnknown::Resend => route::OnUnknown::Resend,
            OnUnknown::Hold => route::OnUnknown::Hold,
        };
        (is_meant && !carriers.is_empty()).then(|| Route { prefix: route.prefix.clone(), kind, carriers, on_unknown })
    }
}
