//! The one write of an admission: what was decided becomes durable, with its media in their place before it.

use std::sync::Arc;

use model::error::{ErrorCode, Refusal};
use model::quota::UtcDay;
use model::{Media, MessageId, ScreeningRecord};
use store::contract::admission::{Admission as Envelope, Admitted, Quota, Replay};
use store::contract::requests::RequestKey;

use super::payload::Payload;
use super::replay::{replayed, with_text};
use super::{Admission, UnderWay};
use crate::tenants::Caller;

/// What admission makes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Accepted<T> {
    /// Something that is on disk and will be sent, and the idempotency key of its request.
    New(Arc<T>, Option<RequestKey>),
    /// The answer given before, which changes no more.
    Replayed(Replay<T>),
}

impl Admission {
    /// Places the media and writes, with what was found in the text and the message that it is a copy of.
    pub(super) async fn commit<P: Payload>(
        &self,
        caller: &Caller,
        mut payload: P,
        media: Option<Media>,
        under_way: &mut UnderWay<'_>,
        (flagged, again): (Option<ScreeningRecord>, Option<MessageId>),
    ) -> Result<Accepted<P::Made>, Refusal> {
        let now = payload.created_at();
        let quota = Quota { day: UtcDay::of(now), limit: caller.limits.daily_quota };
        let flagged = flagged.map(|flagged| ScreeningRecord { about: Some(payload.screened()), ..flagged });
        let mut placed = self.shelf.place(media.as_ref()).await?;
        loop {
            payload.carry(placed.id);
            let envelope = Envelope {
                node: self.node.epoch(),
                payload: (),
                quota,
                idempotency: under_way.claim().cloned(),
                flagged: flagged.clone(),
                again,
                media: placed.brought.clone(),
            };
            let admitted = payload.write(self, envelope).await?;
            if !matches!(admitted, Admitted::New) {
                self.shelf.take_back(&placed).await;
            }
            return match admitted {
                Admitted::New => Ok(Accepted::New(payload.made(), under_way.admitted(caller))),
                Admitted::Earlier(earlier) => {
                    let (body, media_url) = payload.text();
                    replayed(earlier).map(|replay| Accepted::Replayed(with_text(replay, body, media_url)))
                }
                Admitted::QuotaReached => {
                    Err(Refusal::new(ErrorCode::DailyQuotaReached).with_retry_after(quota.day.time_left(now)))
                }
                Admitted::MediaGone => {
                    placed = self.shelf.place_again(media.as_ref()).await?;
                    continue;
                }
            };
        }
    }
}
