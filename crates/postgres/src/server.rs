//! What a server says of itself.

use tokio_postgres::{Client, Row};

use super::fault::refused_or_lost;
use ledger::StoreError;

/// The oldest version that is supported, as `server_version_num` has it.
const OLDEST: i32 = 150_000;

/// Logical replication is no standby, nor is a base backup that is being made. Who may not see the states of others
/// sees that they are there.
const ASK: &str = "SELECT current_setting('server_version_num')::integer, current_setting('server_version'), \
    pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', current_setting('server_encoding'), \
    current_schema() IS NOT NULL, current_setting('fsync'), current_setting('full_page_writes'), \
    current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), \
    (SELECT count(*) FROM pg_stat_replication r WHERE r.state IS DISTINCT FROM 'backup' AND NOT EXISTS \
    (SELECT 1 FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'))";

/// A server, and the settings that hold for its database.
pub(crate) struct Server {
    number: i32,
    pub(super) version: String,
    is_standby: bool,
    is_read_only: bool,
    encoding: String,
    has_schema: bool,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
    synchronous_standby_names: String,
    standbys: i64,
}

impl Server {
    pub(crate) async fn ask(client: &Client) -> Result<Self, StoreError> {
        let answer = client.query_one(ASK, &[]).await;
        let read = answer.and_then(|row| Self::read(&row));
        read.map_err(|error| refused_or_lost(&error, "the database does not say how it is set"))
    }

    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            number: row.try_get(0)?,
            version: row.try_get(1)?,
            is_standby: row.try_get(2)?,
            is_read_only: row.try_get(3)?,
            encoding: row.try_get(4)?,
            has_schema: row.try_get(5)?,
            fsync: row.try_get(6)?,
            full_page_writes: row.try_get(7)?,
            synchronous_commit: row.try_get(8)?,
            synchronous_standby_names: row.try_get(9)?,
            standbys: row.try_get(10)?,
        })
    }

    /// Refuses a server with which nothing works.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator.
    pub(crate) fn require_usable(&self) -> Result<(), StoreError> {
        let refused = |what: String| Err(StoreError::Refused(what));
        if self.number < OLDEST {
            let oldest = OLDEST / 10_000;
            return refused(format!("PostgreSQL {} is not supported: version {oldest} or newer is", self.version));
        }
        if self.is_standby {
            return refused(
                "the server is a standby, which takes no writes: name the primary, or all hosts and \
                 `target_session_attrs=read-write`"
                    .to_owned(),
            );
        }
        if self.is_read_only {
            return refused("the database takes no writes: its `default_transaction_read_only` is on".to_owned());
        }
        if self.encoding != "UTF8" {
            return refused(format!("the database has the encoding {}: make one with UTF8", self.encoding));
        }
        if !self.has_schema {
            return refused("there is no schema in the `search_path` of the database".to_owned());
        }
        Ok(())
    }

    /// What would break a promise, each in a sentence for the operator.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |is_so: bool, sentence: String| warnings.extend(is_so.then_some(sentence));
        warn(
            self.fsync == "off",
            "`fsync` is off: when its machine fails, the database may be lost, and accepted messages with it"
                .to_owned(),
        );
        warn(
            self.full_page_writes == "off",
            "`full_page_writes` is off: when its machine fails, pages may be half written, and accepted messages lost"
                .to_owned(),
        );
        warn(
            self.synchronous_commit == "off",
            "`synchronous_commit` is off: when the database fails, messages that were just accepted are lost"
                .to_owned(),
        );
        let (connected, names) = (self.standbys, &self.synchronous_standby_names);
        warn(
            connected > 0 && names.is_empty(),
            format!(
                "`synchronous_standby_names` is empty while {connected} standby server(s) are connected: one that is \
                 promoted may lack accepted messages"
            ),
        );
        warn(
            self.synchronous_commit == "local" && !names.is_empty(),
            "`synchronous_commit` is local: a standby that is promoted may lack accepted messages".to_owned(),
        );
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Server {
        let on = || "on".to_owned();
        Server {
            number: 150_014,
            version: "15.14".to_owned(),
            is_standby: false,
            is_read_only: false,
            encoding: "UTF8".to_owned(),
            has_schema: true,
            fsync: on(),
            full_page_writes: on(),
            synchronous_commit: on(),
            synchronous_standby_names: String::new(),
            standbys: 0,
        }
    }

    #[test]
    fn a_server_with_which_nothing_works_is_refused_with_the_reason() {
        assert_eq!(sound().require_usable(), Ok(()));
        for (server, word) in [
            (Server { number: 140_020, version: "14.20".to_owned(), ..sound() }, "14.20"),
            (Server { is_standby: true, is_read_only: true, ..sound() }, "standby"),
            (Server { is_read_only: true, ..sound() }, "default_transaction_read_only"),
            (Server { encoding: "SQL_ASCII".to_owned(), ..sound() }, "SQL_ASCII"),
            (Server { has_schema: false, ..sound() }, "search_path"),
        ] {
            let refused = server.require_usable();
            assert!(matches!(&refused, Err(StoreError::Refused(why)) if why.contains(word)), "{refused:?}");
        }
    }

    #[test]
    fn what_would_break_a_promise_is_said() {
        let (off, local, names) = (|| "off".to_owned(), || "local".to_owned(), || "ANY 1 (a, b)".to_owned());
        assert_eq!(sound().warnings(), Vec::<String>::new());
        assert_eq!(Server { standbys: 2, synchronous_standby_names: names(), ..sound() }.warnings().len(), 0);
        for (server, word) in [
            (Server { fsync: off(), ..sound() }, "`fsync`"),
            (Server { full_page_writes: off(), ..sound() }, "`full_page_writes`"),
            (Server { synchronous_commit: off(), ..sound() }, "`synchronous_commit` is off"),
            (Server { standbys: 2, ..sound() }, "`synchronous_standby_names`"),
            (
                Server { synchronous_commit: local(), synchronous_standby_names: names(), ..sound() },
                "`synchronous_commit` is local",
            ),
        ] {
            let warnings = server.warnings();
            assert!(warnings.len() == 1 && warnings[0].contains(word), "{word}: {warnings:?}");
        }
    }
}
