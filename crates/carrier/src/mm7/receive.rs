//! Requests of an MMSC: reports on messages, and inbound messages.

use std::sync::Arc;
use std::time::Duration;

use model::unmatched::{Reason, escaped};
use model::{InboundAddress, MessageId, ReceiptScope};
use runtime::Runtime;
use tokio::sync::mpsc;
use wire::mm7::post::{self, Post};
use wire::mm7::{
    DeliverReq, DeliverRsp, DeliveryReportReq, Dialect, Fault, FaultKind, Message, Operation, Status, StatusCode,
};
use wire::mms::Part;
use wire::receipt::{ReceiptState, id};

use crate::ack::{Ack, AckId, Answer};
use crate::exchange::{Teller, Unconfirmed};
use crate::inbound::mms::{self, TOO_LARGE, TooLarge};
use crate::trace::{Decoded, Direction};
use crate::unusable::SHOWN_HEAD_OCTETS_MAX;
use crate::{Inbound, Receipt, heads};

/// An answer, and the status of HTTP that it goes under.
pub(crate) struct Reply {
    pub(crate) http: u16,
    pub(crate) post: Post,
    /// The confirmation to give once the MMSC has it.
    pub(crate) unconfirmed: Option<Unconfirmed>,
}

/// Takes what an MMSC posted, and says what to answer; to a report or a message once it is on disk, or at last after
/// `patience`.
pub(crate) async fn receive(
    runtime: &Arc<dyn Runtime>,
    teller: &Arc<Teller>,
    patience: Duration,
    national_prefix: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
) -> Reply {
    let read = post::read(content_type, body);
    teller.trace(runtime, Direction::In, message_of(teller, read.as_ref().ok()), |_| Decoded {
        unreadable: read.as_ref().err().map(ToString::to_string),
        ..heads::of_http("POST", None, content_type, body.len())
    });
    let (message, parts) = match read {
        Ok(read) => read,
        Err(error) => {
            teller.unreadable(format!("no message of MM7: {error}"), body);
            let nobody = Message {
                dialect: Dialect::default(),
                transaction_id: String::new(),
                operation: Operation::Other(String::new()),
            };
            return fault(&nobody, Status { details: Some(error.to_string()), ..Status::new(error.status()) });
        }
    };
    match &message.operation {
        Operation::DeliveryReportReq(report) => match receipt(report, body) {
            Some(receipt) => {
                let (is_stored, _) = is_stored(runtime, patience, |ack| teller.receipt(receipt, ack)).await;
                reported(&message, is_stored)
            }
            None => {
                teller.unusable(Reason::Unreadable, "a report without an id", body);
                fault(&message, Status::new(StatusCode::MESSAGE_ID_NOT_FOUND))
            }
        },
        Operation::DeliverReq(request) => {
            let Ok(inbound) = inbound(request, &parts, national_prefix) else {
                teller.unusable(Reason::Inbound, TOO_LARGE, body);
                let status = Status { details: Some(TOO_LARGE.to_owned()), ..Status::new(StatusCode::CONTENT_REFUSED) };
                return delivered(200, &message, status);
            };
            let came_at = runtime.instant();
            let (is_stored, id) = is_stored(runtime, patience, |ack| teller.inbound(inbound, ack)).await;
            if !is_stored {
                return delivered(503, &message, Status::new(StatusCode::SERVER_ERROR));
            }
            let unconfirmed = Some(Unconfirmed::new(Arc::clone(teller), id, came_at));
            Reply { unconfirmed, ..delivered(200, &message, Status::new(StatusCode::SUCCESS)) }
        }
        _ => {
            teller.unusable(Reason::Unreadable, "an operation that is not served", body);
            fault(&message, Status::new(StatusCode::UNSUPPORTED_OPERATION))
        }
    }
}

/// The message that a report speaks of, where it left while the trace was on.
fn message_of(teller: &Teller, read: Option<&(Message, Vec<Part>)>) -> Option<MessageId> {
    match &read?.0.operation {
        Operation::DeliveryReportReq(report) => teller.insight().trace.message_of(&[id::canonical(&report.message_id)]),
        _ => None,
    }
}

/// The receipt that a report is; `None` for a report that names no message.
fn receipt(report: &DeliveryReportReq, body: &[u8]) -> Option<Receipt> {
    let key = id::canonical(&report.message_id);
    let state = report.mm_status.receipt_state();
    let is_good = state == ReceiptState::Delivered;
    (!key.is_empty()).then(|| Receipt {
        keys: vec![key],
        addresses: report.recipient.iter().filter_map(|recipient| recipient.digits()).collect(),
        state,
        error: Some(report.mm_status.as_str().to_owned()).filter(|_| !is_good),
        raw_id: report.message_id.clone(),
        scope: ReceiptScope::Message,
        raw: escaped(body, SHOWN_HEAD_OCTETS_MAX).into(),
    })
}

/// The message of a handset that a request carries.
fn inbound(request: &DeliverReq, parts: &[Part], national_prefix: Option<&str>) -> Result<Inbound, TooLarge> {
    let read = |address| mms::of_mm7(address, national_prefix);
    let recipients = &request.recipients;
    let all = recipients.to.iter().chain(&recipients.cc).chain(&recipients.bcc);
    Ok(Inbound {
        from: request.sender.as_ref().map_or_else(|| InboundAddress::of(""), read),
        to: mms::distinct(all.map(read)),
        content: mms::content(request.subject.as_deref(), parts)?,
    })
}

/// Tells of something, and waits until it is on disk. Whether it is, and the name of its answer.
async fn is_stored(runtime: &Arc<dyn Runtime>, patience: Duration, tell: impl FnOnce(Ack)) -> (bool, AckId) {
    let (answers, mut answer) = mpsc::unbounded_channel();
    let ack = Ack::new(0, answers);
    let id = ack.id();
    tell(ack);
    (matches!(runtime.timeout(patience, answer.recv()).await, Ok(Some((_, Answer::Taken)))), id)
}

/// The answer to a message of a handset. One that is to come again is asked for in both languages, as a report is.
fn delivered(http: u16, request: &Message, status: Status) -> Reply {
    reply(http, request, Operation::DeliverRsp(DeliverRsp { status, service_code: None }))
}

/// The answer to a report. One that is not on disk is asked for again in both languages, since some MMSCs hear only
/// HTTP's and some only their own.
fn reported(report: &Message, stored: bool) -> Reply {
    let (http, code) = if stored { (200, StatusCode::SUCCESS) } else { (503, StatusCode::SERVICE_UNAVAILABLE) };
    reply(http, report, Operation::DeliveryReportRsp(Status::new(code)))
}

/// A fault goes under 500 (SOAP 1.1, section 6.2).
fn fault(to: &Message, status: Status) -> Reply {
    reply(500, to, Operation::Fault(Fault::new(FaultKind::Vasp, status)))
}

fn reply(http: u16, to: &Message, operation: Operation) -> Reply {
    Reply { http, post: post::write(&to.answer(operation), &[]), unconfirmed: None }
}
