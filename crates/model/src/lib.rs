//! The terms of the product, without HTTP, SQL or a runtime.
//!
//! In come plain values (text, numbers, the time); out go types that cannot hold a wrong state, and decisions
//! that are pure functions of their arguments. Everything that asks the machine for something does it through
//! [`Clock`] and [`Entropy`].
//!
//! Reading order: [`message`], [`status`], [`broadcast`] (one text to many), [`variables`] (the differing parts of its
//! text), [`inbound`] (inbound messages), [`keyword`], [`optout`], [`carrier`], [`error`] (the error catalogue),
//! [`media`] (the content of an MMS), [`account`], [`number`], [`originator`], [`key`], [`owner`] (the owner of
//! messages), [`screening`] (findings in texts), [`limits`], [`quota`], [`backoff`], [`validity`], [`sampler`] (the
//! rate of log lines), [`unmatched`] (unusable input of carriers), [`webhook`] (events for accounts), [`operator`] (the
//! persons who run the platform), [`audit`] (their changes).
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

pub mod account;
pub mod address;
pub mod audit;
pub mod backoff;
mod base62;
pub mod broadcast;
pub mod carrier;
pub mod client_reference;
pub mod clock;
pub mod entropy;
pub mod erasure;
pub mod error;
pub mod event;
pub mod id;
pub mod idempotency;
pub mod inbound;
pub mod key;
pub mod keyword;
pub mod limits;
pub mod media;
pub mod message;
pub mod mint;
pub mod number;
pub mod operator;
pub mod optout;
pub mod originator;
pub mod owner;
pub mod quota;
pub mod sampler;
pub mod screening;
pub mod status;
pub mod unmatched;
pub mod validity;
pub mod variables;
pub mod webhook;

pub use account::{Account, AccountState, Limits, LimitsChange, TextRetention};
pub use address::{AddressText, Msisdn};
pub use audit::{ActorKind, AuditActor, AuditEntry, AuditOutcome, AuditRecord, Via};
pub use broadcast::{Broadcast, BroadcastCounts, BroadcastRecord, BroadcastStatus, Recipients};
pub use carrier::{Assignment, CarrierName};
pub use client_reference::ClientReference;
pub use clock::{Clock, Moment, SimClock, Timestamp};
pub use entropy::{Entropy, SeededEntropy};
pub use erasure::{Erasure, ErasureCounts};
pub use error::{ErrorCode, Refusal};
pub use id::{AccountId, AuditId, BroadcastId, ErasureId, MediaId, MessageId, ScreeningId, TemplateId, WebhookId};
pub use inbound::{InboundAddress, InboundBody, InboundEncoding, InboundMedia, InboundMessage};
pub use key::{ApiKey, KeyId, Mode};
pub use keyword::{Keyword, KeywordKind};
pub use media::{Media, MediaType};
pub use message::{Delivery, Message, MessageRecord};
pub use mint::Mint;
pub use operator::{Operator, OperatorName, PasswordHash, Role, Session, SignInToken};
pub use optout::{OptOut, OptOutChange, OptOutName, OptOutScope, OptOutSource};
pub use originator::{Originator, SenderKind, SenderKinds};
pub use owner::Owner;
pub use sampler::Sampler;
pub use screening::{
    Screened, ScreeningCertainty, ScreeningOutcome, ScreeningRecord, ScreeningReview, ScreeningTemplate,
};
pub use status::{ErrorType, ReceiptScope, Status};
pub use unmatched::Unmatched;
pub use validity::Validity;
pub use webhook::{EventId, EventType, Webhook};
