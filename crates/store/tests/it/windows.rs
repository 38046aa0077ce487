//! Rate windows: as many requests pass as the limit allows, at all nodes together.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use model::limits::{RequestKind, Standing, WINDOW};
use model::{Mode, Owner, Timestamp};
use store::contract::windows::{Entrance, Taken, Window};
use tokio::task::JoinSet;

use crate::support::{Backend, Desk, NOW, live};

/// An address that has failed to authenticate at the public API.
fn failed(address: &str) -> Window {
    Window::FailedAuth(Entrance::Public, address.parse::<IpAddr>().unwrap())
}

async fn take(desk: &Desk, window: Window, limit: u32, now: Timestamp) -> Taken {
    desk.store.take(window, limit, now).await.unwrap()
}

async fn passes(desk: &Desk, window: Window, limit: u32, now: Timestamp) -> bool {
    matches!(take(desk, window, limit, now).await, Taken::Passed(_))
}

pub(crate) async fn exactly_the_limit_passes_however_many_come_at_once(fresh: impl Backend) {
    let desk = Desk::at(fresh.open_shared().await).await;
    for window in [Window::Requests(live(desk.account()), RequestKind::Message), failed("192.0.2.1")] {
        let mut tasks = JoinSet::new();
        for n in 0..300 {
            let store = Arc::clone(&desk.store);
            let now = NOW + Duration::from_millis(n);
            tasks.spawn(async move { store.take(window, 20, now).await.unwrap() });
        }
        let taken = tasks.join_all().await;
        let mut remaining: Vec<u32> = taken
            .iter()
            .filter_map(|taken| if let Taken::Passed(standing) = taken { Some(standing.remaining) } else { None })
            .collect();
        remaining.sort_unstable();
        assert_eq!(remaining, (0..20).collect::<Vec<_>>(), "each gets another number");
        assert!(taken.iter().all(|taken| !matches!(taken, Taken::Full(standing) if standing.remaining > 0)));
    }
}

pub(crate) async fn a_window_begins_with_its_first_request_and_refused_ones_are_free(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let window = Window::Requests(live(desk.account()), RequestKind::Message);
    let began = NOW + Duration::from_millis(400);
    let standing = |remaining| Standing { limit: 2, remaining, resets_at: began + WINDOW };
    assert_eq!(take(&desk, window, 2, began).await, Taken::Passed(standing(1)));
    assert_eq!(take(&desk, window, 2, began + Duration::from_secs(30)).await, Taken::Passed(standing(0)));
    let last = began + WINDOW - Duration::from_millis(1);
    for _ in 0..5 {
        assert_eq!(take(&desk, window, 2, last).await, Taken::Full(standing(0)));
    }
    let next = Standing { limit: 2, remaining: 1, resets_at: began + 2 * WINDOW };
    assert_eq!(
        take(&desk, window, 2, began + WINDOW).await,
        Taken::Passed(next),
        "the refused ones have used nothing of it"
    );
}

pub(crate) async fn owners_kinds_entrances_and_addresses_are_counted_apart(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let owner = live(desk.account());
    for window in [
        Window::Requests(owner, RequestKind::Message),
        Window::Requests(owner, RequestKind::Broadcast),
        Window::Requests(owner, RequestKind::Read),
        Window::Requests(Owner { mode: Mode::Test, ..owner }, RequestKind::Message),
        Window::Requests(live(desk.account()), RequestKind::Message),
        failed("192.0.2.1"),
        failed("192.0.2.2"),
        failed("2001:db8::"),
        Window::FailedAuth(Entrance::Admin, "192.0.2.1".parse().unwrap()),
    ] {
        assert!(passes(&desk, window, 1, NOW).await, "{window:?}");
        assert!(!passes(&desk, window, 1, NOW).await, "{window:?}");
    }
}

pub(crate) async fn looking_at_a_window_counts_nothing(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    for window in [Window::Requests(live(desk.account()), RequestKind::Read), failed("192.0.2.1")] {
        let look = async |now| desk.store.standing(window, 3, now).await.unwrap();
        for _ in 0..5 {
            assert_eq!(look(NOW).await, Standing { limit: 3, remaining: 3, resets_at: NOW + WINDOW });
        }
        let later = NOW + Duration::from_secs(10);
        assert!(passes(&desk, window, 3, later).await, "the window begins here");
        assert_eq!(look(later).await, Standing { limit: 3, remaining: 2, resets_at: later + WINDOW });
        assert_eq!(look(later + WINDOW).await.remaining, 3);
    }
}

pub(crate) async fn the_limit_of_a_window_is_the_one_given_now(fresh: impl Backend) {
    let desk = Desk::open(&fresh).await;
    let window = Window::Requests(live(desk.account()), RequestKind::Message);
    for (limit, passes_now) in [(1, true), (1, false), (3, true), (2, false), (3, true), (3, false), (0, false)] {
        assert_eq!(passes(&desk, window, limit, NOW).await, passes_now, "{limit}");
    }
}
