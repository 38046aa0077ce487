//! Handsets as JSON, for the API and the page.

use serde_json::{Value, json};

use super::book::{BUBBLES_MAX, HANDSETS_MAX, Phone};
use super::bubble::{Bubble, Content, Direction, Fate, Picture, Segment, Sent, Standing};
use super::seen::Shown;
use super::switch::Switch;
use super::{Change, Handsets, Number};

impl Handsets {
    /// All handsets, those that were used last before the others, each with its last message.
    pub fn list(&self) -> Value {
        let book = self.lock();
        let shown = book.by_use().into_iter().map(|(number, phone)| {
            let mut shown = head(number, phone);
            shown["last"] = phone.bubbles.back().map(last).into();
            shown
        });
        json!({
            "change": self.count(), "data": shown.collect::<Vec<_>>(), "handsetsMax": HANDSETS_MAX,
            "handsetsLeftOut": book.left_out,
        })
    }

    /// A handset with its messages and what went over the wire for each. `None` where it is not there.
    pub fn conversation(&self, handset: &Number) -> Option<Value> {
        let book = self.lock();
        let phone = book.find(handset)?;
        let mut shown = head(handset, phone);
        shown["change"] = self.count().into();
        shown["messagesMax"] = BUBBLES_MAX.into();
        shown["data"] = phone.bubbles.iter().map(|bubble| bubble.to_json(handset)).collect();
        Some(shown)
    }

    /// How far a message of a handset has come: its parts, those that were sent, those that were acknowledged, and what
    /// the platform said to the others.
    pub(crate) fn progress(&self, handset: &Number, id: u64) -> Option<Progress> {
        let book = self.lock();
        let bubble = book.find(handset)?.bubbles.iter().find(|bubble| bubble.id == id)?;
        let sent = || bubble.segments.iter().filter_map(|segment| segment.sent.as_ref());
        let answers = || sent().filter_map(|sent| sent.answer.as_ref());
        Some(Progress {
            parts: bubble.segments.len(),
            sent: sent().map(|sent| usize::try_from(sent.times).unwrap_or(usize::MAX)).sum(),
            acknowledged: answers().filter(|answer| answer.is_ok).count(),
            refused: answers().filter(|answer| !answer.is_ok).map(|answer| answer.words.clone()).collect(),
        })
    }

    /// A file of a message.
    pub fn picture(&self, handset: &Number, id: u64, place: usize) -> Option<Picture> {
        let book = self.lock();
        let bubble = book.find(handset)?.bubbles.iter().find(|bubble| bubble.id == id)?;
        match &bubble.content {
            Content::Mms { pictures, .. } => pictures.get(place).cloned(),
            Content::Sms { .. } => None,
        }
    }
}

/// How far a message of a handset has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Its parts.
    pub(crate) parts: usize,
    /// What was sent for them, repetitions too.
    pub(crate) sent: usize,
    /// Parts that the platform acknowledged.
    pub(crate) acknowledged: usize,
    /// What it said to those that it refused.
    pub(crate) refused: Vec<String>,
}

impl Change {
    /// The change as the stream of events shows it.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "change": self.number_of_change, "number": self.handset.to_string(), "message": self.message })
    }
}

fn head(number: &Number, phone: &Phone) -> Value {
    let switch = *phone.switch.borrow();
    let mut shown = json!({ "number": number.to_string(), "state": switch.name() });
    if let Switch::Slow(time) = switch {
        shown["seconds"] = time.as_secs().into();
    }
    shown["messages"] = phone.bubbles.len().into();
    shown["messagesLeftOut"] = phone.left_out.into();
    shown["waiting"] = phone.waiting.into();
    shown
}

fn last(bubble: &Bubble) -> Value {
    json!({
        "id": bubble.id, "direction": bubble.direction.name(), "peer": bubble.peer, "text": bubble.excerpt(),
        "pictures": bubble.pictures().len(), "at": bubble.at.to_string(), "state": bubble.standing().name(),
        "receipt": bubble.tick().name(),
    })
}

impl Bubble {
    fn to_json(&self, handset: &Number) -> Value {
        let (standing, tick) = (self.standing(), self.tick());
        let came = self.segments.iter().filter(|segment| segment.fate != Fate::Missing).count();
        let (from, to) = match self.direction {
            Direction::Outbound => (self.peer.clone(), handset.to_string()),
            Direction::Inbound => (handset.to_string(), self.peer.clone()),
        };
        let mut shown = json!({
            "id": self.id, "direction": self.direction.name(), "from": from, "to": to, "text": self.text,
        });
        match &self.content {
            Content::Sms { encoding, class, is_data } => {
                shown["kind"] = "sms".into();
                shown["encoding"] = (*encoding).into();
                shown["class"] = (*class).into();
                shown["isData"] = (*is_data).into();
            }
            Content::Mms { subject, .. } => {
                shown["kind"] = "mms".into();
                shown["subject"] = subject.clone().into();
            }
        }
        shown["segments"] = json!({ "total": self.segments.len(), "came": came });
        shown["pictures"] =
            (0..).zip(self.pictures()).map(|(at, picture)| self.picture(handset, at, picture)).collect();
        shown["at"] = self.at.to_string().into();
        shown["state"] = standing.name().into();
        if let Standing::Received(at) = standing
            && self.direction == Direction::Outbound
        {
            shown["receivedAt"] = at.to_string().into();
            shown["latencyMs"] = self.latency_ms().into();
        }
        if let Standing::Failed(failure) = standing {
            shown["failure"] = json!({ "says": failure.state().stat(), "error": failure.error() });
        }
        shown["receipt"] = tick.name().into();
        shown["wantsReceipt"] = self.wants_receipt().into();
        shown["receiptMs"] = self.receipt_ms().into();
        shown["sent"] = (1..).zip(&self.segments).filter_map(|(number, segment)| sent(number, segment)).collect();
        let (wire, left_out) = self.trace.shown();
        shown["wire"] = wire.iter().map(Shown::to_json).collect();
        shown["wireLeftOut"] = left_out.into();
        shown
    }

    fn picture(&self, handset: &Number, at: usize, picture: &Picture) -> Value {
        json!({
            "type": picture.content_type, "bytes": picture.bytes.len(),
            "href": self.picture_address(handset, at),
        })
    }
}

/// What was sent for a segment: a receipt, or the segment itself.
fn sent(number: usize, segment: &Segment) -> Option<Value> {
    let Sent { says, error, at, times, answer } = segment.sent.as_ref()?;
    Some(json!({
        "segment": number, "says": says, "error": error, "at": at.to_string(), "times": times,
        "answeredAt": answer.as_ref().map(|answer| answer.at.to_string()),
        "answer": answer.as_ref().map(|answer| answer.words.as_str()),
    }))
}
