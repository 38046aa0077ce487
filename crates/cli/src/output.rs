//! Output for people and programs: tables and JSON on standard output, notes and errors on standard error. Text of
//! clients, carriers and files is escaped before it reaches the terminal. Only a terminal gets colours, and none if
//! `NO_COLOR` is set.

use std::io::{self, IsTerminal, Read, Write};

use clap::builder::styling::{AnsiColor, Style, Styles};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use wire::terminal::{escape, escape_lines};

use super::Failed;

/// The style of words for success.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();

/// The style of warnings.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();

/// The style of words for failure.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The style of headings.
const HEADING: Style = Style::new().bold();

/// The styles of `--help` and of the errors of clap.
pub(super) const HELP: Styles = Styles::styled()
    .header(HEADING)
    .usage(HEADING)
    .literal(AnsiColor::Cyan.on_default())
    .error(BAD)
    .valid(GOOD)
    .invalid(WARNING);

/// Writes a line. A reader that has gone away (`| head`) is no failure.
pub(super) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{}", escape_lines(&line.to_string()));
}

/// Writes a line that begins with a word in a style, in a column of eight characters.
pub(super) fn verdict(style: Style, word: &str, line: impl std::fmt::Display) {
    let line = line.to_string();
    let _ = writeln!(anstream::stdout().lock(), "{style}{word:<7}{style:#} {}", escape_lines(&line));
}

/// Writes a matter that needs attention, and the next step.
pub(super) fn attention(sentence: &str, next: &str) {
    let (sentence, next) = (escape(sentence), escape(next));
    let _ = writeln!(anstream::stdout().lock(), "\n{WARNING}! {sentence}{WARNING:#}\n  {next}");
}

/// Writes a note to standard error.
pub(super) fn note(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "smsfactory: {}", escape_lines(&line.to_string()));
}

/// Writes the error with which a command ends to standard error.
pub(super) fn error(line: impl std::fmt::Display) {
    let line = line.to_string();
    let _ = writeln!(anstream::stderr().lock(), "{BAD}smsfactory:{BAD:#} {}", escape_lines(&line));
}

/// A number of things, in words.
pub(super) fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// The number in a field of an answer; 0 if the field has none.
pub(super) fn count_in(answer: &Value, field: &str) -> u64 {
    answer[field].as_u64().unwrap_or_default()
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
    let text = trimmed(&table);
    let (header, rows) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let _ = writeln!(anstream::stdout().lock(), "{HEADING}{header}{HEADING:#}{rows}");
    if let Some(cursor) = answer["nextCursor"].as_str() {
        say(format!("\nThere is more: --cursor {cursor}, or --all for the whole list"));
    }
}

/// Prints settings: for people a line for each, lists too.
pub(super) fn settings(settings: &Value, as_json: bool) {
    if as_json {
        return one(settings, true);
    }
    let line = |value: &Value| match value.as_array() {
        Some(list) if list.is_empty() => Value::Null,
        Some(list) => match list.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
            Some(words) => words.join(", ").into(),
            None => value.to_string().into(),
        },
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

/// Says to people that the text of a message or broadcast was removed, if its body is `null`.
pub(super) fn text_or_removed(answer: &mut Value, as_json: bool) {
    if let Some(body @ Value::Null) = answer.get_mut("body").filter(|_| !as_json) {
        *body = "(text removed)".into();
    }
}

/// Asks before a change that clients notice, or that cannot be undone. Without a terminal, only `--yes` confirms.
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

/// The text on standard input, without the line break at its end.
pub(super) fn standard_input() -> Result<String, Failed> {
    let mut octets = Vec::new();
    io::stdin().lock().read_to_end(&mut octets).map_err(Failed::new)?;
    let text = String::from_utf8(octets).map_err(|_| Failed::new("the text on standard input is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// The end of a command that reads lines: a failure if it could not read some.
pub(super) fn all_read(unreadable: u64) -> Result<(), Failed> {
    if unreadable == 0 {
        return Ok(());
    }
    Err(Failed::new(format!("{} could not be read", counted(unreadable, "line"))))
}

/// Tells a person at a terminal that a command reads lines.
pub(super) fn prompt_for_lines(form: &str) {
    if io::stdin().is_terminal() {
        note(format!("reading lines {form} from standard input; Ctrl-D ends the input"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_told_in_the_singular() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "message")), ["0 messages", "1 message", "2 messages"]);
    }
}
