//! The daily quota, counted in the admitting transaction.

use model::Owner;
use rusqlite::{OptionalExtension, params};

use super::writer::Group;
use ledger::contract::admission::Quota;

impl Group {
    /// Counts recipients, unless they do not all fit the quota. The count is written once for the whole group, by
    /// [`Self::write_quota`].
    pub(super) fn use_quota(&mut self, owner: Owner, quota: Quota, recipients: u64) -> rusqlite::Result<bool> {
        let name = (owner, quota.day.0);
        if !self.quota.contains_key(&name) {
            let mut select = self
                .connection
                .prepare_cached("SELECT used FROM quota WHERE day = ?1 AND account_id = ?2 AND mode = ?3")?;
            let used = select
                .query_row(params![quota.day.0, owner.account.to_bytes(), owner.mode.as_str()], |row| row.get(0))
                .optional()?;
            self.quota.insert(name, (used.unwrap_or(0), false));
        }
        let Some((used, unwritten)) = self.quota.get_mut(&name) else { return Ok(false) };
        let fits = used.checked_add(recipients).is_some_and(|used| used <= quota.limit);
        if fits {
            *used += recipients;
            *unwritten = true;
        }
        Ok(fits)
    }

    /// Writes the counts that changed. Part of every commit.
    pub(super) fn write_quota(&mut self) -> rusqlite::Result<()> {
        for ((owner, day), (used, unwritten)) in self.quota.iter_mut().filter(|(_, (_, unwritten))| *unwritten) {
            let sql = "INSERT INTO quota (day, account_id, mode, used) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE \
                SET used = excluded.used";
            self.connection.prepare_cached(sql)?.execute(params![
                day,
                owner.account.to_bytes(),
                owner.mode.as_str(),
                *used
            ])?;
            *unwritten = false;
        }
        // Yesterday's counts are not asked for again; a bound keeps a million idle accounts out of memory.
        if self.quota.len() > 10_000 {
            self.quota.clear();
        }
        Ok(())
    }
}
