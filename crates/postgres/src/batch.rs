//! Calls of one kind that share transactions: while a group of them is under way, the next ones gather.
//!
//! A call alone goes at once, and none waits for a timer. Every caller gets its own result. A group that fails because
//! of one of its calls is done again call by call, so that the others do not suffer.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use runtime::{Runtime, Task};
use tokio::sync::{mpsc, oneshot};

use super::core::{DEADLINE, closed, no_answer};
use super::fault::Fault;
use ledger::StoreError;

/// How many calls may wait; more wait for a place.
const WAITING_MAX: usize = 8_192;

/// After how many items a group takes no further call.
const ITEMS_MAX: usize = 1_024;

/// How often the other tasks have a turn before a group is closed. The callers of the group before have just heard
/// their results, and their next calls belong into this one: transactions are fewer and larger for it.
const TURNS: usize = 4;

/// The results of a group's calls, in their order; or why the group changed nothing.
pub(super) type Answers<T> = Result<Vec<Result<T, StoreError>>, Fault>;

/// One group's transaction.
pub(super) type Group<T> = Pin<Box<dyn Future<Output = Answers<T>> + Send>>;

type Commit<A, T> = dyn Fn(Vec<Arc<A>>) -> Group<T> + Send + Sync;

/// Calls of one kind that share transactions.
pub(super) struct Batch<A, T> {
    runtime: Arc<dyn Runtime>,
    calls: Mutex<Option<mpsc::Sender<Call<A, T>>>>,
    worker: tokio::sync::Mutex<Option<Task>>,
}

struct Call<A, T> {
    input: Arc<A>,
    items: usize,
    /// When its caller waits no more.
    until: Instant,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<A: Send + Sync + 'static, T: Send + 'static> Batch<A, T> {
    /// Begins to take calls. `commit` runs the inputs of a group in one transaction. Of a fault of one call it changes
    /// nothing, and is then called for each input alone.
    pub(super) fn start(
        runtime: Arc<dyn Runtime>,
        commit: impl Fn(Vec<Arc<A>>) -> Group<T> + Send + Sync + 'static,
    ) -> Self {
        let (calls, waiting) = mpsc::channel(WAITING_MAX);
        let worker = Worker { waiting, commit: Arc::new(commit), runtime: Arc::clone(&runtime) };
        let worker = runtime.spawn("store-batch", Box::pin(worker.run()));
        Self { runtime, calls: Mutex::new(Some(calls)), worker: tokio::sync::Mutex::new(Some(worker)) }
    }

    /// Has `input`, which counts as so many items, done in the next group. What has begun is done although the caller
    /// goes away.
    pub(super) async fn call(&self, input: A, items: usize) -> Result<T, StoreError> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (answer, answered) = oneshot::channel();
        let until = self.runtime.instant() + DEADLINE;
        let call = Call { input: Arc::new(input), items, until, answer };
        let done = async move {
            calls.send(call).await.map_err(|_| closed())?;
            drop(calls);
            answered.await.unwrap_or_else(|_| Err(given_up()))
        };
        self.runtime.timeout_at(until, done).await.unwrap_or_else(|_| Err(no_answer()))
    }

    /// Takes no more calls, and finishes those that wait.
    pub(super) async fn close(&self) {
        drop(self.calls.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(worker) = self.worker.lock().await.take() {
            // One that was aborted has finished nothing, and its callers know.
            let _ = worker.ended().await;
        }
    }
}

struct Worker<A, T> {
    waiting: mpsc::Receiver<Call<A, T>>,
    commit: Arc<Commit<A, T>>,
    runtime: Arc<dyn Runtime>,
}

impl<A: Send + Sync + 'static, T: Send + 'static> Worker<A, T> {
    async fn run(mut self) {
        while let Some(calls) = self.next_group().await {
            let group = commit_group(Arc::clone(&self.commit), calls);
            // A panic ends the group's own task: its callers are told, and the next group has its turn.
            if let Err(ended) = self.runtime.run("store-group", group).await {
                tracing::error!("A group of calls {ended}");
            }
        }
    }

    /// The calls that wait, as soon as there is one; `None` once no more will come. Those whose callers wait no more
    /// are left out.
    async fn next_group(&mut self) -> Option<Vec<Call<A, T>>> {
        let first = self.waiting.recv().await?;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let mut items = first.items;
        let mut calls = vec![first];
        while items < ITEMS_MAX
            && let Ok(call) = self.waiting.try_recv()
        {
            items += call.items;
            calls.push(call);
        }
        let now = self.runtime.instant();
        calls.retain(|call| call.until > now);
        Some(calls)
    }
}

async fn commit_group<A, T>(commit: Arc<Commit<A, T>>, calls: Vec<Call<A, T>>) {
    if calls.is_empty() {
        return;
    }
    match commit(calls.iter().map(|call| Arc::clone(&call.input)).collect()).await {
        Ok(answers) => calls.into_iter().zip(answers).for_each(|(call, answer)| tell(call.answer, answer)),
        Err(fault) if calls.len() > 1 && fault.is_of_one_call() => {
            for Call { input, answer, .. } in calls {
                let alone = commit(vec![input]).await.map_err(Fault::told);
                tell(answer, alone.and_then(|mut answers| answers.pop().unwrap_or_else(|| Err(given_up()))));
            }
        }
        Err(fault) => {
            let error = fault.told();
            calls.into_iter().for_each(|call| tell(call.answer, Err(error.clone())));
        }
    }
}

/// A caller that no longer listens has gone away.
fn tell<T>(answer: oneshot::Sender<Result<T, StoreError>>, result: Result<T, StoreError>) {
    drop(answer.send(result));
}

/// That a call's group ended without a result of it.
fn given_up() -> StoreError {
    StoreError::Unavailable("the call's transaction ended before its time".to_owned())
}

#[cfg(test)]
mod tests;
