//! The command line.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Answers go to standard output, everything about the work
//! itself to standard error.

mod account;
mod backup;
mod block;
mod broadcast;
mod carrier;
mod check;
mod check_url;
mod client;
mod decisions;
mod dev;
mod erase;
mod hold;
mod holder;
mod inbound;
mod key;
mod keywords;
mod logging;
mod message;
mod node;
mod number;
mod optout;
mod output;
mod paging;
mod phones;
mod place;
mod reload;
mod review;
mod screen;
mod screening;
mod serve;
mod simulate;
mod store;
mod templates;
mod text;
mod webhook;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use runtime::{Machine, Runtime};

/// A self-hosted SMS and MMS platform.
#[derive(Debug, Parser)]
#[command(name = "smsfactory", version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the whole product on this machine, with a simulated carrier and a demo account
    Dev(dev::Dev),
    /// Starts the server
    Serve(serve::Serve),
    /// Checks a configuration: names every mistake, tries the store and the carriers
    Check(check::Check),
    /// Checks a media URL against the rules, without fetching it
    CheckUrl(check_url::CheckUrl),
    /// Starts a simulated carrier for tests, demonstrations and load
    #[command(subcommand)]
    Simulate(simulate::Simulate),
    /// Accounts and their limits
    Account(account::Account),
    /// API keys of an account
    Key(key::Key),
    /// Senders: numbers, short codes and names
    Number(number::Number),
    /// Blocks of recipients and senders
    Block(block::Block),
    /// Outbound messages and their events
    Message(message::Message),
    /// Inbound messages, and those to numbers of no account
    Inbound(inbound::Inbound),
    /// Opt-outs: handsets that get no messages from an account
    Optout(optout::Optout),
    /// Broadcasts: one text to many recipients
    Broadcast(broadcast::Broadcast),
    /// Carriers: state, test, trace, stop and start
    Carrier(carrier::Carrier),
    /// Nodes that share the store, and their carriers
    Node(node::Node),
    /// The store: copy it to PostgreSQL
    Store(store::Store),
    /// Makes a backup of the store and of media while a server runs
    Backup(backup::Backup),
    /// Puts a backup in the place of a store that is gone, and holds it: nothing leaves before `hold release`
    Restore(backup::Restore),
    /// A store that was restored: what waits in it and may have left before, and releasing it
    Hold(hold::Hold),
    /// Erases a person: texts, media and addresses of all messages of a number
    Erase(erase::Erase),
    /// Reloads the configuration of a running server, as SIGHUP does, and prints the applied keys and those that need a
    /// restart
    Reload(reload::Reload),
    /// Screens texts from standard input: reads lines {"id", "text"}, writes lines {"id", "blocked", "verdict",
    /// "categories"}
    Screen(screen::Screen),
    /// The compliance screen: policies, review log and templates
    Screening(screening::Screening),
    /// Webhooks: endpoints, deliveries, and forwarding of events to a developer's machine
    Webhook(webhook::Webhook),
    /// Shows the encoding, segments and invalid characters of a text
    Text(text::Text),
}

/// Why a command did not do what it was asked: a sentence for the person who asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Failed {
    fn new(words: impl std::fmt::Display) -> Self {
        Self(words.to_string())
    }

    /// The answer on standard output said it already.
    const fn told() -> Self {
        Self(String::new())
    }
}

/// Time and tasks of the machine, for every command.
fn machine() -> Arc<dyn Runtime> {
    Arc::new(Machine::new())
}

/// Does what the command line asks.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failed::new(error)),
    };
    let done = runtime.block_on(async {
        match arguments.command {
            Command::Dev(dev) => dev.run().await,
            Command::Serve(serve) => serve.run().await,
            Command::Check(check) => check.run().await,
            Command::CheckUrl(check_url) => check_url.run().await,
            Command::Simulate(simulate) => simulate.run().await,
            Command::Account(account) => account.run().await,
            Command::Key(key) => key.run().await,
            Command::Number(number) => number.run().await,
            Command::Block(block) => block.run().await,
            Command::Message(message) => message.run().await,
            Command::Inbound(inbound) => inbound.run().await,
            Command::Optout(optout) => optout.run().await,
            Command::Broadcast(broadcast) => broadcast.run().await,
            Command::Carrier(carrier) => carrier.run().await,
            Command::Node(node) => node.run().await,
            Command::Store(store) => store.run().await,
            Command::Backup(backup) => backup.run().await,
            Command::Restore(restore) => restore.run().await,
            Command::Hold(hold) => hold.run().await,
            Command::Erase(erase) => erase.run().await,
            Command::Reload(reload) => reload.run().await,
            Command::Screen(screen) => screen.run(),
            Command::Screening(screening) => screening.run().await,
            Command::Webhook(webhook) => webhook.run().await,
            Command::Text(text) => text.run(),
        }
    });
    // A thread that waits for standard input would hold the process up for ever.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => report(&failed),
    }
}

fn report(failed: &Failed) -> ExitCode {
    if !failed.0.is_empty() {
        output::complain(&failed.0);
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every variable that a command reads.
    fn variables(command: &clap::Command) -> Vec<String> {
        let own = command
            .get_arguments()
            .filter_map(|argument| argument.get_env())
            .map(|name| name.to_string_lossy().into_owned());
        own.chain(command.get_subcommands().flat_map(variables)).collect()
    }

    #[test]
    fn no_variable_of_a_command_is_taken_for_a_key() {
        let variables = variables(&Arguments::command());
        assert!(variables.iter().any(|name| name == "SMSFACTORY_ADMIN_URL"), "{variables:?}");
        let environment = variables.iter().map(|name| (name.clone(), "http://127.0.0.1:9".to_owned()));
        let read = crate::config::read::parse("", environment);
        assert!(read.is_ok(), "{read:?}");
    }
}
