//! Messages of handsets, and the objects of their files.

use std::collections::BTreeMap;

use model::InboundMedia;
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;

const CONTENT: &str = "SELECT media FROM inbound WHERE id = ANY($1) \
    AND (body IS NOT NULL OR octets IS NOT NULL OR media <> '') ORDER BY id FOR UPDATE";
const BLANK: &str = "UPDATE inbound SET body = NULL, octets = NULL, media = '' WHERE id = ANY($1)";
/// Two transactions that take the last messages from an object wait for each other here: the second lets it go.
const LOCK_FILES: &str =
    "SELECT 1 FROM inbound_media WHERE media_id = ANY($1) ORDER BY media_id, message_id FOR UPDATE";
const DROP_FILES: &str = "DELETE FROM inbound_media WHERE message_id = ANY($1)";
const NEEDED: &str = "SELECT DISTINCT media_id FROM inbound_media WHERE media_id = ANY($1)";
const LET_GO: &str = "INSERT INTO inbound_objects_gone (name) SELECT unnest($1::text[]) ON CONFLICT (name) DO NOTHING";

/// Removes the content of messages, and takes their files off them. Returns how many had any, and the names of the
/// objects that no message has any more.
pub(in super::super) async fn blank_handsets(unit: &Unit, ids: &[Uuid]) -> Result<(u64, Vec<String>), Fault> {
    let content = unit.query(CONTENT, &[&ids]).await?;
    if content.is_empty() {
        return Ok((0, Vec::new()));
    }
    unit.execute(BLANK, &[&ids]).await?;
    let mut files: BTreeMap<Uuid, InboundMedia> = BTreeMap::new();
    for row in &content {
        for file in files_of(rows::get(row, 0)?)? {
            files.insert(rows::id(file.id.to_bytes()), file);
        }
    }
    if files.is_empty() {
        return Ok((content.len() as u64, Vec::new()));
    }
    let names: Vec<Uuid> = files.keys().copied().collect();
    unit.query(LOCK_FILES, &[&names]).await?;
    unit.execute(DROP_FILES, &[&ids]).await?;
    for row in unit.query(NEEDED, &[&names]).await? {
        files.remove(&rows::get(&row, 0)?);
    }
    Ok((content.len() as u64, files.values().map(InboundMedia::name).collect()))
}

/// The files in the column of a message.
fn files_of(column: &str) -> Result<Vec<InboundMedia>, Fault> {
    if column.is_empty() { Ok(Vec::new()) } else { Err(Fault::Broken("files cannot be read yet".to_owned())) }
}

/// Removes the content of messages. Returns how many had any.
pub(super) async fn blank_old(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    let (blanked, objects) = blank_handsets(unit, ids).await?;
    let_go(unit, &objects).await?;
    Ok(blanked)
}

/// Removes messages. Returns how many there were.
pub(super) async fn remove(unit: &Unit, ids: &[Uuid]) -> Result<u64, Fault> {
    blank_old(unit, ids).await?;
    unit.execute("DELETE FROM inbound_others WHERE message_id = ANY($1)", &[&ids]).await?;
    unit.execute("DELETE FROM inbound WHERE id = ANY($1)", &[&ids]).await
}

/// Puts objects on the list of those whose octets can go.
async fn let_go(unit: &Unit, objects: &[String]) -> Result<(), Fault> {
    if !objects.is_empty() {
        unit.execute(LET_GO, &[&objects]).await?;
    }
    Ok(())
}
