//! Admission: one transaction for what a request brings in, whether that is a message or a broadcast.

use std::sync::Arc;

use model::idempotency::AnswerForm;
use model::{MediaId, MessageId, Owner, ScreeningRecord, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::fault::Fault;
use super::keys::Holding;
use super::media::{can_carry, carry};
use super::screening::insert_screening;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, Replay};
use ledger::contract::nodes::Epoch;

/// What a request makes: the part of an admission that a message and a broadcast do not share.
pub(super) trait Payload: Send + Sync + 'static {
    /// What is made.
    type Made: Send + Sync + 'static;

    /// The particulars of what is made.
    fn made(&self) -> Made;

    /// Writes it.
    fn insert(&self, group: &mut Group, node: Epoch) -> rusqlite::Result<()>;

    /// Notes in its life that the screen found something, where it has a life of events.
    fn note_flagged(&self, _: &Group, _: &ScreeningRecord) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Notes in its life of which message it is a copy, likewise.
    fn note_again(&self, _: &Group, _: MessageId) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Reads what an earlier request of this owner made.
    fn load(connection: &Connection, owner: Owner, id: [u8; 16]) -> rusqlite::Result<Option<Arc<Self::Made>>>;
}

/// What an admission asks of its payload.
pub(super) struct Made {
    /// The owner.
    pub(super) owner: Owner,
    /// Its id.
    pub(super) id: [u8; 16],
    /// The media that it names.
    pub(super) media: Option<MediaId>,
    /// How many recipients count against the quota.
    pub(super) recipients: u64,
    /// The time of its acceptance.
    pub(super) created_at: Timestamp,
}

impl Sqlite {
    /// Admits a message or a broadcast.
    pub(super) async fn admit_payload<P: Payload>(
        &self,
        admission: Admission<P>,
    ) -> Result<Admitted<P::Made>, StoreError> {
        let (admitted, holding) = self.writer.write(move |group| admit(group, &admission)).await?;
        if matches!(admitted, Admitted::New) {
            holding.keep();
        }
        Ok(admitted)
    }

    /// What a repeat of a request is answered: what is on record, or that the request is under way.
    pub(super) async fn earlier<P: Payload>(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<P::Made>>, StoreError> {
        let look = || {
            let claim = claim.clone();
            self.readers.read(move |connection| on_record::<P>(connection, owner, &claim))
        };
        match look().await? {
            Some(found) if !is_open(&found) => Ok(Some(found)),
            Some(_) if self.keys.is_awaited(owner, claim) => Ok(Some(Earlier::UnderWay)),
            // Nothing more is recorded for it. So its answer, if it has one, is there now.
            Some(_) => look().await,
            None => Ok((!claim.begun && self.keys.is_held(owner, claim)).then_some(Earlier::UnderWay)),
        }
    }
}

/// Admits a payload. The key that its request holds from then on is free again when the [`Holding`] is dropped.
fn admit<P: Payload>(group: &mut Group, admission: &Admission<P>) -> Result<(Admitted<P::Made>, Holding), Fault> {
    group.living.require(admission.node)?;
    let made = admission.payload.made();
    if let Some(claim) = &admission.idempotency
        && let Some(earlier) = on_record::<P>(&group.connection, made.owner, claim)?
    {
        let is_under_way = is_open(&earlier) && group.keys.is_awaited(made.owner, claim);
        let earlier = if is_under_way { Earlier::UnderWay } else { earlier };
        return Ok((Admitted::Earlier(earlier), Holding::NOTHING));
    }
    let Some(holding) = group.keys.hold(admission.node, made.owner, admission.idempotency.as_ref()) else {
        return Ok((Admitted::Earlier(Earlier::UnderWay), Holding::NOTHING));
    };
    Ok((insert(group, admission, &made)?, holding))
}

fn insert<P: Payload>(group: &mut Group, admission: &Admission<P>, made: &Made) -> Result<Admitted<P::Made>, Fault> {
    if !can_carry(&group.connection, made.media, admission.media.as_ref())? {
        return Ok(Admitted::MediaGone);
    }
    if !group.use_quota(made.owner, admission.quota, made.recipients)? {
        return Ok(Admitted::QuotaReached);
    }
    carry(&group.connection, made.media, admission.media.as_ref())?;
    admission.payload.insert(group, admission.node)?;
    if let Some(claim) = &admission.idempotency {
        insert_claim(group, made.owner, claim, made.id, made.created_at)?;
    }
    if let Some(flagged) = &admission.flagged {
        insert_screening(group, flagged)?;
        admission.payload.note_flagged(group, flagged)?;
    }
    if let Some(original) = admission.again {
        admission.payload.note_again(group, original)?;
    }
    Ok(Admitted::New)
}

/// What is on record of an earlier request under a claim's key.
fn on_record<P: Payload>(
    connection: &Connection,
    owner: Owner,
    claim: &IdempotencyClaim,
) -> rusqlite::Result<Option<Earlier<P::Made>>> {
    let (id, answer, form) = match find_claim(connection, owner, claim)? {
        None => return Ok(None),
        Some(Claimed::Other) => return Ok(Some(Earlier::KeyTaken)),
        Some(Claimed::Same(id, answer, form)) => (id, answer, form),
    };
    Ok(P::load(connection, owner, id)?.map(|made| Earlier::Replayed(Replay { made, answer, form })))
}

/// Whether an answer may still be recorded for what was admitted.
const fn is_open<T>(earlier: &Earlier<T>) -> bool {
    matches!(earlier, Earlier::Replayed(Replay { answer: None, .. }))
}

/// Notes what a claim's request made: the message or the broadcast of this id.
fn insert_claim(
    group: &Group,
    owner: Owner,
    claim: &IdempotencyClaim,
    id: [u8; 16],
    now: Timestamp,
) -> rusqlite::Result<()> {
    // A record that is too old to count is replaced.
    let sql = "INSERT OR REPLACE INTO idempotency (account_id, mode, endpoint, key, fingerprint, message_id, form, \
               answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8)";
    group.connection.prepare_cached(sql)?.execute(params![
        owner.account.to_bytes(),
        owner.mode.as_str(),
        claim.endpoint.as_str(),
        claim.key.as_str(),
        claim.fingerprint.0,
        id,
        AnswerForm::NEWEST.number(),
        now.as_millis(),
    ])?;
    Ok(())
}

/// What is on record under a claim's key.
enum Claimed {
    /// Another request.
    Other,
    /// The same: what it made, the answer where one was recorded, and which fields an answer has.
    Same([u8; 16], Option<String>, AnswerForm),
}

/// What is on record under a claim's key, if it is not too old to count.
fn find_claim(connection: &Connection, owner: Owner, claim: &IdempotencyClaim) -> rusqlite::Result<Option<Claimed>> {
    let sql = "SELECT fingerprint, message_id, answer, form FROM idempotency \
               WHERE account_id = ?1 AND mode = ?2 AND endpoint = ?3 AND key = ?4 AND created_at >= ?5";
    let mut select = connection.prepare_cached(sql)?;
    let name = params![
        owner.account.to_bytes(),
        owner.mode.as_str(),
        claim.endpoint.as_str(),
        claim.key.as_str(),
        claim.not_before.as_millis()
    ];
    let claimed = |row: &rusqlite::Row<'_>| {
        let is_same = row.get::<_, [u8; 32]>(0)? == claim.fingerprint.0;
        Ok(if is_same {
            Claimed::Same(row.get(1)?, row.get(2)?, AnswerForm::from_number(row.get(3)?))
        } else {
            Claimed::Other
        })
    };
    select.query_row(name, claimed).optional()
}
