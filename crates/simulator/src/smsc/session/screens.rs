//! What the session shows on the screens of handsets, where there are viewers.

use wire::receipt::ReceiptState;
use wire::smpp::{CommandStatus, Pdu, Sm, Tlvs};

use super::{Fate, Session, octets_of};
use crate::handsets::{Failure, Met, Place, What};
use crate::smsc::held::Held;
use crate::smsc::receipts;

impl Session {
    /// Puts a segment that is taken before its handset. Where too many wait for the handset already, it is refused.
    pub(super) fn show(&self, sm: &Sm, tlvs: &Tlvs, octets: &[u8], fate: &mut Fate) -> Option<Place> {
        let handsets = self.shared.handsets.as_ref().filter(|_| fate.status.is_ok())?;
        handsets.came(sm, tlvs, octets).unwrap_or_else(|_| {
            fate.status = CommandStatus::RMSGQFUL;
            None
        })
    }

    /// Lets the handset meet a segment. Whether it does so at once: then `state` is what the options say about it; else
    /// a receipt follows when it has.
    pub(super) fn meet(
        &self,
        id: u64,
        fate: &Fate,
        sm: &Sm,
        place: Option<&Place>,
        state: Option<ReceiptState>,
    ) -> bool {
        let (Some(handsets), Some(place)) = (&self.shared.handsets, place) else { return true };
        if handsets.is_on(&place.handset) {
            handsets.met(place, met(state));
            return true;
        }
        let held = Held {
            report: receipts::Report::new(id, ReceiptState::Delivered, sm, Some(place.clone()), self.shared.now_ms()),
            registered_delivery: sm.registered_delivery,
            validity_period: sm.validity_period.clone(),
            system_id: self.system_id.clone(),
            answer_in: fate.answer_in.unwrap_or_default(),
        };
        held.wait(&self.shared, handsets, place.clone());
        false
    }

    /// Something was sent to the platform.
    pub(super) fn show_sent(&self, place: Option<&Place>, says: &str, error: Option<u16>, pdu: &Pdu) {
        if let (Some(handsets), Some(place)) = (&self.shared.handsets, place) {
            handsets.sent(place, says, error, What::Pdu(octets_of(pdu)));
        }
    }
}

/// What the options say about a segment. Without a receipt the handset has it.
fn met(state: Option<ReceiptState>) -> Met {
    match state {
        Some(state) if state.is_final() && state != ReceiptState::Delivered => Met::Failed(Failure::Told(state)),
        _ => Met::Received,
    }
}
