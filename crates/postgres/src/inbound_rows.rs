//! The rows of messages of handsets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::message::MessageType;
use model::{
    AccountId, InboundAddress, InboundBody, InboundEncoding, InboundMedia, InboundMessage, Keyword, KeywordKind,
    MessageId, Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Fault;
use super::rows::{self, NO_ACCOUNT};
use super::unit::Unit;
use ledger::handsets::files;

/// The columns of a message.
pub(super) const COLUMNS: &str = "i.id, i.account_id, i.test, i.kind, i.sender, i.recipient, i.body, i.octets, \
    i.encoding, i.segments, i.missing, i.keyword_kind, i.keyword, i.suspected, i.media, i.carrier, i.received_at, \
    i.created_at, i.erased_at, i.others";

const SAVE: &str = "INSERT INTO inbound (id, account_id, test, kind, sender, recipient, body, octets, encoding, \
    segments, \
    missing, keyword_kind, keyword, suspected, media, others, carrier, received_at, created_at, erased_at) \
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[], \
    $8::bytea[], $9::text[], $10::integer[], $11::bytea[], $12::text[], $13::text[], $14::boolean[], $15::text[], \
    $16::bigint[], $17::text[], $18::bigint[], $19::bigint[], $20::bigint[]) \
    ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, test = excluded.test, kind = excluded.kind, \
    sender = excluded.sender, recipient = excluded.recipient, body = excluded.body, octets = excluded.octets, \
    encoding = excluded.encoding, segments = excluded.segments, missing = excluded.missing, \
    keyword_kind = excluded.keyword_kind, keyword = excluded.keyword, suspected = excluded.suspected, \
    media = excluded.media, others = excluded.others, carrier = excluded.carrier, \
    received_at = excluded.received_at, created_at = excluded.created_at, erased_at = excluded.erased_at";
const ADD_MEDIA: &str = "INSERT INTO inbound_media (media_id, message_id) SELECT * FROM unnest($1::uuid[], $2::uuid[]) \
    ON CONFLICT (media_id, message_id) DO NOTHING";
const ADD_OTHERS: &str = "INSERT INTO inbound_others (message_id, place, address) \
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[]) \
    ON CONFLICT (message_id, place) DO UPDATE SET address = excluded.address";

/// Writes messages, each one once, in place of an earlier state where there is one. Each is said to belong to its
/// account, or to none.
pub(super) async fn save(unit: &Unit, messages: &[(InboundMessage, bool)]) -> Result<(), Fault> {
    if messages.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($message:ident => $value:expr) => {
            &messages.iter().map(|($message, _)| $value).collect::<Vec<_>>()
        };
    }
    let account =
        |message: &InboundMessage, is_routed| if is_routed { rows::id(message.account.to_bytes()) } else { NO_ACCOUNT };
    unit.execute(
        SAVE,
        &[
            column!(message => rows::id(message.id.to_bytes())),
            &messages.iter().map(|(message, is_routed)| account(message, *is_routed)).collect::<Vec<_>>(),
            column!(message => rows::is_test(message.mode)),
            column!(message => message.kind.as_str()),
            column!(message => address_text(&message.from)),
            column!(message => address_text(&message.to)),
            column!(message => message.body.text().map(rows::kept)),
            column!(message => octets(message)),
            column!(message => message.encoding.as_str()),
            column!(message => i32::from(message.segments)),
            column!(message => &*message.missing_parts),
            column!(message => message.keyword.as_ref().map(|keyword| keyword.kind.as_str())),
            column!(message => message.keyword.as_ref().map(|keyword| rows::kept(&keyword.word))),
            column!(message => message.suspected_opt_out),
            column!(message => rows::kept(&files::to_column(&message.media)).into_owned()),
            column!(message => i64::try_from(message.additional_recipients.len()).unwrap_or(i64::MAX)),
            column!(message => &*message.carrier),
            column!(message => message.received_at.as_millis()),
            column!(message => message.created_at.as_millis()),
            column!(message => message.erased_at.map(Timestamp::as_millis)),
        ],
    )
    .await?;
    add_media(unit, messages).await?;
    add_others(unit, messages).await
}

fn octets(message: &InboundMessage) -> Option<&[u8]> {
    match &message.body {
        InboundBody::Binary(octets) => Some(octets),
        InboundBody::Text(_) | InboundBody::Gone => None,
    }
}

async fn add_media(unit: &Unit, messages: &[(InboundMessage, bool)]) -> Result<(), Fault> {
    let of = |message: &InboundMessage, media: &InboundMedia| {
        (rows::id(media.id.to_bytes()), rows::id(message.id.to_bytes()))
    };
    let (media, ids): (Vec<Uuid>, Vec<Uuid>) =
        messages.iter().flat_map(|(message, _)| message.media.iter().map(move |media| of(message, media))).unzip();
    if media.is_empty() {
        return Ok(());
    }
    unit.execute(ADD_MEDIA, &[&media, &ids]).await.map(drop)
}

async fn add_others(unit: &Unit, messages: &[(InboundMessage, bool)]) -> Result<(), Fault> {
    let (mut ids, mut places, mut addresses) = (Vec::new(), Vec::new(), Vec::new());
    for (message, _) in messages {
        for (place, address) in (0_i32..).zip(message.additional_recipients.iter()) {
            ids.push(rows::id(message.id.to_bytes()));
            places.push(place);
            addresses.push(address_text(address));
        }
    }
    if ids.is_empty() {
        return Ok(());
    }
    unit.execute(ADD_OTHERS, &[&ids, &places, &addresses]).await.map(drop)
}

/// An address as its column has it.
pub(super) fn address_text(address: &InboundAddress) -> String {
    rows::kept(&address.to_string()).into_owned()
}

/// An address from a column.
pub(super) fn address(row: &Row, at: usize) -> Result<InboundAddress, Fault> {
    Ok(InboundAddress::of(&rows::text(row, at)?))
}

const ASSIGN: &str = "UPDATE inbound SET account_id = $2, test = $3, created_at = $4 WHERE id = $1";

/// Gives a message that belonged to no account to its account.
pub(super) async fn assign(unit: &Unit, message: &InboundMessage) -> Result<(), Fault> {
    let (id, account) = (rows::id(message.id.to_bytes()), rows::id(message.account.to_bytes()));
    let (is_test, at) = (rows::is_test(message.mode), message.created_at.as_millis());
    unit.execute(ASSIGN, &[&id, &account, &is_test, &at]).await.map(drop)
}

/// A message, and whether it belongs to an account.
pub(super) async fn load(unit: &Unit, id: MessageId) -> Result<Option<(InboundMessage, bool)>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM inbound i WHERE i.id = $1");
    Ok(messages(unit, unit.query(&sql, &[&rows::id(id.to_bytes())]).await?).await?.pop())
}

/// Locks a message. Returns it, and whether it belongs to an account.
pub(super) async fn lock(unit: &Unit, id: MessageId) -> Result<Option<(InboundMessage, bool)>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM inbound i WHERE i.id = $1 FOR UPDATE");
    Ok(messages(unit, unit.query(&sql, &[&rows::id(id.to_bytes())]).await?).await?.pop())
}

const OTHERS: &str =
    "SELECT message_id, address FROM inbound_others WHERE message_id = ANY($1) ORDER BY message_id, place";

/// Messages from the columns of [`COLUMNS`], each with whether it belongs to an account.
pub(super) async fn messages(unit: &Unit, found: Vec<Row>) -> Result<Vec<(InboundMessage, bool)>, Fault> {
    let mut messages: Vec<(InboundMessage, bool)> = found.iter().map(message).collect::<Result<_, _>>()?;
    let mut of_groups = Vec::new();
    for row in &found {
        if rows::get::<i64>(row, 19)? > 0 {
            of_groups.push(rows::get::<Uuid>(row, 0)?);
        }
    }
    if of_groups.is_empty() {
        return Ok(messages);
    }
    let mut others: BTreeMap<MessageId, Vec<InboundAddress>> = BTreeMap::new();
    for row in unit.query(OTHERS, &[&of_groups]).await? {
        others.entry(MessageId::from_bytes(rows::octets(&row, 0)?)).or_default().push(address(&row, 1)?);
    }
    for (message, _) in &mut messages {
        message.additional_recipients = others.remove(&message.id).unwrap_or_default().into();
    }
    Ok(messages)
}

fn message(row: &Row) -> Result<(InboundMessage, bool), Fault> {
    let account: Uuid = rows::get(row, 1)?;
    let body = match (rows::text_if_any(row, 6)?, rows::get::<Option<&[u8]>>(row, 7)?) {
        (Some(text), _) => InboundBody::Text(text.into()),
        (None, Some(octets)) => InboundBody::Binary(octets.into()),
        (None, None) => InboundBody::Gone,
    };
    let kind = rows::word_if_any(row, 11, KeywordKind::parse)?;
    let message = InboundMessage {
        id: MessageId::from_bytes(rows::octets(row, 0)?),
        account: AccountId::from_bytes(account.into_bytes()),
        mode: rows::mode(row, 2)?,
        kind: rows::word(row, 3, MessageType::parse)?,
        from: address(row, 4)?,
        to: address(row, 5)?,
        additional_recipients: Arc::from([]),
        body,
        encoding: rows::word(row, 8, InboundEncoding::parse)?,
        segments: rows::small(row, 9)?,
        missing_parts: rows::get::<&[u8]>(row, 10)?.into(),
        keyword: kind.zip(rows::text_if_any(row, 12)?).map(|(kind, word)| Keyword { kind, word: word.into() }),
        suspected_opt_out: rows::get(row, 13)?,
        media: media(row, 14)?,
        carrier: rows::carrier(row, 15)?,
        received_at: rows::time(row, 16)?,
        created_at: rows::time(row, 17)?,
        erased_at: rows::time_if_any(row, 18)?,
    };
    Ok((message, account != NO_ACCOUNT))
}

fn media(row: &Row, at: usize) -> Result<Arc<[InboundMedia]>, Fault> {
    let text = rows::text(row, at)?;
    files::of_column(&text).ok_or_else(|| rows::unknown(at, "a file"))
}

/// What went of messages.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// How many messages lost something.
    pub(super) messages: usize,
    /// The names of the objects that no message has any more.
    pub(super) objects: Vec<String>,
}

const CONTENT: &str = "SELECT media FROM inbound WHERE id = ANY($1) \
    AND (body IS NOT NULL OR octets IS NOT NULL OR media <> '') ORDER BY id FOR UPDATE";
const BLANK: &str = "UPDATE inbound SET body = NULL, octets = NULL, media = '' WHERE id = ANY($1)";
/// All that have a file wait for each other, so that the last one sees that it is the last.
const LOCK_MEDIA: &str =
    "SELECT 1 FROM inbound_media WHERE media_id = ANY($1) ORDER BY media_id, message_id FOR UPDATE";
const DROP_MEDIA: &str = "DELETE FROM inbound_media WHERE media_id = ANY($1) AND message_id = ANY($2)";
const NEEDED: &str = "SELECT media_id FROM inbound_media WHERE media_id = ANY($1)";

/// Removes the content of messages, and takes their files off them.
pub(super) async fn blank(unit: &Unit, ids: &[MessageId]) -> Result<Gone, Fault> {
    let ids: Vec<Uuid> = ids.iter().map(|id| rows::id(id.to_bytes())).collect();
    let found = unit.query(CONTENT, &[&ids]).await?;
    if found.is_empty() {
        return Ok(Gone::default());
    }
    unit.execute(BLANK, &[&ids]).await?;
    let mut files: BTreeMap<Uuid, String> = BTreeMap::new();
    for row in &found {
        files.extend(media(row, 0)?.iter().map(|media| (rows::id(media.id.to_bytes()), media.name())));
    }
    if !files.is_empty() {
        let media: Vec<Uuid> = files.keys().copied().collect();
        unit.query(LOCK_MEDIA, &[&media]).await?;
        unit.execute(DROP_MEDIA, &[&media, &ids]).await?;
        for row in unit.query(NEEDED, &[&media]).await? {
            files.remove(&rows::get::<Uuid>(&row, 0)?);
        }
    }
    Ok(Gone { messages: found.len(), objects: files.into_values().collect() })
}

const DROP_OTHERS: &str = "DELETE FROM inbound_others WHERE message_id = ANY($1)";
const DROP: &str = "DELETE FROM inbound WHERE id = ANY($1)";

/// Removes messages.
pub(super) async fn remove(unit: &Unit, ids: &[MessageId]) -> Result<Gone, Fault> {
    let objects = blank(unit, ids).await?.objects;
    let ids: Vec<Uuid> = ids.iter().map(|id| rows::id(id.to_bytes())).collect();
    unit.execute(DROP_OTHERS, &[&ids]).await?;
    let removed = unit.execute(DROP, &[&ids]).await?;
    Ok(Gone { messages: usize::try_from(removed).unwrap_or(usize::MAX), objects })
}

const LET_GO: &str = "INSERT INTO inbound_objects_gone (name) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING";

/// Puts objects on the list of those whose octets can go.
pub(super) async fn let_go(unit: &Unit, objects: &[String]) -> Result<(), Fault> {
    if objects.is_empty() {
        return Ok(());
    }
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    unit.execute(LET_GO, &[&objects]).await.map(drop)
}
