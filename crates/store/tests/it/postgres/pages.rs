//! Pages of long lists.

use std::sync::Arc;

use runtime::Machine;
use store::Store;
use store::postgres::Postgres;

use super::PostgresDatabase;
use crate::support::Backend;

/// A database in which a page of a list of messages looks at two rows.
struct SmallPages(PostgresDatabase);

impl Backend for SmallPages {
    async fn open(&self) -> Arc<dyn Store> {
        let url = self.0.database().await.url();
        let store = Postgres::open_by_callers_clock(&url, Arc::new(Machine::new())).await.unwrap();
        Arc::new(store.with_rows_per_page(2))
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        self.open().await
    }
}

#[test]
fn pages_that_look_at_two_rows_show_the_same_list() {
    crate::lists::any_list_shows_what_is_there(|| SmallPages(PostgresDatabase::fresh()));
}
