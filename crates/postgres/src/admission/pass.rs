//! The path of a group of admissions.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::super::fault::Fault;
use super::super::unit::Unit;
use super::super::{living, media, rows, screening};
use super::keys::{Asked, Name};
use super::quota::{Counts, Need};
use super::{Made, Payload, keys, quota};
use ledger::StoreError;
use ledger::contract::admission::{Admission, Admitted, Earlier};

/// What became of an admission.
type Outcome<T> = Result<Admitted<T>, StoreError>;

/// Admits those that may be admitted, in their order, and says of each what became of it.
pub(super) async fn admit_all<P: Payload>(
    unit: &mut Unit,
    admissions: &[&Admission<P>],
) -> Result<Vec<Outcome<P::Made>>, Fault> {
    let made: Vec<Made> = admissions.iter().map(|admission| admission.payload.made()).collect();
    let need = |(made, admission): (&Made, &&Admission<P>)| Need {
        owner: made.owner,
        quota: admission.quota,
        recipients: made.recipients,
    };
    let needs: Vec<Need> = made.iter().zip(admissions).map(need).collect();
    let epochs = admissions.iter().map(|admission| admission.node);
    let (living, counts) = tokio::try_join!(biased; living::among(unit, epochs), quota::look(unit, &needs))?;
    let over = |admission: &&Admission<P>| (!living.contains(&admission.node)).then_some(Err(StoreError::Over));
    let outcomes = admissions.iter().map(over).collect();
    let mut group = Group { admissions, made, needs, counts, outcomes };
    // Nearly every key is new, and its claim says so: nothing is looked for before, but for those who fit no quota,
    // since nothing is to be written for them. The next pass has those who were not the first under their keys: it
    // finds what the first ones made.
    let is_full = |group: &Group<'_, P>, at: usize| !group.counts.fits(&group.needs[at]);
    group.answer_repeats(unit, is_full).await?;
    while group.outcomes.iter().any(Option::is_none) {
        group.pass(unit).await?;
        group.answer_repeats(unit, |_, _| true).await?;
    }
    Ok(group.outcomes.into_iter().flatten().collect())
}

struct Group<'a, P: Payload> {
    admissions: &'a [&'a Admission<P>],
    made: Vec<Made>,
    needs: Vec<Need>,
    /// What is known of the counts of the quota.
    counts: Counts,
    /// What became of each, as far as it is known.
    outcomes: Vec<Option<Outcome<P::Made>>>,
}

impl<P: Payload> Group<'_, P> {
    /// Decides about all that have no key, and about the first one under each key.
    async fn pass(&mut self, unit: &mut Unit) -> Result<(), Fault> {
        self.refuse_full();
        let candidates = self.claim_keys(unit).await?;
        let candidates = self.carry_media(unit, candidates).await?;
        let candidates = self.leave_out_full(unit, candidates).await?;
        let needs: Vec<Need> = candidates.iter().map(|at| self.needs[*at]).collect();
        let new = self.of(&candidates);
        let (_, taken) = tokio::try_join!(biased; P::insert(unit, &new), quota::take(unit, &needs))?;
        let admitted = self.use_quota(unit, candidates, taken).await?;
        let new = self.of(&admitted);
        let brought: Vec<_> = new.iter().filter_map(|admission| admission.media.as_ref()).collect();
        media::keep(unit, &brought).await?;
        for Admission { payload, flagged, again, .. } in new {
            payload.note(unit).await?;
            if let Some(flagged) = flagged {
                screening::insert(unit, flagged).await?;
                payload.note_flagged(unit, flagged);
            }
            if let Some(original) = again {
                payload.note_again(unit, *original);
            }
        }
        for at in admitted {
            self.outcomes[at] = Some(Ok(Admitted::New));
        }
        Ok(())
    }

    fn of(&self, places: &[usize]) -> Vec<&Admission<P>> {
        places.iter().map(|at| self.admissions[*at]).collect()
    }

    fn open(&self) -> impl Iterator<Item = usize> {
        self.outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_none()).map(|(at, _)| at)
    }

    fn asked(&self, at: usize) -> Option<Asked<'_>> {
        let Admission { node, idempotency, .. } = self.admissions[at];
        let Made { owner, id, created_at, .. } = self.made[at];
        let claim = idempotency.as_ref()?;
        let name = keys::name_of(owner, claim);
        Some(Asked { name, claim, node: *node, made: rows::id(id), created_at: created_at.as_millis() })
    }

    /// Answers those of these who are not the first under their keys, as far as that is on record.
    async fn answer_repeats(&mut self, unit: &Unit, of: impl Fn(&Self, usize) -> bool) -> Result<(), Fault> {
        let with_keys: Vec<usize> =
            self.open().filter(|at| self.admissions[*at].idempotency.is_some() && of(self, *at)).collect();
        if with_keys.is_empty() {
            return Ok(());
        }
        let claims: Vec<_> = with_keys
            .iter()
            .filter_map(|at| Some((self.made[*at].owner, self.admissions[*at].idempotency.as_ref()?)))
            .collect();
        let seen = keys::look(unit, &claims).await?;
        let loaded = super::load::<P>(unit, &seen).await?;
        let mut outdated: BTreeMap<Name<'_>, Uuid> = BTreeMap::new();
        for ((at, (owner, claim)), seen) in with_keys.into_iter().zip(claims).zip(seen) {
            let is_refused = claim.awaited && !claim.begun && seen.is_held;
            let record = seen.record.as_ref().map(|record| record.made);
            let earlier = super::earlier::<P>(seen, &loaded);
            if earlier.is_none()
                && let Some(made) = record
            {
                outdated.insert(keys::name_of(owner, claim), made);
            }
            let earlier = earlier.or(is_refused.then_some(Earlier::UnderWay));
            self.outcomes[at] = earlier.map(|earlier| Ok(Admitted::Earlier(earlier)));
        }
        keys::remove(unit, &outdated.into_iter().collect::<Vec<_>>()).await
    }

    /// Has the first one under each key claim it. Returns those who did, and those who have no key. Who is not the
    /// first stays without an outcome.
    async fn claim_keys(&mut self, unit: &Unit) -> Result<Vec<usize>, Fault> {
        let mut names = BTreeSet::new();
        let first = |at: &usize| self.asked(*at).is_none_or(|asked| names.insert(asked.name));
        let candidates: Vec<usize> = self.open().filter(first).collect();
        let asked: Vec<Asked<'_>> = candidates.iter().filter_map(|at| self.asked(*at)).collect();
        if asked.is_empty() {
            return Ok(candidates);
        }
        let claimed = keys::claim(unit, &asked).await?;
        let asked: Vec<Asked<'_>> = asked.into_iter().filter(|asked| claimed.contains(&asked.made)).collect();
        let held_by_others = keys::hold(unit, &asked).await?;
        let made = |at: &usize| rows::id(self.made[*at].id);
        let has_key = |at: &usize| self.admissions[*at].idempotency.is_none() || claimed.contains(&made(at));
        let (refused, candidates): (Vec<usize>, Vec<usize>) =
            candidates.into_iter().filter(has_key).partition(|at| held_by_others.contains(&made(at)));
        self.refuse(unit, &refused, || Admitted::Earlier(Earlier::UnderWay)).await?;
        Ok(candidates)
    }

    /// Refuses those whose media are kept no longer. Returns the others.
    async fn carry_media(&mut self, unit: &Unit, candidates: Vec<usize>) -> Result<Vec<usize>, Fault> {
        let named = |at: &usize| match (self.made[*at].media, &self.admissions[*at].media) {
            (Some(id), None) => Some(rows::id(id.to_bytes())),
            _ => None,
        };
        let kept = media::name(unit, candidates.iter().filter_map(named).collect()).await?;
        let (carried, refused): (Vec<usize>, Vec<usize>) =
            candidates.into_iter().partition(|at| named(at).is_none_or(|id| kept.contains(&id)));
        self.refuse(unit, &refused, || Admitted::MediaGone).await?;
        Ok(carried)
    }

    /// Refuses those who fit no quota whatever becomes of the others.
    fn refuse_full(&mut self) {
        for at in self.open().filter(|at| !self.counts.fits(&self.needs[*at])).collect::<Vec<_>>() {
            self.outcomes[at] = Some(Ok(Admitted::QuotaReached));
        }
    }

    /// Refuses those who will not fit their quota after those before them. Returns the others.
    async fn leave_out_full(&mut self, unit: &Unit, candidates: Vec<usize>) -> Result<Vec<usize>, Fault> {
        let (fitting, refused): (Vec<usize>, Vec<usize>) =
            candidates.into_iter().partition(|at| self.counts.take(&self.needs[*at]));
        self.refuse(unit, &refused, || Admitted::QuotaReached).await?;
        Ok(fitting)
    }

    /// Refuses those, and removes what they made, whose recipients do not all fit their quota after what was admitted
    /// at other nodes meanwhile. Returns the others.
    async fn use_quota(
        &mut self,
        unit: &Unit,
        candidates: Vec<usize>,
        (fits, counts): (Vec<bool>, Counts),
    ) -> Result<Vec<usize>, Fault> {
        self.counts.update(counts);
        let (admitted, refused): (Vec<_>, Vec<_>) = candidates.into_iter().zip(fits).partition(|(_, fits)| *fits);
        let refused: Vec<usize> = refused.into_iter().map(|(at, _)| at).collect();
        if !refused.is_empty() {
            P::remove(unit, refused.iter().map(|at| rows::id(self.made[*at].id)).collect()).await?;
            self.refuse(unit, &refused, || Admitted::QuotaReached).await?;
        }
        Ok(admitted.into_iter().map(|(at, _)| at).collect())
    }

    /// Refuses admissions that have claimed their keys: nothing of them stays behind.
    async fn refuse(
        &mut self,
        unit: &Unit,
        refused: &[usize],
        outcome: impl Fn() -> Admitted<P::Made>,
    ) -> Result<(), Fault> {
        let asked: Vec<Asked<'_>> = refused.iter().filter_map(|at| self.asked(*at)).collect();
        keys::remove(unit, &asked.iter().map(|asked| (asked.name, asked.made)).collect::<Vec<_>>()).await?;
        let awaited = asked.iter().filter(|asked| asked.claim.awaited);
        keys::let_go(unit, &awaited.map(|asked| (asked.name, asked.made, asked.claim.begun)).collect::<Vec<_>>())
            .await?;
        for at in refused {
            self.outcomes[*at] = Some(Ok(outcome()));
        }
        Ok(())
    }
}
