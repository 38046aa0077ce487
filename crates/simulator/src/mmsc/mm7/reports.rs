//! Delivery reports on a submission, one for each recipient, in the dialect that the submission was written in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wire::mm7::{Address, DeliveryReportReq, Message, MmStatus, Operation, SubmitReq};
use wire::smpp::time;

use crate::handsets::Place;
use crate::mmsc::Shared;
use crate::mmsc::fate;
use crate::mmsc::notice::{About as Kind, Notice, Verdict};
use crate::mmsc::rule::Subject;
use crate::mmsc::screens::{self, Screens};

/// Everybody who is to get a message.
pub(super) fn recipients(request: &SubmitReq) -> impl Iterator<Item = &Address> {
    let recipients = &request.recipients;
    recipients.to.iter().chain(&recipients.cc).chain(&recipients.bcc)
}

/// A submission that was taken.
pub(super) struct About<'a> {
    pub(super) message: &'a Message,
    pub(super) request: &'a SubmitReq,
    pub(super) message_id: &'a str,
    pub(super) number: u64,
}

/// A report, as it is sent.
type Due = Notice<Box<Message>>;

/// The reports on a message to handsets that have met it, each with its delay.
pub(super) fn of(shared: &Shared, about: &About<'_>, screens: &Screens) -> Vec<(Duration, Due)> {
    let mut reports = Vec::new();
    let recipients = recipients(about.request).enumerate();
    for (index, recipient) in recipients.filter(|(index, _)| is_wanted(about.request) && !screens.is_held(*index)) {
        let digits = recipient.digits().unwrap_or_default();
        for due in fate::reports(&shared.options, Subject { number: about.number, recipient: &digits }, index) {
            reports.push((due.delay, report(shared, about, recipient, due.status).at(screens.place(index))));
        }
    }
    reports
}

fn is_wanted(request: &SubmitReq) -> bool {
    request.delivery_report == Some(true)
}

fn report(shared: &Shared, about: &About<'_>, recipient: &Address, mm_status: MmStatus) -> Due {
    let (message_id, status) = (about.message_id.to_owned(), mm_status.as_str().to_owned());
    let report = DeliveryReportReq {
        relay_server_id: Some(shared.options.domain.clone()),
        message_id: message_id.clone(),
        recipient: Some(recipient.clone()),
        sender: about.request.sender_address.clone(),
        date: Some(date(shared.now_ms())),
        mm_status,
        status_text: None,
    };
    let transaction_id = format!("report-{}", shared.next_transaction());
    let report = Message { transaction_id, ..about.message.answer(Operation::DeliveryReportReq(Box::new(report))) };
    let digits = recipient.digits().unwrap_or_default();
    Notice::new("DeliveryReportReq", Kind::Report, message_id, Some(digits), status, Box::new(report))
}

/// A message that waits for the handset of a recipient.
pub(super) struct Held {
    place: Place,
    recipient: Address,
    message: Message,
    request: SubmitReq,
    message_id: String,
}

/// What waits for handsets.
pub(super) fn held(about: &About<'_>, screens: &Screens) -> Vec<Held> {
    let held = screens.held().filter_map(|(index, place)| {
        let recipient = recipients(about.request).nth(index)?.clone();
        let (message, request) = (about.message.clone(), about.request.clone());
        Some(Held { place, recipient, message, request, message_id: about.message_id.to_owned() })
    });
    held.collect()
}

impl Held {
    /// Reports once the handset has met it.
    async fn report_when_met(self, shared: &Shared) {
        let status = shared.met(&self.place, screens::validity_of_submission(&self.request, shared.now_ms())).await;
        if is_wanted(&self.request) {
            let about =
                About { message: &self.message, request: &self.request, message_id: &self.message_id, number: 0 };
            let due = report(shared, &about, &self.recipient, status).at(Some(self.place));
            due.until_taken(shared).await;
        }
    }
}

/// Sends each once, at once; returns what was not taken.
pub(super) async fn offer(shared: &Shared, reports: Vec<(Duration, Due)>) -> Vec<(Duration, Due)> {
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
    reports: Vec<(Duration, Due)>,
    held: Vec<Held>,
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
        for held in held {
            let shared = Arc::clone(&to_spawn);
            to_spawn.spawn(async move { held.report_when_met(&shared).await });
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
