//! How long it takes until another node has what a dead one had.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Moment;
use store::StoreError;
use store::contract::dispatch::{Lease, LeaseRequest};
use store::contract::nodes::HEARTBEAT;
use testkit::{Load, NOW};

use crate::Failure;
use crate::databases::Databases;
use crate::nodes::{BATCH, Fleet, Keys, Node};
use crate::table::say;

/// How many messages wait at the node that dies.
const MESSAGES: usize = 20_000;

/// How many callers it had.
const CALLERS: usize = 256;

/// A node renews its epoch and dies at once, which is the latest that another one can notice.
pub(crate) async fn measure(databases: &Databases) -> Result<(), Failure> {
    let url = databases.fresh().await?;
    let dying = Arc::new(Fleet::join(&url, 1, None).await?);
    dying.accept(&Arc::new(Load::new(MESSAGES)), CALLERS, Keys::None).await?;
    let other = Node::join(&url, "other", None).await?;
    dying.renew().await?;
    let died = Instant::now();
    let mut ticks = tokio::time::interval(HEARTBEAT);
    // Three times before it may end others.
    let mut renewals = 0;
    loop {
        ticks.tick().await;
        other.store.renew(other.epoch, NOW).await?;
        renewals += 1;
        if renewals >= 3 && !other.store.take_over(other.epoch, NOW).await?.epochs.is_empty() {
            break;
        }
    }
    let taken_over = died.elapsed();
    let (mut submitted, mut first) = (0, None);
    while submitted < MESSAGES {
        let lease = Lease { token: other.epoch.token(submitted as u32 + 2), until: other.lease().until };
        let leased = other.store.lease_due(request(lease)).await?;
        if leased.is_empty() {
            return Err(StoreError::Failed(format!("{submitted} of {MESSAGES} were found")).into());
        }
        let messages: Vec<_> = leased.iter().map(|leased| Arc::clone(&leased.message)).collect();
        other.send(&messages, lease).await?;
        submitted += messages.len();
        first.get_or_insert_with(|| died.elapsed());
    }
    let (first, last) = (first.unwrap_or_default().as_secs_f64(), died.elapsed().as_secs_f64());
    say(&format!(
        "\nA node dies with {MESSAGES} messages: its epoch is over after {:.1} s, the first of them are submitted \
         after {first:.1} s, all after {last:.1} s ({:.0}/s by one dispatcher).",
        taken_over.as_secs_f64(),
        MESSAGES as f64 / (last - taken_over.as_secs_f64())
    ));
    other.store.close().await;
    dying.leave().await;
    Ok(())
}

fn request(lease: Lease) -> LeaseRequest {
    LeaseRequest {
        carrier: "main".into(),
        now: Moment::of(NOW + Duration::from_secs(1)),
        lease,
        limit: BATCH,
        limit_per_account: BATCH,
        limit_of_broadcasts: BATCH,
        passed_over: Vec::new(),
        under_way: HashSet::new(),
    }
}
