//! A message as a handset shows it, and how far it and its receipts have come.

use std::time::Duration;

use bytes::Bytes;
use model::Timestamp;

use super::gathering::Gathering;
use super::number::Number;
use super::seen::Trace;
use super::switch::Failure;

/// Which way a message goes, in the words of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the platform to the handset.
    Outbound,
    /// From the handset to the platform.
    Inbound,
}

impl Direction {
    /// Its name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// A file of a multimedia message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Its media type, as the sender names it.
    pub content_type: String,
    /// What it holds.
    pub bytes: Bytes,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// An SMS.
    Sms {
        /// How its text is coded, such as `GSM-7`.
        encoding: &'static str,
        /// Its class: 0 is shown at once and not kept (3GPP TS 23.038, section 4).
        class: Option<u8>,
        /// Whether it is data, which `text` then has in hexadecimal.
        is_data: bool,
    },
    /// An MMS.
    Mms {
        /// Its subject.
        subject: Option<String>,
        /// Its files, in order.
        pictures: Vec<Picture>,
    },
}

/// What became of a segment on its way to where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is still to come.
    Missing,
    /// The SMSC or MMSC has it.
    Waiting,
    /// The handset has it.
    Received(Timestamp),
    /// The handset does not get it.
    Failed(Failure),
}

/// What the platform said to something that was sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) at: Timestamp,
    pub(crate) is_ok: bool,
    /// The status of SMPP, or the reply of MM4 or MM7.
    pub(crate) words: String,
}

/// Something that was sent to the platform: a receipt on a segment, or a segment of a message of the handset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What a receipt says, such as `DELIVRD`; empty for a message of the handset.
    pub(crate) says: String,
    /// The network's error in a receipt.
    pub(crate) error: Option<u16>,
    pub(crate) at: Timestamp,
    /// How often it was sent.
    pub(crate) times: u32,
    pub(crate) answer: Option<Answer>,
}

/// A segment of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) fate: Fate,
    pub(crate) wants_receipt: bool,
    pub(crate) sent: Option<Sent>,
}

impl Segment {
    pub(crate) const fn new(fate: Fate) -> Self {
        Self { fate, wants_receipt: false, sent: None }
    }
}

/// How far the receipts on a message have come, or a message of the handset itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tick {
    /// Nothing has been sent to the platform; of a message of the handset.
    None,
    /// The SMSC or MMSC has the message.
    Accepted,
    /// Every segment's receipt was sent to the platform; of a message of the handset, every segment.
    Sent,
    /// The platform has acknowledged all of them.
    Acknowledged,
}

impl Tick {
    /// Its name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Segments are still to come.
    Incomplete,
    /// It waits for the handset.
    Waiting,
    /// The handset has it; of a message of the handset: it was written.
    Received(Timestamp),
    /// The handset does not get it.
    Failed(Failure),
}

impl Standing {
    /// Its name in the API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Incomplete => "incomplete",
            Self::Waiting => "waiting",
            Self::Received(_) => "received",
            Self::Failed(_) => "failed",
        }
    }
}

/// A message on the screen of a handset.
#[derive(Clone, Debug)]
pub(crate) struct Bubble {
    pub(crate) id: u64,
    pub(crate) direction: Direction,
    /// The other side: a sender's number or name, or whom the handset writes to.
    pub(crate) peer: String,
    pub(crate) content: Content,
    pub(crate) text: String,
    pub(crate) at: Timestamp,
    pub(crate) segments: Vec<Segment>,
    /// What is needed until all segments are there.
    pub(crate) gathering: Option<Gathering>,
    pub(crate) trace: Trace,
}

/// Characters of a message in the list of handsets.
const EXCERPT_CHARS: usize = 160;

/// What a bubble takes beside its text and octets, roughly, in bytes.
const BUBBLE_BYTES: usize = 512;

impl Bubble {
    /// The memory that it takes, roughly, in bytes.
    pub(crate) fn weight_bytes(&self) -> usize {
        let pictures = match &self.content {
            Content::Mms { pictures, .. } => pictures.iter().map(|picture| picture.bytes.len()).sum(),
            Content::Sms { .. } => 0,
        };
        let gathering = self.gathering.as_ref().map_or(0, Gathering::octets);
        let segments = self.segments.len() * size_of::<Segment>();
        BUBBLE_BYTES + self.text.len() + pictures + gathering + segments + self.trace.octets()
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let fates = || self.segments.iter().map(|segment| segment.fate);
        if let Some(failure) = fates().find_map(|fate| if let Fate::Failed(why) = fate { Some(why) } else { None }) {
            return Standing::Failed(failure);
        }
        if fates().any(|fate| fate == Fate::Missing) {
            return Standing::Incomplete;
        }
        let received = |fate| if let Fate::Received(at) = fate { Some(at) } else { None };
        fates()
            .map(received)
            .collect::<Option<Vec<_>>>()
            .and_then(|all| all.into_iter().max())
            .map_or(Standing::Waiting, Standing::Received)
    }

    /// How far its receipts have come, or the message itself where the handset wrote it.
    pub(crate) fn tick(&self) -> Tick {
        let awaited = |segment: &&Segment| self.direction == Direction::Inbound || segment.wants_receipt;
        let of = |segment: &Segment| match &segment.sent {
            Some(Sent { answer: Some(Answer { is_ok: true, .. }), .. }) => Tick::Acknowledged,
            Some(_) => Tick::Sent,
            None if self.direction == Direction::Inbound => Tick::None,
            None => Tick::Accepted,
        };
        self.segments.iter().filter(awaited).map(of).min().unwrap_or(Tick::Accepted)
    }

    /// Its files.
    pub(crate) fn pictures(&self) -> &[Picture] {
        match &self.content {
            Content::Mms { pictures, .. } => pictures,
            Content::Sms { .. } => &[],
        }
    }

    /// Where the file is served that has this place, from 0.
    pub(crate) fn picture_address(&self, handset: &Number, place: usize) -> String {
        format!("/dev/phones/{}/pictures/{}-{place}", handset.digits(), self.id)
    }

    /// The beginning of its text.
    pub(crate) fn excerpt(&self) -> String {
        let mut text: String = self.text.chars().take(EXCERPT_CHARS).collect();
        if text.len() < self.text.len() {
            text.push('…');
        }
        text
    }

    /// Whether a receipt is asked for on any segment.
    pub(crate) fn wants_receipt(&self) -> bool {
        self.segments.iter().any(|segment| segment.wants_receipt)
    }

    /// From the first segment until the handset had all of them, in milliseconds; of a message to the handset.
    pub(crate) fn latency_ms(&self) -> Option<u64> {
        let Standing::Received(at) = self.standing() else { return None };
        (self.direction == Direction::Outbound).then(|| millis(at.since(self.at)))
    }

    /// From the first segment until the platform acknowledged the last receipt, in milliseconds.
    pub(crate) fn receipt_ms(&self) -> Option<u64> {
        let answered = self.segments.iter().filter_map(|segment| segment.sent.as_ref()?.answer.as_ref());
        let last = answered.map(|answer| answer.at).max().filter(|_| self.tick() == Tick::Acknowledged)?;
        Some(millis(last.since(self.at)))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
