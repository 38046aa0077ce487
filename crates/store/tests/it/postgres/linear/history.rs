//! What was asked of an object and what it answered, each with its moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use store::StoreError;

use super::checker::{self, Model, Operation};

/// The calls to several objects of one kind, by the object.
pub(super) struct History<M: Model> {
    clock: AtomicU64,
    operations: Mutex<BTreeMap<usize, Vec<Operation<M>>>>,
}

impl<M: Model> Default for History<M> {
    fn default() -> Self {
        Self { clock: AtomicU64::new(0), operations: Mutex::default() }
    }
}

impl<M: Model> History<M> {
    /// The present moment. No two are the same.
    pub(super) fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// Makes a call, whose answer is `None` where nobody knows whether it happened.
    pub(super) async fn call(
        &self,
        object: usize,
        call: M::Call,
        answer: impl Future<Output = Option<M::Answer>>,
    ) -> Option<M::Answer> {
        let began = self.now();
        let answer = answer.await;
        let ended = answer.clone().map(|answer| (self.now(), answer));
        self.add(object, Operation { call, began, ended });
        answer
    }

    /// Notes something that may happen at some time from `began` on.
    pub(super) fn may_happen(&self, object: usize, began: u64, call: M::Call) {
        self.add(object, Operation { call, began, ended: None });
    }

    /// Notes a call to several objects at once that was answered just now.
    pub(super) fn ended(
        &self,
        objects: impl IntoIterator<Item = usize>,
        began: u64,
        call: &M::Call,
        answer: &M::Answer,
    ) {
        let end = self.now();
        for object in objects {
            self.add(object, Operation { call: call.clone(), began, ended: Some((end, answer.clone())) });
        }
    }

    fn add(&self, object: usize, operation: Operation<M>) {
        self.operations().entry(object).or_default().push(operation);
    }

    fn operations(&self) -> MutexGuard<'_, BTreeMap<usize, Vec<Operation<M>>>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls there are, and how many of them have no answer.
    pub(super) fn len(&self) -> (usize, usize) {
        let operations = self.operations();
        let unanswered = |all: &Vec<Operation<M>>| all.iter().filter(|one| one.ended.is_none()).count();
        (operations.values().map(Vec::len).sum(), operations.values().map(unanswered).sum())
    }

    /// How many calls were answered so.
    pub(super) fn count(&self, is_one: impl Fn(&M::Call, &M::Answer) -> bool) -> usize {
        let operations = self.operations();
        let ended = operations.values().flatten().filter_map(|one| Some((&one.call, &one.ended.as_ref()?.1)));
        ended.filter(|(call, answer)| is_one(call, answer)).count()
    }

    /// Fails where the calls to an object can be put into no order.
    pub(super) fn check(&self, what: &str) {
        for (object, operations) in &*self.operations() {
            if let Err(why) = checker::check(operations) {
                panic!("{what} {object} is not linearizable ({}={}): {why}", trials::SEED, trials::seed());
            }
        }
    }
}

/// What a call came to; `None` where nobody knows.
pub(super) fn known<T>(result: Result<T, StoreError>) -> Option<Result<T, StoreError>> {
    match result {
        Err(StoreError::Unavailable(_) | StoreError::Failed(_)) => None,
        known => Some(known),
    }
}
