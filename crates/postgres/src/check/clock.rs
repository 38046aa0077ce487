//! Whether the clocks of this machine and of the database agree.

use std::sync::Arc;
use std::time::Duration;

use runtime::Runtime;
use tokio_postgres::Client;

use crate::fault::refused_or_lost;
use ledger::StoreError;

/// How far the clocks may be apart.
const APART_MAX: Duration = Duration::from_millis(500);

/// How often they are compared: the quickest answer counts.
const LOOKS: usize = 3;

const ASK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// One comparison.
struct Look {
    /// How far the database is ahead, in milliseconds, if it answered in the middle of the wait.
    ahead: i64,
    /// How long the answer took.
    took: Duration,
}

/// A sentence for the operator when the clocks are certainly too far apart.
pub(super) async fn look(client: &Client, runtime: &Arc<dyn Runtime>) -> Result<Option<String>, StoreError> {
    let failed = |error: tokio_postgres::Error| refused_or_lost(&error, "the database does not tell the time");
    let statement = client.prepare(ASK).await.map_err(failed)?;
    let mut best: Option<Look> = None;
    for _ in 0..LOOKS {
        let (here, began) = (runtime.now(), runtime.instant());
        let there: i64 = client.query_one(&statement, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
        let took = runtime.instant().duration_since(began);
        let ahead = there - (here + took / 2).as_millis();
        best = best.filter(|best| best.took <= took).or(Some(Look { ahead, took }));
    }
    Ok(best.as_ref().and_then(judged))
}

fn judged(look: &Look) -> Option<String> {
    let apart = Duration::from_millis(look.ahead.unsigned_abs());
    if apart <= APART_MAX + look.took / 2 {
        return None;
    }
    let whose = if look.ahead > 0 { "the database" } else { "this machine" };
    Some(format!(
        "the clock of {whose} is {:.1} s ahead of the other: validity, quotas and windows may end at the wrong time; \
         keep both clocks with NTP",
        apart.as_secs_f64()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_apart_when_the_wait_does_not_explain_it() {
        let judged = |ahead, took_ms| judged(&Look { ahead, took: Duration::from_millis(took_ms) });
        assert_eq!([judged(0, 1), judged(500, 0), judged(-500, 0), judged(1_200, 1_600)], [const { None }; 4]);
        assert!(judged(600, 10).is_some_and(|words| words.contains("the database is 0.6 s ahead")));
        assert!(judged(-3_000, 10).is_some_and(|words| words.contains("this machine is 3.0 s ahead")));
    }
}
