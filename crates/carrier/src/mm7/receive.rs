//! What an MMSC says unasked: reports on messages, and messages of handsets, which are not taken yet.

use std::sync::Arc;
use std::time::Duration;

use model::ReceiptScope;
use model::unmatched::{Reason, escaped};
use runtime::Runtime;
use tokio::sync::mpsc;
use wire::mm7::post::{self, Post};
use wire::mm7::{DeliverRsp, DeliveryReportReq, Dialect, Fault, FaultKind, Message, Operation, Status, StatusCode};
use wire::receipt::{ReceiptState, id};

use crate::Receipt;
use crate::ack::{Ack, Answer};
use crate::exchange::Teller;
use crate::unusable::SHOWN_HEAD_OCTETS_MAX;

/// An answer, and the status of HTTP that it goes under.
pub(crate) struct Reply {
    pub(crate) http: u16,
    pub(crate) post: Post,
}

/// Takes what an MMSC posted, and says what to answer; a report once it is on disk, or at last after `patience`.
pub(crate) async fn receive(
    runtime: &Arc<dyn Runtime>,
    teller: &Teller,
    patience: Duration,
    content_type: Option<&str>,
    body: &[u8],
) -> Reply {
    let message = match post::read(content_type, body) {
        Ok((message, _)) => message,
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
            Some(receipt) => reported(&message, is_stored(runtime, teller, patience, receipt).await),
            None => {
                teller.unusable(Reason::Unreadable, "a report without an id", body);
                fault(&message, Status::new(StatusCode::MESSAGE_ID_NOT_FOUND))
            }
        },
        Operation::DeliverReq(_) => {
            teller.unusable(Reason::Inbound, "this platform receives no messages yet", body);
            let status = Status {
                details: Some("messages of handsets are not taken here".to_owned()),
                ..Status::new(StatusCode::SERVICE_DENIED)
            };
            reply(200, &message, Operation::DeliverRsp(DeliverRsp { status, service_code: None }))
        }
        _ => {
            teller.unusable(Reason::Unreadable, "an operation that is not served", body);
            fault(&message, Status::new(StatusCode::UNSUPPORTED_OPERATION))
        }
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

/// Tells of a receipt, and waits until it is on disk. Whether it is.
async fn is_stored(runtime: &Arc<dyn Runtime>, teller: &Teller, patience: Duration, receipt: Receipt) -> bool {
    let (answers, mut answer) = mpsc::unbounded_channel();
    teller.receipt(receipt, Ack::new(0, answers));
    matches!(runtime.timeout(patience, answer.recv()).await, Ok(Some((_, Answer::Taken))))
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
    Reply { http, post: post::write(&to.answer(operation), &[]) }
}
