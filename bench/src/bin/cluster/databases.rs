//! New databases with the schema of a store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use runtime::Machine;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use crate::Failure;

/// Makes databases on a server, one after the other.
pub(crate) struct Databases {
    server: String,
    admin: Client,
    made: AtomicU32,
    last: Mutex<Option<String>>,
}

impl Databases {
    /// Those of this server, with this change of the schema.
    pub(crate) async fn new(server: &str, change: &str) -> Result<Self, Failure> {
        let admin = connect(&format!("{server}/postgres")).await?;
        admin.batch_execute("CREATE DATABASE pattern").await?;
        let store = store::open(&format!("{server}/pattern"), Arc::new(Machine::new())).await?;
        store.close().await;
        connect(&format!("{server}/pattern")).await?.batch_execute(change).await?;
        Ok(Self { server: server.to_owned(), admin, made: AtomicU32::new(0), last: Mutex::default() })
    }

    /// An empty one, in place of the one before.
    pub(crate) async fn fresh(&self) -> Result<String, Failure> {
        self.end().await?;
        let name = format!("measured_{}", self.made.fetch_add(1, Ordering::Relaxed));
        // Connections to the pattern end a little after the store that had them.
        let free = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'pattern'";
        self.admin.batch_execute(free).await?;
        let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pattern'";
        while self.admin.query_one(left, &[]).await?.get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
        self.admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE pattern")).await?;
        self.admin.batch_execute("CHECKPOINT").await?;
        let url = format!("{}/{name}", self.server);
        *self.last.lock().await = Some(name);
        Ok(url)
    }

    /// Removes the last one.
    pub(crate) async fn end(&self) -> Result<(), Failure> {
        if let Some(name) = self.last.lock().await.take() {
            self.admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }
}

/// A connection to a database.
pub(crate) async fn connect(url: &str) -> Result<Client, Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // How it ends is seen by those who use the client.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}
