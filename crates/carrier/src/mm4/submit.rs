//! A submission as the mail that carries it.

use model::{ErrorType, SenderKind};
use wire::mm4::{Address, Expiry, ForwardReq, Priority};

use super::config::Mm4Config;
use super::smtp::Envelope;
use crate::keys::ValidityForm;
use crate::{SegmentOutcome, Submission};

/// A mail, and the id under which answers and reports will speak of it.
pub(super) struct Prepared {
    /// What is handed over.
    pub(super) envelope: Envelope,
    /// Our id of this attempt: the message's id in hexadecimal, the attempt, our domain.
    pub(super) id: String,
}

/// Builds the mail. The message is refused when the MMSC would not take so much, or when its addresses cannot be
/// written: a name has none.
pub(super) fn prepare(config: &Mm4Config, submission: &Submission) -> Result<Prepared, SegmentOutcome> {
    let message = &submission.message;
    let parts = submission.parts();
    let bytes: usize = parts.iter().map(|part| part.bytes.len()).sum();
    if bytes > config.max_bytes {
        let status = format!("{bytes} octets, and at most {} may go", config.max_bytes);
        return Err(SegmentOutcome::Refused { error_type: ErrorType::MediaFailed, status });
    }
    let unwritable = || SegmentOutcome::Refused {
        error_type: ErrorType::InvalidDestination,
        status: "its addresses cannot be written".to_owned(),
    };
    if message.originator.kind() == SenderKind::Name {
        let status = "its sender is a name, for which MM4 has no address".to_owned();
        return Err(SegmentOutcome::Refused { error_type: ErrorType::CarrierRejected, status });
    }
    let at = |number: &str, domain: &str| Address::number(number).and_then(|number| number.at(domain));
    let from = at(&message.originator.text(), &config.domain).ok_or_else(unwritable)?;
    let to = at(&message.recipient.text(), &config.peer_domain).ok_or_else(unwritable)?;
    let system = config.system().ok_or_else(unwritable)?;
    let transaction = transaction_id(submission);
    let id = format!("{transaction}@{}", config.domain);
    let is_heard = config.listen.is_some();
    let forward = ForwardReq {
        version: config.version.clone(),
        sender: Some(system.clone()),
        originator_system: Some(system.clone()),
        ack_request: is_heard,
        delivery_report: is_heard && config.delivery_reports,
        message_class: Some("Personal".to_owned()),
        priority: Some(Priority::Normal),
        expiry: match config.validity {
            ValidityForm::Relative => Some(Expiry::After(submission.valid_for.as_secs().max(1))),
            ValidityForm::Absolute => Some(Expiry::At(message.expires_at.as_secs_ceil())),
            ValidityForm::Omit => None,
        },
        date: Some(message.created_at.as_secs_ceil()),
        ..ForwardReq::new(transaction, id.clone(), from, vec![to.clone()], parts)
    };
    Ok(Prepared { envelope: Envelope { from: system.to_string(), to: to.to_string(), mail: forward.build() }, id })
}

/// The message's id in hexadecimal and the attempt: no two handings-over have the same.
fn transaction_id(submission: &Submission) -> String {
    let hex: String = submission.message.id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.{}", submission.attempt)
}
