//! Faults of the machine: kills, power cuts, disks that fail and fill up, clocks that are set, and pauses.

pub(crate) mod nodes;

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use disk::Operation;

use crate::chance::Chance;
use crate::executor::Slowness;
use crate::site::Death;
use crate::world::World;

/// Causes the faults.
pub(crate) struct Nemesis {
    pub(crate) world: World,
    pub(crate) chance: Chance,
}

impl Nemesis {
    pub(crate) async fn run(mut self) {
        // Some machines have bad disks, others are restarted all the time.
        let (strikes, every) = (1 + self.chance.below(9), self.chance.within(300..6_000));
        let kinds: Vec<usize> = (0..1 + self.chance.below(6)).map(|_| self.chance.below(KINDS)).collect();
        for _ in 0..strikes {
            let rest = self.chance.millis(0..every);
            self.world.runtime.sleep(rest).await;
            if !self.world.is_active() {
                return;
            }
            let kind = *self.chance.pick(&kinds);
            self.world.ledger.lock().people.disk_had_faults |= matches!(kind, 4..=6);
            self.strike(kind).await;
        }
    }

    async fn strike(&mut self, kind: usize) {
        let world = self.world.clone();
        if kind <= 3 && self.chance.permille(700) {
            // In the midst of something, and not while everything rests.
            let _ = world.runtime.timeout(Duration::from_secs(3), world.ledger.stirred()).await;
            for _ in 0..self.chance.below(40) {
                yield_now().await;
            }
        }
        match kind {
            0 | 1 => world.site.end(Death::Killed),
            2 | 3 => world.site.end(Death::PowerCut),
            4 => {
                // In the midst of what it writes.
                let changes = self.chance.within(0..60);
                world.site.with_disk(|disk| disk.cut_after(changes));
                world.runtime.sleep(Duration::from_millis(500)).await;
                world.site.end(Death::PowerCut);
            }
            5 => {
                let (operation, after, times) = (
                    *self.chance.pick(&[Operation::Sync, Operation::Write, Operation::Read]),
                    self.chance.within(0..40),
                    self.chance.within(1..4),
                );
                world.executor.note(&format!("disk: {operation:?} fails after {after}, {times} times"));
                world.site.with_disk(|disk| disk.fail(operation, after, times));
            }
            6 => {
                let room = self.chance.within(0..200_000);
                world.executor.note("disk: full");
                world.site.with_disk(|disk| {
                    let used: u64 = disk.files().iter().map(|(_, octets)| octets).sum();
                    disk.set_room(Some(used + room));
                });
                let rest = self.chance.millis(100..8_000);
                world.runtime.sleep(rest).await;
                world.site.with_disk(|disk| disk.set_room(None));
                world.executor.note("disk: not full any more");
            }
            7 => {
                let ms = i64::try_from(self.chance.within(0..7_200_000)).unwrap_or(0) - 3_600_000;
                world.executor.note(&format!("clock: set by {ms} ms"));
                world.executor.set_wall_by(ms);
                world.ledger.lock().clock_was_set(ms);
            }
            8 => {
                let time = self.chance.millis(100..90_000);
                world.executor.note(&format!("machine: stands still for {time:?}"));
                world.executor.stall(time);
                let now = world.executor.now();
                world.ledger.lock().cuts.push((now, None));
            }
            9 => {
                // While the messages of a broadcast are made.
                let _ = world.runtime.timeout(Duration::from_secs(8), world.ledger.broadcast_begun()).await;
                let rest = self.chance.millis(0..150);
                world.runtime.sleep(rest).await;
                world.site.end(*self.chance.pick(&[Death::Killed, Death::PowerCut]));
            }
            _ => {
                let slowness = Slowness {
                    usual_us: self.chance.within(100..20_000),
                    long_permille: self.chance.within(0..60),
                    long: Duration::from_millis(800),
                };
                world.executor.set_slowness(slowness);
                let rest = self.chance.millis(500..6_000);
                world.runtime.sleep(rest).await;
                world.executor.set_slowness(USUAL);
            }
        }
    }
}

/// Lets others have a step.
async fn yield_now() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// The kinds of faults.
const KINDS: usize = 11;

/// A disk in good order.
pub(crate) const USUAL: Slowness = Slowness { usual_us: 400, long_permille: 0, long: Duration::ZERO };
