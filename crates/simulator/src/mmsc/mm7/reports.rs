//! Delivery reports on a submission, one for each recipient, in the dialect that the submission was written in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wire::mm7::{Address, DeliveryReportReq, Message, Operation, SubmitReq};
use wire::smpp::time;

use crate::mmsc::Shared;
use crate::mmsc::fate;
use crate::mmsc::notice::{About, Notice, Verdict};
use crate::mmsc::rule::Subject;

/// Everybody who is to get a message.
pub(super) fn recipients(request: &SubmitReq) -> impl Iterator<Item = &Address> {
    let recipients = &request.recipients;
    recipients.to.iter().chain(&recipients.cc).chain(&recipients.bcc)
}

/// The reports on a message, each with its delay.
pub(super) fn of(
    shared: &Shared,
    message: &Message,
    request: &SubmitReq,
    message_id: &str,
    number: u64,
) -> Vec<(Duration, Notice<Box<Message>>)> {
    let mut reports = Vec::new();
    for (index, recipient) in recipients(request).enumerate().filter(|_| request.delivery_report == Some(true)) {
        let digits = recipient.digits().unwrap_or_default();
        for due in fate::reports(&shared.options, Subject { number, recipient: &digits }, index) {
            let status = due.status.as_str().to_owned();
            let report = DeliveryReportReq {
                relay_server_id: Some(shared.options.domain.clone()),
                message_id: message_id.to_owned(),
                recipient: Some(recipient.clone()),
                sender: request.sender_address.clone(),
                date: Some(date(shared.now_ms())),
                mm_status: due.status,
                status_text: None,
            };
            let transaction_id = format!("report-{}", shared.next_transaction());
            let report = Message { transaction_id, ..message.answer(Operation::DeliveryReportReq(Box::new(report))) };
            reports.push((
                due.delay,
                Notice::new(
                    "DeliveryReportReq",
                    About::Report,
                    message_id.to_owned(),
                    Some(digits.clone()),
                    status,
                    Box::new(report),
                ),
            ));
        }
    }
    reports
}

/// Sends each once, at once; returns what was not taken.
pub(super) async fn offer(
    shared: &Shared,
    reports: Vec<(Duration, Notice<Box<Message>>)>,
) -> Vec<(Duration, Notice<Box<Message>>)> {
    let mut left = Vec::new();
    for (delay, mut report) in reports {
        if report.attempt(shared).await == Verdict::TryAgain {
            left.push((delay, report));
        }
    }
    left
}

/// Sends each in its time, which begins when the answer is written.
pub(super) fn send(
    shared: &Arc<Shared>,
    reports: Vec<(Duration, Notice<Box<Message>>)>,
    is_written: oneshot::Receiver<()>,
) {
    let to_spawn = Arc::clone(shared);
    shared.spawn(async move {
        // Nothing is sent through it: its other end is dropped, when the answer is written or never will be.
        let _ = is_written.await;
        for (delay, report) in reports {
            let shared = Arc::clone(&to_spawn);
            to_spawn.spawn(async move {
                shared.runtime.sleep(delay).await;
                report.until_taken(&shared).await;
            });
        }
    });
}

/// A time as XML Schema writes it (part 2, 3.2.7).
fn date(unix_ms: i64) -> String {
    let digits = time::absolute(unix_ms);
    let pair = |at: usize| digits.get(at..at + 2).unwrap_or("00");
    format!("20{}-{}-{}T{}:{}:{}Z", pair(0), pair(2), pair(4), pair(6), pair(8), pair(10))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_date_is_as_xml_writes_it() {
        assert_eq!(super::date(1_773_585_012_345), "2026-03-15T14:30:12Z");
    }
}
