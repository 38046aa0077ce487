//! The path of a message.
//!
//! A request is [admitted](admit): checked in the published order, and made durable. A broadcast is expanded into
//! messages step by step (`expand`). A message is dispatched (`dispatch`): submitted to a carrier, fairly and at its
//! pace, after the attempt is on disk. The carrier's answer leads to an outcome (`outcome`), which is recorded; its
//! receipts (`receipt`) find their message. `sweep` ends everything that has a deadline, `erase` erases persons, and
//! `listing` indexes lists. Every committed change reaches counters, waiting requests and the tenants' memory in one
//! way (`feed`). [Media](fetch::media) are fetched at admission and kept until they have left (`media`). Endpoints of
//! clients get events ([`webhook`]). [`Pipeline`] starts all this, takes requests, and drains it.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

pub mod admit;
mod beside;
mod cluster;
pub mod count;
pub mod counters;
mod dispatch;
mod erase;
mod expand;
mod feed;
mod growing;
pub mod heard;
pub mod histogram;
mod hold;
pub mod inbound;
pub mod keywords;
pub mod launches;
pub mod lease;
mod listing;
pub mod live;
mod media;
mod members;
mod node;
mod outcome;
mod pace;
mod queue;
mod receipt;
pub mod refusal;
mod rehash;
pub mod retention;
pub mod route;
pub mod rules;
pub mod run;
pub mod screened;
pub mod stops;
mod sweep;
mod under_way;
pub mod unmatched;
mod watch;
pub mod webhook;

pub mod limiter;
pub mod tenants;

pub use admit::{AdmissionLimits, BroadcastRequest, RecipientList, SendRequest, Variables};
pub use counters::Counters;
pub use dispatch::{DispatchSettings, READS_MAX};
pub use expand::BroadcastSettings;
pub use inbound::InboundRules;
pub use node::{Node, OVER};
pub use queue::QueueLimits;
pub use retention::Retention;
pub use route::SANDBOX;
pub use run::{Answered, EndedWaiting, Parts, Pipeline, WaitReason, WaitsFor, WriteBroadcast, WriteMessage};
pub use sweep::Abandoned;
pub use webhook::{WebhookParts, WebhookSettings, Webhooks};
