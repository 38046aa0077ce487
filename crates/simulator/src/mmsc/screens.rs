//! What the MMSC shows on the screens of handsets, where there are viewers.

use std::time::Duration;

use bytes::Bytes;
use wire::mm4::{Expiry, ForwardReq};
use wire::mm7::{Message, MmStatus, SubmitReq};
use wire::mms::{Part, received};
use wire::receipt::ReceiptState;

use super::Shared;
use super::fate;
use super::notice::{About, Heard, Notice, Verdict};
use super::rule::Subject;
use crate::handsets::{Failure, Met, Multimedia, Number, Picture, Place, What};

/// How long a message without an expiry waits for a handset.
const USUAL_VALIDITY: Duration = Duration::from_secs(86_400);

/// The screens of the recipients of a message, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Screens(Vec<Screen>);

/// The screen of one recipient; none of one that is no number, or that has no viewer.
#[derive(Clone, Debug, Default)]
struct Screen {
    place: Option<Place>,
    /// Whether the handset does not take it at once.
    is_held: bool,
}

impl Screens {
    /// The message on the screen of a recipient.
    pub(super) fn place(&self, index: usize) -> Option<Place> {
        self.0.get(index)?.place.clone()
    }

    /// Whether a recipient's handset does not take it at once.
    pub(super) fn is_held(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(|screen| screen.is_held)
    }

    /// The recipients that it waits for, with their places.
    pub(super) fn held(&self) -> impl Iterator<Item = (usize, Place)> {
        let held = self.0.iter().enumerate().filter(|(_, screen)| screen.is_held);
        held.filter_map(|(index, screen)| Some((index, screen.place.clone()?)))
    }
}

/// What a message shows to every recipient.
struct Shown<'a> {
    number: u64,
    from: String,
    subject: Option<&'a str>,
    parts: &'a [Part],
    wants_report: bool,
    seen: What,
}

impl Shared {
    /// Puts a message that came by MM4 before its handsets. `mail` is all of it.
    pub(super) fn show_mail(&self, request: &ForwardReq, number: u64, mail: &[u8]) -> Screens {
        let from = request.from.as_ref().map_or_else(String::new, |from| shown(from.digits(), &from.to_string()));
        let recipients: Vec<String> = request.to.iter().map(|to| to.digits().unwrap_or_default().to_owned()).collect();
        let head_end = mail.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(mail.len());
        let head = String::from_utf8_lossy(mail.get(..head_end).unwrap_or_default()).into_owned();
        let shown = Shown {
            number,
            from,
            subject: request.subject.as_deref(),
            parts: &request.parts,
            wants_report: request.delivery_report,
            seen: What::Text("MM4_forward.REQ", head),
        };
        self.show(&shown, &recipients)
    }

    /// The same by MM7.
    pub(super) fn show_submission(
        &self,
        request: &SubmitReq,
        message: &Message,
        (number, recipients): (u64, &[String]),
        parts: &[Part],
    ) -> Screens {
        let sender = request.sender_address.as_ref();
        let from = sender.map_or_else(String::new, |from| shown(from.digits().as_deref(), from.text()));
        let shown = Shown {
            number,
            from,
            subject: request.subject.as_deref(),
            parts,
            wants_report: request.delivery_report == Some(true),
            seen: What::Text("SubmitReq", format!("TransactionID: {}", message.transaction_id)),
        };
        self.show(&shown, recipients)
    }

    /// Puts a message before its handsets. Those that are on meet it at once, as the options say.
    fn show(&self, shown: &Shown<'_>, recipients: &[String]) -> Screens {
        let Some(handsets) = &self.handsets else { return Screens::default() };
        let received = received(shown.parts);
        let copied = |file: &wire::mms::File| Picture {
            content_type: file.content_type.clone(),
            bytes: Bytes::copy_from_slice(&file.bytes),
        };
        let pictures: Vec<Picture> = received.files.iter().map(copied).collect();
        let screen = |(index, digits): (usize, &String)| {
            let Some(handset) = Number::parse(digits) else { return Screen::default() };
            let multimedia = Multimedia {
                from: shown.from.clone(),
                subject: shown.subject.map(str::to_owned),
                text: received.text.clone(),
                pictures: pictures.clone(),
                wants_report: shown.wants_report,
            };
            let is_held = !handsets.is_on(&handset);
            let place = handsets.came_by_mail(handset, multimedia, shown.seen.clone());
            if !is_held {
                let reports = fate::reports(&self.options, Subject { number: shown.number, recipient: digits }, index);
                handsets.met(&place, met(reports.first().map(|report| report.status.receipt_state())));
            }
            Screen { place: Some(place), is_held }
        };
        Screens(recipients.iter().enumerate().map(screen).collect())
    }

    /// Waits until a handset has met a message. Returns what a report says of it.
    pub(super) async fn met(&self, place: &Place, validity: Duration) -> MmStatus {
        let Some(handsets) = &self.handsets else { return MmStatus::Retrieved };
        let met = handsets.meet(&place.handset, validity).await;
        handsets.met(place, met);
        match met {
            Met::Received => MmStatus::Retrieved,
            Met::Failed(Failure::Expired) => MmStatus::Expired,
            Met::Failed(_) => MmStatus::Rejected,
        }
    }

    /// A report, or a message of a handset, was sent.
    pub(super) fn show_sent<P>(&self, notice: &Notice<P>, heard: &Heard) {
        let (Some(handsets), Some(place)) = (&self.handsets, &notice.place) else { return };
        let says = if notice.about == About::Message { "" } else { notice.status.as_str() };
        let of = match &notice.recipient {
            Some(recipient) => format!("message {}, recipient {recipient}", notice.message_id),
            None => format!("message {}", notice.message_id),
        };
        let said = if says.is_empty() { of } else { format!("{says}; {of}") };
        handsets.sent(place, says, None, What::Text(notice.kind, said));
        let seen = What::Text("reply", heard.reply.clone());
        handsets.answered(place, heard.verdict == Verdict::Taken, heard.reply.clone(), Some(seen));
    }
}

/// How long a message that came by MM4 waits for a handset.
pub(super) fn validity(request: &ForwardReq, now_ms: i64) -> Duration {
    match request.expiry {
        Some(Expiry::After(secs)) => Duration::from_secs(secs),
        Some(Expiry::At(at_secs)) => {
            Duration::from_secs(u64::try_from(at_secs.saturating_sub(now_ms / 1_000)).unwrap_or(0))
        }
        None => USUAL_VALIDITY,
    }
}

/// The same by MM7, whose expiry is a date. One that is a duration is not read.
pub(super) fn validity_of_submission(request: &SubmitReq, now_ms: i64) -> Duration {
    let until = request.expiry_date.as_deref().and_then(model::Timestamp::parse);
    until.map_or(USUAL_VALIDITY, |until| until.since(model::Timestamp::from_millis(now_ms)))
}

/// What the options say about a message to a handset that is on. Without a report the handset has it.
fn met(state: Option<ReceiptState>) -> Met {
    match state {
        Some(state) if state.is_final() && state != ReceiptState::Delivered => Met::Failed(Failure::Told(state)),
        _ => Met::Received,
    }
}

/// A sender as a handset shows it.
fn shown(digits: Option<&str>, text: &str) -> String {
    digits.and_then(Number::parse).map_or_else(|| text.to_owned(), |number| number.to_string())
}
