//! `smsfactory operator`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::account::Paging;
use super::client::{Door, escaped, query, read};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Operator {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    Viewer,
    Operator,
    Admin,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists operators
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Adds an operator, who signs in by a link (`smsfactory console login`) until there is a password
    Add {
        /// The name: letters, digits and . _ - @ +
        name: String,
        /// What the operator may do: read masked, do the work of a day, or everything
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Changes the role of an operator. Its sessions end
    Set {
        /// The name
        name: String,
        /// What the operator may do
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Sets the password of an operator, of 15 characters or more. Its sessions end
    Password {
        /// The name
        name: String,
        /// A file that holds the password; otherwise it is read from the terminal or from standard input
        #[arg(long)]
        file: Option<PathBuf>,
        /// Take the password away: the operator signs in by a link or a proxy alone
        #[arg(long, conflicts_with = "file")]
        none: bool,
    },
    /// Lets an operator sign in no more, and ends its sessions. The audit log keeps the name
    Disable {
        /// The name
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Lets a disabled operator sign in again
    Enable {
        /// The name
        name: String,
    },
}

const COLUMNS: [(&str, &str); 5] = [
    ("NAME", "/name"),
    ("ROLE", "/role"),
    ("PASSWORD", "/hasPassword"),
    ("CREATED", "/createdAt"),
    ("DISABLED", "/disabledAt"),
];

impl Operator {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List { paging } => {
                let path = format!("/operators{}", query(&paging.parameters()));
                output::list(&door.ask(Method::GET, &path, None).await?, &COLUMNS, door.json);
                Ok(())
            }
            Action::Add { name, role } => {
                let operator = json!({ "name": name, "role": role.as_str() });
                output::one(&door.ask(Method::POST, "/operators", Some(&operator)).await?, door.json);
                Ok(())
            }
            Action::Set { name, role } => change(door, &name, json!({ "role": role.as_str() })).await,
            Action::Password { name, none: true, .. } => change(door, &name, json!({ "password": null })).await,
            Action::Password { name, file, none: false } => {
                let password = password(file.as_deref())?;
                change(door, &name, json!({ "password": password })).await
            }
            Action::Disable { name, yes } => {
                output::confirm(&format!("Disable operator {name}? Its sessions end at once."), yes)?;
                door.ask(Method::DELETE, &format!("/operators/{}", escaped(&name)), None).await?;
                Ok(())
            }
            Action::Enable { name } => change(door, &name, json!({ "disabled": false })).await,
        }
    }
}

async fn change(door: &Door, name: &str, change: Value) -> Result<(), Failed> {
    let answer = door.ask(Method::PATCH, &format!("/operators/{}", escaped(name)), Some(&change)).await?;
    output::one(&answer, door.json);
    Ok(())
}

/// A password from a file, from a pipe, or from a person. It is never an argument, which everybody on the machine could
/// read.
fn password(file: Option<&Path>) -> Result<String, Failed> {
    if let Some(file) = file {
        return read(file);
    }
    if io::stdin().is_terminal() {
        return typed();
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(Failed::new)?;
    match line.trim_end_matches(['\r', '\n']) {
        "" => Err(Failed::new("there is no password on standard input")),
        password => Ok(password.to_owned()),
    }
}

/// A password that a person types, twice because it does not show.
fn typed() -> Result<String, Failed> {
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(Failed::new);
    let password = ask("Password (it does not show as you type): ")?;
    if password.is_empty() {
        return Err(Failed::new("no password was typed"));
    }
    if ask("The same password again: ")? != password {
        return Err(Failed::new("the two passwords differ; nothing was changed"));
    }
    Ok(password)
}
