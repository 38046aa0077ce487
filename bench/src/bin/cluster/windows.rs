//! The cost of the rate windows: before a message is accepted, its request is not counted, or PostgreSQL or a Valkey
//! counts it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::Message;
use model::limits::RequestKind;
use store::contract::windows::{Taken, Window};
use testkit::{Load, NOW};

use crate::databases::Databases;
use crate::nodes::{Fleet, Keys, Node};
use crate::table::{median, say, say_now};
use crate::{Failure, JoinSet, Options};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    Off,
    Postgres,
    Valkey,
}

/// What the callers ask for. The API counts a request before it looks at its message.
#[derive(Clone, Copy, Debug)]
struct Request {
    is_counted: bool,
    is_accepted: bool,
}

/// The figures of a turn of a counter.
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
        let mut counters = [Counter::Off, Counter::Postgres, Counter::Valkey];
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
    let is_counted = counter != Counter::Off;
    if is_counted {
        let began = Instant::now();
        let sorted = ask(&fleet, options, Request { is_counted, is_accepted: false }).await?;
        counts = per_second(began);
        took = [50, 99].map(|percent| sorted[(sorted.len() - 1) * percent / 100]);
    }
    let began = Instant::now();
    ask(&fleet, options, Request { is_counted, is_accepted: true }).await?;
    let accepted = per_second(began);
    let fallbacks = fleet.nodes().iter().map(|node| node.store.fallbacks()).sum();
    fleet.leave().await;
    Ok(Turn { counts, took, accepted, fallbacks })
}

/// Has the callers ask for everything that the load has, each of them one after the other. Returns the times that
/// requests took, the shortest first.
async fn ask(fleet: &Arc<Fleet>, options: &Options, request: Request) -> Result<Vec<Duration>, Failure> {
    let load = Arc::new(Load::new(options.messages));
    let mut running = JoinSet::new();
    for caller in 0..options.callers {
        let (fleet, load) = (Arc::clone(fleet), Arc::clone(&load));
        running.spawn(async move {
            let node = &fleet.nodes()[caller % fleet.nodes().len()];
            let mut took = Vec::new();
            while let Some(message) = load.next() {
                let began = Instant::now();
                if request.is_counted {
                    take(node, &message).await?;
                }
                if request.is_accepted {
                    node.accept(Arc::new(message), Keys::None).await?;
                }
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
    Ok(took)
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
        let without = &turns[&(nodes, Counter::Off)];
        let plural = if nodes == 1 { "node" } else { "nodes" };
        let accepted = median(runs.iter().map(|turn| turn.accepted));
        let ratio = median(runs.iter().zip(without).map(|(turn, without)| turn.accepted / without.accepted));
        let counted = match counter {
            Counter::Off => {
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
