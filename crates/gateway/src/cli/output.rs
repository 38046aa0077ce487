//! What people and programs read: tables and JSON on standard output, complaints on standard error. Whatever a client,
//! a carrier or a file put into it reaches the terminal escaped.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use wire::terminal::{escape, escape_lines};

use super::Failed;

/// Writes a line. A reader that has gone away (`| head`) is no failure.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{}", escape_lines(&line.to_string()));
}

/// Writes a line to standard error.
pub(super) fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "smsfactory: {}", escape_lines(&line.to_string()));
}

/// Prints the rows of a list: for people the columns, named as the fields of the JSON; for programs the JSON itself.
pub(super) fn list(answer: &Value, columns: &[(&str, &str)], as_json: bool) {
    if as_json {
        return say(answer);
    }
    let rows = answer["data"].as_array().map_or(&[][..], Vec::as_slice);
    let mut table = table();
    table.set_header(columns.iter().map(|(title, _)| *title));
    for row in rows {
        table.add_row(columns.iter().map(|(_, field)| cell(row.pointer(field).unwrap_or(&Value::Null))));
    }
    say(trimmed(&table));
    if let Some(cursor) = answer["nextCursor"].as_str() {
        say(format!("\nThere is more: --cursor {cursor}"));
    }
}

/// Prints settings: for people a line for each, lists too.
pub(super) fn settings(settings: &Value, as_json: bool) {
    if as_json {
        return one(settings, true);
    }
    let line = |value: &Value| match value.as_array() {
        Some(list) => Value::from(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")),
        None => value.clone(),
    };
    let lines: serde_json::Map<String, Value> =
        settings.as_object().into_iter().flatten().map(|(field, value)| (field.clone(), line(value))).collect();
    one(&Value::Object(lines), false);
}

/// Prints one thing, a field a line.
pub(super) fn one(answer: &Value, as_json: bool) {
    if as_json {
        return say(answer);
    }
    let mut table = table();
    for (field, value) in answer.as_object().into_iter().flatten().filter(|(_, value)| !value.is_array()) {
        table.add_row([escape(field).into_owned(), cell(value)]);
    }
    say(trimmed(&table));
}

/// Says to people that the text of a message or broadcast was removed, where its body is `null`.
pub(super) fn text_or_removed(answer: &mut Value, as_json: bool) {
    if let Some(body @ Value::Null) = answer.get_mut("body").filter(|_| !as_json) {
        *body = "(text removed)".into();
    }
}

/// Asks before something that clients notice, or that cannot be undone. Where nobody can be asked, only `--yes` will
/// do.
pub(super) fn confirm(question: &str, yes: bool) -> Result<(), Failed> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Failed::new(format!("{question} Without a terminal, say --yes.")));
    }
    let _ = write!(io::stderr().lock(), "{} [y/N] ", escape(question));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(Failed::new)?;
    if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { Err(Failed::new("nothing was changed")) }
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// Padding at the ends of lines gets in the way of copying.
fn trimmed(table: &Table) -> String {
    table
        .to_string()
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned() + "\n")
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// A value in its cell. A line break in it would look like another row.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => escape(text).into_owned(),
        other => escape(&other.to_string()).into_owned(),
    }
}
