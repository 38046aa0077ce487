//! What an MMSC says about a message that it has taken: `MM4_forward.RES`, then a delivery report for each recipient.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use wire::mm4::{Address, DeliveryReportReq, ForwardReq, MessageType, MmStatus, Request, RequestStatus};

use super::Mail;
use crate::handsets::Place;
use crate::mmsc::fate::{self, Fate, Report};
use crate::mmsc::notice::{About, Notice, Verdict};
use crate::mmsc::rule::Subject;
use crate::mmsc::screens::{self, Screens};
use crate::mmsc::{Mm4Reply, Shared};

/// Sends all of it in its time, which begins when the other end of `is_replied` is dropped: the reply is written, or
/// never will be.
pub(super) fn follow_up(
    shared: &Arc<Shared>,
    (request, screens): (ForwardReq, Screens),
    sent_from: &str,
    (number, fate): (u64, &Fate<Mm4Reply>),
    is_replied: oneshot::Receiver<()>,
) {
    // Who says neither in the head nor in the envelope where answers go gets none.
    let Some(system) = request.answer_to().cloned().or_else(|| Address::parse(sent_from)) else { return };
    let (to_spawn, fate) = (Arc::clone(shared), fate.clone());
    shared.spawn(async move {
        let shared = to_spawn;
        let answer =
            fate.answer.filter(|_| request.ack_request).map(|status| answer(&shared, &request, &system, status));
        let request = Arc::new(request);
        let mut reports = reports(&shared, &request, &system, number, &screens);
        // Nothing is sent through it.
        let _ = is_replied.await;
        shared.runtime.sleep(fate.answer_in).await;
        if fate.report_first {
            let mut left = Vec::new();
            for (_, mut report) in reports {
                if report.attempt(&shared).await == Verdict::TryAgain {
                    left.push((Duration::ZERO, report));
                }
            }
            reports = left;
        }
        if let Some(answer) = answer {
            answer.until_taken(&shared).await;
        }
        for (delay, report) in reports {
            let to_spawn = Arc::clone(&shared);
            shared.spawn(async move {
                to_spawn.runtime.sleep(delay).await;
                report.until_taken(&to_spawn).await;
            });
        }
        for (index, place) in screens.held() {
            let (to_spawn, request, system) = (Arc::clone(&shared), Arc::clone(&request), system.clone());
            shared.spawn(async move { when_met(&to_spawn, &request, &system, (index, place)).await });
        }
    });
}

fn answer(shared: &Shared, request: &ForwardReq, system: &Address, status: RequestStatus) -> Notice<Mail> {
    let mut answer = request.answer(status);
    answer.to = Some(system.clone());
    answer.sender = Some(shared.system.clone());
    answer.date = Some(shared.now_ms() / 1_000);
    let parcel = Mail { from: shared.system.clone(), to: vec![system.clone()], content: answer.build() };
    let kind = MessageType { request: Request::Forward, is_answer: true };
    Notice::new(kind.name(), About::Answer, request.message_id.clone(), None, status.name().to_owned(), parcel)
}

/// The reports on a message, each with its delay.
fn reports(
    shared: &Shared,
    request: &ForwardReq,
    system: &Address,
    number: u64,
    screens: &Screens,
) -> Vec<(Duration, Notice<Mail>)> {
    let recipients = request.to.iter().enumerate();
    let recipients = recipients.filter(|(index, _)| request.delivery_report && !screens.is_held(*index));
    let reports = recipients.flat_map(|(index, recipient)| {
        let subject = Subject { number, recipient: recipient.digits().unwrap_or_default() };
        fate::reports(&shared.options, subject, index).into_iter().map(move |report| (index, recipient, report))
    });
    let noticed = |(index, recipient, due): (usize, &Address, Report)| {
        (due.delay, report(shared, request, system, recipient, &due).at(screens.place(index)))
    };
    reports.map(noticed).collect()
}

/// Reports on a message once the handset of a recipient has met it.
async fn when_met(shared: &Shared, request: &ForwardReq, system: &Address, (index, place): (usize, Place)) {
    let status = shared.met(&place, screens::validity(request, shared.now_ms())).await;
    if let Some(recipient) = request.to.get(index).filter(|_| request.delivery_report) {
        let due = Report { status, delay: Duration::ZERO };
        report(shared, request, system, recipient, &due).at(Some(place)).until_taken(shared).await;
    }
}

fn report(shared: &Shared, request: &ForwardReq, system: &Address, recipient: &Address, due: &Report) -> Notice<Mail> {
    let transaction_id = format!("report-{}", shared.next_transaction());
    let mut report =
        DeliveryReportReq::new(transaction_id, request.message_id.clone(), MmStatus::parse(due.status.as_str()));
    due.status.as_str().clone_into(&mut report.code);
    report.version = request.version.clone();
    report.from = Some(recipient.clone());
    // A report is for the originator, at the system that the message came from.
    let originator = request.from.as_ref().map(|from| {
        system
            .domain()
            .filter(|_| from.domain().is_none())
            .and_then(|domain| from.at(domain))
            .unwrap_or_else(|| from.clone())
    });
    report.to = originator.clone();
    report.sender = Some(shared.system.clone());
    report.date = Some(shared.now_ms() / 1_000);
    let to = originator.unwrap_or_else(|| system.clone());
    let parcel = Mail { from: shared.system.clone(), to: vec![to], content: report.build() };
    let kind = MessageType { request: Request::DeliveryReport, is_answer: false };
    let recipient = recipient.digits().map_or_else(|| recipient.to_string(), str::to_owned);
    Notice::new(
        kind.name(),
        About::Report,
        request.message_id.clone(),
        Some(recipient),
        due.status.as_str().to_owned(),
        parcel,
    )
}
