//! Rows of templates that operators approved.

use model::{AccountId, ScreeningTemplate, TemplateId};
use tokio_postgres::Row;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;

/// For [`template`].
pub(super) const ALL: &str = "SELECT account_id, id, text, note, created_at FROM screening_templates";

/// The template of an account that has this very text. An account has few, and texts are too long for an index.
pub(super) async fn with_text(unit: &Unit, account: AccountId, text: &str) -> Result<Option<ScreeningTemplate>, Fault> {
    let sql = format!("{ALL} WHERE account_id = $1 AND text = $2");
    let found = unit.find(&sql, &[&rows::id(account.to_bytes()), &rows::kept(text)]).await?;
    found.as_ref().map(template).transpose()
}

/// How many an account has.
pub(super) async fn count(unit: &Unit, account: AccountId) -> Result<usize, Fault> {
    let sql = "SELECT count(*) FROM screening_templates WHERE account_id = $1";
    rows::count(&unit.one(sql, &[&rows::id(account.to_bytes())]).await?, 0)
}

/// Returns how many rows were written.
pub(super) async fn insert(unit: &Unit, template: &ScreeningTemplate) -> Result<u64, Fault> {
    let sql = "INSERT INTO screening_templates (account_id, id, text, note, created_at) VALUES ($1, $2, $3, $4, $5) \
        ON CONFLICT DO NOTHING";
    unit.execute(
        sql,
        &[
            &rows::id(template.account.to_bytes()),
            &rows::id(template.id.to_bytes()),
            &rows::kept(&template.text),
            &template.note.as_deref().map(rows::kept),
            &template.created_at.as_millis(),
        ],
    )
    .await
}

/// Returns how many rows were removed.
pub(super) async fn delete(unit: &Unit, account: AccountId, id: TemplateId) -> Result<u64, Fault> {
    let sql = "DELETE FROM screening_templates WHERE account_id = $1 AND id = $2";
    unit.execute(sql, &[&rows::id(account.to_bytes()), &rows::id(id.to_bytes())]).await
}

/// The columns of [`ALL`].
pub(super) fn template(row: &Row) -> Result<ScreeningTemplate, Fault> {
    Ok(ScreeningTemplate {
        account: AccountId::from_bytes(rows::octets(row, 0)?),
        id: TemplateId::from_bytes(rows::octets(row, 1)?),
        text: rows::text(row, 2)?.into(),
        note: rows::text_if_any(row, 3)?,
        created_at: rows::time(row, 4)?,
    })
}
