//! A panic ends its handler and not the connection; a client that hangs up does not end a change.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use runtime::{Ended, Runtime};

/// Runs `future`; `Err` has the message of a panic in it.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    // What a handler shares with others is either behind a lock that survives panics or never left half changed.
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(match Ended::by_panic(&*panic) {
            Ended::Panicked(words) => words,
            Ended::Aborted => String::new(),
        })),
    })
    .await
}

/// The same, to the end of `future` even if no caller waits for it any more: a client that disconnects does not leave a
/// half-made change.
pub async fn to_the_end<F>(runtime: &Arc<dyn Runtime>, future: F) -> Result<F::Output, String>
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.run("request", future).await.map_err(|ended| match ended {
        Ended::Panicked(words) => words,
        Ended::Aborted => "the process is ending".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use runtime::Machine;

    use super::*;

    fn machine() -> Arc<dyn Runtime> {
        Arc::new(Machine::new())
    }

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught(async { panic!("{}", "on fire") }).await.map(|()| 0), Err("on fire".to_owned()));
        assert_eq!(
            to_the_end(&machine(), async { panic!("{}", "on fire") }).await.map(|()| 0),
            Err("on fire".to_owned())
        );
    }

    #[tokio::test]
    async fn what_must_end_ends_although_nobody_waits() {
        let (done, ended) = tokio::sync::oneshot::channel();
        let runtime = machine();
        let mut dropped = Box::pin(to_the_end(&runtime, async move {
            tokio::task::yield_now().await;
            done.send(())
        }));
        assert!(std::future::poll_fn(|context| Poll::Ready(dropped.as_mut().poll(context).is_pending())).await);
        drop(dropped);
        assert_eq!(ended.await, Ok(()));
    }
}
