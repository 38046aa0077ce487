//! Segments that the SMSC holds for a handset that does not take them at once.

use std::sync::Arc;
use std::time::Duration;

use wire::receipt::ReceiptState;

use super::receipts::{self, Report};
use super::registry::Offer;
use super::{Shared, validity};
use crate::handsets::{Handsets, Met, Place};
use crate::sessions::Stop;

/// A segment that is held.
pub(crate) struct Held {
    /// The receipt to come; it says what the handset makes of it.
    pub(crate) report: Report,
    pub(crate) registered_delivery: u8,
    pub(crate) validity_period: Vec<u8>,
    /// Who gets the receipt.
    pub(crate) system_id: Vec<u8>,
    /// When the acknowledgement leaves; the receipt comes after it.
    pub(crate) answer_in: Duration,
}

impl Held {
    /// Waits in the background until the handset has met it, and has the receipt sent.
    pub(crate) fn wait(self, shared: &Arc<Shared>, handsets: &Arc<Handsets>, place: Place) {
        let mut stopped = shared.sessions.stopped();
        let (shared, handsets) = (Arc::clone(shared), Arc::clone(handsets));
        let runtime = Arc::clone(&shared.runtime);
        let met = async move {
            shared.runtime.sleep(self.answer_in).await;
            let validity = validity::of(&self.validity_period, shared.now_ms());
            let met = handsets.meet(&place.handset, validity).await;
            handsets.met(&place, met);
            self.report_to(&shared, met);
        };
        let until_stopped = async move {
            tokio::select! {
                () = met => {}
                _ = stopped.wait_for(|stop| *stop == Stop::All) => {}
            }
        };
        runtime.spawn("segment held for a handset", Box::pin(until_stopped));
    }

    fn report_to(self, shared: &Shared, met: Met) {
        let (state, error) = match met {
            Met::Received => (ReceiptState::Delivered, None),
            Met::Failed(failure) => (failure.state(), failure.error()),
        };
        if receipts::is_wanted(self.registered_delivery, state) {
            shared.registry.deliver(
                &self.system_id,
                Offer::Report(Report { state, error, done_ms: shared.now_ms(), ..self.report }),
            );
        }
    }
}
