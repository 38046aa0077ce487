//! The configuration: one TOML file over the embedded defaults, and the environment over both.
//!
//! [`read`](read::read) makes a [`Config`] of it or names every mistake with its line; `check` is what a file cannot say by its types.

mod check;
pub mod read;
mod sections;

pub use read::{ConfigErrors, Mistake, line_of_key, read};
pub use sections::{Admin, Api, Dispatch, Keys, Limits, Log, LogFormat, Media, OnUnknown, RouteConfig, RouteType, Screening, StoreConfig};

use carrier::{CarrierConfig, CarrierKind};
use model::message::MessageType;
use pipeline::route::{self, Route, Routes};
use serde::Deserialize;

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
    /// What is logged.
    pub log: Log,
    /// The carriers.
    #[serde(default)]
    pub carrier: Vec<CarrierConfig>,
    /// The routes, first match first.
    #[serde(default)]
    pub route: Vec<RouteConfig>,
}

impl Config {
    /// The routes as the pipeline knows them; without any, every SMS goes to the first SMPP carrier, or else the first of all.
    pub fn routes(&self) -> Routes {
        if self.route.is_empty() {
            let smpp = self.carrier.iter().find(|carrier| carrier.kind == CarrierKind::Smpp);
            let carriers: Vec<String> = smpp.or(self.carrier.first()).map(|carrier| carrier.name.clone()).into_iter().collect();
            return Routes::new(vec![Route { prefix: String::new(), kind: Some(MessageType::Sms), carriers, on_unknown: route::OnUnknown::Resend }]);
        }
        let route = |route: &RouteConfig| Route {
            prefix: route.prefix.clone(),
            kind: route.kind.map(|kind| match kind {
                RouteType::Sms => MessageType::Sms,
                RouteType::Mms => MessageType::Mms,
            }),
            carriers: route.carriers.clone(),
            on_unknown: match route.on_unknown {
                OnUnknown::Resend => route::OnUnknown::Resend,
                OnUnknown::Hold => route::OnUnknown::Hold,
            },
        };
        Routes::new(self.route.iter().map(route).collect())
    }
}
