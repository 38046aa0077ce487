//! What the SMSC saw.

use std::collections::BTreeMap;

/// What has been seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Binds that were taken.
    pub binds: u64,
    /// Segments submitted.
    pub submitted: u64,
    /// When the first of them came, and the last, in ms since 1970.
    pub submitted_between_ms: Option<(i64, i64)>,
    /// Answers sent, by status.
    pub answered: BTreeMap<String, u64>,
    /// Answers withheld.
    pub lost_responses: u64,
    /// Reports sent.
    pub receipts_sent: u64,
    /// Reports that the other side took.
    pub receipts_taken: u64,
    /// Reports that the other side refused, by status.
    pub receipts_refused: BTreeMap<String, u64>,
    /// Messages of handsets and parts of them that were sent, those that were sent again among them.
    pub inbound_sent: u64,
    /// Those that the other side accepted.
    pub inbound_taken: u64,
    /// Those that were sent again, because no answer came.
    pub inbound_repeated: u64,
    /// Those that the other side refused, by status.
    pub inbound_refused: BTreeMap<String, u64>,
    /// PDUs that could not be read.
    pub malformed: u64,
    /// Sessions that ended.
    pub ended: u64,
}

impl Summary {
    /// The summary as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let (first_ms, last_ms) = self.submitted_between_ms.unzip();
        serde_json::json!({
            "binds": self.binds, "submitted": self.submitted, "firstSubmitMs": first_ms, "lastSubmitMs": last_ms,
            "answered": self.answered, "lostResponses": self.lost_responses, "receiptsSent": self.receipts_sent,
            "receiptsTaken": self.receipts_taken, "receiptsRefused": self.receipts_refused,
            "inboundSent": self.inbound_sent, "inboundTaken": self.inbound_taken,
            "inboundRepeated": self.inbound_repeated, "inboundRefused": self.inbound_refused,
            "malformed": self.malformed, "sessionsEnded": self.ended,
        })
    }
}
