//! What may change while a pipeline runs: limits, how long things are kept, the screen, routes, and carriers that are
//! added.

use std::sync::{Arc, PoisonError};

use carrier::Carrier;
use model::SenderKinds;
use screening::Screen;

use super::Pipeline;
use super::start::start_dispatcher;
use crate::admit::AdmissionLimits;
use crate::dispatch::Dispatcher;
use crate::inbound::InboundRules;
use crate::retention::Retention;
use crate::route::Routes;
use crate::stops::STOPPED_WITHIN;

impl Pipeline {
    /// Admits within other limits from the next request on.
    pub fn replace_limits(&self, limits: AdmissionLimits) {
        self.admission.limits.set(limits);
    }

    /// Keeps things by other rules, from the next step on that removes what is old.
    pub fn replace_retention(&self, rules: Retention) {
        self.retention.set(rules);
    }

    /// Waits for parts, and keeps unrouted messages of handsets, by other rules, from the next step of the sweep on.
    pub fn replace_inbound(&self, rules: InboundRules) {
        self.inbound.set(rules);
    }

    /// The limits within which requests are admitted.
    pub fn limits(&self) -> AdmissionLimits {
        self.admission.limits.get()
    }

    /// How long data are kept.
    pub fn retention(&self) -> Retention {
        self.retention.get()
    }

    /// The kinds of senders that clients may use.
    pub fn sender_kinds(&self) -> SenderKinds {
        self.admission.limits.get().sender_kinds
    }

    /// Screens with other data from the next text on.
    pub fn replace_screen(&self, screen: Arc<Screen>) {
        *self.admission.screen.write().unwrap_or_else(PoisonError::into_inner) = screen;
    }

    /// Dispatches to one carrier more, at so many segments a second of one originator (0 for no bound). Routes lead to
    /// it once they name it. Does nothing where there is a carrier of this name, or was one, or the pipeline is ending.
    pub async fn add_carrier(&self, carrier: Arc<dyn Carrier>, sender_rate: u32) {
        // `tasks` is held until the new task is among them, so that an end that begins meanwhile waits for it.
        let mut tasks = self.tasks.lock().await;
        if self.dispatchers.get(carrier.name()).is_some() || self.is_draining() {
            return;
        }
        self.counters.add_carrier(carrier.name());
        carrier.set_stopped(self.stopped_since(carrier.name()).is_some(), STOPPED_WITHIN);
        let dispatcher = Arc::new(Dispatcher::new(carrier, sender_rate, self.around.clone()));
        self.dispatchers.add(Arc::clone(&dispatcher));
        tasks.push(start_dispatcher(&dispatcher, &self.dispatchers, &self.supervisor, &self.holding));
    }

    /// Dispatches nothing more to a carrier: its messages in memory are given back to the store, and those under way
    /// end with their answers. After that it is a carrier that this configuration does not know, and its messages wait
    /// until it is [restored](Self::restore_carrier) or [abandoned](Self::abandon). No route may lead to it any more.
    pub fn remove_carrier(&self, name: &str) {
        if let Some(dispatcher) = self.dispatchers.get(name) {
            dispatcher.set_removed(true);
        }
    }

    /// Dispatches to a carrier again that was removed. Does nothing where it was not.
    pub fn restore_carrier(&self, name: &str) {
        if let Some(dispatcher) = self.dispatchers.get(name) {
            dispatcher.set_removed(false);
        }
    }

    /// Routes by other rules: new messages at once, and those that wait when they next leave their carrier.
    pub fn replace_routes(&self, routes: Routes) {
        self.admission.routes.replace(routes);
    }
}
