//! The command line.
//!
//! Exit codes: 0 done, 1 refused or failed, 2 wrong usage. Answers go to standard output, everything about the work
//! itself to standard error.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod account;
mod audit;
mod backup;
mod block;
mod broadcast;
mod carrier;
mod check;
mod check_url;
mod choices;
mod client;
mod console;
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
mod operator;
mod optout;
mod output;
mod paging;
mod phones;
mod place;
mod refusal;
mod reload;
mod review;
mod screen;
mod screening;
mod serve;
mod service_manager;
mod simulate;
mod status;
mod store;
mod templates;
mod text;
mod webhook;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};
use runtime::{Machine, Runtime};

use server::built;

/// A self-hosted SMS and MMS platform.
#[derive(Debug, Parser)]
#[command(name = "smsfactory", version = built::VERSION_LINE, about, max_term_width = 110, styles = output::HELP)]
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
    /// The state of the platform, and everything that needs attention
    Status(status::Status),
    /// Accounts and their limits
    Account(account::Account),
    /// API keys of an account
    Key(key::Key),
    /// Senders: numbers, short codes and names
    Number(number::Number),
    /// Blocks of recipients and senders
    Block(block::Block),
    /// Outbound messages: list, find, send
    Message(message::Message),
    /// Inbound messages, and inbound messages to numbers of no account
    Inbound(inbound::Inbound),
    /// Opt-outs: recipients that get no messages from an account
    Optout(optout::Optout),
    /// Broadcasts: one text to many recipients
    Broadcast(broadcast::Broadcast),
    /// Carriers: their state, and test, trace, stop and start
    Carrier(carrier::Carrier),
    /// Operators of the console and their roles
    Operator(operator::Operator),
    /// Links that sign in to the web console
    Console(console::Console),
    /// The audit log of all changes
    Audit(audit::Audit),
    /// Nodes that share the store, and their carriers
    Node(node::Node),
    /// The store: copy a SQLite store to PostgreSQL
    Store(store::Store),
    /// Makes a backup of the store and of media while a server runs
    Backup(backup::Backup),
    /// Restores a backup into an empty store, and holds it: nothing is sent before `hold release`
    Restore(backup::Restore),
    /// The hold of a restored store: its queued messages, their end or their release
    Hold(hold::Hold),
    /// Erases the data of a person: texts, media and addresses of all messages of a number
    Erase(erase::Erase),
    /// Reloads the configuration of a running server, as SIGHUP does
    ///
    /// Prints the keys that were applied, and the keys that need a restart.
    Reload(reload::Reload),
    /// Screens a text, or texts from standard input, as the compliance screen does
    Screen(screen::Screen),
    /// The compliance screen: policies, review log and templates
    Screening(screening::Screening),
    /// Webhooks: endpoints, deliveries, and forwarding of events to a developer's machine
    Webhook(webhook::Webhook),
    /// Measures a text: its encoding, its segments, and the characters that decide them
    Text(text::Text),
}

/// The reason why a command failed, in a sentence for the person at the shell. An empty sentence if standard output has
/// it already.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Failed {
    fn new(words: impl std::fmt::Display) -> Self {
        Self(words.to_string())
    }

    /// A failure whose reason is on standard output.
    const fn told() -> Self {
        Self(String::new())
    }
}

/// Time and tasks of the machine, for every command.
fn machine() -> Arc<dyn Runtime> {
    Arc::new(Machine::new())
}

/// The definition of the command line, for manual pages and for completions of shells.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command of the command line.
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
            Command::Status(status) => status.run().await,
            Command::Account(account) => account.run().await,
            Command::Key(key) => key.run().await,
            Command::Number(number) => number.run().await,
            Command::Block(block) => block.run().await,
            Command::Message(message) => message.run().await,
            Command::Inbound(inbound) => inbound.run().await,
            Command::Optout(optout) => optout.run().await,
            Command::Broadcast(broadcast) => broadcast.run().await,
            Command::Carrier(carrier) => carrier.run().await,
            Command::Operator(operator) => operator.run().await,
            Command::Console(console) => console.run().await,
            Command::Audit(audit) => audit.run().await,
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
        output::error(&failed.0);
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every variable that a command reads.
    fn variables(command: &clap::Command) -> Vec<String> {
        let own = command
            .get_arguments()
            .filter_map(|argument| argument.get_env())
            .map(|name| name.to_string_lossy().into_owned());
        own.chain(command.get_subcommands().flat_map(variables)).collect()
    }

    /// Every command below `command`, by its path.
    fn commands(command: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
        let below = |command: &clap::Command| {
            let path = format!("{path} {}", command.get_name());
            let mut found = commands(command, &path);
            found.push((path.trim().to_owned(), command.clone()));
            found
        };
        command.get_subcommands().flat_map(below).collect()
    }

    fn options(command: &clap::Command) -> Vec<&str> {
        command.get_arguments().map(|argument| argument.get_id().as_str()).collect()
    }

    #[test]
    fn every_list_has_pages() {
        // Short lists, which the server sends whole.
        let whole = ["carrier list", "node list", "webhook list"];
        let commands = commands(&Arguments::command(), "");
        let lists = commands.iter().filter(|(path, _)| path.ends_with(" list") && !whole.contains(&path.as_str()));
        for (path, list) in lists {
            assert!(["limit", "all", "cursor"].iter().all(|option| options(list).contains(option)), "{path}");
        }
    }

    #[test]
    fn every_list_of_the_things_of_accounts_is_narrowed_to_one() {
        let others = ["account list", "carrier list", "node list", "operator list", "audit list", "erase list"];
        let commands = commands(&Arguments::command(), "");
        let is_list = |path: &str| path.ends_with(" list") || ["screening log", "screening groups"].contains(&path);
        let lists = commands
            .iter()
            .filter(|(path, _)| is_list(path) && !others.contains(&path.as_str()) && path != "inbound unrouted list");
        let mut count = 0;
        for (path, list) in lists {
            assert!(options(list).contains(&"account"), "{path}");
            count += 1;
        }
        assert!(count >= 10, "{count}");
    }

    #[test]
    fn options_of_most_commands_have_a_heading_of_their_own() {
        let commands = commands(&Arguments::command(), "");
        let global = commands.iter().flat_map(|(path, command)| {
            command.get_arguments().filter(|argument| argument.is_global_set()).map(move |argument| (path, argument))
        });
        for (path, argument) in global {
            assert_eq!(argument.get_help_heading(), Some(client::COMMON), "{path} {}", argument.get_id());
        }
    }

    #[test]
    fn no_variable_of_a_command_is_taken_for_a_key() {
        let variables = variables(&Arguments::command());
        assert!(variables.iter().any(|name| name == "SMSFACTORY_ADMIN_URL"), "{variables:?}");
        let environment = variables.iter().map(|name| (name.clone(), "http://127.0.0.1:9".to_owned()));
        let read = config::read::parse("", environment);
        assert!(read.is_ok(), "{read:?}");
    }
}
