//! What ends a handler ends no more than that: a panic not the connection, a client that hangs up not a change.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs `future`; `Err` holds what a panic in it said.
pub async fn caught<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    // What a handler shares with others is either behind a lock that survives panics or never left half changed.
    std::future::poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(words(&*panic))),
    })
    .await
}

/// The same, to the end of `future` even when nobody waits for it any more: a client that hangs up does not leave a change half made.
pub async fn to_the_end<F>(future: F) -> Result<F::Output, String>
where
    F: Future<Output: Send> + Send + 'static,
{
    let ended = tokio::spawn(future).await;
    ended.map_err(|ended| ended.try_into_panic().map_or_else(|_| "the process is ending".to_owned(), |panic| words(&*panic)))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        assert_eq!(caught(async { panic!("{}", "on fire") }).await.map(|()| 0), Err("on fire".to_owned()));
        assert_eq!(to_the_end(async { panic!("{}", "on fire") }).await.map(|()| 0), Err("on fire".to_owned()));
    }

    #[tokio::test]
    async fn what_must_end_ends_although_nobody_waits() {
        let (done, ended) = tokio::sync::oneshot::channel();
        let mut dropped = Box::pin(to_the_end(async move {
            tokio::task::yield_now().await;
            done.send(())
        }));
        assert!(std::future::poll_fn(|context| Poll::Ready(dropped.as_mut().poll(context).is_pending())).await);
        drop(dropped);
        assert_eq!(ended.await, Ok(()));
    }
}
