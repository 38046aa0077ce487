//! Rows of templates that operators approved.

use model::{AccountId, ScreeningTemplate, TemplateId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows;

const ALL: &str = "SELECT account_id, id, text, note, created_at FROM screening_templates";
const WITH_TEXT: &str = "SELECT account_id, id, text, note, created_at FROM screening_templates WHERE account_id = ?1 \
    AND text = ?2";
const COUNT: &str = "SELECT count(*) FROM screening_templates WHERE account_id = ?1";
const INSERT: &str = "INSERT OR IGNORE INTO screening_templates (account_id, id, text, note, created_at) VALUES (?1, \
    ?2, ?3, ?4, ?5)";
const DELETE: &str = "DELETE FROM screening_templates WHERE account_id = ?1 AND id = ?2";

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<ScreeningTemplate>> {
    connection.prepare(ALL)?.query_map([], template)?.collect()
}

/// The template of an account that has this very text.
pub(super) fn with_text(
    connection: &Connection,
    account: AccountId,
    text: &str,
) -> rusqlite::Result<Option<ScreeningTemplate>> {
    connection.prepare_cached(WITH_TEXT)?.query_row(params![account.to_bytes(), text], template).optional()
}

/// How many an account has.
pub(super) fn count(connection: &Connection, account: AccountId) -> rusqlite::Result<usize> {
    connection.prepare_cached(COUNT)?.query_row([account.to_bytes()], |row| row.get(0))
}

/// Returns how many rows were written.
pub(super) fn insert(connection: &Connection, template: &ScreeningTemplate) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT)?.execute(params![
        template.account.to_bytes(),
        template.id.to_bytes(),
        template.text,
        template.note,
        template.created_at.as_millis(),
    ])
}

/// Returns how many rows were removed.
pub(super) fn delete(connection: &Connection, account: AccountId, id: TemplateId) -> rusqlite::Result<usize> {
    connection.prepare_cached(DELETE)?.execute(params![account.to_bytes(), id.to_bytes()])
}

fn template(row: &Row<'_>) -> rusqlite::Result<ScreeningTemplate> {
    Ok(ScreeningTemplate {
        account: AccountId::from_bytes(row.get(0)?),
        id: TemplateId::from_bytes(row.get(1)?),
        text: row.get(2)?,
        note: row.get(3)?,
        created_at: rows::time(row, 4)?,
    })
}
