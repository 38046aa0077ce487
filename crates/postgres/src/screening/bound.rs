//! How many decisions are kept of each owner: an account that is refused all day fills no disk, and test keys push out
//! no decision on a live text.

use model::{Owner, ScreeningId};

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;

/// Which part of the bound may be added before the log is looked at again: one in a hundred.
const PART: u64 = 100;

/// How many are removed at a time, at most.
const REMOVED_MAX: i64 = 1_000;

/// What is older than the newest that may be kept. Those that another transaction removes, or judges, are left to it,
/// and nothing else goes in their place.
const REMOVE: &str = "DELETE FROM screening_log WHERE id = ANY(ARRAY(SELECT id FROM screening_log \
    WHERE account_id = $1 AND test = $2 AND id <= (SELECT id FROM screening_log WHERE account_id = $1 AND test = $2 \
    ORDER BY id DESC OFFSET $3 LIMIT 1) ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED))";

/// Whether the log of an owner is looked at after this decision was added. Of a large bound the log is not counted each
/// time: every hundredth part of it, on average. The ids decide, so that however many nodes add to the log, it is
/// looked at as often, and no node has to know how many the others have added.
fn is_looked_at(id: ScreeningId, most: u64) -> bool {
    u128::from_be_bytes(id.to_bytes()).is_multiple_of(u128::from((most / PART).max(1)))
}

/// Removes the oldest decisions on an owner's texts, where there are more than may be kept after this one was added.
pub(super) async fn apply(unit: &Unit, added: ScreeningId, owner: Owner) -> Result<(), Fault> {
    let most = unit.core.bounds().screened_max;
    if !is_looked_at(added, most) {
        return Ok(());
    }
    let (account, test) = (rows::id(owner.account.to_bytes()), rows::is_test(owner.mode));
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    unit.execute(REMOVE, &[&account, &test, &most, &REMOVED_MAX]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use model::{SeededEntropy, Timestamp};

    use super::*;

    #[test]
    fn a_log_of_a_large_bound_is_looked_at_for_one_in_a_hundredth_part() {
        let entropy = SeededEntropy::new(1);
        let ids: Vec<_> = (0..20_000).map(|ms| ScreeningId::new(Timestamp::from_millis(ms), &entropy)).collect();
        let looks = |most| ids.iter().filter(|id| is_looked_at(**id, most)).count();
        assert_eq!([0, 5, 199].map(looks), [20_000; 3], "a small one each time");
        assert!((150..=250).contains(&looks(10_000)), "{}", looks(10_000));
    }
}
