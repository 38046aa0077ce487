//! Review of the screen's decisions: texts of one shape together, an operator's judgement, and the template that a
//! wrong decision leads to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::{AccountId, ScreeningId, ScreeningRecord, ScreeningReview, ScreeningTemplate, Timestamp};
use runtime::Ended;
use screening::{Offer, Policy, Screen, Template, TemplateError};
use store::StoreError;
use store::contract::screening::ScreeningFilter;

use super::Pipeline;
use crate::tenants::ApproveError;

/// How many decisions are looked at, the newest ones.
pub const REVIEWED_MAX: usize = 1_000;

/// Decisions on texts of one shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreeningGroup {
    /// Whose texts they are.
    pub account: AccountId,
    /// How many.
    pub count: usize,
    /// When the first and the last of them was made.
    pub between: (Timestamp, Timestamp),
    /// Every category that was found.
    pub categories: BTreeSet<String>,
    /// The newest of them.
    pub sample: Arc<ScreeningRecord>,
    /// The template that its text and as many others as possible pass under, or why there is none.
    pub offer: Result<String, TemplateError>,
    /// How many of the texts pass under it.
    pub fitting: usize,
}

/// What an operator says of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it was right.
    pub is_correct: bool,
    /// A note, kept with the decision and with the template.
    pub note: Option<String>,
    /// To approve a template with which the text passes from now on. Nothing is approved of a right decision.
    pub approve: Option<Approval>,
}

/// Which template is to be approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The one that is offered.
    Offered,
    /// One that the operator wrote.
    Written(String),
}

/// What a review led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The decision, as it is now.
    pub record: ScreeningRecord,
    /// How many decisions were marked as reviewed.
    pub marked: usize,
    /// The template that is offered, and how many texts pass under it; `None` for a right decision.
    pub offer: Option<Result<(String, usize), TemplateError>>,
    /// The template that was approved.
    pub approved: Option<ScreeningTemplate>,
}

/// Why a decision was not reviewed. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewError {
    /// It is not kept, or never was.
    NotFound,
    /// The template cannot be approved.
    Approve(ApproveError),
}

impl From<StoreError> for ReviewError {
    fn from(error: StoreError) -> Self {
        Self::Approve(ApproveError::Store(error))
    }
}

impl Pipeline {
    /// What texts are screened with now.
    pub fn screen(&self) -> Arc<Screen> {
        self.admission.screen_in_force()
    }

    /// The newest decisions of a filter, [`REVIEWED_MAX`] at most, with those on texts of one shape of one account
    /// together: the group of the newest decision first. Returns also how many decisions were looked at.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn screening_groups(&self, filter: ScreeningFilter) -> Result<(Vec<ScreeningGroup>, usize), StoreError> {
        let records = self.store.screening_log(filter, None, REVIEWED_MAX).await?;
        let looked_at = records.len();
        let mut accounts: BTreeMap<AccountId, Arc<Policy>> = BTreeMap::new();
        for record in &records {
            accounts.entry(record.account).or_insert_with(|| self.tenants().screening(record.account));
        }
        let screen = self.screen();
        let grouped = self.beside("screening-groups", move || grouped(&records, &accounts, &screen)).await?;
        Ok((grouped, looked_at))
    }

    /// Records what an operator says of a decision. After a wrong one a template is offered that is made of all kept
    /// texts of its shape, among the account's newest [`REVIEWED_MAX`]. Where a template is approved with it, all
    /// decisions on texts that pass under it are marked as well.
    ///
    /// # Errors
    /// [`ReviewError`].
    pub async fn review_screening(&self, id: ScreeningId, judgement: Judgement) -> Result<Reviewed, ReviewError> {
        let record = self.store.screening_record(id).await?.ok_or(ReviewError::NotFound)?;
        let account = record.account;
        let note = judgement.note;
        let review = ScreeningReview { at: self.runtime.now(), is_correct: judgement.is_correct, note: note.clone() };
        if judgement.is_correct {
            return self.mark(record, vec![id], review, None, None).await;
        }
        let filter = ScreeningFilter { account: Some(account), ..ScreeningFilter::default() };
        let mut records = self.store.screening_log(filter, None, REVIEWED_MAX).await?;
        records.retain(|other| other.id != id);
        records.insert(0, record.clone());
        let (policy, screen) = (self.tenants().screening(account), self.screen());
        let written = match &judgement.approve {
            Some(Approval::Written(text)) => Some(text.clone()),
            Some(Approval::Offered) | None => None,
        };
        let work = move || siblings(&records, written.as_deref(), &policy, &screen);
        let siblings = self.beside("screening-review", work).await?;
        let offer = Some(siblings.offer.clone().map(|offer| (offer, siblings.of_offer.len())));
        let (text, ids) = match &judgement.approve {
            None => return self.mark(record, vec![id], review, offer, None).await,
            Some(Approval::Offered) => (siblings.offer, siblings.of_offer),
            Some(Approval::Written(text)) if siblings.of_written.first() != Some(&id) => {
                // What is wrong with the template itself is said first.
                (Template::parse(text).and(Err(TemplateError::Unfit)), Vec::new())
            }
            Some(Approval::Written(text)) => (Ok(text.clone()), siblings.of_written),
        };
        let text = text.map_err(|error| ReviewError::Approve(ApproveError::Text(error)))?;
        let (approved, _) = self
            .tenants()
            .approve_template(account, &text, note, &self.screen())
            .await
            .map_err(ReviewError::Approve)?;
        self.mark(record, ids, review, offer, Some(approved)).await
    }

    async fn mark(
        &self,
        record: ScreeningRecord,
        ids: Vec<ScreeningId>,
        review: ScreeningReview,
        offer: Option<Result<(String, usize), TemplateError>>,
        approved: Option<ScreeningTemplate>,
    ) -> Result<Reviewed, ReviewError> {
        let marked = self.store.review_screening(ids, review.clone()).await?;
        Ok(Reviewed { record: ScreeningRecord { review: Some(review), ..record }, marked, offer, approved })
    }

    /// Work that would hold up a task.
    async fn beside<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = |ended: Ended| StoreError::Unavailable(format!("{name} has not ended: {ended}"));
        self.runtime.run_blocking(name, work).await.map_err(failed)
    }
}

/// Decisions in groups, in the order of the first of each.
fn grouped(
    records: &[ScreeningRecord],
    accounts: &BTreeMap<AccountId, Arc<Policy>>,
    screen: &Screen,
) -> Vec<ScreeningGroup> {
    let mut found = Vec::new();
    for (account, policy) in accounts {
        let own: Vec<&ScreeningRecord> = records.iter().filter(|record| record.account == *account).collect();
        for places in screening::groups(own.iter().map(|record| &*record.body)) {
            let members: Vec<&ScreeningRecord> = places.into_iter().map(|place| own[place]).collect();
            let (Some(newest), Some(oldest)) = (members.first(), members.last()) else { continue };
            let texts: Vec<&str> = members.iter().map(|record| &*record.body).collect();
            let offer = screening::offer(&texts, policy, screen);
            found.push(ScreeningGroup {
                account: *account,
                count: members.len(),
                between: (oldest.at, newest.at),
                categories: members.iter().flat_map(|record| record.categories.iter().cloned()).collect(),
                sample: Arc::new((*newest).clone()),
                fitting: offer.as_ref().map_or(0, fitting),
                offer: offer.map(|offer| offer.text),
            });
        }
    }
    found.sort_by_key(|group| std::cmp::Reverse(group.sample.id));
    found
}

fn fitting(offer: &Offer) -> usize {
    offer.fits.iter().filter(|fits| **fits).count()
}

/// What the texts of the first record's shape lead to.
struct Siblings {
    offer: Result<String, TemplateError>,
    /// Those that pass under the offered template.
    of_offer: Vec<ScreeningId>,
    /// Those that pass under the operator's.
    of_written: Vec<ScreeningId>,
}

fn siblings(records: &[ScreeningRecord], written: Option<&str>, policy: &Policy, screen: &Screen) -> Siblings {
    let shapes = screening::groups(records.iter().map(|record| &*record.body));
    // The first group has the first text.
    let members: Vec<&ScreeningRecord> = shapes.into_iter().take(1).flatten().map(|place| &records[place]).collect();
    let texts: Vec<&str> = members.iter().map(|record| &*record.body).collect();
    let offer = screening::offer(&texts, policy, screen);
    let of_offer = match &offer {
        Ok(offer) => members.iter().zip(&offer.fits).filter(|(_, fits)| **fits).map(|(record, _)| record.id).collect(),
        Err(_) => Vec::new(),
    };
    let written = written.and_then(|text| Template::parse(text).ok());
    // The same text often comes again.
    let mut known: HashMap<&str, bool> = HashMap::new();
    let mut passes = |text| match &written {
        Some(template) => *known.entry(text).or_insert_with(|| template.passes(text, policy, screen)),
        None => false,
    };
    let of_written = records.iter().filter(|record| passes(&*record.body)).map(|record| record.id).collect();
    Siblings { offer: offer.map(|offer| offer.text), of_offer, of_written }
}
