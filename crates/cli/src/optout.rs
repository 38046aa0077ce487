//! `smsfactory optout`: recipients that get no messages from an account.

mod file;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::client::{Door, escaped, query};
use super::paging::Length;
use super::{Failed, choices, output};
use file::{Line, Parts};

#[derive(Debug, clap::Args)]
pub(super) struct Optout {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

/// The owner of the opt-outs.
#[derive(Debug, clap::Args)]
struct Of {
    /// The account
    #[arg(long)]
    account: String,
    /// The mode of the keys whose messages the opt-outs are about; by default live
    #[arg(long, value_parser = choices::modes())]
    mode: Option<String>,
}

impl Of {
    fn parameters(self) -> [(&'static str, Option<String>); 2] {
        [("accountId", Some(self.account)), ("mode", self.mode)]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Jsonl,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists opt-outs in force, newest first
    List {
        #[command(flatten)]
        of: Of,
        /// Only opt-outs of this number
        #[arg(long)]
        number: Option<String>,
        /// Only opt-outs since this time, as in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        after: Option<String>,
        /// Only opt-outs before this time
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        before: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Opts a number out
    Add {
        /// The number of the recipient, such as +18005550199
        number: String,
        #[command(flatten)]
        of: Of,
        /// Opt out from messages of this sender alone; by default from all messages
        #[arg(long, value_name = "SENDER")]
        from: Option<String>,
        /// The reason, for the history
        #[arg(long)]
        reason: Option<String>,
    },
    /// Opts a number in again
    Remove {
        /// The number of the recipient, such as +18005550199
        number: String,
        #[command(flatten)]
        of: Of,
        /// Remove the opt-out from messages of this sender; by default the opt-out from all messages
        #[arg(long, value_name = "SENDER")]
        from: Option<String>,
        /// The reason; required if the recipient opted out by a message
        #[arg(long)]
        reason: Option<String>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Lists every change of the opt-outs of a number, oldest first
    History {
        /// The number of the recipient, such as +18005550199
        number: String,
        #[command(flatten)]
        of: Of,
        #[command(flatten)]
        length: Length,
    },
    /// Opts out every number in a file
    Import {
        /// CSV with the columns `number`, `from` and `reason` (only `number` is required), or JSON Lines; `-` for
        /// standard input
        file: PathBuf,
        #[command(flatten)]
        of: Of,
        /// The format; by default the file name decides, and CSV if it does not
        #[arg(long, value_enum)]
        format: Option<Format>,
    },
    /// Exports every opt-out in force, in a form that `import` reads
    Export {
        /// The file; by default standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        of: Of,
        /// The format
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
    },
}

const COLUMNS: [(&str, &str); 7] = [
    ("NUMBER", "/number"),
    ("FROM", "/from"),
    ("SINCE", "/createdAt"),
    ("SOURCE", "/source"),
    ("KEYWORD", "/keyword"),
    ("MESSAGE", "/messageId"),
    ("REASON", "/reason"),
];

const CHANGES: [(&str, &str); 7] = [
    ("AT", "/at"),
    ("CHANGE", "/change"),
    ("FROM", "/from"),
    ("SOURCE", "/source"),
    ("KEYWORD", "/keyword"),
    ("MESSAGE", "/messageId"),
    ("REASON", "/reason"),
];

/// How many bad lines are printed.
const BAD_TOLD_MAX: usize = 1_000;

impl Optout {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List { of, number, after, before, length } => {
                let [account, mode] = of.parameters();
                let filter = [account, mode, ("number", number), ("after", after), ("before", before)];
                output::list(&length.gather(door, "/optouts", &filter).await?, &COLUMNS, door.json);
            }
            Action::Add { number, of, from, reason } => {
                let input = json!({ "accountId": of.account, "mode": of.mode, "from": from, "reason": reason });
                output::one(&door.ask(Method::PUT, &place(&number), Some(&input)).await?, door.json);
            }
            Action::Remove { number, of, from, reason, yes } => {
                output::confirm(&format!("Opt {number} in again? Messages to it are sent from now on."), yes)?;
                let [account, mode] = of.parameters();
                let query = query(&[account, mode, ("from", from), ("reason", reason)]);
                door.ask(Method::DELETE, &format!("{}{query}", place(&number)), None).await?;
            }
            Action::History { number, of, length } => {
                let answer = length.gather(door, &format!("{}/history", place(&number)), &of.parameters()).await?;
                output::list(&answer, &CHANGES, door.json);
            }
            Action::Import { file, of, format } => import(door, &file, of, format).await?,
            Action::Export { out, of, format } => export(door, out.as_deref(), of, format).await?,
        }
        Ok(())
    }
}

fn place(number: &str) -> String {
    format!("/optouts/{}", escaped(number))
}

async fn import(door: &Door, file: &std::path::Path, of: Of, format: Option<Format>) -> Result<(), Failed> {
    let mut text = Vec::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().read_to_end(&mut text)
    } else {
        File::open(file).and_then(|mut opened| opened.read_to_end(&mut text))
    };
    read.map_err(|error| Failed::new(format!("cannot read {}: {error}", file.display())))?;
    let is_jsonl = file.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson" || ending == "json");
    let lines = match format.unwrap_or(if is_jsonl { Format::Jsonl } else { Format::Csv }) {
        Format::Csv => file::of_csv(&text),
        Format::Jsonl => file::of_jsonl(&text),
    };
    let bar = bar(lines.len());
    let place = format!("/optouts/import{}", query(&of.parameters()));
    let (mut added, mut unchanged, mut bad) = (0, 0, Vec::new());
    for part in Parts::of(lines, &mut bad) {
        let body: String = part.iter().map(|line| format!("{}\n", line.text)).collect();
        let answer = door.send(Method::POST, &place, body).await.inspect_err(|_| bar.abandon())?;
        added += answer["added"].as_u64().unwrap_or_default();
        unchanged += answer["unchanged"].as_u64().unwrap_or_default();
        for invalid in answer["invalid"].as_array().into_iter().flatten() {
            let at = invalid["line"].as_u64().and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
            let line = at.and_then(|at| part.get(at)).map_or(0, |line: &Line| line.number);
            bad.push((line, invalid["reason"].as_str().unwrap_or_default().to_owned()));
        }
        bar.inc(part.len() as u64);
    }
    bar.finish_and_clear();
    bad.sort();
    let reported: Vec<Value> = bad.iter().map(|(line, why)| json!({ "line": line, "reason": why })).collect();
    let total = added + unchanged + bad.len() as u64;
    let answer = json!({ "total": total, "added": added, "unchanged": unchanged, "invalid": reported });
    if door.json {
        output::say(&answer);
    } else {
        let told = bad.iter().take(BAD_TOLD_MAX);
        told.for_each(|(line, why)| output::note(format!("{} line {line}: {why}", file.display())));
        if bad.len() > BAD_TOLD_MAX {
            output::note(format!("and {} more", bad.len() - BAD_TOLD_MAX));
        }
        output::one(&answer, false);
    }
    if bad.is_empty() {
        Ok(())
    } else {
        Err(Failed::new(format!("{} left out", output::counted(bad.len() as u64, "line"))))
    }
}

async fn export(door: &Door, out: Option<&std::path::Path>, of: Of, format: Format) -> Result<(), Failed> {
    let failed = |error: io::Error| Failed::new(format!("cannot write the file: {error}"));
    let into: Box<dyn Write + Send> = match out {
        Some(file) => Box::new(File::create(file).map_err(failed)?),
        None => Box::new(io::stdout()),
    };
    let (mut into, bar) = (BufWriter::new(into), spinner());
    if format == Format::Csv {
        file::header(&mut into).map_err(failed)?;
    }
    let [account, mode] = of.parameters();
    let (mut cursor, mut count) = (None, 0_u64);
    loop {
        let query = query(&[account.clone(), mode.clone(), ("limit", Some("100".to_owned())), ("cursor", cursor)]);
        let page = door.ask(Method::GET, &format!("/optouts{query}"), None).await?;
        for opt_out in page["data"].as_array().into_iter().flatten() {
            match format {
                Format::Csv => file::row(&mut into, opt_out).map_err(failed)?,
                Format::Jsonl => writeln!(into, "{opt_out}").map_err(failed)?,
            }
            count += 1;
        }
        bar.set_message(output::counted(count, "opt-out"));
        bar.tick();
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    into.flush().map_err(failed)?;
    bar.finish_and_clear();
    Ok(())
}

fn bar(entries: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}");
    ProgressBar::new(entries as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn spinner() -> ProgressBar {
    if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() }
}
