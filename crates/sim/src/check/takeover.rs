//! Others take over from a node that died or stands still.

use std::time::Duration;

use crate::executor::ProcessId;
use crate::world::World;

/// How soon another node has the carriers of one that died.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);

/// How long a node lives before it takes over from others.
const SETTLED_AFTER: Duration = Duration::from_secs(6);

/// How much longer it takes where a carrier takes the session of a node that died for a living one.
const GHOSTS_GONE_AFTER: Duration = Duration::from_secs(8);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Looks at the carriers, for ever: where a node could have one, it does not stay without a node.
pub(crate) async fn carriers_have_nodes(world: World) {
    let mut without: Vec<Duration> = vec![world.executor.now(); world.networks.len()];
    // The node that has been there for long, and since when.
    let mut settled: Option<(ProcessId, Duration)> = None;
    loop {
        world.runtime.sleep(LOOK).await;
        let now = world.executor.now();
        let able = |process: ProcessId| world.executor.is_alive(process) && !world.executor.is_still(process);
        let nodes: Vec<ProcessId> = world.site.nodes().into_iter().map(|node| node.id).collect();
        let (is_excused, went_on) = {
            let facts = world.ledger.lock();
            // Machines that stand still, disks that take nothing, and nodes that are to give their carriers away.
            let stood_still = facts.cuts.iter().any(|(at, process)| process.is_none() && *at + 2 * LOOK > now);
            (stood_still || facts.draining > 0 || facts.people.disk_had_faults, facts.went_on.clone())
        };
        let is_there = |process: ProcessId| able(process) && nodes.contains(&process);
        if is_excused || !settled.is_some_and(|(process, _)| is_there(process)) {
            settled = nodes.iter().find(|node| able(**node)).map(|node| (*node, now));
        }
        let Some((node, since)) = settled else { continue };
        let since = since.max(went_on.get(&node).copied().unwrap_or_default()) + SETTLED_AFTER;
        for (network, without) in world.networks.iter().zip(&mut without) {
            let ghosts = if network.plan.has_one_session { GHOSTS_GONE_AFTER } else { Duration::ZERO };
            let within = TAKEN_OVER_WITHIN + ghosts;
            let has_node = network.processes().into_iter().any(able);
            if has_node || is_excused {
                *without = now;
            } else if now > (*without).max(since) + within {
                *without = now;
                let name = &network.plan.name;
                world.ledger.violated(format!("{name} has had no node for {within:?}, and {node:?} lives"));
            }
        }
    }
}
