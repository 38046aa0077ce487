//! The cost of the rate windows: a request is counted by nobody, by PostgreSQL or by a Valkey before its message is
//! accepted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Message;
use model::limits::RequestKind;
use store::contract::windows::{Taken, Window};
use testkit::{Load, NOW};

use crate::databases::Databases;
use crate::nodes::{Fleet, Keys, Node, all};
use crate::table::{median, say, say_now};
use crate::{Failure, JoinSet, Options};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    Nobody,
    Postgres,
    Valkey,
}

/// What a turn of a counter gave.
struct Turn {
    /// Counts a second, without anything else.
    counts: f64,
    /// How long they took: the median, and what one of a hundred took longer than.
    took: [Duration; 2],
    /// Messages accepted a second, each counted before.
    accepted: f64,
    /// How many counts PostgreSQL made in place of Valkey.
    fallbacks: u64,
}

type Turns = BTreeMap<(usize, Counter), Vec<Turn>>;

pub(crate) async fn measure(databases: &Databases, valkey: &str, options: &Options) -> Result<(), Failure> {
    let mut turns = Turns::new();
    for round in 0..options.rounds {
        let mut counters = [Counter::Nobody, Counter::Postgres, Counter::Valkey];
        // Everyone is first in turn.
        counters.rotate_left(round % 3);
        for nodes in 1..=options.nodes.min(2) {
            for counter in counters {
                let turn = turn(databases, valkey, counter, nodes, options).await?;
                say_now(&format!(
                    "  windows, {counter:?}, {nodes} nodes: {:.0} counts/s, {:.0} accepted/s",
                    turn.counts, turn.accepted
                ));
                turns.entry((nodes, counter)).or_default().push(turn);
            }
        }
    }
    print(&turns);
    Ok(())
}

async fn turn(
    databases: &Databases,
    valkey: &str,
    counter: Counter,
    nodes: usize,
    options: &Options,
) -> Result<Turn, Failure> {
    let url = databases.fresh().await?;
    let fleet = Arc::new(Fleet::join(&url, nodes, (counter == Counter::Valkey).then_some(valkey)).await?);
    let per_second = |began: Instant| options.messages as f64 / began.elapsed().as_secs_f64();
    let (mut counts, mut took) = (0.0, [Duration::ZERO; 2]);
    if counter != Counter::Nobody {
        let began = Instant::now();
        took = count(&fleet, options).await?;
        counts = per_second(began);
    }
    let began = Instant::now();
    accept(&fleet, options, counter).await?;
    let accepted = per_second(began);
    let fallbacks = fleet.nodes().iter().map(|node| node.store.fallbacks()).sum();
    fleet.leave().await;
    Ok(Turn { counts, took, accepted, fallbacks })
}

/// Counts requests, each caller one after the other.
async fn count(fleet: &Arc<Fleet>, options: &Options) -> Result<[Duration; 2], Failure> {
    let load = Arc::new(Load::new(options.messages));
    let mut running = JoinSet::new();
    for caller in 0..options.callers {
        let (fleet, load) = (Arc::clone(fleet), Arc::clone(&load));
        running.spawn(async move {
            let node = &fleet.nodes()[caller % fleet.nodes().len()];
            let mut took = Vec::new();
            while let Some(message) = load.next() {
                let began = Instant::now();
                take(node, &message).await?;
                took.push(began.elapsed());
            }
            Ok::<_, Failure>(took)
        });
    }
    let mut took = Vec::new();
    while let Some(ended) = running.join_next().await {
        took.extend(ended??);
    }
    took.sort_unstable();
    Ok([50, 99].map(|percent| took[(took.len() - 1) * percent / 100]))
}

/// Accepts messages as the API does: it counts a request before it looks at it.
async fn accept(fleet: &Arc<Fleet>, options: &Options, counter: Counter) -> Result<(), Failure> {
    let load = Arc::new(Load::new(options.messages));
    let mut running = JoinSet::new();
    for caller in 0..options.callers {
        let (fleet, load) = (Arc::clone(fleet), Arc::clone(&load));
        running.spawn(async move {
            let node = &fleet.nodes()[caller % fleet.nodes().len()];
            while let Some(message) = load.next() {
                if counter != Counter::Nobody {
                    take(node, &message).await?;
                }
                node.accept(Arc::new(message), Keys::None).await?;
            }
            Ok(())
        });
    }
    all(running).await
}

async fn take(node: &Node, message: &Message) -> Result<(), Failure> {
    match node.store.take(Window::Requests(message.owner(), RequestKind::Message), u32::MAX, NOW).await? {
        Taken::Passed(_) => Ok(()),
        Taken::Full(standing) => Err(format!("a window without a limit is full: {standing:?}").into()),
    }
}

fn print(turns: &Turns) {
    say(
        "\n| rate windows | counts alone | p50 | p99 | accepting | of accepting without | by PostgreSQL in its place |",
    );
    say("|---|---:|---:|---:|---:|---:|---:|");
    for (&(nodes, counter), runs) in turns {
        let without = &turns[&(nodes, Counter::Nobody)];
        let plural = if nodes == 1 { "node" } else { "nodes" };
        let accepted = median(runs.iter().map(|turn| turn.accepted));
        let ratio = median(runs.iter().zip(without).map(|(turn, without)| turn.accepted / without.accepted));
        let counted = match counter {
            Counter::Nobody => {
                say(&format!("| {nodes} {plural}, none counted | | | | {accepted:.0}/s | 1.00 | |"));
                continue;
            }
            Counter::Postgres => "counted by PostgreSQL",
            Counter::Valkey => "counted by Valkey",
        };
        let [p50, p99] = [0, 1].map(|which| median(runs.iter().map(|turn| turn.took[which].as_secs_f64() * 1_000.0)));
        let fallbacks: u64 = runs.iter().map(|turn| turn.fallbacks).sum();
        say(&format!(
            "| {nodes} {plural}, {counted} | {:.0}/s | {p50:.1} ms | {p99:.1} ms | {accepted:.0}/s | {ratio:.2} | {} |",
            median(runs.iter().map(|turn| turn.counts)),
            if counter == Counter::Valkey { fallbacks.to_string() } else { String::new() }
        ));
    }
}
