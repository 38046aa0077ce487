//! `smsfactory operator`.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Door, escaped, read};
use super::paging::Length;
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
    /// Reads everything; numbers and texts are masked
    Viewer,
    /// Reads everything, and does the daily work
    Operator,
    /// Does everything
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
        length: Length,
    },
    /// Adds an operator. Without a password, an operator signs in by a link (`smsfactory console login`)
    Add {
        /// The name: letters, digits and . _ - @ +
        name: String,
        /// The role of the operator
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Changes the role of an operator, and ends the operator's sessions
    Set {
        /// The name
        name: String,
        /// The role of the operator
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Sets the password of an operator, and ends the operator's sessions. It needs 15 characters or more
    Password {
        /// The name
        name: String,
        /// A file with the password; by default the command reads the terminal or standard input
        #[arg(long)]
        file: Option<PathBuf>,
        /// Remove the password: the operator signs in by a link or a proxy alone
        #[arg(long, conflicts_with = "file")]
        none: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Disables an operator: ends the sessions and refuses further sign-ins. The audit log keeps the name
    Disable {
        /// The name
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Enables a disabled operator
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
            Action::List { length } => {
                output::list(&length.gather(door, "/operators", &[]).await?, &COLUMNS, door.json);
                Ok(())
            }
            Action::Add { name, role } => {
                let operator = json!({ "name": name, "role": role.as_str() });
                output::one(&door.ask(Method::POST, "/operators", Some(&operator)).await?, door.json);
                Ok(())
            }
            Action::Set { name, role } => change(door, &name, json!({ "role": role.as_str() })).await,
            Action::Password { name, none: true, yes, .. } => {
                output::confirm(&format!("Remove the password of {name}? The operator's sessions end."), yes)?;
                change(door, &name, json!({ "password": null })).await
            }
            Action::Password { name, file, none: false, .. } => {
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

/// A password from a file, from a pipe, or from a person. It is never an argument, which every user of the machine
/// could read.
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
