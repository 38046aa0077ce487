//! Pages of long lists.

use std::sync::Arc;

use model::{Message, Mode, Status};
use runtime::Machine;
use store::Store;
use store::contract::messages::MessageFilter;
use store::postgres::Postgres;

use super::PostgresDatabase;
use crate::support::{Backend, Desk, after, live};

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

#[tokio::test]
async fn a_page_of_scheduled_messages_looks_only_at_those_of_its_account_and_mode() {
    let place = SmallPages(PostgresDatabase::fresh());
    let desk = Desk::open(&place).await;
    let (account, other) = (desk.account(), desk.account());
    let mut wanted = Vec::new();
    for secs in 1..=5 {
        let scheduled = |account| Message { send_at: Some(after(3_600)), ..desk.message_at(account, after(secs)) };
        if secs == 1 {
            wanted.push(desk.admit(scheduled(account)).await);
        }
        desk.admit(scheduled(other)).await;
        desk.admit(Message { mode: Mode::Test, ..scheduled(account) }).await;
    }
    let filter = MessageFilter { status: Some(Status::Scheduled), ..MessageFilter::default() };
    let page = desk.store.messages(Some(live(account)), filter, None, 10).await.unwrap();
    let shown: Vec<_> = page.messages.iter().map(|record| record.message.id).collect();
    assert_eq!((shown, page.next), (wanted, None));
}
