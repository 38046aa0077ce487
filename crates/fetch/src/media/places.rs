//! Places: how many fetches there are at once, so that an account whose servers hang slows nobody but itself.
//!
//! An account has its own places, one set for live keys and one for test keys, and a fetch waits for one of all places
//! only when it has one of these. A place is held until the last thing that was begun in it has ended: a resolver that
//! cannot be interrupted holds it beyond its fetch.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::Owner;
use runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::resolve::Resolve;

/// How long a fetch waits for a place.
pub const PLACE_TIMEOUT: Duration = Duration::from_secs(5);

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    per_account: usize,
    all: Arc<Semaphore>,
    owners: Mutex<HashMap<Owner, Arc<Semaphore>>>,
}

/// A place in which one fetch is made.
#[derive(Debug)]
pub(super) struct Place {
    _one_of_all: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    _share: Share,
}

/// An owner's interest in its places: they are forgotten with the last.
#[derive(Debug)]
struct Share {
    places: Arc<Places>,
    owner: Owner,
    own: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(per_account: usize, all: usize) -> Arc<Self> {
        Arc::new(Self { per_account, all: Arc::new(Semaphore::new(all)), owners: Mutex::default() })
    }

    /// Waits for a place, at most [`PLACE_TIMEOUT`].
    ///
    /// # Errors
    /// What there was no place of, for the log.
    pub(super) async fn take(
        self: &Arc<Self>,
        owner: Owner,
        runtime: &Arc<dyn Runtime>,
    ) -> Result<Place, &'static str> {
        let share = self.share(owner);
        let mut missing = "the account has too many fetches under way";
        let place = async {
            let own = Arc::clone(&share.own).acquire_owned().await.ok()?;
            missing = "there are too many fetches under way";
            Some((Arc::clone(&self.all).acquire_owned().await.ok()?, own))
        };
        match runtime.timeout(PLACE_TIMEOUT, place).await {
            Ok(Some((one_of_all, own))) => Ok(Place { _one_of_all: one_of_all, _own: own, _share: share }),
            _ => Err(missing),
        }
    }

    fn share(self: &Arc<Self>, owner: Owner) -> Share {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        let own = owners.entry(owner).or_insert_with(|| Arc::new(Semaphore::new(self.per_account)));
        Share { places: Arc::clone(self), owner, own: Arc::clone(own) }
    }

    /// How many owners fetch, or wait to.
    #[cfg(test)]
    fn owners(&self) -> usize {
        self.owners.lock().unwrap().len()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut owners = self.places.owners.lock().unwrap_or_else(PoisonError::into_inner);
        // The table's and this one; a permit keeps one more, but those of a place go before its share.
        if Arc::strong_count(&self.own) == 2 {
            owners.remove(&self.owner);
        }
    }
}

/// A resolver that holds a place until it is done, also where nobody waits for it any more: threads that hang in the
/// system's resolver are bounded like fetches.
pub(super) struct Holding {
    pub(super) resolver: Arc<dyn Resolve>,
    pub(super) place: Arc<Place>,
    pub(super) runtime: Arc<dyn Runtime>,
}

#[async_trait]
impl Resolve for Holding {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let (resolver, place, name) = (Arc::clone(&self.resolver), Arc::clone(&self.place), name.to_owned());
        let resolved = self.runtime.run("resolver", async move {
            let answers = resolver.resolve(&name).await;
            drop(place);
            answers
        });
        resolved.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, Mode};
    use runtime::Machine;

    fn machine() -> Arc<dyn Runtime> {
        Arc::new(Machine::new())
    }

    fn account(number: u8) -> Owner {
        Owner { account: AccountId::from_bytes([number; 16]), mode: Mode::Live }
    }

    #[tokio::test(start_paused = true)]
    async fn an_account_fills_its_own_places_and_no_others() {
        let places = Places::new(2, 3);
        let mut held = vec![
            places.take(account(1), &machine()).await.unwrap(),
            places.take(account(1), &machine()).await.unwrap(),
        ];
        assert_eq!(
            places.take(account(1), &machine()).await.unwrap_err(),
            "the account has too many fetches under way"
        );
        held.push(places.take(account(2), &machine()).await.unwrap());
        assert_eq!(places.take(account(3), &machine()).await.unwrap_err(), "there are too many fetches under way");
        held.remove(0);
        held.push(places.take(account(3), &machine()).await.unwrap());
        assert_eq!(places.owners(), 3);
        drop(held);
        assert_eq!(places.owners(), 0, "nothing is kept of accounts that fetch nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_of_test_keys_leave_the_places_of_live_keys_alone() {
        let places = Places::new(1, 9);
        for (mode, other) in [(Mode::Test, Mode::Live), (Mode::Live, Mode::Test)] {
            let _held = places.take(Owner { mode, ..account(1) }, &machine()).await.unwrap();
            assert!(places.take(Owner { mode, ..account(1) }, &machine()).await.is_err());
            assert!(places.take(Owner { mode: other, ..account(1) }, &machine()).await.is_ok());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_place_that_is_left() {
        let places = Places::new(1, 1);
        let first = places.take(account(1), &machine()).await.unwrap();
        let runtime = machine();
        let (second, _) = tokio::join!(places.take(account(2), &runtime), async { drop(first) });
        assert!(second.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_resolution_holds_its_place_until_it_ends() {
        struct Hanging(Arc<Semaphore>);
        #[async_trait]
        impl Resolve for Hanging {
            async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
                self.0.acquire().await.map_err(io::Error::other)?.forget();
                Ok(Vec::new())
            }
        }
        let (places, end) = (Places::new(1, 1), Arc::new(Semaphore::new(0)));
        let runtime = machine();
        let holding = Holding {
            resolver: Arc::new(Hanging(Arc::clone(&end))),
            place: Arc::new(places.take(account(1), &machine()).await.unwrap()),
            runtime: Arc::clone(&runtime),
        };
        assert!(runtime.timeout(Duration::from_secs(1), holding.resolve("a.example")).await.is_err());
        drop(holding);
        assert!(places.take(account(1), &machine()).await.is_err(), "the resolver still hangs");
        end.add_permits(1);
        assert!(places.take(account(1), &machine()).await.is_ok());
    }
}
