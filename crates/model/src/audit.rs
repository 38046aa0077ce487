//! The audit log: the actor, the time and the origin of each change, and the resource before and after.

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::AuditId;

/// The kind of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// The holder of the admin token.
    Token,
    /// An operator who signed in, or was named by a trusted proxy.
    Operator,
}

impl ActorKind {
    const ALL: [Self; 2] = [Self::Token, Self::Operator];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Operator => "operator",
        }
    }

    /// The kind of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The actor of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditActor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The operator's name, or the kind's word where there is no operator.
    pub name: Arc<str>,
}

/// By which door a change came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The web console.
    Console,
    /// The command line.
    Cli,
    /// Another client of the admin API.
    Api,
}

impl Via {
    const ALL: [Self; 3] = [Self::Console, Self::Cli, Self::Api];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Cli => "cli",
            Self::Api => "api",
        }
    }

    /// The door of this word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|via| via.as_str() == text)
    }
}

/// A change that was asked for: written before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// The time of the request.
    pub at: Timestamp,
    /// The actor.
    pub actor: AuditActor,
    /// From where; `None` where that is not known.
    pub address: Option<IpAddr>,
    /// By which door.
    pub via: Via,
    /// The HTTP method.
    pub method: Arc<str>,
    /// The route that served the request, with names in braces for its parts.
    pub route: Arc<str>,
    /// The path and the query of the request, below `/admin/v1`.
    pub path: Arc<str>,
    /// The request as JSON without secrets and texts; `None` where it had no body.
    pub request: Option<Arc<str>>,
    /// The resource before the change, as JSON; `None` where it cannot be read by itself.
    pub before: Option<Arc<str>>,
}

/// The outcome of a change, written after the change was made or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditOutcome {
    /// The time of the answer.
    pub at: Timestamp,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The resource after the change, as JSON, or the answer without secrets and texts.
    pub after: Option<Arc<str>>,
}

/// A change and its outcome. Without an outcome it is under way, or the process ended meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The request.
    pub entry: AuditEntry,
    /// The outcome.
    pub outcome: Option<AuditOutcome>,
}
