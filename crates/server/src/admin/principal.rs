//! Who acts on the admin API.

use std::net::IpAddr;

use model::{ActorKind, AuditActor, OperatorName, Role, Via};

/// For whom a request to the admin API is made. The guard puts it into the extensions of every request that passes.
///
/// A part of this process that has signed an operator in, such as the console, puts it there itself. Nobody can do that
/// over the network: extensions are values of this process, and no octets that a client sends become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who, as the audit log names the actor.
    pub actor: AuditActor,
    /// What the actor may do.
    pub role: Role,
    /// From where.
    pub address: Option<IpAddr>,
    /// By which door.
    pub via: Via,
}

impl Principal {
    /// An operator who signed in to the console.
    pub fn of_console(name: &OperatorName, role: Role, address: IpAddr) -> Self {
        let actor = AuditActor { kind: ActorKind::Operator, name: name.as_str().into() };
        Self { actor, role, address: Some(address), via: Via::Console }
    }

    /// The holder of the admin token, who may do everything.
    pub(super) fn of_token(address: IpAddr, via: Via) -> Self {
        let actor = AuditActor { kind: ActorKind::Token, name: ActorKind::Token.as_str().into() };
        Self { actor, role: Role::Admin, address: Some(address), via }
    }

    /// The actor in words, for records that name one.
    pub(super) fn in_words(&self) -> String {
        match self.actor.kind {
            ActorKind::Token => "admin token".to_owned(),
            ActorKind::Operator => self.actor.name.to_string(),
        }
    }
}
