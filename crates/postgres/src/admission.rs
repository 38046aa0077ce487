//! Admission: one transaction for what requests bring in, whether that is messages or a broadcast.

mod broadcast_rows;
mod holding;
pub(super) mod keys;
mod message_rows;
mod pass;
mod quota;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Broadcast, MediaId, Message, MessageId, Owner, ScreeningRecord, Timestamp};
use uuid::Uuid;

pub(super) use self::holding::{AGAIN, Holding};
pub(super) use self::keys::name_of_key;
use self::keys::{Record, Seen};
pub(super) use self::message_rows::insert_messages;
use super::batch::{Answers, Batch};
use super::core::Core;
use super::fault::Fault;
use super::rows;
use super::unit::{Doing, Unit};
use ledger::StoreError;
use ledger::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast, NewMessage, Replay};

/// What a request makes: the part of an admission that a message and a broadcast do not share.
pub(super) trait Payload: Send + Sync + Sized + 'static {
    /// What is made.
    type Made: Send + Sync + 'static;

    /// The particulars of what is made.
    fn made(&self) -> Made;

    /// Writes what is about to be admitted.
    fn insert<'u>(unit: &'u Unit, new: &'u [&'u Admission<Self>]) -> Doing<'u, ()>;

    /// Removes what was not admitted after all.
    fn remove<'u>(unit: &'u Unit, ids: Vec<Uuid>) -> Doing<'u, ()>;

    /// Notes that it was accepted.
    fn note<'u>(&'u self, unit: &'u mut Unit) -> Doing<'u, ()>;

    /// Notes in its life that the screen found something, where it has a life of events.
    fn note_flagged(&self, _: &mut Unit, _: &ScreeningRecord) {}

    /// Notes in its life of which message it is a copy, likewise.
    fn note_again(&self, _: &mut Unit, _: MessageId) {}

    /// Reads what earlier requests made.
    fn load<'u>(unit: &'u Unit, ids: Vec<Uuid>) -> Doing<'u, BTreeMap<Uuid, Arc<Self::Made>>>;
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

/// Admissions of messages, which share transactions.
pub(super) struct Admissions(Batch<Asking, Admitted<Message>>);

/// An admission, and the key that its request may hold from then on.
struct Asking {
    admission: Admission<NewMessage>,
    _holding: Holding,
}

impl Admissions {
    pub(super) fn start(core: &Arc<Core>) -> Self {
        let shared = Arc::clone(core);
        let commit = move |asking| -> super::batch::Group<_> { Box::pin(admit_group(Arc::clone(&shared), asking)) };
        Self(Batch::start(Arc::clone(&core.runtime), commit))
    }

    /// Admits a message.
    pub(super) async fn admit(
        &self,
        core: &Arc<Core>,
        admission: Admission<NewMessage>,
    ) -> Result<Admitted<Message>, StoreError> {
        let holding = Holding::of(core, &admission);
        let admitted = self.0.call(Asking { admission, _holding: holding.clone() }, 1).await?;
        holding.keep();
        Ok(admitted)
    }

    /// Takes no more, and finishes those that wait.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

async fn admit_group(core: Arc<Core>, asking: Vec<Arc<Asking>>) -> Answers<Admitted<Message>> {
    core.make_room(asking.iter().map(|asking| rows::id(asking.admission.payload.message.id.to_bytes()))).await?;
    core.write_group(asking.len(), asking, |unit, asking| {
        Box::pin(async move {
            let admissions: Vec<_> = asking.iter().map(|asking| &asking.admission).collect();
            pass::admit_all(unit, &admissions).await
        })
    })
    .await
}

/// Looks for what is on record of requests for messages, which share transactions: every request with a key looks.
pub(super) struct Replays(Batch<Request, Option<Earlier<Message>>>);

/// Whose request it is, and its key.
type Request = (Owner, IdempotencyClaim);

impl Replays {
    pub(super) fn start(core: &Arc<Core>) -> Self {
        let shared = Arc::clone(core);
        let look = move |requests: Vec<Arc<Request>>| -> super::batch::Group<_> {
            let core = Arc::clone(&shared);
            Box::pin(async move {
                let read = core.read_group(requests, |unit, requests| {
                    Box::pin(async move {
                        let requests: Vec<_> = requests.iter().map(|request| (request.0, &request.1)).collect();
                        repeated::<NewMessage>(unit, &requests).await
                    })
                });
                Ok(read.await?.into_iter().map(Ok).collect())
            })
        };
        Self(Batch::start(Arc::clone(&core.runtime), look))
    }

    /// What a repeat of a request for a message is answered.
    pub(super) async fn replay(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Message>>, StoreError> {
        self.0.call((owner, claim.clone()), 1).await
    }

    /// Takes no more, and finishes those that wait.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

/// Admits a broadcast.
pub(super) async fn admit_broadcast(
    core: &Arc<Core>,
    admission: Admission<NewBroadcast>,
) -> Result<Admitted<Broadcast>, StoreError> {
    // A task of its own: what has begun is done although the caller goes away.
    let holding = Holding::of(core, &admission);
    let (shared, held) = (Arc::clone(core), holding.clone());
    let admit = async move {
        let admitted = shared
            .write(admission, |unit, admission| {
                Box::pin(async move {
                    let admitted = pass::admit_all(unit, &[admission]).await?.pop();
                    admitted.ok_or_else(|| Fault::Broken("a broadcast without an answer".to_owned()))
                })
            })
            .await;
        drop(held);
        admitted.flatten()
    };
    let gone = |ended| StoreError::Unavailable(format!("the admission {ended}"));
    let admitted = core.runtime.run("store-broadcast", admit).await.map_err(gone)??;
    holding.keep();
    Ok(admitted)
}

/// What a repeat of a request for a broadcast is answered.
pub(super) async fn replay_broadcast(
    core: &Arc<Core>,
    owner: Owner,
    claim: &IdempotencyClaim,
) -> Result<Option<Earlier<Broadcast>>, StoreError> {
    let read = core.read(vec![(owner, claim)], |unit, requests| Box::pin(repeated::<NewBroadcast>(unit, requests)));
    Ok(read.await?.pop().flatten())
}

/// What repeats of these requests are answered, in their order.
async fn repeated<P: Payload>(
    unit: &Unit,
    requests: &[(Owner, &IdempotencyClaim)],
) -> Result<Vec<Option<Earlier<P::Made>>>, Fault> {
    let seen = keys::look(unit, requests).await?;
    let made = load::<P>(unit, &seen).await?;
    let answer = |(seen, (_, claim)): (Seen, &(Owner, &IdempotencyClaim))| {
        let is_under_way = seen.is_held && !claim.begun;
        earlier::<P>(seen, &made).or(is_under_way.then_some(Earlier::UnderWay))
    };
    Ok(seen.into_iter().zip(requests).map(answer).collect())
}

/// What these requests made of which there is a record.
async fn load<P: Payload>(unit: &Unit, seen: &[Seen]) -> Result<BTreeMap<Uuid, Arc<P::Made>>, Fault> {
    let records = seen.iter().filter_map(|seen| seen.record.as_ref());
    let ids: Vec<Uuid> = records.filter(|record| record.counts && record.is_same).map(|record| record.made).collect();
    if ids.is_empty() { Ok(BTreeMap::new()) } else { P::load(unit, ids).await }
}

/// What is on record of an earlier request, of those that made these. A record counts as long as it is young enough,
/// and what its request made is there.
fn earlier<P: Payload>(seen: Seen, made: &BTreeMap<Uuid, Arc<P::Made>>) -> Option<Earlier<P::Made>> {
    let Record { is_same, made: id, answer, form, .. } = seen.record.filter(|record| record.counts)?;
    if !is_same {
        return Some(Earlier::KeyTaken);
    }
    let made = Arc::clone(made.get(&id)?);
    if answer.is_none() && seen.is_awaited {
        return Some(Earlier::UnderWay);
    }
    Some(Earlier::Replayed(Replay { made, answer, form }))
}

impl Payload for NewMessage {
    type Made = Message;

    fn made(&self) -> Made {
        let Message { id, media, created_at, .. } = *self.message;
        Made { owner: self.message.owner(), id: id.to_bytes(), media, recipients: 1, created_at }
    }

    fn insert<'u>(unit: &'u Unit, new: &'u [&'u Admission<Self>]) -> Doing<'u, ()> {
        Box::pin(async move {
            let new: Vec<&Self> = new.iter().map(|admission| &admission.payload).collect();
            message_rows::insert_rows(unit, &new).await
        })
    }

    fn remove<'u>(unit: &'u Unit, ids: Vec<Uuid>) -> Doing<'u, ()> {
        Box::pin(message_rows::remove_rows(unit, ids))
    }

    fn note<'u>(&'u self, unit: &'u mut Unit) -> Doing<'u, ()> {
        message_rows::note_accepted(unit, self);
        Box::pin(std::future::ready(Ok(())))
    }

    fn note_flagged(&self, unit: &mut Unit, flagged: &ScreeningRecord) {
        unit.add_event(ledger::accepted::flagged(&self.message, flagged));
    }

    fn note_again(&self, unit: &mut Unit, original: MessageId) {
        unit.add_event(ledger::accepted::copied(&self.message, original));
    }

    fn load<'u>(unit: &'u Unit, ids: Vec<Uuid>) -> Doing<'u, BTreeMap<Uuid, Arc<Message>>> {
        Box::pin(message_rows::load(unit, ids))
    }
}
