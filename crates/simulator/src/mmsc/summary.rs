//! What the MMSC saw.

use std::collections::BTreeMap;

/// What has been seen so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Connections that were accepted for MM4.
    pub mm4_sessions: u64,
    /// Those of them that are open.
    pub mm4_open: u64,
    /// Connections that were accepted for MM7.
    pub mm7_sessions: u64,
    /// Those of them that are open.
    pub mm7_open: u64,
    /// Messages taken by MM4.
    pub mm4_taken: u64,
    /// Messages taken by MM7.
    pub mm7_taken: u64,
    /// Messages, recipients and sessions refused, by what was said.
    pub refused: BTreeMap<String, u64>,
    /// `MM4_forward.RES` sent, whatever was said to them.
    pub answers_sent: u64,
    /// Those that the other side accepted.
    pub answers_taken: u64,
    /// Delivery reports sent, whatever was said to them.
    pub reports_sent: u64,
    /// Those that the other side accepted.
    pub reports_taken: u64,
    /// Messages of handsets sent, whatever was said to them.
    pub inbound_sent: u64,
    /// Those that the other side accepted.
    pub inbound_taken: u64,
    /// `MM4_forward.RES` to messages of handsets that came, by their code.
    pub inbound_answers: BTreeMap<String, u64>,
    /// Answers, reports and messages of handsets that were not taken, by what was said.
    pub not_taken: BTreeMap<String, u64>,
    /// `MM4_delivery_report.RES` that came, by their code.
    pub report_answers: BTreeMap<String, u64>,
    /// What could not be read.
    pub malformed: u64,
}

impl Summary {
    /// Messages taken by either protocol.
    pub const fn taken(&self) -> u64 {
        self.mm4_taken + self.mm7_taken
    }

    /// The summary as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "mm4Sessions": self.mm4_sessions, "mm4Open": self.mm4_open, "mm7Sessions": self.mm7_sessions,
            "mm7Open": self.mm7_open, "mm4Taken": self.mm4_taken, "mm7Taken": self.mm7_taken, "refused": self.refused,
            "answersSent": self.answers_sent, "answersTaken": self.answers_taken, "reportsSent": self.reports_sent,
            "reportsTaken": self.reports_taken, "notTaken": self.not_taken, "reportAnswers": self.report_answers,
            "inboundSent": self.inbound_sent, "inboundTaken": self.inbound_taken,
            "inboundAnswers": self.inbound_answers,
            "malformed": self.malformed,
        })
    }
}
