//! What goes wrong between nodes and their database.

use std::time::Duration;

use model::{Entropy, SeededEntropy};
use testkit::postgres::{Database, OwnServer};
use tokio::time::sleep;
use tokio_postgres::Client;

use super::nodes::NODES;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Connections of nodes end, one after the other.
    Terminated,
    /// Nobody can write to this table for longer than anybody waits for a lock.
    Locked(&'static str),
    /// Commits that change this table take a little, and one in so many takes longer than anybody waits for it.
    Slow(&'static str, u32),
    /// The server is killed and started again.
    Killed,
}

/// Makes these faults.
pub(super) async fn make(faults: &[Fault], database: &Database, server: Option<&OwnServer>, seed: u64) {
    let (entropy, client) = (SeededEntropy::new(seed), database.client().await);
    let terminated = async {
        if faults.contains(&Fault::Terminated) {
            terminate(database, &entropy).await;
        }
    };
    let locked = async {
        for fault in faults {
            if let Fault::Locked(table) = fault {
                lock(&client, table).await;
            }
        }
    };
    let killed = async {
        if faults.contains(&Fault::Killed) {
            let server = server.expect("the server is the test's own");
            sleep(Duration::from_millis(entropy.next_u64() % 300)).await;
            server.kill();
            server.start_again().await;
        }
    };
    tokio::join!(terminated, locked, killed);
}

async fn terminate(database: &Database, entropy: &SeededEntropy) {
    let client = database.client().await;
    for _ in 0..12 {
        sleep(Duration::from_millis(entropy.next_u64() % 100)).await;
        let node = format!("node-{}", entropy.next_u64() % NODES as u64);
        // Those that work come first, and half of all are spared.
        let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1 \
            ORDER BY state = 'idle', pid";
        let connections = client.query(sql, &[&node]).await.unwrap();
        let of = connections.len().div_ceil(2).max(1);
        if let Some(connection) = connections.get(entropy.next_u64() as usize % of) {
            client.execute("SELECT pg_terminate_backend($1)", &[&connection.get::<_, i32>(0)]).await.unwrap();
        }
    }
}

async fn lock(client: &Client, table: &str) {
    let sql = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE; SELECT pg_sleep(4.5); ROLLBACK");
    // The server may be killed meanwhile.
    drop(client.batch_execute(&sql).await);
}

/// Makes commits slow, from now on.
pub(super) async fn slow_down(faults: &[Fault], database: &Database) {
    for fault in faults {
        let Fault::Slow(table, one_in) = fault else { continue };
        let sql = format!(
            "CREATE FUNCTION slow_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                PERFORM pg_sleep(CASE WHEN random() * {one_in} < 1 THEN 6 ELSE random() * 0.005 END); RETURN NULL; \
            END $$; \
            CREATE CONSTRAINT TRIGGER slow AFTER INSERT OR UPDATE OR DELETE ON {table} \
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_{table}()"
        );
        database.client().await.batch_execute(&sql).await.unwrap();
    }
}
