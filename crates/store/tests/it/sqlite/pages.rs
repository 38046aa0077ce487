//! Pages of long lists, and the index that they are read from.

use std::sync::Arc;
use std::time::Duration;

use model::message::Direction;
use model::{Message, Mode, Owner, Status};
use runtime::Machine;
use store::Store;
use store::contract::lists::Indexed;
use store::contract::messages::MessageFilter;
use store::sqlite::Sqlite;
use tokio::task::JoinSet;

use super::SqliteFile;
use crate::support::{Backend, Desk, admission, after, live, number};

/// A store with more live messages of an account than a page looks at: one to another number, then all the others, then
/// two that were sent with a test key.
async fn long_list(file: &SqliteFile) -> (Arc<Desk>, Owner, Message, Vec<Message>) {
    const MESSAGES: usize = 20_500;
    let desk = Arc::new(Desk::open(file).await);
    let account = desk.account();
    let oldest = Message { recipient: number("+447700900123"), ..desk.message(account) };
    let tests: Vec<Message> = (0..2).map(|_| Message { mode: Mode::Test, ..desk.message(account) }).collect();
    desk.admit(oldest.clone()).await;
    let mut tasks = JoinSet::new();
    for message in (0..MESSAGES).map(|_| desk.message_at(account, after(1))).chain(tests.clone()) {
        let (desk, admission) = (Arc::clone(&desk), admission(message));
        tasks.spawn(async move { desk.try_admit(admission).await });
    }
    tasks.join_all().await;
    (desk, live(account), oldest, tests)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_longer_than_a_page_looks_at_is_walked_to_its_end() {
    let file = SqliteFile::fresh();
    let (desk, owner, oldest, _) = long_list(&file).await;
    let filter = MessageFilter { recipient: Some(oldest.recipient), ..MessageFilter::default() };
    for whose in [Some(owner), None] {
        let first = desk.store.messages(whose, filter.clone(), None, 10).await.unwrap();
        assert!(first.messages.is_empty() && first.next.is_some(), "a page looks at a bounded number of rows");
        let second = desk.store.messages(whose, filter.clone(), first.next, 10).await.unwrap();
        assert_eq!((second.messages.len(), second.next), (1, None));
        assert_eq!(second.messages[0].message.id, oldest.id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_an_indexed_list_looks_at_what_it_shows() {
    let file = SqliteFile::fresh();
    let (desk, owner, oldest, tests) = long_list(&file).await;
    while desk.store.index_lists(after(2), Duration::ZERO, 5_000).await.unwrap().oldest_missing.is_some() {}
    let any = MessageFilter::default;
    let to = || MessageFilter { recipient: Some(oldest.recipient), ..any() };
    let test = Owner { mode: Mode::Test, ..owner };
    for (whose, filter, shown) in [
        (Some(owner), to(), 1),
        (None, to(), 1),
        (Some(owner), MessageFilter { status: Some(Status::Queued), ..to() }, 1),
        (Some(owner), MessageFilter { status: Some(Status::Failed), ..any() }, 0),
        (Some(owner), MessageFilter { direction: Some(Direction::Inbound), ..any() }, 0),
        (None, MessageFilter { direction: Some(Direction::Inbound), ..any() }, 0),
        (Some(owner), MessageFilter { originator: Some(number("+447700900123")), ..any() }, 0),
        (Some(test), any(), tests.len()),
        (None, MessageFilter { mode: Some(Mode::Test), ..any() }, tests.len()),
        (None, MessageFilter { account: Some(owner.account), mode: Some(Mode::Test), ..any() }, tests.len()),
    ] {
        let page = desk.store.messages(whose, filter.clone(), None, 10).await.unwrap();
        assert_eq!((page.messages.len(), page.next), (shown, None), "{whose:?} {filter:?}");
    }
}

/// A file in which a page of a list of messages looks at two rows.
struct SmallPages(SqliteFile);

impl Backend for SmallPages {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(self.0.path(), Arc::new(Machine::new())).await.unwrap().with_rows_per_page(2))
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        self.open().await
    }
}

#[test]
fn pages_that_look_at_two_rows_show_the_same_list() {
    crate::lists::any_list_shows_what_is_there(|| SmallPages(SqliteFile::fresh()));
}

#[tokio::test]
async fn with_nothing_to_add_the_index_of_lists_writes_nothing() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    desk.admit_many(desk.account(), 3).await;
    // A step ends early where the machine is busy.
    let mut filed = 0;
    while filed < 3 {
        filed += desk.store.index_lists(after(60), Duration::ZERO, 10).await.unwrap().filed;
    }
    let written = || std::fs::metadata(file.log()).unwrap().len();
    let before = written();
    for secs in 61..64 {
        assert_eq!(desk.store.index_lists(after(secs), Duration::ZERO, 10).await.unwrap(), Indexed::default());
    }
    // The log may be emptied meanwhile, because little is written; it does not grow.
    assert!(written() <= before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_are_indexed_after_the_clock_was_set_back() {
    const AFTER: Duration = Duration::from_secs(30);
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    // The first is not indexed yet when the clock goes back, and is accepted later than the present for ten minutes.
    for message in desk.minted(desk.account(), [600, 0, 1, 35]) {
        desk.admit(message).await;
    }
    let mut steps = Vec::new();
    for (secs, limit) in [(29, 9), (40, 1), (40, 9), (65, 9), (66, 9), (700, 9)] {
        let Indexed { filed, oldest_missing, .. } = desk.store.index_lists(after(secs), AFTER, limit).await.unwrap();
        steps.push((filed, oldest_missing));
    }
    assert_eq!(steps, [(1, None), (1, Some(after(1))), (1, None), (0, None), (1, None), (0, None)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_clock_that_was_far_ahead_do_not_move_the_mark() {
    let file = SqliteFile::fresh();
    let desk = Desk::open(&file).await;
    let account = desk.account();
    let ahead = 30 * 86_400;
    for secs in [0, ahead, 1] {
        desk.admit(desk.message_at(account, after(secs))).await;
    }
    for (secs, filed) in [(60, 2), (120, 0), (ahead + 60, 1)] {
        // A step ends early where the machine is busy.
        let mut all = 0;
        loop {
            match desk.store.index_lists(after(secs), Duration::from_secs(30), 9).await.unwrap().filed {
                0 => break,
                some => all += some,
            }
        }
        assert_eq!(all, filed, "after {secs} s");
    }
}
